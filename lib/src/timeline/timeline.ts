import type { Action } from "../v2/node";

/** What an event says was done: in v3 "put" or "delete", and no more. */
export type EventAction = Action | "put";

/**
 * What a run recorded: every write that was tried (the refused ones too), and for every watcher what it was
 * sent, when it was listening, and how it ended. Plain JSON, so that it can be saved, loaded and compared.
 *
 * Every index is relative to `origin`, the store's index when the run began: the first accepted write of a run
 * on a quiet server is 1, wherever the server's own count stands. Keys are without the run's random prefix.
 *
 * Of a v3 run an index is a revision, counted in the same way: a modifiedIndex is a mod_revision, a createdIndex a
 * create_revision, a waitIndex a start_revision.
 */
export interface Timeline {
	readonly format: "etcd-watch-lab/timeline";
	readonly version: 1;
	/** The scenario's name: the chart's title unless another is given. */
	readonly name: string;
	/** Which API of the server it was run on. */
	readonly api: "v2" | "v3";
	/** The server's version, such as "3.5.1". */
	readonly server: string;
	/** The store's absolute index when the run began. */
	readonly origin: number;
	/** The highest index that the scenario itself reached, before the fence. */
	readonly lastIndex: number;
	/** In the order in which they were tried. */
	readonly writes: readonly WriteRecord[];
	/** In the order in which the scenario named them. */
	readonly watchers: readonly WatcherRecord[];
	/** Writes made after the last step so that every watcher still waiting has something it must see. Not charted. */
	readonly fences: readonly { readonly index: number; readonly action: EventAction; readonly key: string }[];
	/** What was done to the servers, in order; absent where nothing was. After a wipe the indexes are counted on. */
	readonly faults?: readonly FaultRecord[];
	/** What v3 was told to forget, in order; absent where nothing was. */
	readonly compactions?: readonly CompactionRecord[];
	/** What of the scenario this API has no counterpart for, in order; absent where it has all. */
	readonly withoutCounterpart?: readonly WithoutCounterpart[];
	/** Of a record that stands in for a run, on a server without v2: where it was made, and why. Every view of it says so. */
	readonly recorded?: string;
}

export interface CompactionRecord {
	/** The highest index known to the run when it was done. */
	readonly at: number;
	/** The oldest index that can be asked for since. */
	readonly index: number;
}

/** A step, or something about it, that could not be done on the API of the run. */
export interface WithoutCounterpart {
	/** The step's number in the scenario, from 1. */
	readonly step: number;
	/** Such as "mkdir /a", or "/a/_b is hidden" where the step itself was done. */
	readonly what: string;
	readonly why: string;
}

/** What can be done to the member of a cluster that the watchers are at. */
export const faultKinds = ["kill", "restart", "pause", "resume", "cutOff", "heal", "wipe"] as const;

/**
 * `kill`: by SIGKILL, data kept; `restart`. `pause`: it stands still, connections stay open; `resume`. `cutOff`: from
 * the other members, not from its clients; `heal`. `wipe`: all members lose their data and start anew with the same
 * flags, so that the store's own indexes begin anew, too.
 */
export type FaultKind = (typeof faultKinds)[number];

export interface FaultRecord {
	/** "snapshot" is nobody's doing: the member was so far behind that it was sent the whole store. */
	readonly kind: FaultKind | "snapshot";
	/** The highest index known to the run when it was done. */
	readonly at: number;
}

/** The state of a key as etcd sends it, indexes relative to the run's origin. */
export interface NodeRecord {
	readonly key: string;
	/** Absent for a directory and in what a delete leaves behind. A long one is cut and ends in "…". */
	readonly value?: string;
	/** Never true in v3, which has no directories. */
	readonly dir: boolean;
	readonly modifiedIndex: number;
	/** 0 in what a v3 delete leaves behind: it says nothing of it. */
	readonly createdIndex: number;
	/** v3 only: how many writes the key has seen since it was made; 0 in what a delete leaves behind. */
	readonly version?: number;
	/** Seconds left. */
	readonly ttl?: number;
}

/** One write: tried by a client of the scenario, or an expiry that the server made by itself. */
export interface WriteRecord {
	/** From 1, in the order tried. */
	readonly id: number;
	/** The lane it is drawn in: "writer" unless the scenario named another client; "etcd" for an expiry. */
	readonly by: string;
	/** What was asked for, in the words of the scenario: "set", "mkdir", "refresh", … or "expire". */
	readonly operation: string;
	readonly key: string;
	readonly value?: string;
	/** The highest index known to the run when the write was tried: where a refused write is drawn. */
	readonly triedAt: number;
	readonly outcome: Accepted | Refused | Failed;
	/** The burst that it was part of: the number of its step in the scenario, from 1. */
	readonly burst?: number;
}

export interface Accepted {
	readonly kind: "accepted";
	/** The store's index that the write took. */
	readonly index: number;
	/** False for a refresh: it takes an index and raises no event. */
	readonly raisesEvent: boolean;
	readonly action: EventAction;
	readonly node: NodeRecord;
	readonly prevNode?: NodeRecord;
	/** v3 only: the other keys that it changed. Each is an event of its own, and all have this one index. */
	readonly others?: readonly Changed[];
}

