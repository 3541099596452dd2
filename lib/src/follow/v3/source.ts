import { AbortedError, ArgumentError } from "../../http/errors";
import type { Node } from "../../v2/node";
import { NotTextError } from "../../v3/bytes";
import type { V3Client } from "../../v3/client";
import {
	AuthenticationFailedError,
	PermissionDeniedError,
	UnimplementedError,
	UserEmptyError,
} from "../../v3/errors";
import type { KeySpace, Listing } from "../changes";
import { ClientSource, type Session, type SessionOptions, type SourceSettings } from "../source";
import { byKey } from "../tree";
import { type FollowedRange, nodeOf, rangeOf } from "./range";
import { V3Session } from "./session";

export interface V3SourceOptions extends SourceSettings {
	readonly client: V3Client;
	readonly keySpace: KeySpace;
}

/** How many keys a list reads at once. */
const pageLength = 2_000;

/**
 * The v3 API as a source: linearizable ranges to list, a watch for what came after. v3's keys are just names
 * (`NameKeys`): no directory comes or goes with them, and nothing is hidden. An index is a revision; one can have several events (`more`). A node's `createdIndex` is
 * the key's createRevision, its `modifiedIndex` the modRevision. Keys and values have to be text (NotTextError).
 */
export class V3Source extends ClientSource {
	readonly #options: V3SourceOptions;
	readonly #range: FollowedRange;

	constructor(options: V3SourceOptions) {
		super(options.client.endpoints, options.keySpace, options);
		this.#options = options;
		this.#range = rangeOf(options.keySpace.scope);
	}

	protected session({ endpoint, place, clusterId, proveThrough }: SessionOptions): Session {
		return new V3Session(this.#options, endpoint, this.#range, place, clusterId, proveThrough);
	}

	protected isFatal(error: unknown): boolean {
		return [
			...[AuthenticationFailedError, PermissionDeniedError, UserEmptyError, UnimplementedError],
			...[ArgumentError, AbortedError, NotTextError],
		].some((fatal) => error instanceof fatal);
	}

	/** The keys at one revision, however many pages they take. */
	protected async listAt(endpoint: string, signal: AbortSignal): Promise<Listing> {
		const { client, keySpace, timeoutMs } = this.#options;
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
			for (const kv of kvs) if (keySpace.covers(kv.keyBytes.toString("utf8"))) nodes.push(nodeOf(kv));
			const last = kvs.at(-1);
			if (!more || last === undefined) return { index: revision, clusterId, nodes: nodes.sort(byKey) };
			// The next name after the last one.
			first = Buffer.concat([last.keyBytes, Buffer.of(0)]);
		}
	}
}
