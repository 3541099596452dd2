import { setTimeout as wait } from "node:timers/promises";
import { AbortedError, ConnectionError } from "../http";
import type { Accepted, WriteRecord } from "../timeline/timeline";
import type { SeenEvent } from "./api";
import type { BurstStep, WriteStep } from "./steps";
import type { Surroundings } from "./watching";

/** The writes of a run: each is carried out, and recorded with what became of it. */
export class Writing {
	readonly #run: Surroundings;
	readonly #records: WriteRecord[] = [];
	/** The absolute index of the last accepted write to a key. */
	readonly #touched = new Map<string, number>();

	constructor(run: Surroundings) {
		this.#run = run;
	}

	/** In the order tried. */
	records(): WriteRecord[] {
		return [...this.#records];
	}

	/** The absolute index after which a key's expiry has to come. */
	touchedAt(key: string): number {
		return this.#touched.get(key) ?? this.#run.recorder.origin;
	}

	/** One write; a refusal and a lost answer are outcomes. @throws AbortedError, and what is no answer of etcd's */
	async write(step: WriteStep, burst?: number): Promise<WriteRecord> {
		const { by, operation, key, value } = step;
		const absolute: WriteStep =
			step.expected?.prevIndex === undefined
				? step
				: {
						...step,
						expected: {
							...step.expected,
							prevIndex: this.#run.recorder.absoluteIndex(step.expected.prevIndex),
						},
					};
		const at = this.#records.length;
		const tried = {
			id: at + 1,
			by,
			operation,
			key,
			triedAt: this.#run.now(),
			...(burst === undefined ? {} : { burst }),
		};
		const record = burst === undefined && value !== undefined ? { ...tried, value } : tried;
		// Its place is kept while it is under way, so that ids are in the order tried.
		this.#records.push({
			...record,
			outcome: { kind: "failed", message: "not answered yet", maybeApplied: true },
		});
		const written = { ...record, outcome: await this.#outcome(absolute) };
		this.#records[at] = written;
		this.#run.changed();
		return written;
	}

	/** Many at once; the first failure that is no outcome ends it. Errors as `write`. */
	async burst(step: BurstStep, number: number): Promise<void> {
		const { by, directory, count, keyCount, perSecond } = step;
		const value = "x".repeat(step.valueBytes);
		const begin = performance.now();
		let next = 0;
		let failure: unknown;
		const client = async () => {
			while (next < count && failure === undefined) {
				const id = next++;
				try {
					if (perSecond !== undefined) {
						const early = begin + (id * 1000) / perSecond - performance.now();
						if (early > 1) await this.#pause(early);
					}
					const key = `${directory === "/" ? "" : directory}/${id % keyCount}`;
					await this.write({ step: "write", by, operation: "set", key, value }, number);
				} catch (error) {
					failure ??= error;
				}
			}
		};
		await Promise.all(Array.from({ length: Math.min(step.connections, count) }, client));
		if (failure !== undefined) throw failure;
	}

	async #pause(durationMs: number): Promise<void> {
		try {
			await wait(durationMs, undefined, { signal: this.#run.signal });
		} catch (cause) {
			throw new AbortedError("the run was interrupted", { cause });
		}
	}

	/** Records what the server did by itself. */
	expired(event: SeenEvent): WriteRecord {
		const { recorder } = this.#run;
		const triedAt = this.#run.now();
		const { index, action, node, prevNode } = recorder.delivery(event);
		const outcome: Accepted = {
			kind: "accepted",
			index,
			raisesEvent: true,
			action,
			node,
			...(prevNode ? { prevNode } : {}),
		};
		this.#run.saw(outcome.index);
		const id = this.#records.length + 1;
		const expiry = { id, by: "etcd", operation: "expire", key: outcome.node.key, triedAt, outcome };
		this.#records.push(expiry);
		this.#run.changed();
		return expiry;
	}

	async #outcome(step: WriteStep): Promise<WriteRecord["outcome"]> {
		try {
			const { api, recorder, signal } = this.#run;
			const key = recorder.absoluteKey(step.key);
			const { outcome, index } = await api.write({ ...step, key }, recorder, signal);
			if (index !== undefined) {
				if (outcome.kind === "accepted") this.#touched.set(step.key, index);
				this.#run.saw(recorder.index(index));
			}
			return outcome;
		} catch (error) {
			if (error instanceof ConnectionError) {
				return { kind: "failed", message: error.message, maybeApplied: error.maybeApplied };
			}
			throw error;
		}
	}
}
