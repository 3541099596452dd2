import { type Attempt, exercise, miss, solved } from "../../page/exercise";
import { accountOf, type WatcherAccount } from "../../timeline/account";
import { becauseWords } from "../../timeline/explain";
import { unitOf } from "../../timeline/reading";
import type { Delivery, Timeline } from "../../timeline/timeline";
import { isBelow, isRemoval } from "../../v2/key";

/** 05-events-as-a-log: three keys go with one event, and no client removed anything. */
export const oneEventForMany = exercise(
	"Three keys or more go with one single event, and no client removed anything",
	(timeline) => {
		const account = accountOf(timeline);
		const watchers = account.watchers.filter(({ watcher }) => watcher.recursive);
		if (watchers.length === 0) return [miss(0, "keep the recursive watch: somebody has to be told")];
		const removals = account.changes.filter(isRemoval);
		if (removals.length === 0)
			return [miss(1, "nothing went: give something a ttl, and wait for it with .awaitExpiry()")];
		const client = removals.find(({ action }) => action !== "expire");
		const byHand = client
			? `${client.write.operation} ${client.key} was a client's doing: let etcd remove them by itself`
			: "";
		const expiries = removals.filter(({ action }) => action === "expire");
		return [
			miss(2, byHand),
			...expiries.map((expiry): Attempt => {
				const keys = [expiry.key, ...expiry.gone];
				if (keys.length === 1)
					return miss(
						3,
						`expire ${expiry.key} took one key with it, itself. What can expire that holds others?`,
					);
				if (keys.length < 3)
					return miss(
						4,
						`expire ${expiry.key} took ${keys.length} keys with it, ${keys.join(" and ")}. Put one more where they were`,
					);
				const told = watchers.find((watcher) => watcher.fateOfChange(expiry)?.kind === "came");
				if (!told) return miss(5, `no watcher was told that ${expiry.key} expired: watch above it`);
				if (client) return miss(6, byHand);
				return solved(
					`"${told.watcher.name}" was sent expire ${expiry.key}, and ${keys.join(", ")} went: only who kept the tree can name them`,
				);
			}),
		];
	},
	{ api: "v2", otherwise: "There each key that goes has an event of its own: do it on v2" },
);

/** 06-indexes-and-revisions: a v3 run that leaves a key with the numbers that were asked for. */
export const numbersToOrder = exercise(
	"A run on v3 that leaves /k with create_revision 3, mod_revision 5 and version 2",
	(timeline) => {
		const last = accountOf(timeline).changes.findLast(({ key }) => key === "/k");
		if (!last) return [miss(0, "nobody wrote /k: its numbers are what counts")];
		if (isRemoval(last)) return [miss(1, "/k is gone at the end, and what is not there has no numbers")];
		const { createdIndex, modifiedIndex, version } = last.node;
		if (createdIndex !== 3)
			return [
				miss(
					2,
					`create_revision is ${createdIndex}: that write made /k. What has to be written before, so that its making is the third write of the whole store?`,
				),
			];
		if (version !== 2)
			return [
				miss(
					3,
					`create_revision is right, and version is ${version}: it counts the writes to /k since it was made. How many were there?`,
				),
			];
		if (modifiedIndex !== 5) {
			const idle = timeline.writes.some(({ outcome }) => outcome.kind === "refused");
			return [
				miss(
					4,
					`create_revision and version are right, and mod_revision is ${modifiedIndex}: between the two writes to /k the store has to be written ${idle ? "once, and what does nothing takes no revision" : "once, and elsewhere"}`,
				),
			];
		}
		return [
			solved(
				"the third write of the store made /k, the fifth changed it, and of those only two were /k's own",
			),
		];
	},
	{ api: "v3", otherwise: 'Its keys have no version: run it with { api: "v3" }' },
);

/** In v3 one revision has an event for each of its keys. */
function isSame(one: Delivery, other: Delivery): boolean {
	return one.index === other.index && one.key === other.key;
}

