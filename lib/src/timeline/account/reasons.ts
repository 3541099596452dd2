import type { DeliveryRule } from "../../model";
import type { PassedOver } from "../../model/reach";
import type { Timeline, WriteRecord } from "../timeline";
import { type Unit, unitOf } from "../words";
import type { Ask } from "./asks";

/** The rule that decided what became of a write at a watcher; the same words for v2 and v3. */
export type Reason =
	| DeliveryRule
	| PassedOver
	| "refused"
	| "unanswered write"
	| "asked again"
	| "told again"
	| "not yet asked"
	| "asked from later on"
	| "between two polls"
	| "over"
	| "lost with its connection"
	| "cleared"
	| "delete compacted away"
	| "deaf stream"
	| "reader paused"
	| "dropped"
	| "unproven"
	| "followed"
	| "in a stated gap"
	| "member sent the whole store"
	| "member silent"
	| "ahead of the store"
	| "unexplained";

/** Where in etcd's tree, at v3.5.9, the rule stands, or "" where it is the client's; and the page that shows it. */
export type Source = readonly [source: string, notebook: string];

const v2: Readonly<Record<Reason, Source>> = {
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
	"told again": ["", "08-faults"],
	"not yet asked": ["v2store/store.go, Watch", "03-missed-events"],
	"asked from later on": ["v2store/watcher.go, notify", "04-afterindex-recovery"],
	"between two polls": ["v2http/client.go, handleKeyWatch", "03-missed-events"],
	over: ["v2http/client.go, handleKeyWatch", "03-missed-events"],
	"lost with its connection": ["v2http/client.go, handleKeyWatch", "03-missed-events"],
	cleared: ["v2store/event_history.go, scan", "04-afterindex-recovery"],
	"delete compacted away": ["", "10-versions"],
	"deaf stream": ["v2store/watcher_hub.go, watch", "03-missed-events"],
	"reader paused": ["v2store/watcher.go, notify", "03-missed-events"],
	dropped: ["v2store/watcher.go, notify", "03-missed-events"],
	unproven: ["", "01-recursive"],
	followed: ["", "08-faults"],
	"in a stated gap": ["v2store/event_history.go, scan", "04-afterindex-recovery"],
	"member sent the whole store": ["v2store/store.go, Recovery", "08-faults"],
	"member silent": ["", "08-faults"],
	"ahead of the store": ["v2store/event_history.go, scan", "08-faults"],
	unexplained: ["", "08-faults"],
};

const notified: Source = ["server/mvcc/watchable_store.go, notify", "06-indexes-and-revisions"];
const synced: Source = ["server/mvcc/watchable_store.go, syncWatchers", "06-indexes-and-revisions"];
const outside: Source = ["server/mvcc/watcher_group.go, watcherSetByKey", "06-indexes-and-revisions"];

/** What differs in v3; for all else the page that compares the two, and no source. */
const v3: Readonly<Partial<Record<Reason, Source>>> = {
	"own key": notified,
	recursive: notified,
	"history: own key": synced,
	"history: recursive": synced,
	"asked again": synced,
	"told again": ["server/mvcc/watchable_store.go, Restore", "08-faults"],
	elsewhere: outside,
	"not recursive": outside,
	refused: ["server/etcdserver/apply.go, Txn", "06-indexes-and-revisions"],
	cleared: ["server/mvcc/watcher_group.go, chooseAll", "06-indexes-and-revisions"],
	"delete compacted away": ["server/mvcc/key_index.go, compact", "10-versions"],
	"member silent": ["", "08-faults"],
	"ahead of the store": ["server/mvcc/watchable_store.go, watch", "08-faults"],
};

/** Every reason that there is. */
export const reasons = Object.keys(v2) as readonly Reason[];

export function sourceOf(reason: Reason, api: Timeline["api"]): Source {
	return api === "v2" ? v2[reason] : (v3[reason] ?? ["", "06-indexes-and-revisions"]);
}

/** Whether it came, such as "not delivered", and why. */
export type Sentence = readonly [came: string, why: string];

/** Why a write that took no index came to nobody. */
export function unacceptedWords(api: Timeline["api"], { outcome }: WriteRecord): Sentence {
	if (outcome.kind === "failed" && !outcome.maybeApplied)
		return [SILENT, "the write reached no server, so there was no event"];
	if (outcome.kind === "failed" && outcome.answered)
		return [
			"not known",
			"the write was answered with an error that does not tell whether it was carried out",
		];
	if (outcome.kind !== "refused")
		return ["not known", `the write had no answer, so nobody knows its ${unitOf({ api })}`];
	if (api === "v3") return [SILENT, `nothing was written (${outcome.message})`];
	const why = `${outcome.code} ${outcome.message}${outcome.cause === "" ? "" : ` (${outcome.cause})`}`;
	return [SILENT, `the write failed with ${why}, so there was no event`];
}

export const SILENT = "not delivered";

/** How an ask ended: "its connection was cut at index 3". */
export function endedWords({ end, answer }: Pick<Ask, "end" | "answer">, unit: Unit): string {
	const at = `at ${unit} ${end?.at}`;
	if (unit === "revision" && (end === undefined || end.kind === "answered"))
		return `the watch was closed after its first event${end === undefined ? "" : ` ${at}`}`;
	switch (end?.kind) {
		case undefined:
			return "its poll had been answered without an event";
		case "answered":
			// The response's own index is that of its beginning.
			return `its poll had been answered ${answer === undefined ? "without an event" : at}`;
		case "closed":
			return `it was closed ${at}`;
		case "cut":
			return `its connection was cut ${at}`;
		case "error":
			return `it had ended with ${end.code} ${end.message} ${at}`;
		default:
			return `it had ended ${at}`;
	}
}

/** "index 4 on". */
export function asksFor(ask: Ask | undefined): string {
	return ask?.waitIndex === undefined ? "what comes from then on" : `index ${ask.waitIndex} on`;
}
