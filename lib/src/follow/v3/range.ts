import type { Node } from "../../v2/node";
import { bytesOf, toText } from "../../v3/bytes";
import { prefixEnd } from "../../v3/range";
import type { KeyValue, V3Event } from "../../v3/types";
import type { FollowedEvent, Scope } from "../changes";
import { directoryOf } from "../keys";

/** The range of v3's keys that holds what a follower of a key is of, as `range` and `watch` take it. */
export interface FollowedRange {
	readonly first: Buffer;
	/** The first key beyond; undefined: the one key. */
	readonly end: Buffer | undefined;
}

/** At least one; together they hold all keys that are followed. */
export type FollowedRanges = readonly [FollowedRange, ...FollowedRange[]];

/**
 * The same as `rangeOf`, for a user who may read the key and what begins with it and a slash, and nothing between the two
 * ("/a-b"): undefined where that is no other.
 */
export function rangesOf({ key, recursive }: Scope): FollowedRanges | undefined {
	const below = directoryOf(key);
	if (!recursive || below === key) return undefined;
	return [
		{ first: bytesOf("key", key), end: undefined },
		{ first: bytesOf("key", below), end: prefixEnd(bytesOf("key", below)) },
	];
}

/**
 * A key alone, or with all below it: from the key itself to the end of the prefix "<key>/". One range, so that one
 * watch tells all of it in order; what else lies in it ("/a-b" between "/a" and "/a/b") is left out by
 * `KeySpace.covers`.
 */
export function rangeOf({ key, recursive, prefix = false, rangeEnd }: Scope): FollowedRange {
	// Of the empty key etcd knows nothing: the first one there can be is a zero byte.
	const first = bytesOf("key", key === "" ? "\0" : key);
	if (rangeEnd !== undefined) return { first, end: bytesOf("rangeEnd", rangeEnd) };
	if (!recursive && !prefix) return { first, end: undefined };
	return { first, end: prefixEnd(bytesOf("key", prefix ? key : directoryOf(key))) };
}

/** As text from which `toBytes` gets the bytes back, whatever they are. */
export function nodeOf(kv: KeyValue, key: string = toText(kv.keyBytes)): Node {
	const { createRevision, modRevision } = kv;
	const value = toText(kv.valueBytes);
	return { key, value, dir: false, createdIndex: createRevision, modifiedIndex: modRevision };
}

/**
 * A put is a "set" and a delete a "delete", whatever made them: a transaction, a range, the end of a lease. `prevNode`:
 * what was before, where the event does not bring it.
 */
export function followedBy(
	{ kv, prevKv, type }: V3Event,
	key: string,
	fromHistory: boolean,
	more: boolean,
	prevNode: Node | undefined = prevKv && nodeOf(prevKv, key),
): FollowedEvent {
	const { modRevision: index } = kv;
	const createdIndex = prevNode?.createdIndex ?? 0;
	return {
		kind: "event",
		index,
		action: type === "put" ? "set" : "delete",
		key,
		node: type === "put" ? nodeOf(kv, key) : { key, dir: false, createdIndex, modifiedIndex: index },
		...(prevNode === undefined ? {} : { prevNode }),
		fromHistory,
		...(more ? { more } : {}),
	};
}
