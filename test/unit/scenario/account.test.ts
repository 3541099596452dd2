import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { exercises, type Timeline } from "etcd-watch-lab";
import { sideBySideChart, timelineChart } from "#lib/chart";
import { timelineRows } from "#lib/chart/text.js";
import { claims } from "#lib/claims";
import {
	comparePrediction,
	eventsTable,
	explainTable,
	gapTable,
	lossTable,
	predictionOf,
	timelineTable,
} from "#lib/page";
import { scenario } from "#lib/scenario";
import {
	compareTimelines,
	eventsOf,
	explain,
	type LifeEvent,
	lostInSilence,
	missedBy,
	saveTimeline,
} from "#lib/timeline";
import { accountOf, depthBelow, isTold } from "#lib/timeline/account";
import { reasons as allReasons, sourceOf } from "#lib/timeline/account/reasons.js";
import { lifeWords, runInWords, withoutWords } from "#lib/timeline/words.js";
import { root } from "#tools/paths";
import { severalKeys } from "../../pages/golden/odd";
import {
	answered,
	asked,
	closed,
	cut,
	file,
	listed,
	paused,
	resumed,
	timelineOf,
} from "../../support/scenario/builders";
import { runIn } from "../../support/scenario/cases";

/** What is said of a write at a watcher: the reason and the words, "unexplained" with what is thrown. */
function said(run: Timeline, watcher: string, write: number): string {
	try {
		const { reason, words } = explain(run, watcher, write);
		return `${reason}: ${words}`;
	} catch (error) {
		return `unexplained: ${error instanceof Error ? error.message : error}`;
	}
}

