import { ConnectionError } from "../http/errors";
import { within } from "../http/signals";
import type { Accepted, WriteRecord } from "../timeline/timeline";
import { isBelow } from "../v2/key";
import type { Fenced, RunContext } from "./api";
import { cutValue } from "./record";
import type { BurstStep, WriteStep } from "./steps";
import { type Ending, ExpiryWatch } from "./watchers/expiry";

/** A write's place in the order tried, kept while it is under way; an expiry may come before it. */
interface Slot {
	record: WriteRecord;
}

/** The writes of a run: each is carried out, and recorded with what became of it; expiries, as the server makes them. */
export class Writer {
	readonly #slots: Slot[] = [];
	/** By the key, as the run has it. */
	readonly #expiries = new Map<string, ExpiryWatch>();
	readonly #underWay = new Set<Promise<unknown>>();

	constructor(private readonly run: RunContext) {}

	/** In the order tried; an expiry stands where its index belongs. */
	records(): WriteRecord[] {
		return this.#slots.map(({ record }, at) => (record.id === at + 1 ? record : { ...record, id: at + 1 }));
	}

	/** One write; a refusal and a lost answer are outcomes. @throws AbortedError, and what is no answer of etcd's */
	async write(step: WriteStep, burst?: number): Promise<WriteRecord> {
		const { by, operation, key, value, expected } = step;
		const { recorder } = this.run;
		const prevIndex = expected?.prevIndex;
		const absolute: WriteStep = {
			...step,
			key: recorder.absoluteKey(key),
			...(prevIndex === undefined
				? {}
				: { expected: { ...expected, prevIndex: recorder.absoluteIndex(prevIndex) } }),
		};
		const slot: Slot = {
			record: {
				...{ id: this.#slots.length + 1, by, operation, key, triedAt: this.run.now() },
				...(burst === undefined ? (value === undefined ? {} : { value: cutValue(value) }) : { burst }),
				outcome: { kind: "failed", message: "not answered yet", maybeApplied: true },
			},
		};
		this.#slots.push(slot);
		const outcome = this.#outcome(absolute);
		this.#underWay.add(outcome);
		try {
			slot.record = { ...slot.record, outcome: await outcome };
		} finally {
			this.#underWay.delete(outcome);
		}
		this.run.changed();
		return slot.record;
	}

	/** Many at once; the first failure that is no outcome ends it. `keys`: in this order. Errors as `write`. */
	async burst(step: BurstStep, number: number, keys?: readonly string[]): Promise<void> {
		const { by, directory, count, keyCount, perSecond } = step;
		const value = "x".repeat(step.valueBytes);
		const begin = performance.now();
		let next = 0;
		let failure: unknown;
		const client = async () => {
			while (next < count && failure === undefined) {
				const id = next++;
				try {
					if (perSecond !== undefined && !this.run.api.isInstant) {
						const early = begin + (id * 1000) / perSecond - performance.now();
						if (early > 1) await within(new Promise(() => {}), early, this.run.signal);
					}
					const key = keys?.[id] ?? `${directory === "/" ? "" : directory}/${id % keyCount}`;
					await this.write({ step: "write", by, operation: "set", key, value }, number);
				} catch (error) {
					failure ??= error;
				}
			}
		};
		await Promise.all(Array.from({ length: Math.min(step.connections, count) }, client));
		if (failure !== undefined) throw failure;
	}

	/** How the ttl ends that the last write to this key gave it. */
	expiryOf(key: string): Promise<Ending> {
		const watch = this.#expiries.get(key);
		if (watch !== undefined) return watch.ending;
		const last = this.records().findLast((write) => write.key === key && write.operation !== "expire");
		const why =
			last?.outcome.kind === "refused"
				? `the ${last.operation} was refused: ${last.outcome.code} ${last.outcome.message}`
				: "no write that gave it a ttl was answered";
		return Promise.resolve({ kind: "never", why });
	}

	/** What the fence has to reach, so that no expiry is left out. */
	expiryWatches(): Fenced[] {
		return [...this.#expiries.values()].filter(({ isOver }) => !isOver);
	}

	close(): void {
		for (const watch of this.#expiries.values()) watch.close();
	}

	async #outcome(step: WriteStep): Promise<WriteRecord["outcome"]> {
		try {
			const { api, recorder, signal } = this.run;
			const { outcome, index, key = step.key } = await api.write(step, recorder, signal);
			if (index !== undefined) this.run.saw(recorder.index(index));
			if (outcome.kind === "accepted" && step.ttl !== undefined && index !== undefined)
				await this.#watchExpiry(recorder.key(key), recorder.index(index));
			return outcome;
		} catch (error) {
			if (error instanceof ConnectionError) return this.run.recorder.failed(error).outcome;
			throw error;
		}
	}

	/** A watch that is there already goes on. */
	async #watchExpiry(key: string, index: number): Promise<void> {
		let watch = this.#expiries.get(key);
		if (watch === undefined || watch.isOver) {
			watch = new ExpiryWatch(key, this.run, {
				expired: (outcome) => this.#expired(outcome),
				isRemovedByRun: (removed, at) => this.#isRemovedByRun(removed, at),
			});
			this.#expiries.set(key, watch);
		}
		await watch.open(index);
	}

	/** Records what the server did by itself, once. */
	#expired(outcome: Accepted): WriteRecord {
		const { index } = outcome;
		const isAfter = ({ record }: Slot) =>
			record.outcome.kind === "accepted" ? record.outcome.index > index : record.triedAt >= index;
		const isKnown = ({ record }: Slot) =>
			record.outcome.kind === "accepted" && record.outcome.index === index;
		const known = this.#slots.find(isKnown);
		if (known !== undefined) return known.record;
		const place = this.#slots.findLastIndex((slot) => !isAfter(slot)) + 1;
		const triedAt = Math.min(this.run.now(), index - 1);
		const record = {
			id: place + 1,
			by: "etcd",
			operation: "expire",
			key: outcome.node.key,
			triedAt,
			outcome,
		};
		this.#slots.splice(place, 0, { record });
		this.run.sawEvent(index);
		this.run.changed();
		return record;
	}

	/** v3 does not tell an expiry from a delete: whether one of the run's own writes took the key away, or may have. */
	async #isRemovedByRun(key: string, index: number): Promise<boolean> {
		await Promise.allSettled(this.#underWay);
		return this.#slots.some(({ record: { outcome, key: written, operation } }) => {
			if (outcome.kind === "accepted") return outcome.index === index;
			const removes = operation === "delete" || operation === "rmdir" || operation === "compareAndDelete";
			return (
				outcome.kind === "failed" &&
				outcome.maybeApplied &&
				removes &&
				(written === key || isBelow(key, written))
			);
		});
	}
}
