import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { join } from "node:path";
import { LabError } from "../http/errors";
import type { Root } from "./guest";
import type { Order, Report, ServerSignal } from "./keeper-process";
import { identify, killExactly, type ProcessId, removeFolder } from "./leftovers";

/** A server that could not be started, or the lab's own helper process that could not. */
export class StartError extends LabError {}

const interrupts = new Set<() => void>();
const interrupt = () => {
	for (const act of [...interrupts]) act();
};

/**
 * Acts at each Interrupt of a kernel, which then ends what waits and leaves the servers be; gives what ends that. There
 * somebody handles SIGINT already, so that listening does not keep the process alive against the user's will; where
 * nobody does, nothing is done. One listener serves all.
 */
export function onInterrupt(act: () => void): () => void {
	const others = process.listeners("SIGINT").filter((listener) => listener !== interrupt);
	if (others.length === 0) return () => {};
	if (interrupts.size === 0) process.on("SIGINT", interrupt);
	interrupts.add(act);
	return () => {
		interrupts.delete(act);
		if (interrupts.size === 0) process.off("SIGINT", interrupt);
	};
}

/** A process that the keeper runs. */
export interface KeptProcess {
	readonly pid: number;
	/** Resolves when it has ended, with its exit code or the signal that ended it. */
	readonly exited: Promise<string>;
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
	/** Resolves when the keeper is gone, or could not be started. */
	readonly #ended: Promise<void>;
	readonly #running = new Map<string, ProcessId | undefined>();
	#isClosed = false;
	#hasFailed = false;
	/** How many awaited things keep this process alive. */
	#held = 0;

	private constructor(
		private readonly child: ChildProcess,
		private readonly reports: EventEmitter<Record<string, [Report]>>,
		ended: Promise<void>,
		/** A temporary folder that goes with the keeper. */
		readonly folder: string,
	) {
		this.#ended = ended.then(() => {
			if (!this.#isClosed) this.#clearUp();
		});
	}

	/** Starts a keeper and its folder. @throws StartError */
	static async start(): Promise<Keeper> {
		const child = spawn(process.execPath, [join(__dirname, "keeper-process.js"), String(process.pid)], {
			detached: true,
			env: forKeeper(process.env),
			stdio: ["ignore", "ignore", "ignore", "ipc"],
			windowsHide: true,
		});
		const reports = new EventEmitter<Record<string, [Report]>>().setMaxListeners(0);
		child.on("message", (message) => {
			const report = message as Report;
			reports.emit(report.report === "ready" ? "ready" : report.id, report);
		});
		let why = "";
		const ended = new Promise<void>((resolve) => {
			child.once("exit", (code, signal) => {
				why = `ended at once (${signal ?? `exit code ${code}`}): is the temporary folder full?`;
				resolve();
			});
			child.once("error", ({ message }) => {
				why = `can't be started (${message})`;
				resolve();
			});
		});
		const failed = ended.then(() => {
			throw new StartError(`the lab's helper process ${why}`);
		});
		failed.catch(() => {});
		const [report] = await Promise.race([once(reports, "ready") as Promise<[Report]>, failed]);
		if (report.report !== "ready")
			throw new StartError("the lab's helper process did not say that it is ready");
		child.unref();
		child.channel?.unref();
		return new Keeper(child, reports, ended, report.folder);
	}

	/**
	 * Starts a process under the keeper; its output is added to `<folder>/<id>.log`. An id whose process has ended
	 * can be used again. The process gets `env` and a few of this one's variables, none of them a secret.
	 * @throws StartError
	 */
	async run(
		id: string,
		command: string,
		args: readonly string[],
		env: Readonly<Record<string, string>> = {},
	): Promise<KeptProcess> {
		if (this.#running.has(id)) throw new StartError(`${id} is running already`);
		this.#running.set(id, undefined);
		const first = once(this.reports, id) as Promise<[Report]>;
		// Listens from the first on: the report of its end may come in one piece with that of its start.
		const exited = new Promise<string>((resolve) => {
			const hear = (end: Report) => {
				if (end.report === "exited") over(end.signal ?? `exit code ${end.code}`);
				else if (end.report === "failed") over(end.report);
			};
			const over = (how: string) => {
				this.reports.off(id, hear);
				this.#running.delete(id);
				resolve(how);
			};
			this.reports.on(id, hear);
			void this.#ended.then(() => over("the lab's helper process is gone"));
		});
		const gone = this.#ended.then(() => {
			throw new StartError("the lab's helper process is gone");
		});
		gone.catch(() => {});
		this.#send({ order: "start", id, command, args, env });
		const [report] = await this.#awaited(Promise.race([first, gone]));
		if (report.report !== "started") {
			throw new StartError(
				`${command} can't be started: ${report.report === "failed" ? report.message : "it ended"}`,
			);
		}
		if (this.#running.has(id)) this.#running.set(id, identify(report.pid));
		let over = false;
		void exited.then(() => {
			over = true;
		});
		// The id may be another process's by then.
		const send = (signal: ServerSignal) => {
			if (!over) this.#send({ order: "signal", id, signal });
		};
		return {
			pid: report.pid,
			exited,
			signal: send,
			end: (name) => {
				send(name);
				return this.#awaited(exited);
			},
		};
	}

	get pid(): number {
		return this.child.pid ?? 0;
	}

	/** Has the root's leases renewed, and everything below it removed when the lab ends; in place of an earlier one. */
	removeAtEnd(root: Root): void {
		this.#send({ order: "remove at the end", root });
	}

	/** It has been removed. */
	isRemoved(root: string): void {
		this.#send({ order: "removed", root });
	}

	/**
	 * Ends all that it runs, removes its folder; resolves when the keeper itself is gone.
	 * @throws StartError when it had gone before, and what it ran with it
	 */
	async close(): Promise<void> {
		this.#isClosed = true;
		this.#hold();
		this.#send({ order: "end" });
		await this.#ended;
		if (!this.#hasFailed) return;
		this.#hasFailed = false;
		throw new StartError(
			"the lab's helper process had been ended before, and with it the servers that it ran",
		);
	}

	/** Does at once what the keeper would have done at the end: it was killed. */
	#clearUp(): void {
		this.#hasFailed = true;
		for (const id of this.#running.values()) if (id !== undefined) killExactly(id);
		removeFolder(this.folder);
	}

	/** While something is awaited, the channel has to keep this process alive. */
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
		this.child.ref();
		this.child.channel?.ref();
	}

	#release(): void {
		if (--this.#held > 0) return;
		this.child.unref();
		this.child.channel?.unref();
	}

	#send(order: Order): void {
		// A keeper that is gone takes no orders, and does not take the kernel with it.
		this.child.send(order, () => {});
	}
}

/** What Node, TLS and the temporary folder need, and Jupyter's number: no secret of the reader's. */
function forKeeper(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
	const needed =
		/^(PATH|HOME|TMPDIR|TEMP|TMP|TZ|LANG|LC_\w+|GO\w+|SystemRoot|NODE_\w+|SSL_CERT_\w+|XDG_STATE_HOME|LOCALAPPDATA|USERPROFILE|JPY_PARENT_PID)$/i;
	return Object.fromEntries(Object.entries(env).filter(([name]) => needed.test(name)));
}
