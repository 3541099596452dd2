import { printable, printableLines } from "../timeline/printable";
import { type BoxStyle, lookOf, type Shape, type StyleName, swatchOf } from "./shape";
import { STYLES, type Style, WINDOW } from "./style";

/*
 * The one file that knows Vega-Lite's layers. A field's name is always one of ours, a server's strings are only ever
 * values, and no expression is built from them.
 */

/** A layer of a Vega-Lite spec. Its own types are more than a cell's TypeScript can read. */
export type Layer = object;

/** The horizontal axis: from an index to a pixel. */
export interface Axis {
	readonly lo: number;
	readonly hi: number;
	/** The last index: where the slider ends. */
	readonly last: number;
	/** How far past an index a bar goes that ends after it. */
	readonly edge: number;
	readonly ticks: readonly number[];
	readonly title: string;
}

const raw = (field: string) => ({ field, type: "quantitative", scale: null, axis: null });
const plain = (field: string, type: "nominal" | "quantitative" = "nominal") => ({
	field,
	type,
	scale: null,
	legend: null,
});

/** Layers of the shapes, in the order of the table of styles. Without an axis every x is in pixels. */
export function layersOf(shapes: readonly Shape[], axis?: Axis): Layer[] {
	const groups = new Map<string, Shape[]>();
	for (const name of Object.keys(STYLES) as StyleName[]) groups.set(groupOf(name), []);
	for (const shape of shapes) groups.get(groupOf(shape.style))?.push(shape);
	// What can be pointed at: of a chart's boxes and marks those with a link.
	const pointedAt = ["boxes", "marks"].find((group) =>
		groups.get(group)?.some(({ link }) => link !== undefined),
	);
	const drawn = [...groups].filter(([, members]) => members.length > 0);
	const first = drawn.find(([, [shape]]) => shape && !(STYLES[shape.style] as Style).inPixels)?.[0];
	return drawn.flatMap(([group, members]) =>
		bySpeech(members).flatMap((some, nth) =>
			layersOfGroup(some, axis, {
				isLit: pointedAt !== undefined,
				isPointedAt: group === pointedAt,
				hasAxis: group === first && nth === 0,
			}),
		),
	);
}

/** Texts that say something, and those that don't: Vega gives each of a layer a label, an empty one too. */
function bySpeech(shapes: readonly Shape[]): (readonly Shape[])[] {
	const isMute = (shape: Shape) => "text" in shape && wordsOf(shape) === "";
	const [spoken, mute] = [shapes.filter((shape) => !isMute(shape)), shapes.filter(isMute)];
	return [spoken, mute].filter(({ length }) => length > 0);
}

function groupOf(name: StyleName): string {
	const style: Style = STYLES[name];
	return style.group ?? name;
}

/** The shapes of one group, which have all that matters to Vega-Lite in common. */
function layersOfGroup(
	shapes: readonly Shape[],
	axis: Axis | undefined,
	{ isLit, isPointedAt, hasAxis }: Readonly<Record<"isLit" | "isPointedAt" | "hasAxis", boolean>>,
): Layer[] {
	const [first] = shapes;
	if (first === undefined) return [];
	const style: Style = STYLES[first.style];
	const inPixels = axis === undefined || style.inPixels === true;
	const isColoured = shapes.some((shape) => "colour" in shape && shape.colour !== undefined);
	const bright = style.bright ?? 1;
	const layer = (props: object, encoding: object): Layer => ({
		...(isPointedAt ? { params: [POINTED_AT] } : {}),
		data: { values: shapes.map((shape) => rowOf(shape, style, isSpoken)) },
		...transformOf(shapes, style, axis),
		mark: { type: TYPE[style.draw], ...props, ...style.props },
		encoding: {
			x: inPixels ? raw("x") : onAxis(axis, hasAxis),
			...encoding,
			...(isLit && style.dim !== undefined
				? { opacity: { condition: { param: "lit", value: bright }, value: style.dim } }
				: {}),
		},
	});
	const isSpoken = shapes.some((shape) => wordsOf(shape) !== "");
	const spoken = isSpoken
		? { encoding: { description: plain("say") }, mark: {} }
		: { encoding: {}, mark: { aria: false } };
	const tooltip = shapes.some(({ tip }) => tip !== undefined) ? { expr: "datum.tip" } : null;
	switch (style.draw) {
		case "mark":
			return [
				layer(
					{ tooltip, opacity: 1, ...spoken.mark },
					{
						y: raw("y"),
						...LOOK,
						strokeWidth: plain("strokeWidth", "quantitative"),
						shape: plain("shape"),
						size: plain("size", "quantitative"),
						...spoken.encoding,
					},
				),
			];
		case "box":
		case "line": {
			const isBox = style.draw === "box";
			const has = (field: string) => isBox || shapes.some((shape) => field in shape);
			const isMoved = isBox && (style.grows !== undefined || style.trails);
			return [
				layer(
					{ tooltip, ...spoken.mark },
					{
						...(has("x2") ? { x2: { field: isMoved ? "xEnd" : "x2" } } : {}),
						y: raw("y"),
						...(has("y2") ? { y2: { field: "y2" } } : {}),
						...(isBox && style.group !== undefined ? LOOK : {}),
						...spoken.encoding,
					},
				),
			];
		}
		case "text": {
			const words = { y: raw("y"), text: { field: "text", type: "nominal" } };
			const colour = isColoured ? { color: plain("colour") } : {};
			const drawn = layer(
				{ baseline: "middle", tooltip, ...spoken.mark },
				{ ...words, ...colour, ...spoken.encoding },
			);
			if (!style.halo) return [drawn];
			const rim = { stroke: "#ffffff", strokeWidth: 4, strokeJoin: "round", aria: false, tooltip: null };
			return [layer({ baseline: "middle", ...rim }, words), drawn];
		}
	}
}

