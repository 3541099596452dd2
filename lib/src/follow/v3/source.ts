import { AbortedError, ArgumentError } from "../../http/errors";
import type { Node } from "../../v2/node";
import { NotTextError } from "../../v3/bytes";
import {
	AuthenticationFailedError,
	CompactedError,
	PermissionDeniedError,
	UnimplementedError,
	UserEmptyError,
} from "../../v3/errors";
import type { Listing, Source, Tail, TailOptions } from "../changes";
import { Endpoints } from "../endpoints";
import { type FollowedRange, isFollowed, nodeOf, rangeOf } from "./range";
import { type V3Place, V3Session, type V3SessionSettings } from "./session";

export interface V3SourceOptions extends V3SessionSettings {
	/** The first wait after a failure, and the longest. */
	readonly backoffMs: readonly [number, number];
}

/** How many keys a list reads at once. */
const pageLength = 2_000;

/**
 * The v3 API as a source: linearizable ranges to list, a watch for what came after. v3's keys are just names: a key
 * with `recursive` is the key itself and all whose names begin with it and a slash, and no directory comes or goes with
 * them; nothing is hidden. An index is a revision; one can have several events (`more`). A node's `createdIndex` is
 * the key's createRevision, its `modifiedIndex` the modRevision. Keys and values have to be text (NotTextError).
 * One endpoint at a time (`Endpoints`).
 */
export class V3Source implements Source {
	readonly key: string;
	readonly recursive: boolean;
	readonly isFlat = true;
	readonly #options: V3SourceOptions;
	readonly #range: FollowedRange;
	readonly #endpoints: Endpoints;
	#clusterId = "";

	constructor(options: V3SourceOptions) {
		this.#options = options;
		const { backoffMs, obeys, onNote } = options;
		this.#endpoints = new Endpoints({ urls: options.client.endpoints, backoffMs, obeys, onNote, isFatal });
		this.key = options.key;
		this.recursive = options.recursive;
		this.#range = rangeOf(options.key, options.recursive);
	}

	async list(signal: AbortSignal): Promise<Listing> {
		for (;;) {
			try {
				const listing = await this.#listAt(this.#endpoints.current, signal);
				this.#clusterId = listing.clusterId;
				this.#options.onNote({ note: "listed", index: listing.index, nodeCount: listing.nodes.length });
				return listing;
			} catch (error) {
				// It was compacted between two pages: from the first one.
				if (!(error instanceof CompactedError)) await this.#endpoints.failed(error, signal);
			}
		}
	}

	async tail(options: TailOptions): Promise<void> {
		const { signal, proveThrough, afterIndex } = options;
		const place: V3Place = { position: afterIndex, quietThrough: afterIndex, isReconnect: false };
		let isOver = false;
		const take = (tail: Tail) => {
			this.#endpoints.succeeded();
			isOver ||= tail.kind === "cleared" || tail.kind === "behind";
			return signal.aborted ? undefined : options.take(tail);
		};
		while (!signal.aborted && !isOver) {
			const clusterId = () => this.#clusterId;
			const session = new V3Session(
				this.#options,
				this.#endpoints.current,
				this.#range,
				place,
				clusterId,
				proveThrough,
			);
			this.#options.onNote({
				note: "connected",
				endpoint: this.#endpoints.current,
				afterIndex: place.position,
			});
			try {
				await session.run(take, signal);
			} catch (error) {
				place.isReconnect = true;
				if (session.isRegistered) this.#endpoints.succeeded();
				await this.#endpoints.failed(error, signal).catch((fatal: unknown) => {
					if (!signal.aborted) throw fatal;
				});
			}
		}
	}

	/** The keys at one revision, however many pages they take. */
	async #listAt(endpoint: string, signal: AbortSignal): Promise<Listing> {
		const { client, key, recursive, timeoutMs } = this.#options;
		const nodes: Node[] = [];
		let { first } = this.#range;
		const { end } = this.#range;
		for (let revision: number | undefined, clusterId = ""; ; ) {
			const { kvs, more, header } = await client.range(first, {
				...(end === undefined ? {} : { rangeEnd: end }),
				...(revision === undefined ? {} : { revision }),
				...{ limit: pageLength, endpoint, signal, timeoutMs },
			});
			revision ??= header.revision;
			clusterId ||= header.clusterId.toString(16);
			for (const kv of kvs)
				if (isFollowed(key, recursive, kv.keyBytes.toString("utf8"))) nodes.push(nodeOf(kv));
			const last = kvs.at(-1);
			if (!more || last === undefined) return { index: revision, clusterId, nodes: nodes.sort(byName) };
			// The next name after the last one.
			first = Buffer.concat([last.keyBytes, Buffer.of(0)]);
		}
	}
}

function byName(one: Node, two: Node): number {
	return one.key < two.key ? -1 : one.key > two.key ? 1 : 0;
}

/** What no other endpoint and no waiting heals. */
function isFatal(error: unknown): boolean {
	return [
		...[AuthenticationFailedError, PermissionDeniedError, UserEmptyError, UnimplementedError],
		...[ArgumentError, AbortedError, NotTextError],
	].some((fatal) => error instanceof fatal);
}
