import { isHiddenFrom, isRemoval } from "../v2/key";
import type { DeliveryRule, ModelDelivery, ModelEvent, WaitingWatcher } from "./types";

/** The watchers on one key, in the order in which they came. */
interface Waiting {
	recursive: WaitingWatcher[];
	plain: WaitingWatcher[];
}

/** The watchers that wait, by their key: the cost of an event is that of the watchers it reaches (watcher_hub.go). */
export class WatcherHub {
	readonly #byKey = new Map<string, Waiting>();

	get count(): number {
		let count = 0;
		for (const { recursive, plain } of this.#byKey.values()) count += recursive.length + plain.length;
		return count;
	}

	add(watcher: WaitingWatcher): void {
		const same = this.#byKey.get(watcher.key) ?? { recursive: [], plain: [] };
		same[watcher.recursive ? "recursive" : "plain"].push(watcher);
		this.#byKey.set(watcher.key, same);
	}

	/** Takes a watcher out, as a closed connection does. */
	remove({ key, id }: WaitingWatcher): void {
		const waiting = this.#byKey.get(key);
		if (!waiting) return;
		waiting.recursive = waiting.recursive.filter((watcher) => watcher.id !== id);
		waiting.plain = waiting.plain.filter((watcher) => watcher.id !== id);
		this.#forgetEmpty(key, waiting);
	}

	/** Wakes the watchers on every part of the event's path, from the root down (`notify`). */
	notify(event: ModelEvent, deliveries: ModelDelivery[]): void {
		const { key } = event.node;
		if (this.#byKey.size === 0) return;
		if (key !== "/") this.#notifyAt("/", event, false, deliveries);
		for (let slash = key.indexOf("/", 1); slash >= 0; slash = key.indexOf("/", slash + 1)) {
			this.#notifyAt(key.slice(0, slash), event, false, deliveries);
		}
		this.#notifyAt(key, event, false, deliveries);
	}

	/** Wakes the watchers on a node that is being removed (`notifyWatchers` with `deleted`). */
	notifyRemoved(path: string, event: ModelEvent, deliveries: ModelDelivery[]): void {
		this.#notifyAt(path, event, true, deliveries);
	}

	#notifyAt(path: string, event: ModelEvent, removed: boolean, deliveries: ModelDelivery[]): void {
		const waiting = this.#byKey.get(path);
		if (waiting === undefined) return;
		const own = event.node.key === path;
		if (!own && isHiddenFrom(path, event.node.key)) return;
		const rule = (watcher: WaitingWatcher): DeliveryRule => {
			if (removed) return own ? "own key" : "removed with its directory";
			if (!own) return "recursive";
			// A one-shot watcher on a removed key went with the removal's own notice.
			return watcher.stream && isRemoval(event) ? "second notice of the removal" : "own key";
		};
		const wake = (watchers: WaitingWatcher[]): WaitingWatcher[] => {
			const woken = watchers.filter(({ sinceIndex }) => event.index >= sinceIndex);
			for (const watcher of woken) deliveries.push({ watcher: watcher.id, event, rule: rule(watcher) });
			return woken.every(({ stream }) => stream)
				? watchers
				: watchers.filter(({ stream, sinceIndex }) => stream || event.index < sinceIndex);
		};
		waiting.recursive = wake(waiting.recursive);
		if (own || removed) waiting.plain = wake(waiting.plain);
		this.#forgetEmpty(path, waiting);
	}

	#forgetEmpty(key: string, { recursive, plain }: Waiting): void {
		if (recursive.length + plain.length === 0) this.#byKey.delete(key);
	}
}
