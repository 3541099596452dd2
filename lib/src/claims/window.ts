import { historyCapacity } from "../model";
import { accountOf, depthBelow, type Fate, type WatcherAccount } from "../timeline/account";
import type { LifeEvent, NodeRecord, Timeline, WatcherRecord } from "../timeline/timeline";
import { gapWords, unitOf } from "../timeline/words";
import { isHiddenFrom } from "../v2/key";
import {
	came,
	claim,
	confirmed,
	count,
	type Evidence,
	isLost,
	isVisible,
	lifeEvidence,
	type Run,
	refuted,
	sentEvidence,
	testifies,
	untested,
	writesOf,
} from "./claim";

type Cleared = Extract<LifeEvent, { kind: "error" }> & {
	readonly gap: { readonly from: number; readonly to: number };
};

interface ClearedWatcher {
	readonly watcher: WatcherRecord;
	readonly fates: readonly Fate[];
	readonly cleared: Cleared;
}

function clearedIn({ watchers }: Run): ClearedWatcher[] {
	return watchers.flatMap(({ watcher, fates }) =>
		watcher.life
			.filter((event): event is Cleared => "gap" in event)
			.map((cleared) => ({ watcher, fates, cleared })),
	);
}

export const historyHoldsAThousandEvents = claim(
	"The history that afterIndex reads from holds the last 1000 events of the store",
	(run) => {
		// One that began anew, or was taken over from another member, holds what there has been since.
		const anew = run.timeline.faults?.find(({ kind }) => ["restart", "wipe", "snapshot"].includes(kind));
		const found = clearedIn(run).filter(({ cleared }) => anew === undefined || cleared.at < anew.at);
		const keptAt = ({ cleared }: ClearedWatcher) => cleared.at - cleared.gap.to;
		const shown = found.find((one) => keptAt(one) !== historyCapacity) ?? found[0];
		if (!shown) return untested("no watch asked for more than there was");
		const kept = keptAt(shown);
		const { at, gap } = shown.cleared;
		const oldest = `at index ${at} the oldest it could still have was ${gap.to + 1}: ${kept} events`;
		const evidence = found.map(({ watcher, cleared }) => lifeEvidence(watcher, cleared));
		return kept === historyCapacity
			? confirmed(oldest, evidence)
			: refuted(`${oldest}, not ${historyCapacity}`, evidence);
	},
	{ v2Only: "it keeps everything until somebody compacts it" },
);

export const quietKeyIsThrownOut = claim(
	"A watch on a quiet key is thrown out by other people's writes, though nothing of its own was lost",
	(run) => {
		const quiet: ClearedWatcher[] = [];
		const busy: Evidence[] = [];
		for (const one of clearedIn(run)) {
			const { gap, at } = one.cleared;
			const own = one.fates.filter(
				({ change, kind }) => change.index >= gap.from && change.index <= at && kind !== "notDue",
			);
			if (own.length === 0) quiet.push(one);
			else busy.push(...writesOf(own));
		}
		const served = run.watchers.flatMap(({ watcher, asks }) =>
			asks
				.filter(({ waitIndex, at, answer }) => {
					// A member that is behind stands lower than the run knows: its own header says how low.
					const stood = run.timeline.faults ? answer?.etcdIndex : at;
					return (stood ?? 0) - (waitIndex ?? Number.POSITIVE_INFINITY) >= historyCapacity;
				})
				.map(({ asked }) => lifeEvidence(watcher, asked)),
		);
		if (served.length > 0) return refuted("a watch asked for what lay further back, and was served", served);
		const [first] = quiet;
		if (first) {
			const { watcher, cleared } = first;
			const refusal = cleared.code === 401 ? "got 401" : "was refused, since it has been compacted";
			return confirmed(
				`"${watcher.name}" asked for ${unitOf(run.timeline)} ${cleared.gap.from} and ${refusal}, and no write from there to ${cleared.at} was on its key`,
				quiet.map((one) => lifeEvidence(one.watcher, one.cleared)),
			);
		}
		return busy.length > 0
			? untested("the watch that was refused had lost events of its own", busy)
			: untested(`no watch asked for ${run.say("an index", "a revision")} that lay 1000 events back`);
	},
);

