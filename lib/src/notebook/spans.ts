import type { WatcherRecord } from "../scenario/timeline";

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
				break;
		}
	}
	if (open) spans.push({ after: open.after, kind: open.kind, answered: false });
	return spans;
}

/** What a watcher was doing when the store reached this index. */
export function stateAt(spans: readonly Span[], index: number): "listening" | "paused" | "away" {
	for (const span of spans)
		if (index > span.after && (span.until === undefined || index <= span.until)) return span.kind;
	return "away";
}
