import { accepted, isVisible } from "./scope";
import type { Delivery, LifeEvent, NodeRecord, Timeline, WatcherRecord } from "./timeline";

/** The events that a watcher was sent, in the order of arrival. @throws RangeError for a name that the run lacks */
export function eventsOf(timeline: Timeline, watcher: string): readonly Delivery[] {
	return named(timeline, watcher).deliveries;
}

/**
 * The indexes of the events that a watcher never got though its key and `recursive` cover them, whether it was
 * listening or not. @throws RangeError for a name that the run lacks
 */
export function missedBy(timeline: Timeline, watcher: string): readonly number[] {
	const record = named(timeline, watcher);
	const got = new Set(record.deliveries.map(({ index }) => index));
	return accepted(timeline)
		.filter((write) => !got.has(write.index) && isVisible(timeline, record, write))
		.map(({ index }) => index);
}

/** The 401 that a watcher got, if it did. @throws RangeError for a name that the run lacks */
export function clearedOf(timeline: Timeline, watcher: string): LifeEvent | undefined {
	return named(timeline, watcher).life.find((event) => event.kind === "error" && event.code === 401);
}

/** What a watcher read when it recovered from a 401; nothing if it did not. @throws RangeError, as above */
export function listedBy(timeline: Timeline, watcher: string): readonly NodeRecord[] {
	return named(timeline, watcher).life.flatMap((event) => (event.kind === "listed" ? event.keys : []));
}

function named(timeline: Timeline, name: string): WatcherRecord {
	const watcher = timeline.watchers.find((one) => one.name === name);
	if (watcher) return watcher;
	const names = timeline.watchers.map((one) => `"${one.name}"`).join(", ");
	throw new RangeError(`no watcher is called "${name}"; this run has ${names === "" ? "none" : names}`);
}