describe("what became of a write at a watcher", () => {
	/** By its title, runs, and below each what it says of all writes to a watcher, of one, or which were lost. */
	const table = String.raw`
	is a dropped stream where the server says that it has no such watcher, paused or not (S8)
		stream s /a; set /a; set /a; set /a but s missed 2, 3; s proof gone
			s: own key | dropped | dropped
			s 2: the server has dropped the watcher
	is a finding in v3 too, where the silence is proven (S14)
		watch w /a/...; set /a/1; set /a/2; set /a/3 but api v3; w missed 2
			w: recursive | unexplained | recursive
			w lost: 2
		watch w /a/...; set /a/1; set /a/2; set /a/3 but api v3; w missed 2; w proof none
			w: recursive | unproven | recursive
	is a finding in v3, too, where a watch is sent what is not in its range (S14)
		watch z /zzz; set /a/1 but api v3; z got 1
			z 1: ^unexplained: .* no rule says why
	is over at a poll that a proxy answered with nothing (S15a)
		poll p /a; set /a; set /a; set /a but p lived asked 0; p got nothing; p proof answered
			p: over | over | over
			p 1: answered without an event
		set /a; poll p /a; set /a; set /a but p lived asked 1, answered 1; p got nothing; p proof answered
			p: not yet asked | over | over
			p 3: nobody was listening any more, .* without an event$
	is told by the directory's removal where only an unanswered write can have made the key (S15d)
		watch w /d/k; set /d/x; set /d/k; rmdir /d/... but w missed 2; write 2 unanswered
			w: elsewhere | unanswered write | removed with its directory
	says that it came back, and why it asked for nothing of what it had missed (S16, L42)
		watch w /a/...; cut w; set /a/1; reconnect w; set /a/2; close w; set /a/3
			w: over | recursive | over
			w 1: nobody was listening, .* cut at index 0\. It came back at index 1 and asked for what comes from then on, since before its first event it has no index
			w 3: nobody was listening any more, it was closed at index 2
	is what a pause did only after it, and says so of a stream that was cut before it read on (S16)
		stream s /a; set /a; pause s; set /a; cut s; set /a but s missed 2; s proof closed
			s: own key | reader paused | over
			s 2: stopped reading at index 1, and its connection was cut at index 2
		stream s /a; set /a; set /a; pause s; set /a; resume s but s missed 1
			s: unexplained | own key | own key
	is twice by the removal only where the write is one (S16)
		stream s /a; set /a; delete /a but s got 1, 2, 2
			s: own key | second notice of the removal
		stream s /a; set /a; set /a but s got 1, 2, 2
			s: own key | unexplained
	is a finding where a follower is given an event twice
		follow f /a/...; set /a/1 but f got 1, 1
			f 1: ^unexplained: .*2 times
	is a deaf stream's silence though it was cut later (S23)
		set /a/1; stream s /a/... after 0; set /a/2; cut s; set /a/3
			s: history: recursive | deaf stream | over
	is lost with its connection where it may have been on its way
		watch w /a; set /a; set /a; close w; set /a but w missed 2
			w: own key | lost with its connection | over
	is not what a stopped member says of it, where it never asked there (S22)
		watch w /a; set /a; set /a; set /a but w lived cut 1; w got nothing; w proof none; member pause 1; member resume 1
			w: over | over | over
			w 2: its connection was cut at index 1
	is known of a write without an answer where an event shows that it was carried out (N8)
		watch w /a/...; watch plain /a; set /a/1 one; set /a/2 two but write 2 unanswered
			w: recursive | recursive
			plain: not recursive | not recursive
		watch w /a/...; watch plain /a; set /a/1 one; set /a/2 two but write 2 unanswered; write 2 value three
			w: recursive | unanswered write
	`;
	for (const one of table.split(/^\t(?=\w)/m).slice(1)) {
		const [title = "", ...lines] = one.trimEnd().split("\n");
		it(title, async () => {
			let run = timelineOf({});
			for (const line of lines) {
				const [, watcher = "", what, expected = ""] = /^\t{3}(\w+)(?: (\w+))?: (.*)$/.exec(line) ?? [];
				if (watcher === "") run = await runIn(line.trim());
				else if (what === "lost") assert.equal(lostInSilence(run, watcher).join(", "), expected);
				else if (what !== undefined) assert.match(said(run, watcher, Number(what)), new RegExp(expected));
				else {
					const all = run.writes.map(({ id }) => said(run, watcher, id).replace(/(?<!^history): .*/, ""));
					assert.equal(all.join(" | "), expected);
				}
			}
		});
	}

	it("is the same of a loop of polls as of the same polls one by one (S36)", async () => {
		const byHand = await runIn(
			`poll w /a/...; set /a; set /a; set /a; set /a
			but w lived asked 0, answered 1, asked 2, answered 3, asked 3; w got 1, 3; w proof fence`,
		);
		const reasons = byHand.writes.map(({ id }) => said(byHand, "w", id).replace(/: .*/, ""));
		assert.deepEqual(reasons, ["own key", "between two polls", "own key", "unexplained"]);
		const loop = await runIn("set /b; pollLoop w /a/...; set /a/1; set /a/2");
		const single = await runIn("set /b; poll w /a/...; set /a/1; poll w; set /a/2; poll w");
		assert.deepEqual(loop.watchers, single.watchers);
	});

	it("is a loss where a part of a v3 revision came, and says which (N39, S14)", () => {
		const run = severalKeys(1);
		assert.throws(() => explain(run, "w", 4), /no rule says why/);
		assert.deepEqual(lostInSilence(run, "w"), [4, 4]);
		const unproven = { ...run, watchers: run.watchers.map((one) => ({ ...one, proof: "none" as const })) };
		const { words, delivered } = explain(unproven, "w", 4);
		assert.equal(delivered, 1);
		assert.match(words, /^delivered in part, 1 of 3 keys: \/a\/2 was not known/);
		assert.match(explain(severalKeys(3), "w", 4).words, /as 3 events of one revision/);
	});
});

