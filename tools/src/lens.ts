import { normalised } from "./normalised";
import type { Notebook } from "./notebook";
import { codeCells, sourceOf } from "./outputs";
import type { VolatileCell } from "./volatile";

/** How closely the outputs of a cell are compared. Two that look the same through it are the same. */
export interface Lens {
	/** A line of text, or a string of a chart. */
	text(line: string): string;
	/** A number of a chart. */
	number(value: number): number | string;
	/** A picture, as SVG. */
	picture(svg: string): string;
	/** Whether the rows of tables and charts are compared, or their columns alone. */
	readonly rows: boolean;
}

/** All but what is normalised. */
export const exact: Lens = { text: normalised, number: (value) => value, picture: normalised, rows: true };

/** All but the numbers. A picture draws what its chart tells, so its name is enough. */
const shape: Lens = {
	text: (line) => unaligned(line.replace(NUMBER, "n")),
	number: () => "n",
	picture: (svg) => unaligned((/^<svg [^>]*?aria-label="([^"]*)"/.exec(svg)?.[1] ?? "").replace(NUMBER, "n")),
	rows: true,
};

/** Not the digits of a name (v3, p50) or of a colour (#0072B2). */
const NUMBER = /(?<![#\w.])[-−]?\d+(?:[.,]\d+)*/g;

/** A line of a table without its alignment: a longer number makes its column wider. */
export function unaligned(line: string): string {
	return line
		.replace(/─+/g, "─")
		.replace(/[ \u00a0]+/g, " ")
		.trim();
}

/** How a cell of this source is compared. */
export function lensFor(notebook: string, source: string, entries: readonly VolatileCell[]): Lens {
	const entry = entries.find((each) => each.notebook === notebook && source.includes(each.source));
	if (entry === undefined) return exact;
	return entry.rows === "vary" ? { ...shape, rows: false } : shape;
}

/** What is wrong with the list of volatile cells, a sentence each: entries that fit no cell, or more than one. */
export function misfits(
	notebooks: ReadonlyMap<string, Notebook>,
	entries: readonly VolatileCell[],
): string[] {
	return entries.flatMap(({ notebook, source }) => {
		const page = notebooks.get(notebook);
		const cells = page === undefined ? [] : codeCells(page);
		const fits = cells.flatMap((cell, index) => (sourceOf(cell).includes(source) ? [index + 1] : []));
		if (fits.length === 1) return [];
		const entry = `tools/src/volatile.ts: the entry of ${notebook} with ${JSON.stringify(source)}`;
		return fits.length === 0
			? [`${entry} fits no cell: take it out, or mend it`]
			: [`${entry} fits cells ${fits.join(" and ")}: it has to name a part of the source that only one has`];
	});
}
