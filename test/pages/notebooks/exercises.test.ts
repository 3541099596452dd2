import assert from "node:assert/strict";
import vm from "node:vm";
import { exercises, type Scenario, scenario } from "etcd-watch-lab";
import { comparePrediction, type Prediction, predictionOf } from "#lib/page";
import { answers } from "#lib/pages/exercises/answers.js";
import type { Notebook } from "#tools/notebooks/file";
import { forEachEtcd } from "../../support/etcd";
import { codeCells, pages, sourceOf, textOf } from "./reading";

type Name = keyof typeof exercises;
/** A run, by what it is, and what the judge says of it. */
type Runs = Readonly<Record<string, readonly [Scenario, words: RegExp]>>;

interface Case {
	readonly notebook: string;
	/** What the judge says of the attempt that the notebook starts with. */
	readonly start: RegExp;
	/** The API that its attempts run on; "v2" unless given. */
	readonly api?: "v3";
	/** Runs on v3, of which there is no model: those on v2 are in test/unit/notebooks. */
	readonly solvedOnV3?: Runs;
	readonly notYetOnV3?: Runs;
}

const recursive = true;
const begin = scenario("run");
/** One write of v3 that is two events, at revision 3. */
const twoGo = begin.set("/a/x", "1").set("/a/y", "1").rmdir("/a", { recursive });
const removed = begin.set("/a/k", "1").delete("/a/k");
const late = (before: Scenario, afterIndex: number) => before.watch("late", "/a", { recursive, afterIndex });
const onK = begin.set("/a").set("/b").set("/k", "1");

