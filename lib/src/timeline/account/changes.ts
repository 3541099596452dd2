import { isBelow, isRemoval, parentOf } from "../../v2/key";
import type { Delivery, EventAction, NodeRecord, Timeline, WriteRecord } from "../timeline";

/** One key of one write that was carried out. Most writes have one; in v3 one may have several, at one index. */
export interface Change {
	readonly write: WriteRecord;
	/** The store's index, relative to the run; in v3 the revision. */
	readonly index: number;
	/** For createInOrder the key that etcd made. */
	readonly key: string;
	readonly action: EventAction;
	readonly node: NodeRecord;
	readonly prevNode?: NodeRecord;
	/** False for a refresh: it takes an index and raises no event. */
	readonly raisesEvent: boolean;
	/** v2: the directories that were made on the way to its key. */
	readonly made: readonly string[];
	/** Of a removal: the keys below that went with it, sorted. In v3 a delete takes nothing along: empty. */
	readonly gone: readonly string[];
	/** Of a removal in v2: the watched keys below that were there. One in doubt, by a write without an answer, is not. */
	readonly heldWatched: ReadonlySet<string>;
}

/** What is there at a moment of a run: in v2 with the directories on the way, in v3 each key for itself. */
export class Contents {
	readonly #isFlat: boolean;
	readonly #nodes = new Map<string, NodeRecord>();
	/** v2: the keys one level below. */
	readonly #children = new Map<string, Set<string>>();

	constructor(api: Timeline["api"]) {
		this.#isFlat = api === "v3";
	}

