import type { Action, Node } from "etcd-watch-lab/v2";
import { isWithin } from "./record";

/** A key or directory as far as the checkers look at it. */
export interface Leaf {
	readonly key: string;
	readonly dir: boolean;
	readonly value: string | undefined;
	readonly modifiedIndex: number;
}

/** A write or an event, as far as it changes a tree. */
export interface TreeChange {
	readonly action: Action;
	readonly index: number;
	readonly key: string;
	readonly value?: string | undefined;
	readonly dir: boolean;
	readonly refresh?: boolean;
}

const removals: ReadonlySet<Action> = new Set(["delete", "expire", "compareAndDelete"]);

/** Whether an action takes its key away, and all below it. */
export function isRemoval(action: Action): boolean {
	return removals.has(action);
}

/** Keys and directories at or below `top`, changed by writes or events: written anew here, not the library's. */
export class Tree {
	readonly #leaves = new Map<string, Leaf>();

	/** `isFlat`: keys are just names, as on v3; nothing comes or goes with another. */
	constructor(
		readonly top: string,
		nodes: readonly Node[] = [],
		readonly isFlat = false,
	) {
		this.replace(nodes);
	}

	/** Forgets everything for these. */
	replace(nodes: readonly Node[]): void {
		this.#leaves.clear();
		for (const { key, dir, value, modifiedIndex } of nodes) {
			this.#leaves.set(key, { key, dir, value: dir ? undefined : (value ?? ""), modifiedIndex });
		}
	}

	get(key: string): Leaf | undefined {
		return this.#leaves.get(key);
	}

	leaves(): IterableIterator<Leaf> {
		return this.#leaves.values();
	}

	/** What is at the key and below it. */
	within(key: string): readonly Leaf[] {
		const leaf = this.#leaves.get(key);
		if (this.isFlat) return leaf === undefined ? [] : [leaf];
		if (leaf !== undefined && !leaf.dir) return [leaf];
		return [...this.#leaves.values()].filter((one) => isWithin(one.key, key));
	}

	apply(change: TreeChange): void {
		const { action, index, key, value = "", dir } = change;
		if (isRemoval(action)) {
			for (const leaf of this.within(key)) this.#leaves.delete(leaf.key);
			return;
		}
		if (!isWithin(key, this.top)) return;
		// Parents come into being without an event of their own (T7).
		for (let slash = key.lastIndexOf("/"); slash > 0; slash = key.lastIndexOf("/", slash - 1)) {
			const parent = key.slice(0, slash);
			if (this.isFlat || !isWithin(parent, this.top) || this.#leaves.has(parent)) break;
			this.#leaves.set(parent, { key: parent, dir: true, value: undefined, modifiedIndex: index });
		}
		const before = this.#leaves.get(key);
		// A directory's new ttl does not change its own index, and a renewed one keeps the value.
		if (dir && before?.dir) return;
		const now = change.refresh ? before?.value : value;
		this.#leaves.set(key, { key, dir, value: dir ? undefined : now, modifiedIndex: index });
	}
}
