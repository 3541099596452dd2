import type { TopLevelSpec } from "vega-lite";
import { pixelsOf, printable, printableLines } from "../timeline/printable";
import type { Layer } from "./layers";
import { COLOUR, FONT } from "./palette";
import { PLOT_WIDTH } from "./places";
import type { Frame } from "./render";

export interface FrameInput {
	readonly title: string;
	readonly subtitle: string;
	readonly description: string;
	readonly left: number;
	readonly plotHeight: number;
	/** Room between the titles and the plot. */
	readonly above?: number;
	/** What stands below the plot: axis and legend. */
	readonly below: number;
	readonly layers: readonly Layer[];
	readonly params: readonly object[];
}

const RIGHT = 28;

/** The whole Vega-Lite spec around the layers, and its size: nothing in it depends on the width of a font. */
export function framed(input: FrameInput): { spec: TopLevelSpec; frame: Frame } {
	const total = input.left + PLOT_WIDTH + RIGHT;
	const title = wrapped(printable(input.title), 15, total - 16, true);
	const subtitle = input.subtitle === "" ? [] : wrapped(printable(input.subtitle), 12, total - 16, false);
	const top = 16 + title.length * 19 + subtitle.length * 16 + (input.above ?? 6);
	const frame: Frame = {
		width: total,
		height: top + input.plotHeight + input.below,
		left: input.left,
		top,
	};
	const spec = {
		$schema: "https://vega.github.io/schema/vega-lite/v5.json",
		description: `${printable(input.title)}. ${printableLines(input.description)}`,
		background: "#ffffff",
		width: PLOT_WIDTH,
		height: input.plotHeight,
		autosize: { type: "none", contains: "content" },
		padding: { left: input.left, right: RIGHT, top, bottom: input.below },
		params: [...input.params],
		layer: [
			...textLines(title, -input.left + 8, -top + 22, 19, {
				fontSize: 15,
				fontWeight: 600,
				color: COLOUR.text,
			}),
			...textLines(subtitle, -input.left + 8, -top + 22 + title.length * 19, 16, {
				fontSize: 12,
				color: COLOUR.quiet,
			}),
			...input.layers,
		],
		config: {
			font: FONT,
			view: { stroke: null, fill: null },
			axis: {
				labelColor: COLOUR.text,
				titleColor: COLOUR.quiet,
				domainColor: "#888888",
				tickColor: "#888888",
				gridColor: COLOUR.lane,
				labelFontSize: 11,
				titleFontSize: 11.5,
				titleFontWeight: 400,
			},
			text: { color: COLOUR.text },
		},
	};
	return { spec: spec as unknown as TopLevelSpec, frame };
}

/** Lines of text at a fixed place: Vega's own titles move with the width of what is drawn below them. */
function textLines(
	lines: readonly string[],
	x: number,
	y: number,
	lineHeight: number,
	mark: object,
): object[] {
	return lines.map((text, at) => ({
		data: { values: [{ text, y: y + at * lineHeight }] },
		mark: { type: "text", align: "left", baseline: "middle", tooltip: null, ...mark },
		encoding: {
			x: { value: x },
			y: { field: "y", type: "quantitative", scale: null, axis: null },
			text: { field: "text", type: "nominal" },
		},
	}));
}

/** Breaks a text into lines of at most this many pixels, at spaces; a word that is longer stands alone. */
export function wrapped(text: string, fontSize: number, pixels: number, bold: boolean): string[] {
	const lines: string[] = [];
	let line = "";
	for (const word of text.split(" ")) {
		const longer = line === "" ? word : `${line} ${word}`;
		if (line !== "" && pixelsOf(longer, fontSize, bold) > pixels) {
			lines.push(line);
			line = word;
		} else line = longer;
	}
	return [...lines, line];
}
