import assert from "node:assert/strict";
import type { Timeline } from "etcd-watch-lab";
import fc from "fast-check";
import { bandsOf, type Counted } from "#lib/chart/bands.js";
import { AFTER, axisOf, indexTicks, layoutOf, placesOf, rounded } from "#lib/chart/layout.js";
import {
	type Entry,
	entriesOf,
	LABEL,
	leanOf,
	legendShapes,
	placeLabels,
	placeWords,
	wrapped,
} from "#lib/chart/placing.js";
import { lookOf, type Shape, type StyleName, swatchOf } from "#lib/chart/shape.js";
import { COLOUR, PLOT_WIDTH, STYLES } from "#lib/chart/style.js";
import type { FaultRecord } from "#lib/timeline";
import { pixelsOf } from "#lib/timeline/printable.js";
import {
	accepted,
	crowd,
	delivery,
	many,
	postsRun,
	refused,
	timeline,
	watcher,
} from "../../support/page/fixtures";

function wanted(xs: readonly number[], top = "set /a/key") {
	return xs.map((x) => ({ x, top, bottom: "104 Not a directory", weight: 0 }));
}
const every = (step: number, count: number) => Array.from({ length: count }, (_, at) => 20 + at * step);

describe("placeLabels", () => {
	for (const [step, count, kind, least] of [
		[200, 4, "rows", 4],
		[110, 6, "rows", 6],
		[70, 9, "rows", 9],
		[30, 21, "slanted", 21],
		// One each 20 px.
		[8, 60, "slanted", 20],
	] as const)
		it(`lets no two of ${count} labels ${step} px apart overlap`, () => {
			const plan = placeLabels(wanted(every(step, count)), wanted(every(step, count), "set /k"), -100, 680);
			assert.equal(plan.kind, kind);
			const placed = plan.labels.flatMap((label, at) => {
				const row = plan.rows[at] ?? -1;
				const half = Math.max(pixelsOf(label.top, LABEL.top, true), pixelsOf(label.bottom, LABEL.bottom)) / 2;
				const middle = plan.middles[at] ?? label.x;
				return row < 0 ? [] : [{ x: label.x, row, from: middle - half, to: middle + half }];
			});
			assert.ok(placed.length >= least, `${placed.length} of ${count} are placed`);
			for (const [at, a] of placed.entries())
				for (const b of placed.slice(at + 1))
					if (kind === "slanted") assert.ok(Math.abs(a.x - b.x) >= 20);
					else if (a.row === b.row) assert.ok(a.to <= b.from || b.to <= a.from, JSON.stringify([a, b]));
					else {
						const [above, below] = a.row > b.row ? [a, b] : [b, a];
						assert.ok(above.x < below.from || above.x > below.to, "a line crosses a label");
					}
		});

	it("keeps all labels inside the room that there is", () => {
		const plan = placeLabels(wanted([5, 650]), wanted([5, 650]), -20, 670);
		const half = pixelsOf("104 Not a directory", LABEL.bottom) / 2;
		assert.ok((plan.middles[0] ?? 0) - half >= -20 && (plan.middles[1] ?? 0) + half <= 670);
	});

	it("takes the long forms where they have room in two rows, the short ones in three, and then slants those", () => {
		const plan = (step: number, count: number) => {
			const long = wanted(every(step, count), "compareAndSwap /a/key");
			const short = wanted(every(step, count), "set /k").map((label) => ({ ...label, bottom: "104" }));
			const made = placeLabels(long, short, -60, 624);
			return [made.kind, made.labels === long, Math.max(-1, ...made.rows), made.height];
		};
		assert.deepEqual(plan(300, 2), ["rows", true, 0, LABEL.rowHeight]);
		assert.deepEqual(plan(120, 5), ["rows", true, 1, 2 * LABEL.rowHeight]);
		assert.deepEqual(plan(60, 10), ["rows", false, 0, LABEL.rowHeight]);
		// A third row is for those that stand just too near for two.
		const half = pixelsOf("set /k", LABEL.top, true) / 2;
		assert.deepEqual(plan(half + 4.25, 20), ["rows", false, 2, 3 * LABEL.rowHeight]);
		assert.deepEqual(plan(half + 3.75, 20).slice(0, 3), ["slanted", false, 0]);
		assert.deepEqual(plan(0, 0), ["rows", true, -1, 0]);
	});

	it("has room for slanted labels above the plot and left of it, for those alone that are there", () => {
		const labels = wanted(every(25, 24), "set").map((label, at) => ({
			...label,
			top: at === 3 ? `set /${"long".repeat(8)}` : at === 0 ? "set /a" : "set",
		}));
		const plan = placeLabels(labels, labels, 0, 600);
		const [first, , , longest] = labels.map(({ top, bottom }) => pixelsOf(`${top}  ${bottom}`, 11));
		assert.ok(first !== undefined && longest !== undefined);
		const [sin, cos] = [Math.sin, Math.cos].map((of) => of((LABEL.slant * Math.PI) / 180));
		assert.equal(plan.height, longest * (sin ?? 0) + 12);
		assert.equal(leanOf(plan), Math.max(longest * (cos ?? 0) - 95, first * (cos ?? 0) - 20));
		assert.deepEqual(
			plan.middles,
			labels.map(({ x }) => x),
		);
		const without = { ...plan, rows: plan.rows.map(() => -1) };
		assert.deepEqual([leanOf(without), leanOf({ ...plan, kind: "rows" })], [0, 0]);
	});

	it("leaves out ordinary labels before those of refused writes", () => {
		const labels = every(8, 50).map((x, at) => ({
			x,
			top: "set /a/key",
			bottom: "105",
			weight: at % 10 === 5 ? 2 : 0,
		}));
		const plan = placeLabels(labels, labels, 0, 680);
		assert.ok(plan.rows.includes(-1), "there is no room for all");
		for (const [at, label] of labels.entries()) if (label.weight === 2) assert.equal(plan.rows[at], 0);
	});
});

