import { escapeUTF8 } from "entities";
import { textTable, timelineRows } from "../chart/text";
import { printable, shortened } from "../timeline/printable";
import { countsInWords, unitOf, watcherWords } from "../timeline/reading";
import type { Timeline } from "../timeline/timeline";
import { show } from "./display";

/**
 * What a cell of a table holds. A mark is shown as a sign, never by colour alone: `right` ✓, `wrong` ✗, `refused` ×,
 * `open` ?. All but `right` are bold, too.
 */
export type Cell =
	| string
	| number
	| { readonly text: string; readonly mark: "right" | "wrong" | "refused" | "open" };

export interface TableInput {
	readonly title?: string;
	/** Said below the title. */
	readonly subtitle?: string;
	readonly columns: readonly string[];
	/** Each as long as the columns; a shorter one is filled with empty cells. */
	readonly rows: readonly (readonly Cell[])[];
	/** Of more rows than this the middle is left out, and counted. Default: 200. */
	readonly mostRows?: number;
	/** Said below the table, a line each. */
	readonly notes?: readonly string[];
}

/** A table as plain data: what a notebook is sent. Everything in the HTML is escaped. */
export interface Table {
	readonly html: string;
	readonly text: string;
}

/** The HTML of an output: it stands a little below what is above it, such as a chart's slider. */
export function htmlBlock(lines: readonly string[], className?: string): string {
	const named = className === undefined ? "" : ` class="${className}"`;
	return [`<div${named} style="padding-top: 8px">`, ...lines, "</div>"].join("\n");
}

const SIGN = { right: "✓", wrong: "✗", refused: "×", open: "?" } as const;
/** Room for a sentence with two long keys; keys and values are shortened before they come here. */
const LONGEST = 1000;
const MOST_ROWS = 200;
/** The most characters of a cell that is not broken over two lines. */
const SHORT = 24;

/** Makes a table of any rows, as HTML and as text. Columns of numbers are aligned to the right. */
export function tableOf({ rows: all, mostRows = MOST_ROWS, ...rest }: TableInput): Table {
	const input = { ...rest, rows: all.length <= mostRows ? all : ends(all, mostRows) };
	const numbers = input.columns.map(
		(_, at) =>
			all.length > 0 &&
			all.every((row) => ["number", "undefined"].includes(typeof row[at]) || isNumeral(row[at])),
	);
	const align = numbers.map((right) => (right ? "right" : "left"));
	// A short column stays on one line, also beside a long one.
	const short = input.columns.map((_, at) =>
		input.rows.every((row) => textOf(row[at] ?? "").length <= SHORT),
	);
	const title = input.title === undefined ? [] : [printable(input.title)];
	const subtitle = input.subtitle === undefined ? [] : [printable(input.subtitle)];
	const notes = (input.notes ?? []).map(printable);

	const cell = (tag: "td" | "th", value: string, at: number, whole: boolean | undefined) =>
		`<${tag} style="text-align: ${align[at] ?? "left"}${whole && value.includes(" ") ? "; white-space: nowrap" : ""}">${value}</${tag}>`;
	const head = input.columns
		.map((name, at) => cell("th", escapeUTF8(printable(name)), at, name.length <= SHORT))
		.join("");
	const body = input.rows.map(
		(row) =>
			`<tr>${input.columns.map((_, at) => cell("td", htmlOf(row[at] ?? ""), at, short[at])).join("")}</tr>`,
	);
	const html = htmlBlock([
		...title.map((line) => `<p><strong>${escapeUTF8(line)}</strong></p>`),
		...subtitle.map((line) => `<p>${escapeUTF8(line)}</p>`),
		`<table><thead><tr>${head}</tr></thead><tbody>`,
		...body,
		"</tbody></table>",
		...notes.map((line) => `<p>${escapeUTF8(line)}</p>`),
	]);

	const lines = [
		...title,
		...subtitle,
		...(title.length + subtitle.length > 0 ? [""] : []),
		...textTable(
			[input.columns.map(printable)],
			input.rows.map((row) => input.columns.map((_, at) => textOf(row[at] ?? ""))),
			align,
		),
		...(notes.length > 0 ? ["", ...notes] : []),
	];
	return { html, text: `${lines.join("\n")}\n` };
}

/** The first and the last rows, and between them how many are left out. */
function ends(rows: TableInput["rows"], most: number): TableInput["rows"] {
	const half = Math.ceil(most / 2);
	const tail = most - half;
	const left = `… and ${rows.length - half - tail} more rows`;
	return [...rows.slice(0, half), [left], ...rows.slice(rows.length - tail)];
}

/** Shows a table of any rows under the cell. */
export function showTable(input: TableInput): void {
	show(tableBundle(tableOf(input)));
}

