import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { descendants, kill, type ProcessId, survivors } from "#tools/process-tree";
import { Running, root } from "./checkout";
import { until } from "./until";

/** A real tslab kernel, as JupyterLab would run it, driven by jupyter_client. */
export class Kernel {
	readonly temporary = fs.mkdtempSync(path.join(os.tmpdir(), "kernel-test-"));
	readonly #running: Running;
	/** How many answers have come. */
	#answers = 0;
	#family: ProcessId[] = [];

	/** @param environment more variables for the kernel and its cells */
	constructor(environment: NodeJS.ProcessEnv = {}) {
		const { ETCDCTL_ENDPOINTS, ETCD_WATCH_LAB_DEBUG, ...env } = process.env;
		this.#running = new Running(
			spawn(path.join(root, ".venv", "bin", "python"), [path.join(root, "test", "support", "kernel.py")], {
				// Where the notebooks are: from there a cell finds the lab's package.
				cwd: path.join(root, "notebooks"),
				env: {
					...env,
					...environment,
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

	/** Runs a cell that ends well; gives what it printed. */
	async run(code: string): Promise<string> {
		const { ran, text } = await this.#ran(code);
		assert.equal(ran, "ok", text);
		return text;
	}

	/** Runs a cell that fails; gives what it printed. */
	async fails(code: string): Promise<string> {
		const { ran, text } = await this.#ran(code);
		assert.equal(ran, "error", text);
		return text;
	}

	async #ran(code: string): Promise<{ ran: string | undefined; text: string }> {
		for (;;) {
			this.send({ do: "run", code });
			const { ran, text = "" } = await this.answer();
			// For 200 ms after a cell's error tslab takes new cells for ones that were queued behind it.
			if (ran !== "abort") return { ran, text };
		}
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
