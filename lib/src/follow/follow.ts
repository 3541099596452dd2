import { setMaxListeners } from "node:events";
import { checkIndex } from "../http/checks";
import { AbortedError, ArgumentError } from "../http/errors";
import type { V2Client } from "../v2/client";
import type { Node } from "../v2/node";
import type { V3Client } from "../v3/client";
import type { Change, FollowedEvent, Note, Position, Source, State } from "./changes";
import { checkedKey } from "./mirror-key";
import { checkPosition } from "./position";
import { ChangeQueue } from "./queue";
import { type Bookmark, Pump, type Pumped } from "./reconciler";
import { obeysAllBut, type Rule } from "./rules";
import { sourceOf } from "./sources";
import { FollowedTree } from "./tree";

export interface FollowOptions {
	/** Also what happens below the key. False unless given. */
	readonly recursive?: boolean;
	/** Begin after this index instead of now; 0 is from the first event on. Not together with `position`. */
	readonly afterIndex?: number;
	/** Begin where another follower was: its `position`, as it is or through JSON. */
	readonly position?: Position;
	readonly signal?: AbortSignal;
	/** How many changes are held for a consumer that is slow; 1,000 unless given. */
	readonly queueLength?: number;
	/** How long a quiet poll stays until it is made anew: a random time between; 20,000 to 40,000 unless given. */
	readonly rollMs?: readonly [number, number];
	/** How often a member is asked for its index while the key is quiet; 150 unless given. */
	readonly probeMs?: number;
	/** The longest wait after a first failure, which doubles with each round, and its limit; 50 and 5,000 unless given. */
	readonly backoffMs?: readonly [number, number];
	/** How long a member may take for the headers of an answer; 5,000 unless given. */
	readonly timeoutMs?: number;
	/** Told of what happens underneath. */
	readonly onNote?: (note: Note) => void;
	/**
	 * @internal For who keeps a state in step (mirror.ts): told, between two changes, how far the index has moved
	 * without one, and of the whole state where a list has just told it. What it throws, `next` throws.
	 */
	readonly onBookmark?: (bookmark: Bookmark) => void;
	/** @internal Asked all the time: up to which index bookmarks are waited for, even while nothing happens. */
	readonly proveThrough?: () => number;
	/** @internal For proofs: rules that are not obeyed. */
	readonly without?: readonly Rule[];
}

/** Changes in the order of their indexes. */
export interface Follower extends AsyncIterableIterator<Change> {
	/** Where the consumer is: all changes before the one that it was given last. Made anew at each call. */
	readonly position: Position;
	/**
	 * The state that the changes begin from, once the first list has come; after an `afterIndex` the first list
	 * itself, which may be ahead of the first changes. Errors as `next`.
	 */
	ready(): Promise<State>;
	/**
	 * The next change, which counts as consumed when the one after it is asked for. Done after `close()` and the
	 * signal. It waits and tries for as long as no server can be reached.
	 * @throws what no retry heals: UnauthorizedError, V2DisabledError, AbortedError when the client was closed
	 */
	next(): Promise<IteratorResult<Change, undefined>>;
	/** What `break` calls: as `close()`. */
	return(): Promise<IteratorResult<Change, undefined>>;
	/** Ends it; resolves when every connection is closed and no timer is left. */
	close(): Promise<void>;
}

/**
 * Follows a key: every event once, in the order of the indexes, or a gap or a reset that says what is missing and
 * carries the state to go on from. It begins with a quorum read: now, unless `afterIndex` or a `position` is given.
 * It obeys the thirteen `rules`; notebooks 04 and 08 show what each is for.
 *
 * At most 4 connections while it reads the history and 512 asks at once, 3 connections while it waits, a few more for a moment when others write much; at most `queueLength` changes are held.
 * @throws ArgumentError for a key, an index, a position or a duration that is none
 */
export function follow(
	client: V2Client | V3Client | Source,
	key: string,
	options: FollowOptions = {},
): Follower {
	return new Following(client, key, options);
}

