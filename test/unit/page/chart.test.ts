import assert from "node:assert/strict";
import type { Timeline } from "etcd-watch-lab";
import { type Chart, timelineChart } from "#lib/chart";
import {
	assertOnlySvg,
	barsOf,
	marksOf,
	rowCount,
	rowsWith,
	spokenBy,
	textsOf,
	viewOf,
} from "../../support/page/charts";
import {
	accepted,
	burst,
	crowd,
	delivery,
	gap,
	HOSTILE,
	hostile,
	many,
	postsRun,
	refused,
	slowReader,
	timeline,
	twice,
	twoPolls,
	watcher,
} from "../../support/page/fixtures";
import {
	answered,
	asked,
	poll,
	remove,
	replayed,
	set,
	stream,
	timelineOf,
	unanswered,
	watch,
} from "../../support/scenario/builders";
import { otherwise } from "../../support/scenario/otherwise";

const CROSS = /^M-0\.8/;
const shapes = (chart: Chart) =>
	marksOf(chart).reduce<Record<string, number>>((counts, mark) => {
		const hollow = mark["fill"] === "#ffffff" ? "hollow " : "";
		const shape = CROSS.test(String(mark["shape"])) ? "cross" : String(mark["shape"]);
		counts[hollow + shape] = (counts[hollow + shape] ?? 0) + 1;
		return counts;
	}, {});

/** Drawn once, by the first test that asks for it. */
const once = (make: () => Timeline): (() => Chart) => {
	let chart: Chart | undefined;
	return () => {
		chart ??= timelineChart(make());
		return chart;
	};
};
const [thePosts, theBurst, theGap, theTwice, theHostile, theCrowd] = [
	once(postsRun),
	once(() => burst(1200)),
	once(gap),
	once(twice),
	once(hostile),
	once(crowd),
];