describe("what is said of a write at a watcher, in the words of its API", () => {
	/** A run, and for one of its writes the reason and the sentence; "unexplained" with what is thrown. */
	const table = `
	watch w /a; set /a
		v2 1 own key: delivered: the write is on the watched key itself
		v3 1 own key: delivered: its key is in the range that is watched
	watch w /a/...; set /a/b/c
		v2 1 recursive: delivered: /a/b/c is two levels below /a, and the watch is recursive
		v3 1 recursive: delivered: its key is in the range that is watched
	watch w /a/...; set /a/1/2/3
		v2 1 recursive: delivered: /a/1/2/3 is three levels below /a, and the watch is recursive
	watch w /a/...; set /a/1/2/3/4
		v2 1 recursive: delivered: /a/1/2/3/4 is 4 levels below /a, and the watch is recursive
	watch w /a; set /a/b
		v2 1 not recursive: not delivered: the watcher is not recursive, and /a/b is one level below /a
		v3 1 not recursive: not delivered: the watch is on the one key /a, and /a/b is another
	watch w /a/...; set /b
		v2 1 elsewhere: not delivered: /b is not below /a
		v3 1 elsewhere: not delivered: the watch is on /a and what begins with /a/, and /b is not in it
	watch w /a/...; set /a/f; set /a/f/x
		v2 2 refused: not delivered: the write failed with 104 Not a directory (/a/f), so there was no event
		v3 2 refused: not delivered: nothing was written (Not a directory)
	watch w /a; set /a; delete /b
		v2 2 refused: not delivered: the write failed with 100 Key not found (/b), so there was no event
		v3 2 refused: not delivered: nothing was written (Key not found)
	watch w /a; set /a; refresh /a 60
		v2 2 refresh: not delivered: a renewed ttl takes an index and raises no event
		v3 2 unexplained: "w" was asking for the event at revision 2 and did not get it, and no rule says why
	watch w /a/...; set /a/_h/x
		v2 1 hidden: not delivered: a part of /a/_h/x below /a begins with an underscore, and a live watch from above does not see hidden names
	watch w /a/b; set /a/x; rmdir /a/...
		v2 2 no node there: not delivered: there was no node at /a/b, and the removal of /a tells the watchers on the nodes that it removes
		v3 2 elsewhere: not delivered: the watch is on /a/b, and /a is not in it
	watch w /a/b; set /a/b; rmdir /a/...
		v2 2 removed with its directory: delivered: /a was removed, and /a/b with it; the event has the key of what was removed
	set /a/1; watch w /a/... after 0
		v2 1 history: recursive: delivered from the history: it had happened before the watcher asked for it
		v3 1 history: recursive: delivered from the history: its key is in the range that is watched, and the watch asked from a revision that was not above it
	set /a/_h; watch w /a/... after 0
		v2 1 history: recursive: delivered though hidden: this watcher was answered from the history, and the history's scan does not look at hidden names
	set /a; watch w /a after 0
		v2 1 history: own key: delivered from the history: it had happened before the watcher asked for it
		v3 1 history: own key: delivered from the history: its key is in the range that is watched, and the watch asked from a revision that was not above it
	watch p /foo; mkdir /fo; set /foo; rmdir /fo/...; watch w /foo after 0
		v2 3 history: removed directory's prefix: delivered though /fo does not hold /foo: the history compares the two as texts, and one begins with the other
	stream w /a; set /a; delete /a
		v2 2 second notice of the removal: delivered twice: a stream on exactly the removed key is woken by the removal of the node, and again by the event on its way down the path
	watch w /a; set /a; set /a but w got 1, 2, 2 replayed
		v2 2 asked again: delivered again: the watcher asked from an index that was not above this event's
		v3 2 asked again: delivered again: the watcher asked from a revision that was not above this event's
	follow w /a; set /a
		v2 1 followed: delivered: a follower asks from the index after its last event on, and once more where something could have been skipped
	set /a; watch w /a; set /a
		v2 1 not yet asked: not delivered: the watcher was registered at index 1, and asked for what comes from then on
		v3 1 not yet asked: not delivered: the watch was made at revision 1, and asked for what comes from then on
	set /a; set /a; watch w /a after 1
		v2 1 asked from later on: not delivered: the watcher asked from index 2 on
		v3 1 asked from later on: not delivered: the watch asked from revision 2 on
	poll w /a; set /a; set /a; poll w; set /a
		v2 2 between two polls: not delivered: it fell between two polls. The first was answered at index 1, the next one was made at 2 and asked for what comes from then on
		v3 2 between two polls: not delivered: no watch was open: the one before had ended at revision 1, and the next one, at revision 2, asked for what comes from then on
	poll w /a; set /a; set /a; poll w after 2; set /a
		v2 2 between two polls: not delivered: it fell between two polls. The first was answered at index 1, the next one was made at 2 and asked for index 3 on
		v3 2 between two polls: not delivered: no watch was open: the one before had ended at revision 1, and the next one asked from revision 3 on
	poll w /a; set /a; set /a
		v2 2 over: not delivered: nobody was listening any more, its poll had been answered at index 1
		v3 2 over: not delivered: no watch was open: the one before had ended at revision 1, and nobody asked for it later
	poll w /a; set /a; set /a but w lived asked 0; w got nothing; w proof answered
		v2 1 over: not delivered: nobody was listening any more, its poll had been answered without an event
	watch w /a; set /a; close w; set /a
		v2 2 over: not delivered: nobody was listening any more, it was closed at index 1
	watch w /a; cut w; set /a; reconnect w; set /a
		v2 1 over: not delivered: nobody was listening, its connection was cut at index 0. It came back at index 1 and asked for what comes from then on, since before its first event it has no index to go on from
		v3 1 over: not delivered: no watch was open: the one before had ended at revision 0, and the next one, at revision 1, asked for what comes from then on
	watch w /a; set /a; cut w; set /a; set /a; reconnect w but w lived asked 0, cut 1, asked 3 from 4; w missed 2, 3
		v2 2 over: not delivered: nobody was listening, its connection was cut at index 1. It came back at index 3 and asked for index 4 on
		v3 2 over: not delivered: no watch was open: the one before had ended at revision 1, and the next one asked from revision 4 on
	watch w /a; set /a; set /a; set /a but w lived asked 0, error 401 2 2-2; w missed 2, 3; w proof error
		v2 3 over: not delivered: nobody was listening any more, it had ended with 401  at index 2
		v2 2 cleared: not delivered: asked for too late, the history had lost it: 401 at index 2
		v3 2 cleared: not delivered: it had been compacted before the watch asked for it
	watch w /a; set /a but w lived cut 0; w got nothing
		v2 1 over: not delivered: nobody was listening any more, its connection was cut at index 0
		v3 1 over: not delivered: no watch was open: its connection was cut at revision 0
	watch w /a; set /a; set /a but w missed 2; w proof none
		v2 2 unproven: not known: nothing shows that it was not still on its way
		v3 2 unproven: not known: the watch asked for it, and nothing shows that it was not still on its way
	watch w /a; set /a; set /a; close w; set /a but w missed 2
		v2 2 lost with its connection: not delivered: the watcher was asking, and it was closed at index 2; what was on its way then is lost
		v3 2 lost with its connection: not delivered: the watcher was asking, and it was closed at revision 2; what was on its way then is lost
	stream w /a; set /a; set /a; cut w but w missed 2
		v2 2 lost with its connection: not delivered: the watcher was asking, and its connection was cut at index 2; what was on its way then is lost
		v3 2 lost with its connection: not delivered: the watcher was asking, and its connection was cut at revision 2; what was on its way then is lost
	set /a; stream w /a after 0; set /a
		v2 2 deaf stream: not delivered: the stream was answered from the history, and such a stream is never put on the list of those who wait
	stream w /a; pause w; set /a; set /a; resume w but w missed 2
		v2 2 reader paused: not delivered: the reader had stopped reading, the server's buffer of 100 events was full, and it dropped the watcher
	stream w /a; pause w; set /a; set /a but w missed 1, 2
		v2 2 reader paused: not known: the reader stopped reading at index 0, and what was sent since then waits for it
	stream w /a; set /a; pause w; set /a; close w; set /a but w missed 2
		v2 2 reader paused: not delivered: the reader had stopped reading at index 1, and it was closed at index 2 before it read on
	stream w /a; set /a; set /a but w missed 2; w proof gone
		v2 2 dropped: not delivered: the server has dropped the watcher, as it does when a reader is too slow and the buffer of 100 events is full; the connection stays open and says nothing of it
	watch w /a; set /a; set /a but w missed 2; w proof none; member pause 1
		v2 2 member silent: not delivered yet: the member that it waits on stands still, and the connection says nothing of it
		v3 2 member silent: not delivered yet: the member that it watches at stands still, and the connection says nothing of it
	watch w /a; set /a; set /a but w missed 2; w proof none; member cutOff 1
		v2 2 member silent: not delivered yet: the member that it waits on is cut off from its leader, and the connection says nothing of it
		v3 2 member silent: not delivered yet: the member that it watches at is cut off from its leader, and the connection says nothing of it
	watch w /a; set /a; set /a; set /a but w missed 2; member pause 1; member resume 3; member snapshot 3
		v2 2 member sent the whole store: not delivered: the member was so far behind that it was sent the whole store in one piece, and who was waiting on it is not told of what happened in between
	watch w /a; set /a; set /a but w missed 2
		v2 2 unexplained: "w" was asking for the event at index 2 and did not get it, and no rule says why
	watch w /a; set /b but w got 1
		v2 1 unexplained: "w" on /a was sent set /b live, and no rule says why
	watch w /a; set /a v but write 1 unanswered
		v2 1 own key: delivered: the write is on the watched key itself; the write had no answer, and was carried out
		v3 1 own key: delivered: its key is in the range that is watched; the write had no answer, and was carried out
	watch w /a; set /a v but write 1 doubtful
		v2 1 own key: delivered: the write is on the watched key itself; the write was answered with an error, and was carried out
	watch w /b; set /a v but write 1 doubtful
		v2 1 unanswered write: not known: the write was answered with an error that does not tell whether it was carried out
		v3 1 unanswered write: not known: the write was answered with an error that does not tell whether it was carried out
	watch w /b; set /a v but write 1 unanswered
		v2 1 unanswered write: not known: the write had no answer, so nobody knows its index
		v3 1 unanswered write: not known: the write had no answer, so nobody knows its revision
	watch w /b; set /a v but write 1 undone
		v2 1 unanswered write: not delivered: the write reached no server, so there was no event
		v3 1 unanswered write: not delivered: the write reached no server, so there was no event
	`;
	let steps = "";
	let edits: string | undefined;
	for (const line of table.split("\n").slice(1, -1)) {
		const [, api, write, sentence = ""] = /^\t\t(v2|v3) (\d) (.*)$/.exec(line) ?? [];
		if (api === undefined) [steps = "", edits] = line.trim().split(" but ");
		else {
			const all = [api === "v3" ? ["api v3"] : [], edits ?? []].flat().join("; ");
			const run = all === "" ? steps : `${steps} but ${all}`;
			it(`${sentence.split(": ")[0]}, of write ${write} in: ${run}`, async () => {
				assert.equal(said(await runIn(run), "w", Number(write)), sentence);
			});
		}
	}

	it("has a place in etcd's tree for every rule that is not the client's, and a notebook for each", () => {
		const places = (["v2", "v3"] as const).map((api) => allReasons.map((reason) => sourceOf(reason, api)));
		const pages = new Set(fs.readdirSync(path.join(root, "notebooks")));
		for (const [source, notebook] of places.flat()) {
			assert.match(source, /^$|^(v2store|v2http|server\/\w+)\/\w+\.go(, \w+)?$/);
			assert.ok(pages.has(`${notebook}.ipynb`), notebook);
		}
		const without = places.map((all) => all.filter(([source]) => source === "").length);
		assert.deepEqual(without, [7, 21]);
	});
});

