import type { Action, Node } from "../v2/node";

/** What a follower hands on, in the order of the indexes. The compiler makes the consumer choose. */
export type Change = FollowedEvent | Gap | Reset;

/** One event on the followed key. Its index is above that of every change before it, but for `more`. */
export interface FollowedEvent {
	readonly kind: "event";
	/** The event's modifiedIndex. */
	readonly index: number;
	readonly action: Action;
	/** The key of the event: the followed one, one below it, or a directory above it that was removed. */
	readonly key: string;
	readonly node: Node;
	readonly prevNode?: Node;
	/**
	 * For a removal: every node that went, as the follower knew it, in the order of the keys; the event itself names
	 * the directory alone. Absent where that is not known: after a bare `afterIndex`, until the first list is reached.
	 */
	readonly removed?: readonly Node[];
	/** True when it was read from the history; false when it came as it happened. */
	readonly fromHistory: boolean;
	/**
	 * More of the same index follows: a v3 transaction, a deleted range or the end of a lease changes several keys at
	 * one revision. A position, a mirror and a gap never stand between them; v2 has one event an index.
	 */
	readonly more?: true;
}

/** What differs between two states of the tree. */
export interface StateDifference {
	/** Nodes that are new, in the order of their keys. */
	readonly added: readonly Node[];
	/** Nodes that were written in between; `before` is absent where it is not known. */
	readonly changed: readonly { readonly before?: Node; readonly now: Node }[];
	/** Nodes that are gone, as they were; absent where that is not known (after a bare `afterIndex`). */
	readonly removed?: readonly Node[];
}

/** What became of one key: made (no `before`), removed (no `now`), or written (both). */
export interface KeyChange {
	readonly key: string;
	readonly before?: Node;
	readonly now?: Node;
}

/** The followed key and all below it, true at one index. Hidden keys are never part of it. */
export interface State {
	/** The index at which it is true. */
	readonly index: number;
	/** The followed key first, then what is below it in the order of the keys; empty when the key does not exist. */
	readonly nodes: readonly Node[];
}

/** Events that can't be had: those from `from` to `to`, both included, as far as there were any. */
export interface Gap extends StateDifference {
	readonly kind: "gap";
	readonly from: number;
	readonly to: number;
	/** Why: the history no longer held `from` ("cleared"), and the consumer was too slow for it ("slow consumer"). */
	readonly why: "cleared" | "slow consumer";
	/** The state at `to`; the next event is above it. */
	readonly state: State;
}

/** The store is another one than before: wiped, restored from a backup, or another cluster's. Its indexes began anew. */
export interface Reset extends StateDifference {
	readonly kind: "reset";
	/** The last index that the follower had of the old store. */
	readonly lastIndex: number;
	/**
	 * "index went back": a quorum read is behind the position. "another cluster": the X-Etcd-Cluster-Id changed.
	 * "another past": the tree read by quorum does not come out of the known tree and the events since.
	 */
	readonly why: "index went back" | "another cluster" | "another past";
	readonly state: State;
}

/** Which keys are followed. At most one of `recursive`, `prefix` and `rangeEnd`. */
export interface Scope {
	readonly key: string;
	/** Also what is below the key. On v3: all names that begin with it and a slash; all keys for "". */
	readonly recursive: boolean;
	/** v3 alone: all names that begin with the key; all keys for "". */
	readonly prefix?: boolean;
	/** v3 alone: all names from the key on that come before this one, in the order of their bytes; "\0": all. */
	readonly rangeEnd?: string;
}

/**
 * Where a follower is, to be saved as JSON and given to another process. It holds all keys that are followed with
 * their values: it is as large as they are, and as secret. They are what tells a wiped store from the one that was
 * followed, and what a gap is measured against.
 */
