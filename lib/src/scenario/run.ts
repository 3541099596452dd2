import { setTimeout as wait } from "node:timers/promises";
import {
	AbortedError,
	type Answer,
	ConnectionError,
	EtcdError,
	KeyNotFoundError,
	type Keys,
	LabError,
	RaftError,
} from "../etcd";
import { historyRule } from "../model";
import { eventOf } from "./explain";
import { fence } from "./fence";
import { Recorder } from "./record";
import { accepted, isVisible } from "./scope";
import type {
	BurstStep,
	DeliveryStep,
	ExpiryStep,
	OpenStep,
	Operation,
	Step,
	WatcherStep,
	WriteStep,
} from "./steps";
import type { Timeline, WriteRecord } from "./timeline";
import { type Surroundings, Watching } from "./watching";

/** A server that a scenario runs on; every `Lab` is one. */
export interface Target {
	readonly v2: Keys;
	readonly version: string;
	/** True when nobody else uses the server: its count of watchers is then the run's own. */
	readonly owned: boolean;
	newPrefix(): string;
	/** Throws when the server has other users, whom the experiment would hurt. */
	mayOverflow(what: string): void;
}

export interface RunOptions {
	readonly signal?: AbortSignal;
	/** Called whenever something was recorded; `timeline()` is what there is so far. */
	readonly onChange?: (timeline: () => Timeline) => void;
	/** How long a step may wait for what it depends on; 30 000 unless given. */
	readonly stepTimeoutMs?: number;
}

/** A scenario that can't go on: a step waits for something that does not come. */
export class ScenarioError extends LabError {}

/** A quarter of the event history: as many writes as a stranger's watcher surely survives. */
const politeWriteCount = 250;

/** How long a loop may take to be woken by a write before the next step goes on without it. */
const settleMs = 2_000;

/** See `Scenario.run`. */
export async function runScenario(
	name: string,
	steps: readonly Step[],
	target: Target,
	options: RunOptions,
): Promise<Timeline> {
	const writes = steps.reduce((sum, step) => sum + (step.step === "burst" ? step.count : 1), 0);
	if (writes > politeWriteCount) target.mayOverflow(`"${name}" makes ${writes} writes, which`);
	const prefix = target.newPrefix();
	const origin = await indexOf(target.v2, prefix, options.signal);
	const run = new Run(name, target, new Recorder(prefix, origin), options);
	try {
		for (const [at, step] of steps.entries()) await run.take(step, at + 1);
		await run.finish();
		return run.timeline();
	} finally {
		await run.close();
	}
}

/** The store's index; the key does not exist, and the error says the index all the same. */
async function indexOf(v2: Keys, key: string, signal: AbortSignal | undefined): Promise<number> {
	try {
		return (await v2.get(key, signal ? { signal } : {})).etcdIndex;
	} catch (error) {
		if (error instanceof KeyNotFoundError) return error.index;
		throw error;
	}
}

class Run implements Surroundings {
	readonly v2: Keys;
	readonly recorder: Recorder;
	readonly signal: AbortSignal;
	readonly #name: string;
	readonly #target: Target;
	readonly #options: RunOptions;
	readonly #stop = new AbortController();
	readonly #writes: WriteRecord[] = [];
	readonly #watchings = new Map<string, Watching>();
	/** The absolute index of the last accepted write to a key. */
	readonly #touched = new Map<string, number>();
	#fences: Timeline["fences"] = [];
	#now = 0;
	#lastIndex: number | undefined;