describe("what happened to a watcher, in words", () => {
	const keys = [file("/a", 1)];
	const gap = { kind: "gap", at: 9, why: "cleared", added: keys, changed: [], keys } as const;
	const error = { kind: "error", at: 5, code: 401, message: "cleared", cause: "" } as const;
	const many = ["/1", "/2", "/3", "/4"].map((key) => file(key, 1));
	/** In v3's words with "revision" for "index", where nothing else is told. */
	const table: readonly (readonly [event: LifeEvent, ofV2: string, ofV3?: string])[] = [
		[asked(3), "asked at index 3, for what comes from now on"],
		[asked(3, 2), "asked at index 3, from index 2 on"],
		[answered(3), "answered at index 3: the poll was over", "closed at revision 3, after its first event"],
		[paused(3), "stopped reading at index 3"],
		[resumed(3), "went on reading at index 3"],
		[cut(3), "its connection was cut at index 3"],
		[closed(3), "closed at index 3"],
		[error, "error 401 at index 5, cleared", "error at revision 5, cleared"],
		[
			{ ...error, cause: "[3/2]", gap: { from: 2, to: 2 } },
			"error 401 at index 5, cleared ([3/2]): event 2 is gone",
			"error at revision 5, cleared ([3/2]): event 2 is gone",
		],
		[
			{ ...error, gap: { from: 2, to: 4 } },
			"error 401 at index 5, cleared: events 2 to 4 are gone",
			"error at revision 5, cleared: events 2 to 4 are gone",
		],
		[listed(3, keys), "read the tree at index 3: 1 key", "read the range at revision 3: 1 key"],
		[listed(3, []), "read the tree at index 3: 0 keys", "read the range at revision 3: 0 keys"],
		[
			{ ...gap, from: 2, to: 4, removed: many },
			"was told of a gap at index 9, 2 to 4 (cleared): added /a, removed /1, /2, /3 and 1 more; it goes on from there with 1 key",
		],
		[
			{ ...gap, from: 2, to: 2, added: [], changed: many.slice(1) },
			"was told of a gap at index 9, 2 (cleared): changed /2, /3, /4; it goes on from there with 1 key",
		],
		[
			{ ...gap, from: 2, to: 2, added: [] },
			"was told of a gap at index 9, 2 (cleared): nothing changed; it goes on from there with 1 key",
		],
		[
			{ kind: "reset", at: 3, lastIndex: 2, why: "went back", keys },
			"was told of a reset after index 2 (went back): another store, with 1 key",
		],
		[{ kind: "bookmarked", at: 3 }, "made sure at index 3 that it had missed nothing"],
	];
	for (const [event, ofV2, ofV3 = ofV2.replaceAll("index", "revision")] of table)
		it(`is that it ${ofV2}`, () => {
			assert.deepEqual([lifeWords(event), lifeWords(event, "revision")], [ofV2, ofV3]);
		});
});

