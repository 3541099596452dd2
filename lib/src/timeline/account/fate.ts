import { historyRule, type ModelEvent, type WatchRequest } from "../../model";
import { liveReach } from "../../model/reach";
import { isBelow, isRemoval } from "../../v2/key";
import type { Delivery, LifeEvent, Timeline, WatcherRecord } from "../timeline";
import type { Ask, AskFinder } from "./asks";
import type { Change, OwnChange } from "./changes";
import type { Reason } from "./reasons";

/**
 * What became of a change at a watcher. `came`. `notDue`: by the rules nothing was to come. `missed`: it was due, and
 * will never come. `stated`: the same, and a follower was told so, in a gap or a reset. `notKnown`: it may come yet, or
 * nobody knows.
 */
export type FateKind = "came" | "notDue" | "missed" | "stated" | "notKnown";

/** What became of one change at one watcher, by which rule, and how it is known. */
export interface Fate {
	readonly change: Change;
	readonly kind: FateKind;
	/** "unexplained" is a finding: it came, or is proven not to have come, against all rules that the lab knows. */
	readonly reason: Reason;
	/** By index and key, in the order of arrival. */
	readonly deliveries: readonly Delivery[];
	/** The request for which it could be sent. */
	readonly ask?: Ask;
	/** True when nothing that was sent for this ask up to here can be unseen: a silence is proven. */
	readonly isProven: boolean;
	/** What would account for its silence, whatever was due: a fault of the member, a reader that stopped, a deaf stream. */
	readonly excuse?: Reason;
	/** The gap, the reset or the 401 by which the watcher was told that it can't have it, due or not. */
	readonly told?: LifeEvent;
	/** True when its key is the watched one, lies below it, or in v2 took it away: its absence is worth drawing. */
	readonly isNear: boolean;
	/**
	 * What the watcher was doing about it: asking for it, not reading, asking for a later one already, or none of these;
	 * `later`: it was away, and asked for later ones when it came.
	 */
	readonly state: "asking" | "paused" | "early" | "later" | "away";
}

/** What has to be known of a watcher to tell the fate of each change at it. */
export interface Watched {
	readonly timeline: Timeline;
	readonly watcher: WatcherRecord;
	readonly asks: readonly Ask[];
	readonly finder: AskFinder;
	/** Of its life: what may say that it can't have an event. */
	readonly statements: readonly LifeEvent[];
	readonly pauses: Ask["pauses"];
	/** The writes without an answer: in doubt is what they may have made. */
	readonly doubtful: readonly string[];
}

/** What is looked through for each change: a loop has as many asks as there are changes. */
export function rarelyIn(
	{ life }: WatcherRecord,
	asks: readonly Ask[],
): Pick<Watched, "statements" | "pauses"> {
	const statements = life.filter(({ kind }) => kind === "gap" || kind === "reset" || kind === "error");
	return { statements, pauses: asks.flatMap(({ pauses }) => pauses) };
}

/** True when only the time kept it from the watcher, which asked too late, and not its place or its kind. */
export function isTooEarly({ reason }: Fate): boolean {
	return reason === "not yet asked" || reason === "asked from later on";
}

type Found = readonly [kind: FateKind, reason: Reason];

/** The fate of a change of which these deliveries came. */
export function fateOf(of: Watched, change: Change, deliveries: readonly Delivery[]): Fate {
	const { watcher, timeline, finder } = of;
	const ask = finder.covering(change.index);
	const told = statedBy(of, change.index);
	const isProven = ask !== undefined && change.index <= ask.seenTo && watcher.proof !== "none";
	const place = placeOf(of, change);
	const broken = byFaults(of, change.index, ask);
	const excuse = broken?.[1] ?? (ask && deafness(of, change.index, ask)?.[1]);
	const found: Found =
		deliveries.length > 0
			? ["came", cameBy(of, change, deliveries, place)]
			: (notDue(of, change, place, ask) ??
				(told && told.kind !== "error" ? ["stated", "in a stated gap"] : undefined) ??
				broken ??
				(ask ? whileAsking(of, change, ask, isProven) : whileAway(of, change.index, told)));
	return {
		change,
		kind: found[0],
		reason: found[1],
		deliveries,
		...(ask ? { ask } : {}),
		isProven,
		...(excuse ? { excuse } : {}),
		...(told ? { told } : {}),
		isNear: isNear(timeline, watcher, change),
		state: stateAt(of, change.index, ask),
	};
}

type Place = { readonly rule: Reason } | { readonly passedOver: Reason };