	constructor(name: string, target: Target, recorder: Recorder, options: RunOptions) {
		this.#name = name;
		this.#target = target;
		this.v2 = target.v2;
		this.recorder = recorder;
		this.#options = options;
		this.signal = options.signal ? AbortSignal.any([options.signal, this.#stop.signal]) : this.#stop.signal;
	}

	now(): number {
		return this.#now;
	}

	saw(index: number): void {
		// What the fence does is not part of the story.
		if (this.#lastIndex === undefined && index > this.#now) this.#now = index;
	}

	changed(): void {
		this.#options.onChange?.(() => this.timeline());
	}

	async take(step: Step, number: number): Promise<void> {
		this.#throwFatal();
		if (step.step === "write") await this.#settled(await this.#write(step, undefined));
		else if (step.step === "burst") await this.#burst(step, number);
		else if (step.step === "awaitExpiry") await this.#awaitExpiry(step, number);
		else if (step.step === "awaitDelivery") await this.#awaitDelivery(step, number);
		else if ("key" in step) await this.#open(step, number);
		else await this.#toWatcher(step, number);
	}

	/** The fence, and every watcher's proof. */
	async finish(): Promise<void> {
		this.#lastIndex = this.#now;
		this.#fences = await fence(this.#target, this.recorder, [...this.#watchings.values()], this.signal);
		this.#throwFatal();
	}

	/** Nothing stays open, whether the run ended well or not. */
	async close(): Promise<void> {
		this.#stop.abort();
		await Promise.all([...this.#watchings.values()].map((watching) => watching.drop("closed")));
	}

	timeline(): Timeline {
		return {
			format: "etcd-watch-lab/timeline",
			version: 1,
			name: this.#name,
			api: "v2",
			server: this.#target.version,
			origin: this.recorder.origin,
			lastIndex: this.#lastIndex ?? this.#now,
			writes: [...this.#writes],
			watchers: [...this.#watchings.values()].map((watching) => watching.record()),
			fences: this.#fences,
		};
	}

	async #open(step: OpenStep, number: number): Promise<void> {
		const before = this.#watchings.get(step.watcher);
		if (before) {
			await this.#inTime(before.reading, number, `the answer to the poll "${step.watcher}" before it`);
			this.#throwFatal();
			await before.open(step);
			return;
		}
		const watching = new Watching(step, this);
		this.#watchings.set(step.watcher, watching);
		await watching.open(step);
		await this.#replayed(watching);
	}

	async #toWatcher({ step, watcher }: WatcherStep, number: number): Promise<void> {
		const watching = this.#watching(watcher, number);
		if (step === "pause") watching.pause();
		else if (step === "resume") watching.resume();
		else if (step === "close") await watching.drop("closed");
		else if (step === "cut") await watching.drop("cut");
		else if (step === "reconnect") await watching.reconnect();
		else {
			await this.#inTime(watching.reading, number, `the end of "${watcher}" by an error`);
			await watching.recover();
		}
		await this.#replayed(watching);
	}

	async #write(step: WriteStep, burst: number | undefined): Promise<WriteRecord> {
		const { by, operation, key, value } = step;
		const absolute: WriteStep =
			step.expected?.prevIndex === undefined
				? step
				: {
						...step,
						expected: { ...step.expected, prevIndex: this.recorder.absoluteIndex(step.expected.prevIndex) },
					};
		const at = this.#writes.length;
		const tried = {
			id: at + 1,
			by,
			operation,
			key,
			triedAt: this.#now,
			...(burst === undefined ? {} : { burst }),
		};
		const record = burst === undefined && value !== undefined ? { ...tried, value } : tried;
		// Its place is kept while it is under way, so that ids are in the order tried.
		this.#writes.push({
			...record,
			outcome: { kind: "failed", message: "not answered yet", maybeApplied: true },
		});
		const written = { ...record, outcome: await this.#outcome(absolute) };
		this.#writes[at] = written;
		this.changed();
		return written;
	}

	/**
	 * The loops that a write must have woken have asked again before the next step, so that two runs of a scenario
	 * give the same timeline.
	 */
	async #settled(write: WriteRecord): Promise<void> {
		const { outcome } = write;
		if (outcome.kind !== "accepted") return;
		const woken = { write, outcome, index: outcome.index, key: outcome.node.key };
		const soFar = this.timeline();
		await this.#caughtUp(
			[...this.#watchings.values()].filter(
				(watching) => watching.asksAgain && isVisible(soFar, watching.record(), woken),
			),
			outcome.index,
		);
	}

	/** The same for a loop that asked for the past: it has been sent what was there. */
	async #replayed(watching: Watching): Promise<void> {
		const record = watching.record();
		const asked = record.life.findLast((event) => event.kind === "asked");
		if (!watching.asksAgain || asked?.kind !== "asked" || asked.waitIndex === undefined) return;
		const from = asked.waitIndex;
		const soFar = this.timeline();
		const request = { key: record.key, recursive: record.recursive, stream: false };
		const last = accepted(soFar).findLast(({ index, outcome }) => {
			// What the history gives goes by its own rule, hidden names included.
			return index >= from && historyRule(request, eventOf(outcome)) !== undefined;
		});
		if (last) await this.#caughtUp([watching], last.index);
	}