describe("a whole run in words", () => {
	const table = {
		"watch w /a/...; set /a/1; set /a/1/x; set /a/2; delete /a/q; set /a/3 but write 5 unanswered; w lived asked 0, error 401 3 2-3; w got 1, 2":
			"5 writes tried, 2 accepted, 2 refused, 1 without an answer. w (watch /a, recursive) got 2 events, index 1, 2; error 401 at index 3, : events 2 to 3 are gone.",
		"set /a/1; set /a/2; set /a/3 but write 2 unanswered; write 3 doubtful":
			"3 writes tried, 1 accepted, 0 refused, 1 without an answer, 1 with an answer that does not tell. ",
		"poll p /a; stream s /q; set /a; set /a/x; mkdir /d ttl 1; expire /d but member pause 1; member kill 2; api v3":
			"3 writes tried, 2 accepted, 1 changed nothing, 1 by etcd itself. p (watch /a, one event) got 1 event, revision 1. s (watch /q) got no event. The member that they are at was paused at revision 1, kill -9 at revision 2.",
		"watch w /a; 5 × set /a over 1 but w got 1, 2, 4":
			"5 writes tried, 5 accepted, 0 refused. w (watch /a) got 3 events, index 1, 2, 4.",
		"set /a but member restart 1; member resume 1; member cutOff 1; member heal 1; member wipe 1; member snapshot 1":
			"1 write tried, 1 accepted, 0 refused.  The member that they are at was restarted at index 1, resumed at index 1, cut off at index 1, healed at index 1, wiped at index 1, sent the whole store at index 1.",
	};
	for (const [run, words] of Object.entries(table))
		it(`is "${words.slice(0, 40)}…"`, async () => {
			assert.equal(runInWords(await runIn(run)), words);
		});
	it("has its compactions, and what had no counterpart", async () => {
		const run = { ...(await runIn("set /a")), compactions: [{ at: 5, index: 3 }] };
		const withoutCounterpart = [{ step: 3, what: "mkdir /a", why: "v3 has no directories" }];
		assert.equal(
			runInWords({ ...run, withoutCounterpart }),
			"1 write tried, 1 accepted, 0 refused; 1 thing without a counterpart.  compacted at revision 5: what is older than 3 is forgotten.",
		);
		assert.deepEqual(withoutCounterpart.map(withoutWords), [
			"step 3, mkdir /a: no counterpart (v3 has no directories)",
		]);
	});
});