export interface Position extends Scope {
	readonly format: "etcd-watch-lab/position";
	readonly version: 1;
	/** Every change up to here has been consumed. */
	readonly index: number;
	/** X-Etcd-Cluster-Id; "" where no answer has told it yet. */
	readonly clusterId: string;
	/** The state at `index`; absent after a bare `afterIndex`, until the first list is reached. */
	readonly nodes?: readonly Node[];
}

/** Moves the position alone. */
export interface Bookmark {
	readonly kind: "bookmark";
	readonly index: number;
	/** The whole state at the index, where a list has just told it. */
	readonly nodes?: readonly Node[];
}

export interface FollowOptions {
	/**
	 * Also what is below the key: on v2 the directory's tree; on v3, where keys are names, all that begin with the key
	 * and a slash (with the key, if it ends in one; all keys for ""). False unless given.
	 */
	readonly recursive?: boolean;
	/** v3 alone, in place of `recursive`: all names that begin with the key, slash or not; the whole store for "". */
	readonly prefix?: boolean;
	/**
	 * v3 alone, in place of `recursive`: all names from the key on and before this one, in the order of their bytes;
	 * "\0" for all that come after.
	 */
	readonly rangeEnd?: string;
	/** Begin after this index instead of now; 0 is from the first event on. Not together with `position`. */
	readonly afterIndex?: number;
	/** Begin where another follower was: its `position`, as it is or through JSON. */
	readonly position?: Position;
	readonly signal?: AbortSignal;
	/**
	 * How many changes are held for a consumer that is slow; 1,000 unless given. Beside them as much as one message of
	 * the server's holds: on v3 the events of a revision, or as many as it sends at once.
	 */
	readonly queueLength?: number;
	/** How long a quiet poll stays until it is made anew: a random time between; 20,000 to 40,000 unless given. */
	readonly rollMs?: readonly [number, number];
	/**
	 * How often a member is asked for its index while the key is quiet; 150 unless given. On v2 half as often while the
	 * index stands still, and more often (to every 10 ms) the faster it moves: where others write 1,000 times within two
	 * of these, after a quiet spell, a gap says so. With v2 users switched on, each such read costs the member a bcrypt,
	 * some 50 ms of CPU.
	 */
	readonly probeMs?: number;
	/** The longest wait after a first failure, which doubles with each round, and its limit; 50 and 5,000 unless given. */
	readonly backoffMs?: readonly [number, number];
	/**
	 * How long a member may take for the headers of an answer, and for the body of what is no long poll; a list's body may
	 * take 6 times this on v2. 5,000 unless given.
	 */
	readonly timeoutMs?: number;
	/**
	 * v3 alone: how long a user who was allowed before may be refused, or every endpoint be a learner or without the JSON
	 * gateway, until that ends the follower; 30,000 unless given. What was never allowed ends it at once.
	 */
	readonly patienceMs?: number;
	/** Told of what happens underneath. What it throws ends the follower, and `next` throws it. */
	readonly onNote?: (note: Note) => void;
}

/** A quorum read of the followed tree. */
export interface Listing extends State {
	readonly clusterId: string;
}

/** What a source tells of the time after an index. */
export type Tail =
	/** The next event; everything between the one before and it is known to hold none. */
	| { readonly kind: "event"; readonly event: FollowedEvent }
	/** All events of one index, in their order, where there are several: every one but the last has `more`. */
	| { readonly kind: "events"; readonly events: readonly [FollowedEvent, ...FollowedEvent[]] }
	/** An event that is not for this follower: only the index moves on. */
	| { readonly kind: "passed"; readonly through: number }
	/**
	 * Nothing happened up to there, as far as silence can tell: to be held against a list. `isDoubtful`: what is past may
	 * still be on its way, so that it counts only where a list bears it out.
	 */
	| { readonly kind: "quiet"; readonly through: number; readonly isDoubtful?: boolean }
	/** The connection was lost and another was made: who answers has to show that it is the same store. */
	| { readonly kind: "reconnected" }
	/** The history does not reach back to what was asked. The tail ends. */
	| { readonly kind: "cleared" }
	/** The member is of another cluster, or a quorum read at it is behind what was asked. The tail ends. */
	| { readonly kind: "behind" };

