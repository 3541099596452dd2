import { isRemoval } from "../v2/key";
import type {
	Bookmark,
	Change,
	FollowedEvent,
	KeySpace,
	Listing,
	Note,
	Position,
	Source,
	State,
	Tail,
} from "./changes";
import { obeysAllBut, type Rule } from "./rules";
import { FollowedTree } from "./tree";

/** Where a follower begins. */
export interface Beginning {
	readonly afterIndex?: number;
	readonly position?: Position;
}

/** What a pump gives to the queue. */
export type Pumped = Change | Bookmark;

export interface PumpOptions extends Beginning {
	readonly source: Source;
	readonly keySpace: KeySpace;
	readonly signal: AbortSignal;
	readonly without: readonly Rule[];
	/** Takes one more; resolves when there is room for the next. */
	readonly put: (pumped: Pumped) => Promise<void> | undefined;
	/** True if `put` had to wait since the last call. */
	readonly wasFull: () => boolean;
	readonly onNote: (note: Note) => void;
	/** Up to which index somebody waits for a bookmark. */
	readonly proveThrough?: () => number;
	/** Told once, when the first list has come: the state that the changes begin from. */
	readonly onReady: (state: State, clusterId: string) => void;
}

/**
 * Lists, reads the tail, and turns both into changes: the rules that hold for any store. It keeps the tree in step
 * with what it has put, which is what gaps, resets and removals are told by.
 */
export class Pump {
	readonly #options: PumpOptions;
	readonly #source: Source;
	readonly #obeys: (rule: Rule) => boolean;
	#tree: FollowedTree;
	/** False after a bare `afterIndex`, until the first list is reached. */
	#isTreeKnown = true;
	/** All changes up to here have been put. */
	#index = 0;
	/** The last change that was put. Below the index after a bookmark: what is late all the same is no repeat. */
	#lastIndex = 0;
	#clusterId = "";
	/** A list that the tree has to agree with when its index is reached, and the events held until then. */
	#check: { readonly listing: Listing; readonly held: FollowedEvent[] } | undefined;
	/** The newest index that silence reaches to, and when a list for it may be made. */
	#quietThrough = 0;
	#nextQuietList = 0;
	#isListing = false;
	/** What was put before the first list came, after a bare `afterIndex`. */
	#sinceBegin: FollowedEvent[] | undefined;
	#failure: { readonly error: unknown } | undefined;
	/** Ends the tail that is being read: another is read from where things stand then. */
	#reread: () => void = () => {};

	constructor(options: PumpOptions) {
		this.#options = options;
		this.#source = options.source;
		this.#obeys = obeysAllBut(options.without);
		this.#tree = this.#newTree();
	}

	/** Runs until the signal aborts. @throws what no retry heals */
	async run(): Promise<void> {
		await this.#begin();
		const { signal } = this.#options;
		while (!signal.aborted) await this.#readTail();
	}

	get clusterId(): string {
		return this.#clusterId;
	}

