import { escapeUTF8 } from "entities";
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { printable, printableLines } from "../timeline/printable";
import { type MaybeRecorded, recordedIn } from "../timeline/words";
import { type Axis, type Layer, layersOf } from "./layers";
import { type Entry, entriesOf, legendShapes, wrapped } from "./placing";
import type { Shape } from "./shape";
import { COLOUR, FONT, PLOT_WIDTH } from "./style";

/** A chart as plain data: what a notebook is sent. */
export interface Chart {
	/** A Vega-Lite 5 specification, with its data in it. */
	readonly spec: Readonly<Record<string, unknown>>;
	/** The same as a picture, for where no JavaScript runs. */
	readonly svg: string;
	/** The same in words. */
	readonly text: string;
}

/** The titles of a chart: what it shows, and what to conclude. */
export interface Titles {
	readonly title?: string;
	readonly subtitle?: string;
}

interface ChartInput {
	readonly title: string;
	/** "" for none. */
	readonly subtitle: string;
	/** What it is drawn from: of a record the subtitle says so. */
	readonly of?: readonly MaybeRecorded[];
	/** What a screen reader says of the whole. */
	readonly description: string;
	readonly text: string;
	readonly shapes: readonly Shape[];
	/** Layers of Vega-Lite's own, for a chart that has scales of its own. */
	readonly layers?: readonly Layer[];
	readonly axis?: Axis;
	/** In pixels: the margin on the left, and the plot's height. */
	readonly left: number;
	readonly plotHeight: number;
	/** In pixels. Default: PLOT_WIDTH; less where the margin on the left is wide. */
	readonly plotWidth?: number;
	/** Room between the titles and the plot. Default: 6. */
	readonly above?: number;
	/** What stands below the plot, the legend apart. Default: what an axis takes. */
	readonly below?: number;
	/** Default: what the shapes mean. */
	readonly legend?: readonly Entry[];
	/** Where the legend begins. Default: at the plot's left edge. */
	readonly legendLeft?: number;
	/** The slider's range and what stands before it. Its names are ours, never a server's. */
	readonly slider?: { readonly min: number; readonly max: number; readonly name: string };
}

const RIGHT = 28;
const AXIS = 58;

/** Shapes as a chart: in a frame with titles and a legend, as a spec, as SVG and as text. */
export function chartOf({ of = [], ...given }: ChartInput): Chart {
	const records = recordedIn(of);
	const said = (text: string, between: string) =>
		[text, ...records.filter((record) => !text.includes(record))].filter((one) => one !== "").join(between);
	const input: ChartInput = {
		...given,
		subtitle: said(given.subtitle, "; "),
		description: said(given.description, " "),
		text: records.length === 0 ? given.text : `${said(given.text, "\n").trimEnd()}\n`,
	};
	const { left, plotHeight, plotWidth = PLOT_WIDTH, shapes, axis, slider } = input;
	const below = input.below ?? AXIS;
	const legend = legendShapes(input.legend ?? entriesOf(shapes), plotHeight + below, {
		left: input.legendLeft,
		right: plotWidth + 20,
	});
	const total = left + plotWidth + RIGHT;
	const title = wrapped(printable(input.title), 15, total - 16, true);
	const subtitle = input.subtitle === "" ? [] : wrapped(printable(input.subtitle), 12, total - 16, false);
	const top = 16 + title.length * 19 + subtitle.length * 16 + (input.above ?? 6);
	const bottom = below + legend.height;
	const titles = [
		...title.map((text, at): Shape => ({ style: "title", x: 8 - left, y: 22 - top + 19 * at, text })),
		...subtitle.map(
			(text, at): Shape => ({
				style: "subtitle",
				x: 8 - left,
				y: 22 - top + 19 * title.length + 16 * at,
				text,
			}),
		),
	];
	const spec = {
		$schema: "https://vega.github.io/schema/vega-lite/v5.json",
		description: `${printable(input.title)}. ${printableLines(input.description)}`,
		background: "#ffffff",
		width: plotWidth,
		height: plotHeight,
		autosize: { type: "none", contains: "content" },
		padding: { left, right: RIGHT, top, bottom },
		params:
			slider === undefined
				? []
				: [{ name: "upTo", value: slider.max, bind: { input: "range", ...slider, step: 1 } }],
		layer: [...(input.layers ?? []), ...layersOf([...titles, ...shapes, ...legend.shapes], axis)],
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
	const size = { width: total, height: top + plotHeight + bottom, left, top };
	return { spec, svg: svgOf(spec as unknown as TopLevelSpec, size, input), text: input.text };
}

/** The size of a chart in pixels, its paddings included. */
interface Size {
	readonly width: number;
	readonly height: number;
	readonly left: number;
	readonly top: number;
}

/** Vega's own renderer behind `toSVG()`: it is exported, and missing from its types. */
interface StringRenderer {
	initialize(el: null, width: number, height: number, origin: readonly [number, number], scale: number): void;
	background(colour: string): StringRenderer;
	render(scene: unknown): StringRenderer;
	svg(): string;
}
const { SVGStringRenderer } = vega as unknown as {
	readonly SVGStringRenderer: new (loader: vega.Loader) => StringRenderer;
};

/** The root of what a view draws, missing from vega's types too. */
function rootOf(view: vega.View): unknown {
	const scene: object = view.scenegraph();
	return "root" in scene ? scene.root : undefined;
}

/** What vega or vega-lite would warn of is an error here: none of our charts may have anything to warn of. */
function strictLogger(): vega.LoggerInterface {
	const logger = vega.logger(vega.Warn);
	const fail = (...args: readonly unknown[]): never => {
		throw new Error(`the chart can't be drawn: ${args.map(String).join(" ")}`);
	};
	logger.warn = fail;
	logger.error = fail;
	return logger;
}

/**
 * Draws a Vega-Lite spec as SVG, at once and the same bytes each time: it has `autosize: none` and the paddings that
 * the size says, so that nothing depends on how wide a font is. Title and description may be any text: they are made
 * printable and escaped here.
 */
function svgOf(
	spec: TopLevelSpec,
	size: Size,
	{ title, description }: Pick<ChartInput, "title" | "description">,
) {
	const logger = strictLogger();
	const view = new vega.View(vega.parse(compile(spec, { logger }).spec), { renderer: "none", logger });
	try {
		view.run();
		const renderer = new SVGStringRenderer(vega.loader());
		renderer.initialize(null, size.width, size.height, [size.left, size.top], 1);
		renderer.background("#ffffff").render(rootOf(view));
		const label = `role="graphics-document" aria-roledescription="visualization" aria-label="${escapeUTF8(printable(title))}"`;
		const desc = `<desc>${escapeUTF8(printableLines(description))}</desc>`;
		// A function, since `$&` and the like mean something in a replacement.
		return renderer.svg().replace(/^<svg ([^>]*)>/, (_, rest: string) => `<svg ${label} ${rest}>${desc}`);
	} finally {
		view.finalize();
	}
}