describe("what a chart's text says of a silence", () => {
	const cellsOf = (run: Timeline, watcher: number) =>
		timelineRows(run).rows.map(({ cells }) => cells[watcher]);

	it("is nobody waiting only where one who waits would have been told (L8)", async () => {
		const run = await runIn("set /a/x; watch plain /a; set /b; rmdir /c");
		assert.deepEqual(cellsOf(run, 0), ["·", "", ""]);
		const late = await runIn("set /a; watch plain /a; set /a");
		assert.deepEqual(cellsOf(late, 0), ["· nobody waiting", "set"]);
	});

	it("is that it asked for later ones, where that is the reason (L34)", async () => {
		const run = await runIn("set /a; set /a; watch w /a after 1");
		assert.deepEqual(cellsOf(run, 0), ["· asked from later on", "set (from history)"]);
	});

	it("is in the gap of a 401, too, and nobody waiting behind it (L53)", async () => {
		const run = await runIn("set /q; set /q; 1000 × set /noise over 1; watch w /q after 0; set /q");
		const rows = timelineRows(run).rows.filter(({ write }) => write.includes("/q"));
		assert.deepEqual(
			rows.map(({ cells }) => cells[0]),
			["· in the gap", "· nobody waiting"],
		);
		assert.deepEqual(missedBy(run, "w"), [1, 2, 1003]);
		assert.deepEqual(lostInSilence(run, "w"), [1003]);
	});

	it("counts what was due alone, in the chart and in its text (N9), and no other client's (N10)", async () => {
		const plain = await runIn("mkdir /a; watch w /a; 300 × set /a/b; set /x");
		assert.match(timelineChart(plain).text, /^w: nothing was due of 301 events$/m);
		const run = await runIn("watch w /a/...; 300 × set /a");
		const foreign = { ...run, writes: run.writes.slice(0, 200) };
		assert.match(timelineChart(foreign).text, /^w: 200 of 200 events came$/m);
		assert.match(JSON.stringify(timelineChart(foreign).spec), /"200 of 200 came"/);
	});
});