const cases: Readonly<Record<Name, Case>> = {
	unseenWrite: {
		notebook: "00-start-here",
		start: /heard of every write: where would a write be none of its business/,
	},
	plainWatchHearsFromAbove: {
		notebook: "01-recursive",
		start: /it heard nothing: which write takes the watched key away without naming it/,
	},
	grandchildAddedAndDeleted: {
		notebook: "02-grandchild-writes",
		start: /set \/a\/b\/c was refused again: \/a\/b is a file, and a file has no children/,
	},
	pollsThatLoseNothing: {
		notebook: "03-missed-events",
		start: /the event at 2 was lost: nobody was listening, and the next poll did not ask for it/,
	},
	quietKeySurvives: {
		notebook: "04-afterindex-recovery",
		start: /"quiet" got 401 at index 1201: it asked after the flood, when its index was no longer kept/,
	},
	oneEventForMany: {
		notebook: "05-events-as-a-log",
		start: /expire \/a\/1 took one key with it, itself\. What can expire that holds others/,
	},
	numbersToOrder: {
		notebook: "06-indexes-and-revisions",
		api: "v3",
		start: /create_revision is 1: that write made \/k\. What has to be written before/,
		solvedOnV3: {
			"writes elsewhere before and between": [onK.set("/a").set("/k", "2"), /only two were \/k's own/],
			"a life before": [
				begin
					.set("/k", "1")
					.delete("/k")
					.create("/k", "2")
					.create("/k", "not again")
					.set("/elsewhere")
					.compareAndSwap("/k", "3", { prevValue: "2" }),
				/the third write of the store made \/k/,
			],
		},
		notYetOnV3: {
			"no write of the key": [begin.set("/a"), /nobody wrote \/k/],
			"a key that is gone": [begin.set("/k").delete("/k"), /\/k is gone at the end/],
			"three writes": [onK.set("/k", "2").set("/k", "3"), /create_revision is right, and version is 3/],
			"two writes at once": [
				onK.set("/k", "2"),
				/mod_revision is 4: between the two writes to \/k the store has to be written once, and elsewhere/,
			],
			"a write between that does nothing": [
				onK.update("/none").set("/k", "2"),
				/mod_revision is 4: .* what does nothing takes no revision/,
			],
		},
	},
	shownByTheReplayAlone: {
		notebook: "07-field-guide",
		start: /heard all that came from the history: depth is no reason/,
	},
	removalInAGap: {
		notebook: "08-faults",
		start: /\/a\/k was made and removed within the gap: who never knew of it can't miss it/,
		solvedOnV3: {
			"a compaction": [
				begin
					.follow("follower", "/a", { recursive })
					.set("/a/k", "1")
					.cut("follower")
					.delete("/a/k")
					.set("/a/l", "1")
					.compact()
					.reconnect("follower"),
				/"follower" was told that \/a\/k went between 2 and/,
			],
		},
	},
	sameEventTwice: {
		notebook: "09-playground",
		start: /each event came once: \/a was removed, but which kind of watcher stays on the list/,
	},
	keptDelete: {
		notebook: "10-versions",
		api: "v3",
		start:
			/the compaction ends at the delete of \/a\/k at 2, and before 3\.4\.34 and 3\.5\.16 that one is not told/,
		solvedOnV3: {
			"a compaction below the delete": [
				late(removed.compact(1).set("/a/k", "2"), 1),
				/the delete of \/a\/k at 2 came, since the compaction ended before it, at 1/,
			],
			"another delete": [
				late(removed.compact().set("/a/k", "2").delete("/a/k"), 2),
				/the delete of \/a\/k at 4 came/,
			],
		},
		notYetOnV3: {
			"no compaction": [late(removed, 1), /nothing was compacted/],
			"no delete": [late(begin.set("/a/k", "1").compact(), 0), /nothing was removed/],
			"a watch from then on": [
				removed.compact(1).watch("late", "/a", { recursive }),
				/no watch asked for the past after the compaction/,
			],
			"a watch from after the delete": [
				late(removed.set("/a/k", "2").compact(1), 2),
				/the watch asks from 3 on: the delete of \/a\/k at 2 lies before/,
			],
			"a delete when the watch was open": [
				late(begin.set("/a/k", "1").set("/a/k", "2").compact(1), 1).delete("/a/k"),
				/the delete of \/a\/k at 3 came when the watch was open/,
			],
			"a delete that was compacted away": [
				late(removed.set("/a/k", "2").compact(), 1),
				/the delete of \/a\/k at 2 has been compacted with all that is older than 3/,
			],
		},
	},
	wholeRevision: {
		notebook: "11-delivery",
		api: "v3",
		start:
			/the watch asks from revision 4 on: who had handled one event of revision 3 is never told of the other/,
		solvedOnV3: {
			"a watch from the revision itself": [
				late(twoGo, 2).set("/a/z", "1"),
				/all 2 events of revision 3 came: the watch asks for the revision itself/,
			],
			"a poll from it": [
				twoGo.set("/a/z", "1").poll("once", "/a", { recursive, afterIndex: 2 }),
				/all 2 events of revision 3 came/,
			],
		},
		notYetOnV3: {
			"writes of one key each": [begin.set("/a/x").delete("/a/x"), /no write changed several keys/],
			"a watch from then on": [
				twoGo.watch("from now on", "/a", { recursive }).set("/a/z"),
				/no watch asked for the past/,
			],
			"a watch that was open before": [
				late(begin.set("/a/x", "1").set("/a/y", "1"), 0).rmdir("/a", { recursive }),
				/revision 3 was written when the watch was open/,
			],
			"a watch on one of the keys": [
				twoGo.watch("one key", "/a/x", { afterIndex: 2 }),
				/not all of the 2 events of revision 3 came/,
			],
			"a watch from the start": [late(twoGo, 0), /revision 3 came whole, and what is older came once more/],
		},
	},
};

function pageOf(notebook: string): Notebook {
	const page = pages().find(({ name }) => name === notebook);
	assert.ok(page, notebook);
	return page.notebook;
}

/** The answer of the lab's that an exercise shows in the end, as a cell of a notebook would run it. */
function ownAnswer(name: Name): { attempt: Scenario; myBet: Prediction } {
	const { code } = answers[name];
	return vm.runInThisContext(`(scenario, predict) => {\n${code}\nreturn { attempt, myBet };\n}`)(
		scenario,
		predictionOf,
	);
}

describe("an exercise", () => {
	it("is in one notebook, and every notebook has one", () => {
		for (const [name, { notebook }] of Object.entries(cases)) {
			const source = codeCells(pageOf(notebook)).map(sourceOf).join("\n");
			assert.match(source, new RegExp(`checkExercise\\(exercises\\.${name},`), notebook);
		}
		assert.deepEqual(Object.keys(cases).sort(), Object.keys(exercises).sort());
		assert.deepEqual(
			Object.values(cases)
				.map(({ notebook }) => notebook)
				.sort(),
			pages().map(({ name }) => name),
		);
	});

	// As it is committed, which notebooks.test compares with a fresh run.
	for (const [name, { notebook, start }] of Object.entries(cases))
		it(`${notebook}: ${name} is not solved by the attempt that the notebook starts with, and says why`, () => {
			const check = codeCells(pageOf(notebook)).find((cell) => /\bcheckExercise\(/.test(sourceOf(cell)));
			const said = (check?.outputs ?? []).map(textOf).join("");
			assert.match(said, /^✗ not yet/m);
			assert.match(said, start);
		});

	forEachEtcd((server) => {
		for (const [name, { notebook, api = "v2", solvedOnV3 = {}, notYetOnV3 = {} }] of Object.entries(
			cases,
		) as [Name, Case][]) {
			describe(`${notebook}: ${name}`, () => {
				it("is solved by its own answer, which is predicted", async () => {
					const { attempt, myBet } = ownAnswer(name);
					const run = await attempt.run(server.lab, { api });
					const { solved, words } = exercises[name].judge(run);
					assert.equal(solved, true, words);
					const { wrong, unknown, summary } = comparePrediction(myBet, run);
					assert.deepEqual([wrong, unknown], [0, 0], summary);
				});

				for (const [isSolved, all] of [
					[true, solvedOnV3],
					[false, notYetOnV3],
				] as const)
					for (const [what, [run, words]] of Object.entries(all))
						it(`is ${isSolved ? "" : "not "}solved on v3 by ${what}`, async () => {
							const found = exercises[name].judge(await run.run(server.lab, { api: "v3" }));
							assert.match(found.words, words);
							assert.equal(found.solved, isSolved, found.words);
						});
			});
		}
	});
});
