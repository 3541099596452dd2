import { LabError } from "../http";
import { isBelow, isHiddenFrom } from "../v2/key";
import { type Ask, accountOf, depthBelow, type Fate, type WatcherAccount, type WriteFate } from "./account";
import { asksFor, endedWords, type Reason, sourceOf, unacceptedWords } from "./account/reasons";
import type { Timeline, WatcherRecord, WriteRecord } from "./timeline";

export type { Reason } from "./account/reasons";

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

/**
 * Says in one or two sentences why a watcher was or wasn't told of a write, by the rule that decided.
 * @param write its number, from 1 in the order tried
 * @throws RangeError for a watcher or a write that the run lacks; UnknownReasonError where no rule accounts for it
 */
export function explain(timeline: Timeline, watcher: string, write: number): Explanation {
	const account = accountOf(timeline).watcher(watcher);
	const written = timeline.writes.find(({ id }) => id === write);
	if (!written) throw new RangeError(`there is no write ${write}: this run has ${timeline.writes.length}`);
	return explained(timeline, account, written);
}

/** Every write (rows) at every watcher (columns). @throws UnknownReasonError */
export function explainAll(timeline: Timeline): readonly (readonly Explanation[])[] {
	const { watchers } = accountOf(timeline);
	return timeline.writes.map((write) => watchers.map((account) => explained(timeline, account, write)));
}

function explained(timeline: Timeline, account: WatcherAccount, write: WriteRecord): Explanation {
	const fate = account.fateOf(write);
	const { reason, worst, deliveries } = fate;
	const words =
		worst === undefined
			? unacceptedWords(timeline.api, write)
			: new Words(timeline, account, fate, worst).all();
	const [source, notebook] =
		(timeline.api === "v2" ? hiddenFromHistory(account.watcher, fate) : undefined) ??
		sourceOf(reason, timeline.api);
	return { delivered: deliveries.length, reason, words, source, notebook };
}

function hiddenFromHistory({ key }: WatcherRecord, { reason, worst }: WriteFate) {
	if (!worst || reason !== "history: recursive" || !isHiddenFrom(key, worst.change.key)) return undefined;
	return [sourceOf(reason, "v2")[0], "09-playground"] as const;
}

/** The sentences about one write at one watcher. */
class Words {
	readonly #timeline: Timeline;
	readonly #account: WatcherAccount;
	readonly #watcher: WatcherRecord;
	readonly #whole: WriteFate;
	readonly #fate: Fate;
	readonly #isV3: boolean;
	readonly #unit: "index" | "revision";
	readonly #index: number;
	readonly #key: string;

	constructor(timeline: Timeline, account: WatcherAccount, whole: WriteFate, fate: Fate) {
		this.#timeline = timeline;
		this.#account = account;
		this.#watcher = account.watcher;
		this.#whole = whole;
		this.#fate = fate;
		this.#isV3 = timeline.api === "v3";
		this.#unit = this.#isV3 ? "revision" : "index";
		this.#index = fate.change.index;
		this.#key = fate.change.key;
	}

