import { checkIndex } from "../http/checks";
import { AbortedError, BadAnswerError, ConnectionError, TimeoutError } from "../http/errors";
import { readLines } from "../http/lines";
import type { HttpRequest, OpenAnswer, Transport } from "../http/transport";
import type { V3Bytes } from "./bytes";
import { CompactedError, type V3Error, v3Error, v3Errors, WatchCanceledError } from "./errors";
import { type Fields, fieldsOf, parseEvent, parseHeader, parseLine, reasonIn } from "./parse";
import { type V3Keys, wireRange } from "./range";
import type { Wire } from "./requests";
import type { V3Event, V3Header } from "./types";

export interface V3WatchOptions extends V3Keys {
	/** The first revision that is told, itself included, past or future. Left out: from now on. */
	readonly startRevision?: number;
	/** Each event with the key before it. */
	readonly prevKv?: boolean;
	/** What is not told: puts, or deletes. */
	readonly filters?: readonly ("noput" | "nodelete")[];
	/** A message without events now and then, while nothing happens: every 10 minutes, unless the server was told otherwise. */
	readonly progressNotify?: boolean;
	/** Messages of more than about 1.5 MiB are sent in pieces; `fragment` says that another piece follows. */
	readonly fragment?: boolean;
	/**
	 * Has the server end the watch, with a NoLeaderError, when it has known of no leader for a while; else it stays
	 * open in silence. etcd's clients ask for it by gRPC metadata, and the gateway takes those as Grpc-Metadata-….
	 */
	readonly requireLeader?: boolean;
	/** One of the client's endpoints, which alone is asked. */
	readonly endpoint?: string;
	readonly signal?: AbortSignal;
	/** How long the registration may take; the client's own unless given. */
	readonly timeoutMs?: number;
}

/** What a watch is told. */
export type V3Message =
	| {
			readonly kind: "events";
			readonly header: V3Header;
			/** In the order of the revisions; all of one revision are in one message, or in its fragments. */
			readonly events: readonly V3Event[];
			/** True when more of the same message follows: a revision may be cut in two here. */
			readonly fragment: boolean;
	  }
	/** Everything up to the header's revision has been told (but see issue 15220). */
	| { readonly kind: "progress"; readonly header: V3Header };

/**
 * One watch on one connection that stays open: through the gateway, more watches on it, a cancel or a requested
 * progress are not possible. What is not read waits; the server keeps it and goes on later, but a compaction may
 * pass it by.
 */
export interface V3Watch extends AsyncIterable<V3Message> {
	/** The header of the message by which the server said that it is registered; what is written after that is told. */
	readonly header: V3Header;
	/** The endpoint that it is at. */
	readonly endpoint: string;
	/**
	 * The next message; undefined when the server ended the stream properly, which it does only when it stops.
	 * @throws CompactedError, WatchCanceledError or another V3Error when the server canceled it, which ends the
	 * connection too (etcd itself leaves it open); ConnectionError when it was cut; AbortedError after `close()`
	 */
	next(): Promise<V3Message | undefined>;
	/** The events of all messages, one by one. Ends and throws as `next`; leaving it closes the watch. */
	events(): AsyncGenerator<V3Event, void, undefined>;
	/** Ends it and its connection. */
	close(): void;
}

/** @throws ArgumentError */
export function watchBody(key: V3Bytes, options: V3WatchOptions): Wire {
	const { startRevision, prevKv, filters = [], progressNotify, fragment } = options;
	return {
		...wireRange(key, options),
		...(startRevision === undefined
			? {}
			: // 0 would be "from now on".
				{ start_revision: String(checkIndex("startRevision", startRevision, 1)) }),
		...(prevKv ? { prev_kv: true } : {}),
		...(filters.length > 0 ? { filters: filters.map((filter) => filter.toUpperCase()) } : {}),
		...(progressNotify ? { progress_notify: true } : {}),
		...(fragment ? { fragment: true } : {}),
	};
}

/**
 * Opens a watch; resolves when the server has registered it.
 * @throws V3Error when it is refused, TimeoutError, ConnectionError, AbortedError
 */
