import { type Attempt, exercise, miss, solved } from "../../page/exercise";
import {
	accountOf,
	type Change,
	depthBelow,
	type Fate,
	isTooEarly,
	type WatcherAccount,
} from "../../timeline/account";
import { becauseWords } from "../../timeline/explain";
import { unitOf } from "../../timeline/reading";
import type { Delivery, Refused, Timeline, WriteRecord } from "../../timeline/timeline";
import { isBelow, isRemoval } from "../../v2/key";

/** "set /a/b": what was asked for, with the key that etcd made. */
function named({ write, key }: Change): string {
	return `${write.operation} ${key}`;
}

type RefusedWrite = WriteRecord & { readonly outcome: Refused };

function refusedOf(timeline: Timeline): RefusedWrite[] {
	return timeline.writes.filter((write): write is RefusedWrite => write.outcome.kind === "refused");
}

/** "delete /x was refused with 102 Not a file". */
function refusal({ operation, key, outcome }: RefusedWrite): string {
	return `${operation} ${key} was refused with ${outcome.code} ${outcome.message}`;
}

/** 00-start-here: a write that is accepted, and that the watcher on /a never hears of. */
export const unseenWrite = exercise(
	"A write that etcd accepts and that the watcher on /a never hears of",
	function* (timeline) {
		yield miss(0, `there is no watcher${timeline.watchers.length > 0 ? " on /a" : ""}: keep the one on /a`);
		const [refused] = refusedOf(timeline);
		const because = refused ? ` that etcd accepted (${refusal(refused)}, and is none)` : "";
		const on = accountOf(timeline).watchers.filter(({ watcher }) => watcher.key === "/a");
		const found = foundOf(timeline, on);
		for (const { watcher, fates } of on) {
			yield miss(1, "etcd accepted no write in this run: look at the refused ones for the reason");
			for (const fate of fates)
				if (fate.kind === "came")
					yield miss(
						2,
						`the watcher heard of every write${because}: where would a write be none of its business?`,
					);
				else yield unseenBy(timeline, watcher.name, fate, found);
		}
	},
);

function unseenBy(timeline: Timeline, watcher: string, fate: Fate, found: string): Attempt {
	const { change, kind } = fate;
	const what = named(change);
	if (!change.raisesEvent) return miss(3, `${what} raised no event: nobody at all could hear of it`);
	const took = `which took ${unitOf(timeline)} ${change.index}`;
	if (kind === "notKnown") return miss(4, notKnown(watcher, `${what}, ${took}`));
	const why = becauseWords(timeline, watcher, change.write.id);
	return solved(`"${watcher}" never heard of ${what}, ${took}: ${why}. ${found}`);
}

/** Why a watcher never hears of a write: by the key's place or name, by the watch itself, or by the moment. */
const silences = ["another place", "a hidden name", "not recursive", "too early", "nobody there any more"];

function silenceOf(fate: Fate): string | undefined {
	const { kind, reason, change } = fate;
	if (kind === "came" || kind === "notKnown" || !change.raisesEvent) return undefined;
	if (isTooEarly(fate)) return "too early";
	if (kind !== "notDue") return "nobody there any more";
	return reason === "hidden" ? "a hidden name" : reason === "not recursive" ? reason : "another place";
}

/** How many of the reasons a run shows. v3 hides no name. */
function foundOf({ api }: Timeline, on: readonly WatcherAccount[]): string {
	const there = silences.filter((silence) => api === "v2" || silence !== "a hidden name");
	const shown = new Set(on.flatMap(({ fates }) => fates.flatMap((fate) => silenceOf(fate) ?? [])));
	const found = there.filter((silence) => shown.has(silence));
	if (found.length === there.length) return `You found all ${there.length} reasons`;
	return `You found ${found.length} of ${there.length} reasons (${found.join(", ")}): what of the key, of the watch or of the moment can be another?`;
}

function notKnown(watcher: string, what: string): string {
	return `it is not known whether "${watcher}" will still hear of ${what}`;
}

/** What to do about a write above a watched key that etcd refused, by etcd's code. */
const removalHints: Readonly<Record<number, string>> = {
	100: "nothing is there: make it first",
	102: "a directory goes by .rmdir()",
	105: "it is there already: give it the ttl when you make it, before anything is in it",
	108: "it is not empty: add { recursive: true }",
	300: "this etcd can't renew a directory's ttl: give it the ttl when you make it",
};