describe("timelineChart", () => {
	const charts: Record<string, () => Chart> = {
		"the post's run": thePosts,
		"two polls": once(twoPolls),
		"a double delivery": theTwice,
		"a gap": theGap,
		"a burst": theBurst,
		"a slow reader": once(slowReader),
		"hostile keys": theHostile,
		"several clients": theCrowd,
		"a run with nothing in it": once(() => timeline("empty", [], [])),
		"a run of 30": once(() => many(30)),
		"a run of 150": once(() => many(150)),
		"a run of 400": once(() => many(400)),
	};
	for (const [name, chart] of Object.entries(charts)) {
		it(`compiles for ${name} with no warning from vega-lite or vega`, () => {
			assert.deepEqual(viewOf(chart()).warnings, []);
		});

		it(`fits a notebook's column for ${name}, without a scroll bar`, () => {
			const { svg } = chart();
			const width = Number(/ width="(\d+)"/.exec(svg)?.[1]);
			assert.ok(width > 700 && width <= 920, `width ${width}`);
			assert.match(svg, /^<svg role="graphics-document"/);
		});
	}

	it("draws the same SVG as vega's own toSVG()", async () => {
		const chart = thePosts();
		const bare = chart.svg
			.replace(/ role="graphics-document" aria-roledescription="visualization" aria-label="[^"]*"/, "")
			.replace(/<desc>[^<]*<\/desc>/, "");
		assert.equal(bare, await viewOf(chart).view.toSVG());
	});

	it("draws each write, each delivery and each absence of the post's run once", () => {
		assert.deepEqual(shapes(thePosts()), {
			circle: 2 + 2,
			square: 1 + 1,
			cross: 2,
			"hollow circle": 3,
		});
	});

	it("draws refused writes between the index at which they were tried and the next, side by side", () => {
		const crosses = (chart: Chart) =>
			marksOf(chart).flatMap(({ shape, x }) => (CROSS.test(String(shape)) ? [x] : []));
		assert.deepEqual(
			[crosses(thePosts()), crosses(theCrowd())],
			[
				[1.5, 2.5],
				[1.25, 1.5, 1.75],
			],
		);
	});

	it("draws a write without an answer as something else than a refused one", () => {
		const chart = timelineChart(timelineOf({ writes: [set("/a"), unanswered("set", "/a")] }));
		assert.deepEqual(shapes(chart), { circle: 1, "hollow triangle-up": 1 });
		assert.ok(textsOf(chart.svg).includes("no answer"));
		assert.match(chart.text, /set \/a: left without an answer \(.*\), and may have been carried out/);
		const { svg } = timelineChart(otherwise(timelineOf({ writes: [set("/a")] }), "write 1 doubtful"));
		assert.ok(textsOf(svg).includes("not known"));
	});

	it("gives a write and its deliveries the same link, and no other write that link", () => {
		const marks = marksOf(thePosts());
		const linked = marks.filter((mark) => mark["link"] === "w1");
		assert.deepEqual(
			linked.map((mark) => mark["x"]),
			[1, 1, 1],
		);
		assert.equal(new Set(marks.map((mark) => mark["link"])).size, 5);
	});

	it("draws a ring around what was replayed from the history, and says so", () => {
		const rings = marksOf(theTwice()).filter((mark) => mark["stroke"] === "#009E73");
		assert.equal(rings.length, 2);
		for (const ring of rings) assert.match(String(ring["say"]), /replayed from the history/);
	});

	it("draws no absence for a write that raised no event, nor for one elsewhere in the tree", () => {
		const says = [theTwice(), theCrowd()].flatMap((chart) =>
			marksOf(chart).map((mark) => String(mark["say"])),
		);
		assert.deepEqual(
			says.filter((say) => say.includes("did not get")),
			[],
		);
	});

	it("draws the absence of an ancestor's delete at a watcher below it", () => {
		const run = timelineOf({
			writes: [remove("/a")],
			watchers: [watch("below", "/a/b/c", { recursive: true })],
		});
		assert.equal(shapes(timelineChart(run))["hollow circle"], 1);
	});

	it("leaves a hole in a watcher's bar where nobody was waiting", () => {
		const bars = barsOf(timelineChart(twoPolls())).map((bar) => [bar["x"], bar["x2"]]);
		assert.equal(bars.length, 2);
		const [first, second] = bars as [number[], number[]];
		assert.ok(Number(first[1]) === 1 && Number(second[0]) > 2, JSON.stringify(bars));
	});

	it("leaves no hole between an answer and an ask that nothing came between", () => {
		const loop = watch("w", "/a", { sent: [1, 2], life: [asked(0), answered(1), asked(1, 2)] });
		const run = timelineOf({ writes: [set("/a"), set("/a")], watchers: [loop] });
		assert.equal(barsOf(timelineChart(run)).length, 1);
	});

	it("tells a missed event that was asked for with a waitIndex from one that nobody waited for", () => {
		const late = { sent: [replayed(1, 3)], life: [asked(3, 1)] };
		const run = timelineOf({
			writes: [set("/a"), set("/a"), set("/a")],
			watchers: [
				stream("deaf", "/a", late),
				poll("poll", "/a", { ...late, life: [asked(3, 1), answered(3)] }),
			],
		});
		const says = marksOf(timelineChart(run))
			.map((mark) => String(mark["say"]))
			.join("\n");
		assert.match(says, /^deaf did not get set \/a, index 2: the stream was answered from the history/m);
		assert.match(says, /^poll did not get set \/a, index 2: nobody was listening any more/m);
	});

	it("draws where a reader was paused as another kind of bar", () => {
		const bars = barsOf(timelineChart(slowReader())).sort((a, b) => Number(a["x"]) - Number(b["x"]));
		assert.deepEqual(
			bars.map((bar) => bar["paused"]),
			[false, true, false],
		);
	});

	it("draws a 401 as a band over the events that are gone", () => {
		const bands = rowsWith(theGap(), "tip").filter(
			(row) => typeof row["tip"] === "object" && row["tip"] !== null && "gap" in row["tip"],
		);
		assert.deepEqual(
			bands.map((band) => [band["x"], band["x2"]]),
			[[1.5, 102.5]],
		);
	});

	it("draws the window of the last 1000 events for a longer run, and for a short one only when asked", () => {
		const has = (chart: Chart) => textsOf(chart.svg).includes("the last 1000 events");
		assert.deepEqual(
			[
				has(theBurst()),
				has(timelineChart(burst(1001), { window: false })),
				has(thePosts()),
				has(timelineChart(postsRun(), { window: true })),
			],
			[true, false, false, true],
		);
	});

	it("shows with the slider only what had happened up to that index", () => {
		const { view } = viewOf(thePosts());
		const drawn = () => spokenBy(view).filter(({ say }) => /^(write \d|\w+ (got|did))/.test(say)).length;
		const all = drawn();
		view.signal("upTo", 1).run();
		const first = drawn();
		view.signal("upTo", 0).run();
		assert.deepEqual([all, first, drawn()], [11, 4, 0]);
	});

	it("lights up a write's deliveries and dims the others when it is pointed at", () => {
		const { view } = viewOf(thePosts());
		const bright = () =>
			spokenBy(view).filter(({ say, opacity }) => /^(write \d|\w+ (got|did))/.test(say) && opacity === 1);
		assert.equal(bright().length, 11);
		view.insert("lit_store", [{ unit: "", fields: [{ type: "E", field: "link" }], values: ["w1"] }]);
		view.run();
		assert.deepEqual(
			bright().map(({ say }) => say),
			[
				"write 1: set /a/b, index 1",
				"recursive got set /a/b, index 1",
				"plain did not get set /a/b, index 1: the watcher is not recursive, and /a/b is one level below /a",
			],
		);
	});

	it("labels up to 60 writes, and more of them not at all", () => {
		const labelled = (count: number) =>
			textsOf(timelineChart(many(count)).svg).filter((text) => /key-\d+ .*\+\d+|^\+\d+$/.test(text)).length;
		assert.ok(labelled(12) > 5);
		assert.ok(labelled(60) > 5);
		assert.equal(labelled(61), 0);
	});

	it("says the counts in words unless told what to say", () => {
		assert.ok(textsOf(thePosts().svg).includes("5 writes tried, 3 accepted, 2 refused"));
		const told = textsOf(timelineChart(postsRun(), { title: "T", subtitle: "S" }).svg);
		assert.ok(told.includes("T") && told.includes("S") && !told.some((text) => text.includes("tried")));
	});

	it("describes the run for a screen reader, in the spec and in the SVG", () => {
		const { spec, svg } = thePosts();
		const words =
			/5 writes tried, 3 accepted, 2 refused\. recursive \(watch \/a, recursive\) got 3 events, index 1 to 3\. plain \(watch \/a\) got no event\./;
		assert.match(String(spec["description"]), words);
		assert.match(svg, words);
	});
});

