import type { Readable } from "node:stream";
import type { AnswerHead } from "./answer";
import type { TlsFiles } from "./connect";
import type { LabError } from "./errors";

/** Where etcd is and how to talk to it. */
export interface ConnectOptions {
	/** Base URLs, tried in this order after a failure; at least one, such as "http://127.0.0.1:2379". */
	readonly endpoints: readonly string[];
	/** Basic auth of the v2 API. Never shown in an error or an output. */
	readonly user?: { readonly name: string; readonly password: string };
	/** Paths of PEM files. */
	readonly tls?: TlsFiles;
	/**
	 * How long the headers of an answer may take, at each endpoint that is tried, and then once more its body (a watch's
	 * has no limit): with n endpoints a call takes n + 1 times this at worst. Milliseconds; 10,000 unless given.
	 */
	readonly timeoutMs?: number;
	/** The largest body, or line of a stream, that is read; 64 MiB unless given. A larger one is a `BadAnswerError`. */
	readonly maxBodyBytes?: number;
	/** @internal Asked when there is no connection: why that is, in place of the system's words, if somebody knows. */
	readonly whyGone?: () => string | undefined;
}

/** What ends a request early. */
export interface Ends {
	/** The caller's. */
	readonly signal?: AbortSignal | undefined;
	/** That of whoever makes requests for the caller. */
	readonly closing?: AbortSignal | undefined;
}

/** One request. */
export interface HttpRequest extends Ends {
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
	/**
	 * One of the transport's endpoints, which alone is asked, whatever it answers. Else it is the one that answered last,
	 * and its successors.
	 */
	readonly endpoint?: string | undefined;
	/** Nothing is written by it, so that it may be sent again; a GET's default. */
	readonly isRead?: boolean;
	/** How long the headers may take, and the body unless `bodyMs` is given. Milliseconds. */
	readonly timeoutMs?: number | undefined;
	readonly bodyMs?: number | undefined;
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

/** True for what writes nothing, so that it may be sent again. */
export function isRead({ method, isRead: said }: HttpRequest): boolean {
	return said ?? method === "GET";
}

/** A 5xx; and 408 or 499, gRPC's Canceled, as the gateway of an etcd 3.4 says while it ends. */
export function gaveUp(status: number): boolean {
	return status >= 500 || status === 408 || status === 499;
}

/**
 * "accept" is not for form's sake: etcd knows the requests of its own gateway by it, where clients need certificates
 * (`AuthInfoFromTLS` in server/auth/store.go at v3.6.16).
 */
const jsonHeaders = { "content-type": "application/json", accept: "application/json" };

/** What is sent above a body, and who sends it. */
export function headersOf(
	{ headers, form, json }: HttpRequest,
	authorization: string | undefined,
): Readonly<Record<string, string>> {
	return {
		...headers,
		...(authorization === undefined ? {} : { authorization }),
		...(form ? { "content-type": "application/x-www-form-urlencoded" } : {}),
		...(json === undefined ? {} : jsonHeaders),
	};
}
