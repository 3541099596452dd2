import assert from "node:assert/strict";
import type { Timeline } from "etcd-watch-lab";
import { XMLValidator } from "fast-xml-parser";
import { type Chart, sideBySideChart, timelineChart } from "#lib/chart";
import { curveChart, type KeyNumbers, logChart, numbersChart, treeChart, windowChart } from "#lib/pages";
import type { Delivery, LifeEvent } from "#lib/timeline";
import { pixelsOf } from "#lib/timeline/printable.js";
import { severalKeys } from "../../pages/golden/odd";
import { barsOf, decoded, marksOf, rowsWith, spokenBy, textsOf, viewOf } from "../../support/page/charts";
import {
	accepted,
	delivery,
	many,
	node,
	postsRun,
	refused,
	timeline,
	watcher,
} from "../../support/page/fixtures";
import {
	answered,
	asked,
	crowd,
	cut,
	file,
	paused,
	poll,
	refresh,
	refused as refusedOf,
	remove,
	replayed,
	resumed,
	set,
	stream,
	timelineOf,
	watch,
} from "../../support/scenario/builders";

/** Runs that nobody planned for: each has a picture that can be read. */

const TEMPLATE = ["$&", "$1", "$'", "$`", "$$"] as const;

function assertXml(svg: string): void {
	assert.equal(XMLValidator.validate(svg), true);
	assert.doesNotMatch(svg, /[^\P{Cc}\n]/u);
}

/** Where each text of a chart is drawn, in pixels of the plot: nothing of what a slider hides. */
function placedTexts(chart: Chart): { text: string; from: number; to: number; y: number }[] {
	const placed: { text: string; from: number; to: number; y: number }[] = [];
	const visit = (item: unknown): void => {
		if (typeof item !== "object" || item === null) return;
		if ("items" in item && Array.isArray(item.items)) for (const one of item.items) visit(one);
		if (!("text" in item) || typeof item.text !== "string" || !("fontSize" in item) || "items" in item)
			return;
		const number = (name: string) => Number((item as Record<string, unknown>)[name] ?? 0);
		if (item.text === "" || number("angle") !== 0) return;
		const width = pixelsOf(item.text, number("fontSize"), number("fontWeight") === 600);
		const align = "align" in item ? item.align : "left";
		const x = number("x") + number("dx");
		const from = x - (align === "center" ? width / 2 : align === "right" ? width : 0);
		placed.push({ text: item.text, from, to: from + width, y: number("y") + number("dy") });
	};
	const scene: object = viewOf(chart).view.scenegraph();
	visit("root" in scene ? scene.root : undefined);
	return placed;
}

/** Pairs of texts that lie on each other; a halo under a text is the same text at the same place. */
function overlaps(chart: Chart, among: RegExp): string[] {
	const texts = placedTexts(chart).filter(({ text }) => among.test(text));
	return texts.flatMap((one, at) =>
		texts
			.slice(at + 1)
			.filter(
				(other) =>
					Math.abs(one.y - other.y) < 9 &&
					one.from < other.to &&
					other.from < one.to &&
					!(one.text === other.text && one.from === other.from),
			)
			.map((other) => `${one.text} | ${other.text}`),
	);
}

/** Texts that reach over the picture's sides. */
function outside(chart: Chart): string[] {
	const { left, right } = (chart.spec as { padding: { left: number; right: number } }).padding;
	return placedTexts(chart)
		.filter(({ from, to }) => from < -left - 0.5 || to > 600 + right + 0.5)
		.map(({ text, from, to }) => `${text}: ${Math.round(from)} to ${Math.round(to)}`);
}

function times(key: string, count: number): Delivery[] {
	const [write] = [accepted(1, "set", key, 1)];
	return write === undefined ? [] : Array.from({ length: count }, () => delivery(write, 1, true));
}

const gone = (key: string, index: number) => ({
	index,
	action: "delete" as const,
	key,
	node: node(key, index, { createdIndex: 0 }),
	etcdIndex: 0,
	fromHistory: false,
});

