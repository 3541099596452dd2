import {
	type AcceptedWrite,
	accepted,
	deliveriesOf,
	deliveriesOfWrite,
	depthBelow,
	endIsProven,
	existed,
	hearsAll,
	isHidden,
	isVisible,
	listened,
	listenings,
	removes,
	silenceIsProven,
} from "../timeline/scope";
import type { Timeline, WatcherRecord } from "../timeline/timeline";
import {
	all,
	claim,
	confirmed,
	count,
	deliveryEvidence,
	type Evidence,
	type Finding,
	lifeEvidence,
	noneWords,
	refuted,
	untested,
	writeEvidence,
} from "./claim";

interface Pair {
	readonly watcher: WatcherRecord;
	readonly write: AcceptedWrite;
	readonly came: boolean;
}

/** Every watcher with every write that it was listening for and that the rule picks; nothing unproven. */
function pairs(timeline: Timeline, picks: (watcher: WatcherRecord, write: AcceptedWrite) => boolean): Pair[] {
	const writes = accepted(timeline).filter(({ outcome }) => outcome.raisesEvent);
	return timeline.watchers.filter(hearsAll).flatMap((watcher) =>
		writes
			.filter(({ index }) => listened(watcher, index))
			.filter((write) => picks(watcher, write))
			.map((write) => ({ watcher, write, came: deliveriesOfWrite(watcher, write).length > 0 }))
			.filter(({ came }) => came || silenceIsProven(watcher)),
	);
}

function evidenceOf(found: readonly Pair[]): Evidence[] {
	return found.flatMap(({ watcher, write }) => [
		writeEvidence(write),
		...deliveriesOfWrite(watcher, write).map((delivery) => deliveryEvidence(watcher, delivery)),
	]);
}

/** All of them came: confirmed. One did not: refuted. */
function allCame(found: readonly Pair[], what: string): Finding {
	const silent = found.filter(({ came }) => !came);
	if (silent.length > 0) {
		const [{ watcher, write }] = silent as [Pair];
		return refuted(
			`${count(silent.length, "event")} did not come; the first is ${write.outcome.action} ${write.key} at "${watcher.name}"`,
			evidenceOf(silent),
		);
	}
	return confirmed(`${what}: ${all(found.length, "event")} came`, evidenceOf(found));
}

/** None of them came: confirmed. One did: refuted. */
function noneCame(found: readonly Pair[], what: string): Finding {
	const heard = found.filter(({ came }) => came);
	if (heard.length > 0) {
		const [{ watcher, write }] = heard as [Pair];
		return refuted(
			`${count(heard.length, "event")} came; the first is ${write.outcome.action} ${write.key} at "${watcher.name}"`,
			evidenceOf(heard),
		);
	}
	return confirmed(
		`${what}: ${noneWords(found.length)}, and it is known that nothing was on its way`,
		evidenceOf(found),
	);
}

/** Writes that were tried at that depth below a watched key, and refused. */
function refusedAt(timeline: Timeline, fits: (watcher: WatcherRecord, depth: number) => boolean): Evidence[] {
	return timeline.writes
		.filter(({ outcome }) => outcome.kind === "refused")
		.filter(({ key }) =>
			timeline.watchers.some((watcher) => {
				const depth = depthBelow(key, watcher.key);
				return depth !== undefined && fits(watcher, depth);
			}),
		)
		.map((write) => ({ kind: "write", write }));
}

export const childrenAreSeen = claim(
	"With recursive, a watch on a directory sees its direct children added and deleted",
	(timeline) => {
		const found = pairs(
			timeline,
			(watcher, { key }) =>
				watcher.recursive && depthBelow(key, watcher.key) === 1 && !isHidden(key, watcher.key),
		);
		const added = found.some(({ write }) => !removes(write));
		const deleted = found.some(({ write }) => removes(write));
		if (found.every(({ came }) => came) && !(added && deleted)) {
			return untested(
				"no recursive watch was there for both a child added and a child deleted",
				evidenceOf(found),
			);
		}
		return allCame(found, "children written and deleted under a recursive watch");
	},
);

