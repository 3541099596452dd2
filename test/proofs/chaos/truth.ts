import type { FollowedEvent } from "etcd-watch-lab/follow";
import { liveReach, type ModelOperation } from "etcd-watch-lab/model";
import type { Action } from "etcd-watch-lab/v2";
import {
	type Acknowledged,
	type Following,
	idOf,
	isHiddenBelow,
	isWithin,
	type RunRecord,
	type Unknown,
} from "./record";
import { isRemoval, Tree } from "./tree";

/** One index of a store's past, and how it is known. */
export interface Entry {
	readonly index: number;
	/** Undefined where only the node that it left behind is known. */
	readonly action: Action | undefined;
	readonly key: string;
	readonly value: string | undefined;
	readonly dir: boolean;
	readonly refresh: boolean;
	/** The answer to the write, where it came. */
	readonly write?: Acknowledged;
	/** "seen": a consumer was given it, and a write without an answer or a ttl accounts for it. */
	readonly source: "acknowledged" | "seen" | "left behind";
}

/** A key that went, though nobody saw the event: its ttl was over, or a delete without an answer was carried out. */
export interface Vanished {
	readonly key: string;
	readonly after: number;
	readonly before: number;
}

const actionOf: Readonly<Record<ModelOperation, Action>> = {
	set: "set",
	create: "create",
	createInOrder: "create",
	mkdir: "create",
	update: "update",
	updateDirectory: "update",
	refresh: "update",
	delete: "delete",
	rmdir: "delete",
	compareAndSwap: "compareAndSwap",
	compareAndDelete: "compareAndDelete",
};

/** Whether a write whose answer never came can have made this event. */
export function accountsFor(
	unknown: Unknown,
	event: Pick<FollowedEvent, "action" | "key" | "node">,
	isFlat = false,
): boolean {
	if (unknown.operation === "refresh" || actionOf[unknown.operation] !== event.action) return false;
	if (unknown.operation === "createInOrder") {
		if (!event.key.startsWith(`${unknown.key}/`)) return false;
	} else if (isFlat && unknown.operation === "rmdir") {
		// A range's delete has an event for each of its keys.
		if (!isWithin(event.key, unknown.key)) return false;
	} else if (unknown.key !== event.key) return false;
	return isRemoval(event.action) || event.node.dir || (unknown.value ?? "") === (event.node.value ?? "");
}

/** All that is known of one store: what was acknowledged, and what has left its traces. */
export class Truth {
	/** Every index of which anything is known, in their order. */
	readonly entries: readonly Entry[];
	readonly vanished: readonly Vanished[];
	/** What the server itself lost; a run with any is worth nothing. */
	readonly contradictions: readonly string[];
	readonly #at = new Map<string, Entry>();
	readonly #unknown: readonly Unknown[];
	readonly #ttlKeys = new Set<string>();
	readonly #trees = new Map<number, Tree>();
	/**
	 * Directories that may have come into being without an event: hidden keys were written below them, or a write whose
	 * answer never came was.
	 */
	readonly #mayBeSilent = new Set<string>();

