import type { Delivery, LifeEvent, WatcherRecord } from "../timeline";

/** One request of a watcher, or one open connection of a stream; asks of a loop that nothing came between are one. */
export interface Ask {
	/** The life event that made it. */
	readonly asked: LifeEvent;
	/** The store's index when it was made. */
	readonly at: number;
	/** The first index that it asks for; Infinity for one of a store that was wiped. */
	readonly from: number;
	/** As it was sent; undefined for "what comes from now on". */
	readonly waitIndex?: number;
	/** It asks for an index of a store that was wiped, and above what the new one has come to. */
	readonly ofWiped: boolean;
	/** What ended it; undefined for one that was open at the end. */
	readonly end: LifeEvent | undefined;
	/** The one event of a poll, or the first of one v3 revision. */
	readonly answer: Delivery | undefined;
	/** The last index that could be sent for it; below `from` for none, Infinity when it was open at the end. */
	readonly until: number;
	/** All that was sent for it up to here has been seen; what comes after may have been lost with its connection. */
	readonly seenTo: number;
	/** When its reader did not read: above `after`, up to `until`. */
	readonly pauses: readonly { readonly after: number; readonly until: number }[];
	/** The first event that it was given from the history. */
	readonly replayed: number | undefined;
}

type Ending = "answered" | "closed" | "cut" | "error";
/** What ends an ask. */
export const endings: ReadonlySet<string> = new Set<Ending>(["answered", "closed", "cut", "error"]);

/** The asks of a watcher, in the order in which they were made. */
export function asksOf(watcher: WatcherRecord): readonly Ask[] {
	const { life } = watcher;
	const seen = new Seen(watcher);
	const asks: Ask[] = [];
	let open: LifeEvent[] = [];
	const end = (by: LifeEvent | undefined) => {
		const ask = askOf(watcher, open, by, seen);
		if (ask) asks.push(ask);
		open = [];
	};
	for (const event of life) {
		if (endings.has(event.kind)) end(event);
		else if (open.length > 0 || event.kind === "asked") open.push(event);
	}
	end(undefined);
	return asks;
}

function askOf(
	{ proof }: WatcherRecord,
	events: readonly LifeEvent[],
	end: LifeEvent | undefined,
	seen: Seen,
): Ask | undefined {
	const asked = events.filter((event) => event.kind === "asked");
	const [first] = asked;
	if (!first) return undefined;
	const ofWiped = asked.some((one) => one.ofWiped === true);
	// An index of a wiped store is none of the new one's, which are counted on.
	const from = ofWiped
		? Number.POSITIVE_INFINITY
		: Math.min(...asked.map(({ at, waitIndex }) => waitIndex ?? at + 1));
	const pauses = events.flatMap((event, nth) => {
		if (event.kind !== "paused") return [];
		const resumed = events.slice(nth + 1).find(({ kind }) => kind === "resumed");
		return [{ after: event.at, until: resumed?.at ?? end?.at ?? Number.POSITIVE_INFINITY }];
	});
	const answer = end?.kind === "answered" ? seen.answerAt(end.at) : undefined;
	return {
		asked: first,
		at: first.at,
		from,
		...(first.waitIndex === undefined ? {} : { waitIndex: first.waitIndex }),
		ofWiped,
		end,
		answer,
		...reachOf(from, end, answer, proof, seen),
		pauses,
		replayed: seen.replayedBetween(from, first.at),
	};
}

function reachOf(
	from: number,
	end: LifeEvent | undefined,
	answer: Delivery | undefined,
	proof: WatcherRecord["proof"],
	seen: Seen,
): Pick<Ask, "until" | "seenTo"> {
	// A poll that was answered gives one event, and leaves the later ones to the next.
	if (answer) return { until: answer.index, seenTo: answer.index };
	// Answered without an event, by a proxy: nobody knows when.
	if (end === undefined && proof === "answered") return { until: from - 1, seenTo: from - 1 };
	if (end === undefined) {
		const seenTo =
			proof === "none" ? seen.lastUpTo(Number.POSITIVE_INFINITY, from) : Number.POSITIVE_INFINITY;
		return { until: Number.POSITIVE_INFINITY, seenTo };
	}
	const seenTo = seen.lastUpTo(end.at, from);
	// Who is told that it asks for too late was asking anew, and was not listening before.
	const wasAway = end.kind === "error" && end.gap !== undefined;
	return { until: wasAway ? seenTo : Math.max(end.at, from - 1), seenTo };
}

/** What came, by index. */
class Seen {
	readonly #indexes: readonly number[];
	readonly #replayed: readonly number[];
	/** By the index at which a poll was answered by it: its places among the deliveries. */
	readonly #answers: ReadonlyMap<number, Delivery[]>;

	constructor({ deliveries }: WatcherRecord) {
		const sorted = (some: readonly Delivery[]) => some.map(({ index }) => index).sort((a, b) => a - b);
		this.#indexes = sorted(deliveries);
		this.#replayed = sorted(deliveries.filter(({ fromHistory }) => fromHistory));
		this.#answers = groupBy(deliveries, ({ index, etcdIndex }) => Math.max(index, etcdIndex));
	}

	/** An answer is given to one poll alone. One that came as its poll was closed is not recorded. */
	answerAt(at: number): Delivery | undefined {
		return this.#answers.get(at)?.shift();
	}