	/** A loop that was not woken, against the rules, is waited for in vain and not for long. */
	async #caughtUp(loops: readonly Watching[], index: number): Promise<void> {
		if (loops.length === 0) return;
		const inTime = new AbortController();
		const late = wait(settleMs, undefined, { signal: inTime.signal }).catch(() => {});
		await Promise.race([Promise.all(loops.map((watching) => watching.caughtUp(index))), late]);
		inTime.abort();
	}

	async #outcome(step: WriteStep): Promise<WriteRecord["outcome"]> {
		try {
			const key = this.recorder.absoluteKey(step.key);
			const answer = await send(this.v2, { ...step, key }, this.signal);
			this.#touched.set(step.key, answer.node.modifiedIndex);
			this.saw(this.recorder.index(answer.node.modifiedIndex));
			return this.recorder.accepted(step.operation, answer);
		} catch (error) {
			if (error instanceof RaftError) {
				return { ...this.recorder.refused(error) };
			}
			if (error instanceof EtcdError) {
				if (error.index > 0) this.saw(this.recorder.index(error.index));
				return this.recorder.refused(error, step.expected?.prevIndex);
			}
			if (error instanceof ConnectionError) {
				return { kind: "failed", message: error.message, maybeApplied: error.maybeApplied };
			}
			throw error;
		}
	}

	async #burst(step: BurstStep, number: number): Promise<void> {
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
					await this.#write({ step: "write", by, operation: "set", key, value }, number);
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
			await wait(durationMs, undefined, { signal: this.signal });
		} catch (cause) {
			throw new AbortedError("the run was interrupted", { cause });
		}
	}

	async #awaitExpiry({ key }: ExpiryStep, number: number): Promise<void> {
		const watcher = this.v2.watcher(this.recorder.absoluteKey(key), {
			afterIndex: this.#touched.get(key) ?? this.recorder.origin,
			signal: this.signal,
		});
		try {
			for (;;) {
				const event = await this.#inTime(watcher.next(), number, `the expiry of ${key}`);
				const record = this.recorder.delivery(event);
				if (event.action === "delete")
					throw new ScenarioError(`step ${number}: ${key} was deleted before it expired`);
				if (event.action !== "expire") continue;
				const triedAt = this.#now;
				this.saw(record.index);
				const outcome = this.recorder.accepted("expire", event);
				const id = this.#writes.length + 1;
				const expiry = { id, by: "etcd", operation: "expire", key: record.key, triedAt, outcome };
				this.#writes.push(expiry);
				this.changed();
				return this.#settled(expiry);
			}
		} finally {
			watcher.close();
		}
	}

	async #awaitDelivery({ watcher, count }: DeliveryStep, number: number): Promise<void> {
		const watching = this.#watching(watcher, number);
		await this.#inTime(watching.delivered(count), number, `event ${count} of "${watcher}"`);
		this.#throwFatal();
	}

	#watching(name: string, number: number): Watching {
		const watching = this.#watchings.get(name);
		if (!watching) throw new ScenarioError(`step ${number}: no watcher is called "${name}"`);
		return watching;
	}

	async #inTime<T>(pending: Promise<T>, number: number, what: string): Promise<T> {
		const timeoutMs = this.#options.stepTimeoutMs ?? 30_000;
		const inTime = new AbortController();
		const late = wait(timeoutMs, undefined, { signal: AbortSignal.any([inTime.signal, this.signal]) }).then(
			() => {
				throw new ScenarioError(`step ${number} waited ${timeoutMs} ms for ${what}, which did not come`);
			},
			() => {
				// Either it came in time and nobody looks here, or the run was stopped.
				throw new AbortedError("the run was interrupted");
			},
		);
		try {
			return await Promise.race([pending, late]);
		} finally {
			late.catch(() => {});
			inTime.abort();
		}
	}

	#throwFatal(): void {
		for (const { fatal } of this.#watchings.values()) if (fatal !== undefined) throw fatal;
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
