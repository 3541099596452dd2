import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { Acknowledged, Unknown } from "./record";
import type { WriterOrder, WriterReport } from "./writer-process";

type Order<Name extends WriterOrder["order"]> = Omit<Extract<WriterOrder, { order: Name }>, "order" | "id">;

/** What a writer has done so far. */
export interface Writing {
	readonly acknowledged: readonly Acknowledged[];
	readonly unknown: readonly Unknown[];
	/** Resolves when the last answer has come. */
	readonly done: Promise<void>;
	/** No new write; resolves when the last answer has come. */
	stop(): Promise<void>;
	/** Resolves when so many are acknowledged, or it is done. */
	reached(count: number): Promise<void>;
}

/** A process that writes, so that neither side waits for the other's processor time. */
export class Writer {
	readonly #child: ChildProcess;
	readonly #writings = new Map<number, { hear(report: WriterReport): void; lost(): void }>();
	#lastId = 0;

	constructor() {
		this.#child = fork(path.join(__dirname, "writer-process.js"), {
			stdio: ["ignore", "ignore", "pipe", "ipc"],
		});
		this.#child.stderr?.on("data", (bytes: Buffer) => void process.stderr.write(bytes));
		this.#child.on("message", (report: WriterReport) => this.#writings.get(report.id)?.hear(report));
		this.#child.on("exit", () => {
			for (const writing of this.#writings.values()) writing.lost();
		});
	}

	/** A program of writes, as fast as it goes or at a rate. */
	write(order: Order<"write">): Writing {
		return this.#send({ ...order, order: "write", id: ++this.#lastId });
	}

	/** These commands, so many at once. */
	carryOut(order: Order<"carry out">): Writing {
		return this.#send({ ...order, order: "carry out", id: ++this.#lastId });
	}

	/** Ends the process. */
	async close(): Promise<void> {
		if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
		const gone = once(this.#child, "exit");
		this.#child.disconnect();
		await gone;
	}

	#send(order: Exclude<WriterOrder, { order: "stop" }>): Writing {
		const { id } = order;
		const acknowledged: Acknowledged[] = [];
		const unknown: Unknown[] = [];
		const waiting = new Set<() => void>();
		let isDone = false;
		const done = new Promise<void>((resolve, reject) => {
			this.#writings.set(id, {
				hear(report) {
					acknowledged.push(...report.acknowledged);
					unknown.push(...report.unknown);
					isDone = report.done;
					if (isDone) resolve();
					for (const look of waiting) look();
				},
				lost: () => reject(new Error("the writer's process ended")),
			});
		}).finally(() => this.#writings.delete(id));
		// Whoever waits is told; nobody waiting must not end the process.
		done.catch(() => {});
		this.#child.send(order);
		return {
			acknowledged,
			unknown,
			done,
			stop: () => {
				if (!isDone) this.#child.send({ order: "stop", id } satisfies WriterOrder);
				return done;
			},
			reached: (count) =>
				new Promise((resolve, reject) => {
					const look = () => {
						if (acknowledged.length < count && !isDone) return;
						waiting.delete(look);
						resolve();
					};
					waiting.add(look);
					done.catch(reject);
					look();
				}),
		};
	}
}