/** The files that a reader of the tree would find at an index, by the accepted writes alone. */
function stateAt(timeline: Timeline, { key, recursive }: WatcherRecord, index: number): Map<string, number> {
	// In v2 a directory's children too, and no hidden ones below it.
	const isRead = (file: string) => {
		const depth = depthBelow(file, key);
		if (depth === undefined) return false;
		if (timeline.api === "v3") return recursive || depth === 0;
		return (recursive || depth <= 1) && !isHiddenFrom(key, file);
	};
	const nodes = accountOf(timeline).contentsAt(index).nodes();
	const files = nodes.filter((node) => !node.dir && isRead(node.key));
	return new Map(files.map((node) => [node.key, node.modifiedIndex]));
}

/** True for a key whose state no record tells: it may have expired, or a write to it got no answer. */
function isUncertain(timeline: Timeline, file: string): boolean {
	return timeline.writes.some(({ key, outcome }) =>
		outcome.kind === "accepted"
			? outcome.node.ttl !== undefined && depthBelow(file, outcome.node.key) !== undefined
			: outcome.kind === "failed" && outcome.maybeApplied && depthBelow(file, key) !== undefined,
	);
}

function isSameState(
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
	({ timeline, watchers, say }) => {
		const rows: Evidence[] = [];
		const wrong: Evidence[] = [];
		const lost: Fate[] = [];
		let recovered = 0;
		for (const { watcher, asks, fates } of watchers) {
			if (watcher.proof === "none") continue;
			for (const [at, listed] of watcher.life.entries()) {
				if (listed.kind !== "listed") continue;
				const ask = asks.find(({ asked }) => asked === watcher.life[at + 1]);
				if (ask?.waitIndex !== listed.at + 1) continue;
				rows.push(lifeEvidence(watcher, listed));
				if (!isSameState(timeline, listed.keys, stateAt(timeline, watcher, listed.at)))
					wrong.push(lifeEvidence(watcher, listed));
				const own = fates.filter((fate) => fate.ask === ask && testifies(fate));
				lost.push(...own.filter(isLost));
				const heard = own.filter(came);
				recovered += heard.length;
				for (const { deliveries } of heard) rows.push(...sentEvidence(watcher, deliveries));
			}
		}
		if (wrong.length > 0)
			return refuted(
				say(
					"the tree that was read is not the state at that index",
					"the range that was read is not the state at that revision",
				),
				wrong,
			);
		const [first] = lost;
		if (first)
			return refuted(`the event at ${first.change.index} did not come after it`, [
				...rows.slice(0, 1),
				...writesOf(lost),
			]);
		if (rows.length === 0) return untested("no watch recovered by a list");
		if (recovered === 0) return untested("nothing was written after the list", rows);
		return confirmed(
			`the read held what had been missed, and ${count(recovered, "event")} after it came`,
			rows,
		);
	},
	{
		v3: "When events are gone, reading the range and watching on from that read misses nothing of the state",
	},
);

export const afterIndexLosesNothing = claim(
	"With afterIndex a watch loses no event that happened in between",
	(run) => {
		const found = clearedIn(run);
		const [first] = found;
		const backs = run.watchers
			.filter(({ watcher }) => watcher.kind !== "stream")
			.map((one) => askedBack(run, one));
		const lost = backs.flatMap((back) => back.lost);
		const evidence = [
			...found.map(({ watcher, cleared }) => lifeEvidence(watcher, cleared)),
			...writesOf(lost),
		];
		if (first) {
			const why =
				run.timeline.api === "v3"
					? "past a compaction there is no way back"
					: "past the last 1000 events of the store there is no way back: 401";
			return refuted(`${why}, the ${gapWords(first.cleared.gap)}`, evidence);
		}
		if (lost.length > 0) return refuted(`${count(lost.length, "event")} did not come`, evidence);
		const repaired = backs.reduce((sum, back) => sum + back.repaired, 0);
		return repaired === 0
			? untested(`no watch asked for ${run.say("an index", "a revision")} that was already past`)
			: confirmed(
					`${count(repaired, "event")} from before the watch began came out of the history`,
					backs.flatMap((back) => back.rows),
				);
	},
	{ v3: "With a start revision a watch loses no event that happened in between" },
);

