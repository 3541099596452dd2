import { type Chart, chartOf, type Titles } from "../chart/frame";
import { indexTicks, pixelsPerIndex } from "../chart/layout";
import { placeWords } from "../chart/placing";
import type { Shape } from "../chart/shape";
import { PLOT_WIDTH } from "../chart/style";
import { showChart } from "../page/chart";
import type { Target } from "../scenario/api";
import { onV2 } from "../scenario/recorded";
import { scenario } from "../scenario/scenario";
import { checkWrites } from "../scenario/server";
import { accountOf } from "../timeline/account";
import { pixelsOf, printable, shortened, textTable } from "../timeline/printable";
import type { LifeEvent, NodeRecord, Timeline } from "../timeline/timeline";
import { EventIndexClearedError } from "../v2";

/** How far back the server's event history went at one moment, counted from the start of the experiment. */
export interface HistoryMoment {
	/** The store's index. */
	readonly index: number;
	/** The lowest index that could still be asked for. */
	readonly oldestKept: number;
	readonly newestKept: number;
}

/** The same with what is to be said of it. */
export interface WindowMoment extends HistoryMoment {
	/** What happened then, in a few words. */
	readonly note?: string;
}

/** An event to follow. */
export interface WindowEvent {
	readonly index: number;
	/** Such as "set /quiet". */
	readonly label: string;
}

/**
 * Writes one key once, then `count` times to other keys, and asks the server after every `every` writes how far
 * back its history goes: with waitIndex=1, which is answered by a 401 that names the oldest index kept. Indexes
 * are counted from before the first write; what the server keeps from before that is left out.
 * @throws SharedServerError when the server has other users; errors of the keys API
 */
export async function slideHistory(
	target: Target,
	options: { readonly count: number; readonly every: number },
): Promise<{ readonly moments: readonly HistoryMoment[]; readonly quietIndex: number }> {
	return await onV2(target, { name: "the sliding history", of: options }, () => slide(target, options));
}

async function slide(
	target: Target,
	options: { readonly count: number; readonly every: number },
): ReturnType<typeof slideHistory> {
	checkWrites(target, options.count, `sliding the history by ${options.count} writes`);
	const { origin } = await scenario("the quiet key").set("/quiet/key", "still here").run(target);
	const moments: HistoryMoment[] = [await historyNow(target, origin)];
	for (let written = 0; written < options.count; written += options.every) {
		const count = Math.min(options.every, options.count - written);
		await scenario("other people's writes").burst("/noise", { count, keyCount: 10 }).run(target);
		moments.push(await historyNow(target, origin));
	}
	return { moments, quietIndex: 1 };
}

async function historyNow({ v2 }: Target, origin: number): Promise<HistoryMoment> {
	try {
		const poll = await v2.poll("/", { recursive: true, afterIndex: 0 });
		poll.close();
		// Nothing was cleared yet: the store's whole life is in the history.
		const index = poll.headers.etcdIndex - origin;
		return { index, oldestKept: 1, newestKept: index };
	} catch (error) {
		if (!(error instanceof EventIndexClearedError)) throw error;
		const index = error.index - origin;
		return { index, oldestKept: Math.max(1, error.oldestIndex - origin), newestKept: index };
	}
}

export interface WindowInput extends Titles {
	/** In the order of time, at most 40. */
	readonly moments: readonly WindowMoment[];
	/** Events to follow: kept, then fallen out of the window. */
	readonly events?: readonly WindowEvent[];
}

/** A moment with the middle of its row, in pixels from the plot's top. */
type Row = WindowMoment & { readonly y: number };
type Scale = { readonly lo: number; readonly hi: number };

const ROW = 30;
const LINE = 16;
const MOST_MOMENTS = 40;

/**
 * Draws how the window of kept events slides: a row for each moment, from the oldest to the newest index that the
 * server could still give; a followed event is a dot while it is kept and a cross once it is gone. Pure.
 * @throws RangeError for no moment or more than 40, or a moment whose oldest index is above its newest.
 */
export function windowChart(input: WindowInput): Chart {
	const { moments, events = [], title = "What the server still remembers" } = input;
	if (moments.length === 0 || moments.length > MOST_MOMENTS)
		throw new RangeError(`a window needs 1 to ${MOST_MOMENTS} moments, not ${moments.length}`);
	for (const { index, oldestKept, newestKept } of moments)
		if (!(oldestKept <= newestKept))
			throw new RangeError(
				`at index ${index} the oldest kept, ${oldestKept}, is above the newest, ${newestKept}`,
			);

	const followed = events.map((event) => event.index);
	const newest = Math.max(...moments.map((moment) => moment.newestKept), ...followed);
	const oldest = Math.min(...moments.map((moment) => moment.oldestKept), ...followed);
	const pad = Math.max(0.5, (newest - oldest) * 0.02);
	const scale = { lo: oldest - pad, hi: newest + pad };
	const names = placeNames(events, scale);
	const head = events.length > 0 ? 24 + LINE * Math.max(...names.map(({ row }) => row)) : 8;
	const rows = moments.map((moment, nth) => ({ ...moment, y: head + ROW / 2 + nth * ROW }));
	const plotHeight = head + moments.length * ROW + 6;
	const indexes = moments.map((moment) => moment.index);
	const last = Math.max(...indexes);
	return chartOf({
		title,
		subtitle: input.subtitle ?? "",
		description: rows.map(momentWords).join(" "),
		text: textOf(title, input),
		left: 132,
		plotHeight,
		slider: { min: Math.min(...indexes), max: last, name: "play up to index " },
		axis: { ...scale, last, edge: 0.5, ticks: indexTicks(scale.lo, scale.hi), title: "index of the event" },
		shapes: [
			...rows.flatMap((row) => momentShapes(row, scale)),
			...names.flatMap(({ index, text, isLeft, row }): Shape[] => {
				const y = head - LINE * (row + 1);
				return [
					{ style: "event", x: index, y: y + 8, y2: plotHeight },
					{ style: isLeft ? "eventFromLeft" : "eventToRight", x: index, y, text },
				];
			}),
			...events.flatMap((event) =>
				rows.filter((row) => row.newestKept >= event.index).map((row) => eventMark(event, row)),
			),
		],
	});
}

