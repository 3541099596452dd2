import { type ChildProcessByStdio, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import type { Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { LabError } from "../etcd/errors";
import type { Order, Report } from "./keeper-process";

/** A server that could not be started, or the lab's own helper process that could not. */
export class StartError extends LabError {}

/** A process that the keeper runs. */
export interface KeptProcess {
	readonly id: string;
	readonly pid: number;
	/** Resolves when it has ended, with its exit code or the signal that ended it. */
	readonly exited: Promise<string>;
	/** kill -9. */
	kill(): void;
}

/**
 * The lab's side of its keeper, the process that outlives the kernel just long enough to clean up after it
 * (see keeper-process.ts). It never keeps this process alive by itself.
 */
export class Keeper {
	/** A temporary folder that goes with the keeper. */
	readonly folder: string;
	readonly #child: ChildProcessByStdio<Writable, Readable, null>;
	readonly #reports: EventEmitter<Record<string, [Report]>>;
	readonly #ended: Promise<unknown>;

	private constructor(
		child: ChildProcessByStdio<Writable, Readable, null>,
		reports: EventEmitter<Record<string, [Report]>>,
		folder: string,
	) {
		this.#child = child;
		this.#reports = reports;
		this.folder = folder;
		this.#ended = once(child, "exit");
	}

	/** Starts a keeper and its folder. @throws StartError */
	static async start(): Promise<Keeper> {
		const child = spawn(process.execPath, [join(__dirname, "keeper-process.js")], {
			detached: true,
			stdio: ["pipe", "pipe", "ignore"],
			windowsHide: true,
		});
		const reports = new EventEmitter<Record<string, [Report]>>().setMaxListeners(0);
		createInterface({ input: child.stdout }).on("line", (line) => {
			const report = JSON.parse(line) as Report;
			reports.emit(report.report === "ready" ? "ready" : report.id, report);
		});
		// A keeper that is gone must not take the kernel with it by a broken pipe.
		child.stdin.on("error", () => {});
		const ready = once(reports, "ready");
		const failed = once(child, "exit").then(([code]) => {
			throw new StartError(
				`the lab's helper process ended at once (exit code ${code}): is the temporary folder full?`,
			);
		});
		failed.catch(() => {});
		const [report] = (await Promise.race([ready, failed])) as [Report];
		if (report.report !== "ready")
			throw new StartError("the lab's helper process did not say that it is ready");
		child.unref();
		(child.stdin as Socket).unref();
		(child.stdout as Socket).unref();
		return new Keeper(child, reports, report.folder);
	}

	/** Starts a process under the keeper; its output goes to `<folder>/<id>.log`. @throws StartError */
	async run(id: string, command: string, args: readonly string[]): Promise<KeptProcess> {
		const first = once(this.#reports, id) as Promise<[Report]>;
		// Listens from the first on: the report of its end may come in one piece with that of its start.
		const exited = new Promise<string>((resolve) => {
			this.#reports.on(id, (end) => {
				if (end.report === "exited") resolve(end.signal ?? `exit code ${end.code}`);
				else if (end.report === "failed") resolve(end.report);
			});
		});
		const gone = this.#ended.then(() => {
			throw new StartError("the lab's helper process is gone");
		});
		gone.catch(() => {});
		this.#hold();
		this.#send({ order: "start", id, command, args });
		const [report] = await Promise.race([first, gone]).finally(() => this.#release());
		if (report.report !== "started") {
			throw new StartError(
				`${command} can't be started: ${report.report === "failed" ? report.message : "it ended"}`,
			);
		}
		return { id, pid: report.pid, exited, kill: () => this.#send({ order: "kill", id }) };
	}

	/** Has everything below the prefix removed when the lab ends, however it ends. */
	removeAtEnd(prefix: string, server: Extract<Order, { order: "remove at the end" }>["server"]): void {
		this.#send({ order: "remove at the end", prefix, server });
	}

	/** Ends all that it runs, removes its folder; resolves when the keeper itself is gone. */
	async close(): Promise<void> {
		this.#hold();
		this.#child.stdin.end();
		await this.#ended;
	}

	/** While something is awaited, the pipe has to keep this process alive. */
	#hold(): void {
		this.#child.ref();
		(this.#child.stdout as Socket).ref();
	}

	#release(): void {
		this.#child.unref();
		(this.#child.stdout as Socket).unref();
	}

	#send(order: Order): void {
		this.#child.stdin.write(`${JSON.stringify(order)}\n`);
	}
}
