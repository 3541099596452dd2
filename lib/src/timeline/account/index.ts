import { printable } from "../printable";
import type { Delivery, Timeline, WatcherRecord, WriteRecord } from "../timeline";
import { type Unit, unitOf } from "../words";
import { type Ask, AskFinder, asksOf, groupBy, openSpans, type Span } from "./asks";
import { type Change, type Contents, carriedOut, changesOf, contentsAt } from "./changes";
import { type Fate, type FateKind, fateOf, isDeaf, rarelyIn } from "./fate";
import type { Reason } from "./reasons";

export { type Ask, groupBy, type Span } from "./asks";
export { acceptedChanges, type Change, depthBelow } from "./changes";
export { eventOf, type Fate, isTold, isTooEarly } from "./fate";

/**
 * The one reading of a timeline: what became of each change at each watcher. Charts, tables, claims, predictions,
 * explanations and exercises read it, and nothing else looks into a watcher's life for that.
 */
export interface Account {
	readonly timeline: Timeline;
	/** In the order of the indexes: what the accepted writes changed, and those without an answer that a watcher saw. */
	readonly changes: readonly Change[];
	readonly watchers: readonly WatcherAccount[];
	/** What a write changed: nothing if it was refused; in v3 maybe several keys. */
	changesOf(write: WriteRecord): readonly Change[];
	/** What was there at an index. In one pass over the changes. */
	contentsAt(index: number): Contents;
	/** @throws RangeError for a name that the run lacks */
	watcher(name: string): WatcherAccount;
}

export interface WatcherAccount {
	readonly timeline: Timeline;
	readonly watcher: WatcherRecord;
	/** What its numbers are called. */
	readonly unit: Unit;
	/** In the order in which they were made. */
	readonly asks: readonly Ask[];
	/** Finds the ask that an index falls to, and those before and after it. */
	readonly finder: AskFinder;
	/** When its connection was open. */
	readonly spans: readonly Span[];
	/** The first index that it asked for: what came before was never due to it. 0 for one that never asked. */
	readonly firstAsked: number;
	/** One for each change of the run, in the same order. */
	readonly fates: readonly Fate[];
	/** What it was sent that no write of the run raised: another client's, or an expiry that nobody recorded. */
	readonly foreign: readonly Delivery[];
	readonly total: Total;
	/** What became of one change. */
	fateOfChange(change: Change): Fate | undefined;
	/** What became of one write. */
	fateOf(write: WriteRecord): WriteFate;
}

/** How many changes became what. `due` is what came, was missed, was stated, or is not known. */
interface Total {
	readonly due: number;
	readonly came: number;
	readonly missed: number;
	readonly stated: number;
	readonly notKnown: number;
}

/** What became of a write: of several keys, the worst that became of one (missed, notKnown, stated, came, notDue). */
export interface WriteFate {
	readonly write: WriteRecord;
	readonly kind: FateKind;
	/** "refused", or "unanswered write" where there is nothing to tell a fate of. */
	readonly reason: Reason;
	/** Of each key; none for a write that was refused, or that had no answer and that nobody saw. */
	readonly fates: readonly Fate[];
	/** The one that `kind` and `reason` are of. */
	readonly worst: Fate | undefined;
	/** Of all its keys, in the order of arrival at each. */
	readonly deliveries: readonly Delivery[];
	/** How often the event came; of several keys, that which came most often. */
	readonly times: number;
}

const accounts = new WeakMap<Timeline, Account>();

/**
 * The account of a timeline, made once for each timeline: in one pass over its writes, and one for each watcher that is
 * asked for. @throws TypeError for what is no timeline
 */
export function accountOf(timeline: Timeline): Account {
	checkTimeline(timeline);
	const known = accounts.get(timeline);
	if (known) return known;
	const account = new TimelineAccount(timeline);
	accounts.set(timeline, account);
	return account;
}

/** @throws TypeError for what is no timeline: of a cell that was not run, or was interrupted, and of a scenario */
export function checkTimeline(given: unknown): void {
	if (typeof given !== "object" || given === null || !("writes" in given))
		throw new TypeError("this is no timeline: run the scenario first, and give what run() resolved to");
}

class TimelineAccount implements Account {
	readonly changes: readonly Change[];
	readonly #byWrite: ReadonlyMap<WriteRecord, readonly Change[]>;
	readonly watchers: readonly WatcherAccount[];

	constructor(readonly timeline: Timeline) {
		const unanswered = carriedOut(timeline);
		this.changes = changesOf(timeline, unanswered);
		this.#byWrite = groupBy(this.changes, ({ write }) => write);
		const doubtful = timeline.writes
			.filter(
				(write) => write.outcome.kind === "failed" && write.outcome.maybeApplied && !unanswered.has(write),
			)
			.map(({ key }) => key);
		this.watchers = timeline.watchers.map((watcher) => new OneWatcher(this, watcher, doubtful));
	}

