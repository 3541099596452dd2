import { AbortedError, ConnectionError } from "../http/errors";
import type { Delivery, FaultKind, LifeEvent, Proof, WatcherRecord } from "../timeline/timeline";
import { Changes, type RunContext, type RunWatcher, type Source, type WatchListener } from "./api";
import type { ApiEvent } from "./record";
import type { OpenStep } from "./steps";

/** A watch, a stream or polls: it reads its source, records what comes, and knows whether more can come. */
export class ClientWatcher implements RunWatcher {
	readonly kind: OpenStep["step"];
	readonly key: string;
	readonly faultMs = undefined;
	fatal: unknown;
	readonly #name: string;
	readonly #recursive: boolean;
	readonly #progressNotify: boolean;
	readonly #run: RunContext;
	readonly #deliveries: Delivery[] = [];
	readonly #life: LifeEvent[] = [];
	#proof: Proof | undefined;
	#source: Source | undefined;
	#reading: Promise<void> = Promise.resolve();
	#gate: Promise<void> = Promise.resolve();
	#openGate: (() => void) | undefined;
	#dropped = false;
	/** What its client would ask with after a cut. */
	#resumeAfter: number | undefined;
	#fence = Number.POSITIVE_INFINITY;
	#lastEvent: ApiEvent | undefined;
	/** Up to which index of the run v3 has said that nothing is missing. */
	#progress = Number.NEGATIVE_INFINITY;
	/** From which of the store's indexes on it has asked. */
	#asked: number | undefined;
	#isSilent = false;
	/** It asks a store for an index of the one before, which was wiped. */
	#isAhead = false;
	/** v2: a stream that has paused, or asked for the past, may have been dropped by the server. */
	#isDoubtful = false;
	/** At the next thing heard, and when its reading has ended. */
	readonly #heard = new Changes();

	constructor(step: OpenStep, run: RunContext) {
		this.#name = step.watcher;
		this.kind = step.step;
		this.key = step.key;
		this.#recursive = step.recursive;
		this.#progressNotify = step.progressNotify === true;
		this.#run = run;
	}

	get isOver(): boolean {
		return this.#proof !== undefined;
	}

	get isPaused(): boolean {
		return this.#openGate !== undefined || this.#isSilent || this.#isAhead;
	}

	get askedFrom(): number {
		return this.#asked === undefined ? Number.NEGATIVE_INFINITY : this.#run.recorder.index(this.#asked);
	}

	get deliveryCount(): number {
		return this.#deliveries.length;
	}

	get isSure(): boolean {
		return !this.isOver && !this.#dropped && !this.isPaused && !this.#isDoubtful;
	}

	get reading(): Promise<void> {
		return this.#reading;
	}

