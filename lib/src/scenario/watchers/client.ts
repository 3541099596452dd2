import { ConnectionError } from "../../http/errors";
import type { FaultKind } from "../../timeline/timeline";
import type { Source, WatchListener } from "../api";
import type { ApiEvent } from "../record";
import type { OpenStep } from "../steps";
import { RunWatcher } from "./watcher";

/** A watch, a stream or polls: it reads its source, records what comes, and knows whether more can come. */
export class ClientWatcher extends RunWatcher {
	readonly faultMs = undefined;
	#source: Source | undefined;
	#gate: Promise<void> = Promise.resolve();
	#openGate: (() => void) | undefined;
	/** What its client would ask with after a cut. */
	#resumeAfter: number | undefined;
	#lastEvent: ApiEvent | undefined;
	/** Up to which index of the run v3 has said that nothing is missing. */
	#progress = Number.NEGATIVE_INFINITY;
	/** From which of the store's indexes on it has asked. */
	#asked: number | undefined;
	/** It asks a store for an index of the one before, which was wiped. */
	#isAhead = false;
	/** v2: a stream that has paused, or asked for the past, may have been dropped by the server. */
	#isDoubtful = false;

	get isPaused(): boolean {
		return this.#openGate !== undefined || this.isSilent || this.#isAhead;
	}

	get askedFrom(): number {
		return this.#asked === undefined ? Number.NEGATIVE_INFINITY : this.run.recorder.index(this.#asked);
	}

	override get isSure(): boolean {
		return super.isSure && !this.#isDoubtful;
	}

	override async progressed(index: number): Promise<void> {
		await this.until(() => this.isOver || this.isDropped || this.#progress >= index);
		if (this.#progress >= index) this.note({ kind: "bookmarked", at: index });
	}

	async caughtUp(index: number, count = 1): Promise<void> {
		const isBehind = () => this.#source?.hasMore || !((this.deliveries.at(-count)?.index ?? -1) >= index);
		await this.until(() => !this.isSure || !isBehind());
		if (!this.isSure) return;
		// A poll is over after its event. A loop's reader gets the same error, and records it.
		if (this.kind === "poll") await this.reading;
		else await this.#source?.registered?.().catch(() => {});
	}

	async open(step: OpenStep): Promise<void> {
		const { recorder } = this.run;
		const { goOnAfter, afterIndex } = step;
		if (goOnAfter === "event") return this.#start(this.#lastEvent?.node.modifiedIndex);
		if (goOnAfter === "response") return this.#start(this.#lastEvent?.etcdIndex);
		return this.#start(afterIndex === undefined ? undefined : recorder.absoluteIndex(afterIndex));
	}

	override pause(): void {
		if (this.#openGate) return;
		this.#gate = new Promise((open) => {
			this.#openGate = open;
		});
		this.#isDoubtful = !this.run.api.streamsAreSure;
		this.note({ kind: "paused", at: this.run.now() });
	}

	override resume(): void {
		this.#readOn();
		this.note({ kind: "resumed", at: this.run.now() });
	}

	protected override async stop(): Promise<void> {
		this.#resumeAfter = this.#carried;
		this.#source?.close();
		this.#readOn();
	}

	async reconnect(): Promise<void> {
		await this.#start(this.#resumeAfter);
	}

	/** After a 401, or in v3 a compaction: list, then watch from there. */
	override async recover(): Promise<void> {
		const { api, recorder, signal } = this.run;
		const { index, nodes } = await api.list(recorder.absoluteKey(this.key), this.opened.recursive, signal);
		const keys = nodes.map((node) => recorder.node(node));
		this.note({ kind: "listed", at: recorder.index(index), keys });
		await this.#start(index);
	}

	override isGone(): void {
		this.proof = "gone";
		this.#source?.close();
	}

	/** Its connection is gone. A reader that stands still has yet to notice. */
	async sawFault(fault: FaultKind): Promise<void> {
		if ((fault === "kill" || fault === "wipe") && this.#openGate === undefined) await this.reading;
	}

	get #carried(): number | undefined {
		return this.kind === "watch" ? this.#source?.afterIndex : undefined;
	}

	#readOn(): void {
		this.#openGate?.();
		this.#openGate = undefined;
	}

