import { groupBy } from "../timeline/account";
import { fitted, pixelsOf, shortened } from "../timeline/printable";
import {
	faultWords,
	inWordsOf,
	refusalLabel,
	type Unit,
	unitOf,
	watcherWords,
	writeWords,
} from "../timeline/reading";
import type { FaultRecord, Timeline, WriteRecord } from "../timeline/timeline";
import type { Axis } from "./layers";
import { LABEL, type LabelPlan, leanOf, placeLabels, placeWords, type WantedLabel } from "./placing";
import { PLOT_WIDTH } from "./style";

/** Where the writes of a run stand on its own axis, and how far that goes. */
export interface Places {
	/** The x of a write: its index, or for a refused one a place between two indexes. */
	readonly xOf: (write: WriteRecord) => number;
	readonly lo: number;
	readonly hi: number;
	/** The last index of the run. */
	readonly last: number;
	/** The x up to which a watcher that was open at the end is drawn. */
	readonly end: number;
	/** How far past an index a bar goes that ends after it. */
	readonly edge: number;
}

/** A refused write stands after the index at which it was tried; several at the same place are spread evenly. */
export function placesOf(timeline: Timeline): Places {
	const others = timeline.writes.filter(({ outcome }) => outcome.kind !== "accepted");
	const spread = new Map(
		[...groupBy(others, (write) => write.triedAt)].flatMap(([triedAt, same]) =>
			same.map((write, at) => [write, triedAt + (at + 1) / (same.length + 1)] as const),
		),
	);
	const xOf = (write: WriteRecord) =>
		write.outcome.kind === "accepted" ? write.outcome.index : (spread.get(write) ?? write.triedAt);
	let lowest = 1;
	let highest = Math.max(1, timeline.lastIndex);
	const reach = (x: number) => {
		lowest = Math.min(lowest, x);
		highest = Math.max(highest, x);
	};
	for (const write of timeline.writes) reach(xOf(write));
	for (const { deliveries } of timeline.watchers) for (const { index } of deliveries) reach(index);
	const last = Math.floor(highest);
	const pad = Math.max(0.35, (highest - lowest) * 0.02);
	const edge = Math.min(pad, 0.5);
	return { xOf, lo: lowest - pad, hi: highest + pad, last, end: highest + edge, edge };
}

/** One axis for the places of all. */
export function axisOf(places: readonly Places[], title: string): Axis {
	const least = Math.min(...places.map(({ lo }) => lo));
	const most = Math.max(...places.map(({ hi }) => hi));
	const last = Math.max(...places.map((one) => one.last));
	return {
		lo: least,
		hi: most,
		last,
		edge: Math.max(...places.map(({ edge }) => edge)),
		// Behind the last index there are refused writes at most.
		ticks: indexTicks(least, most).filter((tick) => tick <= last),
		title,
	};
}

/** How many pixels an index takes. */
export function pixelsPerIndex({ lo, hi }: Pick<Axis, "lo" | "hi">): number {
	return PLOT_WIDTH / (hi - lo);
}

/** The indexes that an axis names: at most 12, and no more than there is room for. */
export function indexTicks(lo: number, hi: number): number[] {
	const widest = pixelsOf(String(Math.ceil(Math.max(Math.abs(lo), Math.abs(hi)))), 11);
	const most = Math.min(12, Math.floor(PLOT_WIDTH / (widest + 4)));
	let step = 1;
	for (let power = 1; (hi - lo) / step > most; power *= 10)
		for (const round of [1, 2, 5]) {
			step = round * power;
			if ((hi - lo) / step <= most) break;
		}
	const ticks: number[] = [];
	for (let tick = Math.ceil(lo / step) * step; tick <= hi; tick += step) ticks.push(tick === 0 ? 0 : tick);
	return ticks;
}

/** A number that reads the same on every machine. */
export function rounded(value: number): number {
	const cut = Math.round(value * 1e4) / 1e4;
	return cut === 0 ? 0 : cut;
}

/** One line of the chart: a writer's or a watcher's. Pixels from the plot's top. */
export interface Lane {
	readonly y: number;
	/** Half the height that it may use. */
	readonly half: number;
	readonly name: string;
	readonly words: string;
}

/** A run's lanes and labels, at their place in a chart of one run or more. */
export interface Layout {
	readonly timeline: Timeline;
	/** The run's own places, on the axis that it may share. */
	readonly places: Places;
	readonly axis: Axis;
	readonly writers: ReadonlyMap<string, Lane>;
	/** In the order of the timeline's watchers. */
	readonly watchers: readonly Lane[];
	/** The lowest one: the member that was broken; undefined where nothing was. */
	readonly member: Lane | undefined;
	readonly faults: readonly PlacedFault[];
	readonly labels: LabelPlan;
	/** The lowest point of the labels' lowest row. */
	readonly labelsEnd: number;
	readonly left: number;
	/** Where the lowest lane ends, in pixels from the plot's top. */
	readonly bottom: number;
}

/** The widest that the margin with the names may be. */
const WIDEST = 220;
const nameOf = (name: string) => fitted(shortened(name, 26), WIDEST - 26, 12, true);

/** Above this many writes no write is labelled. */
const MOST_LABELS = 60;

