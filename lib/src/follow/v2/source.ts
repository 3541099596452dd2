import { AbortedError, ArgumentError, BadAnswerError } from "../../http/errors";
import { transportOf, type V2Client } from "../../v2/client";
import { EtcdError, UnauthorizedError, V2DisabledError } from "../../v2/errors";
import { keyPath } from "../../v2/key";
import { parseAnswer, parseHeaders } from "../../v2/parse";
import type { KeySpace, Listing } from "../changes";
import { ClientSource, type Session, type SessionOptions, type SourceSettings } from "../source";
import { flattened } from "../tree";
import { V2Session } from "./session";

export interface V2SourceOptions extends SourceSettings {
	readonly keys: V2Client;
	readonly keySpace: KeySpace;
}

/** How many times `timeoutMs` the body of a list may take: it may be large. */
const listBody = 6;

/** The v2 keys API as a source: quorum reads to list, long polls for what came after. */
export class V2Source extends ClientSource {
	readonly #options: V2SourceOptions;

	constructor(options: V2SourceOptions) {
		super(options.keys.endpoints, options.keySpace, options);
		this.#options = options;
	}

	protected session(options: SessionOptions): Session {
		const { key, recursive } = this;
		const transport = transportOf(this.#options.keys);
		const session = new V2Session({ ...this.#options, ...options, transport, key, recursive });
		return {
			get isRegistered() {
				return session.isRegistered;
			},
			run: (take, signal) => this.#explained(session.run(take, signal), signal),
		};
	}

	protected listAt(endpoint: string, signal: AbortSignal): Promise<Listing> {
		const { keys, timeoutMs } = this.#options;
		const path = `${keyPath(this.key)}?quorum=true${this.recursive ? "&recursive=true" : ""}`;
		const request = {
			method: "GET",
			path,
			endpoint,
			signal,
			timeoutMs,
			bodyMs: timeoutMs * listBody,
		} as const;
		const listing = transportOf(keys).ask(request, (head, text): Listing => {
			try {
				const { node, etcdIndex, clusterId } = parseAnswer(request, head, text);
				const nodes = this.recursive ? flattened(node) : flattened({ ...node, nodes: [] });
				return { index: etcdIndex, clusterId, nodes };
			} catch (error) {
				// There is no such key, now: that is a state, too.
				if (!(error instanceof EtcdError) || (error.code !== 100 && error.code !== 104)) throw error;
				const { etcdIndex, clusterId } = parseHeaders(head, text);
				return { index: etcdIndex, clusterId, nodes: [] };
			}
		});
		return this.#explained(listing, signal);
	}

	/** Users, a server without v2, a wrong argument, `abortAll`; and a list or an event larger than `maxBodyBytes`. */
	protected isFatal(error: unknown): boolean {
		if (error instanceof BadAnswerError) return error.kind === "too large";
		return [UnauthorizedError, V2DisabledError, ArgumentError, AbortedError].some(
			(fatal) => error instanceof fatal,
		);
	}

	/** A server without v2 answers as for any unknown page: a read by the client tells the version, and what to do. */
	async #explained<T>(pending: Promise<T>, signal: AbortSignal): Promise<T> {
		try {
			return await pending;
		} catch (error) {
			const isUnknownPage =
				error instanceof BadAnswerError && error.status === 404 && error.excerpt.startsWith("404 page");
			if (!signal.aborted && isUnknownPage) await this.#options.keys.get(this.key, { signal });
			throw error;
		}
	}
}
