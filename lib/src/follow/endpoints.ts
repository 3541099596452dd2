import { setTimeout as wait } from "node:timers/promises";
import { AbortedError } from "../http/errors";
import type { Note } from "./changes";
import type { Obeys } from "./rules";

/** What the turns are taken by. */
export interface EndpointsOptions {
	/** At least one. */
	readonly urls: readonly string[];
	/** The first wait after a failure, and the longest, in milliseconds. */
	readonly backoffMs: readonly [number, number];
	/** True of what no other endpoint and no waiting heals. */
	readonly isFatal: (error: unknown) => boolean;
	readonly obeys: Obeys;
	readonly onNote: (note: Note) => void;
}

/**
 * Rule "no poll for ever": one endpoint at a time; after a failure the next one, after a random wait, up to a time that
 * doubles with each round over all of them.
 */
export class Endpoints {
	readonly #options: EndpointsOptions;
	#at = 0;
	/** Failures since something last went well. */
	#failures = 0;

	constructor(options: EndpointsOptions) {
		this.#options = options;
	}

	/** The one whose turn it is. */
	get current(): string {
		const { urls } = this.#options;
		return urls[this.#at % urls.length] ?? "";
	}

	/** Something went well: the waits are short again. */
	succeeded(): void {
		this.#failures = 0;
	}

	/** Waits, and turns to the next. @throws what no waiting heals; AbortedError as soon as the signal aborts */
	async failed(error: unknown, signal: AbortSignal): Promise<void> {
		const { urls, backoffMs, isFatal, obeys, onNote } = this.#options;
		if (signal.aborted) throw new AbortedError("the follower was closed", { cause: error });
		if (isFatal(error)) throw error;
		const message = error instanceof Error ? error.message : String(error);
		onNote({ note: "failed", endpoint: this.current, message });
		if (obeys("no poll for ever")) this.#at++;
		const [least, most] = backoffMs;
		// One round over all endpoints is quick; the waits grow with the rounds.
		const rounds = Math.floor(this.#failures++ / urls.length);
		const full = Math.min(most, least * 2 ** Math.min(rounds, 20));
		await wait(full * Math.random(), undefined, { signal }).catch(() => {
			throw new AbortedError("the follower was closed");
		});
	}
}
