import { within } from "../http/signals";
import type {
	CompactionRecord,
	FaultRecord,
	Timeline,
	WithoutCounterpart,
	WriteRecord,
} from "../timeline/timeline";
import type { Api, Faults, RunContext, RunOptions, Target } from "./api";
import type { Recorder } from "./record";
import type { ExpiryStep, FaultStep, OpenStep, Step, WatcherStep } from "./steps";
import { Patience, promptMs, Settling } from "./waits";
import { ClientWatcher } from "./watchers/client";
import { FollowerWatcher } from "./watchers/follower";
import type { RunWatcher } from "./watchers/watcher";
import { Writer } from "./writing";

/** What a run is made of. */
interface RunParts {
	readonly name: string;
	readonly api: Api;
	readonly recorder: Recorder;
	/** What has no counterpart; `isDone`: the step itself is carried out. */
	readonly without: readonly (WithoutCounterpart & { readonly isDone: boolean })[];
	readonly target?: Pick<Target, "faults" | "followOptions">;
	readonly options: RunOptions;
	/** In which order a burst's keys are written, by the number of its step; as the burst has them unless given. */
	readonly burstKeys?: (step: number) => readonly string[];
}

/** How long a step may wait for what the server is sure to do. */
export const stepMs = 30_000;
/** How long a watcher may take to be registered. */
const openMs = 10_000;
/** Watchers that know several servers may have gone to another one than that which fails. */
const cutMs = 2_000;

/** Carries out the steps of a scenario, one after the other, and records what happens. */
export class Run implements RunContext {
	readonly api: Api;
	readonly recorder: Recorder;
	readonly signal: AbortSignal;
	readonly #parts: RunParts;
	readonly #stop = new AbortController();
	readonly #writer = new Writer(this);
	readonly #settling: Settling;
	readonly #patience: Patience;
	readonly #watchers = new Map<string, RunWatcher>();
	readonly #faults: FaultRecord[] = [];
	readonly #compactions: CompactionRecord[] = [];
	#steady: Promise<void> = Promise.resolve();
	#fences: Timeline["fences"] = [];
	#now = 0;
	#isEnding = false;

	constructor(parts: RunParts) {
		this.#parts = parts;
		this.api = parts.api;
		this.recorder = parts.recorder;
		const { signal } = parts.options;
		this.signal = signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal;
		this.#settling = new Settling(this.api.isInstant, this.signal);
		this.#patience = new Patience(this, parts.options, () => this.#throwFatal());
	}

	now(): number {
		return this.#now;
	}

