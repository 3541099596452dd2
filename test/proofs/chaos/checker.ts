import { historyCapacity } from "etcd-watch-lab/model";
import type { Node } from "etcd-watch-lab/v2";
import { differences, keysThatDiffer, leavesOf, oddOnes, visible } from "./compare";
import { indexAfter, type Part, type Reading, read, retold, toldTree } from "./reading";
import { type Acknowledged, isHiddenBelow, isWithin, type RunRecord } from "./record";
import { isRemoval } from "./tree";
import { reach } from "./truth";

/** One thing that a consumer got wrong. */
export interface Finding {
	readonly checker: CheckerName;
	readonly consumer: string;
	readonly what: string;
	/** Where it happened; counted by, so that one lost event is one finding. */
	readonly index: number;
}

type Say = (what: string, index: number) => void;

const perPart = {
	/** Indexes only rise. */
	ordered(part: Part, say: Say): void {
		let last = part.after;
		const seen = new Set<number>();
		for (const change of part.changes) {
			const first = change.kind === "gap" ? change.from : change.index;
			if (first <= last && !(change.kind === "event" && seen.has(first))) {
				say(`${change.kind} at ${first} comes after ${last}`, first);
			}
			if (change.kind === "event") seen.add(first);
			last = Math.max(last, indexAfter(change));
		}
		if (part.reset && part.reset.lastIndex < last)
			say(`the reset says ${part.reset.lastIndex} was last, not ${last}`, last);
	},

	/** No event comes twice. */
	unique(part: Part, say: Say): void {
		const seen = new Set<string>();
		for (const change of part.changes) {
			if (change.kind !== "event") continue;
			const id = part.truth.idOf(change);
			if (seen.has(id)) say(`event ${change.index} comes again`, change.index);
			seen.add(id);
		}
	},

	/** Whatever had to be told was told, or lies in a gap that says so. */
	complete(part: Part, say: Say): void {
		const { following, truth, after, through } = part;
		const told = new Set<string>();
		const removalsTold: { key: string; index: number }[] = [];
		const gaps: { from: number; to: number }[] = [];
		for (const change of part.changes) {
			if (change.kind === "gap") gaps.push(change);
			else {
				told.add(truth.idOf(change));
				if (isRemoval(change.action)) removalsTold.push(change);
			}
		}
		const inGap = (index: number) => gaps.some(({ from, to }) => from <= index && index <= to);
		const tree = truth.begin();
		for (const entry of truth.entries) {
			const { index } = entry;
			if (index > after && index <= through && !told.has(truth.idOf(entry)) && !inGap(index)) {
				if (reach(following, entry, tree) === "must") {
					say(`${entry.action ?? "a write"} of ${entry.key} at ${index} was never told`, index);
				}
			}
			tree.apply({ ...entry, action: entry.action ?? "set" });
		}
		for (const gone of truth.vanished) {
			// It was there when the following began, or came later; and was gone before it ended.
			if (gone.before <= after || gone.before - 1 > through) continue;
			const isFollowed = following.recursive
				? isWithin(gone.key, following.key) && !isHiddenBelow(following.key, gone.key)
				: gone.key === following.key;
			if (!isFollowed) continue;
			const from = Math.max(gone.after, after);
			const wasTold = removalsTold.some(
				({ key, index }) => isWithin(gone.key, key) && index > from && index < gone.before,
			);
			const excused = gaps.some((gap) => gap.to > from && gap.from < gone.before);
			// It may have gone before the following began.
			if (!wasTold && !excused && gone.after > after) {
				say(`${gone.key} of index ${gone.after} went before ${gone.before}, and nobody told`, gone.before);
			}
		}
		if (part.isLast && !following.finished) say(`it never came to the end`, through);
		// Whoever was stopped on purpose may have been so before.
		const isStopped = following.position !== undefined || following.stoppedAt !== undefined;
		if (part.isLast && part.next !== undefined && !isStopped)
			say("it was never told that the store is another one", through);
	},

	/** Nothing is told that did not happen, or that is not the follower's to tell. */
	genuine(part: Part, say: Say): void {
		const { following, truth } = part;
		const tree = truth.begin();
		const entries = truth.entries[Symbol.iterator]();
		let next = entries.next();
		const sorted = part.changes.flatMap((change) => (change.kind === "event" ? [change] : []));
		for (const event of sorted.sort((one, two) => one.index - two.index)) {
			const { index, action, key, node } = event;
			while (!next.done && next.value.index < index) {
				tree.apply({ ...next.value, action: next.value.action ?? "set" });
				next = entries.next();
			}
			const entry = truth.at(index, key);
			if (entry === undefined) {
				say(`${action} of ${key} at ${index}: no such write`, index);
				continue;
			}
			const value = node.dir || isRemoval(action) ? undefined : (node.value ?? "");
			const isSame =
				entry.key === key &&
				(entry.action === undefined || entry.action === action) &&
				(entry.dir || isRemoval(action) || (entry.value ?? "") === value);
			if (!isSame) {
				say(`${action} of ${key} at ${index} was ${entry.action ?? "a write"} of ${entry.key}`, index);
			} else if (reach(following, entry, tree) === "no") {
				say(`${action} of ${key} at ${index} is not for ${following.key}`, index);
			}
		}
	},

	/** An event says what the server's answer to the write said: what was before, when the key was made, its ttl. */
	exact(part: Part, say: Say): void {
		const { following, truth } = part;
		for (const change of part.changes) {
			if (change.kind !== "event") continue;
			const { index, action, key, node, prevNode, fromHistory } = change;
			const write = truth.at(index, key)?.write;
			if (write?.action !== action) continue;
			const what = `${action} of ${key} at ${index}`;
			// v3's own word for it is what was before; of a compacted revision there is none.
			const isCompacted =
				truth.isFlat && prevNode === undefined && isForgotten(truth, write.prev?.modifiedIndex);
			if (node.createdIndex !== write.createdIndex && !(isCompacted && isRemoval(action)))
				say(`${what} was made at ${node.createdIndex}, not ${write.createdIndex}`, index);
			if (!isCompacted && !isSameBefore(prevNode, write.prev))
				say(`${what} was ${shownBefore(prevNode)} before, not ${shownBefore(write.prev)}`, index);
			const hasTtl = node.expiration !== undefined;
			if (!truth.isFlat && !isRemoval(action) && hasTtl !== write.ttl)
				say(`${what} has ${hasTtl ? "a" : "no"} ttl`, index);
			if (part.isFirst && !fromHistory && index <= (following.pastThrough ?? 0))
				say(`${what} is of the past, and is told as if it had just happened`, index);
		}
	},

	/** A gap or a reset says what is true: the state to go on from, and what has changed. */
	gapsStated(part: Part, say: Say): void {
		const { following, truth } = part;
		const { key, recursive } = following;
		for (const { change, before } of retold(part)) {
			if (change.kind !== "gap") continue;
			if (change.to < change.from) say(`a gap from ${change.from} to ${change.to}`, change.from);
			if (change.state.index !== change.to) {
				say(`a gap to ${change.to} with a state at ${change.state.index}`, change.to);
			}
			const expected = visible(truth.treeAt(change.to).leaves(), key, recursive);
			const told = visible(leavesOf(change.state.nodes), key, recursive);
			for (const what of differences(truth, change.to, expected, told).slice(0, 3)) {
				say(`the gap's state at ${change.to}: ${what}`, change.to);
			}
			const { queue } = following;
			if (change.why === "slow consumer" && queue?.full === 0)
				say(`the gap to ${change.to} is for a slow consumer, whose queue was never full`, change.to);
			if (change.why === "cleared" && following.isSlow && (queue?.full ?? 0) > 0)
				say(`the gap to ${change.to} does not say that the consumer was too slow`, change.to);
			if (before)
				for (const what of misstated(part, change, before))
					say(`the gap to ${change.to}: ${what}`, change.to);
		}
		if (part.reset === undefined) return;
		const { reset, next } = part;
		if (next === undefined) {
			say(
				`a reset (${reset.why}, ${reset.lastIndex} to ${reset.state.index}) of a store that is the same`,
				reset.lastIndex,
			);
		}
		// What had no answer may have moved it on.
		const newest = (truth.entries.at(-1)?.index ?? 0) + truth.record.unknown.length + truth.vanished.length;
		if (next && reset.lastIndex > newest)
			say(`the reset says ${reset.lastIndex} was last, and the store came to ${newest}`, reset.lastIndex);
		if (next) {
			const expected = visible(next.treeAt(reset.state.index).leaves(), key, recursive);
			const told = visible(leavesOf(reset.state.nodes), key, recursive);
			for (const what of differences(next, reset.state.index, expected, told).slice(0, 3))
				say(`the reset's state at ${reset.state.index}: ${what}`, reset.lastIndex);
		}
		const before = toldTree(part, Number.POSITIVE_INFINITY);
		if (before) for (const what of misstated(part, reset, before)) say(`the reset: ${what}`, reset.lastIndex);
	},

	/** No gap where the history still held what was asked for. */
	avoidable(part: Part, say: Say): void {
		for (const change of part.changes) {
			if (change.kind !== "gap") continue;
			// The list at `to` came after the refusal: what it still held was there before.
			const oldest = part.truth.isFlat ? lastCompaction(part) : Math.max(1, change.to - historyCapacity + 1);
			if (change.from >= oldest) {
				say(`a gap from ${change.from} to ${change.to}: the history went back to ${oldest}`, change.from);
			} else if (part.following.gaps === "none") {
				say(`a gap from ${change.from} to ${change.to}, where none had to be`, change.from);
			}
		}
	},

	/** It tells in time, as long as there is a member that it could hear from. */
	alive({ following, isLast }: Part, say: Say): void {
		if (isLast) for (const { index, what } of following.silences ?? []) say(what, index);
	},

	/** No more is held for a slow consumer than was agreed upon. */
	bounded({ following, through }: Part, say: Say): void {
		const { queue, memory } = following;
		if (queue && queue.most > queue.length)
			say(`${queue.most} changes were held for a consumer that agreed to ${queue.length}`, through);
		if (memory && memory.grown > memory.most)
			say(
				`its process held ${megabytes(memory.grown)} more, and may hold ${megabytes(memory.most)}`,
				through,
			);
	},

	/** The changes alone lead to what a quorum read says at the end. */
	finalState(part: Part, say: Say): void {
		const { following, truth, isLast } = part;
		const final = truth.record.epochs[truth.epoch]?.final;
		const isStopped = following.position !== undefined || following.stoppedAt !== undefined;
		if (!isLast || final === undefined || isStopped) return;
		// A gap or reset over the end has a state beyond it: that is held against the writes, not against the read.
		const over = part.changes.find((change) => change.kind === "gap" && change.to > final.index);
		const index = Math.max(final.index, part.after, over === undefined ? 0 : indexAfter(over));
		const tree = toldTree(part, index);
		if (tree === undefined) return;
		const { key, recursive } = following;
		const leaves = index === final.index ? leavesOf(final.nodes) : truth.treeAt(index).leaves();
		const expected = visible(leaves, key, recursive);
		const found = differences(truth, index, expected, visible(tree.leaves(), key, recursive));
		for (const what of found.slice(0, 3)) say(`at the end: ${what}`, index);
	},

	/** A removal names every key that went. */
	removedKeys(part: Part, say: Say): void {
		for (const { change, before } of retold(part)) {
			if (change.kind !== "event" || !isRemoval(change.action) || before === undefined) continue;
			const { following } = part;
			const gone = visible(before.within(change.key), following.key, following.recursive);
			const named = new Set(change.removed?.map(({ key }) => key));
			const odd = oddOnes(part.truth, new Set(gone.keys()), named);
			if (odd.length > 0) {
				const some = odd.slice(0, 3).join(", ");
				say(
					`${change.action} of ${change.key} at ${change.index}: ${odd.length} keys wrong (${some})`,
					change.index,
				);
			}
		}
	},

	/** Where a saved position is gone on from, nothing is missing between and nothing comes again. */
	resumable(part: Part, say: Say): void {
		const { following, truth, isLast } = part;
		if (!isLast || following.position === undefined) return;
		const { position } = following;
		// What begins an index that has more is not consumed before the last of it.
		const whole = part.changes.filter((change) => change.kind === "gap" || !change.more);
		const last = Math.max(part.after, ...whole.slice(-1).map(indexAfter));
		if (position.index < last) say(`the position says ${position.index}, and ${last} was consumed`, last);
		const told = toldTree(part, position.index);
		if (told === undefined || position.nodes === undefined) {
			if (told !== undefined) say("the position lacks the nodes that were known", position.index);
			return;
		}
		const { key, recursive } = following;
		const expected = visible(told.leaves(), key, recursive);
		const saved = visible(leavesOf(position.nodes), key, recursive);
		for (const what of differences(truth, position.index, expected, saved).slice(0, 3)) {
			say(`the saved position: ${what}`, position.index);
		}
	},
} as const;

