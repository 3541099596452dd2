import { historyCapacity } from "../../model";
import { type Attempt, exercise, miss, solved } from "../../page/exercise";
import { type Account, accountOf, type Fate, isTooEarly, type WatcherAccount } from "../../timeline/account";
import { unitOf } from "../../timeline/reading";
import type { LifeEvent, WatcherRecord } from "../../timeline/timeline";
import { isRemoval } from "../../v2/key";

/** 03-missed-events: single polls that lose nothing, also of what falls between two. */
export const pollsThatLoseNothing = exercise(
	"Single polls, three writes of which at least one falls between two polls, and nothing lost",
	(timeline) => [
		miss(0, "use .poll(): a watch or a stream would be too easy"),
		...accountOf(timeline)
			.watchers.filter(({ watcher }) => watcher.kind === "poll")
			.map(losingNothing),
	],
	{ api: "v2", otherwise: "There a watch stays open, and no event falls between two polls: do it on v2" },
);

function losingNothing({ watcher, asks: polls, fates }: WatcherAccount): Attempt {
	const due = fates.filter(({ kind }) => kind !== "notDue");
	const lost = due.find(({ kind }) => kind !== "came");
	if (due.length < 3) return miss(1, `only ${due.length} writes that it could see: make three`);
	if (lost) return miss(2, lostWords(watcher, lost));
	const between = due.filter(({ change: { index } }) =>
		polls.some(({ end }, at) => {
			const next = polls[at + 1];
			return end?.kind === "answered" && next !== undefined && index > end.at && index <= next.at;
		}),
	);
	if (between.length === 0)
		return miss(3, "nothing fell between two polls: write twice before you poll again");
	const forgetful = polls.slice(1).find(({ waitIndex }) => waitIndex === undefined);
	if (forgetful)
		return miss(
			4,
			`nothing was lost, by luck: the poll at index ${forgetful.at} asked for what comes from then on, whatever had come before it`,
		);
	return solved(
		`all of ${due.length} came, ${between.length} of them from between two polls: each poll asked for what comes after the one before`,
	);
}

function lostWords(watcher: WatcherRecord, { change: { index } }: Fate): string {
	const twice = watcher.deliveries.find(
		(one, at) => watcher.deliveries.findIndex((other) => one.index === other.index) < at,
	);
	if (twice)
		return `the event at ${twice.index} came twice, and the one at ${index} was lost: the polls went on after the index of the response, which lies before the event's`;
	return watcher.deliveries.every((delivery) => delivery.index < index)
		? `the event at ${index} was lost: a poll gives one event, and no poll was left for this one`
		: `the event at ${index} was lost: nobody was listening, and the next poll did not ask for it`;
}

/** 04-afterindex-recovery: a quiet key whose watcher is not thrown out by a flood. */
export const quietKeySurvives = exercise(
	"More than 1000 writes to other keys, and the watcher of the quiet key sees its own next event without a 401",
	(timeline) => {
		const account = accountOf(timeline);
		return [
			miss(0, "write the quiet key once before the flood and once after it, with a watcher on it"),
			...account.watchers
				.filter(({ watcher }) => watcher.kind !== "follow")
				.flatMap(({ watcher, fates }) => {
					const own = fates.filter((fate) => fate.kind !== "notDue" || isTooEarly(fate));
					return own.flatMap((next, at) => {
						const before = own[at - 1];
						// Without a write between the two there is nothing to survive.
						const isNext = before && next.change.index - before.change.index > 1;
						return isNext ? [survived(account, watcher, before, next)] : [];
					});
				}),
		];
	},
	{
		api: "v2",
		otherwise: "There nobody is thrown out by other people's writes (this page, above): do it on v2",
	},
);

/** Two events of a quiet key that follow each other, with other people's writes between them. */
function survived(account: Account, watcher: WatcherRecord, before: Fate, next: Fate): Attempt {
	const { name } = watcher;
	const [first, { index: last }] = [before.change.index, next.change];
	const foreignAfter = (from: number) =>
		account.changes.filter(({ index, key }) => index > from && index < last && key !== watcher.key).length;
	const foreign = foreignAfter(first);
	const cleared = watcher.life.find(
		(event) => event.kind === "error" && event.code === 401 && event.at >= first && event.at < last,
	);
	if (cleared)
		return miss(
			3,
			`"${name}" got 401 at index ${cleared.at}: it asked after the flood, when its index was no longer kept`,
		);
	if (next.kind !== "came")
		return miss(foreign > historyCapacity ? 2 : 1, `"${name}" did not see its event at ${last}`);
	if (foreign <= historyCapacity)
		return miss(
			foreign === 0 ? 0 : 1,
			`only ${foreign} writes to other keys between two neighbouring events of "${name}": the window would not have passed`,
		);
	const { ask } = next;
	if (foreignAfter(Math.max(first, ask?.at ?? last)) <= historyCapacity)
		return miss(
			4,
			ask?.waitIndex === undefined
				? `"${name}" asked after the flood, and for what comes from now on: had its key been written in between, that would be lost. When has it to ask, to lose nothing?`
				: `"${name}" asked at index ${ask.at}, in the middle of the flood: let more than ${historyCapacity} writes go by while it waits`,
		);
	return solved(
		`"${name}" saw index ${last} after ${foreign} writes to other keys: who is already waiting is not thrown out`,
	);
}

type Gap = Extract<LifeEvent, { kind: "gap" }>;

