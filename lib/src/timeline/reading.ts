import { type Change, type Fate, isTooEarly, type WatcherAccount, type WriteFate } from "./account";
import type { Accepted, Delivery, WriteRecord } from "./timeline";
import { counted, type Unaccepted } from "./words";

export * from "./words";

/** What is shown of a write at a watcher, as the account tells it. */
export type Shown =
	| { readonly kind: "unaccepted"; readonly outcome: Unaccepted }
	| {
			readonly kind: "came";
			readonly outcome: Accepted;
			readonly deliveries: readonly Delivery[];
			/** How many keys of the write were due to it: in v3 maybe several. */
			readonly due: number;
			/** Those of them that did not come. */
			readonly lacking: readonly Change[];
	  }
	| {
			readonly kind: "absent";
			readonly outcome: Accepted;
			/** What the watcher was doing about it; "asking" also where it was none of its business, whatever it did. */
			readonly state: Fate["state"];
			/** It was told that it can't have it: in a gap, a reset or a 401. */
			readonly isStated: boolean;
	  }
	| { readonly kind: "noEvent"; readonly outcome: Accepted }
	| { readonly kind: "elsewhere"; readonly outcome: Accepted };

export function shownOf(account: WatcherAccount, write: WriteRecord): Shown {
	const { fates, deliveries } = account.fateOf(write);
	const outcome = acceptedAs(write, fates);
	if (outcome.kind !== "accepted") return { kind: "unaccepted", outcome };
	if (deliveries.length > 0) {
		const due = fates.filter(({ kind }) => kind !== "notDue");
		const lacking = due.flatMap(({ kind, change }) => (kind === "came" ? [] : [change]));
		return { kind: "came", outcome, deliveries, due: due.length, lacking };
	}
	if (!outcome.raisesEvent) return { kind: "noEvent", outcome };
	const near = fates.filter(({ isNear }) => isNear);
	const fate = near.find(({ kind }) => kind !== "notDue") ?? near[0];
	if (!fate) return { kind: "elsewhere", outcome };
	return { kind: "absent", outcome, state: stateOf(fate), isStated: fate.told !== undefined };
}

/** The outcome of a write; of one without an answer, where an event shows that it was carried out, as it was. */
function acceptedAs({ outcome }: WriteRecord, [first]: WriteFate["fates"]): WriteRecord["outcome"] {
	if (outcome.kind !== "failed" || first === undefined) return outcome;
	const { index, action, node, prevNode, raisesEvent } = first.change;
	return { kind: "accepted", index, action, node, raisesEvent, ...(prevNode ? { prevNode } : {}) };
}

function stateOf(fate: Fate): Fate["state"] {
	const { kind, reason, state } = fate;
	if (kind === "notDue" && !isTooEarly(fate)) return "asking";
	return state === "later" && reason !== "asked from later on" ? "away" : state;
}

/** "3 of 4 came": of what was due. With a noun also how much else happened there: "3 of 4 events came, 2 not due". */
export function totalWords({ total: { due, came }, fates }: WatcherAccount, noun?: string): string {
	const others = fates.filter(({ kind, isNear }) => isNear && kind === "notDue").length;
	if (due === 0)
		return noun === undefined || others === 0
			? "nothing was due"
			: `nothing was due of ${counted(others, noun)}`;
	const rest = noun === undefined || others === 0 ? "" : `, ${others} not due`;
	return `${came} of ${noun === undefined ? due : counted(due, noun)} came${rest}`;
}

/** How often the same event is among these: of a v3 revision each key's is another one. */
export function timesOf(deliveries: readonly Delivery[]): number {
	const times = new Map<string, number>();
	for (const { key } of deliveries) times.set(key, (times.get(key) ?? 0) + 1);
	return Math.max(0, ...times.values());
}
