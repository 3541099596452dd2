import type { AnswerHead } from "../../http/answer";
import { AbortedError, ArgumentError, BadAnswerError, type LabError, TimeoutError } from "../../http/errors";
import type { Pipeline } from "../../http/pipeline";
import type { HttpRequest } from "../../http/transport";
import { transportOf, type V2Client } from "../../v2/client";
import { EtcdError, UnauthorizedError, V2DisabledError } from "../../v2/errors";
import { parseAnswer, parseHeaders } from "../../v2/parse";
import { watchRequest } from "../../v2/watch";
import type { KeySpace, Listing } from "../changes";
import { ClientSource, type Session, type SessionOptions, type SourceSettings } from "../source";
import { flattened } from "../tree";
import { V2Session } from "./session";

export interface V2SourceOptions extends SourceSettings {
	readonly keys: V2Client;
	readonly keySpace: KeySpace;
}

/** The v2 keys API as a source: quorum reads to list, long polls for what came after. */
export class V2Source extends ClientSource {
	readonly #options: V2SourceOptions;
	readonly #request: HttpRequest;

	constructor(options: V2SourceOptions) {
		super(options.keys.endpoints, options.keySpace, options);
		this.#options = options;
		const { path } = watchRequest(this.key, { recursive: this.recursive }, false);
		this.#request = { method: "GET", path: path.replace("wait=true", "quorum=true") };
	}

	protected session({ endpoint, place, clusterId, proveThrough }: SessionOptions): Session {
		const { key, recursive } = this;
		const settings = { ...this.#options, key, recursive, clusterId, proveThrough };
		const session = new V2Session(settings, endpoint, place.position, place.isReconnect);
		return {
			get isRegistered() {
				return session.isRegistered;
			},
			run: (take, signal) =>
				session
					.run(take, signal)
					.catch((error: unknown) => this.#explained(error, signal))
					.finally(() => {
						place.position = session.position;
					}),
		};
	}

	protected async listAt(endpoint: string, signal: AbortSignal): Promise<Listing> {
		try {
			return await this.#listAt(endpoint, signal);
		} catch (error) {
			return await this.#explained(error, signal);
		}
	}

	protected isFatal(error: unknown): boolean {
		return [UnauthorizedError, V2DisabledError, ArgumentError, AbortedError].some(
			(fatal) => error instanceof fatal,
		);
	}

	/** @throws the error, or one that tells the reader which version the server is, and what to do */
	async #explained(error: unknown, signal: AbortSignal): Promise<never> {
		if (!signal.aborted && isWithoutV2(error)) await this.#options.keys.get(this.key, { signal });
		throw error;
	}

	async #listAt(endpoint: string, signal: AbortSignal): Promise<Listing> {
		const lane = transportOf(this.#options.keys).pipeline(endpoint, this.#options.timeoutMs);
		const abort = () => lane.destroy();
		signal.addEventListener("abort", abort, { once: true });
		let isLate = false;
		const timer = setTimeout(() => {
			isLate = true;
			lane.destroy();
		}, this.#options.timeoutMs * 6);
		try {
			const { head, text } = await got(lane, this.#request.path);
			try {
				const { node, etcdIndex, clusterId } = parseAnswer(this.#request, head, text);
				const nodes = this.recursive ? flattened(node) : flattened({ ...node, nodes: [] });
				return { index: etcdIndex, clusterId, nodes };
			} catch (error) {
				// There is no such key, now: that is a state, too.
				if (!(error instanceof EtcdError) || (error.code !== 100 && error.code !== 104)) throw error;
				const { etcdIndex, clusterId } = parseHeaders(head, text);
				return { index: etcdIndex, clusterId, nodes: [] };
			}
		} catch (cause) {
			if (!isLate) throw cause;
			throw new TimeoutError(`no whole list from ${endpoint} in time`, { maybeApplied: false, cause });
		} finally {
			clearTimeout(timer);
			signal.removeEventListener("abort", abort);
			lane.destroy();
		}
	}
}

function got(lane: Pipeline, path: string): Promise<{ head: AnswerHead; text: string }> {
	return new Promise((resolve, reject) => {
		lane.get(path, {
			began() {},
			ended: (head, text) => resolve({ head, text }),
			failed: (error: LabError) => reject(error),
		});
	});
}

function isWithoutV2(error: unknown): boolean {
	return error instanceof BadAnswerError && error.status === 404 && error.excerpt.startsWith("404 page");
}
