import type { WatcherRecord } from "./timeline";

/** A stretch of the run in which a watcher's connection was open. */
export interface Span {
	/** It could be sent events above this index. */
	readonly after: number;
	/** The last index that it could be sent, or undefined when it was still open at the end. */
	readonly until?: number;
	readonly kind: "listening" | "paused";
	/** True when the poll was over because it got its event, so that the very next write found nobody. */
	readonly answered: boolean;
}

/**
 * When a watcher was listening at the server, from its life. An ask that comes before anything else happened goes
 * on with the stretch before it: nothing could fall in between.
 */
export function spansOf(watcher: WatcherRecord): Span[] {
	const spans: Span[] = [];
	let open: { after: number; kind: Span["kind"] } | undefined;
	const end = (until: number, answered: boolean) => {
		if (open) spans.push({ after: open.after, until, kind: open.kind, answered });
		open = undefined;
	};
	for (const event of watcher.life) {
		switch (event.kind) {
			case "asked": {
				if (open) break;
				const last = spans.at(-1);
				if (last?.answered && last.until === event.at) {
					spans.pop();
					open = { after: last.after, kind: "listening" };
				} else open = { after: event.at, kind: "listening" };
				break;
			}
			case "paused":
			case "resumed":
				if (open) {
					end(event.at, false);
					open = { after: event.at, kind: event.kind === "paused" ? "paused" : "listening" };
				}
				break;
			case "answered":
				end(event.at, true);
				break;
			case "cut":
			case "closed":
			case "error":
				end(event.at, false);
				break;
			case "listed":
			case "gap":
			case "reset":
			case "bookmarked":
				break;
		}
	}
	if (open) spans.push({ after: open.after, kind: open.kind, answered: false });
	return spans;
}

/**
 * Tells what a watcher was doing about an index: asking for it (listening when it happened, or asking later with a
 * waitIndex at or before it), connected with its reader paused, waiting for a later one, or away. A poll answered
 * from the history asked for no more than the event that it got.
 */
export function stateTeller(watcher: WatcherRecord, spans: readonly Span[]): (index: number) => State {
	const asked = askedRanges(watcher).sort((a, b) => a.from - b.from);
	let furthest = Number.NEGATIVE_INFINITY;
	const reach = asked.map(({ to }) => {
		furthest = Math.max(furthest, to);
		return furthest;
	});
	const paused = spans.filter((span) => span.kind === "paused");
	const early = asked.filter(({ at, from }) => from > at + 1);
	return (index) => {
		if (paused.some(({ after, until = Number.POSITIVE_INFINITY }) => index > after && index <= until))
			return "paused";
		let low = 0;
		let high = asked.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if ((asked[middle]?.from ?? 0) <= index) low = middle + 1;
			else high = middle;
		}
		if ((reach[low - 1] ?? Number.NEGATIVE_INFINITY) >= index) return "listening";
		return early.some(({ at, from, to }) => at < index && index < from && index <= to) ? "early" : "away";
	};
}

export type State = "listening" | "paused" | "early" | "away";

/** What it asked for, `from` and `to` included, and the index at which it did. */
function askedRanges(watcher: WatcherRecord): { at: number; from: number; to: number }[] {
	const ranges: { at: number; from: number; to: number }[] = [];
	let open: { at: number; from: number } | undefined;
	let answers = 0;
	for (const event of watcher.life) {
		if (event.kind === "asked") {
			const from = event.waitIndex ?? event.at + 1;
			open = open ? { at: open.at, from: Math.min(open.from, from) } : { at: event.at, from };
		} else if (event.kind === "answered") {
			const to = watcher.deliveries[answers++]?.index ?? event.at;
			if (open) ranges.push({ ...open, to });
			open = undefined;
		} else if (event.kind === "closed" || event.kind === "cut" || event.kind === "error") {
			if (open) ranges.push({ ...open, to: event.at });
			open = undefined;
		}
	}
	if (open) ranges.push({ ...open, to: Number.POSITIVE_INFINITY });
	return ranges;
}
