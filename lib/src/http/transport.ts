import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { SecureContext } from "node:tls";
import { Agent, type buildConnector, type Dispatcher } from "undici";
import type { AnswerHead } from "./answer";
import { readText } from "./body";
import { checkDurationMs, checkIndex } from "./checks";
import { checkEndpoint, connectTo, reasonOf, secureContext, tellsWhenSent } from "./connect";
import {
	AbortedError,
	ArgumentError,
	ConnectionError,
	LabError,
	markMaybeApplied,
	TimeoutError,
} from "./errors";
import { Pipeline } from "./pipeline";
import {
	type ConnectOptions,
	type Ends,
	gaveUp,
	type HttpRequest,
	headersOf,
	isRead,
	type OpenAnswer,
} from "./request";
import { Secrets } from "./secrets";
import { onAbort } from "./signals";

/** HTTP to one etcd or several: one request at a time, no retries but the next endpoint, nothing resumed. */
export class Transport {
	readonly endpoints: readonly string[];
	readonly maxBodyBytes: number;
	/** How long an answer may take unless a request says otherwise. */
	readonly timeoutMs: number;
	readonly #agent: Agent;
	/** @internal What `tls.connect` is to be given: the certificates and the key, as read. */
	readonly tls: { readonly secureContext?: SecureContext };
	readonly #sockets = new Set<Socket>();
	readonly #pipelines = new Set<Pipeline>();
	readonly #authorization: string | undefined;
	readonly #secrets: Secrets;
	readonly #underWay = new Set<AbortController>();
	readonly #whyGone: ConnectOptions["whyGone"];
	#current = 0;
	#closed = false;

