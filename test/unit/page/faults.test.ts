import assert from "node:assert/strict";
import { loadTimeline, saveTimeline } from "etcd-watch-lab";
import { timelineChart } from "#lib/chart";
import { gapTable, lossTable, showGaps, showLosses } from "#lib/page";
import type { FaultRecord, LifeEvent } from "#lib/timeline";
import { accepted, delivery, linesOf, node, said, timeline, watcher } from "../../support/page/fixtures";

const listed: LifeEvent = { kind: "listed", at: 0, keys: [] };
const asked: LifeEvent = { kind: "asked", at: 0, waitIndex: 1 };
const gap: LifeEvent = {
	kind: "gap",
	at: 3,
	from: 2,
	to: 3,
	why: "cleared",
	added: [node("/a/new", 3, { value: "<b>" })],
	changed: [],
	removed: [node("/a/old", 1)],
	keys: [node("/a/new", 3, { value: "<b>" })],
};

/** Three writes; a loop that lost the second, a follower that was told of a gap. */
function broken(faults: readonly FaultRecord[], life: readonly LifeEvent[] = [listed, asked, gap]) {
	const writes = [
		accepted(1, "set", "/a/old", 1),
		accepted(2, "set", "/a/k", 2),
		accepted(3, "set", "/a/new", 3),
		accepted(4, "set", "/a/k", 4),
	];
	const [first, , , last] = writes;
	assert.ok(first && last);
	const came = [first, last].map((write) => delivery(write, 0));
	return timeline(
		"a broken member",
		writes,
		[watcher("loop", "/a", came, [asked]), watcher("follower", "/a", came, life, { kind: "follow" })],
		{ faults },
	);
}

/** Everything that the chart writes, as texts. */
function words(run: ReturnType<typeof broken>): string[] {
	return [...timelineChart(run).svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = ""]) => text);
}

const paused: readonly FaultRecord[] = [
	{ kind: "pause", at: 1 },
	{ kind: "resume", at: 3 },
	{ kind: "snapshot", at: 3 },
];

describe("a follower's lane", () => {
	it("has its gap as a band with what differs, and says so in the text and to a screen reader", () => {
		const chart = timelineChart(broken([]));
		assert.ok(words(broken([])).includes("gap 2 to 3: added /a/new, removed /a/old"));
		assert.match(
			chart.text,
			/follower: was told of a gap at index 3, 2 to 3 \(cleared\): added \/a\/new, removed \/a\/old/,
		);
		assert.match(chart.svg, /fill="#D55E00" fill-opacity="0.16"|fill-opacity="0.16"[^>]*fill="#D55E00"/);
		assert.match(chart.svg, /follower \(follow \/a, recursive\) got 2 events, index 1, 4; was told of a gap/);
	});

	it("marks what it did not get as stated, and what the loop did not get as not come", () => {
		const rows = timelineChart(broken([])).text.split("\n");
		assert.match(rows.find((row) => /^ +2 /.test(row)) ?? "", /set \/a\/k +│ · +│ · in the gap$/);
		assert.match(rows.find((row) => /^ +4 /.test(row)) ?? "", /│ set +│ set$/);
	});

	it("shows a reset and bookmarks", () => {
		const reset: LifeEvent = { kind: "reset", at: 2, lastIndex: 2, why: "index went back", keys: [] };
		const run = broken([{ kind: "wipe", at: 2 }], [listed, asked, reset, { kind: "bookmarked", at: 3 }]);
		assert.ok(words(run).includes("reset: another store"));
		assert.match(
			timelineChart(run).text,
			/was told of a reset after index 2 \(index went back\): another store, with 0 keys\n.*made sure at index 3/,
		);
	});

	it("is saved and loaded with everything in it", () => {
		const run = broken(paused, [listed, asked, gap, { kind: "bookmarked", at: 4 }]);
		assert.deepEqual(loadTimeline(saveTimeline(run)), run);
		const { faults: _, ...old } = broken([]);
		assert.deepEqual(loadTimeline(saveTimeline(old)), old);
		assert.throws(() => loadTimeline(saveTimeline(run).replace('"pause"', '"burn"')), /faults\[0\]\.kind/);
	});
});

describe("the lane of the broken member", () => {
	it("names what was done to it, once for what happened at one index", () => {
		const shown = words(broken(paused));
		assert.ok(shown.includes("paused"));
		assert.ok(shown.includes("resumed, sent the whole store"));
		assert.ok(shown.includes("the member"));
		assert.match(timelineChart(broken(paused)).text, /the member: paused at index 1\n/);
		assert.match(timelineChart(broken(paused)).svg, /The member that they are at was paused at index 1/);
	});

	it("is drawn from the break to its mending, or to the end", () => {
		const widths = (faults: readonly FaultRecord[]) =>
			[
				...timelineChart(broken(faults)).svg.matchAll(/<path d="M[\d.,]+h([\d.]+)v10h[^"]*" fill="#6b6b6b"/g),
			].map(([, width]) => Number(width));
		const [mended] = widths(paused);
		const [never] = widths(paused.slice(0, 1));
		assert.ok(mended !== undefined && never !== undefined && mended < never, `${mended} ${never}`);
		const atOnce: FaultRecord[] = [
			{ kind: "kill", at: 1 },
			{ kind: "restart", at: 1 },
		];
		assert.deepEqual(widths(atOnce), [], "put right before anything was written");
		assert.deepEqual(widths([...atOnce, { kind: "kill", at: 1 }]), [never], "and broken again");
	});

	it("is not there where nothing was broken", () => {
		assert.ok(!words(broken([])).includes("the member"));
	});
});