export const grandchildrenAreUnseen = claim(
	"With recursive, writes to grandchildren of the watched directory are not seen",
	(timeline) => {
		const deep = (watcher: WatcherRecord, depth: number) => watcher.recursive && depth >= 2;
		const found = pairs(
			timeline,
			(watcher, { key }) => deep(watcher, depthBelow(key, watcher.key) ?? 0) && !isHidden(key, watcher.key),
		);
		if (found.length > 0) return noneCame(found, "two or more levels below a recursive watch");
		const refused = refusedAt(timeline, deep);
		return refused.length > 0
			? untested(
					`no grandchild was ever written: ${count(refused.length, "write")} tried it and etcd refused, so there was no event to see`,
					refused,
				)
			: untested("nobody wrote two levels below a recursive watch");
	},
);

export const recursiveSeesEveryDepth = claim(
	"A recursive watch sees writes at every depth below its key",
	(timeline) => {
		const found = pairs(
			timeline,
			(watcher, { key }) =>
				watcher.recursive && (depthBelow(key, watcher.key) ?? 0) >= 1 && !isHidden(key, watcher.key),
		);
		const deepest = found.reduce(
			(most, { watcher, write }) => Math.max(most, depthBelow(write.key, watcher.key) ?? 0),
			0,
		);
		if (deepest < 2)
			return untested("no write two levels or more below a recursive watch was accepted, hidden names aside");
		return allCame(found, `down to ${deepest} levels below the key`);
	},
);

export const plainWatchIsBlindBelow = claim(
	"Without recursive, a watch does not see what happens to its children",
	(timeline) => {
		const found = pairs(
			timeline,
			// A hidden key would not be seen with recursive either.
			(watcher, { key }) =>
				!watcher.recursive && (depthBelow(key, watcher.key) ?? 0) >= 1 && !isHidden(key, watcher.key),
		);
		if (found.length === 0) return untested("nothing was written below a watch that is not recursive");
		return noneCame(found, "below a watch without recursive");
	},
);

export const ancestorsDeleteIsSeenBelow = claim(
	"The delete or expiry of a directory reaches watches on keys inside it, recursive or not",
	(timeline) => {
		const found = pairs(timeline, (watcher, write) => {
			const above = depthBelow(watcher.key, write.key) ?? 0;
			return above >= 1 && removes(write) && existed(timeline, watcher.key, write.index);
		});
		if (found.length === 0) return untested("no directory that holds a watched key was removed");
		return allCame(found, "directories removed above a watched key");
	},
	{ v2Only: "it has no directories" },
);

export const fileNeedsNoRecursive = claim(
	"On a file, a watch with recursive and one without see the same",
	(timeline) => {
		const writes = accepted(timeline);
		const isFile = (watched: string) =>
			writes.some(({ key, outcome }) => key === watched && !outcome.node.dir) &&
			!writes.some(
				({ key, outcome }) => (depthBelow(key, watched) ?? 0) > 0 || (key === watched && outcome.node.dir),
			);
		// Only what both listened for: one of them may have begun later, or have been sent a delete twice.
		const twins = timeline.watchers
			.filter((one) => one.recursive && isFile(one.key))
			.flatMap((one) =>
				timeline.watchers
					.filter((two) => !two.recursive && two.key === one.key)
					.filter((two) => [one, two].every((watcher) => silenceIsProven(watcher) && hearsAll(watcher)))
					.map((two) => ({
						one,
						two,
						both: writes
							.filter((write) => isVisible(timeline, one, write))
							.map(({ index }) => index)
							.filter((index) => listened(one, index) && listened(two, index)),
					})),
			)
			.map(({ one, two, both }) => ({
				one,
				two,
				came: [one, two].map((watcher) => both.flatMap((index) => deliveriesOf(watcher, index).slice(0, 1))),
			}))
			.filter(({ came }) => came.some(({ length }) => length > 0));
		if (twins.length === 0) return untested("no file was watched both ways while it changed");
		const different = twins.find(
			({ came: [a = [], b = []] }) =>
				a.map(({ index }) => index).join() !== b.map(({ index }) => index).join(),
		);
		const evidence = (different ? [different] : twins).flatMap(({ one, two, came: [a = [], b = []] }) => [
			...a.map((delivery) => deliveryEvidence(one, delivery)),
			...b.map((delivery) => deliveryEvidence(two, delivery)),
		]);
		return different
			? refuted(`"${different.one.name}" and "${different.two.name}" were sent different events`, evidence)
			: confirmed("both were sent the same events", evidence);
	},
	{ v2Only: "it has no directories, and so no files either" },
);