/** What a watcher that waits makes of it: by which rule it is told, or why not. */
function placeOf(
	{ timeline, watcher }: Pick<Watched, "timeline" | "watcher">,
	change: OwnChange & Partial<Pick<Change, "heldWatched">>,
): Place {
	if (timeline.api === "v2")
		return liveReach(requestOf(watcher), eventOf(change), change.heldWatched?.has(watcher.key) === true);
	if (change.key === watcher.key) return { rule: "own key" };
	if (!isBelow(change.key, watcher.key)) return { passedOver: "elsewhere" };
	return watcher.recursive ? { rule: "recursive" } : { passedOver: "not recursive" };
}

/** True when a watcher that waits is told of it; `change` with what it held, if it is a removal. */
export function isTold(of: Pick<Watched, "timeline" | "watcher">, change: OwnChange): boolean {
	return "rule" in placeOf(of, change);
}

/** By which rule the history gives it to one that asks for the past. */
function pastOf({ timeline, watcher }: Watched, change: Change, place: Place): Reason | undefined {
	if (timeline.api === "v2") return historyRule(requestOf(watcher), eventOf(change));
	if (!("rule" in place)) return undefined;
	return place.rule === "own key" ? "history: own key" : "history: recursive";
}

function requestOf({ key, recursive, kind }: WatcherRecord): WatchRequest {
	return { key, recursive, stream: kind === "stream" };
}

/** A change as the model has it; its rules are v2's, which has no put. */
export function eventOf({ action, index, raisesEvent, node, prevNode }: OwnChange): ModelEvent {
	const done = action === "put" ? "set" : action;
	return { action: done, index, node, ...(prevNode ? { prevNode } : {}), refresh: !raisesEvent };
}

function isNear({ api }: Timeline, { key }: WatcherRecord, change: Change): boolean {
	if (!change.raisesEvent) return false;
	if (change.key === key || isBelow(change.key, key)) return true;
	return api === "v2" && isRemoval(change) && isBelow(key, change.key);
}

function cameBy(of: Watched, change: Change, deliveries: readonly Delivery[], place: Place): Reason {
	const { timeline, watcher, asks, doubtful } = of;
	const [first, second] = deliveries;
	const live = "rule" in place ? place.rule : place.passedOver;
	const isInDoubt =
		live === "no node there" && doubtful.some((key) => key === watcher.key || isBelow(key, watcher.key));
	const isRight = "rule" in place || isInDoubt;
	if (watcher.kind === "follow" && timeline.api === "v2")
		return second === undefined && (isRight || live === "no node there") ? "followed" : "unexplained";
	if (second && watcher.kind !== "follow") {
		const { key } = watcher;
		const isTwice =
			timeline.api === "v2" && watcher.kind === "stream" && change.key === key && isRemoval(change);
		if (isTwice && !second.fromHistory) return "second notice of the removal";
		if (timeline.api === "v3" && wasSentTheStore(timeline, change.index)) return "told again";
		return second.fromHistory || asks.length > 1 ? "asked again" : "unexplained";
	}
	if (second) return "unexplained";
	if (first?.fromHistory) return pastOf(of, change, place) ?? "unexplained";
	if (isInDoubt) return "removed with its directory";
	return "rule" in place ? place.rule : "unexplained";
}

function wasSentTheStore({ faults = [] }: Timeline, index: number): boolean {
	return faults.some(({ kind, at }) => kind === "snapshot" && at >= index);
}

/** Not by its place, unless it was asked for as the past; nor by its time, before the watcher asked for anything. */
function notDue(of: Watched, change: Change, place: Place, ask: Ask | undefined): Found | undefined {
	const isReplayed = ask !== undefined && change.index <= ask.at && of.watcher.kind !== "follow";
	if ("passedOver" in place && !(isReplayed && pastOf(of, change, place) !== undefined))
		return ["notDue", place.passedOver];
	return undefined;
}

/** What told a watcher that it can't have the event at an index: a gap or a reset, or the refusal of what was cleared. */
function statedBy({ statements }: Watched, index: number): LifeEvent | undefined {
	return statements.find((event) => {
		switch (event.kind) {
			case "gap":
				return event.from <= index && index <= event.to;
			case "reset":
				return event.lastIndex < index && index <= event.at;
			case "error":
				return event.gap !== undefined && event.gap.from <= index && index <= event.gap.to;
			default:
				return false;
		}
	});
}

/** A process that has ended stands still no more. */
const overPause = ["resume", "kill", "restart", "wipe"] as const;

