import type { Socket } from "node:net";
import { BadAnswerError, type LabError } from "./errors";
import { ResponseReader } from "./response-reader";
import type { AnswerHead } from "./transport";

/** What becomes of one request on a lane. Exactly one of `ended` and `failed` is called, once. */
export interface LaneHandler {
	/** The headers have come; for a watch: it is registered. */
	began(head: AnswerHead): void;
	/** The whole body. */
	ended(head: AnswerHead, text: string): void;
	/** ConnectionError, TimeoutError (no headers in time), AbortedError after `destroy()`, BadAnswerError. */
	failed(error: LabError): void;
}

/** What a lane needs of the transport that made it. */
export interface LaneOptions {
	readonly endpoint: string;
	/** A new connection to the endpoint. */
	readonly connect: () => Socket;
	readonly authorization: string | undefined;
	readonly maxBodyBytes: number;
	/** How long the headers may take, once it is the request's turn. */
	readonly timeoutMs: number;
	readonly decode: (head: AnswerHead, bytes: Buffer) => string;
	readonly failure: (path: string, cause: unknown, reason: "failed" | "late" | "destroyed") => LabError;
	/** Told of the lane's end. */
	readonly gone: () => void;
}

interface Request {
	readonly path: string;
	readonly handler: LaneHandler;
}

/**
 * One connection to one endpoint for GET requests, all on the wire at once and answered in the order in which they
 * were sent: one that waits holds up those behind it. Its own little HTTP/1.1, since reading a history is bound by
 * what a request costs, and undici's write per request costs more than etcd's whole answer (bench/results/follow.json).
 */
export class Lane {
	readonly endpoint: string;
	readonly #options: LaneOptions;
	readonly #tail: string;
	#socket: Socket | undefined;
	/** Sent and not answered. */
	readonly #requests: Request[] = [];
	#first = 0;
	#head: AnswerHead | undefined;
	#pieces: Buffer[] = [];
	#size = 0;
	#timer: NodeJS.Timeout | undefined;
	#unsent = "";
	#destroyed = false;

	constructor(options: LaneOptions) {
		this.#options = options;
		this.endpoint = options.endpoint;
		const { host } = new URL(options.endpoint);
		const { authorization } = options;
		const authorized = authorization === undefined ? "" : `authorization: ${authorization}\r\n`;
		this.#tail = ` HTTP/1.1\r\nhost: ${host}\r\n${authorized}\r\n`;
	}

	/** Requests that have not ended. */
	get underWay(): number {
		return this.#requests.length - this.#first;
	}

	get destroyed(): boolean {
		return this.#destroyed;
	}

	/** Sends a GET. `path` as in `HttpRequest`. */
	get(path: string, handler: LaneHandler): void {
		if (this.#destroyed) {
			handler.failed(this.#options.failure(path, undefined, "destroyed"));
			return;
		}
		this.#requests.push({ path, handler });
		if (this.underWay === 1) this.#expectHead();
		// All that is asked for in one go is one piece, which costs one system call instead of one a request.
		if (this.#unsent === "") queueMicrotask(() => this.#flush());
		this.#unsent += `GET ${path}${this.#tail}`;
	}

	/** Ends the connection; what is under way fails with an AbortedError. */
	destroy(): void {
		if (this.#destroyed) return;
		this.#destroyed = true;
		this.#options.gone();
		this.#fail(undefined, "destroyed");
	}

	#flush(): void {
		const unsent = this.#unsent;
		this.#unsent = "";
		if (unsent === "" || this.#destroyed) return;
		this.#socket ??= this.#connected();
		this.#socket.write(unsent, "latin1");
	}

	#connected(): Socket {
		const socket = this.#options.connect();
		socket.setNoDelay(true);
		// What is left of a connection that has failed is nobody's.
		const mine = () => this.#socket === socket;
		const reader = new ResponseReader({
			head: (status, headers) => {
				if (!mine()) return;
				// An answer to nothing: the other side is confused.
				if (this.underWay === 0) return this.#fail(new Error("an answer that nobody asked for"), "failed");
				clearTimeout(this.#timer);
				this.#head = { endpoint: this.endpoint, status, headers };
				this.#requests[this.#first]?.handler.began(this.#head);
			},
			data: (piece) => mine() && this.#data(piece),
			end: () => mine() && this.#ended(),
		});
		socket.on("data", (piece) => {
			if (!mine()) return;
			try {
				reader.push(piece);
			} catch (cause) {
				if (mine()) this.#fail(cause, "failed");
			}
		});
		socket.on("end", () => mine() && reader.close());
		socket.on("error", (cause) => mine() && this.#fail(cause, "failed"));
		socket.on("close", () => mine() && this.#fail(new Error("other side closed"), "failed"));
		return socket;
	}

	#data(piece: Buffer): void {
		const { maxBodyBytes } = this.#options;
		this.#size += piece.length;
		this.#pieces.push(piece);
		if (this.#size <= maxBodyBytes) return;
		const message = `${this.endpoint} answered with more than ${maxBodyBytes} bytes; etcd would not`;
		const excerpt = this.#pieces[0]?.toString("latin1", 0, 200) ?? "";
		this.#fail(
			new BadAnswerError("too large", message, { status: this.#head?.status ?? 0, excerpt }),
			"failed",
		);
	}

	#ended(): void {
		const request = this.#requests[this.#first];
		const head = this.#head;
		if (request === undefined || head === undefined) return;
		const [only] = this.#pieces;
		const bytes = only !== undefined && this.#pieces.length === 1 ? only : Buffer.concat(this.#pieces);
		this.#forget();
		this.#first++;
		if (this.#first === this.#requests.length || this.#first >= 1_024) {
			this.#requests.splice(0, this.#first);
			this.#first = 0;
		}
		if (this.underWay > 0) this.#expectHead();
		let text: string;
		try {
			text = this.#options.decode(head, bytes);
		} catch (error) {
			request.handler.failed(error as LabError);
			return;
		}
		request.handler.ended(head, text);
	}

	#expectHead(): void {
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.#fail(undefined, "late"), this.#options.timeoutMs);
	}

	#forget(): void {
		this.#head = undefined;
		this.#pieces = [];
		this.#size = 0;
	}

	/** Ends the connection with everything on it; a request after that gets a new one, unless it was destroyed. */
	#fail(cause: unknown, reason: "failed" | "late" | "destroyed"): void {
		clearTimeout(this.#timer);
		const socket = this.#socket;
		this.#socket = undefined;
		// Nobody listens any more: an error without a listener would end the process.
		socket?.removeAllListeners().on("error", () => {});
		socket?.destroy();
		this.#forget();
		this.#unsent = "";
		const failed = this.#requests.splice(0).slice(this.#first);
		this.#first = 0;
		for (const { path, handler } of failed) handler.failed(this.#options.failure(path, cause, reason));
	}
}
