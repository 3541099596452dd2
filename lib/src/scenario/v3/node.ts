import { type KeyValue, prefixEnd, toText, type V3Event } from "../../v3";
import { bytesOf } from "../../v3/bytes";
import type { ApiEvent, ApiNode } from "../record";

/** A key of v3, its bytes as `toText` has them, in the words of v2: its mod_revision is its modifiedIndex, its create_revision its createdIndex. */
export function seenNode(kv: KeyValue): ApiNode {
	const { createRevision, modRevision, version } = kv;
	const isThere = version > 0;
	return {
		key: toText(kv.keyBytes),
		...(isThere ? { value: toText(kv.valueBytes) } : {}),
		dir: false,
		createdIndex: createRevision,
		modifiedIndex: modRevision,
		version,
	};
}

/** What a delete leaves behind: the key, and the delete's revision. */
export function deletedNode(key: string, revision: number): ApiNode {
	return { key, dir: false, createdIndex: 0, modifiedIndex: revision, version: 0 };
}

/** An event; `began`: the revision at which its watch was registered. */
export function seenEvent({ type, kv, prevKv }: V3Event, began: number): ApiEvent {
	return {
		action: type,
		node: seenNode(kv),
		...(prevKv ? { prevNode: seenNode(prevKv) } : {}),
		etcdIndex: began,
		fromHistory: kv.modRevision <= began,
	};
}

/** What the names below a key begin with. */
export function belowName(key: string): string {
	return key.endsWith("/") ? key : `${key}/`;
}

/** The range of a watch or a read: the key, and with `recursive` all up to the last one below it. */
export function treeOf(key: string, recursive: boolean): { readonly rangeEnd?: Buffer } {
	return recursive ? { rangeEnd: prefixEnd(bytesOf("key", belowName(key))) } : {};
}

/** Between a key and what is below it lie other keys, such as "/a-b" after "/a": they are sent, and left out here. */
export function isIn(key: string, recursive: boolean): (node: { readonly key: string }) => boolean {
	return (node) => node.key === key || (recursive && node.key.startsWith(belowName(key)));
}
