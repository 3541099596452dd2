import { type Chart, chartBundle } from "../chart/chart";
import { framed } from "../chart/frame";
import { as, type Layer, legendLayers, lit, raw, reached, say, tip, withAxis, x } from "../chart/layers";
import { placeLegend, swatch } from "../chart/legend";
import { COLOUR } from "../chart/palette";
import { PLOT_WIDTH } from "../chart/places";
import { svgOf } from "../chart/render";
import { show } from "../page/display";
import { type Cell, type Table, tableBundle, tableOf } from "../page/table";
import { fitted, pixelsOf, printable, shortened } from "../timeline/printable";
import { type Counts, type KeyNumbers, type NumberName, numberNames, whatTheyCount } from "./06-numbers";

export interface NumbersOptions {
	readonly title?: string;
	/** What to conclude. */
	readonly subtitle?: string;
}

/** A stretch of writes through which a number stayed the same. */
interface Stretch {
	readonly x: number;
	readonly x2: number;
	readonly y: number;
	readonly y2: number;
	readonly at: number;
	readonly link: string;
	readonly value: string;
	readonly fill: string;
	readonly stroke: string;
	readonly say: string;
	readonly tip: Readonly<Record<string, string>>;
}

/** A write's name above its column, and the line down from it. */
interface WriteLabel {
	readonly x: number;
	readonly at: number;
	readonly link: string;
	readonly y: number;
	readonly under: number;
	readonly text: string;
	readonly note: string;
	readonly from: number;
	readonly to: number;
}

interface NumberLane {
	readonly y: number;
	readonly name: string;
	readonly words: string;
}

const LOOK: Readonly<
	Record<Counts, { readonly fill: string; readonly stroke: string; readonly text: string }>
> = {
	"every attempt": { fill: "#f1f1f1", stroke: COLOUR.absent, text: "counts every attempt, refused or not" },
	"the store's writes": {
		fill: "#cfe3f1",
		stroke: COLOUR.write,
		text: "counts the writes to the whole store",
	},
	"the key's writes": { fill: "#fbe6c0", stroke: "#b07300", text: "counts the writes to this key" },
	"not known": { fill: "#ffffff", stroke: COLOUR.absent, text: "not known from these writes" },
};
const ROW = 28;
const HEAD = 30;
const LABEL_ROW = 30;
const LEFT = 150;
/** Half of a write's width. */
const HALF = 0.44;
const AXIS = "write, in the order made";

/**
 * Draws the numbers of a key through some writes: a lane for each number, and in it a box for as long as its value
 * stays the same. The colour is what the number counts, by `whatTheyCount`. One panel for each run, which are of the
 * same writes. Pure.
 * @throws RangeError without a write, or with more than 16
 */
export function numbersChart(runs: readonly KeyNumbers[], options: NumbersOptions = {}): Chart {
	const [first] = runs;
	const count = first?.after.length ?? 0;
	if (first === undefined || count === 0 || count > 16)
		throw new RangeError(`the numbers are of 1 to 16 writes, not of ${count}`);
	const title = options.title ?? `The numbers of ${shortened(first.key, 60)}, write by write`;
	const scale = { lo: 0.5, hi: count + 0.5 };
	const labels = labelsOf(first);
	let top = labels.height + 4;
	const lanes: NumberLane[] = [];
	const heads: { readonly text: string; readonly y: number }[] = [];
	const stretches: Stretch[] = [];
	for (const run of runs) {
		heads.push({
			text: run.api === "v2" ? "v2, by its headers and its node" : "v3, by its answers",
			y: top + 16,
		});
		const counts = whatTheyCount(run);
		numberNames[run.api].forEach((name, at) => {
			const y = top + HEAD + ROW / 2 + at * ROW;
			lanes.push({ y, name, words: isOfStore(name) ? "of the store" : `of ${shortened(run.key, 14)}` });
			stretches.push(...stretchesOf(run, name, y, counts[name] ?? "not known"));
		});
		top += HEAD + numberNames[run.api].length * ROW + 8;
	}
	const used = new Set(stretches.map(({ fill }) => fill));
	const legend = placeLegend(
		Object.values(LOOK)
			.filter(({ fill }) => used.has(fill))
			.map(({ fill, stroke, text }) => swatch(text, fill, stroke)),
		top + 58,
		-LEFT + 8,
	);
	const description = runs.map(inWords).join(" ");
	const { spec, frame } = framed({
		title,
		subtitle: options.subtitle ?? "",
		description,
		left: LEFT,
		plotHeight: top,
		below: 58 + legend.height,
		params: [
			{
				name: "upTo",
				value: count,
				bind: { input: "range", min: 1, max: count, step: 1, name: "play up to write " },
			},
		],
		layers: withAxis(
			[
				...axisLayers(first, scale, labels.height, top),
				...laneLayers(lanes, heads),
				...stretchLayers(stretches),
				...labelLayers(labels.labels),
				...legendLayers(legend.placed),
			],
			AXIS,
		),
	});
	return {
		spec: spec as unknown as Readonly<Record<string, unknown>>,
		svg: svgOf(spec, frame, printable(title), description),
		text: numbersTable(runs, { ...options, title }).text,
	};
}

