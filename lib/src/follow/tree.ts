import { isRemoval } from "../v2/key";
import type { Node } from "../v2/node";
import type { FollowedEvent, KeyChange, KeySpace, StateDifference } from "./changes";

const soon = Promise.resolve();

/** The followed key and what is below it, kept in step by lists and events. */
export class FollowedTree {
	readonly #keys: KeySpace;
	readonly #byKey = new Map<string, Node>();
	/** The keys right below a directory. */
	readonly #below = new Map<string, Set<string>>();
	#unapplied: FollowedEvent[] = [];

	constructor(keys: KeySpace, nodes: readonly Node[] = []) {
		this.#keys = keys;
		for (const node of nodes) if (keys.covers(node.key)) this.#put(withoutChildren(node));
	}

	get(key: string): Node | undefined {
		return this.#nodes.get(key);
	}

	/** What is right below a directory, in the order of the keys. */
	children(key: string): readonly Node[] {
		const children: Node[] = [];
		for (const child of this.#children.get(key) ?? []) {
			const node = this.#nodes.get(child);
			if (node !== undefined) children.push(node);
		}
		return children.sort(byKey);
	}

	/** All nodes, or the one at a key and those below it, in the order of their keys. */
	nodes(top?: string): readonly Node[] {
		const nodes = [...this.#nodes.values()];
		return (top === undefined ? nodes : nodes.filter(({ key }) => this.#keys.isWithin(key, top))).sort(byKey);
	}

	fork(): FollowedTree {
		return new FollowedTree(this.#keys, [...this.#nodes.values()]);
	}

	/** As `apply`, for an event that removes nothing: once who waits for it has it, or somebody looks. */
	applySoon(event: FollowedEvent): void {
		if (this.#unapplied.length === 0) void soon.then(() => this.#applyAll());
		this.#unapplied.push(event);
	}

	/**
	 * Carries out an event. Returns the nodes that went, in the order of their keys: those of a whole directory for
	 * its removal, which the event names by the directory alone.
	 */
	apply(event: FollowedEvent): readonly Node[] {
		const { key, node } = event;
		if (isRemoval(event)) return this.#remove(key);
		if (!this.#keys.covers(key)) return [];
		const before = this.#nodes.get(key);
		// A directory's new ttl leaves its children alone; a file in the place of a directory, or the other way round,
		// begins anew.
		if (before !== undefined && before.dir !== node.dir) this.#remove(key);
		this.#putParents(key, event.index);
		const now = withoutChildren(node);
		// 3.4: a new ttl leaves a directory's modifiedIndex as it was, though the event takes a new one (T21).
		this.#put(before?.dir && now.dir ? { ...now, modifiedIndex: before.modifiedIndex } : now);
		return [];
	}

	/**
	 * As `apply`, and tells what became of each key: all that were under a removed directory (T8), and the directories
	 * that a write makes on its way before its own key (T7).
	 */
	applied(event: FollowedEvent): readonly KeyChange[] {
		const { key } = event;
		const made: string[] = [];
		let parent = this.#keys.covers(key) ? this.#keys.parentOf(key) : undefined;
		for (; parent !== undefined && this.get(parent) === undefined; parent = this.#keys.parentOf(parent)) {
			made.unshift(parent);
		}
		const before = this.get(key);
		const removed = this.apply(event);
		if (removed.length > 0) return removed.map((node) => changed(node.key, node, undefined));
		const now = this.get(key);
		if (now === undefined) return [];
		return [...made.map((one) => changed(one, undefined, this.get(one))), changed(key, before, now)];
	}

	/** What has to become of each key for this tree to be the later one, in the order of the keys. */
	changesTo(later: readonly Node[]): readonly KeyChange[] {
		const { added, changed: written, removed } = this.difference(later);
		return [
			...added.map((now) => changed(now.key, undefined, now)),
			...written.map(({ before, now }) => changed(now.key, before, now)),
			...removed.map((before) => changed(before.key, before, undefined)),
		].sort(byKey);
	}

	/** What is otherwise in a later state of the same tree. */
	difference(later: readonly Node[]): StateDifference & { readonly removed: readonly Node[] } {
		const added: Node[] = [];
		const changed: { before: Node; now: Node }[] = [];
		const there = new Set<string>();
		for (const now of later) {
			there.add(now.key);
			const before = this.#nodes.get(now.key);
			if (before === undefined) added.push(now);
			else if (!isSame(before, now)) changed.push({ before, now });
		}
		const removed = this.nodes().filter(({ key }) => !there.has(key));
		return { added, changed, removed };
	}

	/**
	 * True when the nodes can't be what became of this tree at the same index. What raises no event is no
	 * contradiction: a renewed ttl takes an index and changes the node's (T9), directories are made for the keys in
	 * them (T7), for hidden ones earlier than this tree knows, and a directory keeps its index when its ttl is changed on 3.4 (T21).
	 */
	contradicts(nodes: readonly Node[]): boolean {
		for (const node of nodes) {
			if (!this.#keys.covers(node.key)) continue;
			const own = this.#nodes.get(node.key);
			if (own === undefined) {
				if (!node.dir) return true;
			} else if (own.dir !== node.dir || own.createdIndex < node.createdIndex) {
				return true;
			} else if (!node.dir && (!this.#hasSameWrite(own, node) || own.modifiedIndex > node.modifiedIndex)) {
				return true;
			}
		}
		return this.lostOne(nodes);
	}

	/**
	 * True when the event can't be what happened next to this tree: the node that it says was there before is not the
	 * one that is known. A renewed ttl may have given that one a later index.
	 */
	isContradictedBy(event: FollowedEvent): boolean {
		const { key, node, prevNode: before } = event;
		const own = this.#nodes.get(key);
		if (!this.#keys.covers(key) || node.dir || own?.dir || before?.dir) return false;
		if (this.#keys.isFlat) return isOtherThan(own, event);
		if (own === undefined || before === undefined) return own !== before;
		const isSame = own.createdIndex === before.createdIndex && own.value === before.value;
		return !isSame || own.modifiedIndex > before.modifiedIndex;
	}

	/**
	 * True when a list that was made later shows a write that took an index up to `through` and is not in this tree.
	 * False does not prove that there was none: what was made and removed again leaves no trace.
	 */
	missesUpTo(through: number, nodes: readonly Node[]): boolean {
		return nodes.some((node) => {
			if (node.dir || node.modifiedIndex > through) return false;
			const own = this.#nodes.get(node.key);
			return own === undefined || !this.#hasSameWrite(own, node);
		});
	}

	/**
	 * Whether the last write of a key that raised an event can be the same: a renewed ttl of v2's takes an index and
	 * raises none (T9), and in v3 every revision of a key has its event, though it has the same value again.
	 */
	#hasSameWrite(own: Node, node: Node): boolean {
		const isSame = own.createdIndex === node.createdIndex && own.value === node.value;
		return isSame && (!this.#keys.isFlat || own.modifiedIndex === node.modifiedIndex);
	}

	/**
	 * True when a list that was made later shows a node that was made up to `through`, and this tree, which is complete
	 * up to there, has none such: no event that is yet to come can explain that.
	 */
	lacksOneOf(nodes: readonly Node[], through: number): boolean {
		return nodes.some((node) => {
			if (node.dir || node.createdIndex > through || !this.#keys.covers(node.key)) return false;
			const own = this.#nodes.get(node.key);
			if (own?.createdIndex !== node.createdIndex) return true;
			return node.modifiedIndex <= through && !this.#hasSameWrite(own, node);
		});
	}

	/** True when a list that was made later has no such node any more. */
	lostOne(nodes: readonly Node[]): boolean {
		const there = new Set(nodes.map(({ key }) => key));
		for (const key of this.#nodes.keys()) if (!there.has(key)) return true;
		return false;
	}

	get #nodes(): Map<string, Node> {
		this.#applyAll();
		return this.#byKey;
	}

	get #children(): Map<string, Set<string>> {
		this.#applyAll();
		return this.#below;
	}

	#applyAll(): void {
		if (this.#unapplied.length === 0) return;
		const events = this.#unapplied;
		this.#unapplied = [];
		for (const event of events) this.apply(event);
	}

	#put(node: Node): void {
		this.#nodes.set(node.key, node);
		const parent = this.#keys.parentOf(node.key);
		if (parent === undefined) return;
		const siblings = this.#children.get(parent);
		if (siblings) siblings.add(node.key);
		else this.#children.set(parent, new Set([node.key]));
	}

	/** The directories on the way to a key come into being with it, and raise no event (T7). */
	#putParents(key: string, index: number): void {
		const parent = this.#keys.parentOf(key);
		if (parent === undefined || this.#nodes.has(parent)) return;
		this.#putParents(parent, index);
		this.#put({ key: parent, dir: true, createdIndex: index, modifiedIndex: index });
	}

	#remove(key: string): readonly Node[] {
		const removed: Node[] = [];
		const take = (path: string) => {
			const node = this.#nodes.get(path);
			if (node) removed.push(node);
			this.#nodes.delete(path);
			const children = this.#children.get(path);
			this.#children.delete(path);
			for (const child of children ?? []) take(child);
		};
		const top = this.#keys.goesWith(key);
		take(top);
		const parent = this.#keys.parentOf(top);
		if (parent !== undefined) this.#children.get(parent)?.delete(top);
		return removed.sort(byKey);
	}
}

/**
 * Where a node has all of its past in its numbers, as in v3: the key was made when the event says it was, and what it
 * was before is what is known. The event's prevNode is missing where that revision has been compacted away.
 */
function isOtherThan(own: Node | undefined, { node, prevNode, ...event }: FollowedEvent): boolean {
	const isNew = !isRemoval(event) && node.createdIndex === node.modifiedIndex;
	if (own === undefined || isNew) return (own === undefined) !== isNew;
	if (!isRemoval(event) && own.createdIndex !== node.createdIndex) return true;
	return (
		prevNode !== undefined && (prevNode.modifiedIndex !== own.modifiedIndex || prevNode.value !== own.value)
	);
}

/** A listed tree as a flat list, in the order of the keys. */
export function flattened(node: Node): readonly Node[] {
	const all: Node[] = [];
	const take = (one: Node) => {
		all.push(withoutChildren(one));
		for (const child of one.nodes ?? []) take(child);
	};
	take(node);
	return all.sort(byKey);
}

function withoutChildren(node: Node): Node {
	if (node.nodes === undefined) return node;
	const { nodes: _, ...rest } = node;
	return rest;
}

function isSame(one: Node, two: Node): boolean {
	return (
		one.dir === two.dir &&
		one.value === two.value &&
		one.createdIndex === two.createdIndex &&
		(one.dir || one.modifiedIndex === two.modifiedIndex)
	);
}

function changed(key: string, before: Node | undefined, now: Node | undefined): KeyChange {
	return { key, ...(before === undefined ? {} : { before }), ...(now === undefined ? {} : { now }) };
}

/** Sorts as every list here is sorted. */
export function byKey(one: { readonly key: string }, two: { readonly key: string }): number {
	return one.key < two.key ? -1 : one.key > two.key ? 1 : 0;
}