	/** v2's root is always there. */
	has(key: string): boolean {
		return (key === "/" && !this.#isFlat) || this.#nodes.has(key);
	}

	/** All that is there, by its key, sorted. */
	nodes(): NodeRecord[] {
		return [...this.#nodes.values()].sort((one, two) => (one.key < two.key ? -1 : 1));
	}

	/** v2: the directories on the way to the key are made where they are missing, with its index; gives them. */
	put(node: NodeRecord): string[] {
		this.#nodes.set(node.key, node);
		const made: string[] = [];
		if (this.#isFlat) return made;
		const { modifiedIndex } = node;
		for (let key = node.key; key !== "/"; ) {
			const parent = parentOf(key);
			const siblings = this.#children.get(parent);
			if (siblings?.has(key)) return made;
			if (siblings) siblings.add(key);
			else this.#children.set(parent, new Set([key]));
			if (parent !== "/" && !this.#nodes.has(parent)) {
				this.#nodes.set(parent, { key: parent, dir: true, modifiedIndex, createdIndex: modifiedIndex });
				made.push(parent);
			}
			key = parent;
		}
		return made;
	}

	/** Takes a key away, in v2 with all below it; gives what was below it, sorted. */
	remove(key: string): string[] {
		const gone = this.#isFlat ? [] : this.#below(key);
		for (const one of [key, ...gone]) {
			this.#nodes.delete(one);
			this.#children.delete(one);
		}
		if (!this.#isFlat) this.#children.get(parentOf(key))?.delete(key);
		return gone.sort();
	}

	/** The store was wiped. */
	clear(): void {
		this.#nodes.clear();
		this.#children.clear();
	}

	#below(key: string): string[] {
		const children = [...(this.#children.get(key) ?? [])];
		return children.flatMap((child) => [child, ...this.#below(child)]);
	}
}

/** A change as its write alone tells it. */
export type OwnChange = Omit<Change, "made" | "gone" | "heldWatched">;

/** Every change of a run in the order of the indexes. `unanswered`: the events of writes that had no answer. */
export function changesOf(
	timeline: Timeline,
	unanswered: ReadonlyMap<WriteRecord, Delivery>,
): readonly Change[] {
	const sketches = timeline.writes.flatMap((write): readonly OwnChange[] => {
		const event = unanswered.get(write);
		if (event === undefined) return acceptedChanges(write);
		const { index, key, action, node, prevNode } = event;
		return [{ write, index, key, action, node, ...(prevNode ? { prevNode } : {}), raisesEvent: true }];
	});
	sketches.sort((one, two) => one.index - two.index);
	const watched = [...new Set(timeline.watchers.map(({ key }) => key))];
	const wipes = (timeline.faults ?? []).filter(({ kind }) => kind === "wipe");
	const contents = new Contents(timeline.api);
	return sketches.map((sketch): Change => {
		for (let wipe = wipes[0]; wipe !== undefined && wipe.at < sketch.index; [wipe] = wipes) {
			contents.clear();
			wipes.shift();
		}
		if (!isRemoval(sketch)) {
			return { ...sketch, made: contents.put(sketch.node), gone: [], heldWatched: nothing };
		}
		const heldWatched = new Set(watched.filter((key) => isBelow(key, sketch.key) && contents.has(key)));
		return { ...sketch, made: [], gone: contents.remove(sketch.key), heldWatched };
	});
}

const nothing: ReadonlySet<string> = new Set();

/** What a write changed: one key, in v3 maybe several; nothing if it was not accepted. */
export function acceptedChanges(write: WriteRecord): readonly OwnChange[] {
	const { outcome } = write;
	if (outcome.kind !== "accepted") return [];
	const { index, action, raisesEvent, others = [] } = outcome;
	return [outcome, ...others].map(({ node, prevNode }) => ({
		write,
		index,
		key: node.key,
		action,
		node,
		...(prevNode ? { prevNode } : {}),
		raisesEvent,
	}));
}

/**
 * The writes without an answer that were carried out all the same, as an event shows that a watcher was sent: one of no
 * other write of the run, on the same key, of the same kind and value, after the write was tried.
 */
export function carriedOut(timeline: Timeline): ReadonlyMap<WriteRecord, Delivery> {
	const found = new Map<WriteRecord, Delivery>();
	const failed = timeline.writes.filter(({ outcome }) => outcome.kind === "failed" && outcome.maybeApplied);
	if (failed.length === 0) return found;
	const known = new Set(
		timeline.writes.flatMap(({ outcome }) => ("index" in outcome ? [outcome.index] : [])),
	);
	const foreign = new Map<number, Delivery>();
	for (const { deliveries } of timeline.watchers)
		for (const delivery of deliveries)
			if (!known.has(delivery.index) && !foreign.has(delivery.index)) foreign.set(delivery.index, delivery);
	const events = [...foreign.values()].sort((one, two) => one.index - two.index);
	for (const write of failed) {
		const at = events.findIndex((event) => isOf(event, write, timeline.api));
		const [event] = at < 0 ? [] : events.splice(at, 1);
		if (event) found.set(write, event);
	}
	return found;
}

const deleting: ReadonlySet<string> = new Set(["delete", "rmdir", "compareAndDelete", "expire"]);
const onDirectories: ReadonlySet<string> = new Set(["mkdir", "updateDirectory"]);

/** The action of a v2 write's event, where it is not the write's own name. */
const actions: Readonly<Record<string, string>> = {
	createInOrder: "create",
	mkdir: "create",
	updateDirectory: "update",
	rmdir: "delete",
};

function isOf(event: Delivery, write: WriteRecord, api: Timeline["api"]): boolean {
	const { operation, key, value, triedAt } = write;
	// A refresh raises no event.
	if (operation === "refresh" || event.index <= triedAt) return false;
	if (api === "v2" && event.action !== (actions[operation] ?? operation)) return false;
	if (isRemoval(event) !== deleting.has(operation)) return false;
	if (operation === "createInOrder" ? parentOf(event.key) !== key : event.key !== key) return false;
	if (isRemoval(event)) return true;
	if (event.node.dir !== onDirectories.has(operation)) return false;
	return value === undefined || event.node.value === undefined || event.node.value === value;
}

/** What was there at an index of a run, by what is known of its writes. */
export function contentsAt(timeline: Timeline, changes: readonly Change[], index: number): Contents {
	const contents = new Contents(timeline.api);
	const wiped = (timeline.faults ?? []).findLast(({ kind, at }) => kind === "wipe" && at < index)?.at ?? 0;
	for (const change of changes) {
		if (change.index > index) break;
		if (change.index <= wiped) continue;
		if (isRemoval(change)) contents.remove(change.key);
		else contents.put(change.node);
	}
	return contents;
}

/** How many levels a key lies below another: 0 for the same, undefined when it is not below. */
export function depthBelow(key: string, ancestor: string): number | undefined {
	if (key === ancestor) return 0;
	if (!isBelow(key, ancestor)) return undefined;
	return key.split("/").length - (ancestor === "/" ? 1 : ancestor.split("/").length);
}
