import { setMaxListeners } from "node:events";
import type { Change, FollowedEvent } from "./types";

/** What a local watch needs of its hub. */
export interface Station {
	/** Everything up to this index has been handed to the watches that are live. */
	readonly toldIndex: number;
	/** Why no more will come; undefined while more can. */
	readonly ending: { readonly failure?: unknown } | undefined;
	/** Fills the watch's queue from the history, or with what stands for it; then it is live, or its queue is full. */
	catchUp(watch: LocalWatch): void;
	/** It is live no more. */
	leave(watch: LocalWatch): void;
}

/** How a local watch begins. */
export interface LocalWatchSettings {
	readonly id: number;
	readonly key: string;
	readonly recursive: boolean;
	readonly afterIndex: number;
	readonly epoch: number;
	readonly wasKept: boolean;
	readonly queueLength: number;
	readonly signal: AbortSignal | undefined;
}

/** One watch at a hub: changes in the order of their indexes, each once. */
export interface HubWatch extends AsyncIterableIterator<Change> {
	readonly key: string;
	readonly recursive: boolean;
	/** Everything up to here is consumed: what another watch at this hub goes on from, as `afterIndex`. */
	readonly index: number;
	/**
	 * The next change, which counts as consumed when the one after it is asked for. Done after the signal, `return`
	 * and the hub's `close`. @throws what ended the hub otherwise
	 */
	next(): Promise<IteratorResult<Change, undefined>>;
	/** What `break` calls: lets go of everything. */
	return(): Promise<IteratorResult<Change, undefined>>;
}

/**
 * A watch is live, and gets what fits as it comes; or it reads the hub's history from where it stands, at its own
 * pace. It begins so, and comes back to it when its queue is full, so that it never holds more than that.
 */
export class LocalWatch implements HubWatch {
	readonly id: number;
	readonly key: string;
	readonly recursive: boolean;
	/** All that fits has been queued up to this index; while it is live, up to the hub's. */
	after: number;
	/** Which of the stores that the hub has seen `after` is an index of. */
	epoch: number;
	/** True when the history held what it wants, and not any more: it was slow. */
	wasKept: boolean;
	/** The last event that was queued: of an index with several, perhaps not the last one. */
	lastPut: FollowedEvent | undefined;
	isLive = false;
	readonly #station: Station;
	readonly #queueLength: number;
	readonly #signal: AbortSignal | undefined;
	readonly #queue: Change[] = [];
	readonly #abort = () => this.#release();
	#wakes: (() => void)[] = [];
	#isReleased = false;
	#isListening = false;
	#inHand: Change | undefined;
	#consumed: number;

	constructor(station: Station, settings: LocalWatchSettings) {
		this.id = settings.id;
		this.key = settings.key;
		this.recursive = settings.recursive;
		this.after = settings.afterIndex;
		this.epoch = settings.epoch;
		this.wasKept = settings.wasKept;
		this.#station = station;
		this.#queueLength = settings.queueLength;
		this.#signal = settings.signal;
		this.#consumed = settings.afterIndex;
	}

	get index(): number {
		const isIdle = this.isLive && this.#queue.length === 0 && this.#inHand === undefined;
		return isIdle ? Math.max(this.#consumed, this.#station.toldIndex) : this.#consumed;
	}

	get isFull(): boolean {
		return this.#queue.length >= this.#queueLength;
	}

	/** Queues a change, unless that is full. */
	put(change: Change): boolean {
		if (this.isFull) return false;
		this.#queue.push(change);
		if (change.kind === "event") this.lastPut = change;
		this.wake();
		return true;
	}

	/** Every `next` that waits looks again. */
	wake(): void {
		if (this.#wakes.length === 0) return;
		const wakes = this.#wakes;
		this.#wakes = [];
		for (const wake of wakes) wake();
	}

	async next(): Promise<IteratorResult<Change, undefined>> {
		this.#consume();
		for (;;) {
			const { ending } = this.#station;
			if (this.#signal?.aborted || (ending && !("failure" in ending))) this.#release();
			if (this.#isReleased) return { done: true, value: undefined };
			if (this.#queue.length === 0 && !this.isLive && ending === undefined) this.#station.catchUp(this);
			const change = this.#queue.shift();
			if (change !== undefined) {
				this.#inHand = change;
				return { done: false, value: change };
			}
			if (ending) throw ending.failure;
			this.#listen();
			await new Promise<void>((resolve) => this.#wakes.push(resolve));
		}
	}

	async return(): Promise<IteratorResult<Change, undefined>> {
		this.#release();
		return { done: true, value: undefined };
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	#consume(): void {
		const change = this.#inHand;
		if (change === undefined) return;
		this.#inHand = undefined;
		if (change.kind !== "event") this.#consumed = change.state.index;
		else this.#consumed = change.more ? Math.max(this.#consumed, change.index - 1) : change.index;
	}

	/** A signal is listened to only by who waits: a watch that nobody reads has nothing to let go of. */
	#listen(): void {
		if (this.#signal === undefined || this.#isListening) return;
		setMaxListeners(0, this.#signal);
		this.#signal.addEventListener("abort", this.#abort, { once: true });
		this.#isListening = true;
	}

	#release(): void {
		if (this.#isReleased) return;
		this.#isReleased = true;
		this.#queue.length = 0;
		this.#signal?.removeEventListener("abort", this.#abort);
		this.#station.leave(this);
		this.wake();
	}
}
