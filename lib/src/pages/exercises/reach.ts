import { type Attempt, exercise, miss, solved } from "../../page/exercise";
import { explain, UnknownReasonError } from "../../timeline/explain";
import { unitOf } from "../../timeline/reading";
import {
	type AcceptedWrite,
	accepted,
	deliveriesOfWrite,
	depthBelow,
	dueFrom,
	existed,
	listened,
	removes,
} from "../../timeline/scope";
import type { Delivery, Refused, Timeline, WatcherRecord, WriteRecord } from "../../timeline/timeline";
import { becauseWords } from "../../timeline/why";

function came(watcher: WatcherRecord, write: AcceptedWrite): boolean {
	return deliveriesOfWrite(watcher, write).length > 0;
}

/** "set /a/b": what was asked for, with the key that etcd made. */
function named({ write, key }: AcceptedWrite): string {
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

/** 00-start-here */
export const unseenWrite = exercise(
	"A write that etcd accepts and that the watcher on /a never hears of",
	function* (timeline) {
		yield miss(0, `there is no watcher${timeline.watchers.length > 0 ? " on /a" : ""}: keep the one on /a`);
		const [refused] = refusedOf(timeline);
		const because = refused ? ` that etcd accepted (${refusal(refused)}, and is none)` : "";
		for (const watcher of timeline.watchers.filter(({ key }) => key === "/a")) {
			yield miss(1, "etcd accepted no write in this run: look at the refused ones for the reason");
			for (const write of accepted(timeline))
				if (came(watcher, write))
					yield miss(
						2,
						`the watcher heard of every write${because}: where would a write be none of its business?`,
					);
				else yield unseenBy(timeline, watcher, write);
		}
	},
);

function unseenBy(timeline: Timeline, watcher: WatcherRecord, write: AcceptedWrite): Attempt {
	const what = named(write);
	if (!write.outcome.raisesEvent) return miss(3, `${what} raised no event: nobody at all could hear of it`);
	const took = `which took ${unitOf(timeline)} ${write.index}`;
	if (reasonOf(timeline, watcher, write) === "not known")
		return miss(4, `it is not known whether "${watcher.name}" will still hear of ${what}, ${took}`);
	const why = becauseWords(timeline, watcher.name, write.write.id);
	return solved(`"${watcher.name}" never heard of ${what}, ${took}: ${why}`);
}

/** The rule by which a watcher was not told. */
function reasonOf(timeline: Timeline, watcher: WatcherRecord, { write }: AcceptedWrite): string {
	try {
		const { reason, words } = explain(timeline, watcher.name, write.id);
		return words.startsWith("not known") || words.startsWith("not delivered yet") ? "not known" : reason;
	} catch (error) {
		if (error instanceof UnknownReasonError) return "unexplained";
		throw error;
	}
}

/** What to do about a write above a watched key that etcd refused, by etcd's code. */
const removalHints: Readonly<Record<number, string>> = {
	100: "nothing is there: make it first",
	102: "a directory goes by .rmdir()",
	105: "it is there already: give it the ttl when you make it, before anything is in it",
	108: "it is not empty: add { recursive: true }",
	300: "this etcd can't renew a directory's ttl: give it the ttl when you make it",
};

/** 01-recursive */
export const plainWatchHearsFromAbove = exercise(
	"A watch without recursive that is sent an event, though nobody wrote to its key",
	(timeline) => {
		const plain = timeline.watchers.filter(({ kind, recursive }) => !recursive && kind !== "follow");
		if (plain.length === 0) return [miss(0, "there is no watch without recursive in it")];
		return plain.flatMap((watcher) => [
			miss(1, `it heard nothing: ${nothingFromAbove(timeline, watcher)}`),
			...watcher.deliveries.map((delivery) => fromAbove(timeline, watcher, delivery)),
		]);
	},
	{ api: "v2", otherwise: "There nothing comes from above: each key that goes has its own event" },
);

function fromAbove(timeline: Timeline, watcher: WatcherRecord, delivery: Delivery): Attempt {
	const { name, key } = watcher;
	const event = `${delivery.action} ${delivery.key}`;
	const levels = depthBelow(key, delivery.key);
	if (levels === undefined || levels === 0)
		return miss(
			2,
			`"${name}" was sent ${event}, an event of its own key: while it watches, leave that alone, and do something above it`,
		);
	const own = accepted(timeline).find(
		(write) => write.key === key && write.index >= dueFrom(watcher) && write.index < delivery.index,
	);
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
function nothingFromAbove(timeline: Timeline, watcher: WatcherRecord): string {
	const refused = refusedOf(timeline).find(({ key }) => (depthBelow(watcher.key, key) ?? 0) > 0);
	if (refused) {
		const hint = removalHints[refused.outcome.code];
		return `${refusal(refused)}, so there was no event${hint === undefined ? "" : `: ${hint}`}`;
	}
	const gone = accepted(timeline).find(
		(write) => removes(write) && (depthBelow(watcher.key, write.key) ?? 0) > 0,
	);
	if (gone && !existed(timeline, watcher.key, gone.index))
		return `nothing was at ${watcher.key} when ${gone.key} went, and only who watches a node that goes with it is told. Make the key first`;
	if (gone) return `${gone.key} went, and ${becauseWords(timeline, watcher.name, gone.write.id)}`;
	return "which write takes the watched key away without naming it?";
}

/** 02-grandchild-writes */
export const grandchildAddedAndDeleted = exercise(
	"The post's five steps, changed so that its recursive watch on /a does see a grandchild added and deleted",
	(timeline) => {
		const watchers = timeline.watchers.filter(
			({ kind, recursive, key }) => recursive && key === "/a" && kind !== "follow",
		);
		if (watchers.length === 0) return [miss(0, "keep the recursive watch on /a")];
		const deep = accepted(timeline).filter(
			(write) => (depthBelow(write.key, "/a") ?? 0) >= 2 && !removes(write) && !write.outcome.node.dir,
		);
		const refused = refusedOf(timeline).find(({ outcome }) => outcome.code === 104);
		const none = refused
			? `${refused.operation} ${refused.key} was refused again: ${refused.outcome.cause} is a file, and a file has no children`
			: "no grandchild of /a was added in front of the watch";
		return [
			miss(1, none),
			...watchers.flatMap((watcher) => deep.map((write) => addedAndDeleted(timeline, watcher, write))),
		];
	},
	{ api: "v2", otherwise: "There the post's five steps show it as they are, see 00: do it on v2" },
);

function addedAndDeleted(timeline: Timeline, watcher: WatcherRecord, added: AcceptedWrite): Attempt {
	const { key } = added;
	const seen = deliveriesOfWrite(watcher, added).length > 0;
	if (added.index < dueFrom(watcher)) return miss(1, "no grandchild of /a was added in front of the watch");
	if (added.outcome.prevNode) return miss(2, `${named(added)} changed a grandchild that was there: add one`);
	if (!seen)
		return miss(
			3,
			`${key} was added, but "${watcher.name}" was not told: ${becauseWords(timeline, watcher.name, added.write.id)}`,
		);
	const deleted = accepted(timeline).find(
		(write) => removes(write) && write.index > added.index && depthBelow(key, write.key) !== undefined,
	);
	if (!deleted) return miss(4, `${key} was added, but it was never deleted`);
	const { action } = deleted.outcome;
	if (deleted.key !== key)
		return miss(
			5,
			`${key} went with ${deleted.key}, whose ${action} is the only event: delete the grandchild itself`,
		);
	if (!came(watcher, deleted))
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

/** 07-field-guide: a wrong answer is told which entry it is instead. */
export const shownByTheReplayAlone = exercise(
	"An event below /app that a recursive watch is never told of live, and another one later, from the history",
	(timeline) => {
		const on = timeline.watchers.filter(({ kind, key }) => key === "/app" && kind !== "follow");
		if (on.length < 2) return [miss(0, "it takes two watchers on /app: keep both")];
		const plain = on.find(({ recursive }) => !recursive);
		const both = on.filter(({ recursive }) => recursive);
		if (both.length < 2)
			return [
				miss(1, `"${plain?.name}" is not recursive: that is the entry "My watch on a directory is silent"`),
			];
		return both.flatMap((later) => {
			if (later.life.some((event) => event.kind === "error" && event.code === 401))
				return [miss(3, `"${later.name}" got a 401: that is the entry "A quiet key gets a 401"`)];
			const given = accepted(timeline).filter((write) =>
				deliveriesOfWrite(later, write).some(({ fromHistory }) => fromHistory),
			);
			return [
				miss(2, "nobody was given anything from the history: ask for the past, with afterIndex"),
				...both
					.filter((live) => live !== later)
					.flatMap((live) => given.map((write) => shownLater(timeline, live, later, write))),
			];
		});
	},
	{ api: "v2", otherwise: "There no name is hidden: do it on v2" },
);

function shownLater(
	timeline: Timeline,
	live: WatcherRecord,
	later: WatcherRecord,
	write: AcceptedWrite,
): Attempt {
	const { name, key } = live;
	if (came(live, write)) {
		const refused = refusedOf(timeline).find(({ outcome }) => outcome.code === 104);
		if (refused)
			return miss(
				6,
				`${refused.operation} ${refused.key} was refused with 104: that is the entry "I wrote a grandchild and heard nothing"`,
			);
		const isDeep = (depthBelow(write.key, key) ?? 0) >= 2;
		return miss(
			isDeep ? 5 : 4,
			`"${name}" heard all that came from the history${isDeep ? ": depth is no reason" : ""}. Which entry is about keys that a live watch never shows?`,
		);
	}
	if (depthBelow(write.key, key) === undefined)
		return miss(
			8,
			`${write.key} is not below ${key}: that is the entry "After a reconnect came the delete of a neighbour"`,
		);
	const reason = reasonOf(timeline, live, write);
	if (reason === "hidden" && listened(live, write.index))
		return solved(
			`"${later.name}" was given ${write.key} from the history, and "${name}" was there all the time and never told: a hidden name, the entry "Keys with an underscore come and go"`,
		);
	if (write.index < dueFrom(live))
		return miss(
			7,
			`"${name}" was not there when ${write.key} was written: that is ${entries["not yet asked"]}`,
		);
	const entry = entries[reason];
	if (entry === undefined)
		return miss(9, `"${name}" was not there any more when ${write.key} was written: let it stay to the end`);
	return miss(9, `"${name}" was not told of ${named(write)}, for another reason: that is ${entry}`);
}
