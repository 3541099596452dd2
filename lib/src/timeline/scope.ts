import { parentOf } from "../v2/key";
import type { Accepted, Delivery, LifeEvent, Timeline, WatcherRecord, WriteRecord } from "./timeline";

/** A write that was accepted, with its outcome at hand. */
export interface AcceptedWrite {
	readonly write: WriteRecord;
	readonly outcome: Accepted;
	readonly index: number;
	/** The key that it changed: for createInOrder the one that etcd made. */
	readonly key: string;
}

/** A timeline never changes, and a claim asks for the same again for each of its writes. */
function remembered<K extends object, V>(find: (of: K) => V): (of: K) => V {
	const known = new WeakMap<K, V>();
	return (of) => {
		const before = known.get(of);
		if (before !== undefined) return before;
		const found = find(of);
		known.set(of, found);
		return found;
	};
}

/** What a write changed: one key; in v3 maybe several, each an event of its own. Nothing if it was not accepted. */
export function changesOf(write: WriteRecord): readonly AcceptedWrite[] {
	const { outcome } = write;
	if (outcome.kind !== "accepted") return [];
	const { others = [], ...one } = outcome;
	return [one, ...others.map((other) => ({ ...withoutPrevious(one), ...other }))].map((outcome) => ({
		write,
		outcome,
		index: outcome.index,
		key: outcome.node.key,
	}));
}

function withoutPrevious({ prevNode: _, ...rest }: Accepted): Accepted {
	return rest;
}

/** The accepted writes, in the order of their indexes. */
export const accepted = remembered((timeline: Timeline): readonly AcceptedWrite[] =>
	timeline.writes.flatMap(changesOf).sort((a, b) => a.index - b.index),
);

/** How many levels a key lies below another: 0 for the same, undefined when it is not below. */
export function depthBelow(key: string, ancestor: string): number | undefined {
	if (key === ancestor) return 0;
	const above = belowName(ancestor);
	return key.startsWith(above) ? key.slice(above.length).split("/").length : undefined;
}

/** What the names below a key begin with. */
export function belowName(key: string): string {
	return key.endsWith("/") ? key : `${key}/`;
}

/** True when a part of the key below the watched one begins with "_". */
export function isHidden(key: string, watched: string): boolean {
	const below = key.slice(watched === "/" ? 0 : watched.length);
	return (depthBelow(key, watched) ?? 0) > 0 && below.split("/").some((part) => part.startsWith("_"));
}

export function removes({ outcome }: AcceptedWrite): boolean {
	return ["delete", "expire", "compareAndDelete"].includes(outcome.action);
}

/** True when the key, or in v2 anything below it, was there just before the index. */
export function existed(timeline: Timeline, key: string, before: number): boolean {
	if (timeline.api === "v3") {
		const last = accepted(timeline).findLast((write) => write.key === key && write.index < before);
		return last !== undefined && !removes(last);
	}
	let there = false;
	for (const write of accepted(timeline)) {
		if (write.index >= before) break;
		if (removes(write)) {
			if (depthBelow(key, write.key) !== undefined) there = false;
		} else if (depthBelow(write.key, key) !== undefined) {
			there = true;
		}
	}
	return there;
}

/**
 * What went below a removed key, sorted: in v2 all that was written there and the directories on the way; in v3, where a
 * delete takes nothing along, what the same write deleted too.
 */
export function goneBelow(timeline: Timeline, removal: AcceptedWrite): readonly string[] {
	if (timeline.api === "v3") {
		const keys = changesOf(removal.write).map(({ key }) => key);
		return keys.filter((key) => (depthBelow(key, removal.key) ?? 0) > 0).sort();
	}
	const below = new Set<string>();
	for (const { key } of accepted(timeline))
		for (let at = key; (depthBelow(at, removal.key) ?? 0) > 0; at = parentOf(at)) below.add(at);
	return [...below].filter((key) => existed(timeline, key, removal.index)).sort();
}

/**
 * True when a watcher on that key, listening at the right time, sees the write by the rules that everybody knows:
 * the key itself; below it with recursive, in v2 hidden names left out; in v2 the removal of a directory that held it.
 */
