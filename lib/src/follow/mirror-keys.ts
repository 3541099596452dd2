import type { Node } from "../v2/node";
import type { FollowedEvent, KeySpace, StateDifference } from "./changes";
import type { FollowedTree } from "./tree";

/** What became of one key: made (no `before`), removed (no `now`), or written (both). */
export interface KeyChange {
	readonly key: string;
	readonly before?: Node;
	readonly now?: Node;
}

/**
 * An event by its keys, carried out on the tree: a removed directory's are all that were under it (T8), the parents
 * that a write makes on its way come before its own key (T7).
 */
export function applied(tree: FollowedTree, keys: KeySpace, event: FollowedEvent): readonly KeyChange[] {
	const { key } = event;
	const made: string[] = [];
	let parent = keys.covers(key) ? keys.parentOf(key) : undefined;
	for (; parent !== undefined && tree.get(parent) === undefined; parent = keys.parentOf(parent)) {
		made.unshift(parent);
	}
	const before = tree.get(key);
	const removed = tree.apply(event);
	if (removed.length > 0) return removed.map((node) => ({ key: node.key, before: node }));
	const now = tree.get(key);
	if (now === undefined) return [];
	return [...made.map((parent) => written(parent, undefined, tree.get(parent))), written(key, before, now)];
}

/** A gap's, a reset's or a list's difference by its keys, in their order. */
export function differing({ added, changed, removed = [] }: StateDifference): readonly KeyChange[] {
	const keys = [
		...added.map((now) => written(now.key, undefined, now)),
		...changed.map(({ before, now }) => written(now.key, before, now)),
		...removed.map((before) => written(before.key, before, undefined)),
	];
	return keys.sort((one, two) => (one.key < two.key ? -1 : 1));
}

function written(key: string, before: Node | undefined, now: Node | undefined): KeyChange {
	return { key, ...(before === undefined ? {} : { before }), ...(now === undefined ? {} : { now }) };
}
