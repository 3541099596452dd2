import { checkDurationMs } from "../http/checks";
import { AbortedError, ArgumentError, type LabError, TimeoutError } from "../http/errors";
import type { ConnectOptions, HttpRequest } from "../http/request";
import { Transport } from "../http/transport";
import {
	AuthNotEnabledError,
	AuthRevisionError,
	CompactedError,
	FutureRevisionError,
	InvalidTokenError,
	isRead,
	LearnerError,
	PermissionDeniedError,
	UserEmptyError,
} from "./errors";
import { type Fields, parseLine, parseWhole } from "./parse";
import type { V3RequestOptions, Wire } from "./requests";

/** What a request is besides its path and its body. */
export interface AskOptions extends V3RequestOptions {
	/** Nothing is written by it, so that it may be sent again to the next endpoint. False unless given. */
	readonly isRead?: boolean;
	/** The answer is a stream's first line. */
	readonly isStream?: boolean;
	/** Asked for by it, for the error of one that is gone or has not been yet: the gateway's text does not name it. */
	readonly revision?: number | undefined;
}

/** Requests to the gateway, with the user's token, at one endpoint or the next. */
export class Gateway {
	readonly #transport: Transport;
	readonly #token: Token;

	constructor(options: ConnectOptions) {
		const { user, ...connection } = options;
		this.#transport = new Transport(connection);
		this.#token = new Token(user && (() => this.authenticate(user.name, user.password, {})));
	}

	get endpoints(): readonly string[] {
		return this.#transport.endpoints;
	}

	get hasUser(): boolean {
		return this.#token.isNeeded;
	}

	/** One request and its whole answer. */
	ask(path: string, body: Wire, options: AskOptions): Promise<Fields> {
		return this.with(options, async (_, token) => {
			try {
				return await this.#send(path, body, options, token);
			} catch (error) {
				throw about(options.revision, error);
			}
		});
	}

	async authenticate(name: string, password: string, options: V3RequestOptions): Promise<string> {
		const body = { name, password };
		this.#check(options);
		const answer = await this.#pastLearners(options, () =>
			this.#send("/v3/auth/authenticate", body, { ...options, isRead: true }, undefined),
		);
		return answer.text("token");
	}

	/**
	 * Whatever else needs the connection and a token. `refused`: to be told of what came of the token later on, so that
	 * the next request gets a new one where that might help.
	 */
	async with<T>(
		options: V3RequestOptions,
		request: (
			transport: Transport,
			token: string | undefined,
			refused: (error: unknown) => void,
		) => Promise<T>,
	): Promise<T> {
		this.#check(options);
		return await this.#token.with((token, refused) => {
			const refusedLater = (error: unknown) => {
				refused(error);
				if (error instanceof LearnerError) this.#transport.leave(error.request.endpoint);
			};
			return this.#pastLearners(options, () => request(this.#transport, token, refusedLater));
		}, options);
	}

	/**
	 * A learner refuses what it can't serve, and nothing was done: writes, too, are sent to the next endpoint, unless one is
	 * given. Up to 3.6 it answers 503, for which the transport has taken a read there already, and from 3.7 on 400.
	 */
	async #pastLearners<T>({ endpoint }: V3RequestOptions, request: () => Promise<T>): Promise<T> {
		for (const learners = new Set<string>(); ; ) {
			try {
				return await request();
			} catch (error) {
				if (!(error instanceof LearnerError)) throw error;
				const { path, endpoint: learner } = error.request;
				const wasPassedOn = error.status >= 500 && isRead(path);
				const known = learners.size;
				learners.add(learner);
				this.#transport.leave(learner);
				const isLast = learners.size === known || learners.size === this.endpoints.length;
				// The transport takes it for any other 503.
				if (endpoint !== undefined || isLast || wasPassedOn)
					throw Object.assign(error, { maybeApplied: false });
			}
		}
	}

	abortAll(): void {
		this.#transport.abortAll();
	}

	close(): Promise<void> {
		return this.#transport.close();
	}

	/** A token, or a user's password, goes to no endpoint but the client's own. */
	#check({ endpoint, timeoutMs }: V3RequestOptions): void {
		if (timeoutMs !== undefined) checkDurationMs("timeoutMs", timeoutMs);
		if (endpoint === undefined || this.endpoints.includes(endpoint)) return;
		throw new ArgumentError(
			`the endpoint ${endpoint} is none of the client's, which are ${this.endpoints.join(", ")}`,
		);
	}

	/** At one endpoint; at one after the other for a read that they can't serve. */
	async #send(path: string, body: Wire, options: AskOptions, token: string | undefined): Promise<Fields> {
		const { isRead = false, isStream = false, endpoint, signal, timeoutMs } = options;
		const request: HttpRequest = {
			method: "POST",
			path,
			json: JSON.stringify(body),
			authorization: token,
			...{ isRead, endpoint, signal, timeoutMs },
		};
		return await this.#transport.ask(request, (answer, text) =>
			isStream && answer.status === 200
				? parseLine(request, answer, text)
				: parseWhole(request, answer, text),
		);
	}
}