	constructor(
		readonly record: RunRecord,
		readonly epoch: number,
	) {
		const base = record.epochs[epoch]?.base;
		for (const write of record.acknowledged) {
			if (write.epoch !== epoch) continue;
			this.#at.set(this.idOf(write), entryOf(write));
			if (write.ttl) this.#ttlKeys.add(write.key);
		}
		// Where a ttl was begun before the store changed hands it goes on in the next.
		for (const write of record.acknowledged) if (write.ttl) this.#ttlKeys.add(write.key);
		this.#unknown = record.unknown.filter((write) => write.epoch <= epoch);
		for (const write of record.unknown) if (write.ttl) this.#ttlKeys.add(write.key);
		this.#addSeen();
		this.#addLeftBehind(base?.index ?? 0);
		this.entries = [...this.#at.values()].sort((one, two) => one.index - two.index);
		const { root } = record;
		for (const { key } of this.entries) if (isHiddenBelow(root, key)) this.#addSilent(key);
		for (const { operation, key } of this.#unknown) if (!isRemoval(actionOf[operation])) this.#addSilent(key);
		({ vanished: this.vanished, contradictions: this.contradictions } = this.#replay());
	}

	/** On v3 keys are just names, and an index can have several events. */
	get isFlat(): boolean {
		return this.record.api === "v3";
	}

	/** What tells an event from all others of this store: v2 has one an index, v3 one for each key that it changes. */
	idOf(one: { readonly index: number; readonly key: string }): string {
		return this.isFlat ? idOf(one) : `${one.index}`;
	}

	/** What happened there; on v3, to that key. */
	at(index: number, key: string): Entry | undefined {
		return this.#at.get(this.idOf({ index, key }));
	}

	/** The tree as it was right after an index. */
	treeAt(index: number): Tree {
		const known = this.#trees.get(index);
		if (known !== undefined) return known;
		const tree = this.begin();
		for (const entry of this.entries) {
			if (entry.index > index) break;
			tree.apply({ ...entry, action: entry.action ?? "set" });
		}
		this.#trees.set(index, tree);
		return tree;
	}

	/** Whether the key may or may not have been there then: it vanished at a moment that nobody saw. */
	isUncertain(key: string, index: number): boolean {
		const final = this.record.epochs[this.epoch]?.final;
		// After the last read nothing tells of what expired.
		if (final !== undefined && index > final.index && this.mayHaveVanished(key)) return true;
		return this.vanished.some(
			(gone) => isWithin(key, gone.key) && gone.after <= index && index < gone.before,
		);
	}

	/** Whether a write whose answer never came can have left this value. */
	mayHold(key: string, value: string | undefined): boolean {
		return this.#unknown.some(
			(write) => isWithin(key, write.key) && (write.key !== key || (write.value ?? "") === (value ?? "")),
		);
	}

	/** Whether an event of which no acknowledgement tells can have happened. */
	isPossible(event: Pick<FollowedEvent, "action" | "key" | "node">): boolean {
		if (event.action === "expire") return this.#ttlKeys.has(event.key);
		// The end of a lease is a delete like any other.
		if (this.isFlat && event.action === "delete" && this.#ttlKeys.has(event.key)) return true;
		return this.#unknown.some((write) => accountsFor(write, event, this.isFlat));
	}

	/** Whether a key may have gone by itself or by a write without an answer. */
	mayHaveVanished(key: string): boolean {
		const removes = ({ operation }: Unknown) => isRemoval(actionOf[operation]);
		for (const ttlKey of this.#ttlKeys) if (isWithin(key, ttlKey)) return true;
		return this.#unknown.some((write) => removes(write) && isWithin(key, write.key));
	}

	/** A tree that begins as the store did; to be moved on with `entries`. */
	begin(): Tree {
		const { root, epochs } = this.record;
		return new Tree(root, epochs[this.epoch]?.base.nodes ?? [], this.isFlat);
	}

	/** Whether the directory may be there though no event that is known of made it (T7). */
	mayBeSilent(key: string): boolean {
		return this.#mayBeSilent.has(key);
	}

	#addSilent(key: string): void {
		if (this.isFlat) return;
		const { root } = this.record;
		for (let slash = key.lastIndexOf("/"); slash > root.length; slash = key.lastIndexOf("/", slash - 1)) {
			this.#mayBeSilent.add(key.slice(0, slash));
		}
	}

	#addSeen(): void {
		for (const { deliveries, epoch } of this.record.followings) {
			let at = epoch;
			for (const { change } of deliveries) {
				if (change.kind === "reset") at = Math.min(at + 1, this.record.epochs.length - 1);
				if (change.kind !== "event" || at !== this.epoch || this.#at.has(this.idOf(change))) continue;
				if (!this.isPossible(change)) continue;
				const { index, action, key, node } = change;
				const { dir } = node;
				this.#at.set(this.idOf(change), {
					index,
					action,
					key,
					value: node.value,
					dir,
					refresh: false,
					source: "seen",
				});
			}
		}
	}

	/** A node's modifiedIndex tells when it was last written, even if nobody has acknowledged it. */
	#addLeftBehind(baseIndex: number): void {
		const leave = (key: string, index: number, value: string | undefined) => {
			if (index <= baseIndex || this.#at.has(this.idOf({ index, key }))) return;
			const isRenewal = ({ operation, key: renewed }: Unknown) => operation === "refresh" && renewed === key;
			const refresh = this.#unknown.some(isRenewal);
			this.#at.set(this.idOf({ index, key }), {
				index,
				action: refresh ? "update" : undefined,
				key,
				value,
				dir: false,
				refresh,
				source: "left behind",
			});
		};
		for (const { epoch, key, prev } of this.record.acknowledged) {
			if (epoch === this.epoch && prev && !prev.dir) leave(key, prev.modifiedIndex, prev.value);
		}
		for (const node of this.record.epochs[this.epoch]?.final?.nodes ?? []) {
			if (!node.dir) leave(node.key, node.modifiedIndex, node.value);
		}
	}

	#replay(): { vanished: readonly Vanished[]; contradictions: readonly string[] } {
		const vanished: Vanished[] = [];
		const contradictions: string[] = [];
		const tree = this.begin();
		const wasGone = (key: string, after: number, before: number) => {
			if (this.mayHaveVanished(key)) vanished.push({ key, after, before });
			else contradictions.push(`${key} of index ${after} was gone at ${before}, and nothing removed it`);
			tree.apply({ action: "delete", index: before, key, dir: false });
		};
		const acknowledged = new Map<string, Acknowledged>();
		for (const write of this.record.acknowledged) {
			if (write.epoch !== this.epoch) continue;
			const id = this.idOf(write);
			if (acknowledged.has(id)) contradictions.push(`two writes were given index ${write.index}`);
			acknowledged.set(id, write);
		}
		const final = this.record.epochs[this.epoch]?.final;
		let checked = final === undefined;
		const checkFinal = () => {
			checked = true;
			if (final === undefined) return;
			const there = new Set(final.nodes.map(({ key }) => key));
			const { root } = this.record;
			for (const { key, modifiedIndex } of [...tree.leaves()]) {
				// Hidden keys are in no listing.
				if (!there.has(key) && !key.slice(root.length).includes("/_") && tree.get(key) !== undefined) {
					wasGone(key, modifiedIndex, final.index + 1);
				}
			}
		};
		for (const entry of this.entries) {
			if (!checked && final !== undefined && entry.index > final.index) checkFinal();
			const write = acknowledged.get(this.idOf(entry));
			const known = tree.get(entry.key);
			if (write && known && !write.prev && !isRemoval(write.action)) {
				wasGone(entry.key, known.modifiedIndex, entry.index);
			}
			tree.apply({ ...entry, action: entry.action ?? "set" });
		}
		if (!checked) checkFinal();
		return { vanished, contradictions };
	}
}

function entryOf(write: Acknowledged): Entry {
	const { index, action, key, value, dir, refresh } = write;
	return { index, action, key, value, dir, refresh, write, source: "acknowledged" };
}

/**
 * Whether a following has to be told of an entry: by the model's rules for a watcher that waits. "may": a directory
 * above was removed while there was nothing at the followed key, which only the replay shows.
 */
export function reach(
	following: Pick<Following, "key" | "recursive">,
	entry: Entry,
	tree: Tree,
): "must" | "may" | "no" {
	if (tree.isFlat) {
		const { key, recursive } = following;
		return entry.key === key || (recursive && isWithin(entry.key, key)) ? "must" : "no";
	}
	const action = entry.action ?? "set";
	const node = { key: entry.key, dir: entry.dir, createdIndex: entry.index, modifiedIndex: entry.index };
	const request = { key: following.key, recursive: following.recursive, stream: false };
	const event = { action, index: entry.index, node, refresh: entry.refresh };
	const reached = liveReach(request, event, tree.get(following.key) !== undefined);
	if ("rule" in reached) return "must";
	return reached.passedOver === "no node there" ? "may" : "no";
}
