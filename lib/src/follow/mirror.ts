import { checkIndex } from "../http/checks";
import { AbortedError, LabError } from "../http/errors";
import { onAbort } from "../http/signals";
import type { Node } from "../v2/node";
import type { Bookmark, Change, FollowedEvent, FollowOptions, KeyChange, Reset, State } from "./changes";
import { Following } from "./follow";
import type { Followable } from "./options";
import { FollowedTree } from "./tree";

/** What moves a mirror on: a change, or the word that its index has moved without one. */
export type MirrorChange = Change | Bookmark;

/**
 * Every handler may return a promise: the next change is taken when that has resolved. What one throws or rejects
 * with ends the mirror, and `at` and `ended` reject with it. A handler may close the mirror; it must not wait for `at`
 * an index that is ahead.
 */
export interface MirrorOptions<T = Node>
	extends Omit<FollowOptions, "recursive" | "afterIndex" | "position"> {
	/**
	 * Makes an object of a key that is no directory, once for each time that it is written. Undefined leaves the key
	 * out of `get`, `list` and the handlers of objects. The node itself unless given.
	 */
	readonly decode?: (node: Node) => T | undefined;
	/** There is another object: at the beginning each that is there. */
	readonly onAdd?: (object: T, change: KeyChange) => unknown;
	/** The object was written. */
	readonly onUpdate?: (object: T, before: T, change: KeyChange) => unknown;
	/** The object is gone; it is given as it was. */
	readonly onDelete?: (object: T, change: KeyChange) => unknown;
	/**
	 * Called after each change, when the mirror shows it, with what became of each key: all that was under a removed
	 * directory, and the directories that a write made on its way. A bookmark has keys only where a list has told
	 * what raises no event.
	 */
	readonly onChange?: (change: MirrorChange, keys: readonly KeyChange[]) => unknown;
}

/** A key and all below it, or a range of v3's, in memory, kept in step by events alone. */
export interface Mirror<T = Node> {
	readonly root: string;
	/** The store's index at which the mirror is true. It goes back only at a reset. */
	readonly index: number;
	/**
	 * The object at a key; undefined where there is none. Without `decode` it is the node as `V2Client.get` would show it
	 * at `index`: a directory with its children, with `recursive` all below it.
	 * @throws ArgumentError for a key that is hidden or not in the mirror
	 */
	get(key: string, options?: { readonly recursive?: boolean }): T | undefined;
	/** All objects, or those at the key given and below it, in the order of their keys. */
	list(key?: string): readonly T[];
	/** The root, or the key given, with all below it as a flat list in the order of the keys, directories too. */
	nodes(key?: string): readonly Node[];
	/**
	 * Resolves when the mirror has reached the index, with the state at exactly that one, or at the mirror's own
	 * (`State.index`) where it is further on, or a gap leaps over the one asked for. It works on a quiet root too, in
	 * less than a second: whose own write had this index reads it from here on.
	 * @throws AbortedError after the signal or the end of the mirror, ResetError when the store is another one
	 */
	at(index: number, options?: { readonly signal?: AbortSignal }): Promise<State>;
	/** Resolves when the mirror has been closed; rejects with what ended it otherwise. */
	readonly ended: Promise<void>;
	/** Ends it; resolves when every connection is closed, without waiting for a handler. What was read stays readable. */
	close(): Promise<void>;
	/** As `close`, for `await using`. */
	[Symbol.asyncDispose](): Promise<void>;
}

/**
 * Mirrors a root and all below it (on v3 `prefix` or `rangeEnd` say otherwise): resolves when the first list has come.
 * At any index it is what a quorum read at that index shows, but for what raises no event: a renewed ttl (T9: the key's
 * `ttl`, `expiration` and `modifiedIndex` stay as they were), and a directory made for hidden keys alone, which the next
 * list tells. A `ttl` is the one that was told, and does not count down.
 *
 * Memory: the tree, three maps of it (this one's and its follower's), and what `decode` makes. One upstream follower.
 * @throws as `follow` and its `ready`, and what `decode` throws
 */
