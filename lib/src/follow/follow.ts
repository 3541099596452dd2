import { setMaxListeners } from "node:events";
import { AbortedError } from "../http/errors";
import type { Node } from "../v2/node";
import type { Bookmark, Change, FollowedEvent, FollowOptions, KeySpace, Position, State } from "./changes";
import { type Followable, settingsOf } from "./options";
import { ChangeQueue } from "./queue";
import { Pump, type Pumped } from "./reconciler";
import { obeysAllBut, type Rule } from "./rules";
import { FollowedTree } from "./tree";

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
export function follow(client: Followable, key: string, options: FollowOptions = {}): Follower {
	return new Following(client, key, options);
}

/** @internal The follower itself. */
export class Following implements Follower {
	readonly keySpace: KeySpace;
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
	/** Consumed, of an index that has more: only with the last of them does the position move. */
	readonly #parts: FollowedEvent[] = [];
	/** Given to the consumer, and not consumed until it asks for the next. */
	#inHand: Change | undefined;
	/** Questions for the next change that have not been answered. */
	readonly #asked: {
		resolve(next: IteratorResult<Change, undefined>): void;
		reject(error: unknown): void;
	}[] = [];

	constructor(client: Followable, key: string, options: FollowOptions) {
		const { source, keySpace, queueLength } = settingsOf(client, key, options);
		const { afterIndex, position, signal, without = [], onNote = () => {} } = options;
		this.keySpace = keySpace;
		this.#index = position?.index ?? afterIndex ?? 0;
		this.#obeys = obeysAllBut(without);
		this.#onBookmark = options.onBookmark ?? (() => {});
		this.#queue = new ChangeQueue(
			queueLength,
			() => this.#answer(),
			(queued) => onNote({ note: "full", queued }),
		);
		const { promise, resolve, reject } = withResolvers<State>();
		this.#ready = promise;
		promise.catch(() => {});
		this.#pump = new Pump({
			source,
			keySpace,
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
		const closed = () => {
			this.#queue.close();
			this.#answer();
		};
		this.#controller.signal.addEventListener("abort", closed, { once: true });
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
				this.#answer();
			});
	}

	get position(): Position {
		return {
			format: "etcd-watch-lab/position",
			version: 1,
			...this.keySpace.scope,
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

	#consumed(): void {
		if (this.#inHand === undefined) return;
		this.#commit(this.#inHand);
		this.#inHand = undefined;
	}

	#newTree(nodes: readonly Node[]): FollowedTree {
		return new FollowedTree(this.keySpace, nodes);
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
