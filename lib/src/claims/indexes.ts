import {
	type AcceptedWrite,
	accepted,
	deliveriesOf,
	depthBelow,
	goneBelow,
	listenings,
	removes,
} from "../timeline/scope";
import type { Delivery, Timeline, WatcherRecord } from "../timeline/timeline";
import {
	all,
	claim,
	confirmed,
	count,
	deliveryEvidence,
	type Evidence,
	refuted,
	untested,
	writeEvidence,
} from "./claim";

export const versionsArePerKey = claim(
	"v2 has only versions of single keys, none of the whole store",
	(timeline) => {
		const writes = accepted(timeline);
		const keys = new Set(writes.map(({ key }) => key));
		if (keys.size < 2) return untested("fewer than two keys were written: nothing to compare");
		// An expiry may be in a timeline twice, with the same key.
		const keyAt = new Map(writes.map(({ index, key }) => [index, key]));
		const doubled = new Set(
			writes.filter(({ index, key }) => keyAt.get(index) !== key).map(({ index }) => index),
		);
		const sharing = writes.filter(({ index }) => doubled.has(index));
		return sharing.length === 0
			? refuted(
					`${count(keys.size, "key")} share one sequence: no two of ${count(writes.length, "write")} have the same modifiedIndex, ` +
						"and a key's next one depends on how often the others were written",
					writes.map(writeEvidence),
				)
			: confirmed("writes to different keys have the same modifiedIndex", sharing.map(writeEvidence));
	},
	{ v2Only: "it has both, see notebook 06" },
);

export const storeHasOneSequence = claim(
	"The writes to all keys of the store are numbered in one sequence",
	(timeline) => {
		const writes = accepted(timeline);
		const keys = new Set(writes.map(({ key }) => key));
		if (keys.size < 2) return untested("fewer than two keys were written: nothing to compare");
		// In v3 one write can change several keys, at its one number; in v2 an expiry may be there twice.
		const takenBy = new Map(writes.map(({ index, write, key }) => [index, { id: write.id, key }]));
		const sharing = writes.filter(({ index, write, key }) => {
			const other = takenBy.get(index);
			return other !== undefined && other.id !== write.id && other.key !== key;
		});
		return sharing.length === 0
			? confirmed(
					`${count(keys.size, "key")} share it: no two of ${count(writes.length, "write")} have the same number`,
					writes.map(writeEvidence),
				)
			: refuted("two writes to different keys have the same number", sharing.map(writeEvidence));
	},
);

/** The numbers that an event carries of its key, in the words of its API. */
const ownNumbers: Readonly<
	Record<Timeline["api"], readonly ["modifiedIndex" | "createdIndex" | "version", string][]>
> = {
	v2: [
		["modifiedIndex", "modifiedIndex"],
		["createdIndex", "createdIndex"],
	],
	v3: [
		["modifiedIndex", "mod_revision"],
		["createdIndex", "create_revision"],
		["version", "version"],
	],
};

export const keysCountTheirOwnWrites = claim(
	"A key has a number that counts the writes to it, whatever is written elsewhere",
	(timeline) => {
		const writes = accepted(timeline);
		const keys = [...new Set(writes.map(({ key }) => key))];
		// Only a key that was written again after another one tells a count of its own from one of the store.
		const told = keys.filter((key) => {
			const own = writes.filter((write) => write.key === key && !removes(write));
			const [first, second] = [own[0], own.at(-1)];
			return (
				first !== undefined &&
				second !== undefined &&
				writes.some((one) => one.key !== key && one.index > first.index && one.index < second.index)
			);
		});
		if (told.length === 0)
			return untested("no key was written, and written again after a write to another one");
		const evidence = writes.filter(({ key }) => told.includes(key)).map(writeEvidence);
		const counting = ownNumbers[timeline.api].filter(([field]) =>
			told.every((key) => counts(writes, key, field)),
		);
		const names = ownNumbers[timeline.api].map(([, name]) => name).join(", ");
		const [found] = counting;
		return found === undefined
			? refuted(`none of ${names} does: each jumps by what was written to other keys in between`, evidence)
			: confirmed(`${found[1]} does: it goes up by 1 with each write since the key was made`, evidence);
	},
);

