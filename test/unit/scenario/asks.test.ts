import assert from "node:assert/strict";
import type { Timeline } from "etcd-watch-lab";
import { explain } from "#lib/timeline";
import { type Ask, accountOf, type Change, type Span } from "#lib/timeline/account";
import { runIn } from "../../support/scenario/cases";

function askWords({ at, from, until, seenTo, pauses, replayed, answer }: Ask): string {
	const paused = pauses.map((pause) => `, not reading ${pause.after} to ${pause.until}`).join("");
	const past = replayed === undefined ? "" : `, replayed from ${replayed}`;
	const by = answer === undefined ? "" : `, answered by ${answer.index}`;
	return `at ${at} for ${from} to ${until}, seen to ${seenTo}${paused}${past}${by}`;
}

function spanWords({ kind, after, until, answered }: Span): string {
	return `${kind} ${after} to ${until ?? "the end"}${answered ? ", answered" : ""}`;
}

function changeWords({ action, key, index, prevNode, made, gone, heldWatched }: Change): string {
	const parts = { made, gone, held: [...heldWatched], before: [prevNode?.value ?? ""] };
	const rest = Object.entries<readonly string[]>(parts).map(([what, some]) =>
		some.join("") === "" ? "" : ` ${what} ${some}`,
	);
	return `${action} ${key} @${index}${rest.join("")}`;
}

/** What is read out of a run: a watcher's asks, what it first asked for, when it was open, and what the writes changed. */
function read(run: Timeline, what: string): string {
	const account = accountOf(run);
	if (what === "changes") return account.changes.map(changeWords).join(" | ");
	const { asks, spans, firstAsked, finder } = account.watcher("w");
	if (what === "asks") return asks.map(askWords).join(" | ") || "none";
	if (what === "open") return spans.map(spanWords).join(" | ");
	if (what === "first") return String(firstAsked);
	const [kind = "", number] = what.split(" ");
	if (kind === "write") return explain(run, "w", Number(number)).reason;
	// The number of the ask for which an index could be sent, of the last that was over before, of the first for later ones.
	return [finder.covering(Number(number)), finder.before(Number(number)), finder.after(Number(number))]
		.map((ask) => (ask === undefined ? "none" : asks.indexOf(ask) + 1))
		.join(", ");
}

/** Longer than what a record keeps of a value. */
const long = "x".repeat(121);

