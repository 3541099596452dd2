import { LabError } from "../http";
import {
	type DeliveryRule,
	historyRule,
	liveReach,
	type ModelEvent,
	type PassedOver,
	type WatchRequest,
} from "../model";
import { brokenFor } from "./broken";
import { explainV3, type V3Reason } from "./explain-v3";
import { depthBelow, existed, isHidden, listenings, statedBy } from "./scope";
import type { Accepted, Delivery, LifeEvent, Timeline, WatcherRecord, WriteRecord } from "./timeline";

/** The rule that decided whether a watcher was told of a write. */
export type Reason =
	| V3Reason
	| DeliveryRule
	| PassedOver
	| "refused"
	| "unanswered write"
	| "asked again"
	| "not yet asked"
	| "asked from later on"
	| "between two polls"
	| "over"
	| "cleared"
	| "deaf stream"
	| "reader paused"
	| "unproven"
	| "followed"
	| "in a stated gap"
	| "member sent the whole store"
	| "member silent"
	| "ahead of the store";

/** Why a watcher was or wasn't told of a write. */
export interface Explanation {
	/** How many times the event came; 0 for silence. */
	readonly delivered: number;
	readonly reason: Reason;
	/** One or two plain sentences. */
	readonly words: string;
	/** Where in etcd's tree, at v3.5.9, the rule stands; "" where it is the client's. */
	readonly source: string;
	/** The notebook that shows it, such as "01-recursive". */
	readonly notebook: string;
}

/** A delivery or a silence that no known rule accounts for: a finding, or a fault of this lab. */
export class UnknownReasonError extends LabError {}

const sources: Readonly<Record<Exclude<Reason, V3Reason>, readonly [source: string, notebook: string]>> = {
	"own key": ["v2store/watcher.go, notify", "01-recursive"],
	recursive: ["v2store/watcher_hub.go, notify", "02-grandchild-writes"],
	"removed with its directory": ["v2store/store.go, Delete", "01-recursive"],
	"second notice of the removal": ["v2store/watcher_hub.go, notifyWatchers", "03-missed-events"],
	"history: own key": ["v2store/event_history.go, scan", "04-afterindex-recovery"],
	"history: recursive": ["v2store/event_history.go, scan", "04-afterindex-recovery"],
	"history: removed directory's prefix": ["v2store/event_history.go, scan", "09-playground"],
	refresh: ["v2store/store.go, Update", "09-playground"],
	elsewhere: ["v2store/watcher_hub.go, notify", "00-start-here"],
	"not recursive": ["v2store/watcher.go, notify", "01-recursive"],
	hidden: ["v2store/watcher_hub.go, isHidden", "09-playground"],
	"no node there": ["v2store/node.go, Remove", "01-recursive"],
	refused: ["v2store/store.go", "02-grandchild-writes"],
	"unanswered write": ["", "03-missed-events"],
	"asked again": ["v2store/event_history.go, scan", "04-afterindex-recovery"],
	"not yet asked": ["v2store/store.go, Watch", "03-missed-events"],
	"asked from later on": ["v2store/watcher.go, notify", "04-afterindex-recovery"],
	"between two polls": ["v2http/client.go, handleKeyWatch", "03-missed-events"],
	over: ["v2http/client.go, handleKeyWatch", "03-missed-events"],
	cleared: ["v2store/event_history.go, scan", "04-afterindex-recovery"],
	"deaf stream": ["v2store/watcher_hub.go, watch", "03-missed-events"],
	"reader paused": ["v2store/watcher.go, notify", "03-missed-events"],
	unproven: ["", "01-recursive"],
	followed: ["", "08-faults"],
	"in a stated gap": ["v2store/event_history.go, scan", "04-afterindex-recovery"],
	"member sent the whole store": ["v2store/store.go, Recovery", "08-faults"],
	"member silent": ["", "08-faults"],
	"ahead of the store": ["v2store/event_history.go, scan", "08-faults"],
};

/**
 * Says in one or two sentences why a watcher was or wasn't told of a write, by the rule that decided.
 * @param write its number, from 1 in the order tried
 * @throws RangeError for a watcher or a write that the run lacks; UnknownReasonError where no rule accounts for it
 */
export function explain(timeline: Timeline, watcher: string, write: number): Explanation {
	const watched = timeline.watchers.find(({ name }) => name === watcher);
	const written = timeline.writes.find(({ id }) => id === write);
	if (!watched) throw new RangeError(`no watcher is called "${watcher}"`);
	if (!written) throw new RangeError(`there is no write ${write}: this run has ${timeline.writes.length}`);
	return explainPair(timeline, watched, written);
}

/** Every write (rows) at every watcher (columns). @throws UnknownReasonError */
export function explainAll(timeline: Timeline): readonly (readonly Explanation[])[] {
	return timeline.writes.map((write) =>
		timeline.watchers.map((watcher) => explainPair(timeline, watcher, write)),
	);
}

