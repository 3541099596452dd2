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
import {
	answered,
	asked,
	closed,
	cut,
	expire,
	mkdir,
	paused,
	poll,
	refresh,
	refused,
	remove,
	resumed,
	rmdir,
	set,
	stream,
	timelineOf,
	unanswered,
	type WriteSketch,
	watch,
} from "../../support/scenario/builders";

const recursive = { recursive: true } as const;
const three = [set("/a"), set("/a"), set("/a")];

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
	it("is a dropped stream where the server says that it has no such watcher, paused or not (S8)", () => {
		const run = timelineOf({ writes: three, watchers: [stream("s", "/a", { sent: [1], proof: "gone" })] });
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

	it("is over at a poll that a proxy answered with nothing (S15a)", () => {
		const run = timelineOf({
			writes: three,
			watchers: [poll("p", "/a", { life: [asked(0)], proof: "answered" })],
		});
		assert.deepEqual(reasons(run, "p"), ["over", "over", "over"]);
		assert.match(explain(run, "p", 1).words, /answered without an event/);
		// As a run records it: with the index of the response, which is where the store was when it began.
		const recorded = timelineOf({
			writes: three,
			watchers: [poll("p", "/a", { life: [asked(1), answered(1)] })],
		});
		assert.deepEqual(reasons(recorded, "p"), ["not yet asked", "over", "over"]);
		assert.match(explain(recorded, "p", 3).words, /nobody was listening any more, .* without an event$/);
	});

	it("is told by the directory's removal where only an unanswered write can have made the key (S15d)", () => {
		const run = timelineOf({
			writes: [set("/d/x"), unanswered("set", "/d/k"), remove("/d")],
			watchers: [watch("w", "/d/k", { sent: [2] })],
		});
		assert.deepEqual(reasons(run, "w"), ["elsewhere", "unanswered write", "removed with its directory"]);
	});

	it("says that it came back, and why it asked for nothing of what it had missed (S16, L42)", async () => {
		const run = await runOnModel(
			scenario("x")
				.watch("w", "/a", recursive)
				.cut("w")
				.set("/a/1")
				.reconnect("w")
				.set("/a/2")
				.close("w")
				.set("/a/3"),
		);
		assert.deepEqual(reasons(run, "w"), ["over", "recursive", "over"]);
		assert.match(
			explain(run, "w", 1).words,
			/nobody was listening, .* cut at index 0\. It came back at index 1 and asked for what comes from then on, since before its first event it has no index/,
		);
		assert.match(explain(run, "w", 3).words, /nobody was listening any more, it was closed at index 2/);
	});

	it("is what a pause did only after it, and says so of a stream that was cut before it read on (S16)", () => {
		const pausedThenCut = timelineOf({
			writes: three,
			watchers: [stream("s", "/a", { sent: [1], life: [asked(0), paused(1), cut(2)], proof: "closed" })],
		});
		assert.deepEqual(reasons(pausedThenCut, "s"), ["own key", "reader paused", "over"]);
		assert.match(
			explain(pausedThenCut, "s", 2).words,
			/stopped reading at index 1, and its connection was cut at index 2/,
		);
		const lostBefore = timelineOf({
			writes: three,
			watchers: [stream("s", "/a", { sent: [2, 3], life: [asked(0), paused(2), resumed(3)] })],
		});
		assert.deepEqual(reasons(lostBefore, "s"), ["throws", "own key", "own key"]);
	});

	it("is twice by the removal only where the write is one (S16)", () => {
		const twice = (write: ReturnType<typeof set>) =>
			timelineOf({ writes: [set("/a"), write], watchers: [stream("s", "/a", { sent: [1, 2, 2] })] });
		assert.equal(reasons(twice(remove("/a")), "s")[1], "second notice of the removal");
		assert.equal(reasons(twice(set("/a")), "s")[1], "throws");
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
			scenario("x")
				.set("/a/1")
				.stream("s", "/a", { ...recursive, afterIndex: 0 })
				.set("/a/2")
				.cut("s")
				.set("/a/3"),
		);
		assert.deepEqual(reasons(run, "s"), ["history: recursive", "deaf stream", "over"]);
	});

	it("is the same of a loop of polls as of the same polls one by one (S36)", async () => {
		const life = [asked(0), answered(1), asked(2), answered(3), asked(3)];
		const told = { recursive: true, life, sent: [1, { index: 3, etcdIndex: 2 }], proof: "fence" as const };
		const byHand = timelineOf({ writes: [...three, set("/a")], watchers: [poll("w", "/a", told)] });
		assert.deepEqual(reasons(byHand, "w"), ["own key", "between two polls", "own key", "throws"]);
		const steps = scenario("x").set("/b").pollLoop("w", "/a", recursive).set("/a/1").set("/a/2");
		const loop = (await runOnModel(steps)).watchers[0];
		const single = scenario("x").set("/b").poll("w", "/a", recursive).set("/a/1").poll("w").set("/a/2");
		const polls = (await runOnModel(single.poll("w"))).watchers[0];
		assert.deepEqual(loop, polls);
	});

	it("is lost with its connection where it may have been on its way", () => {
		const run = timelineOf({
			writes: three,
			watchers: [watch("w", "/a", { sent: [1], life: [asked(0), closed(2)], proof: "closed" })],
		});
		assert.deepEqual(reasons(run, "w"), ["own key", "lost with its connection", "over"]);
	});

	it("is not what a stopped member says of it, where it never asked there (S22)", () => {
		const run = timelineOf({
			writes: three,
			watchers: [watch("w", "/a", { life: [cut(1)], proof: "none" })],
		});
		const paused = {
			...run,
			faults: [
				{ kind: "pause" as const, at: 1 },
				{ kind: "resume" as const, at: 1 },
			],
		};
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
			scenario("x")
				.set("/q")
				.set("/q")
				.burst("/noise", { count: 1000 })
				.watch("w", "/q", { afterIndex: 0 })
				.set("/q"),
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
	const table: [what: string, writes: WriteSketch[], key: string, index: number, there: boolean][] = [
		["a key that was set before", [set("/a")], "/a", 1, true],
		["a key before the index of its own making", [set("/a")], "/a", 0, false],
		["a directory made in passing", [set("/a/b/c")], "/a/b", 1, true],
		["the root", [set("/a")], "/", 0, true],
		["a key that nobody wrote", [set("/a")], "/b", 1, false],
		["a key below a file", [set("/a")], "/a/b", 1, false],
		["a deleted key", [set("/a"), remove("/a")], "/a", 2, false],
		["a key in a deleted directory", [set("/a/b"), rmdir("/a")], "/a/b", 2, false],
		["a key in an expired directory", [mkdir("/a"), set("/a/b"), expire("/a")], "/a/b", 3, false],
		["a directory whose last child was deleted", [set("/a/b"), remove("/a/b")], "/a", 2, true],
		["a key made anew", [set("/a"), remove("/a"), set("/a")], "/a", 3, true],
		["a sibling of a deleted one whose name begins alike", [set("/ab"), remove("/a")], "/ab", 2, true],
		["a key whose write was refused", [refused("set", "/a", "/")], "/a", 9, false],
		["a key whose write got no answer", [unanswered("set", "/a")], "/a", 9, false],
	];
	for (const [what, writes, key, index, there] of table) {
		it(`${there ? "holds" : "does not hold"} ${what}`, () => {
			assert.equal(accountOf(timelineOf({ writes })).contentsAt(index).has(key), there);
		});
	}
});

describe("the rule by which a change is a waiting watcher's", () => {
	const plain = { recursive: false };
	/** The last write of each row is the one asked about. */
	const table: [what: string, writes: WriteSketch[], key: string, options: object, reason: string][] = [
		["a write to the key itself", [set("/a")], "/a", plain, "own key"],
		["a child with recursive", [set("/a/b")], "/a", recursive, "recursive"],
		["a child without", [set("/a/b")], "/a", plain, "not recursive"],
		["everything at the root with recursive", [set("/a/b/c")], "/", recursive, "recursive"],
		["a hidden child", [set("/a/_b")], "/a", recursive, "hidden"],
		["a child of a hidden directory", [set("/a/_b/c")], "/a", recursive, "hidden"],
		["a hidden key that is watched itself", [set("/a/_b")], "/a/_b", plain, "own key"],
		["a child of a hidden key that is watched", [set("/a/_b/c")], "/a/_b", recursive, "recursive"],
		["a sibling whose name begins alike", [set("/ab")], "/a", recursive, "elsewhere"],
		["a ttl's renewal", [set("/a"), refresh("/a")], "/a", plain, "refresh"],
		["a directory's delete above", [set("/a/b"), rmdir("/a")], "/a/b", plain, "removed with its directory"],
		["the expiry above", [set("/a/b"), expire("/a")], "/a/b", plain, "removed with its directory"],
		["a delete above what was not there", [set("/a/x"), rmdir("/a")], "/a/b", plain, "no node there"],
		[
			"the delete above a hidden key",
			[set("/a/_b"), rmdir("/a")],
			"/a/_b",
			plain,
			"removed with its directory",
		],
		["the delete of what the key begins with", [set("/ab"), remove("/a")], "/ab", plain, "elsewhere"],
		["the watched directory's own delete", [set("/a/b"), rmdir("/a")], "/a", plain, "own key"],
	];
	for (const [what, writes, key, options, reason] of table) {
		it(`is "${reason}" for ${what}`, () => {
			const isDue = ["own key", "recursive", "removed with its directory"].includes(reason);
			const sent = isDue ? [writes.length] : [];
			const run = timelineOf({
				writes,
				watchers: [watch("w", key, { ...options, life: [asked(writes.length - 1)], sent })],
			});
			assert.equal(accountOf(run).watcher("w").fates.at(-1)?.reason, reason);
			const change = accountOf(run).changes.at(-1);
			const [watcher] = run.watchers;
			assert.ok(change && watcher);
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
