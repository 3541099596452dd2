import type { FollowOptions, Position, State } from "../follow";
import type { Queued } from "../follow/queue";
import { LabError } from "../http/errors";
import type { Lab } from "../server/lab";
import type { FaultKind, FaultRecord, Timeline, WriteRecord } from "../timeline/timeline";
import type { V2Client } from "../v2";
import type { V3Client } from "../v3";
import type { ApiEvent, ApiNode, Recorder } from "./record";
import type { OpenStep, WriteStep } from "./steps";

/** A server that a scenario runs on; every `Lab` is one. */
export interface Target extends Pick<Lab, "v2" | "version" | "owned" | "newPrefix" | "mayOverflow"> {
	/** Why there is no v2 API here, and how to get one; left out where there is. */
	readonly noV2?: string | undefined;
	/** The same server's v3 API, where a scenario is to run on that. */
	readonly v3?: V3Client;
	/** A new client for a run's watchers, where it is not what the writers use; the run closes it. */
	newWatchers?(): V2Client;
	/** The same for a run on v3. */
	newV3Watchers?(): V3Client;
	/** What a follower is given on this server. */
	readonly followOptions?: FollowOptions;
	/** What can be broken; absent on a server whose faults are not the lab's to make. */
	readonly faults?: Faults;
}

/** The faults of one member. */
export interface Faults {
	/** Does it; gives what happened of itself besides. @throws FaultError */
	make(fault: FaultKind): Promise<readonly FaultRecord["kind"][]>;
	/** Puts everything right again. */
	mend(): Promise<void>;
}

export interface RunOptions {
	/** Which API of the server it is run on; "v2" unless given. */
	readonly api?: Timeline["api"];
	readonly signal?: AbortSignal;
	/** Called whenever something was recorded; `timeline()` is what there is so far. */
	readonly onChange?: (timeline: () => Timeline) => void;
	/** Called after each single write, refused ones too, and each expiry that was waited for; the next step waits for it. */
	readonly onWritten?: (
		write: WriteRecord,
		run: { readonly recorder: Recorder; readonly signal: AbortSignal },
	) => Promise<void>;
	/**
	 * How long a step may wait for what it depends on. Unless given 30,000 for an expiry, a fault and a progress
	 * notification, and 3,000 for what has been sent already, if it ever is: an event, an answer, an error.
	 */
	readonly stepTimeoutMs?: number;
	/** Called when a step has waited for a second, with what for. */
	readonly onWait?: (what: string) => void;
}

/** A step that waits for what does not come, or can't be carried out. */
export class ScenarioError extends LabError {
	/** What was recorded up to there; undefined where nothing was run. */
	readonly timeline: Timeline | undefined;
	constructor(message: string, options: { readonly timeline?: Timeline; readonly cause?: unknown } = {}) {
		super(message, options.cause === undefined ? {} : { cause: options.cause });
		this.timeline = options.timeline;
	}
}

/** Where a watcher's events come from: one way to watch, ready to be read. */
export interface Source {
	/** The index that its client carries on, if it does. */
	readonly afterIndex?: number | undefined;
	/** True while events that came together are still to be given. */
	readonly hasMore?: boolean;
	/** Where it asks anew after each event: resolves when it is registered at the server again. */
	registered?(): Promise<unknown>;
	/** The next event; undefined when no more can come. Errors as the watcher's own. */
	next(): Promise<ApiEvent | undefined>;
	close(): void;
}

/** Told when a watcher is registered and when a poll was answered. */
export interface WatchListener {
	/** `etcdIndex`: where the store was then. */
	asked(headers: { readonly etcdIndex: number }, waitIndex: number | undefined): void;
	/** A poll is over; without an event where the answer was empty. `etcdIndex`: its response's. */
	answered(answer: { readonly etcdIndex: number; readonly event?: ApiEvent }): void;
	/** v3 only: the server says that up to this index there was nothing else. */
	progressed?(index: number): void;
}

export const nobody: WatchListener = { asked() {}, answered() {} };

export interface SourceOptions {
	/** Also what happens below the key. */
	readonly recursive: boolean;
	/** Left out: from now on. */
	readonly afterIndex?: number;
	/** v3 only: be told now and then how far the store is, while nothing happens. */
	readonly progressNotify?: boolean;
	/** True asks where the writers are, not where the watchers are. */
	readonly atWriters?: boolean;
	readonly signal: AbortSignal;
}

