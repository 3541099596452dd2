import { depthBelow, type WatcherAccount } from "../timeline/account";
import type { Delivery } from "../timeline/timeline";
import { isBelow, isHiddenFrom, isRemoval } from "../v2/key";
import {
	allCame,
	came,
	claim,
	confirmed,
	count,
	type Evidence,
	evidenceOf,
	lifeEvidence,
	noneCame,
	type Pair,
	pairs,
	type Run,
	refuted,
	sentEvidence,
	testifies,
	untested,
	visibleDepth,
	writeEvidence,
} from "./claim";

export const childrenAreSeen = claim(
	"With recursive, a watch on a directory sees its direct children added and deleted",
	(run) => {
		const found = pairs(
			run,
			(watcher, change) => watcher.recursive && visibleDepth(run, watcher, change) === 1,
		);
		const none = run.say(
			"no recursive watch was there for both a child added and a child deleted",
			"no watch on a prefix was there for both a key put and a key deleted one level below it",
		);
		const seen = found.filter(({ fate }) => testifies(fate));
		const added = seen.some(({ change }) => !isRemoval(change) && change.prevNode === undefined);
		const deleted = seen.some(({ change }) => isRemoval(change));
		if (seen.every(({ fate }) => came(fate)) && !(added && deleted)) return untested(none, evidenceOf(seen));
		const what = run.say(
			"children written and deleted under a recursive watch",
			"keys one level below a watched prefix, put and deleted",
		);
		return allCame(found, what, none);
	},
	{ v3: "A watch on a prefix sees the keys one level below it put and deleted" },
);

export const grandchildrenAreUnseen = claim(
	"With recursive, writes to grandchildren of the watched directory are not seen",
	(run) =>
		noneCame(
			pairs(run, (watcher, change) => watcher.recursive && visibleDepth(run, watcher, change) >= 2),
			run.say("two or more levels below a recursive watch", "two or more levels below a watched prefix"),
			() => {
				const refused = refusedGrandchildren(run);
				return refused.length > 0
					? untested(
							`no grandchild was ever written: ${count(refused.length, "write")} tried it and etcd refused, so there was no event to see`,
							refused,
						)
					: untested(
							run.say(
								"nobody wrote two levels below a recursive watch",
								"nobody wrote two levels below a watched prefix",
							),
						);
			},
		),
	{ v3: "A watch on a prefix does not see writes two levels below it" },
);

/** Writes that were tried two levels below a recursive watch or deeper, and refused. */
function refusedGrandchildren({ timeline, watchers }: Run): Evidence[] {
	return timeline.writes
		.filter(
			({ key, outcome }) =>
				outcome.kind === "refused" &&
				watchers.some(({ watcher }) => watcher.recursive && (depthBelow(key, watcher.key) ?? 0) >= 2),
		)
		.map((write) => writeEvidence({ write }));
}

export const recursiveSeesEveryDepth = claim(
	"A recursive watch sees writes at every depth below its key",
	(run) => {
		const found = pairs(
			run,
			(watcher, change) => watcher.recursive && visibleDepth(run, watcher, change) >= 1,
		);
		const deepest = found
			.filter(({ fate }) => testifies(fate))
			.reduce((most, { watcher, change }) => Math.max(most, visibleDepth(run, watcher, change)), 0);
		const none = run.say(
			"no write two levels or more below a recursive watch was accepted, hidden names aside",
			"nothing was written two levels or more below a watched prefix",
		);
		const below = run.say("the key", "the prefix");
		return deepest < 2 ? untested(none) : allCame(found, `down to ${deepest} levels below ${below}`, none);
	},
	{ v3: "A watch on a prefix sees writes at every depth below it" },
);

export const plainWatchIsBlindBelow = claim(
	"Without recursive, a watch does not see what happens to its children",
	(run) =>
		noneCame(
			// A hidden key would not be seen with recursive either.
			pairs(run, (watcher, change) => !watcher.recursive && visibleDepth(run, watcher, change) >= 1),
			run.say("below a watch without recursive", "names that begin with the one key of a watch"),
			() =>
				untested(
					run.say(
						"nothing was written below a watch that is not recursive",
						"nothing was written whose name begins with the one key of a watch",
					),
				),
		),
	{ v3: "A watch on one key does not see the keys whose names begin with it" },
);

export const ancestorsDeleteIsSeenBelow = claim(
	"The delete or expiry of a directory reaches watches on keys inside it, recursive or not",
	(run) =>
		allCame(
			pairs(run, (watcher, { heldWatched }) => heldWatched.has(watcher.key)),
			"directories removed above a watched key",
			"no directory that holds a watched key was removed",
		),
	{ v2Only: "it has no directories" },
);

