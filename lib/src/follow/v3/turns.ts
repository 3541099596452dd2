import { AbortedError, ConnectionError } from "../../http/errors";
import { onAbort } from "../../http/signals";
import type { V3Client } from "../../v3/client";
import type { V3Header } from "../../v3/types";

/** How many followers of a client list or connect at the same time, at one endpoint. */
const mostAtOnce = 32;

/** A follower that waits. */
interface Waiting<T> {
	readonly resolve: (value: T) => void;
	readonly reject: (error: unknown) => void;
}

type Ask = (signal: AbortSignal) => Promise<V3Header>;

/** A read that several have asked for. */
interface SharedRead {
	readonly askers: Set<Waiting<V3Header>>;
	readonly ask: Ask;
	readonly controller: AbortController;
}

/**
 * What the followers of one client do in turn, or together, at one endpoint. Thousands that begin at once, or that each
 * ask every few seconds where the store is, would all be answered too late, try again, and never come up: so only some
 * list or connect at a time, and one read answers all who asked before it began. When one of those finds that the
 * endpoint does not answer, all who wait are told, so that they go to the next one at once.
 */
export class Turns {
	static readonly #ofClient = new WeakMap<V3Client, Map<string, Turns>>();
	readonly #waiting = new Set<Waiting<void>>();
	#atWork = 0;
	#isReading = false;
	#nextRead: SharedRead | undefined;

	/** `timeoutMs`: only who waits as long for an answer as another is told of the other's failure. */
	static at(client: V3Client, endpoint: string, timeoutMs: number): Turns {
		const all = Turns.#ofClient.get(client) ?? new Map<string, Turns>();
		Turns.#ofClient.set(client, all);
		const name = `${timeoutMs} ${endpoint}`;
		const turns = all.get(name) ?? new Turns();
		all.set(name, turns);
		return turns;
	}

	/** @throws AbortedError when the signal aborts while it waits, and what the work throws, or another's that failed */
	async take<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
		if (this.#atWork < mostAtOnce) this.#atWork++;
		else await waitAmong(this.#waiting, signal);
		try {
			return await work();
		} catch (error) {
			if (error instanceof ConnectionError && !signal.aborted) rejectAll(this.#waiting, error);
			throw error;
		} finally {
			const [next] = this.#waiting;
			if (next === undefined) this.#atWork--;
			else {
				this.#waiting.delete(next);
				next.resolve();
			}
		}
	}

	/** A read that begins after this call; who asks before it begins shares it. @throws AbortedError; what `ask` throws */
	async read(ask: Ask, signal: AbortSignal): Promise<V3Header> {
		const read: SharedRead = this.#nextRead ?? { askers: new Set(), ask, controller: new AbortController() };
		this.#nextRead = read;
		const answer = waitAmong(read.askers, signal, () => {
			if (read.askers.size > 0) return;
			read.controller.abort();
			// Nobody joins it any more.
			if (this.#nextRead === read) this.#nextRead = undefined;
		});
		if (!this.#isReading) void this.#readAll();
		return await answer;
	}

	async #readAll(): Promise<void> {
		this.#isReading = true;
		for (let read = this.#takeRead(); read !== undefined; read = this.#takeRead()) {
			try {
				const header = await read.ask(read.controller.signal);
				for (const { resolve } of read.askers) resolve(header);
			} catch (error) {
				rejectAll(read.askers, error);
				const later = error instanceof ConnectionError ? this.#takeRead() : undefined;
				if (later !== undefined) rejectAll(later.askers, error);
			}
		}
		this.#isReading = false;
	}

	#takeRead(): SharedRead | undefined {
		const read = this.#nextRead;
		this.#nextRead = undefined;
		return read;
	}
}

function rejectAll<T>(waiting: Set<Waiting<T>>, error: unknown): void {
	for (const { reject } of waiting) reject(error);
	waiting.clear();
}

/** Waits among others. `left`: called where the signal ends the wait. @throws AbortedError then */
async function waitAmong<T>(
	others: Set<Waiting<T>>,
	signal: AbortSignal,
	left: () => void = () => {},
): Promise<T> {
	let stop = () => {};
	try {
		return await new Promise<T>((resolve, reject) => {
			const waiting = { resolve, reject };
			others.add(waiting);
			stop = onAbort(signal, () => {
				// Who has its turn already takes it, and gives it on.
				if (!others.delete(waiting)) return;
				left();
				reject(new AbortedError("the follower was closed"));
			});
		});
	} finally {
		stop();
	}
}
