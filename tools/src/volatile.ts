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
];
