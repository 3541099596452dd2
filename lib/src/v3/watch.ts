import type { AnswerHead } from "../http/answer";
import { readLines } from "../http/body";
import { checkIndex } from "../http/checks";
import { AbortedError, BadAnswerError, ConnectionError, TimeoutError } from "../http/errors";
import { iterate } from "../http/iterate";
import type { HttpRequest } from "../http/request";
import type { Transport } from "../http/transport";
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
	/**
	 * True unless given: messages of more than about 1.5 MiB come in pieces, each with some of the events; `fragment`
	 * says that another piece follows. False: all in one, which for a past of large values is more than can be read.
	 */
	readonly fragment?: boolean;
	/**
	 * Has the server end the watch, with a NoLeaderError, when it has known of no leader for a while; else it stays
	 * open in silence. etcd's clients ask for it by gRPC metadata, and the gateway takes those as Grpc-Metadata-…; not
	 * by WebSocket, which carries no such header on.
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
 * One watch: on a connection of its own by `V3Client.watch`, or with others on one by `V3Watches`. What is not read waits
 * with the server, which goes on later; but a compaction may pass it by, and before 3.4.31 and 3.5.13 the server then
 * leaves out what was compacted without a word (issue 17529). A message is no transaction: it can hold several
 * revisions, and one revision can come in several fragments.
 */
export interface V3Watch extends AsyncIterable<V3Message> {
	/** The header of the message by which the server said that it is registered; what is written after that is told. */
	readonly header: V3Header;
	/** The endpoint that it is at. */
	readonly endpoint: string;
	/** @internal How many bytes have come by its connection: while there are more it is not silent, though no message is whole. */
	readonly receivedBytes: number;
	/**
	 * The next message; undefined when the server ended the stream properly, which it does only when it stops.
	 * @throws CompactedError, WatchCanceledError or another V3Error when the server canceled it, which ends the
	 * watch (etcd itself leaves a connection of its own open); ConnectionError when it was cut; AbortedError after
	 * `close()`
	 */
	next(): Promise<V3Message | undefined>;
	/** The events of all messages, one by one. Ends and throws as `next`; leaving it closes the watch, at once. */
	events(): AsyncIterableIterator<V3Event>;
	/** Ends it, with its connection if that is its own. */
	close(): void;
}

/** @throws ArgumentError */
export function watchBody(key: V3Bytes, options: V3WatchOptions): Wire {
	const { startRevision, prevKv, filters = [], progressNotify, fragment = true } = options;
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
 * Opens a watch on a connection of its own, by HTTP; resolves when the server has registered it.
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
	const answer = await transport.open(request).catch((error: unknown) => {
		throw error instanceof TimeoutError ? late(error.message, error) : error;
	});
	if (answer.status !== 200) {
		const text = await transport.readInTime(answer, request);
		parseLine(request, answer, text);
		throw new BadAnswerError("status", `${answer.endpoint} answered ${answer.status} to a watch`, {
			status: answer.status,
			excerpt: text.slice(0, 200),
		});
	}
	let receivedBytes = 0;
	const lines = readLines(answer, transport.maxBodyBytes, true, (byteCount) => {
		receivedBytes += byteCount;
	});
	const results: Results = {
		get receivedBytes() {
			return receivedBytes;
		},
		async next() {
			const line = await lines.next();
			return line.done ? undefined : parseLine(request, answer, line.value);
		},
		close: () => answer.close(),
	};
	return await registered(results, request, answer, options.startRevision, timeoutMs);
}

/** What one watch is told, as it comes. */
export interface Results {
	/** How many bytes have come by their connection. */
	readonly receivedBytes: number;
	/** The next result; undefined when the server has ended them properly. */
	next(): Promise<Fields | undefined>;
	close(): void;
}

