import type { TopLevelSpec } from "vega-lite";
import type { Timeline, WriteRecord } from "../scenario/timeline";
import { type Band, bandsOf, type Counted } from "./bands";
import { framed } from "./frame";
import { type Lanes, lanesOf } from "./lanes";
import { as, type Layer, labelLayers, legendLayers, lit, raw, reached, say, size, tip, x } from "./layers";
import { type LegendItem, legendMark, placeLegend, swatch } from "./legend";
import { type Bar, barsOf, type Gap, gapsOf, type Note, notesOf } from "./lifelines";
import { type Join, lookOf, type Mark, markOfWrite, markSize, marksOfWatcher } from "./marks";
import { COLOUR, removes } from "./palette";
import { type Places, placesOf } from "./places";
import { countsInWords, fateOf, type Reading, readingOf, runInWords } from "./reading";
import type { Frame } from "./render";

/** The history of a server holds this many events, of the whole store. */
export const WINDOW = 1000;
/** A lane with more marks than this is drawn as bands. */
const MOST_MARKS = 220;
/** In a lane of bands, a class with at most this many marks is drawn mark by mark, over the bands. */
const FEW_MARKS = 40;

export interface TimelineSpec {
	readonly spec: TopLevelSpec;
	readonly frame: Frame;
	readonly title: string;
	readonly description: string;
}

export interface SpecOptions {
	readonly title?: string;
	readonly subtitle?: string;
	readonly window?: boolean;
}

interface Drawing {
	readonly bars: Bar[];
	readonly gaps: Gap[];
	readonly notes: Note[];
	readonly bands: Band[];
	readonly joins: Join[];
	readonly marks: Mark[];
}

export function timelineSpec(timeline: Timeline, options: SpecOptions): TimelineSpec {
	const places = placesOf(timeline);
	const lanes = lanesOf(timeline, places);
	const readings = timeline.watchers.map((watcher) => readingOf(timeline, watcher));
	const drawing = drawingOf(timeline, readings, places, lanes);
	const showWindow = options.window ?? places.last - Math.ceil(places.lo) >= WINDOW;

	const legend = placeLegend(legendOf(timeline, readings, drawing, showWindow), lanes.plotHeight + 58);
	const title = options.title ?? timeline.name;
	const description = runInWords(timeline);
	const { spec, frame } = framed({
		title,
		subtitle: options.subtitle ?? countsInWords(timeline),
		description,
		left: lanes.left,
		plotHeight: lanes.plotHeight,
		below: 58 + legend.height,
		params: [
			{
				name: "upTo",
				value: places.last,
				bind: {
					input: "range",
					min: Math.min(0, Math.floor(places.lo)),
					max: places.last,
					step: 1,
					name: "play up to index ",
				},
			},
		],
		layers: [
			...(showWindow ? windowLayers(places, lanes) : []),
			laneLayer(lanes, places),
			...nameLayers(lanes),
			...lifeLayers(drawing, places),
			...bandLayers(drawing.bands),
			...tickLayers(drawing.notes),
			...markLayers(drawing),
			...labelLayers(
				lanes.labels,
				lanes.wanted,
				timeline.writes.map((write) => aboutLabel(write, lanes)),
				lanes.labelsEnd,
				places,
			),
			...noteLayers(drawing.notes),
			...legendLayers(legend.placed),
		],
	});
	return { spec, frame, title, description };
}

function drawingOf(timeline: Timeline, readings: readonly Reading[], places: Places, lanes: Lanes): Drawing {
	const all: Drawing = { bars: [], gaps: [], notes: [], bands: [], joins: [], marks: [] };
	let bandedWriters = false;
	for (const [by, lane] of lanes.writers) {
		const writes = timeline.writes.filter((write) => write.by === by);
		if (writes.length > MOST_MARKS) {
			bandedWriters = true;
			writerBands(writes, places, lane.y, all);
		} else {
			const size = markSize(
				writes.map((write) => places.ofWrite.get(write.id) ?? 0),
				places,
			);
			all.marks.push(...writes.map((write) => markOfWrite(write, places, lanes, size)));
		}
	}
	readings.forEach((reading, at) => {
		const y = lanes.watchers[at]?.y ?? 0;
		all.gaps.push(...gapsOf(reading, places, y, lanes.half));
		all.notes.push(...notesOf(reading, places, y, lanes.half));
		const lane = watcherBands(timeline, reading, places, y, all);
		all.bars.push(...barsOf(reading, places, lane.banded ? y + 14 : y));
		const size = lane.banded ? 34 : markSize(lane.indexes, places);
		const { marks, joins } = marksOfWatcher(timeline, reading, lanes, y, size, { ...lane, bandedWriters });
		all.marks.push(...marks);
		all.joins.push(...joins);
	});
	return all;
}

