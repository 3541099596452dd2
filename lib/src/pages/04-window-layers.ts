import { placeWords } from "../chart/labels";
import { type Layer, raw, reached, say, tip, x } from "../chart/layers";
import { lookOf } from "../chart/marks";
import { COLOUR } from "../chart/palette";
import { integerTicks, PLOT_WIDTH } from "../chart/places";
import { pixelsOf, printable, shortened } from "../timeline/printable";
import type { WindowEvent, WindowMoment } from "./04-history";

/** A moment with the middle of its row, in pixels from the plot's top. */
export type Row = WindowMoment & { readonly y: number };

/** What a screen reader says of a moment. */
export function momentWords(moment: WindowMoment): string {
	const note = moment.note === undefined ? "" : ` (${printable(moment.note)})`;
	return `At index ${moment.index}${note}: ${moment.oldestKept} to ${moment.newestKept} kept.`;
}

/** A row for each moment: the band of what was kept. */
export function windowBandLayers(
	rows: readonly Row[],
	scale: { readonly lo: number; readonly hi: number },
): Layer[] {
	const perIndex = PLOT_WIDTH / (scale.hi - scale.lo);
	const values = rows.map((row) => {
		const range = `${row.oldestKept} to ${row.newestKept}`;
		const note = row.note === undefined ? "" : shortened(row.note, 60);
		const room = (row.newestKept - row.oldestKept + 1) * perIndex - 12;
		const long = note === "" ? range : `${range}: ${note}`;
		const outside = (row.newestKept + 0.5 - scale.lo) * perIndex + 10;
		const inside = [long, range].find((text) => pixelsOf(text, 10.5) <= room);
		// a note that does not fit into its band stands right of it
		const beside = inside === long || outside + pixelsOf(note, 10.5) > PLOT_WIDTH + 20 ? "" : note;
		return {
			x: row.oldestKept - 0.5,
			x2: row.newestKept + 0.5,
			middle: (row.oldestKept + row.newestKept) / 2,
			y: row.y,
			top: row.y - 9,
			bottom: row.y + 9,
			at: row.index,
			name: `at index ${row.index}`,
			label: inside ?? "",
			beside,
			say: momentWords(row),
			tip: { "index of the store": String(row.index), kept: range, ...(note === "" ? {} : { note }) },
		};
	});
	const axis = {
		values: integerTicks(scale.lo, scale.hi, 12),
		format: "d",
		grid: false,
		title: "index of the event",
		titlePadding: 6,
	};
	const text = (at: string, field: "label" | "beside", mark: object): Layer =>
		({
			data: { values: values.filter((value) => value[field] !== "") },
			transform: [reached],
			mark: { type: "text", baseline: "middle", fontSize: 10.5, color: COLOUR.text, tooltip: null, ...mark },
			encoding: {
				x: { ...x(at), title: "index of the event" },
				y: raw("y"),
				text: { field, type: "nominal" },
			},
		}) as Layer;
	return [
		{
			data: { values },
			transform: [reached],
			mark: { type: "rect", fill: "#faf1a0", stroke: "#a89a00", strokeWidth: 1, tooltip: tip },
			encoding: {
				x: {
					...x(),
					title: "index of the event",
					scale: { domain: [scale.lo, scale.hi], nice: false, zero: false },
					axis,
				},
				x2: { field: "x2" },
				y: raw("top"),
				y2: { field: "bottom" },
				description: say,
			},
		} as Layer,
		text("middle", "label", {}),
		text("x2", "beside", { align: "left", dx: 9 }),
		{
			data: { values },
			transform: [reached],
			mark: {
				type: "text",
				align: "right",
				baseline: "middle",
				fontSize: 11.5,
				color: COLOUR.text,
				tooltip: null,
			},
			encoding: { x: { value: -12 }, y: raw("y"), text: { field: "name", type: "nominal" } },
		} as Layer,
	];
}

/** Where the events' names stand above the rows, and how much room they take above what one line takes. */
export function placeEventLabels(
	events: readonly WindowEvent[],
	scale: { readonly lo: number; readonly hi: number },
) {
	const perIndex = PLOT_WIDTH / (scale.hi - scale.lo);
	const middle = (scale.lo + scale.hi) / 2;
	const labels = events.map(({ index, label }) => {
		const text = shortened(label, 48);
		const width = pixelsOf(text, 11.5, true);
		const isLeft = index <= middle;
		const x = (index - scale.lo) * perIndex;
		return { index, text, isLeft, from: isLeft ? x - 6 : x + 6 - width, width, weight: 0 };
	});
	const rows = placeWords(labels, events.length, 12);
	const most = Math.max(0, ...rows);
	return {
		extra: LINE * most,
		labels: labels.map((label, at) => ({ ...label, y: 8 + LINE * (most - (rows[at] ?? 0)) })),
	};
}

const LINE = 16;

/** The followed events in each row: kept or gone. */
export function windowEventLayers(
	rows: readonly Row[],
	events: readonly WindowEvent[],
	{ labels }: ReturnType<typeof placeEventLabels>,
	plotHeight: number,
): Layer[] {
	if (events.length === 0) return [];
	const marks = events.flatMap((event) =>
		rows
			.filter((row) => row.newestKept >= event.index)
			.map((row) => {
				const kept = row.oldestKept <= event.index;
				const state = kept ? "still kept" : "gone: asking for it gets 401";
				return {
					x: event.index,
					y: row.y,
					at: row.index,
					...lookOf(kept ? "write" : "refused", 130),
					say: `${printable(event.label)}, index ${event.index}, at index ${row.index}: ${state}`,
					tip: {
						event: shortened(event.label, 60),
						index: String(event.index),
						[`at index ${row.index}`]: state,
					},
				};
			}),
	);
	const field = (name: string, type: "nominal" | "quantitative") => ({
		field: name,
		type,
		scale: null,
		legend: null,
	});
	const label = (align: "left" | "right"): Layer =>
		({
			data: {
				values: labels
					.filter(({ isLeft }) => isLeft === (align === "left"))
					.map(({ index, y, text }) => ({ x: index, y, text })),
			},
			mark: {
				type: "text",
				align,
				dx: align === "left" ? -6 : 6,
				baseline: "middle",
				fontSize: 11.5,
				fontWeight: 600,
				tooltip: null,
			},
			encoding: {
				x: { ...x(), title: "index of the event" },
				y: raw("y"),
				text: { field: "text", type: "nominal" },
			},
		}) as Layer;
	return [
		{
			data: { values: labels.map(({ index, y }) => ({ x: index, y: y + 8, y2: plotHeight })) },
			mark: {
				type: "rule",
				color: COLOUR.join,
				strokeWidth: 1,
				strokeDash: [3, 3],
				tooltip: null,
				aria: false,
			},
			encoding: { x: { ...x(), title: "index of the event" }, y: raw("y"), y2: { field: "y2" } },
		} as Layer,
		{
			data: { values: marks },
			transform: [reached],
			mark: { type: "point", opacity: 1, tooltip: tip },
			encoding: {
				x: { ...x(), title: "index of the event" },
				y: raw("y"),
				shape: field("shape", "nominal"),
				fill: field("fill", "nominal"),
				stroke: field("stroke", "nominal"),
				strokeWidth: field("strokeWidth", "quantitative"),
				size: field("size", "quantitative"),
				description: say,
			},
		} as Layer,
		label("left"),
		label("right"),
	];
}
