import { pixelsOf } from "../timeline/printable";
import { PLOT_WIDTH } from "./places";

export interface Look {
	readonly shape: string;
	readonly fill: string;
	readonly stroke: string;
	readonly strokeWidth: number;
	readonly size: number;
}

/** One entry: a mark or a swatch, and what it means. */
export interface LegendItem extends Look {
	readonly text: string;
	readonly kind: "mark" | "swatch" | "bar";
	/** Drawn on top of it. */
	readonly inner?: Look;
}

export interface PlacedItem extends LegendItem {
	/** Pixels from the plot's left edge and top: the middle of the mark. */
	readonly x: number;
	readonly y: number;
}

const ROW = 20;
const KEY_WIDTH = 18;
const BETWEEN = 20;

/** A swatch for a band or a bar. */
export function swatch(text: string, fill: string, stroke: string = fill, kind: "swatch" | "bar" = "swatch") {
	return { text, kind, shape: "square", fill, stroke, strokeWidth: 1, size: 100 } satisfies LegendItem;
}

/** A mark of the chart, at the legend's size. */
export function legendMark(text: string, look: Look & { readonly inner?: Look }): LegendItem {
	return { text, kind: "mark", ...look };
}

/** The legend's entries in rows below the plot, and how high they are together. */
export function placeLegend(items: readonly LegendItem[], top: number, left = 0) {
	const placed: PlacedItem[] = [];
	let x = left;
	let row = 0;
	for (const item of items) {
		const width = KEY_WIDTH + pixelsOf(item.text, 11.5) + BETWEEN;
		if (x > left && x + width - BETWEEN > PLOT_WIDTH + 20) {
			x = left;
			row++;
		}
		placed.push({ ...item, x: x + 7, y: top + row * ROW });
		x += width;
	}
	return { placed, height: items.length === 0 ? 0 : (row + 1) * ROW };
}
