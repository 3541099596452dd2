import { type ChildProcessByStdio, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import type { Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { LabError } from "../http/errors";
import type { Order, Report, ServerSignal } from "./keeper-process";

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
	/** Sends a signal; one that has ended gets none, nor does another process that has its number by now. */
	signal(signal: ServerSignal): void;
	/** Sends a signal and waits for the end; keeps this process alive until then. Gives what `exited` gives. */
	end(signal: "SIGKILL" | "SIGTERM"): Promise<string>;
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
	readonly #running = new Set<string>();
	/** How many awaited things keep this process alive. */
	#held = 0;

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

	/**
	 * Starts a process under the keeper; its output is added to `<folder>/<id>.log`. An id whose process has ended
	 * can be used again.
	 * @throws StartError
	 */
	async run(id: string, command: string, args: readonly string[]): Promise<KeptProcess> {
		if (this.#running.has(id)) throw new StartError(`${id} is running already`);
		this.#running.add(id);
		const first = once(this.#reports, id) as Promise<[Report]>;
		// Listens from the first on: the report of its end may come in one piece with that of its start.
		const exited = new Promise<string>((resolve) => {
			const hear = (end: Report) => {
				if (end.report === "exited") over(end.signal ?? `exit code ${end.code}`);
				else if (end.report === "failed") over(end.report);
			};
			const over = (how: string) => {
				this.#reports.off(id, hear);
				this.#running.delete(id);
				resolve(how);
			};
			this.#reports.on(id, hear);
			void this.#ended.then(() => over("the lab's helper process is gone"));
		});
		const gone = this.#ended.then(() => {
			throw new StartError("the lab's helper process is gone");
		});
		gone.catch(() => {});
		this.#send({ order: "start", id, command, args });
		const [report] = await this.#awaited(Promise.race([first, gone]));
		if (report.report !== "started") {
			throw new StartError(
				`${command} can't be started: ${report.report === "failed" ? report.message : "it ended"}`,
			);
		}
		let over = false;
		void exited.then(() => {
			over = true;
		});
		// The id may be another process's by then.
		const send = (signal: ServerSignal) => {
			if (!over) this.#send({ order: "signal", id, signal });
		};
		return {
			id,
			pid: report.pid,
			exited,
			kill: () => send("SIGKILL"),
			signal: send,
			end: (name) => {
				send(name);
				return this.#awaited(exited);
			},
		};
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
	async #awaited<T>(pending: Promise<T>): Promise<T> {
		this.#hold();
		try {
			return await pending;
		} finally {
			this.#release();
		}
	}

	#hold(): void {
		this.#held++;
		this.#child.ref();
		(this.#child.stdout as Socket).ref();
	}

	#release(): void {
		if (--this.#held > 0) return;
		this.#child.unref();
		(this.#child.stdout as Socket).unref();
	}

	#send(order: Order): void {
		this.#child.stdin.write(`${JSON.stringify(order)}\n`);
	}
}