function explainPair(timeline: Timeline, watcher: WatcherRecord, write: WriteRecord): Explanation {
	if (timeline.api === "v3") return explainV3(timeline, watcher, write);
	const { outcome } = write;
	if (outcome.kind === "refused") {
		const why = `${outcome.code} ${outcome.message}${outcome.cause === "" ? "" : ` (${outcome.cause})`}`;
		return because("refused", 0, `not delivered: the write failed with ${why}, so there was no event`);
	}
	if (outcome.kind === "failed") {
		return because("unanswered write", 0, "not known: the write had no answer, so nobody knows its index");
	}
	const deliveries = watcher.deliveries.filter(({ index }) => index === outcome.index);
	const request = { key: watcher.key, recursive: watcher.recursive, stream: watcher.kind === "stream" };
	const event = eventOf(outcome);
	const [first, second] = deliveries;
	if (first && watcher.kind === "follow") {
		return because(
			"followed",
			deliveries.length,
			"delivered: a follower asks from the index after its last event on, and once more where something could have been skipped",
		);
	}
	if (first) return delivered(timeline, watcher, request, event, first, second, deliveries.length);
	const there = existed(timeline, watcher.key, outcome.index);
	const reach = liveReach(request, event, there);
	const asked = listenings(watcher).find(({ from, to }) => from <= outcome.index && outcome.index <= to);
	const replayed = asked !== undefined && outcome.index <= asked.asked.at;
	// What only the history would have given is explained by the time, not by the live rules; a follower drops it.
	const isReplayed = replayed && watcher.kind !== "follow" && historyRule(request, event) !== undefined;
	if ("passedOver" in reach && !isReplayed) {
		return because(
			reach.passedOver,
			0,
			`not delivered: ${passedOverWords(reach.passedOver, watcher, outcome)}`,
		);
	}
	return silence(timeline, watcher, outcome);
}

function delivered(
	timeline: Timeline,
	watcher: WatcherRecord,
	request: WatchRequest,
	event: ModelEvent,
	first: Delivery,
	second: Delivery | undefined,
	times: number,
): Explanation {
	const { key } = event.node;
	if (second) {
		const removal = watcher.kind === "stream" && !second.fromHistory && key === watcher.key;
		return removal
			? because(
					"second notice of the removal",
					times,
					"delivered twice: a stream on exactly the removed key is woken by the removal of the node, and again by the event on its way down the path",
				)
			: because(
					"asked again",
					times,
					"delivered again: the watcher asked from an index that was not above this event's",
				);
	}
	if (first.fromHistory) return fromHistory(watcher, request, event, times);
	const reach = liveReach(request, event, existed(timeline, watcher.key, event.index));
	if ("passedOver" in reach) {
		throw new UnknownReasonError(
			`"${watcher.name}" on ${watcher.key} was sent ${event.action} ${key} live, and the rule says: ${reach.passedOver}`,
		);
	}
	const depth = depthBelow(key, watcher.key) ?? 0;
	const words: Partial<Record<DeliveryRule, string>> = {
		"own key": "the write is on the watched key itself",
		recursive: `${key} is ${levels(depth)} below ${watcher.key}, and the watch is recursive`,
		"removed with its directory": `${key} was removed, and ${watcher.key} with it; the event has the key of what was removed`,
	};
	return because(reach.rule, times, `delivered: ${words[reach.rule] ?? reach.rule}`);
}

function fromHistory(
	watcher: WatcherRecord,
	request: WatchRequest,
	event: ModelEvent,
	times: number,
): Explanation {
	const { key } = event.node;
	const rule = historyRule(request, event);
	if (!rule) {
		throw new UnknownReasonError(
			`"${watcher.name}" was given ${event.action} ${key} from the history, and no rule fits`,
		);
	}
	if (rule === "history: removed directory's prefix" && depthBelow(watcher.key, key) === undefined) {
		return because(
			rule,
			times,
			`delivered though ${key} does not hold ${watcher.key}: the history compares the two as texts, and one begins with the other`,
		);
	}
	if (isHidden(key, watcher.key)) {
		const words =
			"delivered though hidden: this watcher was answered from the history, and the history's scan does not look at hidden names";
		return { ...because(rule, times, words), notebook: "09-playground" };
	}
	return because(rule, times, "delivered from the history: it had happened before the watcher asked for it");
}

function passedOverWords(passedOver: PassedOver, watcher: WatcherRecord, outcome: Accepted): string {
	const { key } = outcome.node;
	const words: Readonly<Record<PassedOver, string>> = {
		refresh: "a renewed ttl takes an index and raises no event",
		elsewhere: `${key} is not below ${watcher.key}`,
		"not recursive": `the watcher is not recursive, and ${key} is ${levels(depthBelow(key, watcher.key) ?? 0)} below ${watcher.key}`,
		hidden: `a part of ${key} below ${watcher.key} begins with an underscore, and a live watch from above does not see hidden names`,
		"no node there": `there was no node at ${watcher.key}, and the removal of ${key} tells the watchers on the nodes that it removes`,
	};
	return words[passedOver];
}

