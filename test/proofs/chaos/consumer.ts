import type { Change, FollowedEvent, Note, Position, Rule, State } from "etcd-watch-lab/follow";
import type { Node, V2Client, WatchEvent } from "etcd-watch-lab/v2";
import type { ConnectOptions } from "#lib/http";
import type { Api, Delivery, Following } from "./record";

export const consumerKinds = ["follow", "naive", "textbook", "node-etcd", "etcd3"] as const;

/** Those that there are on each of the APIs. */
export const consumersOn: Readonly<Record<Api, readonly ConsumerKind[]>> = {
	v2: ["follow", "naive", "textbook", "node-etcd"],
	v3: ["follow", "naive", "textbook", "etcd3"],
};

/**
 * Who consumes: the library's follower; a loop of long polls that forgets its index; the textbook's loop, which asks
 * with modifiedIndex + 1 and after a 401 goes on at the current index; node-etcd 7 itself. On v3: a watch that is opened
 * anew from now on; one that goes on from its revision + 1, or where that is compacted from the oldest; microsoft/etcd3.
 */
export type ConsumerKind = (typeof consumerKinds)[number];

/** Who asks, and which authority signs the server. */
export type Access = Pick<ConnectOptions, "user" | "tls">;

/** What a consumer is to follow, as plain data: it may run in another process. */
export interface Assignment {
	readonly name: string;
	readonly kind: ConsumerKind;
	readonly api: Api;
	readonly endpoints: readonly string[];
	/** How they are reached, where that is not plain HTTP by anybody. */
	readonly access?: Access;
	readonly key: string;
	readonly recursive: boolean;
	readonly epoch: number;
	readonly afterIndex?: number;
	readonly position?: Position;
	/** The consumer whose position it is. */
	readonly resumes?: string;
	readonly gaps: Following["gaps"];
	readonly queueLength?: number;
	readonly rollMs?: readonly [number, number];
	readonly backoffMs?: readonly [number, number];
	readonly probeMs?: number;
	readonly timeoutMs?: number;
	readonly without?: readonly Rule[];
	/** So many bytes its process may hold beyond what it holds at first: measured there, in a process of its own. */
	readonly memoryBytes?: number;
	/** The past that is there on every member when it begins. */
	readonly pastThrough?: number;
	/** So long it takes for each change. */
	readonly paceMs?: number;
	/** It keeps its first change until it is told to let go. */
	readonly holds?: true;
	/** It throws when it is given its so manieth event, once. */
	readonly throwsAt?: number;
}

/** It came to the run's end; it should have and did not; it was ended on purpose, at the position that it then had. */
export type Ending = "finished" | "unfinished" | "saved";

/** A consumer at work. */
export interface Consumer {
	readonly assignment: Assignment;
	/** The index that it has come to; that of its start before the first change. */
	readonly lastIndex: number;
	/** How many changes it has been given. */
	readonly count: number;
	/** How many of them were resets: so many stores later than it began. */
	readonly resets: number;
	readonly gaps: number;
	readonly notes: Readonly<Partial<Record<Note["note"], number>>>;
	/** The error by which it ended. */
	readonly error: string | undefined;
	/** Resolves when it knows from which index on it answers for everything. */
	readonly ready: Promise<void>;
	/** Waits until it has come to that index of that store, or has ended. */
	reached(index: number, timeoutMs: number, epoch?: number): Promise<boolean>;
	/** Waits until that many changes are there, or it has ended. */
	given(count: number, timeoutMs: number): Promise<boolean>;
	/** Its position, with everything that it has been given consumed. Only of a follower that has ended. */
	readonly position: Position | undefined;
	/** Ends it, with its connections; safe to call again. */
	stop(): Promise<void>;
	/** What it was told, and how it ended. */
	following(ending: Ending): Following;
}

