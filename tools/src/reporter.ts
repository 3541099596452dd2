import { ChildProcess } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import Mocha from "mocha";

/** How one test, or one hook, ended. */
export interface TestResult {
	readonly title: string;
	readonly state: "passed" | "failed" | "pending";
	readonly ms: number;
	/** From the checkout, as compiled: test/dist/x.test.js. */
	readonly file?: string;
	readonly error?: string;
}

/** A line of the file that ETCD_WATCH_LAB_RESULTS names: a result, or that all have been told. */
export type Told = TestResult | { readonly end: true; readonly cpuSeconds?: number };

/** How long mocha may still run when its last test is over. */
const restMs = 10_000;

/** What of the processor this process and those that it started, and that have ended, have had; known on Linux. */
function ownCpuSeconds(): number | undefined {
	if (process.platform !== "linux") return undefined;
	// "pid (command) state …": utime, stime, cutime and cstime are fields 14 to 17, in hundredths of a second.
	const stat = fs.readFileSync("/proc/self/stat", "utf8");
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) / 100, 0);
}

/** In `npm test -- unit`: a process that a test starts all the same is that test's failure. */
function refuseProcesses(): void {
	Reflect.set(ChildProcess.prototype, "spawn", ({ file }: { file: string }) => {
		throw new Error(`this is no unit test, it starts ${file}: it belongs in test/live/`);
	});
}

if (process.env["ETCD_WATCH_LAB_UNIT"] === "1") refuseProcesses();

/**
 * Mocha's spec reporter, which also writes each result as a line of JSON as soon as it is known, for `npm test`: what a
 * process has done that is ended in its middle counts, too.
 */
class SpecAndLines extends Mocha.reporters.Spec {
	constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
		super(runner, options);
		const file = process.env["ETCD_WATCH_LAB_RESULTS"];
		let failed = 0;
		const tell = (told: Told): void => {
			if (file !== undefined) fs.appendFileSync(file, `${JSON.stringify(told)}\n`);
		};
		const add = (test: Mocha.Runnable, state: TestResult["state"], error?: Error): void => {
			tell({
				title: test.fullTitle(),
				state,
				ms: test.duration ?? 0,
				...(test.file === undefined ? {} : { file: path.relative(process.cwd(), test.file) }),
				...(error === undefined ? {} : { error: error.stack ?? error.message }),
			});
		};
		runner.on(Mocha.Runner.constants.EVENT_TEST_PASS, (test) => add(test, "passed"));
		// Hooks fail by this event too.
		runner.on(Mocha.Runner.constants.EVENT_TEST_FAIL, (test, error) => {
			failed++;
			add(test, "failed", error);
		});
		runner.on(Mocha.Runner.constants.EVENT_TEST_PENDING, (test) => add(test, "pending"));
		runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
			const cpuSeconds = ownCpuSeconds();
			tell({ end: true, ...(cpuSeconds === undefined ? {} : { cpuSeconds }) });
			setTimeout(() => {
				const open = process.getActiveResourcesInfo().join(", ");
				console.error(`the tests are over for ${restMs / 1000} s, and something is still open: ${open}`);
				process.exit(failed > 0 ? 1 : 0);
			}, restMs).unref();
		});
	}
}

export = SpecAndLines;