export const fileNeedsNoRecursive = claim(
	"On a file, a watch with recursive and one without see the same",
	(run) => {
		const isFile = (watched: string) =>
			run.changes.some(({ key, node }) => key === watched && !node.dir) &&
			!run.changes.some(({ key, node }) => isBelow(key, watched) || (key === watched && node.dir));
		const twins = run.watchers
			.filter(({ watcher }) => watcher.recursive && isFile(watcher.key))
			.flatMap((one) =>
				run.watchers
					.filter(({ watcher }) => !watcher.recursive && watcher.key === one.watcher.key)
					.map((two) => twinsOf(one, two)),
			)
			.filter(({ found }) => found.length > 0);
		if (twins.length === 0) return untested("no file was watched both ways while it changed");
		const differing = twins.filter(({ isSame }) => !isSame);
		const [different] = differing;
		const evidence = (different ? differing : twins).flatMap(({ found }) => found);
		return different
			? refuted(`"${different.one}" and "${different.two}" were sent different events`, evidence)
			: confirmed("both were sent the same events", evidence);
	},
	{ v2Only: "it has no directories, and so no files either" },
);

/** What came to two watchers, each once, of what both were there for: one of them may have begun later. */
function twinsOf({ watcher: one, fates }: WatcherAccount, { watcher: two, fates: others }: WatcherAccount) {
	const both = fates.flatMap((fate, at) => {
		const other = others[at];
		return fate.isNear && other && testifies(fate) && testifies(other) ? [{ fate, other }] : [];
	});
	return {
		one: one.name,
		two: two.name,
		isSame: both.every(({ fate, other }) => came(fate) === came(other)),
		// A stream is sent the delete of its key twice.
		found: [
			...both.flatMap(({ fate }) => sentEvidence(one, fate.deliveries.slice(0, 1))),
			...both.flatMap(({ other }) => sentEvidence(two, other.deliveries.slice(0, 1))),
		],
	};
}

export const missingKeyIsWaitedFor = claim(
	"A watch on a key that does not exist waits, and sees the key made",
	(run) =>
		allCame(
			run.watchers.flatMap((account) => makingOf(run, account)),
			"keys made after their watch began",
			"no key was made that a watch had waited for",
		),
);

/** The making of the watched key, if it was not there when the watch began. */
function makingOf({ account }: Run, { watcher, asks, fates }: WatcherAccount): Pair[] {
	const [first] = asks;
	const isThere = (index: number) => account.contentsAt(index).has(watcher.key);
	if (!first || isThere(first.at)) return [];
	const made = fates.find(
		({ change }) => change.index > first.at && change.key === watcher.key && change.raisesEvent,
	);
	// A directory made in passing was there without an event: what is written to it later does not make it.
	if (!made || isRemoval(made.change) || made.change.prevNode || isThere(made.change.index - 1)) return [];
	return [{ watcher, change: made.change, fate: made }];
}

export const implicitParentsRaiseNoEvent = claim(
	"Directories that etcd makes on the way to a key raise no event of their own",
	(run) => {
		const seen = pairs(
			run,
			({ recursive, key }, { made }) =>
				recursive && made.some((parent) => isBelow(parent, key) && !isHiddenFrom(key, parent)),
		).filter(
			({ watcher, fate }) =>
				came(fate) && fate.excuse === undefined && fate.isProven && watcher.proof !== "closed",
		);
		if (seen.length === 0) return untested("no directory was made in passing under a recursive watch");
		const made = new Set(seen.flatMap(({ change }) => change.made));
		// The tried keys too: a write that got no answer may have been carried out.
		const written = new Set(run.timeline.writes.map(({ key }) => key));
		const isParent = ({ key, action }: Delivery) =>
			made.has(key) && !written.has(key) && !isRemoval({ action });
		const parents = run.watchers.flatMap(({ watcher, foreign }) =>
			sentEvidence(watcher, foreign.filter(isParent)),
		);
		const writes = [...new Set(seen.map(({ change }) => change.write))];
		return parents.length > 0
			? refuted("an event came for a directory that nobody wrote", parents)
			: confirmed(
					`${count(writes.length, "write")} made directories in passing, and the only event is the write's own`,
					writes.map((write) => writeEvidence({ write })),
				);
	},
	{ v2Only: "it has no directories" },
);

export const lateWatchMissesTheStart = claim(
	"A watch from now on never sees what was written before it was registered",
	(run) => {
		const missed: Evidence[] = [];
		const seen: Evidence[] = [];
		const names: string[] = [];
		for (const { watcher, asks, fates } of run.watchers) {
			const [first] = asks;
			if (!first || first.waitIndex !== undefined) continue;
			for (const fate of fates) {
				// One that it came back for later, with an index, was asked for.
				if (fate.change.index > first.at || fate.ask) continue;
				// By its header the event is older than the watch: at a member that was behind it may not be.
				const early = fate.deliveries.find(({ etcdIndex, index }) => etcdIndex >= index);
				if (early) {
					seen.push(...sentEvidence(watcher, [early]));
					names.push(watcher.name);
				} else if (fate.reason === "not yet asked" && watcher.proof !== "none" && watcher.proof !== "closed")
					missed.push(writeEvidence(fate.change), lifeEvidence(watcher, first.asked));
			}
		}
		if (seen.length > 0) return refuted(`"${names[0]}" was sent an event from before it began`, seen);
		if (missed.length === 0)
			return untested("every watch was registered before the first write that it could see");
		return confirmed(`${count(missed.length / 2, "event")} before the watch began, none came`, missed);
	},
);
