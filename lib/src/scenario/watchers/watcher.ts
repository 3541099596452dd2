import { EventEmitter, once } from "node:events";
import { AbortedError } from "../../http/errors";
import type { Delivery, FaultKind, LifeEvent, Proof, WatcherRecord } from "../../timeline/timeline";
import type { Fenced, RunContext } from "../api";
import type { OpenStep } from "../steps";

/** One watcher of a run, whatever it reads from: what it was sent, what became of it, and whether more can come. */
export abstract class RunWatcher implements Fenced {
	readonly kind: OpenStep["step"];
	readonly key: string;
	/** What ended it that no timeline can hold, such as the kernel's Interrupt. */
	fatal: unknown;
	reading: Promise<void> = Promise.resolve();
	protected readonly deliveries: Delivery[] = [];
	protected proof: Proof | undefined;
	/** Its connection was given up by a step: what still comes is not recorded. */
	protected isDropped = false;
	/** The member that it is at answers nobody. */
	protected isSilent = false;
	/** The index of the run from which on an event is the fence. */
	protected fence = Number.POSITIVE_INFINITY;
	/** At the next thing heard, and when its reading has ended. */
	readonly #heard = new EventEmitter().setMaxListeners(0);
	readonly #life: LifeEvent[] = [];

	constructor(
		protected readonly opened: OpenStep,
		protected readonly run: RunContext,
	) {
		this.kind = opened.step;
		this.key = opened.key;
	}

	/** How long it may take to find its way after a fault; undefined: no longer than after a write. */
	abstract readonly faultMs: number | undefined;
	abstract readonly askedFrom: number;
	abstract readonly isPaused: boolean;
	/** Resolves when it is registered at the server, or was refused there (which is recorded). */
	abstract open(step: OpenStep): Promise<void>;
	/** After `drop("cut")`: goes on with what its client carries. */
	abstract reconnect(): Promise<void>;
	/** Resolves when it has come past this index, `count` events of it, and waits for the next event, or is over. */
	abstract caughtUp(index: number, count?: number): Promise<void>;
	/** Resolves when it has noticed what a fault does to it. */
	abstract sawFault(fault: FaultKind): Promise<void>;
	/** Closes what it reads from, and keeps what its client would carry. */
	protected abstract stop(): Promise<void>;

	/** Its reader stops reading, and goes on. No follower is asked for this, nor for the next two: see the builder. */
	pause(): void {}
	resume(): void {}
	/** After an error: reads what is there, and watches from there. */
	async recover(): Promise<void> {}
	/** v3 only: resolves when it was told that up to this index nothing is missing, or it is over. */
	async progressed(_index: number): Promise<void> {}
	/** Nothing to a follower, which asks again by itself. */
	isGone(): void {}

	get isOver(): boolean {
		return this.proof !== undefined;
	}

	/** True while it is sure to be sent each event that is due to it, so that it can be waited for. */
	get isSure(): boolean {
		return !this.isOver && !this.isDropped && !this.isPaused;
	}

	get deliveryCount(): number {
		return this.deliveries.length;
	}

	/** Resolves when it has been sent so many events in all, or when no more can come. */
	async delivered(count: number): Promise<void> {
		await this.until(() => this.deliveries.length >= count || this.isOver);
	}

	expectFence(index: number): void {
		this.fence = index;
	}

	/** The member that it is at answers nobody, or does again. */
	silence(isSilent: boolean): void {
		this.isSilent = isSilent;
	}

	/** Gives up the connection; what it still had to read is lost. */
	async drop(kind: "closed" | "cut"): Promise<void> {
		this.isDropped = true;
		await this.stop();
		await this.reading;
		if (this.proof === undefined) {
			this.note({ kind, at: this.run.now() });
			this.proof = "closed";
		}
		this.hears();
	}

	record(): WatcherRecord {
		return {
			name: this.opened.watcher,
			key: this.key,
			kind: this.kind === "pollLoop" ? "poll" : this.kind,
			recursive: this.opened.recursive,
			deliveries: [...this.deliveries],
			life: [...this.#life],
			proof: this.proof ?? "none",
		};
	}

	/** Resolves when that is so, or when it has ended fatally. */
	protected async until(isSo: () => boolean): Promise<void> {
		while (this.fatal === undefined && !isSo()) await once(this.#heard, "something");
	}

	/** Something has come, or its reading has ended. */
	protected hears(): void {
		this.#heard.emit("something");
	}

	protected note(event: LifeEvent): void {
		this.#life.push(event);
		if (event.kind === "asked") this.run.saw(event.at);
		this.run.changed();
	}

	/** It ends by what is no answer of the server's. */
	protected fail(error: unknown): void {
		this.fatal =
			error instanceof AbortedError ? new AbortedError("the run was interrupted", { cause: error }) : error;
		this.proof = "none";
	}
}