function about(askedRevision: number | undefined, error: unknown): unknown {
	if (askedRevision === undefined) return error;
	if (error instanceof CompactedError) return new CompactedError({ ...fieldsOf(error), askedRevision });
	if (error instanceof FutureRevisionError)
		return new FutureRevisionError({ ...fieldsOf(error), askedRevision });
	return error;
}

function fieldsOf({ grpcCode, text, status, request }: CompactedError | FutureRevisionError) {
	return { grpcCode, text, status, request };
}

/** Asks for a token. */
type Authenticate = () => Promise<string>;

/** What ends the wait for a token. */
interface TokenWait {
	readonly signal?: AbortSignal | undefined;
	readonly timeoutMs?: number | undefined;
}

/**
 * The token of a user, got with the first request and again when the server no longer takes it. Of many requests
 * that need a new one at once, one asks for it. A server whose v3 users are not switched on gets none.
 */
class Token {
	readonly #authenticate: Authenticate | undefined;
	#current: Promise<string | undefined> | undefined;

	/** Without `authenticate`: nobody, who has no token. */
	constructor(authenticate: Authenticate | undefined) {
		this.#authenticate = authenticate;
	}

	get isNeeded(): boolean {
		return this.#authenticate !== undefined;
	}

	/**
	 * Makes a request with the token; once more with a new one, when the server says that it knows it no longer.
	 * `wait` ends the wait for a token that many may share; another request can still get it.
	 * @throws AuthenticationFailedError, TimeoutError, AbortedError, and what the request throws
	 */
	async with<T>(
		request: (token: string | undefined, refused: (error: unknown) => void) => Promise<T>,
		wait: TokenWait = {},
	): Promise<T> {
		if (this.#authenticate === undefined) return await request(undefined, () => {});
		const used = this.#get();
		const refused = (error: unknown) => {
			if (isStale(error) && this.#current === used) this.#current = undefined;
		};
		try {
			return await request(await inTime(used, wait), refused);
		} catch (error) {
			if (!isStale(error)) throw error;
			refused(error);
			return await request(await inTime(this.#get(), wait), refused);
		}
	}

	#get(): Promise<string | undefined> {
		this.#current ??= this.#ask();
		const asked = this.#current;
		asked.catch(() => {
			// The next request asks again.
			if (this.#current === asked) this.#current = undefined;
		});
		return asked;
	}

	async #ask(): Promise<string | undefined> {
		try {
			return await this.#authenticate?.();
		} catch (error) {
			if (error instanceof AuthNotEnabledError) return undefined;
			throw error;
		}
	}
}

/** Rejects when the signal aborts or the time is over, whatever becomes of the promise. */
async function inTime<T>(promise: Promise<T>, { signal, timeoutMs }: TokenWait): Promise<T> {
	if (signal?.aborted)
		throw new AbortedError("the signal had already been aborted", { cause: signal.reason });
	let timer: NodeJS.Timeout | undefined;
	let abort = () => {};
	const ended = new Promise<never>((_, reject) => {
		abort = () => {
			reject(new AbortedError("ended by its caller: while it waited for a token", { cause: signal?.reason }));
		};
		signal?.addEventListener("abort", abort, { once: true });
		if (timeoutMs === undefined) return;
		const late = () =>
			reject(
				new TimeoutError(`no token in ${timeoutMs} ms: POST /v3/auth/authenticate`, { maybeApplied: false }),
			);
		timer = setTimeout(late, timeoutMs);
	});
	try {
		return await Promise.race([promise, ended]);
	} finally {
		clearTimeout(timer);
		signal?.removeEventListener("abort", abort);
	}
}

/**
 * Whether a new token might help. A watch with a token that is not known is refused by 3.5.0 to 3.5.5 with
 * "permission denied", as one without permission is (issue 12385); 3.4.23 and 3.5.6 say "invalid auth token".
 */
function isStale(error: unknown): error is LabError {
	return (
		error instanceof InvalidTokenError ||
		error instanceof AuthRevisionError ||
		error instanceof UserEmptyError ||
		(error instanceof PermissionDeniedError && error.request.path === "/v3/watch")
	);
}
