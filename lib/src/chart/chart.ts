import { accountOf, checkTimeline, type WatcherAccount } from "../timeline/account";
import { fitted, printable } from "../timeline/printable";
import {
	countsInWords,
	refusalLabel,
	runInWords,
	shownOf,
	totalWords,
	type Unit,
	unitOf,
} from "../timeline/reading";
import type { EventAction, Timeline, WriteRecord } from "../timeline/timeline";
import { isRemoval } from "../v2/key";
import { type BandStyle, bandsOf, type Counted } from "./bands";
import { type Chart, chartOf, type Titles } from "./frame";
import type { Axis } from "./layers";
import { axisOf, type Lane, type Layout, layoutOf, pixelsPerIndex, placesOf, rounded } from "./layout";
import { compactionsOf, faultsOf, lifeOf, windowOf } from "./life";
import { markOfWrite, markSize, marksOfWatcher } from "./marks";
import { entriesOf, LABEL, slantedText } from "./placing";
import type { Shape } from "./shape";
import { COLOUR, PLOT_WIDTH, WINDOW } from "./style";
import { timelineText } from "./text";

/** Titles. Default: the scenario's name, and the counts, such as "5 writes tried, 3 accepted, 2 refused". */
export interface ChartOptions extends Titles {
	/** Draws the window of the last 1000 events as a band. Default: only when the run is longer than that. */
	readonly window?: boolean;
}

/** Titles. Default: the first run's name, and no subtitle. */
export interface SideBySideOptions extends Titles {
	/** What each run is called; "v2" and "v3" by its API unless given. */
	readonly names?: readonly [string, string];
}

/**
 * Draws a run by index: the writers' lanes, below them one for each watcher. Pure: nothing is shown, and the same
 * timeline gives the same bytes. A lane with more than about 200 marks is drawn as bands.
 */
export function timelineChart(timeline: Timeline, options: ChartOptions = {}): Chart {
	checkTimeline(timeline);
	const { title = timeline.name, subtitle = `${countsInWords(timeline)}${whereWords(timeline)}` } = options;
	const places = placesOf(timeline);
	const layout = layoutOf(timeline, places, axisOf([places], axisTitle([timeline])));
	return runsChart([timeline], {
		title,
		subtitle,
		description: runInWords(timeline),
		text: timelineText(timeline, { title, subtitle }),
		axis: layout.axis,
		left: layout.left,
		plotHeight: layout.bottom,
		shapes: shapesOf(layout, options.window),
	});
}

/** The heading of a panel, and the room between two. */
const HEAD = 26;
const BETWEEN = 14;

/**
 * Draws two runs over one axis, one below the other: the same scenario on v2 and on v3, or any two. Pure, and
 * otherwise as `timelineChart`.
 */
export function sideBySideChart(one: Timeline, other: Timeline, options: SideBySideOptions = {}): Chart {
	for (const run of [one, other]) checkTimeline(run);
	const { title = one.name, subtitle = "", names = [nameOf(one), nameOf(other)] } = options;
	const runs = [one, other];
	const [first, second] = [placesOf(one), placesOf(other)];
	const axis = axisOf([first, second], axisTitle(runs));
	const upper = layoutOf(one, first, axis, HEAD);
	const split = upper.bottom + BETWEEN;
	const lower = layoutOf(other, second, axis, split + HEAD);
	const left = Math.max(upper.left, lower.left);
	const head = (run: Timeline, name: string, y: number): Shape => ({
		style: "head",
		x: 8 - left,
		y,
		text: fitted(`${name}: ${countsInWords(run)}`, left + PLOT_WIDTH + 12, 12, true),
	});
	const texts = runs.map((run, at) =>
		timelineText(run, { title: names[at] ?? "", subtitle: countsInWords(run) }),
	);
	const above = [title, ...(options.subtitle === undefined ? [] : [options.subtitle])].map(printable);
	return runsChart(runs, {
		title,
		subtitle,
		description: runs.map((run, at) => `${names[at]}: ${runInWords(run)}`).join(" "),
		text: [...above, "", ...texts].join("\n"),
		axis,
		left,
		plotHeight: lower.bottom,
		shapes: [
			...shapesOf(upper),
			...shapesOf(lower),
			head(one, names[0], 10),
			head(other, names[1], split + 10),
			{ style: "panelEdge", x: 8 - left, x2: 620, y: split - BETWEEN / 2 },
		],
	});
}