export function isVisible(timeline: Timeline, watcher: WatcherRecord, write: AcceptedWrite): boolean {
	if (!write.outcome.raisesEvent) return false;
	const depth = depthBelow(write.key, watcher.key);
	if (depth === 0) return true;
	if (timeline.api === "v3") return depth !== undefined && watcher.recursive;
	if (depth !== undefined) return watcher.recursive && !isHidden(write.key, watcher.key);
	const above = depthBelow(watcher.key, write.key);
	return above !== undefined && removes(write) && existed(timeline, watcher.key, write.index);
}

/** A time in which a watcher listened: for the indexes from `from` to `to`, both included; none if `to` is below. */
export interface Listening {
	readonly asked: Extract<LifeEvent, { kind: "asked" }>;
	readonly from: number;
	/** Up to here it is known what came and what did not. Infinity when it was still listening at the end. */
	readonly to: number;
	/** What ended it. */
	readonly end: LifeEvent | undefined;
	/** The one event of a poll. */
	readonly answer: Delivery | undefined;
}

const ends: ReadonlySet<LifeEvent["kind"]> = new Set(["answered", "closed", "cut", "error"]);

export const listenings = remembered((watcher: WatcherRecord): readonly Listening[] => {
	let answers = 0;
	const all: Listening[] = [];
	watcher.life.forEach((asked, at) => {
		if (asked.kind !== "asked") return;
		const end = watcher.life.slice(at + 1).find(({ kind }) => ends.has(kind));
		const from = asked.waitIndex ?? asked.at + 1;
		let answer: Delivery | undefined;
		if (end?.kind === "answered") {
			// An answer that came as the poll was closed is nobody's.
			const found = watcher.deliveries.findIndex(
				({ index, etcdIndex }, n) => n >= answers && Math.max(index, etcdIndex) === end.at,
			);
			answer = watcher.deliveries[found];
			if (answer) answers = found + 1;
		}
		all.push({ asked, from, to: knownTo(watcher, from, end, answer), end, answer });
	});
	return all;
});

function knownTo(
	watcher: WatcherRecord,
	from: number,
	end: LifeEvent | undefined,
	answer: Delivery | undefined,
): number {
	// A poll answered from the history gives one event, and leaves the later ones that were there to the next.
	if (end?.kind === "answered") return answer?.index ?? from - 1;
	// Answered without an event, by a proxy: nobody knows when.
	if (!end && watcher.proof !== "answered") return Number.POSITIVE_INFINITY;
	// What was on its way when the connection went is nobody's: only what lies before the last that came is known.
	const heard = watcher.deliveries
		.map(({ index }) => index)
		.filter((index) => index >= from && index <= (end?.at ?? index));
	return heard.reduce((last, index) => Math.max(last, index), from - 1);
}

/** True when the watcher was asking for that index. */
export function listened(watcher: WatcherRecord, index: number): boolean {
	return listenings(watcher).some(({ from, to }) => from <= index && index <= to);
}

/** The first index that a watcher ever asked for: what came before was never due to it. */
export function dueFrom({ life }: WatcherRecord): number {
	const first = life.find(({ kind }) => kind === "asked" || kind === "listed");
	if (first === undefined) return 0;
	return (first.kind === "asked" ? first.waitIndex : undefined) ?? first.at + 1;
}

const deliveriesByIndex = remembered((watcher: WatcherRecord) => {
	const found = new Map<number, Delivery[]>();
	for (const delivery of watcher.deliveries) {
		const same = found.get(delivery.index);
		if (same) same.push(delivery);
		else found.set(delivery.index, [delivery]);
	}
	return found;
});

function deliveriesOf(watcher: WatcherRecord, index: number): readonly Delivery[] {
	return deliveriesByIndex(watcher).get(index) ?? [];
}

/** How often a watcher was sent a write. */
export function deliveriesOfWrite(
	watcher: WatcherRecord,
	{ index, key }: AcceptedWrite,
): readonly Delivery[] {
	return deliveriesOf(watcher, index).filter((delivery) => delivery.key === key);
}
