import { isRemoval } from "../v2/key";
import type { Node } from "../v2/node";
import type { FollowedEvent, Gap, KeySpace, Listing, Reset, StateDifference } from "./changes";
import type { ChangeQueue } from "./queue";
import { FollowedTree } from "./tree";

/** How many events are kept until a list tells the state, after a bare `afterIndex`. */
const mostSinceBegin = 1_000;

/** What has been handed on so far, and the state that it amounts to: gaps, resets and removals are told by it. */
export class KnownState {
	readonly #keys: KeySpace;
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

	constructor(keys: KeySpace) {
		this.#keys = keys;
		this.tree = new FollowedTree(keys);
	}

	/** What has come since a bare `afterIndex`, until a list tells the state; undefined when that is too much to keep. */
	#sinceBegin: FollowedEvent[] | undefined = [];

	/** Begins after an index, with the state there, if that is known. */
	begin(index: number, nodes?: readonly Node[], clusterId = ""): void {
		this.index = index;
		this.lastIndex = index;
		this.clusterId = clusterId;
		this.setTree(nodes ?? []);
		this.isTreeKnown = nodes !== undefined;
	}

	/** Takes the state from a list of the past; false where too much has come since. */
	takePast({ index, nodes, clusterId }: Listing): boolean {
		const since = this.#sinceBegin;
		if (since === undefined) return false;
		this.setTree(nodes);
		for (const event of since) if (event.index > index) this.tree.apply(event);
		this.clusterId = clusterId;
		return true;
	}

	/** From here on the list is what is known. */
	take({ index, nodes, clusterId }: Listing): void {
		this.begin(index, nodes, clusterId);
	}

	setTree(nodes: readonly Node[]): void {
		this.tree = new FollowedTree(this.#keys, nodes);
		this.isTreeKnown = true;
		this.#sinceBegin = [];
	}

	#remember(event: FollowedEvent): void {
		if (this.#sinceBegin !== undefined && this.#sinceBegin.push(event) > mostSinceBegin) {
			this.#sinceBegin = undefined;
		}
	}

	/** Why a list must be one of another store; undefined if it need not be. Only what two lists say is believed. */
	isOtherThan({ index, clusterId }: Listing): Reset["why"] | undefined {
		if (this.clusterId !== "" && clusterId !== this.clusterId) return "another cluster";
		return index < this.index ? "index went back" : undefined;
	}

	/** Whether the event can't be what happened next. A repeat is dropped, and is no news of the past. */
	isContradictedBy(event: FollowedEvent): boolean {
		return this.isTreeKnown && event.index > this.lastIndex && this.tree.isContradictedBy(event);
	}

	/** Puts an event into the queue, with what it removed, and carries it out. */
	put(event: FollowedEvent, queue: ChangeQueue): Promise<void> | undefined {
		// Rule "each once".
		if (event.index <= this.lastIndex) return undefined;
		if (!event.more) {
			this.index = event.index;
			this.lastIndex = event.index;
		}
		if (!this.isTreeKnown) this.#remember(event);
		if (!isRemoval(event)) {
			const room = queue.put(event);
			this.tree.applySoon(event);
			return room;
		}
		const removed = this.tree.apply(event);
		if (!this.isTreeKnown) return queue.put(event);
		// The history tells of a directory above, whether or not there was anything here to go with it (T8). A live
		// watch is told only if there was; what is watched alone can be a directory that came into being for its keys.
		const isOfHistory = event.fromHistory && this.#keys.scope.recursive;
		if (removed.length === 0 && isOfHistory && this.#keys.isAbove(event.key)) {
			return queue.put({ kind: "bookmark", index: event.index });
		}
		return queue.put({ ...event, removed });
	}

	/** Whether a list shows a key from before what was handed on last that is not known: no event to come explains it. */
	hasOtherPast({ nodes }: Listing): boolean {
		return this.isTreeKnown && this.tree.lacksOneOf(nodes, this.lastIndex);
	}

	/** Takes the list, whose events up to there can't be had. */
	gap(listing: Listing, why: Gap["why"]): Gap {
		// Where silence has spoken too early, what it passed over is lost as well.
		const isLate = this.isTreeKnown && this.tree.missesUpTo(this.index, listing.nodes);
		const from = (isLate ? this.lastIndex : this.index) + 1;
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
	#isSecond = false;

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
		later.#isSecond = this.#isSecond;
		for (const events of this.#held) later.#hold(events);
		return later;
	}

	/**
	 * The list once more, for what comes after the last change that was handed on: silence may have passed over
	 * something. Undefined where that has been tried, or silence has said nothing.
	 */
	again(known: KnownState): Checkpoint | undefined {
		if (this.#isSecond || known.lastIndex >= known.index) return undefined;
		known.index = known.lastIndex;
		const again = new Checkpoint(this.listing, this.#isFlowing);
		again.#isSecond = true;
		return again;
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

	/** Whether the list is what a state becomes by them, as far as that state is known. */
	isBorneOutBy(known: KnownState): boolean {
		return known.isTreeKnown && !this.contradicts(known);
	}

	#hold(events: Events): void {
		this.#held.push(events);
		this.#heldCount += events.length;
	}
}

/** How often something may be done that takes its time: for a tenth of all of it at most. */
export class Pace {
	#nextAt = 0;
	#isBusy = false;

	get isBusy(): boolean {
		return this.#isBusy;
	}

	get isDue(): boolean {
		return !this.#isBusy && performance.now() >= this.#nextAt;
	}

	async spend(work: () => Promise<void>): Promise<void> {
		this.#isBusy = true;
		const begin = performance.now();
		await work();
		this.#isBusy = false;
		this.#nextAt = performance.now() + 10 * (performance.now() - begin);
	}
}
