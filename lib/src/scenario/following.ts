import { setTimeout as wait } from "node:timers/promises";
import { type Change, type Follower, type FollowOptions, follow, type Position } from "../follow";
import { AbortedError } from "../http";
import type { Delivery, LifeEvent, NodeRecord, Proof, WatcherRecord } from "../timeline/timeline";
import type { V2Client } from "../v2";
import type { V3Client } from "../v3";
import { Bell } from "./bell";
import type { OpenStep } from "./steps";
import type { Watched } from "./watched";
import type { Surroundings } from "./watching";

/** A bookmark is worth a mark when so many indexes have passed by since the last thing that was known. */
const leastBookmark = 100;
/** How long it may take to find out what it has missed, and how often that is looked at. */
const settleMs = 2_000;
const lookMs = 5;

/** A run's follower: it records what it is handed, events, gaps and resets, and finds its way by itself. */
export class Following implements Watched {
	readonly key: string;
	fatal: unknown;
	readonly #name: string;
	readonly #recursive: boolean;
	readonly #run: Surroundings;
	readonly #watchers: V2Client | V3Client;
	readonly #options: FollowOptions;
	readonly #deliveries: Delivery[] = [];
	readonly #life: LifeEvent[] = [];
	#proof: Proof | undefined;
	#follower: Follower | undefined;
	#position: Position | undefined;
	#reading: Promise<void> = Promise.resolve();
	#dropped = false;
	#isSilent = false;
	#fence = Number.POSITIVE_INFINITY;
	/** Up to this index of the run it is known what happened. */
	#through = Number.NEGATIVE_INFINITY;
	#resetsSeen = 0;
	/** Rings at the next thing heard, and when its reading has ended. */
	readonly #heard = new Bell();

	/** `watchers`: what it asks. */
	constructor(step: OpenStep, run: Surroundings, watchers: V2Client | V3Client, options: FollowOptions = {}) {
		this.#name = step.watcher;
		this.key = step.key;
		this.#recursive = step.recursive;
		this.#run = run;
		this.#watchers = watchers;
		this.#options = options;
	}

	get isOver(): boolean {
		return this.#proof !== undefined;
	}

	get isPaused(): boolean {
		return this.#isSilent;
	}

	get asksAgain(): boolean {
		return !this.isOver && !this.#dropped && !this.#isSilent;
	}

	get deliveryCount(): number {
		return this.#deliveries.length;
	}

	get reading(): Promise<void> {
		return this.#reading;
	}

	async open({ afterIndex }: OpenStep): Promise<void> {
		const { recorder } = this.#run;
		await this.#start(afterIndex === undefined ? {} : { afterIndex: recorder.absoluteIndex(afterIndex) });
	}

