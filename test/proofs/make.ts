import fs from "node:fs";
import path from "node:path";
import { root } from "#tools/paths";
import { type Counted, readCounts, sumOfCounts } from "#tools/programs/counted";
import { runProgram } from "#tools/programs/to-its-end";
import type { Part, Proof } from "./list";
import { type Entry, type Made, type ProofRecord, readRecord, writeRecord } from "./record";

/** One part to be made. */
export interface Task {
	readonly proof: string;
	readonly part: Part;
}

/** What came of a part; kept, so that a proof that was interrupted goes on after it. */
export interface PartResult extends Counted {
	readonly part: string;
	readonly isGood: boolean;
	/** How it ended: "exit code 0". */
	readonly end: string;
	readonly seconds: number;
	readonly date: string;
	readonly node: string;
}

export interface RunTasks {
	/** How many run side by side. */
	readonly jobs: number;
	/** Where each part's output is kept: PROOF/PART.log. */
	readonly folder: string;
	/** Aborted, it ends what runs, with all that was started, and begins no other. */
	readonly signal: AbortSignal;
	readonly limitMs?: number;
	readonly begun?: (task: Task) => void;
	/** Is not told of parts that were interrupted. */
	readonly ended: (task: Task, result: PartResult) => void;
}

/** No part takes as long as that. */
const usualLimitMs = 3 * 60 * 60_000;

/** Runs parts side by side, in their order. */
export async function runTasks(tasks: readonly Task[], options: RunTasks): Promise<void> {
	const waiting = [...tasks];
	const worker = async (): Promise<void> => {
		for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
			if (options.signal.aborted) return;
			options.begun?.(task);
			const result = await runPart(task, options);
			if (!options.signal.aborted) options.ended(task, result);
		}
	};
	await Promise.all(Array.from({ length: options.jobs }, worker));
}

async function runPart({ proof, part }: Task, options: RunTasks): Promise<PartResult> {
	const base = path.join(options.folder, proof, part.id);
	fs.mkdirSync(path.dirname(base), { recursive: true });
	const [log, counts] = [`${base}.log`, `${base}.counts`];
	fs.rmSync(counts, { force: true });
	const begin = performance.now();
	const env = {
		...part.env,
		ETCD_WATCH_LAB_COUNTS: counts,
		// What this machine lacks is a failure, and no smaller proof.
		ETCD_WATCH_LAB_COVER_ALL: "1",
		// Others run beside it: one notebook at a time in each.
		ETCD_WATCH_LAB_SLOTS: "1",
	};
	const { signal, limitMs = usualLimitMs } = options;
	const end = await runProgram(part.args, { log, env, limitMs, signal });
	const counted = readCounts(counts);
	// What compared nothing has shown nothing.
	const hasCounted = Object.values(counted.counts).some((count) => count > 0);
	return {
		part: part.id,
		isGood: end === "exit code 0" && hasCounted,
		end: end === "exit code 0" && !hasCounted ? "exit code 0, and nothing counted" : end,
		...counted,
		seconds: Math.round((performance.now() - begin) / 1000),
		date: new Date().toISOString().slice(0, 10),
		node: process.versions.node,
	};
}

/** The command that makes a part again, from the checkout. */
export function commandOf({ args, env = {} }: Part): string {
	const words = Object.entries(env).map(([name, value]) => `${name}=${value}`);
	return [...words, "ETCD_WATCH_LAB_COVER_ALL=1 node", ...args].join(" ");
}

/** A proof, the hash of its code, and the seed that it is made with. */
export interface Wanted {
	readonly proof: Pick<Proof, "name" | "parts">;
	readonly code: string;
	readonly seed: number;
	/** The hash of the code as it is at a later moment: what was changed meanwhile proves nothing of either. */
	readonly codeNow?: () => string;
}

/** What is kept of the parts of a proof, beside their logs, until its code or its seed is another. */
export class Kept {
	readonly #file: string;
	readonly #of: { readonly code: string; readonly seed: number };
	#results: readonly PartResult[];

	constructor(folder: string, { proof, code, seed }: Wanted) {
		this.#file = path.join(folder, proof.name, "parts.json");
		this.#of = { code, seed };
		this.#results = this.#read();
	}