/** Shows how the window of kept events slides. To have the chart as data, call `windowChart`. */
export function slidingWindow(input: WindowInput): void {
	showChart(windowChart(input));
}

/** What a screen reader says of a moment. */
function momentWords(moment: WindowMoment): string {
	const note = moment.note === undefined ? "" : ` (${printable(moment.note)})`;
	return `At index ${moment.index}${note}: ${moment.oldestKept} to ${moment.newestKept} kept.`;
}

/** A row for each moment: the band of what was kept. */
function momentShapes(row: Row, scale: Scale): Shape[] {
	const perIndex = pixelsPerIndex(scale);
	const range = `${row.oldestKept} to ${row.newestKept}`;
	const note = row.note === undefined ? "" : shortened(row.note, 60);
	const room = (row.newestKept - row.oldestKept + 1) * perIndex - 12;
	const long = note === "" ? range : `${range}: ${note}`;
	const outside = (row.newestKept + 0.5 - scale.lo) * perIndex + 10;
	const inside = [long, range].find((text) => pixelsOf(text, 10.5) <= room);
	// a note that does not fit into its band stands right of it
	const beside = inside === long || outside + pixelsOf(note, 10.5) > PLOT_WIDTH + 20 ? "" : note;
	const { y } = row;
	const [x, x2] = [row.oldestKept - 0.5, row.newestKept + 0.5];
	const words = { y, at: row.index, isMute: true } as const;
	const tip = { "index of the store": String(row.index), kept: range, ...(note === "" ? {} : { note }) };
	return [
		{ style: "kept", x, x2, y: y - 9, y2: y + 9, at: row.index, say: momentWords(row), tip },
		...(inside === undefined
			? []
			: [{ ...words, style: "keptWords", x: (x + x2) / 2, text: inside } as const]),
		...(beside === "" ? [] : [{ ...words, style: "keptNote", x: x2, text: beside } as const]),
		{ ...words, style: "rowName", x: -12, text: `at index ${row.index}` },
	];
}

/** The followed event in a row: kept or gone. */
function eventMark({ index, label }: WindowEvent, row: Row): Shape {
	const isKept = row.oldestKept <= index;
	const state = isKept ? "still kept" : "gone: asking for it gets 401";
	return {
		style: isKept ? "write" : "refused",
		what: isKept ? "the event, kept" : "the event, gone",
		x: index,
		y: row.y,
		size: 130,
		at: row.index,
		say: `${printable(label)}, index ${index}, at index ${row.index}: ${state}`,
		tip: { event: shortened(label, 60), index: String(index), [`at index ${row.index}`]: state },
	};
}

/** The events' names above the rows, towards the middle of the plot, in as many lines as it takes: 0 is the lowest. */
function placeNames(events: readonly WindowEvent[], scale: Scale) {
	const names = events.map(({ index, label }) => {
		const text = shortened(label, 48);
		const width = pixelsOf(text, 11.5, true);
		const isLeft = index <= (scale.lo + scale.hi) / 2;
		const x = (index - scale.lo) * pixelsPerIndex(scale);
		return { index, text, isLeft, from: isLeft ? x - 6 : x + 6 - width, width, weight: 0 };
	});
	const rows = placeWords(names, events.length, 12);
	return names.map((name, at) => ({ ...name, row: rows[at] ?? 0 }));
}

function textOf(title: string, input: WindowInput): string {
	const events = input.events ?? [];
	const head = ["index", "kept", ...events.map((event) => shortened(event.label, 40)), "note"];
	const rows = input.moments.map((moment) => [
		String(moment.index),
		`${moment.oldestKept} to ${moment.newestKept}`,
		...events.map((event) =>
			event.index > moment.newestKept ? "" : event.index >= moment.oldestKept ? "kept" : "gone",
		),
		printable(moment.note ?? ""),
	]);
	const lines = [printable(title), ...(input.subtitle === undefined ? [] : [printable(input.subtitle)]), ""];
	return `${[...lines, ...textTable([head], rows, ["right"])].join("\n")}\n`;
}

/** The 401 that a watcher got, or in v3 the refusal of what has been compacted. @throws RangeError for a name that the run lacks */
export function clearedOf(timeline: Timeline, watcher: string): LifeEvent | undefined {
	return accountOf(timeline)
		.watcher(watcher)
		.watcher.life.find((event) => event.kind === "error" && event.gap !== undefined);
}

/** What a watcher read when it recovered from that; nothing if it did not. @throws RangeError, as above */
export function listedBy(timeline: Timeline, watcher: string): readonly NodeRecord[] {
	return accountOf(timeline)
		.watcher(watcher)
		.watcher.life.flatMap((event) => (event.kind === "listed" ? event.keys : []));
}
