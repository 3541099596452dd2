import { setTimeout as wait } from "node:timers/promises";
import { AbortedError } from "../http/errors";
import type { KeySpace, Listing, Note, Source, Tail, TailOptions } from "./changes";

/** What every source over a client is told. Durations in milliseconds. */
export interface SourceSettings {
	readonly rollMs: readonly [number, number];
	readonly probeMs: number;
	readonly timeoutMs: number;
	/** The first wait after a failure, and the longest. */
	readonly backoffMs: readonly [number, number];
	readonly onNote: (note: Note) => void;
}

/** Where a session begins, and what it leaves behind for the next one. */
export interface Place {
	/** Everything up to here has been told. */
	position: number;
	/** Silence speaks for everything up to here; asked for again all the same, as long as the history goes back. */
	quietThrough: number;
	/** A session before it has failed: the next one tells "reconnected" first. */
	isReconnect: boolean;
}

export type Take = TailOptions["take"];

/** What a session is given, beside what is its source's own. */
export interface SessionOptions {
	readonly endpoint: string;
	readonly place: Place;
	/** The cluster that the last list came from; "" if not known. */
	readonly clusterId: () => string;
	readonly proveThrough: () => number;
}

/** Everything after an index as one member tells it. */
export interface Session {
	/** True once the member has taken the watch. */
	readonly isRegistered: boolean;
	/** Resolves after the signal, "cleared" and "behind". @throws what made the member fail */
	run(take: Take, signal: AbortSignal): Promise<void>;
}

/**
 * A source over the endpoints of a client: it lists and hears at one endpoint at a time, and turns to the next after
 * a failure. What is the API's own is in `listAt`, `session` and `isFatal`.
 */
export abstract class ClientSource implements Source {
	readonly keySpace: KeySpace;
	readonly #endpoints: Endpoints;
	readonly #onNote: (note: Note) => void;
	#clusterId = "";

	constructor(urls: readonly string[], keySpace: KeySpace, settings: SourceSettings) {
		this.keySpace = keySpace;
		this.#endpoints = new Endpoints(urls, settings);
		this.#onNote = settings.onNote;
	}

	get key(): string {
		return this.keySpace.scope.key;
	}

	get recursive(): boolean {
		return this.keySpace.scope.recursive;
	}

	/** Reads the tree once, by quorum. */
	protected abstract listAt(endpoint: string, signal: AbortSignal): Promise<Listing>;

	/** A session at an endpoint, which has yet to be run. */
	protected abstract session(options: SessionOptions): Session;

	/** True of what no other endpoint and no waiting heals. */
	protected abstract isFatal(error: unknown): boolean;

	async list(signal: AbortSignal): Promise<Listing> {
		for (;;) {
			if (signal.aborted) throw new AbortedError("the follower was closed");
			const turn = this.#endpoints.turn;
			try {
				const listing = await this.listAt(turn.endpoint, signal);
				this.#clusterId = listing.clusterId;
				this.#onNote({ note: "listed", index: listing.index, nodeCount: listing.nodes.length });
				return listing;
			} catch (error) {
				await this.#failed(error, turn, signal);
			}
		}
	}

	async tail({ afterIndex, signal, proveThrough, take }: TailOptions): Promise<void> {
		const place: Place = { position: afterIndex, quietThrough: afterIndex, isReconnect: false };
		let isOver = false;
		const takeNext = (tail: Tail): Promise<void> | undefined => {
			if (signal.aborted || isOver) return undefined;
			this.#endpoints.succeeded();
			isOver = tail.kind === "cleared" || tail.kind === "behind";
			return take(tail);
		};
		const clusterId = () => this.#clusterId;
		while (!signal.aborted && !isOver) {
			const turn = this.#endpoints.turn;
			const { endpoint } = turn;
			const session = this.session({ endpoint, place, clusterId, proveThrough });
			this.#onNote({ note: "connected", endpoint, afterIndex: place.position });
			try {
				await session.run(takeNext, signal);
			} catch (error) {
				if (signal.aborted) return;
				place.isReconnect = true;
				if (session.isRegistered) this.#endpoints.succeeded();
				await this.#failed(error, turn, signal).catch((fatal: unknown) => {
					if (!signal.aborted) throw fatal;
				});
			}
		}
	}

	async #failed(error: unknown, turn: Turn, signal: AbortSignal): Promise<void> {
		if (!signal.aborted && this.isFatal(error)) throw error;
		await this.#endpoints.failed(error, turn, signal);
	}
}

/** An endpoint that is being asked, and how many turns there were before. */
export interface Turn {
	readonly endpoint: string;
	readonly nth: number;
}

/**
 * Rule "no poll for ever": one endpoint at a time; after a failure the next one, after a random wait, up to a time that
 * doubles with each round over all of them.
 */
export class Endpoints {
	readonly #urls: readonly string[];
	readonly #settings: Pick<SourceSettings, "backoffMs" | "onNote">;
	#nth = 0;
	/** Turns that failed since something last went well. */
	#failures = 0;

	/** `urls`: at least one. */
	constructor(urls: readonly string[], settings: Pick<SourceSettings, "backoffMs" | "onNote">) {
		this.#urls = urls;
		this.#settings = settings;
	}

	get turn(): Turn {
		return { endpoint: this.#urls[this.#nth % this.#urls.length] ?? "", nth: this.#nth };
	}

	/** Something went well: the waits are short again. */
	succeeded(): void {
		this.#failures = 0;
	}

	/**
	 * Waits, and turns to the next, unless somebody else whose turn it was has done so.
	 * @throws AbortedError as soon as the signal aborts
	 */
	async failed(error: unknown, turn: Turn, signal: AbortSignal): Promise<void> {
		if (signal.aborted) throw new AbortedError("the follower was closed", { cause: error });
		const { backoffMs, onNote } = this.#settings;
		const message = error instanceof Error ? error.message : String(error);
		onNote({ note: "failed", endpoint: turn.endpoint, message });
		// One round over all endpoints is quick; the waits grow with the rounds.
		const rounds = Math.floor(this.#failures / this.#urls.length);
		if (turn.nth === this.#nth) {
			this.#failures++;
			this.#nth++;
		}
		const [least, most] = backoffMs;
		const full = Math.min(most, least * 2 ** Math.min(rounds, 20));
		await wait(full * Math.random(), undefined, { signal }).catch(() => {
			throw new AbortedError("the follower was closed");
		});
	}
}
