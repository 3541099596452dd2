import assert from "node:assert/strict";
import { claims, scenario, type Timeline } from "etcd-watch-lab";
import { type Chart, sideBySideChart, timelineChart } from "#lib/chart";
import { timelineTable, verdictView } from "#lib/page";
import { counterpartTable } from "#lib/pages";
import type { LifeEvent, WriteRecord } from "#lib/timeline";
import { assertOnlySvg, marksOf, spokenBy, textsOf, viewOf } from "../../support/page/charts";
import {
	accepted,
	delivery,
	HOSTILE,
	node,
	postsRun,
	refused,
	timeline,
	watcher,
} from "../../support/page/fixtures";
import { asked, cleared } from "../../support/scenario/builders";

/** The post's run on v3, and a delete of everything that is left at one revision. */
function onV3(): Timeline {
	const event = (write: WriteRecord) => delivery(write, 0);
	const made = ["/a/b", "/a/b/c", "/a/d"].map((key, at) =>
		accepted(at + 1, "put", key, at + 1, { operation: "set", value: "x" }),
	);
	const gone = (key: string) => ({ node: node(key, 4, { createdIndex: 0, version: 0 }) });
	const [first, ...others] = [gone("/a/b"), gone("/a/b/c"), gone("/a/d")] as const;
	const prevNode = node("/a/b", 1, { value: "x" });
	const all = accepted(4, "delete", "/a", 4, { operation: "rmdir", ...first, prevNode, others });
	const nothing = refused(5, "delete", "/a/b", 4, 0, "nothing to delete", "");
	const compacted = "mvcc: required revision has been compacted";
	return timeline(
		"the post's run",
		[...made, all, nothing],
		[
			watcher("recursive", "/a", [
				...[...made, all].map(event),
				...others.map((one) => ({ ...event(all), key: one.node.key, ...one })),
			]),
			watcher(
				"plain",
				"/a",
				[],
				[asked(4, 1), { ...cleared(4, 1, 1), code: 11, message: compacted } as LifeEvent],
				{ recursive: false, proof: "error" },
			),
		],
		{
			api: "v3",
			compactions: [{ at: 4, index: 2 }],
			withoutCounterpart: [{ step: 9, what: "mkdir /x", why: "v3 has no directories" }],
		},
	);
}

describe("sideBySideChart", () => {
	const v2 = postsRun();
	const v3 = onV3();
	let chart: Chart | undefined;
	const both = () => {
		chart ??= sideBySideChart(v2, v3);
		return chart;
	};

	it("draws every mark of both runs, each in its own panel, over one axis", () => {
		const [one, other] = [timelineChart(v2), timelineChart(v3)];
		const says = (marks: readonly Readonly<Record<string, unknown>>[]) => marks.map(({ say }) => say).sort();
		assert.deepEqual(
			says(marksOf(both())),
			says([...marksOf(one), ...marksOf(other)]),
			"what a screen reader says of each mark",
		);
		const lowest = Math.max(...marksOf(one).map(({ y }) => Number(y)));
		const inSecond = marksOf(both()).filter(({ say }) => String(say).includes("revision"));
		assert.ok(inSecond.length >= 9);
		assert.ok(inSecond.every(({ y }) => Number(y) > lowest));
		const axes = textsOf(both().svg).filter((text) => text.includes("counted from the start"));
		assert.deepEqual(axes, ["index of v2's store, revision of v3's: each counted from the start of its run"]);
	});

	it("puts the same number at the same place in both panels", () => {
		const places = new Map<number, Set<unknown>>();
		const { view } = viewOf(both());
		for (const { x, at } of marksOf(both()))
			if (x === at) places.set(Number(at), (places.get(Number(at)) ?? new Set()).add(view.scale("x")(x)));
		assert.deepEqual([...places.keys()].sort(), [1, 2, 3, 4]);
		assert.ok([...places.values()].every(({ size }) => size === 1));
	});

	it("has a heading for each panel, and names of one's own where they are given", () => {
		const texts = textsOf(both().svg);
		assert.ok(texts.includes("v2 of etcd 3.5.1: 5 writes tried, 3 accepted, 2 refused"));
		assert.ok(
			texts.includes(
				"v3 of etcd 3.5.1: 5 writes tried, 4 accepted, 1 changed nothing; 1 thing without a counterpart",
			),
		);
		const named = textsOf(sideBySideChart(v2, v2, { names: ["before", "after"], title: "Twice" }).svg);
		assert.ok(
			named.some((text) => text.startsWith("before: ")) && named.some((text) => text.startsWith("after: ")),
		);
		assert.ok(named.includes("index of the store, counted from the start of the run"));
	});

	it("lights a write up in both panels when it is pointed at in one", () => {
		const links = marksOf(both())
			.filter(({ say }) => String(say).startsWith("write 1: "))
			.map(({ link }) => link);
		assert.deepEqual(links, ["w1", "w1"]);
	});

	it("plays both runs with one slider", () => {
		const { view } = viewOf(both());
		view.signal("upTo", 1).run();
		const spoken = spokenBy(view).map(({ say }) => say);
		assert.ok(spoken.includes("recursive got set /a/b, index 1"));
		assert.ok(spoken.includes("recursive got put /a/b, revision 1"));
		assert.ok(!spoken.some((say) => say.includes("revision 2")));
	});

	it("warns of nothing, gives the same bytes each time, and lets no key out of its quotes", () => {
		const chart = both();
		assert.deepEqual(viewOf(chart).warnings, []);
		assert.equal(sideBySideChart(v2, v3).svg, chart.svg);
		assertOnlySvg(chart.svg);
		const hostile = HOSTILE.join(" ");
		const named = sideBySideChart({ ...v2, name: hostile }, v3, { names: [hostile, hostile] });
		assertOnlySvg(named.svg);
	});

	it("says both runs in words, for a screen reader and for a terminal", () => {
		const { spec, text } = both();
		assert.match(String(spec["description"]), /v2 of etcd 3\.5\.1: 5 writes.*v3 of etcd 3\.5\.1: 5 writes/s);
		assert.match(text, /set \/a\/b\/c: refused with 104/);
		assert.match(text, /delete of 3 keys/);
	});
});