export interface Changed {
	readonly node: NodeRecord;
	readonly prevNode?: NodeRecord;
}

/** In v3 also what the server answered with "OK" and did not do: a delete of nothing, a comparison that did not hold. */
export interface Refused {
	readonly kind: "refused";
	/** etcd's error code, such as 104; in v3 gRPC's, which is 0 for "OK". */
	readonly code: number;
	/** etcd's message, such as "Not a directory". */
	readonly message: string;
	/** What etcd names as the cause, mostly a key, without the run's prefix. */
	readonly cause: string;
}

/** No answer (the connection failed, or a fault came between), or one of etcd's that does not tell. */
interface Failed {
	readonly kind: "failed";
	readonly message: string;
	/** True when etcd may have carried it out all the same. */
	readonly maybeApplied: boolean;
	/** An error of etcd's was the answer. */
	readonly answered?: true;
}

export interface WatcherRecord {
	readonly name: string;
	readonly key: string;
	/**
	 * `watch`: a loop over `next()`, which carries its index on, as the Go client's does.
	 * `poll`: single long polls that forget. `stream`: one connection that stays open.
	 * `follow`: the lab's follower, which says what it could not be told.
	 */
	readonly kind: "watch" | "poll" | "stream" | "follow";
	readonly recursive: boolean;
	/** In the order of arrival. The fence is not among them. */
	readonly deliveries: readonly Delivery[];
	/** When it was listening at the server and what happened to it, in order. */
	readonly life: readonly LifeEvent[];
	/** How it is known that nothing more was on its way. */
	readonly proof: Proof;
}

/**
 * `fence`: after the last step a write was made that it had to see, and that was the next thing it saw.
 * `answered`: its poll was over, so nothing could come. `closed`: the scenario closed it, or cut it.
 * `error`: it ended with an error. `gone`: the server says that it has no such watcher any more.
 * `none`: none of these within the time allowed, or a fault cut it; its silence proves nothing.
 */
export type Proof = "fence" | "answered" | "closed" | "error" | "gone" | "none";

export interface Delivery {
	/** The event's own index: its node's modifiedIndex. In v3 several events of one write have the same. */
	readonly index: number;
	readonly action: EventAction;
	/** The key of the event, which may be an ancestor of the watched key. */
	readonly key: string;
	readonly node: NodeRecord;
	readonly prevNode?: NodeRecord;
	/**
	 * X-Etcd-Index of the response that carried it: the store's index when that watch began. In v3 the same, as the
	 * watch's first message says it. For a follower, which hands on no headers, the event's own index.
	 */
	readonly etcdIndex: number;
	/** True when it was replayed from the event history, not sent as it happened. A follower reads both alike: false. */
	readonly fromHistory: boolean;
}

export type LifeEvent =
	/**
	 * Registered at the server (or answered at once from the history). `waitIndex` is as sent, relative. `ofWiped`: it is
	 * an index of the store that was wiped, and above what the new one has come to.
	 */
	| { readonly kind: "asked"; readonly at: number; readonly waitIndex?: number; readonly ofWiped?: true }
	/** A poll got its one event: from here on nobody listens until it asks again. */
	| { readonly kind: "answered"; readonly at: number }
	/** A stream's reader stopped reading, or went on. */
	| { readonly kind: "paused" | "resumed"; readonly at: number }
	/** Its connection was cut, by the scenario or by the server; "asked" follows when it comes back. */
	| { readonly kind: "cut"; readonly at: number }
	| { readonly kind: "closed"; readonly at: number }
	/**
	 * An error answer; for 401, or in v3 after a compaction, the events it asked for and can't have: from its index up
	 * to before the oldest kept.
	 */
	| {
			readonly kind: "error";
			readonly at: number;
			readonly code: number;
			readonly message: string;
			readonly cause: string;
			readonly gap?: { readonly from: number; readonly to: number };
	  }
	/** It read the tree at this index instead of what it missed, and goes on from there. */
	| { readonly kind: "listed"; readonly at: number; readonly keys: readonly NodeRecord[] }
	/** A follower said that the events from `from` to `to` can't be had, what differs, and the state to go on from. */
	| {
			readonly kind: "gap";
			readonly at: number;
			readonly from: number;
			readonly to: number;
			readonly why: string;
			readonly added: readonly NodeRecord[];
			readonly changed: readonly NodeRecord[];
			/** Absent where it is not known. */
			readonly removed?: readonly NodeRecord[];
			readonly keys: readonly NodeRecord[];
	  }
	/** A follower said that the store is another one than before, and what is in it. */
	| {
			readonly kind: "reset";
			readonly at: number;
			/** The last index that it had of the old store. */
			readonly lastIndex: number;
			readonly why: string;
			readonly keys: readonly NodeRecord[];
	  }
	/** A quiet follower made sure by a list that it has missed nothing up to here. */
	| { readonly kind: "bookmarked"; readonly at: number };
