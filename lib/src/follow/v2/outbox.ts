import type { Tail } from "../changes";
import type { Take } from "../source";

/** What is told to a reader that may have no room: then it waits here, in its order. */
export class Outbox {
	readonly #take: Take;
	readonly #waiting: Tail[] = [];
	/** Pending while the reader has no room. */
	#room: Promise<void> | undefined;
	#isClosed = false;

	constructor(take: Take) {
		this.#take = take;
	}

	get hasRoom(): boolean {
		return this.#room === undefined;
	}

	tell(tail: Tail): void {
		if (this.#isClosed) return;
		if (this.#room === undefined) this.#room = this.#take(tail);
		else this.#waiting.push(tail);
	}

	/** Resolves when the reader has all that was told, and room for more. */
	async emptied(): Promise<void> {
		while (this.#room !== undefined) {
			await this.#room;
			this.#room = undefined;
			for (let next = this.#next(); next !== undefined; next = this.#next()) this.tell(next);
		}
	}

	/** From now on nothing is told. */
	close(): void {
		this.#isClosed = true;
	}

	#next(): Tail | undefined {
		return this.#room === undefined && !this.#isClosed ? this.#waiting.shift() : undefined;
	}
}
