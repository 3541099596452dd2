import { setTimeout as wait } from "node:timers/promises";
import { AbortedError, KeyNotFoundError, type Keys, LabError } from "../etcd";
import { fence } from "./fence";
import { Following } from "./following";
import { announceWrites } from "./polite";
import { Recorder } from "./record";
import { replayed, settled } from "./settle";
import type { DeliveryStep, ExpiryStep, FaultStep, OpenStep, Step, WatcherStep } from "./steps";
import type { Faults, Target } from "./target";
import type { FaultRecord, Timeline, WriteRecord } from "./timeline";
import type { Watched } from "./watched";
import { type Surroundings, Watching } from "./watching";
import { Writing } from "./writing";

export interface RunOptions {
	readonly signal?: AbortSignal;
	/** Called whenever something was recorded; `timeline()` is what there is so far. */
	readonly onChange?: (timeline: () => Timeline) => void;
	/** Called after each single write and expiry, refused ones too; the next step waits for it. */
	readonly onWritten?: (
		write: WriteRecord,
		run: { readonly recorder: Recorder; readonly signal: AbortSignal },
	) => Promise<void>;
	/** How long a step may wait for what it depends on; 30 000 unless given. */
	readonly stepTimeoutMs?: number;
}

/** A scenario that can't go on: a step waits for something that does not come. */
export class ScenarioError extends LabError {}

/** See `Scenario.run`. */
export async function runScenario(
	name: string,
	steps: readonly Step[],
	target: Target,
	options: RunOptions,
): Promise<Timeline> {
	if (steps.some(({ step }) => step === "fault") && target.faults === undefined) {
		throw new ScenarioError(
			`"${name}" has faults in it, and they are for clusters that the lab started: run it on atMember(cluster, member)`,
		);
	}
	const writes = steps.reduce((sum, step) => sum + (step.step === "burst" ? step.count : 1), 0);
	announceWrites(target, writes, `"${name}" makes ${writes} writes, which`);
	const prefix = target.newPrefix();
	const origin = await indexOf(target.v2, prefix, options.signal);
	const run = new Run(name, target, new Recorder(prefix, origin), options);
	try {
		for (const [at, step] of steps.entries()) await run.take(step, at + 1);
		await run.finish();
		return run.timeline();
	} finally {
		await run.close();
		if (run.hasFaults) await target.faults?.mend();
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
	readonly watchers: Keys;
	readonly recorder: Recorder;
	readonly signal: AbortSignal;
	readonly #name: string;
	readonly #target: Target;
	readonly #options: RunOptions;
	readonly #stop = new AbortController();
	readonly #writing = new Writing(this);
	readonly #watchings = new Map<string, Watched>();
	readonly #faults: FaultRecord[] = [];
	#steady: Promise<void> = Promise.resolve();
	#fences: Timeline["fences"] = [];
	#now = 0;
	#lastIndex: number | undefined;

	constructor(name: string, target: Target, recorder: Recorder, options: RunOptions) {
		this.#name = name;
		this.#target = target;
		this.v2 = target.v2;
		this.watchers = target.newWatchers?.() ?? target.v2;
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

	steady(): Promise<void> {
		return this.#steady;
	}

	get hasFaults(): boolean {
		return this.#faults.length > 0;
	}

	async take(step: Step, number: number): Promise<void> {
		this.#throwFatal();
		if (step.step === "write") await this.#settled(await this.#writing.write(step));
		else if (step.step === "burst") await this.#writing.burst(step, number);
		else if (step.step === "awaitExpiry") await this.#awaitExpiry(step, number);
		else if (step.step === "awaitDelivery") await this.#awaitDelivery(step, number);
		else if (step.step === "fault") await this.#fault(step, number);
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
		if (this.watchers !== this.v2) await this.watchers.close();
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
			writes: this.#writing.records(),
			watchers: [...this.#watchings.values()].map((watching) => watching.record()),
			fences: this.#fences,
			...(this.#faults.length === 0 ? {} : { faults: [...this.#faults] }),
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
		const watching =
			step.step === "follow"
				? new Following(step, this, this.#target.followOptions)
				: new Watching(step, this);
		this.#watchings.set(step.watcher, watching);
		await watching.open(step);
		await replayed(this.timeline(), watching);
	}

	async #toWatcher({ step, watcher }: WatcherStep, number: number): Promise<void> {
		const watching = this.#watching(watcher, number);
		if (step === "close") await watching.drop("closed");
		else if (step === "cut") await watching.drop("cut");
		else if (step === "reconnect") await watching.reconnect();
		else if (!(watching instanceof Watching)) return;
		else if (step === "pause") watching.pause();
		else if (step === "resume") watching.resume();
		else {
			await this.#inTime(watching.reading, number, `the end of "${watcher}" by an error`);
			await watching.recover();
		}
		await replayed(this.timeline(), watching);
	}

	/** What it cuts is cut, what was to find its way has found it, and a new store's indexes are counted on. */
	async #fault({ fault }: FaultStep, number: number): Promise<void> {
		const { faults } = this.#target;
		if (faults === undefined) return;
		this.#faults.push({ kind: fault, at: this.#now });
		this.changed();
		const loops: Watching[] = [];
		const followers: Following[] = [];
		for (const one of this.#watchings.values()) {
			if (one instanceof Watching) loops.push(one);
			if (one instanceof Following) followers.push(one);
		}
		const silent = fault === "pause" || fault === "cutOff";
		for (const watching of this.#watchings.values()) watching.silence(silent);
		let skips = false;
		if (fault === "wipe") await this.#wipe(faults);
		else {
			const besides = await faults.make(fault);
			skips = besides.includes("snapshot");
			for (const kind of besides) this.#faults.push({ kind, at: this.#now });
		}
		if (fault === "kill" || fault === "wipe") {
			const cut = Promise.all(loops.map(({ reading }) => reading));
			await this.#inTime(cut, number, `the end of the connections that "${fault}" cuts`);
		}
		if (fault === "wipe") {
			const told = Promise.all(followers.map((follower) => follower.wasReset()));
			await this.#inTime(told, number, "the followers to find the new store");
		}
		this.#throwFatal();
		// Who waited while the member was sent the whole store is waiting still.
		for (const one of skips ? followers : [...followers, ...loops]) await replayed(this.timeline(), one);
	}

	async #wipe(faults: Faults): Promise<void> {
		const at = this.#now;
		let done = () => {};
		this.#steady = new Promise((resolve) => {
			done = resolve;
		});
		try {
			await faults.make("wipe");
			this.recorder.wiped(await indexOf(this.v2, "/", this.signal), at);
		} finally {
			done();
		}
	}

	async #settled(write: WriteRecord): Promise<void> {
		await settled(this.timeline(), [...this.#watchings.values()], write);
		await this.#options.onWritten?.(write, this);
	}

	async #awaitExpiry({ key }: ExpiryStep, number: number): Promise<void> {
		const watcher = this.v2.watcher(this.recorder.absoluteKey(key), {
			afterIndex: this.#writing.touchedAt(key),
			signal: this.signal,
		});
		try {
			for (;;) {
				const event = await this.#inTime(watcher.next(), number, `the expiry of ${key}`);
				if (event.action === "delete")
					throw new ScenarioError(`step ${number}: ${key} was deleted before it expired`);
				if (event.action === "expire") return this.#settled(this.#writing.expired(event));
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

	#watching(name: string, number: number): Watched {
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
