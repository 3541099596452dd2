import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { code as cell } from "../pages/notebooks/handmade";
import { root } from "../support/checkout";
import { eachCheckout } from "../support/each-checkout";
import { notebook } from "../support/hostile-notebook";
import { until } from "../support/until";

describe("npm test", function () {
	// Each is some processes one after the other.
	this.timeout(60_000);
	const checkout = eachCheckout();
	beforeEach(() => {
		const support = fs.readFileSync(path.join(root, "test", "support", "coverage.ts"), "utf8");
		checkout.write("test/support/coverage.ts", support);
	});

	/** One test file; `body` is that of its test. */
	function given(name: string, body: string): void {
		const head = body.includes("notCovered") ? 'import { notCovered } from "./support/coverage";\n\n' : "";
		checkout.write(
			`test/${name}.test.ts`,
			`${head}describe("${name}", () => {\n\tit("holds", () => {\n\t\t${body}\n\t});\n});\n`,
		);
	}

	it("checks, runs the tests, and names at the end what was not covered, once each", async () => {
		given("one", 'notCovered("etcd 3.4");\n\t\tnotCovered("Chromium");');
		given("two", 'notCovered("etcd 3.4");');
		const { code, stdout, stderr } = await checkout.run("test");
		assert.equal(code, 0, stdout + stderr);
		assert.match(stdout, /check: lint, format and types are fine[\s\S]*2 passing/);
		assert.ok(stdout.endsWith("not covered: etcd 3.4\nnot covered: Chromium\n"), stdout);
		const results = JSON.parse(checkout.read(".artifacts/mocha.json"));
		assert.deepEqual([results.passed, results.failed, results.pending], [2, 0, 0]);
	});

	it("fails where everything has to be covered and something is not", async () => {
		given("one", 'notCovered("etcd 3.4");');
		const { code, stdout } = await checkout.runWith({ ETCD_WATCH_LAB_COVER_ALL: "1" }, "test");
		assert.equal(code, 1);
		assert.match(stdout, /not covered: etcd 3\.4/);
	});

	it("fails before any test when the check finds something", async () => {
		given("one", "const wrong: string = 1;\n\t\twrong.trim();");
		const { code, stdout } = await checkout.run("test");
		assert.equal(code, 1);
		assert.match(stdout, /test\/one\.test\.ts\(3,\d+\): error TS2322/);
		assert.ok(!checkout.has(".artifacts/mocha.json"));
	});

	it("passes on mocha's options, and runs a test that is named as it is written", async () => {
		given("one", "process.uptime();");
		given("two", 'throw new Error("planted");');
		const named = await checkout.run("test", "test/one.test.ts");
		assert.equal(named.code, 0, named.stdout);
		assert.match(named.stdout, /1 passing/);
		const grepped = await checkout.run("test", "--grep", "two");
		assert.equal(grepped.code, 1);
		assert.match(grepped.stdout, /1 failing[\s\S]*planted/);
	});

	it("fails when tests leave something in the temporary folder, and says what; and removes it", async () => {
		checkout.write(
			"test/one.test.ts",
			`import fs from "node:fs";
import os from "node:os";
import path from "node:path";

it("holds", () => fs.writeFileSync(path.join(os.tmpdir(), "of-a-test"), ""));
`,
		);
		const temporary = path.join(checkout.dir, "tmp");
		fs.mkdirSync(temporary);
		const { code, stdout } = await checkout.runWith({ TMPDIR: temporary }, "test");
		assert.equal(code, 1);
		assert.match(stdout, /left in the temporary folder: of-a-test/);
		assert.deepEqual(
			fs.readdirSync(temporary).filter((name) => name !== "node-compile-cache"),
			[],
		);
	});

	it("runs twice at once in one folder, and each counts its own tests", async () => {
		checkout.write("notebooks/01-try.ipynb", notebook([cell("1 + 1;")]));
		given("one", 'notCovered("etcd 3.4");');
		given("two", "process.uptime();");
		for (const { code, stdout, stderr } of await Promise.all([checkout.run("test"), checkout.run("test")])) {
			assert.equal(code, 0, stdout + stderr);
			assert.match(stdout, /check: .* in 1 notebooks too[\s\S]*2 passing[\s\S]*not covered: etcd 3\.4\n$/);
		}
		assert.deepEqual(fs.readdirSync(path.join(checkout.dir, ".lab", "cells")), []);
	});

	it("unit runs those tests alone that start nothing", async () => {
		given("one", "process.uptime();");
		const tests = path.join(checkout.dir, "test");
		fs.mkdirSync(path.join(tests, "unit"));
		fs.renameSync(path.join(tests, "one.test.ts"), path.join(tests, "unit", "one.test.ts"));
		checkout.write(
			"test/two.test.ts",
			'import { spawnSync } from "node:child_process";\n\nit("starts", () => {\n\tspawnSync("true");\n});\n',
		);
		const { code, stdout, stderr } = await checkout.run("test", "unit");
		assert.equal(code, 0, stdout + stderr);
		assert.match(stdout, /^ {2}1 passing/m);
		assert.doesNotMatch(stdout, /check:|starts/);
	});

	it("does not run a test whose source is gone", async () => {
		given("one", "process.uptime();");
		given("two", 'throw new Error("planted");');
		await checkout.run("test");
		fs.rmSync(path.join(checkout.dir, "test", "two.test.ts"));
		assert.equal((await checkout.run("test")).code, 0);
	});
});

