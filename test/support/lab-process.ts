import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { descendants, kill, type ProcessId, survivors } from "#tools/process-tree";
import { Running, root } from "./checkout";
import { until } from "./until";

/** What the script has at hand; its body is added after this. */
const begin = `
const { startLab } = require("etcd-watch-lab/server");
const say = (what) => process.stdout.write(JSON.stringify(what) + "\\n");
/** Runs what the test writes to stdin, a line at a time. */
const take = (commands) => require("node:readline").createInterface({ input: process.stdin })
	.on("line", (line) => void commands[line]());
`;

/** A process of its own, in a process group of its own as a kernel is, that owns a lab. */
export class LabProcess {
	/** Where it puts its temporary folders, and nobody else. */
	readonly temporary = fs.mkdtempSync(path.join(os.tmpdir(), "lab-process-"));
	readonly running: Running;
	#family: ProcessId[] = [];

	constructor(script: string, env: NodeJS.ProcessEnv = {}) {
		const child = spawn(process.execPath, ["-e", `${begin}(async () => {${script}})();`], {
			cwd: root,
			detached: true,
			env: { ...process.env, ...env, TMPDIR: this.temporary },
			stdio: ["pipe", "pipe", "pipe"],
		});
		this.running = new Running(child);
	}

	/** Waits for a line that matches. From the first on the lab's processes are known. */
	async says(pattern: RegExp): Promise<string> {
		const [text] = await this.running.says(pattern);
		if (this.#family.length === 0) this.#family = descendants(this.running.pid);
		return text;
	}

	tell(command: string): void {
		this.running.child.stdin?.write(`${command}\n`);
	}

	/** The keeper and the servers under it, as long as they live. */
	get living(): ProcessId[] {
		return survivors(this.#family);
	}

	get folders(): string[] {
		return fs.readdirSync(this.temporary);
	}

	interrupt(): void {
		process.kill(-this.running.pid, "SIGINT");
	}

	/** Waits until no process of the lab and no folder is left. */
	async leavesNothing(): Promise<void> {
		await until("no etcd and no keeper is left", () => this.living.length === 0);
		await until("no folder is left", () => this.folders.length === 0);
	}

	/** For `afterEach`: what is left when a test failed. */
	remove(): void {
		kill([...descendants(this.running.pid), ...this.#family]);
		this.running.child.kill("SIGKILL");
		fs.rmSync(this.temporary, { recursive: true, force: true, maxRetries: 5 });
	}
}
