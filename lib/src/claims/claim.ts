import {
	type Account,
	accountOf,
	type Change,
	depthBelow,
	type Fate,
	type WatcherAccount,
} from "../timeline/account";
import type { Delivery, LifeEvent, Timeline, WatcherRecord, WriteRecord } from "../timeline/timeline";
import { isHiddenFrom } from "../v2/key";

/** A row of a timeline that a verdict rests on. */
export type Evidence =
	| { readonly kind: "write"; readonly write: WriteRecord }
	| { readonly kind: "delivery"; readonly watcher: string; readonly delivery: Delivery }
	| { readonly kind: "life"; readonly watcher: string; readonly event: LifeEvent };

/** What a run says of a claim: `untested` when nothing in it could have shown the claim to be false. */
export interface Verdict {
	readonly claim: string;
	readonly verdict: "confirmed" | "refuted" | "untested";
	readonly because: string;
	/** All of it; `showVerdict` shows the first rows. */
	readonly evidence: readonly Evidence[];
	/** "v3" when it is of a v3 run, whose indexes are revisions. */
	readonly api?: "v3";
	/** As a timeline's, where it is of a record. */
	readonly recorded?: string;
}

/** A statement about etcd's watch that a run can confirm, refute, or leave untested. */
export type Claim = (timeline: Timeline) => Verdict;

/** A verdict without its claim. */
export type Finding = Omit<Verdict, "claim" | "api" | "recorded">;

/** A run as a claim reads it. */
export interface Run {
	readonly timeline: Timeline;
	readonly account: Account;
	readonly changes: Account["changes"];
	/** etcd's own: a follower is no witness for or against a claim about etcd's watch. */
	readonly watchers: readonly WatcherAccount[];
	/** What is said of a run on v2, or in the words of v3 of one on v3. */
	readonly say: (ofV2: string, ofV3: string) => string;
}

/**
 * A claim from its statement and its check. `v3`: the statement of a run on v3, where v2's words mean nothing there.
 * `v2Only`: why it says nothing of v3, where it does not; a run on v3 then leaves it untested.
 */
export function claim(
	statement: string,
	check: (run: Run) => Finding,
	options: { readonly v3?: string; readonly v2Only?: string } = {},
): Claim {
	return (timeline) => {
		const { v3 = statement, v2Only } = options;
		const account = accountOf(timeline);
		const isV3 = timeline.api === "v3";
		const { changes } = account;
		const run: Run = {
			timeline,
			account,
			changes,
			watchers: account.watchers.filter(({ watcher }) => watcher.kind !== "follow"),
			say: (ofV2, ofV3) => (isV3 ? ofV3 : ofV2),
		};
		const found = isV3 && v2Only !== undefined ? untested(`of v3 it says nothing: ${v2Only}`) : check(run);
		const { recorded } = timeline;
		return {
			...{ claim: isV3 ? v3 : statement, ...found },
			...(isV3 ? { api: "v3" } : {}),
			...(recorded === undefined ? {} : { recorded }),
		};
	};
}

/** A change at a watcher. */
export interface Pair {
	readonly watcher: WatcherRecord;
	readonly change: Change;
	readonly fate: Fate;
}

/** Every watcher with every event that the rule picks. */
export function pairs({ watchers }: Run, picks: (watcher: WatcherRecord, change: Change) => boolean): Pair[] {
	return watchers.flatMap(({ watcher, fates }) =>
		fates
			.filter(({ change }) => change.raisesEvent && picks(watcher, change))
			.map((fate) => ({ watcher, change: fate.change, fate })),
	);
}

/** True for what lies on the watched key, below or above it, hidden names aside. */
export function isVisible({ timeline }: Run, { key }: WatcherRecord, { isNear, change }: Fate): boolean {
	return isNear && !(timeline.api === "v2" && isHiddenFrom(key, change.key));
}

