import type { AcceptedWrite } from "../timeline/scope";
import type { Delivery, LifeEvent, Timeline, WatcherRecord, WriteRecord } from "../timeline/timeline";

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
	readonly evidence: readonly Evidence[];
	/** "v3" when it is of a v3 run, whose indexes are revisions. */
	readonly api?: "v3";
}

/** A statement about etcd's watch that a run can confirm, refute, or leave untested. */
export type Claim = (timeline: Timeline) => Verdict;

function withoutFollowers(timeline: Timeline): Timeline {
	const watchers = timeline.watchers.filter(({ kind }) => kind !== "follow");
	return watchers.length === timeline.watchers.length ? timeline : { ...timeline, watchers };
}

/** A verdict without its claim. */
export type Finding = Omit<Verdict, "claim" | "api">;

/**
 * A claim from its statement and its check. Claims are about etcd's watch: a follower is no witness for or against it.
 * `v2Only`: why it says nothing of v3, where it does not; a run on v3 then leaves it untested.
 */
export function claim(
	statement: string,
	check: (timeline: Timeline) => Finding,
	options: { readonly v2Only?: string } = {},
): Claim {
	return (timeline) => {
		if (timeline.api === "v2") return { claim: statement, ...check(withoutFollowers(timeline)) };
		const { v2Only } = options;
		const found =
			v2Only === undefined ? check(withoutFollowers(timeline)) : untested(`of v3 it says nothing: ${v2Only}`);
		return { claim: statement, ...found, api: "v3" };
	};
}

const shownEvidence = 6;

function finding(verdict: Verdict["verdict"], because: string, evidence: readonly Evidence[]): Finding {
	return { verdict, because, evidence: evidence.slice(0, shownEvidence) };
}

export function confirmed(because: string, evidence: readonly Evidence[]): Finding {
	return finding("confirmed", because, evidence);
}

export function refuted(because: string, evidence: readonly Evidence[]): Finding {
	return finding("refuted", because, evidence);
}

export function untested(because: string, evidence: readonly Evidence[] = []): Finding {
	return finding("untested", because, evidence);
}

export function writeEvidence({ write }: AcceptedWrite): Evidence {
	return { kind: "write", write };
}

export function deliveryEvidence(watcher: WatcherRecord, delivery: Delivery): Evidence {
	return { kind: "delivery", watcher: watcher.name, delivery };
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
export function noneWords(events: number): string {
	return events === 1 ? "the one event did not come" : `none of ${count(events, "event")} came`;
}