describe("gapTable", () => {
	it("says from where to where, why, what differs and the state, escaped", () => {
		const { html, text } = gapTable(broken([]), "follower");
		assert.match(text, /2 to 3 │ cleared │ \/a\/new │ {7}– │ \/a\/old {2}│ \/a\/new = <b>/);
		assert.match(html, /\/a\/new = &lt;b&gt;/);
	});

	it("says that there was none, and that the run has no such watcher", () => {
		assert.match(gapTable(broken([]), "loop").text, /It was told of no gap/);
		assert.throws(() => gapTable(broken([]), "nobody"), RangeError);
	});

	it("names five keys, and counts the others; of a long value it has both ends", () => {
		const keys = [1, 2, 3, 4, 5, 6].map((nth) =>
			node(`/k${nth}`, nth, nth === 1 ? {} : { value: `${"v".repeat(4 * nth)}!` }),
		);
		const long = { ...gap, from: 4, added: keys, changed: keys.slice(1), removed: [], keys };
		const none = { ...gap, from: 3, added: [], removed: [], keys: [] };
		const run = { ...broken([], [asked, none, { ...gap, keys: [node(`/${"k".repeat(50)}`, 1)] }, long]) };
		const [some, half] = ["/k1, /k2, /k3, /k4, /k5", "k".repeat(20)];
		assert.deepEqual(linesOf(gapTable({ ...run, recorded: "It is a record." }, "follower").text), [
			'What "follower" was told of the events that it could not have',
			"gap │ why │ added │ changed │ removed │ the state to go on from",
			"3 │ cleared │ – │ – │ – │ nothing is there",
			`2 to 3 │ cleared │ /a/new │ – │ /a/old │ /${half.slice(1)}…${half.slice(1)} =`,
			`4 to 3 │ cleared │ ${some} and 1 more │ ${some.slice(5)}, /k6 │ – │ /k1 = , /k2 = ${"v".repeat(8)}!, /k3 = ${"v".repeat(12)}!, /k4 = ${"v".repeat(16)}!, /k5 = ${"v".repeat(10)}…${"v".repeat(8)}! and 1 more`,
			"It is a record.",
		]);
		assert.equal(
			said(() => showGaps(run, "follower")),
			gapTable(run, "follower").text,
		);
	});

	it("says what is not known", () => {
		const { removed: _, ...without } = gap;
		assert.match(gapTable(broken([], [without as LifeEvent]), "follower").text, /not known/);
	});
});

describe("lossTable", () => {
	it("counts what nobody was told of, and says who was told of a gap", () => {
		const { text } = lossTable([broken(paused)]);
		assert.match(text, /run +│ loop │ follower\n/);
		assert.match(text, /a broken member │ ✗ 2 +│ ✓ 0, told of 1 gap\n/);
	});

	it("counts the gaps and resets that a watcher was told of, in a row for each run", () => {
		const reset: LifeEvent = { kind: "reset", at: 4, lastIndex: 2, why: "index went back", keys: [] };
		const runs = [
			[listed, asked, gap],
			[asked, gap, gap, reset],
			[asked, gap, reset, reset],
		].map((life, nth) => ({ ...broken([], life), name: `${nth} <b>`, recorded: "It is a record." }));
		assert.deepEqual(linesOf(lossTable(runs).text), [
			"Events that never came, and of which nothing was said",
			"run │ loop │ follower",
			"0 <b> │ ✗ 2 │ ✓ 0, told of 1 gap",
			"1 <b> │ ✗ 2 │ ✓ 0, told of 2 gaps, 1 reset",
			"2 <b> │ ✗ 2 │ ✓ 0, told of 1 gap, 2 resets",
			"It is a record.",
		]);
		assert.match(lossTable([timeline("t", [], [watcher("w", "/a", [])])]).text, /t +│ ✓ 0\n/);
		assert.equal(
			said(() => showLosses(runs)),
			lossTable(runs).text,
		);
	});

	it("does not call lost what a silent member may yet hand out", () => {
		const run = broken(paused.slice(0, 1));
		const watchers = run.watchers.map((one) => ({ ...one, proof: "none" as const }));
		assert.match(lossTable([{ ...run, watchers }]).text, /✗ 2 so far/);
	});

	it("says how many of the lost a silent member may yet hand out, where some came before it fell silent", () => {
		const run = broken([{ kind: "pause", at: 2 }]);
		const watchers = run.watchers.map((one) => ({ ...one, proof: "none" as const }));
		assert.match(lossTable([{ ...run, watchers }]).text, /✗ 2, 1 of them so far/);
	});

	it("counts a loss that no rule accounts for, and shows the others", () => {
		const run = broken(paused.slice(0, 1));
		const watchers = run.watchers.map((one) => ({ ...one, kind: "watch" as const, proof: "none" as const }));
		const [loop] = watchers;
		assert.ok(loop);
		const unexplained = {
			...loop,
			name: "unexplained",
			life: [{ kind: "asked" as const, at: 9, waitIndex: 1 }],
		};
		assert.match(lossTable([{ ...run, watchers: [loop, unexplained] }]).text, /✗ 2/);
	});

	it("leaves a cell empty where a run has no such watcher", () => {
		const run = broken([]);
		const other = { ...run, name: "other", watchers: run.watchers.slice(1) };
		assert.match(lossTable([run, other]).text, /other +│ +│ ✓ 0/);
	});
});