/** Shows the numbers of a key through some writes. To have the chart as data, call `numbersChart`. */
export function showNumbers(runs: readonly KeyNumbers[], options: NumbersOptions = {}): void {
	show(chartBundle(numbersChart(runs, options)));
}

/** The same as a table: a row for each write, a column for each number. */
export function numbersTable(runs: readonly KeyNumbers[], options: NumbersOptions = {}): Table {
	const names = runs.flatMap(({ api }) => numberNames[api]);
	const writes = runs[0]?.after ?? [];
	return tableOf({
		title: options.title ?? `The numbers of ${shortened(runs[0]?.key ?? "", 60)}, write by write`,
		...(options.subtitle === undefined ? {} : { subtitle: options.subtitle }),
		columns: ["write", ...names],
		rows: writes.map(({ write, isAccepted }, at): Cell[] => [
			isAccepted ? write : { text: write, mark: "refused" },
			...runs.flatMap(({ api, after }) => numberNames[api].map((name) => after[at]?.numbers[name] ?? "–")),
		]),
	});
}

/** Shows `numbersTable`. */
export function showNumbersTable(runs: readonly KeyNumbers[], options: NumbersOptions = {}): void {
	show(tableBundle(numbersTable(runs, options)));
}

function isOfStore(name: NumberName): boolean {
	return ["X-Raft-Index", "X-Etcd-Index", "raftIndex", "revision"].includes(name);
}

function stretchesOf(
	{ after, api, key }: KeyNumbers,
	name: NumberName,
	y: number,
	counts: Counts,
): Stretch[] {
	const stretches: Stretch[] = [];
	after.forEach(({ numbers, write }, nth) => {
		const value = numbers[name];
		const last = stretches.at(-1);
		const at = nth + 1;
		if (value === undefined) return;
		if (last?.value === String(value) && last.x2 === at - 1 + HALF) {
			stretches[stretches.length - 1] = { ...last, x2: at + HALF };
			return;
		}
		stretches.push({
			x: at - HALF,
			x2: at + HALF,
			y: y - 10,
			y2: y + 10,
			at,
			link: `write ${at}`,
			value: String(value),
			...LOOK[counts],
			say: `${api}: ${name} is ${value} after write ${at}, ${shortened(write, 60)}`,
			tip: {
				[name]: String(value),
				"since write": `${at}: ${shortened(write, 60)}`,
				of: isOfStore(name) ? "the store" : shortened(key, 60),
				counts: printable(counts),
			},
		});
	});
	return stretches;
}

function inWords(run: KeyNumbers): string {
	const counts = whatTheyCount(run);
	const lanes = numberNames[run.api].map((name) => {
		const values = run.after.map(({ numbers }) => numbers[name] ?? "none");
		return `${name} ${values.join(", ")} (${counts[name] ?? "not known"})`;
	});
	return `${run.api}: ${lanes.join("; ")}.`;
}

/** What each write was, above its column; neighbours take turns in height where they would touch. */
function labelsOf({ after }: KeyNumbers): {
	readonly labels: readonly WriteLabel[];
	readonly height: number;
} {
	const column = PLOT_WIDTH / after.length;
	const widths = after.map(({ write }) => pixelsOf(write, 11.5, true));
	const isTight = Math.max(...widths) > column - 8;
	const rows = isTight ? 2 : 1;
	const notes = ["nothing written", "no write", "–"];
	const note = notes.find((words) => pixelsOf(words, 10.5) <= rows * column - 6) ?? "–";
	const labels = after.map(({ write, isAccepted }, nth) => {
		const y = LABEL_ROW * (rows - 1 - (nth % rows)) + 8;
		return {
			x: nth + 1,
			at: nth + 1,
			link: `write ${nth + 1}`,
			y,
			under: y + 13,
			text: fitted(write, rows * column - 8, 11.5, true),
			note: isAccepted ? "" : note,
			from: y + (isAccepted ? 8 : 21),
			to: LABEL_ROW * rows + 8,
		};
	});
	return { labels, height: LABEL_ROW * rows };
}