describe("a name that a replacement would read as a pattern", () => {
	it("is in the SVG as it is, and that is XML", () => {
		const text = TEMPLATE.join(" ");
		const name = `a ${text} b`;
		const run = timeline(name, [accepted(1, "set", "/a", 1)], [watcher(name, `/${text}`, [])]);
		const chart = timelineChart(run);
		for (const { svg } of [
			chart,
			sideBySideChart(run, run, { names: [name, name] }),
			windowChart({ title: name, moments: [{ index: 1, oldestKept: 1, newestKept: 1, note: name }] }),
			curveChart({ title: name, x: { label: name }, y: { label: name }, series: [] }),
			logChart(run, [{ index: 1, key: "/a", how: "same" }], { title: name }),
		]) {
			assertXml(svg);
			assert.ok(decoded(/aria-label="([^"]*)"/.exec(svg)?.[1] ?? "").includes(text), "in the title");
		}
		assert.ok(decoded(/<desc>([^<]*)/.exec(chart.svg)?.[1] ?? "").includes(`${name} (watch`));
	});

	it("stays XML whatever control characters are in a title, a panel's name or a server's", () => {
		const bad = "a\u0000b\u001b\ufffe\ud800c";
		const run = { ...postsRun(), name: bad, server: bad };
		for (const { svg } of [
			timelineChart(run),
			sideBySideChart(run, run),
			sideBySideChart(run, run, { names: [bad, bad] }),
			logChart(run, [{ index: 1, key: "/a/b", how: "same" }], { title: bad }),
		])
			assertXml(svg);
	});
});

describe("several deliveries at one index", () => {
	/** For each mark the distance to the lane of the watcher that it says it is of, and to the nearest other. */
	function strays(run: Timeline): string[] {
		const chart = timelineChart(run);
		const laneOf = new Map(
			placedTexts(chart).flatMap(({ text, y }): [string, number][] =>
				run.watchers.some(({ name }) => name === text) ? [[text, y + 7]] : [],
			),
		);
		return marksOf(chart).flatMap(({ say, y }) => {
			const [name = ""] = String(say).split(" got ");
			const own = laneOf.get(name);
			if (own === undefined) return [];
			const others = [...laneOf.values()].filter((lane) => lane !== own);
			return others.some((lane) => Math.abs(lane - Number(y)) <= Math.abs(own - Number(y)))
				? [`${say} at ${y}`]
				: [];
		});
	}
	const lanes = (count: number) => Array.from({ length: count }, (_, at) => watcher(`q${at}`, "/b", []));

	for (const [count, watchers] of [
		[2, 2],
		[4, 7],
		[9, 2],
		[10, 2],
		[12, 9],
		[100, 2],
	] as const)
		it(`stay in their own lane: ${count} of them, among ${watchers} lanes`, () => {
			const run = timeline(
				"again and again",
				[accepted(1, "set", "/a", 1), accepted(2, "set", "/a", 2)],
				[watcher("p", "/a", times("/a", count), undefined, { kind: "poll" }), ...lanes(watchers)],
			);
			assert.deepEqual(strays(run), []);
			const marks = marksOf(timelineChart(run)).filter(({ say }) => String(say).startsWith("p got"));
			const places = new Set(marks.map(({ y }) => y));
			if (places.size > 1) assert.equal(places.size, count, "each can be seen");
			else assert.ok(textsOf(timelineChart(run).svg).includes(`×${count}`), "or their number is said");
		});

	it("of a v3 revision are one mark with their number where there is no room for each", () => {
		const keys = Array.from({ length: 100 }, (_, at) => `/a/${at}`);
		const [first = "", ...others] = keys;
		const write = accepted(1, "delete", first, 1, {
			operation: "rmdir",
			others: others.map((key) => ({ node: node(key, 1) })),
		});
		const run = timeline(
			"all of it",
			[write],
			[
				watcher(
					"w",
					"/a",
					keys.map((key) => gone(key, 1)),
				),
				...lanes(2),
			],
			{ api: "v3" },
		);
		assert.deepEqual(strays(run), []);
		const chart = timelineChart(run);
		assert.ok(textsOf(chart.svg).includes("100 keys"));
		assert.match(
			String(marksOf(chart).find(({ say }) => String(say).startsWith("w got"))?.["say"]),
			/^w got delete of 100 keys, revision 1: \/a\/0, \/a\/1, /,
		);
	});
});

