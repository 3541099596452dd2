import { type Change, groupBy, type WatcherAccount } from "../timeline/account";
import type { Delivery, Timeline, WatcherRecord, WriteRecord } from "../timeline/timeline";
import { isRemoval } from "../v2/key";
import {
	all,
	claim,
	confirmed,
	count,
	type Evidence,
	type Finding,
	type Run,
	refuted,
	sentEvidence,
	untested,
	writeEvidence,
} from "./claim";

/** Whether writes to different keys have one and the same number. In v3 one write can change several, at its one. */
function sequence(
	{ changes }: Run,
	shared: (evidence: readonly Evidence[]) => Finding,
	apart: (keys: string, writes: string, evidence: readonly Evidence[]) => Finding,
): Finding {
	const keys = new Set(changes.map(({ key }) => key));
	if (keys.size < 2) return untested("fewer than two keys were written: nothing to compare");
	const same = changes.filter((one, at) => {
		const isOther = (other: Change | undefined) =>
			other?.index === one.index && other.write !== one.write && other.key !== one.key;
		return isOther(changes[at - 1]) || isOther(changes[at + 1]);
	});
	return same.length > 0
		? shared(same.map(writeEvidence))
		: apart(count(keys.size, "key"), count(changes.length, "write"), changes.map(writeEvidence));
}

export const versionsArePerKey = claim(
	"v2 has only versions of single keys, none of the whole store",
	(run) =>
		sequence(
			run,
			(rows) => confirmed("writes to different keys have the same modifiedIndex", rows),
			(keys, writes, rows) =>
				refuted(
					`${keys} share one sequence: no two of ${writes} have the same modifiedIndex, and a key's next one depends on how often the others were written`,
					rows,
				),
		),
	{ v2Only: "it has both, see notebook 06" },
);

export const storeHasOneSequence = claim(
	"The writes to all keys of the store are numbered in one sequence",
	(run) =>
		sequence(
			run,
			(rows) => refuted("two writes to different keys have the same number", rows),
			(keys, writes, rows) => confirmed(`${keys} share it: no two of ${writes} have the same number`, rows),
		),
);

type OwnNumber = "modifiedIndex" | "createdIndex" | "version";

/** The numbers that an event carries of its key, in the words of its API. */
const ownNumbers: Readonly<Record<Timeline["api"], readonly (readonly [OwnNumber, string])[]>> = {
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
	({ timeline, changes }) => {
		const places = changes.map((change, place) => ({ change, place }));
		const byKey = groupBy(places, ({ change }) => change.key);
		// Only a key that was written again after another one tells a count of its own from one of the store.
		const told = [...byKey.values()]
			.map((own) => own.slice(0, own.findLastIndex(({ change }) => !isRemoval(change)) + 1))
			.filter((own) => {
				const first = own.findIndex(({ change }) => !isRemoval(change));
				const [from, to] = [own[first]?.place ?? 0, own.at(-1)?.place ?? 0];
				return to - from > own.length - 1 - first;
			})
			.map((own) => own.map(({ change }) => change));
		if (told.length === 0)
			return untested("no key was written, and written again after a write to another one");
		const keys = new Set(told.map(([first]) => first?.key));
		const evidence = changes.filter(({ key }) => keys.has(key)).map(writeEvidence);
		const numbers = ownNumbers[timeline.api];
		const found = numbers.find(([field]) => told.every((own) => counts(own, field)));
		return found === undefined
			? refuted(
					`none of ${numbers.map(([, name]) => name).join(", ")} does: each jumps by what was written to other keys in between`,
					evidence,
				)
			: confirmed(`${found[1]} does: it goes up by 1 with each write since the key was made`, evidence);
	},
);

/** Whether the number goes 1, 2, 3, … with the key's writes, from each making of it on. */
function counts(own: readonly Change[], field: OwnNumber): boolean {
	let expected = 0;
	return own.every((change) => {
		if (isRemoval(change)) return true;
		// Made anew after a removal, or after an expiry that nobody recorded.
		expected = change.prevNode ? expected + 1 : 1;
		return change.node[field] === expected;
	});
}

