import { type Chart, chartOf, type Titles } from "../../chart/frame";
import type { MarkStyle, Shape } from "../../chart/shape";
import { showChart } from "../../page/chart";
import { show } from "../../page/display";
import { type Cell, type Table, tableBundle, tableOf } from "../../page/table";
import { pixelsOf, printable, shortened, textTable } from "../../timeline/printable";
import { type VersionColumn, versionExperiments } from "./columns";
import type { Found, VersionExperiment } from "./experiment";
import type { VersionsRecord } from "./record";

/** The plot's, in pixels: with the rows' names beside it the chart fits into the window of a small laptop. */
export const MATRIX_WIDTH = 510;
const ROW = 21;
const GROUP = 26;
const HEAD = 34;

const groups = [
	["Faults: what a reader of a watch sees, and should not", "fault"],
	["What was meant to begin or to end", "change"],
] as const;

/** How a column is headed: yours is the one that was run here and now. */
interface Headed {
	readonly heading: string;
	readonly column: VersionColumn;
}

/** The record's columns, and yours as the last one. */
function headed(record: VersionsRecord, yours: VersionColumn | undefined): readonly Headed[] {
	return [
		...record.columns.map((column) => ({ heading: shortened(column.etcd, 12), column })),
		...(yours === undefined ? [] : [{ heading: `yours, ${shortened(yours.etcd, 12)}`, column: yours }]),
	];
}

/** A row's name, with its number in etcd's repository where it has one. */
export function rowName({ id, name }: VersionExperiment): string {
	return /^\d+$/.test(id) ? `${name} (${id})` : name;
}

/** The style of a cell's mark. */
export function markOf({ kind }: VersionExperiment, found: Found | undefined): MarkStyle {
	switch (found?.verdict) {
		case "confirmed":
			return kind === "fault" ? "faultThere" : "changeThere";
		case "refuted":
			return "notThere";
		default:
			return "notTried";
	}
}

function cellOf({ kind }: VersionExperiment, found: Found | undefined): Cell {
	switch (found?.verdict) {
		case "confirmed":
			return kind === "fault" ? { text: "confirmed", mark: "wrong" } : "confirmed";
		case "refuted":
			return kind === "fault" ? { text: "refuted", mark: "right" } : "refuted";
		default:
			return { text: found === undefined ? "not yet" : "untested", mark: "open" };
	}
}

/**
 * Draws what became of each experiment on each version: a row for an experiment, a column for a server. Pure: the same
 * results give the same bytes.
 */
export function versionsChart(record: VersionsRecord, yours?: VersionColumn, options: Titles = {}): Chart {
	const { title = "Since when is it no longer so?", subtitle = subtitleOf(record) } = options;
	const columns = headed(record, yours);
	const width = MATRIX_WIDTH / columns.length;
	const middle = (at: number) => Math.round(width * (at + 0.5));
	const shapes: Shape[] = columns.map(
		({ heading }, at): Shape => ({ style: "columnHead", x: middle(at), y: HEAD / 2, text: heading }),
	);
	const widest = Math.max(...versionExperiments.map((one) => pixelsOf(rowName(one), 11.5)));
	const left = Math.ceil(widest) + 28;
	let y = HEAD;
	for (const [group, kind] of groups) {
		shapes.push({ style: "groupName", x: 8 - left, y: y + GROUP / 2 + 3, text: group });
		y += GROUP;
		for (const experiment of versionExperiments.filter((one) => one.kind === kind)) {
			const at = y + ROW / 2;
			shapes.push({ style: "rowName", x: -14, y: at, text: rowName(experiment) });
			shapes.push({ style: "row", x: 0, x2: MATRIX_WIDTH, y: y + ROW });
			for (const [nth, { heading, column }] of columns.entries()) {
				const found = column.results[experiment.id];
				shapes.push({
					style: markOf(experiment, found),
					...{ x: middle(nth), y: at, size: 110 },
					...said(experiment, heading, found),
				});
			}
			y += ROW;
		}
	}
	return chartOf({
		title,
		subtitle,
		description: columns.map(({ heading, column }) => totalWords(heading, column)).join(" "),
		text: `${[printable(title), printable(subtitle), "", ...textRows(columns)].join("\n")}\n`,
		left,
		plotHeight: y + 4,
		plotWidth: MATRIX_WIDTH,
		above: 10,
		below: 12,
		shapes,
	});
}

/** Shows `versionsChart`. */
export function showVersions(record: VersionsRecord, yours?: VersionColumn, options: Titles = {}): void {
	showChart(versionsChart(record, yours, options));
}

/** The same as a table, with each statement in whole. */
export function versionsTable(record: VersionsRecord, yours?: VersionColumn): Table {
	const columns = headed(record, yours);
	return tableOf({
		title: "What was stated, and what each server does",
		subtitle: subtitleOf(record),
		columns: ["in etcd", "the statement", ...columns.map(({ heading }) => heading)],
		rows: versionExperiments.map((experiment) => [
			experiment.id,
			experiment.claim,
			...columns.map(({ column }) => cellOf(experiment, column.results[experiment.id])),
		]),
		// Yours is of today, and the page is the same tomorrow.
		notes: columns.map(({ heading, column }) =>
			column === yours ? `${heading}: ${column.from}` : `${heading}: ${column.from}, ${column.date}`,
		),
	});
}

/** Shows `versionsTable`. */
export function showVersionsTable(record: VersionsRecord, yours?: VersionColumn): void {
	show(tableBundle(versionsTable(record, yours)));
}

/** One server's column with what was seen, or why nothing could be. */
export function columnTable(column: VersionColumn): Table {
	return tableOf({
		title: `What etcd ${printable(column.etcd)} did`,
		subtitle: totalWords(printable(column.from), column),
		columns: ["in etcd", "the statement", "ends", "what was seen"],
		rows: versionExperiments.map((experiment): Cell[] => {
			const found = column.results[experiment.id];
			return [experiment.id, experiment.claim, cellOf(experiment, found), found?.because ?? ""];
		}),
	});
}

/** Shows `columnTable`. */
export function showColumn(column: VersionColumn): void {
	show(tableBundle(columnTable(column)));
}

function subtitleOf({ columns }: VersionsRecord): string {
	const days = [...new Set(columns.map(({ date }) => date))].sort();
	const first = days[0] ?? "";
	const last = days.at(-1) ?? "";
	const when = first === last ? first : `${first} to ${last}`;
	return `${versionExperiments.length} experiments on ${columns.length} versions of etcd, run on ${when}`;
}

function totalWords(heading: string, { results }: VersionColumn): string {
	const all = versionExperiments.map(({ id }) => results[id]?.verdict);
	const count = (verdict: Found["verdict"]) => all.filter((one) => one === verdict).length;
	return `${heading}: ${count("confirmed")} confirmed, ${count("refuted")} refuted, ${count("untested")} untested.`;
}

function said({ name, claim }: VersionExperiment, heading: string, found: Found | undefined) {
	const verdict = found?.verdict ?? "not yet run";
	return {
		say: `${name}, ${heading}: ${verdict}`,
		tip: { statement: claim, etcd: heading, ends: verdict, "what was seen": found?.because ?? "" },
	};
}

function textRows(columns: readonly Headed[]): string[] {
	const rows = groups.flatMap(([, kind]) =>
		versionExperiments
			.filter((one) => one.kind === kind)
			.map((experiment) => [
				kind,
				rowName(experiment),
				...columns.map(({ column }) => column.results[experiment.id]?.verdict ?? "not yet"),
			]),
	);
	return textTable([["kind", "what", ...columns.map(({ heading }) => heading)]], rows, []);
}
