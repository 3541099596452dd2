import assert from "node:assert/strict";
import { runOnModel, scenario, type Timeline } from "etcd-watch-lab";
import { timelineRows } from "#lib/chart/text.js";
import { accountOf } from "#lib/timeline/account";
import { becauseWords, explain, whyWords } from "#lib/timeline/explain.js";
import { columnsOf, fitted, pixelsOf, printable, shortened, textTable } from "#lib/timeline/printable.js";
import { shownOf, totalWords } from "#lib/timeline/reading.js";
import {
	counted,
	inOrder,
	refusalLabel,
	refusalWords,
	runInWords,
	stretchesInWords,
} from "#lib/timeline/words.js";
import { severalKeys } from "../../pages/golden/odd";
import { runIn } from "../../support/scenario/cases";

/** A run of the model; "(wiped)" makes of its last ask one for an index of a store that was wiped before. */
async function seen(run: string): Promise<Timeline> {
	const [words = "", isWiped] = run.split(" (wiped)");
	const timeline = await runIn(words);
	if (isWiped === undefined) return timeline;
	const text = JSON.stringify({ ...timeline, faults: [{ kind: "wipe", at: 0 }] });
	return JSON.parse(text.replace(/"waitIndex":\d+(?!.*"waitIndex")/, '$&,"ofWiped":true'));
}

describe("why a write came to a watcher or not, in words", () => {
	/** A run, and for one of its writes what is said of it at "w". */
	const table: readonly (readonly [run: string, write: number, words: string])[] = [
		[
			"set /a/b; rmdir /a/...; watch w /a/b after 1",
			2,
			"delivered from the history: it had happened before the watcher asked for it",
		],
		[
			"set /a; watch w /a after 8; set /a but w lived asked 0 from 9; w got nothing (wiped)",
			2,
			"not delivered: it asks for what comes from index 9 of the store that was wiped; the new one's own indexes are lower, and a request for a later one waits and says nothing",
		],
		[
			"set /a; watch w /a after 8; set /a but w lived asked 0 from 9; w got nothing; api v3 (wiped)",
			2,
			"not delivered: the watch asks from revision 9 of the store that was wiped; the new one's own revisions are lower, and a watch from a later one waits and says nothing",
		],
		[
			"stream w /a; cut w; set /a; reconnect w; set /a",
			1,
			"not delivered: nobody was listening, its connection was cut at index 0. It came back at index 1 and asked for what comes from then on",
		],
		[
			"watch w /a; set /a but w lived closed 0; w got nothing",
			1,
			"not delivered: nobody was listening any more, it was closed at index 0",
		],
		[
			"watch w /a; set /a but w lived closed 0; w got nothing; api v3",
			1,
			"not delivered: no watch was open: it was closed at revision 0",
		],
		[
			"watch w /a; set /a but w lived listed 0; w got nothing",
			1,
			"not delivered: nobody was listening any more, it had never asked",
		],
		[
			"watch w /a; set /a but w lived error 400 0; w got nothing",
			1,
			"not delivered: nobody was listening any more, it had ended with 400  at index 0",
		],
		[
			"set /a; set /a; poll w /a after 0; set /a but api v3",
			3,
			"not delivered: no watch was open: the one before had ended at revision 2, and nobody asked for it later",
		],
		[
			"poll w /a; set /a but w got nothing; w lived asked 0; w proof answered; api v3",
			1,
			"not delivered: no watch was open: the one before had ended at revision 0, and nobody asked for it later",
		],
		[
			"poll w /a; set /a but w got nothing",
			1,
			"not delivered: the watcher was asking, and its poll had been answered without an event; what was on its way then is lost",
		],
		[
			"poll w /a; set /a but w got nothing; api v3",
			1,
			"not delivered: the watcher was asking, and the watch was closed after its first event at revision 1; what was on its way then is lost",
		],
		[
			"watch w /a; set /a; set /a but w missed 2; w proof none; member pause 1",
			2,
			"not delivered yet: the member that it waits on stands still, and the connection says nothing of it",
		],
		[
			"watch w /a; set /a; set /a but w missed 2; w proof none; member pause 0; member cutOff 1",
			2,
			"not delivered yet: the member that it waits on is cut off from its leader, and the connection says nothing of it",
		],
		[
			"watch w /a; set /a; set /a but w missed 2; w proof none; member pause 1; member cutOff 2",
			2,
			"not delivered yet: the member that it waits on stands still, and the connection says nothing of it",
		],
		[
			"stream w /a; pause w; set /a; resume w; pause w; set /a; close w but w missed 1, 2",
			1,
			"not delivered: the reader had stopped reading, the server's buffer of 100 events was full, and it dropped the watcher",
		],
		[
			"watch w /a; set /b but w got 1 replayed",
			1,
			'UNEXPLAINED: "w" on /a was sent set /b from the history, and no rule says why',
		],
		[
			"watch w /a; set /a; set /a/b but write 2 cause",
			2,
			"not delivered: the write failed with 104 Not a directory, so there was no event",
		],
	];
	for (const [run, write, words] of table)
		it(`is ${words}, of write ${write} in: ${run}`, async () => {
			assert.equal(whyWords(await seen(run), "w", write), words);
		});

	it("is of a v3 revision how many keys came of those that were due, and why another did not", () => {
		const text = JSON.stringify(severalKeys(1)).replaceAll("/a/3", "/b");
		const run = JSON.parse(text.replace('"fence"', '"none"'));
		assert.equal(
			whyWords(run, "w", 4),
			"delivered in part, 1 of 2 keys: /a/2 was not known: the watch asked for it, and nothing shows that it was not still on its way",
		);
	});

	it("is an error for a write that the run lacks", async () => {
		const run = await runIn("watch w /a; set /a");
		for (const say of [explain, whyWords, becauseWords])
			assert.throws(() => say(run, "w", 9), new RangeError("there is no write 9: this run has 1"));
	});

	it("is shown by the page of its rule, though a part of its key begins with an underscore", async () => {
		const run = await runIn("watch w /a/...; set /b/_x");
		assert.equal(explain(run, "w", 1).notebook, "00-start-here");
	});
});