describe("many marks at few indexes", () => {
	it("are drawn as bands that stay inside the plot", () => {
		const run = timeline(
			"refused",
			[
				accepted(1, "set", "/a", 1),
				...Array.from({ length: 300 }, (_, at) => refused(at + 2, "create", "/a", 1)),
				accepted(302, "set", "/a", 2),
			],
			[],
		);
		const bands = rowsWith(timelineChart(run), "fill", "x2", "y2", "tip");
		assert.ok(bands.length > 0);
		for (const { x, x2 } of bands) assert.ok(Number(x) >= 0.64 && Number(x2) <= 2.36, `${x} to ${x2}`);
		const crosses = bands.filter(({ say }) => /refused/.test(String(say)));
		assert.ok(
			crosses.length > 0 && crosses.every(({ x, x2 }) => Number(x) > 0.99 && Number(x2) < 2.01),
			"a refused write lies between two indexes",
		);
	});
});

describe("notes and names of faults", () => {
	const life: LifeEvent[] = [
		{ kind: "asked", at: 0 },
		{ kind: "listed", at: 690, keys: [] },
		{ kind: "cut", at: 700 },
		{ kind: "gap", at: 705, from: 701, to: 705, why: "cleared", added: [], changed: [], keys: [] },
		{ kind: "bookmarked", at: 712 },
	];
	const long = () =>
		Array.from({ length: 1400 }, (_, at) => accepted(at + 1, "set", "/noise", at + 1, { value: "x" }));

	it("leave out what matters less where there isn't room for all, not what came later", () => {
		const texts = textsOf(
			timelineChart(timeline("t", long(), [watcher("f", "/a", [], life, { kind: "follow" })])).svg,
		);
		assert.ok(texts.includes("gap 701 to 705: nothing changed"), texts.join("\n"));
		assert.ok(!texts.includes("listed"));
	});

	it("don't lie on each other", () => {
		const faults = (["kill", "restart", "pause", "resume", "snapshot"] as const).map((kind, at) => ({
			kind,
			at: 100 + 2 * at,
		}));
		const run = timeline("t", long().slice(0, 400), [watcher("f", "/a", [], life.slice(0, 1))], { faults });
		const chart = timelineChart(run);
		const named = /kill|restart|pause|resume|sent/;
		assert.deepEqual(overlaps(chart, named), []);
		assert.equal(textsOf(chart.svg).filter((text) => named.test(text)).length, 5, "and each is said");
		assert.deepEqual(outside(chart), []);
	});
});

describe("a short run beside a long one", () => {
	it("has no window of the last 1000 events where it never was", () => {
		const short = timeline("short", [accepted(1, "set", "/a", 1)], []);
		const long = many(1200);
		const windows = (one: Timeline, other: Timeline) =>
			(sideBySideChart(one, other).svg.match(/fill="#F0E442"/g) ?? []).length;
		assert.deepEqual([windows(short, long), windows(short, short), windows(long, long)], [1, 0, 2]);
	});
});

