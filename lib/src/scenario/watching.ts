import { AbortedError, ConnectionError } from "../http";
import type { Delivery, LifeEvent, Proof, WatcherRecord } from "../timeline/timeline";
import type { Api, PollListener, SeenEvent, Source } from "./api";
import { Bell } from "./bell";
import type { Recorder } from "./record";
import type { OpenStep } from "./steps";
import type { Watched } from "./watched";

/** What a watcher needs of its run. */
export interface Surroundings {
	readonly api: Api;
	readonly recorder: Recorder;
	readonly signal: AbortSignal;
	/** The highest index that the run has seen so far, counted from its start. */
	now(): number;
	/** Takes note of an index that was seen. */
	saw(index: number): void;
	/** Something was recorded. */
	changed(): void;
	/** Resolves when no store is being replaced. */
	steady(): Promise<void>;
}

/** One watcher of a run: it reads its source, records what comes, and knows whether more can come. */
export class Watching implements Watched {
	readonly name: string;
	readonly kind: OpenStep["step"];
	readonly key: string;
	readonly recursive: boolean;
	readonly #progressNotify: boolean;
	fatal: unknown;
	readonly #run: Surroundings;
	readonly #deliveries: Delivery[] = [];
	readonly #life: LifeEvent[] = [];
	#proof: Proof | undefined;
	#source: Source | undefined;
	#reading: Promise<void> = Promise.resolve();
	#gate: Promise<void> = Promise.resolve();
	#openGate: (() => void) | undefined;
	#dropped = false;
	/** What its client would ask with after a cut. */
	#carried: number | undefined;
	#fence = Number.POSITIVE_INFINITY;
	#lastEvent: SeenEvent | undefined;
	/** Up to which index of the run v3 has said that nothing is missing. */
	#progress = Number.NEGATIVE_INFINITY;
	/** From which of the store's indexes on it has asked. */
	#asked: number | undefined;
	#isSilent = false;
	/** It asks a store for an index of the one before, which was wiped. */
	#isAhead = false;
	/** Rings at the next thing heard, and when its reading has ended. */
	readonly #heard = new Bell();

	constructor(step: OpenStep, run: Surroundings) {
		this.name = step.watcher;
		this.kind = step.step;
		this.key = step.key;
		this.recursive = step.recursive;
		this.#progressNotify = step.progressNotify === true;
		this.#run = run;
	}

	get isOver(): boolean {
		return this.#proof !== undefined;
	}

	get isPaused(): boolean {
		return this.#openGate !== undefined || this.#isSilent || this.#isAhead;
	}

	get deliveryCount(): number {
		return this.#deliveries.length;
	}

	async delivered(count: number): Promise<void> {
		while (this.#deliveries.length < count && this.fatal === undefined) {
			await this.#heard.next();
		}
	}

