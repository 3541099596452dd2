import type { Api } from "../clients/protocol";

/** How many past events are read, how long their values are, and how often. */
export interface CatchUpSize {
	readonly events: number;
	/** Some 20 bytes unless given. */
	readonly valueBytes?: number;
	/** Rounds before those that count. */
	readonly warmUps: number;
	readonly rounds: number;
}

/** A writer that leaves time between its writes, or several that don't leave much. */
export interface Pace {
	readonly pace: "calm" | "busy";
	readonly count: number;
	readonly connections: number;
	readonly everyMs: number;
}

/** How much of everything is measured. */
export interface Sizes {
	readonly catchUp: Readonly<Record<Api, readonly CatchUpSize[]>>;
	readonly latency: { readonly rounds: number; readonly paces: readonly Pace[] };
	readonly liveWrites: number;
	readonly quiet: { readonly watches: number; readonly forMs: number };
}

/** What the targets are for. v2's history holds 1,000 events. */
export const whole: Sizes = {
	catchUp: {
		v2: [{ events: 990, warmUps: 5, rounds: 11 }],
		v3: [
			{ events: 500, warmUps: 3, rounds: 21 },
			{ events: 500, valueBytes: 100_000, warmUps: 1, rounds: 7 },
			{ events: 20_000, warmUps: 1, rounds: 5 },
			{ events: 100_000, warmUps: 0, rounds: 3 },
		],
	},
	latency: {
		rounds: 5,
		paces: [
			{ pace: "calm", count: 500, connections: 1, everyMs: 4 },
			{ pace: "busy", count: 2_000, connections: 4, everyMs: 1 },
		],
	},
	liveWrites: 100_000,
	quiet: { watches: 10_000, forMs: 10_000 },
};

/** To see that the bench works: nothing is judged by it. */
export const small: Sizes = {
	catchUp: {
		v2: [{ events: 200, warmUps: 1, rounds: 3 }],
		v3: [
			{ events: 200, warmUps: 1, rounds: 3 },
			{ events: 20, valueBytes: 100_000, warmUps: 0, rounds: 1 },
			{ events: 5_000, warmUps: 0, rounds: 1 },
		],
	},
	latency: {
		rounds: 1,
		paces: [
			{ pace: "calm", count: 150, connections: 1, everyMs: 4 },
			{ pace: "busy", count: 300, connections: 4, everyMs: 1 },
		],
	},
	liveWrites: 2_000,
	quiet: { watches: 200, forMs: 1_000 },
};
