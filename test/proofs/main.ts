import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { interruptible } from "#tools/interrupts";
import { artifactsDir, labDir, root, shown } from "#tools/paths";
import { runProgram } from "#tools/programs/to-its-end";
import { jobsOf } from "#tools/sidebyside";
import { runMain, wholeNumber } from "../support/arguments";
import { Bar } from "../support/bar";
import { codeOf } from "./code";
import { type Proof, proofs } from "./list";
import { commandOf, drawOf, isMade, lastLines, makeAll, type PartResult, runTasks, type Task } from "./make";
import { type ProofRecord, readRecord } from "./record";
import { duration, tableOf, withTable, wordsOf } from "./table";

const names = proofs.map(({ name }) => name);
const recordFile = path.join(root, "test", "proofs", "record.json");
const readme = path.join(root, "test", "README.md");

/** `npm run proofs`, as the process that tools/src/programs/engine.ts starts. */
async function main(): Promise<number> {
	const { values } = parseArgs({
		options: {
			only: { type: "string" },
			seed: { type: "string" },
			commit: { type: "string" },
			list: { type: "boolean", default: false },
			again: { type: "boolean", default: false },
			quick: { type: "boolean", default: false },
			table: { type: "boolean", default: false },
		},
	});
	const { quick, list, table, again, commit } = values;
	if (Number(quick) + Number(list) + Number(table) > 1)
		throw new Error("--quick, --list and --table don't go together: one of them");
	if (commit !== undefined && !quick) throw new Error("--commit goes with --quick alone");
	if (quick && (again || values.seed !== undefined))
		throw new Error("--quick draws its seed by the commit, and keeps nothing: without --seed and --again");
	const chosen = chosenProofs(values.only);
	const seed = values.seed === undefined ? 1 : wholeNumber("seed", values.seed);
	if (list) return listed(chosen, seed);
	if (table) return writeTable(readRecord(recordFile, names));
	return await interruptible((signal) =>
		quick ? makeQuick(chosen, commit ?? lastCommit(), signal) : makeWhole(chosen, { seed, again }, signal),
	);
}

function chosenProofs(only: string | undefined): readonly Proof[] {
	if (only === undefined) return proofs;
	return only.split(",").map((name) => {
		const proof = proofs.find((one) => one.name === name);
		if (proof === undefined) throw new Error(`--only is one of ${names.join(", ")}; not "${name}"`);
		return proof;
	});
}

function listed(chosen: readonly Proof[], seed: number): number {
	const record = readRecord(recordFile, names);
	for (const proof of chosen) {
		const entry = record.get(proof.name);
		const parts = proof.parts(seed);
		const seconds = parts.reduce((sum, one) => sum + one.seconds, 0);
		const code = codeOf(proof);
		const isOld = entry !== undefined && entry.state !== "not yet made" && entry.code !== code;
		console.log(`${proof.name}: ${proof.about}`);
		console.log(`  ${parts.length} parts, about ${duration(seconds)} of them together`);
		if (entry !== undefined) console.log(`  ${isOld ? "of other code: " : ""}${wordsOf(entry)}`);
	}
	return 0;
}

function writeTable(record: ProofRecord): number {
	const text = fs.readFileSync(readme, "utf8");
	const table = withTable(text, tableOf(proofs, record));
	if (table !== text) fs.writeFileSync(readme, table);
	return 0;
}

/** @throws Error where there is no git, or no commit */
function lastCommit(): string {
	try {
		return execFileSync("git", ["rev-parse", "HEAD"], { cwd: root, encoding: "utf8", stdio: "pipe" }).trim();
	} catch {
		throw new Error("git tells no commit here, by which --quick draws: name one by --commit HASH");
	}
}

async function makeWhole(
	chosen: readonly Proof[],
	{ seed, again }: { readonly seed: number; readonly again: boolean },
	signal: AbortSignal,
): Promise<number> {
	const folder = path.join(labDir, "proofs");
	const wanted = chosen.map((proof) => ({ proof, code: codeOf(proof), seed, codeNow: () => codeOf(proof) }));
	const before = readRecord(recordFile, names);
	for (const one of wanted) {
		const entry = before.get(one.proof.name);
		if (!again && entry !== undefined && isMade(entry, one))
			console.log(`${one.proof.name} was made with this code: ${wordsOf(entry)}`);
	}
	await build(folder, signal);
	const shown = new Shown(folder);
	const record = await makeAll(wanted, {
		...{ jobs: jobs(), folder, signal, recordFile, names, again },
		planned: (tasks) => shown.start(tasks),
		begun: (task) => shown.begun(task),
		ended: (task, result) => shown.ended(task, result),
		written: (written) => void writeTable(written),
	}).finally(() => shown.stop());
	writeTable(record);
	console.log("");
	for (const { proof } of wanted) {
		const entry = record.get(proof.name);
		if (entry !== undefined) console.log(`${proof.name}: ${wordsOf(entry)}`);
	}
	if (signal.aborted) return interrupted("what has ended is kept, and the same command goes on after it");
	return wanted.every((one) => isMade(record.get(one.proof.name), one)) ? 0 : 1;
}