	/** True for one that asks anew after each event, or need not ask, and is at it. */
	get asksAgain(): boolean {
		const goesOn =
			this.kind === "watch" ||
			this.kind === "pollLoop" ||
			(this.kind === "stream" && this.#run.api.streamsAreSure);
		return goesOn && !this.isOver && !this.#dropped && !this.isPaused;
	}

	/** Resolves when the server has said that up to this index nothing is missing, or it is over. */
	async progressed(index: number): Promise<void> {
		while (!this.isOver && !this.#dropped && this.fatal === undefined && this.#progress < index) {
			await this.#heard.next();
		}
		if (this.#progress >= index) this.#lives({ kind: "bookmarked", at: index });
	}

	async caughtUp(index: number): Promise<void> {
		while (
			this.asksAgain &&
			this.fatal === undefined &&
			(this.#source?.hasMore || !this.#deliveries.some((one) => one.index >= index))
		) {
			await this.#heard.next();
		}
		// Its reader gets the same error, and records it.
		if (this.asksAgain) await this.#source?.registered().catch(() => {});
	}

	get reading(): Promise<void> {
		return this.#reading;
	}

	async open(step: OpenStep): Promise<void> {
		const { recorder } = this.#run;
		const last = this.#lastEvent;
		const afterIndex =
			step.goOnAfter === undefined
				? step.afterIndex === undefined
					? undefined
					: recorder.absoluteIndex(step.afterIndex)
				: step.goOnAfter === "event"
					? last?.node.modifiedIndex
					: last?.etcdIndex;
		await this.#start(afterIndex);
	}

	pause(): void {
		if (this.#openGate) return;
		this.#gate = new Promise((open) => {
			this.#openGate = open;
		});
		this.#lives({ kind: "paused", at: this.#run.now() });
	}

	resume(): void {
		this.#openGate?.();
		this.#openGate = undefined;
		this.#lives({ kind: "resumed", at: this.#run.now() });
	}

	async drop(kind: "closed" | "cut"): Promise<void> {
		const afterIndex = this.#source?.afterIndex;
		this.#dropped = true;
		this.#source?.close();
		this.#openGate?.();
		this.#openGate = undefined;
		await this.#reading;
		if (this.#proof === undefined) {
			this.#lives({ kind, at: this.#run.now() });
			this.#proof = "closed";
		}
		this.#carried = this.kind === "watch" ? afterIndex : undefined;
	}

	async reconnect(): Promise<void> {
		await this.#start(this.#carried);
	}

	/** After a 401, or in v3 a compaction: list, then watch from there. */
	async recover(): Promise<void> {
		const { api, recorder, signal } = this.#run;
		const { index, nodes } = await api.list(recorder.absoluteKey(this.key), this.recursive, signal);
		const keys = nodes.map((node) => recorder.node(node));
		this.#lives({ kind: "listed", at: recorder.index(index), keys });
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

	record(): WatcherRecord {
		return {
			name: this.name,
			key: this.key,
			kind: this.kind === "pollLoop" ? "poll" : this.kind,
			recursive: this.recursive,
			deliveries: [...this.#deliveries],
			life: [...this.#life],
			proof: this.#proof ?? "none",
		};
	}

	async #start(afterIndex: number | undefined): Promise<void> {
		this.#proof = undefined;
		this.#dropped = false;
		this.#isAhead = false;
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
		const key = recorder.absoluteKey(this.key);
		const options = {
			recursive: this.recursive,
			progressNotify: this.#progressNotify,
			signal,
			...(afterIndex === undefined ? {} : { afterIndex }),
		};
		const heard: PollListener = {
			asked: ({ etcdIndex }, waitIndex) => {
				const at = recorder.index(etcdIndex);
				this.#asked = waitIndex ?? etcdIndex + 1;
				this.#isAhead = recorder.wasWiped && waitIndex !== undefined && waitIndex > etcdIndex + 1;
				const counted = (index: number) =>
					this.#isAhead ? recorder.indexBefore(index) : recorder.index(index);
				this.#lives({
					kind: "asked",
					at,
					...(waitIndex === undefined ? {} : { waitIndex: counted(waitIndex) }),
					...(this.#isAhead ? { ofWiped: true } : {}),
				});
			},
			progressed: (index) => {
				this.#progress = recorder.index(index);
				this.#heard.ring();
			},
			answered: ({ node, etcdIndex }) => {
				// The fence's answer is not part of the story.
				const at = recorder.index(node.modifiedIndex);
				if (at < this.#fence) this.#lives({ kind: "answered", at: Math.max(at, recorder.index(etcdIndex)) });
			},
		};
		return api.watch(this.kind, key, options, heard);
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
				this.#run.saw(delivery.index);
				this.#run.changed();
				this.#heard.ring();
			}
			this.#proof ??= "answered";
		} catch (error) {
			this.#failed(error);
		} finally {
			this.#heard.ring();
		}
	}

	#failed(error: unknown): void {
		if (this.#dropped || this.#proof === "gone") return;
		const { api, recorder } = this.#run;
		const refusal = api.refusal(error, this.#asked);
		if (refusal) {
			const { code, message, gap, v2 } = refusal;
			const at = refusal.index === undefined ? this.#run.now() : recorder.index(refusal.index);
			this.#run.saw(at);
			this.#lives({
				kind: "error",
				at,
				code,
				message,
				cause: v2 ? recorder.cause(v2) : "",
				...(gap ? { gap: { from: recorder.index(gap.from), to: recorder.index(gap.to) } } : {}),
			});
			this.#proof = "error";
		} else if (error instanceof ConnectionError) {
			this.#carried = this.kind === "watch" ? this.#source?.afterIndex : undefined;
			this.#lives({ kind: "cut", at: this.#run.now() });
			this.#proof = "none";
		} else {
			this.fatal =
				error instanceof AbortedError ? new AbortedError("the run was interrupted", { cause: error }) : error;
			this.#proof = "none";
		}
	}

	#lives(event: LifeEvent): void {
		this.#life.push(event);
		if (event.kind === "asked") this.#run.saw(event.at);
		this.#run.changed();
	}
}
