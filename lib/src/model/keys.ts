import {
	directoryAt,
	type Entry,
	find,
	isDirectory,
	isFailure,
	keysOf,
	newDirectory,
	partsOf,
	shown,
	ttlOf,
	type WalkFailure,
} from "./tree";
import type { Command, ModelEvent, ModelNode, Refusal, WriteOutcome } from "./types";

/** How a write changes a file in place. */
interface Change {
	readonly value: string;
	readonly ttl: number | undefined;
	readonly action: "update" | "compareAndSwap";
	readonly refresh?: boolean;
}

/** The keys of the v2 store, and what each write does to them (v2store/store.go at v3.5.9). */
export class Keys {
	/** When each key with a ttl expires, in the order in which the ttls were given. */
	readonly expiries = new Map<string, number>();
	readonly #root = newDirectory(0);
	/** The time of the write that is under way, in milliseconds. */
	#now = 0;

	/**
	 * `index`: the store's. `updatesDirectories`: 3.4 takes a directory's new ttl. `happened` is told of each event, and
	 * which nodes went with it, those below first.
	 */
	constructor(
		public index: number,
		private readonly updatesDirectories: boolean,
		private readonly happened: (event: ModelEvent, gone: readonly string[]) => void,
	) {}

	get(key: string, recursive: boolean, now: number): ModelNode | Refusal {
		const found = find(this.#root, key);
		if (isFailure(found)) return this.#refused(found);
		return shown(key, found, now, recursive ? Number.POSITIVE_INFINITY : 1);
	}

	/** Lets one key expire. */
	expire(key: string, now: number): ModelEvent | undefined {
		this.#now = now;
		const entry = find(this.#root, key);
		return isFailure(entry) ? undefined : this.#remove(key, entry, "expire");
	}

	apply(command: Command, now: number): WriteOutcome {
		this.#now = now;
		const { key, value = "", expected, ttl } = command;
		switch (command.operation) {
			case "set":
				return this.#create(key, command, "set", true);
			case "create":
				return this.#create(key, command, "create", false);
			case "mkdir":
				return this.#create(key, { ...command, dir: true }, "create", false);
			case "createInOrder": {
				const name = String(this.index + 1).padStart(20, "0");
				return this.#create(`${key === "/" ? "" : key}/${name}`, command, "create", false);
			}
			case "update":
				return this.#update(key, value, ttl, false);
			case "updateDirectory":
				return this.#update(key, "", ttl, false);
			case "refresh":
				return this.#update(key, "", ttl, true);
			case "compareAndSwap": {
				if (key === "/") return this.#readOnly();
				const entry = this.#compared(key, expected ?? {});
				return "kind" in entry ? entry : this.#write(key, entry, { value, ttl, action: "compareAndSwap" });
			}
			case "compareAndDelete": {
				const entry = this.#compared(key, expected ?? {});
				if ("kind" in entry) return entry;
				return { kind: "accepted", event: this.#remove(key, entry, "compareAndDelete") };
			}
			case "delete":
			case "rmdir": {
				if (key === "/") return this.#readOnly();
				const entry = find(this.#root, key);
				if (isFailure(entry)) return this.#refused(entry);
				if (isDirectory(entry)) {
					// `recursive` implies `dir` (`Delete` in v2store/store.go).
					if (command.operation === "delete") return this.#refused({ code: 102, cause: key });
					if (entry.children.size > 0 && !command.recursive) return this.#refused({ code: 108, cause: key });
				}
				return { kind: "accepted", event: this.#remove(key, entry, "delete") };
			}
		}
	}

	/** `internalCreate`: the parents are made on the way, with this write's index. etcd refuses a set of the root so, too. */
	#create(
		key: string,
		fields: { readonly value?: string; readonly ttl?: number; readonly dir?: boolean },
		action: "set" | "create",
		replace: boolean,
	): WriteOutcome {
		if (key === "/") return this.#readOnly();
		const parts = partsOf(key);
		const name = parts.pop() ?? "";
		const index = this.index + 1;
		const directory = directoryAt(this.#root, parts, index);
		if ("cause" in directory) return this.#refused(directory);
		const before = directory.children.get(name);
		if (before !== undefined && !replace) return this.#refused({ code: 105, cause: key });
		if (before !== undefined && isDirectory(before)) return this.#refused({ code: 102, cause: key });
		const expiry = this.#expiry(fields.ttl);
		const entry: Entry = fields.dir
			? { ...newDirectory(index), ...expiry }
			: { value: fields.value ?? "", createdIndex: index, modifiedIndex: index, ...expiry };
		directory.children.set(name, entry);
		return this.#written(key, entry, {
			action,
			index,
			...(before === undefined ? {} : { prevNode: shown(key, before, this.#now) }),
			refresh: false,
		});
	}

	#update(key: string, value: string, ttl: number | undefined, refresh: boolean): WriteOutcome {
		if (key === "/") return this.#readOnly();
		const entry = find(this.#root, key);
		if (isFailure(entry)) return this.#refused(entry);
		if (isDirectory(entry)) {
			if (value !== "") return this.#refused({ code: 102, cause: key });
			if (this.updatesDirectories) return this.#updateDirectory(key, ttl, refresh);
			// 3.5 asks `Write` for its error, which is that a directory has no value, and wraps it: 300, no index.
			return { kind: "refused", code: 300, cause: `nodePath /1${key} : Not a file ()`, index: 0 };
		}
		return this.#write(key, entry, { value: refresh ? entry.value : value, ttl, action: "update", refresh });
	}

	/** 3.4: the ttl changes, the directory's own modifiedIndex does not, and the event's does. */
	#updateDirectory(key: string, ttl: number | undefined, refresh: boolean): WriteOutcome {
		const directory = directoryAt(this.#root, partsOf(key), this.index + 1);
		if ("cause" in directory) return this.#refused({ code: 100, cause: key });
		const prevNode = shown(key, directory, this.#now);
		delete directory.expiresAt;
		Object.assign(directory, this.#expiry(ttl));
		this.#expires(key, directory);
		const index = ++this.index;
		const { createdIndex } = directory;
		const node = { key, dir: true, createdIndex, modifiedIndex: index, ...ttlOf(directory, this.#now) };
		return this.#happened({ action: "update", index, node, prevNode, refresh });
	}

	/** Writes over a file in place: it keeps its createdIndex, and loses a ttl that is not given again. */
	#write(key: string, before: Entry, { value, ttl, action, refresh = false }: Change): WriteOutcome {
		const index = this.index + 1;
		const { createdIndex } = before;
		const entry: Entry = { value, createdIndex, modifiedIndex: index, ...this.#expiry(ttl) };
		const parts = partsOf(key);
		const name = parts.pop() ?? "";
		const directory = directoryAt(this.#root, parts, index);
		if ("cause" in directory) return this.#refused(directory);
		directory.children.set(name, entry);
		return this.#written(key, entry, { action, index, prevNode: shown(key, before, this.#now), refresh });
	}

	#written(key: string, entry: Entry, event: Omit<ModelEvent, "node">): WriteOutcome {
		this.#expires(key, entry);
		this.index = event.index;
		const { action, index, ...rest } = event;
		return this.#happened({ action, index, node: shown(key, entry, this.#now), ...rest });
	}

	/** Removes an entry with all below it: first the watchers on each removed node are told, then the path. */
	#remove(key: string, entry: Entry, action: "delete" | "expire" | "compareAndDelete"): ModelEvent {
		const index = this.index + 1;
		const { createdIndex } = entry;
		const event: ModelEvent = {
			action,
			index,
			node: { key, dir: isDirectory(entry), createdIndex, modifiedIndex: index },
			prevNode: shown(key, entry, this.#now),
			refresh: false,
		};
		const gone = keysOf(key, entry);
		for (const one of gone) this.expiries.delete(one);
		const parts = partsOf(key);
		const name = parts.pop() ?? "";
		const directory = directoryAt(this.#root, parts, index);
		if (!("cause" in directory)) directory.children.delete(name);
		this.index = index;
		this.happened(event, gone);
		return event;
	}

	/** Compares before a swap or a delete (`Compare` in v2store/node.go). */
	#compared(
		key: string,
		{ prevValue = "", prevIndex = 0 }: NonNullable<Command["expected"]>,
	): Entry | Refusal {
		const entry = find(this.#root, key);
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

	#happened(event: ModelEvent): WriteOutcome {
		this.happened(event, []);
		return { kind: "accepted", event };
	}

	#expiry(ttl: number | undefined): { expiresAt?: number } {
		return ttl === undefined ? {} : { expiresAt: this.#now + ttl * 1000 };
	}

	#expires(key: string, { expiresAt }: Entry): void {
		this.expiries.delete(key);
		if (expiresAt !== undefined) this.expiries.set(key, expiresAt);
	}

	#readOnly(): Refusal {
		return this.#refused({ code: 107, cause: "/" });
	}

	#refused({ code, cause }: WalkFailure | { readonly code: number; readonly cause: string }): Refusal {
		return { kind: "refused", code, cause, index: this.index };
	}
}