	saw(index: number): void {
		if (!this.#isEnding) this.sawEvent(index);
	}

	sawEvent(index: number): void {
		this.#now = Math.max(this.#now, index);
	}

	changed(): void {
		this.#parts.options.onChange?.(() => this.timeline());
	}

	steady(): Promise<void> {
		return this.#steady;
	}

	/** Carries out all steps but those that are left out, and makes sure that nothing is on its way. */
	async steps(steps: readonly Step[]): Promise<Timeline> {
		const leftOut = new Set(this.#parts.without.flatMap(({ step, isDone }) => (isDone ? [] : [step])));
		for (const [at, step] of steps.entries()) if (!leftOut.has(at + 1)) await this.#take(step, at + 1);
		this.#isEnding = true;
		const open = [...this.#watchers.values(), ...this.#writer.expiryWatches()].filter(
			({ isOver, isPaused }) => !isOver && !isPaused,
		);
		this.#fences = await this.api.fence(this.recorder, open, this.signal);
		this.#throwFatal();
		return this.timeline();
	}

	/** Nothing stays open, whether the run ended well or not. */
	async close(): Promise<void> {
		this.#stop.abort();
		this.#writer.close();
		try {
			await Promise.all([...this.#watchers.values()].map((watcher) => watcher.drop("closed")));
			await this.api.clear(this.recorder.prefix);
		} finally {
			if (this.#faults.length > 0) await this.#parts.target?.faults?.mend();
		}
	}

	timeline(): Timeline {
		const { name } = this.#parts;
		const without = this.#parts.without.map(({ step, what, why }) => ({ step, what, why }));
		return {
			format: "etcd-watch-lab/timeline",
			version: 1,
			name,
			api: this.api.name,
			server: this.api.server,
			origin: this.recorder.origin,
			lastIndex: this.#now,
			writes: this.#writer.records(),
			watchers: [...this.#watchers.values()].map((watcher) => watcher.record()),
			fences: this.#fences,
			...(this.#faults.length === 0 ? {} : { faults: [...this.#faults] }),
			...(this.#compactions.length === 0 ? {} : { compactions: [...this.#compactions] }),
			...(without.length === 0 ? {} : { withoutCounterpart: without }),
		};
	}

	async #take(step: Step, number: number): Promise<void> {
		this.#throwFatal();
		switch (step.step) {
			case "write":
				return this.#settled(await this.#writer.write(step));
			case "burst":
				return this.#writer.burst(step, number, this.#parts.burstKeys?.(number));
			case "awaitExpiry":
				return this.#awaitExpiry(step, number);
			case "awaitDelivery":
				return this.#patience.events(this.#watcher(step.watcher, number), step, number);
			case "fault":
				return this.#fault(step, number);
			case "compact":
				return this.#compact(step.index ?? this.#now, number);
			default:
				return "key" in step ? this.#open(step, number) : this.#toWatcher(step, number);
		}
	}

	async #open(step: OpenStep, number: number): Promise<void> {
		const { watcher: name } = step;
		const before = this.#watchers.get(name);
		if (before) {
			const answer = `the answer to the poll "${name}" before it`;
			await this.#patience.inTime(before.reading, number, answer, promptMs, () => {
				return "no event that is for it has been";
			});
		} else await this.#memberIsLevel(number);
		const watcher =
			before ??
			(step.step === "follow"
				? new FollowerWatcher(step, this, this.#parts.target?.followOptions)
				: new ClientWatcher(step, this));
		this.#watchers.set(name, watcher);
		await this.#patience.inTime(watcher.open(step), number, `"${name}" to be registered`, openMs);
		await this.#refusedOr(watcher, number);
		await this.#settling.opened(this.timeline(), watcher);
	}

	/** A member that is behind would send a watcher that is opened now what was written before. */
	async #memberIsLevel(number: number): Promise<void> {
		if (this.#faults.length > 0) return;
		const reached = this.api.reached(this.recorder.absoluteIndex(this.#now), this.signal);
		await this.#patience.inTime(
			reached,
			number,
			"the watchers' member to come to where the others are",
			openMs,
		);
	}

	/** v3 registers a watch first, and then says that what it asks for has been compacted. */
	async #refusedOr(watcher: RunWatcher, number: number): Promise<void> {
		const compacted = this.#compactions.at(-1)?.index;
		// A follower is not refused: it lists, and goes on.
		if (compacted === undefined || watcher.kind === "follow") return;
		const asked = watcher.record().life.findLast(({ kind }) => kind === "asked");
		if (asked?.kind !== "asked" || asked.waitIndex === undefined || asked.waitIndex >= compacted) return;
		await this.#patience.inTime(watcher.reading, number, "the refusal of what has been compacted", stepMs);
	}

	async #compact(index: number, number: number): Promise<void> {
		if (index > this.#now)
			throw this.#patience.error(`step ${number}: there is no index ${index} yet, the last is ${this.#now}`);
		const last = this.#compactions.at(-1)?.index;
		if (last !== undefined && index <= last)
			throw this.#patience.error(
				`step ${number}: what is older than ${last} is compacted already, and etcd refuses to do it again`,
			);
		await this.api.compact?.(this.recorder.absoluteIndex(index), this.signal);
		this.#compactions.push({ at: this.#now, index });
		this.changed();
	}

	async #toWatcher({ step, watcher: name }: WatcherStep, number: number): Promise<void> {
		const watcher = this.#watcher(name, number);
		if (step === "close" || step === "cut" || step === "pause")
			await this.#settling.level(this.timeline(), watcher);
		if (step === "close") await watcher.drop("closed");
		else if (step === "cut") await watcher.drop("cut");
		else if (step === "pause") watcher.pause();
		else if (step === "resume") watcher.resume();
		else if (step === "awaitProgress") {
			const told = watcher.progressed(this.#now);
			const what = "the message that says how far the store is (progress notify)";
			await this.#patience.inTime(told, number, what, stepMs);
		} else {
			if (step === "recover") {
				const why = () =>
					`it was not refused: ${watcher.isOver ? "it was answered" : "it waits for an event"}`;
				await this.#patience.inTime(
					watcher.reading,
					number,
					`the end of "${name}" by an error`,
					promptMs,
					why,
				);
			}
			const asked = step === "recover" ? watcher.recover() : watcher.reconnect();
			await this.#patience.inTime(asked, number, `"${name}" to be registered again`, openMs);
			await this.#refusedOr(watcher, number);
		}
		await this.#settling.opened(this.timeline(), watcher);
	}

	/** What it cuts is cut, what was to find its way has found it, and a new store's indexes are counted on. */
	async #fault({ fault }: FaultStep, number: number): Promise<void> {
		const { faults } = this.#parts.target ?? {};
		if (faults === undefined) return;
		this.#faults.push({ kind: fault, at: this.#now });
		this.changed();
		const watchers = [...this.#watchers.values()];
		for (const watcher of watchers) watcher.silence(fault === "pause" || fault === "cutOff");
		const besides = fault === "wipe" ? await this.#wipe(faults) : await faults.make(fault);
		for (const kind of besides) this.#faults.push({ kind, at: this.#now });
		const seen = Promise.all(watchers.map((watcher) => watcher.sawFault(fault)));
		if (fault === "kill" && this.api.endpointCount > 1) await within(seen, cutMs, this.signal);
		else await this.#patience.inTime(seen, number, `the watchers to notice the "${fault}"`, stepMs);
		this.#throwFatal();
		for (const watcher of watchers) {
			// A v2 watch that waited while its member was sent the whole store is not told. v3's are (`Restore` in
			// mvcc/watchable_store.go).
			const isSkipped = besides.includes("snapshot") && this.api.name === "v2" && watcher.kind !== "follow";
			if (!isSkipped) await this.#settling.opened(this.timeline(), watcher, watcher.faultMs);
		}
	}

	#wipe(faults: Faults): Promise<readonly FaultRecord["kind"][]> {
		const at = this.#now;
		const made = faults.make("wipe").then(async (besides) => {
			this.recorder.wiped(await this.api.now("/", this.signal), at);
			return besides;
		});
		this.#steady = made.then(
			() => {},
			() => {},
		);
		return made;
	}

	async #settled(write: WriteRecord): Promise<void> {
		await this.#settling.written(this.timeline(), [...this.#watchers.values()], write);
		await this.#parts.options.onWritten?.(write, this);
	}

	async #awaitExpiry({ key }: ExpiryStep, number: number): Promise<void> {
		this.api.passUntilExpiry?.(this.recorder.absoluteKey(key));
		const ending = await this.#patience.inTime(
			this.#writer.expiryOf(key),
			number,
			`the expiry of ${key}`,
			stepMs,
		);
		if (ending.kind === "expired") return this.#settled(ending.write);
		throw this.#patience.error(
			`step ${number} waits for the expiry of ${key}, which does not come: ${ending.why}`,
		);
	}

	#watcher(name: string, number: number): RunWatcher {
		const watcher = this.#watchers.get(name);
		if (!watcher) throw this.#patience.error(`step ${number}: no watcher is called "${name}"`);
		return watcher;
	}

	#throwFatal(): void {
		for (const { fatal } of this.#watchers.values()) if (fatal !== undefined) throw fatal;
	}
}
