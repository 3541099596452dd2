import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "#tools/paths";
import { type Ran, readResults, type SideBySide, sideBySide } from "#tools/sidebyside";
import {
	aloneFiles,
	type Batch,
	batches,
	isOfProofs,
	isOnServers,
	isUnit,
	longFiles,
	nameOf,
	ofProofs,
	otherServers,
	testFiles,
	titlesOn,
} from "#tools/testfiles";

describe("the tests side by side", function () {
	this.timeout(60_000);
	let folder: string;

	beforeEach(() => {
		folder = fs.mkdtempSync(path.join(os.tmpdir(), "side-by-side-"));
	});
	afterEach(() => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

	/** Writes test files of these bodies, each for a process of its own. */
	function given(bodies: Readonly<Record<string, string>>, batch: Partial<Batch> = {}): Batch[] {
		return Object.entries(bodies).map(([name, body]) => {
			const file = path.join(folder, `${name}.test.js`);
			fs.writeFileSync(file, `const fs = require("node:fs");\n${body}`);
			return { files: [file], seconds: 1, needsBuilds: false, alone: false, ...batch };
		});
	}

	/** Runs them, and gives what came of each. */
	async function run(files: readonly Batch[], options: Partial<SideBySide> = {}): Promise<Map<string, Ran>> {
		const all = new Map<string, Ran>();
		const ended = (ran: Ran) => all.set(path.basename(ran.files[0] ?? "", ".test.js"), ran);
		await sideBySide(files, { jobs: 2, folder, limitMs: 30_000, ended, ...options });
		return all;
	}

	function states(ran: Ran | undefined): string[] {
		return ran?.results.map(({ state }) => state) ?? [];
	}

	it("count each test, and each file that breaks down, cannot be loaded or runs none as a failed one", async () => {
		const files = given({
			fine: 'it("one", () => {}); it("two", () => {});',
			red: 'it("one", () => {}); it("two", () => { throw new Error("planted"); });',
			exits: 'it("one", () => {}); it("two", () => process.exit(0));',
			late: 'it("one", () => {}); process.on("exit", () => process.exit(3));',
			killed: 'it("one", () => {}); it("two", () => process.kill(process.pid, "SIGKILL"));',
			torn: 'require("./none");',
		});
		const all = await run(files);
		assert.deepEqual([...all.keys()].sort(), ["exits", "fine", "killed", "late", "red", "torn"]);
		assert.deepEqual(states(all.get("fine")), ["passed", "passed"]);
		for (const name of ["red", "exits", "killed", "late"])
			assert.deepEqual(states(all.get(name)), ["passed", "failed"]);
		assert.deepEqual(states(all.get("torn")), ["failed"]);
		assert.match(all.get("red")?.results[1]?.error ?? "", /planted/);
		assert.match(
			all.get("exits")?.results[1]?.title ?? "",
			/exits\.test\.js: the tests ended with exit code 0$/,
		);
		assert.match(all.get("killed")?.results[1]?.title ?? "", /ended with signal SIGKILL$/);
		assert.match(all.get("torn")?.results[0]?.error ?? "", /Cannot find module '\.\/none'/);
	});

	it("end a file that hangs, with all that it started, and count what it had done", async () => {
		const hangs = `it("one", () => {});
			it("two", function () {
				this.timeout(0);
				process.on("SIGTERM", () => {});
				const child = require("node:child_process").spawn("sleep", ["600"], { detached: true });
				fs.writeFileSync(${JSON.stringify(path.join(folder, "pid"))}, String(child.pid));
				return new Promise(() => {});
			});`;
		const all = await run(given({ hangs }), { limitMs: 8_000 });
		assert.deepEqual(states(all.get("hangs")), ["passed", "failed"]);
		assert.match(all.get("hangs")?.results[1]?.title ?? "", /ended with nothing: it was ended after 8 s$/);
		// Whoever is not yet waited for has no command line any more.
		const commandLine = `/proc/${fs.readFileSync(path.join(folder, "pid"), "utf8")}/cmdline`;
		assert.ok(!fs.existsSync(commandLine) || fs.readFileSync(commandLine, "utf8") === "");
	});

	it("are ended when they are interrupted, and no other begins", async () => {
		const interrupted = new AbortController();
		const file = path.join(folder, "begun");
		const waits = `it("waits", function () { this.timeout(0); fs.appendFileSync(${JSON.stringify(file)}, "x"); return new Promise(() => {}); });`;
		const looking = setInterval(() => fs.existsSync(file) && interrupted.abort(), 20);
		const all = await run(given({ a: waits, b: waits }), { jobs: 1, signal: interrupted.signal });
		clearInterval(looking);
		assert.deepEqual([...all.keys()], ["a"]);
		assert.equal(fs.readFileSync(file, "utf8"), "x");
	});

	it("begin with those that need no build, while it is made, and build once", async () => {
		const builder = path.join(folder, "builder.js");
		const begun = path.join(folder, "begun");
		fs.writeFileSync(
			builder,
			`const fs = require("node:fs");
			const wait = () => fs.existsSync(${JSON.stringify(begun)}) ? fs.appendFileSync(${JSON.stringify(`${begun}.built`)}, "x") : setTimeout(wait, 10);
			wait();`,
		);
		const needs = `it("is there", () => { if (!fs.existsSync(${JSON.stringify(`${begun}.built`)}) || process.env.ETCD_WATCH_LAB_NO_BUILD !== "1") throw new Error("not built"); });`;
		const free = `it("begins", () => fs.writeFileSync(${JSON.stringify(begun)}, ""));`;
		const builds = given({ a: needs, b: needs, c: needs }, { seconds: 9, needsBuilds: true });
		const all = await run([...builds, ...given({ free })], { builder });
		assert.deepEqual([...all.values()].flatMap(states), ["passed", "passed", "passed", "passed"]);
		assert.equal(fs.readFileSync(`${begun}.built`, "utf8"), "x");
	});

	it("that measure the machine run when all others are over, one after the other", async () => {
		const log = path.join(folder, "log");
		const body = (name: string) =>
			`it("x", (done) => { fs.appendFileSync(${JSON.stringify(log)}, "+"); setTimeout(() => { fs.appendFileSync(${JSON.stringify(log)}, "-${name}"); done(); }, 100); });`;
		await run(given({ a: body("a"), b: body("b"), c: body("c") }, { alone: true }), { jobs: 3 });
		assert.equal(fs.readFileSync(log, "utf8"), "+-a+-b+-c");
	});

	it("that mostly wait run at once, as many as keep a processor busy, and one that needs it whole by itself", async () => {
		const log = path.join(folder, "log");
		const note = (sign: string) => `fs.appendFileSync(${JSON.stringify(log)}, "${sign}");`;
		// Each of the three waits for the two others.
		const meets = `it("x", (done) => { ${note("+")} const look = () => (fs.readFileSync(${JSON.stringify(log)}, "utf8").length >= 3 ? (${note("-").slice(0, -1)}, done()) : setTimeout(look, 10)); look(); });`;
		const whole = `it("x", () => { ${note("w")} });`;
		const files = [
			...given({ a: meets, b: meets, c: meets }, { share: 0.3 }),
			...given({ w: whole }, { share: 1 }),
		];
		const all = await run(files, { jobs: 1 });
		assert.deepEqual([...all.values()].flatMap(states), ["passed", "passed", "passed", "passed"]);
		assert.match(fs.readFileSync(log, "utf8"), /^\+{3}-{3}w$/);
	});

	it("take mocha's options of their own", async () => {
		const both = 'it("one", () => {}); it("two", () => { throw new Error("planted"); });';
		const all = await run(given({ both }, { options: ["--grep", "two", "--invert"] }));
		assert.deepEqual(states(all.get("both")), ["passed"]);
	});

	it("of the unit kind can start no process", async () => {
		const spawns = 'it("x", () => { require("node:child_process").spawn("true"); });';
		const all = await run(given({ spawns }), { env: { ETCD_WATCH_LAB_UNIT: "1" } });
		assert.match(all.get("spawns")?.results[0]?.error ?? "", /this is no unit test, it starts true/);
	});

	it("tell what a process that was cut in the middle of a line had told before", () => {
		const file = path.join(folder, "cut");
		const one = { title: "one", state: "passed", ms: 1 };
		fs.writeFileSync(file, `${JSON.stringify(one)}\n{"title":"tw`);
		assert.deepEqual(readResults(file), { results: [one], hasEnded: false });
		assert.deepEqual(readResults(path.join(folder, "none")), { results: [], hasEnded: false });
	});
});

describe("the test files", () => {
	const files = testFiles();

	it("are each dealt to one process", () => {
		const dealt = batches(files).flatMap((batch) => batch.files);
		assert.deepEqual(dealt.sort(), files);
		assert.ok(files.length > 100);
		for (const file of files) assert.ok(fs.existsSync(path.join(root, file)), file);
	});

	it("are there, those that are named as long ones or to run alone", () => {
		const names = new Set(files.map(nameOf));
		for (const name of [...Object.keys(longFiles), ...aloneFiles, ...ofProofs])
			assert.ok(names.has(name), name);
		assert.deepEqual(files.filter(isOfProofs).map(nameOf).sort(), [...ofProofs].sort());
	});

	it("that have tests on several etcds are on the reader's and on 3.7, by their titles", () => {
		const others = new RegExp(titlesOn(otherServers));
		for (const title of ["etcd 3.4 x", "a cluster (etcd newest)", "an etcd 3.6 that", "on etcd 3.4, told"])
			assert.match(title, others);
		const ours = ["etcd 3.5 x", "etcd 3.5.1", "etcd 3.7 that", "etcd 3.4.23", "from 3.4 on", "etcd 3.65"];
		for (const title of ours) assert.doesNotMatch(title, others);
		for (const { files, options } of batches(testFiles())) {
			const isOn = files.map((file) => isOnServers(nameOf(file)));
			assert.deepEqual(options, isOn[0] ? ["--grep", others.source, "--invert"] : [], files[0]);
			assert.equal(new Set(isOn).size, 1);
		}
	});

	it("need builds where they ask for an etcd that is built", () => {
		const needs = new Map(
			batches(files).flatMap((batch) => batch.files.map((file) => [nameOf(file), batch.needsBuilds])),
		);
		for (const name of ["proofs/chaos/smoke-v2", "proofs/chaos/rules", "live/follow/v3-servers"])
			assert.equal(needs.get(name), true, name);
		for (const name of ["pages/notebooks/notebooks", "pages/golden/golden", "setup/sidebyside"])
			assert.equal(needs.get(name), false, name);
	});

	it("are unit tests by their folder, and take no long time", () => {
		const units = files.filter(isUnit).map(nameOf);
		assert.ok(units.length > 40 && units.every((name) => name.startsWith("unit/")));
		for (const name of units) assert.ok(longFiles[name] === undefined && !aloneFiles.includes(name), name);
	});
});
