import { setMaxListeners } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import type { Readable } from "node:stream";
import tls from "node:tls";
import { Agent, type Dispatcher } from "undici";
import { checkDurationMs, checkIndex } from "./checks";
import {
	AbortedError,
	ArgumentError,
	BadAnswerError,
	ConnectionError,
	LabError,
	TimeoutError,
} from "./errors";
import { Lane } from "./lane";

/** Where etcd is and how to talk to it. */
export interface ConnectOptions {
	/** Base URLs, tried in this order after a failure; at least one, such as "http://127.0.0.1:2379". */
	readonly endpoints: readonly string[];
	/** Basic auth of the v2 API. Never shown in an error or an output. */
	readonly user?: { readonly name: string; readonly password: string };
	/** Paths of PEM files. */
	readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
	/** How long a read or a write, or the registration of a watch, may take; 10 000 unless given. */
	readonly timeoutMs?: number;
	/** The largest body that is read; 64 MiB unless given. A larger one is a `BadAnswerError`. */
	readonly maxBodyBytes?: number;
	/** @internal Asked when there is no connection: why that is, in place of the system's words, if somebody knows. */
	readonly whyGone?: () => string | undefined;
}

/** One request. */
export interface HttpRequest {
	readonly method: "GET" | "PUT" | "POST" | "DELETE";
	/** From the slash on, already percent-encoded, with the query. */
	readonly path: string;
	/** The form of a PUT or POST. */
	readonly form?: URLSearchParams;
	/** The JSON of a POST, in place of a form. */
	readonly json?: string;
	/** Takes the place of the user's, as a v3 token does. */
	readonly authorization?: string | undefined;
	readonly headers?: Readonly<Record<string, string>>;
	/** Goes to this endpoint alone, whatever it answers; else to the one that answered last, and its successors. */
	readonly endpoint?: string | undefined;
	/** Nothing is written by it, so that it may be sent again; a GET's default. */
	readonly isRead?: boolean;
	readonly signal?: AbortSignal | undefined;
	readonly timeoutMs?: number | undefined;
}

/** What is known of an answer when its headers have come. */
export interface AnswerHead {
	readonly endpoint: string;
	readonly status: number;
	readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** An answer whose headers have come and whose body is still open. */
export interface OpenAnswer extends AnswerHead {
	readonly body: Readable;
	/** Ends the connection; what waits for the body gets an `AbortedError`. Safe to call again. */
	close(): void;
	/** Turns what the body threw into a `LabError`. */
	failure(cause: unknown): LabError;
	/** To be called when the body has been read to its end. */
	done(): void;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Codes of failures before the request was on the wire: it can't have been carried out. */
const neverSent =
	/^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ERR_TLS.*|ERR_SSL.*|ERR_OSSL.*|.*CERT.*|UNABLE_TO_.*)$/;

/** HTTP to one etcd or several: one request at a time, no retries but the next endpoint, nothing resumed. */
export class Transport {
	readonly endpoints: readonly string[];
	readonly maxBodyBytes: number;
	/** How long an answer may take unless a request says otherwise. */
	readonly timeoutMs: number;
	readonly #agent: Agent;
	/** @internal The certificates and the key, as read. */
	readonly tls: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
	readonly #lanes = new Set<Lane>();
	readonly #authorization: string | undefined;
	readonly #underWay = new Set<AbortController>();
	readonly #whyGone: ConnectOptions["whyGone"];
	#current = 0;
	#closed = false;

