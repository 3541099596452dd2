import fs from "node:fs";
import type { Counted } from "#tools/programs/counted";

/** What was made of a proof. */
export interface Made extends Counted {
	/** "in part": some of its parts, all of which were good. */
	readonly state: "made" | "in part" | "failed";
	readonly parts: { readonly ended: number; readonly of: number };
	/** The ids of the parts that failed. */
	readonly failed?: readonly string[];
	/** The hash of the code that it was made with. */
	readonly code: string;
	readonly seed: number;
	/** Of its last part: 2026-11-28. */
	readonly date: string;
	/** Of all its parts, which run side by side. */
	readonly seconds: number;
	/** The version of Node. */
	readonly node: string;
}

export type Entry = (Made | { readonly state: "not yet made" }) & {
	/** What was shown before it was a proof of this list, in a sentence. */
	readonly earlier?: string;
};

/** What test/proofs/record.json holds: an entry for every proof. */
export type ProofRecord = ReadonlyMap<string, Entry>;

const format = "etcd-watch-lab/proofs";
const version = 1;

/** @throws Error that says in one line each what is malformed, missing or too much */
export function parseRecord(text: string, names: readonly string[]): ProofRecord {
	let read: unknown;
	try {
		read = JSON.parse(text);
	} catch (error) {
		throw new Error(`the record of proofs is no JSON: ${error instanceof Error ? error.message : error}`);
	}
	if (
		!isObject(read) ||
		read["format"] !== format ||
		read["version"] !== version ||
		!isObject(read["proofs"])
	)
		throw new Error(`the record of proofs has to be of the format ${format}, version ${version}`);
	const entries = read["proofs"];
	const wrong = [
		...names
			.filter((name) => !(name in entries))
			.map((name) => `${name} is missing from the record of proofs`),
		...Object.keys(entries)
			.filter((name) => !names.includes(name))
			.map((name) => `there is no proof ${name}, which the record has`),
		...names.flatMap((name) =>
			name in entries ? faultsOf(entries[name]).map((fault) => `${name}: ${fault}`) : [],
		),
	];
	if (wrong.length > 0) throw new Error(wrong.join("\n"));
	return new Map(names.map((name) => [name, entries[name] as Entry]));
}

export function readRecord(file: string, names: readonly string[]): ProofRecord {
	return parseRecord(fs.readFileSync(file, "utf8"), names);
}

/** Renamed into place: who reads it meanwhile gets the one before. */
export function writeRecord(file: string, record: ProofRecord): void {
	const text = JSON.stringify({ format, version, proofs: Object.fromEntries(record) }, null, "\t");
	fs.writeFileSync(`${file}.${process.pid}`, `${text}\n`);
	fs.renameSync(`${file}.${process.pid}`, file);
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isCount = (value: unknown) => Number.isFinite(value) && Number(value) >= 0;
const isTexts = (value: unknown): value is readonly string[] =>
	Array.isArray(value) && value.every((one) => typeof one === "string");

function faultsOf(entry: unknown): string[] {
	if (!isObject(entry)) return ["it is no object"];
	const { state, earlier, parts, failed, code, seed, date, seconds, node, etcd, counts, ...others } = entry;
	const more = Object.keys(others).map((name) => `what is "${name}"?`);
	if (earlier !== undefined && typeof earlier !== "string") more.push("earlier is a sentence");
	if (state === "not yet made") {
		const all = { parts, failed, code, seed, date, seconds, node, etcd, counts };
		const given = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [name]));
		return [...more, ...given.map((name) => `it is not yet made, and has ${name}`)];
	}
	if (state !== "made" && state !== "in part" && state !== "failed")
		return [...more, 'its state is made, in part, failed or "not yet made"'];
	const isWhole = isObject(parts) && isCount(parts["of"]) && parts["ended"] === parts["of"];
	const checks: readonly (readonly [boolean, string])[] = [
		[isObject(parts) && isCount(parts["ended"]) && isCount(parts["of"]), "parts are { ended, of }"],
		[state !== "made" || isWhole, "it is made, and not all of its parts"],
		[(state === "failed") === (isTexts(failed) && failed.length > 0), "failed names the parts that failed"],
		[typeof code === "string" && /^[0-9a-f]{64}$/.test(code), "code is a sha256"],
		[isCount(seed), "seed is a number"],
		[typeof date === "string" && /^\d{4}-\d\d-\d\d$/.test(date), "date is YYYY-MM-DD"],
		[isCount(seconds), "seconds is a number"],
		[typeof node === "string" && /^\d+\.\d+\.\d+/.test(node), "node is a version"],
		[isTexts(etcd), "etcd is a list of versions"],
		[isObject(counts) && Object.values(counts).every(isCount), "counts are numbers"],
		[state !== "made" || (isObject(counts) && Object.values(counts).some(Number)), "nothing was counted"],
	];
	return [...more, ...checks.filter(([isFine]) => !isFine).map(([, fault]) => fault)];
}

/** The proofs whose record is of other code than there is now, whole or not, one line each. */
export function ofOtherCode(record: ProofRecord, codes: ReadonlyMap<string, string>): string[] {
	return [...record].flatMap(([name, entry]) => {
		if (entry.state === "not yet made") return [`${name} is not yet made`];
		const made =
			entry.state === "made" ? "was made" : `${entry.state === "failed" ? "failed" : "was made in part"}`;
		return entry.code === codes.get(name) ? [] : [`${name} ${made} on ${entry.date} with other code`];
	});
}