/** What became of the events that a watcher asked for with an index that lay in the past. */
function askedBack(run: Run, { watcher, asks, fates: all }: WatcherAccount) {
	const fates = all.filter((fate) => isVisible(run, watcher, fate));
	const isLoop = watcher.kind === "watch";
	const lost = new Set<Fate>();
	const rows: Evidence[] = [];
	let repaired = 0;
	for (const { asked, at, waitIndex, from, until } of asks) {
		if (waitIndex === undefined || waitIndex > at) continue;
		// A single poll gives one event: what comes after it is the next poll's.
		const last = isLoop ? until : Math.min(until, at);
		const own = fates.filter(({ change }) => change.index >= from && change.index <= last);
		const missing = own.filter(isLost);
		for (const fate of isLoop ? missing : missing.slice(0, 1)) lost.add(fate);
		// The index that a loop carries may be one of a store that was wiped since.
		const wipe = run.timeline.faults?.findLast((fault) => fault.kind === "wipe" && fault.at <= at);
		if (isLoop && wipe && watcher.proof !== "none")
			for (const fate of fates)
				if (fate.kind === "missed" && fate.change.index > wipe.at && fate.change.index < from) lost.add(fate);
		const back = own
			.filter((fate) => fate.change.index <= at && testifies(fate))
			.flatMap(({ deliveries }) => deliveries.filter(({ fromHistory }) => fromHistory).slice(0, 1));
		repaired += back.length;
		if (back.length > 0) rows.push(lifeEvidence(watcher, asked), ...sentEvidence(watcher, back));
	}
	return { lost: [...lost], rows, repaired };
}

export const responseIndexIsSafeToGoOnFrom = claim(
	"To go on after the X-Etcd-Index of the last response loses nothing and repeats nothing",
	({ watchers }) => {
		const tried: Evidence[] = [];
		const faulty: Evidence[] = [];
		const words: string[] = [];
		for (const { watcher, asks, fates } of watchers) {
			if (watcher.proof === "none") continue;
			// Only a poll is answered.
			for (const [at, { answer }] of asks.entries()) {
				const next = asks[at + 1];
				if (!answer || !next || next.waitIndex !== answer.etcdIndex + 1) continue;
				const { index: here, etcdIndex: header } = answer;
				// What an earlier poll had is not to be lost; what a later one came back for was skipped all the same.
				const had = new Set(asks.slice(0, at + 2).map((ask) => ask.answer?.index));
				const between = fates.filter(
					({ change, kind }) =>
						change.index > here && change.index <= header && kind !== "notDue" && !had.has(change.index),
				);
				// Nothing to repeat, or nothing to lose.
				if (header >= here ? between.length === 0 : !next.answer) continue;
				const rows = [...sentEvidence(watcher, [answer]), lifeEvidence(watcher, next.asked)];
				tried.push(...rows);
				if (next.answer?.index === here) {
					words.push(
						`the event at ${here} came again: its response's header says ${header}, where the watch had begun`,
					);
					faulty.push(...rows, ...sentEvidence(watcher, [next.answer]));
				} else if (between.length > 0) {
					words.push(
						`${count(between.length, "event")} between the event and the header's index did not come`,
					);
					faulty.push(...rows, ...writesOf(between));
				}
			}
		}
		if (words.length > 0) return refuted(words.join("; "), faulty);
		if (tried.length === 0)
			return untested("no watch went on from its response's index where that differs from its event's");
		return confirmed("nothing was lost or repeated", tried);
	},
	{ v2Only: "its messages carry the store's revision of the moment in which they are sent" },
);
