import { escapeUTF8 } from "entities";
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { printable, printableLines } from "../timeline/printable";

/** The size of a chart in pixels, its paddings included. */
export interface Frame {
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
 * Draws a Vega-Lite spec as SVG, at once and the same bytes each time. The spec has to have `autosize: none` and
 * the paddings that the frame says: then nothing depends on how wide a font is. Title and description may be any
 * text: they are made printable and escaped here.
 */
export function svgOf(spec: TopLevelSpec, frame: Frame, title: string, description: string): string {
	const logger = strictLogger();
	const view = new vega.View(vega.parse(compile(spec, { logger }).spec), {
		renderer: "none",
		logger,
	});
	try {
		view.run();
		const renderer = new SVGStringRenderer(vega.loader());
		renderer.initialize(null, frame.width, frame.height, [frame.left, frame.top], 1);
		renderer.background("#ffffff").render(rootOf(view));
		const label = `role="graphics-document" aria-roledescription="visualization" aria-label="${escapeUTF8(printable(title))}"`;
		const desc = `<desc>${escapeUTF8(printableLines(description))}</desc>`;
		// A function, since `$&` and the like mean something in a replacement.
		return renderer.svg().replace(/^<svg ([^>]*)>/, (_, size: string) => `<svg ${label} ${size}>${desc}`);
	} finally {
		view.finalize();
	}
}
