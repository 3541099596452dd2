import type { Proof } from "./list";
import type { Entry, ProofRecord } from "./record";

const [begin, end] = ["<!-- what test/proofs/record.json says: npm run proofs writes it -->", "<!-- end -->"];

/** The record as a table of a README: numbers stand in the record, and here by this alone. */
export function tableOf(proofs: readonly Pick<Proof, "name" | "about">[], record: ProofRecord): string {
	const rows = proofs.map(({ name, about }) => {
		const entry = record.get(name);
		return `| \`${name}\` | ${about} | ${entry === undefined ? "" : wordsOf(entry)} |`;
	});
	return ["| Proof | What it shows | Made |", "|---|---|---|", ...rows].join("\n");
}

/** What was made, in words: versions, counts, date, how long. */
export function wordsOf(entry: Entry): string {
	const earlier = entry.earlier === undefined ? "" : ` ${entry.earlier}`;
	if (entry.state === "not yet made") return `not yet made.${earlier}`;
	const { parts, failed = [], seed, date, seconds, node, etcd, counts } = entry;
	const state = {
		made: "",
		"in part": `in part (${parts.ended} of ${parts.of}): `,
		failed: `**failed** (${failed.join(", ")}): `,
	}[entry.state];
	const on = etcd.length === 0 ? "" : ` on etcd ${listed(etcd)}`;
	const counted = Object.entries(counts).map(([what, count]) => `${count.toLocaleString("en")} ${what}`);
	const how = `${day(date)}, seed ${seed}, Node ${node}, ${duration(seconds)} of its parts together`;
	return `${state}${counted.join(", ")}${on} (${how}).${earlier}`;
}

function day(date: string): string {
	const options = { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" } as const;
	return new Date(`${date}T00:00:00Z`).toLocaleDateString("en-GB", options);
}

export function duration(seconds: number): string {
	if (seconds < 90) return `${Math.round(seconds)} s`;
	const minutes = Math.round(seconds / 60);
	return minutes < 120 ? `${minutes} minutes` : `${(minutes / 60).toFixed(1)} hours`;
}

function listed(words: readonly string[]): string {
	return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** @throws Error where the text has no place for it */
export function withTable(text: string, table: string): string {
	const [from, to] = [text.indexOf(begin), text.indexOf(end)];
	if (from < 0 || to < from) throw new Error(`test/README.md has no place for the proofs: ${begin} … ${end}`);
	return `${text.slice(0, from + begin.length)}\n${table}\n${text.slice(to)}`;
}