	all(): string {
		const { kind, reason } = this.#fate;
		if (reason === "unexplained") throw new UnknownReasonError(this.#unexplained());
		if (kind === "came") {
			const late =
				this.#whole.write.outcome.kind === "failed" ? "; the write had no answer, and was carried out" : "";
			return `${this.#came()}${late}`;
		}
		const words = this.#silence();
		const came = this.#whole.fates.filter((fate) => fate.kind === "came").length;
		if (came === 0) return words;
		const due = this.#whole.fates.filter((fate) => fate.kind !== "notDue").length;
		return `delivered in part, ${came} of ${due} keys: ${this.#key} was ${words}`;
	}

	#came(): string {
		if (this.#fate.reason === "told again")
			return "delivered more than once: the member was sent the whole store in one piece, and tells a watch again what came since it was registered; mended in 3.5.8 (issue 15271)";
		if (this.#fate.reason === "asked again")
			return `delivered again: the watcher asked from ${this.#isV3 ? "a revision" : "an index"} that was not above this event's`;
		if (this.#isV3) return this.#inRange();
		switch (this.#fate.reason) {
			case "followed":
				return "delivered: a follower asks from the index after its last event on, and once more where something could have been skipped";
			case "second notice of the removal":
				return "delivered twice: a stream on exactly the removed key is woken by the removal of the node, and again by the event on its way down the path";
			case "own key":
				return "delivered: the write is on the watched key itself";
			case "recursive":
				return `delivered: ${this.#key} is ${this.#below()}, and the watch is recursive`;
			case "removed with its directory":
				return `delivered: ${this.#key} was removed, and ${this.#watcher.key} with it; the event has the key of what was removed`;
			default:
				return this.#fromHistory();
		}
	}

	#inRange(): string {
		const inRange = "its key is in the range that is watched";
		if (this.#fate.deliveries[0]?.fromHistory)
			return `delivered from the history: ${inRange}, and the watch asked from a revision that was not above it`;
		const events = this.#whole.deliveries.length;
		return events === 1
			? `delivered: ${inRange}`
			: `delivered as ${events} events of one revision: each of these keys is in the range that is watched`;
	}

	#fromHistory(): string {
		const { key } = this.#watcher;
		const isAbove = this.#key === key || isBelow(key, this.#key);
		if (this.#fate.reason === "history: removed directory's prefix" && !isAbove)
			return `delivered though ${this.#key} does not hold ${key}: the history compares the two as texts, and one begins with the other`;
		if (isHiddenFrom(key, this.#key))
			return "delivered though hidden: this watcher was answered from the history, and the history's scan does not look at hidden names";
		return "delivered from the history: it had happened before the watcher asked for it";
	}

	#silence(): string {
		const { reason, told, ask } = this.#fate;
		switch (reason) {
			case "in a stated gap":
				return `not delivered as an event: it lies in the ${told?.kind} that the follower was told of at ${this.#unit} ${told?.at}, with the state to go on from`;
			case "cleared":
				return this.#isV3
					? "not delivered: it had been compacted before the watch asked for it"
					: `not delivered: asked for too late, the history had lost it: ${told?.kind === "error" ? told.code : ""} at index ${told?.at}`;
			case "ahead of the store":
				return this.#ahead();
			case "member sent the whole store":
				return "not delivered: the member was so far behind that it was sent the whole store in one piece, and who was waiting on it is not told of what happened in between";
			case "member silent":
				return `not delivered yet: the member that it ${this.#isV3 ? "watches at" : "waits on"} ${this.#brokenHow()}, and the connection says nothing of it`;
			case "deaf stream":
				return "not delivered: the stream was answered from the history, and such a stream is never put on the list of those who wait";
			case "reader paused":
				return this.#paused();
			case "dropped":
				return "not delivered: the server has dropped the watcher, as it does when a reader is too slow and the buffer of 100 events is full; the connection stays open and says nothing of it";
			case "unproven":
				return this.#isV3
					? "not known: the watch asked for it, and nothing shows that it was not still on its way"
					: "not known: nothing shows that it was not still on its way";
			case "lost with its connection":
				return `not delivered: the watcher was asking, and ${endedWords({ end: ask?.end, answer: ask?.answer }, this.#unit)}; what was on its way then is lost`;
			case "not yet asked":
			case "asked from later on":
			case "between two polls":
			case "over":
				return `not delivered: ${this.#isV3 ? this.#notWatched() : this.#away()}`;
			default:
				return `not delivered: ${this.#isV3 ? this.#outside() : this.#passedOver()}`;
		}
	}

	#passedOver(): string {
		const { key } = this.#watcher;
		switch (this.#fate.reason) {
			case "refresh":
				return "a renewed ttl takes an index and raises no event";
			case "not recursive":
				return `the watcher is not recursive, and ${this.#key} is ${this.#below()}`;
			case "hidden":
				return `a part of ${this.#key} below ${key} begins with an underscore, and a live watch from above does not see hidden names`;
			case "no node there":
				return `there was no node at ${key}, and the removal of ${this.#key} tells the watchers on the nodes that it removes`;
			default:
				return `${this.#key} is not below ${key}`;
		}
	}

	#outside(): string {
		const { key, recursive } = this.#watcher;
		if (this.#fate.reason === "not recursive")
			return `the watch is on the one key ${key}, and ${this.#key} is another`;
		const range = recursive ? `${key} and what begins with ${key}/` : key;
		return `the watch is on ${range}, and ${this.#key} is not in it`;
	}

	#away(): string {
		const { before, after } = this.#around();
		switch (this.#fate.reason) {
			case "not yet asked":
				return `the watcher was registered at index ${after?.at}, and asked for what comes from then on`;
			case "asked from later on":
				return `the watcher asked from index ${after?.from} on`;
			case "between two polls":
				return `it fell between two polls. The first was answered at index ${before?.until}, the next one was made at ${after?.at} and asked for ${asksFor(after)}`;
			default: {
				const { life } = this.#watcher;
				const end = before?.end ?? life.findLast(({ kind }) => kind === "error" || kind === "cut");
				const ended = endedWords({ end, answer: before?.answer }, this.#unit);
				if (after === undefined) return `nobody was listening any more, ${ended}`;
				const without =
					after.waitIndex === undefined && this.#watcher.kind === "watch"
						? ", since before its first event it has no index to go on from"
						: "";
				return `nobody was listening, ${ended}. It came back at index ${after.at} and asked for ${asksFor(after)}${without}`;
			}
		}
	}

	#notWatched(): string {
		const { before, after } = this.#around();
		if (before === undefined) {
			if (after?.waitIndex === undefined)
				return `the watch was made at revision ${after?.at ?? 0}, and asked for what comes from then on`;
			return `the watch asked from revision ${after.waitIndex} on`;
		}
		const then =
			after === undefined
				? "and nobody asked for it later"
				: after.waitIndex === undefined
					? `and the next one, at revision ${after.at}, asked for what comes from then on`
					: `and the next one asked from revision ${after.waitIndex} on`;
		return `no watch was open: the one before had ended at revision ${before.end?.at ?? before.until}, ${then}`;
	}

	#ahead(): string {
		const { after } = this.#around();
		return this.#isV3
			? `not delivered: the watch asks from revision ${after?.waitIndex} of the store that was wiped; the new one's own revisions are lower, and a watch from a later one waits and says nothing`
			: `not delivered: it asks for what comes from index ${after?.waitIndex} of the store that was wiped; the new one's own indexes are lower, and a request for a later one waits and says nothing`;
	}

	#brokenHow(): string {
		const isBroken = ({ kind }: { readonly kind: string }) => kind === "pause" || kind === "cutOff";
		const broke = this.#timeline.faults?.findLast((fault) => isBroken(fault) && fault.at < this.#index);
		return broke?.kind === "pause" ? "stands still" : "is cut off from its leader";
	}

