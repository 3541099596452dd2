import { liveReach } from "./reach";
import type { ModelDelivery, ModelEvent, WaitingWatcher } from "./types";

/** The watchers that wait, by their key: the cost of an event is that of the watchers it reaches (watcher_hub.go). */
export class WatcherHub {
	readonly #byKey = new Map<string, readonly WaitingWatcher[]>();

	get count(): number {
		return [...this.#byKey.values()].reduce((sum, { length }) => sum + length, 0);
	}

	add(watcher: WaitingWatcher): void {
		this.#byKey.set(watcher.key, [...this.#at(watcher.key), watcher]);
	}

	/** Takes a watcher out, as a closed connection does. */
	remove({ key, id }: WaitingWatcher): void {
		this.#keep(
			key,
			this.#at(key).filter((watcher) => watcher.id !== id),
		);
	}

	/**
	 * Wakes first the watchers on each node that goes, then those on every part of the event's path, from the root down
	 * (`notifyWatchers` and `notify`). `gone`: the keys of those nodes, what is below before what it is in.
	 */
	notify(event: ModelEvent, gone: readonly string[]): ModelDelivery[] {
		if (this.#byKey.size === 0) return [];
		const { key } = event.node;
		const told = gone.flatMap((path) => this.#tell(path, event));
		for (let slash = 0; slash >= 0 && key !== "/"; slash = key.indexOf("/", slash + 1))
			told.push(...this.#tell(key.slice(0, slash) || "/", event));
		// A long poll on a key that goes went with the removal's own notice; a stream hears of it again.
		const own = this.#tell(key, event);
		const rule = "second notice of the removal";
		return [...told, ...(gone.length === 0 ? own : own.map((delivery) => ({ ...delivery, rule }) as const))];
	}

	#tell(path: string, event: ModelEvent): ModelDelivery[] {
		const told: ModelDelivery[] = [];
		const waiting = this.#at(path);
		const left = waiting.filter((watcher) => {
			const reach = liveReach(watcher, event, true);
			if (event.index < watcher.sinceIndex || !("rule" in reach)) return true;
			told.push({ watcher: watcher.id, event, rule: reach.rule });
			return watcher.stream;
		});
		if (left.length < waiting.length) this.#keep(path, left);
		return told;
	}

	#at(key: string): readonly WaitingWatcher[] {
		return this.#byKey.get(key) ?? [];
	}

	#keep(key: string, waiting: readonly WaitingWatcher[]): void {
		if (waiting.length === 0) this.#byKey.delete(key);
		else this.#byKey.set(key, waiting);
	}
}