	/** @throws ArgumentError for no endpoint, a URL that is none, or a TLS file that can't be used */
	constructor(options: ConnectOptions) {
		if (options.endpoints.length === 0) throw new ArgumentError("at least one endpoint is needed");
		this.endpoints = options.endpoints.map(checkEndpoint);
		this.timeoutMs = checkDurationMs("timeoutMs", options.timeoutMs ?? 10_000);
		this.maxBodyBytes = checkIndex("maxBodyBytes", options.maxBodyBytes ?? 64 * 1024 * 1024, 1);
		const files = options.tls ?? {};
		const isSecure = Object.values(files).some((path) => path !== undefined);
		this.tls = isSecure ? { secureContext: secureContext(files) } : {};
		this.#whyGone = options.whyGone;
		this.#agent = new Agent({
			// A quiet long poll is no failure: undici's own body timeout would cut it after 300 s.
			bodyTimeout: 0,
			headersTimeout: 0,
			connect: (to, callback) => void this.#connect(to, callback, this.timeoutMs),
		});
		const { user } = options;
		if (user?.name.includes(":")) {
			throw new ArgumentError("a user's name has no colon in it: basic auth ends the name at the first one");
		}
		this.#authorization =
			user && `Basic ${Buffer.from(`${user.name}:${user.password}`, "utf8").toString("base64")}`;
		this.#secrets = new Secrets(user, this.#authorization ?? "");
	}

	/**
	 * Sends the request; resolves when the headers of an answer have come, whatever its status.
	 * A read goes to the next endpoint when there is no connection, no answer, or one that `gaveUp` (no leader, a member
	 * that ends, a proxy without a server); a write only when it was certainly not sent. The last one's end counts.
	 * @throws ConnectionError, TimeoutError, AbortedError; ArgumentError for an endpoint that is none of the transport's
	 */
	async open(request: HttpRequest): Promise<OpenAnswer> {
		if (request.endpoint !== undefined) {
			const endpoint = checkEndpoint(request.endpoint);
			if (this.endpoints.includes(endpoint)) return await this.#openAt(endpoint, request);
			throw new ArgumentError(`${endpoint} is none of the client's endpoints (${this.endpoints.join(", ")})`);
		}
		for (let left = this.endpoints.length - 1; ; left--) {
			const endpoint = this.endpoints[this.#current] as string;
			try {
				const answer = await this.#openAt(endpoint, request);
				if (!gaveUp(answer.status)) return answer;
				this.leave(endpoint);
				if (!isRead(request) || left <= 0) return answer;
				answer.close();
			} catch (error) {
				if (!(error instanceof ConnectionError) || error.maybeApplied) throw error;
				this.leave(endpoint);
				if (left <= 0) throw error;
			}
		}
	}

	/**
	 * Sends the request as `open` does, reads the body, and makes of it what `parse` does. What that throws comes without
	 * credentials, and with `maybeApplied` where the answer to a write does not tell: not etcd's, or one that `gaveUp`.
	 * Other errors as in `open`, and BadAnswerError.
	 */
	async ask<T>(request: HttpRequest, parse: (answer: AnswerHead, text: string) => T): Promise<T> {
		const answer = await this.open(request);
		const text = await this.readInTime(answer, request);
		try {
			return parse(answer, text);
		} catch (error) {
			const isUnclear = error instanceof LabError && ("excerpt" in error || gaveUp(answer.status));
			if (isUnclear && !isRead(request)) markMaybeApplied(error);
			throw this.withoutSecrets(error, request.authorization);
		}
	}

	/** The whole body, in the time that the request may take. @throws as `readText`, and TimeoutError */
	async readInTime(answer: OpenAnswer, request: HttpRequest): Promise<string> {
		const timeoutMs = request.bodyMs ?? request.timeoutMs ?? this.timeoutMs;
		let late = false;
		const timer = setTimeout(() => {
			late = true;
			answer.close();
		}, timeoutMs);
		try {
			return await readText(answer, this.maxBodyBytes);
		} catch (cause) {
			if (!late) throw cause;
			throw new TimeoutError(`${answer.endpoint} sent headers but no whole body in ${timeoutMs} ms`, {
				maybeApplied: !isRead(request),
				cause,
			});
		} finally {
			clearTimeout(timer);
		}
	}

	/** Waits so long. @throws AbortedError as a request would that is under way for that time */
	async wait(ms: number, ends: Ends): Promise<void> {
		const { controller, done } = this.#begin(ends);
		try {
			await sleep(ms, undefined, { signal: controller.signal });
		} catch {
			throw new AbortedError("ended by its caller, between two requests", {
				cause: controller.signal.reason,
			});
		} finally {
			done();
		}
	}

	/** The error without the credentials that a server may have quoted. */
	withoutSecrets<E>(error: E, authorization?: string): E {
		return this.#secrets.outOf(error, authorization);
	}

	/**
	 * A connection of its own to one of the endpoints, for many GETs. It lives until its `destroy()` or this transport's
	 * `close()`. `timeoutMs`: how long the headers of an answer may take once it is its turn.
	 * @throws AbortedError when this transport is closed
	 */
	pipeline(endpoint: string, timeoutMs = this.timeoutMs): Pipeline {
		if (this.#closed) throw closedError();
		const pipeline: Pipeline = new Pipeline({
			endpoint,
			connect: (to, callback) => this.#connect(to, callback, timeoutMs),
			authorization: this.#authorization,
			maxBodyBytes: this.maxBodyBytes,
			timeoutMs,
			withoutSecrets: (error) => this.withoutSecrets(error),
			gone: () => this.#pipelines.delete(pipeline),
		});
		this.#pipelines.add(pipeline);
		return pipeline;
	}

	/**
	 * @internal For who has a connection of its own: `abortAll` and `close` abort the controller. Gives what takes it
	 * off again. @throws AbortedError when this transport is closed
	 */
	enlist(controller: AbortController): () => void {
		if (this.#closed) throw closedError();
		this.#underWay.add(controller);
		return () => this.#underWay.delete(controller);
	}

	/** @internal All endpoints, the one first that requests go to. */
	get inTurn(): readonly string[] {
		return [...this.endpoints.slice(this.#current), ...this.endpoints.slice(0, this.#current)];
	}

	/** @internal The endpoint can't serve: requests that name none go to the next, unless one has moved on meanwhile. */
	leave(endpoint: string): void {
		if (this.endpoints[this.#current] === endpoint)
			this.#current = (this.#current + 1) % this.endpoints.length;
	}

	/** Ends every request under way, watches and what is on pipelines too, with an AbortedError; new ones are taken. */
	abortAll(): void {
		for (const controller of this.#underWay) controller.abort();
		for (const pipeline of [...this.#pipelines]) pipeline.abort();
	}

	/** Ends every request under way and every connection, made or not. Later requests are refused. */
	async close(): Promise<void> {
		this.#closed = true;
		this.abortAll();
		for (const pipeline of [...this.#pipelines]) pipeline.destroy();
		await this.#agent.destroy();
		for (const socket of this.#sockets) socket.destroy();
	}

	#connect(to: buildConnector.Options, callback: buildConnector.Callback, timeoutMs: number): Socket {
		const socket = connectTo(to, this.tls, timeoutMs, callback);
		this.#sockets.add(socket);
		socket.once("close", () => this.#sockets.delete(socket));
		return socket;
	}

	/** What `abortAll`, `close` and the request's signals end. `done` is to be called when it is over. */
	#begin({ signal, closing }: Ends): { readonly controller: AbortController; readonly done: () => void } {
		const signals = [signal, closing].filter((one) => one !== undefined);
		for (const { aborted, reason } of signals) {
			if (aborted) throw new AbortedError("the signal had already been aborted", { cause: reason });
		}
		const controller = new AbortController();
		const unlist = this.enlist(controller);
		const listening = signals.map((one) => onAbort(one, () => controller.abort(one.reason)));
		const done = () => {
			for (const stop of listening) stop();
			unlist();
		};
		return { controller, done };
	}

	async #openAt(endpoint: string, request: HttpRequest): Promise<OpenAnswer> {
		const timeoutMs = checkDurationMs("timeoutMs", request.timeoutMs ?? this.timeoutMs);
		const { controller, done: over } = this.#begin(request);
		let late = false;
		const timer = setTimeout(() => {
			late = true;
			controller.abort();
		}, timeoutMs);
		const done = () => {
			clearTimeout(timer);
			over();
		};
		let wasSent = false;
		const failure = (cause: unknown): LabError => {
			done();
			const what = `${request.method} ${request.path} at ${endpoint}`;
			const maybeApplied = wasSent && !isRead(request);
			const { aborted, reason } = controller.signal;
			if (late) return new TimeoutError(`no answer in ${timeoutMs} ms: ${what}`, { maybeApplied, cause });
			const error = aborted
				? new AbortedError(`ended by its caller: ${what}`, { cause: reason })
				: cause instanceof LabError
					? cause
					: new ConnectionError(`${this.#whyGone?.() ?? reasonOf(cause)}: ${what}`, { maybeApplied, cause });
			return this.withoutSecrets(maybeApplied ? markMaybeApplied(error) : error, request.authorization);
		};
		const authorization = request.authorization ?? this.#authorization;
		let response: Dispatcher.ResponseData;
		try {
			const sent = () => {
				wasSent = true;
			};
			response = await this.#agent.compose(tellsWhenSent(sent)).request({
				origin: endpoint,
				path: request.path,
				method: request.method,
				headers: headersOf(request, authorization),
				body: request.form?.toString() ?? request.json ?? null,
				signal: controller.signal,
			});
		} catch (cause) {
			throw failure(cause);
		}
		clearTimeout(timer);
		return {
			endpoint,
			status: response.statusCode,
			headers: response.headers,
			body: response.body,
			failure,
			done,
			close() {
				// Nobody may be reading by now: an error without a listener would end the process.
				response.body.on("error", () => {});
				controller.abort();
				done();
			},
		};
	}
}

function closedError(): AbortedError {
	return new AbortedError("this client was closed: make another (in a notebook: await lab() again)");
}
