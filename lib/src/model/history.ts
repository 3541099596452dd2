import type { DeliveryRule, ModelEvent, Refusal, WatchRequest } from "./types";

/** How many events etcd keeps (`newWatchHub(1000)` in v2store/store.go). */
export const historyCapacity = 1000;

/**
 * The last 1000 events of the store, a ring (v2store/event_history.go). Every index is one event's: events
 * from before the model began count towards the 1000, and their content is not known.
 */
export class EventHistory {
	readonly #ring: ModelEvent[] = [];
	#lastIndex: number;

	/** `lastIndex`: that of the store where it begins. */
	constructor(lastIndex: number) {
		this.#lastIndex = lastIndex;
	}

	add(event: ModelEvent): void {
		this.#ring[event.index % historyCapacity] = event;
		this.#lastIndex = event.index;
	}

	/** The oldest index kept: 1 until there are more events than it holds. */
	get startIndex(): number {
		return Math.max(1, this.#lastIndex - historyCapacity + 1);
	}

	/**
	 * The first event from that index on that fits; undefined when the watcher has to wait; 401 before the oldest.
	 * The scan does not look at hidden names, and takes the removal of a directory for a watched key whose text
	 * begins with the directory's, slash or not (`scan`).
	 */
	scan(
		request: WatchRequest,
		fromIndex: number,
	): { readonly event: ModelEvent; readonly rule: DeliveryRule } | Refusal | undefined {
		const { startIndex } = this;
		if (fromIndex < startIndex) {
			const cause = `the requested history has been cleared [${startIndex}/${fromIndex}]`;
			return { kind: "refused", code: 401, cause, index: this.#lastIndex };
		}
		for (let index = fromIndex; index <= this.#lastIndex; index++) {
			const event = this.#ring[index % historyCapacity];
			const rule = event && historyRule(request, event);
			if (event && rule) return { event, rule };
		}
		return undefined;
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
