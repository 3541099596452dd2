import { checkIndex } from "../etcd/arguments";
import type { Keys } from "../etcd/keys";
import type { Node } from "../etcd/node";
import { WatcherHub } from "../model/hub";
import { liveReach } from "../model/reach";
import type { ModelDelivery, ModelEvent } from "../model/types";
import { Cutter, type Watched, writtenSince } from "./hub-cut";
import { endOf, HubHistory } from "./hub-history";
import { type HubWatch, LocalWatch, type Station } from "./hub-watch";
import { type MirrorChange, type MirrorOptions, TreeMirror } from "./mirror";
import { checkedKey } from "./mirror-key";
import type { FollowedEvent, Gap, Reset, Source, State } from "./types";

export interface HubOptions extends Omit<MirrorOptions, "onChange" | "queueLength"> {
	/** How many changes of the root are kept for watches that begin in the past or are slow; 4,000 unless given. */
	readonly historyLength?: number;
	/** How many changes are queued for each watch; 100 unless given. One that is slower reads the history. */
	readonly queueLength?: number;
}

export interface HubWatchOptions {
	/** Also what happens below the key. False unless given. */
	readonly recursive?: boolean;
	/** Begin after this index instead of now. */
	readonly afterIndex?: number;
	readonly signal?: AbortSignal;
}

/** Any number of local watches over one upstream follower of a root. */
export interface Hub {
	readonly root: string;
	/** The store's index at which the hub's tree is true. It goes back only at a reset. */
	readonly index: number;
	/** How many local watches wait for what comes. */
	readonly watchCount: number;
	/**
	 * A key as `Keys.get` would show it at `index`, from memory; see `Mirror.get`.
	 * @throws ArgumentError for a key that is hidden or not below the root
	 */
	get(key: string, options?: { readonly recursive?: boolean }): Node | undefined;
	/** Resolves when the hub has reached the index, with the root's state; see `Mirror.at`. */
	at(index: number, options?: { readonly signal?: AbortSignal }): Promise<State>;
	/**
	 * What happens to a key, by the rules of a live watch: its own events, with `recursive` those below it but for
	 * hidden names, and the removal of a directory above while there is something at the key (T8). Each change at most
	 * once, in the order of the indexes. The events are shared by all watches: a removal's `removed` names what went
	 * below the hub's root, not below the watched key alone.
	 *
	 * It begins now, or after an index: one that is ahead is waited for; one older than the history is a gap at once,
	 * with the state from memory. A watch that is slow reads on from the history; when that has passed it by, it gets
	 * a gap ("slow consumer"), and nobody else does. A gap or a reset upstream reaches every watch, cut down to its
	 * key. Whoever does not read costs nothing but what was queued.
	 * @throws ArgumentError for a key that is hidden or not below the root, or an index that is none
	 */
	watch(key: string, options?: HubWatchOptions): HubWatch;
	/** Resolves when the hub has been closed; rejects with what ended it otherwise, as every watch does. */
	readonly ended: Promise<void>;
	/** Ends all watches and the follower; resolves when every connection is closed. */
	close(): Promise<void>;
}

/**
 * Starts a hub over a root and all below it: resolves when the first list has come. An event costs what the watches
 * that it wakes cost, however many others there are. Memory: a mirror of the root, the history, and less than a
 * kilobyte for each watch.
 * @throws as `mirror`
 */
export async function startHub(client: Keys | Source, root: string, options: HubOptions = {}): Promise<Hub> {
	const { historyLength = 4_000, queueLength = 100, ...rest } = options;
	checkIndex("historyLength", historyLength, 1);
	checkIndex("queueLength", queueLength, 1);
	let hub: LocalHub | undefined;
	const onChange = (change: MirrorChange) => hub?.changed(change);
	const mirror = await TreeMirror.start(client, root, { ...rest, onChange }, (started) => {
		hub = new LocalHub(started, historyLength, queueLength);
	});
	return hub ?? new LocalHub(mirror, historyLength, queueLength);
}

