/**
 * What the bench says to a party and hears from it: one JSON line per command on stdin, one per answer on stdout.
 * Every party is a process of its own, in whatever language, so that none profits from another's warm-up or
 * suffers from its garbage. Times are nanoseconds of the machine's monotonic clock, the same for all processes.
 */
export type Command =
	/** For the check that the party's clock is the bench's. */
	| { readonly mode: "clock" }
	/** Reads so many events that have already happened, and stops. */
	| {
			readonly mode: "catch-up";
			readonly endpoint: string;
			readonly key: string;
			readonly afterIndex: number;
			readonly count: number;
	  }
	/** Watches until an event on `lastKey`, and tells when each one was in its hands. */
	| {
			readonly mode: "watch";
			readonly endpoint: string;
			readonly key: string;
			readonly afterIndex: number;
			readonly lastKey: string;
	  }
	/** Writes below a key, over so many connections, each of them one write after the other. */
	| {
			readonly mode: "write";
			readonly endpoint: string;
			readonly key: string;
			readonly keyCount: number;
			readonly count: number;
			readonly connections: number;
			/** How long to wait between two writes of a connection; not at all unless given. */
			readonly everyMs?: number;
	  }
	/** Opens so many watchers on one key and leaves them open. */
	| {
			readonly mode: "open";
			readonly endpoint: string;
			readonly key: string;
			readonly afterIndex: number;
			readonly watchers: number;
	  }
	/** Answers when each of the open watchers has had so many events since they were opened. */
	| { readonly mode: "deliver"; readonly events: number }
	/** Closes the open watchers. */
	| { readonly mode: "shut" };

export interface ClockAnswer {
	readonly ns: number;
}

export interface CatchUpAnswer {
	readonly ms: number;
	readonly events: number;
	readonly lastIndex: number;
}

export interface WatchAnswer {
	/** The events in the order in which they came. */
	readonly indexes: readonly number[];
	/** When each was in the consumer's hands. */
	readonly ns: readonly number[];
	/** How often the party said, or its library knew, that the history was cleared. */
	readonly gaps: number;
	/** Why it ended before the last key. */
	readonly stopped?: string;
}

export interface WriteAnswer {
	/** The writes in the order in which they were acknowledged. */
	readonly indexes: readonly number[];
	/** When the writer had each acknowledgement. */
	readonly ns: readonly number[];
	readonly ms: number;
}

/** What the process has used up: processor time, memory, and after a garbage collection its heap with its buffers. */
export interface Usage {
	readonly cpuMs: number;
	readonly rssBytes: number;
	readonly heapBytes: number;
}

export interface DeliverAnswer extends Usage {
	/** When the last watcher had its last event. */
	readonly ns: number;
}
