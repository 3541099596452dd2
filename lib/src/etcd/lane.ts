import type { Client } from "undici";
import { BadAnswerError, type LabError } from "./errors";
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
	readonly authorization: string | undefined;
	readonly maxBodyBytes: number;
	/** How long the headers may take, once it is the request's turn. */
	readonly timeoutMs: number;
	readonly decode: (head: AnswerHead, bytes: Buffer) => string;
	readonly failure: (path: string, cause: unknown, destroyed: boolean) => LabError;
	/** Told of the lane's end. */
	readonly gone: () => void;
}

/**
 * One connection to one endpoint for GET requests, answered in the order in which they are sent: up to
 * `pipelining` are on the wire at once, so that one that waits holds up those behind it. It goes below undici's
 * `request()`, whose body streams cost more than the answers of etcd do.
 */
export class Lane {
	readonly endpoint: string;
	readonly #client: Client;
	readonly #options: LaneOptions;
	#destroyed = false;
	#underWay = 0;

	constructor(client: Client, options: LaneOptions) {
		this.#client = client;
		this.#options = options;
		this.endpoint = options.endpoint;
	}

	/** Requests that have not ended. */
	get underWay(): number {
		return this.#underWay;
	}

	get destroyed(): boolean {
		return this.#destroyed;
	}

	/** Sends a GET. `path` as in `HttpRequest`. */
	get(path: string, handler: LaneHandler): void {
		const { endpoint, authorization, maxBodyBytes, timeoutMs, decode, failure } = this.#options;
		let head: AnswerHead = { endpoint, status: 0, headers: {} };
		let chunks: Buffer[] = [];
		let size = 0;
		let over = false;
		this.#underWay++;
		const fail = (error: LabError) => {
			if (over) return;
			over = true;
			this.#underWay--;
			handler.failed(error);
		};
		this.#client.dispatch(
			{
				path,
				method: "GET",
				headers: authorization === undefined ? [] : ["authorization", authorization],
				// A poll is expected to take long; undici would keep a connection to itself for it.
				blocking: false,
				bodyTimeout: 0,
				headersTimeout: timeoutMs,
			},
			{
				onRequestStart() {},
				onResponseStart(_controller, status, headers) {
					head = { endpoint, status, headers };
					handler.began(head);
				},
				onResponseData(controller, chunk) {
					size += chunk.length;
					chunks.push(chunk);
					if (size <= maxBodyBytes) return;
					const error = new BadAnswerError(
						"too large",
						`${endpoint} answered with more than ${maxBodyBytes} bytes; etcd would not`,
						{ status: head.status, excerpt: "" },
					);
					chunks = [];
					fail(error);
					controller.abort(error);
				},
				onResponseEnd: () => {
					if (over) return;
					let text: string;
					try {
						text = decode(head, chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
					} catch (error) {
						return fail(error as LabError);
					}
					over = true;
					this.#underWay--;
					handler.ended(head, text);
				},
				onResponseError: (_controller, cause) => fail(failure(path, cause, this.#destroyed)),
			},
		);
	}

	/** Ends the connection; what is under way fails with an AbortedError. */
	destroy(): void {
		if (this.#destroyed) return;
		this.#destroyed = true;
		this.#options.gone();
		void this.#client.destroy();
	}
}