class LocalHub implements Hub, Station {
	readonly #mirror: TreeMirror;
	readonly #queueLength: number;
	readonly #history: HubHistory;
	/** The live watches, by id; and where their keys are, as the model of etcd's own hub has it. */
	readonly #watches = new Map<number, LocalWatch>();
	#byKey = new WatcherHub();
	readonly #cutters = new WeakMap<Gap, Cutter<Gap>>();
	#nextId = 1;
	/** How many stores there have been. */
	#epoch = 0;
	#lastReset: Reset | undefined;
	#ending: Station["ending"];
	/** The last change's index: an event can be late, and below an index that silence had spoken for. */
	#toldIndex: number;

	constructor(mirror: TreeMirror, historyLength: number, queueLength: number) {
		this.#mirror = mirror;
		this.#queueLength = queueLength;
		this.#toldIndex = mirror.index;
		this.#history = new HubHistory(historyLength, mirror.index);
		mirror.ended.then(
			() => this.#end({}),
			(failure: unknown) => this.#end({ failure }),
		);
	}

	get root(): string {
		return this.#mirror.root;
	}

	get index(): number {
		return this.#mirror.index;
	}

	get watchCount(): number {
		return this.#watches.size;
	}

	get ended(): Promise<void> {
		return this.#mirror.ended;
	}

	get toldIndex(): number {
		return this.#toldIndex;
	}

	get ending(): Station["ending"] {
		return this.#ending;
	}

	get(key: string, options?: { readonly recursive?: boolean }): Node | undefined {
		return this.#mirror.get(key, options);
	}

	at(index: number, options?: { readonly signal?: AbortSignal }): Promise<State> {
		return this.#mirror.at(index, options);
	}

