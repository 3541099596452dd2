import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { V2Client } from "etcd-watch-lab/v2";
import { descendants, kill, type ProcessId, survivors } from "#tools/processes";
import { Running, root } from "../support/checkout";
import { until } from "../support/until";

/** A real tslab kernel, as JupyterLab would run it, driven by jupyter_client. */
class Kernel {
	readonly temporary = fs.mkdtempSync(path.join(os.tmpdir(), "kernel-test-"));
	readonly #running: Running;
	/** How many answers have come. */
	#answers = 0;
	#family: ProcessId[] = [];

	constructor() {
		const { ETCDCTL_ENDPOINTS, ...env } = process.env;
		this.#running = new Running(
			spawn(path.join(root, ".venv", "bin", "python"), [path.join(root, "test", "support", "kernel.py")], {
				// Where the notebooks are: from there a cell finds the lab's package.
				cwd: path.join(root, "notebooks"),
				env: {
					...env,
					TMPDIR: this.temporary,
					IPYTHONDIR: this.temporary,
					JUPYTER_RUNTIME_DIR: this.temporary,
				},
				stdio: ["pipe", "pipe", "pipe"],
			}),
		);
	}

	/** The next answer of the driver. */
	async answer(): Promise<{ done?: string; ran?: string; text?: string }> {
		const count = ++this.#answers;
		const [text] = await this.#running.says(new RegExp(`^(?:.*\\n){${count}}`));
		return JSON.parse(text.trimEnd().split("\n").at(-1) ?? "");
	}

	send(command: { do: "run"; code: string } | { do: "interrupt" | "restart" | "shutdown" | "kill" }): void {
		this.#running.child.stdin?.write(`${JSON.stringify(command)}\n`);
	}

	async run(code: string): Promise<string> {
		this.send({ do: "run", code });
		let { ran, text = "" } = await this.answer();
		while (ran === "abort") {
			// For 200 ms after a cell's error tslab takes new cells for ones that were queued behind it.
			this.send({ do: "run", code });
			({ ran, text = "" } = await this.answer());
		}
		assert.equal(ran, "ok", text);
		return text;
	}

	async command(command: "interrupt" | "restart" | "shutdown" | "kill"): Promise<void> {
		this.send({ do: command });
		// A cell that is cut by it may have an answer too.
		let answer = await this.answer();
		while (answer.done === undefined) answer = await this.answer();
		assert.equal(answer.done, command);
	}

	/** Starts a lab in a cell; gives its endpoint. */
	async startLab(): Promise<string> {
		const text = await this.run(`import { lab } from "etcd-watch-lab/server";
import { scenario } from "etcd-watch-lab";
const mine = await lab();
console.log(mine.endpoints[0]);`);
		const endpoint = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
		assert.ok(endpoint, text);
		this.#family = descendants(this.#running.pid).filter(({ pid }) => isOfLab(pid));
		assert.equal(this.#family.length, 2, "a keeper and an etcd");
		assert.equal(this.folders.length, 1);
		return endpoint;
	}

	get folders(): string[] {
		return fs.readdirSync(this.temporary).filter((name) => name.startsWith("etcd-watch-lab-"));
	}

	async leavesNothing(): Promise<void> {
		await until("no etcd and no keeper is left", () => survivors(this.#family).length === 0);
		await until("no folder is left", () => this.folders.length === 0);
	}

	/** kill -9 of what runs the kernel; gives all that was below it. */
	async orphan(): Promise<ProcessId[]> {
		const processes = descendants(this.#running.pid);
		this.#running.child.kill("SIGKILL");
		await this.#running.ended;
		return processes;
	}

	async end(): Promise<void> {
		this.#running.child.stdin?.end();
		await this.#running.ended;
	}

	/** For `after`: what is left when a test failed. */
	remove(): void {
		kill([...descendants(this.#running.pid), ...this.#family]);
		this.#running.child.kill("SIGKILL");
		fs.rmSync(this.temporary, { recursive: true, force: true, maxRetries: 5 });
	}
}

function isOfLab(pid: number): boolean {
	const command = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8");
	return command.includes("keeper-process.js") || command.includes("--enable-v2");
}

describe("a lab in a real kernel", function () {
	this.timeout(60_000);
	let kernel: Kernel;
	let endpoint = "";
	let keys: V2Client;
	const watcherCount = (count: number) =>
		until(`${count} watchers at the server`, async () => (await keys.watcherCount()) === count);

	before(async () => {
		kernel = new Kernel();
		assert.equal((await kernel.answer()).done, "start");
		endpoint = await kernel.startLab();
		keys = new V2Client({ endpoints: [endpoint] });
	});
	after(async () => {
		await keys.close();
		kernel.remove();
	});

	it("gives the same server when its cell runs again", async () => {
		const again = await kernel.run("console.log((await lab()).endpoints[0]);");
		assert.ok(again.includes(endpoint));
	});

	for (const [what, code] of [
		["a watcher", 'await mine.v2.watcher("/a").next();'],
		["a poll", 'const poll = await mine.v2.poll("/a"); await poll.answer();'],
		["a stream", 'const stream = await mine.v2.stream("/a"); await stream.next();'],
		["a scenario", 'await scenario("x").watch("w", "/a").awaitDelivery("w", 1).run(mine);'],
	] as const) {
		it(`Interrupt stops a cell that waits in ${what}: its watch is gone, and the next cell uses the etcd`, async () => {
			kernel.send({ do: "run", code });
			await watcherCount(1);
			kernel.send({ do: "interrupt" });
			// The driver's and the cell's, in any order.
			const answers = [await kernel.answer(), await kernel.answer()];
			assert.ok(answers.some(({ done }) => done === "interrupt"));
			assert.equal(answers.find(({ ran }) => ran !== undefined)?.ran, "error");
			await watcherCount(0);
			const next = await kernel.run(
				'await mine.v2.set("/b", "still there"); console.log((await mine.v2.get("/b")).node.value);',
			);
			assert.ok(next.includes("still there"));
		});
	}

	it("restart in the middle of a watch leaves no etcd, no keeper and no folder, and the next cell starts another", async () => {
		kernel.send({ do: "run", code: 'await mine.v2.watcher("/a").next();' });
		await watcherCount(1);
		await kernel.command("restart");
		await kernel.leavesNothing();
		assert.notEqual(await kernel.startLab(), endpoint);
	});
});

describe("the end of a real kernel", function () {
	this.timeout(60_000);
	let kernel: Kernel;
	beforeEach(async () => {
		kernel = new Kernel();
		assert.equal((await kernel.answer()).done, "start");
		await kernel.startLab();
	});
	afterEach(() => kernel.remove());

	it("by shutdown leaves no etcd, no keeper and no folder", async () => {
		await kernel.command("shutdown");
		await kernel.leavesNothing();
		await kernel.end();
	});

	it("by kill -9 of the Jupyter that runs it leaves neither the kernel nor anything of its lab", async () => {
		const processes = await kernel.orphan();
		assert.ok(processes.length >= 3, "the kernel, a keeper and an etcd");
		await kernel.leavesNothing();
		await until("the kernel is gone", () => survivors(processes).length === 0);
	});

	it("by kill -9 leaves no etcd, no keeper and no folder", async () => {
		await kernel.command("kill");
		await kernel.leavesNothing();
	});
});
