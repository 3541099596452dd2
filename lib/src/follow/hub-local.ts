import { checkIndex } from "../etcd/arguments";
import type { Node } from "../etcd/node";
import { WatcherHub } from "../model/hub";
import type { ModelDelivery, ModelEvent } from "../model/types";
import type { Hub, HubWatchOptions } from "./hub";
import { Cutter, fits, gapAfter, type Watched, writtenSince } from "./hub-cut";
import { endOf, HubHistory } from "./hub-history";
import { type HubWatch, LocalWatch, type Station } from "./hub-watch";
import type { MirrorChange } from "./mirror";
import { checkedKey } from "./mirror-key";
import type { TreeMirror } from "./mirror-tree";
import type { FollowedEvent, Gap, Reset, State } from "./types";

/** @internal A mirror of the root, its last changes, and who waits for the next ones. */
export class LocalHub implements Hub, Station {
	readonly #mirror: TreeMirror;
	readonly #queueLength: number;
	readonly #history: HubHistory;
	/** The live watches, by id; and where their keys are, as the model of etcd's own hub has it. */
	readonly #watches = new Map<number, LocalWatch>();
	#byKey: WatcherHub;
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
		this.#byKey = this.#newByKey();
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
			key: checkedKey(key, { root: this.root, what: "the hub", isFlat: this.#mirror.isFlat }),
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
		for (let place = this.#nextPlace(watch); place < this.#history.end; place++) {
			const entry = this.#history.at(place);
			if (entry === undefined) continue;
			if (watch.isFull) return;
			if (entry.kind === "gap") watch.put(gapAfter(watch.after, entry, this.#cutter(entry).for(watch)));
			else if (fits(watch, entry, this.#mirror.isFlat)) watch.put(entry);
			watch.after = entry.kind === "event" && entry.more ? entry.index - 1 : endOf(entry);
		}
		watch.isLive = true;
		this.#watches.set(watch.id, watch);
		this.#enter(watch);
	}

	/** Of an index with several events the watch may have had the first ones. */
	#nextPlace({ after, lastPut }: LocalWatch): number {
		const first = this.#history.placeAfter(after);
		if (lastPut === undefined || lastPut.index <= after) return first;
		for (let place = first; place < this.#history.end; place++) {
			const entry = this.#history.at(place);
			if (entry === lastPut) return place + 1;
			if (entry !== undefined && endOf(entry) > lastPut.index) break;
		}
		return first;
	}

	leave(watch: LocalWatch): void {
		if (!watch.isLive) return;
		watch.isLive = false;
		this.#watches.delete(watch.id);
		this.#byKey.remove(waiting(watch));
	}

	#newByKey(): WatcherHub {
		return new WatcherHub(undefined, !this.#mirror.isFlat);
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
			if (!watch.put(gapAfter(watch.after, gap, cutter.for(watch)))) this.#fallBehind(watch, gap.from - 1);
		}
	}

	#reset(reset: Reset): void {
		const cutter = new Cutter(reset);
		this.#lastReset = reset;
		this.#epoch++;
		const live = [...this.#watches.values()];
		this.#byKey = this.#newByKey();
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
		// Nothing more comes: to take them out one by one would take long where many are on one key.
		this.#byKey = this.#newByKey();
		for (const watch of [...this.#watches.values()]) watch.wake();
	}
}

/** A stream, in the model's words: it stays when it is woken. */
function waiting({ id, key, recursive, after }: LocalWatch) {
	return { id, key, recursive, stream: true, sinceIndex: after + 1, startIndex: after };
}
