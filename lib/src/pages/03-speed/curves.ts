import { type Chart, chartOf } from "../../chart/frame";
import type { Layer } from "../../chart/layers";
import { PLOT_WIDTH, SERIES } from "../../chart/style";
import { printable, shortened, textTable } from "../../timeline/printable";

export interface CurveAxis {
	/** In words, with the unit: "writes a second". */
	readonly label: string;
	/** A logarithmic axis: all values above 0. */
	readonly log?: boolean;
}

export interface CurveSeries {
	readonly name: string;
	/** [x, y] in the order to be joined. For bars x may be a word. */
	readonly points: readonly (readonly [number | string, number])[];
}

export interface CurveInput {
	readonly title: string;
	/** What to conclude. */
	readonly subtitle?: string;
	/** Default: "line". */
	readonly kind?: "line" | "bar";
	readonly x: CurveAxis;
	readonly y: CurveAxis;
	/** At most six: more can't be told apart. */
	readonly series: readonly CurveSeries[];
}

const HEIGHT = 260;
/** Left of the axis: its title, and the numbers up to "100,000". */
const LEFT = 84;
const LEFT_CHARACTERS = 7;
/** As Vega reckons the width of an axis' text, where it can measure none. */
const CHARACTER_PX = 8.8;
/** Words below the bars are written at this angle where they would lie on each other. */
const SLANT_DEGREES = 30;
const SLANT = (SLANT_DEGREES * Math.PI) / 180;

/**
 * Draws measurements as lines with points, or as bars, with the values as text. Pure: the same input gives the
 * same bytes. The y axis begins at 0 unless it is logarithmic.
 * @throws RangeError for more than six series, a value that is not finite, one not above 0 on a logarithmic axis,
 * or a word as x of a line.
 */
export function curveChart(input: CurveInput): Chart {
	check(input);
	const bar = input.kind === "bar";
	const words = bar ? barWords(input) : undefined;
	const slant = words === undefined ? 0 : slantHeight([...words.values()]);
	const rows = input.series.flatMap((series, nth) => {
		const look = SERIES[nth] ?? SERIES[0];
		return series.points.map(([x, y], at) => ({
			nth: at,
			x: words?.get(String(x)) ?? x,
			y,
			series: nth,
			colour: look.colour,
			say: `${printable(series.name)}: ${printable(input.x.label)} ${printable(String(x))}, ${printable(input.y.label)} ${y}`,
			tip: {
				series: shortened(series.name, 60),
				[`x, ${shortened(input.x.label, 60)}`]: printable(String(x)),
				[`y, ${shortened(input.y.label, 60)}`]: String(y),
			},
		}));
	});
	return chartOf({
		title: input.title,
		subtitle: input.subtitle ?? "",
		description: input.series.map(seriesWords).join(" "),
		text: textOf(input),
		shapes: [],
		layers: bar ? barLayers(input, rows, slant > 0) : lineLayers(input, rows),
		legend: input.series.map((series, nth) => {
			const { shape, colour } = SERIES[nth] ?? SERIES[0];
			const look = { fill: colour, stroke: colour, strokeWidth: 1, size: 80 };
			return { text: shortened(series.name, 40), marks: [{ shape: bar ? "square" : shape, ...look }] };
		}),
		left: Math.max(leftOf(input), slant > 0 ? Math.ceil(slant / Math.tan(SLANT)) : 0),
		plotHeight: HEIGHT,
		above: 18,
		below: 58 + slant,
	});
}

function check({ kind = "line", x, y, series }: CurveInput): void {
	if (series.length > SERIES.length)
		throw new RangeError(`at most ${SERIES.length} series, not ${series.length}`);
	for (const { name, points } of series)
		for (const [px, py] of points) {
			const where = `the point [${printable(String(px))}, ${py}] of "${printable(name)}"`;
			if (kind === "line" && typeof px !== "number") throw new RangeError(`${where}: a line's x is a number`);
			if (!Number.isFinite(py) || (typeof px === "number" && !Number.isFinite(px)))
				throw new RangeError(`${where} is not finite`);
			if ((y.log && py <= 0) || (x.log && typeof px === "number" && px <= 0))
				throw new RangeError(`${where} is not above 0, and the axis is logarithmic`);
		}
}

const axis = (label: string) => ({
	title: printable(label),
	labelFlush: false,
	tickCount: 7,
	titlePadding: 8,
});

function yOf({ y }: CurveInput) {
	return {
		field: "y",
		type: "quantitative" as const,
		scale: y.log ? { type: "log" as const, nice: true } : { zero: true, nice: true },
		axis: { ...axis(y.label), grid: true, domain: false, ticks: false, format: ",.4~r" },
	};
}