/** How many levels the change lies below the watched key, hidden names aside: 0 for none. */
export function visibleDepth({ timeline }: Run, { key }: WatcherRecord, change: Change): number {
	return timeline.api === "v2" && isHiddenFrom(key, change.key) ? 0 : (depthBelow(change.key, key) ?? 0);
}

export function came({ deliveries }: Fate): boolean {
	return deliveries.length > 0;
}

/**
 * True when it matters whether it came: the watcher was asking for it, nothing that it was sent is unseen, and no fault,
 * pause or deafness would account for a silence.
 */
export function testifies({ isProven, excuse }: Fate): boolean {
	return isProven && excuse === undefined;
}

/** True when it did not come, though by all rules it had to: nothing that is known accounts for it, or a fault of etcd's. */
export function isLost(fate: Fate): boolean {
	const isAgainstTheRules = fate.reason === "unexplained" || fate.reason === "delete compacted away";
	return !came(fate) && isAgainstTheRules && testifies(fate);
}

/** One that had to come did not: refuted. All of them came: confirmed. */
export function allCame(found: readonly Pair[], what: string, none: string): Finding {
	const telling = found.filter(({ fate }) => testifies(fate));
	const silent = telling.filter(({ fate }) => !came(fate));
	const [first] = silent;
	if (first) {
		return refuted(
			`${count(silent.length, "event")} did not come; the first is ${first.change.action} ${first.change.key} at "${first.watcher.name}"`,
			evidenceOf(silent),
		);
	}
	return telling.length === 0
		? untested(none)
		: confirmed(`${what}: ${all(telling.length, "event")} came`, evidenceOf(telling));
}

/** One of them came: refuted. None did, and it is known that none was on its way: confirmed. */
export function noneCame(found: readonly Pair[], what: string, none: () => Finding): Finding {
	const heard = found.filter(({ fate }) => came(fate));
	const [first] = heard;
	if (first) {
		return refuted(
			`${count(heard.length, "event")} came; the first is ${first.change.action} ${first.change.key} at "${first.watcher.name}"`,
			evidenceOf(heard),
		);
	}
	const silent = found.filter(({ fate }) => testifies(fate));
	return silent.length === 0
		? none()
		: confirmed(
				`${what}: ${noneWords(silent.length)}, and it is known that nothing was on its way`,
				evidenceOf(silent),
			);
}

export function confirmed(because: string, evidence: readonly Evidence[]): Finding {
	return { verdict: "confirmed", because, evidence };
}

export function refuted(because: string, evidence: readonly Evidence[]): Finding {
	return { verdict: "refuted", because, evidence };
}

export function untested(because: string, evidence: readonly Evidence[] = []): Finding {
	return { verdict: "untested", because, evidence };
}

export function evidenceOf(found: readonly Pair[]): Evidence[] {
	return found.flatMap(({ watcher, change, fate }) => [
		writeEvidence(change),
		...sentEvidence(watcher, fate.deliveries),
	]);
}

/** The writes of these. */
export function writesOf(fates: readonly Fate[]): Evidence[] {
	return fates.map(({ change }) => writeEvidence(change));
}

export function writeEvidence({ write }: { readonly write: WriteRecord }): Evidence {
	return { kind: "write", write };
}

export function sentEvidence({ name }: WatcherRecord, deliveries: readonly Delivery[]): Evidence[] {
	return deliveries.map((delivery) => ({ kind: "delivery", watcher: name, delivery }));
}

export function lifeEvidence(watcher: WatcherRecord, event: LifeEvent): Evidence {
	return { kind: "life", watcher: watcher.name, event };
}

/** "1 write", "3 writes". */
export function count(number: number, noun: string): string {
	return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** "all 3 events", "both events", "the one event". */
export function all(number: number, noun: string): string {
	if (number === 2) return `both ${noun}s`;
	return number === 1 ? `the one ${noun}` : `all ${count(number, noun)}`;
}

/** "none of 3 events came", "the one event did not come". */
function noneWords(events: number): string {
	return events === 1 ? "the one event did not come" : `none of ${count(events, "event")} came`;
}