describe("a long run", () => {
	it("is drawn with a bounded number of rows and bytes, however long it is", () => {
		for (const [count, chart] of [
			[1_200, theBurst()],
			[2_400, timelineChart(burst(2_400))],
		] as const) {
			assert.ok(rowCount(chart) < 600, `${rowCount(chart)} rows for ${count} writes`);
			assert.ok(chart.svg.length < 60_000, `${chart.svg.length} bytes of SVG for ${count} writes`);
			assert.ok(JSON.stringify(chart.spec).length < 60_000, `a big spec for ${count} writes`);
			assert.ok(chart.text.length < 10_000, `${chart.text.length} bytes of text for ${count} writes`);
		}
	});

	it("is bounded too when every other event is missing and every third write refused", () => {
		const writes = Array.from({ length: 3_000 }, (_, at) =>
			at % 3 === 2
				? refused(at + 1, "create", "/a/x", at - Math.floor(at / 3))
				: accepted(at + 1, at % 2 ? "set" : "delete", "/a/x", at + 1 - Math.floor(at / 3)),
		);
		const got = writes.filter((write, at) => write.outcome.kind === "accepted" && at % 2 === 0);
		const chart = timelineChart(
			timeline("worst", writes, [
				watcher(
					"half",
					"/a",
					got.map((write) => delivery(write, 0)),
				),
			]),
		);
		assert.ok(rowCount(chart) < 2_500, `${rowCount(chart)} rows`);
		assert.ok(chart.svg.length < 700_000, `${chart.svg.length} bytes`);
	});

	it("says beside its lane how much came, and names exactly the indexes that a watcher missed in a burst", () => {
		const texts = textsOf(theBurst().svg);
		for (const text of [
			"2 of 1200 came",
			"1200 of 1200 came",
			"598 not delivered (index 2 to 599)",
			"600 not delivered (index 601 to 1200)",
		])
			assert.ok(texts.includes(text), text);
	});

	it("still draws the two events that came in a burst, mark by mark", () => {
		const got = marksOf(theBurst()).filter((mark) => String(mark["say"]).startsWith("polls got"));
		assert.deepEqual(
			got.map((mark) => mark["x"]),
			[1, 600],
		);
	});

	it("doesn't join two events of a quiet key that are far apart into one band", () => {
		const marks = marksOf(theGap()).filter((mark) => String(mark["say"]).startsWith("quiet got"));
		assert.equal(marks.length, 2);
	});
});

describe("a key that would like to be more than text", () => {
	it("stays text in the SVG", () => {
		const { svg } = theHostile();
		assertOnlySvg(svg);
		assert.ok(textsOf(svg).some((text) => text.includes("<img")));
		assert.ok(textsOf(svg).includes('<script>alert("title")</script>'));
	});

	it("is caught by the check of the SVG when it isn't escaped", () => {
		const { svg } = thePosts();
		assert.throws(() => assertOnlySvg(svg.replace("set /a/b", "<img src=x>")));
	});

	it("is in no expression, no field name and no parameter of the spec", () => {
		const { spec } = theHostile();
		const strings: string[] = [];
		const collect = (value: unknown, path: string): void => {
			if (typeof value === "string" && !/values|\.title$|description$/.test(path)) strings.push(value);
			if (Array.isArray(value)) for (const one of value) collect(one, path);
			else if (typeof value === "object" && value !== null)
				for (const [key, one] of Object.entries(value)) {
					if (!path.includes("values")) strings.push(key);
					collect(one, `${path}.${key}`);
				}
		};
		collect(spec, "");
		for (const bad of ["<img", "<script", "/script", "quotes", "signal(", "${", "{{", "שלום"])
			assert.deepEqual(
				strings.filter((text) => text.includes(bad)),
				[],
			);
	});

	it("can't turn the text around or hide in it", () => {
		const { svg, text } = theHostile();
		for (const shown of [svg, text]) {
			assert.doesNotMatch(shown, /[\u202a-\u202e]|(?!\n)\p{Cc}/u);
			assert.match(shown, /‹U\+202E›/);
		}
	});

	it("is whole in the text", () => {
		const { text } = theHostile();
		for (const key of HOSTILE.slice(0, 6)) assert.ok(text.includes(key), key);
	});
});
