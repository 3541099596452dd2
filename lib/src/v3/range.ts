import { ArgumentError } from "../http/errors";
import { bytesOf, type V3Bytes } from "./bytes";

/** Which keys: one, or a range of the bytewise order. At most one of the three. */
export interface V3Keys {
	/** All keys that begin with the key; with the key "" the whole store. */
	readonly prefix?: boolean;
	/** All keys from the key on, itself included. */
	readonly fromKey?: boolean;
	/** The first key that no longer belongs to it. */
	readonly rangeEnd?: V3Bytes;
}

/** A range as it goes out, in base64. */
export interface WireRange {
	readonly key: string;
	/** Left out: the one key. */
	readonly range_end?: string;
}

/** A single 0 byte: as a key the first of all, as a range_end "no end". */
const zero = Buffer.of(0);

/**
 * Where the keys that begin with a prefix end: the prefix with its last byte that is not 0xff counted up, and what
 * follows cut off; a single 0 byte, which is "no end", when there is none such (`getPrefix` in clientv3/op.go at v3.5.9).
 */
export function prefixEnd(prefix: Uint8Array): Buffer {
	let length = prefix.length;
	while (length > 0 && prefix[length - 1] === 0xff) length--;
	if (length === 0) return zero;
	const end = Buffer.from(prefix.subarray(0, length));
	end[length - 1] = (end[length - 1] ?? 0) + 1;
	return end;
}

/** @throws ArgumentError for a key that is empty without `prefix` or `fromKey`, a range of two kinds, or an empty one */
export function wireRange(key: V3Bytes, keys: V3Keys = {}): WireRange {
	const { prefix = false, fromKey = false, rangeEnd } = keys;
	if (Number(prefix) + Number(fromKey) + Number(rangeEnd !== undefined) > 1) {
		throw new ArgumentError("give prefix, fromKey or rangeEnd, not two of them");
	}
	const from = bytesOf("key", key);
	const isOpen = prefix || fromKey;
	if (from.length === 0 && !isOpen) {
		throw new ArgumentError('the key is empty: no key of etcd\'s is; the whole store is the prefix ""');
	}
	// etcd refuses an empty key, but the key of one 0 byte comes before all others.
	const first = from.length === 0 ? zero : from;
	if (!isOpen && rangeEnd === undefined) return { key: first.toString("base64") };
	const end = prefix ? prefixEnd(from) : fromKey ? zero : bytesOf("rangeEnd", rangeEnd ?? "");
	const isEndless = end.equals(zero);
	if (end.length === 0 || (!isEndless && end.compare(first) <= 0)) {
		throw new ArgumentError("rangeEnd is not above the key: the range would hold no key");
	}
	return { key: first.toString("base64"), range_end: end.toString("base64") };
}
