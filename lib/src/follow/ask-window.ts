import type { Obeys } from "./rules";

/** An answer that was believed: no event that fits lies between `waitIndex` and `eventIndex`. */
interface Held<E> {
	readonly waitIndex: number;
	readonly eventIndex: number;
	readonly etcdIndex: number;
	readonly event: E;
}

/** How many may be asked for at once. */
export const widest = 128;

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
	/** The highest index asked for since the last jump. */
	#asked: number;
	readonly #outstanding = new Map<number, number>();
	readonly #held = new Map<number, Held<E>>();
	/** The position at which an event was not believed, and the ask that verifies it has not been answered yet. */
	#verifying: { readonly waitIndex: number; isSent: boolean } | undefined;
	readonly #obeys: Obeys;

	constructor(position: number, obeys: Obeys) {
		this.position = position;
		this.known = position;
		this.#asked = position;
		this.#obeys = obeys;
	}

	get width(): number {
		return this.#width;
	}

	get outstanding(): number {
		return this.#outstanding.size;
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
			if (this.#outstanding.size + this.#held.size >= this.#width) return undefined;
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

	/** Nothing more is to come: back to one ask at a time. */
	narrow(): void {
		this.#width = 1;
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
	 * An ask was answered; returns the events that follow now, in order. An event more than one above the answer's
	 * X-Etcd-Index was heard as it happened, with room for others before it: not believed, to be asked for again
	 * from the history (rule "verify a jump"); `jumped` is told.
	 */
	answered(waitIndex: number, etcdIndex: number, eventIndex: number, event: E, jumped: () => void): E[] {
		this.dropped(waitIndex);
		if (this.#verifying?.isSent && this.#verifying.waitIndex === waitIndex) this.#verifying = undefined;
		this.known = Math.max(this.known, etcdIndex, eventIndex);
		if (eventIndex > etcdIndex + 1 && this.#obeys("verify a jump")) {
			if (eventIndex <= this.position) return [];
			jumped();
			this.#verifying ??= { waitIndex: this.position + 1, isSent: false };
			return [];
		}
		if (eventIndex <= this.position) {
			this.#width = Math.max(1, this.#width >> 1);
			return this.#obeys("each once") ? [] : [event];
		}
		const held = this.#held.get(waitIndex);
		if (held === undefined || held.eventIndex > eventIndex) {
			this.#held.set(waitIndex, { waitIndex, eventIndex, etcdIndex, event });
		}
		return this.#released();
	}

	/** Nothing lies between the ask for `waitIndex` and `through`. Returns what follows from that. */
	proved(waitIndex: number, through: number): { readonly moved: boolean; readonly events: E[] } {
		if (waitIndex > this.position + 1 || through <= this.position) return { moved: false, events: [] };
		this.position = through;
		return { moved: true, events: this.#released() };
	}

	/** True when an ask for a lower index is still to come that will tell of this one, too. */
	#isCovered(first: number): boolean {
		for (const waitIndex of this.#outstanding.keys()) if (waitIndex <= first) return true;
		return false;
	}

	#released(): E[] {
		const events: E[] = [];
		for (let found = this.#firstHeld(); found; found = this.#firstHeld()) {
			this.#held.delete(found.waitIndex);
			if (found.eventIndex <= this.position) {
				this.#width = Math.max(1, this.#width >> 1);
				if (!this.#obeys("each once")) events.push(found.event);
				continue;
			}
			this.position = this.#obeys("go on after the event") ? found.eventIndex : found.etcdIndex;
			if (this.known - this.position > this.#width) this.#width = Math.min(widest, this.#width * 2);
			events.push(found.event);
		}
		if (events.length > 0 && this.#verifying && this.#verifying.waitIndex <= this.position) {
			this.#verifying = undefined;
		}
		return events;
	}

	#firstHeld(): Held<E> | undefined {
		const next = this.#held.get(this.position + 1);
		if (next !== undefined || this.#held.size === 0) return next;
		for (const held of this.#held.values()) if (held.waitIndex <= this.position + 1) return held;
		return undefined;
	}
}
