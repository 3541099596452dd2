import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { type AnswerHead, decode } from "../http/answer";
import { AbortedError, BadAnswerError, ConnectionError, TimeoutError } from "../http/errors";
import type { HttpRequest } from "../http/request";
import type { Transport } from "../http/transport";
import type { V3Bytes } from "./bytes";
import { WebSocketRefusedError } from "./errors";
import { type Asked, Mailbox, type MailboxOwner } from "./mailbox";
import { type Fields, glance, parseHeader, parseLine } from "./parse";
import type { V3RequestOptions } from "./requests";
import type { V3Header } from "./types";
import { registered, type V3Watch, type V3WatchOptions, watchBody } from "./watch";

/** Of one watch on a connection that carries several. */
export interface SharedWatchOptions extends Omit<V3WatchOptions, "endpoint" | "requireLeader"> {
	/** @internal It is canceled by itself once its first events have come, all fragments of the one message. */
	readonly once?: boolean;
	/** @internal Called when events have come for it, before they are read. */
	readonly onEvents?: () => void;
}

/**
 * One connection that carries any number of watches, by WebSocket through the same gateway (etcd 3.3 and later;
 * tmc/grpc-websocket-proxy in embed/serve.go). For the server all of them are one stream. What the readers have not
 * read is held up to a bound of bytes; then nothing more is read from the connection, so that a reader that stops holds
 * up the others on it too: give it a connection of its own.
 */
export interface V3Watches {
	readonly endpoint: string;
	/** How many bytes have been read from the connection and not by a watch. */
	readonly heldBytes: number;
	/**
	 * Opens a watch; resolves when it is registered. `close()` of it cancels it, and leaves the others.
	 * @throws as `V3Client.watch`; with a user, InvalidTokenError (PermissionDeniedError from 3.5.0 to 3.5.5) at a server
	 * before 3.5.32, 3.6.13 and 3.7, which takes no token by WebSocket (issue 19752)
	 */
	watch(key: V3Bytes, options?: SharedWatchOptions): Promise<V3Watch>;
	/**
	 * Asks how far all watches have been told, and gives the header whose revision says it; every watch is told it too,
	 * as a "progress", after what came before. A server answers nothing while one of them is behind. Before 3.4.25 and
	 * 3.5.8 the answer overtakes events that it vouches for (issue 15220), and is no proof.
	 * @throws TimeoutError when no answer came in time, and what ended the connection
	 */
	progress(timeoutMs?: number): Promise<V3Header>;
	/** Ends all watches and the connection. */
	close(): void;
}

/** What a user of the connection decides. */
export interface WatchesOptions extends V3RequestOptions {
	/** How many bytes may be held for the readers before the connection is read no further; 1 MiB unless given. */
	readonly maxHeldBytes?: number;
	/** @internal Called when that much is held. */
	readonly onFull?: () => void;
}

/** `refused`: told why a watch was. @throws WebSocketRefusedError, ConnectionError, TimeoutError, AbortedError */
export async function openWatches(
	transport: Transport,
	options: WatchesOptions,
	token: string | undefined,
	refused: (error: unknown) => void,
): Promise<V3Watches> {
	const endpoints = options.endpoint === undefined ? transport.inTurn : [options.endpoint];
	for (const [nth, endpoint] of endpoints.entries()) {
		const connection = new Connection(transport, endpoint, options, refused);
		try {
			await connection.open(token);
			return connection;
		} catch (error) {
			connection.close();
			if (!(error instanceof ConnectionError) || nth === endpoints.length - 1) throw error;
			transport.leave(endpoint);
		}
	}
	throw new ConnectionError("no endpoint is left", { maybeApplied: false });
}

class Connection implements V3Watches, MailboxOwner {
	readonly endpoint: string;
	heldBytes = 0;
	readonly #transport: Transport;
	readonly #refused: (error: unknown) => void;
	readonly #signal: AbortSignal | undefined;
	readonly #timeoutMs: number;
	readonly #maxHeldBytes: number;
	readonly #onFull: () => void;
	readonly #request: HttpRequest = { method: "GET", path: "/v3/watch" };
	readonly #answer: AnswerHead;
	readonly #mailboxes = new Map<number, Mailbox>();
	/** Asked for and not answered yet: the server answers in this order. */
	readonly #opening: number[] = [];
	readonly #progress = new Set<Asked<V3Header>>();
	#socket: WebSocket | undefined;
	/** What the WebSocket is on. */
	#wire: Socket | undefined;
	#failure: { readonly error: unknown } | undefined;
	#lastId = 0;
	#release = () => {};
	#ended = () => {};

