import { setTimeout as wait } from "node:timers/promises";
import {
	AbortedError,
	ArgumentError,
	BadAnswerError,
	EtcdError,
	type LabError,
	TimeoutError,
	UnauthorizedError,
} from "../etcd/errors";
import type { Lane } from "../etcd/lane";
import { parseAnswer, parseHeaders } from "../etcd/parse";
import type { AnswerHead, HttpRequest } from "../etcd/transport";
import { watchRequest } from "../etcd/watch";
import { flattened } from "./tree";
import type { Listing, Source, Tail, TailOptions } from "./types";
import { type SessionSettings, V2Session } from "./v2-session";

export interface V2SourceOptions extends Omit<SessionSettings, "clusterId" | "proveThrough"> {
	/** The first wait after a failure, and the longest. */
	readonly backoffMs: readonly [number, number];
}

/**
 * The v2 keys API as a source: quorum reads to list, long polls for what came after. One endpoint at a time; after
 * a failure the next one, after a random wait, up to a time that doubles with each round.
 */
export class V2Source implements Source {
	readonly key: string;
	readonly recursive: boolean;
	readonly #options: V2SourceOptions;
	readonly #request: HttpRequest;
	#at = 0;
	#clusterId = "";
	/** Failures since something last went well. */
	#failures = 0;

	constructor(options: V2SourceOptions) {
		this.#options = options;
		this.key = options.key;
		this.recursive = options.recursive;
		const { path } = watchRequest(options.key, { recursive: options.recursive }, false);
		this.#request = { method: "GET", path: path.replace("wait=true", "quorum=true") };
	}

	async list(signal: AbortSignal): Promise<Listing> {
		for (;;) {
			try {
				const listing = await this.#listAt(this.#endpoint, signal);
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
			this.#failures = 0;
			return options.take(tail);
		};
		const settings = { ...this.#options, proveThrough, clusterId: () => this.#clusterId };
		let afterIndex = options.afterIndex;
		let isReconnect = false;
		for (;;) {
			const session = new V2Session(settings, this.#endpoint, afterIndex, isReconnect);
			this.#options.onNote({ note: "connected", endpoint: this.#endpoint, afterIndex });
			try {
				await session.run(take, signal);
				return;
			} catch (error) {
				isReconnect = true;
				if (session.isRegistered) this.#failures = 0;
				await this.#failed(error, signal);
			}
			afterIndex = session.position;
		}
	}

	get #endpoint(): string {
		return this.#options.keys.endpoints[this.#at % this.#options.keys.endpoints.length] ?? "";
	}

	/** Rule "no poll for ever": waits, and turns to the next endpoint. @throws what no waiting heals */
	async #failed(error: unknown, signal: AbortSignal): Promise<void> {
		if (signal.aborted) throw new AbortedError("the follower was closed", { cause: error });
		if (isFatal(error)) throw error;
		if (isWithoutV2(error)) {
			// Tells the reader which version it is, and what to do.
			await this.#options.keys.get(this.key, { signal });
		}
		const message = error instanceof Error ? error.message : String(error);
		this.#options.onNote({ note: "failed", endpoint: this.#endpoint, message });
		if (this.#options.obeys("no poll for ever")) this.#at++;
		const [least, most] = this.#options.backoffMs;
		// One round over all endpoints is quick; the waits grow with the rounds.
		const rounds = Math.floor(this.#failures++ / this.#options.keys.endpoints.length);
		const full = Math.min(most, least * 2 ** Math.min(rounds, 20));
		await wait(full * Math.random(), undefined, { signal }).catch(() => {
			throw new AbortedError("the follower was closed");
		});
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
