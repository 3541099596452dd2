import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { descendants, survivors } from "#tools/process-tree";
import { Running, root } from "../support/checkout";
import { until } from "../support/until";
import { type MakeAll, makeAll, type PartResult, type Wanted } from "./make";
import { type Entry, readRecord, writeRecord } from "./record";

describe("the long proofs", function () {
	this.timeout(60_000);
	let folder: string;
	let recordFile: string;
	const names = ["one", "two"];

	beforeEach(() => {
		folder = fs.mkdtempSync(path.join(os.tmpdir(), "proofs-"));
		recordFile = path.join(folder, "record.json");
		writeRecord(recordFile, new Map(names.map((name) => [name, { state: "not yet made" }])));
	});
	afterEach(() => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));

	const fine = 'count({ etcd: ["3.5.1"], counts: { runs: 10 } });';

	/** A proof of parts with these bodies, each of which notes that it has begun. */
	function planted(name: string, bodies: Readonly<Record<string, string>>, code = "a".repeat(64)): Wanted {
		const parts = Object.entries(bodies).map(([id, body]) => {
			const file = path.join(folder, `${name}-${id}.js`);
			const text = `const fs = require("node:fs");
				fs.appendFileSync(${JSON.stringify(path.join(folder, "begun"))}, "${id} ");
				const count = (counted) => fs.appendFileSync(process.env.ETCD_WATCH_LAB_COUNTS, JSON.stringify(counted) + "\\n");
				${body}`;
			fs.writeFileSync(file, text);
			return { id, args: [file], seconds: 1 };
		});
		return { proof: { name, parts: () => parts }, code, seed: 1 };
	}

	/** The ids of the parts that have begun since it was last asked. */
	function begun(): string[] {
		const file = path.join(folder, "begun");
		const text = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
		fs.rmSync(file, { force: true });
		return text.trim().split(" ").sort();
	}

	async function make(wanted: readonly Wanted[], options: Partial<MakeAll> = {}) {
		const signal = new AbortController().signal;
		return await makeAll(wanted, { jobs: 2, folder, recordFile, names, signal, ...options });
	}

	const entry = (): Entry | undefined => readRecord(recordFile, names).get("one");

	it("are recorded with versions, seed, counts, date, time, Node and code, and made once", async () => {
		const bodies = { a: fine, b: 'count({ etcd: ["3.4.23"], counts: { runs: 1, events: 7 } });' };
		await make([planted("one", bodies)]);
		const one = entry();
		assert.ok(one && one.state !== "not yet made");
		const { seconds, ...rest } = one;
		assert.ok(seconds >= 0);
		assert.deepEqual(rest, {
			...{ state: "made", parts: { ended: 2, of: 2 }, code: "a".repeat(64), seed: 1 },
			...{ date: new Date().toISOString().slice(0, 10), node: process.versions.node },
			...{ etcd: ["3.4.23", "3.5.1"], counts: { runs: 11, events: 7 } },
		});
		assert.deepEqual(begun(), ["a", "b"]);
		await make([planted("one", bodies)]);
		assert.deepEqual(begun(), [""]);
		await make([planted("one", bodies)], { again: true });
		assert.deepEqual(begun(), ["a", "b"]);
	});

	it("are recorded as failed where a part fails or counts nothing, and that part alone is made again", async () => {
		const results: PartResult[] = [];
		const ended = (_: unknown, result: PartResult) => results.push(result);
		const bodies = {
			a: fine,
			b: `${fine} process.exitCode = 1;`,
			c: "",
			d: "count({ etcd: [], counts: { runs: 0 } });",
			e: `${fine} process.kill(process.pid, "SIGKILL");`,
		};
		await make([planted("one", bodies)], { ended });
		const one = entry();
		assert.ok(one?.state === "failed");
		assert.deepEqual([...(one.failed ?? [])].sort(), ["b", "c", "d", "e"]);
		// What failed proves nothing.
		assert.deepEqual(one.counts, { runs: 10 });
		assert.deepEqual(
			results
				.filter(({ isGood }) => !isGood)
				.map(({ end }) => end)
				.sort(),
			[
				"exit code 0, and nothing counted",
				"exit code 0, and nothing counted",
				"exit code 1",
				"signal SIGKILL",
			],
		);
		begun();
		await make([planted("one", { ...bodies, b: fine, c: fine, d: fine, e: fine })]);
		assert.deepEqual(begun(), ["b", "c", "d", "e"]);
		assert.equal(entry()?.state, "made");
	});

	it("that are interrupted go on after the parts that have ended, and leave nothing running", async () => {
		const pid = path.join(folder, "pid");
		const hangs = `const child = require("node:child_process").spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
			process.on("SIGTERM", () => {});
			fs.writeFileSync(${JSON.stringify(pid)}, String(child.pid));
			setInterval(() => {}, 1000);`;
		const interrupted = new AbortController();
		const making = make([planted("one", { a: fine, b: hangs, c: fine })], {
			jobs: 1,
			signal: interrupted.signal,
		});
		await until("the second part runs", () => fs.existsSync(pid) && fs.readFileSync(pid, "utf8") !== "");
		const family = descendants(process.pid);
		assert.ok(family.some((one) => String(one.pid) === fs.readFileSync(pid, "utf8")));
		interrupted.abort();
		await making;
		assert.deepEqual(survivors(family), []);
		const one = entry();
		assert.ok(one?.state === "in part");
		assert.deepEqual(one.parts, { ended: 1, of: 3 });
		assert.deepEqual(begun(), ["a", "b"]);
		await make([planted("one", { a: fine, b: fine, c: fine })]);
		assert.deepEqual(begun(), ["b", "c"]);
		assert.equal(entry()?.state, "made");
	});

	it("are made anew with other code or another seed, and the record stands until they are whole or have failed", async () => {
		await make([planted("one", { a: fine, b: fine })]);
		begun();
		const other = { ...planted("one", { a: fine, b: fine }), code: "b".repeat(64) };
		const interrupted = new AbortController();
		await make([other], { jobs: 1, signal: interrupted.signal, ended: () => interrupted.abort() });
		assert.deepEqual(begun(), ["a"]);
		const old = entry();
		assert.ok(old?.state === "made" && old.code === "a".repeat(64));
		await make([other]);
		assert.deepEqual(begun(), ["b"]);
		const one = entry();
		assert.ok(one?.state === "made" && one.code === "b".repeat(64));
		await make([{ ...other, seed: 2 }]);
		assert.deepEqual(begun(), ["a", "b"]);
		await make([{ ...planted("one", { a: "process.exitCode = 1;", b: fine }), code: "c".repeat(64) }]);
		assert.equal(entry()?.state, "failed");
	});

	it("are no proof of code that has changed while they were made", async () => {
		let code = "a".repeat(64);
		const wanted = { ...planted("one", { a: fine, b: fine }), codeNow: () => code };
		const results: PartResult[] = [];
		const ended = (_: unknown, result: PartResult) => {
			results.push(result);
			code = "b".repeat(64);
		};
		await make([wanted], { jobs: 1, ended });
		const one = entry();
		assert.ok(one?.state === "in part" && one.parts.ended === 1);
		assert.deepEqual(
			results.map(({ isGood, end }) => [isGood, end]),
			[
				[true, "exit code 0"],
				[false, "its code has changed meanwhile"],
			],
		);
	});

	it("leave the others' entries alone, and what was shown earlier", async () => {
		const earlier = "Once by hand.";
		writeRecord(
			recordFile,
			new Map([
				["one", { state: "not yet made", earlier }],
				["two", { state: "not yet made" }],
			]),
		);
		await make([planted("one", { a: fine })]);
		const record = readRecord(recordFile, names);
		assert.equal(record.get("one")?.earlier, earlier);
		assert.deepEqual(record.get("two"), { state: "not yet made" });
	});
});

