import assert from "node:assert/strict";
import {
	cancelReason,
	putMany,
	restartsOf,
	restartTable,
	type SavingRule,
	savesSafely,
	type Told,
	type ToldMessage,
	told,
	toldChart,
	toldWithProgress,
	type Write,
	withUsers,
} from "etcd-watch-lab/pages";
import { type Lab, startLab } from "etcd-watch-lab/server";
import { faultsOf } from "#lib/follow/v3/known-faults.js";
import { notCovered } from "../../support/coverage";
import { etcd35 } from "../../support/etcd";
import { etcdOf } from "../../support/etcds";
import { etcd34 } from "../../support/found";
import { assertOnlySvg, textsOf, viewOf } from "../../support/page/charts";
import { HOSTILE } from "../../support/page/fixtures";

/** Revisions of the events of one message, each with "p" or "d" and a key, and whether it is a fragment. */
function message(revision: number, revisions: readonly number[], fragment = false): ToldMessage {
	const events = revisions.map((one, at) => ({ type: "put", key: `k${at}`, revision: one }) as const);
	return { kind: events.length === 0 ? "progress" : "events", revision, events, fragment };
}

const recording = (...messages: readonly ToldMessage[]): Told => ({
	messages,
	last: messages.at(-1)?.revision ?? 0,
});

const each: SavingRule = ({ event }) => event?.revision;
const header: SavingRule = ({ message: { revision }, next }) => (next ? undefined : revision);
const lastOfMessage: SavingRule = ({ event, next }) => (next ? undefined : event?.revision);
const whole: SavingRule = ({ message: { fragment }, event, next }) => {
	if (event === undefined) return undefined;
	return (next ? next.revision > event.revision : !fragment) ? event.revision : undefined;
};

describe("a reader that ends after any step (11)", () => {
	it("loses what lies at or below the revision that it had saved, and is told again what lies above", () => {
		const transaction = recording(message(1, [1]), message(2, [2, 2, 2]));
		assert.deepEqual(restartsOf(transaction, each), { places: 4, losing: 2, mostLost: 2, mostTwice: 0 });
		assert.deepEqual(restartsOf(transaction, whole), { places: 4, losing: 0, mostLost: 0, mostTwice: 2 });
		assert.deepEqual(
			restartsOf(transaction, () => undefined),
			{ places: 4, losing: 0, mostLost: 0, mostTwice: 4 },
		);
	});

	it("is not safe with the header's revision while it is behind, nor after a progress that is ahead", () => {
		const behind = recording(message(4, [1, 2]), message(4, [3, 4]));
		assert.equal(restartsOf(behind, header).mostLost, 2);
		assert.equal(restartsOf(behind, lastOfMessage).mostLost, 0);
		assert.equal(restartsOf(recording(message(2, []), message(2, [1, 2])), header).mostLost, 2);
	});

	it("is not safe with the last revision of a message that goes on", () => {
		const cut = recording(message(2, [1, 2], true), message(2, [2]));
		assert.deepEqual(
			[lastOfMessage, each, whole].map((rule) => restartsOf(cut, rule).mostLost),
			[1, 1, 0],
		);
		// The earlier revision of the piece is whole all the same.
		assert.equal(restartsOf(cut, whole).mostTwice, 1);
	});

	it("gives a verdict that is refuted by one recording, and untested where there is nothing to end between", () => {
		const one = recording(message(1, [1]));
		const verdict = (rule: SavingRule, ...all: readonly Told[]) =>
			savesSafely("it is safe", Object.fromEntries(all.entries()), rule).verdict;
		assert.equal(verdict(each, one), "untested");
		assert.equal(verdict(each, one, recording(message(1, [1, 1]))), "refuted");
		assert.equal(verdict(whole, one, recording(message(1, [1, 1]))), "confirmed");
		const { because } = savesSafely("s", { one, two: recording(message(1, [1, 1])) }, whole);
		assert.equal(because, "nothing was lost at any of 3 places; up to 1 event came twice");
		assert.match(
			restartTable({ two: recording(message(1, [1, 1])) }, { each, whole }).text,
			/each +│ ✗ loses up to 1, at 1 of 2 places\s[\s\S]*whole +│ ✓ loses nothing; told again: up to 1/,
		);
	});
});

describe("the chart of a watch's messages (11)", () => {
	const short = recording(message(1, [1]), message(3, [2, 2], true), message(3, [2, 3]), message(3, []));

	it("has a lane for each message, and says fragments and headers in its text", () => {
		const { text, svg } = toldChart(short, { title: "t" });
		assert.match(text, /2 +│ 2: put k0, put k1 +│ true +│ 3\n/);
		assert.match(text, /3 +│ 2: put k0; 3: put k1 +│ +│ 3\n/);
		assert.match(text, /4 +│ \(progress, no events\)/);
		const texts = textsOf(svg);
		for (const words of ["message 2", "2 events, fragment", "a fragment: more of it follows", "progress"])
			assert.ok(texts.includes(words), words);
		assert.deepEqual(viewOf(toldChart(short)).warnings, []);
	});

	it("draws a message of many events as a bar", () => {
		const many = Array.from({ length: 1000 }, (_, at) => at + 1);
		const { svg, text } = toldChart(recording(message(1200, many)));
		assert.ok(textsOf(svg).includes("1000 events, revisions 1 to 1000"));
		assert.match(text, /1000 events, revisions 1 to 1000 +│ +│ 1200/);
	});

	it("shows a key of any text, and refuses what it can't draw", () => {
		for (const key of HOSTILE) {
			const events = [{ type: "delete", key, revision: 1 }] as const;
			const { svg } = toldChart(recording({ ...message(1, [1]), events }), { title: key });
			assertOnlySvg(svg);
		}
		assert.throws(() => toldChart(recording()), /1 to 20 messages, not of 0/);
		const twentyOne = Array.from({ length: 21 }, (_, at) => message(at + 1, [at + 1]));
		assert.throws(() => toldChart(recording(...twentyOne)), RangeError);
	});
});