function lineLayers(input: CurveInput, rows: readonly { readonly series: number }[]): Layer[] {
	const x = {
		field: "x",
		type: "quantitative" as const,
		scale: input.x.log ? { type: "log" as const, nice: false, padding: 10 } : { zero: false, nice: true },
		axis: { ...axis(input.x.label), grid: false, format: ",.4~r" },
	};
	const y = yOf(input);
	return input.series.flatMap((_, nth): Layer[] => {
		const look = SERIES[nth] ?? SERIES[0];
		const values = rows.filter((row) => row.series === nth);
		if (values.length === 0) return [];
		return [
			{
				data: { values },
				mark: {
					type: "line",
					color: look.colour,
					strokeWidth: 2,
					strokeDash: [...look.dash],
					tooltip: null,
					aria: false,
				},
				encoding: { x, y, order: { field: "nth", type: "quantitative" } },
			},
			{
				data: { values },
				mark: {
					type: "point",
					shape: look.shape,
					fill: look.colour,
					stroke: "#ffffff",
					strokeWidth: 1,
					size: 130 - nth * 20,
					opacity: 1,
					tooltip: { expr: "datum.tip" },
				},
				encoding: { x, y, description: { field: "say", type: "nominal" } },
			},
		] as Layer[];
	});
}

/** What stands below each bar; two words that are the same when shortened stay two bars. */
function barWords({ series }: CurveInput): ReadonlyMap<string, string> {
	const words = new Map<string, string>();
	for (const { points } of series)
		for (const [x] of points) {
			const word = String(x);
			if (words.has(word)) continue;
			const short = shortened(word, 24);
			const taken = new Set(words.values());
			let own = short;
			for (let nth = 2; taken.has(own); nth++) own = `${short} (${nth})`;
			words.set(word, own);
		}
	return words;
}

/** Room for the longest number of the y axis, as it is written there. */
function leftOf({ series }: CurveInput): number {
	const longest = Math.max(
		0,
		...series.flatMap(({ points }) =>
			points.map(([, y]) => y.toLocaleString("en-US", { maximumSignificantDigits: 4 }).length),
		),
	);
	return LEFT + Math.ceil(Math.max(0, longest - LEFT_CHARACTERS) * CHARACTER_PX);
}

/** How much lower slanted words reach than level ones; 0 where level ones have room. */
function slantHeight(words: readonly string[]): number {
	const longest = Math.max(0, ...words.map((word) => word.length * CHARACTER_PX));
	if (longest <= PLOT_WIDTH / Math.max(1, words.length)) return 0;
	return Math.ceil(longest * Math.sin(SLANT));
}

function barLayers(input: CurveInput, rows: readonly object[], isSlanted: boolean): Layer[] {
	const labels = isSlanted
		? {
				labelAngle: -SLANT_DEGREES,
				labelAlign: "right",
				labelBaseline: "middle",
				labelLimit: 0,
				labelPadding: 6,
			}
		: { labelAngle: 0 };
	return [
		{
			data: { values: [...rows] },
			mark: { type: "bar", tooltip: { expr: "datum.tip" } },
			encoding: {
				x: {
					field: "x",
					type: "ordinal",
					sort: null,
					scale: { paddingInner: 0.3, paddingOuter: 0.2 },
					axis: { title: printable(input.x.label), ...labels, ticks: false, titlePadding: 8 },
				},
				...(input.series.length > 1
					? { xOffset: { field: "series", type: "ordinal", sort: null, scale: { paddingInner: 0.1 } } }
					: {}),
				y: { ...yOf(input), stack: null },
				fill: { field: "colour", type: "nominal", scale: null, legend: null },
				description: { field: "say", type: "nominal" },
			},
		} as Layer,
	];
}

function seriesWords({ name, points }: CurveSeries): string {
	const first = points[0];
	const last = points.at(-1);
	if (!first || !last) return `${printable(name)}: nothing measured.`;
	const at = ([x, y]: readonly [number | string, number]) => `${y} at ${printable(String(x))}`;
	return `${printable(name)}: ${points.length} points, from ${at(first)} to ${at(last)}.`;
}

function textOf(input: CurveInput): string {
	const xs = [...new Set(input.series.flatMap((series) => series.points.map(([x]) => x)))];
	if (xs.every((x) => typeof x === "number")) xs.sort((a, b) => Number(a) - Number(b));
	const rows = xs.map((x) => [
		printable(String(x)),
		...input.series.map((series) =>
			series.points
				.filter(([px]) => px === x)
				.map(([, y]) => String(y))
				.join(", "),
		),
	]);
	return `${[
		printable(input.title),
		...(input.subtitle === undefined ? [] : [printable(input.subtitle)]),
		"",
		`${printable(input.y.label)}, by ${printable(input.x.label)}:`,
		...textTable(
			[[printable(input.x.label), ...input.series.map((series) => shortened(series.name, 40))]],
			rows,
			["right", ...input.series.map(() => "right" as const)],
		),
	].join("\n")}\n`;
}
