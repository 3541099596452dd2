import type { Accepted, EventAction, Refused, Timeline } from "../timeline/timeline";
import type { EtcdError, V2Client } from "../v2";
import type { Node } from "../v2/node";
import type { V3Client } from "../v3";
import type { Recorder } from "./record";
import type { OpenStep, WriteStep } from "./steps";
import type { Watched } from "./watched";

/** A key as either API gives it. */
export interface SeenNode extends Node {
	/** v3 only; 0 for what a delete leaves behind. */
	readonly version?: number;
}

/** One event as either API gives it; its indexes are the store's own. */
export interface SeenEvent {
	readonly action: EventAction;
	readonly node: SeenNode;
	readonly prevNode?: SeenNode;
	/** Where the store was when the watch began. */
	readonly etcdIndex: number;
	readonly fromHistory: boolean;
}

/** Where a watcher's events come from: one way to watch, ready to be read. */
export interface Source {
	/** The index that its client carries on, if it does. */
	readonly afterIndex: number | undefined;
	/** True while events that came together are still to be given. */
	readonly hasMore: boolean;
	/** Resolves when it is registered at the server, again after each event where it asks anew. */
	registered(): Promise<unknown>;
	/** The next event; undefined when no more can come. Errors as the watcher's own. */
	next(): Promise<SeenEvent | undefined>;
	close(): void;
}

/** Told when a watcher is registered and when a poll was answered. */
export interface PollListener {
	/** `etcdIndex`: where the store was then. */
	asked(headers: { readonly etcdIndex: number }, waitIndex: number | undefined): void;
	answered(event: SeenEvent): void;
	/** v3 only: the server says that up to this index there was nothing else. */
	progressed?(index: number): void;
}

export interface SourceOptions {
	/** Also what happens below the key. */
	readonly recursive: boolean;
	/** Left out: from now on. */
	readonly afterIndex?: number;
	/** v3 only: be told now and then how far the store is, while nothing happens. */
	readonly progressNotify?: boolean;
	readonly signal: AbortSignal;
}

/** What became of a write, and the store's own index, where the answer told it. */
export interface Written {
	readonly outcome: Accepted | Refused;
	readonly index?: number;
}

/** An answer by which a watcher ends. */
export interface WatchRefusal {
	readonly code: number;
	readonly message: string;
	/** The store's own indexes of what it asked for and can't have, both included. */
	readonly gap?: { readonly from: number; readonly to: number };
	/** The store's own index, where the answer told it. */
	readonly index?: number;
	/** v2's own words for it. */
	readonly v2?: EtcdError;
}

/** What a run asks of the API that it runs on. Keys are the server's, indexes the store's own. */
export interface Api {
	readonly name: Timeline["api"];
	/** What the watchers ask. */
	readonly watchers: V2Client | V3Client;
	/** True where a stream, too, is sent all that it has to see, and can be waited for. */
	readonly streamsAreSure: boolean;
	/** The store's index; `key` is one that may be read, and need not exist. */
	now(key: string, signal: AbortSignal | undefined): Promise<number>;
	/** Carries out one write. @throws ConnectionError when no answer came, and what is no answer of etcd's */
	write(step: WriteStep, recorder: Recorder, signal: AbortSignal): Promise<Written>;
	/** A watcher that is registered. */
	watch(kind: OpenStep["step"], key: string, options: SourceOptions, heard: PollListener): Promise<Source>;
	/** Reads a key, or all below it, with a quorum. */
	list(
		key: string,
		recursive: boolean,
		signal: AbortSignal,
	): Promise<{ readonly index: number; readonly nodes: readonly SeenNode[] }>;
	/** What an error of a watcher says; undefined for one that is no answer of etcd's. `asked`: from which index on. */
	refusal(error: unknown, asked: number | undefined): WatchRefusal | undefined;
	/** v3 only: forgets what was before an index. */
	compact?(index: number, signal: AbortSignal): Promise<void>;
	/** Writes what every watcher still open must see, and waits until each has. */
	fence(recorder: Recorder, open: readonly Watched[], signal: AbortSignal): Promise<Timeline["fences"]>;
	/** Removes what is left of the run, whether or not it ended well. */
	clear(prefix: string): Promise<void>;
	/** Ends the connections that were made for this run. */
	close(): Promise<void>;
}