/** 08-faults: a follower whose gap names a key that was removed within it. */
export const removalInAGap = exercise(
	"A follower whose gap names a key that was removed within it",
	(timeline) => [
		miss(0, "there is no follower in it: keep the one on /a"),
		...accountOf(timeline)
			.watchers.filter(({ watcher }) => watcher.kind === "follow")
			.flatMap(({ watcher: follower, fates }) => {
				const gaps = follower.life.filter((event): event is Gap => event.kind === "gap");
				const named = gaps.find(({ removed = [] }) => removed.length > 0);
				if (named)
					return [
						solved(
							`"${follower.name}" was told that ${named.removed?.map((node) => node.key).join(", ")} went between ${named.from} and ${named.to}: it compared the list with the tree that it had saved`,
						),
					];
				const removals = fates.filter(({ change, isNear }) => isRemoval(change) && isNear);
				return [
					miss(1, `nothing below ${follower.key} was removed in this run`),
					...removals.flatMap((removal) =>
						gaps.length === 0
							? [toldOfNoGap(follower.name, unitOf(timeline), removal)]
							: gaps.map((gap) => notNamed(accountOf(timeline), follower.name, removal, gap)),
					),
				];
			}),
	],
);

function toldOfNoGap(name: string, unit: string, { change: { key, index }, kind }: Fate): Attempt {
	return kind === "came"
		? miss(2, `the removal of ${key} came as an event, ${unit} ${index}: the history still had it`)
		: miss(3, `"${name}" was told of no gap: cut it, let the history pass by, and reconnect it`);
}

function notNamed(account: Account, name: string, { change: { key, index } }: Fate, gap: Gap): Attempt {
	if (index < gap.from || index > gap.to)
		return miss(4, `${key} was removed at ${index}, outside the gap ${gap.from} to ${gap.to}`);
	if (account.contentsAt(gap.to).has(key))
		return miss(
			5,
			`${key} was removed and made again within the gap: the list that follows has it, so it says that the key changed, not that it was away. Leave it removed`,
		);
	return miss(
		5,
		`${key} was made and removed within the gap: who never knew of it can't miss it. Make it while "${name}" is connected`,
	);
}

/** 10-versions: a delete that is told after a compaction, on every version of etcd. */
export const keptDelete = exercise(
	"After a compaction a watch that begins in the past is told of a delete, on every version of etcd",
	(timeline) => {
		const compacted = timeline.compactions?.at(-1);
		if (compacted === undefined) return [miss(0, "nothing was compacted: add .compact()")];
		const account = accountOf(timeline);
		const removals = account.changes.filter(isRemoval);
		if (removals.length === 0) return [miss(1, "nothing was removed: add a .delete()")];
		return [
			miss(2, "no watch asked for the past after the compaction: open one there, with afterIndex"),
			...account.watchers.flatMap((watcher) =>
				watcher.asks
					.filter(({ waitIndex, at }) => waitIndex !== undefined && at >= compacted.at)
					.flatMap(({ from, at }) =>
						removals.map((removal): Attempt => {
							const it = `the delete of ${removal.key} at ${removal.index}`;
							if (removal.index < from) return miss(3, `the watch asks from ${from} on: ${it} lies before`);
							if (removal.index > at)
								return miss(3, `${it} came when the watch was open: nothing had passed`);
							if (removal.index < compacted.index)
								return miss(4, `${it} has been compacted with all that is older than ${compacted.index}`);
							if (removal.index === compacted.index)
								return miss(
									5,
									`the compaction ends at ${it}, and before 3.4.34 and 3.5.16 that one is not told: which revision may be compacted on every version?`,
								);
							if (watcher.fateOfChange(removal)?.kind !== "came") return miss(6, `${it} did not come`);
							return solved(`${it} came, since the compaction ended before it, at ${compacted.index}`);
						}),
					),
			),
		];
	},
	{ api: "v3", otherwise: 'It has no compaction: run it with { api: "v3" }' },
);

/** 11-delivery: a watch that begins at a revision which changed several keys. */
export const wholeRevision = exercise(
	"A watch that is opened later is told of all events of a revision that changed several keys, and of nothing older",
	(timeline) => {
		const account = accountOf(timeline);
		const several = account.changes.filter(
			({ index }, at, all) => all[at + 1]?.index === index && all[at - 1]?.index !== index,
		);
		if (several.length === 0)
			return [miss(0, "no write changed several keys: keep the rmdir of a name with two keys below")];
		return [
			miss(1, "no watch asked for the past: open one after the write, with afterIndex"),
			...account.watchers
				.filter(({ watcher }) => watcher.kind !== "follow")
				.flatMap(({ asks, fates }) =>
					asks
						.filter(({ waitIndex }) => waitIndex !== undefined)
						.flatMap(({ from, at }) =>
							several.map(({ index }): Attempt => {
								const events = fates.filter(({ change }) => change.index === index);
								if (index > at) return miss(2, `revision ${index} was written when the watch was open`);
								if (from > index)
									return miss(
										3,
										`the watch asks from revision ${from} on: who had handled one event of revision ${index} is never told of the other`,
									);
								if (events.some(({ kind }) => kind !== "came"))
									return miss(3, `not all of the ${events.length} events of revision ${index} came`);
								if (from < index)
									return miss(
										4,
										`revision ${index} came whole, and what is older came once more: ask for no more than has to be told again`,
									);
								return solved(
									`all ${events.length} events of revision ${index} came: the watch asks for the revision itself, since nobody had it whole`,
								);
							}),
						),
				),
		];
	},
	{ api: "v3", otherwise: 'There one write raises one event: run it with { api: "v3" }' },
);
