import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { Position } from "etcd-watch-lab/follow";
import { Arrivals, type Assignment, type Consumer, type Ending } from "./consumer";
import type { ConsumerOrder, ConsumerReport } from "./consumer-process";
import type { Following } from "./record";

/** A consumer in a process of its own, which can be stalled and killed. */
export class RemoteConsumer implements Consumer {
	readonly #arrivals: Arrivals;
	readonly #child: ChildProcess;
	readonly #gone: Promise<unknown>;
	#notes: Consumer["notes"] = {};
	#stalled: (ms: number) => void = () => {};

	constructor(readonly assignment: Assignment) {
		this.#arrivals = new Arrivals(assignment);
		const stdio = ["ignore", "ignore", "pipe", "ipc"] as const;
		const execArgv = assignment.memoryBytes === undefined ? [] : ["--expose-gc"];
		this.#child = fork(path.join(__dirname, "consumer-process.js"), { stdio: [...stdio], execArgv });
		// Not inherited: whoever is left behind would keep this process' own open.
		this.#child.stderr?.on("data", (bytes: Buffer) => void process.stderr.write(bytes));
		this.#gone = once(this.#child, "exit");
		this.#child.on("message", (report: ConsumerReport) => this.#hear(report));
		this.#child.on("exit", () => {
			if (!this.#arrivals.ended) this.#arrivals.ends("its process ended");
			this.#stalled(0);
		});
		this.#order({ order: "consume", assignment });
	}

	get lastIndex(): number {
		return this.#arrivals.lastIndex;
	}

	get count(): number {
		return this.#arrivals.deliveries.length;
	}

	get resets(): number {
		return this.#arrivals.resets;
	}

	get gaps(): number {
		return this.#arrivals.gaps;
	}

	get notes(): Consumer["notes"] {
		return this.#notes;
	}

	get error(): string | undefined {
		return this.#arrivals.error;
	}

	get ready(): Promise<void> {
		return this.#arrivals.ready;
	}

	get position(): Position | undefined {
		return this.#arrivals.position;
	}

	reached(index: number, timeoutMs: number, epoch?: number): Promise<boolean> {
		return this.#arrivals.reached(index, timeoutMs, epoch);
	}

	given(count: number, timeoutMs: number): Promise<boolean> {
		return this.#arrivals.until(() => this.count >= count, timeoutMs);
	}

	get pid(): number | undefined {
		return this.#child.pid;
	}

	/** Whether its process has ended. */
	get isGone(): boolean {
		return this.#child.exitCode !== null || this.#child.signalCode !== null;
	}

	/** Its event loop does nothing else for so long; resolves when that is over, with how long it was. */
	stall(ms: number): Promise<number> {
		const over = new Promise<number>((resolve) => {
			this.#stalled = resolve;
		});
		this.#order({ order: "stall", ms });
		return over;
	}

	/** It goes on with the change that it has kept. */
	letGo(): void {
		this.#order({ order: "let go" });
	}

	/** kill -9. */
	async kill(): Promise<void> {
		this.#child.kill("SIGKILL");
		await this.#gone;
	}

	async stop(): Promise<void> {
		if (!this.isGone) {
			if (!this.#arrivals.ended) {
				this.#order({ order: "stop" });
				await this.#arrivals.until(() => this.#arrivals.ended, 10_000);
			}
			this.#child.disconnect();
			const timer = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
			await this.#gone;
			clearTimeout(timer);
		}
		await this.#gone;
	}

	following(ending: Ending): Following {
		return this.#arrivals.following(ending);
	}

	#hear(report: ConsumerReport): void {
		const { begun, deliveries = [], notes, mostQueued = 0, grown = 0, ended, stalledMs } = report;
		if (begun) this.#arrivals.begins(begun.startIndex, begun.start);
		if (notes) this.#notes = notes;
		if (notes?.full) this.#arrivals.notes.full = notes.full;
		this.#arrivals.mostQueued = Math.max(this.#arrivals.mostQueued, mostQueued);
		this.#arrivals.grown = Math.max(this.#arrivals.grown, grown);
		for (const delivery of deliveries) this.#arrivals.arrives(delivery);
		if (stalledMs !== undefined) this.#stalled(stalledMs);
		if (!ended) return;
		this.#arrivals.position = ended.position;
		this.#arrivals.ends(ended.error);
	}

	#order(order: ConsumerOrder): void {
		this.#child.send(order);
	}
}
