import { LabError } from "../http";
import { isBelow, isHiddenFrom } from "../v2/key";
import { type Ask, depthBelow, type Fate, type WatcherAccount, type WriteFate } from "./account";
import { endings } from "./account/asks";
import { asksFor, endedWords, type Reason, type Sentence, SILENT } from "./account/reasons";
import type { WatcherRecord } from "./timeline";

/** A delivery or a silence that no known rule accounts for: a finding, or a fault of this lab. */
export class UnknownReasonError extends LabError {}

/** Whether it came, where the rule says more of that than yes or no. */
const often: Readonly<Partial<Record<Reason, string>>> = {
	"told again": "delivered more than once",
	"asked again": "delivered again",
	"second notice of the removal": "delivered twice",
	"in a stated gap": "not delivered as an event",
	"member silent": "not delivered yet",
};

/** The sentence about one write at one watcher. */
export class Words {
	readonly #account: WatcherAccount;
	readonly #watcher: WatcherRecord;
	readonly #whole: WriteFate;
	readonly #fate: Fate;
	readonly #isV3: boolean;
	readonly #index: number;
	readonly #key: string;

	/** @param fate the one of the write's that says what became of it: its `worst` */
	constructor(account: WatcherAccount, whole: WriteFate, fate: Fate) {
		this.#account = account;
		this.#watcher = account.watcher;
		this.#whole = whole;
		this.#fate = fate;
		this.#isV3 = account.timeline.api === "v3";
		this.#index = fate.change.index;
		this.#key = fate.change.key;
	}

