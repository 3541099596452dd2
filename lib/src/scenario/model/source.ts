import type { ModelEvent, Refusal, WaitingWatcher } from "../../model";
import type { ModelStore } from "../../model/store";
import { type EtcdError, errorCodes, etcdError } from "../../v2/errors";
import type { Source, SourceOptions, WatchListener } from "../api";
import type { ApiEvent } from "../record";
import type { OpenStep } from "../steps";

/** What the model refuses, as the error that the client makes of etcd's own answer. */
export function errorOf({ code, cause, index }: Refusal): EtcdError {
	const text = errorCodes.get(code)?.text ?? "";
	const request = { method: "", endpoint: "the model", path: "" };
	return etcdError({ code, text, etcdCause: cause, index, status: 0, request });
}

/** The model's store, and who waits at it, by the number that the store gave. */
export interface Waiting {
	readonly store: ModelStore;
	readonly sources: Map<number, ModelSource>;
}

/** One watcher at the model's store. A loop asks again as soon as an event has come: it is never outrun. */
export class ModelSource implements Source {
	readonly #queue: ApiEvent[] = [];
	#waiting: WaitingWatcher | undefined;
	/** The last index that it came to. */
	#reached: number | undefined;
	#afterIndex: number | undefined;
	#isOver = false;
	#wake = () => {};

	/** @throws EventIndexClearedError where the history no longer holds what it asks for */
	constructor(
		private readonly at: Waiting,
		private readonly kind: OpenStep["step"],
		private readonly key: string,
		private readonly options: Pick<SourceOptions, "recursive" | "afterIndex">,
		private readonly listener: WatchListener,
	) {
		this.#reached = options.afterIndex;
		this.#afterIndex = options.afterIndex;
		this.#ask(true);
	}

	get hasMore(): boolean {
		return this.#queue.length > 0;
	}

	get afterIndex(): number | undefined {
		return this.kind === "watch" ? this.#afterIndex : undefined;
	}

	async next(): Promise<ApiEvent | undefined> {
		while (this.#queue.length === 0 && !this.#isOver)
			await new Promise<void>((resolve) => {
				this.#wake = resolve;
			});
		const event = this.#queue.shift();
		if (event !== undefined) this.#afterIndex = event.node.modifiedIndex;
		return event;
	}

	close(): void {
		this.#isOver = true;
		this.#queue.length = 0;
		this.#leave();
		this.#wake();
	}

	/** An event that wakes it. What asks again does so by `askAgain`, when all have been told. */
	take(event: ModelEvent): void {
		const waiting = this.#waiting;
		if (waiting === undefined) return;
		if (this.kind !== "stream") this.#leave();
		this.#give(event, waiting.startIndex);
	}

	askAgain(): void {
		if (this.#waiting === undefined && !this.#isOver) this.#ask(false);
	}

	/** The event that ends a run, at its own key, if that is not below what it asks for. */
	fence(index: number): void {
		if (this.#waiting === undefined || this.#waiting.sinceIndex > index) return;
		const node = { key: this.key, dir: true, createdIndex: index, modifiedIndex: index };
		this.#give({ action: "delete", index, node, refresh: false }, index - 1);
	}

	/** One request, and for a loop one after the other until it has to wait. */
	#ask(isFirst: boolean): void {
		const { store, sources } = this.at;
		for (let isNoted = !isFirst && this.kind !== "pollLoop"; ; isNoted = true) {
			const waitIndex = this.#reached === undefined ? undefined : this.#reached + 1;
			const watched = store.watch({
				key: this.key,
				recursive: this.options.recursive,
				stream: this.kind === "stream",
				...(waitIndex === undefined ? {} : { waitIndex }),
			});
			if (watched.kind === "refused") throw errorOf(watched);
			if (!isNoted) this.listener.asked({ etcdIndex: store.index }, waitIndex);
			if (watched.kind === "waiting") {
				this.#waiting = watched.watcher;
				sources.set(watched.watcher.id, this);
				return;
			}
			this.#give(watched.event, watched.etcdIndex);
			// A stream that is answered from the history is registered nowhere.
			if (this.kind !== "watch") return;
		}
	}

	#give({ action, index, node, prevNode }: ModelEvent, etcdIndex: number): void {
		const before = prevNode ? { prevNode } : {};
		const event: ApiEvent = { action, node, ...before, etcdIndex, fromHistory: index <= etcdIndex };
		if (this.kind === "watch") this.#reached = index;
		if (this.kind === "poll" || this.kind === "pollLoop") this.listener.answered({ etcdIndex, event });
		if (this.kind === "poll") this.#isOver = true;
		this.#queue.push(event);
		this.#wake();
	}

	#leave(): void {
		if (this.#waiting === undefined) return;
		this.at.store.unwatch(this.#waiting);
		this.at.sources.delete(this.#waiting.id);
		this.#waiting = undefined;
	}
}
