import { setMaxListeners } from "node:events";
import { AbortedError } from "../http/errors";
import { onAbort } from "../http/signals";
import type { Node } from "../v2/node";
import type { Change, FollowedEvent, FollowOptions, KeySpace, Note, Position, State } from "./changes";
import { type Followable, type InternalOptions, settingsOf } from "./options";
import { ChangeQueue, type Queued } from "./queue";
import { Reconciler } from "./reconciler";
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
	/** As `close`, for `await using`. */
	[Symbol.asyncDispose](): Promise<void>;
}

/**
 * Follows a key: every event once, in the order of the indexes, or a gap or a reset that says what is missing and
 * carries the state to go on from. It begins with a quorum read: now, unless `afterIndex` or a `position` is given.
 * It obeys the thirteen `rules`; notebooks 04 and 08 show what each is for.
 *
 * What it holds: the followed keys with their values, twice; at most `queueLength` changes, and what one message of
 * the server's holds beside. On v2 it has at most 4 connections while it reads the history, with 512 requests at once,
 * and 3 while it waits, a few more for a moment when others write much.
 * @throws ArgumentError for a key, an index, a position, a duration or an option that can't be followed
 */
export function follow(client: Followable, key: string, options: FollowOptions = {}): Follower {
	return new Following(client, key, options);
}

/** A question for the next change; only a mirror is told of bookmarks. */
type Asked = { reject(error: unknown): void } & (
	| { readonly bookmarks: true; resolve(next: IteratorResult<Queued, undefined>): void }
	| { readonly bookmarks: false; resolve(next: IteratorResult<Change, undefined>): void }
);

/** The follower itself. */
export class Following implements Follower {
	readonly keySpace: KeySpace;
	readonly #options: InternalOptions;
	/** Ends the reading. */
	readonly #controller = new AbortController();
	readonly #queue: ChangeQueue;
	readonly #reconciler: Reconciler;
	readonly #running: Promise<void>;
	readonly #ready = withResolvers<State>();
	#isClosed = false;
	#failure: { readonly error: unknown } | undefined;
	#tree: FollowedTree | undefined;
	#index: number;
	#clusterId = "";
	/** Consumed, of an index that has more: only with the last of them does the position move. */
	readonly #parts: FollowedEvent[] = [];
	/** Given to the consumer, and not consumed until it asks for the next. */
	#inHand: Queued | undefined;
	/** Questions for the next change that have not been answered. */
	readonly #asked: Asked[] = [];

	constructor(client: Followable, key: string, options: InternalOptions) {
		const { afterIndex, position, signal, proveThrough = () => 0 } = options;
		const onNote = (note: Note) => this.#note(note);
		const { source, keySpace, queueLength } = settingsOf(client, key, { ...options, onNote });
		this.#options = options;
		this.keySpace = keySpace;
		this.#index = position?.index ?? afterIndex ?? 0;
		this.#queue = new ChangeQueue(
			queueLength,
			() => this.#answer(),
			(queued) => onNote({ note: "full", queued }),
		);
		this.#ready.promise.catch(() => {});
		this.#reconciler = new Reconciler({
			...{ source, keySpace, afterIndex, position, proveThrough, onNote },
			...{ queue: this.#queue, signal: this.#controller.signal },
			onReady: (state, clusterId) => {
				// After a bare afterIndex the list may come late: a gap or a reset may have told of another cluster.
				this.#clusterId ||= clusterId;
				if (afterIndex === undefined) {
					this.#tree = this.#newTree(state.nodes);
					this.#index = state.index;
				}
				this.#ready.resolve(state);
			},
			onFailure: (error) => this.#fail(error),
		});
		setMaxListeners(0, this.#controller.signal);
		const leave = signal ? onAbort(signal, () => this.#end()) : () => {};
		this.#running = this.#reconciler
			.run()
			.catch((error: unknown) => this.#fail(error))
			.finally(leave);
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
		return this.#ready.promise;
	}

	next(): Promise<IteratorResult<Change, undefined>> {
		return new Promise((resolve, reject) => {
			this.#asked.push({ bookmarks: false, resolve, reject });
			this.#answer();
		});
	}

	/** As `next`, with the bookmarks between the changes. */
	nextQueued(): Promise<IteratorResult<Queued, undefined>> {
		return new Promise((resolve, reject) => {
			this.#asked.push({ bookmarks: true, resolve, reject });
			this.#answer();
		});
	}

	async return(): Promise<IteratorResult<Change, undefined>> {
		await this.close();
		return { done: true, value: undefined };
	}

	async close(): Promise<void> {
		this.#end();
		await this.#running;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	/** Nothing is told any more, and nobody waits. */
	#end(): void {
		if (this.#isClosed) return;
		this.#isClosed = true;
		this.#queue.close();
		this.#controller.abort();
		this.#ready.reject(new AbortedError("the follower was closed"));
		this.#answer();
	}

	/** What has come before can still be read. */
	#fail(error: unknown): void {
		if (this.#isClosed || this.#failure !== undefined) return;
		this.#failure = { error };
		this.#controller.abort();
		this.#ready.reject(error);
		this.#answer();
	}

	/** A note is told at places that can't be left half done: what its taker throws ends the follower by itself. */
	#note(note: Note): void {
		try {
			this.#options.onNote?.(note);
		} catch (error) {
			this.#fail(error);
		}
	}

	/** A change goes to whoever asked for it in the moment in which it comes. */
	#answer(): void {
		for (let asked = this.#asked[0]; asked !== undefined; asked = this.#asked[0]) {
			try {
				if (!this.#give(asked)) return;
			} catch (error) {
				asked.reject(error);
			}
			this.#asked.shift();
		}
	}

	/** False while what it is to be answered with has yet to come. */
	#give(asked: Asked): boolean {
		// Who asks again has consumed what it was given.
		this.#consumed();
		while (!this.#isClosed) {
			const queued = this.#queue.take();
			if (queued === undefined) {
				if (this.#failure !== undefined) throw this.#failure.error;
				return false;
			}
			this.#inHand = queued;
			if (queued.kind !== "bookmark") {
				asked.resolve({ done: false, value: queued });
				return true;
			}
			this.#consumed();
			if (asked.bookmarks) {
				asked.resolve({ done: false, value: queued });
				return true;
			}
		}
		asked.resolve({ done: true, value: undefined });
		return true;
	}

	#consumed(): void {
		if (this.#inHand === undefined) return;
		this.#commit(this.#inHand);
		this.#inHand = undefined;
	}

	#newTree(nodes: readonly Node[]): FollowedTree {
		return new FollowedTree(this.keySpace, nodes);
	}

	#commit(queued: Queued): void {
		switch (queued.kind) {
			case "event":
				this.#parts.push(queued);
				if (queued.more) break;
				this.#index = queued.index;
				for (const event of this.#parts.splice(0)) this.#tree?.apply(event);
				break;
			case "bookmark":
				this.#index = queued.index;
				if (queued.nodes) {
					this.#tree = this.#newTree(queued.nodes);
					this.#clusterId = this.#reconciler.clusterId;
				}
				break;
			default:
				this.#index = queued.state.index;
				this.#tree = this.#newTree(queued.state.nodes);
				this.#clusterId = this.#reconciler.clusterId;
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
