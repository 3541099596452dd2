import assert from "node:assert/strict";
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { Chart } from "#lib/chart";
import { COLOUR } from "#lib/chart/style.js";

type Datum = Readonly<Record<string, unknown>>;
type LayerLike = {
	readonly mark?: { readonly type?: string; readonly fill?: string };
	readonly params?: unknown;
	readonly data?: { readonly values?: readonly Datum[] };
};

function layersOf(chart: Chart): readonly LayerLike[] {
	return chart.spec["layer"] as readonly LayerLike[];
}

/** The points of a timeline's chart: writes, deliveries and absences, without the legend. */
export function marksOf(chart: Chart): readonly Datum[] {
	return layersOf(chart).find((layer) => layer.params !== undefined)?.data?.values ?? [];
}

/** The rows of data that have this field. */
export function rowsWith(chart: Chart, ...fields: readonly string[]): Datum[] {
	return layersOf(chart)
		.flatMap((layer) => layer.data?.values ?? [])
		.filter((row) => fields.every((field) => field in row));
}

/** The bars of a watcher's life: where it was listening, or not reading. */
export function barsOf(chart: Chart): (Datum & { readonly paused: boolean })[] {
	return layersOf(chart).flatMap(({ mark, data }) => {
		const paused = mark?.fill === "#ffffff";
		const isBar = mark?.type === "rect" && (paused || mark.fill === COLOUR.listening);
		return isBar ? (data?.values ?? []).map((row) => ({ ...row, paused })) : [];
	});
}

/** Every row of data in the whole spec. */
export function rowCount(chart: Chart): number {
	return layersOf(chart).reduce((count, layer) => count + (layer.data?.values?.length ?? 0), 0);
}

/** Compiles and runs the spec as JupyterLab does, and gives the view and all that was warned of. */
export function viewOf(chart: Chart): { readonly view: vega.View; readonly warnings: readonly string[] } {
	const warnings: string[] = [];
	const logger = vega.logger(vega.Warn);
	logger.warn = (...args: readonly unknown[]) => {
		warnings.push(args.map(String).join(" "));
		return logger;
	};
	const compiled = compile(chart.spec as unknown as TopLevelSpec, { logger });
	const view = new vega.View(vega.parse(compiled.spec), { renderer: "none", logger });
	view.run();
	return { view, warnings };
}

/** What a view draws now and would speak of: how bright it is, by what a screen reader says. */
export function spokenBy(view: vega.View): { readonly say: string; readonly opacity: number }[] {
	const spoken: { say: string; opacity: number }[] = [];
	const visit = (item: unknown): void => {
		if (typeof item !== "object" || item === null) return;
		if ("description" in item && typeof item.description === "string" && !("items" in item))
			spoken.push({
				say: item.description,
				opacity: "opacity" in item && typeof item.opacity === "number" ? item.opacity : 1,
			});
		if ("items" in item && Array.isArray(item.items)) for (const one of item.items) visit(one);
	};
	const scene: object = view.scenegraph();
	visit("root" in scene ? scene.root : undefined);
	return spoken;
}

/** All texts that an SVG draws, as a reader sees them. */
export function textsOf(svg: string): string[] {
	return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = ""]) => decoded(text));
}

const letters = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&apos;": "'", "&amp;": "&" };

export function decoded(text: string): string {
	return text.replace(/&(?:lt|gt|quot|#39|apos|amp);/g, (one) => letters[one as keyof typeof letters]);
}

/**
 * Fails unless this is well-formed markup made of these elements alone: a key that got out of its quotes or its
 * text would leave an element or an attribute of its own.
 */
export function assertOnlyMarkup(markup: string, elements: readonly string[], attributes: RegExp): void {
	const stack: string[] = [];
	let rest = markup;
	while (rest !== "") {
		const tag = /^<(\/?)([A-Za-z][A-Za-z0-9]*)((?:\s+[A-Za-z0-9:-]+="[^"<]*")*)\s*(\/?)>/.exec(rest);
		if (tag) {
			const [whole, closing, name = "", attrs = "", empty] = tag;
			assert.ok(elements.includes(name), `an element <${name}> that isn't ours`);
			for (const [, attribute = ""] of attrs.matchAll(/([A-Za-z0-9:-]+)="/g))
				assert.match(attribute, attributes, `an attribute ${attribute} that isn't ours`);
			if (closing) assert.equal(stack.pop(), name, "elements are closed in order");
			else if (!empty) stack.push(name);
			rest = rest.slice(whole.length);
			continue;
		}
		const text = /^[^<]+/.exec(rest);
		assert.ok(text, `markup that is not well-formed: ${rest.slice(0, 60)}`);
		assert.doesNotMatch(text[0], /&(?!(?:lt|gt|amp|quot|apos|#39|#x[0-9a-f]+|#\d+);)/i, "a bare &");
		rest = rest.slice(text[0].length);
	}
	assert.deepEqual(stack, [], "every element is closed");
}

const SVG_ATTRIBUTES =
	/^(xmlns(:xlink)?|version|class|width|height|viewBox|role|aria-[a-z]+|fill(-opacity)?|stroke(-[a-z]+)?|transform|d|text-anchor|font-(family|size|weight)|opacity|pointer-events|x2|y2|display)$/;

/** Fails unless a picture is made of the elements and attributes alone that Vega draws with. */
export function assertOnlySvg(svg: string): void {
	assertOnlyMarkup(svg, ["svg", "desc", "rect", "g", "path", "text", "line"], SVG_ATTRIBUTES);
}
