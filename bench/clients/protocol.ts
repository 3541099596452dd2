/**
 * What the bench says to a client and hears from it: one JSON line per command on stdin, one per answer on stdout.
 * Every client is a process of its own, in whatever language, so that none profits from another's warm-up or
 * suffers from its garbage. Times are nanoseconds of the machine's monotonic clock, the same for all processes.
 */
export type Command =
	/** For the check that the client's clock is the bench's. */
	| { readonly mode: "clock" }
	/** Reads so many events that have already happened, and stops. */
	| (Watched & { readonly mode: "catch-up"; readonly count: number })
	/** Watches until an event on `lastKey`, and tells when each one was in its hands. */
	| (Watched & { readonly mode: "watch"; readonly lastKey: string })
	/** Opens so many watches and leaves them open: on `key`/0, `key`/1 and so on. Answers when all were asked for. */
	| (Watched & { readonly mode: "open"; readonly watches: number })
	/** Answers when so many of the open watches have had an event, after a garbage collection if it is 0. */
	| { readonly mode: "heard"; readonly count: number }
	/** Writes below a key, over so many connections, each of them one write after the other. */
	| {
			readonly mode: "write";
			readonly api: Api;
			readonly endpoint: string;
			readonly key: string;
			readonly keyCount: number;
			readonly count: number;
			readonly connections: number;
			/** How long to wait between two writes of a connection; not at all unless given. */
			readonly everyMs?: number;
			/** The length of each value; some 20 unless given. */
			readonly valueBytes?: number;
	  }
	/** Starts an etcd that ends with the client. */
	| { readonly mode: "start"; readonly binary: string; readonly v2: boolean };

export const apis = ["v2", "v3"] as const;
export type Api = (typeof apis)[number];

/** What is watched: all below a key, from behind an index (on v3: a revision) on. */
export interface Watched {
	readonly api: Api;
	readonly endpoint: string;
	readonly key: string;
	readonly afterIndex: number;
}

export interface CatchUpAnswer {
	readonly ms: number;
	readonly events: number;
	readonly lastIndex: number;
}

/** How a watch ended. */
export interface Ending {
	/** How often the client said, or its library knew, that the history was cleared. */
	readonly gaps: number;
	/** Why it ended before the last event. */
	readonly stopped?: string;
}

export interface WatchAnswer extends Ending {
	/** The events in the order in which they came. */
	readonly indexes: readonly number[];
	/** When each was in the consumer's hands. */
	readonly ns: readonly number[];
}

export interface WriteAnswer {
	/** The writes in the order in which they were acknowledged. */
	readonly indexes: readonly number[];
	/** When the writer had each acknowledgement. */
	readonly ns: readonly number[];
	readonly ms: number;
}

export interface Answers {
	readonly clock: { readonly ns: number };
	readonly "catch-up": CatchUpAnswer;
	readonly watch: WatchAnswer;
	readonly open: object;
	readonly heard: object;
	readonly write: WriteAnswer;
	readonly start: { readonly endpoint: string; readonly pid: number };
}

export type Mode = Command["mode"];
export type CommandOf<M extends Mode> = Extract<Command, { readonly mode: M }>;