/** What was done to the servers can be why it was asking, and was not told. */
function byFaults(
	{ timeline, watcher, asks, finder }: Watched,
	index: number,
	ask: Ask | undefined,
): Found | undefined {
	const { faults = [], api } = timeline;
	if (faults.length === 0) return undefined;
	const waiting = finder.after(index);
	if (ask === undefined && waiting?.ofWiped && waiting.at < index && waiting === asks.at(-1))
		return ["missed", "ahead of the store"];
	// Who was not asking then has missed it by that.
	if (ask === undefined) return undefined;
	const began = faults.findLastIndex(({ kind, at }) => (kind === "pause" || kind === "cutOff") && at < index);
	const ends: readonly string[] = faults[began]?.kind === "pause" ? overPause : ["heal"];
	const over = faults.findIndex(({ kind }, nth) => nth > began && ends.includes(kind));
	const { [began]: broke, [over]: mended } = faults;
	if (broke === undefined || (mended !== undefined && mended.at < index)) return undefined;
	const sent = faults.find(({ kind }, nth) => kind === "snapshot" && nth > began);
	// A v3 watch is told of it all the same.
	if (sent !== undefined && sent.at >= index && ask.at < index)
		return api === "v2" ? ["missed", "member sent the whole store"] : undefined;
	// What a connection that was cut has not brought comes by it no more.
	if (mended !== undefined || watcher.proof !== "none" || ask.end?.kind === "cut") return undefined;
	return ["notKnown", "member silent"];
}

/**
 * True for a v2 stream that asked for the past and was answered from the history: it is registered nowhere since
 * (`watcherHub.watch` in store/watcher_hub.go at v3.5.1), so that its open connection is sent nothing more.
 */
export function isDeaf({ api }: Timeline, { kind }: WatcherRecord, { replayed }: Ask): boolean {
	return api === "v2" && kind === "stream" && replayed !== undefined;
}

/** Why a stream hears nothing any more, though its connection is open. */
function deafness({ timeline, watcher }: Watched, index: number, ask: Ask): Found | undefined {
	if (timeline.api !== "v2" || watcher.kind !== "stream") return undefined;
	if (isDeaf(timeline, watcher, ask) && (ask.replayed ?? 0) < index) return ["missed", "deaf stream"];
	const pause = ask.pauses.findLast(({ after }) => after < index);
	// What was sent to one that still does not read waits for it, unless the server has dropped it.
	const isWaiting = pause?.until === Number.POSITIVE_INFINITY && watcher.proof !== "gone";
	if (pause) return [isWaiting ? "notKnown" : "missed", "reader paused"];
	return watcher.proof === "gone" && ask.end === undefined ? ["missed", "dropped"] : undefined;
}

/** It was asking for it, and did not get it. */
function whileAsking(of: Watched, change: Change, ask: Ask, isProven: boolean): Found {
	const deaf = deafness(of, change.index, ask);
	if (deaf) return deaf;
	if (isProven && isCompactedAway(of, change, ask)) return ["missed", "delete compacted away"];
	if (isProven) return ["missed", "unexplained"];
	return ask.end === undefined ? ["notKnown", "unproven"] : ["missed", "lost with its connection"];
}

/**
 * A delete at the very revision up to which was compacted, asked for from exactly there and after it: etcd up to 3.4.33
 * and 3.5.15 keeps no such delete (issue 18089, `keyIndex.compact` in server/mvcc/key_index.go at v3.5.9).
 */
function isCompactedAway({ timeline, watcher }: Watched, change: Change, ask: Ask): boolean {
	const { api, server, compactions = [] } = timeline;
	const [, minor = "", patch = ""] = /^3\.(\d+)\.(\d+)/.exec(server) ?? [];
	const last = Reflect.get({ 4: 33, 5: 15 }, minor);
	if (api !== "v3" || watcher.kind === "follow" || !isRemoval(change)) return false;
	if (last === undefined || Number(patch) > last || ask.from !== change.index) return false;
	return compactions.some(({ index, at }) => index === change.index && at <= ask.at);
}

/** It was not asking for it. */
function whileAway({ watcher, finder }: Watched, index: number, told: LifeEvent | undefined): Found {
	if (told !== undefined) return ["missed", "cleared"];
	const before = finder.before(index);
	const after = finder.after(index);
	if (before) return ["missed", before.end?.kind === "answered" && after ? "between two polls" : "over"];
	if (after) return ["notDue", after.waitIndex === undefined ? "not yet asked" : "asked from later on"];
	// It never asked at all: its first request was refused, or it never reached a server.
	return watcher.life.length === 0 ? ["notKnown", "unproven"] : ["missed", "over"];
}

function stateAt({ pauses, finder }: Watched, index: number, ask: Ask | undefined): Fate["state"] {
	const next = finder.after(index);
	if ((ask?.pauses ?? pauses).some(({ after, until }) => after < index && index <= until)) return "paused";
	const isWaiting = next !== undefined && next.at < index && index <= (next.end?.at ?? index);
	if (ask || (isWaiting && next.ofWiped)) return "asking";
	if (isWaiting) return "early";
	return next !== undefined && next.at >= index && next.waitIndex !== undefined ? "later" : "away";
}
