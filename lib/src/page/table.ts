import { escapeUTF8 } from "entities";
import { groupBy } from "../timeline/account";
import { printable, shortened, textTable } from "../timeline/printable";
import { ends, type MaybeRecorded, recordedIn } from "../timeline/words";
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
	/** What it is made from: of a record a line below the table says so. */
	readonly of?: readonly MaybeRecorded[];
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
	const input = {
		...rest,
		rows: ends(all, mostRows, (left): readonly Cell[] => [`… and ${left} more rows`]),
	};
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
	const notes = [...(input.notes ?? []).map(printable), ...recordedIn(input.of ?? [])];

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

/** Shows a table of any rows under the cell. */
export function showTable(input: TableInput): void {
	show(tableBundle(tableOf(input)));
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

/** Of more than this, those of one kind share a row. */
export const MOST_ALONE = 40;

/**
 * The things of each row: of a few each alone. Of many those of one kind together, whose `kindOf` reads the same as JSON:
 * the rarest kind first, since that is what one looks for, in each the order that they came in.
 */
export function rowsOf<T>(all: readonly T[], kindOf: (one: T) => unknown): (readonly [T, ...T[]])[] {
	if (all.length <= MOST_ALONE) return all.map((one) => [one]);
	const groups = [...groupBy(all, (one) => JSON.stringify(kindOf(one))).values()];
	// A group is there by its first.
	return groups.sort((one, other) => one.length - other.length) as [T, ...T[]][];
}

/** A reason without what makes it this write's: its key and all numbers. */
export function reasonIn(words: string, key: string): string {
	return (key === "" ? words : words.replaceAll(key, "…")).replace(/\d+/g, "#");
}