describe("the indexes that an axis names", () => {
	it("are at most 12, in the range, evenly apart, and no more than there is room for, whatever the range", () => {
		fc.assert(
			fc.property(fc.nat(10 ** 15), fc.nat({ max: 10 ** 9 }), (lo, length) => {
				const hi = lo + length + 1;
				const ticks = indexTicks(lo - 0.4, hi + 0.4);
				const [first = 0, second = first + 1] = ticks;
				assert.ok(ticks.length >= 1 && ticks.length <= 12, `${ticks.length} ticks`);
				assert.ok(first >= lo && (ticks.at(-1) ?? 0) <= hi);
				assert.deepEqual(
					ticks,
					ticks.map((_, nth) => first + nth * (second - first)),
				);
				const pixels = ticks.reduce((sum, tick) => sum + pixelsOf(String(tick), 11), 0);
				assert.ok(pixels <= PLOT_WIDTH + pixelsOf(String(hi), 11), `${pixels} pixels of ${PLOT_WIDTH}`);
			}),
		);
	});

	for (const [lo, hi, ...ticks] of [
		[0.65, 3.35, 1, 2, 3],
		[-0.35, 2, 0, 1, 2],
		[-2.4, 1.4, -2, -1, 0, 1],
		[0.5, 12.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
		[0.5, 12.6, 2, 4, 6, 8, 10, 12],
		[3, 27.5, 5, 10, 15, 20, 25],
		[0.5, 100.5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
		[
			-999_999, 0.5, -900_000, -800_000, -700_000, -600_000, -500_000, -400_000, -300_000, -200_000, -100_000,
			0,
		],
		[1e14 + 1, 1e14 + 999, 1e14 + 200, 1e14 + 400, 1e14 + 600, 1e14 + 800],
	] as const)
		it(`from ${lo} to ${hi} are ${ticks}`, () => assert.deepEqual(indexTicks(lo, hi), ticks));
});

describe("bandsOf", () => {
	type Band = Exclude<Shape, { text: string }> & { x2: number; y2: number };
	const isBand = (shape: Shape): shape is Band => !("text" in shape);
	const run = (from: number, to: number, style: Counted["style"], words: string): Counted[] =>
		Array.from({ length: to - from + 1 }, (_, nth) => ({ index: from + nth, style, words }));
	const look = { height: 16, unit: "index" } as const;
	/** An axis on which an index takes so many pixels. */
	const axis = (lo: number, pixels = 1) => ({
		...{ lo, hi: lo + PLOT_WIDTH / pixels, last: 0, edge: 0, ticks: [], title: "" },
	});
	const drawn = (events: readonly Counted[], pixels = 1, more: object = {}, lo = 0) =>
		bandsOf(events, axis(lo, pixels), 50, { ...look, ...more });
	const told = (shapes: readonly Shape[]) =>
		shapes.filter(isBand).map(({ style, x, x2, say }) => `${style} ${x} to ${x2}: ${say}`);
	const words = (shapes: readonly Shape[]) => shapes.flatMap((shape) => ("text" in shape ? [shape] : []));

	it("has a box for each stretch, over its indexes, that says and tells what is in it", () => {
		const events = [...run(11, 12, "absentBand", "not delivered"), ...run(1, 10, "writeBand", "written")];
		const common = { y: 42, y2: 58 };
		assert.deepEqual(drawn(events.map((one) => ({ ...one, ...(one.index < 11 ? { what: "set" } : {}) }))), [
			{
				...{ ...common, style: "writeBand", x: 0.5, x2: 10.5, at: 1, what: "set" },
				...{ say: "index 1 to 10: 10 written", tip: { index: "1 to 10", written: "10" } },
			},
			{
				...{ ...common, style: "absentBand", x: 10.5, x2: 12.5, at: 11 },
				...{ say: "index 11 to 12: 2 not delivered", tip: { index: "11 to 12", "not delivered": "2" } },
			},
		]);
		assert.deepEqual(drawn([]), []);
	});

	it("joins what a pixel at most lies between", () => {
		const at = (...indexes: readonly number[]) =>
			indexes.map((index) => ({ index, style: "writeBand", words: "written" }) as const);
		const one = (from: number, to: number, count: number) =>
			`writeBand ${from - 0.5} to ${to + 0.5}: index ${from === to ? from : `${from} to ${to}`}: ${count} written`;
		assert.deepEqual(told(drawn(at(1, 2, 4))), [one(1, 2, 2), one(4, 4, 1)]);
		assert.deepEqual(told(drawn(at(1, 2, 4), 0.5)), [one(1, 4, 3)]);
		assert.deepEqual(told(drawn(at(1, 2, 5), 0.5)), [one(1, 2, 2), one(5, 5, 1)]);
		assert.deepEqual(told(drawn(at(1, 2, 3), 10)), [one(1, 3, 3)]);
	});

	it("stays inside the plot, and between two indexes where refused writes lie", () => {
		assert.deepEqual(told(drawn(run(1, 601, "writeBand", "written"), 1, {}, 1)), [
			"writeBand 1 to 601: index 1 to 601: 601 written",
		]);
		const crosses = [1.25, 1.5, 1.75].map((index) => ({ index, style: "refusedBand", words: "r" }) as const);
		assert.deepEqual(told(drawn(crosses, 10, { isBetween: true })), ["refusedBand 1.1 to 1.9: index 1: 3 r"]);
	});

	it("says in it what it is where there is room: with its indexes, without them, or not", () => {
		const texts = (count: number, more: object = {}, style: Counted["style"] = "writeBand") =>
			words(drawn(run(1, count, style, "written"), 1, more)).map(({ text }) => text);
		const room = (text: string) => Math.ceil(pixelsOf(text, 10.5) + 8);
		const [whole, short] = [room("180 written (index 1 to 180)"), room("70 written")];
		assert.deepEqual(texts(whole), [`${whole} written (index 1 to ${whole})`]);
		assert.deepEqual(texts(whole - 1), [`${whole - 1} written`]);
		assert.deepEqual(texts(short), [`${short} written`]);
		assert.deepEqual(texts(short - 1), []);
		assert.deepEqual([texts(500, { height: 14 }).length, texts(500, { height: 13 }).length], [1, 0]);
		const [label] = words(drawn(run(1, 99, "writeBand", "written")));
		assert.deepEqual(label, {
			...{ style: "bandWords", x: 50, y: 50, text: "99 written", colour: COLOUR.white, at: 99, isMute: true },
		});
		assert.equal(words(drawn(run(1, 99, "absentBand", "written")))[0]?.colour, COLOUR.text);
	});

	const inTurn = (count: number, ...styles: readonly Counted["style"][]) =>
		Array.from({ length: count }, (_, nth): Counted => {
			const style = styles[nth % styles.length] ?? "writeBand";
			return { index: nth + 1, style, words: style };
		});

	it("is exact in 200 stretches, and of more filled to the share that each style has", () => {
		assert.equal(drawn(inTurn(200, "writeBand", "absentBand")).length, 200);
		const mixed = drawn(inTurn(600, "writeBand", "absentBand"), 1, {}, 1);
		assert.deepEqual(told(mixed), [
			"mixedBand 1 to 600.5: index 1 to 600: 300 writeBand, 300 absentBand",
			"writeBand 1 to 600.5: index 1 to 600: 300 writeBand, 300 absentBand",
		]);
		assert.deepEqual(
			mixed.filter(isBand).map(({ y, y2 }) => [y, y2]),
			[
				[42, 50],
				[50, 58],
			],
		);
	});

	it("is full from its foot to its top in each stretch, and shows the rarest of it", () => {
		const events = inTurn(4000, "writeBand", "absentBand", "writeBand").map((event): Counted => {
			if (event.index === 2000) return { ...event, style: "removeBand", words: "deleted" };
			return event.index > 3000 && event.index < 3100 ? { ...event, index: 2999 } : event;
		});
		const boxes = drawn(events, 0.15, {}, 1).filter(isBand);
		const stretches = new Map<string, Band[]>();
		for (const box of boxes) stretches.set(`${box.x}`, [...(stretches.get(`${box.x}`) ?? []), box]);
		for (const stretch of stretches.values()) {
			assert.deepEqual([stretch[0]?.y, stretch.at(-1)?.y2], [42, 58]);
			for (const [nth, { y, y2 }] of stretch.entries()) {
				assert.ok(y2 - y >= 1.59, `${y} to ${y2}`);
				if (nth > 0) assert.equal(stretch[nth - 1]?.y2, y);
			}
		}
		const [rare, ...others] = boxes.filter(({ style }) => style === "removeBand");
		assert.ok(rare && others.length === 0 && rare.x < 2000 && rare.x2 > 2000 && rare.y2 - rare.y < 2);
		const [before, after] = [...stretches.values()]
			.flatMap(([one]) => (one ? [one] : []))
			.filter(({ x, x2 }) => (x < 2999 && x2 > 2990) || (x > 3060 && x < 3130));
		assert.ok(before && after && after.x - before.x2 > 50, "nothing is drawn where nothing was");
	});

	it("counts styles of the same words together", () => {
		const events = inTurn(300, "writeBand", "replayedBand").map((one) => ({ ...one, words: "delivered" }));
		assert.match(told(drawn(events, 2, {}, 1))[0] ?? "", /: index 1 to 300: 300 delivered$/);
	});
});

describe("the layout of a run", () => {
	const laid = (run: Timeline, top = 0) => {
		const places = placesOf(run);
		return layoutOf(run, places, axisOf([places], "t"), top);
	};
	const idle = (count: number) => Array.from({ length: count }, (_, nth) => watcher(`w${nth}`, "/a", []));

	it("has a lane for each writer, then each watcher, then the member, none on another, all inside", () => {
		for (const [count, faults, least] of [
			[1, [], 64],
			[3, [], 64],
			[3, [{ kind: "kill", at: 1 }], 52],
			[6, [], 52],
			[7, [], 40],
			[20, [{ kind: "kill", at: 1 }], 40],
		] as const) {
			const run = timeline("t", [accepted(1, "set", "/a", 1)], idle(count), { faults });
			for (const top of [0, 100]) {
				const { writers, watchers, member, labelsEnd, bottom } = laid(run, top);
				const lanes = [...writers.values(), ...watchers, ...(member ? [member] : [])];
				assert.equal(lanes.length, 1 + count + faults.length);
				assert.deepEqual(
					watchers.map(({ name, words }) => [name, words]),
					run.watchers.map(({ name }) => [name, "watch /a, recursive"]),
				);
				assert.equal(member?.name, faults.length > 0 ? "the member" : undefined);
				for (const [nth, { y, half }] of lanes.entries()) {
					const next = lanes[nth + 1];
					if (next) assert.equal(next.y - y, least);
					assert.ok(!next || y + half < next.y - next.half);
				}
				assert.ok(labelsEnd > top && labelsEnd + 10 < (lanes[0]?.y ?? 0));
				assert.equal(bottom, (lanes.at(-1)?.y ?? 0) + 30);
			}
		}
		assert.deepEqual([...laid(timeline("t", [], [])).writers.keys()], ["writer"]);
		assert.deepEqual([...laid(crowd()).writers.keys()], ["alice", "bob", "etcd"]);
	});

	it("has a margin as wide as the widest name needs, within bounds", () => {
		const named = (name: string, key = "/") =>
			laid(timeline("t", [], [watcher(name, key, [], [], { recursive: false })]));
		const [short, long, longest] = ["w", "a name in the middle", "W".repeat(90)].map((name) => named(name));
		assert.ok(short && long && longest);
		assert.ok(short.left === 90 && longest.left > 200 && longest.left <= 220, `${longest.left}`);
		assert.equal(long.left, Math.round(pixelsOf("a name in the middle", 12, true) + 26));
		assert.equal(named("w", "/a/key").left, Math.max(90, Math.round(pixelsOf("watch /a/key", 11) + 26)));
		for (const { watchers } of [long, longest, named("w", `/${"W".repeat(90)}`)])
			for (const { name, words } of watchers)
				assert.ok(Math.max(pixelsOf(name, 12, true), pixelsOf(words, 11)) <= 220 - 26);
	});

	it("labels up to 60 writes, what was refused before all else, and says how many of each client's are", () => {
		const labelsOf = (run: Timeline) =>
			laid(run).labels.labels.map(({ top, bottom, weight }) => [top, bottom, weight]);
		assert.deepEqual(labelsOf(postsRun()), [
			["set /a/b", "+1", 0],
			["set /a/b/c", "104 Not a directory", 2],
			["set /a/d", "+2", 0],
			["delete /a/b/c", "104 Not a directory", 2],
			["delete /a/b", "+3", 1],
		]);
		assert.deepEqual([labelsOf(many(60)).length, labelsOf(many(61)).length], [60, 0]);
		assert.deepEqual([laid(many(61)).labels.height, laid(many(61)).writers.get("writer")?.words], [0, ""]);
		const { labels, writers, left } = laid(many(60));
		const shown = labels.rows.filter((row) => row === 0).length;
		assert.ok(labels.kind === "slanted" && shown > 10 && shown < 60);
		assert.equal(writers.get("writer")?.words, `${shown} of 60 labelled`);
		assert.ok(left >= pixelsOf(`${shown} of 60 labelled`, 11) + 26);
		const longer = many(20).writes.map((write) => ({ ...write, key: `/a/${"long".repeat(20)}` }));
		for (const { top, bottom } of laid({ ...many(20), writes: longer }).labels.labels) {
			assert.ok(top.length <= LABEL.longest + 1, top);
			assert.ok(bottom.length <= 28, bottom);
		}
		const two = many(60).writes.map((write, at) => ({ ...write, by: at < 3 ? "Ann" : "Bob" }));
		const both = laid({ ...many(60), writes: two });
		const rows = both.labels.rows.slice(0, 3).filter((row) => row === 0).length;
		assert.equal(both.writers.get("Ann")?.words, rows === 3 ? "" : `${rows} of 3 labelled`);
	});

	it("gives what was done to the servers words below the lowest lane, inside the plot, the worst first", () => {
		const faults: FaultRecord[] = [
			{ kind: "snapshot", at: 2 },
			...Array.from({ length: 7 }, () => ({ kind: "kill" as const, at: 3 })),
			{ kind: "snapshot", at: 3 },
			{ kind: "restart", at: 4 },
		];
		const run = timeline(
			"t",
			[1, 2, 3, 4].map((at) => accepted(at, "set", "/a", at)),
			idle(1),
			{ faults },
		);
		const { faults: placed, axis, bottom, member } = laid(run);
		assert.deepEqual(
			placed.map(({ at, faults: here, x }) => [at, here.length, x]),
			[
				[2, 1, 2 + AFTER],
				[3, 8, 3 + AFTER],
				[4, 1, 4 + AFTER],
			],
		);
		assert.match(placed[1]?.words ?? "", /^(kill -9, ){7}sent the whole store$/);
		assert.deepEqual(
			placed.map(({ row }) => row),
			[1, 0, 1],
		);
		assert.equal(bottom, (member?.y ?? 0) + 30);
		const crowded = laid({
			...run,
			faults: [1, 2, 3, 4].flatMap((nth) =>
				faults.slice(1, 8).map((fault) => ({ ...fault, at: 2 + nth / 8 })),
			),
		});
		assert.deepEqual(
			crowded.faults.map(({ row }) => row),
			[0, 1, 2, 3],
		);
		assert.equal(crowded.bottom, bottom + 2 * 13);
		const wide = Array.from({ length: 8 }, (_, nth) => ({ kind: "cutOff" as const, at: 2 + nth / 99 }));
		const rows = laid({ ...run, faults: wide }).faults.map(({ row }) => row);
		assert.deepEqual(rows, [0, 1, 2, 3, 4, 5, -1, -1]);
		for (const { words, wordsX, x } of placed) {
			const from = ((wordsX - axis.lo) * PLOT_WIDTH) / (axis.hi - axis.lo);
			assert.ok(wordsX <= x && from >= 0 && from + pixelsOf(words, 10.5) <= PLOT_WIDTH + 20.1, words);
		}
		assert.equal(laid({ ...run, faults: [{ kind: "kill", at: 0 }] }).faults[0]?.wordsX, 0.65);
		assert.equal(laid({ ...run, faults: [{ kind: "kill", at: 9 }] }).faults[0]?.x, 4.35);
		const { faults: _, ...whole } = run;
		assert.deepEqual([laid(whole).faults, laid(whole).member], [[], undefined]);
	});

	it("has each write at its index, or between the two at which it was refused, and what is beyond the last", () => {
		const placed = (run: Timeline) => {
			const { xOf, ...rest } = placesOf(run);
			return [run.writes.map(xOf), rest];
		};
		assert.deepEqual(placed(postsRun()), [
			[1, 1.5, 2, 2.5, 3],
			{ lo: 0.65, hi: 3.35, last: 3, end: 3.35, edge: 0.35 },
		]);
		assert.deepEqual(placed(crowd())[0], [1, 1.25, 1.5, 1.75, 2, 3]);
		assert.deepEqual(placed(timeline("t", [], [])), [
			[],
			{ lo: 0.65, hi: 1.35, last: 1, end: 1.35, edge: 0.35 },
		]);
		assert.deepEqual(placed(timeline("t", [refused(1, "set", "/a", 0), refused(2, "set", "/a", 4)], []))[1], {
			...{ lo: 0.5 - 0.35, hi: 4.5 + 0.35, last: 4, end: 4.85, edge: 0.35 },
		});
		const foreign = timeline("t", [], [watcher("w", "/a", [delivery(accepted(1, "set", "/a", 101), 0)])]);
		assert.deepEqual(placed(foreign)[1], { lo: -1, hi: 103, last: 101, end: 101.5, edge: 0.5 });
		const axis = axisOf([placesOf(postsRun()), placesOf(foreign)], "t");
		assert.deepEqual([axis.lo, axis.hi, axis.last, axis.edge, axis.title], [-1, 103, 101, 0.5, "t"]);
		const late = timeline(
			"t",
			Array.from({ length: 9 }, (_, nth) => refused(nth + 1, "set", "/a", 2)),
			[],
		);
		assert.deepEqual(axisOf([placesOf({ ...late, lastIndex: 2 })], "t").ticks, [1, 2]);
	});

	it("rounds to what reads the same everywhere, and knows no zero below zero", () => {
		assert.deepEqual([1 / 3, -0.00001, 2].map(rounded), [0.3333, 0, 2]);
	});
});

describe("words and entries in rows", () => {
	it("lie no nearer to each other than the gap, in the first row that is free, the weightiest first", () => {
		const word = (from: number, weight = 0) => ({ from, width: 10, weight });
		assert.deepEqual(placeWords([word(0), word(15), word(14), word(30)], 2, 5), [0, 0, 1, 0]);
		assert.deepEqual(placeWords([word(0), word(1), word(2)], 2, 5), [0, 1, -1]);
		assert.deepEqual(placeWords([word(0), word(1, 1), word(2, 2)], 2, 5), [-1, 1, 0]);
		assert.deepEqual(placeWords([word(20, 1), word(5), word(4)], 1, 5), [0, 0, -1]);
		assert.deepEqual(placeWords([], 2, 5), []);
	});

	it("break a text at spaces, and cut a word that is longer than a line", () => {
		const pixels = pixelsOf("aaaa bbbb", 11);
		assert.deepEqual(wrapped("aaaa bbbb cc dddd", 11, pixels, false), ["aaaa bbbb", "cc dddd"]);
		assert.deepEqual(wrapped("aaaa bbbb", 11, pixels - 1, false), ["aaaa", "bbbb"]);
		assert.deepEqual(wrapped("aaaa bbbb", 11, pixels, true), ["aaaa", "bbbb"]);
		const [cut = "", after] = wrapped(`${"a".repeat(40)} b`, 11, pixels, false);
		assert.ok(cut.startsWith("aaa") && cut.includes("…") && pixelsOf(cut, 11) <= pixels, cut);
		assert.equal(after, "b");
		assert.deepEqual(wrapped("", 11, pixels, false), [""]);
	});

	it("of a legend stay between its sides, each sign left of its words and none on another", () => {
		const signs: readonly Omit<Entry, "text">[] = [
			{ marks: [lookOf("write", 80), lookOf("absent", 80)] },
			{ box: { ...swatchOf("listening"), isBar: true } },
			{ box: { ...swatchOf("paused"), isBar: false } },
		];
		const entries = Array.from({ length: 9 }, (_, nth) => ({
			text: "w".repeat(1 + ((nth * 7) % 20)),
			...signs[nth % 3],
		}));
		for (const [left, right] of [
			[undefined, 300],
			[-90, 210],
			[0, 1],
		] as const) {
			const { shapes, height } = legendShapes(entries, 40, { left, right });
			const spans = shapes.flatMap((shape) => {
				if (shape.style === "legendWords" && "text" in shape)
					return [{ y: shape.y, from: shape.x, to: shape.x + pixelsOf(shape.text, 11.5), isWords: true }];
				if ("x2" in shape && shape.x2 !== undefined && shape.y2 !== undefined)
					return [{ y: (shape.y + shape.y2) / 2, from: shape.x, to: shape.x2, isWords: false }];
				return [{ y: shape.y, from: shape.x - 8, to: shape.x + 8, isWords: false }];
			});
			const words = spans.filter(({ isWords }) => isWords);
			assert.equal(words.length, 9);
			for (const [nth, one] of words.entries()) {
				const last = words[nth - 1];
				const sign = spans.find(
					({ isWords, y, to }) => !isWords && y === one.y && to < one.from && one.from - to < 8,
				);
				assert.ok(sign && sign.from >= (left ?? 0) - 1, JSON.stringify(one));
				assert.ok(one.to <= right || sign.from < (left ?? 0) + 1, "past the right side, though not alone");
				if (last?.y === one.y) assert.ok(sign.from > last.to + 5);
				else if (last) {
					assert.equal(one.y - last.y, 20);
					assert.ok(last.to + (one.to - sign.from) + 10 > right, "there was room in the row above");
				}
			}
			assert.ok(words[0]?.y === 40 && (words.at(-1)?.y ?? 0) < 40 + height && height % 20 === 0);
		}
		const [bar, box] = legendShapes(entries.slice(1, 3), 0, { right: 600 }).shapes.filter(
			({ style }) => style !== "legendWords",
		);
		assert.deepEqual([bar?.style, box?.style], ["keyBox", "keyDashed"]);
		assert.deepEqual(legendShapes([], 40, { right: 300 }), { shapes: [], height: 0 });
	});
});

describe("the entries of a legend", () => {
	const shape = (style: StyleName, what?: string) =>
		({ style, x: 0, y: 0, ...(what === undefined ? {} : { what }) }) as Shape;
	const texts = (...shapes: readonly Shape[]) => entriesOf(shapes).map(({ text }) => text);

	it("are what is drawn, each meaning once, in the order of reading, in the words of what is drawn", () => {
		const all = (Object.keys(STYLES) as StyleName[]).map((style) => shape(style, style));
		assert.deepEqual(texts(...[...all].reverse()).slice(0, 16), [
			...["kept: can still be asked for", "write, writeBand", "remove, removeBand", "refused, refusedBand"],
			...["failed", "takes an index, raises no event", "not delivered"],
			...["in part: filled to the share that came", "replayed from the history", "listening"],
			...["open, but nobody at the other side", "not reading", "gap: events that are gone"],
			...["compacted: forgotten", "the member is broken", "the last 1000 events"],
		]);
		assert.deepEqual(texts(shape("write", "set"), shape("writeBand"), shape("write", "create")), [
			"set, create",
		]);
		assert.deepEqual(texts(shape("refused", "refused"), shape("refused", "nothing done")), [
			"refused, or in v3 nothing done",
		]);
		assert.deepEqual(texts(shape("lane"), shape("legendWords")), []);
	});

	it("have the sign of what is drawn: a mark before a box, a ring with a mark in it, a dashed box", () => {
		const [write] = entriesOf([shape("writeBand", "set"), shape("write", "set")]);
		assert.deepEqual(write, { text: "set", marks: [lookOf("write", 130)] });
		assert.deepEqual(entriesOf([shape("writeBand", "set")]), [
			{ text: "set", box: { fill: COLOUR.write, stroke: COLOUR.write, isDashed: false, isBar: false } },
		]);
		assert.equal(entriesOf([shape("replayed")])[0]?.marks?.length, 2);
		const boxes = ["listening", "paused", "gap", "window"] as const;
		assert.deepEqual(
			boxes.map((style) => entriesOf([shape(style)])[0]?.box),
			[
				{ fill: COLOUR.listening, stroke: COLOUR.listening, isDashed: false, isBar: true },
				{ fill: COLOUR.white, stroke: COLOUR.paused, isDashed: true, isBar: true },
				{ fill: "#fadfcc", stroke: COLOUR.refused, isDashed: true, isBar: false },
				{ fill: "#faf6c0", stroke: COLOUR.windowEdge, isDashed: false, isBar: false },
			],
		);
		assert.deepEqual(
			[59, 60].map((size) => lookOf("refused", size)).map(({ strokeWidth, size }) => [strokeWidth, size]),
			[
				[1, 59 * 0.75],
				[2, 60 * 0.75],
			],
		);
	});
});
