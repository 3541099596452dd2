import { onAbort } from "../http/signals";
import type { KeySpace, Listing, Note, Position, Reset, Source, State, Tail } from "./changes";
import type { ChangeQueue } from "./queue";
import { Checkpoint, type Events, KnownState, Pace } from "./state";

export interface ReconcilerOptions {
	readonly source: Source;
	readonly keySpace: KeySpace;
	readonly afterIndex: number | undefined;
	readonly position: Position | undefined;
	readonly signal: AbortSignal;
	readonly queue: ChangeQueue;
	readonly onNote: (note: Note) => void;
	/** Up to which index somebody waits for a bookmark. */
	readonly proveThrough: () => number;
	/** Told when the first list has come: the state that the changes begin from. */
	readonly onReady: (state: State, clusterId: string) => void;
	/** What no retry heals, of something in the background; the signal aborts then. */
	readonly onFailure: (error: unknown) => void;
}

/**
 * Lists, reads the tail, and turns both into changes: the rules that hold for any store.
 *
 * After a reconnection, and where it goes on from a position, it lists; what then comes up to the list's index is held
 * as long as the queue has room for it, so that another store's events are not handed on as this one's. Where more
 * comes, each is held against the known state by itself, handed on, and the list compared when its index is reached.
 */
export class Reconciler {
	readonly #options: ReconcilerOptions;
	readonly #known: KnownState;
	#check: Checkpoint | undefined;
	/** The newest index that silence reaches to, and the lists that it is held against. */
	#quietThrough = 0;
	readonly #quietLists = new Pace();
	/** The state has to be listed before more of the tail is read. */
	#isListDue = false;
	/** Something that the tail told is being dealt with; what has to wait for the end of that. */
	#isTaking = false;
	#afterTaking: (() => void)[] = [];
	/** Ends the tail that is being read: another is read from where things stand then. */
	#reread: () => void = () => {};

	constructor(options: ReconcilerOptions) {
		this.#options = options;
		this.#known = new KnownState(options.keySpace);
	}

	/** Runs until the signal aborts. @throws what no retry heals */
	async run(): Promise<void> {
		await this.#begin();
		while (!this.#options.signal.aborted) await this.#readTail();
	}

	get clusterId(): string {
		return this.#known.clusterId;
	}

	#list(): Promise<Listing> {
		return this.#options.source.list(this.#options.signal);
	}