/** What happens underneath, for a log or a chart. None of it needs an answer. */
export type Note =
	| { readonly note: "connected"; readonly endpoint: string; readonly afterIndex: number }
	| { readonly note: "failed"; readonly endpoint: string; readonly message: string }
	| { readonly note: "rolled"; readonly endpoint: string; readonly afterIndex: number }
	| { readonly note: "listed"; readonly index: number; readonly nodeCount: number }
	| { readonly note: "bookmarked"; readonly index: number }
	/** An event that the member may have skipped others before: asked for again, from `askedIndex` on. */
	| { readonly note: "jump"; readonly askedIndex: number; readonly eventIndex: number }
	/** The consumer is slow: from here on nobody asks. */
	| { readonly note: "full"; readonly queued: number }
	/**
	 * The server has a fault that is known: what follows can't be promised there, or (`isMet`) it was met and has cost a
	 * gap. `fault`: its id in the table of known faults. Once for each server version and fault, unless it is met.
	 */
	| {
			readonly note: "known fault";
			readonly endpoint: string;
			readonly version: string;
			readonly fault: string;
			readonly isMet: boolean;
			readonly message: string;
	  }
	/** No WebSocket can be had there, and why: one HTTP stream stands in, without requested progress. */
	| { readonly note: "no websocket"; readonly endpoint: string; readonly message: string };

/** How a tail is to be told. */
export interface TailOptions {
	readonly afterIndex: number;
	/** Ends it; nothing is told after that. */
	readonly signal: AbortSignal;
	/**
	 * Takes what is told, at once: what happens is with the consumer a few microseconds after its last byte. Where it
	 * returns a promise, nothing more may be told until that resolves; it never rejects.
	 */
	readonly take: (tail: Tail) => Promise<void> | undefined;
	/** Up to which index the reader wants to know that nothing is left out; asked anew all the time. */
	readonly proveThrough: () => number;
}

/** How the followed keys of a store are related; made once, by the source. */
export interface KeySpace {
	readonly scope: Scope;
	/** True where keys are just names, as in v3: no directory comes or goes with them, and nothing is hidden. */
	readonly isFlat: boolean;
	/** Whether the key is one of those that are followed. */
	covers(key: string): boolean;
	/** The directory that comes into being with a key; undefined where there is none, and above what is followed. */
	parentOf(key: string): string | undefined;
	/** The topmost of the followed keys that go when this one is removed. */
	goesWith(removed: string): string;
	/** Whether the key is the other one, or below it. */
	isWithin(key: string, top: string): boolean;
	/** Whether the directory is above all that is followed: its removal takes everything along. */
	isAbove(key: string): boolean;
	/**
	 * The key as events name it. `what`: who keeps the keys, for the error.
	 * @throws ArgumentError for a key that is none, that is not one of those that are followed, or hidden from them
	 */
	checked(key: string, what: string): string;
}

/**
 * What is a store's own: how to list it, and how to hear what came after an index. A follower needs no more; the
 * v2 keys API is one (`V2Source`), the v3 API another (`V3Source`).
 */
export interface Source {
	readonly key: string;
	readonly recursive: boolean;
	/** How its keys are related; as v2's are unless given. */
	readonly keySpace?: KeySpace;
	/**
	 * Reads the tree by quorum from whichever endpoint answers, and tries again until one does. Sends nothing when the
	 * signal is aborted already.
	 * @throws AbortedError when the signal aborts, and what no retry heals: UnauthorizedError, V2DisabledError
	 */
	list(signal: AbortSignal): Promise<Listing>;
	/**
	 * Tells all that came after the index, in order, once each. Resolves, with every connection closed, when the
	 * signal aborts, and after "cleared" or "behind". Errors as `list`; every other failure is healed within and told
	 * as "reconnected".
	 */
	tail(options: TailOptions): Promise<void>;
}