async function makeQuick(chosen: readonly Proof[], commit: string, signal: AbortSignal): Promise<number> {
	const draw = drawOf(commit);
	const folder = path.join(labDir, "proofs", "quick");
	const file = path.join(artifactsDir, "proofs.json");
	// What an earlier run came to must not be taken for this one's.
	fs.rmSync(file, { force: true });
	console.log(`commit ${commit}, draw ${draw}; again: npm run proofs -- --quick --commit ${commit}`);
	const tasks = chosen
		.flatMap(({ name, quick }) => quick(draw).map((part): Task => ({ proof: name, part })))
		// The longest first, so that no long one is left at the end.
		.sort((one, two) => two.part.seconds - one.part.seconds);
	await build(folder, signal);
	const begin = performance.now();
	const shown = new Shown(folder);
	shown.start(tasks);
	const results: PartResult[] = [];
	await runTasks(tasks, {
		...{ jobs: jobs(), folder, signal, limitMs: 15 * 60_000 },
		begun: (task) => shown.begun(task),
		ended: (task, result) => {
			results.push(result);
			shown.ended(task, result);
		},
	}).finally(() => shown.stop());
	if (signal.aborted) return interrupted("nothing was kept");
	const passed = results.filter(({ isGood }) => isGood).length;
	const failed = results.length - passed;
	const seconds = (performance.now() - begin) / 1000;
	fs.mkdirSync(artifactsDir, { recursive: true });
	fs.writeFileSync(file, `${JSON.stringify({ commit, draw, passed, failed, seconds, results }, null, 1)}\n`);
	console.log(`${passed} parts of proofs passed, ${failed} failed (${duration(seconds)})`);
	return failed === 0 ? 0 : 1;
}

function jobs(): number {
	return jobsOf(process.env["ETCD_WATCH_LAB_JOBS"]);
}

function interrupted(what: string): number {
	console.log(`interrupted: ${what}`);
	return 130;
}

/** Once, before two parts try at the same time; what can't be built, the parts that want it say. */
async function build(folder: string, signal: AbortSignal): Promise<void> {
	fs.mkdirSync(folder, { recursive: true });
	const log = path.join(folder, "build.log");
	await runProgram(["test/dist/support/build-etcds.js"], { log, limitMs: 20 * 60_000, signal });
}

/** How far it is: a line for each part that has ended, and a bar in a terminal. */
class Shown {
	readonly #bar = new Bar("{bar} {percentage}%, {eta_formatted} to go: {running}", { etaBuffer: 20 });
	readonly #running = new Set<Task>();
	readonly #folder: string;
	#count = { ended: 0, of: 0 };
	#seconds = 0;

	constructor(folder: string) {
		this.#folder = folder;
	}

	start(tasks: readonly Task[]): void {
		this.#count.of = tasks.length;
		const seconds = tasks.reduce((sum, { part }) => sum + part.seconds, 0);
		console.log(
			`${tasks.length} parts, about ${duration(seconds)} of them together, ${jobs()} side by side; logs: ${shown(this.#folder)}`,
		);
		if (tasks.length > 0) this.#bar.start(seconds, { running: "" });
	}

	begun(task: Task): void {
		this.#running.add(task);
		this.#show();
	}

	ended(task: Task, result: PartResult): void {
		this.#running.delete(task);
		this.#seconds += task.part.seconds;
		this.#count.ended++;
		const counts = Object.entries(result.counts).map(([what, count]) => `${count} ${what}`);
		const said = result.isGood ? counts.join(", ") : `FAILED, ${result.end}`;
		this.#bar.say(
			`${this.#count.ended}/${this.#count.of} ${task.proof} ${task.part.id}, ${result.seconds} s: ${said}`,
		);
		if (!result.isGood) {
			this.#bar.say(lastLines(this.#folder, task, 40));
			this.#bar.say(`    again: ${commandOf(task.part)}`);
		}
		this.#show();
	}

	stop(): void {
		this.#bar.stop();
	}

	#show(): void {
		const running = [...this.#running].map(({ proof, part }) => `${proof} ${part.id}`).join(", ");
		this.#bar.update(this.#seconds, { running });
	}
}

runMain(main);
