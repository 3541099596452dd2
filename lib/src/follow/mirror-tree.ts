import { checkIndex } from "../http/checks";
import { AbortedError, LabError } from "../http/errors";
import { onAbort } from "../http/signals";
import type { Node } from "../v2/node";
import type { Bookmark, Change, FollowedEvent, KeySpace, Reset, State } from "./changes";
import { Following } from "./follow";
import type { Mirror, MirrorOptions } from "./mirror";
import { applied, differing, type KeyChange } from "./mirror-keys";
import type { Followable } from "./options";
import { byKey, FollowedTree } from "./tree";

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

/** @internal The mirror itself. */
export class TreeMirror implements Mirror {
	readonly root: string;
	readonly ended: Promise<void>;
	readonly #keySpace: KeySpace;
	readonly #follower: Following;
	readonly #onChange: NonNullable<MirrorOptions["onChange"]>;
	readonly #waiters = new Set<Waiter>();
	#tree: FollowedTree;
	#index: number;
	/** Of an index that has more: the mirror shows all of them at once. */
	readonly #parts: FollowedEvent[] = [];
	#isOver = false;
	#failure: unknown;

	/** `onStart` is called with it before the first change. */
	static async start(
		client: Followable,
		key: string,
		options: MirrorOptions,
		onStart: (mirror: TreeMirror) => void = () => {},
	): Promise<TreeMirror> {
		const { onChange = () => {}, ...rest } = options;
		// All that begins with the key, unless a range of v3's names is asked for.
		const recursive = !(rest.prefix || rest.rangeEnd !== undefined);
		let started: TreeMirror | undefined;
		const follower = new Following(client, key, {
			...rest,
			recursive,
			onBookmark: (bookmark) => (started === undefined ? undefined : started.#bookmark(bookmark)),
			proveThrough: () => (started === undefined ? 0 : started.#waitedFor),
		});
		const state = await follower.ready();
		if (options.signal?.aborted) {
			await follower.close();
			throw new AbortedError("the signal ended the mirror before it began");
		}
		started = new TreeMirror(follower, state, onChange);
		onStart(started);
		return started;
	}

	private constructor(follower: Following, state: State, onChange: NonNullable<MirrorOptions["onChange"]>) {
		this.#keySpace = follower.keySpace;
		this.root = follower.keySpace.scope.key;
		this.#follower = follower;
		this.#onChange = onChange;
		this.#tree = this.#newTree(state.nodes);
		this.#index = state.index;
		// Not before the caller has it: the first bookmark may be there already.
		this.ended = Promise.resolve().then(() => this.#run());
		this.ended.catch(() => {});
	}

	get index(): number {
		return this.#index;
	}

	get(key: string, { recursive = false }: { readonly recursive?: boolean } = {}): Node | undefined {
		const node = this.#tree.get(this.#keySpace.checked(key, "the mirror"));
		return node && this.#shown(node, recursive ? Number.POSITIVE_INFINITY : 1);
	}

	nodes(key: string = this.root): readonly Node[] {
		const found = this.#keySpace.checked(key, "the mirror");
		return found === this.root ? this.#tree.nodes() : this.#flat(found);
	}

	at(index: number, { signal }: { readonly signal?: AbortSignal } = {}): Promise<State> {
		checkIndex("index", index);
		if (signal?.aborted) return Promise.reject(new AbortedError("the signal ended the wait"));
		if (index <= this.#index) return Promise.resolve({ index: this.#index, nodes: this.#tree.nodes() });
		if (this.#isOver) return Promise.reject(this.#ending());
		return new Promise((resolve, reject) => {
			const leave = () => {
				this.#waiters.delete(waiter);
				forget();
			};
			const waiter: Waiter = {
				index,
				resolve: (state) => {
					leave();
					resolve(state);
				},
				reject: (error) => {
					leave();
					reject(error);
				},
			};
			const abort = () => waiter.reject(new AbortedError("the signal ended the wait"));
			const forget = signal ? onAbort(signal, abort) : () => {};
			this.#waiters.add(waiter);
		});
	}

	async close(): Promise<void> {
		await this.#follower.close();
		await this.ended.catch(() => {});
	}

	/** The lowest index that somebody waits for. */
	get #waitedFor(): number {
		let lowest = 0;
		for (const { index } of this.#waiters) if (lowest === 0 || index < lowest) lowest = index;
		return lowest;
	}

	async #run(): Promise<void> {
		try {
			for await (const change of this.#follower) this.#change(change);
		} catch (error) {
			this.#failure = error;
			throw error;
		} finally {
			this.#isOver = true;
			for (const waiter of this.#waiters) waiter.reject(this.#ending());
			await this.#follower.close();
		}
	}

	#ending(): unknown {
		return this.#failure ?? new AbortedError("the mirror was closed");
	}

	#change(change: Change): void {
		if (change.kind === "event") {
			this.#parts.push(change);
			if (change.more) return;
			// Nothing else lies between the change before and this one.
			this.#reached(change.index - 1);
			const keysOf = this.#parts.map((event) => applied(this.#tree, this.#keySpace, event));
			// An event can be late, after a bookmark that silence had spoken for.
			this.#index = Math.max(this.#index, change.index);
			for (const [nth, event] of this.#parts.splice(0).entries()) this.#onChange(event, keysOf[nth] ?? []);
		} else {
			this.#tree = this.#newTree(change.state.nodes);
			this.#index = change.state.index;
			if (change.kind === "reset") for (const waiter of this.#waiters) waiter.reject(new ResetError(change));
			this.#onChange(change, differing(change));
		}
		this.#reached(this.#index, true);
	}

	#bookmark(bookmark: Bookmark): void {
		const { index, nodes } = bookmark;
		let keys: readonly KeyChange[] = [];
		if (nodes !== undefined) {
			keys = differing(this.#tree.difference(nodes));
			this.#tree = this.#newTree(nodes);
		}
		this.#index = Math.max(this.#index, index);
		this.#onChange(bookmark, keys);
		this.#reached(this.#index);
	}

	/** Nobody waits for an index up to there any more; `isLeap`: the state is not one at each index in between. */
	#reached(index: number, isLeap = false): void {
		let nodes: readonly Node[] | undefined;
		for (const waiter of this.#waiters) {
			if (waiter.index > index) continue;
			nodes ??= this.#tree.nodes();
			waiter.resolve({ index: isLeap ? index : waiter.index, nodes });
		}
	}

	#newTree(nodes: readonly Node[]): FollowedTree {
		return new FollowedTree(this.#keySpace, nodes);
	}

	#flat(key: string): readonly Node[] {
		const keys = this.#keySpace;
		if (keys.isFlat) return this.#tree.nodes().filter((node) => keys.isWithin(node.key, key));
		const nodes: Node[] = [];
		const take = (node: Node) => {
			nodes.push(node);
			for (const child of this.#tree.children(node.key)) take(child);
		};
		const top = this.#tree.get(key);
		if (top) take(top);
		return nodes.sort(byKey);
	}

	#shown(node: Node, depth: number): Node {
		if (!node.dir || depth === 0) return node;
		const nodes = this.#tree.children(node.key).map((child) => this.#shown(child, depth - 1));
		return nodes.length === 0 ? node : { ...node, nodes };
	}
}