function writerBands(writes: readonly WriteRecord[], places: Places, y: number, all: Drawing): void {
	const accepted: Counted[] = [];
	const refused: Counted[] = [];
	for (const write of writes) {
		const { outcome } = write;
		if (outcome.kind === "accepted")
			accepted.push({ index: outcome.index, full: !removes(outcome.action), colour: COLOUR.write });
		else
			refused.push({
				index: places.ofWrite.get(write.id) ?? write.triedAt,
				full: true,
				colour: COLOUR.refused,
			});
	}
	all.bands.push(
		...bandsOf(accepted, places, y, {
			full: "written",
			rest: "deleted",
			restFill: COLOUR.remove,
			restStroke: COLOUR.remove,
			height: 16,
		}),
		...bandsOf(refused, places, y - 15, {
			full: "refused or without an answer",
			rest: "",
			restFill: "#ffffff",
			restStroke: "#ffffff",
			height: 6,
		}),
	);
}

/** Draws a lane with too many marks as bands, and says which of its classes are still few enough for marks. */
function watcherBands(timeline: Timeline, reading: Reading, places: Places, y: number, all: Drawing) {
	const events: Counted[] = [];
	let came = 0;
	let absent = 0;
	for (const write of timeline.writes) {
		const fate = fateOf(reading, write);
		if (fate.kind === "came") {
			came += fate.deliveries.length;
			const replayed = fate.deliveries.every((delivery) => delivery.fromHistory);
			events.push({
				index: fate.outcome.index,
				full: true,
				colour: replayed ? COLOUR.history : COLOUR.write,
			});
		} else if (fate.kind === "absent") {
			absent++;
			events.push({ index: fate.outcome.index, full: false, colour: COLOUR.write });
		}
	}
	for (const delivery of reading.foreign) {
		came++;
		events.push({
			index: delivery.index,
			full: true,
			colour: delivery.fromHistory ? COLOUR.history : COLOUR.write,
		});
	}
	const indexes = events.map((event) => event.index);
	if (came + absent <= MOST_MARKS) return { banded: false, came: true, absent: true, indexes };
	all.bands.push(
		...bandsOf(events, places, y, {
			full: "delivered",
			rest: "not delivered",
			restFill: "#ffffff",
			restStroke: COLOUR.absent,
			height: 16,
		}),
	);
	return { banded: true, came: came <= FEW_MARKS, absent: absent <= FEW_MARKS, indexes };
}

function aboutLabel(write: WriteRecord, lanes: Lanes) {
	const { outcome } = write;
	return {
		at: outcome.kind === "accepted" ? outcome.index : write.triedAt,
		link: `w${write.id}`,
		y: lanes.writers.get(write.by)?.y ?? 0,
		refused: outcome.kind !== "accepted",
	};
}

function windowLayers(places: Places, lanes: Lanes): Layer[] {
	const values = [{ lo: places.lo, hi: places.hi, y: lanes.labelsEnd - 2, y2: lanes.plotHeight }];
	const transform = [
		{ calculate: `max(datum.lo, upTo - ${WINDOW} + 0.5)`, as: "from" },
		{ calculate: `min(datum.hi, upTo + ${places.edge})`, as: "to" },
		{ filter: "datum.to > datum.from" },
	];
	const y = { y: raw("y"), y2: { field: "y2" } };
	return [
		{
			data: { values },
			transform,
			mark: { type: "rect", color: COLOUR.window, opacity: 0.22, tooltip: null, aria: false },
			encoding: { x: x("from"), x2: { field: "to" }, ...y },
		},
		{
			data: { values },
			transform: [...transform, { filter: "datum.from > datum.lo" }],
			mark: {
				type: "rule",
				color: "#a89a00",
				strokeWidth: 1,
				strokeDash: [4, 3],
				tooltip: null,
				aria: false,
			},
			encoding: { x: x("from"), ...y },
		},
	];
}

