import { setTimeout as wait } from "node:timers/promises";
import { AbortedError, ArgumentError, LabError } from "../http";
import type {
	CompactionRecord,
	FaultRecord,
	Timeline,
	WithoutCounterpart,
	WriteRecord,
} from "../timeline/timeline";
import { checkOptions, checkV2Keys, writeCount } from "./checks";
import { withoutCounterpart } from "./counterparts";
import { Following } from "./following";
import { announceWrites } from "./polite";
import { Recorder } from "./record";
import { replayed, settled } from "./settle";
import type { CompactStep, DeliveryStep, ExpiryStep, FaultStep, OpenStep, Step, WatcherStep } from "./steps";
import type { Faults, Target } from "./target";
import { V2Api } from "./v2/api";
import { V3Api } from "./v3/api";
import type { Watched } from "./watched";
import { type Surroundings, Watching } from "./watching";
import { Writing } from "./writing";

export interface RunOptions {
	/** Which API of the server it is run on; "v2" unless given. */
	readonly api?: Timeline["api"];
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

/** How long a follower may take to find its way after a fault. */
const followerMs = 20_000;

/** A scenario that can't go on: a step waits for something that does not come. */
export class ScenarioError extends LabError {}

/** See `Scenario.run`. */
export async function runScenario(
	name: string,
	steps: readonly Step[],
	target: Target,
	options: RunOptions,
): Promise<Timeline> {
	checkOptions("run", options, ["api", "signal", "onChange", "onWritten", "stepTimeoutMs"]);
	if (steps.some(({ step }) => step === "fault") && target.faults === undefined) {
		throw new ScenarioError(
			`"${name}" has faults in it, and they are for clusters that the lab started: run it on atMember(cluster, member)`,
		);
	}
	const api = apiOf(target, options.api ?? "v2");
	const without = withoutCounterpart(steps, api.name);
	checkWorth(name, steps, without, api.name);
	if (api.name === "v2") {
		checkV2Keys(steps);
		const writes = writeCount(steps);
		announceWrites(target, writes, `"${name}" makes ${writes} writes, which`);
	} else if (steps.some(({ step }) => step === "compact")) {
		target.mayOverflow(`"${name}" compacts the store, which`);
	}
	const prefix = target.newPrefix();
	const origin = await api.now(prefix, options.signal);
	const run = new Run(name, target, api, new Recorder(prefix, origin), without, options);
	const leftOut = new Set(without.flatMap(({ step, isDone }) => (isDone ? [] : [step])));
	try {
		for (const [at, step] of steps.entries()) if (!leftOut.has(at + 1)) await run.take(step, at + 1);
		await run.finish();
		return run.timeline();
	} finally {
		await run.close();
		if (run.hasFaults) await target.faults?.mend();
	}
}

function apiOf(target: Target, name: Timeline["api"]): V2Api | V3Api {
	if (name === "v2") return new V2Api(target);
	if (name !== "v3") throw new ArgumentError(`there is no api "${String(name)}": it is "v2" or "v3"`);
	if (target.v3 === undefined)
		throw new ScenarioError("this server's v3 API is not at hand: run it on a lab");
	return new V3Api(target.v3, target.newV3Watchers?.());
}

/** A run without one of its writes would show a silence that means nothing. */
function checkWorth(
	name: string,
	steps: readonly Step[],
	without: ReturnType<typeof withoutCounterpart>,
	api: Timeline["api"],
): void {
	const isLeftOut = (at: number) => without.some(({ step, isDone }) => step === at + 1 && !isDone);
	const acts = steps.filter(({ step }) => step === "write" || step === "burst" || step === "compact");
	if (acts.length === 0 || acts.some((step) => !isLeftOut(steps.indexOf(step)))) return;
	const why = without.map(({ step, what, why }) => `step ${step}, ${what}: ${why}`).join("; ");
	throw new ScenarioError(`nothing that "${name}" does has a counterpart in ${api}: ${why}`);
}

class Run implements Surroundings {
	readonly api: V2Api | V3Api;
	readonly recorder: Recorder;
	readonly signal: AbortSignal;
	readonly #name: string;
	readonly #target: Target;
	readonly #options: RunOptions;
	readonly #stop = new AbortController();
	readonly #writing = new Writing(this);
	readonly #watchings = new Map<string, Watched>();
	readonly #faults: FaultRecord[] = [];
	readonly #compactions: CompactionRecord[] = [];
	readonly #without: readonly WithoutCounterpart[];
	#steady: Promise<void> = Promise.resolve();
	#fences: Timeline["fences"] = [];
	#now = 0;
	#lastIndex: number | undefined;

	constructor(
		name: string,
		target: Target,
		api: V2Api | V3Api,
		recorder: Recorder,
		without: readonly WithoutCounterpart[],
		options: RunOptions,
	) {
		this.#name = name;
		this.#target = target;
		this.api = api;
		this.recorder = recorder;
		this.#without = without.map(({ step, what, why }) => ({ step, what, why }));
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
		else if (step.step === "compact") await this.#compact(step, number);
		else if ("key" in step) await this.#open(step, number);
		else await this.#toWatcher(step, number);
	}

