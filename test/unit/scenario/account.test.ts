import assert from "node:assert/strict";
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
import { runOnModel, scenario } from "#lib/scenario";
import { compareTimelines, eventsOf, explain, lostInSilence, missedBy, saveTimeline } from "#lib/timeline";
import { accountOf, depthBelow, isTold } from "#lib/timeline/account";
import { asV3, severalKeys, without } from "../../pages/golden/odd";
import { runIn } from "../../support/scenario/cases";
import { scenarioOf } from "../../support/scenario/script";

const recursive = { recursive: true } as const;
const three = "set /a; set /a; set /a";

/** The reason for each write at a watcher, "throws" where no rule accounts for it. */
function reasons(run: Timeline, watcher: string): string[] {
	return run.writes.map(({ id }) => {
		try {
			return explain(run, watcher, id).reason;
		} catch {
			return "throws";
		}
	});
}

describe("what became of a write at a watcher", () => {
	it("is a dropped stream where the server says that it has no such watcher, paused or not (S8)", async () => {
		const run = await runIn(`stream s /a; ${three} but s missed 2, 3; s proof gone`);
		assert.deepEqual(reasons(run, "s"), ["own key", "dropped", "dropped"]);
		assert.match(explain(run, "s", 2).words, /the server has dropped the watcher/);
	});

	it("is a finding in v3 too, where the silence is proven (S14)", async () => {
		const run = asV3(
			await runOnModel(scenario("x").watch("w", "/a", recursive).set("/a/1").set("/a/2").set("/a/3")),
		);
		const robbed = without(run, "w", 2);
		assert.deepEqual(reasons(robbed, "w"), ["recursive", "throws", "recursive"]);
		assert.deepEqual(lostInSilence(robbed, "w"), [2]);
		const late = { ...robbed, watchers: robbed.watchers.map((one) => ({ ...one, proof: "none" as const })) };
		assert.deepEqual(reasons(late, "w")[1], "unproven");
	});

	it("is a finding in v3, too, where a watch is sent what is not in its range (S14)", async () => {
		const run = asV3(
			await runOnModel(scenario("x").watch("w", "/a", recursive).watch("z", "/zzz").set("/a/1")),
		);
		const [w, z] = run.watchers;
		assert.ok(w && z);
		const gifted = { ...run, watchers: [{ ...z, deliveries: w.deliveries }] };
		assert.throws(() => explain(gifted, "z", 1), /no rule says why/);
	});

	it("is in the reset, of a v3 follower too (S14, S40)", async () => {
		const run = asV3(await runOnModel(scenario("x").follow("f", "/a", recursive).set("/a/1").set("/a/2")));
		const [f] = run.watchers;
		assert.ok(f);
		const told = { kind: "reset", at: 2, lastIndex: 1, why: "index went back", keys: [] } as const;
		const reset = {
			...without(run, "f", 2),
			watchers: [{ ...f, deliveries: f.deliveries.slice(0, 1), life: [...f.life, told] }],
		};
		assert.deepEqual(reasons(reset, "f"), ["recursive", "in a stated gap"]);
		assert.deepEqual(lostInSilence(reset, "f"), []);
		assert.deepEqual(missedBy(reset, "f"), [2]);
	});

	it("is over at a poll that a proxy answered with nothing (S15a)", async () => {
		const run = await runIn(`poll p /a; ${three} but p lived asked 0; p got nothing; p proof answered`);
		assert.deepEqual(reasons(run, "p"), ["over", "over", "over"]);
		assert.match(explain(run, "p", 1).words, /answered without an event/);
		// As a run records it: with the index of the response, which is where the store was when it began.
		const recorded = await runIn(
			"set /a; poll p /a; set /a; set /a but p lived asked 1, answered 1; p got nothing; p proof answered",
		);
		assert.deepEqual(reasons(recorded, "p"), ["not yet asked", "over", "over"]);
		assert.match(explain(recorded, "p", 3).words, /nobody was listening any more, .* without an event$/);
	});

	it("is told by the directory's removal where only an unanswered write can have made the key (S15d)", async () => {
		const run = await runIn(
			"watch w /d/k; set /d/x; set /d/k; rmdir /d/... but w missed 2; write 2 unanswered",
		);
		assert.deepEqual(reasons(run, "w"), ["elsewhere", "unanswered write", "removed with its directory"]);
	});

	it("says that it came back, and why it asked for nothing of what it had missed (S16, L42)", async () => {
		const run = await runOnModel(
			scenarioOf("x: watch w /a/...; cut w; set /a/1; reconnect w; set /a/2; close w; set /a/3"),
		);
		assert.deepEqual(reasons(run, "w"), ["over", "recursive", "over"]);
		assert.match(
			explain(run, "w", 1).words,
			/nobody was listening, .* cut at index 0\. It came back at index 1 and asked for what comes from then on, since before its first event it has no index/,
		);
		assert.match(explain(run, "w", 3).words, /nobody was listening any more, it was closed at index 2/);
	});

	it("is what a pause did only after it, and says so of a stream that was cut before it read on (S16)", async () => {
		const pausedThenCut = await runIn(
			"stream s /a; set /a; pause s; set /a; cut s; set /a but s missed 2; s proof closed",
		);
		assert.deepEqual(reasons(pausedThenCut, "s"), ["own key", "reader paused", "over"]);
		assert.match(
			explain(pausedThenCut, "s", 2).words,
			/stopped reading at index 1, and its connection was cut at index 2/,
		);
		const lostBefore = await runIn("stream s /a; set /a; set /a; pause s; set /a; resume s but s missed 1");
		assert.deepEqual(reasons(lostBefore, "s"), ["throws", "own key", "own key"]);
	});

	it("is twice by the removal only where the write is one (S16)", async () => {
		const twice = (write: string) => runIn(`stream s /a; set /a; ${write} /a but s got 1, 2, 2`);
		assert.equal(reasons(await twice("delete"), "s")[1], "second notice of the removal");
		assert.equal(reasons(await twice("set"), "s")[1], "throws");
	});

	it("is a finding where a follower is given an event twice", async () => {
		const run = await runOnModel(scenario("x").follow("f", "/a", recursive).set("/a/1"));
		const [f] = run.watchers;
		assert.ok(f);
		const twice = { ...run, watchers: [{ ...f, deliveries: [...f.deliveries, ...f.deliveries] }] };
		assert.throws(() => explain(twice, "f", 1), /2 times/);
	});

	it("is a deaf stream's silence though it was cut later (S23)", async () => {
		const run = await runOnModel(
			scenarioOf("x: set /a/1; stream s /a/... after 0; set /a/2; cut s; set /a/3"),
		);
		assert.deepEqual(reasons(run, "s"), ["history: recursive", "deaf stream", "over"]);
	});

	it("is the same of a loop of polls as of the same polls one by one (S36)", async () => {
		const byHand = await runIn(
			`poll w /a/...; ${three}; set /a
			but w lived asked 0, answered 1, asked 2, answered 3, asked 3; w got 1, 3; w proof fence`,
		);
		assert.deepEqual(reasons(byHand, "w"), ["own key", "between two polls", "own key", "throws"]);
		const steps = scenario("x").set("/b").pollLoop("w", "/a", recursive).set("/a/1").set("/a/2");
		const loop = (await runOnModel(steps)).watchers[0];
		const single = scenario("x").set("/b").poll("w", "/a", recursive).set("/a/1").poll("w").set("/a/2");
		const polls = (await runOnModel(single.poll("w"))).watchers[0];
		assert.deepEqual(loop, polls);
	});

	it("is lost with its connection where it may have been on its way", async () => {
		const run = await runIn("watch w /a; set /a; set /a; close w; set /a but w missed 2");
		assert.deepEqual(reasons(run, "w"), ["own key", "lost with its connection", "over"]);
	});

	it("is not what a stopped member says of it, where it never asked there (S22)", async () => {
		const paused = await runIn(
			`watch w /a; ${three} but w lived cut 1; w got nothing; w proof none; member pause 1; member resume 1`,
		);
		assert.deepEqual(reasons(paused, "w"), ["over", "over", "over"]);
		assert.match(explain(paused, "w", 2).words, /its connection was cut at index 1/);
	});

	it("is known of a write without an answer where an event shows that it was carried out (N8)", async () => {
		const real = await runOnModel(
			scenario("x").watch("w", "/a", recursive).watch("plain", "/a").set("/a/1", "one").set("/a/2", "two"),
		);
		const failed = { kind: "failed", message: "cut", maybeApplied: true } as const;
		const writes = real.writes.map((write) => (write.id === 2 ? { ...write, outcome: failed } : write));
		assert.deepEqual(reasons({ ...real, writes }, "w"), ["recursive", "recursive"]);
		assert.deepEqual(reasons({ ...real, writes }, "plain"), ["not recursive", "not recursive"]);
		const other = writes.map((write) => (write.id === 2 ? { ...write, value: "three" } : write));
		assert.deepEqual(reasons({ ...real, writes: other }, "w"), ["recursive", "unanswered write"]);
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

describe("what a chart's text says of a silence", () => {
	const cellsOf = (run: Timeline, watcher: number) =>
		timelineRows(run).rows.map(({ cells }) => cells[watcher]);

	it("is nobody waiting only where one who waits would have been told (L8)", async () => {
		const run = await runOnModel(scenario("x").set("/a/x").watch("plain", "/a").set("/b").rmdir("/c"));
		assert.deepEqual(cellsOf(run, 0), ["·", "", ""]);
		const late = await runOnModel(scenario("x").set("/a").watch("plain", "/a").set("/a"));
		assert.deepEqual(cellsOf(late, 0), ["· nobody waiting", "set"]);
	});

	it("is that it asked for later ones, where that is the reason (L34)", async () => {
		const run = await runOnModel(scenario("x").set("/a").set("/a").watch("w", "/a", { afterIndex: 1 }));
		assert.deepEqual(cellsOf(run, 0), ["· asked from later on", "set (from history)"]);
	});

	it("is in the gap of a 401, too, and nobody waiting behind it (L53)", async () => {
		const run = await runOnModel(
			scenarioOf("x: set /q; set /q; 1000 × set /noise over 1; watch w /q after 0; set /q"),
		);
		const rows = timelineRows(run).rows.filter(({ write }) => write.includes("/q"));
		assert.deepEqual(
			rows.map(({ cells }) => cells[0]),
			["· in the gap", "· nobody waiting"],
		);
		assert.deepEqual(missedBy(run, "w"), [1, 2, 1003]);
		assert.deepEqual(lostInSilence(run, "w"), [1003]);
	});

	it("counts what was due alone, in the chart and in its text (N9), and no other client's (N10)", async () => {
		const plain = await runOnModel(
			scenario("x").mkdir("/a").watch("w", "/a").burst("/a/b", { count: 300 }).set("/x"),
		);
		assert.match(timelineChart(plain).text, /^w: nothing was due of 301 events$/m);
		const run = await runOnModel(scenario("x").watch("w", "/a", recursive).burst("/a", { count: 300 }));
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
