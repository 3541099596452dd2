import { checkIndex } from "../http/checks";
import { ArgumentError } from "../http/errors";
import type { RequestOptions } from "../v2/client";
import { base64, type V3Bytes } from "./bytes";
import { type V3Keys, wireRange } from "./range";

export interface V3RequestOptions extends RequestOptions {
	/** One of the client's endpoints, which alone is asked. */
	readonly endpoint?: string;
}

export interface PutOptions {
	/** A lease's id: the key goes when it does. */
	readonly lease?: bigint;
	/** Give the key before in the answer. */
	readonly prevKv?: boolean;
}

export interface RangeOptions extends V3Keys {
	/** At which revision; now unless given. CompactedError, FutureRevisionError. */
	readonly revision?: number;
	/** At most so many keys; the answer says whether there are `more`. */
	readonly limit?: number;
	readonly keysOnly?: boolean;
	readonly countOnly?: boolean;
	/** In the order of the keys, ascending, unless given. */
	readonly sort?: {
		readonly by: "key" | "version" | "createRevision" | "modRevision" | "value";
		readonly order?: "ascending" | "descending";
	};
	/** The member's own answer, maybe an old one, as v2's plain read. Linearizable (through raft) unless true. */
	readonly serializable?: boolean;
}

export interface DeleteOptions extends V3Keys {
	readonly prevKv?: boolean;
}

/** What has to be true of a key, or of each in a range. Exactly one of the five is compared. */
export interface TxnCompare extends V3Keys {
	readonly key: V3Bytes;
	/** "=" unless given. */
	readonly is?: "=" | "!=" | ">" | "<";
	/** 0: the key does not exist. */
	readonly version?: number;
	/** 0: the key does not exist. */
	readonly createRevision?: number;
	/** 0: the key does not exist. */
	readonly modRevision?: number;
	readonly value?: V3Bytes;
	readonly lease?: bigint;
}

/** One thing that a transaction does. */
export type TxnOperation =
	| ({ readonly op: "put"; readonly key: V3Bytes; readonly value: V3Bytes } & PutOptions)
	| ({ readonly op: "range"; readonly key: V3Bytes } & RangeOptions)
	| ({ readonly op: "delete"; readonly key: V3Bytes } & DeleteOptions)
	| ({ readonly op: "txn" } & Txn);

/** Comparisons, and what to do if all of them hold, or else. All of it happens at once, at one revision. */
export interface Txn {
	/** None: `success` is carried out. */
	readonly compare?: readonly TxnCompare[];
	readonly success?: readonly TxnOperation[];
	readonly failure?: readonly TxnOperation[];
}

/** JSON as the gateway takes it. */
export type Wire = Readonly<Record<string, unknown>>;

export function wirePut(key: V3Bytes, value: V3Bytes, options: PutOptions): Wire {
	const { lease, prevKv } = options;
	return {
		...wireRange(key),
		value: base64("value", value),
		...(lease === undefined ? {} : { lease: wireId("lease", lease) }),
		...(prevKv ? { prev_kv: true } : {}),
	};
}

const targets = {
	key: "KEY",
	version: "VERSION",
	createRevision: "CREATE",
	modRevision: "MOD",
	value: "VALUE",
} as const;

export function wireGet(key: V3Bytes, options: RangeOptions): Wire {
	const { revision, limit, keysOnly, countOnly, sort, serializable } = options;
	return {
		...wireRange(key, options),
		...(revision === undefined ? {} : { revision: String(checkIndex("revision", revision, 1)) }),
		...(limit === undefined ? {} : { limit: String(checkIndex("limit", limit, 1)) }),
		...(keysOnly ? { keys_only: true } : {}),
		...(countOnly ? { count_only: true } : {}),
		...(serializable ? { serializable: true } : {}),
		...(sort === undefined
			? {}
			: { sort_target: targets[sort.by], sort_order: sort.order === "descending" ? "DESCEND" : "ASCEND" }),
	};
}

export function wireDelete(key: V3Bytes, options: DeleteOptions): Wire {
	return { ...wireRange(key, options), ...(options.prevKv ? { prev_kv: true } : {}) };
}

export function wireTxn({ compare = [], success = [], failure = [] }: Txn): Wire {
	return {
		compare: compare.map(wireCompare),
		success: success.map(wireOperation),
		failure: failure.map(wireOperation),
	};
}

const results = { "=": "EQUAL", "!=": "NOT_EQUAL", ">": "GREATER", "<": "LESS" } as const;

function wireCompare(compare: TxnCompare): Wire {
	const { key, is = "=", version, createRevision, modRevision, value, lease } = compare;
	const wanted: Wire[] = [];
	if (version !== undefined) wanted.push({ target: "VERSION", version: count("version", version) });
	if (createRevision !== undefined) {
		wanted.push({ target: "CREATE", create_revision: count("createRevision", createRevision) });
	}
	if (modRevision !== undefined)
		wanted.push({ target: "MOD", mod_revision: count("modRevision", modRevision) });
	if (value !== undefined) wanted.push({ target: "VALUE", value: base64("value", value) });
	if (lease !== undefined) wanted.push({ target: "LEASE", lease: wireId("lease", lease) });
	const [only, ...more] = wanted;
	if (only === undefined || more.length > 0) {
		throw new ArgumentError(
			"a comparison is of one of version, createRevision, modRevision, value and lease: make one for each",
		);
	}
	return { ...wireRange(key, compare), result: results[is], ...only };
}

function count(name: string, number: number): string {
	return String(checkIndex(name, number));
}

function wireOperation(operation: TxnOperation): Wire {
	switch (operation.op) {
		case "put":
			return { request_put: wirePut(operation.key, operation.value, operation) };
		case "range":
			return { request_range: wireGet(operation.key, operation) };
		case "delete":
			return { request_delete_range: wireDelete(operation.key, operation) };
		case "txn":
			return { request_txn: wireTxn(operation) };
	}
}

/** @throws ArgumentError unless it is a bigint from 0 to 2^63 − 1 */
export function wireId(name: string, id: bigint): string {
	if (typeof id === "bigint" && id >= 0n && id < 2n ** 63n) return String(id);
	throw new ArgumentError(
		`a ${name}'s id is a bigint from 0n to 2n ** 63n - 1n, not ${typeof id} ${String(id)}`,
	);
}