	changesOf(write: WriteRecord): readonly Change[] {
		return this.#byWrite.get(write) ?? [];
	}

	contentsAt(index: number): Contents {
		return contentsAt(this.timeline, this.changes, index);
	}

	watcher(name: string): WatcherAccount {
		const found = this.watchers.find(({ watcher }) => watcher.name === name);
		if (found) return found;
		const names = this.watchers.map(({ watcher }) => `"${printable(watcher.name)}"`).join(", ");
		throw new RangeError(
			`the run has no watcher "${printable(name)}"; it has ${names === "" ? "none" : names}`,
		);
	}
}

/** From the worst on. */
const severity: readonly FateKind[] = ["missed", "notKnown", "stated", "came", "notDue"];

class OneWatcher implements WatcherAccount {
	readonly timeline: Timeline;
	readonly unit: Unit;
	readonly #account: Account;
	readonly #doubtful: readonly string[];
	#asks: readonly Ask[] | undefined;
	#finder: AskFinder | undefined;
	#fates: readonly Fate[] | undefined;
	#byChange: ReadonlyMap<Change, Fate> | undefined;
	#foreign: readonly Delivery[] | undefined;
	#total: Total | undefined;

	constructor(
		account: Account,
		readonly watcher: WatcherRecord,
		doubtful: readonly string[],
	) {
		this.#account = account;
		this.#doubtful = doubtful;
		this.timeline = account.timeline;
		this.unit = unitOf(account.timeline);
	}

	get asks(): readonly Ask[] {
		this.#asks ??= asksOf(this.watcher);
		return this.#asks;
	}

	get finder(): AskFinder {
		this.#finder ??= new AskFinder(this.asks);
		return this.#finder;
	}

	get spans(): readonly Span[] {
		return openSpans(this.asks, (ask) => isDeaf(this.timeline, this.watcher, ask));
	}

	get firstAsked(): number {
		return this.asks[0]?.from ?? 0;
	}

	get fates(): readonly Fate[] {
		this.#fates ??= this.#tellFates();
		return this.#fates;
	}

	get foreign(): readonly Delivery[] {
		if (this.#foreign === undefined) {
			const own = new Set(this.#account.changes.map(nameOf));
			this.#foreign = this.watcher.deliveries.filter((delivery) => !own.has(nameOf(delivery)));
		}
		return this.#foreign;
	}

	get total(): Total {
		if (this.#total === undefined) {
			const count = { came: 0, missed: 0, stated: 0, notKnown: 0, notDue: 0 };
			for (const { kind } of this.fates) count[kind]++;
			const { notDue, ...due } = count;
			this.#total = { ...due, due: this.fates.length - notDue };
		}
		return this.#total;
	}

	fateOfChange(change: Change): Fate | undefined {
		this.#byChange ??= new Map(this.fates.map((fate) => [fate.change, fate]));
		return this.#byChange.get(change);
	}

	fateOf(write: WriteRecord): WriteFate {
		const fates = this.#account.changesOf(write).flatMap((change) => this.fateOfChange(change) ?? []);
		const [first] = fates;
		if (first === undefined) return unaccepted(write);
		const worst = fates.reduce(
			(a, b) => (severity.indexOf(b.kind) < severity.indexOf(a.kind) ? b : a),
			first,
		);
		const { kind, reason } = worst;
		const deliveries = fates.flatMap((fate) => fate.deliveries);
		const times = Math.max(...fates.map((fate) => fate.deliveries.length));
		return { write, kind, reason, fates, worst, deliveries, times };
	}

	#tellFates(): readonly Fate[] {
		const { changes } = this.#account;
		const came = groupBy(this.watcher.deliveries, nameOf);
		const { timeline, asks, watcher, finder } = this;
		const of = { timeline, watcher, asks, finder, ...rarelyIn(watcher, asks), doubtful: this.#doubtful };
		return changes.map((change) => fateOf(of, change, came.get(nameOf(change)) ?? []));
	}
}

function unaccepted(write: WriteRecord): WriteFate {
	const isFailed = write.outcome.kind === "failed" && write.outcome.maybeApplied;
	const kind = isFailed ? "notKnown" : "notDue";
	const reason = write.outcome.kind === "failed" ? "unanswered write" : "refused";
	return { write, kind, reason, fates: [], worst: undefined, deliveries: [], times: 0 };
}

/** An event is known by its index and its key: in v3 several keys have one index. */
function nameOf({ index, key }: { readonly index: number; readonly key: string }): string {
	return `${index} ${key}`;
}