describe("the charts of single pages", () => {
	it("keep the names above a log's columns apart, and everything inside the picture", () => {
		for (const [count, operation] of [
			[8, "compareAndSwap"],
			[20, "refresh"],
			[20, "compareAndDelete"],
		] as const) {
			const writes = Array.from({ length: count }, (_, at) =>
				accepted(at + 1, "set", `/k${at}`, at + 1, { operation }),
			);
			const compared = writes.map((_, at) => ({ index: at + 1, key: "/k", how: "same" as const }));
			const chart = logChart(timeline("t", writes, []), compared, { title: "t" });
			assert.deepEqual(overlaps(chart, /./), []);
			assert.deepEqual(outside(chart), []);
		}
	});

	it("leave out a mark of an index that no write of the log has", () => {
		const run = timeline("t", [accepted(1, "set", "/k", 1)], []);
		const compared = [1, 7].map((index) => ({ index, key: "/k", how: "same" as const }));
		const xs = rowsWith(logChart(run, compared, { title: "t" }), "say", "size", "shape").map(({ x }) =>
			Number(x),
		);
		assert.deepEqual(xs, [300]);
	});

	it("keep what is said above sixteen writes apart", () => {
		const after = Array.from({ length: 16 }, () => ({
			write: "compareAndSwap /key",
			isOwn: true,
			isAccepted: false,
			numbers: {},
		}));
		const run: KeyNumbers = { api: "v2", key: `/${"long".repeat(80)}`, after };
		const chart = numbersChart([run]);
		assert.deepEqual(overlaps(chart, /Swap|nothing|no write/), []);
		assert.deepEqual(outside(chart), []);
	});

	it("keep the names of followed events apart", () => {
		const chart = windowChart({
			moments: [{ index: 400, oldestKept: 1, newestKept: 1000 }],
			events: [100, 140, 180, 900, 940].map((index) => ({ index, label: `a followed event, ${index}` })),
		});
		assert.deepEqual(overlaps(chart, /followed/), []);
		assert.deepEqual(outside(chart), []);
	});

	it("have room for a followed event that is not there yet", () => {
		const chart = windowChart({
			moments: [{ index: 100, oldestKept: 1, newestKept: 100 }],
			events: [{ index: 400, label: "later" }],
		});
		for (const { x } of placedTexts(chart).map(({ to }) => ({ x: to }))) assert.ok(x < 640, `${x}`);
	});

	it("name no more indexes on an axis than there is room for", () => {
		const far = [accepted(1, "set", "/a", 11_900_000)];
		const run = { ...timeline("far", far, []), writes: far };
		assert.deepEqual(overlaps(timelineChart(run), /^\d+$/), []);
	});
});

describe("what a chart says of itself", () => {
	it("is said of every mark, and no label is said again", () => {
		const faults = [{ kind: "kill" as const, at: 1 }];
		const chart = timelineChart({ ...postsRun(), faults });
		for (const { say } of spokenBy(viewOf(chart).view))
			assert.doesNotMatch(say, /nameY|wordsY|text:|colour|undefined/);
		const said = [...chart.svg.matchAll(/aria-label="([^"]*)"/g)].map(([, label = ""]) => label);
		assert.ok(said.includes("recursive, watch /a, recursive"), said.join("\n"));
		assert.ok(said.includes("recursive: listening after index 0, to the end"));
		assert.ok(!said.includes("set /a/b"), "the mark below says it");
	});

	it("has the unit of its store", () => {
		const faults = [{ kind: "kill" as const, at: 1 }];
		const { svg, text } = timelineChart({ ...postsRun(), api: "v3", faults });
		assert.match(svg, /the member: kill -9, at revision 1/);
		assert.match(text, /the member: kill -9 at revision 1/);
	});

	it("counts the stretches of a bar that stands for many", () => {
		const polls = Array.from({ length: 1000 }, (_, at) => [asked(2 * at), answered(2 * at + 1)]);
		const watchers = [poll("w", "/b", { life: polls.flat() })];
		const [bar] = barsOf(timelineChart(timelineOf({ writes: crowd(2000), watchers })));
		assert.equal(bar?.["say"], "w: listening 1000 times, after index 0, up to index 1999");
	});

	it("tells a stream that the server has forgotten from one that listens", () => {
		const writes = [set("/a"), set("/a"), set("/a")];
		const late = { name: "s", key: "/a", life: [asked(2, 1)], sent: [replayed(1, 2)] };
		const past = (kind: "stream" | "watch") =>
			textsOf(timelineChart(timelineOf({ writes, watchers: [{ ...late, kind }] })).svg);
		assert.ok(past("stream").includes("open, but nobody at the other side"));
		assert.ok(!past("stream").includes("listening"));
		assert.ok(past("watch").includes("listening"));
	});

	it("draws the sign of a dashed box dashed", () => {
		const run = timelineOf({
			writes: [set("/a")],
			watchers: [watch("s", "/a", { life: [asked(0), paused(0)] })],
		});
		assert.equal(
			(timelineChart(run).svg.match(/stroke="#9a9a9a"[^>]*stroke-dasharray="3,2"/g) ?? []).length,
			2,
		);
	});

	it("says where a run was made that was on no server", () => {
		const run = { ...postsRun(), server: "the model of 3.5" };
		assert.ok(
			textsOf(timelineChart(run).svg).includes(
				"5 writes tried, 3 accepted, 2 refused, on the model of etcd 3.5",
			),
		);
	});

	it("has in its legend what is drawn, and draws each kind as the legend says", () => {
		const writes = [set, remove, refresh].flatMap((write) => Array.from({ length: 100 }, () => write("/a")));
		const got = Array.from({ length: 200 }, (_, at) => at + 1);
		const foreign = Array.from({ length: 50 }, (_, at) => ({ index: at + 301, node: file("/a", at + 301) }));
		const watchers = [watch("w", "/a", { recursive: true, sent: [...got, ...foreign] })];
		const { svg } = timelineChart(timelineOf({ writes, watchers }));
		const boxes = (fill: string) => (svg.match(new RegExp(`<path [^>]*fill="${fill}"`, "g")) ?? []).length;
		assert.deepEqual(
			[boxes("#E69F00"), boxes("#CC79A7")],
			[3, 2],
			"deletes in both lanes, refreshes in the writer's, and each in the legend",
		);
		assert.doesNotMatch(svg, /M0,-5\.\d+L/);
	});

	it("keeps wide and long names inside the picture", () => {
		const wide = "\u6f22".repeat(60);
		const long = `/${"w".repeat(120)}`;
		const run = { ...postsRun(), name: long };
		const watchers = [watcher(wide, `/${wide}`, []), watcher(long, long, [])];
		for (const chart of [
			timelineChart({ ...run, watchers }, { subtitle: long }),
			sideBySideChart({ ...run, watchers }, run, { names: [wide, long] }),
			treeChart(timeline(long, [accepted(1, "set", long, 1, { value: wide })], [])),
		])
			assert.deepEqual(outside(chart), []);
	});
});