/** What a consumer's loop has at hand. */
export interface Loop {
	readonly assignment: Assignment;
	readonly signal: AbortSignal;
	begins(startIndex: number, start?: State): void;
	notes(note: Note): void;
	/** Takes one change as the consumer would: slowly, or with an exception. */
	take(change: Change): Promise<void>;
	stands(position: Position): void;
}

/** What has arrived, for whoever waits for it. */
export class Arrivals {
	readonly deliveries: Delivery[] = [];
	readonly notes: Partial<Record<Note["note"], number>> = {};
	startIndex = 0;
	start: State | undefined;
	position: Position | undefined;
	error: string | undefined;
	ended = false;
	lastIndex = 0;
	resets = 0;
	gaps = 0;
	/** The most changes that were held for the consumer, as far as the notes tell. */
	mostQueued = 0;
	/** By how many bytes its process has grown at most, where that is measured. */
	grown = 0;
	readonly ready: Promise<void>;
	hasBegun = false;
	#begun: () => void = () => {};
	readonly #waiting = new Set<() => void>();

	constructor(readonly assignment: Assignment) {
		this.ready = new Promise((resolve) => {
			this.#begun = resolve;
		});
	}

	begins(startIndex: number, start: State | undefined): void {
		this.hasBegun = true;
		this.startIndex = startIndex;
		this.start = start;
		this.lastIndex = Math.max(this.lastIndex, startIndex);
		this.#begun();
		this.#look();
	}

	arrives(delivery: Delivery): void {
		this.deliveries.push(delivery);
		const { change } = delivery;
		if (change.kind === "reset") {
			this.resets++;
			this.lastIndex = change.state.index;
		} else if (change.kind === "gap") {
			this.gaps++;
			this.lastIndex = change.to;
		} else this.lastIndex = change.index;
		this.#look();
	}

	/** Gives what has arrived, and keeps nothing of it. */
	drained(): readonly Delivery[] {
		return this.deliveries.splice(0);
	}

	note(note: Note): void {
		this.notes[note.note] = (this.notes[note.note] ?? 0) + 1;
		if (note.note === "full") this.mostQueued = Math.max(this.mostQueued, note.queued);
	}

	ends(error: string | undefined): void {
		this.error = error;
		this.ended = true;
		this.#begun();
		this.#look();
	}

	/** Waits until that index of that store has come. */
	reached(index: number, timeoutMs: number, epoch = this.assignment.epoch): Promise<boolean> {
		const resets = epoch - this.assignment.epoch;
		return this.until(() => this.resets >= resets && this.lastIndex >= index, timeoutMs);
	}

	/** Waits for a condition, the end, or the time; tells whether the condition came true. */
	until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
		return new Promise((resolve) => {
			const timer = setTimeout(() => finish(), timeoutMs);
			const finish = () => {
				clearTimeout(timer);
				this.#waiting.delete(look);
				resolve(condition());
			};
			const look = () => {
				if (condition() || this.ended) finish();
			};
			this.#waiting.add(look);
			look();
		});
	}

	following(ending: Ending): Following {
		const { name, kind, key, recursive, epoch, resumes, gaps, queueLength = 1_000 } = this.assignment;
		const { paceMs, pastThrough, memoryBytes } = this.assignment;
		const saved = ending === "saved" ? this.position : undefined;
		return {
			...{ name, key, recursive, epoch, gaps },
			finished: ending !== "unfinished",
			queue: { length: queueLength, most: this.mostQueued, full: this.notes.full ?? 0 },
			...(paceMs === undefined ? {} : { isSlow: true }),
			...(pastThrough === undefined ? {} : { pastThrough }),
			...(memoryBytes === undefined ? {} : { memory: { grown: this.grown, most: memoryBytes } }),
			// Who never began answers for nothing.
			startIndex: this.hasBegun ? this.startIndex : Number.MAX_SAFE_INTEGER,
			...(this.start === undefined ? {} : { start: this.start }),
			deliveries: [...this.deliveries],
			...(resumes === undefined ? {} : { resumes }),
			...(saved === undefined ? {} : { position: saved }),
			// A follower always has one.
			...(ending === "saved" && kind !== "follow" ? { stoppedAt: this.lastIndex } : {}),
			...(this.error === undefined ? {} : { error: this.error }),
		};
	}

	#look(): void {
		for (const look of [...this.#waiting]) look();
	}
}