/** The watch, once its first result has said that it is. Errors as `openWatch`; it is closed then. */
export async function registered(
	results: Results,
	request: HttpRequest,
	answer: AnswerHead,
	startRevision: number | undefined,
	timeoutMs: number,
): Promise<V3Watch> {
	const { endpoint } = answer;
	let isLate = false;
	const timer = setTimeout(() => {
		isLate = true;
		results.close();
	}, timeoutMs);
	try {
		const first = await results.next();
		if (first?.flag("canceled")) throw canceled(request, answer, first, startRevision);
		if (!first?.flag("created")) {
			throw new ConnectionError(`${endpoint} did not begin the watch with "created"`, {
				maybeApplied: false,
			});
		}
		return new Watching(results, request, answer, startRevision, parseHeader(first));
	} catch (cause) {
		results.close();
		if (!isLate) throw cause;
		throw late(`no registered watch in ${timeoutMs} ms at ${endpoint}`, cause);
	} finally {
		clearTimeout(timer);
	}
}

/** Over TLS it may have a reason that nothing else names. */
function late(message: string, cause: unknown): TimeoutError {
	const mostWatches =
		"before 3.4.20 and 3.5.5 etcd serves 249 watches over TLS, and hangs then (issue 11826)";
	const hint = message.includes("https://") ? `; ${mostWatches}` : "";
	return new TimeoutError(message + hint, { maybeApplied: false, cause });
}

class Watching implements V3Watch {
	readonly endpoint: string;
	readonly header: V3Header;
	readonly #results: Results;
	readonly #canceled: (result: Fields) => V3Error;
	#isClosed = false;

	constructor(
		results: Results,
		request: HttpRequest,
		answer: AnswerHead,
		startRevision: number | undefined,
		header: V3Header,
	) {
		this.endpoint = answer.endpoint;
		this.header = header;
		this.#results = results;
		this.#canceled = (result) => canceled(request, answer, result, startRevision);
	}

	get receivedBytes(): number {
		return this.#results.receivedBytes;
	}

	async next(): Promise<V3Message | undefined> {
		if (this.#isClosed) throw new AbortedError("the watch was closed");
		try {
			const result = await this.#results.next();
			if (result === undefined) return undefined;
			if (result.flag("canceled")) throw this.#canceled(result);
			const header = parseHeader(result);
			const events = result.objects("events").map(parseEvent);
			if (events.length === 0) return { kind: "progress", header };
			return { kind: "events", header, events, fragment: result.flag("fragment") };
		} catch (error) {
			// After a cancel the server leaves the stream open, and after a bad line nothing makes sense.
			this.close();
			throw error;
		}
	}

	[Symbol.asyncIterator](): AsyncIterator<V3Message> {
		return iterate(
			() => this.next(),
			() => this.close(),
		);
	}

	events(): AsyncIterableIterator<V3Event> {
		let told: readonly V3Event[] = [];
		let at = 0;
		const one = async (): Promise<V3Event | undefined> => {
			while (at === told.length) {
				const message = await this.next();
				if (message === undefined) return undefined;
				[told, at] = [message.kind === "events" ? message.events : [], 0];
			}
			return told[at++];
		};
		// Who asks before the last one has its event waits for that.
		let last: Promise<unknown> = Promise.resolve();
		const next = () => {
			const asked = last.then(one);
			last = asked.catch(() => {});
			return asked;
		};
		return iterate(next, () => this.close());
	}

	close(): void {
		if (this.#isClosed) return;
		this.#isClosed = true;
		this.#results.close();
	}
}

/** Why the server has ended the watch. */
function canceled(
	request: HttpRequest,
	answer: AnswerHead,
	result: Fields,
	startRevision: number | undefined,
): V3Error {
	const compactRevision = result.number("compact_revision");
	const told = reasonIn(result.text("cancel_reason"));
	if (compactRevision > 0) {
		const text = "etcdserver: mvcc: required revision has been compacted";
		return new CompactedError({
			...fieldsOf(request, answer, 11, text),
			compactRevision,
			...(startRevision === undefined ? {} : { askedRevision: startRevision }),
		});
	}
	const text = told.text === "" ? "the server canceled the watch and gave no reason" : told.text;
	const fields = fieldsOf(request, answer, told.grpcCode, text);
	return v3Errors.has(text) ? v3Error(fields) : new WatchCanceledError(fields);
}