export async function mirror<T = Node>(
	client: Followable,
	root: string,
	options: MirrorOptions<T> = {},
): Promise<Mirror<T>> {
	const isRange = options.prefix === true || options.rangeEnd !== undefined;
	let made: TreeMirror<T> | undefined;
	const proveThrough = () => made?.waitedFor ?? 0;
	const follower = new Following(client, root, { ...options, recursive: !isRange, proveThrough });
	try {
		made = new TreeMirror(follower, await follower.ready(), options);
		return made;
	} catch (error) {
		await follower.close();
		throw error;
	}
}

/** The index waited for was one of a store that is gone. */
export class ResetError extends LabError {
	readonly reset: Reset;
	constructor(reset: Reset) {
		super(`the store was replaced (${reset.why}): an index of the old one can't be waited for any more`);
		this.reset = reset;
	}
}

interface Waiter {
	readonly index: number;
	readonly resolve: (state: State) => void;
	readonly reject: (error: unknown) => void;
}

/** What became of the object at a key. */
interface ObjectChange<T> {
	readonly change: KeyChange;
	readonly before: T | undefined;
	readonly now: T | undefined;
}

class TreeMirror<T> implements Mirror<T> {
	readonly root: string;
	readonly ended: Promise<void>;
	readonly #follower: Following;
	readonly #options: MirrorOptions<T>;
	readonly #waiters = new Set<Waiter>();
	/** What `decode` has made, by key; without it the nodes are the objects. */
	readonly #decoded = new Map<string, T>();
	#tree: FollowedTree;
	#index: number;
	/** Of an index that has more: the mirror shows all of them at once. */
	readonly #parts: FollowedEvent[] = [];
	#end: { readonly error: unknown } | undefined;
	#settle: (isFailure: boolean) => void = () => {};