function labelLayers(labels: readonly WriteLabel[]): Layer[] {
	const values = labels.map((label) => ({ ...label }));
	const text = (field: "text" | "note", y: string, mark: object): Layer =>
		({
			data: { values: values.filter((value) => value[field] !== "") },
			transform: [reached],
			mark: { type: "text", align: "center", baseline: "middle", tooltip: null, ...mark },
			encoding: { x: x(), y: raw(y), text: { field, type: "nominal" }, ...lit(1, 0.25) },
		}) as Layer;
	return [
		{
			data: { values },
			transform: [reached],
			mark: { type: "rule", color: "#b5b5b5", strokeWidth: 0.8, tooltip: null, aria: false },
			encoding: { x: x(), y: raw("from"), y2: { field: "to" }, ...lit(1, 0.25) },
		} as Layer,
		text("text", "y", { fontSize: 11.5, fontWeight: 600, color: COLOUR.text }),
		text("note", "under", { fontSize: 10.5, color: COLOUR.refusedText }),
	];
}

function axisLayers(
	{ after }: KeyNumbers,
	scale: { readonly lo: number; readonly hi: number },
	top: number,
	bottom: number,
): Layer[] {
	const writes = after.map((_, nth) => ({ x: nth + 1, y: top + 8, y2: bottom }));
	return [
		{
			data: { values: writes },
			mark: { type: "rule", color: COLOUR.lane, strokeWidth: 1, tooltip: null, aria: false },
			encoding: {
				x: {
					...x(),
					scale: { domain: [scale.lo, scale.hi], nice: false, zero: false },
					axis: {
						values: writes.map(({ x }) => x),
						format: "d",
						grid: false,
						orient: "bottom",
						titlePadding: 6,
					},
				},
				y: raw("y"),
				y2: { field: "y2" },
			},
		} as Layer,
	];
}

function laneLayers(
	lanes: readonly NumberLane[],
	heads: readonly { readonly text: string; readonly y: number }[],
): Layer[] {
	const text = (values: readonly object[], field: string, y: string, mark: object): Layer =>
		({
			data: { values: values.map((value) => ({ ...value })) },
			mark: { type: "text", baseline: "middle", tooltip: null, ...mark },
			encoding: { x: { value: -12 }, y: raw(y), text: { field, type: "nominal" } },
		}) as Layer;
	const placed = lanes.map(({ y, name, words }) => ({ name, words, nameY: y - 6, wordsY: y + 7 }));
	return [
		text(placed, "name", "nameY", { align: "right", fontSize: 12, fontWeight: 600, color: COLOUR.text }),
		text(placed, "words", "wordsY", { align: "right", fontSize: 10.5, color: COLOUR.quiet }),
		text(heads, "text", "y", {
			align: "left",
			fontSize: 12,
			fontWeight: 600,
			color: COLOUR.text,
			dx: -LEFT + 20,
		}),
	];
}

function stretchLayers(stretches: readonly Stretch[]): Layer[] {
	const values = stretches.map((stretch) => ({ ...stretch, middle: (stretch.y + stretch.y2) / 2 }));
	const transform = [reached, { calculate: `min(datum.x2, upTo + ${HALF})`, as: "xEnd" }];
	return [
		{
			params: [
				{
					name: "lit",
					select: { type: "point", fields: ["link"], on: "mouseover", clear: "mouseout", toggle: false },
				},
			],
			data: { values },
			transform,
			mark: { type: "rect", strokeWidth: 1.2, cornerRadius: 3, tooltip: tip },
			encoding: {
				x: x(),
				x2: { field: "xEnd" },
				y: raw("y"),
				y2: { field: "y2" },
				fill: as("fill"),
				stroke: as("stroke"),
				description: say,
				...lit(1, 0.25),
			},
		} as Layer,
		{
			data: { values },
			transform: [...transform, { calculate: "datum.x + 0.12", as: "xText" }],
			mark: { type: "text", align: "left", baseline: "middle", fontSize: 12, fontWeight: 600, tooltip: null },
			encoding: {
				x: x("xText"),
				y: raw("middle"),
				text: { field: "value", type: "nominal" },
				...lit(1, 0.25),
			},
		} as Layer,
	];
}
