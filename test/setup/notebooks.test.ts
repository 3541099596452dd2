import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { writeNotebook } from "#tools/notebooks/file";
import { executeNotebook, NotebookError, ownEtcd } from "#tools/notebooks/run";
import { descendants, survivors } from "#tools/process-tree";
import { jupyterEnvironment, makeRuntimeDir, noProxyForLoopback } from "#tools/setup/jupyter-environment";
import { code, stream } from "../pages/notebooks/handmade";
import { root } from "../support/checkout";
import { eachCheckout } from "../support/each-checkout";
import { until } from "../support/until";

describe("executeNotebook", function () {
	// A kernel and its type checker start in each of these: seconds each, on a busy machine many.
	this.timeout(240_000);

	// Inside the checkout, as the real ones are, so that cells find its packages.
	const dir = path.join(root, ".lab", "test-notebooks");
	const file = path.join(dir, "try.ipynb");

	afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

	function write(...cells: string[]): void {
		fs.mkdirSync(dir, { recursive: true });
		const made = cells.map((source) => ({ ...code(source), execution_count: 7 }));
		writeNotebook(file, { cells: made, metadata: { title: "x" }, nbformat: 4, nbformat_minor: 5 });
	}

	/** A cell that never ends; gives the file that it makes when it runs. */
	function writeHanging(): string {
		const ready = path.join(dir, "ready");
		write(
			`import fs from "node:fs";\nfs.writeFileSync(${JSON.stringify(ready)}, "");\nawait new Promise(() => {});`,
		);
		return ready;
	}

	it("fills in the outputs and nothing that differs from run to run, and leaves the file alone", async () => {
		write(
			'import * as lab from "etcd-watch-lab";\nconsole.log(typeof lab, process.env.ETCD_WATCH_LAB_TRY);',
			'import { display } from "tslab";\ndisplay.html("<b>x</b>");\n1 + 1',
			'import { own } from "./own";\nown',
			"own + 1",
		);
		fs.writeFileSync(path.join(dir, "own.ts"), "export const own: number = 7;\n");
		const before = fs.readFileSync(file, "utf8");
		const options = { env: { ETCD_WATCH_LAB_TRY: "passed on" }, outDir: path.join(dir, "out") };
		const first = await executeNotebook(file, options);
		const second = await executeNotebook(file, options);
		assert.deepEqual(first, second);
		assert.equal(fs.readFileSync(file, "utf8"), before);

		assert.deepEqual(
			first.cells.map((cell) => [cell.id, cell.execution_count, cell.metadata]),
			[1, 2, 3, 4].map((nth) => [`cell-0${nth}`, nth, {}]),
		);
		assert.deepEqual(first.cells[0]?.outputs, [stream("object passed on\n")]);
		// A file of the reader's beside the page, compiled with the cell that imports it.
		assert.deepEqual(
			first.cells.slice(2).map(({ outputs }) => outputs?.map(({ text }) => text)),
			[["7\n"], ["8\n"]],
		);
		const kernelspec = { display_name: "TypeScript", language: "typescript", name: "tslab" };
		assert.deepEqual(first.metadata["kernelspec"], kernelspec);
		assert.deepEqual(Object.keys(first.metadata).sort(), ["kernelspec", "language_info"]);
		const written = fs.readFileSync(path.join(dir, "out", "try.ipynb"), "utf8");
		assert.match(written, /^\{\n "cells": \[\n {2}\{\n {3}"cell_type": "code",\n/);
		assert.ok(written.endsWith("}\n"));
	});

	describe("for a reader whose environment names proxies, on a machine that others use", () => {
		/** What each cell said. */
		let said: readonly string[] = [];
		before("one run for both", async () => {
			// As Node 24 reads it; here one that is not there.
			const proxy = "http://127.0.0.1:1";
			const names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
			write(
				`import http from "node:http";
import { lab } from "etcd-watch-lab";
const server = http.createServer((_, answer) => void answer.end("from loopback")).listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));
const answer = await fetch(\`http://127.0.0.1:\${(server.address() as { port: number }).port}\`);
server.close();
console.log(await answer.text());`,
				`const etcd = await lab();
console.log((await etcd.v2.set("/a", "x")).action);`,
				"console.log(process.env.NO_PROXY, process.env.no_proxy);",
				`import fs from "node:fs";
const zmq = require("zeromq");
const connection = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
// As another user of the machine listens, and as Jupyter does.
const [stranger, jupyter] = [new zmq.Subscriber(), new zmq.Subscriber()];
const { publicKey, secretKey } = zmq.curveKeyPair();
const keys = { curveServerKey: connection.curve_publickey, curvePublicKey: publicKey, curveSecretKey: secretKey };
Object.assign(jupyter, keys);
for (const each of [stranger, jupyter]) {
  each.connect(\`tcp://127.0.0.1:\${connection.iopub_port}\`);
  each.subscribe();
  each.receiveTimeout = 200;
}
const heard = async (who: any) => ((await who.receive()) as Buffer[]).join();
let text = "";
// Said until it is heard: to connect takes a moment.
while (!text.includes("for Jupyter alone")) {
  console.log("for Jupyter alone");
  text = await heard(jupyter).catch(() => "");
}
stranger.receiveTimeout = 0;
const strangers = await heard(stranger).catch(() => "nothing");`,
				'console.log("a stranger hears:", strangers);',
			);
			const proxies = Object.fromEntries(names.map((name) => [name, proxy]));
			const env = { ...ownEtcd, NODE_USE_ENV_PROXY: "1", ...proxies };
			const { cells } = await executeNotebook(file, { env });
			said = cells.map(({ outputs = [] }) => outputs.map(({ text }) => text).join(""));
		});

		it("asks no proxy for what listens on loopback", () => {
			const spared = "127.0.0.1,localhost,::1";
			assert.deepEqual(said.slice(0, 3), ["from loopback\n", "set\n", `${spared} ${spared}\n`]);
		});

		it("lets nobody hear what a cell says who has not the keys of the kernel's connection file", () => {
			assert.equal(said[4], "a stranger hears: nothing\n");
		});
	});

	it("names the cell that threw, and what it threw", async () => {
		write("const one = 1;", 'throw new RangeError("out of reach")', "const never = 1;");
		await assert.rejects(executeNotebook(file), (error: unknown) => {
			assert.ok(error instanceof NotebookError);
			assert.equal(error.cell, 2);
			assert.match(error.message, /try\.ipynb cell 2: .*RangeError: out of reach/s);
			return true;
		});
	});

	it("names the cell that a type error stops", async () => {
		write('const text: string = await Promise.resolve("x");', "const count: number = text;");
		await assert.rejects(executeNotebook(file), /cell 2: .*Type 'string' is not assignable to type 'number'/);
	});

	it("ends a cell that goes on for too long", async () => {
		write("await new Promise(() => {});");
		await assert.rejects(
			executeNotebook(file, { cellTimeoutMs: 1000 }),
			/cell 1: A cell timed out .*after 1 sec/,
		);
	});

	it("ends its kernel when it is aborted", async () => {
		const ready = writeHanging();
		// Other tests' servers may be there already.
		const before = descendants(process.pid).map(({ pid }) => pid);
		const abort = new AbortController();
		const run = executeNotebook(file, { signal: abort.signal });
		run.catch(() => {});
		await until("the cell runs", () => fs.existsSync(ready), 60_000);
		const processes = descendants(process.pid).filter(({ pid }) => !before.includes(pid));
		assert.ok(processes.length >= 2, "nbclient and the kernel");
		abort.abort();
		await assert.rejects(run);
		assert.deepEqual(survivors(processes), []);
	});

	it("leaves no kernel when it is killed outright: the next start ends it", async () => {
		const ready = writeHanging();
		const run = `require(${JSON.stringify(require.resolve("#tools/notebooks/run"))}).executeNotebook(${JSON.stringify(file)})`;
		const child = spawn(process.execPath, ["-e", run], { cwd: root, stdio: "ignore" });
		await until("the cell runs", () => fs.existsSync(ready), 60_000);
		const processes = descendants(child.pid ?? 0);
		assert.ok(processes.length >= 2, "nbclient and the kernel");
		const ended = once(child, "exit");
		child.kill("SIGKILL");
		await ended;
		fs.rmdirSync(makeRuntimeDir());
		await until("its kernel and nbclient are gone", () => survivors(processes).length === 0, 20_000);
	});
});

describe("jupyterEnvironment", () => {
	it("finds the reader's commands, an etcd of theirs, before those beside Node", () => {
		const { PATH } = process.env;
		try {
			process.env["PATH"] = "reader";
			const folders = jupyterEnvironment("runtime")["PATH"]?.split(path.delimiter).slice(1);
			assert.deepEqual(folders, ["reader", path.dirname(process.execPath)]);
		} finally {
			process.env["PATH"] = PATH;
		}
	});
});

describe("noProxyForLoopback", () => {
	it("keeps what the reader has set", () => {
		const spared = "127.0.0.1,localhost,::1";
		for (const [given, expected] of [
			[{}, spared],
			[{ NO_PROXY: "" }, spared],
			[{ NO_PROXY: ".example.org" }, `.example.org,${spared}`],
			// As curl, Node and Go do: the small one counts.
			[{ NO_PROXY: "a", no_proxy: "b" }, `b,${spared}`],
			[{ no_proxy: "*" }, "*"],
		] as const) {
			assert.deepEqual(noProxyForLoopback(given), { NO_PROXY: expected, no_proxy: expected });
		}
	});
});

describe("npm run notebooks", function () {
	// Each sets a checkout up, and compiles it.
	this.timeout(240_000);
	const checkout = eachCheckout();

	/** What a Python does that gives a notebook of one cell. */
	const answering = (source: string) =>
		`const cells = [{ cell_type: "code", execution_count: 1, metadata: {}, outputs: [], source: ${source} }];
		console.log(JSON.stringify({ notebook: { cells, metadata: {}, nbformat: 4, nbformat_minor: 5 } }));`;

	it("uses an etcd of its own, whichever server the reader's variables name: its outputs are to be committed", async () => {
		checkout.write("notebooks/00-one.ipynb", "{}");
		checkout.python({
			jupyterlab: `const { env } = process;
				const named = Object.keys(env).filter((name) => /^ETCDCTL_/.test(name)).join();
				${answering('"named: " + named')}`,
		});
		const mine = { ETCDCTL_ENDPOINTS: "https://etcd.internal:2379", ETCDCTL_USER: "root:secret" };
		const { code: exit, stderr } = await checkout.runWith(mine, "notebooks");
		assert.equal(exit, 0, stderr);
		assert.match(checkout.read("notebooks/00-one.ipynb"), /"named: "/);
	});

	for (const [what, end] of [
		["fails", `console.log(JSON.stringify({ cell: 2, message: "RangeError: out of reach" }))`],
		["is interrupted", `fs.writeFileSync(file + ".runs", ""); return hang();`],
	] as const) {
		it(`leaves a notebook that ${what} as it was, and writes the others ${what === "fails" ? "" : "before it "}whole`, async () => {
			const names = ["00-one", "01-two", "02-three"].map((name) => `notebooks/${name}.ipynb`);
			for (const name of names) checkout.write(name, "{}");
			checkout.python({
				jupyterlab: `const file = args[1];
					if (file.includes("01-")) { ${end} }
					else { ${answering('"it ran"')} }`,
			});
			const running = checkout.spawn("notebooks");
			if (what !== "fails") {
				await until("it runs", () => checkout.has("notebooks/01-two.ipynb.runs"), 60_000);
				running.child.kill("SIGINT");
			}
			const { code: exit, stdout, stderr } = await running.ended;
			assert.equal(exit, what === "fails" ? 1 : 130, stderr);
			if (what === "fails") assert.match(stdout, /01-two\.ipynb cell 2: RangeError: out of reach/);
			else assert.match(stderr, /^interrupted: the notebook that was running is unchanged$/m);
			assert.deepEqual(
				names.map((name) => checkout.read(name).includes("it ran")),
				[true, false, what === "fails"],
			);
			assert.equal(checkout.read(names[1] ?? ""), "{}");
		});
	}

	it("lets nothing that a cell has said command the terminal", async () => {
		checkout.write("notebooks/00-one.ipynb", "{}");
		// The clipboard, the title, a cleared screen; as a C1 character; the text turned around.
		const message =
			"EtcdError: 300 \u001b[31mRaft\u001b[0m \u001b]52;c;cm0=\u0007\u001b]0;x\u0007\u001b[2J\u009b2J\u202e";
		checkout.python({
			jupyterlab: `console.log(JSON.stringify({ cell: 1, message: ${JSON.stringify(message)} }))`,
		});
		const { code: exit, stdout } = await checkout.run("notebooks");
		assert.equal(exit, 1);
		assert.match(stdout, /cell 1: EtcdError: 300 Raft \\u\{1b\}\]52;c;cm0=\\u\{7\}/);
		assert.doesNotMatch(stdout, /[^\P{Cc}\n]|\u202e/u);
		const wrong = await checkout.run(`start${message}`);
		assert.match(wrong.stderr, /^no command "startEtcdError/);
		assert.doesNotMatch(wrong.stderr.replace(/\p{Cc}\[\d*m/gu, ""), /[^\P{Cc}\n]|\u202e/u);
	});
});
