import type { Node } from "../../v2/node";
import { prefixEnd } from "../../v3/range";
import type { KeyValue, V3Event } from "../../v3/types";
import type { FollowedEvent } from "../changes";
import { isBelow } from "../tree";

/** The range of v3's keys that holds what a follower of a key is of, as `range` and `watch` take it. */
export interface FollowedRange {
	readonly first: Buffer;
	/** The first key beyond; undefined: the one key. */
	readonly end: Buffer | undefined;
}

/**
 * A key alone, or with all below it: from the key itself to the end of the prefix "<key>/". One range, so that one
 * watch tells all of it in order; what else lies in it ("/a-b" between "/a" and "/a/b") is left out by `isFollowed`.
 */
export function rangeOf(key: string, recursive: boolean): FollowedRange {
	const first = Buffer.from(key, "utf8");
	if (!recursive) return { first, end: undefined };
	return { first, end: prefixEnd(Buffer.from(key === "/" ? "/" : `${key}/`, "utf8")) };
}

/** Whether what lies in the range belongs to the follower. */
export function isFollowed(of: string, recursive: boolean, key: string): boolean {
	return key === of || (recursive && isBelow(key, of));
}

/** @throws NotTextError for a key or a value that is no text: a node holds text */
export function nodeOf(kv: KeyValue): Node {
	const { key, value, createRevision, modRevision } = kv;
	return { key, value, dir: false, createdIndex: createRevision, modifiedIndex: modRevision };
}

/**
 * A put is a "set" and a delete a "delete", whatever made them: a transaction, a range, the end of a lease.
 * @throws NotTextError
 */
export function followedBy(event: V3Event, fromHistory: boolean, more: boolean): FollowedEvent {
	const { kv, prevKv, type } = event;
	const { modRevision: index } = kv;
	const gone = { key: kv.key, dir: false, createdIndex: prevKv?.createRevision ?? 0, modifiedIndex: index };
	return {
		kind: "event",
		index,
		action: type === "put" ? "set" : "delete",
		key: kv.key,
		node: type === "put" ? nodeOf(kv) : gone,
		...(prevKv === undefined ? {} : { prevNode: nodeOf(prevKv) }),
		fromHistory,
		...(more ? { more } : {}),
	};
}
