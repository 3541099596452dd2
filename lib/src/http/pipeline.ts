import type { Socket } from "node:net";
import { type buildConnector, Client, errors } from "undici";
import { type AnswerHead, decode, tooLarge } from "./answer";
import { codeOf, reasonOf } from "./connect";
import { AbortedError, ArgumentError, ConnectionError, LabError, TimeoutError } from "./errors";

/** What becomes of one request on a pipeline. Exactly one of `ended` and `failed` is called, once. */
export interface PipelineHandler {
	/** The headers have come; for a watch: it is registered. */
	began(head: AnswerHead): void;
	/** A piece of the body has come. */
	received?(byteCount: number): void;
	/** The whole body. */
	ended(head: AnswerHead, text: string): void;
	/** ConnectionError, TimeoutError, AbortedError after `destroy()` or `abort()`, BadAnswerError, ArgumentError. */
	failed(error: LabError): void;
}

/** What a pipeline needs of the transport that made it. */
export interface PipelineOptions {
	readonly endpoint: string;
	/** Makes a connection, and gives it at once. */
	readonly connect: (options: buildConnector.Options, callback: buildConnector.Callback) => Socket;
	readonly authorization: string | undefined;
	readonly maxBodyBytes: number;
	/** How long the connection may take, and then the headers, once it is the request's turn. Milliseconds. */
	readonly timeoutMs: number;
	/** Takes credentials out of an error. */
	readonly withoutSecrets: <E>(error: E) => E;
	/** Told of its end. */
	readonly gone: () => void;
}

/** How many requests may be on one connection: more than anybody has. */
const deepest = 4_096;

/** How long a connection is kept that nobody needs. */
const longestIdleMs = 600_000;

/**
 * One connection to one endpoint for GET requests, all on the wire at once and answered in the order in which they
 * were sent: one that waits holds up those behind it. The requests of one turn are one write. When the connection
 * fails, all that is on it fails, and the next request gets a new one; a server that closes it properly after an
 * answer ("Connection: close") fails nothing: what was behind is sent again on a new one.
 */
export class Pipeline {
	readonly endpoint: string;
	readonly #options: PipelineOptions;
	readonly #headers: string[];
	/** How to fail each request that has not ended. */
	readonly #underWay = new Set<(cause: unknown) => void>();
	#client: Client | undefined;
	#socket: Socket | undefined;
	#isCorked = false;
	#destroyed = false;

	constructor(options: PipelineOptions) {
		this.#options = options;
		this.endpoint = options.endpoint;
		const { authorization } = options;
		this.#headers = authorization === undefined ? [] : ["authorization", authorization];
	}

	/** Requests that have not ended. */
	get underWay(): number {
		return this.#underWay.size;
	}

	get destroyed(): boolean {
		return this.#destroyed;
	}

	/**
	 * Sends a GET. `path` as in `HttpRequest`. `bodyMs`: how long the whole body may take, after the headers; no limit
	 * unless given, which is right for a long poll alone.
	 */
	get(path: string, handler: PipelineHandler, { bodyMs }: { readonly bodyMs?: number } = {}): void {
		const { endpoint, timeoutMs, withoutSecrets } = this.#options;
		let timer: NodeJS.Timeout | undefined;
		const fail = (cause: unknown) => {
			clearTimeout(timer);
			handler.failed(withoutSecrets(errorOf(cause, `GET ${path} at ${endpoint}`, bodyMs ?? timeoutMs)));
		};
		if (this.#destroyed) {
			fail(undefined);
			return;
		}
		const pieces: Buffer[] = [];
		let head: AnswerHead | undefined;
		this.#underWay.add(fail);
		this.#client ??= this.#newClient();
		// Long polls wait in order, and hold up what is behind them: they are not "blocking" as undici has it.
		const request = { method: "GET", path, headers: this.#headers, blocking: false } as const;
		this.#client.dispatch(request, {
			onRequestStart: () => this.#cork(),
			onResponseStart: (_controller, status, headers) => {
				// 100 Continue and its like come before the answer; after a failure nothing counts any more.
				if (status < 200 || !this.#underWay.has(fail)) return;
				head = { endpoint, status, headers };
				if (bodyMs !== undefined) timer = setTimeout(() => this.#fail(new errors.BodyTimeoutError()), bodyMs);
				handler.began(head);
			},
			onResponseData: (_controller, piece) => {
				pieces.push(piece);
				handler.received?.(piece.length);
			},
			onResponseEnd: () => {
				if (head === undefined || !this.#underWay.delete(fail)) return;
				clearTimeout(timer);
				let text: string;
				try {
					text = decode(head, pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces));
				} catch (error) {
					return fail(error);
				}
				handler.ended(head, text);
			},
			onResponseError: (_controller, error) => {
				if (!this.#underWay.has(fail)) return;
				const code = codeOf(error);
				if (code === "UND_ERR_INVALID_ARG") {
					this.#underWay.delete(fail);
					return fail(new ArgumentError(`${error.message}: ${JSON.stringify(path)}`, { cause: error }));
				}
				const isTooLarge = code === "UND_ERR_RES_EXCEEDED_MAX_SIZE" && head !== undefined;
				this.#fail(isTooLarge ? tooLarge(head as AnswerHead, this.#options.maxBodyBytes, pieces[0]) : error);
			},
		});
	}

	/** Ends the connection; what is under way fails with an AbortedError. Later requests get a new one. */
	abort(): void {
		this.#fail(undefined);
	}

	/** As `abort`, and later requests fail too. Safe to call again. */
	destroy(): void {
		if (this.#destroyed) return;
		this.#destroyed = true;
		this.#options.gone();
		this.#fail(undefined);
	}

	#newClient(): Client {
		const { endpoint, timeoutMs, maxBodyBytes, connect } = this.#options;
		const client: Client = new Client(endpoint, {
			pipelining: deepest,
			headersTimeout: Math.ceil(timeoutMs),
			bodyTimeout: 0,
			keepAliveTimeout: longestIdleMs,
			maxResponseSize: maxBodyBytes,
			connect: (options, callback) => {
				if (this.#client === client) this.#socket = connect(options, callback);
				else callback(new Error("this connection was given up"), null);
			},
		});
		return client;
	}

	/** What is sent in one go is one piece, which costs one system call instead of one a request. */
	#cork(): void {
		const socket = this.#socket;
		if (this.#isCorked || socket === undefined) return;
		this.#isCorked = true;
		socket.cork();
		queueMicrotask(() => {
			this.#isCorked = false;
			socket.uncork();
		});
	}

	/** Ends the connection with everything on it; undici alone would fail the first and send the others again. */
	#fail(cause: unknown): void {
		const failed = [...this.#underWay];
		this.#underWay.clear();
		const client = this.#client;
		this.#client = undefined;
		this.#socket?.destroy();
		this.#socket = undefined;
		// Not at once: undici may be in the midst of telling of that very failure, and goes on with its queue then.
		if (client !== undefined) queueMicrotask(() => void client.destroy());
		for (const fail of failed) fail(cause);
	}
}

/** The error of a request whose connection ended for that reason; undefined: by its caller's wish. */
function errorOf(cause: unknown, what: string, timeoutMs: number): LabError {
	if (cause === undefined) return new AbortedError(`ended by its caller: ${what}`);
	if (cause instanceof LabError) return cause;
	const options = { maybeApplied: false, cause };
	if (/^UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT$/.test(codeOf(cause))) {
		return new TimeoutError(`no answer in ${timeoutMs} ms: ${what}`, options);
	}
	return new ConnectionError(`${reasonOf(cause)}: ${what}`, options);
}
