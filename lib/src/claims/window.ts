import {
	accepted,
	deliveriesOfWrite,
	depthBelow,
	isHidden,
	isVisible,
	listenings,
	removes,
	silenceIsProven,
} from "../timeline/scope";
import type { LifeEvent, NodeRecord, Timeline, WatcherRecord } from "../timeline/timeline";
import {
	claim,
	confirmed,
	count,
	deliveryEvidence,
	type Evidence,
	lifeEvidence,
	refuted,
	untested,
	writeEvidence,
} from "./claim";

/** How many events etcd keeps (`newWatchHub(1000)` in v2store/store.go at v3.5.9). */
export const windowSize = 1000;

type Cleared = Extract<LifeEvent, { kind: "error" }> & {
	readonly gap: { readonly from: number; readonly to: number };
};

function clearedAt(watcher: WatcherRecord): Cleared[] {
	return watcher.life.filter((event): event is Cleared => event.kind === "error" && event.gap !== undefined);
}

export const historyHoldsAThousandEvents = claim(
	"The history that afterIndex reads from holds the last 1000 events of the store",
	(timeline) => {
		const found = timeline.watchers.flatMap((watcher) =>
			clearedAt(watcher).map((cleared) => ({ watcher, cleared })),
		);
		if (found.length === 0) return untested("no watch asked for more than there was");
		// A refresh takes an index and puts no event into the history.
		const quiet = accepted(timeline).filter(({ outcome }) => !outcome.raisesEvent).length;
		if (quiet > 0) return untested("refreshes took indexes without events: the count would not tell");
		const keptAt = ({ cleared }: (typeof found)[number]) => cleared.at - cleared.gap.to;
		const shown = found.find((one) => keptAt(one) !== windowSize) ?? found[0];
		if (!shown) return untested("no watch asked for more than there was");
		const kept = keptAt(shown);
		const { at, gap } = shown.cleared;
		const evidence = found.map(({ watcher, cleared }) => lifeEvidence(watcher, cleared));
		return kept === windowSize
			? confirmed(`at index ${at} the oldest it could still have was ${gap.to + 1}: ${kept} events`, evidence)
			: refuted(
					`at index ${at} the oldest it could still have was ${gap.to + 1}: ${kept} events, not ${windowSize}`,
					evidence,
				);
	},
	{ v2Only: "it keeps everything until somebody compacts it" },
);

function refusalWords({ code }: Cleared): string {
	return code === 401 ? "got 401" : "was refused, since it has been compacted";
}

export const quietKeyIsThrownOut = claim(
	"A watch on a quiet key is thrown out by other people's writes, though nothing of its own was lost",
	(timeline) => {
		const evidence: Evidence[] = [];
		for (const watcher of timeline.watchers) {
			for (const cleared of clearedAt(watcher)) {
				const own = accepted(timeline).filter(
					(write) =>
						write.index >= cleared.gap.from &&
						write.index <= cleared.at &&
						isVisible(timeline, watcher, write),
				);
				if (own.length === 0) {
					return confirmed(
						`"${watcher.name}" asked for ${timeline.api === "v3" ? "revision" : "index"} ${cleared.gap.from} and ${refusalWords(cleared)}, and no write from there to ${cleared.at} was on its key`,
						[lifeEvidence(watcher, cleared)],
					);
				}
				evidence.push(...own.map(writeEvidence));
			}
		}
		// A refresh takes an index and pushes nothing out of the history.
		const quiet = accepted(timeline).filter(({ outcome }) => !outcome.raisesEvent);
		const eventsFrom = (from: number, to: number) =>
			to - from + 1 - quiet.filter(({ index }) => index >= from && index <= to).length;
		const survived = timeline.watchers.flatMap((watcher) =>
			listenings(watcher)
				.filter(
					({ asked }) => asked.waitIndex !== undefined && eventsFrom(asked.waitIndex, asked.at) > windowSize,
				)
				.map(({ asked }) => lifeEvidence(watcher, asked)),
		);
		if (survived.length > 0)
			return refuted("a watch asked for what lay further back, and was served", survived);
		return evidence.length > 0
			? untested("the watch that was refused had lost events of its own", evidence)
			: untested("no watch asked for an index that lay 1000 events back");
	},
);

