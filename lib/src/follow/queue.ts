import type { Bookmark, Change } from "./changes";

/** What waits for a follower's consumer. */
export type Queued = Change | Bookmark;

/**
 * What waits for the consumer: `length` at most, if whoever puts waits when `put` says so. Rule "a slow consumer is a
 * gap".
 */
export class ChangeQueue {
	readonly #length: number;
	readonly #items: Queued[] = [];
	/** The next one to be taken; taken ones are cut off now and then. */
	#at = 0;
	/** Pending while somebody waits for room. */
	#room: Promise<void> | undefined;
	#goOn: () => void = () => {};
	#isClosed = false;
	#wasFull = false;
	readonly #onArrival: () => void;
	readonly #onFull: (queued: number) => void;

	/** `onArrival`: called when there is something to take, which it may do at once. */
	constructor(length: number, onArrival: () => void, onFull: (queued: number) => void) {
		this.#length = length;
		this.#onArrival = onArrival;
		this.#onFull = onFull;
	}

	get size(): number {
		return this.#items.length - this.#at;
	}

	/** How many more it takes before somebody has to wait. */
	get room(): number {
		return this.#length - this.size;
	}

	/**
	 * Puts one in; when that fills the queue, returns what resolves when half of it is free again, and at `close`.
	 * A closed queue takes nothing, and lets nobody wait.
	 */
	put(item: Queued): Promise<void> | undefined {
		if (this.#isClosed) return undefined;
		const last = this.#items.at(-1);
		// Of bookmarks in a row the last one says it all, and nothing has changed since a state that only the other has.
		if (item.kind === "bookmark" && last?.kind === "bookmark") {
			this.#items[this.#items.length - 1] = { ...last, ...item };
		} else this.#items.push(item);
		this.#onArrival();
		if (this.size < this.#length) return undefined;
		this.#wasFull = true;
		this.#onFull(this.size);
		// By whoever was told that.
		if (this.#isClosed) return undefined;
		// Whoever else waits goes on with this one.
		this.#room ??= new Promise((resolve) => {
			this.#goOn = resolve;
		});
		return this.#room;
	}

	/** The next one, in the order put. */
	take(): Queued | undefined {
		const item = this.#items[this.#at];
		if (item === undefined) return undefined;
		this.#at++;
		if (this.#at >= 1_024 || this.#at === this.#items.length) {
			this.#items.splice(0, this.#at);
			this.#at = 0;
		}
		if (this.size <= this.#length / 2) this.#free();
		return item;
	}

	/** Empties it, for good: nobody takes from it any more. */
	close(): void {
		this.#isClosed = true;
		this.#items.length = 0;
		this.#at = 0;
		this.#free();
	}

	#free(): void {
		this.#room = undefined;
		this.#goOn();
	}

	/** True when it has been full since the last call. */
	wasFull(): boolean {
		const was = this.#wasFull;
		this.#wasFull = false;
		return was;
	}
}