	async delivered(count: number): Promise<void> {
		while (this.#deliveries.length < count && !this.isOver && this.fatal === undefined)
			await this.#heard.next();
	}

	async progressed(index: number): Promise<void> {
		while (!this.isOver && !this.#dropped && this.fatal === undefined && this.#progress < index)
			await this.#heard.next();
		if (this.#progress >= index) this.#note({ kind: "bookmarked", at: index });
	}

	async caughtUp(index: number, count = 1): Promise<void> {
		const isBehind = () => this.#source?.hasMore || !((this.#deliveries.at(-count)?.index ?? -1) >= index);
		while (this.isSure && this.fatal === undefined && isBehind()) await this.#heard.next();
		if (!this.isSure) return;
		// A poll is over after its event. A loop's reader gets the same error, and records it.
		if (this.kind === "poll") await this.#reading;
		else await this.#source?.registered().catch(() => {});
	}

	async open(step: OpenStep): Promise<void> {
		const { recorder } = this.#run;
		const { goOnAfter, afterIndex } = step;
		if (goOnAfter === "event") return this.#start(this.#lastEvent?.node.modifiedIndex);
		if (goOnAfter === "response") return this.#start(this.#lastEvent?.etcdIndex);
		return this.#start(afterIndex === undefined ? undefined : recorder.absoluteIndex(afterIndex));
	}

	pause(): void {
		if (this.#openGate) return;
		this.#gate = new Promise((open) => {
			this.#openGate = open;
		});
		this.#isDoubtful = !this.#run.api.streamsAreSure;
		this.#note({ kind: "paused", at: this.#run.now() });
	}

	resume(): void {
		this.#readOn();
		this.#note({ kind: "resumed", at: this.#run.now() });
	}

	async drop(kind: "closed" | "cut"): Promise<void> {
		const afterIndex = this.#source?.afterIndex;
		this.#dropped = true;
		this.#source?.close();
		this.#readOn();
		await this.#reading;
		if (this.#proof === undefined) {
			this.#note({ kind, at: this.#run.now() });
			this.#proof = "closed";
		}
		this.#resumeAfter = this.kind === "watch" ? afterIndex : undefined;
		this.#heard.notify();
	}

	async reconnect(): Promise<void> {
		await this.#start(this.#resumeAfter);
	}

	/** After a 401, or in v3 a compaction: list, then watch from there. */
	async recover(): Promise<void> {
		const { api, recorder, signal } = this.#run;
		const { index, nodes } = await api.list(recorder.absoluteKey(this.key), this.#recursive, signal);
		const keys = nodes.map((node) => recorder.node(node));
		this.#note({ kind: "listed", at: recorder.index(index), keys });
		await this.#start(index);
	}

	expectFence(index: number): void {
		this.#fence = index;
	}

	isGone(): void {
		this.#proof = "gone";
		this.#source?.close();
	}

	silence(silent: boolean): void {
		this.#isSilent = silent;
	}

	/** Its connection is gone. A reader that stands still has yet to notice. */
	async sawFault(fault: FaultKind): Promise<void> {
		if ((fault === "kill" || fault === "wipe") && this.#openGate === undefined) await this.#reading;
	}

	record(): WatcherRecord {
		return {
			name: this.#name,
			key: this.key,
			kind: this.kind === "pollLoop" ? "poll" : this.kind,
			recursive: this.#recursive,
			deliveries: [...this.#deliveries],
			life: [...this.#life],
			proof: this.#proof ?? "none",
		};
	}

	#readOn(): void {
		this.#openGate?.();
		this.#openGate = undefined;
	}

	async #start(afterIndex: number | undefined): Promise<void> {
		this.#proof = undefined;
		this.#dropped = false;
		this.#isAhead = false;
		this.#isDoubtful = false;
		try {
			this.#source = await this.#sourceFrom(afterIndex);
		} catch (error) {
			this.#failed(error);
			if (this.fatal !== undefined) throw error;
			return;
		}
		this.#reading = this.#read(this.#source);
	}

	#sourceFrom(afterIndex: number | undefined): Promise<Source> {
		const { api, recorder, signal } = this.#run;
		const options = {
			recursive: this.#recursive,
			progressNotify: this.#progressNotify,
			signal,
			...(afterIndex === undefined ? {} : { afterIndex }),
		};
		const listener: WatchListener = {
			asked: ({ etcdIndex }, waitIndex) => this.#wasAsked(etcdIndex, waitIndex),
			progressed: (index) => {
				this.#progress = recorder.index(index);
				this.#heard.notify();
			},
			answered: ({ event, etcdIndex }) => {
				// The fence's answer is not recorded.
				const at = Math.max(
					recorder.index(event?.node.modifiedIndex ?? etcdIndex),
					recorder.index(etcdIndex),
				);
				if (event === undefined || recorder.index(event.node.modifiedIndex) < this.#fence)
					this.#note({ kind: "answered", at });
			},
		};
		return api.watch(this.kind, recorder.absoluteKey(this.key), options, listener);
	}

	#wasAsked(etcdIndex: number, waitIndex: number | undefined): void {
		const { recorder, api } = this.#run;
		this.#asked = waitIndex ?? etcdIndex + 1;
		this.#isAhead = recorder.store > 0 && waitIndex !== undefined && waitIndex > etcdIndex + 1;
		if (this.kind === "stream" && waitIndex !== undefined && waitIndex <= etcdIndex)
			this.#isDoubtful = !api.streamsAreSure;
		const store = this.#isAhead ? recorder.store - 1 : recorder.store;
		this.#note({
			kind: "asked",
			at: recorder.index(etcdIndex),
			...(waitIndex === undefined ? {} : { waitIndex: recorder.index(waitIndex, store) }),
			...(this.#isAhead ? { ofWiped: true } : {}),
		});
	}

	async #read(source: Source): Promise<void> {
		try {
			for (;;) {
				const event = await source.next();
				await this.#gate;
				if (this.#dropped) return;
				if (event === undefined) break;
				const delivery = this.#run.recorder.delivery(event);
				if (delivery.index >= this.#fence) {
					this.#proof = "fence";
					source.close();
					return;
				}
				this.#lastEvent = event;
				this.#asked = event.node.modifiedIndex + 1;
				this.#deliveries.push(delivery);
				this.#run.sawEvent(delivery.index);
				this.#run.changed();
				this.#heard.notify();
			}
			if (this.kind === "poll" || this.kind === "pollLoop") this.#proof ??= "answered";
			else if (this.#proof === undefined) this.#wasCut();
		} catch (error) {
			this.#failed(error);
		} finally {
			this.#heard.notify();
		}
	}

	#failed(error: unknown): void {
		if (this.#dropped || this.#proof === "gone") return;
		const { api, recorder } = this.#run;
		const refusal = api.refusal(error, this.#asked, recorder);
		if (refusal) {
			const { code, message, cause, gap } = refusal;
			const at = refusal.index === undefined ? this.#run.now() : recorder.index(refusal.index);
			this.#run.saw(at);
			const counted = gap ? { gap: { from: recorder.index(gap.from), to: recorder.index(gap.to) } } : {};
			this.#note({ kind: "error", at, code, message, cause, ...counted });
			this.#proof = "error";
		} else if (error instanceof ConnectionError) this.#wasCut();
		else {
			this.fatal =
				error instanceof AbortedError ? new AbortedError("the run was interrupted", { cause: error }) : error;
			this.#proof = "none";
		}
	}

	/** By the server, or what is on the way to it. */
	#wasCut(): void {
		this.#resumeAfter = this.kind === "watch" ? this.#source?.afterIndex : undefined;
		this.#note({ kind: "cut", at: this.#run.now() });
		this.#proof = "none";
	}

	#note(event: LifeEvent): void {
		this.#life.push(event);
		if (event.kind === "asked") this.#run.saw(event.at);
		this.#run.changed();
	}
}
