import {
	type AcceptedWrite,
	accepted,
	depthBelow,
	existed,
	goneBelow,
	isHidden,
	isVisible,
	listened,
	removes,
} from "../timeline/scope";
import type { Delivery, Timeline, WatcherRecord } from "../timeline/timeline";

/** A task that is solved by a scenario, and judged by what the server made of it. */
export interface Exercise {
	readonly task: string;
	/** What the run shows: solved, or what is still missing. */
	judge(timeline: Timeline): { readonly solved: boolean; readonly words: string };
}

function exercise(
	task: string,
	judge: (timeline: Timeline) => string | { readonly missing: string },
): Exercise {
	return {
		task,
		judge(timeline) {
			const found = judge(timeline);
			return typeof found === "string"
				? { solved: true, words: found }
				: { solved: false, words: found.missing };
		},
	};
}

/** "delete /x was refused with 102 Not a file", and nothing when all were accepted. */
function refusedIn({ writes }: Timeline): string | undefined {
	for (const { operation, key, outcome } of writes)
		if (outcome.kind === "refused")
			return `${operation} ${key} was refused with ${outcome.code} ${outcome.message}`;
	return undefined;
}

function came(watcher: WatcherRecord, { index, key }: AcceptedWrite): boolean {
	return watcher.deliveries.some((delivery) => delivery.index === index && delivery.key === key);
}

