import { accepted, deliveriesOfWrite, dueFrom, isVisible, statedBy } from "./scope";
import type { Delivery, LifeEvent, NodeRecord, Timeline, WatcherRecord } from "./timeline";

/** The events that a watcher was sent, in the order of arrival. @throws RangeError for a name that the run lacks */
export function eventsOf(timeline: Timeline, watcher: string): readonly Delivery[] {
	return named(timeline, watcher).deliveries;
}

/**
 * The indexes of the events that a watcher never got though its key and `recursive` cover them, from the first that it
 * asked for on, whether it was listening or not. @throws RangeError for a name that the run lacks
 */
export function missedBy(timeline: Timeline, watcher: string): readonly number[] {
	const record = named(timeline, watcher);
	const from = dueFrom(record);
	return accepted(timeline)
		.filter(({ index }) => index >= from)
		.filter((write) => deliveriesOfWrite(record, write).length === 0 && isVisible(timeline, record, write))
		.map(({ index }) => index);
}

/** The 401 that a watcher got, or in v3 the refusal of what has been compacted. @throws RangeError for a name that the run lacks */
export function clearedOf(timeline: Timeline, watcher: string): LifeEvent | undefined {
	return named(timeline, watcher).life.find((event) => event.kind === "error" && event.gap !== undefined);
}

/** What a watcher read when it recovered from that; nothing if it did not. @throws RangeError, as above */
export function listedBy(timeline: Timeline, watcher: string): readonly NodeRecord[] {
	return named(timeline, watcher).life.flatMap((event) => (event.kind === "listed" ? event.keys : []));
}

/** The gaps that a follower was told of. @throws RangeError for a name that the run lacks */
export function gapsOf(timeline: Timeline, watcher: string): readonly Extract<LifeEvent, { kind: "gap" }>[] {
	return named(timeline, watcher).life.filter((event) => event.kind === "gap");
}

/**
 * The indexes of the events that a watcher never got, and that lie in no gap or reset that it was told of: what it
 * lost in silence. @throws RangeError for a name that the run lacks
 */
export function lostInSilence(timeline: Timeline, watcher: string): readonly number[] {
	const record = named(timeline, watcher);
	return missedBy(timeline, watcher).filter((index) => statedBy(record, index) === undefined);
}

function named(timeline: Timeline, name: string): WatcherRecord {
	const watcher = timeline.watchers.find((one) => one.name === name);
	if (watcher) return watcher;
	const names = timeline.watchers.map((one) => `"${one.name}"`).join(", ");
	throw new RangeError(`no watcher is called "${name}"; this run has ${names === "" ? "none" : names}`);
}
