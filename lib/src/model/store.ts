import type { Action } from "../v2/node";
import { EventHistory } from "./history";
import { WatcherHub } from "./hub";
import {
	type DirectoryEntry,
	type Entry,
	find,
	isDirectory,
	isFailure,
	newDirectory,
	partsOf,
	shown,
	Tree,
	ttlOf,
	type WalkFailure,
} from "./tree";
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
	WriteOutcome,
} from "./types";

export interface ModelOptions {
	/** etcd's version: 3.4 takes a directory's new ttl, 3.5 does not. "3.5" unless given. */
	readonly version?: string;
	/** The index that the store begins with; 0 unless given. */
	readonly index?: number;
}

/** The parts of a store that a fork takes over. */
interface Parts {
	readonly tree: Tree;
	readonly history: EventHistory;
	readonly hub: WatcherHub;
	readonly expiries: ReadonlyMap<string, number>;
	readonly index: number;
	readonly nextWatcher: number;
}

/**
 * etcd's v2 store and its watch, without a server: the same operations give the same answers, errors, indexes and
 * deliveries (v2store/ at v3.5.9). No clock of its own: `now` is passed in, in milliseconds. A fork is another
 * store with the same past; it costs little until one of the two changes.
 */
export class ModelStore {
	readonly #updatesDirectories: boolean;
	readonly #version: string;
	readonly #tree: Tree;
	readonly #history: EventHistory;
	readonly #hub: WatcherHub;
	/** When each key with a ttl expires, in the order in which the ttls were given. */
	readonly #expiries: Map<string, number>;
	#index: number;
	#nextWatcher: number;

	constructor(options: ModelOptions = {}, parts?: Parts) {
		this.#version = options.version ?? "3.5";
		this.#updatesDirectories = this.#version.startsWith("3.4");
		this.#tree = parts?.tree ?? new Tree();
		this.#history = parts?.history ?? new EventHistory(options.index ?? 0);
		this.#hub = parts?.hub ?? new WatcherHub();
		this.#expiries = new Map(parts?.expiries);
		this.#index = parts?.index ?? options.index ?? 0;
		this.#nextWatcher = parts?.nextWatcher ?? 1;
	}