	/** The fence, and every watcher's proof. */
	async finish(): Promise<void> {
		this.#lastIndex = this.#now;
		const open = [...this.#watchings.values()].filter(({ isOver, isPaused }) => !isOver && !isPaused);
		this.#fences = await this.api.fence(this.recorder, open, this.signal);
		this.#throwFatal();
	}

	/** Nothing stays open, whether the run ended well or not. */
	async close(): Promise<void> {
		this.#stop.abort();
		await Promise.all([...this.#watchings.values()].map((watching) => watching.drop("closed")));
		await this.api.clear(this.recorder.prefix);
		await this.api.close();
	}

	timeline(): Timeline {
		return {
			format: "etcd-watch-lab/timeline",
			version: 1,
			name: this.#name,
			api: this.api.name,
			server: this.#target.version,
			origin: this.recorder.origin,
			lastIndex: this.#lastIndex ?? this.#now,
			writes: this.#writing.records(),
			watchers: [...this.#watchings.values()].map((watching) => watching.record()),
			fences: this.#fences,
			...(this.#faults.length === 0 ? {} : { faults: [...this.#faults] }),
			...(this.#compactions.length === 0 ? {} : { compactions: [...this.#compactions] }),
			...(this.#without.length === 0 ? {} : { withoutCounterpart: this.#without }),
		};
	}

	async #open(step: OpenStep, number: number): Promise<void> {
		const before = this.#watchings.get(step.watcher);
		if (before) {
			await this.#inTime(before.reading, number, `the answer to the poll "${step.watcher}" before it`);
			this.#throwFatal();
			await before.open(step);
			await this.#refusedOr(before, number);
			return;
		}
		const watching =
			step.step === "follow"
				? new Following(step, this, this.api.watchers, this.#target.followOptions)
				: new Watching(step, this);
		this.#watchings.set(step.watcher, watching);
		await watching.open(step);
		await this.#refusedOr(watching, number);
		await replayed(this.timeline(), watching);
	}

	/** v3 registers a watch first, and then says that what it asks for has been compacted. */
	async #refusedOr(watching: Watched, number: number): Promise<void> {
		// A follower is not refused: it lists, and goes on.
		if (!(watching instanceof Watching)) return;
		const compacted = this.#compactions.at(-1)?.index;
		const asked = watching.record().life.findLast(({ kind }) => kind === "asked");
		if (compacted === undefined || asked?.kind !== "asked" || asked.waitIndex === undefined) return;
		if (asked.waitIndex >= compacted) return;
		await this.#inTime(watching.reading, number, "the refusal of what has been compacted");
		this.#throwFatal();
	}

	async #compact({ index = this.#now }: CompactStep, number: number): Promise<void> {
		if (!(this.api instanceof V3Api)) return;
		if (index > this.#now)
			throw new ScenarioError(`step ${number}: there is no index ${index} yet, the last is ${this.#now}`);
		await this.api.compact(this.recorder.absoluteIndex(index), this.signal);
		this.#compactions.push({ at: this.#now, index });
		this.changed();
	}

	async #toWatcher({ step, watcher }: WatcherStep, number: number): Promise<void> {
		const watching = this.#watching(watcher, number);
		if (step === "close") await watching.drop("closed");
		else if (step === "cut") await watching.drop("cut");
		else if (step === "reconnect") await watching.reconnect();
		else if (step === "awaitProgress") await this.#awaitProgress(watching, number);
		else if (!(watching instanceof Watching)) return;
		else if (step === "pause") watching.pause();
		else if (step === "resume") watching.resume();
		else {
			await this.#inTime(watching.reading, number, `the end of "${watcher}" by an error`);
			await watching.recover();
		}
		if (step === "reconnect" || step === "recover") await this.#refusedOr(watching, number);
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
		for (const one of followers) await replayed(this.timeline(), one, followerMs);
		// v3's watches are told the past by the new store, too (`Restore` in mvcc/watchable_store.go).
		if (skips && this.api.name === "v2") return;
		for (const one of loops) await replayed(this.timeline(), one);
	}

	async #wipe(faults: Faults): Promise<void> {
		const at = this.#now;
		let done = () => {};
		this.#steady = new Promise((resolve) => {
			done = resolve;
		});
		try {
			await faults.make("wipe");
			this.recorder.wiped(await this.api.now("/", this.signal), at);
		} finally {
			done();
		}
	}

	async #settled(write: WriteRecord): Promise<void> {
		await settled(this.timeline(), [...this.#watchings.values()], write);
		await this.#options.onWritten?.(write, this);
	}

	async #awaitExpiry({ key }: ExpiryStep, number: number): Promise<void> {
		const { api, signal, recorder } = this;
		const afterIndex = this.#writing.touchedAt(key);
		const options = { recursive: false, afterIndex, signal };
		const unheard = { asked() {}, answered() {} };
		const source = await api.watch("watch", recorder.absoluteKey(key), options, unheard);
		try {
			for (;;) {
				const event = await this.#inTime(source.next(), number, `the expiry of ${key}`);
				if (event === undefined) continue;
				// v3 does not tell an expiry from a delete; what the run itself deleted lies before.
				const isExpiry = event.action === (api.name === "v3" ? "delete" : "expire");
				if (isExpiry) return this.#settled(this.#writing.expired(event));
				if (event.action === "delete")
					throw new ScenarioError(`step ${number}: ${key} was deleted before it expired`);
			}
		} finally {
			source.close();
		}
	}

	async #awaitDelivery({ watcher, count }: DeliveryStep, number: number): Promise<void> {
		const watching = this.#watching(watcher, number);
		await this.#inTime(watching.delivered(count), number, `event ${count} of "${watcher}"`);
		this.#throwFatal();
	}

	async #awaitProgress(watching: Watched, number: number): Promise<void> {
		if (!(watching instanceof Watching)) return;
		const told = watching.progressed(this.#now);
		await this.#inTime(told, number, "the message that says how far the store is (progress notify)");
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
