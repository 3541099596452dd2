import { setMaxListeners } from "node:events";
import { checkIndex } from "../http/checks";
import { AbortedError, LabError } from "../http/errors";
import type { V2Client } from "../v2/client";
import type { Node } from "../v2/node";
import type { V3Client } from "../v3/client";
import type { Change, FollowedEvent, Reset, Source, State } from "./changes";
import { type Follower, follow } from "./follow";
import type { Mirror, MirrorOptions } from "./mirror";
import { type Below, checkedKey } from "./mirror-key";
import { applied, differing, isWithin, type KeyChange } from "./mirror-keys";
import type { Bookmark } from "./reconciler";
import { isFlat } from "./sources";
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
	/** True where keys are just names; see `Source`. */
	readonly isFlat: boolean;
	readonly #follower: Follower;
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
		client: V2Client | V3Client | Source,
		key: string,
		options: MirrorOptions,
		onStart: (mirror: TreeMirror) => void = () => {},
	): Promise<TreeMirror> {
		const { onChange = () => {}, ...rest } = options;
		const root = checkedKey(key);
		let started: TreeMirror | undefined;
		const follower = follow(client, root, {
			...rest,
			recursive: true,
			onBookmark: (bookmark) => (started === undefined ? undefined : started.#bookmark(bookmark)),
			proveThrough: () => (started === undefined ? 0 : started.#waitedFor),
		});
		const state = await follower.ready();
		if (options.signal?.aborted) {
			await follower.close();
			throw new AbortedError("the signal ended the mirror before it began");
		}
		started = new TreeMirror(root, follower, state, onChange, isFlat(client));
		onStart(started);
		return started;
	}

	private constructor(
		root: string,
		follower: Follower,
		state: State,
		onChange: NonNullable<MirrorOptions["onChange"]>,
		isFlat: boolean,
	) {
		this.root = root;
		this.isFlat = isFlat;
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
		const node = this.#tree.get(checkedKey(key, this.#below));
		return node && this.#shown(node, recursive ? Number.POSITIVE_INFINITY : 1);
	}

	nodes(key: string = this.root): readonly Node[] {
		const found = checkedKey(key, this.#below);
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
				signal?.removeEventListener("abort", abort);
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
			if (signal) setMaxListeners(0, signal);
			signal?.addEventListener("abort", abort, { once: true });
			this.#waiters.add(waiter);
		});
	}

	async close(): Promise<void> {
		await this.#follower.close();
		await this.ended.catch(() => {});
	}

	get #below(): Below {
		return { root: this.root, what: "the mirror", isFlat: this.isFlat };
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
			const keysOf = this.#parts.map((event) => applied(this.#tree, this.root, event, this.isFlat));
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
		return new FollowedTree(this.root, true, nodes, this.isFlat);
	}

	#flat(key: string): readonly Node[] {
		if (this.isFlat) return this.#tree.nodes().filter((node) => isWithin(node.key, key));
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
