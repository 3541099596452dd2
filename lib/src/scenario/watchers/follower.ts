import type { Change, FollowOptions, Position } from "../../follow";
import { within } from "../../http/signals";
import type { FaultKind, NodeRecord } from "../../timeline/timeline";
import type { FollowSource, RunContext } from "../api";
import type { OpenStep } from "../steps";
import { RunWatcher } from "./watcher";

/** A bookmark is worth a mark when so many indexes have passed by since the last thing that was known. */
const leastBookmark = 100;
/** How long it may take to find out what it has missed. */
const reconnectMs = 2_000;

/** A run's follower: it records what it is handed, events, gaps and resets, and finds its way by itself. */
export class FollowerWatcher extends RunWatcher {
	readonly faultMs = 20_000;
	#follower: FollowSource | undefined;
	#position: Position | undefined;
	/** The number of the store that the position is of. */
	#store = 0;
	/** Up to this index of the run it is known what happened. */
	#through = Number.NEGATIVE_INFINITY;
	/** The last index that its life shows as known. */
	#shown = Number.NEGATIVE_INFINITY;
	#resetsSeen = 0;
	#resets = 0;

	constructor(
		opened: OpenStep,
		run: RunContext,
		private readonly options: FollowOptions = {},
	) {
		super(opened, run);
	}

	get isPaused(): boolean {
		return this.isSilent;
	}

	get askedFrom(): number {
		return this.#through + 1;
	}

	async open({ afterIndex }: OpenStep): Promise<void> {
		const { recorder } = this.run;
		await this.#start(afterIndex === undefined ? {} : { afterIndex: recorder.absoluteIndex(afterIndex) });
	}

	/** Its process ends; the position is what it would have saved. */
	protected override async stop(): Promise<void> {
		this.#position = this.#follower?.position;
		this.#store = this.run.recorder.store;
		await this.#follower?.close();
	}

	async reconnect(): Promise<void> {
		await this.#start(this.#position === undefined ? {} : { position: this.#position });
		// What it missed it has been told before the next step, or that there was nothing.
		await within(this.caughtUp(this.run.now()), reconnectMs, this.run.signal);
	}

	async caughtUp(index: number): Promise<void> {
		await this.until(() => !this.isSure || this.#through >= index);
	}

	/** When the store is another one, it has said so, or has ended. */
	async sawFault(fault: FaultKind): Promise<void> {
		if (fault !== "wipe") return;
		await this.until(() => !this.isSure || this.#resets > this.#resetsSeen);
		this.#resetsSeen = this.#resets;
	}

	/** It turns to another member, where it knows of one. */
	override silence(silent: boolean): void {
		this.isSilent = silent && this.run.api.endpointCount === 1;
	}

	async #start(from: Pick<FollowOptions, "afterIndex" | "position">): Promise<void> {
		const { api, recorder, signal } = this.run;
		this.proof = undefined;
		this.isDropped = false;
		this.#through = this.run.now();
		this.#shown = this.#through;
		const follower = api.follow(recorder.absoluteKey(this.key), {
			...this.options,
			...from,
			recursive: this.opened.recursive,
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
		const store = from.position === undefined ? recorder.store : this.#store;
		const begin = from.position?.index ?? from.afterIndex;
		if (begin === undefined) this.note({ kind: "listed", at: start.index, keys: start.keys });
		const after = begin === undefined ? start.index : recorder.index(begin, store);
		if (begin !== undefined) this.#through = after;
		this.#shown = this.#through;
		this.note({
			kind: "asked",
			at: this.run.now(),
			waitIndex: after + 1,
			...(store < recorder.store ? { ofWiped: true } : {}),
		});
		this.reading = this.#read(follower);
	}

	async #read(follower: FollowSource): Promise<void> {
		try {
			for (;;) {
				const next = await follower.nextQueued();
				// While the store is replaced, nobody knows yet how its indexes are to be counted.
				await this.run.steady();
				if (next.done === true || this.isDropped) return;
				const queued = next.value;
				if (queued.kind === "bookmark") this.#reached(this.run.recorder.index(queued.index));
				else if (this.#take(queued)) return;
			}
		} catch (error) {
			this.#failed(error);
		} finally {
			this.hears();
		}
	}

	/** Records a change; true when it was the fence. */
	#take(change: Change): boolean {
		const { recorder } = this.run;
		const now = recorder.index(change.kind === "event" ? change.index : change.state.index);
		// A new store's index moves by itself while its members come up.
		const last = change.kind === "reset" ? Math.max(this.run.now(), now) : now;
		const isFence = last >= this.fence;
		if (isFence) this.proof = "fence";
		if (isFence && change.kind === "event") return true;
		// A gap that ends with the fence states what came before it.
		const at = Math.min(last, this.fence - 1);
		if (change.kind === "event") this.deliveries.push(recorder.followed(change, this.run.api.name));
		else if (change.kind === "gap") {
			const { added, changed, removed, state, why } = change;
			this.note({
				...{ kind: "gap", at, from: recorder.index(change.from), to: at, why },
				added: recorder.files(added),
				changed: recorder.files(changed.map(({ now }) => now)),
				...(removed === undefined ? {} : { removed: recorder.files(removed) }),
				keys: recorder.files(state.nodes),
			});
		} else {
			this.#resets++;
			const lastIndex = recorder.index(change.lastIndex, recorder.store - 1);
			const keys = recorder.files(change.state.nodes);
			this.note({ kind: "reset", at, lastIndex, why: change.why, keys });
		}
		// More of the same v3 revision is on its way.
		const isWhole = change.kind !== "event" || change.more !== true;
		if (isWhole) this.#shown = at;
		this.run.sawEvent(at);
		this.run.changed();
		this.#reached(isWhole ? at : this.#through);
		return isFence;
	}

	/** Nothing is missing up to there. */
	#reached(index: number): void {
		this.#through = Math.max(this.#through, index);
		this.hears();
	}

	#bookmarked(absolute: number): void {
		const index = this.run.recorder.index(absolute);
		if (index - this.#shown < leastBookmark || index >= this.fence || this.isOver) return;
		this.#shown = index;
		this.note({ kind: "bookmarked", at: index });
	}

	#failed(error: unknown): void {
		if (!this.isDropped) this.fail(error);
	}
}
