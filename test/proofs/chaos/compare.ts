import type { Node } from "etcd-watch-lab/v2";
import { isHiddenBelow, isWithin } from "./record";
import type { Leaf, Tree } from "./tree";
import type { Truth } from "./truth";

/** What a follower of the key can know of a tree: nothing hidden, and of a plain key nothing below. */
export function visible(leaves: Iterable<Leaf>, key: string, recursive: boolean): ReadonlyMap<string, Leaf> {
	const seen = new Map<string, Leaf>();
	for (const leaf of leaves) {
		if (recursive ? isWithin(leaf.key, key) && !isHiddenBelow(key, leaf.key) : leaf.key === key) {
			seen.set(leaf.key, leaf);
		}
	}
	return seen;
}

export function leavesOf(nodes: readonly Node[]): readonly Leaf[] {
	return nodes.map(({ key, dir, value, modifiedIndex }) => ({
		key,
		dir,
		value: dir ? undefined : (value ?? ""),
		modifiedIndex,
	}));
}

/** The first few ways in which what is told differs from what is true at an index. */
export function differences(
	truth: Truth,
	index: number,
	expected: ReadonlyMap<string, Leaf>,
	told: ReadonlyMap<string, Leaf>,
): readonly string[] {
	const found: string[] = [];
	for (const [key, leaf] of expected) {
		const other = told.get(key);
		if (other === undefined) {
			if (leaf.dir && truth.mayBeSilent(key)) continue;
			if (!truth.isUncertain(key, index)) found.push(`${key} is missing`);
		} else if (!sameLeaf(truth, leaf, other) && !truth.mayHold(key, other.value)) {
			found.push(`${key} is ${shown(other)}, not ${shown(leaf)}`);
		}
	}
	for (const [key, leaf] of told) {
		if (leaf.dir && truth.mayBeSilent(key)) continue;
		if (expected.has(key) || truth.mayHold(key, leaf.value) || truth.isUncertain(key, index)) continue;
		found.push(`${key} should not be there`);
	}
	return found;
}

/** A renewed ttl moves a node's index on, and no event tells of it. */
function sameLeaf(truth: Truth, one: Leaf, other: Leaf): boolean {
	if (one.dir !== other.dir || one.value !== other.value) return false;
	if (one.dir || one.modifiedIndex === other.modifiedIndex) return true;
	return wasRenewed(truth, one) || wasRenewed(truth, other);
}

function wasRenewed(truth: Truth, { key, modifiedIndex }: Leaf): boolean {
	const entry = truth.at(modifiedIndex, key);
	return entry?.refresh === true && entry.key === key;
}

function shown({ dir, value, modifiedIndex }: Leaf): string {
	return dir ? "a directory" : `${JSON.stringify(value?.slice(0, 20))} of index ${modifiedIndex}`;
}

/** Which keys are in one and not the other, or in both and written in between. */
export function keysThatDiffer(
	truth: Truth,
	before: Tree,
	nodes: readonly Node[],
): { readonly added: Set<string>; readonly removed: Set<string>; readonly changed: Set<string> } {
	const now = new Map(leavesOf(nodes).map((leaf) => [leaf.key, leaf]));
	const added = new Set<string>();
	const removed = new Set<string>();
	const changed = new Set<string>();
	for (const leaf of before.leaves()) if (!now.has(leaf.key)) removed.add(leaf.key);
	for (const [key, leaf] of now) {
		const old = before.get(key);
		if (old === undefined) added.add(key);
		else if (old.dir !== leaf.dir || old.value !== leaf.value) changed.add(key);
		else if (!leaf.dir && old.modifiedIndex !== leaf.modifiedIndex && !wasRenewed(truth, leaf))
			changed.add(key);
	}
	return { added, removed, changed };
}

/** The keys that are in one of the two sets only; but for directories that a hidden key may have made. */
export function oddOnes(
	truth: Truth,
	one: ReadonlySet<string>,
	other: ReadonlySet<string>,
): readonly string[] {
	const odd = [...one].filter((key) => !other.has(key)).concat([...other].filter((key) => !one.has(key)));
	return odd.filter((key) => !truth.mayBeSilent(key));
}