/** 09-playground: a watcher that is sent the same event twice. */
export const sameEventTwice = exercise("A watcher that is sent the same event twice", (timeline) => {
	if (timeline.watchers.length === 0) return [miss(0, "there is no watcher in it")];
	const hint =
		timeline.api === "v3"
			? "on v3 each event comes once: both ways are v2's"
			: "each event came once: what is a stream on a removed key told, or a poll that goes on from the wrong index?";
	return [
		miss(1, hint),
		...twoWatchers(timeline),
		...twoWrites(timeline),
		...accountOf(timeline).watchers.flatMap(({ watcher, fates, asks }) => [
			...watcher.deliveries.map((one): Attempt => {
				const copies = watcher.deliveries.filter((other) => isSame(one, other)).length;
				if (copies < 2) return miss(0, hint);
				const event = `"${watcher.name}" was sent ${one.action} ${one.key}, ${unitOf(timeline)} ${one.index}, ${copies === 2 ? "twice" : `${copies} times`}`;
				const known = fates.find(({ deliveries }) => deliveries.includes(one));
				if (!known) return solved(event);
				return solved(`${event}: ${becauseWords(timeline, watcher.name, known.change.write.id, true)}`);
			}),
			...cameBack({ watcher, asks }),
			...(timeline.api === "v2" ? removedOnce({ watcher, fates }) : []),
		]),
	];
});

/** Two watchers that were sent the same event once each. */
function twoWatchers({ watchers }: Timeline): Attempt[] {
	return watchers.flatMap((one, at) =>
		watchers.slice(at + 1).flatMap((two) => {
			const shared = one.deliveries.find((event) => two.deliveries.some((other) => isSame(event, other)));
			return shared
				? [
						miss(
							2,
							`"${one.name}" and "${two.name}" were sent ${shared.action} ${shared.key} once each: it has to be one and the same watcher`,
						),
					]
				: [];
		}),
	);
}

/** The same value written twice, which makes two events. */
function twoWrites({ watchers, api }: Timeline): Attempt[] {
	return watchers.flatMap(({ deliveries }) =>
		deliveries.flatMap((one, at) => {
			const again = deliveries
				.slice(at + 1)
				.find(
					({ key, node }) => key === one.key && node.value !== undefined && node.value === one.node.value,
				);
			return again
				? [
						miss(
							2,
							`the two writes of ${one.key} are two events, ${unitOf({ api })} ${one.index} and ${again.index}: one single event has to come twice`,
						),
					]
				: [];
		}),
	);
}

/** A poll that was made again, or a watcher that was cut, which asked for what came after what it had. */
function cameBack({ watcher, asks }: Pick<WatcherAccount, "watcher" | "asks">): Attempt[] {
	return asks.slice(1).flatMap(({ from, waitIndex = from }, at) => {
		const isBack = watcher.kind === "poll" || asks[at]?.end?.kind === "cut";
		return isBack && watcher.deliveries.some(({ index }) => index < waitIndex)
			? [
					miss(
						3,
						`"${watcher.name}" came back and asked from index ${waitIndex} on, after its last event: from which index would it be given that event again?`,
					),
				]
			: [];
	});
}

/** A watcher that was sent the removal of its key, of what is below or of what held it, once. */
function removedOnce({ watcher, fates }: Pick<WatcherAccount, "watcher" | "fates">): Attempt[] {
	return fates
		.filter(({ change, kind }) => isRemoval(change) && kind === "came")
		.map(({ change: removal }): Attempt => {
			const what = `${removal.write.operation} ${removal.key}`;
			const exactly = "the stream has to be on exactly the key that the delete names";
			if (removal.key === watcher.key)
				return miss(
					watcher.kind === "stream" ? 3 : 4,
					watcher.kind === "stream"
						? `each event came once: "${watcher.name}" was not waiting on ${removal.key} as it went, but was given ${what} from the history`
						: `each event came once: ${removal.key} was removed, but which kind of watcher stays on the list after its first notice?`,
				);
			if (watcher.kind !== "stream")
				return miss(
					1,
					"each event came once: which kind of watcher stays on the list after its first notice?",
				);
			return isBelow(watcher.key, removal.key)
				? miss(5, `${what} took ${watcher.key} with it: ${exactly}`)
				: miss(5, `"${watcher.name}" is on ${watcher.key}, and ${what} names another key: ${exactly}`);
		});
}