function laneLayer(lanes: Lanes, places: Places): Layer {
	const all = [...lanes.writers.values(), ...lanes.watchers];
	return {
		data: { values: all.map(({ y }) => ({ lo: places.lo, hi: places.hi, y })) },
		mark: { type: "rule", color: COLOUR.lane, strokeWidth: 1, tooltip: null, aria: false },
		encoding: {
			x: {
				...x("lo"),
				scale: { domain: [places.lo, places.hi], nice: false, zero: false },
				axis: {
					values: [...places.ticks],
					format: "d",
					grid: false,
					orient: "bottom",
					titlePadding: 6,
				},
			},
			x2: { field: "hi" },
			y: raw("y"),
		},
	};
}

function nameLayers(lanes: Lanes): Layer[] {
	const values = [...lanes.writers.values(), ...lanes.watchers].map(({ name, words, y }) => ({
		name,
		words,
		nameY: words === "" ? y : y - 7,
		wordsY: y + 8,
	}));
	const text = (field: string, y: string, fontSize: number, fontWeight: 400 | 600, color: string): Layer => ({
		data: { values },
		mark: { type: "text", align: "right", baseline: "middle", fontSize, fontWeight, color, tooltip: null },
		encoding: { x: { value: -14 }, y: raw(y), text: { field, type: "nominal" } },
	});
	return [text("name", "nameY", 12, 600, COLOUR.text), text("words", "wordsY", 11, 400, COLOUR.quiet)];
}

function lifeLayers(drawing: Drawing, places: Places): Layer[] {
	const clipped = [
		reached,
		{
			calculate: `upTo >= ${places.last} ? datum.x2 : min(datum.x2, upTo + ${places.edge})`,
			as: "xEnd",
		},
		{ filter: "datum.xEnd > datum.x" },
	];
	const bar = (values: readonly Bar[], mark: object): Layer[] =>
		values.length === 0
			? []
			: [
					{
						data: { values: values.map((value) => ({ ...value })) },
						transform: clipped,
						mark: { type: "rect", aria: false, tooltip: tip, ...mark },
						encoding: { x: x(), x2: { field: "xEnd" }, y: raw("y"), y2: { field: "y2" } },
					} as Layer,
				];
	const gaps: Layer[] =
		drawing.gaps.length === 0
			? []
			: [
					{
						data: { values: drawing.gaps.map((gap) => ({ ...gap })) },
						transform: [reached],
						mark: {
							type: "rect",
							fill: COLOUR.refused,
							fillOpacity: 0.16,
							stroke: COLOUR.refused,
							strokeDash: [3, 3],
							strokeOpacity: 0.7,
							tooltip: tip,
						},
						encoding: { x: x(), x2: { field: "x2" }, y: raw("y"), y2: { field: "y2" }, description: say },
					} as Layer,
				];
	return [
		...gaps,
		...bar(
			drawing.bars.filter((value) => !value.paused),
			{ fill: COLOUR.listening, stroke: null },
		),
		...bar(
			drawing.bars.filter((value) => value.paused),
			{ fill: "#ffffff", stroke: COLOUR.paused, strokeDash: [3, 2] },
		),
	];
}

function bandLayers(bands: readonly Band[]): Layer[] {
	if (bands.length === 0) return [];
	const clipped = [reached, { calculate: "min(datum.x2, upTo + 0.5)", as: "xEnd" }];
	const labelled = bands
		.filter((band) => band.label !== "")
		.map((band) => ({
			x: (band.x + band.x2) / 2,
			y: (band.y + band.y2) / 2,
			at: band.x2 - 0.5,
			text: band.label,
			colour: band.labelColour,
		}));
	return [
		{
			data: { values: bands.map(({ label: _, labelColour: __, ...band }) => band) },
			transform: clipped,
			mark: { type: "rect", strokeWidth: 0.6, tooltip: tip } as const,
			encoding: {
				x: x(),
				x2: { field: "xEnd" },
				y: raw("y"),
				y2: { field: "y2" },
				fill: as("fill"),
				stroke: as("stroke"),
				description: say,
			},
		} as Layer,
		...(labelled.length === 0
			? []
			: [
					{
						data: { values: labelled },
						transform: [reached],
						mark: { type: "text", baseline: "middle", fontSize: 10.5, tooltip: null },
						encoding: { x: x(), y: raw("y"), text: { field: "text", type: "nominal" }, color: as("colour") },
					} as Layer,
				]),
	];
}