function runsChart(
	runs: readonly Timeline[],
	input: Parameters<typeof chartOf>[0] & { readonly axis: Axis },
): Chart {
	const { lo, last } = input.axis;
	const name = `play up to ${[...new Set(runs.map(unitOf))].join(" or ")} `;
	const slider = { min: Math.min(0, Math.floor(lo)), max: last, name };
	const shapes = thinned(input.shapes);
	// A bar that a mark hides is worth no word of the legend.
	const isHidden = (shape: Shape) =>
		shape.style === "listening" && ((shape.x2 ?? 0) - shape.x) * pixelsPerIndex(input.axis) < 4;
	const legend = entriesOf(shapes.filter((shape) => !isHidden(shape)));
	return chartOf({ ...input, of: runs, shapes, slider, legend });
}

function nameOf({ api, server }: Timeline): string {
	return /^\d/.test(server) ? `${api} of etcd ${server}` : server;
}

/** Of a run that was on no server, that of the model, what it was on. */
function whereWords({ server }: Timeline): string {
	return /^\d/.test(server) ? "" : `, on ${server.replace(/^the model of (?=\d)/, "the model of etcd ")}`;
}

function axisTitle(runs: readonly Timeline[]): string {
	const units = new Set<Unit>(runs.map(unitOf));
	if (units.size > 1) return "index of v2's store, revision of v3's: each counted from the start of its run";
	return `${[...units].join()} of the store, counted from the start of the run`;
}

/** A lane with more marks than this is drawn as bands. */
const MOST_MARKS = 220;
/** In a lane of bands, a class with at most this many marks is drawn mark by mark, over the bands. */
const FEW_MARKS = 40;
/** With more lines than this from writes to deliveries they are thin. */
const MANY_JOINS = 80;

/** All of a run: each lane mark by mark, or as bands where it has too many. `window`: by the run's length unless given. */
function shapesOf(layout: Layout, window?: boolean): Shape[] {
	const { timeline, places } = layout;
	const isLong = places.last - Math.ceil(places.lo) >= WINDOW;
	const writers = [...layout.writers].map(([by, lane]) => writerShapes(by, lane, layout));
	const lineFrom = writers.some(({ isBanded }) => isBanded) ? 8 : 0;
	const watchers = accountOf(timeline).watchers.flatMap((account, at) => {
		const lane = layout.watchers[at];
		return lane ? [{ ...watcherShapes(account, lane, layout, lineFrom), lane }] : [];
	});
	const totals = new Map(watchers.map(({ lane, total }) => [lane, total]));
	return [
		...(timeline.api === "v2" && (window ?? isLong) ? windowOf(layout) : []),
		...lanesOf(layout, totals),
		...faultsOf(layout),
		...compactionsOf(layout),
		...writers.flatMap(({ shapes }) => shapes),
		...watchers.flatMap(({ shapes }) => shapes),
		...labelsOf(layout),
	];
}

/** With very many lines from writes to deliveries the lines are thin. */
function thinned(shapes: readonly Shape[]): Shape[] {
	const isMany = shapes.filter(({ style }) => style === "join").length > MANY_JOINS;
	return shapes.map((shape) => (isMany && shape.style === "join" ? { ...shape, style: "thinJoin" } : shape));
}

/** The lanes' lines and names, and what came in all where a lane is too full to count. */
function lanesOf({ axis, writers, watchers, member }: Layout, totals: ReadonlyMap<Lane, string>): Shape[] {
	return [...writers.values(), ...watchers, ...(member ? [member] : [])].flatMap((lane): Shape[] => {
		const { name, words, y } = lane;
		const total = totals.get(lane) ?? "";
		const up = total === "" ? 0 : 6;
		const place = { x: -14, isMute: true } as const;
		return [
			{ style: "lane", x: axis.lo, x2: axis.hi, y },
			{
				style: "laneName",
				x: -14,
				y: words === "" ? y : y - 7 - up,
				text: name,
				say: [name, words, total].filter(Boolean).join(", "),
			},
			...(words === "" ? [] : [{ ...place, style: "laneWords", y: y + 8 - up, text: words } as const]),
			...(total === "" ? [] : [{ ...place, style: "laneTotal", y: y + 16, text: total } as const]),
		];
	});
}

function writerShapes(by: string, lane: Lane, { timeline, places, axis }: Layout) {
	const unit = unitOf(timeline);
	const writes = timeline.writes.filter((write) => write.by === by);
	if (writes.length <= MOST_MARKS) {
		const size = markSize(writes.map(places.xOf), axis);
		return {
			isBanded: false,
			shapes: writes.map((write) => markOfWrite(write, places.xOf(write), lane, size, unit)),
		};
	}
	const counted = writes.map((write) => countedWrite(write, places.xOf(write)));
	const isRefused = ({ style }: Counted) => style === "refusedBand";
	const accepted = counted.filter((one) => !isRefused(one));
	const look = { height: 6, isBetween: true, unit } as const;
	return {
		isBanded: true,
		shapes: [
			...bandsOf(accepted, axis, lane.y, { height: 16, unit }),
			...bandsOf(counted.filter(isRefused), axis, lane.y - 15, look),
		],
	};
}

