import { LabError } from "../../http/errors";
import type { Accepted, WriteRecord } from "../../timeline/timeline";
import { isRemoval } from "../../v2/key";
import { type Fenced, nobody, type RunContext, type Source } from "../api";
import type { ApiEvent } from "../record";

/** How a ttl ended: by the key's expiry, or `never`, and why. */
export type Ending =
	| { readonly kind: "expired"; readonly write: WriteRecord }
	| { readonly kind: "never"; readonly why: string };

/** What an expiry is told to, and asked of. */
export interface ExpiryListener {
	/** Records it; gives its write. */
	expired(outcome: Accepted): WriteRecord;
	/** v3, which does not tell an expiry from a delete: whether a write of the run took the key away at this index. */
	isRemovedByRun(key: string, index: number): Promise<boolean>;
}

/** A watch on one key that has a ttl, which records its expiry whether or not a step waits for it. */
export class ExpiryWatch implements Fenced {
	readonly isPaused = false;
	readonly deliveryCount = 0;
	readonly ending: Promise<Ending>;
	#end: (ending: Ending) => void = () => {};
	isOver = false;
	reading: Promise<void> = Promise.resolve();
	#source: Source | undefined;
	#fence = Number.POSITIVE_INFINITY;
	/** The last index of the run at which it was given a ttl. */
	#given = 0;

	/** `key`: the run's. */
	constructor(
		readonly key: string,
		private readonly run: RunContext,
		private readonly listener: ExpiryListener,
	) {
		this.ending = new Promise((resolve) => {
			this.#end = resolve;
		});
	}

	get askedFrom(): number {
		return this.#given + 1;
	}

	/** `index`: the run's, of the write that gave the ttl. Once more: a later write gave it another. */
	async open(index: number): Promise<void> {
		this.#given = index;
		if (this.#source !== undefined) return;
		const { api, recorder, signal } = this.run;
		const afterIndex = recorder.absoluteIndex(index);
		const options = { recursive: false, atWriters: true, afterIndex, signal };
		try {
			this.#source = await api.watch("watch", recorder.absoluteKey(this.key), options, nobody);
			this.reading = this.#read(this.#source);
		} catch (error) {
			this.#failed(error);
		}
	}

	expectFence(index: number): void {
		this.#fence = index;
	}

	isGone(): void {
		this.close();
	}

	close(): void {
		this.#source?.close();
		this.#never("the run has ended");
	}

	async #read(source: Source): Promise<void> {
		try {
			while (!this.isOver) {
				const event = await source.next();
				if (event === undefined) this.#never("its watch was ended");
				else await this.#heard(event);
			}
		} catch (error) {
			this.#failed(error);
		} finally {
			source.close();
		}
	}

	async #heard(event: ApiEvent): Promise<void> {
		const { api, recorder } = this.run;
		const { index, action, node, prevNode } = recorder.delivery(event);
		if (index >= this.#fence) return this.#never("the run has ended");
		const isExpiry =
			api.name === "v3"
				? action === "delete" && !(await this.listener.isRemovedByRun(this.key, index))
				: action === "expire";
		if (isExpiry) {
			const before = prevNode ? { prevNode } : {};
			const outcome: Accepted = { kind: "accepted", index, raisesEvent: true, action, node, ...before };
			const write = this.listener.expired(outcome);
			if (index < this.#given) return;
			this.isOver = true;
			this.#end({ kind: "expired", write });
		} else if (index <= this.#given) return;
		else if (isRemoval({ action })) this.#never(`it was removed at index ${index}`);
		// What a v3 event has of a lease is not known; there the watch goes on.
		else if (api.name === "v2" && node.ttl === undefined)
			this.#never(`the ${action} at index ${index} took its ttl away`);
	}

	#never(why: string): void {
		this.isOver = true;
		this.#end({ kind: "never", why });
	}

	/** What ends a watch of its own ends no run. */
	#failed(error: unknown): void {
		if (!(error instanceof LabError)) throw error;
		this.#never(`its watch ended: ${error.message}`);
	}
}
