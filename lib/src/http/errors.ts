/** Where an error came from: the request, without its credentials. */
export interface RequestInfo {
	readonly method: string;
	/** Scheme, host and port of the endpoint, never the user or password. */
	readonly endpoint: string;
	readonly path: string;
}

/** The base of everything that the clients, the followers and the lab throw. */
export abstract class LabError extends Error {
	/**
	 * For a write: true when it may have been carried out all the same: no whole answer came, or one that does not say.
	 * False for a read, and for a write that was certainly refused or never sent.
	 */
	declare readonly maybeApplied: boolean;
	constructor(message: string, options?: { cause?: unknown }) {
		super(message, options);
		this.name = new.target.name;
	}
	static {
		// On the prototype, so that it shows in an output only where it was said.
		Object.defineProperty(LabError.prototype, "maybeApplied", { value: false, writable: true });
	}
}

/** @internal Says of an error that the write it ended may have been carried out. */
export function markMaybeApplied<E extends LabError>(error: E): E {
	return Object.assign(error, { maybeApplied: true });
}

/** An argument that was refused before anything was sent. */
export class ArgumentError extends LabError {}

/** No connection, or one that ended before the answer did. */
export class ConnectionError extends LabError {
	override readonly maybeApplied: boolean;
	constructor(message: string, options: { maybeApplied: boolean; cause?: unknown }) {
		super(message, { cause: options.cause });
		this.maybeApplied = options.maybeApplied;
	}
}

/** No answer within the time allowed. */
export class TimeoutError extends ConnectionError {}

/** The caller's signal, `close()` or the kernel's Interrupt ended the request. The signal's reason is its `cause`. */
export class AbortedError extends LabError {}

/** What made an answer unusable. */
export type BadAnswerKind = "not json" | "truncated" | "too large" | "redirect" | "status" | "wrong shape";

/** An answer that is not etcd's: a proxy's page, cut JSON, a redirect, a 5xx without etcd's error, a flood. */
export class BadAnswerError extends LabError {
	readonly kind: BadAnswerKind;
	/** The HTTP status. */
	readonly status: number;
	/** The first 200 characters of the body, as text, without the credentials that it may quote. */
	readonly excerpt: string;
	constructor(
		kind: BadAnswerKind,
		message: string,
		details: { status: number; excerpt: string; cause?: unknown },
	) {
		super(message, { cause: details.cause });
		this.kind = kind;
		this.status = details.status;
		this.excerpt = details.excerpt;
	}
}
