import type { LabError } from "../http/errors";
import {
	AuthNotEnabledError,
	AuthRevisionError,
	InvalidTokenError,
	PermissionDeniedError,
	UserEmptyError,
} from "./errors";

/** Asks for a token. */
export type Authenticate = () => Promise<string>;

/**
 * The token of a user, got with the first request and again when the server no longer takes it. Of many requests
 * that need a new one at once, one asks for it. A server whose v3 users are not switched on gets none.
 */
export class Token {
	readonly #authenticate: Authenticate | undefined;
	#current: Promise<string | undefined> | undefined;

	/** Without `authenticate`: nobody, who has no token. */
	constructor(authenticate: Authenticate | undefined) {
		this.#authenticate = authenticate;
	}

	/**
	 * Makes a request with the token; once more with a new one, when the server says that it knows it no longer.
	 * @throws AuthenticationFailedError, and what the request throws
	 */
	async with<T>(request: (token: string | undefined) => Promise<T>): Promise<T> {
		const used = this.#get();
		try {
			return await request(await used);
		} catch (error) {
			if (this.#authenticate === undefined || !isStale(error)) throw error;
			if (this.#current === used) this.#current = undefined;
			return await request(await this.#get());
		}
	}

	/** A new one at the next request. */
	forget(): void {
		this.#current = undefined;
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

/**
 * Whether a new token might help. A watch with a token that is not known is refused by 3.5.1 with "permission
 * denied", as one without permission is; 3.4.23 says "invalid auth token".
 */
function isStale(error: unknown): error is LabError {
	return (
		error instanceof InvalidTokenError ||
		error instanceof AuthRevisionError ||
		error instanceof UserEmptyError ||
		(error instanceof PermissionDeniedError && error.request.path === "/v3/watch")
	);
}
