import { type Chart, chartOf, type Titles } from "../chart/frame";
import { rounded } from "../chart/layout";
import type { Shape } from "../chart/shape";
import { COLOUR, PLOT_WIDTH } from "../chart/style";
import { showChart } from "../page/chart";
import { show } from "../page/display";
import { type Cell, type Table, tableBundle, tableOf } from "../page/table";
import { pixelsOf, printable, shortened, textTable } from "../timeline/printable";
import { type ChaosCount, type ChaosResults, consumersIn } from "./08-record-results";

const NAMES = {
	naive: "naive loop",
	textbook: "textbook's loop",
	"node-etcd": "node-etcd",
	etcd3: "microsoft/etcd3",
	follow: "the follower",
} as const;

const ROW = 21;
const GROUP = 26;
const HEAD = 26;
/** What of a column is left for the number beside the longest bar, of a consumer that lost everything. */
const NUMBER = 74;

interface Line {
	readonly y: number;
	readonly text: string;
	readonly isGroup: boolean;
}

/**
 * Draws what each consumer lost in silence under each kind of fault: a row for a kind, a column for a consumer, a bar
 * as long as its share of the events; where nothing was lost, a tick. Pure: the same results give the same bytes.
 */
export function chaosChart(results: ChaosResults, options: Titles = {}): Chart {
	const {
		title = "Events lost in silence, by kind of fault",
		subtitle = `${chaosWords(results)}. A full bar: all events`,
	} = options;
	const names = consumersIn(results);
	const { lines, cells, height } = laidOut(results);
	const widest = Math.max(...lines.map(({ text }) => pixelsOf(text, 11.5)));
	const left = Math.round(Math.min(280, Math.max(120, widest + 24)));
	return chartOf({
		title,
		subtitle,
		description: names.map((name) => totalWords(results, name)).join(" "),
		text: `${[printable(title), printable(subtitle), "", ...textRows(results)].join("\n")}\n`,
		left,
		plotHeight: height,
		above: 10,
		below: 12,
		shapes: shapesOf(lines, cells, names, left),
	});
}

/** Shows `chaosChart`. */
export function showChaos(results: ChaosResults, options: Titles = {}): void {
	showChart(chaosChart(results, options));
}

/** What each consumer lost and was told of in all kinds together. */
export function chaosTable(results: ChaosResults): Table {
	const rows = consumersIn(results).flatMap((consumer): Cell[][] => {
		const all = results.kinds.flatMap(({ consumers }) => consumers[consumer] ?? []);
		if (all.length === 0) return [];
		const sum = (field: keyof ChaosCount) => total(all, field);
		const lossy = all.filter(({ silentLosses }) => silentLosses > 0).length;
		return [
			[
				NAMES[consumer],
				grouped(sum("runs")),
				grouped(sum("events")),
				{ text: grouped(sum("silentLosses")), mark: sum("silentLosses") === 0 ? "right" : "wrong" },
				`${lossy} of ${all.length}`,
				grouped(sum("gaps")),
				grouped(sum("resets")),
			],
		];
	});
	return tableOf({
		title: "All kinds of faults together",
		subtitle: chaosWords(results),
		columns: [
			"consumer",
			"runs",
			"events due",
			"lost in silence",
			"kinds with a loss",
			"gaps told",
			"resets told",
		],
		rows,
	});
}

/** Shows `chaosTable`. */
export function showChaosTable(results: ChaosResults): void {
	show(tableBundle(chaosTable(results)));
}

/** The runs that came to an end, and the events of each consumer, told or lost: what the rows add up to. */
function chaosWords({ members, etcd, kinds }: ChaosResults): string {
	const all = kinds.flatMap(({ consumers }) => Object.values(consumers));
	const [runs, events] = [total(all, "runs"), total(all, "events")];
	const many = members === 1 ? "1 member" : `${members} members`;
	return `${grouped(runs)} runs of ${kinds.length} kinds of faults, ${grouped(events)} events told or lost, ${many} of etcd ${printable(etcd)}`;
}

function total(counts: readonly ChaosCount[], field: keyof ChaosCount): number {
	return counts.reduce((sum, count) => sum + count[field], 0);
}

function totalWords({ kinds }: ChaosResults, consumer: keyof typeof NAMES): string {
	const all = kinds.flatMap(({ consumers }) => consumers[consumer] ?? []);
	const lost = total(all, "silentLosses");
	const lossy = all.filter(({ silentLosses }) => silentLosses > 0).length;
	return `${NAMES[consumer]}: ${grouped(lost)} events lost in silence, in ${lossy} of ${all.length} kinds.`;
}

/** "1,234": the share in percent beside it, in as many digits as it takes not to be 0. */
function lossWords({ silentLosses, events }: ChaosCount): string {
	if (silentLosses === 0) return "0";
	return `${grouped(silentLosses)} (${percent(silentLosses, events)})`;
}

