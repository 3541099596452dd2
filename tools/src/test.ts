import fs from "node:fs";
import path from "node:path";
import { check, compileAll } from "./check";
import { interruptible } from "./interrupts";
import { artifactsDir, privateFolder, root } from "./paths";
import { Problem } from "./problem";
import { handOver } from "./programs/run-program";
import type { TestResult } from "./reporter";
import type { Host } from "./setup/host";
import { prepareVenv } from "./setup/venv";
import { jobsOf, type Ran, readResults, sideBySide, written } from "./sidebyside";
import { batches, compiled, filesNaming, isOfProofs, isUnit, testFiles } from "./testfiles";

/** What .artifacts/mocha.json holds. */
export interface Results {
	readonly passed: number;
	readonly failed: number;
	readonly pending: number;
	readonly seconds: number;
	readonly tests: readonly TestResult[];
}

/** Ends a process of `npm test` that hangs: the longest takes five minutes with nothing beside it. */
const limitMs = 20 * 60_000;

/**
 * `npm test`: the set-up that is missing, the checks, then all tests, side by side. With `unit` those alone that start
 * nothing; else `args` go to mocha, in one process, as files or -g name them. All but a whole run leave out the checks.
 */
export async function test(host: Host, args: readonly string[]): Promise<number> {
	const begin = performance.now();
	// A result of an earlier run must not be taken for this one's.
	fs.rmSync(path.join(artifactsDir, "mocha.json"), { force: true });
	await prepareVenv(host);
	const isWhole = args.length === 0;
	if (isWhole) {
		const checked = await check(host, {});
		if (checked !== 0) return checked;
	} else await compileAll(host);

	const folder = privateFolder(path.join(artifactsDir, "tests"));
	const notCovered = path.join(folder, "not-covered.txt");
	fs.writeFileSync(notCovered, "");
	const env = { ETCD_WATCH_LAB_NOT_COVERED: notCovered, ETCD_WATCH_LAB_RUN: folder };
	const { code, results: tests } = isWhole
		? await runMany(
				host,
				testFiles().filter((file) => !isOfProofs(file)),
				folder,
				env,
			)
		: args.length === 1 && args[0] === "unit"
			? await runMany(host, testFiles().filter(isUnit), folder, { ...env, ETCD_WATCH_LAB_UNIT: "1" })
			: await runNamed(args, folder, env);
	const count = (state: TestResult["state"]): number => tests.filter((one) => one.state === state).length;
	const results: Results = {
		passed: count("passed"),
		failed: count("failed"),
		pending: count("pending"),
		seconds: (performance.now() - begin) / 1000,
		tests,
	};
	// Renamed into place: another run's may be written or read now.
	const file = path.join(folder, "mocha.json");
	fs.writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
	fs.renameSync(file, path.join(artifactsDir, "mocha.json"));

	const missing = new Set(fs.readFileSync(notCovered, "utf8").split("\n"));
	missing.delete("");
	for (const line of missing) host.say(`not covered: ${line}`);
	if (missing.size > 0 && process.env["ETCD_WATCH_LAB_COVER_ALL"] === "1") {
		host.say("ETCD_WATCH_LAB_COVER_ALL=1: what is not covered is a failure");
		return 1;
	}
	return code;
}

interface Ended {
	readonly code: number;
	readonly results: readonly TestResult[];
}

/** In this terminal, in one process: a test can be named as it is written, test/x.test.ts. */
async function runNamed(args: readonly string[], folder: string, env: NodeJS.ProcessEnv): Promise<Ended> {
	const bin = path.join(root, "node_modules", "mocha", "bin", "mocha.js");
	const named = args.map(compiled);
	const lines = path.join(folder, "results");
	const run = async (files: readonly string[]): Promise<Ended> => {
		const code = await handOver([bin, ...named, ...files], {
			...process.env,
			...env,
			ETCD_WATCH_LAB_RESULTS: lines,
		});
		return { code, results: readResults(lines).results };
	};
	if (named.some((arg) => arg.endsWith(".test.js"))) return await run([]);
	// Not in .mocharc.json: mocha would run these beside the named ones.
	const all = testFiles();
	const some = filesNaming(nameIn(args), all);
	const ended = await run(some);
	// Its words may be made of parts.
	return ended.results.length === 0 && some.length < all.length ? await run(all) : ended;
}

/** The name that mocha's --grep or --fgrep is given; "" where there is none, or it says which not to run. */
function nameIn(args: readonly string[]): string {
	if (args.includes("-i") || args.includes("--invert")) return "";
	const at = args.findIndex((arg) => /^(?:-g|-f|--f?grep)$/.test(arg));
	return at < 0 ? "" : (args[at + 1] ?? "");
}

async function runMany(
	host: Host,
	files: readonly string[],
	folder: string,
	env: NodeJS.ProcessEnv,
): Promise<Ended> {
	const begin = performance.now();
	const all: Ran[] = [];
	const builder = path.join(root, "test", "dist", "support", "build-etcds.js");
	await interruptible(async (signal) => {
		await sideBySide(batches(files), {
			jobs: jobsOf(process.env["ETCD_WATCH_LAB_JOBS"]),
			folder,
			env,
			limitMs,
			signal,
			options: process.stdout.isTTY && process.stdout.hasColors() ? ["--color"] : [],
			...(fs.existsSync(builder) ? { builder } : {}),
			ended: (ran) => {
				all.push(ran);
				host.say(ran.output.trimEnd());
				host.say(`  ${told(ran)}\n`);
			},
		});
		if (signal.aborted) throw new Problem("interrupted", 130);
	});
	const results = all.flatMap((one) => one.results);
	const failed = results.filter(({ state }) => state === "failed");
	const minutes = ((performance.now() - begin) / 60_000).toFixed(1);
	const longest = [...all].sort((one, two) => two.seconds - one.seconds).slice(0, 8);
	host.say(`longest: ${longest.map(told).join(", ")}`);
	for (const [at, { title, error = "" }] of failed.entries())
		host.say(`\n  ${at + 1}) ${title}\n${error.replace(/^/gm, "     ")}`);
	const passed = results.filter(({ state }) => state === "passed").length;
	host.say(`\n  ${passed} passing (${minutes}m)`);
	if (failed.length > 0) host.say(`  ${failed.length} failing`);
	host.say("");
	return { code: failed.length === 0 ? 0 : 1, results };
}

/** test/x.test.ts 12 s (3 s of processor) */
function told({ files, seconds, cpuSeconds }: Ran): string {
	const [first = "", ...others] = files.map(written);
	const more = others.length > 0 ? ` and ${others.length} more` : "";
	const cpu = cpuSeconds === undefined ? "" : ` (${cpuSeconds.toFixed(0)} s of processor)`;
	return `${first}${more} ${seconds.toFixed(0)} s${cpu}`;
}
