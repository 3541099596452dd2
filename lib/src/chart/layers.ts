import type { Field } from "vega-lite/build/src/channeldef";
import type { LayerSpec, UnitSpec } from "vega-lite/build/src/spec";
import type { LabelPlan, WantedLabel } from "./labels";
import { LABEL, slantedText } from "./labels";
import type { PlacedItem } from "./legend";
import { COLOUR } from "./palette";
import { PLOT_WIDTH, rounded } from "./places";

/*
 * The layers that charts are made of. A field's name is always one of ours, a server's strings are only ever
 * values: no expression is built from them.
 */

export type Layer = LayerSpec<Field> | UnitSpec<Field>;

/** The horizontal axis' scale: from an index to a pixel. */
export interface Scale {
	readonly lo: number;
	readonly hi: number;
}

export const INDEX_AXIS = "index of the store, counted from the start of the run";
export const REVISION_AXIS = "revision of the store, counted from the start of the run";
export const BOTH_AXIS = "index of v2's store, revision of v3's: each counted from the start of its run";

/** All layers of a chart name its axis alike, or Vega-Lite would put the names together. */
export function withAxis(layers: readonly Layer[], title: string): Layer[] {
	const named = (value: unknown): unknown => {
		if (Array.isArray(value)) return value.map(named);
		if (typeof value !== "object" || value === null) return value;
		const entries = Object.entries(value).map(([name, inner]) => [
			name,
			name === "title" && inner === INDEX_AXIS ? title : name === "data" ? inner : named(inner),
		]);
		return Object.fromEntries(entries);
	};
	return layers.map((layer) => named(layer) as Layer);
}
export const x = (field = "x") => ({ field, type: "quantitative" as const, title: INDEX_AXIS });
export const raw = (field: string) => ({ field, type: "quantitative" as const, scale: null, axis: null });
export const as = (field: string) => ({ field, type: "nominal" as const, scale: null, legend: null });
export const size = (field: string) => ({ field, type: "quantitative" as const, scale: null, legend: null });
/** Objects reach Vega's tooltip as they are, and it shows their rows escaped. */
export const tip = { expr: "datum.tip" };
export const say = { field: "say", type: "nominal" as const };

/** Shown only when the slider has reached it. */
export const reached = { filter: "datum.at <= upTo" };
/** Bright when nothing is pointed at, or when it belongs to what is pointed at. */
export const lit = (bright: number, dim: number) => ({
	opacity: { condition: { param: "lit", value: bright }, value: dim },
});

export const fromPixels = (scale: Scale, px: number) =>
	rounded(scale.lo + (px / PLOT_WIDTH) * (scale.hi - scale.lo));

/** The legend at fixed places: below any plot, whatever its scales are. */
export function legendLayers(items: readonly PlacedItem[]): Layer[] {
	const layer = (mark: object, encoding: object, text = ""): Layer =>
		({ data: { values: [{ text }] }, mark: { tooltip: null, ...mark }, encoding }) as Layer;
	const at = (x: number, y: number) => ({ x: { value: x }, y: { value: y } });
	return items.flatMap((item) => {
		const half = item.kind === "bar" ? 3.5 : 6;
		const key =
			item.kind === "mark"
				? [item, ...(item.inner ? [item.inner] : [])].map((look) =>
						layer(
							{
								type: "point",
								opacity: 1,
								aria: false,
								shape: look.shape,
								fill: look.fill,
								stroke: look.stroke,
								strokeWidth: look.strokeWidth,
								size: look.size,
							},
							at(item.x, item.y),
						),
					)
				: [
						layer(
							{ type: "rect", aria: false, fill: item.fill, stroke: item.stroke, strokeWidth: 1 },
							{
								...at(item.x - 8, item.y - half),
								x2: { value: item.x + 8 },
								y2: { value: item.y + half },
							},
						),
					];
		return [
			...key,
			layer(
				{ type: "text", align: "left", baseline: "middle", fontSize: 11.5, color: COLOUR.text },
				{ ...at(item.x + 13, item.y), text: { field: "text", type: "nominal" } },
				item.text,
			),
		];
	});
}

/** The labels above the writes, with a thin line down where a label doesn't stand right above its mark. */
export function labelLayers(
	plan: LabelPlan,
	wanted: readonly WantedLabel[],
	about: readonly {
		readonly at: number;
		readonly link: string;
		readonly y: number;
		readonly refused: boolean;
	}[],
	labelsEnd: number,
	scale: Scale,
): Layer[] {
	const rows = wanted.flatMap((label, nth) => {
		const row = plan.rows[nth] ?? -1;
		const mark = about[nth];
		if (row < 0 || !mark) return [];
		const low = labelsEnd - row * LABEL.rowHeight;
		return [
			{
				x: fromPixels(scale, label.x),
				middle: fromPixels(scale, plan.middles[nth] ?? label.x),
				low: low - 6,
				high: low - 19,
				lineFrom: low,
				lineTo: mark.y - 9,
				at: mark.at,
				link: mark.link,
				top: label.top,
				bottom: label.bottom,
				line: slantedText(label),
				colour: mark.refused ? COLOUR.refusedText : COLOUR.quiet,
				row,
			},
		];
	});
	if (rows.length === 0) return [];
	const transform = [reached];
	if (plan.kind === "slanted")
		return [
			{
				data: { values: rows },
				transform,
				mark: {
					type: "text",
					align: "right",
					baseline: "middle",
					angle: LABEL.slant,
					dx: -3,
					fontSize: 11,
					tooltip: null,
				},
				encoding: {
					x: x(),
					y: raw("low"),
					text: { field: "line", type: "nominal" },
					color: as("colour"),
					...lit(1, 0.2),
				},
			},
		];
	const text = (field: string, y: string, fontSize: number, bold: boolean, colour: object): Layer => ({
		data: { values: rows },
		transform,
		mark: {
			type: "text",
			align: "center",
			baseline: "middle",
			fontSize,
			fontWeight: bold ? 600 : 400,
			tooltip: null,
		},
		encoding: { x: x("middle"), y: raw(y), text: { field, type: "nominal" }, ...colour, ...lit(1, 0.2) },
	});
	return [
		{
			data: { values: rows.filter((row) => row.row > 0 || Math.abs(row.lineTo - row.lineFrom) > 14) },
			transform,
			mark: { type: "rule", color: "#b5b5b5", strokeWidth: 0.8, tooltip: null, aria: false },
			encoding: { x: x(), y: raw("lineFrom"), y2: { field: "lineTo" }, ...lit(1, 0.2) },
		},
		text("top", "high", LABEL.top, true, { color: { value: COLOUR.text } }),
		text("bottom", "low", LABEL.bottom, false, { color: as("colour") }),
	];
}