const TYPE = { mark: "point", box: "rect", line: "rule", text: "text" } as const;
const LOOK = { fill: plain("fill"), stroke: plain("stroke") };
const POINTED_AT = {
	name: "lit",
	select: { type: "point", fields: ["link"], on: "mouseover", clear: "mouseout", toggle: false },
};

/** All layers of a chart name its axis alike, or Vega-Lite would put the names together. */
function onAxis({ lo, hi, ticks, title }: Axis, hasAxis: boolean) {
	const x = { field: "x", type: "quantitative", title };
	if (!hasAxis) return x;
	return {
		...x,
		scale: { domain: [lo, hi], nice: false, zero: false },
		axis: { values: [...ticks], format: "d", grid: false, orient: "bottom", titlePadding: 6 },
	};
}

/** Shown only when the slider has reached it, and only as far. */
function transformOf(shapes: readonly Shape[], style: Style, axis: Axis | undefined) {
	const reached = [
		...(shapes.some(({ at }) => at !== undefined) ? [{ filter: "datum.at <= upTo" }] : []),
		...(shapes.some(({ only }) => only !== undefined) ? [{ filter: "datum.only == upTo" }] : []),
	];
	const { grows, trails } = style;
	if (axis === undefined || (grows === undefined && !trails))
		return reached.length === 0 ? {} : { transform: reached };
	if (trails) {
		const upTo = "min(upTo, datum.last)";
		return {
			transform: [
				{ calculate: `max(datum.lo, ${upTo} - ${WINDOW} + 0.5)`, as: "x" },
				{ calculate: `min(datum.hi, ${upTo} + ${axis.edge})`, as: "xEnd" },
				{ filter: style.draw === "box" ? "datum.xEnd > datum.x" : "datum.x > datum.lo" },
			],
		};
	}
	const lead = grows === "edge" ? axis.edge : grows;
	return {
		transform: [
			...reached,
			{ calculate: `upTo >= ${axis.last} ? datum.x2 : min(datum.x2, upTo + ${lead})`, as: "xEnd" },
			{ filter: "datum.xEnd > datum.x" },
		],
	};
}

/** A shape as Vega-Lite's data. What came from elsewhere is made printable here, once. */
function rowOf(shape: Shape, style: Style, isSpoken: boolean): object {
	const { style: name, say: _, tip, what: __, ...rest } = shape;
	const words = {
		...(isSpoken ? { say: wordsOf(shape) } : {}),
		...(tip === undefined ? {} : { tip: Object.fromEntries(printableRows(tip)) }),
	};
	if ("size" in shape) {
		const { look, ...mark } = { look: lookOf(shape.style, shape.size), ...rest };
		return { ...mark, ...look, ...words };
	}
	if ("text" in shape) {
		const { isMute: ___, ...text } = rest as Extract<Shape, { text: string }>;
		return { ...text, text: printable(shape.text), ...words };
	}
	if (style.trails) {
		const { x, x2, ...place } = rest as Extract<Shape, { last?: number }>;
		return { ...place, lo: x, hi: x2 };
	}
	const { look, ...box } = { look: style.group ? swatchOf(name as BoxStyle) : undefined, ...rest };
	return { ...box, ...(look ? { fill: look.fill, stroke: look.stroke } : {}), ...words };
}

function printableRows(tip: Readonly<Record<string, string>>): [string, string][] {
	return Object.entries(tip).map(([name, value]) => [printable(name), printableLines(value)]);
}

/** What a screen reader says of a shape, "" for nothing. */
function wordsOf(shape: Shape): string {
	if (shape.say !== undefined) return printable(shape.say);
	return "text" in shape && !shape.isMute ? printable(shape.text) : "";
}
