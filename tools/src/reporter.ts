import fs from "node:fs";
import path from "node:path";
import Mocha from "mocha";
import { artifactsDir } from "./paths";

/** What .artifacts/mocha.json holds. */
export interface Results {
	passed: number;
	failed: number;
	pending: number;
	seconds: number;
	tests: { title: string; state: string; ms: number; error?: string }[];
}

/** How long mocha may still run when its last test is over. */
const restMs = 30_000;

/** Mocha's spec reporter, which also leaves the results as JSON for .ci/run and whoever reads them later. */
class SpecAndJson extends Mocha.reporters.Spec {
	constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
		super(runner, options);
		const begin = Date.now();
		const results: Results = { passed: 0, failed: 0, pending: 0, seconds: 0, tests: [] };
		const add = (test: Mocha.Runnable, state: string, error?: Error): void => {
			results.tests.push({
				title: test.fullTitle(),
				state,
				ms: test.duration ?? 0,
				...(error === undefined ? {} : { error: error.stack ?? error.message }),
			});
		};
		runner.on(Mocha.Runner.constants.EVENT_TEST_PASS, (test) => {
			results.passed++;
			add(test, "passed");
		});
		// Hooks fail by this event too.
		runner.on(Mocha.Runner.constants.EVENT_TEST_FAIL, (test, error) => {
			results.failed++;
			add(test, "failed", error);
		});
		runner.on(Mocha.Runner.constants.EVENT_TEST_PENDING, (test) => {
			results.pending++;
			add(test, "pending");
		});
		runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
			results.seconds = (Date.now() - begin) / 1000;
			fs.mkdirSync(artifactsDir, { recursive: true });
			fs.writeFileSync(path.join(artifactsDir, "mocha.json"), `${JSON.stringify(results, null, 1)}\n`);
			setTimeout(() => {
				const open = process.getActiveResourcesInfo().join(", ");
				console.error(`the tests are over for ${restMs / 1000} s, and something is still open: ${open}`);
				process.exit(results.failed > 0 ? 1 : 0);
			}, restMs).unref();
		});
	}
}

export = SpecAndJson;