	all(): Sentence {
		const { kind, reason } = this.#fate;
		if (reason === "unexplained") throw new UnknownReasonError(this.#unexplained());
		const sentence: Sentence = [this.#came(), this.#why()];
		const came = this.#whole.fates.filter((fate) => fate.kind === "came").length;
		const { outcome } = this.#whole.write;
		if (kind === "came" && outcome.kind === "failed") {
			const how = outcome.answered ? "was answered with an error" : "had no answer";
			return [sentence[0], `${sentence[1]}; the write ${how}, and was carried out`];
		}
		if (kind === "came" || came === 0) return sentence;
		const due = this.#whole.fates.filter((fate) => fate.kind !== "notDue").length;
		return [`delivered in part, ${came} of ${due} keys`, `${this.#key} was ${sentence.join(": ")}`];
	}

	#came(): string {
		const { kind, reason, deliveries } = this.#fate;
		const known = often[reason];
		if (known !== undefined) return known;
		if (kind !== "came") return kind === "notKnown" ? "not known" : SILENT;
		if (this.#isOfSibling()) return `delivered though ${this.#key} does not hold ${this.#watcher.key}`;
		if (this.#isOfHidden()) return "delivered though hidden";
		if (deliveries[0]?.fromHistory) return "delivered from the history";
		const events = this.#whole.deliveries.length;
		return this.#isV3 && events > 1 ? `delivered as ${events} events of one revision` : "delivered";
	}

	/** The history gave the removal of a directory whose name the watched key's begins with. */
	#isOfSibling(): boolean {
		const { key } = this.#watcher;
		const isAbove = this.#key === key || isBelow(key, this.#key);
		return this.#fate.reason === "history: removed directory's prefix" && !isAbove;
	}

	/** The history gave what a live watch would not have been told of. */
	#isOfHidden(): boolean {
		const { fromHistory } = this.#fate.deliveries[0] ?? {};
		return !this.#isV3 && fromHistory === true && isHiddenFrom(this.#watcher.key, this.#key);
	}

	#why(): string {
		const { reason, told, ask, deliveries } = this.#fate;
		switch (reason) {
			case "told again":
				return "the member was sent the whole store in one piece, and tells a watch again what came since it was registered; mended in 3.5.8 (issue 15271)";
			case "asked again":
				return `the watcher asked from ${this.#isV3 ? "a revision" : "an index"} that was not above this event's`;
			case "followed":
				if (this.#isV3) break;
				return "a follower asks from the index after its last event on, and once more where something could have been skipped";
			case "second notice of the removal":
				return "a stream on exactly the removed key is woken by the removal of the node, and again by the event on its way down the path";
			case "own key":
				if (this.#isV3) break;
				return "the write is on the watched key itself";
			case "recursive":
				if (this.#isV3) break;
				return `${this.#key} is ${this.#below()}, and the watch is recursive`;
			case "removed with its directory":
				return `${this.#key} was removed, and ${this.#watcher.key} with it; the event has the key of what was removed`;
			case "in a stated gap":
				return `it lies in the ${told?.kind} that the follower was told of at ${this.#account.unit} ${told?.at}, with the state to go on from`;
			case "cleared":
				if (this.#isV3) return "it had been compacted before the watch asked for it";
				return `asked for too late, the history had lost it: ${told?.kind === "error" ? told.code : ""} at index ${told?.at}`;
			case "delete compacted away":
				return `the watch asked from exactly the revision up to which was compacted, and etcd up to 3.4.33 and 3.5.15 keeps no delete there; mended in 3.4.34, 3.5.16 and 3.6.0 (issue 18089)`;
			case "ahead of the store":
				return this.#ahead();
			case "member sent the whole store":
				return "the member was so far behind that it was sent the whole store in one piece, and who was waiting on it is not told of what happened in between";
			case "member silent":
				return `the member that it ${this.#isV3 ? "watches at" : "waits on"} ${this.#brokenHow()}, and the connection says nothing of it`;
			case "deaf stream":
				return "the stream was answered from the history, and such a stream is never put on the list of those who wait";
			case "reader paused":
				return this.#paused();
			case "dropped":
				return "the server has dropped the watcher, as it does when a reader is too slow and the buffer of 100 events is full; the connection stays open and says nothing of it";
			case "unproven":
				return `${this.#isV3 ? "the watch asked for it, and nothing" : "nothing"} shows that it was not still on its way`;
			case "lost with its connection":
				return `the watcher was asking, and ${endedWords({ end: ask?.end, answer: ask?.answer }, this.#account.unit)}; what was on its way then is lost`;
			case "not yet asked":
			case "asked from later on":
			case "between two polls":
			case "over":
				return this.#isV3 ? this.#notWatched() : this.#away();
			default:
		}
		if (deliveries.length === 0) return this.#isV3 ? this.#outside() : this.#passedOver();
		return this.#isV3 ? this.#inRange() : this.#fromHistory();
	}

	#inRange(): string {
		const inRange = "its key is in the range that is watched";
		if (this.#fate.deliveries[0]?.fromHistory)
			return `${inRange}, and the watch asked from a revision that was not above it`;
		return this.#whole.deliveries.length === 1
			? inRange
			: "each of these keys is in the range that is watched";
	}

	#fromHistory(): string {
		if (this.#isOfSibling()) return "the history compares the two as texts, and one begins with the other";
		if (this.#isOfHidden())
			return "this watcher was answered from the history, and the history's scan does not look at hidden names";
		return "it had happened before the watcher asked for it";
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
				const ended = before ? endedWords(before, this.#account.unit) : this.#neverAsked();
				if (after === undefined) return `nobody was listening any more, ${ended}`;
				const without =
					after.waitIndex === undefined && this.#watcher.kind === "watch"
						? ", since before its first event it has no index to go on from"
						: "";
				return `nobody was listening, ${ended}. It came back at index ${after.at} and asked for ${asksFor(after)}${without}`;
			}
		}
	}

	/** What ended it, where it never asked. */
	#neverAsked(): string {
		const end = this.#watcher.life.findLast(({ kind }) => endings.has(kind));
		return end ? endedWords({ end, answer: undefined }, this.#account.unit) : "it had never asked";
	}

	#notWatched(): string {
		const { before, after } = this.#around();
		if (before === undefined && after === undefined) return `no watch was open: ${this.#neverAsked()}`;
		if (before === undefined)
			return after?.waitIndex === undefined
				? `the watch was made at revision ${after?.at}, and asked for what comes from then on`
				: `the watch asked from revision ${after.waitIndex} on`;
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
			? `the watch asks from revision ${after?.waitIndex} of the store that was wiped; the new one's own revisions are lower, and a watch from a later one waits and says nothing`
			: `it asks for what comes from index ${after?.waitIndex} of the store that was wiped; the new one's own indexes are lower, and a request for a later one waits and says nothing`;
	}

	#brokenHow(): string {
		const isBroken = ({ kind }: { readonly kind: string }) => kind === "pause" || kind === "cutOff";
		const broke = this.#account.timeline.faults?.findLast(
			(fault) => isBroken(fault) && fault.at < this.#index,
		);
		return broke?.kind === "pause" ? "stands still" : "is cut off from its leader";
	}

	#paused(): string {
		const { ask, kind } = this.#fate;
		const pause = ask?.pauses.findLast(({ after }) => after < this.#index);
		if (kind === "notKnown")
			return `the reader stopped reading at ${this.#account.unit} ${pause?.after}, and what was sent since then waits for it`;
		if (ask?.end !== undefined && pause?.until === ask.end.at)
			return `the reader had stopped reading at ${this.#account.unit} ${pause.after}, and ${endedWords(ask, this.#account.unit)} before it read on`;
		return "the reader had stopped reading, the server's buffer of 100 events was full, and it dropped the watcher";
	}

	#unexplained(): string {
		const { name, key } = this.#watcher;
		const { deliveries, change } = this.#fate;
		const [first] = deliveries;
		if (!first)
			return `"${name}" was asking for the event at ${this.#account.unit} ${this.#index} and did not get it, and no rule says why`;
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
