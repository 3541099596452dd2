import { EventHistory } from "./history";
import { WatcherHub } from "./hub";
import { Keys } from "./keys";
import type {
	Applied,
	Command,
	ModelDelivery,
	ModelEvent,
	ModelNode,
	Refusal,
	WaitingWatcher,
	Watched,
	WatchRequest,
} from "./types";

export interface ModelOptions {
	/** etcd's version: 3.4 takes a directory's new ttl, 3.5 does not. "3.5" unless given. */
	readonly version?: string;
	/** The index that the store begins with; 0 unless given. */
	readonly index?: number;
}

/**
 * etcd's v2 store and its watch, without a server: the same operations give the same answers, errors, indexes and
 * deliveries (v2store/ at v3.5.9). No clock of its own: `now` is passed in, in milliseconds.
 */
export class ModelStore {
	readonly #keys: Keys;
	readonly #history: EventHistory;
	readonly #hub = new WatcherHub();
	/** What the write that is under way sets off. */
	#deliveries: readonly ModelDelivery[] = [];
	#nextWatcher = 1;

	constructor({ version = "3.5", index = 0 }: ModelOptions = {}) {
		this.#history = new EventHistory(index);
		this.#keys = new Keys(index, version.startsWith("3.4"), (event, gone) => {
			this.#history.add(event);
			this.#deliveries = this.#hub.notify(event, gone);
		});
	}

	/** The store's index: X-Etcd-Index. */
	get index(): number {
		return this.#keys.index;
	}

	/** How many watchers wait. */
	get watcherCount(): number {
		return this.#hub.count;
	}

	/** The lowest index that a watch can still ask for. */
	get oldestKept(): number {
		return this.#history.startIndex;
	}

	/** When the next key expires, by the clock that was passed in; undefined while none has a ttl. */
	get nextExpiry(): number | undefined {
		const { expiries } = this.#keys;
		return expiries.size === 0 ? undefined : Math.min(...expiries.values());
	}

	/** When a key expires, by that clock; undefined when it does not. */
	expiryOf(key: string): number | undefined {
		return this.#keys.expiries.get(key);
	}

	/** Reads a key; its children too, and all below them with `recursive`. */
	get(
		key: string,
		options: { readonly recursive?: boolean; readonly now?: number } = {},
	): ModelNode | Refusal {
		return this.#keys.get(key, options.recursive === true, options.now ?? 0);
	}

	/** Carries out one write. */
	apply(command: Command, now = 0): Applied {
		this.#deliveries = [];
		const outcome = this.#keys.apply(command, now);
		return { outcome, deliveries: this.#deliveries };
	}

	/** Lets every key expire whose time has come by then, in the order of their times (`DeleteExpiredKeys`). */
	expire(
		now: number,
	): readonly { readonly event: ModelEvent; readonly deliveries: readonly ModelDelivery[] }[] {
		return this.due(now).flatMap((key) => {
			this.#deliveries = [];
			const event = this.#keys.expire(key, now);
			return event === undefined ? [] : [{ event, deliveries: this.#deliveries }];
		});
	}

	/** Registers a watch, or answers it from the history. */
	watch(request: WatchRequest): Watched {
		const sinceIndex = request.waitIndex || this.index + 1;
		const found = this.#history.scan(request, sinceIndex);
		if (found && "kind" in found) return found;
		if (found) return { kind: "answered", event: found.event, rule: found.rule, etcdIndex: this.index };
		const watcher = { ...request, id: this.#nextWatcher++, sinceIndex, startIndex: this.index };
		this.#hub.add(watcher);
		return { kind: "waiting", watcher };
	}

	/** Takes a watcher out, as a closed connection does. */
	unwatch(watcher: WaitingWatcher): void {
		this.#hub.remove(watcher);
	}

	/** The keys that expire by then, those that go with a directory left out. */
	due(now: number): readonly string[] {
		const due = [...this.#keys.expiries].filter(([, at]) => at <= now).sort(([, one], [, two]) => one - two);
		const gone = new Set<string>();
		return due.flatMap(([key]) => {
			for (let at = key; at !== ""; at = at.slice(0, at.lastIndexOf("/"))) if (gone.has(at)) return [];
			gone.add(key);
			return [key];
		});
	}
}