const table = `
an ask is open to the end, and has seen all that was due, or by no proof what came
	watch w /a; set /a; set /a
		asks: at 0 for 1 to Infinity, seen to Infinity
		first: 1
	watch w /a; set /a; set /a; set /a but w got 2, 1; w proof none
		asks: at 0 for 1 to Infinity, seen to 2
	watch w /a; set /a but w got nothing; w proof none
		asks: at 0 for 1 to Infinity, seen to 0
an ask begins with an asking: what was before is nobody's
	stream w /a; set /a; set /a but w lived paused 0, asked 1
		asks: at 1 for 2 to Infinity, seen to Infinity
	stream w /a; set /a; set /a but w lived asked 0, cut 1, paused 1, asked 1
		asks: at 0 for 1 to 1, seen to 1 | at 1 for 2 to Infinity, seen to Infinity
	watch w /a; set /a but w lived cut 0; w got nothing
		asks: none
		first: 0
asks that nothing came between are one, from the lowest index on
	pollLoop w /a; set /a; set /a; set /a but w lived asked 0 from 1, asked 2
		asks: at 0 for 1 to Infinity, seen to Infinity
an ask for a later index is for no earlier one, and reaches to before it
	watch w /a; set /a; set /a; set /a but w lived asked 0 from 5, paused 2; w got nothing
		asks: at 0 for 5 to Infinity, seen to Infinity, not reading 2 to Infinity
	watch w /a; set /a; set /a but w lived asked 0 from 5, closed 2; w got nothing
		asks: at 0 for 5 to 4, seen to 4
an ask has each pause up to where its own reading went on
	stream w /a; 5 × set /a but w lived asked 0, paused 1, listed 2, resumed 3, paused 4, resumed 5
		asks: at 0 for 1 to Infinity, seen to Infinity, not reading 1 to 3, not reading 4 to 5
		open: listening 0 to 1 | paused 1 to 3 | listening 3 to 4 | paused 4 to 5 | listening 5 to the end
	stream w /a; pause w; set /a; resume w; set /a; close w; set /a
		asks: at 0 for 1 to 2, seen to 2, not reading 0 to 1
		open: listening 0 to 0 | paused 0 to 1 | listening 1 to 2
a poll is answered by its event, or by a proxy with nothing
	poll w /a; set /a; set /a; poll w; set /a
		asks: at 0 for 1 to 1, seen to 1, answered by 1 | at 2 for 3 to 3, seen to 3, answered by 3
		open: listening 0 to 1, answered | listening 2 to 3, answered
	poll w /a; set /a; set /a but w lived asked 0, answered 2; w got nothing
		asks: at 0 for 1 to 2, seen to 0
	poll w /a; set /a; set /a but w lived asked 0; w got nothing; w proof answered
		asks: at 0 for 1 to 0, seen to 0
an error says that it was away only where it names what it can't have
	watch w /a; set /a; set /a but w lived asked 0, error 400 2; w missed 2
		asks: at 0 for 1 to 2, seen to 1
	watch w /a; set /a; set /a but w lived asked 0, error 401 2 2-2; w missed 2
		asks: at 0 for 1 to 1, seen to 1
an ask has seen what came up to its end, in whatever order, and none of what came before it
	watch w /a; 4 × set /a over 1 but w lived asked 0, cut 2, asked 2, cut 4; w got 1
		asks: at 0 for 1 to 2, seen to 1 | at 2 for 3 to 4, seen to 2
an ask is answered from the history by what lay between its index and its beginning
	set /a; set /a; watch w /a after 0; set /a
		asks: at 2 for 1 to Infinity, seen to Infinity, replayed from 1
	watch w /a; 4 × set /a over 1 but w lived asked 0, cut 2, asked 3 from 3; w got 1, 2, 3@3 replayed
		asks: at 0 for 1 to 2, seen to 2 | at 3 for 3 to Infinity, seen to Infinity, replayed from 3
	watch w /a; set /a; set /a but w lived asked 0, cut 2, asked 2 from 1
		asks: at 0 for 1 to 2, seen to 2 | at 2 for 1 to Infinity, seen to Infinity
an index falls to the ask that is known to have seen it, else to the one that reaches furthest
	watch w /a; 5 × set /a over 1 but w lived asked 0, cut 3, asked 3 from 2, cut 4; w got 1, 3, 4
		index 1: 1, none, 2
		index 3: 2, none, none
		index 4: 2, 1, none
		index 5: none, 2, none
	watch w /a; 5 × set /a over 1 but w lived asked 0 from 2, cut 3, asked 3 from 1, cut 4; w got 3
		asks: at 0 for 2 to 3, seen to 3 | at 3 for 1 to 4, seen to 3
		index 1: 2, none, 1
		index 3: 2, none, none
		index 4: 2, 1, none
	watch w /a; 5 × set /a over 1 but w lived asked 0 from 9, cut 2, asked 2 from 1, cut 3, asked 3 from 2, cut 3; w got nothing
		index 1: 2, none, 1
		index 3: 2, none, 1
		index 4: none, 3, 1
		index 9: none, 3, none
	poll w /a; 6 × set /a over 1 but w lived asked 0 from 3, cut 5, asked 6 from 1, answered 6; w got 4@6 replayed
		asks: at 0 for 3 to 5, seen to 4 | at 6 for 1 to 4, seen to 4, replayed from 4, answered by 4
		index 4: 2, none, none
	watch w /a; 5 × set /a over 1 but w lived asked 0, cut 3, asked 3 from 2, cut 4; w got 1
		index 4: 2, 1, none
	watch w /a; 5 × set /a over 1 but w lived asked 0 from 9, cut 2, asked 2 from 1, cut 3; w got nothing
		index 9: none, 2, none
	watch w /a; 6 × set /a over 1 but w lived asked 0, cut 4, asked 4 from 9, cut 4, asked 4 from 1, cut 5; w got nothing
		index 6: none, 3, 2
what a write changed has the directories that it made, and what went with it
	watch w /a/c; set /a/c/2 x; set /a/c/1 y; set /b; rmdir /a/...; set /a/d z; set /a/d q; delete /a/d; set /a/d; rmdir /a/...
		changes: set /a/c/2 @1 made /a/c,/a | set /a/c/1 @2 | set /b @3 | delete /a @4 gone /a/c,/a/c/1,/a/c/2 held /a/c | set /a/d @5 made /a | set /a/d @6 before z | delete /a/d @7 before q | set /a/d @8 | delete /a @9 gone /a/d
	set /a/b; delete /a/b; rmdir /a
		changes: set /a/b @1 made /a | delete /a/b @2 | delete /a @3
	set /a/b; delete /a/b but write 1 unanswered
		changes: delete /a/b @2
	set /a/b; delete /a/b but write 2 key /
		changes: set /a/b @1 made /a | delete / @2 gone /a,/a/b
	watch w /a/b; set /a/b x; delete /a/b but api v3
		changes: put /a/b @1 | delete /a/b @2 before x
a write is where its index is
	set /a; set /b but write 1 index 5
		changes: set /b @2 | set /a @5
what is there ends with the store that was wiped, and with no other fault
	watch w /a/b; set /a/b; set /c; set /a/d; rmdir /a/... but member wipe 2
		changes: set /a/b @1 made /a | set /c @2 | set /a/d @3 made /a | delete /a @4 gone /a/d
	watch w /a/b; set /a/b; set /c; set /a/d; rmdir /a/... but member restart 2
		changes: set /a/b @1 made /a | set /c @2 | set /a/d @3 | delete /a @4 gone /a/b,/a/d held /a/b
	watch w /a/b; set /a/b; set /c; set /a/d; rmdir /a/... but member wipe 4
		changes: set /a/b @1 made /a | set /c @2 | set /a/d @3 | delete /a @4 gone /a/b,/a/d held /a/b
a write without an answer was carried out where an event is of its key, kind and value, and of no other write
	watch w /a; set /a v but write 1 unanswered
		write 1: own key
	watch w /a; set /a v but write 1 undone
		write 1: unanswered write
	watch o /a; watch w /a; set /a v; set /a v but o missed 1; write 1 unanswered; write 2 unanswered
		write 1: own key
		write 2: own key
	watch w /a; set /b; set /a v but w got 1 set /a=v; write 1 unanswered; write 2 unanswered
		write 1: unanswered write
		write 2: unanswered write
	set /a v; watch w /a; delete /a but write 2 unanswered; w got 2 set /a=v
		write 2: unanswered write
	watch w /q/...; createInOrder /q v but write 1 unanswered
		write 1: recursive
	watch w /q/...; createInOrder /q v but write 1 unanswered; w got 1 create /q/r/1=v
		write 1: unanswered write
	watch w /a/...; set /a/1 v but write 1 unanswered; w got 1 set /a/2=v
		write 1: unanswered write
	watch w /a; set /a v but write 1 unanswered; w got 1 set /a
		write 1: own key
	watch w /a; set /a v; delete /a but write 2 unanswered
		write 2: own key
		changes: set /a @1 | delete /a @2 before v
	set /a v; watch w /a; delete /a but write 2 unanswered; write 2 value x
		write 2: own key
	watch w /a/...; 2 × set /a but write 2 unanswered
		write 2: recursive
	watch w /a; set /a ${long} but write 1 unanswered
		write 1: own key
	watch w /a; mkdir /a but write 1 unanswered
		write 1: own key
	watch w /a; mkdir /a but write 1 unanswered; w got 1 set /a=q
		write 1: unanswered write
	watch w /a; mkdir /a but write 1 unanswered; w got 1 create /a=q
		write 1: unanswered write
	set /a q ttl 60; watch w /a; refresh /a 60 but api v3; write 2 unanswered; w got 2 put /a=q
		write 2: unanswered write
	watch w /a; create /a q but write 1 unanswered; w got 1 set /a=q
		write 1: unanswered write
	watch w /a; create /a q but api v3; write 1 unanswered
		write 1: own key
	set /a q ttl 60; watch w /a; refresh /a 60 but write 2 unanswered; w got 2 update /a=q
		write 2: unanswered write
	set /a q; watch w /a; swap /a q r but write 2 unanswered
		write 2: own key
	set /a q; watch w /a; swap /a q r but write 2 unanswered; w got 2 set /a=r
		write 2: unanswered write
	mkdir /a; watch w /a/...; rmdir /a but write 2 unanswered
		write 2: own key
`;

