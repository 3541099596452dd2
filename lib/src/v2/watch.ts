import { type AnswerHead, badAnswer } from "../http/answer";
import { readLines, readText } from "../http/body";
import { checkIndex } from "../http/checks";
import { AbortedError } from "../http/errors";
import { iterate } from "../http/iterate";
import type { HttpRequest, OpenAnswer } from "../http/request";
import type { Transport } from "../http/transport";
import { keyPath } from "./key";
import type { Headers, WatchEvent } from "./node";
import { parseAnswer, parseEvent, parseHeaders } from "./parse";

export interface WatchOptions {
	/** Also what happens below the key. False unless given. */
	readonly recursive?: boolean;
	/**
	 * Only events with a higher index, from the history if they have already happened. Left out: from now on.
	 * On the wire it becomes waitIndex = afterIndex + 1, which is inclusive.
	 */
	readonly afterIndex?: number;
	readonly signal?: AbortSignal;
}

/** How a long poll ended: with its one event, or (a proxy's work, mostly) with a 200 and nothing in it. */
export type PollAnswer = { readonly kind: "event"; readonly event: WatchEvent } | { readonly kind: "empty" };

/** A long poll that is registered at the server. */
export interface Poll {
	/** The answer's headers: `etcdIndex` is the store's index when the watch began, not the event's. */
	readonly headers: Headers;
	/**
	 * The one answer. The same promise each time.
	 * @throws ConnectionError when the connection ends first, AbortedError after `close()`.
	 */
	answer(): Promise<PollAnswer>;
	/** Gives up the poll and its connection. */
	close(): void;
}

/** The request of a long poll or a stream. @throws ArgumentError */
export function watchRequest(key: string, options: WatchOptions, stream: boolean): HttpRequest {
	const query = new URLSearchParams({ wait: "true" });
	if (options.recursive) query.set("recursive", "true");
	if (stream) query.set("stream", "true");
	if (options.afterIndex !== undefined) {
		// etcd reads waitIndex=0 as "none given" (getUint64 in v2http/client.go): "after 0" has to go out as 1.
		query.set("waitIndex", String(checkIndex("afterIndex", options.afterIndex) + 1));
	}
	return { method: "GET", path: `${keyPath(key)}?${query}`, signal: options.signal };
}

async function register(transport: Transport, request: HttpRequest): Promise<[OpenAnswer, Headers]> {
	const answer = await transport.open(request);
	if (answer.status === 200) {
		try {
			return [answer, parseHeaders(answer, "")];
		} catch (error) {
			answer.close();
			throw error;
		}
	}
	const text = await transport.readInTime(answer, request);
	try {
		parseAnswer(request, answer, text);
		throw badAnswer("status", answer, text, "to a watch");
	} catch (error) {
		throw transport.withoutSecrets(error);
	}
}

function asEvent(transport: Transport, request: HttpRequest, answer: AnswerHead, text: string): WatchEvent {
	try {
		const told = parseEvent(request, answer, text);
		const headers = parseHeaders(answer, text);
		return { ...told, ...headers, fromHistory: told.node.modifiedIndex <= headers.etcdIndex };
	} catch (error) {
		throw transport.withoutSecrets(error);
	}
}

/**
 * One long poll. Resolves when the server has registered it: etcd flushes the headers before any event
 * (`handleKeyWatch` in v2http/client.go at v3.5.9). What happens between its answer and the next poll is lost unless
 * that one has an `afterIndex`.
 * @throws EventIndexClearedError when `afterIndex` lies before the history; ArgumentError; ConnectionError
 */
export async function poll(
	transport: Transport,
	key: string,
	options: WatchOptions = {},
	closing?: AbortSignal,
): Promise<Poll> {
	return await pollAs(transport, { ...watchRequest(key, options, false), closing });
}

/** A long poll whose query goes out as it stands, wrong or not. Errors as `poll`, and what etcd says of the query. */
export async function pollLiterally(transport: Transport, key: string, query: string): Promise<Poll> {
	return await pollAs(transport, { method: "GET", path: `${keyPath(key)}?${query}` });
}

async function pollAs(transport: Transport, request: HttpRequest): Promise<Poll> {
	const [answer, headers] = await register(transport, request);
	const read = async (): Promise<PollAnswer> => {
		const text = await readText(answer, transport.maxBodyBytes);
		if (text.trim() === "") return { kind: "empty" };
		return { kind: "event", event: asEvent(transport, request, answer, text) };
	};
	const answered = read();
	// Whoever asks for the answer gets the error; nobody asking must not end the process.
	answered.catch(() => {});
	return { headers, answer: () => answered, close: () => answer.close() };
}

/** Waits between empty answers, from the third in a row on: the first, and the longest; it doubles. Milliseconds. */
const emptyWaitMs = [50, 5_000] as const;

/**
 * A loop of long polls that carries its index on, as the Go client's `Watcher.Next` does: from its first event
 * it asks with that event's modifiedIndex + 1, and again in silence after an empty answer. Before the first
 * event it has no index to ask with (unless `afterIndex` is given): what falls between two polls then is lost.
 */