describe("a write that took no index, in words", () => {
	const refused = { kind: "refused", code: 104, message: "Not a directory", cause: "" } as const;
	const failed = { kind: "failed", message: "cut", maybeApplied: false } as const;
	for (const [outcome, ...words] of [
		[refused, "104", "104 Not a directory", "refused with 104 Not a directory"],
		[{ ...refused, cause: "/a" }, "104", "104 Not a directory", "refused with 104 Not a directory (/a)"],
		[
			{ ...refused, code: 0, message: "no such key" },
			"nothing done",
			"no such key",
			"nothing done (no such key)",
		],
		[failed, "no answer", "no answer", "left without an answer (cut)"],
		[
			{ ...failed, maybeApplied: true },
			"no answer",
			"no answer",
			"left without an answer (cut), and may have been carried out",
		],
		[
			{ ...failed, maybeApplied: true, answered: true },
			"not known",
			"not known",
			"answered with an error (cut), and may have been carried out",
		],
	] as const)
		it(`is "${words.join('", "')}"`, () => {
			assert.deepEqual([refusalLabel(outcome, true), refusalLabel(outcome), refusalWords(outcome)], words);
		});
});

describe("the writes of a run", () => {
	it("stand by their index, and without one where they were tried", async () => {
		const idsOf = async (run: string) => inOrder(await runIn(run)).map(({ id }) => id);
		const run = "set /a; set /b; set /c; set /d";
		assert.deepEqual(await idsOf(`${run} but write 1 index 9`), [2, 3, 4, 1]);
		assert.deepEqual(await idsOf(`${run} but write 3 undone; write 1 index 9`), [2, 3, 4, 1]);
		assert.deepEqual(await idsOf("set /a; set /a/b; set /a/c; set /d"), [1, 2, 3, 4]);
	});
});

describe("a whole run in words, of many or none", () => {
	it("has its events by index, the first and last of its stretches, and of its errors", async () => {
		const errors = [0, 1, 2, 3, 4, 5].map((at) => `error 400 ${at}`).join(", ");
		const got = [19, 17, 15, 13, 11, 9, 7, 5, 3, 1].join(", ");
		assert.equal(
			runInWords(await runIn(`watch w /a; 19 × set /a over 1 but w got ${got}; w lived asked 0, ${errors}`)),
			"19 writes tried, 19 accepted, 0 refused. w (watch /a) got 10 events, index 1, 3, 5, 7, … 2 more stretches …, 13, 15, 17, 19; error 400 at index 0, ; error 400 at index 1, ; … 2 more …; error 400 at index 4, ; error 400 at index 5, .",
		);
	});

	it("has its compactions one after the other", async () => {
		const compactions = [1, 2].map((at) => ({ at, index: at }));
		assert.match(
			runInWords({ ...(await runIn("set /a")), compactions }),
			/forgotten\. compacted at revision 2: [^.]*\.$/,
		);
	});

	it("has a comma for every thousand from ten thousand on", () => {
		assert.deepEqual(
			[1, 9_999, 10_000, 1_234_567].map((count) => counted(count, "write")),
			["1 write", "9999 writes", "10,000 writes", "1,234,567 writes"],
		);
		assert.equal(stretchesInWords([1, 2, 4, 5, 6]), "1, 2, 4 to 6");
	});
});