function percent(part: number, whole: number): string {
	const share = whole === 0 ? 0 : (100 * part) / whole;
	if (share > 0 && share < 1) return "<1 %";
	// Not all of it, as long as one came.
	return `${part < whole ? Math.min(99, Math.round(share)) : Math.round(share)} %`;
}

function grouped(count: number): string {
	return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

function byGroup(results: ChaosResults): [string, ChaosResults["kinds"]][] {
	const groups = [...new Set(results.kinds.map(({ group }) => group))];
	return groups.map((group) => [group, results.kinds.filter((kind) => kind.group === group)]);
}

interface ChaosCell {
	readonly y: number;
	readonly column: number;
	readonly count: ChaosCount | undefined;
	readonly consumer: string;
	readonly kind: string;
}

function laidOut(results: ChaosResults): { lines: Line[]; cells: ChaosCell[]; height: number } {
	const lines: Line[] = [];
	const cells: ChaosCell[] = [];
	const shown = consumersIn(results);
	let y = HEAD;
	for (const [group, kinds] of byGroup(results)) {
		lines.push({ y: y + GROUP / 2 + 3, text: shortened(group, 40), isGroup: true });
		y += GROUP;
		for (const { name, consumers } of kinds) {
			const middle = y + ROW / 2;
			lines.push({ y: middle, text: shortened(name, 44), isGroup: false });
			shown.forEach((consumer, column) => {
				const count = consumers[consumer];
				cells.push({ y: middle, column, count, consumer: NAMES[consumer], kind: shortened(name, 60) });
			});
			y += ROW;
		}
	}
	return { lines, cells, height: y + 4 };
}

function shapesOf(
	lines: readonly Line[],
	cells: readonly ChaosCell[],
	consumers: readonly (keyof typeof NAMES)[],
	left: number,
): Shape[] {
	const columnWidth = PLOT_WIDTH / consumers.length;
	const longest = columnWidth - NUMBER;
	return [
		...lines.map(
			({ y, text, isGroup }): Shape =>
				isGroup ? { style: "groupName", x: 8 - left, y, text } : { style: "rowName", x: -14, y, text },
		),
		...lines.flatMap(({ y, isGroup }): Shape[] =>
			isGroup ? [] : [{ style: "row", x: 0, x2: PLOT_WIDTH, y: y + ROW / 2 }],
		),
		...consumers.map(
			(consumer, column): Shape => ({
				style: "head",
				x: column * columnWidth,
				y: HEAD / 2,
				text: NAMES[consumer],
			}),
		),
		...cells.flatMap(({ y, column, count, consumer, kind }): Shape[] => {
			const x = column * columnWidth;
			if (count === undefined) return [{ style: "number", x: x + 14, y, text: "–", colour: COLOUR.quiet }];
			const words = wordsOf(count, consumer, kind);
			const place = { x, y: y - 6, y2: y + 6 };
			if (count.silentLosses === 0)
				return [
					{ style: "nothingLost", x: x + 5, y, size: 46, ...words },
					{ style: "number", x: x + 14, y, text: numberOf(count), colour: COLOUR.quiet, isMute: true },
				];
			const share = Math.min(1, count.silentLosses / Math.max(1, count.events));
			const text = grouped(count.silentLosses);
			return [
				{ style: "track", ...place, x2: x + longest },
				{ style: "share", ...place, x2: rounded(x + Math.max(2, share * longest)), ...words },
				{ style: "number", x: x + longest + 6, y, text, colour: COLOUR.refusedText, isMute: true },
			];
		}),
	];
}

/** What fits beside a bar. */
function numberOf(count: ChaosCount): string {
	if (count.silentLosses > 0) return lossWords(count);
	const told = count.gaps + count.resets;
	return told === 0 ? "0" : `0, told ${grouped(told)}×`;
}

function wordsOf(count: ChaosCount, consumer: string, kind: string) {
	return {
		say: `${kind}, ${consumer}: ${lossWords(count)} of ${grouped(count.events)} events lost in silence`,
		tip: {
			fault: kind,
			consumer,
			runs: grouped(count.runs),
			events: grouped(count.events),
			"lost in silence": lossWords(count),
			"gaps told": grouped(count.gaps),
			"resets told": grouped(count.resets),
		},
	};
}

function textRows(results: ChaosResults): string[] {
	const shown = consumersIn(results);
	const rows = byGroup(results).flatMap(([group, kinds]) =>
		kinds.map(({ name, consumers }) => [
			shortened(group, 40),
			shortened(name, 44),
			...shown.map((consumer) => {
				const count = consumers[consumer];
				return count === undefined ? "–" : numberOf(count);
			}),
		]),
	);
	return textTable([["group", "fault", ...shown.map((name) => NAMES[name])]], rows, []);
}