	async #begin(): Promise<void> {
		const { position, afterIndex, onReady } = this.#options;
		const known = this.#known;
		if (afterIndex !== undefined) {
			known.begin(afterIndex);
			// There is nothing to hold the events against: they need not wait for the list.
			void this.#firstList(afterIndex);
			return;
		}
		const listing = await this.#list();
		const { index, nodes, clusterId } = position ?? listing;
		known.begin(index, nodes, clusterId);
		onReady({ index, nodes: nodes ?? [] }, clusterId);
		if (position !== undefined) await this.#compareWith(listing);
	}

	/** After a bare `afterIndex`: the list that tells the state, whether or not the tail has passed it by. */
	async #firstList(afterIndex: number): Promise<void> {
		try {
			const listing = await this.#list();
			this.#options.onReady(listing, listing.clusterId);
			// A store that is behind is found out by the tail.
			if (listing.index >= afterIndex) this.#whenIdle(() => this.#begun(listing));
		} catch (error) {
			this.#options.onFailure(error);
		}
	}

	#begun(listing: Listing): void {
		const known = this.#known;
		// A gap or a reset has told more since.
		if (known.isTreeKnown || this.#check !== undefined) return;
		if (listing.index > known.index) {
			known.clusterId = listing.clusterId;
			this.#check = new Checkpoint(listing, true);
		} else if (known.takePast(listing)) {
			void this.#options.queue.put({ kind: "bookmark", index: known.index, nodes: known.tree.nodes() });
		} else {
			this.#isListDue = true;
			this.#reread();
		}
	}

	async #readTail(): Promise<void> {
		if (this.#isListDue) {
			this.#isListDue = false;
			await this.#compareWith(await this.#list());
		}
		const { source, signal, proveThrough: isWaitedFor } = this.#options;
		const proveThrough = () => Math.max(this.#check?.listing.index ?? 0, isWaitedFor());
		const reading = new AbortController();
		const stop = () => reading.abort();
		this.#reread = stop;
		// Beyond the index while events are held.
		const afterIndex = this.#check?.heldThrough ?? this.#known.index;
		const take = (tail: Tail) => this.#take(tail);
		// It may have been aborted while the list was on its way.
		const leave = onAbort(signal, stop);
		await source.tail({ afterIndex, signal: reading.signal, proveThrough, take }).finally(leave);
	}

	/** What a list in the background leads to, but never in the midst of the events of one index. */
	#whenIdle(work: () => void): void {
		if (this.#isTaking) this.#afterTaking.push(work);
		else work();
	}

	#take(tail: Tail): Promise<void> | undefined {
		const check = this.#check;
		const isFree =
			check === undefined ||
			(check.isFlowing && tail.kind === "event" && tail.event.index < check.listing.index);
		if (tail.kind === "event" && isFree && !this.#known.isContradictedBy(tail.event)) {
			return this.#known.put(tail.event, this.#options.queue);
		}
		this.#isTaking = true;
		return this.#takeTail(tail)
			.then(
				(isToBeReread) => {
					if (isToBeReread) this.#reread();
				},
				(error: unknown) => this.#options.onFailure(error),
			)
			.finally(() => {
				this.#isTaking = false;
				for (const work of this.#afterTaking.splice(0)) work();
			});
	}

	/** True when the tail has to be read anew, from where things stand then. */
	async #takeTail(tail: Tail): Promise<boolean> {
		switch (tail.kind) {
			case "event":
				return await this.#events([tail.event]);
			case "events":
				return await this.#events(tail.events);
			case "passed":
				return await this.#through(tail.through);
			case "quiet":
				if (tail.isDoubtful && !this.#check?.isBorneOutBy(this.#known)) return false;
				return await this.#quiet(tail.through);
			case "reconnected":
				return await this.#compareWith(await this.#list());
			case "behind":
				return (await this.#compareWith(await this.#list())) || true;
			case "cleared":
				await this.#gap();
				return true;
		}
	}

	async #events(events: Events): Promise<boolean> {
		const check = this.#check;
		const index = events[0]?.index ?? 0;
		if (check === undefined) return await this.#handOn(events);
		const { listing } = check;
		if (index > listing.index) return (await this.#through(listing.index)) || (await this.#handOn(events));
		if (!check.hold(events, this.#options.queue.room)) {
			for (const some of [...check.release(), events]) if (await this.#handOn(some)) return true;
		}
		return index === listing.index && (await this.#through(index));
	}

	/** True when it was not what can have happened next: then the store is another one. */
	async #handOn(events: Events): Promise<boolean> {
		if (events.some((event) => this.#known.isContradictedBy(event))) {
			await this.#reset(await this.#list(), "another past");
			return true;
		}
		await this.#putAll([events]);
		return false;
	}

	/** Everything up to there is known: the list that was waiting for that can be held against the tree. */
	async #through(index: number): Promise<boolean> {
		const check = this.#check;
		const known = this.#known;
		if (check === undefined) await this.#bookmark(index);
		if (check === undefined || index < check.listing.index) return false;
		const isOther = known.isTreeKnown && check.contradicts(known);
		this.#check = isOther ? check.again(known) : undefined;
		if (isOther) {
			if (this.#check === undefined) await this.#reset(await this.#list(), "another past");
			return true;
		}
		const { nodes } = check.listing;
		await this.#putAll(check.release());
		// Directories that came into being for hidden keys raise no event: the list knows them.
		known.setTree(nodes);
		known.index = Math.max(known.index, index);
		await this.#options.queue.put({ kind: "bookmark", index: known.index, nodes });
		return false;
	}

	/** Rule "bookmark a quiet key": silence, held against a list. */
	async #quiet(through: number): Promise<boolean> {
		if (this.#check !== undefined) return await this.#through(through);
		this.#quietThrough = through;
		// The tail goes on meanwhile: the window does not wait.
		if (this.#quietLists.isDue) void this.#quietLists.spend(() => this.#listQuiet(through));
		else if (!this.#quietLists.isBusy) await this.#bookmark(through);
		return false;
	}

	#listQuiet(through: number): Promise<void> {
		return this.#list().then(
			(listing) => this.#whenIdle(() => this.#quietList(through, listing)),
			() => this.#reread(),
		);
	}

	#quietList(through: number, listing: Listing): void {
		const { index, tree } = this.#known;
		// An event, a gap or a reset has come since, and said more.
		if (index >= through || this.#check !== undefined) return;
		const isOther = this.#known.isOtherThan(listing) !== undefined;
		// A write that should have been heard, or perhaps has yet to be: from the history, once more.
		if (isOther || tree.missesUpTo(through, listing.nodes) || tree.lostOne(listing.nodes)) this.#reread();
		else void this.#bookmark(this.#quietThrough);
	}

	async #bookmark(index: number): Promise<void> {
		if (index <= this.#known.index) return;
		this.#known.index = index;
		this.#options.onNote({ note: "bookmarked", index });
		await this.#options.queue.put({ kind: "bookmark", index });
	}

	/** A list of the store that was followed; undefined after the reset, where two lists in a row are of another one. */
	async #ofThisStore(listing: Listing): Promise<Listing | undefined> {
		if (this.#known.isOtherThan(listing) === undefined) return listing;
		// A read by quorum can be stale all the same, of a member that was paused (etcd issue 20418: 3.5.0 to 3.5.27).
		const again = await this.#list();
		const why = this.#known.isOtherThan(again);
		if (why === undefined) return again;
		await this.#reset(again, why);
		return undefined;
	}

	/** Rule "an index that goes back is a reset": whether the list can be of the store that was followed. */
	async #compareWith(first: Listing): Promise<boolean> {
		const listing = await this.#ofThisStore(first);
		if (listing === undefined) return true;
		const known = this.#known;
		known.clusterId = listing.clusterId;
		if (known.hasOtherPast(listing)) {
			await this.#reset(listing, "another past");
			return true;
		}
		this.#check = this.#check?.with(listing) ?? new Checkpoint(listing, !known.isTreeKnown);
		return known.index >= listing.index && (await this.#through(known.index));
	}

	/** Rule "a cleared history is a gap". */
	async #gap(): Promise<void> {
		const held = this.#check?.release() ?? [];
		this.#check = undefined;
		const listing = await this.#ofThisStore(await this.#list());
		if (listing === undefined) return;
		await this.#putAll(held);
		const { queue } = this.#options;
		if (this.#known.hasOtherPast(listing)) await this.#reset(listing, "another past");
		// Nothing lies between: whoever asked for a position that silence had passed by is told nothing.
		else if (listing.index > this.#known.index || !this.#known.isTreeKnown)
			await queue.put(this.#known.gap(listing, queue.wasFull() ? "slow consumer" : "cleared"));
	}

	async #reset(listing: Listing, why: Reset["why"]): Promise<void> {
		this.#check = undefined;
		await this.#options.queue.put(this.#known.reset(listing, why));
	}

	async #putAll(all: readonly Events[]): Promise<void> {
		for (const event of all.flat()) await this.#known.put(event, this.#options.queue);
	}
}