describe("a v3 run's chart and tables", () => {
	const v3 = onV3();
	let drawn: Chart | undefined;
	const v3Chart = () => {
		drawn ??= timelineChart(v3);
		return drawn;
	};

	it("speaks of revisions, and of what was not done", () => {
		const texts = textsOf(v3Chart().svg);
		assert.ok(texts.includes("revision of the store, counted from the start of the run"));
		assert.ok(texts.includes("nothing done"));
		assert.ok(texts.includes("put") && !texts.includes("refused"));
		assert.match(timelineTable(v3).text, /^no\. +│ revision │ write/m);
		assert.match(timelineTable(v3).text, /– │ × delete \/a\/b: nothing done \(nothing to delete\)/);
	});

	it("draws each event of one revision beside the others, and says which of how many it is", () => {
		const removals = marksOf(v3Chart()).filter(({ say }) => /recursive got delete/.test(String(say)));
		assert.deepEqual(
			removals.map(({ say }) => say),
			[
				"recursive got delete /a/b, revision 4, 1 of 3 of this revision",
				"recursive got delete /a/b/c, revision 4, 2 of 3 of this revision",
				"recursive got delete /a/d, revision 4, 3 of 3 of this revision",
			],
		);
		assert.equal(new Set(removals.map(({ y }) => y)).size, 3);
	});

	it("draws what was compacted as a band that says so, and says what has no counterpart", () => {
		const chart = v3Chart();
		const spoken = spokenBy(viewOf(chart).view).map(({ say }) => say);
		assert.ok(spoken.includes("compacted at revision 4: what is older than 2 is forgotten"));
		assert.ok(textsOf(chart.svg).includes("compacted: forgotten"));
		assert.ok(textsOf(chart.svg).includes("compacted: event 1 is gone"));
		assert.match(chart.text, /step 9, mkdir \/x: no counterpart \(v3 has no directories\)/);
	});

	it("calls the numbers of a verdict's evidence revisions", () => {
		assert.match(verdictView(claims.grandchildrenAreUnseen(v3)).text, /took revision 2/);
		assert.match(verdictView(claims.grandchildrenAreUnseen(postsRun())).text, /refused with 104/);
	});

	it("shows the steps that have no counterpart beside those that have", () => {
		const { text } = counterpartTable(scenario("two").set("/a").mkdir("/b"));
		assert.match(text, /1 │ set \/a +│ put "\/a"/);
		assert.match(text, /2 │ mkdir \/b │ ✗ no counterpart │ v3 has no directories/);
	});
});