describe("a v3 revision that came in part", () => {
	const hollow = (chart: Chart) =>
		marksOf(chart).filter(({ say }) => String(say).startsWith("w did not get"));
	const filled = (chart: Chart, x: number) =>
		marksOf(chart).filter((mark) => mark["x"] === x && String(mark["say"]).startsWith("w got"));

	it("has the absence of each other key beside what came, within the lane", () => {
		const chart = timelineChart(severalKeys(1));
		assert.deepEqual(
			hollow(chart).map(({ say }) => /get (.*?):/.exec(String(say))?.[1]),
			["delete /a/2, revision 4", "delete /a/3, revision 4"],
		);
		const ys = [...filled(chart, 4), ...hollow(chart)].map(({ y }) => Number(y));
		assert.equal(new Set(ys).size, 3);
		assert.ok(Math.max(...ys) - Math.min(...ys) <= 2 * 27, `${ys}`);
		assert.ok(textsOf(chart.svg).includes("not delivered"));
	});

	it("has one for all of them where there is no room for each", () => {
		const chart = timelineChart(severalKeys(1, 20));
		assert.deepEqual(
			hollow(chart).map(({ say }) => /get (.*?):/.exec(String(say))?.[1]),
			["delete of 19 keys, revision 21"],
		);
		assert.notEqual(hollow(chart)[0]?.["y"], filled(chart, 21)[0]?.["y"]);
		assert.ok(textsOf(chart.svg).includes("19 keys"));
	});

	it("has no absence where all came, and one of the write where nothing did", () => {
		assert.equal(hollow(timelineChart(severalKeys(3))).length, 0);
		assert.equal(hollow(timelineChart(severalKeys(0))).length, 1);
	});
});