export async function openWatch(
	transport: Transport,
	body: Wire,
	options: V3WatchOptions,
	token: string | undefined,
): Promise<V3Watch> {
	const timeoutMs = options.timeoutMs ?? transport.timeoutMs;
	const request: HttpRequest = {
		method: "POST",
		path: "/v3/watch",
		json: JSON.stringify({ create_request: body }),
		isRead: true,
		authorization: token,
		endpoint: options.endpoint,
		...(options.requireLeader ? { headers: { "Grpc-Metadata-Hasleader": "true" } } : {}),
		signal: options.signal,
		timeoutMs,
	};
	const answer = await transport.open(request);
	if (answer.status !== 200) {
		const text = await transport.readInTime(answer, request);
		parseLine(request, answer, text);
		throw new BadAnswerError("status", `${answer.endpoint} answered ${answer.status} to a watch`, {
			status: answer.status,
			excerpt: text.slice(0, 200),
		});
	}
	const watch = new Watching(transport, request, answer, options.startRevision);
	await watch.registered(timeoutMs);
	return watch;
}

class Watching implements V3Watch {
	readonly endpoint: string;
	readonly #request: HttpRequest;
	readonly #answer: OpenAnswer;
	readonly #lines: AsyncGenerator<string, void, undefined>;
	readonly #startRevision: number | undefined;
	#header: V3Header | undefined;
	#isClosed = false;

	constructor(
		transport: Transport,
		request: HttpRequest,
		answer: OpenAnswer,
		startRevision: number | undefined,
	) {
		this.endpoint = answer.endpoint;
		this.#request = request;
		this.#answer = answer;
		this.#startRevision = startRevision;
		this.#lines = readLines(transport, answer, true);
	}

	get header(): V3Header {
		if (this.#header === undefined) throw new Error("a watch is given out only when it is registered");
		return this.#header;
	}

	async registered(timeoutMs: number): Promise<void> {
		let isLate = false;
		const timer = setTimeout(() => {
			isLate = true;
			this.#answer.close();
		}, timeoutMs);
		try {
			const first = await this.#line();
			if (first === undefined || !first.flag("created")) {
				const message = `${this.endpoint} did not begin the watch with "created"`;
				throw new ConnectionError(message, { maybeApplied: false });
			}
			this.#header = parseHeader(first);
		} catch (cause) {
			this.close();
			if (!isLate) throw cause;
			throw new TimeoutError(`no registered watch in ${timeoutMs} ms at ${this.endpoint}`, {
				maybeApplied: false,
				cause,
			});
		} finally {
			clearTimeout(timer);
		}
	}

	async next(): Promise<V3Message | undefined> {
		if (this.#isClosed) throw new AbortedError("the watch was closed");
		try {
			const line = await this.#line();
			if (line === undefined) return undefined;
			const header = parseHeader(line);
			const events = line.objects("events").map(parseEvent);
			if (events.length === 0) return { kind: "progress", header };
			return { kind: "events", header, events, fragment: line.flag("fragment") };
		} catch (error) {
			// After a cancel the server leaves the stream open (facts.md), and after a bad line nothing makes sense.
			this.close();
			throw error;
		}
	}

	async *[Symbol.asyncIterator](): AsyncGenerator<V3Message, void, undefined> {
		try {
			for (let message = await this.next(); message; message = await this.next()) yield message;
		} finally {
			this.close();
		}
	}

	async *events(): AsyncGenerator<V3Event, void, undefined> {
		for await (const message of this) if (message.kind === "events") yield* message.events;
	}

	close(): void {
		if (this.#isClosed) return;
		this.#isClosed = true;
		this.#answer.close();
	}

	async #line(): Promise<Fields | undefined> {
		const line = await this.#lines.next();
		if (line.done) return undefined;
		const result = parseLine(this.#request, this.#answer, line.value);
		if (result.flag("canceled")) throw this.#canceled(result);
		return result;
	}

	/** Why the server has ended the watch. */
	#canceled(result: Fields): V3Error {
		const compactRevision = result.number("compact_revision");
		const told = reasonIn(result.text("cancel_reason"));
		if (compactRevision > 0) {
			const text = "etcdserver: mvcc: required revision has been compacted";
			return new CompactedError({
				...fieldsOf(this.#request, this.#answer, 11, text),
				compactRevision,
				...(this.#startRevision === undefined ? {} : { askedRevision: this.#startRevision }),
			});
		}
		const text = told.text === "" ? "the server canceled the watch and gave no reason" : told.text;
		const fields = fieldsOf(this.#request, this.#answer, told.grpcCode, text);
		const isKnown = v3Errors.has(text);
		return isKnown ? v3Error(fields) : new WatchCanceledError(fields);
	}
}
