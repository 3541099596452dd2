import { BadAnswerError, TimeoutError } from "../../http/errors";
import type { Node } from "../../v2/node";
import type { V3Client } from "../../v3/client";
import { CompactedError, FutureRevisionError, PermissionDeniedError } from "../../v3/errors";
import type { RangeOptions } from "../../v3/requests";
import type { RangeAnswer, V3Header } from "../../v3/types";
import type { Note } from "../changes";
import { type FaultId, faultsOf, type KnownFault } from "./known-faults";
import { type FollowedRange, type FollowedRanges, nodeOf } from "./range";
import { Turns } from "./turns";

/** How much of a state is read to spare the events what was before them: keys, and bytes of their values. */
const mostKeys = 10_000;
const mostBytes = 8 * 1024 * 1024;

/**
 * Where a batch of the past may be many small events: a server that cuts it into fragments measures each of them once
 * for every event of its fragment (sendFragments in api/v3rpc/watch.go), and is busy for a minute with 200,000.
 */
const manyBytesPerRevision = 12 * 1024;
const manyBytes = 4 * 1024 * 1024;
const smallBytes = 2 * 1024;

/** What a session asks its member with. */
export interface MemberSettings {
	readonly client: V3Client;
	readonly endpoint: string;
	readonly ranges: FollowedRanges;
	readonly timeoutMs: number;
	readonly onNote: (note: Note) => void;
	readonly memory: Memory;
}

/** What the sessions of one follower know of each other. */
export interface Memory {
	/** What has been noted already, of which server: "3.5.1 15220". */
	readonly noted: Set<string>;
	/** How often in a row no WebSocket could be had, by endpoint. */
	readonly noSocket: Map<string, number>;
	/** Who was met there last, by endpoint. */
	readonly met: Map<string, Member>;
	/** How often in a row a message was too large, and after which revision. */
	tooLarge: { readonly count: number; readonly after: number };
}

/** One member, and what is asked of it beside the watch. Errors are the client's. */
export class Member {
	readonly endpoint: string;
	/** Such as "3.5.1". */
	readonly version: string;
	/** Where its store was when it was met. */
	readonly header: V3Header;
	/** How many bytes of its database there are for a revision: about how large an event is. */
	readonly bytesPerRevision: number;
	readonly #settings: MemberSettings;
	readonly #faults: ReadonlySet<string>;
	#inFragments = true;

	/** Asks who it is. */
	static async meet(settings: MemberSettings, signal: AbortSignal): Promise<Member> {
		const { client, endpoint, timeoutMs, memory } = settings;
		try {
			const { version, header, dbSizeBytes } = await client.status({ endpoint, timeoutMs, signal });
			const member = new Member(settings, version, header, dbSizeBytes / Math.max(1, header.revision));
			if (
				memory.tooLarge.count === 0 &&
				dbSizeBytes > manyBytes &&
				member.bytesPerRevision > manyBytesPerRevision
			)
				member.#inFragments = !(await member.#hasSmallKeys(signal));
			memory.met.set(endpoint, member);
			return member;
		} catch (error) {
			if (error instanceof TimeoutError) memory.met.get(endpoint)?.isLate();
			throw error;
		}
	}

	/** It does not answer any more. */
	isLate(): void {
		const fault = "11826";
		if (!this.has(fault) || !this.endpoint.startsWith("https://")) return;
		const message =
			"it does not answer: over TLS it serves 249 watches and streams by the gateway, whoever asks";
		this.note(fault, message, true);
	}

	private constructor(settings: MemberSettings, version: string, header: V3Header, bytesPerRevision: number) {
		this.#settings = settings;
		this.endpoint = settings.endpoint;
		this.version = version;
		this.header = header;
		this.bytesPerRevision = bytesPerRevision;
		const faults = faultsOf(version);
		this.#faults = new Set(faults.map(({ id }) => id));
		for (const { id, unpromised, seen } of faults as readonly KnownFault[]) {
			if (unpromised !== undefined) this.note(id, `${seen}; not promised: ${unpromised}`);
		}
	}

	has(fault: FaultId): boolean {
		return this.#faults.has(fault);
	}

	/** Whether it is asked to cut large messages into pieces. */
	get inFragments(): boolean {
		return this.#inFragments;
	}

	/** Whether a progress that was asked for vouches for what came before it. */
	get provesProgress(): boolean {
		return !this.has("15220");
	}

	/** `isMet`: it has cost a gap just now. */
	note(fault: string, message: string, isMet = false): void {
		const { memory, onNote } = this.#settings;
		const { endpoint, version } = this;
		const key = `${version} ${fault}`;
		if (memory.noted.has(key) && !isMet) return;
		memory.noted.add(key);
		onNote({ note: "known fault", endpoint, version, fault, isMet, message });
	}

