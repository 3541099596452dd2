import type { V3Client } from "../../v3/client";
import { CompactedError, FutureRevisionError } from "../../v3/errors";
import type { V3Header } from "../../v3/types";
import type { Note } from "../changes";
import { type FaultId, faultsOf, type KnownFault } from "./known-faults";
import type { FollowedRange } from "./range";

/** What a session asks its member with. */
export interface MemberSettings {
	readonly client: V3Client;
	readonly endpoint: string;
	readonly range: FollowedRange;
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

	/** Asks who it is. */
	static async meet(settings: MemberSettings, signal: AbortSignal): Promise<Member> {
		const { client, endpoint, timeoutMs } = settings;
		const { version, header, dbSizeBytes } = await client.status({ endpoint, timeoutMs, signal });
		return new Member(settings, version, header, dbSizeBytes / Math.max(1, header.revision));
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
		return (await this.#range(signal, { limit: 1 })).header;
	}

	/** Whether the member has forgotten the store at a revision: some of what came after may be gone then, too. */
	async hasForgotten(revision: number, signal: AbortSignal): Promise<boolean> {
		try {
			await this.#range(signal, { revision: Math.max(1, revision), serializable: true });
			return false;
		} catch (error) {
			if (error instanceof FutureRevisionError) return false;
			if (error instanceof CompactedError) return true;
			throw error;
		}
	}

	/** The revision of the newest write, up to a revision, to a key of the range that was there then. */
	async newestUpTo(revision: number, signal: AbortSignal): Promise<number | undefined> {
		const { first, end } = this.#settings.range;
		const { client, endpoint, timeoutMs } = this.#settings;
		const { kvs } = await client.range(first, {
			...(end === undefined ? {} : { rangeEnd: end }),
			sort: { by: "modRevision", order: "descending" },
			...{ limit: 1, keysOnly: true, revision, serializable: true, endpoint, timeoutMs, signal },
		});
		return kvs[0]?.modRevision;
	}

	#range(signal: AbortSignal, options: { limit?: number; revision?: number; serializable?: boolean }) {
		const { client, range, endpoint, timeoutMs } = this.#settings;
		return client.range(range.first, { ...options, countOnly: true, endpoint, timeoutMs, signal });
	}
}