const rename: Write = async (v3, below) => {
	await v3.put(`${below}old`, "1");
	return await v3.txn({
		success: [
			{ op: "delete", key: `${below}old` },
			{ op: "put", key: `${below}new`, value: "1" },
		],
	});
};
const large: Write = async (v3, below) => {
	for (const n of [1, 2, 3, 4]) await v3.put(`${below}${n}`, "x".repeat(600_000));
	return await v3.delete(below, { prefix: true });
};

for (const series of ["3.4", "3.5.1", "3.7"] as const) {
	describe(`what a message of v3 brings (11), on etcd ${series}`, function () {
		this.timeout(120_000);
		let etcd: Lab | undefined;

		before(async () => {
			const newest = series === "3.7" ? await etcdOf("3.7") : undefined;
			if (newest && "missing" in newest) return notCovered(`11 on ${newest.missing}`);
			const binary = series === "3.4" ? etcd34() : series === "3.7" ? newest?.binary : etcd35;
			if (binary === undefined) return notCovered("11 on etcd 3.4 (Debian: etcd-server)");
			etcd = await startLab({ binary, env: {} });
		});
		after(() => etcd?.close());

		it("is all events of a transaction, at one revision", async () => {
			if (etcd === undefined) return;
			const { messages, last } = await told(etcd, rename);
			assert.equal(last, 2);
			assert.deepEqual(
				messages.map(({ events }) => events.map(({ type, key, revision }) => `${type} ${key} ${revision}`)),
				[["put old 1"], ["delete old 2", "put new 2"]],
			);
		});

		it("is never told of to who goes on after a revision of which it had one event", async () => {
			if (etcd === undefined) return;
			const below = `${etcd.newPrefix()}/`;
			const { header: revision } = await rename(etcd.v3, below);
			const restarted = await etcd.v3.watch(below, { prefix: true, startRevision: revision.revision + 1 });
			await etcd.v3.put(`${below}later`, "1");
			const { value: next } = await restarted.events().next();
			restarted.close();
			assert.equal(next.kv.key, `${below}later`);
		});

		it("is up to 1000 revisions when a watch is behind, headed with the store's", async () => {
			if (etcd === undefined) return;
			const { messages } = await told(etcd, (v3, below) => putMany(v3, below, 1200), { later: true });
			assert.deepEqual(
				messages.map(({ events, revision }) => [events.at(-1)?.revision, revision]),
				[
					[1000, 1200],
					[1200, 1200],
				],
			);
		});

		it("is a part of a revision above 2 MiB, if fragments were asked for, and else the whole", async () => {
			if (etcd === undefined) return;
			const shape = async (fragment: boolean) =>
				(await told(etcd as Lab, large, { prevKv: true, fragment })).messages
					.slice(4)
					.map((one) => [one.events.length, one.fragment]);
			assert.deepEqual(await shape(true), [
				[3, true],
				[1, false],
			]);
			assert.deepEqual(await shape(false), [[4, false]]);
		});

		it("is a progress before its events where the server has issue 15220, and behind them elsewhere", async () => {
			if (etcd === undefined) return;
			const { messages, refused } = await toldWithProgress(etcd, (v3, below) => putMany(v3, below, 5));
			assert.equal(refused, undefined);
			const kinds = messages.map(({ kind }) => kind);
			const isAhead = faultsOf(etcd.version).some(({ id }) => id === "15220");
			assert.deepEqual(kinds, isAhead ? ["progress", "events"] : ["events", "progress"]);
		});

		it("keeps a reader safe that saves what is whole, and no other, on these recordings", async () => {
			if (etcd === undefined) return;
			const recordings = {
				renamed: await told(etcd, rename),
				behind: await told(etcd, (v3, below) => putMany(v3, below, 1200), { later: true }),
				cut: await told(etcd, large, { prevKv: true, fragment: true }),
			};
			assert.deepEqual(
				[each, header, lastOfMessage, whole].map((rule) => savesSafely("s", recordings, rule).verdict),
				["refuted", "refuted", "refuted", "confirmed"],
			);
		});
	});
}

describe("how a watch of v3 ends (11)", function () {
	this.timeout(60_000);

	it("is canceled with etcd's reason, and not for a revision that has not been yet", async () => {
		const reasons = await withUsers(async ({ root, low }) => {
			await root.put("/mine", "1");
			const { header: now } = await root.put("/mine", "2");
			await root.compact(now.revision);
			return [
				await cancelReason(() => root.watch("/mine", { startRevision: 1 })),
				await cancelReason(() => low.watch("/others")),
				await cancelReason(async () => {
					const watch = await root.watch("/mine", { startRevision: now.revision + 2 });
					for (const value of ["3", "4"]) await root.put("/mine", value);
					return watch;
				}),
			];
		});
		assert.deepEqual(reasons, [
			"etcdserver: mvcc: required revision has been compacted (compact_revision 3)",
			"etcdserver: permission denied",
			"not canceled: told of revision 5",
		]);
	});
});
