import { brokenFor } from "./broken";
import type { Explanation } from "./explain";
import { changesOf, depthBelow, isVisible, listened, listenings, statedBy } from "./scope";
import type { LifeEvent, Timeline, WatcherRecord, WriteRecord } from "./timeline";

/** Why a v3 watch was or wasn't told of a write. */
export type V3Reason =
	| "v3: in its range"
	| "v3: from an old revision"
	| "v3: told again"
	| "v3: outside its range"
	| "v3: nothing was done"
	| "v3: no answer"
	| "v3: compacted"
	| "v3: in a stated gap"
	| "v3: not watched then"
	| "v3: member silent"
	| "v3: ahead of the store"
	| "v3: unproven";

/** Where in etcd's tree, at v3.5.9, the rule stands, or "" where it is the client's; and the page that shows it. */
const sources: Readonly<Record<V3Reason, readonly [source: string, notebook: string]>> = {
	"v3: in its range": ["server/mvcc/watchable_store.go, notify", "06-indexes-and-revisions"],
	"v3: from an old revision": ["server/mvcc/watchable_store.go, syncWatchers", "06-indexes-and-revisions"],
	"v3: told again": ["server/mvcc/watchable_store.go, Restore", "08-faults"],
	"v3: outside its range": ["server/mvcc/watcher_group.go, watcherSetByKey", "06-indexes-and-revisions"],
	"v3: nothing was done": ["server/etcdserver/apply.go, Txn", "06-indexes-and-revisions"],
	"v3: no answer": ["", "06-indexes-and-revisions"],
	"v3: compacted": ["server/mvcc/watcher_group.go, chooseAll", "06-indexes-and-revisions"],
	"v3: in a stated gap": ["", "06-indexes-and-revisions"],
	"v3: not watched then": ["", "06-indexes-and-revisions"],
	"v3: member silent": ["", "08-faults"],
	"v3: ahead of the store": ["server/mvcc/watchable_store.go, watch", "08-faults"],
	"v3: unproven": ["", "06-indexes-and-revisions"],
};

/**
 * The same as `explain`, for a run on v3, where one rule decides: a watch is told every event whose key is in its range
 * and whose revision is not below the one that it asked from. An event that it should have been told of and was not is
 * "unproven" where the watch may have been behind, and otherwise nothing that this lab knows of. One that came twice
 * was told again after a snapshot (`Restore` in mvcc/watchable_store.go at v3.5.1; issue 15271).
 */
export function explainV3(timeline: Timeline, watcher: WatcherRecord, write: WriteRecord): Explanation {
	const { outcome } = write;
	if (outcome.kind === "refused") {
		return because("v3: nothing was done", 0, `not delivered: nothing was written (${outcome.message})`);
	}
	if (outcome.kind === "failed") {
		return because("v3: no answer", 0, "not known: the write had no answer, so nobody knows its revision");
	}
	const { index } = outcome;
	const deliveries = watcher.deliveries.filter((delivery) => delivery.index === index);
	const [first] = deliveries;
	if (first) {
		const inRange = "its key is in the range that is watched";
		if (new Set(deliveries.map(({ key }) => key)).size < deliveries.length) {
			const words =
				"delivered more than once: the member was sent the whole store in one piece, and tells a watch again what came since it was registered; mended in 3.5.8 (issue 15271)";
			return because("v3: told again", deliveries.length, words);
		}
		if (first.fromHistory) {
			const words = `delivered from the history: ${inRange}, and the watch asked from a revision that was not above it`;
			return because("v3: from an old revision", deliveries.length, words);
		}
		const many =
			deliveries.length === 1
				? `delivered: ${inRange}`
				: `delivered as ${deliveries.length} events of one revision: each of these keys is in the range that is watched`;
		return because("v3: in its range", deliveries.length, many);
	}
	if (!changesOf(write).some((change) => isVisible(timeline, watcher, change))) {
		return because("v3: outside its range", 0, `not delivered: ${outsideWords(watcher, outcome.node.key)}`);
	}
	return silence(timeline, watcher, index);
}

function outsideWords(watcher: WatcherRecord, key: string): string {
	const isBelow = depthBelow(key, watcher.key) !== undefined;
	if (isBelow) return `the watch is on the one key ${watcher.key}, and ${key} is another`;
	const range = watcher.recursive ? `${watcher.key} and what begins with ${watcher.key}/` : watcher.key;
	return `the watch is on ${range}, and ${key} is not in it`;
}

function silence(timeline: Timeline, watcher: WatcherRecord, index: number): Explanation {
	const told = statedBy(watcher, index);
	if (told?.kind === "gap" || told?.kind === "reset") {
		const words = `not delivered as an event: it lies in the ${told.kind} that the follower was told of at revision ${told.at}, with the state to go on from`;
		return because("v3: in a stated gap", 0, words);
	}
	if (told !== undefined) {
		const words = "not delivered: it had been compacted before the watch asked for it";
		return because("v3: compacted", 0, words);
	}
	const broken = brokenFor(timeline, watcher, index);
	if (broken?.kind === "ahead") {
		const words = `not delivered: the watch asks from revision ${broken.waitIndex} of the store that was wiped; the new one's own revisions are lower, and a watch from a later one waits and says nothing`;
		return because("v3: ahead of the store", 0, words);
	}
	if (broken?.kind === "silent") {
		const words = `not delivered yet: the member that it watches at ${broken.how}, and the connection says nothing of it`;
		return because("v3: member silent", 0, words);
	}
	if (listened(watcher, index)) {
		const words = "not known: the watch asked for it, and nothing shows that it was not still on its way";
		return because("v3: unproven", 0, words);
	}
	const times = listenings(watcher);
	const before = times.findLast(({ to }) => to < index);
	const after = times.find(({ from }) => from > index);
	return because("v3: not watched then", 0, `not delivered: ${awayWords(before?.end, after?.asked)}`);
}

function awayWords(
	end: LifeEvent | undefined,
	asked: Extract<LifeEvent, { kind: "asked" }> | undefined,
): string {
	const then =
		asked === undefined
			? "and nobody asked for it later"
			: asked.waitIndex === undefined
				? `and the next one, at revision ${asked.at}, asked for what comes from then on`
				: `and the next one asked from revision ${asked.waitIndex} on`;
	if (end === undefined) {
		return asked?.waitIndex === undefined
			? `the watch was made at revision ${asked?.at ?? 0}, and asked for what comes from then on`
			: `the watch asked from revision ${asked.waitIndex} on`;
	}
	return `no watch was open: the one before had ended at revision ${end.at}, ${then}`;
}

function because(reason: V3Reason, times: number, words: string): Explanation {
	const [source, notebook] = sources[reason];
	return { delivered: times, reason, words, source, notebook };
}