export class Watcher implements AsyncIterable<WatchEvent> {
	readonly key: string;
	readonly #transport: Transport;
	readonly #options: WatchOptions;
	readonly #closing = new AbortController();
	#afterIndex: number | undefined;
	#poll: Promise<Poll> | undefined;
	/** Resolves when nobody waits for an event any more. */
	#turn: Promise<unknown> = Promise.resolve();

	constructor(transport: Transport, key: string, options: WatchOptions = {}) {
		watchRequest(key, options, false);
		this.key = key;
		this.#transport = transport;
		this.#options = options;
		this.#afterIndex = options.afterIndex;
	}

	/** The index after which the next poll asks; undefined before the first event of a watch from now on. */
	get afterIndex(): number | undefined {
		return this.#afterIndex;
	}

	/** Resolves when a poll is registered at the server, making one if there is none. Errors as `next`. */
	async registered(): Promise<Headers> {
		return (await this.#registeredPoll()).headers;
	}

	/**
	 * The next event. May be called again before it is answered: each call gets an event of its own, in their order.
	 * After an error the index stays where it was, so that it can be called again.
	 * @throws EventIndexClearedError (call again and it is thrown again), ConnectionError, AbortedError
	 */
	next(): Promise<WatchEvent> {
		const event = this.#turn.then(() => this.#next());
		this.#turn = event.catch(() => {});
		return event;
	}

	/** Gives up the poll under way and its connection, registered or not; the watcher is over. */
	close(): void {
		this.#closing.abort();
	}

	/** Events until `break` (which closes it, at once) or an error. */
	[Symbol.asyncIterator](): AsyncIterableIterator<WatchEvent> {
		return iterate(
			() => this.next(),
			() => this.close(),
		);
	}

	async #next(): Promise<WatchEvent> {
		for (let emptyCount = 0; ; emptyCount++) {
			if (emptyCount >= 3) await this.#waitAfter(emptyCount);
			const current = await this.#registeredPoll();
			let answer: PollAnswer;
			try {
				answer = await current.answer();
			} finally {
				this.#poll = undefined;
			}
			if (answer.kind === "empty") continue;
			this.#afterIndex = answer.event.node.modifiedIndex;
			return answer.event;
		}
	}

	/** A proxy whose server is down must not be asked as fast as it gives its empty answers. */
	async #waitAfter(emptyCount: number): Promise<void> {
		const [first, longest] = emptyWaitMs;
		const ends = { signal: this.#options.signal, closing: this.#closing.signal };
		await this.#transport.wait(Math.min(longest, first * 2 ** Math.min(emptyCount - 3, 20)), ends);
	}

	async #registeredPoll(): Promise<Poll> {
		if (this.#closing.signal.aborted) throw new AbortedError(`the watcher on ${this.key} was closed`);
		const { signal, recursive } = this.#options;
		this.#poll ??= poll(
			this.#transport,
			this.key,
			{
				...(recursive === undefined ? {} : { recursive }),
				...(signal === undefined ? {} : { signal }),
				...(this.#afterIndex === undefined ? {} : { afterIndex: this.#afterIndex }),
			},
			this.#closing.signal,
		);
		const opening = this.#poll;
		try {
			return await opening;
		} catch (error) {
			if (this.#poll === opening) this.#poll = undefined;
			throw error;
		}
	}
}

/**
 * One connection that stays open (`stream=true`). Events are read as they are asked for: a consumer that stops
 * asking stops reading, and past 100 waiting events the server drops the watcher and says nothing
 * (v2store/watcher.go, `notify`; notebook 03). With an `afterIndex` in the past it gives exactly one event.
 */
export interface EventStream extends AsyncIterable<WatchEvent> {
	readonly headers: Headers;
	/**
	 * The next event; undefined when the server ended the stream properly.
	 * @throws ConnectionError when it was cut, AbortedError after `close()`, an EtcdError or BadAnswerError for a line
	 * that is no event; each ends the connection, and is thrown again by later calls
	 */
	next(): Promise<WatchEvent | undefined>;
	close(): void;
}

/** Opens a stream; resolves when it is registered. Errors as for `poll`. */
export async function stream(
	transport: Transport,
	key: string,
	options: WatchOptions = {},
): Promise<EventStream> {
	const request = watchRequest(key, options, true);
	const [answer, headers] = await register(transport, request);
	const lines = readLines(answer, transport.maxBodyBytes);
	/** What ended it, other than the server by the book. */
	let failure: unknown;
	const close = () => {
		failure ??= new AbortedError(`the stream on ${key} was closed`);
		answer.close();
	};
	const next = async () => {
		if (failure !== undefined) throw failure;
		try {
			const line = await lines.next();
			return line.done ? undefined : asEvent(transport, request, answer, line.value);
		} catch (error) {
			// After a line that makes no sense nothing does.
			failure ??= error;
			answer.close();
			throw error;
		}
	};
	return { headers, next, close, [Symbol.asyncIterator]: () => iterate(next, close) };
}