/** 01-recursive: a watch without recursive is sent an event, though nobody wrote to its key. */
export const plainWatchHearsFromAbove = exercise(
	"A watch without recursive that is sent an event, though nobody wrote to its key",
	(timeline) => {
		const plain = accountOf(timeline).watchers.filter(
			({ watcher: { kind, recursive } }) => !recursive && kind !== "follow",
		);
		if (plain.length === 0) return [miss(0, "there is no watch without recursive in it")];
		return plain.flatMap((account) => [
			miss(1, `it heard nothing: ${nothingFromAbove(timeline, account)}`),
			...account.watcher.deliveries.map((delivery) => fromAbove(account, delivery)),
		]);
	},
	{ api: "v2", otherwise: "There nothing comes from above: each key that goes has its own event" },
);

function fromAbove({ watcher, fates, firstAsked }: WatcherAccount, delivery: Delivery): Attempt {
	const { name, key } = watcher;
	const event = `${delivery.action} ${delivery.key}`;
	const levels = depthBelow(key, delivery.key);
	if (levels === undefined || levels === 0)
		return miss(
			2,
			`"${name}" was sent ${event}, an event of its own key: while it watches, leave that alone, and do something above it`,
		);
	const own = fates.find(
		({ change }) => change.key === key && change.index >= firstAsked && change.index < delivery.index,
	)?.change;
	if (own)
		return miss(
			3,
			`"${name}" was sent ${event}, from above, but ${named(own)} at index ${own.index} was a write to its key: leave that alone while it watches`,
		);
	if (levels < 2 && delivery.action !== "expire")
		return miss(
			4,
			`"${name}" was sent ${event}, from one level up as on this page: let it come from two levels up, or be an expiry`,
		);
	const why = `${delivery.key} was removed, and ${key} with it; the event has the key of what was removed`;
	return solved(`"${name}" on ${key} was sent ${event}: ${why}`);
}

/** Why nothing came to a plain watch from above. */
function nothingFromAbove(timeline: Timeline, { watcher, fates }: WatcherAccount): string {
	const refused = refusedOf(timeline).find(({ key }) => isBelow(watcher.key, key));
	if (refused) {
		const hint = removalHints[refused.outcome.code];
		return `${refusal(refused)}, so there was no event${hint === undefined ? "" : `: ${hint}`}`;
	}
	const gone = fates.find(({ change }) => isRemoval(change) && isBelow(watcher.key, change.key))?.change;
	if (gone && !gone.heldWatched.has(watcher.key))
		return `nothing was at ${watcher.key} when ${gone.key} went, and only who watches a node that goes with it is told. Make the key first`;
	if (gone) return `${gone.key} went, and ${becauseWords(timeline, watcher.name, gone.write.id)}`;
	return "which write takes the watched key away without naming it?";
}

/** 02-grandchild-writes: the post's steps, changed so that its watch does see a grandchild. */
export const grandchildAddedAndDeleted = exercise(
	"The post's five steps, changed so that its recursive watch on /a does see a grandchild added and deleted",
	(timeline) => {
		const watchers = accountOf(timeline).watchers.filter(
			({ watcher: { kind, recursive, key } }) => recursive && key === "/a" && kind !== "follow",
		);
		if (watchers.length === 0) return [miss(0, "keep the recursive watch on /a")];
		const isDeep = ({ change }: Fate) =>
			(depthBelow(change.key, "/a") ?? 0) >= 2 && !isRemoval(change) && !change.node.dir;
		const refused = refusedOf(timeline).find(({ outcome }) => outcome.code === 104);
		const none = refused
			? `${refused.operation} ${refused.key} was refused again: ${refused.outcome.cause} is a file, and a file has no children`
			: "no grandchild of /a was added in front of the watch";
		return [
			miss(1, none),
			...watchers.flatMap((account) =>
				account.fates.filter(isDeep).map((fate) => addedAndDeleted(timeline, account, fate)),
			),
		];
	},
	{ api: "v2", otherwise: "There the post's five steps show it as they are, see 00: do it on v2" },
);

function addedAndDeleted(
	timeline: Timeline,
	account: WatcherAccount,
	{ change: added, kind }: Fate,
): Attempt {
	const { watcher, fates, firstAsked } = account;
	const { key } = added;
	if (added.index < firstAsked) return miss(1, "no grandchild of /a was added in front of the watch");
	if (added.prevNode) return miss(2, `${named(added)} changed a grandchild that was there: add one`);
	if (kind !== "came")
		return miss(
			3,
			`${key} was added, but "${watcher.name}" was not told: ${becauseWords(timeline, watcher.name, added.write.id)}`,
		);
	const end = fates.find(
		({ change }) =>
			isRemoval(change) && change.index > added.index && depthBelow(key, change.key) !== undefined,
	);
	if (!end) return miss(4, `${key} was added, but it was never deleted`);
	const { change: deleted } = end;
	const { action } = deleted;
	if (deleted.key !== key)
		return miss(
			5,
			`${key} went with ${deleted.key}, whose ${action} is the only event: delete the grandchild itself`,
		);
	if (end.kind !== "came")
		return miss(
			6,
			`${key} was added and deleted, but "${watcher.name}" was not told of the ${action}: ${becauseWords(timeline, watcher.name, deleted.write.id)}`,
		);
	return solved(
		`it saw ${key} at ${added.index} and its ${action} at ${deleted.index}: depth was never the reason`,
	);
}