	#read(): readonly PartResult[] {
		try {
			const { code, seed, results } = JSON.parse(fs.readFileSync(this.#file, "utf8"));
			return code === this.#of.code && seed === this.#of.seed ? results : [];
		} catch {
			// There is none, or one that was cut: all is made anew.
			return [];
		}
	}

	get results(): readonly PartResult[] {
		return this.#results;
	}

	add(result: PartResult): void {
		this.#results = [...this.#results.filter(({ part }) => part !== result.part), result];
		fs.mkdirSync(path.dirname(this.#file), { recursive: true });
		fs.writeFileSync(`${this.#file}.new`, JSON.stringify({ ...this.#of, results: this.#results }));
		fs.renameSync(`${this.#file}.new`, this.#file);
	}

	forget(): void {
		this.#results = [];
		fs.rmSync(this.#file, { force: true });
	}
}

/** What the record says of a proof by the results of its parts. */
export function entryOf({ proof, code, seed }: Wanted, results: readonly PartResult[]): Made | undefined {
	if (results.length === 0) return undefined;
	const of = proof.parts(seed).length;
	const good = results.filter(({ isGood }) => isGood);
	const failed = results.filter(({ isGood }) => !isGood).map(({ part }) => part);
	return {
		state: failed.length > 0 ? "failed" : results.length === of ? "made" : "in part",
		parts: { ended: results.length, of },
		...(failed.length > 0 ? { failed } : {}),
		code,
		seed,
		date:
			results
				.map(({ date }) => date)
				.sort()
				.at(-1) ?? "",
		seconds: results.reduce((sum, { seconds }) => sum + seconds, 0),
		node: [...new Set(results.map(({ node }) => node))].join(", "),
		...sumOfCounts(good),
	};
}

/** Whether a proof needs nothing more: it was made whole, with this code and seed. */
export function isMade(entry: Entry | undefined, { code, seed }: Pick<Wanted, "code" | "seed">): boolean {
	return entry?.state === "made" && entry.code === code && entry.seed === seed;
}

export interface MakeAll extends Omit<RunTasks, "ended"> {
	readonly recordFile: string;
	/** All proofs that the record has. */
	readonly names: readonly string[];
	/** Make anew what is there, too. */
	readonly again?: boolean;
	/** Is told of the parts that will be made. */
	readonly planned?: (tasks: readonly Task[]) => void;
	readonly ended?: (task: Task, result: PartResult) => void;
	/** Is told of each record that was written. */
	readonly written?: (record: ProofRecord) => void;
}

/**
 * Makes what is missing of the proofs, and writes the record after each part. A part that failed is made again. What was
 * made whole with other code stands until this is whole, or has failed.
 */
export async function makeAll(wanted: readonly Wanted[], options: MakeAll): Promise<ProofRecord> {
	const { recordFile, names, folder, again = false } = options;
	const before = readRecord(recordFile, names);
	const kept = new Map(wanted.map((one) => [one.proof.name, new Kept(folder, one)]));
	if (again) for (const one of kept.values()) one.forget();
	const tasks = wanted.flatMap((one): Task[] => {
		if (!again && isMade(before.get(one.proof.name), one)) return [];
		const good = (kept.get(one.proof.name)?.results ?? []).filter(({ isGood }) => isGood);
		return one.proof
			.parts(one.seed)
			.filter(({ id }) => !good.some(({ part }) => part === id))
			.map((part) => ({ proof: one.proof.name, part }));
	});
	const write = (name: string): void => {
		const one = wanted.find(({ proof }) => proof.name === name);
		const made = one && entryOf(one, kept.get(name)?.results ?? []);
		if (made === undefined) return;
		// Read anew: another one may make other proofs beside.
		const record = new Map(readRecord(recordFile, names));
		const old = record.get(name);
		if (made.state === "in part" && old?.state === "made") return;
		const { earlier } = old ?? {};
		record.set(name, earlier === undefined ? made : { ...made, earlier });
		writeRecord(recordFile, record);
		options.written?.(record);
	};
	// What was kept of parts may not stand in the record: git can have put another one there.
	for (const one of wanted) if (!isMade(before.get(one.proof.name), one)) write(one.proof.name);
	options.planned?.(tasks);
	await runTasks(tasks, {
		...options,
		ended: (task, result) => {
			const one = wanted.find(({ proof }) => proof.name === task.proof);
			if (one?.codeNow !== undefined && one.codeNow() !== one.code) {
				options.ended?.(task, { ...result, isGood: false, end: "its code has changed meanwhile" });
				return;
			}
			kept.get(task.proof)?.add(result);
			write(task.proof);
			options.ended?.(task, result);
		},
	});
	return readRecord(recordFile, names);
}

/** A draw by a commit: so many digits of its hash as fit into a whole number. */
export function drawOf(commit: string): number {
	if (!/^[0-9a-f]{7,64}$/.test(commit)) throw new Error(`"${commit}" is no commit: 7 hex digits or more`);
	return Number.parseInt(commit.slice(0, 7), 16);
}

/** The last lines of what a part has printed. */
export function lastLines(folder: string, { proof, part }: Task, count: number): string {
	const log = path.join(folder, proof, `${part.id}.log`);
	const lines = fs.readFileSync(log, "utf8").trimEnd().split("\n").slice(-count);
	return [...lines.map((line) => `    ${line}`), `    all of it: ${path.relative(root, log)}`].join("\n");
}
