/** What an answer proves: from `waitIndex` to `through` nothing fits but the event, which is at `through`. */
interface Held<E> {
	readonly waitIndex: number;
	readonly through: number;
	readonly found?: { readonly event: E };
}

/** How many may be asked for at once. */
export const widest = 512;

/**
 * Which indexes to ask for, and what the answers prove: the bookkeeping of reading a history by several asks at
 * once. An ask for `waitIndex` gives the first event from there on; so what lies between the two is known to be
 * empty, and an event counts when everything before it is known. Of dense events every index is asked for once; of
 * sparse ones most answers are repeats, and each repeat halves the width, down to the single ask of a live watch.
 * Pure: it does no I/O.
 */
export class AskWindow<E> {
	/** Everything up to here is known. */
	position: number;
	/** The highest index that the member is known to have. */
	known: number;
	#width = 1;
	#isFilling = false;
	/** The last event that was handed on; below the position after silence. */
	#lastEvent: number;
	/** The highest index asked for since the last jump. */
	#asked: number;
	readonly #outstanding = new Map<number, number>();
	readonly #held = new Map<number, Held<E>>();
	/** The position at which an event was not believed, and the ask that verifies it has not been answered yet. */
	#verifying: { readonly waitIndex: number; isSent: boolean } | undefined;

	constructor(position: number) {
		this.position = position;
		this.known = position;
		this.#asked = position;
		this.#lastEvent = position;
	}

	get width(): number {
		return this.#width;
	}

	/** True while an answer waits for what lies before it to be known. */
	get isHolding(): boolean {
		return this.#held.size > 0;
	}

	/** The waitIndex to ask for now; undefined when there is nothing to ask. The caller sends it. */
	next(): number | undefined {
		const first = this.position + 1;
		let waitIndex: number;
		if (this.#verifying && !this.#verifying.isSent) {
			this.#verifying = { waitIndex: first, isSent: true };
			waitIndex = first;
		} else if (!this.#outstanding.has(first) && !this.#held.has(first) && !this.#isCovered(first))
			waitIndex = first;
		else {
			const under = this.#outstanding.size + this.#held.size;
			// Many at once or none: what is asked for in one go is one write.
			if (under >= this.#width) this.#isFilling = false;
			else if (under <= this.#width * 0.75) this.#isFilling = true;
			if (!this.#isFilling) return undefined;
			waitIndex = Math.max(this.#asked, this.position) + 1;
			// Nothing is known to be there: that would be a second live watch.
			if (waitIndex > this.known) return undefined;
		}
		this.#asked = Math.max(this.#asked, waitIndex);
		this.sent(waitIndex);
		return waitIndex;
	}

	/** An ask that was not chosen by `next`. */
	sent(waitIndex: number): void {
		this.#outstanding.set(waitIndex, (this.#outstanding.get(waitIndex) ?? 0) + 1);
	}

	/** True while an ask for a lower index is to be answered. */
	hasAskBelow(index: number): boolean {
		for (const waitIndex of this.#outstanding.keys()) if (waitIndex < index) return true;
		return false;
	}

	/** All asks ended without an answer. */
	dropAll(): void {
		this.#outstanding.clear();
		this.#held.clear();
		this.#verifying = undefined;
		this.#asked = this.position;
		this.#width = 1;
	}

	/** An ask that ended without an answer. */
	dropped(waitIndex: number): void {
		const count = (this.#outstanding.get(waitIndex) ?? 0) - 1;
		if (count > 0) this.#outstanding.set(waitIndex, count);
		else this.#outstanding.delete(waitIndex);
	}

	/**
	 * An ask was answered; returns the events that follow now, in order.
	 *
	 * A poll answers once. So an event out of the history is the first one from `waitIndex` on; and one that was heard
	 * as it happened proves that the history held none. But the member may have skipped others between the index at
	 * which it began to wait, its X-Etcd-Index, and this one: where there is room for that, the event is not believed,
	 * and the next ask is for what comes after that index (rule "verify a jump"); `jumped` is told.
	 */
	answered(waitIndex: number, etcdIndex: number, eventIndex: number, event: E, jumped: () => void): E[] {
		this.dropped(waitIndex);
		if (this.#verifying?.isSent && this.#verifying.waitIndex === waitIndex) this.#verifying = undefined;
		this.known = Math.max(this.known, etcdIndex, eventIndex);
		if (eventIndex <= this.position && eventIndex > this.#lastEvent && waitIndex > this.#lastEvent) {
			// Silence had said that there was nothing: it was late. What came after it has to be asked for again.
			this.position = waitIndex - 1;
		}
		if (eventIndex <= this.position) {
			this.#width = Math.max(1, this.#width >> 1);
			return [];
		}
		if (eventIndex > etcdIndex + 1) {
			jumped();
			const events = etcdIndex < waitIndex ? [] : this.#hold({ waitIndex, through: etcdIndex });
			this.#verifying ??= { waitIndex: this.position + 1, isSent: false };
			return events;
		}
		return this.#hold({ waitIndex, through: eventIndex, found: { event } });
	}

	/** Nothing lies between the ask for `waitIndex` and `through`. Returns what follows from that. */
	proved(waitIndex: number, through: number): { readonly moved: boolean; readonly events: E[] } {
		const before = this.position;
		if (waitIndex > before + 1 || through <= before) return { moved: false, events: [] };
		const events = this.#hold({ waitIndex, through });
		return { moved: this.position > before, events };
	}

	/** True when an ask for a lower index is still to come that will tell of this one, too. */
	#isCovered(first: number): boolean {
		for (const waitIndex of this.#outstanding.keys()) if (waitIndex <= first) return true;
		return false;
	}

	#hold(proof: Held<E>): E[] {
		const events: E[] = [];
		// What is awaited, and nothing beside it, is what a live watch gets.
		let next = this.#held.size === 0 && proof.waitIndex === this.position + 1 ? proof : undefined;
		if (next === undefined) {
			const held = this.#held.get(proof.waitIndex);
			// An event says more than silence does.
			if (held?.found === undefined) this.#held.set(proof.waitIndex, proof);
			next = this.#nextHeld();
		}
		for (; next; next = this.#nextHeld()) {
			if (next.through <= this.position) {
				if (next.found) this.#width = Math.max(1, this.#width >> 1);
				continue;
			}
			const { found } = next;
			const isNextToIt = next.through === this.position + 1;
			this.position = next.through;
			if (this.known - this.position > this.#width) {
				this.#width = Math.min(widest, this.#width * (isNextToIt ? 16 : 2));
			}
			if (found) {
				this.#lastEvent = next.through;
				events.push(found.event);
			}
		}
		if (this.#verifying && this.#verifying.waitIndex <= this.position) {
			this.#verifying =
				this.known > this.position ? { waitIndex: this.position + 1, isSent: false } : undefined;
		}
		return events;
	}

	/** Takes out what begins where the position ends, or before. */
	#nextHeld(): Held<E> | undefined {
		if (this.#held.size === 0) return undefined;
		let next = this.#held.get(this.position + 1);
		if (next === undefined) {
			for (const held of this.#held.values()) if (held.waitIndex <= this.position + 1) next ??= held;
		}
		if (next !== undefined) this.#held.delete(next.waitIndex);
		return next;
	}
}