class Following implements Follower {
	readonly #key: string;
	readonly #recursive: boolean;
	readonly #controller = new AbortController();
	readonly #queue: ChangeQueue;
	readonly #pump: Pump;
	readonly #running: Promise<void>;
	readonly #ready: Promise<State>;
	readonly #obeys: (rule: Rule) => boolean;
	readonly #onBookmark: (bookmark: Bookmark) => void;
	#isOver = false;
	#failure: unknown;
	#tree: FollowedTree | undefined;
	#index: number;
	#clusterId = "";
	readonly #newTree: (nodes: readonly Node[]) => FollowedTree;
	/** Consumed, of an index that has more: only with the last of them does the position move. */
	readonly #parts: FollowedEvent[] = [];
	/** Given to the consumer, and not consumed until it asks for the next. */
	#inHand: Change | undefined;
	/** Questions for the next change that have not been answered. */
	readonly #asked: {
		resolve(next: IteratorResult<Change, undefined>): void;
		reject(error: unknown): void;
	}[] = [];

	constructor(client: V2Client | V3Client | Source, of: string, options: FollowOptions) {
		// Events name the key without the slash at its end that etcd takes.
		const key = checkedKey(of);
		const { recursive = false, afterIndex, position, signal, without = [], onNote = () => {} } = options;
		if (afterIndex !== undefined) checkIndex("afterIndex", afterIndex);
		if (afterIndex !== undefined && position !== undefined) {
			throw new ArgumentError("give afterIndex or position, not both: a position holds its index");
		}
		if (position !== undefined) checkPosition(position, key, recursive);
		this.#key = key;
		this.#recursive = recursive;
		this.#index = position?.index ?? afterIndex ?? 0;
		this.#obeys = obeysAllBut(without);
		this.#onBookmark = options.onBookmark ?? (() => {});
		const queueLength = checkIndex("queueLength", options.queueLength ?? 1_000, 1);
		this.#queue = new ChangeQueue(
			queueLength,
			() => this.#answer(),
			(queued) => onNote({ note: "full", queued }),
		);
		const source = sourceOf(client, key, options);
		const { isFlat } = source;
		this.#newTree = (nodes) => new FollowedTree(key, recursive, nodes, isFlat);
		const { promise, resolve, reject } = withResolvers<State>();
		this.#ready = promise;
		promise.catch(() => {});
		this.#pump = new Pump({
			source,
			signal: this.#controller.signal,
			without,
			...(options.proveThrough === undefined ? {} : { proveThrough: options.proveThrough }),
			...(afterIndex === undefined ? {} : { afterIndex }),
			...(position === undefined ? {} : { position }),
			put: (pumped) => {
				if (this.#obeys("a slow consumer is a gap")) return this.#queue.put(pumped);
				// What a reader does whose buffer is full and who has no word for that.
				if (this.#queue.size < queueLength) void this.#queue.put(pumped);
				return undefined;
			},
			wasFull: () => this.#queue.wasFull(),
			onNote,
			onReady: (state, clusterId) => {
				this.#clusterId = clusterId;
				if (afterIndex === undefined) {
					this.#tree = this.#newTree(state.nodes);
					this.#index = state.index;
				}
				resolve(state);
			},
		});
		const abort = () => this.#controller.abort();
		setMaxListeners(0, this.#controller.signal);
		if (signal) {
			setMaxListeners(0, signal);
			if (signal.aborted) abort();
			else signal.addEventListener("abort", abort, { once: true });
		}
		this.#controller.signal.addEventListener("abort", () => this.#wake(), { once: true });
		this.#running = this.#pump
			.run()
			.catch((error: unknown) => {
				if (!this.#controller.signal.aborted) this.#failure = error;
				reject(error);
			})
			.finally(() => {
				this.#isOver = true;
				signal?.removeEventListener("abort", abort);
				reject(new AbortedError("the follower was closed"));
				this.#wake();
			});
	}

	get position(): Position {
		return {
			format: "etcd-watch-lab/position",
			version: 1,
			key: this.#key,
			recursive: this.#recursive,
			index: this.#index,
			clusterId: this.#clusterId,
			...(this.#tree === undefined ? {} : { nodes: this.#tree.nodes() }),
		};
	}

	ready(): Promise<State> {
		return this.#ready;
	}

	next(): Promise<IteratorResult<Change, undefined>> {
		return new Promise((resolve, reject) => {
			this.#asked.push({ resolve, reject });
			this.#answer();
		});
	}

	async return(): Promise<IteratorResult<Change, undefined>> {
		await this.close();
		return { done: true, value: undefined };
	}

	async close(): Promise<void> {
		this.#controller.abort();
		await this.#running;
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	/** A change goes to whoever asked for it in the moment in which it comes. */
	#answer(): void {
		for (let asked = this.#asked[0]; asked !== undefined; asked = this.#asked[0]) {
			try {
				const next = this.#take();
				if (next === undefined) return;
				asked.resolve(next);
			} catch (error) {
				asked.reject(error);
			}
			this.#asked.shift();
		}
	}

	/** What `next` is answered with; undefined while that has yet to come. */
	#take(): IteratorResult<Change, undefined> | undefined {
		// Who asks again has consumed what it was given.
		this.#consumed();
		while (!this.#controller.signal.aborted) {
			const pumped = this.#queue.take();
			if (pumped === undefined) {
				if (this.#failure !== undefined) throw this.#failure;
				return this.#isOver ? { done: true, value: undefined } : undefined;
			}
			if (pumped.kind !== "bookmark") {
				this.#inHand = pumped;
				if (!this.#obeys("an exception consumes nothing")) this.#consumed();
				return { done: false, value: pumped };
			}
			this.#commit(pumped);
		}
		return { done: true, value: undefined };
	}

	/** The end, or what stands in for it: nobody waits any longer. */
	#wake(): void {
		this.#answer();
		this.#queue.wake();
	}

	#consumed(): void {
		if (this.#inHand === undefined) return;
		this.#commit(this.#inHand);
		this.#inHand = undefined;
	}

	#commit(pumped: Pumped): void {
		switch (pumped.kind) {
			case "event":
				this.#parts.push(pumped);
				if (pumped.more) break;
				this.#index = pumped.index;
				for (const event of this.#parts.splice(0)) this.#tree?.apply(event);
				break;
			case "bookmark":
				this.#index = pumped.index;
				if (pumped.nodes) {
					this.#tree = this.#newTree(pumped.nodes);
					this.#clusterId = this.#pump.clusterId;
				}
				this.#onBookmark(pumped);
				break;
			default:
				this.#index = pumped.state.index;
				this.#tree = this.#newTree(pumped.state.nodes);
				this.#clusterId = this.#pump.clusterId;
		}
	}
}

/** Promise.withResolvers, which Node has from 22 on. */
function withResolvers<T>() {
	let resolve: (value: T) => void = () => {};
	let reject: (error: unknown) => void = () => {};
	const promise = new Promise<T>((yes, no) => {
		resolve = yes;
		reject = no;
	});
	return { promise, resolve, reject };
}