/** What a read of a key shows: in v2 a directory's children too, and no hidden ones below it. */
function isRead(
	{ api }: Timeline,
	read: Pick<WatcherRecord, "key" | "recursive">,
	key: string,
	depth: number,
): boolean {
	if (api === "v3") return read.recursive || depth === 0;
	return (read.recursive || depth <= 1) && !isHidden(key, read.key);
}

/** The files that a reader of the tree would find at an index, by the accepted writes alone. */
function stateAt(timeline: Timeline, { key, recursive }: WatcherRecord, index: number): Map<string, number> {
	const state = new Map<string, number>();
	for (const write of accepted(timeline)) {
		if (write.index > index) break;
		const depth = depthBelow(write.key, key);
		if (removes(write)) {
			const goes = (file: string) =>
				timeline.api === "v3" ? file === write.key : depthBelow(file, write.key) !== undefined;
			for (const file of [...state.keys()]) if (goes(file)) state.delete(file);
		} else if (write.outcome.node.dir) {
			state.delete(write.key);
		} else if (depth !== undefined && isRead(timeline, { key, recursive }, write.key, depth)) {
			state.set(write.key, write.index);
		}
	}
	return state;
}

/** True for a key whose state no record tells: it may have expired, or a write to it got no answer. */
function isUncertain(timeline: Timeline, file: string): boolean {
	return timeline.writes.some(({ key, outcome }) =>
		outcome.kind === "accepted"
			? outcome.node.ttl !== undefined && depthBelow(file, outcome.node.key) !== undefined
			: outcome.kind === "failed" && outcome.maybeApplied && depthBelow(file, key) !== undefined,
	);
}

function sameState(
	timeline: Timeline,
	keys: readonly NodeRecord[],
	state: ReadonlyMap<string, number>,
): boolean {
	const listed = new Map(keys.map((node) => [node.key, node.modifiedIndex]));
	return [...new Set([...listed.keys(), ...state.keys()])].every(
		(key) => listed.get(key) === state.get(key) || isUncertain(timeline, key),
	);
}

export const listAndWatchLosesNothing = claim(
	"When events are gone, reading the tree and watching on from that read misses nothing of the state",
	(timeline) => {
		const evidence: Evidence[] = [];
		let recovered = 0;
		for (const watcher of timeline.watchers) {
			if (!silenceIsProven(watcher)) continue;
			for (const [at, listed] of watcher.life.entries()) {
				if (listed.kind !== "listed") continue;
				const next = watcher.life[at + 1];
				const time = listenings(watcher).find(({ asked }) => asked === next);
				if (time?.asked.waitIndex !== listed.at + 1) continue;
				evidence.push(lifeEvidence(watcher, listed));
				if (!sameState(timeline, listed.keys, stateAt(timeline, watcher, listed.at))) {
					return refuted("the tree that was read is not the state at that index", [
						lifeEvidence(watcher, listed),
					]);
				}
				const due = accepted(timeline)
					.filter(({ index }) => index >= time.from && index <= time.to)
					.filter((write) => isVisible(timeline, watcher, write));
				const [lost] = due.filter((write) => deliveriesOfWrite(watcher, write).length === 0);
				if (lost)
					return refuted(`the event at ${lost.index} did not come after it`, [
						...evidence,
						writeEvidence(lost),
					]);
				recovered += due.length;
				evidence.push(
					...due.flatMap((write) =>
						deliveriesOfWrite(watcher, write).map((delivery) => deliveryEvidence(watcher, delivery)),
					),
				);
			}
		}
		if (evidence.length === 0) return untested("no watch recovered by a list");
		if (recovered === 0) return untested("nothing was written after the list", evidence);
		return confirmed(
			`the read held what had been missed, and ${count(recovered, "event")} after it came`,
			evidence,
		);
	},
);