	watch(key: string, options: HubWatchOptions = {}): HubWatch {
		const { recursive = false, afterIndex = this.#toldIndex, signal } = options;
		checkIndex("afterIndex", afterIndex);
		// An index of a store that is gone is no index to wait for.
		const isOfOld = afterIndex > this.#toldIndex && afterIndex <= (this.#lastReset?.lastIndex ?? 0);
		return new LocalWatch(this, {
			id: this.#nextId++,
			key: checkedKey(key, { root: this.root, what: "the hub" }),
			recursive,
			afterIndex,
			epoch: isOfOld ? -1 : this.#epoch,
			wasKept: afterIndex >= this.#history.keptAfter,
			queueLength: this.#queueLength,
			signal,
		});
	}

	async close(): Promise<void> {
		this.#end({});
		await this.#mirror.close();
	}

	// --- what the watches ask for --------------------------------------------------------------------------------

	catchUp(watch: LocalWatch): void {
		if (watch.epoch !== this.#epoch) this.#startAnew(watch);
		else if (watch.after < this.#history.keptAfter) this.#leap(watch);
		for (let place = this.#history.placeAfter(watch.after); place < this.#history.end; place++) {
			const entry = this.#history.at(place);
			if (entry === undefined) continue;
			if (watch.isFull) return;
			if (entry.kind === "gap") watch.put(gapFor(watch, entry, this.#cutter(entry)));
			else if (fits(watch, entry)) watch.put(entry);
			watch.after = endOf(entry);
		}
		watch.isLive = true;
		this.#watches.set(watch.id, watch);
		this.#enter(watch);
	}

	leave(watch: LocalWatch): void {
		if (!watch.isLive) return;
		watch.isLive = false;
		this.#watches.delete(watch.id);
		this.#byKey.remove(waiting(watch));
	}

	#enter(watch: LocalWatch): void {
		this.#byKey.add(waiting(watch));
	}

	/** What it wants is not kept any more. */
	#leap(watch: LocalWatch): void {
		const state = this.#state(watch);
		const why = watch.wasKept ? "slow consumer" : "cleared";
		const difference = writtenSince(state, watch.after);
		watch.put({ kind: "gap", from: watch.after + 1, to: state.index, why, ...difference, state });
		watch.after = state.index;
		watch.wasKept = true;
	}

	/** It comes from another store. */
	#startAnew(watch: LocalWatch): void {
		const state = this.#state(watch);
		const why = this.#lastReset?.why ?? "another past";
		watch.put({ kind: "reset", lastIndex: watch.after, why, added: state.nodes, changed: [], state });
		watch.after = state.index;
		watch.epoch = this.#epoch;
		watch.wasKept = true;
	}

	#state({ key, recursive }: Watched): State {
		const index = this.#toldIndex;
		if (recursive) return { index, nodes: this.#mirror.nodes(key) };
		const { nodes: _, ...own } = this.#mirror.get(key) ?? {};
		return { index, nodes: "key" in own ? [own] : [] };
	}

	// --- what comes from upstream --------------------------------------------------------------------------------

	changed(change: MirrorChange): void {
		switch (change.kind) {
			case "event":
				this.#toldIndex = change.index;
				this.#history.add(change);
				this.#event(change);
				break;
			case "gap":
				this.#toldIndex = change.to;
				this.#history.add(change);
				this.#gap(change);
				break;
			case "reset":
				this.#toldIndex = change.state.index;
				this.#history.restart(change.state.index);
				this.#reset(change);
		}
	}

	#event(event: FollowedEvent): void {
		if (this.#watches.size === 0) return;
		const deliveries: ModelDelivery[] = [];
		const happened: ModelEvent = { ...event, refresh: false };
		for (const { key } of event.removed ?? []) {
			if (key !== event.key) this.#byKey.notifyRemoved(key, happened, deliveries);
		}
		this.#byKey.notify(happened, deliveries);
		for (const { watcher } of deliveries) {
			const watch = this.#watches.get(watcher);
			if (watch !== undefined && !watch.put(event)) this.#fallBehind(watch, event.index - 1);
		}
	}

	#cutter(gap: Gap): Cutter<Gap> {
		const cutter = this.#cutters.get(gap) ?? new Cutter(gap);
		this.#cutters.set(gap, cutter);
		return cutter;
	}

	#gap(gap: Gap): void {
		const cutter = this.#cutter(gap);
		for (const watch of [...this.#watches.values()]) {
			if (watch.after >= gap.to) continue;
			if (!watch.put(gapFor(watch, gap, cutter))) this.#fallBehind(watch, gap.from - 1);
		}
	}

	#reset(reset: Reset): void {
		const cutter = new Cutter(reset);
		this.#lastReset = reset;
		this.#epoch++;
		const live = [...this.#watches.values()];
		this.#byKey = new WatcherHub();
		for (const watch of live) {
			if (watch.put(cutter.for(watch))) {
				watch.after = reset.state.index;
				watch.epoch = this.#epoch;
				this.#enter(watch);
			} else this.#fallBehind(watch, reset.lastIndex);
		}
	}

	/** Its queue is full: from here on it reads the history when it comes round. */
	#fallBehind(watch: LocalWatch, after: number): void {
		this.leave(watch);
		watch.after = Math.max(watch.after, after);
		watch.wasKept = true;
	}

	#end(ending: NonNullable<Station["ending"]>): void {
		this.#ending ??= ending;
		for (const watch of [...this.#watches.values()]) watch.wake();
	}
}

/** A stream, in the model's words: it stays when it is woken. */
function waiting({ id, key, recursive, after }: LocalWatch) {
	return { id, key, recursive, stream: true, sinceIndex: after + 1, startIndex: after };
}

function fits({ key, recursive }: Watched, event: FollowedEvent): boolean {
	const reach = liveReach({ key, recursive, stream: true }, event, true);
	if ("passedOver" in reach) return false;
	// What was there is looked for only where it matters: a big directory names many.
	if (reach.rule !== "removed with its directory") return true;
	return event.removed?.some((node) => node.key === key) ?? false;
}

/** An upstream gap as a watch is told: from where it is, of what it watches. */
function gapFor(watch: LocalWatch, gap: Gap, cutter: Cutter<Gap>): Gap {
	const cut = cutter.for(watch);
	const from = watch.after + 1;
	if (from <= gap.from) return cut;
	return {
		kind: "gap",
		from,
		to: gap.to,
		why: gap.why,
		...writtenSince(cut.state, watch.after),
		state: cut.state,
	};
}
