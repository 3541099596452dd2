import {
	AbortedError,
	ConnectionError,
	EtcdError,
	EventIndexClearedError,
	KeyNotFoundError,
	type Keys,
	type Node,
	type WatchEvent,
	type WatchOptions,
} from "../etcd";
import { Bell } from "./bell";
import type { Recorder } from "./record";
import { type PollListener, pollSource, type Source, streamSource, watchSource } from "./sources";
import type { OpenStep } from "./steps";
import type { Delivery, LifeEvent, NodeRecord, Proof, WatcherRecord } from "./timeline";
import type { Watched } from "./watched";

/** What a watcher needs of its run. */
export interface Surroundings {
	readonly v2: Keys;
	/** What watchers ask. */
	readonly watchers: Keys;
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
	#lastEvent: WatchEvent | undefined;
	#isSilent = false;
	/** It asks a store for an index of the one before, which was wiped. */
	#isAhead = false;
	/** Who waits for the next delivery. */
	/** Rings at the next thing heard, and when its reading has ended. */
	readonly #heard = new Bell();

	constructor(step: OpenStep, run: Surroundings) {
		this.name = step.watcher;
		this.kind = step.step;
		this.key = step.key;
		this.recursive = step.recursive;
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

	/** True for a loop that asks anew after each event, and is at it. */
	get asksAgain(): boolean {
		const isLoop = this.kind === "watch" || this.kind === "pollLoop";
		return isLoop && !this.isOver && !this.#dropped && !this.#isSilent && !this.#isAhead;
	}

	async caughtUp(index: number): Promise<void> {
		while (
			this.asksAgain &&
			this.fatal === undefined &&
			!this.#deliveries.some((one) => one.index >= index)
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

	/** After a 401: list, then watch from there. */
	async recover(): Promise<void> {
		const { v2, recorder, signal } = this.#run;
		const key = recorder.absoluteKey(this.key);
		let listed: { index: number; keys: NodeRecord[] };
		try {
			const answer = await v2.get(key, { recursive: this.recursive, quorum: true, sorted: true, signal });
			listed = { index: answer.etcdIndex, keys: files(answer.node).map((node) => recorder.node(node)) };
		} catch (error) {
			if (!(error instanceof KeyNotFoundError)) throw error;
			listed = { index: error.index, keys: [] };
		}
		this.#lives({ kind: "listed", at: recorder.index(listed.index), keys: listed.keys });
		await this.#start(listed.index);
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
		const { watchers: v2, recorder, signal } = this.#run;
		const key = recorder.absoluteKey(this.key);
		const options: WatchOptions = {
			recursive: this.recursive,
			signal,
			...(afterIndex === undefined ? {} : { afterIndex }),
		};
		const heard: PollListener = {
			asked: ({ etcdIndex }, waitIndex) => {
				const at = recorder.index(etcdIndex);
				this.#isAhead = recorder.wasWiped && waitIndex !== undefined && waitIndex > etcdIndex + 1;
				const counted = (index: number) =>
					this.#isAhead ? recorder.indexBefore(index) : recorder.index(index);
				this.#lives({
					kind: "asked",
					at,
					...(waitIndex === undefined ? {} : { waitIndex: counted(waitIndex) }),
				});
			},
			answered: ({ node, etcdIndex }) => {
				// The fence's answer is not part of the story.
				const at = recorder.index(node.modifiedIndex);
				if (at < this.#fence) this.#lives({ kind: "answered", at: Math.max(at, recorder.index(etcdIndex)) });
			},
		};
		if (this.kind === "watch") return watchSource(v2, key, options, heard);
		if (this.kind === "stream") return streamSource(v2, key, options, heard);
		return pollSource(v2, key, options, heard, this.kind === "pollLoop");
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
				this.#deliveries.push(delivery);
				this.#run.saw(delivery.index);
				this.#run.changed();
				this.#heard.ring();
				if (this.kind === "poll") break;
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
		const { recorder } = this.#run;
		if (error instanceof EtcdError) {
			const gap = error instanceof EventIndexClearedError && {
				gap: { from: recorder.index(error.askedIndex), to: recorder.index(error.oldestIndex) - 1 },
			};
			const at = recorder.index(error.index);
			this.#run.saw(at);
			this.#lives({
				kind: "error",
				at,
				code: error.code,
				message: error.text,
				cause: recorder.cause(error),
				...gap,
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

/** The files below a node, in the order of their keys. */
function files(node: Node): Node[] {
	return node.dir ? (node.nodes ?? []).flatMap(files) : [node];
}
