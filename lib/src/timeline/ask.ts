import { accountOf, type Fate } from "./account";
import type { Delivery, LifeEvent, Timeline, WatcherRecord } from "./timeline";

/** The events that a watcher was sent, in the order of arrival. @throws RangeError for a name that the run lacks */
export function eventsOf(timeline: Timeline, watcher: string): readonly Delivery[] {
	return named(timeline, watcher).deliveries;
}

/**
 * The indexes of the events that were due to a watcher, from the first that it asked for on, and that it never got,
 * whether it was listening or not. @throws RangeError for a name that the run lacks
 */
export function missedBy(timeline: Timeline, watcher: string): readonly number[] {
	return lossesOf(timeline, watcher).map(({ change }) => change.index);
}

function lossesOf(timeline: Timeline, watcher: string): readonly Fate[] {
	return accountOf(timeline)
		.watcher(watcher)
		.fates.filter(({ kind }) => kind !== "came" && kind !== "notDue");
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
	return lossesOf(timeline, watcher)
		.filter(({ told }) => told === undefined)
		.map(({ change }) => change.index);
}

function named(timeline: Timeline, name: string): WatcherRecord {
	return accountOf(timeline).watcher(name).watcher;
}
