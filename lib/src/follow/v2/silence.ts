import type { Ask, Asks } from "./asks";
import type { Probe } from "./probe";

/** How far things are. */
export interface Standing {
	/** Everything up to here has been handed on. */
	readonly position: number;
	/** How many asks the history is read with. */
	readonly width: number;
	/** A part of the history is gone. */
	readonly isCleared: boolean;
	/** An answer waits for what lies before it to be known. */
	readonly isHolding: boolean;
	/** Up to where somebody wants to know that nothing is left out. */
	readonly proveThrough: number;
}

/** How many indexes may pass by a quiet key before it is asked for anew, of the 1000 that etcd keeps. */
const bookmarkAfter = 250;

/** How long a registered ask has to be silent to say that the history holds nothing for it. Milliseconds. */
const settleMs = 100;

/** So many asks wait at most while a quiet key is asked for anew. */
const mostWaiting = 8;

/**
 * What silence says. The history is answered from at once: an ask that was registered and stays unanswered says that
 * it holds nothing for it. But only if the member could be heard meanwhile: bytes that something on the way has
 * swallowed are no silence, and a part of an answer is none.
 */
export class Silence {
	readonly #asks: Asks;
	readonly #probe: Probe;
	readonly #standing: () => Standing;

	constructor(asks: Asks, probe: Probe, standing: () => Standing) {
		this.#asks = asks;
		this.#probe = probe;
		this.#standing = standing;
	}

	/** When there may be something to say; Infinity when nothing would help. */
	get dueAt(): number {
		let due = Number.POSITIVE_INFINITY;
		const standing = this.#standing();
		for (const ask of this.#asks) {
			if (!this.#wouldHelp(ask, standing)) continue;
			// Half of the time passes before the member is asked whether it lives.
			const age = this.#probe.livedAt < this.#livesFrom(ask) ? settleMs / 2 : settleMs;
			due = Math.min(due, (ask.registeredAt ?? 0) + age);
		}
		return due;
	}

	/** Whether the member has to show that it lives, for a silence to count. */
	needsProbe(now: number): boolean {
		const standing = this.#standing();
		return [...this.#asks].some(
			(ask) =>
				this.#wouldHelp(ask, standing) &&
				this.#probe.livedAt < this.#livesFrom(ask) &&
				this.#livesFrom(ask) <= now,
		);
	}

	/** The asks for which the history holds nothing. */
	*settled(now: number): Generator<Ask, void, undefined> {
		let standing = this.#standing();
		for (const ask of this.#asks) {
			if (!this.#wouldHelp(ask, standing) || now - (ask.registeredAt ?? now) < settleMs) continue;
			if (this.#probe.livedAt < this.#livesFrom(ask)) continue;
			yield ask;
			standing = this.#standing();
		}
	}

	/**
	 * Rule "bookmark a quiet key": where to ask anew, which is from where the newest ask was registered, before the
	 * history passes on; undefined where that is not needed.
	 */
	get askAgainFrom(): number | undefined {
		const { position, width, isCleared, isHolding, proveThrough } = this.#standing();
		if (width > 1 || isCleared || isHolding || this.#asks.size === 0 || this.#asks.size > mostWaiting)
			return undefined;
		let newest = position;
		for (const { registeredAt, isBeingAnswered, etcdIndex } of this.#asks) {
			// What has yet to be registered will say how far the member is, and what is being answered what comes next.
			if (registeredAt === undefined || isBeingAnswered) return undefined;
			newest = Math.max(newest, etcdIndex);
		}
		const { index } = this.#probe;
		const isDue = index - newest >= bookmarkAfter;
		return isDue || (newest < proveThrough && newest < index) ? newest + 1 : undefined;
	}

	/** A question that is sent from then on, and answered, shows that the ask's answer would have come. */
	#livesFrom(ask: Ask): number {
		return (ask.registeredAt ?? 0) + settleMs / 2;
	}

	/** Whether it would help to know that the history holds nothing for this ask. */
	#wouldHelp(ask: Ask, { position, width, isCleared, isHolding, proveThrough }: Standing): boolean {
		if (ask.registeredAt === undefined || ask.isBeingAnswered || ask.waitIndex > position + 1) return false;
		if (width > 1 || ask.pipeline.underWay > 1) return true;
		const isWanted = this.#asks.size > 1 || isCleared || isHolding || position < proveThrough;
		const isFar = ask.etcdIndex - position >= bookmarkAfter / 2;
		return (isWanted || isFar) && ask.etcdIndex > position;
	}
}