function markLayers(drawing: Drawing): Layer[] {
	const many = drawing.joins.length > 80;
	return [
		{
			data: { values: drawing.joins.map((join) => ({ ...join })) },
			transform: [reached],
			mark: { type: "rule", color: COLOUR.join, strokeWidth: many ? 0.5 : 1.4, tooltip: null, aria: false },
			encoding: { x: x(), y: raw("y"), y2: { field: "y2" }, ...lit(many ? 0.6 : 1, 0.1) },
		},
		{
			params: [
				{
					name: "lit",
					select: { type: "point", fields: ["link"], on: "mouseover", clear: "mouseout", toggle: false },
				},
			],
			data: { values: drawing.marks.map((mark) => ({ ...mark })) },
			transform: [reached],
			mark: { type: "point", tooltip: tip, opacity: 1 },
			encoding: {
				x: x(),
				y: raw("y"),
				shape: as("shape"),
				fill: as("fill"),
				stroke: as("stroke"),
				strokeWidth: size("strokeWidth"),
				size: size("size"),
				description: say,
				...lit(1, 0.15),
			},
		} as Layer,
	];
}

function tickLayers(notes: readonly Note[]): Layer[] {
	if (notes.length === 0) return [];
	return [
		{
			data: { values: notes.map(({ tickX, tickY, tickY2, at }) => ({ tickX, tickY, tickY2, at })) },
			transform: [reached],
			mark: { type: "rule", color: COLOUR.refusedText, strokeWidth: 1, tooltip: null, aria: false },
			encoding: { x: x("tickX"), y: raw("tickY"), y2: { field: "tickY2" } },
		},
	];
}

function noteLayers(notes: readonly Note[]): Layer[] {
	if (notes.length === 0) return [];
	const values = notes.map((note) => ({ ...note }));
	const text = (mark: object): Layer =>
		({
			data: { values },
			transform: [reached],
			mark: { type: "text", align: "left", baseline: "middle", fontSize: 10, ...mark },
			encoding: { x: x(), y: raw("y"), text: { field: "text", type: "nominal" }, description: say },
		}) as Layer;
	return [
		text({ stroke: "#ffffff", strokeWidth: 4, strokeJoin: "round", tooltip: null, aria: false }),
		text({ color: COLOUR.refusedText, tooltip: tip }),
	];
}

function legendOf(
	timeline: Timeline,
	readings: readonly Reading[],
	drawing: Drawing,
	showWindow: boolean,
): LegendItem[] {
	const size = 130;
	const actions = new Set<string>();
	const removals = new Set<string>();
	let refused = false;
	let failed = false;
	let noEvent = false;
	for (const { outcome } of timeline.writes) {
		if (outcome.kind === "refused") refused = true;
		else if (outcome.kind === "failed") failed = true;
		else if (!outcome.raisesEvent) noEvent = true;
		else (removes(outcome.action) ? removals : actions).add(outcome.action);
	}
	let replayed = false;
	for (const { watcher } of readings)
		for (const delivery of watcher.deliveries) {
			replayed ||= delivery.fromHistory;
			(removes(delivery.action) ? removals : actions).add(delivery.action);
		}
	const absent = readings.some((reading) =>
		timeline.writes.some((write) => fateOf(reading, write).kind === "absent"),
	);
	return [
		...(actions.size > 0 ? [legendMark([...actions].join(", "), lookOf("write", size))] : []),
		...(removals.size > 0 ? [legendMark([...removals].join(", "), lookOf("remove", size))] : []),
		...(refused ? [legendMark("refused", lookOf("refused", size))] : []),
		...(failed ? [legendMark("no answer", lookOf("failed", size))] : []),
		...(noEvent ? [legendMark("takes an index, raises no event", lookOf("noEvent", size))] : []),
		...(absent ? [legendMark("not delivered", lookOf("absent", size))] : []),
		...(replayed
			? [legendMark("replayed from the history", { ...lookOf("ring", 90), inner: lookOf("write", 55) })]
			: []),
		...(drawing.bars.some((bar) => !bar.paused)
			? [swatch("listening", COLOUR.listening, COLOUR.listening, "bar")]
			: []),
		...(drawing.bars.some((bar) => bar.paused)
			? [swatch("not reading", "#ffffff", COLOUR.paused, "bar")]
			: []),
		...(drawing.gaps.length > 0 ? [swatch("gap: events that are gone", "#fadfcc", COLOUR.refused)] : []),
		...(showWindow ? [swatch(`the last ${WINDOW} events`, "#faf6c0", "#a89a00")] : []),
	];
}
