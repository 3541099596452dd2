import type { Notebook } from "./file";
import { codeCells, sourceOf } from "./outputs";

/** A cell whose numbers belong to the machine and the moment: speeds, wall-clock times, how full a socket was. */
export interface VolatileCell {
	/** Such as "03-missed-events". */
	readonly notebook: string;
	/** A part of the cell's source that no other cell of the notebook has. */
	readonly source: string;
	/** Where its numbers come from, and why no run can promise them. */
	readonly why: string;
	/** How many rows its tables and charts have differs, too. Their columns are compared all the same. */
	readonly rows?: "vary";
}

/**
 * The cells whose numbers are not compared. All else is: which outputs there are and in which forms, every word,
 * the verdicts among them, the tables' columns and rows, the charts' titles, marks and encodings. An entry that
 * fits no cell, or more than one, is an error.
 */
export const volatileCells: readonly VolatileCell[] = [
	{
		notebook: "03-missed-events",
		source: "await lossBySpeed(",
		why: "how much a forgetful loop loses at 200 writes a second and more is a matter of the machine's speed",
	},
	{
		notebook: "03-missed-events",
		source: 'scenario("a reader that was busy")',
		why: "how many events fit into the sockets' buffers before the server drops the watcher is the system's choice",
	},
	{
		notebook: "03-missed-events",
		source: "claims.slowStreamLosesInSilence(",
		why: "the verdict counts the events of that reader, and names the first that it lost",
	},
	{
		notebook: "07-field-guide",
		source: "claims.slowStreamLosesInSilence(",
		why: "as in 03: how many events the busy reader still got, and so what its verdict counts",
	},
];

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
		const entry = `tools/src/notebooks/volatile-cells.ts: the entry of ${notebook} with ${JSON.stringify(source)}`;
		return fits.length === 0
			? [`${entry} fits no cell: take it out, or mend it`]
			: [`${entry} fits cells ${fits.join(" and ")}: it has to name a part of the source that only one has`];
	});
}