	#paused(): string {
		const { ask, kind } = this.#fate;
		const pause = ask?.pauses.findLast(({ after }) => after < this.#index);
		if (kind === "notKnown")
			return `not known: the reader stopped reading at index ${pause?.after}, and what was sent since then waits for it`;
		if (ask?.end !== undefined && pause?.until === ask.end.at)
			return `not delivered: the reader had stopped reading at index ${pause.after}, and ${endedWords(ask, this.#unit)} before it read on`;
		return "not delivered: the reader had stopped reading, the server's buffer of 100 events was full, and it dropped the watcher";
	}

	#unexplained(): string {
		const { name, key } = this.#watcher;
		const { deliveries, change } = this.#fate;
		const [first] = deliveries;
		if (!first)
			return `"${name}" was asking for the event at ${this.#unit} ${this.#index} and did not get it, and no rule says why`;
		const how =
			deliveries.length > 1
				? ` ${deliveries.length} times`
				: first.fromHistory
					? " from the history"
					: " live";
		return `"${name}" on ${key} was sent ${change.action} ${this.#key}${how}, and no rule says why`;
	}

	#around(): { readonly before: Ask | undefined; readonly after: Ask | undefined } {
		const { finder } = this.#account;
		return { before: finder.before(this.#index), after: finder.after(this.#index) };
	}

	/** "two levels below /a". */
	#below(): string {
		const { key } = this.#watcher;
		const depth = depthBelow(this.#key, key) ?? 0;
		const words = ["no level", "one level", "two levels", "three levels"];
		return `${words[depth] ?? `${depth} levels`} below ${key}`;
	}
}
