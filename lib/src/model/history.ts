import type { DeliveryRule, ModelEvent, Refusal, WatchRequest } from "./types";

/** How many events etcd keeps (`newWatchHub(1000)` in v2store/store.go). */
export const historyCapacity = 1000;

/** The last 1000 events of the store, a ring (v2store/event_history.go). Indexes in it follow each other. */
export class EventHistory {
	#ring: ModelEvent[];
	#count: number;
	/** Shared with a fork: to be copied before the next change. */
	#shared = false;

	constructor(ring: ModelEvent[] = [], count = 0) {
		this.#ring = ring;
		this.#count = count;
	}

	fork(): EventHistory {
		this.#shared = true;
		const fork = new EventHistory(this.#ring, this.#count);
		fork.#shared = true;
		return fork;
	}

	add(event: ModelEvent): void {
		if (this.#shared) {
			this.#ring = [...this.#ring];
			this.#shared = false;
		}
		this.#ring[this.#count % historyCapacity] = event;
		this.#count++;
	}

	/** The oldest index kept; 0 while there is none. */
	get startIndex(): number {
		return this.#at(Math.max(0, this.#count - historyCapacity))?.index ?? 0;
	}

	get lastIndex(): number {
		return this.#at(this.#count - 1)?.index ?? 0;
	}

	/**
	 * The first event from that index on that fits; undefined when the watcher has to wait; 401 before the oldest.
	 * The scan does not look at hidden names, and takes the removal of a directory for a watched key whose text
	 * begins with the directory's, slash or not (`scan`).
	 */
	scan(
		request: WatchRequest,
		fromIndex: number,
		storeIndex: number,
	): { readonly event: ModelEvent; readonly rule: DeliveryRule } | Refusal | undefined {
		const { startIndex } = this;
		if (fromIndex < startIndex) {
			const cause = `the requested history has been cleared [${startIndex}/${fromIndex}]`;
			return { kind: "refused", code: 401, cause, index: storeIndex };
		}
		if (fromIndex > this.lastIndex) return undefined;
		const oldest = Math.max(0, this.#count - historyCapacity);
		for (let at = oldest + (fromIndex - startIndex); at < this.#count; at++) {
			const event = this.#at(at);
			const rule = event && historyRule(request, event);
			if (event && rule) return { event, rule };
		}
		return undefined;
	}

	#at(position: number): ModelEvent | undefined {
		return this.#ring[position % historyCapacity];
	}
}

/** By which rule the history's scan gives an event to a watcher, if it does. */
export function historyRule(request: WatchRequest, event: ModelEvent): DeliveryRule | undefined {
	if (event.refresh) return undefined;
	const { key } = event.node;
	if (key === request.key) return "history: own key";
	if (request.recursive && key.startsWith(request.key === "/" ? "/" : `${request.key}/`))
		return "history: recursive";
	const removed = (event.action === "delete" || event.action === "expire") && event.prevNode?.dir === true;
	return removed && request.key.startsWith(key) ? "history: removed directory's prefix" : undefined;
}
