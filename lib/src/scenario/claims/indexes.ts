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
} from "../claim";
import { accepted } from "../scope";

export const versionsArePerKey = claim(
	"v2 has only versions of single keys, none of the whole store",
	(timeline) => {
		const writes = accepted(timeline);
		const keys = new Set(writes.map(({ key }) => key));
		if (keys.size < 2) return untested("fewer than two keys were written: nothing to compare");
		const evidence = writes.map(writeEvidence);
		const indexes = new Set(writes.map(({ index }) => index));
		return indexes.size === writes.length
			? refuted(
					`${count(keys.size, "key")} share one sequence: no two of ${count(writes.length, "write")} have the same modifiedIndex, ` +
						"and a key's next one depends on how often the others were written",
					evidence,
				)
			: confirmed("writes to different keys have the same modifiedIndex", evidence);
	},
);

export const refusedWriteTakesNoIndex = claim("A write that etcd refuses takes no index", (timeline) => {
	const refused = timeline.writes.filter(({ outcome }) => outcome.kind === "refused");
	const between = refused.filter(({ triedAt }) => accepted(timeline).some(({ index }) => index > triedAt));
	const [first] = between;
	if (!first) return untested("no refused write was followed by an accepted one");
	const evidence: Evidence[] = between.map((write) => ({ kind: "write", write }));
	const skipped = between.find(
		({ id, triedAt }) =>
			!accepted(timeline).some(({ index }) => index === triedAt + 1) &&
			accepted(timeline).some(({ write }) => write.id > id),
	);
	return skipped
		? refuted(`index ${skipped.triedAt + 1} is nobody's`, evidence)
		: confirmed(
				`the indexes around ${count(between.length, "refused write")} follow each other without a gap`,
				evidence,
			);
});

export const setMakesTheKeyAnew = claim(
	"A set over a key gives it a new createdIndex; an update or a compareAndSwap keeps the old one",
	(timeline) => {
		const over = accepted(timeline).filter(
			({ outcome }) => outcome.prevNode !== undefined && !outcome.node.dir,
		);
		const sets = over.filter(({ outcome }) => outcome.action === "set");
		const kept = over.filter(
			({ outcome }) => outcome.action === "update" || outcome.action === "compareAndSwap",
		);
		if (sets.length === 0 || kept.length === 0) {
			return untested("it takes a set and an update over keys that were there", over.map(writeEvidence));
		}
		const wrong = [
			...sets.filter(({ outcome, index }) => outcome.node.createdIndex !== index),
			...kept.filter(({ outcome }) => outcome.node.createdIndex !== outcome.prevNode?.createdIndex),
		];
		return wrong.length > 0
			? refuted("a createdIndex says otherwise", wrong.map(writeEvidence))
			: confirmed("the createdIndexes show it", [...sets, ...kept].map(writeEvidence));
	},
);

export const responseIndexIsWhereTheWatchBegan = claim(
	"X-Etcd-Index of a watch's response is the store's index when the watch began, not the event's",
	(timeline) => {
		const live = timeline.watchers.flatMap((watcher) =>
			watcher.deliveries.filter(({ fromHistory }) => !fromHistory).map((delivery) => ({ watcher, delivery })),
		);
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
