import type { Band } from "./bands";
import type { Drawing } from "./drawing";
import { faultLayers } from "./faultmarks";
import { as, type Layer, lit, raw, reached, say, size, tip, x } from "./layers";
import type { Bar, Note } from "./lifelines";
import type { Count } from "./marks";
import { COLOUR } from "./palette";
import type { Places } from "./places";

/** What a drawing's data looks like, from the back to the front. */
export function drawingLayers(drawing: Drawing, places: Places): Layer[] {
	return [
		...faultLayers(drawing.faults, places),
		...lifeLayers(drawing, places),
		...bandLayers(drawing.bands),
		...tickLayers(drawing.notes),
		...markLayers(drawing),
		...countLayers(drawing.counts),
		...noteLayers(drawing.notes),
	];
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
	const forgotten: Layer[] =
		drawing.forgotten.length === 0
			? []
			: [
					{
						data: { values: drawing.forgotten.map((band) => ({ ...band })) },
						transform: [reached],
						mark: {
							type: "rect",
							fill: COLOUR.forgotten,
							fillOpacity: 0.5,
							stroke: COLOUR.absent,
							strokeDash: [2, 3],
							tooltip: tip,
						},
						encoding: { x: x(), x2: { field: "x2" }, y: raw("y"), y2: { field: "y2" }, description: say },
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
		...forgotten,
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

function countLayers(counts: readonly Count[]): Layer[] {
	if (counts.length === 0) return [];
	const text = (mark: object): Layer =>
		({
			data: { values: counts.map((count) => ({ ...count })) },
			transform: [reached],
			mark: {
				type: "text",
				align: "left",
				baseline: "middle",
				dx: 8,
				fontSize: 11,
				fontWeight: 600,
				tooltip: null,
				aria: false,
				...mark,
			},
			encoding: { x: x(), y: raw("y"), text: { field: "text", type: "nominal" }, ...lit(1, 0.15) },
		}) as Layer;
	return [text({ stroke: "#ffffff", strokeWidth: 4, strokeJoin: "round" }), text({ color: COLOUR.text })];
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