/** A consumer in this process. */
export class LocalConsumer implements Consumer {
	readonly #arrivals: Arrivals;
	readonly #ending = new AbortController();
	readonly #running: Promise<void>;
	#release: () => void = () => {};
	readonly #released = new Promise<void>((resolve) => {
		this.#release = resolve;
	});
	#events = 0;

	constructor(
		readonly assignment: Assignment,
		run: (loop: Loop) => Promise<void>,
	) {
		const arrivals = new Arrivals(assignment);
		this.#arrivals = arrivals;
		const loop: Loop = {
			assignment,
			signal: this.#ending.signal,
			begins: (startIndex, start) => arrivals.begins(startIndex, start),
			notes: (note) => arrivals.note(note),
			take: (change) => this.#take(change),
			stands: (position) => {
				arrivals.position = position;
			},
		};
		this.#running = run(loop).then(
			() => arrivals.ends(undefined),
			(error: unknown) => arrivals.ends(this.#ending.signal.aborted ? undefined : String(error)),
		);
	}

	get lastIndex(): number {
		return this.#arrivals.lastIndex;
	}

	get count(): number {
		return this.#arrivals.deliveries.length;
	}

	get resets(): number {
		return this.#arrivals.resets;
	}

	get gaps(): number {
		return this.#arrivals.gaps;
	}

	get notes(): Consumer["notes"] {
		return this.#arrivals.notes;
	}

	get error(): string | undefined {
		return this.#arrivals.error;
	}

	get ready(): Promise<void> {
		return this.#arrivals.ready;
	}

	get position(): Position | undefined {
		return this.#arrivals.position;
	}

	reached(index: number, timeoutMs: number, epoch?: number): Promise<boolean> {
		return this.#arrivals.reached(index, timeoutMs, epoch);
	}

	/** It goes on with the change that it has kept. */
	letGo(): void {
		this.#release();
	}

	/** What it was given since the last call, of which it then keeps nothing. */
	drained(): readonly Delivery[] {
		return this.#arrivals.drained();
	}

	/** Resolves when it has ended, by itself or by `stop`. */
	get ended(): Promise<void> {
		return this.#running;
	}

	given(count: number, timeoutMs: number): Promise<boolean> {
		return this.#arrivals.until(() => this.count >= count, timeoutMs);
	}

	async stop(): Promise<void> {
		this.#ending.abort();
		this.#release();
		await this.#running;
	}

	following(ending: Ending): Following {
		return this.#arrivals.following(ending);
	}

	async #take(change: Change): Promise<void> {
		const { paceMs, throwsAt, holds } = this.assignment;
		if (holds) await this.#released;
		if (change.kind === "event" && ++this.#events === throwsAt) throw new ConsumerError();
		if (paceMs !== undefined) await new Promise((resolve) => setTimeout(resolve, paceMs));
		this.#arrivals.arrives({ change, at: performance.now() });
	}
}

/** What a consumer throws that was told to. */
export class ConsumerError extends Error {
	override readonly name = "ConsumerError";

	constructor() {
		super("the consumer failed, as it was told to");
	}
}

/** An event of a plain watch, as a follower would hand it on. */
export function asFollowed(
	event: Pick<WatchEvent, "action" | "node" | "fromHistory"> & { prevNode?: Node },
): FollowedEvent {
	const { action, node, fromHistory } = event;
	return { kind: "event", index: node.modifiedIndex, action, key: node.key, node, fromHistory };
}

/** Gives up a client in an orderly way, whatever the loop does. */
export async function withKeys(keys: V2Client, run: (keys: V2Client) => Promise<void>): Promise<void> {
	try {
		await run(keys);
	} finally {
		await keys.close();
	}
}