describe("whether a stream is forgotten", () => {
	const bars = (life: readonly LifeEvent[], sent: Parameters<typeof stream>[2]) =>
		rowsWith(
			timelineChart(
				timelineOf({
					writes: ["1", "2", "3", "4"].map((value) => set("/a", value)),
					watchers: [stream("s", "/a", { ...sent, life })],
				}),
			),
			"x2",
			"tip",
		)
			.map(({ say }) => /^s: (listening|open|not reading).* (after index \d)/.exec(String(say)))
			.flatMap((found) => (found ? [`${found[2]}: ${found[1]}`] : []))
			.sort();

	it("is told of each of its connections for itself", () => {
		const life = [asked(2, 1), cut(2), asked(2)];
		assert.deepEqual(bars(life, { sent: [replayed(1, 2), 3, 4] }), [
			"after index 2: listening",
			"after index 2: open",
		]);
	});

	it("does not change by a pause of its reader", () => {
		const life = [asked(1, 1), paused(2), resumed(3)];
		assert.deepEqual(bars(life, { sent: [replayed(1, 1)] }), [
			"after index 1: open",
			"after index 2: not reading",
			"after index 3: open",
		]);
	});
});

describe("what is not there", () => {
	const ticksOf = (chart: Chart) =>
		(chart.spec["layer"] as { encoding?: { x?: { axis?: { values?: number[] } } } }[]).flatMap(
			({ encoding }) => encoding?.x?.axis?.values ?? [],
		);

	it("is no index on the axis: refused writes stand behind the last that the store reached", () => {
		const refusals = Array.from({ length: 9 }, () => refusedOf("set", "/a/b/c", "/a/b"));
		const writes = [set("/a"), set("/a"), ...refusals];
		assert.deepEqual(ticksOf(timelineChart(timelineOf({ writes }))), [1, 2]);
	});

	it("is no word of the legend: a bar too short to be seen", () => {
		const long = (life: readonly LifeEvent[]) =>
			textsOf(
				timelineChart(
					timelineOf({
						writes: [set("/q"), ...crowd(1400)],
						watchers: [poll("p", "/q", { life, sent: [1] })],
					}),
				).svg,
			);
		assert.ok(!long([asked(0), answered(1)]).includes("listening"));
		assert.ok(long([asked(0), answered(1), asked(200)]).includes("listening"));
	});

	it("is counted: the labels for which there is no room", () => {
		const writes = Array.from({ length: 40 }, (_, at) => accepted(at + 1, "set", `/a/key-${at}`, at + 1));
		const chart = timelineChart(timeline("forty", writes, []));
		const found = textsOf(chart.svg).filter((text) => text.startsWith("set /a/key-"));
		assert.ok(found.length < 40 && found.length > 10);
		assert.ok(textsOf(chart.svg).includes(`${found.length} of 40 labelled`));
		assert.deepEqual(outside(chart), []);
		assert.ok(!timelineChart(postsRun()).svg.includes("labelled"));
	});
});

describe("a life of many events", () => {
	let drawn: Chart | undefined;
	const many401 = () => {
		drawn ??= draw();
		return drawn;
	};
	const draw = () => {
		const life = Array.from({ length: 300 }, (_, at): LifeEvent[] => [
			asked(2 * at, 2 * at),
			{
				...{ kind: "error", at: 2 * at + 1, code: 401, message: "cleared", cause: "" },
				gap: { from: 2 * at, to: 2 * at + 1 },
			},
		]).flat();
		const writes = Array.from({ length: 600 }, (_, at) => accepted(at + 1, "set", "/a", at + 1));
		return timelineChart(timeline("loop", writes, [watcher("w", "/a", [], life)]));
	};

	it("is described by its first and its last, and a number", () => {
		const { spec } = many401();
		const description = String(spec["description"]);
		assert.ok(description.length < 2000, `${description.length} characters`);
		assert.match(description, /error 401 at index 1,.*; … 296 more …; .*error 401 at index 599,/);
	});

	it("is drawn with gaps that lie on each other as one, and says of how many", () => {
		const gaps = rowsWith(many401(), "tip", "x2").filter(({ tip }) => Object.hasOwn(tip as object, "gap"));
		assert.ok(gaps.length > 0 && gaps.length < 100, `${gaps.length} gaps`);
		assert.match(String(gaps[0]?.["say"]), /^\d+ times/);
	});
});
