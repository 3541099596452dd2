import assert from "node:assert/strict";
import {
	type Command,
	type ModelDelivery,
	type ModelOperation,
	ModelStore,
	type WaitingWatcher,
	type WatchRequest,
} from "etcd-watch-lab/model";

/** A store with words for its operations; what its watchers are sent is kept by their names. */
export class Handmade {
	readonly store: ModelStore;
	readonly #names: Map<number, string>;
	readonly #heard: Map<string, string[]>;

	constructor(
		store = new ModelStore(),
		names = new Map<number, string>(),
		heard = new Map<string, string[]>(),
	) {
		this.store = store;
		this.#names = names;
		this.#heard = heard;
	}

	/** "set /a 3" with its index, or "refused 104 /a @2" with the store's. */
	write(
		operation: ModelOperation,
		key: string,
		rest: Omit<Command, "operation" | "key"> = {},
		now = 0,
	): string {
		const { outcome, deliveries } = this.store.apply({ operation, key, ...rest }, now);
		this.#deliver(deliveries);
		if (outcome.kind === "refused") return `refused ${outcome.code} ${outcome.cause} @${outcome.index}`;
		const { action, node, index } = outcome.event;
		return `${action} ${node.key} ${index}`;
	}

	/** Sets each key once. */
	set(...keys: readonly string[]): void {
		for (const key of keys) assert.match(this.write("set", key, { value: "1" }), /^set/);
	}

	/** Lets expire what is due, and tells what did. */
	expire(now: number): string[] {
		return this.store.expire(now).map(({ event, deliveries }) => {
			this.#deliver(deliveries);
			return `${event.action} ${event.node.key} ${event.index}`;
		});
	}

	/** Registers a live watcher, which has to wait. */
	watch(name: string, key: string, options: Partial<Omit<WatchRequest, "key">> = {}): WaitingWatcher {
		const watched = this.store.watch({ key, recursive: false, stream: false, ...options });
		assert.ok(watched.kind === "waiting", `${name} has to wait, and was ${watched.kind}`);
		this.#names.set(watched.watcher.id, name);
		this.#heard.set(name, []);
		return watched.watcher;
	}

	/** What the history answers: "3 set /a", "waits", or "401 [2/1]". */
	replay(key: string, waitIndex: number, options: Partial<Omit<WatchRequest, "key">> = {}): string {
		const watched = this.store.watch({ key, recursive: false, stream: false, ...options, waitIndex });
		if (watched.kind === "waiting") {
			this.store.unwatch(watched.watcher);
			return "waits";
		}
		if (watched.kind === "refused") return `${watched.code} ${watched.cause.replace(/^[^[]*/, "")}`;
		return `${watched.event.index} ${watched.event.action} ${watched.event.node.key}`;
	}

	/** What a watcher was sent, such as "3 set /a". */
	heard(name: string): readonly string[] {
		return this.#heard.get(name) ?? [];
	}

	/** The keys below the root, with their indexes: "/a 1" for "/a/b" set first of all, then "/a/b 1". */
	tree(): string[] {
		const root = this.store.get("/", { recursive: true });
		assert.ok(!("kind" in root));
		const lines: string[] = [];
		const list = (nodes: typeof root.nodes): void => {
			for (const { key, createdIndex, modifiedIndex, nodes: below } of nodes ?? []) {
				lines.push(
					`${key} ${createdIndex === modifiedIndex ? createdIndex : `${createdIndex}…${modifiedIndex}`}`,
				);
				list(below);
			}
		};
		list(root.nodes);
		return lines;
	}

	#deliver(deliveries: readonly ModelDelivery[]): void {
		for (const { watcher, event } of deliveries) {
			const name = this.#names.get(watcher);
			if (name !== undefined) this.#heard.get(name)?.push(`${event.index} ${event.action} ${event.node.key}`);
		}
	}
}
