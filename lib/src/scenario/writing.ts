import { setTimeout as wait } from "node:timers/promises";
import { AbortedError, type Answer, ConnectionError, EtcdError, type Keys, type WatchEvent } from "../etcd";
import type { BurstStep, Operation, WriteStep } from "./steps";
import type { WriteRecord } from "./timeline";
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
	expired(event: WatchEvent): WriteRecord {
		const { recorder } = this.#run;
		const triedAt = this.#run.now();
		const outcome = recorder.accepted("expire", event);
		this.#run.saw(outcome.index);
		const id = this.#records.length + 1;
		const expiry = { id, by: "etcd", operation: "expire", key: outcome.node.key, triedAt, outcome };
		this.#records.push(expiry);
		this.#run.changed();
		return expiry;
	}

	async #outcome(step: WriteStep): Promise<WriteRecord["outcome"]> {
		try {
			const key = this.#run.recorder.absoluteKey(step.key);
			const answer = await send(this.#run.v2, { ...step, key }, this.#run.signal);
			this.#touched.set(step.key, answer.node.modifiedIndex);
			this.#run.saw(this.#run.recorder.index(answer.node.modifiedIndex));
			return this.#run.recorder.accepted(step.operation, answer);
		} catch (error) {
			if (error instanceof EtcdError) {
				if (error.index > 0) this.#run.saw(this.#run.recorder.index(error.index));
				return this.#run.recorder.refused(error, step.expected?.prevIndex);
			}
			if (error instanceof ConnectionError) {
				return { kind: "failed", message: error.message, maybeApplied: error.maybeApplied };
			}
			throw error;
		}
	}
}

/** The keys API's method for a step. */
function send(v2: Keys, step: WriteStep, signal: AbortSignal): Promise<Answer> {
	const { key, value = "", ttl, recursive, expected = {} } = step;
	const options = { signal, ...(ttl === undefined ? {} : { ttl }) };
	const methods: Record<Operation, () => Promise<Answer>> = {
		set: () => v2.set(key, value, options),
		create: () => v2.create(key, value, options),
		createInOrder: () => v2.createInOrder(key, value, options),
		update: () => v2.update(key, value, options),
		delete: () => v2.delete(key, options),
		mkdir: () => v2.mkdir(key, options),
		updateDirectory: () => v2.updateDirectory(key, options),
		rmdir: () => v2.rmdir(key, { signal, ...(recursive === undefined ? {} : { recursive }) }),
		compareAndSwap: () => v2.compareAndSwap(key, value, expected, options),
		compareAndDelete: () => v2.compareAndDelete(key, expected, options),
		refresh: () => v2.refresh(key, ttl ?? 0, options),
	};
	return methods[step.operation]();
}