	async #begin(): Promise<void> {
		const { position, afterIndex, signal, onReady } = this.#options;
		if (position === undefined && afterIndex !== undefined) {
			this.#index = afterIndex;
			this.#lastIndex = afterIndex;
			this.#isTreeKnown = false;
			// There is nothing to hold the events against: they need not wait for the list.
			this.#sinceBegin = [];
			this.#source.list(signal).then(
				(listing) => {
					this.#firstList(listing);
					onReady(listing, listing.clusterId);
				},
				(error: unknown) => {
					this.#failure = { error };
				},
			);
			return;
		}
		const listing = await this.#source.list(signal);
		if (position !== undefined) {
			this.#index = position.index;
			this.#lastIndex = position.index;
			this.#clusterId = position.clusterId;
			this.#tree = this.#newTree(position.nodes);
			this.#isTreeKnown = position.nodes !== undefined;
			onReady({ index: position.index, nodes: this.#tree.nodes() }, this.#clusterId);
		} else {
			this.#take(listing);
			onReady(listing, listing.clusterId);
			return;
		}
		await this.#compareWith(listing);
	}

	/** After a bare `afterIndex`: the list that tells the tree, whether or not the tail has passed it by. */
	#firstList(listing: Listing): void {
		const since = this.#sinceBegin ?? [];
		this.#sinceBegin = undefined;
		// A gap or a reset has told more since, and a store that is behind is found out by the tail.
		if (this.#isTreeKnown || this.#check !== undefined || listing.index < (this.#options.afterIndex ?? 0))
			return;
		this.#clusterId = listing.clusterId;
		if (listing.index > this.#index) {
			this.#check = { listing, held: [] };
			return;
		}
		const tree = this.#newTree(listing.nodes);
		for (const event of since) if (event.index > listing.index) tree.apply(event);
		this.#tree = tree;
		this.#isTreeKnown = true;
		void this.#options.put({ kind: "bookmark", index: this.#index, nodes: tree.nodes() });
	}

	async #readTail(): Promise<void> {
		this.#throwFailure();
		const { signal, proveThrough: isWaitedFor = () => 0 } = this.#options;
		const afterIndex = this.#fetched;
		const proveThrough = () => Math.max(this.#check?.listing.index ?? 0, isWaitedFor());
		const reading = new AbortController();
		const stop = () => reading.abort();
		this.#reread = stop;
		const take = (tail: Tail): Promise<void> | undefined => {
			if (tail.kind === "event" && this.#check === undefined && !this.#isContradictedBy(tail.event)) {
				return this.#put(tail.event);
			}
			return this.#takeTail(tail).then(
				(isToBeReread) => {
					if (isToBeReread) stop();
				},
				(error: unknown) => {
					this.#failure ??= { error };
					stop();
				},
			);
		};
		signal.addEventListener("abort", stop, { once: true });
		try {
			await this.#source.tail({ afterIndex, signal: reading.signal, proveThrough, take });
		} finally {
			signal.removeEventListener("abort", stop);
		}
		this.#throwFailure();
	}

	#throwFailure(): void {
		if (this.#failure) throw this.#failure.error;
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
				if (tail.isDoubtful && !this.#isBorneOut()) return false;
				return await this.#quiet(tail.through);
			case "reconnected":
				if (!this.#obeys("an index that goes back is a reset")) return false;
				return await this.#compareWith(await this.#source.list(this.#options.signal));
			case "cleared":
				await this.#gap();
				return true;
			case "behind": {
				await this.#compareWith(await this.#source.list(this.#options.signal));
				return true;
			}
		}
	}

	/** How far the tail has been read: beyond the index while events are held. */
	get #fetched(): number {
		return this.#check?.held.at(-1)?.index ?? this.#index;
	}

	/** All events of one index. */
	async #events(events: readonly [FollowedEvent, ...FollowedEvent[]]): Promise<boolean> {
		const check = this.#check;
		if (check === undefined) return await this.#handOn(events);
		const [{ index }] = events;
		if (index <= check.listing.index) {
			// Held until it can be compared, unless there is nothing to hold it against.
			if (this.#isTreeKnown) check.held.push(...events);
			else await this.#putAll(events);
			return index === check.listing.index ? await this.#through(index) : false;
		}
		return (await this.#through(check.listing.index)) || (await this.#handOn(events));
	}

	/** True when it was not what can have happened next: then the store is another one. */
	async #handOn(events: readonly FollowedEvent[]): Promise<boolean> {
		if (events.some((event) => this.#isContradictedBy(event))) {
			await this.#reset(await this.#source.list(this.#options.signal), "another past");
			return true;
		}
		await this.#putAll(events);
		return false;
	}

	async #putAll(events: readonly FollowedEvent[]): Promise<void> {
		for (const event of events) await this.#put(event);
	}

	#isContradictedBy(event: FollowedEvent): boolean {
		const isToReset = this.#isTreeKnown && this.#obeys("an index that goes back is a reset");
		// A repeat is dropped, and is no news of the past.
		return isToReset && event.index > this.#lastIndex && this.#tree.isContradictedBy(event);
	}

	/** Everything up to there is known: the list that was waiting for that can be held against the tree. */
	async #through(index: number): Promise<boolean> {
		const check = this.#check;
		if (check === undefined || index < check.listing.index) {
			if (check === undefined && index > this.#index) await this.#bookmark(index);
			return false;
		}
		this.#check = undefined;
		if (this.#isTreeKnown) {
			const tree = this.#tree.fork();
			const isOther = check.held.some((event) => {
				const contradicts = tree.isContradictedBy(event);
				tree.apply(event);
				return contradicts;
			});
			if (isOther || tree.contradicts(check.listing.nodes)) {
				await this.#reset(await this.#source.list(this.#options.signal), "another past");
				return true;
			}
		}
		await this.#putAll(check.held);
		// Directories that came into being for hidden keys raise no event: the list knows them.
		const { nodes } = check.listing;
		this.#tree = this.#newTree(nodes);
		this.#isTreeKnown = true;
		this.#index = Math.max(this.#index, index);
		await this.#options.put({ kind: "bookmark", index: this.#index, nodes });
		return false;
	}

	/** Rule "bookmark a quiet key": silence, held against a list. */
	async #quiet(through: number): Promise<boolean> {
		if (this.#check !== undefined) return await this.#through(through);
		this.#quietThrough = through;
		// A list of a big tree takes its time: at most a tenth of all of it.
		if (performance.now() < this.#nextQuietList) {
			if (!this.#isListing) await this.#bookmark(through);
			return false;
		}
		this.#nextQuietList = Number.POSITIVE_INFINITY;
		this.#isListing = true;
		const begin = performance.now();
		// The tail goes on meanwhile: the window does not wait.
		this.#source
			.list(this.#options.signal)
			.then((listing) => this.#quietList(through, listing))
			.catch(() => this.#reread())
			.finally(() => {
				this.#isListing = false;
				this.#nextQuietList = performance.now() + 10 * (performance.now() - begin);
			});
		return false;
	}

	#quietList(through: number, { index, nodes, clusterId }: Listing): void {
		// An event, a gap or a reset has come since, and said more.
		if (this.#index >= through || this.#check !== undefined) return;
		const isOther = clusterId !== this.#clusterId || index < this.#index;
		// A write that should have been heard, or perhaps has yet to be: from the history, once more.
		if (isOther || this.#tree.missesUpTo(through, nodes) || this.#tree.lostOne(nodes)) this.#reread();
		else void this.#bookmark(this.#quietThrough);
	}

	/** Whether the tree with what is held is the one that the list shows. */
	#isBorneOut(): boolean {
		const check = this.#check;
		if (check === undefined || !this.#isTreeKnown) return false;
		const tree = this.#tree.fork();
		for (const event of check.held) tree.apply(event);
		return !tree.contradicts(check.listing.nodes);
	}

	async #bookmark(index: number): Promise<void> {
		if (index <= this.#index) return;
		this.#index = index;
		this.#options.onNote({ note: "bookmarked", index });
		await this.#options.put({ kind: "bookmark", index });
	}

	/** Rule "an index that goes back is a reset": whether the list can be of the store that was followed. */
	async #compareWith(listing: Listing): Promise<boolean> {
		const isOtherCluster = this.#clusterId !== "" && this.#clusterId !== listing.clusterId;
		if (isOtherCluster || listing.index < this.#index) {
			await this.#reset(listing, isOtherCluster ? "another cluster" : "index went back");
			return true;
		}
		this.#clusterId = listing.clusterId;
		const held = this.#check?.held ?? [];
		this.#check = { listing, held };
		if (this.#index >= listing.index) return await this.#through(this.#index);
		return false;
	}

	/** Rule "a cleared history is a gap". */
	async #gap(): Promise<void> {
		const held = this.#check?.held ?? [];
		this.#check = undefined;
		const listing = await this.#source.list(this.#options.signal);
		if (listing.index < this.#index || listing.clusterId !== this.#clusterId) {
			await this.#reset(listing, listing.index < this.#index ? "index went back" : "another cluster");
			return;
		}
		await this.#putAll(held);
		if (this.#isTreeKnown && this.#tree.missesUpTo(this.#index, listing.nodes)) {
			await this.#reset(listing, "another past");
			return;
		}
		const from = this.#index + 1;
		const why = this.#options.wasFull() ? "slow consumer" : "cleared";
		const difference = this.#difference(listing, this.#index);
		this.#take(listing);
		const { index, nodes } = listing;
		await this.#options.put({ kind: "gap", from, to: index, why, ...difference, state: { index, nodes } });
	}

	async #reset(listing: Listing, why: "index went back" | "another cluster" | "another past"): Promise<void> {
		this.#check = undefined;
		const lastIndex = this.#index;
		const difference = this.#difference(listing, 0);
		this.#take(listing);
		const { index, nodes } = listing;
		await this.#options.put({ kind: "reset", lastIndex, why, ...difference, state: { index, nodes } });
	}

	#difference(listing: Listing, since: number) {
		if (this.#isTreeKnown) return this.#tree.difference(listing.nodes);
		const written = listing.nodes.filter(({ modifiedIndex }) => modifiedIndex > since);
		return {
			added: written.filter(({ createdIndex }) => createdIndex > since),
			changed: written.filter(({ createdIndex }) => createdIndex <= since).map((now) => ({ now })),
		};
	}

	/** From here on the list is what is known. */
	#take(listing: Listing): void {
		this.#tree = this.#newTree(listing.nodes);
		this.#isTreeKnown = true;
		this.#index = listing.index;
		this.#lastIndex = listing.index;
		this.#clusterId = listing.clusterId;
	}

	#put(event: FollowedEvent): Promise<void> | undefined {
		if (event.index <= this.#lastIndex && this.#obeys("each once")) return undefined;
		if (!event.more) {
			this.#index = event.index;
			this.#lastIndex = event.index;
		}
		this.#sinceBegin?.push(event);
		if (!isRemoval(event)) {
			const room = this.#options.put(event);
			this.#tree.applySoon(event);
			return room;
		}
		const removed = this.#tree.apply(event);
		// The history tells of a directory above, whether or not there was anything here to go with it (T8). A live
		// watch is told only if there was; what is watched alone can be a directory that came into being for its keys.
		const { keySpace } = this.#options;
		if (removed.length === 0 && this.#isTreeKnown && event.fromHistory && keySpace.scope.recursive) {
			if (keySpace.isAbove(event.key)) return this.#options.put({ kind: "bookmark", index: event.index });
		}
		if (!this.#isTreeKnown) return this.#options.put(event);
		const named = this.#obeys("a removed directory is all its keys")
			? removed
			: removed.filter(({ key }) => key === event.key);
		return this.#options.put({ ...event, removed: named });
	}

	#newTree(nodes: State["nodes"] = []): FollowedTree {
		return new FollowedTree(this.#options.keySpace, nodes);
	}
}