/** The newest revision below which the store was made to forget. */
function lastCompaction({ truth }: Part): number {
	const { compactions = [] } = truth.record;
	return Math.max(
		1,
		...compactions.flatMap(({ epoch, revision }) => (epoch <= truth.epoch ? [revision] : [])),
	);
}

/** Whether a compaction may have taken what was at an index. */
function isForgotten({ record, epoch }: Part["truth"], index = 0): boolean {
	return (record.compactions ?? []).some((one) => one.epoch <= epoch && one.revision > index);
}

function isSameBefore(told: Node | undefined, was: Acknowledged["prev"]): boolean {
	if (told === undefined || was === undefined) return told === was;
	if (told.dir !== was.dir || told.modifiedIndex !== was.modifiedIndex) return false;
	return was.dir || (told.value ?? "") === (was.value ?? "");
}

function shownBefore(node: Acknowledged["prev"] | Node): string {
	if (node === undefined) return "nothing";
	return node.dir ? "a directory" : `${JSON.stringify(node.value?.slice(0, 20))} of ${node.modifiedIndex}`;
}

function megabytes(bytes: number): string {
	return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

/** What a gap or reset says of the difference, against what the changes had told before. */
function misstated(
	{ following, truth }: Part,
	stated: {
		readonly state: { readonly nodes: Parameters<typeof leavesOf>[0] };
		readonly added?: readonly { readonly key: string }[];
		readonly removed?: readonly { readonly key: string }[];
		readonly changed?: readonly { readonly before?: Node; readonly now: Node }[];
	},
	before: Parameters<typeof keysThatDiffer>[1],
): readonly string[] {
	const differ = keysThatDiffer(truth, before, stated.state.nodes);
	const keysOf = (nodes: readonly { readonly key: string }[]) => new Set(nodes.map(({ key }) => key));
	return [
		...oddOnes(truth, differ.added, keysOf(stated.added ?? [])).map((key) => `${key} among those added`),
		...oddOnes(truth, differ.removed, keysOf(stated.removed ?? [])).map(
			(key) => `${key} among those removed`,
		),
		...unstated(differ.changed, keysOf((stated.changed ?? []).map(({ now }) => now))),
		...(stated.changed ?? []).flatMap((one) => misstatedBefore(truth, one, before)),
	]
		.filter((text) => text.includes(following.key))
		.slice(0, 3);
}

/** Of a node that was written in between: as it was told before, or after an index that no event tells of. */
function misstatedBefore(
	truth: Part["truth"],
	{ before, now }: { readonly before?: Node; readonly now: Node },
	tree: Parameters<typeof keysThatDiffer>[1],
): readonly string[] {
	const was = tree.get(now.key);
	if (was === undefined) return [];
	const value = before?.dir ? undefined : (before?.value ?? "");
	const isSame =
		before !== undefined && before.key === now.key && before.dir === was.dir && value === was.value;
	const isAt =
		was.dir ||
		before?.modifiedIndex === was.modifiedIndex ||
		truth.at(before?.modifiedIndex ?? 0, now.key)?.refresh;
	return isSame && isAt
		? []
		: [`${now.key} as it was before is ${shownBefore(before)}, not ${shownBefore(was)}`];
}

/** A renewed ttl may be stated as a change, or not: what is stated too much is none of our business. */
function unstated(changed: ReadonlySet<string>, stated: ReadonlySet<string>): readonly string[] {
	return [...changed].filter((key) => !stated.has(key)).map((key) => `${key} among those changed`);
}

export type CheckerName = keyof typeof perPart;

export const checkerNames = Object.keys(perPart) as readonly CheckerName[];

const ofMeasured: readonly CheckerName[] = ["ordered", "unique", "alive", "bounded"];

/** One checker over a whole record. */
export function findings(reading: Reading, checker: CheckerName): readonly Finding[] {
	const found: Finding[] = [];
	for (const part of reading.parts) {
		// Whose memory is measured keeps no values.
		if (part.following.memory !== undefined && !ofMeasured.includes(checker)) continue;
		perPart[checker](part, (what, index) => {
			found.push({ checker, consumer: part.following.name, what, index });
		});
	}
	return found;
}

/** What went wrong in a run, and how many events were held against the truth. */
export interface Checked {
	readonly findings: readonly Finding[];
	readonly verified: number;
	readonly gaps: number;
	readonly resets: number;
	/** What the servers themselves got wrong: then the run says nothing. */
	readonly contradictions: readonly string[];
}

export function check(record: RunRecord): Checked {
	const reading = read(record);
	const all = checkerNames.flatMap((checker) => findings(reading, checker));
	const kinds = record.followings.flatMap(({ deliveries }) => deliveries.map(({ change }) => change.kind));
	return {
		findings: [...all, ...notResumed(record)],
		verified: kinds.filter((kind) => kind === "event").length,
		gaps: kinds.filter((kind) => kind === "gap").length,
		resets: kinds.filter((kind) => kind === "reset").length,
		contradictions: reading.truths.flatMap(({ contradictions }) => contradictions),
	};
}

/** Of a following that goes on from another's position: it has to begin where that one stood. */
function notResumed({ followings }: RunRecord): readonly Finding[] {
	return followings.flatMap((following): readonly Finding[] => {
		const { resumes, name: consumer, startIndex } = following;
		if (resumes === undefined) return [];
		const before = followings.find(({ name }) => name === resumes);
		if (before?.position?.index === startIndex) return [];
		const what = `it goes on after ${startIndex}, and ${resumes} stood at ${before?.position?.index}`;
		return [{ checker: "resumable", consumer, what, index: startIndex }];
	});
}