/** Whether the number goes 1, 2, 3, … with the key's writes, from each making of it on. */
function counts(
	writes: readonly AcceptedWrite[],
	key: string,
	field: "modifiedIndex" | "createdIndex" | "version",
): boolean {
	let expected = 0;
	return writes
		.filter((write) => write.key === key)
		.every((write) => {
			expected = removes(write) ? 0 : expected + 1;
			return removes(write) || write.outcome.node[field] === expected;
		});
}

export const refusedWriteTakesNoIndex = claim("A write that etcd refuses takes no index", (timeline) => {
	const refused = timeline.writes.filter(({ outcome }) => outcome.kind === "refused");
	const indexes = [0, ...accepted(timeline).map(({ index }) => index)];
	// Between two neighbours: how many indexes are nobody's, and which writes were refused there.
	const between = indexes.slice(1).map((index, at) => {
		const before = indexes[at] ?? 0;
		return {
			missing: Math.max(0, index - before - 1),
			refused: refused.filter(({ triedAt }) => triedAt >= before && triedAt < index),
		};
	});
	const evidence = between.flatMap((place) =>
		place.refused.map((write): Evidence => ({ kind: "write", write })),
	);
	if (evidence.length === 0) return untested("no refused write was followed by an accepted one");
	const skipping = between.filter(({ missing }) => missing > 0);
	const [first] = skipping.flatMap((place) => place.refused);
	if (!first) {
		return confirmed(
			`the indexes around ${count(evidence.length, "refused write")} follow each other without a gap`,
			evidence,
		);
	}
	const unanswered = timeline.writes.some(({ outcome }) => outcome.kind === "failed" && outcome.maybeApplied);
	// One index for each refused write, and none missing anywhere else: nobody else took them.
	return unanswered || skipping.some((place) => place.missing !== place.refused.length)
		? untested(
				"indexes are missing that refused writes do not explain: others write on this server",
				evidence,
			)
		: refuted(
				`index ${first.triedAt + 1} is nobody's`,
				skipping.flatMap((place) => place.refused.map((write): Evidence => ({ kind: "write", write }))),
			);
});

export const setMakesTheKeyAnew = claim(
	"A set over a key gives it a new createdIndex; an update or a compareAndSwap keeps the old one",
	(timeline) => {
		const over = accepted(timeline).filter(
			({ outcome }) => outcome.prevNode !== undefined && !outcome.node.dir,
		);
		// By what was asked for: v3's events know no more than "put".
		const sets = over.filter(({ write }) => write.operation === "set");
		const kept = over.filter(
			({ write }) => write.operation === "update" || write.operation === "compareAndSwap",
		);
		const wrong = [
			...sets.filter(({ outcome, index }) => outcome.node.createdIndex !== index),
			...kept.filter(({ outcome }) => outcome.node.createdIndex !== outcome.prevNode?.createdIndex),
		];
		if (wrong.length > 0) return refuted("a createdIndex says otherwise", wrong.map(writeEvidence));
		if (sets.length === 0 || kept.length === 0) {
			return untested("it takes a set and an update over keys that were there", over.map(writeEvidence));
		}
		return confirmed("the createdIndexes show it", [...sets, ...kept].map(writeEvidence));
	},
);

/**
 * What came to a request without an index, and so was not in the history whatever the headers say: `fromHistory`
 * itself is read off them.
 */
function askedWithoutIndex(watcher: WatcherRecord): Delivery[] {
	const times = listenings(watcher);
	if (watcher.kind === "poll") {
		return times.flatMap(({ asked, answer }) => (asked.waitIndex === undefined && answer ? [answer] : []));
	}
	if (times.length !== 1 || times[0]?.asked.waitIndex !== undefined) return [];
	return watcher.deliveries.slice(0, watcher.kind === "stream" ? undefined : 1);
}