describe("npm run proofs", function () {
	this.timeout(60_000);
	const main = (...args: readonly string[]) =>
		new Running(spawn(process.execPath, ["test/dist/proofs/main.js", ...args], { cwd: root }));

	it("refuses what makes no sense, in one line", async () => {
		const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
			[["--only", "chaos"], /^--only is one of chaos-v2, .*; not "chaos"\n$/],
			[["--quick", "--commit", "main"], /^"main" is no commit: 7 hex digits or more\n$/],
			[["--commit", "abcdef0"], /^--commit goes with --quick alone\n$/],
			[["--quick", "--seed", "1"], /^--quick draws its seed by the commit, /],
			[["--quick", "--list"], /^--quick, --list and --table don't go together: one of them\n$/],
			[["--seed", "x"], /^--seed is a whole number, not "x"\n$/],
		];
		const all = await Promise.all(cases.map(async ([args]) => await main(...args).ended));
		for (const [nth, [args, message]] of cases.entries()) {
			assert.equal(all[nth]?.code, 1, args.join(" "));
			assert.match(all[nth]?.stderr ?? "", message);
			assert.equal(all[nth]?.stdout, "");
		}
	});

	it("lists what there is", async () => {
		const { code, stdout } = await main("--list", "--only", "soak").ended;
		assert.equal(code, 0);
		assert.match(
			stdout,
			/^soak: one follower behind .*\n {2}1 parts, about \d+ minutes of them together\n {2}.+\n$/,
		);
	});

	it("ends on Ctrl-C with all that it started, an etcd, and says how to go on", async () => {
		const record = fs.readFileSync(path.join(root, "test", "proofs", "record.json"), "utf8");
		// A seed that nobody has made it with: it is not there yet.
		const running = main("--only", "soak", "--seed", "987654321");
		const isEtcd = (pid: number) => {
			try {
				return /\betcd\0/.test(fs.readFileSync(`/proc/${pid}/cmdline`, "utf8"));
			} catch {
				return false;
			}
		};
		await until("its etcd runs", () => descendants(running.pid).some(({ pid }) => isEtcd(pid)));
		const family = descendants(running.pid);
		running.child.kill("SIGINT");
		const { code, stdout } = await running.ended;
		assert.equal(code, 130, stdout);
		assert.match(stdout, /^interrupted: what has ended is kept, and the same command goes on after it$/m);
		assert.deepEqual(survivors(family), []);
		assert.equal(fs.readFileSync(path.join(root, "test", "proofs", "record.json"), "utf8"), record);
	});
});
