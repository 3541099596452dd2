import fs from "node:fs";

/** What a part of a proof came to, as a line of the file that ETCD_WATCH_LAB_COUNTS names. */
export interface Counted {
	/** The versions of etcd that it ran on; none where it needs no server. */
	readonly etcd: readonly string[];
	/** What adds up over parts: { runs: 52, events: 190_000 }. */
	readonly counts: Readonly<Record<string, number>>;
}

/** Whether this process is a part of a proof (`npm run proofs`), which tells what it came to and writes nothing else. */
export const isProof: boolean = (process.env["ETCD_WATCH_LAB_COUNTS"] ?? "") !== "";

/** Tells `npm run proofs` what was done. Elsewhere it does nothing. */
export function tellCounts(etcd: Iterable<string>, counts: Counted["counts"]): void {
	const file = process.env["ETCD_WATCH_LAB_COUNTS"] ?? "";
	if (file !== "") fs.appendFileSync(file, `${JSON.stringify({ etcd: [...etcd], counts })}\n`);
}

/** All that was told, added up. A line that was cut in its middle counts for nothing. */
export function readCounts(file: string): Counted {
	const lines = fs.existsSync(file) ? fs.readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
	return sumOfCounts(lines.map((line): Counted => JSON.parse(line)));
}

export function sumOfCounts(all: readonly Counted[]): Counted {
	const counts: Record<string, number> = {};
	for (const one of all)
		for (const [name, count] of Object.entries(one.counts)) counts[name] = (counts[name] ?? 0) + count;
	const etcd = [...new Set(all.flatMap((one) => one.etcd))];
	return { etcd: etcd.sort((one, two) => one.localeCompare(two, "en", { numeric: true })), counts };
}
