import type { Change, FollowedEvent, Gap, Reset } from "etcd-watch-lab/follow";
import type { Following, RunRecord } from "./record";
import { Tree } from "./tree";
import { Truth } from "./truth";

/** What a following says of one store: from its start, or from a reset, to its end or the next reset. */
export interface Part {
	readonly following: Following;
	readonly truth: Truth;
	/** It answers for the events after `after`, up to `through`. */
	readonly after: number;
	readonly through: number;
	/** The nodes at `after`, where they are known. */
	readonly nodes: Reset["state"]["nodes"] | undefined;
	readonly changes: readonly (FollowedEvent | Gap)[];
	/** What ended it, and the truth of the store that came then. */
	readonly reset: Reset | undefined;
	/** The store that comes after this one; undefined: there was none. */
	readonly next: Truth | undefined;
	readonly isFirst: boolean;
	readonly isLast: boolean;
}

/** A record with the truth of each of its stores worked out, and each following taken apart at its resets. */
export interface Reading {
	readonly record: RunRecord;
	readonly truths: readonly Truth[];
	readonly parts: readonly Part[];
}

/** The index that a change has brought the consumer to. */
export function indexAfter(change: Change): number {
	if (change.kind === "gap") return change.to;
	if (change.kind === "reset") return change.state.index;
	// Of an index with several events it is reached with the last one.
	return change.more ? change.index - 1 : change.index;
}

export function read(record: RunRecord): Reading {
	const truths = record.epochs.map((_, epoch) => new Truth(record, epoch));
	return { record, truths, parts: record.followings.flatMap((following) => partsOf(following, truths)) };
}

function partsOf(following: Following, truths: readonly Truth[]): readonly Part[] {
	const parts: Part[] = [];
	let epoch = following.epoch;
	let after = following.startIndex;
	let nodes = following.start?.nodes;
	let changes: (FollowedEvent | Gap)[] = [];
	const end = (reset: Reset | undefined) => {
		const truth = truths[Math.min(epoch, truths.length - 1)];
		if (truth === undefined) throw new Error("a record has at least one epoch");
		const last = Math.max(after, ...changes.slice(-1).map(indexAfter));
		// Who never came to the end still answers for all of it.
		const final = truth.record.epochs[truth.epoch]?.final?.index ?? last;
		const stopped = following.position?.index ?? following.stoppedAt;
		const through = reset?.lastIndex ?? stopped ?? Math.max(last, final);
		const next = truths[epoch + 1];
		const isFirst = parts.length === 0;
		const isLast = reset === undefined;
		parts.push({ following, truth, after, through, nodes, changes, reset, next, isFirst, isLast });
	};
	for (const { change } of following.deliveries) {
		if (change.kind !== "reset") {
			changes.push(change);
			continue;
		}
		end(change);
		epoch++;
		after = change.state.index;
		nodes = change.state.nodes;
		changes = [];
	}
	end(undefined);
	return parts;
}

/** Each change with the tree as the changes before it have told it; undefined as long as no state is known. */
export function* retold(part: Part): Generator<{ change: FollowedEvent | Gap; before: Tree | undefined }> {
	let tree = part.nodes && new Tree(part.following.key, part.nodes, part.truth.isFlat);
	for (const change of part.changes) {
		yield { change, before: tree };
		if (change.kind === "gap") {
			tree = new Tree(part.following.key, change.state.nodes, part.truth.isFlat);
		} else {
			const { action, index, key, node } = change;
			tree?.apply({ action, index, key, value: node.value, dir: node.dir });
		}
	}
}

/** The tree that the changes up to an index tell; undefined where no state is known. */
export function toldTree(part: Part, through: number): Tree | undefined {
	let tree = part.nodes && new Tree(part.following.key, part.nodes, part.truth.isFlat);
	for (const change of part.changes) {
		if ((change.kind === "event" ? change.index : indexAfter(change)) > through) break;
		if (change.kind === "gap") tree = new Tree(part.following.key, change.state.nodes, part.truth.isFlat);
		else {
			const { action, index, key, node } = change;
			tree?.apply({ action, index, key, value: node.value, dir: node.dir });
		}
	}
	return tree;
}
