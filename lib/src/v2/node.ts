/** What a write did, in etcd's words: the action of its answer and of its event. */
export const actions = [
	"set",
	"create",
	"update",
	"delete",
	"expire",
	"compareAndSwap",
	"compareAndDelete",
] as const;
export type Action = (typeof actions)[number];

/** A key or a directory as the v2 API sends it (`NodeExtern` in etcd's v2store/node_extern.go at v3.5.9). */
export interface Node {
	readonly key: string;
	/** Absent for a directory, and for what a delete leaves behind. */
	readonly value?: string;
	readonly dir: boolean;
	/** The store-wide index of the write that made the key; a `set` makes it anew, an `update` keeps it. */
	readonly createdIndex: number;
	/** The store-wide index of the last write to the key. */
	readonly modifiedIndex: number;
	/** When it expires, as etcd wrote it (RFC 3339). */
	readonly expiration?: string;
	/** Seconds left when the answer was made. */
	readonly ttl?: number;
	/** The children of a directory that was read; hidden keys (`_…`) are never among them. */
	readonly nodes?: readonly Node[];
}

/** What every answer of the keys API carries in its headers. */
export interface Headers {
	/** X-Etcd-Index: for a read or a write the store's index; for a watch the index when the watch began. */
	readonly etcdIndex: number;
	/** X-Raft-Index. */
	readonly raftIndex: number;
	/** X-Raft-Term. */
	readonly raftTerm: number;
	/** X-Etcd-Cluster-Id, hexadecimal; the same after a wipe and a start with the same flags. */
	readonly clusterId: string;
}

/** The answer to a read or a write. */
export interface Answer extends Headers {
	/** "get" for a read. */
	readonly action: Action | "get";
	readonly node: Node;
	/** The node before the write, where there was one. */
	readonly prevNode?: Node;
}

/** One event of a watch. */
export interface WatchEvent extends Answer {
	readonly action: Action;
	/**
	 * True when it came out of the event history: its index is not above the one at which the watch began.
	 * A live event is always above it (notebook 04).
	 */
	readonly fromHistory: boolean;
}
