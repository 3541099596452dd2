import type { Pumped } from "./pump";

/**
 * What waits for the consumer, never more than `length` of it: who puts one more into a full queue waits. Rule "a
 * slow consumer is a gap".
 */
export class ChangeQueue {
	readonly #length: number;
	readonly #items: Pumped[] = [];
	/** The next one to be taken; taken ones are cut off now and then. */
	#at = 0;
	#room: (() => void) | undefined;
	/** More than one where `next` was called again before it had answered. */
	#arrivals: (() => void)[] = [];
	#wasFull = false;
	readonly #onFull: (queued: number) => void;

	constructor(length: number, onFull: (queued: number) => void) {
		this.#length = length;
		this.#onFull = onFull;
	}

	get size(): number {
		return this.#items.length - this.#at;
	}

	/** Puts one in; when that fills the queue, returns what resolves when half of it is free again. */
	put(item: Pumped): Promise<void> | undefined {
		const last = this.#items.at(-1);
		// Of bookmarks in a row the last one says it all, but for a state that only the other has.
		if (this.size > 0 && item.kind === "bookmark" && last?.kind === "bookmark") {
			this.#items[this.#items.length - 1] = { ...last, ...item };
			if (last.nodes !== undefined && item.nodes === undefined) this.#items.push(item);
		} else this.#items.push(item);
		this.#arrived();
		if (this.size < this.#length) return undefined;
		this.#wasFull = true;
		this.#onFull(this.size);
		return new Promise((resolve) => {
			this.#room = resolve;
		});
	}

	/** The next one, in the order put. */
	take(): Pumped | undefined {
		const item = this.#items[this.#at];
		if (item === undefined) return undefined;
		this.#at++;
		if (this.#at >= 1_024 || this.#at === this.#items.length) {
			this.#items.splice(0, this.#at);
			this.#at = 0;
		}
		if (this.#room && this.size <= this.#length / 2) this.#release();
		return item;
	}

	/** Resolves when there is something to take, or at `wake()`. */
	arrival(): Promise<void> {
		if (this.size > 0) return Promise.resolve();
		return new Promise((resolve) => {
			this.#arrivals.push(resolve);
		});
	}

	/** Ends every wait, of both sides. */
	wake(): void {
		this.#arrived();
		this.#release();
	}

	/** True when it has been full since the last call. */
	wasFull(): boolean {
		const was = this.#wasFull;
		this.#wasFull = false;
		return was;
	}

	#arrived(): void {
		if (this.#arrivals.length === 0) return;
		for (const arrival of this.#arrivals.splice(0)) arrival();
	}

	#release(): void {
		this.#room?.();
		this.#room = undefined;
	}
}