export const exercises = {
	/** 00-start-here */
	unseenWrite: exercise("A write that etcd accepts and that the watcher on /a never hears of", (timeline) => {
		if (timeline.watchers.length === 0) return { missing: "there is no watcher: keep the one on /a" };
		const writes = accepted(timeline);
		if (writes.length === 0)
			return { missing: "etcd accepted no write in this run: look at the refused ones for the reason" };
		const unseen = writes.find((write) => timeline.watchers.every((watcher) => !came(watcher, write)));
		if (!unseen) {
			const refused = refusedIn(timeline);
			const because = refused === undefined ? "" : ` that etcd accepted (${refused}, and is none)`;
			return {
				missing: `the watcher heard of every write${because}: where would a write be none of its business?`,
			};
		}
		return `nobody heard of ${unseen.write.operation} ${unseen.key}, which took index ${unseen.index}`;
	}),

	/** 01-recursive */
	plainWatchHearsFromAbove: exercise(
		"A watch without recursive that is sent an event, though nobody wrote to its key",
		(timeline) => {
			const plain = timeline.watchers.filter(({ recursive }) => !recursive);
			if (plain.length === 0) return { missing: "there is no watch without recursive in it" };
			const told = plain.flatMap((watcher) => watcher.deliveries.map((delivery) => ({ watcher, delivery })));
			const [above] = told.filter(({ watcher, delivery }) => delivery.key !== watcher.key);
			const far = told.find(({ watcher, delivery }) => {
				const levels = depthBelow(watcher.key, delivery.key) ?? 0;
				return levels >= 2 || (levels >= 1 && delivery.action === "expire");
			});
			if (far)
				return `"${far.watcher.name}" on ${far.watcher.key} was sent ${far.delivery.action} ${far.delivery.key}, an event of a directory above it`;
			if (above)
				return {
					missing: `"${above.watcher.name}" was sent ${above.delivery.action} ${above.delivery.key}, from one level up as on this page: let it come from two levels up, or be an expiry`,
				};
			const [own] = told;
			if (own)
				return {
					missing: `"${own.watcher.name}" was sent ${own.delivery.action} ${own.delivery.key}, an event of its own key: while it watches, leave that alone, and do something above it`,
				};
			const refused = refusedIn(timeline);
			if (refused !== undefined)
				return {
					missing: `it heard nothing: ${refused}, so there was no event. A directory goes by .rmdir()`,
				};
			const gone = accepted(timeline).find(
				(write) => removes(write) && plain.some(({ key }) => (depthBelow(key, write.key) ?? 0) > 0),
			);
			const unborn = plain.find(({ key }) => gone && !existed(timeline, key, gone.index));
			if (gone && unborn)
				return {
					missing: `it heard nothing: nothing was at ${unborn.key} when ${gone.key} went, and only who watches a node that goes with it is told. Make the key first`,
				};
			return { missing: "it heard nothing: which write takes the watched key away without naming it?" };
		},
	),

	/** 02-grandchild-writes */
	grandchildAddedAndDeleted: exercise(
		"The post's five steps, changed so that its recursive watch on /a does see a grandchild added and deleted",
		(timeline) => {
			const watchers = timeline.watchers.filter(({ recursive, key }) => recursive && key === "/a");
			if (watchers.length === 0) return { missing: "keep the recursive watch on /a" };
			const deep = accepted(timeline).filter(({ key }) => (depthBelow(key, "/a") ?? 0) >= 2);
			const added = deep.find((write) => !removes(write) && watchers.some((watcher) => came(watcher, write)));
			const deleted = deep.find(
				(write) => removes(write) && watchers.some((watcher) => came(watcher, write)),
			);
			if (added && deleted)
				return `it saw ${added.key} at ${added.index} and its delete at ${deleted.index}: depth was never the reason`;
			const refused = timeline.writes.find(
				({ outcome }) => outcome.kind === "refused" && outcome.code === 104,
			);
			if (refused?.outcome.kind === "refused") {
				return {
					missing: `${refused.operation} ${refused.key} was refused again: ${refused.outcome.cause} is a file, and a file has no children`,
				};
			}
			if (!added) return { missing: "no grandchild of /a was added in front of the watch" };
			return { missing: `${added.key} was added, but its delete was not seen` };
		},
	),

	/** 03-missed-events */
	pollsThatLoseNothing: exercise(
		"Single polls, three writes of which at least one falls between two polls, and nothing lost",
		(timeline) => {
			const polls = timeline.watchers.filter(({ kind }) => kind === "poll");
			const [watcher] = polls;
			if (!watcher) return { missing: "use .poll(): a watch or a stream would be too easy" };
			const due = accepted(timeline).filter((write) => isVisible(timeline, watcher, write));
			if (due.length < 3) return { missing: `only ${due.length} writes that it could see: make three` };
			const lost = due.filter((write) => !came(watcher, write));
			if (lost.length > 0) {
				const [first] = lost as [AcceptedWrite];
				const twice = watcher.deliveries.find(({ index }, at) =>
					watcher.deliveries.slice(0, at).some((earlier) => earlier.index === index),
				);
				if (twice)
					return {
						missing: `the event at ${twice.index} came twice, and the one at ${first.index} was lost: the polls went on after the index of the response, which lies before the event's`,
					};
				const isLast = watcher.deliveries.every(({ index }) => index < first.index);
				return {
					missing: isLast
						? `the event at ${first.index} was lost: a poll gives one event, and no poll was left for this one`
						: `the event at ${first.index} was lost: nobody was listening, and the next poll did not ask for it`,
				};
			}
			const between = watcher.deliveries.filter(({ fromHistory }) => fromHistory);
			if (between.length === 0) {
				return { missing: "nothing fell between two polls: write twice before you poll again" };
			}
			return `all of ${due.length} came, ${between.length} of them out of the history`;
		},
	),

	/** 04-afterindex-recovery */
	quietKeySurvives: exercise(
		"More than 1000 writes to other keys, and the watcher of the quiet key sees its own next event without a 401",
		(timeline) => {
			for (const watcher of timeline.watchers) {
				const own = accepted(timeline).filter((write) => isVisible(timeline, watcher, write));
				const [first] = own;
				const last = own.at(-1);
				if (!first || !last || last === first) continue;
				const foreign =
					accepted(timeline).filter(({ index }) => index > first.index && index < last.index).length -
					(own.length - 2);
				const cleared = watcher.life.find((event) => event.kind === "error" && event.code === 401);
				if (cleared)
					return {
						missing: `"${watcher.name}" got 401 at index ${cleared.at}: it asked after the flood, when its index was no longer kept`,
					};
				if (foreign <= 1000)
					return {
						missing: `only ${foreign} writes to other keys between its two events: the window would not have passed`,
					};
				const unseen = own.slice(1).find((write) => !came(watcher, write));
				if (unseen) return { missing: `"${watcher.name}" did not see its event at ${unseen.index}` };
				if (!listened(watcher, first.index + 1))
					return {
						missing: `"${watcher.name}" asked after the flood, and for what comes from now on: had its key been written in between, that would be lost. When has it to ask, to lose nothing?`,
					};
				return `"${watcher.name}" saw index ${last.index} after ${foreign} writes to other keys: who is already waiting is not thrown out`;
			}
			return { missing: "write the quiet key once before the flood and once after it, with a watcher on it" };
		},
	),

	/** 05-events-as-a-log */
	oneEventForMany: exercise(
		"Three keys or more go with one single event, and no client removed anything",
		(timeline) => {
			const watchers = timeline.watchers.filter(({ recursive }) => recursive);
			if (watchers.length === 0) return { missing: "keep the recursive watch: somebody has to be told" };
			const writes = accepted(timeline);
			const byHand = writes.find((write) => removes(write) && write.outcome.action !== "expire");
			if (byHand)
				return {
					missing: `${byHand.write.operation} ${byHand.key} was a client's doing: let etcd remove them by itself`,
				};
			const expiries = writes.filter(removes);
			if (expiries.length === 0)
				return { missing: "nothing went: give something a ttl, and wait for it with .awaitExpiry()" };
			const gone = expiries.map((expiry) => ({ expiry, keys: [expiry.key, ...goneBelow(timeline, expiry)] }));
			const many = gone.find(({ keys }) => keys.length >= 3);
			if (!many) {
				const most = gone.reduce((a, b) => (b.keys.length > a.keys.length ? b : a));
				const went =
					most.keys.length === 1
						? `expire ${most.expiry.key} took one key with it, itself`
						: `expire ${most.expiry.key} took ${most.keys.length} keys with it, ${most.keys.join(" and ")}`;
				const next =
					most.keys.length === 1 ? "What can expire that holds others?" : "Put one more where they were";
				return { missing: `${went}. ${next}` };
			}
			const told = watchers.find((watcher) => came(watcher, many.expiry));
			if (!told) return { missing: `no watcher was told that ${many.expiry.key} expired: watch above it` };
			return `"${told.name}" was sent expire ${many.expiry.key}, and ${many.keys.join(", ")} went: only who kept the tree can name them`;
		},
	),

	/** 07-field-guide: a wrong answer is told which entry it is instead. */
	shownByTheReplayAlone: exercise(
		"An event below /app that a recursive watch is never told of live, and another one later, from the history",
		(timeline) => {
			const [live, ...others] = timeline.watchers;
			if (!live || others.length === 0) return { missing: "it takes two watchers on /app: keep both" };
			if (!live.recursive)
				return {
					missing: `"${live.name}" is not recursive: that is the entry "My watch on a directory is silent"`,
				};
			const cleared = others.find(({ life }) => life.some((event) => "code" in event && event.code === 401));
			if (cleared)
				return { missing: `"${cleared.name}" got a 401: that is the entry "A quiet key gets a 401"` };
			const refused = timeline.writes.find(({ outcome }) => outcome.kind === "refused");
			if (refused?.outcome.kind === "refused")
				return {
					missing: `${refused.operation} ${refused.key} was refused with ${refused.outcome.code}: that is the entry "I wrote a grandchild and heard nothing"`,
				};
			const replayed = others.flatMap(({ name, deliveries }) =>
				deliveries.filter(({ fromHistory }) => fromHistory).map(({ index }) => ({ name, index })),
			);
			if (replayed.length === 0)
				return {
					missing: "nobody was given anything from the history: ask for the past, with afterIndex",
				};
			const missed = accepted(timeline).flatMap((write) => {
				const late = replayed.find(({ index }) => index === write.index);
				return late && !came(live, write) ? [{ write, late }] : [];
			});
			const found = missed.find(({ write }) => listened(live, write.index) && isHidden(write.key, live.key));
			if (found)
				return `"${found.late.name}" was given ${found.write.key} from the history, and "${live.name}" was there all the time and never told: a hidden name, the entry "Keys with an underscore come and go"`;
			const beside = missed.find(({ write }) => depthBelow(write.key, live.key) === undefined);
			if (beside)
				return {
					missing: `${beside.write.key} is not below ${live.key}: that is the entry "After a reconnect came the delete of a neighbour"`,
				};
			const early = missed.find(({ write }) => !listened(live, write.index));
			if (early)
				return {
					missing: `"${live.name}" was not there when ${early.write.key} was written: that is the entry "The first write after I opened the watch is missing"`,
				};
			const isDeep = replayed.some(({ index }) =>
				accepted(timeline).some(
					(write) => write.index === index && (depthBelow(write.key, live.key) ?? 0) >= 2,
				),
			);
			return {
				missing: `"${live.name}" heard all that came from the history${isDeep ? ": depth is no reason" : ""}. Which entry is about keys that a live watch never shows?`,
			};
		},
	),

	/** 06-indexes-and-revisions */
	numbersToOrder: exercise(
		"A run on v3 that leaves /k with create_revision 3, mod_revision 5 and version 2",
		(timeline) => {
			if (timeline.api !== "v3")
				return { missing: 'this was a run on v2, whose keys have no version: run it with { api: "v3" }' };
			const own = accepted(timeline).filter(({ key }) => key === "/k");
			const last = own.at(-1);
			if (!last) return { missing: "nobody wrote /k: its numbers are what counts" };
			if (removes(last)) return { missing: "/k is gone at the end, and what is not there has no numbers" };
			const { createdIndex, modifiedIndex, version } = last.outcome.node;
			if (createdIndex !== 3) {
				return {
					missing: `create_revision is ${createdIndex}: that write made /k. What has to be written before, so that its making is the third write of the whole store?`,
				};
			}
			if (version !== 2) {
				return {
					missing: `create_revision is right, and version is ${version}: it counts the writes to /k since it was made. How many were there?`,
				};
			}
			if (modifiedIndex !== 5) {
				const idle = timeline.writes.some(({ outcome }) => outcome.kind === "refused");
				return {
					missing: `create_revision and version are right, and mod_revision is ${modifiedIndex}: between the two writes to /k the store has to be written ${idle ? "once, and what does nothing takes no revision" : "once, and elsewhere"}`,
				};
			}
			return "the third write of the store made /k, the fifth changed it, and of those only two were /k's own";
		},
	),

	/** 08-faults */
	removalInAGap: exercise("A follower whose gap names a key that was removed within it", (timeline) => {
		const followers = timeline.watchers.filter(({ kind }) => kind === "follow");
		if (followers.length === 0) return { missing: "there is no follower in it: keep the one on /a" };
		for (const { name, key, life, deliveries } of followers) {
			const gaps = life.filter((event) => event.kind === "gap");
			const named = gaps.find(({ removed = [] }) => removed.length > 0);
			if (named)
				return `"${name}" was told that ${named.removed?.map((node) => node.key).join(", ")} went between ${named.from} and ${named.to}: it compared the list with the tree that it had saved`;
			const removal = accepted(timeline).find(
				(write) => removes(write) && depthBelow(write.key, key) !== undefined,
			);
			const [gap] = gaps;
			if (!removal) return { missing: `nothing below ${key} was removed in this run` };
			if (!gap) {
				return deliveries.some(({ index }) => index === removal.index)
					? {
							missing: `the removal of ${removal.key} came as an event, index ${removal.index}: the history still had it`,
						}
					: { missing: `"${name}" was told of no gap: cut it, let the history pass by, and reconnect it` };
			}
			if (removal.index < gap.from || removal.index > gap.to)
				return {
					missing: `${removal.key} was removed at ${removal.index}, outside the gap ${gap.from} to ${gap.to}`,
				};
			if (existed(timeline, removal.key, gap.to + 1))
				return {
					missing: `${removal.key} was removed and made again within the gap: the list that follows has it, so it says that the key changed, not that it was away. Leave it removed`,
				};
			return {
				missing: `${removal.key} was made and removed within the gap: who never knew of it can't miss it. Make it while "${name}" is connected`,
			};
		}
		return { missing: "there is no follower in it: keep the one on /a" };
	}),

	/** 09-playground */
	sameEventTwice: exercise("A watcher that is sent the same event twice", (timeline) => {
		if (timeline.watchers.length === 0) return { missing: "there is no watcher in it" };
		for (const watcher of timeline.watchers) {
			// In v3 one revision has an event for each of its keys.
			const isSame = (one: Delivery, other: Delivery) => one.index === other.index && one.key === other.key;
			const twice = watcher.deliveries.find(
				(one) => watcher.deliveries.filter((other) => isSame(one, other)).length > 1,
			);
			if (twice)
				return `"${watcher.name}" was sent ${twice.action} ${twice.key}, index ${twice.index}, more than once`;
		}
		const removed = accepted(timeline).find(
			(write) => removes(write) && timeline.watchers.some(({ key }) => key === write.key),
		);
		return {
			missing: removed
				? `each event came once: ${removed.key} was removed, but which kind of watcher stays on the list after its first notice?`
				: "each event came once: what is a stream on a removed key told, or a poll that goes on from the wrong index?",
		};
	}),
};
