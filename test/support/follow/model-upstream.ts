import type { Listing, Source, Tail, TailOptions } from "etcd-watch-lab/follow";
import {
	type Command,
	type ModelEvent,
	type ModelNode,
	ModelStore,
	type WatchRequest,
} from "etcd-watch-lab/model";
import { flattened } from "#lib/follow/tree.js";

/** The model of etcd's store as an upstream: as many sources of it as there are keys to follow, and no server. */
export class ModelUpstream {
	store = new ModelStore();
	/** Every event of the store, whoever may see it. */
	readonly events: ModelEvent[] = [];
	/** What has been done to it, to be done again for a store of an earlier index. */
	readonly #acts: ((store: ModelStore) => unknown)[] = [];
	readonly #sources: ModelSource[] = [];
	now = 0;

	/** Carries out a write, or nothing where the store refuses it. */
	write(operation: Command["operation"], key: string, rest: Partial<Command> = {}): number {
		const { now } = this;
		const { outcome, deliveries } = this.#act((store) => store.apply({ operation, key, ...rest }, now));
		if (outcome.kind === "accepted") this.#happened(outcome.event, deliveries);
		return this.store.index;
	}

	set(key: string, value = "1"): number {
		return this.write("set", key, { value });
	}

	/** Lets time pass, and expire what is due. */
	pass(ms: number): void {
		this.now += ms;
		const { now } = this;
		for (const { event, deliveries } of this.#act((store) => store.expire(now)))
			this.#happened(event, deliveries);
	}

	/** Another store in this one's place, with nothing in it. */
	wipe(): void {
		this.store = new ModelStore();
		this.#acts.length = 0;
		this.events.length = 0;
		for (const source of this.#sources) source.replaced();
	}

	source(key: string, recursive = true): ModelSource {
		const source = new ModelSource(this, key, recursive);
		this.#sources.push(source);
		return source;
	}

	/** What a quorum read at that index shows, as a flat list. */
	nodesAt(index: number, key: string, recursive = true): readonly ModelNode[] {
		if (index >= this.store.index) return nodesOf(this.store, key, recursive);
		const past = new ModelStore();
		for (const act of this.#acts) if (past.index < index) act(past);
		return nodesOf(past, key, recursive);
	}

	#act<T>(act: (store: ModelStore) => T): T {
		this.#acts.push(act);
		return act(this.store);
	}

	#happened(event: ModelEvent, deliveries: ReturnType<ModelStore["apply"]>["deliveries"]): void {
		this.events.push(event);
		const heard = new Map(deliveries.map(({ watcher }) => [watcher, event]));
		for (const source of this.#sources) source.happened(event, heard);
	}
}

/** One key of the upstream as a follower's source: what a live stream of etcd's hears, and "passed" for the rest. */
export class ModelSource implements Source {
	readonly key: string;
	readonly recursive: boolean;
	/** How often the tree was read, and how many tails are being read. */
	listCount = 0;
	/** A fault: which events it does not tell of. */
	loses: (event: ModelEvent) => boolean = () => false;
	tailCount = 0;
	/** Up to which index its reader waits for a bookmark. */
	waitedFor = () => -1;
	readonly #upstream: ModelUpstream;
	#watcher = 0;
	#log: { readonly index: number; readonly tail: Tail }[] = [];
	#keptAfter: number;
	#isHeld = false;
	#isReplaced = false;
	#wake: () => void = () => {};
	#failure: Error | undefined;

	constructor(upstream: ModelUpstream, key: string, recursive: boolean) {
		this.#upstream = upstream;
		this.key = key;
		this.recursive = recursive;
		this.#keptAfter = upstream.store.index;
		this.#watch();
	}

	happened(event: ModelEvent, heard: ReadonlyMap<number, ModelEvent>): void {
		const { index, action, node, prevNode } = event;
		const tail: Tail =
			heard.has(this.#watcher) && !this.loses(event)
				? {
						kind: "event",
						event: {
							kind: "event",
							index,
							action,
							key: node.key,
							node,
							...(prevNode ? { prevNode } : {}),
							fromHistory: false,
						},
					}
				: { kind: "passed", through: index };
		this.#log.push({ index, tail });
		this.#wake();
	}

	replaced(): void {
		this.#log = [];
		this.#keptAfter = 0;
		this.#isReplaced = true;
		this.#watch();
		this.#wake();
	}

	/** From here on nothing is handed on. */
	hold(): void {
		this.#isHeld = true;
	}

	/** Hands on what was held back; or says that the history does not have it any more. */
	letGo({ isLost }: { readonly isLost: boolean }): void {
		this.#isHeld = false;
		if (isLost) {
			this.#log = [];
			this.#keptAfter = this.#upstream.store.index;
		}
		this.#wake();
	}

	/** Ends in an error that no retry heals. */
	fail(error: Error): void {
		this.#failure = error;
		this.#wake();
	}

	async list(): Promise<Listing> {
		this.listCount++;
		const { store } = this.#upstream;
		return { index: store.index, clusterId: "1", nodes: nodesOf(store, this.key, this.recursive) };
	}

	async tail({ afterIndex, signal, take, proveThrough }: TailOptions): Promise<void> {
		this.waitedFor = proveThrough;
		let position = afterIndex;
		this.#isReplaced = false;
		this.tailCount++;
		const abort = () => this.#wake();
		signal.addEventListener("abort", abort);
		try {
			while (!signal.aborted) {
				if (this.#failure) throw this.#failure;
				if (this.#isReplaced) return await take({ kind: "behind" });
				if (!this.#isHeld) {
					if (position < this.#keptAfter) return await take({ kind: "cleared" });
					const next = this.#log.filter(({ index }) => index > position);
					position = next.at(-1)?.index ?? position;
					this.#log = [];
					this.#keptAfter = position;
					for (const { tail } of next) if (!signal.aborted) await take(tail);
					if (this.#log.length > 0 || position < this.#keptAfter || this.#isReplaced) continue;
				}
				await new Promise<void>((resolve) => {
					this.#wake = resolve;
					if (signal.aborted) resolve();
				});
			}
		} finally {
			this.tailCount--;
			signal.removeEventListener("abort", abort);
		}
	}

	#watch(): void {
		const request: WatchRequest = { key: this.key, recursive: this.recursive, stream: true };
		const watched = this.#upstream.store.watch(request);
		if (watched.kind !== "waiting") throw new Error(`a watch from now on was ${watched.kind}`);
		this.#watcher = watched.watcher.id;
	}
}

function nodesOf(store: ModelStore, key: string, recursive: boolean): readonly ModelNode[] {
	const node = store.get(key, { recursive });
	if ("kind" in node) return [];
	return flattened(recursive ? node : { ...node, nodes: [] }) as readonly ModelNode[];
}
