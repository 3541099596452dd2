import { AbortedError, ArgumentError, BadAnswerError, type LabError, TimeoutError } from "../../http/errors";
import type { Lane } from "../../http/lane";
import type { AnswerHead, HttpRequest } from "../../http/transport";
import { EtcdError, UnauthorizedError } from "../../v2/errors";
import { parseAnswer, parseHeaders } from "../../v2/parse";
import { watchRequest } from "../../v2/watch";
import type { Listing, Source, Tail, TailOptions } from "../changes";
import { Endpoints } from "../endpoints";
import { flattened } from "../tree";
import { type SessionSettings, V2Session } from "./session";

export interface V2SourceOptions extends Omit<SessionSettings, "clusterId" | "proveThrough"> {
	/** The first wait after a failure, and the longest. */
	readonly backoffMs: readonly [number, number];
}

/**
 * The v2 keys API as a source: quorum reads to list, long polls for what came after. One endpoint at a time
 * (`Endpoints`).
 */
export class V2Source implements Source {
	readonly key: string;
	readonly recursive: boolean;
	readonly #options: V2SourceOptions;
	readonly #request: HttpRequest;
	readonly #endpoints: Endpoints;
	#clusterId = "";

	constructor(options: V2SourceOptions) {
		this.#options = options;
		const { backoffMs, obeys, onNote } = options;
		this.#endpoints = new Endpoints({ urls: options.keys.endpoints, backoffMs, obeys, onNote, isFatal });
		this.key = options.key;
		this.recursive = options.recursive;
		const { path } = watchRequest(options.key, { recursive: options.recursive }, false);
		this.#request = { method: "GET", path: path.replace("wait=true", "quorum=true") };
	}

	async list(signal: AbortSignal): Promise<Listing> {
		for (;;) {
			try {
				const listing = await this.#listAt(this.#endpoints.current, signal);
				this.#clusterId = listing.clusterId;
				this.#options.onNote({ note: "listed", index: listing.index, nodeCount: listing.nodes.length });
				return listing;
			} catch (error) {
				await this.#failed(error, signal);
			}
		}
	}

	async tail(options: TailOptions): Promise<void> {
		const { signal, proveThrough } = options;
		const take = (tail: Tail) => {
			this.#endpoints.succeeded();
			return options.take(tail);
		};
		const settings = { ...this.#options, proveThrough, clusterId: () => this.#clusterId };
		let afterIndex = options.afterIndex;
		let isReconnect = false;
		for (;;) {
			const session = new V2Session(settings, this.#endpoints.current, afterIndex, isReconnect);
			this.#options.onNote({ note: "connected", endpoint: this.#endpoints.current, afterIndex });
			try {
				await session.run(take, signal);
				return;
			} catch (error) {
				isReconnect = true;
				if (session.isRegistered) this.#endpoints.succeeded();
				await this.#failed(error, signal);
			}
			afterIndex = session.position;
		}
	}

	/** @throws what no waiting heals */
	async #failed(error: unknown, signal: AbortSignal): Promise<void> {
		// Tells the reader which version it is, and what to do.
		if (!signal.aborted && isWithoutV2(error)) await this.#options.keys.get(this.key, { signal });
		await this.#endpoints.failed(error, signal);
	}

	async #listAt(endpoint: string, signal: AbortSignal): Promise<Listing> {
		const lane = this.#options.keys.lane(endpoint, this.#options.timeoutMs);
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

function got(lane: Lane, path: string): Promise<{ head: AnswerHead; text: string }> {
	return new Promise((resolve, reject) => {
		lane.get(path, {
			began() {},
			ended: (head, text) => resolve({ head, text }),
			failed: (error: LabError) => reject(error),
		});
	});
}

/** What no other endpoint and no waiting heals. */
function isFatal(error: unknown): boolean {
	return (
		error instanceof UnauthorizedError || error instanceof ArgumentError || error instanceof AbortedError
	);
}

function isWithoutV2(error: unknown): boolean {
	return error instanceof BadAnswerError && error.status === 404 && error.excerpt.startsWith("404 page");
}