/** An event that the rules would have given, had the watcher been asking for it. */
function silence(timeline: Timeline, watcher: WatcherRecord, { index }: Accepted): Explanation {
	const told = statedBy(watcher, index);
	if (told?.kind === "gap" || told?.kind === "reset") {
		return because(
			"in a stated gap",
			0,
			`not delivered as an event: it lies in the ${told.kind} that the follower was told of at index ${told.at}, with the state to go on from`,
		);
	}
	const broken = brokenServer(timeline, watcher, index);
	if (broken) return broken;
	const times = listenings(watcher);
	const now = times.find(({ from, to }) => from <= index && index <= to);
	if (now) return deafness(watcher, index);
	if (told?.kind === "error") {
		return because(
			"cleared",
			0,
			`not delivered: asked for too late, the history had lost it: ${told.code} at index ${told.at}`,
		);
	}
	const before = times.filter(({ to }) => to < index).at(-1);
	const after = times.find(({ from }) => from > index);
	if (!before && after) {
		return after.asked.waitIndex === undefined
			? because(
					"not yet asked",
					0,
					`not delivered: the watcher was registered at index ${after.asked.at}, and asked for what comes from then on`,
				)
			: because(
					"asked from later on",
					0,
					`not delivered: the watcher asked from index ${after.asked.waitIndex} on`,
				);
	}
	if (before && after && before.end?.kind === "answered") {
		const next =
			after.asked.waitIndex === undefined ? "what comes from then on" : `index ${after.asked.waitIndex} on`;
		return because(
			"between two polls",
			0,
			`not delivered: it fell between two polls. The first was answered at index ${before.to}, the next one was made at ${after.asked.at} and asked for ${next}`,
		);
	}
	const ended = before?.end ?? watcher.life.findLast(({ kind }) => kind === "error");
	if (!ended) return unknown(watcher, index);
	return because("over", 0, `not delivered: nobody was listening any more, ${endWords(ended)}`);
}

/** What was done to the servers can be why it was asking, and was not told. */
function brokenServer(timeline: Timeline, watcher: WatcherRecord, index: number): Explanation | undefined {
	const broken = brokenFor(timeline, watcher, index);
	switch (broken?.kind) {
		case "ahead":
			return because(
				"ahead of the store",
				0,
				`not delivered: it asks for what comes from index ${broken.waitIndex} of the store that was wiped; the new one's own indexes are lower, and a request for a later one waits and says nothing`,
			);
		case "snapshot":
			return because(
				"member sent the whole store",
				0,
				"not delivered: the member was so far behind that it was sent the whole store in one piece, and who was waiting on it is not told of what happened in between",
			);
		case "silent":
			return because(
				"member silent",
				0,
				`not delivered yet: the member that it waits on ${broken.how}, and the connection says nothing of it`,
			);
		default:
			return undefined;
	}
}

/** It was asking for the event, and did not get it. */
function deafness(watcher: WatcherRecord, index: number): Explanation {
	const past = watcher.life.some(
		(one) => one.kind === "asked" && one.waitIndex !== undefined && one.waitIndex <= one.at,
	);
	if (watcher.kind === "stream" && past && watcher.deliveries.length > 0) {
		return because(
			"deaf stream",
			0,
			"not delivered: the stream was answered from the history, and such a stream is never put on the list of those who wait",
		);
	}
	if (watcher.kind === "stream" && watcher.life.some(({ kind }) => kind === "paused")) {
		return because(
			"reader paused",
			0,
			"not delivered: the reader had stopped reading, the server's buffer of 100 events was full, and it dropped the watcher",
		);
	}
	if (watcher.proof === "none") {
		return because("unproven", 0, "not known: nothing shows that it was not still on its way");
	}
	return unknown(watcher, index);
}

function unknown(watcher: WatcherRecord, index: number): never {
	throw new UnknownReasonError(
		`"${watcher.name}" was asking for the event at index ${index} and did not get it, and no rule says why`,
	);
}

function endWords(end: LifeEvent): string {
	switch (end.kind) {
		case "answered":
			return `its poll had been answered at index ${end.at}`;
		case "closed":
			return `it was closed at index ${end.at}`;
		case "cut":
			return `its connection was cut at index ${end.at}`;
		case "error":
			return `it had ended with ${end.code} ${end.message} at index ${end.at}`;
		default:
			return `it had ended at index ${end.at}`;
	}
}

function levels(depth: number): string {
	const words = ["no level", "one level", "two levels", "three levels"];
	return words[depth] ?? `${depth} levels`;
}

function because(reason: Exclude<Reason, V3Reason>, times: number, words: string): Explanation {
	const [source, notebook] = sources[reason];
	return { delivered: times, reason, words, source, notebook };
}

/** A write's event as the model has it. */
export function eventOf({ action: done, index, raisesEvent, node, prevNode }: Accepted): ModelEvent {
	// The rules are v2's, which has no put.
	const action = done === "put" ? "set" : done;
	return { action, index, node, ...(prevNode ? { prevNode } : {}), refresh: !raisesEvent };
}