describe(".ci/run", function () {
	this.timeout(60_000);
	const checkout = eachCheckout();
	beforeEach(() => {
		checkout.command("python3.10", "");
		checkout.command("pyenv", "");
		// A machine that lacks a package gets it from here: this test must not install anything.
		checkout.command("apt-get", "");
		results(7, 0);
	});

	/** An npm whose `npm test` leaves these results, and its `npm run proofs` those. */
	function results(
		passed: number,
		failed: number,
		code = failed === 0 ? 0 : 1,
		proofs = { passed: 20, failed: 0 },
	): void {
		checkout.command(
			"npm",
			`fs.mkdirSync(".artifacts", { recursive: true });
			if (args.join(" ") === "run proofs -- --quick") {
				fs.writeFileSync(".artifacts/proofs.json", ${JSON.stringify(JSON.stringify(proofs))});
				process.exitCode = ${proofs.failed === 0 ? 0 : 1};
				return;
			}
			fs.writeFileSync(".artifacts/mocha.json", JSON.stringify({ passed: ${passed}, failed: ${failed} }));
			process.exitCode = ${code};
			console.log("cover all:", process.env.ETCD_WATCH_LAB_COVER_ALL, "CI:", process.env.CI);`,
		);
	}

	async function lastLine(): Promise<[number | null, string | undefined]> {
		const { code, stdout } = await checkout.runCi();
		return [code, stdout.trimEnd().split("\n").at(-1)];
	}

	it("counts the tests, the parts of proofs and the pins, and asks for everything to be covered", async () => {
		const { code, stdout } = await checkout.runCi();
		assert.equal(code, 0, stdout);
		assert.match(stdout, /^cover all: 1 CI: true$/m);
		assert.match(stdout, /\n29 passed, 0 failed\n$/);
	});

	it("fails with the number of failed tests", async () => {
		results(5, 2);
		assert.deepEqual(await lastLine(), [1, "27 passed, 2 failed"]);
	});

	it("fails when npm test fails though no test does, as with something not covered", async () => {
		results(7, 0, 1);
		assert.deepEqual(await lastLine(), [1, "29 passed, 1 failed"]);
	});

	it("fails with the number of parts of proofs that failed, and where they never began", async () => {
		results(7, 0, 0, { passed: 18, failed: 2 });
		assert.deepEqual(await lastLine(), [1, "27 passed, 2 failed"]);
		checkout.command(
			"npm",
			`if (args[0] !== "test") { process.exitCode = 1; return; }
			fs.writeFileSync(".artifacts/mocha.json", JSON.stringify({ passed: 7, failed: 0 }));`,
		);
		assert.deepEqual(await lastLine(), [1, "9 passed, 1 failed"]);
	});

	it("fails when it never came to mocha, an older run's results notwithstanding", async () => {
		for (const name of ["mocha", "proofs"])
			checkout.write(`.artifacts/${name}.json`, JSON.stringify({ passed: 99, failed: 0 }));
		checkout.command("npm", "process.exitCode = 1;");
		assert.deepEqual(await lastLine(), [1, "2 passed, 1 failed"]);
	});

	it("says what npm test has left running, ends it, and fails", async () => {
		checkout.command(
			"npm",
			`if (args[0] !== "test") return;
			const { spawn } = require("node:child_process");
			const code = "setInterval(() => {}, 1000)";
			const left = spawn(process.execPath, ["-e", code], { cwd: process.cwd(), detached: true, stdio: "inherit" });
			left.unref();
			fs.mkdirSync(".artifacts", { recursive: true });
			fs.writeFileSync(".artifacts/mocha.json", JSON.stringify({ passed: 7, failed: 0, left: left.pid }));`,
		);
		const { code, stdout } = await checkout.runCi();
		assert.equal(code, 1);
		const { left } = JSON.parse(checkout.read(".artifacts/mocha.json"));
		assert.ok(stdout.includes(`left running: ${left} `), stdout);
		assert.match(stdout, /8 passed, 1 failed\n$/);
		// Whoever is not yet waited for has no command line any more.
		const commandLine = `/proc/${left}/cmdline`;
		await until(
			"it is ended",
			() => !fs.existsSync(commandLine) || fs.readFileSync(commandLine, "utf8") === "",
		);
	});

	it("fails when the pins do not resolve on the oldest Python", async () => {
		checkout.command("python3.10", 'if (args.includes("install")) process.exitCode = 1;');
		assert.deepEqual(await lastLine(), [1, "28 passed, 1 failed"]);
	});
});
