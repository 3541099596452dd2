import type { Action, Node } from "../v2/node";

/** The write operations of the keys API. */
export const modelOperations = [
	"set",
	"create",
	"createInOrder",
	"update",
	"delete",
	"mkdir",
	"updateDirectory",
	"rmdir",
	"compareAndSwap",
	"compareAndDelete",
	"refresh",
] as const;
export type ModelOperation = (typeof modelOperations)[number];

/** One write, as plain data. Keys begin with "/" and are clean, as the client checks them. */
export interface Command {
	readonly operation: ModelOperation;
	readonly key: string;
	readonly value?: string;
	/** Whole seconds. */
	readonly ttl?: number;
	readonly recursive?: boolean;
	readonly expected?: { readonly prevValue?: string; readonly prevIndex?: number };
}

/** A key or directory as an answer or an event shows it; its ttl is by the clock that was passed in. */
export type ModelNode = Node;

export interface ModelEvent {
	readonly action: Action;
	readonly index: number;
	readonly node: ModelNode;
	readonly prevNode?: ModelNode;
	/** A renewed ttl: it takes its place in the history, and no watcher ever sees it. */
	readonly refresh: boolean;
}

/** An error as etcd answers it. */
export interface Refusal {
	readonly kind: "refused";
	readonly code: number;
	readonly cause: string;
	/** The store's index; 0 where etcd gives none. */
	readonly index: number;
}

export type WriteOutcome = { readonly kind: "accepted"; readonly event: ModelEvent } | Refusal;

/** What a watch asks for. */
export interface WatchRequest {
	readonly key: string;
	readonly recursive: boolean;
	readonly stream: boolean;
	/** Inclusive, as on the wire. Left out: from now on. */
	readonly waitIndex?: number;
}

/** A watcher that waits in the hub. */
export interface WaitingWatcher extends WatchRequest {
	readonly id: number;
	/** Events below this index are not for it. */
	readonly sinceIndex: number;
	/** The store's index when it was registered: X-Etcd-Index of its response. */
	readonly startIndex: number;
}

/** The rule by which an event reached a watcher. */
export type DeliveryRule =
	/** The event's key is the watched one. */
	| "own key"
	/** The event is below the watched key, and the watch is recursive. */
	| "recursive"
	/** A directory that held the watched key was removed. */
	| "removed with its directory"
	/** A stream on exactly the removed key is woken by the removal and again by the event. */
	| "second notice of the removal"
	/** From the history: the key is the watched one. */
	| "history: own key"
	/** From the history: below the watched key, hidden or not. */
	| "history: recursive"
	/** From the history: the watched key begins with the removed directory's key, slash or not. */
	| "history: removed directory's prefix";

export interface ModelDelivery {
	readonly watcher: number;
	readonly event: ModelEvent;
	readonly rule: DeliveryRule;
}

export interface Applied {
	readonly outcome: WriteOutcome;
	/** Plain and recursive watchers apart; etcd walks a directory's children in random order. */
	readonly deliveries: readonly ModelDelivery[];
}

export type Watched =
	| { readonly kind: "waiting"; readonly watcher: WaitingWatcher }
	/** Answered from the history at once. A stream answered so never hears anything else. */
	| {
			readonly kind: "answered";
			readonly event: ModelEvent;
			readonly rule: DeliveryRule;
			readonly etcdIndex: number;
	  }
	| Refusal;
