import type { Change } from "../timeline/account";
import type { Delivery, WatcherRecord } from "../timeline/timeline";
import { isBelow, isRemoval } from "../v2/key";
import {
	all,
	claim,
	confirmed,
	count,
	type Evidence,
	pairs,
	refuted,
	sentEvidence,
	testifies,
	untested,
} from "./claim";

export const eventsCarryTheNode = claim(
	"An event carries the node, so that no read is needed",
	({ changes, watchers, say }) => {
		const events = watchers.flatMap(({ watcher }) =>
			watcher.deliveries.map((delivery) => ({ watcher, delivery })),
		);
		if (events.length === 0) return untested("no event came");
		const values = new Map(changes.map(({ index, key, node }) => [`${index} ${key}`, node.value]));
		const lacking = events.filter(({ delivery: { action, node, prevNode, index, key } }) => {
			if (isRemoval({ action })) return prevNode === undefined;
			const value = values.get(`${index} ${key}`);
			return (!node.dir && node.value === undefined) || (value !== undefined && value !== node.value);
		});
		return lacking.length > 0
			? refuted(
					`${count(lacking.length, "event")} did not say what the key became, or what it was`,
					deliveriesOf(lacking),
				)
			: confirmed(
					`${all(events.length, "event")} carried the new value, or for a delete the old ${say("node", "one, as prev_kv")}`,
					deliveriesOf(events),
				);
	},
	{ v3: "An event carries the key and its value, so that no read is needed" },
);

export const removalNamesEveryKey = claim(
	"The removal of a directory is told as an event for each key that goes with it",
	(run) => {
		const inside = ({ write, key, gone }: Change) => [
			...gone,
			// In v3 a delete takes nothing along: what goes with it is what the same write deleted.
			...run.account.changesOf(write).flatMap((other) => (isBelow(other.key, key) ? [other.key] : [])),
		];
		const found = pairs(
			run,
			(watcher, change) =>
				watcher.recursive &&
				isRemoval(change) &&
				(change.key === watcher.key || isBelow(change.key, watcher.key)),
		)
			// A poll gives one event, and so does a stream that is answered from the history.
			.filter(({ watcher: { kind }, fate: { deliveries } }) => {
				const [first] = deliveries;
				return first && kind !== "poll" && !(kind === "stream" && first.fromHistory);
			})
			.filter(({ fate }) => testifies(fate))
			.map(({ watcher, change }) => ({
				keys: inside(change),
				watcher,
				events: watcher.deliveries.filter(({ index }) => index === change.index),
			}))
			.filter(({ keys }) => keys.length > 0);
		if (found.length === 0)
			return untested(
				run.say(
					"no watch was told of the removal of a directory with keys in it",
					"no watch was told of a delete of a range with several keys",
				),
			);
		const evidence = found.flatMap(({ watcher, events }) => sentEvidence(watcher, events));
		const silent = found.flatMap(({ keys, events }) =>
			keys.filter((key) => !events.some((event) => event.key === key)),
		);
		return silent.length > 0
			? refuted(
					`${count(silent.length, "key")} went with no event to name it: ${silent.join(", ")}`,
					evidence,
				)
			: confirmed("each key that went had an event of its own", evidence);
	},
	{ v3: "The delete of a range is told as an event for each key that goes with it" },
);

/** Some of what watchers were sent. */
function deliveriesOf(events: readonly { watcher: WatcherRecord; delivery: Delivery }[]): Evidence[] {
	return events.flatMap(({ watcher, delivery }) => sentEvidence(watcher, [delivery]));
}