	/** Its process ends; the position is what it would have saved. */
	async drop(kind: "closed" | "cut"): Promise<void> {
		this.#dropped = true;
		this.#position = this.#follower?.position;
		await this.#follower?.close();
		await this.#reading;
		if (this.#proof !== undefined) return;
		this.#lives({ kind, at: this.#run.now() });
		this.#proof = "closed";
	}

	async reconnect(): Promise<void> {
		await this.#start(this.#position === undefined ? {} : { position: this.#position });
		// What it missed it has been told before the next step, or that there was nothing.
		const { signal } = this.#run;
		for (let waited = 0; waited < settleMs && this.asksAgain && !signal.aborted; waited += lookMs) {
			if (Math.max(this.#through, this.#known()) >= this.#run.now()) return;
			await wait(lookMs);
		}
	}

	async delivered(count: number): Promise<void> {
		while (this.#deliveries.length < count && this.fatal === undefined) await this.#heard.next();
	}

	async caughtUp(index: number): Promise<void> {
		while (this.asksAgain && this.fatal === undefined && this.#through < index) await this.#heard.next();
	}

	/** The index of the run up to which it knows all, by what it would save. */
	#known(): number {
		const index = this.#follower?.position.index;
		return index === undefined ? Number.NEGATIVE_INFINITY : this.#run.recorder.index(index);
	}

	/** Resolves when it has said that the store is another one, or has ended. */
	async wasReset(): Promise<void> {
		const resets = () => this.#life.filter(({ kind }) => kind === "reset").length;
		const before = this.#resetsSeen;
		while (this.asksAgain && this.fatal === undefined && resets() === before) await this.#heard.next();
		this.#resetsSeen = resets();
	}

	expectFence(index: number): void {
		this.#fence = index;
	}

	isGone(): void {}

	/** It turns to another member, where it knows of one. */
	silence(silent: boolean): void {
		this.#isSilent = silent && this.#watchers.endpoints.length === 1;
	}

	record(): WatcherRecord {
		return {
			name: this.#name,
			key: this.key,
			kind: "follow",
			recursive: this.#recursive,
			deliveries: [...this.#deliveries],
			life: [...this.#life],
			proof: this.#proof ?? "none",
		};
	}

	async #start(from: Pick<FollowOptions, "afterIndex" | "position">): Promise<void> {
		const { recorder, signal } = this.#run;
		this.#proof = undefined;
		this.#dropped = false;
		this.#through = this.#run.now();
		const follower = follow(this.#watchers, recorder.absoluteKey(this.key), {
			...this.#options,
			...from,
			recursive: this.#recursive,
			signal,
			onNote: (note) => {
				if (note.note === "bookmarked" && follower === this.#follower) this.#bookmarked(note.index);
			},
		});
		this.#follower = follower;
		let start: { readonly index: number; readonly keys: readonly NodeRecord[] };
		try {
			const { index, nodes } = await follower.ready();
			start = { index: recorder.index(index), keys: recorder.files(nodes) };
		} catch (error) {
			this.#failed(error);
			throw this.fatal;
		}
		const begin = from.position?.index ?? from.afterIndex;
		if (begin === undefined) this.#lives({ kind: "listed", at: start.index, keys: start.keys });
		else this.#through = recorder.index(begin);
		const waitIndex = begin === undefined ? start.index + 1 : recorder.index(begin) + 1;
		this.#lives({ kind: "asked", at: this.#run.now(), waitIndex });
		this.#reading = this.#read(follower);
	}

	async #read(follower: Follower): Promise<void> {
		try {
			for await (const change of follower) {
				// While the store is replaced, nobody knows yet how its indexes are to be counted.
				await this.#run.steady();
				if (this.#dropped || this.#take(change)) return;
			}
		} catch (error) {
			this.#failed(error);
		} finally {
			this.#heard.ring();
		}
	}

	/** Records a change; true when it was the fence. */
	#take(change: Change): boolean {
		const { recorder } = this.#run;
		const now = recorder.index(change.kind === "event" ? change.index : change.state.index);
		// A new store's index moves by itself while its members come up.
		const last = change.kind === "reset" ? Math.max(this.#run.now(), now) : now;
		if (last >= this.#fence) {
			this.#proof = "fence";
			return true;
		}
		if (change.kind === "event") this.#deliveries.push(recorder.followed(change, this.#run.api.name));
		else if (change.kind === "gap") {
			const { added, changed, removed, state, why } = change;
			this.#lives({
				kind: "gap",
				at: last,
				from: recorder.index(change.from),
				to: last,
				why,
				added: recorder.files(added),
				changed: recorder.files(changed.map(({ now }) => now)),
				...(removed === undefined ? {} : { removed: recorder.files(removed) }),
				keys: recorder.files(state.nodes),
			});
		} else {
			const lastIndex = recorder.indexBefore(change.lastIndex);
			const keys = recorder.files(change.state.nodes);
			this.#lives({ kind: "reset", at: last, lastIndex, why: change.why, keys });
		}
		// More of the same v3 revision is on its way.
		const isWhole = change.kind !== "event" || change.more !== true;
		if (isWhole) this.#through = last;
		this.#run.saw(last);
		this.#run.changed();
		this.#heard.ring();
		return false;
	}

	#bookmarked(absolute: number): void {
		const index = this.#run.recorder.index(absolute);
		if (index - this.#through < leastBookmark || index >= this.#fence || this.isOver) return;
		this.#through = index;
		this.#lives({ kind: "bookmarked", at: index });
		this.#heard.ring();
	}

	#failed(error: unknown): void {
		if (this.#dropped) return;
		this.fatal =
			error instanceof AbortedError ? new AbortedError("the run was interrupted", { cause: error }) : error;
		this.#proof = "none";
	}

	#lives(event: LifeEvent): void {
		this.#life.push(event);
		this.#run.changed();
	}
}
