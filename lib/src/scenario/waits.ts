import { LabError } from "../http/errors";
import { within } from "../http/signals";
import { historyRule } from "../model/history";
import { acceptedChanges, accountOf, eventOf, isTold } from "../timeline/account";
import type { Accepted, Timeline, WriteRecord } from "../timeline/timeline";
import { isBelow, isRemoval } from "../v2/key";
import {
	type Fenced,
	type RunContext,
	type RunOptions,
	type RunWatcher,
	ScenarioError,
	type Source,
} from "./api";
import type { ApiEvent } from "./record";
import type { DeliveryStep } from "./steps";

/** How long a step may wait for what has been done already, if at all. */
export const promptMs = 3_000;
/** A wait that takes longer is told of; where nobody asked for that, only one that is long for its kind. */
const sayMs = 1_000;
const longMs = 4_000;

let tell: (what: string) => void = () => {};

/** Who is told of long waits by runs without an `onWait`: a notebook's page. */
export function tellOfWaits(teller: (what: string) => void): void {
	tell = teller;
}

/** How the steps of a run wait, and how one that waits in vain ends. */
export class Patience {
	readonly #run: RunContext & { timeline(): Timeline };
	readonly #options: RunOptions;
	readonly #throwFatal: () => void;

	/** `throwFatal`: throws what has ended a watcher meanwhile and no timeline can hold. */
	constructor(run: RunContext & { timeline(): Timeline }, options: RunOptions, throwFatal: () => void) {
		this.#run = run;
		this.#options = options;
		this.#throwFatal = throwFatal;
	}

