import fs from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { root } from "./paths";
import { Problem } from "./problem";
import { runProgram } from "./programs/to-its-end";
import type { TestResult, Told } from "./reporter";
import type { Batch } from "./testfiles";

export interface SideBySide {
	/** How many processors they keep busy, by the batches' shares of one. */
	readonly jobs: number;
	/** Where each process's output and results are kept. */
	readonly folder: string;
	/** Mocha's options, before the files. */
	readonly options?: readonly string[];
	readonly env?: Readonly<NodeJS.ProcessEnv>;
	/** What ends a process that hangs, and what it started. */
	readonly limitMs: number;
	/** To be run before the batches that need builds, and beside the others. */
	readonly builder?: string;
	/** When it is aborted, no other batch begins; those that run are ended. */
	readonly signal?: AbortSignal;
	/** Is told of each process that has ended. */
	readonly ended: (ran: Ran) => void;
}

/** What came of one process. */
export interface Ran {
	readonly files: readonly string[];
	readonly results: readonly TestResult[];
	readonly output: string;
	readonly seconds: number;
	/** Of the processor, with all that it started; where that is known. */
	readonly cpuSeconds?: number;
}

const mocha = path.join(root, "node_modules", "mocha", "bin", "mocha.js");

/**
 * Runs test files in processes side by side. Mocha's own --parallel would keep a process for several files, with the
 * hooks of the first one that loads a module, and waits for ever for a file that hangs; here a file that hangs, breaks
 * down or leaves something open is a failed test of that file, and all others are told.
 */
export async function sideBySide(batches: readonly Batch[], options: SideBySide): Promise<void> {
	const { jobs, builder, signal } = options;
	const waiting = batches.filter(({ alone }) => !alone);
	const needsBuilds = batches.some((batch) => batch.needsBuilds);
	let isBuilt = !needsBuilds || builder === undefined;
	const built = (isBuilt || builder === undefined ? Promise.resolve() : build(builder, options)).then(() => {
		isBuilt = true;
	});
	let count = 0;
	const running = new Map<Batch, Promise<void>>();
	const begin = (batch: Batch): void => {
		const ended = run(batch, count++, options).then((ran) => {
			running.delete(batch);
			options.ended(ran);
		});
		running.set(batch, ended);
	};
	/** Whether the processors have room for it: one that is never too large for them alone. */
	const fits = ({ share = 1 }: Batch): boolean => {
		const building = isBuilt ? 0 : processorsToBuild(jobs);
		const busy = [...running.keys()].reduce((sum, { share = 1 }) => sum + share, building);
		return running.size === 0 || busy + share <= jobs + 1e-9;
	};
	while (waiting.length > 0 && !signal?.aborted) {
		const at = waiting.findIndex((batch) => (isBuilt || !batch.needsBuilds) && fits(batch));
		if (at >= 0) for (const batch of waiting.splice(at, 1)) begin(batch);
		else await Promise.race([...running.values(), ...(isBuilt ? [] : [built])]);
	}
	await Promise.all(running.values());
	await built;
	for (const batch of batches) {
		if (!batch.alone || signal?.aborted) continue;
		begin(batch);
		await running.get(batch);
	}
}

/** What it prints stands in the folder's build.log; who needs what it could not build says so. */
async function build(builder: string, options: SideBySide): Promise<void> {
	const log = path.join(options.folder, "build.log");
	// Go takes all processors otherwise, and those that run beside it come to their limits.
	const env = { ...options.env, GOMAXPROCS: String(processorsToBuild(options.jobs)) };
	await runProgram([builder], { ...options, log, env });
}

const processorsToBuild = (jobs: number): number => Math.max(1, Math.floor(jobs / 2));

/** How many processors are kept busy, as ETCD_WATCH_LAB_JOBS says; else all that there are, at least two. */
export function jobsOf(given: string | undefined): number {
	if (given === undefined || given === "") return Math.max(2, availableParallelism());
	const jobs = Number(given);
	if (!Number.isSafeInteger(jobs) || jobs < 1)
		throw new Problem(`ETCD_WATCH_LAB_JOBS=${given}: the number of processors is a whole number above 0`);
	return jobs;
}

async function run(batch: Batch, at: number, options: SideBySide): Promise<Ran> {
	const begin = performance.now();
	const { files, needsBuilds, options: own = [] } = batch;
	const base = path.join(options.folder, String(at).padStart(3, "0"));
	const [log, lines] = [`${base}.log`, `${base}.results`];
	const args = [mocha, ...(options.options ?? []), ...own, ...files];
	// A process that is killed can't remove its own.
	const temporary = fs.mkdtempSync(path.join(tmpdir(), "lab-tests-"));
	const env = {
		...{ TMPDIR: temporary, TEMP: temporary, TMP: temporary },
		ETCD_WATCH_LAB_RESULTS: lines,
		// Others run beside it: one notebook at a time in each.
		ETCD_WATCH_LAB_SLOTS: "1",
		// What could not be built is not tried again by each.
		...(needsBuilds && options.builder !== undefined ? { ETCD_WATCH_LAB_NO_BUILD: "1" } : {}),
	};
	const end = await runProgram(args, { ...options, log, env: { ...options.env, ...env } }).finally(() =>
		fs.rmSync(temporary, { recursive: true, force: true, maxRetries: 5 }),
	);
	const seconds = (performance.now() - begin) / 1000;
	const output = fs.readFileSync(log, "utf8");
	const { results, hasEnded, cpuSeconds } = readResults(lines);
	const failed = results.some(({ state }) => state === "failed");
	const why = hasEnded && (failed || end === "exit code 0") ? undefined : end;
	if (why !== undefined) {
		const title = `${files.map(written).join(", ")}: the tests ended with ${why}`;
		const [file = ""] = files;
		results.push({ title, state: "failed", ms: 0, file, error: output.trimEnd().slice(-2_000) });
	}
	return { files, results, output, seconds, ...(cpuSeconds === undefined ? {} : { cpuSeconds }) };
}

/** test/x.test.ts for test/dist/x.test.js. */
export function written(file: string): string {
	return path.relative(root, path.resolve(root, file)).replace(/^test\/dist\/(.*)\.js$/, "test/$1.ts");
}

export function readResults(file: string): {
	results: TestResult[];
	hasEnded: boolean;
	cpuSeconds?: number | undefined;
} {
	const text = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
	// Without a line end it was cut in its middle.
	const told = text
		.split("\n")
		.slice(0, -1)
		.map((line): Told => JSON.parse(line));
	const end = told.find((one) => "end" in one);
	return {
		results: told.flatMap((one) => ("end" in one ? [] : [one])),
		hasEnded: end !== undefined,
		...(end?.cpuSeconds === undefined ? {} : { cpuSeconds: end.cpuSeconds }),
	};
}
