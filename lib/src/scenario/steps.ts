import type { Command, ModelOperation } from "../model";
import type { FaultKind } from "../timeline/timeline";

/** Opens a watcher under a name of its own. */
export interface OpenStep {
	/**
	 * `watch`: a loop over `next()`, as the Go client's. `poll`: one long poll that forgets. `pollLoop`: the loop
	 * people write by hand, polls one after the other, each from now on. `stream`: one open connection. `follow`: the
	 * lab's follower.
	 */
	readonly step: "watch" | "poll" | "pollLoop" | "stream" | "follow";
	readonly watcher: string;
	readonly key: string;
	readonly recursive: boolean;
	/** Only events after this index of the run (0: the run's start). Left out: from now on. */
	readonly afterIndex?: number;
	/** For a poll that follows another: go on after its event's index, or after its response's X-Etcd-Index. */
	readonly goOnAfter?: "event" | "response";
	/** v3 only. */
	readonly progressNotify?: boolean;
}

/** Does something to a watcher that is open. */
export interface WatcherStep {
	/**
	 * `pause` and `resume`: a stream's reader stops and goes on. `close`: for good. `cut`: the connection goes, and
	 * `reconnect` asks again as its client would. `recover`: after a 401, reads the tree and watches from there.
	 * `awaitProgress`: v3 only, waits until it was told that it has missed nothing.
	 */
	readonly step: "pause" | "resume" | "close" | "cut" | "reconnect" | "recover" | "awaitProgress";
	readonly watcher: string;
}

/** The write operations of the keys API. */
export type Operation = ModelOperation;

/** A write; the prevIndex that it expects is an index of the run. */
export interface WriteStep extends Command {
	readonly step: "write";
	/** The lane of the client that writes. */
	readonly by: string;
}

/** Many writes at once: the sets `directory/0`, `directory/1`, … */
export interface BurstStep {
	readonly step: "burst";
	readonly by: string;
	readonly directory: string;
	readonly count: number;
	/** How many different keys the writes go round. */
	readonly keyCount: number;
	/** How many writes are under way at the same time. */
	readonly connections: number;
	/** The length of each value. */
	readonly valueBytes: number;
	/** The pace; as fast as etcd answers when left out. */
	readonly perSecond?: number;
}

/** Waits until the server has let a key with a ttl expire. */
export interface ExpiryStep {
	readonly step: "awaitExpiry";
	readonly key: string;
}

/** Waits until a watcher has been sent so many events in all. */
export interface DeliveryStep {
	readonly step: "awaitDelivery";
	readonly watcher: string;
	readonly count: number;
}

/** Does something to the member that the watchers are at. */
export interface FaultStep {
	readonly step: "fault";
	readonly fault: FaultKind;
}

/** v3 only: forgets what is older than an index. */
interface CompactStep {
	readonly step: "compact";
	/** The oldest index of the run that can be asked for afterwards; left out: the last one so far. */
	readonly index?: number;
}

export type Step =
	| OpenStep
	| WatcherStep
	| WriteStep
	| BurstStep
	| ExpiryStep
	| DeliveryStep
	| FaultStep
	| CompactStep;

/** "watch w on /a, recursive", "set /a/b", "cut w". */
export function stepWords(step: Step): string {
	switch (step.step) {
		case "write":
			return `${step.operation} ${step.key}`;
		case "burst":
			return `${step.count} × set in ${step.directory}`;
		case "fault":
			return step.fault;
		case "compact":
			return step.index === undefined ? "compact" : `compact up to ${step.index}`;
		case "awaitExpiry":
			return `awaitExpiry ${step.key}`;
		case "awaitDelivery":
			return `awaitDelivery ${step.count} at ${step.watcher}`;
		default:
			if (!("key" in step)) return `${step.step} ${step.watcher}`;
			return `${step.step} ${step.watcher} on ${step.key}${step.recursive ? ", recursive" : ""}`;
	}
}