	/** @throws ArgumentError for no endpoint, a URL that is none, or a TLS file that can't be read. */
	constructor(options: ConnectOptions) {
		if (options.endpoints.length === 0) throw new ArgumentError("at least one endpoint is needed");
		this.endpoints = options.endpoints.map(checkEndpoint);
		this.timeoutMs = checkDurationMs("timeoutMs", options.timeoutMs ?? 10_000);
		this.maxBodyBytes = checkIndex("maxBodyBytes", options.maxBodyBytes ?? 64 * 1024 * 1024, 1);
		const { ca, cert, key } = options.tls ?? {};
		this.tls = {
			...(ca === undefined ? {} : { ca: pem("ETCDCTL_CACERT", ca) }),
			...(cert === undefined ? {} : { cert: pem("ETCDCTL_CERT", cert) }),
			...(key === undefined ? {} : { key: pem("ETCDCTL_KEY", key) }),
		};
		this.#agent = new Agent({
			// A quiet long poll is no failure: undici's own body timeout would cut it after 300 s (facts: T20).
			bodyTimeout: 0,
			headersTimeout: 0,
			connect: { timeout: this.timeoutMs, ...this.tls },
		});
		const { user } = options;
		this.#whyGone = options.whyGone;
		if (user?.name.includes(":")) {
			throw new ArgumentError("a user's name has no colon in it: basic auth ends the name at the first one");
		}
		this.#authorization =
			user && `Basic ${Buffer.from(`${user.name}:${user.password}`, "utf8").toString("base64")}`;
	}

	/**
	 * Sends the request; resolves when the headers of an answer have come, whatever its status.
	 * A read goes to the next endpoint after any failure, a write only when it was certainly not sent.
	 * @throws ConnectionError, TimeoutError, AbortedError
	 */
	async open(request: HttpRequest): Promise<OpenAnswer> {
		if (request.endpoint !== undefined) return await this.#openAt(request.endpoint, request);
		for (let tried = 1; ; tried++) {
			const at = this.#current;
			try {
				return await this.#openAt(this.endpoints[at] ?? "", request);
			} catch (error) {
				const again = error instanceof ConnectionError && (isRead(request) || !error.maybeApplied);
				if (!again) throw error;
				// Only move on if no other request has done so meanwhile.
				if (this.#current === at) this.#current = (at + 1) % this.endpoints.length;
				if (tried >= this.endpoints.length) throw error;
			}
		}
	}

	/** Sends the request and reads the whole body, up to `maxBodyBytes`. Errors as in `open`, and BadAnswerError. */
	async fetch(request: HttpRequest): Promise<{ answer: OpenAnswer; text: string }> {
		const answer = await this.open(request);
		return { answer, text: await this.readInTime(answer, request) };
	}

	/** As `readAll`, in the time that the request may take. @throws TimeoutError too */
	async readInTime(answer: OpenAnswer, request: HttpRequest): Promise<string> {
		const timeoutMs = request.timeoutMs ?? this.timeoutMs;
		let late = false;
		const timer = setTimeout(() => {
			late = true;
			answer.close();
		}, timeoutMs);
		try {
			return await this.readAll(answer);
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

	/** Reads an open answer's body to its end. */
	async readAll(answer: OpenAnswer): Promise<string> {
		const chunks: Buffer[] = [];
		let size = 0;
		try {
			for await (const chunk of answer.body as AsyncIterable<Buffer>) {
				size += chunk.length;
				if (size > this.maxBodyBytes) throw this.tooLarge(answer, chunks);
				chunks.push(chunk);
			}
		} catch (error) {
			// First what it was: after `close` everything looks as if the caller had ended it.
			const failure = answer.failure(error);
			answer.close();
			throw failure;
		}
		answer.done();
		return this.decode(answer, Buffer.concat(chunks));
	}

	/** etcd's answers are UTF-8: bytes that are not would come out as other characters, in silence. */
	decode(answer: AnswerHead, bytes: Buffer): string {
		try {
			return utf8.decode(bytes);
		} catch (cause) {
			throw new BadAnswerError("not json", `${answer.endpoint} answered ${answer.status}: not UTF-8`, {
				status: answer.status,
				excerpt: excerptOf(bytes.subarray(0, 200).toString("latin1")),
				cause,
			});
		}
	}

	tooLarge(answer: OpenAnswer, chunks: readonly Buffer[]): BadAnswerError {
		return new BadAnswerError(
			"too large",
			`${answer.endpoint} answered with more than ${this.maxBodyBytes} bytes; etcd would not`,
			{ status: answer.status, excerpt: excerptOf(chunks[0]?.toString("latin1") ?? "") },
		);
	}

	/**
	 * A connection of its own to one of the endpoints. It lives until its `destroy()` or this transport's `close()`.
	 * @throws AbortedError when this transport is closed
	 */
	lane(endpoint: string, timeoutMs = this.timeoutMs): Lane {
		if (this.#closed) throw new AbortedError("this client was closed");
		const lane: Lane = new Lane({
			endpoint,
			connect: () => connectTo(endpoint, this.tls),
			authorization: this.#authorization,
			maxBodyBytes: this.maxBodyBytes,
			timeoutMs,
			decode: (head, bytes) => this.decode(head, bytes),
			failure(path, cause, reason) {
				if (cause instanceof LabError) return cause;
				const what = `GET ${path} at ${endpoint}`;
				if (reason === "destroyed") return new AbortedError(`ended by its caller: ${what}`);
				if (reason === "failed") {
					return new ConnectionError(`${reasonOf(cause)}: ${what}`, { maybeApplied: false, cause });
				}
				return new TimeoutError(`no answer in ${timeoutMs} ms: ${what}`, { maybeApplied: false });
			},
			gone: () => this.#lanes.delete(lane),
		});
		this.#lanes.add(lane);
		return lane;
	}

	/**
	 * @internal For who has a connection of its own: `abortAll` and `close` abort the controller. Gives what takes it
	 * off again. @throws AbortedError when this transport is closed
	 */
	enlist(controller: AbortController): () => void {
		if (this.#closed) throw new AbortedError("this client was closed");
		this.#underWay.add(controller);
		return () => this.#underWay.delete(controller);
	}

	/** @internal All endpoints, the one first that requests go to. */
	get inTurn(): readonly string[] {
		return [...this.endpoints.slice(this.#current), ...this.endpoints.slice(0, this.#current)];
	}

	/** @internal The endpoint can't serve: requests that name none go to the one after it. */
	leave(endpoint: string): void {
		if (this.endpoints[this.#current] === endpoint)
			this.#current = (this.#current + 1) % this.endpoints.length;
	}

	/** Ends every request under way, each with an `AbortedError`; new ones are still taken. */
	abortAll(): void {
		for (const controller of this.#underWay) controller.abort();
	}

	/** Ends every request under way and every connection. Later requests are refused. */
	async close(): Promise<void> {
		this.#closed = true;
		this.abortAll();
		for (const lane of [...this.#lanes]) lane.destroy();
		await this.#agent.destroy();
	}

	async #openAt(endpoint: string, request: HttpRequest): Promise<OpenAnswer> {
		if (this.#closed) throw new AbortedError("this client was closed");
		if (request.signal?.aborted) throw new AbortedError("the signal had already been aborted");
		const timeoutMs = checkDurationMs("timeoutMs", request.timeoutMs ?? this.timeoutMs);
		const controller = new AbortController();
		const abort = () => controller.abort();
		let late = false;
		const timer = setTimeout(() => {
			late = true;
			abort();
		}, timeoutMs);
		if (request.signal) {
			// Any number of requests may share one, and Node would warn from the eleventh on.
			setMaxListeners(0, request.signal);
			request.signal.addEventListener("abort", abort, { once: true });
		}
		this.#underWay.add(controller);
		const done = () => {
			clearTimeout(timer);
			request.signal?.removeEventListener("abort", abort);
			this.#underWay.delete(controller);
		};
		const failure = (cause: unknown): LabError => {
			done();
			if (cause instanceof LabError) return cause;
			const what = `${request.method} ${request.path} at ${endpoint}`;
			const maybeApplied = !isRead(request) && !neverSent.test(codeOf(cause));
			if (late) return new TimeoutError(`no answer in ${timeoutMs} ms: ${what}`, { maybeApplied, cause });
			if (controller.signal.aborted) return new AbortedError(`ended by its caller: ${what}`, { cause });
			return new ConnectionError(`${this.#whyGone?.() ?? reasonOf(cause)}: ${what}`, { maybeApplied, cause });
		};
		const authorization = request.authorization ?? this.#authorization;
		let response: Dispatcher.ResponseData;
		try {
			response = await this.#agent.request({
				origin: endpoint,
				path: request.path,
				method: request.method,
				headers: {
					...request.headers,
					...(authorization === undefined ? {} : { authorization }),
					...(request.form ? { "content-type": "application/x-www-form-urlencoded" } : {}),
					...(request.json === undefined ? {} : { "content-type": "application/json" }),
				},
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
				abort();
				done();
			},
		};
	}
}

function connectTo(endpoint: string, options: tls.SecureContextOptions): net.Socket {
	const { protocol, hostname, port } = new URL(endpoint);
	const host = hostname.replace(/^\[(.*)\]$/, "$1");
	if (protocol === "http:") return net.connect({ host, port: Number(port || 80) });
	const servername = net.isIP(host) === 0 ? { servername: host } : {};
	return tls.connect({
		host,
		port: Number(port || 443),
		...servername,
		...options,
		ALPNProtocols: ["http/1.1"],
	});
}

function isRead({ method, isRead: said }: HttpRequest): boolean {
	return said ?? method === "GET";
}

/** The first 200 characters. */
export function excerptOf(text: string): string {
	return text.slice(0, 200);
}

function checkEndpoint(endpoint: string): string {
	let url: URL;
	try {
		url = new URL(endpoint);
	} catch (cause) {
		throw new ArgumentError("an endpoint is a URL such as http://127.0.0.1:2379", { cause: codeOf(cause) });
	}
	if (url.protocol !== "http:" && url.protocol !== "https:") {
		throw new ArgumentError(`the endpoint at ${url.host} has to begin with http:// or https://`);
	}
	if (url.username !== "" || url.password !== "") {
		throw new ArgumentError(
			`the endpoint at ${url.host} holds a user: give it in ETCDCTL_USER, not in the URL`,
		);
	}
	if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
		throw new ArgumentError(
			`the endpoint at ${url.host} has a path or a query: etcd's API is at the root of a server`,
		);
	}
	return url.origin;
}

function pem(name: string, path: string): Buffer {
	try {
		return readFileSync(path);
	} catch (cause) {
		throw new ArgumentError(`${name}: the file ${path} can't be read (${codeOf(cause)})`, { cause });
	}
}

function codeOf(error: unknown): string {
	return error instanceof Error && "code" in error ? String(error.code) : "";
}

function reasonOf(error: unknown): string {
	if (error instanceof AggregateError) return error.errors.map(reasonOf).join("; ");
	if (!(error instanceof Error)) return String(error);
	const code = codeOf(error);
	return code === "" ? error.message : `${error.message === "" ? "failed" : error.message} [${code}]`;
}