export const responseIndexIsWhereTheWatchBegan = claim(
	"X-Etcd-Index of a watch's response is the store's index when the watch began, not the event's",
	(timeline) => {
		const live = timeline.watchers.flatMap((watcher) => {
			const fromNowOn = askedWithoutIndex(watcher);
			return watcher.deliveries
				.filter((delivery) => !delivery.fromHistory || fromNowOn.includes(delivery))
				.map((delivery) => ({ watcher, delivery }));
		});
		if (live.length === 0) return untested("no live event came");
		const evidence = live.map(({ watcher, delivery }) => deliveryEvidence(watcher, delivery));
		const asked = ({ watcher, delivery }: (typeof live)[number]) =>
			watcher.life.some((event) => event.kind === "asked" && event.at <= delivery.etcdIndex);
		const wrong = live.filter((one) => one.delivery.etcdIndex >= one.delivery.index || !asked(one));
		return wrong.length > 0
			? refuted(
					"a response's index is not below its event's",
					wrong.map(({ watcher, delivery }) => deliveryEvidence(watcher, delivery)),
				)
			: confirmed(
					`in ${all(live.length, "live response")} the header lies below the event's index`,
					evidence,
				);
	},
	{ v2Only: "its messages carry the store's revision of the moment in which they are sent" },
);

export const eventsCarryTheNode = claim(
	"An event carries the node, so that no read is needed",
	(timeline) => {
		const events = timeline.watchers.flatMap((watcher) =>
			watcher.deliveries.map((delivery) => ({ watcher, delivery })),
		);
		if (events.length === 0) return untested("no event came");
		const byIndex = new Map(accepted(timeline).map((write) => [write.index, write.outcome]));
		const whole = ({ delivery }: (typeof events)[number]) => {
			const { action, node, prevNode, index } = delivery;
			if (["delete", "expire", "compareAndDelete"].includes(action)) return prevNode !== undefined;
			const answer = byIndex.get(index)?.node;
			return (node.dir || node.value !== undefined) && (answer === undefined || answer.value === node.value);
		};
		const lacking = events.filter((one) => !whole(one));
		const evidence = (found: typeof events) =>
			found.map(({ watcher, delivery }) => deliveryEvidence(watcher, delivery));
		return lacking.length > 0
			? refuted(
					`${count(lacking.length, "event")} did not say what the key became, or what it was`,
					evidence(lacking),
				)
			: confirmed(
					`${all(events.length, "event")} carried the new value, or for a delete the old node`,
					evidence(events),
				);
	},
);

export const removalNamesEveryKey = claim(
	"The removal of a directory is told as an event for each key that goes with it",
	(timeline) => {
		const writes = accepted(timeline);
		const found = writes.filter(removes).flatMap((removal) => {
			const inside = goneBelow(timeline, removal);
			return timeline.watchers
				.filter(({ recursive, key }) => recursive && depthBelow(removal.key, key) !== undefined)
				.map((watcher) => ({ watcher, inside, events: deliveriesOf(watcher, removal.index) }))
				.filter(({ events }) => inside.length > 0 && events.length > 0);
		});
		if (found.length === 0)
			return untested("no watch was told of the removal of a directory with keys in it");
		const evidence = found.flatMap(({ watcher, events }) =>
			events.map((event) => deliveryEvidence(watcher, event)),
		);
		const silent = found.flatMap(({ inside, events }) =>
			inside.filter((key) => !events.some((event) => event.key === key)),
		);
		return silent.length > 0
			? refuted(
					`${count(silent.length, "key")} went with no event to name it: ${silent.join(", ")}`,
					evidence,
				)
			: confirmed("each key that went had an event of its own", evidence);
	},
);