	async #start(afterIndex: number | undefined): Promise<void> {
		this.proof = undefined;
		this.isDropped = false;
		this.#isAhead = false;
		this.#isDoubtful = false;
		try {
			this.#source = await this.#sourceFrom(afterIndex);
		} catch (error) {
			this.#failed(error);
			if (this.fatal !== undefined) throw error;
			return;
		}
		this.reading = this.#read(this.#source);
	}

	#sourceFrom(afterIndex: number | undefined): Promise<Source> {
		const { api, recorder, signal } = this.run;
		const options = {
			recursive: this.opened.recursive,
			progressNotify: this.opened.progressNotify === true,
			signal,
			...(afterIndex === undefined ? {} : { afterIndex }),
		};
		const listener: WatchListener = {
			asked: ({ etcdIndex }, waitIndex) => this.#wasAsked(etcdIndex, waitIndex),
			progressed: (index) => {
				this.#progress = recorder.index(index);
				this.hears();
			},
			answered: ({ event, etcdIndex }) => {
				// The fence's answer is not recorded.
				const at = Math.max(
					recorder.index(event?.node.modifiedIndex ?? etcdIndex),
					recorder.index(etcdIndex),
				);
				if (event === undefined || recorder.index(event.node.modifiedIndex) < this.fence)
					this.note({ kind: "answered", at });
			},
		};
		return api.watch(this.kind, recorder.absoluteKey(this.key), options, listener);
	}

	#wasAsked(etcdIndex: number, waitIndex: number | undefined): void {
		const { recorder, api } = this.run;
		this.#asked = waitIndex ?? etcdIndex + 1;
		this.#isAhead = recorder.store > 0 && waitIndex !== undefined && waitIndex > etcdIndex + 1;
		if (this.kind === "stream" && waitIndex !== undefined && waitIndex <= etcdIndex)
			this.#isDoubtful = !api.streamsAreSure;
		const store = this.#isAhead ? recorder.store - 1 : recorder.store;
		this.note({
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
				if (this.isDropped) return;
				if (event === undefined) break;
				const delivery = this.run.recorder.delivery(event);
				if (delivery.index >= this.fence) {
					this.proof = "fence";
					source.close();
					return;
				}
				this.#lastEvent = event;
				this.#asked = event.node.modifiedIndex + 1;
				this.deliveries.push(delivery);
				this.run.sawEvent(delivery.index);
				this.run.changed();
				this.hears();
			}
			if (this.kind === "poll" || this.kind === "pollLoop") this.proof ??= "answered";
			else if (this.proof === undefined) this.#wasCut();
		} catch (error) {
			this.#failed(error);
		} finally {
			this.hears();
		}
	}

	#failed(error: unknown): void {
		if (this.isDropped || this.proof === "gone") return;
		const { api, recorder } = this.run;
		const refusal = api.refusal(error, this.#asked, recorder);
		if (refusal) {
			const { code, message, cause, gap } = refusal;
			const at = refusal.index === undefined ? this.run.now() : recorder.index(refusal.index);
			this.run.saw(at);
			const counted = gap ? { gap: { from: recorder.index(gap.from), to: recorder.index(gap.to) } } : {};
			this.note({ kind: "error", at, code, message, cause, ...counted });
			this.proof = "error";
		} else if (error instanceof ConnectionError) this.#wasCut();
		else {
			this.fail(error);
		}
	}

	/** By the server, or what is on the way to it. */
	#wasCut(): void {
		this.#resumeAfter = this.#carried;
		this.note({ kind: "cut", at: this.run.now() });
		this.proof = "none";
	}
}
