import type { FollowedEvent, Gap } from "./types";

export type HistoryEntry = FollowedEvent | Gap;

/** The last index that an entry tells of. */
export function endOf(entry: HistoryEntry): number {
	return entry.kind === "event" ? entry.index : entry.to;
}

/**
 * The last changes of a hub, a ring: etcd's own history counts the events of the whole store, this one those of the
 * hub's root alone. One gap at most is in it, since it holds a whole state.
 */
export class HubHistory {
	readonly #length: number;
	readonly #ring: (HistoryEntry | undefined)[] = [];
	/** The places of the oldest entry and of the next one, counted from the beginning of time. */
	#first = 0;
	#next = 0;
	#gapAt = -1;
	#keptAfter: number;

	/** `afterIndex`: where it begins. */
	constructor(length: number, afterIndex: number) {
		this.#length = length;
		this.#keptAfter = afterIndex;
	}

	/** Everything after this index is known. */
	get keptAfter(): number {
		return this.#keptAfter;
	}

	/** The place behind the newest entry. */
	get end(): number {
		return this.#next;
	}

	add(entry: HistoryEntry): void {
		if (entry.kind === "gap") {
			while (this.#gapAt >= this.#first) this.#dropFirst();
			this.#gapAt = this.#next;
		}
		if (this.#next - this.#first >= this.#length) this.#dropFirst();
		this.#ring[this.#next++ % this.#length] = entry;
	}

	/** Forgets all: what comes is after that index, perhaps of another store. */
	restart(afterIndex: number): void {
		while (this.#first < this.#next) this.#dropFirst();
		this.#keptAfter = afterIndex;
	}

	at(place: number): HistoryEntry | undefined {
		return place < this.#first ? undefined : this.#ring[place % this.#length];
	}

	/** The place of the first entry that tells of anything after the index. */
	placeAfter(index: number): number {
		let [low, high] = [this.#first, this.#next];
		while (low < high) {
			const middle = (low + high) >>> 1;
			const entry = this.at(middle);
			if (entry !== undefined && endOf(entry) <= index) low = middle + 1;
			else high = middle;
		}
		return low;
	}

	#dropFirst(): void {
		const entry = this.at(this.#first);
		if (entry !== undefined) this.#keptAfter = Math.max(this.#keptAfter, endOf(entry));
		this.#ring[this.#first++ % this.#length] = undefined;
	}
}