	constructor(
		transport: Transport,
		endpoint: string,
		options: WatchesOptions,
		refused: (error: unknown) => void,
	) {
		this.endpoint = endpoint;
		this.#transport = transport;
		const {
			signal,
			timeoutMs = transport.timeoutMs,
			maxHeldBytes = 1024 * 1024,
			onFull = () => {},
		} = options;
		this.#refused = refused;
		this.#signal = signal;
		this.#timeoutMs = timeoutMs;
		this.#maxHeldBytes = maxHeldBytes;
		this.#onFull = onFull;
		this.#answer = { endpoint, status: 101, headers: {} };
	}

	get receivedBytes(): number {
		return this.#wire?.bytesRead ?? 0;
	}

	async open(token: string | undefined): Promise<void> {
		const signal = this.#signal;
		if (signal?.aborted) throw new AbortedError("the signal had already been aborted");
		const abort = () => this.#end(new AbortedError(`ended by its caller: the watches at ${this.endpoint}`));
		const controller = new AbortController();
		controller.signal.addEventListener("abort", abort, { once: true });
		const unlist = this.#transport.enlist(controller);
		signal?.addEventListener("abort", abort, { once: true });
		this.#release = () => {
			unlist();
			signal?.removeEventListener("abort", abort);
		};
		// Not before it is needed: who only reads and writes loads nothing but undici.
		const ws = await import("ws");
		if (this.#failure !== undefined) throw this.#failure.error;
		// "Bearer, TOKEN" becomes "Authorization: Bearer TOKEN" (transformSubProtocolHeader in grpc-websocket-proxy).
		const protocols = token === undefined ? [] : ["Bearer", token];
		// undici's two WebSocket clients read on whether or not anybody takes what comes; this one can be paused.
		const socket = new ws.WebSocket(`${this.endpoint.replace(/^http/, "ws")}/v3/watch`, protocols, {
			...this.#transport.tls,
			perMessageDeflate: false,
			maxPayload: this.#transport.maxBodyBytes,
			// It is checked where the message is decoded.
			skipUTF8Validation: true,
		});
		this.#socket = socket;
		socket.once("upgrade", ({ socket: wire }) => {
			this.#wire = wire;
		});
		socket.on("message", (bytes) => this.#arrived(bytes as Buffer));
		socket.on("error", (cause) => this.#end(this.#because(cause)));
		socket.on("close", () => this.#end(this.#because()));
		socket.on("unexpected-response", (_, { statusCode = 0 }: IncomingMessage) => {
			const message = `${this.endpoint} takes no WebSocket: it answered ${statusCode} to /v3/watch`;
			this.#end(new WebSocketRefusedError(message, statusCode));
		});
		await new Promise<void>((resolve, reject) => {
			const timer = setTimeout(() => {
				const message = `no WebSocket in ${this.#timeoutMs} ms at ${this.endpoint}`;
				this.#end(new TimeoutError(message, { maybeApplied: false }));
			}, this.#timeoutMs);
			this.#ended = () => {
				clearTimeout(timer);
				reject(this.#failure?.error);
			};
			socket.once("open", () => {
				clearTimeout(timer);
				resolve();
			});
		});
	}

	async watch(key: V3Bytes, options: SharedWatchOptions = {}): Promise<V3Watch> {
		const body = watchBody(key, options);
		const { signal, startRevision, timeoutMs = this.#timeoutMs } = options;
		if (signal?.aborted) throw new AbortedError("the signal had already been aborted");
		if (this.#failure !== undefined) throw this.#failure.error;
		const mailbox = new Mailbox(this, ++this.#lastId, options);
		this.#mailboxes.set(mailbox.id, mailbox);
		this.#opening.push(mailbox.id);
		this.#send({ create_request: { ...body, watch_id: String(mailbox.id) } });
		try {
			return await registered(mailbox, this.#request, this.#answer, startRevision, timeoutMs);
		} catch (error) {
			this.#refused(error);
			throw error;
		}
	}

	async progress(timeoutMs = this.#timeoutMs): Promise<V3Header> {
		if (this.#failure !== undefined) throw this.#failure.error;
		this.#send({ progress_request: {} });
		let timer: NodeJS.Timeout | undefined;
		const answer = new Promise<V3Header>((resolve, reject) => {
			const asked: Asked<V3Header> = { resolve, reject };
			timer = setTimeout(() => {
				this.#progress.delete(asked);
				const message = `no progress in ${timeoutMs} ms at ${this.endpoint}: a watch is behind`;
				reject(new TimeoutError(message, { maybeApplied: false }));
			}, timeoutMs);
			this.#progress.add(asked);
		});
		return await answer.finally(() => clearTimeout(timer));
	}

	close(): void {
		this.#end(new AbortedError("the watches were closed"));
	}

	read(bytes: Buffer): Fields {
		this.drop(bytes);
		return this.#parsed(bytes);
	}

	drop(bytes: Buffer): void {
		this.heldBytes -= bytes.length;
		if (this.#socket?.isPaused && this.heldBytes <= this.#maxHeldBytes / 2) this.#socket.resume();
	}

	cancel(id: number): void {
		if (!this.#mailboxes.delete(id) || this.#failure !== undefined) return;
		this.#send({ cancel_request: { watch_id: String(id) } });
	}

	#arrived(bytes: Buffer): void {
		try {
			const { id, isCreated, isEvents, isFragment } = glance(bytes, () => this.#parsed(bytes));
			if (id < 0 && !isCreated) {
				this.#progressed(bytes);
				return;
			}
			const mailbox = this.#mailboxes.get(isCreated ? this.#opened(id) : id);
			if (mailbox === undefined) return;
			this.#hold(mailbox, bytes);
			if (isEvents) mailbox.onEvents();
			if (mailbox.once && isEvents && !isFragment) this.cancel(mailbox.id);
		} catch (error) {
			this.#end(error);
		}
	}

	/** The id of the watch that is said to be opened; a refused one is told without its id by most versions. */
	#opened(id: number): number {
		const nth = id < 0 ? 0 : this.#opening.indexOf(id);
		return (nth < 0 ? undefined : this.#opening.splice(nth, 1)[0]) ?? id;
	}

	#progressed(bytes: Buffer): void {
		const header = parseHeader(this.#parsed(bytes));
		for (const asked of this.#progress) asked.resolve(header);
		this.#progress.clear();
		for (const mailbox of this.#mailboxes.values()) {
			if (!this.#opening.includes(mailbox.id)) this.#hold(mailbox, bytes);
		}
	}

	#hold(mailbox: Mailbox, bytes: Buffer): void {
		this.heldBytes += bytes.length;
		mailbox.put(bytes);
		if (this.heldBytes <= this.#maxHeldBytes) return;
		this.#socket?.pause();
		this.#onFull();
	}

	#parsed(bytes: Buffer): Fields {
		return parseLine(this.#request, this.#answer, decode(this.#answer, bytes));
	}

	#send(message: unknown): void {
		this.#socket?.send(JSON.stringify(message));
	}

	#because(cause?: unknown): Error {
		if (this.#signal?.aborted)
			return new AbortedError(`ended by its caller: the watches at ${this.endpoint}`);
		if (cause instanceof RangeError) {
			const message = `${this.endpoint} sent a message of more than ${this.#transport.maxBodyBytes} bytes`;
			return new BadAnswerError("too large", message, { status: 101, excerpt: "", cause });
		}
		const what =
			cause instanceof Error ? `${cause.message}: the watches at` : "the server ended the watches at";
		return new ConnectionError(`${what} ${this.endpoint}`, { maybeApplied: false, cause });
	}

	/** Once. */
	#end(error: unknown): void {
		if (this.#failure !== undefined) return;
		this.#failure = { error };
		// From 3.6 on a learner refuses the connection itself, before any watch is asked for on it.
		this.#refused(error);
		this.#release();
		this.#socket?.on("error", () => {});
		this.#socket?.terminate();
		for (const asked of this.#progress) asked.reject(error);
		this.#progress.clear();
		for (const mailbox of this.#mailboxes.values()) mailbox.fail(error);
		this.#ended();
	}
}
