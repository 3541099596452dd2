import { isRemoval } from "../v2/key";
import type { Node } from "../v2/node";
import type { FollowedEvent, Gap, KeySpace, Listing, Reset, StateDifference } from "./changes";
import type { Queued } from "./queue";
import type { Obeys } from "./rules";
import { FollowedTree } from "./tree";

/** What has been handed on so far, and the state that it amounts to: gaps, resets and removals are told by it. */
export class KnownState {
	readonly #keys: KeySpace;
	readonly #obeys: Obeys;
	tree: FollowedTree;
	/** False after a bare `afterIndex`, until the first list is reached. */
	isTreeKnown = true;
	/** All changes up to here have been handed on. */
	index = 0;
	/**
	 * That of the last change that was handed on. Below the index after a bookmark: what is late all the same is no
	 * repeat.
	 */
	lastIndex = 0;
	/** The cluster of the last list; "" if not known. */
	clusterId = "";

	constructor(keys: KeySpace, obeys: Obeys) {
		this.#keys = keys;
		this.#obeys = obeys;
		this.tree = new FollowedTree(keys);
	}

	/** Begins after an index, with the state there, if that is known. */
	begin(index: number, nodes?: readonly Node[], clusterId = ""): void {
		this.index = index;
		this.lastIndex = index;
		this.clusterId = clusterId;
		this.setTree(nodes ?? []);
		this.isTreeKnown = nodes !== undefined;
	}

	/** From here on the list is what is known. */
	take({ index, nodes, clusterId }: Listing): void {
		this.begin(index, nodes, clusterId);
	}

	setTree(nodes: readonly Node[]): void {
		this.tree = new FollowedTree(this.#keys, nodes);
		this.isTreeKnown = true;
	}

	/** Why a list must be one of another store; undefined if it need not be. Only what two lists say is believed. */
	isOtherThan({ index, clusterId }: Listing): Reset["why"] | undefined {
		if (this.clusterId !== "" && clusterId !== this.clusterId) return "another cluster";
		return index < this.index ? "index went back" : undefined;
	}

	/** Whether the event can't be what happened next. A repeat is dropped, and is no news of the past. */
	isContradictedBy(event: FollowedEvent): boolean {
		const isToReset = this.isTreeKnown && this.#obeys("an index that goes back is a reset");
		return isToReset && event.index > this.lastIndex && this.tree.isContradictedBy(event);
	}

	/** Hands an event on to `put`, with what it removed, and carries it out. */
	put(event: FollowedEvent, put: (queued: Queued) => Promise<void> | undefined): Promise<void> | undefined {
		if (event.index <= this.lastIndex && this.#obeys("each once")) return undefined;
		if (!event.more) {
			this.index = event.index;
			this.lastIndex = event.index;
		}
		if (!isRemoval(event)) {
			const room = put(event);
			this.tree.applySoon(event);
			return room;
		}
		const removed = this.tree.apply(event);
		if (!this.isTreeKnown) return put(event);
		// The history tells of a directory above, whether or not there was anything here to go with it (T8). A live
		// watch is told only if there was; what is watched alone can be a directory that came into being for its keys.
		const isOfHistory = event.fromHistory && this.#keys.scope.recursive;
		if (removed.length === 0 && isOfHistory && this.#keys.isAbove(event.key)) {
			return put({ kind: "bookmark", index: event.index });
		}
		const named = this.#obeys("a removed directory is all its keys")
			? removed
			: removed.filter(({ key }) => key === event.key);
		return put({ ...event, removed: named });
	}

	/** Takes the list, whose events up to there can't be had. */
	gap(listing: Listing, why: Gap["why"]): Gap {
		const from = this.index + 1;
		const difference = this.#difference(listing, this.index);
		this.take(listing);
		const { index, nodes } = listing;
		return { kind: "gap", from, to: index, why, ...difference, state: { index, nodes } };
	}

	/** Takes the list, which is one of another store. */
	reset(listing: Listing, why: Reset["why"]): Reset {
		const { index: lastIndex } = this;
		const difference = this.#difference(listing, 0);
		this.take(listing);
		const { index, nodes } = listing;
		return { kind: "reset", lastIndex, why, ...difference, state: { index, nodes } };
	}

	/** What is otherwise in the list; of a state that is not known, what was written after `since`. */
	#difference(listing: Listing, since: number): StateDifference {
		if (this.isTreeKnown) return this.tree.difference(listing.nodes);
		const written = listing.nodes.filter(({ modifiedIndex }) => modifiedIndex > since);
		return {
			added: written.filter(({ createdIndex }) => createdIndex > since),
			changed: written.filter(({ createdIndex }) => createdIndex <= since).map((now) => ({ now })),
		};
	}
}

/** All events of one index. */
export type Events = readonly FollowedEvent[];

/**
 * A list that the known state has to agree with when its index is reached. The events up to there are held, to be
 * handed on when the list bears them out, as long as there is room for them; then they flow.
 */
export class Checkpoint {
	readonly listing: Listing;
	readonly #held: Events[] = [];
	#heldCount = 0;
	#isFlowing: boolean;

	constructor(listing: Listing, isFlowing = false) {
		this.listing = listing;
		this.#isFlowing = isFlowing;
	}

	/** Events are handed on as they come. */
	get isFlowing(): boolean {
		return this.#isFlowing;
	}

	/** The index of the last event that is held. */
	get heldThrough(): number | undefined {
		return this.#held.at(-1)?.[0]?.index;
	}

	/** A later list in this one's place. */
	with(listing: Listing): Checkpoint {
		const later = new Checkpoint(listing, this.#isFlowing);
		for (const events of this.#held) later.#hold(events);
		return later;
	}

	/** Holds the events, unless there are more of them than room. */
	hold(events: Events, room: number): boolean {
		if (this.#isFlowing || this.#heldCount + events.length > room) return false;
		this.#hold(events);
		return true;
	}

	/** All that was held; nothing is from here on. */
	release(): readonly Events[] {
		this.#isFlowing = true;
		this.#heldCount = 0;
		return this.#held.splice(0);
	}

	/** Whether the list can't be what a state becomes by the events that are held. */
	contradicts(known: KnownState): boolean {
		const tree = this.#held.length === 0 ? known.tree : known.tree.fork();
		for (const event of this.#held.flat()) {
			if (tree.isContradictedBy(event)) return true;
			tree.apply(event);
		}
		return tree.contradicts(this.listing.nodes);
	}

	#hold(events: Events): void {
		this.#held.push(events);
		this.#heldCount += events.length;
	}
}