function countedWrite({ outcome }: WriteRecord, x: number): Counted {
	if (outcome.kind !== "accepted")
		return {
			index: x,
			style: "refusedBand",
			words: "refused or without an answer",
			what: outcome.kind === "failed" ? refusalLabel(outcome) : "refused",
		};
	if (!outcome.raisesEvent) return { index: outcome.index, style: "noEventBand", words: "without an event" };
	return {
		index: outcome.index,
		...(isRemoval(outcome)
			? { style: "removeBand", words: "deleted" }
			: { style: "writeBand", words: "written" }),
		what: outcome.action,
	};
}

/** A watcher's lane: its life, and its events as marks, or as bands with only those marks that are few. */
function watcherShapes(account: WatcherAccount, lane: Lane, layout: Layout, lineFrom: number) {
	const { timeline, axis } = layout;
	const events: Counted[] = [];
	let came = 0;
	let absent = 0;
	const add = (index: number, isReplayed: boolean, what: EventAction | undefined) => {
		const isRemoved = what !== undefined && isRemoval({ action: what });
		const style: BandStyle = isReplayed ? "replayedBand" : isRemoved ? "removeBand" : "writeBand";
		events.push({ index, style, words: "delivered", ...(what === undefined ? {} : { what }) });
	};
	for (const write of timeline.writes) {
		const shown = shownOf(account, write);
		if (shown.kind === "came") {
			came += shown.deliveries.length;
			const isReplayed = shown.deliveries.every(({ fromHistory }) => fromHistory);
			add(shown.outcome.index, isReplayed, shown.deliveries[0]?.action);
		}
		if (shown.kind === "absent" || (shown.kind === "came" && shown.lacking.length > 0)) {
			absent++;
			events.push({ index: shown.outcome.index, style: "absentBand", words: "not delivered" });
		}
	}
	for (const { index, fromHistory, action } of account.foreign) {
		came++;
		add(index, fromHistory, action);
	}
	const isBanded = came + absent > MOST_MARKS;
	const size = isBanded
		? 34
		: markSize(
				events.map(({ index }) => index),
				axis,
			);
	const draw = { came: !isBanded || came <= FEW_MARKS, absent: !isBanded || absent <= FEW_MARKS, lineFrom };
	return {
		total: isBanded ? totalWords(account) : "",
		shapes: [
			...lifeOf(account, layout, lane, isBanded),
			...(isBanded ? bandsOf(events, axis, lane.y, { height: 16, unit: account.unit }) : []),
			...marksOfWatcher(account, layout, lane, size, draw),
		],
	};
}

/** The labels above the writes, with a thin line down where a label doesn't stand right above its mark. */
function labelsOf({ timeline, labels: plan, labelsEnd, writers, axis }: Layout): Shape[] {
	const fromPixels = (px: number) => rounded(axis.lo + px / pixelsPerIndex(axis));
	return plan.labels.flatMap((label, nth): Shape[] => {
		const row = plan.rows[nth] ?? -1;
		const write = timeline.writes[nth];
		if (row < 0 || !write) return [];
		const { outcome } = write;
		const low = labelsEnd - row * LABEL.rowHeight;
		const common = { at: outcome.kind === "accepted" ? outcome.index : write.triedAt, link: `w${write.id}` };
		const words = { ...common, isMute: true } as const;
		const colour = outcome.kind === "accepted" ? COLOUR.quiet : COLOUR.refusedText;
		const x = fromPixels(label.x);
		if (plan.kind === "slanted")
			return [{ ...words, style: "labelSlanted", x, y: low - 6, text: slantedText(label), colour }];
		const middle = fromPixels(plan.middles[nth] ?? label.x);
		const end = (writers.get(write.by)?.y ?? 0) - 9;
		return [
			...(row > 0 || Math.abs(end - low) > 14
				? [{ ...common, style: "labelThread", x, y: low, y2: end } as const]
				: []),
			{ ...words, style: "labelTop", x: middle, y: low - 19, text: label.top },
			{ ...words, style: "labelBottom", x: middle, y: low - 6, text: label.bottom, colour },
		];
	});
}
