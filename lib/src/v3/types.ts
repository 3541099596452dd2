import { inspect } from "node:util";
import { textOf } from "./bytes";

/** What every answer of the v3 API carries (`ResponseHeader`). Ids are bigints: they use all 64 bits. */
export interface V3Header {
	/** etcdctl prints it in hexadecimal, as v2's X-Etcd-Cluster-Id does. */
	readonly clusterId: bigint;
	readonly memberId: bigint;
	/**
	 * The store's revision when the answer was made; 0 where etcd gives none (a canceled watch, a list of members).
	 * In an event's message it can be above that of the events.
	 */
	readonly revision: number;
	readonly raftTerm: number;
}

/** The fields of a key as the wire has them. */
export interface KeyValueFields {
	readonly keyBytes: Buffer;
	readonly valueBytes: Buffer;
	readonly createRevision: number;
	readonly modRevision: number;
	readonly version: number;
	readonly lease: bigint;
}

/** A key with its value. Both are bytes; `key` and `value` give them as text. */
export class KeyValue implements KeyValueFields {
	readonly keyBytes: Buffer;
	/** Empty too where only keys were asked for, and for what a delete leaves behind. */
	readonly valueBytes: Buffer;
	/** The revision of the write that made the key; 0 for a deleted one. */
	readonly createRevision: number;
	/** The store-wide revision of the last write to the key. */
	readonly modRevision: number;
	/** How many writes the key has seen since it was made, from 1; 0 for a deleted one. */
	readonly version: number;
	/** 0n: none. */
	readonly lease: bigint;

	constructor(fields: KeyValueFields) {
		this.keyBytes = fields.keyBytes;
		this.valueBytes = fields.valueBytes;
		this.createRevision = fields.createRevision;
		this.modRevision = fields.modRevision;
		this.version = fields.version;
		this.lease = fields.lease;
	}

	/** @throws NotTextError when it is not UTF-8 */
	get key(): string {
		return textOf("key", this.keyBytes);
	}

	/** @throws NotTextError when it is not UTF-8 */
	get value(): string {
		return textOf("value", this.valueBytes);
	}

	/** As console.log shows it. */
	[inspect.custom](): unknown {
		const shown = (bytes: Buffer) => {
			const text = bytes.toString("utf8");
			return Buffer.from(text, "utf8").equals(bytes) ? text : bytes;
		};
		const { createRevision, modRevision, version, lease } = this;
		return {
			key: shown(this.keyBytes),
			value: shown(this.valueBytes),
			createRevision,
			modRevision,
			version,
			...(lease === 0n ? {} : { lease }),
		};
	}
}

/** The keys of a range at one revision, in the order asked for. */
export interface RangeAnswer {
	readonly header: V3Header;
	/** Empty with `countOnly`. */
	readonly kvs: readonly KeyValue[];
	/** True when `limit` has left some out. */
	readonly more: boolean;
	/** How many keys the range holds, whatever the limit. */
	readonly count: number;
}

export interface PutAnswer {
	/** Its revision is the write's. */
	readonly header: V3Header;
	/** The key before, with `prevKv`, if there was one. */
	readonly prevKv?: KeyValue;
}

export interface DeleteAnswer {
	/** Its revision is the write's; nothing deleted takes no revision. */
	readonly header: V3Header;
	readonly deletedCount: number;
	/** What was there, with `prevKv`. */
	readonly prevKvs: readonly KeyValue[];
}

/** What became of one operation of a transaction. */
export type OperationAnswer =
	| { readonly kind: "put"; readonly prevKv?: KeyValue }
	| {
			readonly kind: "range";
			readonly kvs: readonly KeyValue[];
			readonly more: boolean;
			readonly count: number;
	  }
	| { readonly kind: "delete"; readonly deletedCount: number; readonly prevKvs: readonly KeyValue[] }
	| { readonly kind: "txn"; readonly succeeded: boolean; readonly answers: readonly OperationAnswer[] };

export interface TxnAnswer {
	/** Its revision is that of all the writes in it: a transaction has one, however many keys it writes. */
	readonly header: V3Header;
	/** Whether every comparison held. */
	readonly succeeded: boolean;
	/** In the order of the operations that were carried out. */
	readonly answers: readonly OperationAnswer[];
}

export interface LeaseAnswer {
	readonly header: V3Header;
	readonly id: bigint;
	/** Seconds, as the server has set them. */
	readonly ttl: number;
}

export interface TimeToLive extends LeaseAnswer {
	/** Seconds that were granted. `ttl` is what is left of them. */
	readonly grantedTtl: number;
	/** With `keys`: which are attached. */
	readonly keys: readonly Buffer[];
}

export interface V3Status {
	readonly header: V3Header;
	/** Such as "3.5.1". */
	readonly version: string;
	/** The leader's id; 0n: the member knows of none. */
	readonly leader: bigint;
	readonly dbSizeBytes: number;
	readonly raftIndex: number;
	readonly raftAppliedIndex: number;
	readonly raftTerm: number;
	/** What is wrong with it, such as "etcdserver: no leader". */
	readonly errors: readonly string[];
}

export interface V3Member {
	readonly id: bigint;
	/** "" before its first start. */
	readonly name: string;
	readonly peerUrls: readonly string[];
	readonly clientUrls: readonly string[];
}

/** One key's change. Several can have the same revision: a transaction's, a range's delete, a lease's end. */
export interface V3Event {
	readonly type: "put" | "delete";
	/** For a delete only its key and its modRevision, which is the delete's. */
	readonly kv: KeyValue;
	/** With `prevKv`: the key before, unless it is new or its old revision has been compacted. */
	readonly prevKv?: KeyValue;
}