describe("what is shown of a write at a watcher", () => {
	const accountIn = async (run: string) => accountOf(await runIn(run)).watcher("w");

	it("is the same where it had no answer and came", async () => {
		const run = "watch w /a; set /a 1; set /a 2";
		const shown = async (words: string) => {
			const account = await accountIn(words);
			return account.timeline.writes.map((write) => shownOf(account, write));
		};
		assert.deepEqual(await shown(`${run} but write 2 unanswered`), await shown(run));
	});

	it("is nobody waiting where it came back for later ones", async () => {
		const run = await runIn("watch w /a; set /a; set /a but w got 2; w lived asked 0, cut 0, asked 1 from 2");
		assert.deepEqual(
			timelineRows(run).rows.map(({ cells }) => cells),
			[["· nobody waiting"], ["set"]],
		);
	});

	it("is counted of what was due, and beside it what was not", async () => {
		for (const [run, ...words] of [
			["watch w /a; set /b", "nothing was due", "nothing was due"],
			["watch w /a; set /a/b", "nothing was due", "nothing was due of 1 event"],
			["watch w /a; set /a; delete /a; set /a/b", "2 of 2 came", "2 of 2 events came, 1 not due"],
		] as const) {
			const account = await accountIn(run);
			assert.deepEqual([totalWords(account), totalWords(account, "event")], words);
		}
	});
});

describe("a text that is shown", () => {
	const isolates = "\u2068a\u2069".repeat(20);
	it("has four digits for what can't be seen", () => {
		assert.equal(printable("\u061c"), "‹U+061C›");
	});

	it("is as wide without what takes no room, and wider in bold", () => {
		assert.equal(pixelsOf(isolates, 10), pixelsOf("a".repeat(20), 10));
		assert.ok(pixelsOf("a", 10, true) > pixelsOf("a", 10));
	});

	it("is fitted where it is just as wide, and cut where it is wider, to the last pixel", () => {
		const cut = "/begi…/ends";
		for (const text of ["/begin/ends", isolates]) assert.equal(fitted(text, pixelsOf(text, 10), 10), text);
		assert.equal(fitted("/begin/and/it/ends", pixelsOf(cut, 10), 10), cut);
		assert.equal(fitted("/begin/and/it/ends", pixelsOf(cut, 10), 10, true), "/beg…ends");
		assert.equal(fitted("/begin", 1, 10), "…");
	});

	it("keeps its last characters whole, and looks at 16 code units for each of them", () => {
		const accents = `a${"\u0301".repeat(50)}`;
		assert.equal(shortened(accents.repeat(300), 13), `${accents.repeat(6)}…${accents.repeat(6)}`);
		const endOf = (max: number) => shortened(accents.repeat(300), max).split("…")[1]?.length;
		// What lies at the border of that has been cut in two.
		const whole = (units: number) => units - (units % accents.length);
		assert.deepEqual([endOf(41), endOf(193)], [whole(2 * (2 * 20 + 256)), whole(4 * (2 * 96 + 256))]);
	});

	it("has no character of a long value cut in two", async () => {
		const { writes } = await runOnModel(scenario("v").set("/a", `a${"🇩🇪".repeat(40)}`));
		const cut = `a${"🇩🇪".repeat(9)}…`;
		const [{ value, outcome } = {}] = writes;
		assert.deepEqual([value, outcome?.kind === "accepted" && outcome.node.value], [cut, cut]);
	});

	it("has no flag and no family cut in two", () => {
		for (const [sign, rest, max] of [
			["🇩🇪", "", 13],
			["🇩🇪", "a", 13],
			["🇩🇪", "ab", 13],
			["🇩🇪", "abc", 13],
			["👨🏽‍👩🏽‍👧🏽‍👦🏽", "", 193],
		] as const) {
			const end = shortened(sign.repeat(300) + rest, max).split("…")[1] ?? "";
			assert.equal(end.replaceAll(sign, ""), rest, `${sign} and ${rest}`);
		}
	});

	it("comes in parts where one character has more than 256 code units, and comes to its end", () => {
		assert.equal(columnsOf(`a${"\u0301".repeat(300)}b`), 3);
	});

	it("has an empty cell where a row is shorter than the others", () => {
		const lines = textTable([["a", "b", "c"]], [["1", "2"]], ["right"]);
		assert.deepEqual(lines, ["a │ b │ c", "──┼───┼──", "1 │ 2 │"]);
	});
});