	/** The last index that came, at most `to`; `from` - 1 for none. */
	lastUpTo(to: number, from: number): number {
		const last = this.#indexes[above(this.#indexes, to) - 1];
		return last === undefined || last < from ? from - 1 : last;
	}

	replayedBetween(from: number, to: number): number | undefined {
		const first = this.#replayed[above(this.#replayed, from - 1)];
		return first === undefined || first > to ? undefined : first;
	}
}

/** What has one key together, in the order of its first: Map.groupBy, which Node 20 lacks. */
export function groupBy<K, T>(all: Iterable<T>, keyOf: (one: T) => K): Map<K, T[]> {
	const groups = new Map<K, T[]>();
	for (const one of all) {
		const key = keyOf(one);
		const group = groups.get(key);
		if (group) group.push(one);
		else groups.set(key, [one]);
	}
	return groups;
}

/** How many of the sorted numbers are not above the limit. */
export function above(sorted: readonly number[], limit: number): number {
	let low = 0;
	let high = sorted.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((sorted[middle] ?? Number.POSITIVE_INFINITY) <= limit) low = middle + 1;
		else high = middle;
	}
	return low;
}

/** A stretch of the run in which a watcher's connection was open. */
export interface Span {
	/** It could be sent events above this index. */
	readonly after: number;
	/** The last index that it could be sent, or undefined when it was still open at the end. */
	readonly until?: number;
	/** `paused`: its reader did not read. `deaf`: the server sends it nothing more (`isDeaf`). */
	readonly kind: "listening" | "paused" | "deaf";
	/** True when the poll was over because it got its event, so that the very next write found nobody. */
	readonly answered: boolean;
}

/** An ask that comes before anything else happened goes on with the stretch before it: nothing could fall in between. */
export function openSpans(asks: readonly Ask[], isDeaf: (ask: Ask) => boolean): Span[] {
	const spans: Span[] = [];
	for (const ask of asks) {
		const { at, end, pauses } = ask;
		const kind = isDeaf(ask) ? "deaf" : "listening";
		const last = spans.at(-1);
		const goesOn = last?.answered && last.until === at;
		if (goesOn) spans.pop();
		let after = goesOn ? last.after : at;
		for (const pause of pauses) {
			spans.push({ after, until: pause.after, kind, answered: false });
			const until = Number.isFinite(pause.until) ? { until: pause.until } : {};
			spans.push({ after: pause.after, ...until, kind: "paused", answered: false });
			after = pause.until;
		}
		const isPaused = pauses.length > 0 && (end === undefined ? !Number.isFinite(after) : after >= end.at);
		if (isPaused) continue;
		const until = end === undefined ? {} : { until: end.at };
		spans.push({ after, ...until, kind, answered: end?.kind === "answered" });
	}
	return spans;
}

/** Finds the ask that an index falls to, among many, by halving. */
export class AskFinder {
	readonly #asks: readonly Ask[];
	readonly #byFrom: readonly Ask[];
	readonly #froms: readonly number[];
	/** Of the asks up to a place in that order: the one that reaches furthest, and that has seen most. */
	readonly #furthest: Ask[] = [];
	readonly #surest: Ask[] = [];
	/** From a place on: the ask that was made first. */
	readonly #earliest: number[] = [];
	readonly #untils: readonly number[];
	/** Of the asks that ended first, up to a place: the one that was made last. */
	readonly #latest: number[] = [];

	constructor(asks: readonly Ask[]) {
		this.#asks = asks;
		const order = asks.map((_, at) => at);
		const of = (at: number | undefined) => (at === undefined ? undefined : asks[at]);
		const byFrom = [...order].sort((a, b) => (of(a)?.from ?? 0) - (of(b)?.from ?? 0));
		this.#byFrom = byFrom.flatMap((at) => of(at) ?? []);
		this.#froms = this.#byFrom.map(({ from }) => from);
		for (const ask of this.#byFrom) {
			const [furthest = ask, surest = ask] = [this.#furthest.at(-1), this.#surest.at(-1)];
			this.#furthest.push(ask.until > furthest.until ? ask : furthest);
			this.#surest.push(ask.seenTo > surest.seenTo ? ask : surest);
		}
		for (let at = byFrom.length - 1, first = asks.length; at >= 0; at--) {
			first = Math.min(first, byFrom[at] ?? first);
			this.#earliest[at] = first;
		}
		const byUntil = [...order].sort((a, b) => (of(a)?.until ?? 0) - (of(b)?.until ?? 0));
		this.#untils = byUntil.map((at) => of(at)?.until ?? 0);
		for (const at of byUntil) this.#latest.push(Math.max(at, this.#latest.at(-1) ?? at));
	}

	/** The ask for which an index could be sent: where there are several, one that is known to have seen it. */
	covering(index: number): Ask | undefined {
		const place = above(this.#froms, index) - 1;
		const surest = this.#surest[place];
		if (surest && surest.seenTo >= index) return surest;
		const furthest = this.#furthest[place];
		return furthest && furthest.until >= index ? furthest : undefined;
	}

	/** The last ask that was over before an index. */
	before(index: number): Ask | undefined {
		const place = above(this.#untils, index - 1) - 1;
		const at = this.#latest[place];
		return at === undefined ? undefined : this.#asks[at];
	}

	/** The first ask for what came later. */
	after(index: number): Ask | undefined {
		const at = this.#earliest[above(this.#froms, index)];
		return at === undefined ? undefined : this.#asks[at];
	}
}
