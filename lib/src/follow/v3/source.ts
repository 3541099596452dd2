import { AbortedError, ArgumentError, BadAnswerError, TimeoutError } from "../../http/errors";
import type { Node } from "../../v2/node";
import type { V3Client } from "../../v3/client";
import {
	AuthenticationFailedError,
	LearnerError,
	PermissionDeniedError,
	UnimplementedError,
	UserEmptyError,
} from "../../v3/errors";
import type { RangeAnswer } from "../../v3/types";
import type { KeySpace, Listing } from "../changes";
import { ClientSource, type Session, type SessionOptions, type SourceSettings } from "../source";
import { byKey } from "../tree";
import type { Memory } from "./member";
import { type FollowedRange, type FollowedRanges, nodeOf, rangeOf, rangesOf } from "./range";
import { V3Session } from "./session";
import { Turns } from "./turns";

export interface V3SourceOptions extends SourceSettings {
	readonly client: V3Client;
	readonly keySpace: KeySpace;
	/** How long what was allowed before may be refused, and all endpoints be learners, until it is taken as meant. */
	readonly patienceMs: number;
}

/** How many keys a list reads at once before it knows how large they are, and at most. */
const firstPage = 256;
const mostPage = 10_000;

/** How large a page should be, by its keys and values. */
const pageBytes = 4 * 1024 * 1024;

/**
 * The v3 API as a source: linearizable ranges to list, a watch for what came after. v3's keys are just names
 * (`NameKeys`): no directory comes or goes with them, and nothing is hidden. An index is a revision; one can have several
 * events (`more`). A node's `createdIndex` is the key's createRevision, its `modifiedIndex` the modRevision. Keys and
 * values that are no text are told as text from which `toBytes` gets their bytes back.
 */
export class V3Source extends ClientSource {
	readonly #options: V3SourceOptions;
	#ranges: FollowedRanges;
	readonly #memory: Memory = {
		noted: new Set(),
		noSocket: new Map(),
		met: new Map(),
		tooLarge: { count: 0, after: 0 },
	};
	#pageLength = firstPage;
	/** The newest revision that a list was of. */
	#newest: { readonly clusterId: string; readonly index: number } = { clusterId: "", index: 0 };
	/** Whether anything has been allowed, and since when it is refused. */
	#wasAllowed = false;
	#refusedAt: number | undefined;

	constructor(options: V3SourceOptions) {
		super(options.client.endpoints, options.keySpace, options);
		this.#options = options;
		this.#ranges = [rangeOf(options.keySpace.scope)];
	}

	protected session(options: SessionOptions): Session {
		const settings = { ...this.#options, ranges: this.#ranges, memory: this.#memory };
		const session = new V3Session(settings, options);
		return session;
	}

	protected isFatal(error: unknown): boolean {
		if (isOf(error, [UnimplementedError, ArgumentError, AbortedError])) return true;
		if (error instanceof BadAnswerError && error.kind === "too large") return true;
		const isRefused = isOf(error, [AuthenticationFailedError, PermissionDeniedError, UserEmptyError]);
		const hasNoGateway = error instanceof BadAnswerError && error.status === 404;
		if (!isRefused && !hasNoGateway && !(error instanceof LearnerError)) return false;
		// What was never allowed is a mistake, and told at once.
		if (isRefused && !this.#wasAllowed) return true;
		this.#refusedAt ??= performance.now();
		return performance.now() - this.#refusedAt > this.#options.patienceMs;
	}

	/** The keys at one revision, however many pages they take. */
	protected async listAt(endpoint: string, signal: AbortSignal): Promise<Listing> {
		const { client, timeoutMs } = this.#options;
		return await Turns.at(client, endpoint, timeoutMs).take(() => this.#list(endpoint, signal), signal);
	}

	async #list(endpoint: string, signal: AbortSignal): Promise<Listing> {
		let listing = await this.#listOnce(endpoint, signal).catch(async (error: unknown) => {
			// Whoever may read the key and what is below it may not read what lies between the two.
			const ranges = this.#ranges.length === 1 ? rangesOf(this.keySpace.scope) : undefined;
			if (!(error instanceof PermissionDeniedError) || ranges === undefined) throw error;
			const before = this.#ranges;
			this.#ranges = ranges;
			return await this.#listOnce(endpoint, signal).catch((again: unknown) => {
				this.#ranges = before;
				throw again;
			});
		});
		const { clusterId, index } = this.#newest;
		// A linearizable read can be stale once (issue 20418).
		if (listing.clusterId === clusterId && listing.index < index)
			listing = await this.#listOnce(endpoint, signal);
		this.#newest = listing;
		return listing;
	}

	/** All ranges at the revision of the first page. */
	async #listOnce(endpoint: string, signal: AbortSignal): Promise<Listing> {
		const nodes: Node[] = [];
		let revision: number | undefined;
		let clusterId = "";
		for (const range of this.#ranges) {
			for (let { first } = range; ; ) {
				const { kvs, more, header } = await this.#page({ ...range, first }, revision, endpoint, signal);
				this.#wasAllowed = true;
				this.#refusedAt = undefined;
				revision ??= header.revision;
				clusterId ||= header.clusterId.toString(16);
				for (const kv of kvs) {
					const node = nodeOf(kv);
					if (this.keySpace.covers(node.key)) nodes.push(node);
				}
				const last = kvs.at(-1);
				if (!more || last === undefined) break;
				// The next name after the last one.
				first = Buffer.concat([last.keyBytes, Buffer.of(0)]);
			}
		}
		return { index: revision ?? 0, clusterId, nodes: nodes.sort(byKey) };
	}

	/** One page, as long as fits: etcd counts its keys, and not their bytes. */
	async #page(
		{ first, end }: FollowedRange,
		revision: number | undefined,
		endpoint: string,
		signal: AbortSignal,
	): Promise<RangeAnswer> {
		const { client, timeoutMs } = this.#options;
		for (;;) {
			const limit = this.#pageLength;
			try {
				const page = await client.range(first, {
					...(end === undefined ? {} : { rangeEnd: end }),
					...(revision === undefined ? {} : { revision }),
					...{ limit, endpoint, signal },
					// One key can't be halved.
					timeoutMs: limit === 1 ? 6 * timeoutMs : timeoutMs,
				});
				this.#pageLength = fitting(page, limit);
				return page;
			} catch (error) {
				const isTooLarge = error instanceof BadAnswerError && error.kind === "too large";
				if (limit === 1 || !(isTooLarge || error instanceof TimeoutError)) throw error;
				this.#pageLength = Math.max(1, Math.floor(limit / 4));
				// Who does not answer at all may be gone: the next one gets the smaller page.
				if (!isTooLarge && revision === undefined) throw error;
			}
		}
	}
}

function fitting({ kvs }: RangeAnswer, limit: number): number {
	let bytes = 1;
	for (const { keyBytes, valueBytes } of kvs) bytes += keyBytes.length + valueBytes.length;
	const fits = Math.floor((pageBytes * Math.max(1, kvs.length)) / bytes);
	// Others may be larger.
	return Math.max(1, Math.min(mostPage, 4 * limit, fits));
}

function isOf(error: unknown, classes: readonly (new (...args: never[]) => Error)[]): boolean {
	return classes.some((one) => error instanceof one);
}