describe("how many levels a key lies below another", () => {
	const table: [key: string, ancestor: string, depth: number | undefined][] = [
		["/a", "/a", 0],
		["/a/b", "/a", 1],
		["/a/b/c/d/e", "/a/b", 3],
		["/ab", "/a", undefined],
		["/ab/c", "/a", undefined],
		["/a", "/a/b", undefined],
		["/", "/", 0],
		["/a", "/", 1],
		["/a/b", "/", 2],
		["/", "/a", undefined],
		["/a/a/a", "/a/a", 1],
	];
	for (const [key, ancestor, depth] of table) {
		it(`is ${depth ?? "nothing"} for ${key} below ${ancestor}`, () => {
			assert.equal(depthBelow(key, ancestor), depth);
		});
	}
});

describe("what was there at an index", () => {
	const table: [what: string, run: string, key: string, index: number, there: boolean][] = [
		["a key that was set before", "set /a", "/a", 1, true],
		["a key before the index of its own making", "set /a", "/a", 0, false],
		["a directory made in passing", "set /a/b/c", "/a/b", 1, true],
		["the root", "set /a", "/", 0, true],
		["a key that nobody wrote", "set /a", "/b", 1, false],
		["a key below a file", "set /a", "/a/b", 1, false],
		["a deleted key", "set /a; delete /a", "/a", 2, false],
		["a key in a deleted directory", "set /a/b; rmdir /a/...", "/a/b", 2, false],
		["a key in an expired directory", "mkdir /a ttl 1; set /a/b; expire /a", "/a/b", 3, false],
		["a directory whose last child was deleted", "set /a/b; delete /a/b", "/a", 2, true],
		["a key made anew", "set /a; delete /a; set /a", "/a", 3, true],
		["a sibling of a deleted one whose name begins alike", "set /ab; set /a; delete /a", "/ab", 3, true],
		["a key whose write was refused", "set /b; set /b/x", "/b/x", 9, false],
		["a key whose write got no answer", "set /a but write 1 unanswered", "/a", 9, false],
	];
	for (const [what, run, key, index, there] of table) {
		it(`${there ? "holds" : "does not hold"} ${what}`, async () => {
			assert.equal(
				accountOf(await runIn(run))
					.contentsAt(index)
					.has(key),
				there,
			);
		});
	}
});