export const refusedWriteTakesNoIndex = claim(
	"A write that etcd refuses takes no index",
	({ timeline, changes, watchers, say }) => {
		const refused = timeline.writes.filter(({ outcome }) => outcome.kind === "refused");
		const carriedOut = refused.flatMap((write) => toldOf(write, watchers));
		if (carriedOut.length > 0)
			return refuted(`${count(carriedOut.length, "event")} came of a write that was refused`, carriedOut);
		// What a watcher was sent took an index too: another client's write, or an expiry that nobody waited for.
		const foreign = watchers.flatMap((account) => account.foreign.map(({ index }) => index));
		const indexes = [...new Set([0, ...changes.map(({ index }) => index), ...foreign])].sort((a, b) => a - b);
		const places = indexes.slice(1).map((index, at) => {
			const before = indexes[at] ?? 0;
			return {
				isNext: index === before + 1,
				refused: refused.filter(({ triedAt }) => triedAt >= before && triedAt < index),
			};
		});
		const evidence = (found: typeof places) =>
			found.flatMap((place) => place.refused.map((write) => writeEvidence({ write })));
		const around = evidence(places);
		if (around.length === 0)
			return untested(
				say(
					"no refused write was followed by an accepted one",
					"no write that changed nothing was followed by one that did",
				),
			);
		const skipping = evidence(places.filter(({ isNext }) => !isNext));
		return skipping.length === 0
			? confirmed(
					say(
						`the indexes around ${count(around.length, "refused write")} follow each other without a gap`,
						`the revisions around ${count(around.length, "write")} without a change follow each other without a gap`,
					),
					around,
				)
			: untested(
					`${say("indexes are missing around a refused write", "revisions are missing around a write without a change")}, and nobody can say whose they are: others write on this server, or etcd does`,
					skipping,
				);
	},
	{ v3: "A write that changes nothing takes no revision" },
);

/** The events of a refused write that a watcher was sent: of no other write, on its key, of its value. */
function toldOf(
	{ key, value, triedAt, operation }: WriteRecord,
	watchers: readonly WatcherAccount[],
): Evidence[] {
	if (operation === "createInOrder" || value === undefined || value === "") return [];
	return watchers.flatMap(({ watcher, foreign }) =>
		sentEvidence(
			watcher,
			foreign.filter((event) => event.key === key && event.index > triedAt && event.node.value === value),
		),
	);
}

export const setMakesTheKeyAnew = claim(
	"A set over a key gives it a new createdIndex; an update or a compareAndSwap keeps the old one",
	({ changes, say }) => {
		const over = changes.filter(({ prevNode, node }) => prevNode !== undefined && !node.dir);
		// By what was asked for: v3's events know no more than "put".
		const sets = over.filter(({ write }) => write.operation === "set");
		const kept = over.filter(
			({ write }) => write.operation === "update" || write.operation === "compareAndSwap",
		);
		const wrong = [
			...sets.filter(({ node, index }) => node.createdIndex !== index),
			...kept.filter(({ node, prevNode }) => node.createdIndex !== prevNode?.createdIndex),
		];
		if (wrong.length > 0)
			return refuted(`a ${say("createdIndex", "create_revision")} says otherwise`, wrong.map(writeEvidence));
		if (sets.length === 0 || kept.length === 0) {
			return untested(
				say(
					"it takes a set and an update over keys that were there",
					"it takes a put and a txn put over keys that were there",
				),
				over.map(writeEvidence),
			);
		}
		const what = say("the createdIndexes show it", "the create_revisions show it");
		return confirmed(what, [...sets, ...kept].map(writeEvidence));
	},
	{ v3: "A put over a key gives it a new create_revision; one that compares first keeps the old one" },
);

/** Some of what watchers were sent. */
function evidenceOf(events: readonly { watcher: WatcherRecord; delivery: Delivery }[]): Evidence[] {
	return events.flatMap(({ watcher, delivery }) => sentEvidence(watcher, [delivery]));
}

/**
 * What came to a request without an index, and so was not in the history whatever the headers say: `fromHistory`
 * itself is read off them.
 */
function askedWithoutIndex({ watcher, asks }: WatcherAccount): readonly Delivery[] {
	if (watcher.kind === "poll")
		return asks.flatMap(({ waitIndex, answer }) => (waitIndex === undefined && answer ? [answer] : []));
	if (asks.length !== 1 || asks[0]?.waitIndex !== undefined) return [];
	return watcher.deliveries.slice(0, watcher.kind === "stream" ? undefined : 1);
}

export const responseIndexIsWhereTheWatchBegan = claim(
	"X-Etcd-Index of a watch's response is the store's index when the watch began, not the event's",
	({ watchers }) => {
		const live = watchers.flatMap((account) => {
			const fromNowOn = askedWithoutIndex(account);
			return account.watcher.deliveries
				.filter((delivery) => !delivery.fromHistory || fromNowOn.includes(delivery))
				.map((delivery) => ({ watcher: account.watcher, delivery }));
		});
		if (live.length === 0) return untested("no live event came");
		const wrong = live.filter(({ delivery }) => delivery.etcdIndex >= delivery.index);
		if (wrong.length > 0) return refuted("a response's index is not below its event's", evidenceOf(wrong));
		// A member that is behind says less than the run knew: that is no evidence.
		const right = live.filter(({ watcher, delivery }) =>
			watcher.life.some((event) => event.kind === "asked" && event.at <= delivery.etcdIndex),
		);
		return right.length === 0
			? untested("the headers lie below all that was asked: the member was behind")
			: confirmed(
					`in ${all(right.length, "live response")} the header lies below the event's index`,
					evidenceOf(right),
				);
	},
	{ v2Only: "its messages carry the store's revision of the moment in which they are sent" },
);