	/** Where the store is, by a read that needs the member's leader. */
	async read(signal: AbortSignal): Promise<V3Header> {
		const ask = async (signal: AbortSignal) =>
			(await this.#range(signal, { limit: 1, countOnly: true, serializable: false })).header;
		const { client, timeoutMs } = this.#settings;
		// A user may be allowed one range, and not another.
		if (client.hasUser) return await ask(signal);
		return await Turns.at(client, this.endpoint, timeoutMs).read(ask, signal);
	}

	/** Whether the member has forgotten the store at a revision: some of what came after may be gone then, too. */
	async hasForgotten(revision: number, signal: AbortSignal): Promise<boolean> {
		try {
			await this.#range(signal, { revision: Math.max(1, revision), countOnly: true });
			return false;
		} catch (error) {
			if (error instanceof FutureRevisionError) return false;
			if (error instanceof CompactedError) return true;
			throw error;
		}
	}

	/** The revision of the newest write, up to a revision, to a key of the range that was there then. */
	async newestUpTo(
		revision: number,
		signal: AbortSignal,
		range: FollowedRange = this.#settings.ranges[0],
	): Promise<number | undefined> {
		const sort = { by: "modRevision", order: "descending" } as const;
		const { kvs } = await this.#range(signal, { sort, limit: 1, keysOnly: true, revision }, range);
		return kvs[0]?.modRevision;
	}

	/**
	 * Whether the ranges hold something else at a revision than at an earlier one: a watch from there has that to tell,
	 * however long it is silent. What came and went between the two is not seen, nor what has been compacted.
	 */
	async hasChanged(since: number, until: number, signal: AbortSignal): Promise<boolean> {
		try {
			for (const range of this.#settings.ranges) {
				const newest = await this.newestUpTo(until, signal, range);
				if (newest !== undefined && newest > since) return true;
				// Nothing was put: what is there is what was there, unless something was deleted.
				if (
					since > 0 &&
					(await this.#count(until, range, signal)) < (await this.#count(since, range, signal))
				)
					return true;
			}
		} catch (error) {
			if (!(error instanceof CompactedError || error instanceof FutureRevisionError)) throw error;
		}
		return false;
	}

	async #count(revision: number, range: FollowedRange, signal: AbortSignal): Promise<number> {
		return (await this.#range(signal, { countOnly: true, revision }, range)).count;
	}

	/**
	 * What was there at a revision, by key, so that events need not bring what was before them: undefined where that is
	 * much, or gone.
	 */
	async stateAt(revision: number, signal: AbortSignal): Promise<Map<string, Node> | undefined> {
		const state = new Map<string, Node>();
		// The first write of a store is its revision 2.
		if (revision < 2) return state;
		try {
			const [range] = this.#settings.ranges;
			const count = await this.#count(revision, range, signal);
			if (count > mostKeys || count * this.bytesPerRevision > mostBytes) return undefined;
			for (let { first } = range; ; ) {
				const { kvs, more } = await this.#range(signal, { revision, limit: 1_000 }, { ...range, first });
				for (const kv of kvs) {
					const node = nodeOf(kv);
					state.set(node.key, node);
				}
				const last = kvs.at(-1);
				if (!more || last === undefined) return state;
				first = Buffer.concat([last.keyBytes, Buffer.of(0)]);
			}
		} catch (error) {
			if (error instanceof CompactedError || error instanceof FutureRevisionError) return undefined;
			if (error instanceof BadAnswerError && error.kind === "too large") return undefined;
			throw error;
		}
	}

	/** Whether the first keys of the range are small: revisions that are large are many events then. */
	async #hasSmallKeys(signal: AbortSignal): Promise<boolean> {
		try {
			const { kvs } = await this.#range(signal, { limit: 4 }, this.#settings.ranges[0]);
			return kvs.length > 0 && kvs.every(({ valueBytes }) => valueBytes.length < smallBytes);
		} catch (error) {
			if (error instanceof PermissionDeniedError) return false;
			throw error;
		}
	}

	/** The member's own answer, unless told otherwise; of the first key alone unless a range is given. */
	#range(
		signal: AbortSignal,
		options: RangeOptions,
		{ first, end }: FollowedRange = { first: this.#settings.ranges[0].first, end: undefined },
	): Promise<RangeAnswer> {
		const { client, endpoint, timeoutMs } = this.#settings;
		return client.range(first, {
			...(end === undefined ? {} : { rangeEnd: end }),
			...{ serializable: true, endpoint, timeoutMs, signal, ...options },
		});
	}
}