/** Which of the field guide's entries a silence belongs to, by the rule that decided. */
const entries: Readonly<Record<string, string>> = {
	"not yet asked": 'the entry "The first write after I opened the watch is missing"',
	"asked from later on": 'the entry "The first write after I opened the watch is missing"',
	"between two polls": 'the entry "Two quick writes and only the first one came"',
	"deaf stream": 'the entry "One event from the past and then nothing"',
	"reader paused": 'the entry "The stream went deaf after a busy moment"',
	cleared: 'the entry "A quiet key gets a 401"',
	"member silent": 'the entry "The watch is open and its server stands still"',
	"member sent the whole store": 'the entry "One event is missing and there was no error at all"',
	"ahead of the store": 'the entry "After a wipe the watch waits for ever"',
};

/** 07-field-guide: shown by the history alone. A wrong answer is told which entry it is instead. */
export const shownByTheReplayAlone = exercise(
	"An event below /app that a recursive watch is never told of live, and another one later, from the history",
	(timeline) => {
		const on = accountOf(timeline).watchers.filter(
			({ watcher: { kind, key } }) => key === "/app" && kind !== "follow",
		);
		if (on.length < 2) return [miss(0, "it takes two watchers on /app: keep both")];
		const plain = on.find(({ watcher }) => !watcher.recursive)?.watcher;
		const both = on.filter(({ watcher }) => watcher.recursive);
		if (both.length < 2)
			return [
				miss(1, `"${plain?.name}" is not recursive: that is the entry "My watch on a directory is silent"`),
			];
		return both.flatMap((later) => {
			const { name, life } = later.watcher;
			if (life.some((event) => event.kind === "error" && event.code === 401))
				return [miss(3, `"${name}" got a 401: that is the entry "A quiet key gets a 401"`)];
			const given = later.fates.filter(({ deliveries }) => deliveries.some(({ fromHistory }) => fromHistory));
			return [
				miss(2, "nobody was given anything from the history: ask for the past, with afterIndex"),
				...both
					.filter((live) => live !== later)
					.flatMap((live) => given.map(({ change }) => shownLater(timeline, live, name, change))),
			];
		});
	},
	{ api: "v2", otherwise: "There no name is hidden: do it on v2" },
);

function shownLater(timeline: Timeline, live: WatcherAccount, later: string, change: Change): Attempt {
	const { name, key } = live.watcher;
	const fate = live.fateOfChange(change);
	if (fate?.kind === "came") {
		const refused = refusedOf(timeline).find(({ outcome }) => outcome.code === 104);
		if (refused)
			return miss(
				6,
				`${refused.operation} ${refused.key} was refused with 104: that is the entry "I wrote a grandchild and heard nothing"`,
			);
		const isDeep = (depthBelow(change.key, key) ?? 0) >= 2;
		return miss(
			isDeep ? 5 : 4,
			`"${name}" heard all that came from the history${isDeep ? ": depth is no reason" : ""}. Which entry is about keys that a live watch never shows?`,
		);
	}
	if (depthBelow(change.key, key) === undefined)
		return miss(
			8,
			`${change.key} is not below ${key}: that is the entry "After a reconnect came the delete of a neighbour"`,
		);
	if (fate?.reason === "hidden" && fate.ask !== undefined && change.index <= fate.ask.seenTo)
		return solved(
			`"${later}" was given ${change.key} from the history, and "${name}" was there all the time and never told: a hidden name, the entry "Keys with an underscore come and go"`,
		);
	if (change.index < live.firstAsked)
		return miss(
			7,
			`"${name}" was not there when ${change.key} was written: that is ${entries["not yet asked"]}`,
		);
	const entry = fate && entries[fate.reason];
	if (entry !== undefined)
		return miss(9, `"${name}" was not told of ${named(change)}, for another reason: that is ${entry}`);
	// Of one that is still open, and that nothing came to since.
	const isOpen = fate?.ask !== undefined && fate.ask.end === undefined;
	if (isOpen || fate?.kind === "notKnown") return miss(9, notKnown(name, named(change)));
	return miss(9, `"${name}" was not there any more when ${change.key} was written: let it stay to the end`);
}