	constructor(follower: Following, state: State, options: MirrorOptions<T>) {
		this.root = follower.keySpace.scope.key;
		this.#follower = follower;
		this.#options = options;
		this.#tree = new FollowedTree(follower.keySpace, state.nodes);
		this.#index = state.index;
		const beginning = this.#objects(state.nodes.map((now) => ({ key: now.key, now })));
		this.ended = new Promise((resolve, reject) => {
			this.#settle = (isFailure) => (isFailure ? reject(this.#end?.error) : resolve());
		});
		const leave = options.signal ? onAbort(options.signal, () => void this.close()) : () => {};
		this.ended.catch(() => {}).finally(leave);
		// Not before the caller has it: there may be changes already.
		void Promise.resolve()
			.then(() => this.#run(beginning))
			.then(
				() => this.close(),
				(error: unknown) => this.#finish({ error }),
			);
	}

	get index(): number {
		return this.#index;
	}

	/** The lowest index that somebody waits for; 0 if nobody does. */
	get waitedFor(): number {
		let lowest = 0;
		for (const { index } of this.#waiters) if (lowest === 0 || index < lowest) lowest = index;
		return lowest;
	}

	get(key: string, { recursive = false }: { readonly recursive?: boolean } = {}): T | undefined {
		const node = this.#tree.get(this.#checked(key));
		if (node === undefined) return undefined;
		if (this.#options.decode) return this.#decoded.get(node.key);
		return this.#shown(node, recursive ? Number.POSITIVE_INFINITY : 1) as T;
	}

	list(key?: string): readonly T[] {
		const objects = this.nodes(key).map((node) => this.#objectOf(node));
		return objects.filter((object) => object !== undefined);
	}

	nodes(key?: string): readonly Node[] {
		const isAll = key === undefined || key === this.root;
		return this.#tree.nodes(isAll ? undefined : this.#checked(key));
	}

	at(index: number, { signal }: { readonly signal?: AbortSignal } = {}): Promise<State> {
		checkIndex("index", index);
		if (signal?.aborted) return Promise.reject(new AbortedError("the signal ended the wait"));
		if (index <= this.#index) return Promise.resolve({ index: this.#index, nodes: this.#tree.nodes() });
		if (this.#end) return Promise.reject(this.#end.error);
		let leave = () => {};
		const reached = new Promise<State>((resolve, reject) => {
			const waiter: Waiter = { index, resolve, reject };
			this.#waiters.add(waiter);
			const abort = () => reject(new AbortedError("the signal ended the wait"));
			const forget = signal ? onAbort(signal, abort) : () => {};
			leave = () => {
				this.#waiters.delete(waiter);
				forget();
			};
		});
		return reached.finally(() => leave());
	}

	close(): Promise<void> {
		return this.#finish({ error: new AbortedError("the mirror was closed") }, false);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	/** The first end is the one that counts. */
	async #finish(end: { readonly error: unknown }, isFailure = true): Promise<void> {
		const isFirst = this.#end === undefined;
		this.#end ??= end;
		for (const waiter of this.#waiters) waiter.reject(this.#end.error);
		await this.#follower.close();
		if (isFirst) this.#settle(isFailure);
	}

	async #run(beginning: readonly ObjectChange<T>[]): Promise<void> {
		await this.#tell(beginning);
		while (this.#end === undefined) {
			const { value, done } = await this.#follower.nextQueued();
			if (done) return;
			await this.#take(value);
		}
	}

	/** Shows the change, and tells of it. */
	async #take(change: MirrorChange): Promise<void> {
		const told: [MirrorChange, readonly KeyChange[]][] = [];
		if (change.kind === "event") {
			this.#parts.push(change);
			if (change.more) return;
			// Nothing else lies between the change before and this one.
			this.#reached(change.index - 1);
			for (const event of this.#parts.splice(0)) told.push([event, this.#tree.applied(event)]);
		} else {
			const nodes = change.kind === "bookmark" ? change.nodes : change.state.nodes;
			told.push([change, nodes === undefined ? [] : this.#tree.changesTo(nodes)]);
			if (nodes !== undefined) this.#tree = new FollowedTree(this.#follower.keySpace, nodes);
		}
		// An event can be late, after a bookmark that silence had spoken for.
		if ("index" in change) this.#index = Math.max(this.#index, change.index);
		else this.#index = change.state.index;
		if (change.kind === "reset") for (const waiter of this.#waiters) waiter.reject(new ResetError(change));
		const objects = told.map(([, keys]) => this.#objects(keys));
		for (const [nth, [one, keys]] of told.entries()) {
			await this.#options.onChange?.(one, keys);
			await this.#tell(objects[nth] ?? []);
		}
		this.#reached(this.#index, change.kind !== "bookmark");
	}

	/** Makes the objects of what has become of the keys. */
	#objects(keys: readonly KeyChange[]): readonly ObjectChange<T>[] {
		const { decode } = this.#options;
		return keys.map((change) => {
			const { key, before: old, now: node } = change;
			const before = old && this.#objectOf(old);
			const made = decode && node && !node.dir ? decode(node) : undefined;
			if (made === undefined) this.#decoded.delete(key);
			else this.#decoded.set(key, made);
			return { change, before, now: node && this.#objectOf(node) };
		});
	}

	#objectOf(node: Node): T | undefined {
		if (this.#options.decode) return this.#decoded.get(node.key);
		return node.dir ? undefined : (node as T);
	}

	async #tell(objects: readonly ObjectChange<T>[]): Promise<void> {
		const { onAdd, onUpdate, onDelete } = this.#options;
		for (const { change, before, now } of objects) {
			if (this.#end !== undefined) return;
			if (before === undefined && now !== undefined) await onAdd?.(now, change);
			else if (before !== undefined && now === undefined) await onDelete?.(before, change);
			else if (before !== undefined && now !== undefined) await onUpdate?.(now, before, change);
		}
	}

	/** Nobody waits for an index up to there any more. */
	#reached(index: number, isLeap = false): void {
		let nodes: readonly Node[] | undefined;
		for (const waiter of this.#waiters) {
			if (waiter.index > index) continue;
			nodes ??= this.#tree.nodes();
			waiter.resolve({ index: isLeap ? index : waiter.index, nodes });
		}
	}

	#checked(key: string): string {
		return this.#follower.keySpace.checked(key, "the mirror");
	}

	#shown(node: Node, depth: number): Node {
		if (!node.dir || depth === 0) return node;
		const nodes = this.#tree.children(node.key).map((child) => this.#shown(child, depth - 1));
		return nodes.length === 0 ? node : { ...node, nodes };
	}
}