describe("the rule by which a change is a waiting watcher's", () => {
	/** A watch is opened before the last step of each row, which is the one asked about. */
	const table: [what: string, watched: string, steps: string, reason: string][] = [
		["a write to the key itself", "/a", "set /a", "own key"],
		["a child with recursive", "/a/...", "set /a/b", "recursive"],
		["a child without", "/a", "set /a/b", "not recursive"],
		["everything at the root with recursive", "/...", "set /a/b/c", "recursive"],
		["a hidden child", "/a/...", "set /a/_b", "hidden"],
		["a child of a hidden directory", "/a/...", "set /a/_b/c", "hidden"],
		["a hidden key that is watched itself", "/a/_b", "set /a/_b", "own key"],
		["a child of a hidden key that is watched", "/a/_b/...", "set /a/_b/c", "recursive"],
		["a sibling whose name begins alike", "/a/...", "set /ab", "elsewhere"],
		["a ttl's renewal", "/a", "set /a; refresh /a 60", "refresh"],
		["a directory's delete above", "/a/b", "set /a/b; rmdir /a/...", "removed with its directory"],
		["the expiry above", "/a/b", "mkdir /a ttl 1; set /a/b; expire /a", "removed with its directory"],
		["a delete above what was not there", "/a/b", "set /a/x; rmdir /a/...", "no node there"],
		["the delete above a hidden key", "/a/_b", "set /a/_b; rmdir /a/...", "removed with its directory"],
		["the delete of what the key begins with", "/ab", "set /ab; set /a; delete /a", "elsewhere"],
		["the watched directory's own delete", "/a", "set /a/b; rmdir /a/...", "own key"],
	];
	for (const [what, watched, steps, reason] of table) {
		it(`is "${reason}" for ${what}`, async () => {
			const isDue = ["own key", "recursive", "removed with its directory"].includes(reason);
			const [last = "", ...before] = steps.split("; ").reverse();
			const run = await runIn([...before.reverse(), `watch w ${watched}`, last].join("; "));
			assert.equal(accountOf(run).watcher("w").fates.at(-1)?.reason, reason);
			const change = accountOf(run).changes.at(-1);
			const [watcher] = run.watchers;
			assert.ok(change && watcher);
			assert.equal(watcher.deliveries.length, isDue ? 1 : 0);
			assert.equal(isTold({ timeline: run, watcher }, change), isDue);
		});
	}
});

describe("what is no timeline (N42)", () => {
	const takers: Readonly<Record<string, (run: Timeline) => unknown>> = {
		...Object.fromEntries(Object.entries(claims).map(([name, claim]) => [`claims.${name}`, claim])),
		...Object.fromEntries(Object.entries(exercises).map(([name, { judge }]) => [`exercises.${name}`, judge])),
		...Object.fromEntries(
			Object.entries({ eventsOf, missedBy, gapTable, eventsTable }).map(([name, take]) => [
				name,
				(run: Timeline) => take(run, "w"),
			]),
		),
		...{ timelineChart, timelineTable, explainTable, saveTimeline },
		sideBySideChart: (run) => sideBySideChart(run, run),
		compareTimelines: (run) => compareTimelines(run, run),
		lossTable: (run) => lossTable([run]),
		explain: (run) => explain(run, "w", 1),
		comparePrediction: (run) => comparePrediction(predictionOf({ w: "all" }), run),
	};
	for (const [name, take] of Object.entries(takers))
		it(`is said to be none by ${name}`, () => {
			for (const given of [undefined, null, scenario("x")])
				assert.throws(
					() => take(given as unknown as Timeline),
					/TypeError: this is no timeline: run the scenario first/,
				);
		});
});