/** `top`: where it begins, in pixels. */
export function layoutOf(timeline: Timeline, places: Places, axis: Axis, top = 0): Layout {
	const by = [...new Set(timeline.writes.map((write) => write.by))];
	if (by.length === 0) by.push("writer");
	const isBroken = (timeline.faults ?? []).length > 0;
	const count = by.length + timeline.watchers.length + (isBroken ? 1 : 0);
	const spacing = count <= 4 ? 64 : count <= 7 ? 52 : 40;

	const names = [
		...by.map((name) => ({ name: nameOf(name), words: "" })),
		...timeline.watchers.map((watcher) => ({
			name: nameOf(watcher.name),
			words: fitted(watcherWords(watcher, unitOf(timeline), 16), WIDEST - 26, 11),
		})),
		...(isBroken ? [{ name: "the member", words: "that they are at" }] : []),
	];
	const widest = Math.max(
		...names.map(({ name, words }) => Math.max(pixelsOf(name, 12, true), pixelsOf(words, 11))),
	);
	const margin = Math.round(Math.max(90, widest + 26));

	const labelled = timeline.writes.length > MOST_LABELS ? [] : timeline.writes;
	const wanted = (short: boolean) =>
		labelled.map((write) =>
			labelOf(write, (places.xOf(write) - axis.lo) * pixelsPerIndex(axis), short, unitOf(timeline)),
		);
	const labels = placeLabels(wanted(false), wanted(true), -margin + 8, PLOT_WIDTH + 24);
	// Slanted ones lean over the margin, and those that have no room are counted in it.
	const words = labels.kind === "slanted" ? by.map((name) => labelledWords(timeline, name, labels)) : [];
	const left = Math.ceil(Math.max(margin, leanOf(labels) + 8, ...words.map((one) => pixelsOf(one, 11) + 26)));
	const labelsEnd = top + labels.height + 4;
	const lanes = names.map(
		(lane, at): Lane => ({
			...lane,
			words: words[at] ?? lane.words,
			y: labelsEnd + 18 + at * spacing,
			half: spacing * 0.42,
		}),
	);
	const faults = placeFaults(timeline, axis);
	const lastLane = labelsEnd + 18 + (count - 1) * spacing;
	return {
		timeline,
		places,
		axis,
		faults,
		writers: new Map(by.flatMap((name, at) => (lanes[at] ? [[name, lanes[at]]] : []))),
		watchers: lanes.slice(by.length, by.length + timeline.watchers.length),
		member: isBroken ? lanes.at(-1) : undefined,
		labels,
		labelsEnd,
		left,
		bottom: lastLane + 30 + FAULT_ROW * Math.max(0, ...faults.map(({ row }) => row - 1)),
	};
}

/** How many of a client's writes are labelled, where not all are. */
function labelledWords({ writes }: Timeline, by: string, { rows }: LabelPlan): string {
	const own = rows.filter((_, nth) => writes[nth]?.by === by);
	const shown = own.filter((row) => row >= 0).length;
	return shown === own.length ? "" : `${shown} of ${own.length} labelled`;
}

function labelOf(write: WriteRecord, x: number, short: boolean, unit: Unit): WantedLabel {
	const { outcome } = write;
	const room = (short ? LABEL.short : LABEL.longest) - inWordsOf(unit, write).operation.length;
	return {
		x,
		top: writeWords(write, unit, Math.max(8, room)),
		bottom: outcome.kind === "accepted" ? `+${outcome.index}` : shortened(refusalLabel(outcome, short), 28),
		weight: outcome.kind !== "accepted" ? 2 : outcome.action === "set" ? 0 : 1,
	};
}

/** Something that happens after an index, but before the next one, is drawn this far behind it. */
export const AFTER = 0.25;
export const FAULT_ROW = 13;
const MOST_FAULT_ROWS = 6;

/** What was done to the servers at one index: a line through all lanes, words in a row below the lowest. */
interface PlacedFault {
	readonly at: number;
	readonly faults: readonly FaultRecord[];
	readonly x: number;
	readonly words: string;
	/** Where the words begin on the axis, and in which row; -1 where there is no room for them. */
	readonly wordsX: number;
	readonly row: number;
}

function placeFaults({ faults = [] }: Timeline, axis: Axis): PlacedFault[] {
	const perIndex = pixelsPerIndex(axis);
	const placed = [...new Set(faults.map(({ at }) => at))].map((at) => {
		const here = faults.filter((fault) => fault.at === at);
		const words = here.map(faultWords).join(", ");
		const width = pixelsOf(words, 10.5);
		const x = rounded(Math.min(axis.hi, Math.max(axis.lo, at + AFTER)));
		const from = Math.max(0, Math.min((x - axis.lo) * perIndex, PLOT_WIDTH + 20 - width));
		const weight = here.some(({ kind }) => kind !== "snapshot") ? 1 : 0;
		return { at, faults: here, x, words, wordsX: rounded(axis.lo + from / perIndex), from, width, weight };
	});
	const rows = placeWords(placed, MOST_FAULT_ROWS, 8);
	return placed.map((fault, nth) => ({ ...fault, row: rows[nth] ?? -1 }));
}