/**
 * A run as a table: a row for each write, with the number that a prediction gives it, the refused ones marked, and a
 * column for each watcher.
 */
export function timelineTable(
	timeline: Timeline,
	options: { readonly title?: string; readonly subtitle?: string } = {},
): Table {
	const { rows, left, notes } = timelineRows(timeline);
	const isAbsence = rows.some(({ cells }) => cells.some((cell) => cell.startsWith("·")));
	return tableOf({
		title: options.title ?? timeline.name,
		subtitle: options.subtitle ?? countsInWords(timeline),
		columns: [
			"no.",
			unitOf(timeline),
			"write",
			...timeline.watchers.map((watcher) => `${watcher.name}: ${watcherWords(watcher)}`),
		],
		rows: rows.map((row) => [
			row.numbers,
			row.index,
			row.refused ? { text: row.write, mark: "refused" } : row.write,
			...row.cells,
		]),
		notes: [
			...(left > 0 ? [`… and ${left} more rows`] : []),
			...(isAbsence ? ["· it did not come"] : []),
			...notes,
		],
	});
}

/** Shows a run as a table: writes by watchers. To have it as data, call `timelineTable`. */
export function table(
	timeline: Timeline,
	options: { readonly title?: string; readonly subtitle?: string } = {},
): void {
	show(tableBundle(timelineTable(timeline, options)));
}

export interface EventTableOptions {
	readonly title?: string;
	/** True shows the server's own indexes instead of those counted from the start of the run. */
	readonly absolute?: boolean;
}

/**
 * The events that one watcher got, in the order of arrival, as the post's program printed them: event, key,
 * modifiedIndex, createdIndex, prevNode.modifiedIndex, and the index of the response that carried it.
 * @throws RangeError when the run has no watcher of this name.
 */
export function eventsTable(timeline: Timeline, watcherName: string, options: EventTableOptions = {}): Table {
	const watcher = timeline.watchers.find(({ name }) => name === watcherName);
	if (!watcher) throw new RangeError(noWatcher(timeline, watcherName));
	const origin = options.absolute ? timeline.origin : 0;
	const isV3 = timeline.api === "v3";
	const replayed = watcher.deliveries.some((delivery) => delivery.fromHistory);
	return tableOf({
		title: options.title ?? `${watcher.name}: ${watcherWords(watcher)}`,
		columns: [
			"event",
			"key",
			...(isV3
				? ["mod_revision", "create_revision", "version", "prev_kv.mod_revision", "watched since"]
				: ["modifiedIndex", "createdIndex", "prevNode.modifiedIndex", "response index"]),
			...(replayed ? ["from"] : []),
		],
		rows: watcher.deliveries.map((delivery) => [
			delivery.action,
			delivery.key,
			delivery.index + origin,
			isV3 && delivery.node.createdIndex === 0 ? 0 : delivery.node.createdIndex + origin,
			...(isV3 ? [delivery.node.version ?? "–"] : []),
			delivery.prevNode === undefined ? "–" : delivery.prevNode.modifiedIndex + origin,
			watcher.kind === "follow" ? "–" : delivery.etcdIndex + origin,
			...(replayed ? [delivery.fromHistory ? "history" : "live"] : []),
		]),
		notes: watcher.deliveries.length === 0 ? ["It got no event."] : [],
	});
}

/** Shows the events that one watcher got. To have them as data, call `eventsTable`. */
export function eventTable(timeline: Timeline, watcherName: string, options: EventTableOptions = {}): void {
	show(tableBundle(eventsTable(timeline, watcherName, options)));
}

/** What to say when a name is not one of the run's watchers. */
export function noWatcher(timeline: Timeline, name: string): string {
	const names = timeline.watchers.map((watcher) => `"${printable(watcher.name)}"`).join(", ");
	return `the run has no watcher "${printable(name)}"; it has ${names === "" ? "none" : names}`;
}

/** The table in the forms that a notebook chooses from. */
export function tableBundle({ html, text }: Table) {
	return { "text/html": html, "text/plain": text } as const;
}

function isNumeral(cell: Cell | undefined): boolean {
	return typeof cell === "string" && /^(–|[+-]?\d[\d.,]*( to \d+)?)?$/.test(cell);
}

function textOf(cell: Cell): string {
	if (typeof cell === "number") return String(cell);
	if (typeof cell === "string") return shortened(cell, LONGEST);
	return `${SIGN[cell.mark]} ${shortened(cell.text, LONGEST)}`;
}

function htmlOf(cell: Cell): string {
	const escaped = escapeUTF8(textOf(cell));
	return typeof cell === "object" && cell.mark !== "right" ? `<strong>${escaped}</strong>` : escaped;
}
