import assert from "node:assert/strict";
import { type KeyNumbers, numbersChart, numbersTable } from "#lib/pages";
import { assertOnlySvg, rowsWith, spokenBy, textsOf, viewOf } from "../../support/page/charts";
import { HOSTILE } from "../../support/page/fixtures";

const v2: KeyNumbers = {
	api: "v2",
	key: "/k",
	after: [
		{ write: "set /k", isOwn: true, isAccepted: true, numbers: numbers(1, 1, 1, 1) },
		{ write: "set /other", isOwn: false, isAccepted: true, numbers: numbers(2, 2, 1, 1) },
		{ write: "compareAndSwap /k", isOwn: true, isAccepted: false, numbers: numbers(3, 2, 1, 1) },
		{ write: "update /k", isOwn: true, isAccepted: true, numbers: numbers(4, 3, 3, 1) },
		{ write: "delete /k", isOwn: true, isAccepted: true, numbers: { "X-Raft-Index": 5, "X-Etcd-Index": 4 } },
		{ write: "create /k", isOwn: true, isAccepted: true, numbers: numbers(6, 5, 5, 5) },
	],
};
const v3: KeyNumbers = {
	api: "v3",
	key: "/k",
	after: v2.after.map((one, at) => ({
		...one,
		numbers: { revision: at + 1, version: at < 3 ? 1 : 2 },
	})),
};

function numbers(raft: number, index: number, modifiedIndex: number, createdIndex: number) {
	return { "X-Raft-Index": raft, "X-Etcd-Index": index, modifiedIndex, createdIndex };
}

/** The boxes of one lane, as "value: first write to last". */
const boxes = (runs: readonly KeyNumbers[], name: string) =>
	rowsWith(numbersChart(runs), "x2", "say")
		.filter(({ say }) => String(say).includes(`: ${name} is `))
		.map(
			({ say, x, x2 }) =>
				`${/ is (\S+) after/.exec(String(say))?.[1]}: ${Math.round(Number(x))} to ${Math.round(Number(x2))}`,
		)
		.filter((box, at, all) => all.indexOf(box) === at);

describe("numbersChart", () => {
	it("draws a box for as long as a number stays the same, and none while the key is gone", () => {
		assert.deepEqual(boxes([v2], "modifiedIndex"), ["1: 1 to 3", "3: 4 to 4", "5: 6 to 6"]);
		assert.deepEqual(boxes([v2], "createdIndex"), ["1: 1 to 4", "5: 6 to 6"]);
		assert.deepEqual(boxes([v2], "X-Raft-Index").length, 6);
		assert.deepEqual(boxes([v2, v3], "version"), ["1: 1 to 3", "2: 4 to 6"]);
	});

	it("colours what a number counts, and says it in the legend for those that are there", () => {
		const texts = textsOf(numbersChart([v2]).svg);
		assert.ok(texts.includes("counts every attempt, refused or not"));
		assert.ok(texts.includes("counts the writes to the whole store"));
		assert.ok(!texts.includes("counts the writes to this key"));
		const fills = new Map(
			rowsWith(numbersChart([v2]), "x2", "fill", "say").map(({ say, fill }) => [
				String(say).split(" ")[1],
				fill,
			]),
		);
		assert.equal(fills.get("modifiedIndex"), fills.get("X-Etcd-Index"));
		assert.notEqual(fills.get("X-Raft-Index"), fills.get("X-Etcd-Index"));
	});

	it("names every write above its column, and what was not written", () => {
		const texts = textsOf(numbersChart([v2, v3]).svg);
		for (const { write } of v2.after) assert.ok(texts.includes(write), write);
		assert.ok(texts.includes("nothing written"));
		assert.ok(texts.includes("write, in the order made"));
	});

	it("can be played up to a write, and speaks of every box", () => {
		const { view, warnings } = viewOf(numbersChart([v2, v3]));
		assert.deepEqual(warnings, []);
		view.signal("upTo", 1).run();
		const spoken = spokenBy(view).map(({ say }) => say);
		assert.ok(spoken.includes("v2: modifiedIndex is 1 after write 1, set /k"));
		assert.ok(!spoken.some((say) => /write [2-6]/.test(say)));
	});

	it("says the same as a table, – for what is not there", () => {
		const { text } = numbersTable([v2]);
		assert.match(text, /× compareAndSwap \/k │ +3 │ +2 │ +1 │ +1/);
		assert.match(text, /delete \/k +│ +5 │ +4 │ +– │ +–/);
		assert.match(numbersChart([v2]).text, /write +│ X-Raft-Index/);
	});

	it("are refused of runs of different writes: what only one has would not be drawn", () => {
		const longer = { ...v3, after: [...v3.after, ...v3.after.slice(-1)] };
		for (const runs of [
			[v2, longer],
			[longer, v2],
		]) {
			assert.throws(() => numbersChart(runs), { name: "RangeError", message: /7 writes|6 writes/ });
			assert.throws(() => numbersTable(runs), { name: "RangeError", message: /the same writes/ });
		}
	});

	it("lets no key out of its quotes, gives the same bytes each time, and refuses what it can't show", () => {
		const hostile = HOSTILE.join(" ");
		const run: KeyNumbers = {
			...v2,
			key: hostile,
			after: v2.after.map((one) => ({ ...one, write: hostile })),
		};
		assertOnlySvg(numbersChart([run]).svg);
		assert.equal(numbersChart([run]).svg, numbersChart([run]).svg);
		assert.throws(() => numbersChart([]), RangeError);
		const many = Array.from({ length: 17 }, () => v2.after[0] as KeyNumbers["after"][number]);
		assert.throws(() => numbersChart([{ ...v2, after: many }]), RangeError);
	});
});