describe("what is read out of a run", () => {
	let title = "";
	let words = "";
	for (const line of table.split("\n").slice(1, -1)) {
		const [, what, expected] = /^\t\t([^:]+): (.*)$/.exec(line) ?? [];
		if (!line.startsWith("\t")) title = line;
		else if (what === undefined) words = line.trim();
		else {
			const run = words;
			it(`${title}: ${what} of ${run}`, async () => {
				assert.equal(read(await runIn(run), what), expected);
			});
		}
	}

	it("is an ask for an index of a wiped store, which is none of the new one's", async () => {
		const run = await runIn("watch w /a; set /a; set /a but w got nothing; w lived asked 0, asked 0 from 9");
		const life = [
			{ kind: "asked", at: 0 },
			{ kind: "asked", at: 0, waitIndex: 9, ofWiped: true },
		] as const;
		const watchers = run.watchers.map((one) => ({ ...one, life }));
		assert.equal(read({ ...run, watchers }, "asks"), "at 0 for Infinity to Infinity, seen to Infinity");
	});

	it("has no index that was sent, where none was", async () => {
		const { asks } = accountOf(await runIn("poll w /a; set /a; poll w after 1")).watcher("w");
		assert.deepEqual(
			asks.map((ask) => ("waitIndex" in ask ? ask.waitIndex : "none")),
			["none", 2],
		);
	});

	it("is no watcher where the run has none", async () => {
		const run = await runIn("set /a");
		assert.throws(() => explain(run, "w", 1), /^RangeError: the run has no watcher "w"; it has none$/);
	});
});