/** What a run's follower reads. */
export interface FollowSource {
	/** What it would save when its process ends. */
	readonly position: Position;
	/** The state that it begins from. */
	ready(): Promise<State>;
	/** The next change, or a bookmark: how far it knows that nothing is missing. */
	nextQueued(): Promise<IteratorResult<Queued, undefined>>;
	close(): Promise<void>;
}

/** What became of a write, and the store's own index, where the answer told it. */
export interface Written {
	readonly outcome: WriteRecord["outcome"];
	readonly index?: number;
	/** The server's own key, where it made its name. */
	readonly key?: string;
}

/** An answer by which a watcher ends. */
export interface WatchRefusal {
	readonly code: number;
	readonly message: string;
	/** In the run's own keys and indexes. */
	readonly cause: string;
	/** The store's own indexes of what it asked for and can't have, both included. */
	readonly gap?: { readonly from: number; readonly to: number };
	/** The store's own index, where the answer told it. */
	readonly index?: number;
}

/** What a run asks of what it runs on: v2, v3 or the model. Keys are the server's, indexes the store's own. */
export interface Api {
	readonly name: Timeline["api"];
	/** What answers, for the timeline: a version, or that it is the model. */
	readonly server: string;
	/** True where a stream, too, is sent all that it has to see, and can be waited for. */
	readonly streamsAreSure: boolean;
	/** True where all has come that can come as soon as a step is done: nothing is waited for. */
	readonly isInstant: boolean;
	/** How many servers the watchers can turn to. */
	readonly endpointCount: number;
	/** The store's index; `key` is one that may be read, and need not exist. */
	now(key: string, signal: AbortSignal | undefined): Promise<number>;
	/** Resolves when the server that the watchers ask has come to this index. */
	reached(index: number, signal: AbortSignal): Promise<void>;
	/** Carries out one write. @throws ConnectionError when no answer came, and what is no answer of etcd's */
	write(step: WriteStep, recorder: Recorder, signal: AbortSignal): Promise<Written>;
	/** A watcher that is registered. */
	watch(
		kind: OpenStep["step"],
		key: string,
		options: SourceOptions,
		listener: WatchListener,
	): Promise<Source>;
	follow(key: string, options: FollowOptions): FollowSource;
	/** Reads a key, or all below it, with a quorum. */
	list(
		key: string,
		recursive: boolean,
		signal: AbortSignal,
	): Promise<{ readonly index: number; readonly nodes: readonly ApiNode[] }>;
	/** What an error of a watcher says; undefined for one that is no answer. `asked`: from which index on. */
	refusal(error: unknown, asked: number | undefined, recorder: Recorder): WatchRefusal | undefined;
	/** v3 only: forgets what was before an index. */
	compact?(index: number, signal: AbortSignal): Promise<void>;
	/** Where no clock runs: lets the time pass until this key expires, if it can. */
	passUntilExpiry?(key: string): void;
	/** Writes what every watcher still open must see, and waits until each has. */
	fence(recorder: Recorder, open: readonly Fenced[], signal: AbortSignal): Promise<Timeline["fences"]>;
	/** Removes what is left of the run, whether or not it ended well. */
	clear(prefix: string): Promise<void>;
	/** Ends the connections that were made for this run. */
	close(): Promise<void>;
}

/** What the fence has to reach. */
export interface Fenced {
	readonly key: string;
	/** Nothing more is expected of it: answered, failed, closed, or fenced. */
	readonly isOver: boolean;
	/** Nothing reaches it now, whatever is written: its reader or its member stands still, or it asked for a later store. */
	readonly isPaused: boolean;
	/** The first index of the run whose event could be for it. */
	readonly askedFrom: number;
	readonly deliveryCount: number;
	/** Resolves when its reading has ended, whatever the reason. */
	readonly reading: Promise<void>;
	/** From now on an event with this index of the run, or a later one, is the fence. */
	expectFence(index: number): void;
	/** For one that waits where nothing can come: the server has none such any more. */
	isGone(): void;
}

/** What a watcher, or the writer, needs of its run. */
export interface RunContext {
	readonly api: Api;
	readonly recorder: Recorder;
	readonly signal: AbortSignal;
	/** The highest index that the run has seen so far, counted from its start. */
	now(): number;
	/** Takes note of an index that was seen. What the fence does is none of the run's. */
	saw(index: number): void;
	/** The same of an event, which is the run's own also where it comes while the fence is made. */
	sawEvent(index: number): void;
	/** Something was recorded. */
	changed(): void;
	/** Resolves when no store is being replaced. */
	steady(): Promise<void>;
}
