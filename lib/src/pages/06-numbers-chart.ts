import { type Chart, chartOf, type Titles } from "../chart/frame";
import type { BoxStyle, Shape } from "../chart/shape";
import { PLOT_WIDTH } from "../chart/style";
import { showChart } from "../page/chart";
import { show } from "../page/display";
import { type Cell, type Table, tableBundle, tableOf } from "../page/table";
import { fitted, pixelsOf, printable, shortened } from "../timeline/printable";
import { type Counts, type KeyNumbers, type NumberName, numberNames, whatTheyCount } from "./06-numbers";

/** The style of a number's boxes, by what it counts. */
const STYLE = {
	"every attempt": "everyAttempt",
	"the store's writes": "storesWrites",
	"the key's writes": "keysWrites",
	"not known": "notKnown",
} as const satisfies Readonly<Record<Counts, BoxStyle>>;
const ROW = 28;
const HEAD = 30;
const LABEL_ROW = 30;
const LEFT = 150;
/** Half of a write's width. */
const HALF = 0.44;

/**
 * Draws the numbers of a key through some writes: a lane for each number, and in it a box for as long as its value
 * stays the same. The colour is what the number counts, by `whatTheyCount`. One panel for each run, which are of the
 * same writes. Pure.
 * @throws RangeError without a write, with more than 16, or of runs that have not the same number of writes
 */
export function numbersChart(runs: readonly KeyNumbers[], options: Titles = {}): Chart {
	const [first] = runs;
	const count = countOf(runs);
	if (first === undefined || count === 0 || count > 16)
		throw new RangeError(`the numbers are of 1 to 16 writes, not of ${count}`);
	const title = options.title ?? `The numbers of ${shortened(first.key, 60)}, write by write`;
	const labels = labelsOf(first);
	let top = labels.height + 4;
	const shapes: Shape[] = [];
	for (const run of runs) {
		const text = run.api === "v2" ? "v2, by its headers and its node" : "v3, by its answers";
		shapes.push({ style: "head", x: 8 - LEFT, y: top + 16, text });
		const counts = whatTheyCount(run);
		numberNames[run.api].forEach((name, at) => {
			const y = top + HEAD + ROW / 2 + at * ROW;
			const of = isOfStore(name) ? "of the store" : `of ${shortened(run.key, 14)}`;
			shapes.push(
				{ style: "laneName", x: -12, y: y - 6, text: name, say: `${name}, ${of}` },
				{ style: "smallName", x: -12, y: y + 7, text: of, isMute: true },
				...stretchesOf(run, name, y, counts[name] ?? "not known"),
			);
		});
		top += HEAD + numberNames[run.api].length * ROW + 8;
	}
	const columns = first.after.map(
		(_, nth): Shape => ({ style: "lane", x: nth + 1, y: labels.height + 8, y2: top }),
	);
	return chartOf({
		of: runs,
		title,
		subtitle: options.subtitle ?? "",
		description: runs.map(inWords).join(" "),
		text: numbersTable(runs, { ...options, title }).text,
		left: LEFT,
		plotHeight: top,
		legendLeft: 8 - LEFT,
		slider: { min: 1, max: count, name: "play up to write " },
		axis: {
			lo: 0.5,
			hi: count + 0.5,
			last: count,
			edge: HALF,
			ticks: columns.map(({ x }) => x),
			title: "write, in the order made",
		},
		shapes: [...columns, ...shapes, ...labels.shapes],
	});
}

/** Shows the numbers of a key through some writes. To have the chart as data, call `numbersChart`. */
export function showNumbers(runs: readonly KeyNumbers[], options: Titles = {}): void {
	showChart(numbersChart(runs, options));
}

/** How many writes the runs have. What one of them alone has could be drawn nowhere. */
function countOf([first, ...others]: readonly KeyNumbers[]): number {
	const count = first?.after.length ?? 0;
	const other = others.find(({ after }) => after.length !== count);
	if (other)
		throw new RangeError(
			`numbers side by side are of the same writes: one run has ${count} writes, another ${other.after.length}`,
		);
	return count;
}

/** The same as a table: a row for each write, a column for each number. Errors as for another number of writes. */
export function numbersTable(runs: readonly KeyNumbers[], options: Titles = {}): Table {
	countOf(runs);
	const names = runs.flatMap(({ api }) => numberNames[api]);
	const writes = runs[0]?.after ?? [];
	return tableOf({
		of: runs,
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
export function showNumbersTable(runs: readonly KeyNumbers[], options: Titles = {}): void {
	show(tableBundle(numbersTable(runs, options)));
}

function isOfStore(name: NumberName): boolean {
	return ["X-Raft-Index", "X-Etcd-Index", "raftIndex", "revision"].includes(name);
}

/** A box for as long as the number stays the same, with its value in it. */
function stretchesOf({ after, api, key }: KeyNumbers, name: NumberName, y: number, counts: Counts): Shape[] {
	const stretches: { readonly from: number; to: number; readonly value: string; readonly write: string }[] =
		[];
	after.forEach(({ numbers, write }, nth) => {
		const value = numbers[name];
		const last = stretches.at(-1);
		if (value === undefined) return;
		if (last?.value === String(value) && last.to === nth) last.to = nth + 1;
		else stretches.push({ from: nth + 1, to: nth + 1, value: String(value), write: shortened(write, 60) });
	});
	return stretches.flatMap(({ from, to, value, write }): Shape[] => {
		const link = `write ${from}`;
		const tip = {
			[name]: value,
			"since write": `${from}: ${write}`,
			of: isOfStore(name) ? "the store" : shortened(key, 60),
			counts: printable(counts),
		};
		const say = `${api}: ${name} is ${value} after write ${from}, ${write}`;
		return [
			{
				style: STYLE[counts],
				x: from - HALF,
				x2: to + HALF,
				y: y - 10,
				y2: y + 10,
				at: from,
				link,
				say,
				tip,
			},
			{ style: "value", x: from - HALF + 0.12, y, text: value, at: from, link, isMute: true },
		];
	});
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
function labelsOf({ after }: KeyNumbers): { readonly shapes: Shape[]; readonly height: number } {
	const column = PLOT_WIDTH / after.length;
	const widths = after.map(({ write }) => pixelsOf(write, 11.5, true));
	const rows = Math.max(...widths) > column - 8 ? 2 : 1;
	const notes = ["nothing written", "no write", "–"];
	const note = notes.find((words) => pixelsOf(words, 10.5) <= rows * column - 6) ?? "–";
	const shapes = after.flatMap(({ write, isAccepted }, nth): Shape[] => {
		const y = LABEL_ROW * (rows - 1 - (nth % rows)) + 8;
		const common = { x: nth + 1, at: nth + 1, link: `write ${nth + 1}` };
		const text = fitted(write, rows * column - 8, 11.5, true);
		return [
			{ ...common, style: "labelThread", y: y + (isAccepted ? 8 : 21), y2: LABEL_ROW * rows + 8 },
			{ ...common, style: "writeName", y, text },
			...(isAccepted ? [] : [{ ...common, style: "writeNote", y: y + 13, text: note } as const]),
		];
	});
	return { shapes, height: LABEL_ROW * rows };
}