	/** `isLong`: it is known to take longer than a second or two. @throws ScenarioError when it does not come in time */
	async inTime<T>(
		pending: Promise<T>,
		step: number,
		what: string,
		unlessGivenMs: number,
		{ why, isLong = false }: { readonly why?: () => string; readonly isLong?: boolean } = {},
	): Promise<T> {
		const { stepTimeoutMs = unlessGivenMs, onWait } = this.#options;
		const ms = this.#run.api.isInstant ? 0 : stepTimeoutMs;
		const words = `step ${step} waits for ${what}, at most ${ms / 1000} s`;
		const says = setTimeout(() => (onWait ?? tell)(words), onWait || isLong ? sayMs : longMs);
		const came = await within(pending, ms, this.#run.signal).finally(() => clearTimeout(says));
		this.#throwFatal();
		if (came !== undefined) return came.value;
		const reason = why === undefined ? "" : `: ${why()}`;
		throw this.error(`step ${step} waited ${ms} ms for ${what}, which did not come${reason}`);
	}

	/** So many events of a watcher in all. Under a burst more are on their way for as long as they keep coming. */
	async events(watcher: RunWatcher, { watcher: name, count }: DeliveryStep, step: number): Promise<void> {
		const why = () => `it was sent ${watcher.deliveryCount}${watcher.isOver ? ", and is over" : ""}`;
		const what = `event ${count} of "${name}"`;
		for (let before = -1; watcher.deliveryCount > before && watcher.deliveryCount < count; ) {
			before = watcher.deliveryCount;
			await this.inTime(watcher.delivered(before + 1), step, what, promptMs, { why });
		}
		if (watcher.deliveryCount < count)
			throw this.error(`step ${step} waits for ${what}, which does not come: ${why()}`);
	}

	error(message: string): ScenarioError {
		return new ScenarioError(message, { timeline: this.#run.timeline() });
	}
}

/** How long a watcher may take to be sent what is due to it before the next step goes on without it. */
const settleMs = 2_000;

/**
 * Waits, after a write or an open, until whoever it has to reach has been sent it and asks again, so that two runs of a
 * scenario give the same timeline. One that was waited for in vain is not waited for again, until it hears something.
 */
export class Settling {
	readonly #ms: number;
	readonly #signal: AbortSignal;
	/** How many events each had that was waited for in vain. */
	readonly #silent = new WeakMap<RunWatcher, number>();

	/** `isInstant`: what does not come at once never comes. */
	constructor(isInstant: boolean, signal: AbortSignal) {
		this.#ms = isInstant ? 0 : settleMs;
		this.#signal = signal;
	}

	async written(soFar: Timeline, watchers: readonly RunWatcher[], write: WriteRecord): Promise<void> {
		const { outcome } = write;
		if (outcome.kind !== "accepted") return;
		// Only whose key went with another one depends on what else was there.
		const isAbove = isRemoval(outcome) && watchers.some(({ key }) => isBelow(key, outcome.node.key));
		const changes = isAbove
			? accountOf(soFar).changes.filter(({ index }) => index === outcome.index)
			: acceptedChanges(write);
		const due = watchers.filter((watcher) => {
			if (!watcher.isSure) return false;
			const record = watcher.record();
			// One that has been sent it already is still to ask again; one that asked for later ones is not told.
			const isSent = (record.deliveries.at(-1)?.index ?? -1) >= outcome.index;
			if (!isSent && watcher.askedFrom > outcome.index) return false;
			return changes.some((change) => isTold({ timeline: soFar, watcher: record }, change));
		});
		// A stream on exactly the key that goes is told twice.
		const isTwice = ({ kind, key }: RunWatcher) =>
			soFar.api === "v2" && kind === "stream" && isRemoval(outcome) && outcome.node.key === key;
		await Promise.all(due.map((watcher) => this.#caughtUp(watcher, outcome.index, isTwice(watcher) ? 2 : 1)));
	}

	/** The same for one that asked for the past. `faultMs`: after a fault it may take longer. */
	async opened(soFar: Timeline, watcher: RunWatcher, faultMs?: number): Promise<void> {
		const record = watcher.record();
		const { key, recursive, kind, life } = record;
		const asked = life.findLast((event) => event.kind === "asked");
		if (!watcher.isSure || asked?.kind !== "asked") return;
		// A v3 watch is registered at a revision, and sent all that comes after it.
		const from = asked.waitIndex ?? (soFar.api === "v3" ? asked.at + 1 : undefined);
		if (from === undefined) return;
		const last = accountOf(soFar).changes.findLast((change) => {
			if (change.index < from) return false;
			// What v2's history gives goes by its own rule, hidden names included; a follower drops those.
			return soFar.api === "v3" || kind === "follow"
				? isTold({ timeline: soFar, watcher: record }, change)
				: historyRule({ key, recursive, stream: false }, eventOf(change)) !== undefined;
		});
		if (last) await this.#caughtUp(watcher, last.index, 1, faultMs);
	}

	/** Before it is ended or paused: what it is to be sent has come. A loop of polls may have lost it. */
	async level(soFar: Timeline, watcher: RunWatcher): Promise<void> {
		if (!watcher.isSure || watcher.kind === "pollLoop") return;
		const record = watcher.record();
		const from = watcher.askedFrom;
		const last = accountOf(soFar).changes.findLast(
			(change) => change.index >= from && isTold({ timeline: soFar, watcher: record }, change),
		);
		if (last) await this.#caughtUp(watcher, last.index, 1);
	}

	async #caughtUp(watcher: RunWatcher, index: number, count: number, faultMs?: number): Promise<void> {
		if (this.#silent.get(watcher) === watcher.deliveryCount) return;
		const came = await within(watcher.caughtUp(index, count), faultMs ?? this.#ms, this.#signal);
		if (came === undefined) this.#silent.set(watcher, watcher.deliveryCount);
	}
}

/** How a ttl ended: by the key's expiry, or `never`, and why. */
export type Ending =
	| { readonly kind: "expired"; readonly write: WriteRecord }
	| { readonly kind: "never"; readonly why: string };

/** What an expiry is told to, and asked of. */
interface ExpiryListener {
	/** Records it; gives its write. */
	expired(outcome: Accepted): WriteRecord;
	/** v3, which does not tell an expiry from a delete: whether a write of the run took the key away at this index. */
	isRemovedByRun(key: string, index: number): Promise<boolean>;
}

/** A watch on one key that has a ttl, which records its expiry whether or not a step waits for it. */
export class ExpiryWatch implements Fenced {
	readonly key: string;
	readonly isPaused = false;
	readonly deliveryCount = 0;
	readonly ending: Promise<Ending>;
	readonly #run: RunContext;
	readonly #listener: ExpiryListener;
	#end: (ending: Ending) => void = () => {};
	#isOver = false;
	#source: Source | undefined;
	#reading: Promise<void> = Promise.resolve();
	#fence = Number.POSITIVE_INFINITY;
	/** The last index of the run at which it was given a ttl, and which. */
	#given = 0;
	#ttl = 0;

	/** `key`: the run's. */
	constructor(key: string, run: RunContext, listener: ExpiryListener) {
		this.key = key;
		this.#run = run;
		this.#listener = listener;
		this.ending = new Promise((resolve) => {
			this.#end = resolve;
		});
	}

	get isOver(): boolean {
		return this.#isOver;
	}

	get askedFrom(): number {
		return this.#given + 1;
	}

	/** Seconds. */
	get ttl(): number {
		return this.#ttl;
	}

	get reading(): Promise<void> {
		return this.#reading;
	}

	/** `index`: the run's, of the write that gave the ttl. Once more: a later write gave it another. */
	async open(index: number, ttl: number): Promise<void> {
		this.#given = index;
		this.#ttl = ttl;
		if (this.#source !== undefined) return;
		const { api, recorder, signal } = this.#run;
		const afterIndex = recorder.absoluteIndex(index);
		const options = { recursive: false, atWriters: true, afterIndex, signal };
		const nobody = { asked() {}, answered() {} };
		try {
			this.#source = await api.watch("watch", recorder.absoluteKey(this.key), options, nobody);
			this.#reading = this.#read(this.#source);
		} catch (error) {
			this.#failed(error);
		}
	}

	expectFence(index: number): void {
		this.#fence = index;
	}

	isGone(): void {
		this.close();
	}

	close(): void {
		this.#source?.close();
		this.#never("the run has ended");
	}

	async #read(source: Source): Promise<void> {
		try {
			while (!this.#isOver) {
				const event = await source.next();
				if (event === undefined) this.#never("its watch was ended");
				else await this.#heard(event);
			}
		} catch (error) {
			this.#failed(error);
		} finally {
			source.close();
		}
	}

	async #heard(event: ApiEvent): Promise<void> {
		const { api, recorder } = this.#run;
		const { index, action, node, prevNode } = recorder.delivery(event);
		if (index >= this.#fence) return this.#never("the run has ended");
		const isExpiry =
			api.name === "v3"
				? action === "delete" && !(await this.#listener.isRemovedByRun(this.key, index))
				: action === "expire";
		if (isExpiry) {
			const before = prevNode ? { prevNode } : {};
			const outcome: Accepted = { kind: "accepted", index, raisesEvent: true, action, node, ...before };
			const write = this.#listener.expired(outcome);
			if (index < this.#given) return;
			this.#isOver = true;
			this.#end({ kind: "expired", write });
		} else if (index <= this.#given) return;
		else if (isRemoval({ action })) this.#never(`it was removed at index ${index}`);
		// What a v3 event has of a lease is not known; there the watch goes on.
		else if (api.name === "v2" && node.ttl === undefined)
			this.#never(`the ${action} at index ${index} took its ttl away`);
	}

	#never(why: string): void {
		this.#isOver = true;
		this.#end({ kind: "never", why });
	}

	/** What ends a watch of its own ends no run. */
	#failed(error: unknown): void {
		if (!(error instanceof LabError)) throw error;
		this.#never(`its watch ended: ${error.message}`);
	}
}