	/** The store's index: X-Etcd-Index. */
	get index(): number {
		return this.#index;
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
		let next: number | undefined;
		for (const at of this.#expiries.values()) if (next === undefined || at < next) next = at;
		return next;
	}

	/** When a key expires, by that clock; undefined when it does not. */
	expiryOf(key: string): number | undefined {
		return this.#expiries.get(key);
	}

	fork(): ModelStore {
		return new ModelStore(
			{ version: this.#version },
			{
				tree: this.#tree.fork(),
				history: this.#history.fork(),
				hub: this.#hub.fork(),
				expiries: this.#expiries,
				index: this.#index,
				nextWatcher: this.#nextWatcher,
			},
		);
	}

	/** Reads a key; its children too, and all below them with `recursive`. */
	get(
		key: string,
		options: { readonly recursive?: boolean; readonly now?: number } = {},
	): ModelNode | Refusal {
		const found = find(this.#tree.root, key);
		if (isFailure(found)) return this.#refused(found);
		return shown(key, found, options.now ?? 0, options.recursive ? Number.POSITIVE_INFINITY : 1);
	}

	/** Carries out one write. */
	apply(command: Command, now = 0): Applied {
		const deliveries: ModelDelivery[] = [];
		const outcome = this.#carryOut(command, now, deliveries);
		return { outcome, deliveries };
	}

	/** Lets every key expire whose time has come by then, in the order of their times (`DeleteExpiredKeys`). */
	expire(
		now: number,
	): readonly { readonly event: ModelEvent; readonly deliveries: readonly ModelDelivery[] }[] {
		const expired: { event: ModelEvent; deliveries: ModelDelivery[] }[] = [];
		const due = [...this.#expiries].filter(([, at]) => at <= now).sort(([, one], [, two]) => one - two);
		for (const [key, at] of due) {
			// It may have gone with a directory that expired before it.
			if (this.#expiries.get(key) !== at) continue;
			const deliveries: ModelDelivery[] = [];
			const entry = find(this.#tree.root, key);
			if (isFailure(entry)) continue;
			const event = this.#remove(key, entry, "expire", now, deliveries);
			expired.push({ event, deliveries });
		}
		return expired;
	}

	/** Registers a watch, or answers it from the history. */
	watch(request: WatchRequest): Watched {
		const sinceIndex = request.waitIndex || this.#index + 1;
		const found = this.#history.scan(request, sinceIndex);
		if (found && "kind" in found) return found;
		if (found) return { kind: "answered", event: found.event, rule: found.rule, etcdIndex: this.#index };
		const watcher = { ...request, id: this.#nextWatcher++, sinceIndex, startIndex: this.#index };
		this.#hub.add(watcher);
		return { kind: "waiting", watcher };
	}

	/** Takes a watcher out, as a closed connection does. */
	unwatch(watcher: WaitingWatcher): void {
		this.#hub.remove(watcher);
	}

	#carryOut(command: Command, now: number, deliveries: ModelDelivery[]): WriteOutcome {
		const { key, value = "", expected } = command;
		switch (command.operation) {
			case "set":
				return this.#create(key, command, "set", true, now, deliveries);
			case "create":
				return this.#create(key, command, "create", false, now, deliveries);
			case "mkdir":
				return this.#create(key, { ...command, dir: true }, "create", false, now, deliveries);
			case "createInOrder": {
				const name = String(this.#index + 1).padStart(20, "0");
				return this.#create(`${key === "/" ? "" : key}/${name}`, command, "create", false, now, deliveries);
			}
			case "update":
				return this.#update(key, value, command.ttl, false, now, deliveries);
			case "updateDirectory":
				return this.#update(key, "", command.ttl, false, now, deliveries);
			case "refresh":
				return this.#update(key, "", command.ttl, true, now, deliveries);
			case "compareAndSwap":
			case "compareAndDelete": {
				if (key === "/" && command.operation === "compareAndSwap") return this.#readOnly();
				const entry = this.#compared(key, expected ?? {});
				if ("kind" in entry) return entry;
				if (command.operation === "compareAndDelete") {
					return { kind: "accepted", event: this.#remove(key, entry, "compareAndDelete", now, deliveries) };
				}
				return this.#write(
					key,
					entry,
					{ value, ttl: command.ttl, action: "compareAndSwap", now },
					deliveries,
				);
			}
			case "delete":
			case "rmdir": {
				if (key === "/") return this.#readOnly();
				const entry = find(this.#tree.root, key);
				if (isFailure(entry)) return this.#refused(entry);
				if (isDirectory(entry)) {
					// `recursive` implies `dir` (`Delete` in v2store/store.go).
					if (command.operation === "delete") return this.#refused({ code: 102, cause: key });
					if (entry.children.size > 0 && !command.recursive) return this.#refused({ code: 108, cause: key });
				}
				return { kind: "accepted", event: this.#remove(key, entry, "delete", now, deliveries) };
			}
		}
	}

	/** `internalCreate`: the parents are made on the way, with this write's index. */
	#create(
		key: string,
		fields: { readonly value?: string; readonly ttl?: number; readonly dir?: boolean },
		action: "set" | "create",
		replace: boolean,
		now: number,
		deliveries: ModelDelivery[],
	): WriteOutcome {
		if (key === "/") {
			// A set reads the key first, and the root is there; what refuses is the same check.
			return this.#readOnly();
		}
		const parts = partsOf(key);
		const name = parts.pop() ?? "";
		const index = this.#index + 1;
		const directory = this.#tree.directory(parts, index);
		if ("cause" in directory) return this.#refused(directory);
		const before = directory.children.get(name);
		if (before !== undefined && !replace) return this.#refused({ code: 105, cause: key });
		if (before !== undefined && isDirectory(before)) return this.#refused({ code: 102, cause: key });
		const expiry = fields.ttl === undefined ? {} : { expiresAt: now + fields.ttl * 1000 };
		const entry: Entry = fields.dir
			? { ...newDirectory(this.#tree.owner, index), ...expiry }
			: { value: fields.value ?? "", createdIndex: index, modifiedIndex: index, ...expiry };
		directory.children.set(name, entry);
		this.#expires(key, entry);
		this.#index = index;
		const event: ModelEvent = {
			action,
			index,
			node: shown(key, entry, now),
			...(before === undefined ? {} : { prevNode: shown(key, before, now) }),
			refresh: false,
		};
		this.#happened(event, deliveries);
		return { kind: "accepted", event };
	}

	#update(
		key: string,
		value: string,
		ttl: number | undefined,
		refresh: boolean,
		now: number,
		deliveries: ModelDelivery[],
	): WriteOutcome {
		if (key === "/") return this.#readOnly();
		const entry = find(this.#tree.root, key);
		if (isFailure(entry)) return this.#refused(entry);
		if (isDirectory(entry)) {
			if (value !== "") return this.#refused({ code: 102, cause: key });
			if (this.#updatesDirectories) return this.#updateDirectory(key, ttl, refresh, now, deliveries);
			// 3.5 asks `Write` for its error, which is that a directory has no value, and wraps it: 300, no index.
			return { kind: "refused", code: 300, cause: `nodePath /1${key} : Not a file ()`, index: 0 };
		}
		const written = refresh ? entry.value : value;
		return this.#write(key, entry, { value: written, ttl, action: "update", refresh, now }, deliveries);
	}

	/** 3.4: the ttl changes, the directory's own modifiedIndex does not, and the event's does. */
	#updateDirectory(
		key: string,
		ttl: number | undefined,
		refresh: boolean,
		now: number,
		deliveries: ModelDelivery[],
	): WriteOutcome {
		const before = find(this.#tree.root, key);
		const directory = this.#tree.directory(partsOf(key), this.#index + 1);
		if (isFailure(before) || "cause" in directory) return this.#refused({ code: 100, cause: key });
		const prevNode = shown(key, before, now);
		if (ttl === undefined) delete directory.expiresAt;
		else directory.expiresAt = now + ttl * 1000;
		this.#expires(key, directory);
		this.#index++;
		const node = {
			key,
			dir: true,
			createdIndex: directory.createdIndex,
			modifiedIndex: this.#index,
			...ttlOf(directory, now),
		};
		const event: ModelEvent = { action: "update", index: this.#index, node, prevNode, refresh };
		this.#happened(event, deliveries);
		return { kind: "accepted", event };
	}

	/** Writes over a file in place: it keeps its createdIndex, and loses a ttl that is not given again. */
	#write(
		key: string,
		before: Entry,
		fields: {
			readonly value: string;
			readonly ttl: number | undefined;
			readonly action: "update" | "compareAndSwap";
			readonly refresh?: boolean;
			readonly now: number;
		},
		deliveries: ModelDelivery[],
	): WriteOutcome {
		const { now, ttl } = fields;
		const index = this.#index + 1;
		const entry: Entry = {
			value: fields.value,
			createdIndex: before.createdIndex,
			modifiedIndex: index,
			...(ttl === undefined ? {} : { expiresAt: now + ttl * 1000 }),
		};
		const parts = partsOf(key);
		const name = parts.pop() ?? "";
		const directory = this.#tree.directory(parts, index);
		if ("cause" in directory) return this.#refused(directory);
		directory.children.set(name, entry);
		this.#expires(key, entry);
		this.#index = index;
		const event: ModelEvent = {
			action: fields.action,
			index,
			node: shown(key, entry, now),
			prevNode: shown(key, before, now),
			refresh: fields.refresh ?? false,
		};
		this.#happened(event, deliveries);
		return { kind: "accepted", event };
	}

	/** Removes an entry with all below it: first the watchers on each removed node are told, then the path. */
	#remove(
		key: string,
		entry: Entry,
		action: "delete" | "expire" | "compareAndDelete",
		now: number,
		deliveries: ModelDelivery[],
	): ModelEvent {
		const index = this.#index + 1;
		const { createdIndex } = entry;
		const event: ModelEvent = {
			action: action satisfies Action,
			index,
			node: { key, dir: isDirectory(entry), createdIndex, modifiedIndex: index },
			prevNode: shown(key, entry, now),
			refresh: false,
		};
		this.#forget(key, entry, event, deliveries);
		const parts = partsOf(key);
		const name = parts.pop() ?? "";
		const directory = this.#tree.directory(parts, index);
		if (!("cause" in directory)) (directory as DirectoryEntry).children.delete(name);
		this.#index = index;
		this.#happened(event, deliveries);
		return event;
	}

	#forget(key: string, entry: Entry, event: ModelEvent, deliveries: ModelDelivery[]): void {
		if (isDirectory(entry)) {
			for (const [name, child] of entry.children) this.#forget(`${key}/${name}`, child, event, deliveries);
		}
		this.#hub.notifyRemoved(key, event, deliveries);
		this.#expiries.delete(key);
	}

	/** Compares before a swap or a delete (`Compare` in v2store/node.go). */
	#compared(
		key: string,
		{ prevValue = "", prevIndex = 0 }: NonNullable<Command["expected"]>,
	): Entry | Refusal {
		const entry = find(this.#tree.root, key);
		if (isFailure(entry)) return this.#refused(entry);
		// A compareAndDelete alone does not ask for the root first; the root's own name is cut off its cause.
		if (isDirectory(entry)) return this.#refused({ code: 102, cause: key === "/" ? "" : key });
		const sameValue = prevValue === "" || prevValue === entry.value;
		const sameIndex = prevIndex === 0 || prevIndex === entry.modifiedIndex;
		if (sameValue && sameIndex) return entry;
		const values = `[${prevValue} != ${entry.value}]`;
		const indexes = `[${prevIndex} != ${entry.modifiedIndex}]`;
		const cause = sameValue ? indexes : sameIndex ? values : `${values} ${indexes}`;
		return this.#refused({ code: 101, cause });
	}

	#happened(event: ModelEvent, deliveries: ModelDelivery[]): void {
		this.#history.add(event);
		if (!event.refresh) this.#hub.notify(event, deliveries);
	}

	#expires(key: string, { expiresAt }: Entry): void {
		this.#expiries.delete(key);
		if (expiresAt !== undefined) this.#expiries.set(key, expiresAt);
	}

	#readOnly(): Refusal {
		return this.#refused({ code: 107, cause: "/" });
	}

	#refused(failure: WalkFailure | { readonly code: number; readonly cause: string }): Refusal {
		return { kind: "refused", code: failure.code, cause: failure.cause, index: this.#index };
	}
}