export const missingKeyIsWaitedFor = claim(
	"A watch on a key that does not exist waits, and sees the key made",
	(timeline) => {
		const found = timeline.watchers.flatMap((watcher) => {
			const [first] = listenings(watcher);
			if (!first || existed(timeline, watcher.key, first.asked.at + 1)) return [];
			// A directory made in passing was there without an event: what is written to it later does not make it.
			return pairs(
				timeline,
				(other, write) =>
					other === watcher &&
					write.key === watcher.key &&
					!removes(write) &&
					!existed(timeline, watcher.key, write.index),
			).slice(0, 1);
		});
		if (found.length === 0) return untested("no key was made that a watch had waited for");
		return allCame(found, "keys made after their watch began");
	},
);

export const implicitParentsRaiseNoEvent = claim(
	"Directories that etcd makes on the way to a key raise no event of their own",
	(timeline) => {
		const made = accepted(timeline).filter(({ key, index, outcome }) => {
			const parent = key.slice(0, key.lastIndexOf("/"));
			return parent !== "" && outcome.raisesEvent && !existed(timeline, parent, index);
		});
		const under = made.filter(({ key, index }) =>
			timeline.watchers.some(
				(watcher) =>
					watcher.recursive &&
					listened(watcher, index) &&
					endIsProven(watcher) &&
					(depthBelow(key, watcher.key) ?? 0) >= 2 &&
					deliveriesOf(watcher, index).length > 0,
			),
		);
		if (under.length === 0) return untested("no directory was made in passing under a recursive watch");
		// The tried keys too: a write that got no answer may have been carried out.
		const written = new Set([...accepted(timeline), ...timeline.writes].map(({ key }) => key));
		const parents = timeline.watchers.flatMap((watcher) =>
			watcher.deliveries
				.filter(({ key, action }) => !written.has(key) && (action === "create" || action === "set"))
				.filter(({ key }) => under.some((write) => (depthBelow(write.key, key) ?? 0) > 0))
				.map((delivery) => deliveryEvidence(watcher, delivery)),
		);
		return parents.length > 0
			? refuted("an event came for a directory that nobody wrote", parents)
			: confirmed(
					`${count(under.length, "write")} made directories in passing, and the only event is the write's own`,
					under.map(writeEvidence),
				);
	},
	{ v2Only: "it has no directories" },
);

export const lateWatchMissesTheStart = claim(
	"A watch from now on never sees what was written before it was registered",
	(timeline) => {
		const writes = accepted(timeline);
		let missed = 0;
		const evidence: Evidence[] = [];
		for (const watcher of timeline.watchers) {
			const [first] = listenings(watcher);
			if (!first || first.asked.waitIndex !== undefined || !endIsProven(watcher)) continue;
			for (const write of writes.filter(({ index }) => index <= first.asked.at)) {
				if (!isVisible(timeline, watcher, write)) continue;
				// It came back for it later, with an index.
				if (listenings(watcher).some(({ from }) => from <= write.index)) continue;
				const [seen] = deliveriesOfWrite(watcher, write);
				if (seen)
					return refuted(`"${watcher.name}" was sent an event from before it began`, [
						deliveryEvidence(watcher, seen),
					]);
				missed++;
				evidence.push(writeEvidence(write), lifeEvidence(watcher, first.asked));
			}
		}
		if (missed === 0) return untested("every watch was registered before the first write that it could see");
		return confirmed(`${count(missed, "event")} before the watch began, none came`, evidence);
	},
);
