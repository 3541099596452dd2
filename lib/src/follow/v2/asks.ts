import type { AnswerHead } from "../../http/answer";
import type { LabError } from "../../http/errors";
import type { Pipeline } from "../../http/pipeline";

/** One long poll that has been sent and not answered. */
export interface Ask {
	readonly waitIndex: number;
	/** The connection that it is on. */
	readonly pipeline: Pipeline;
	/** When its headers came (`performance.now()`), and with which X-Etcd-Index; 0 before. */
	registeredAt?: number;
	etcdIndex: number;
	/** A part of its answer has come, which may take its time on a slow link. */
	isBeingAnswered?: boolean;
}

/** Told what becomes of the asks. */
export interface AskHandler {
	/** The headers have come. */
	registered(ask: Ask, head: AnswerHead): void;
	answered(ask: Ask, head: AnswerHead, text: string): void;
	failed(ask: Ask, error: LabError): void;
	/** Its connection was given up, by one of the methods here. */
	dropped(ask: Ask): void;
}

/** Connections for reading the history. */
const windowCount = 2;

/**
 * The long polls that are under way at one member, and their connections. "head": the connection for what has to be
 * answered next, where it waits behind nothing; "window": those for the history, which take turns, so that what each
 * has on its wire is in the order of the indexes; "own": one for this ask alone.
 */
export class Asks {
	readonly #open: () => Pipeline;
	readonly #handler: AskHandler;
	readonly #underWay = new Set<Ask>();
	/** How many bytes have come of all answers. */
	receivedBytes = 0;
	readonly #windows: (Pipeline | undefined)[] = [];
	#head: Pipeline | undefined;
	#nextWindow = 0;

	/** `open` makes a connection to the member. */
	constructor(open: () => Pipeline, handler: AskHandler) {
		this.#open = open;
		this.#handler = handler;
	}

	get size(): number {
		return this.#underWay.size;
	}

	[Symbol.iterator](): IterableIterator<Ask> {
		return this.#underWay.values();
	}

	/** Sends an ask for `waitIndex`, which is in the `path`. */
	send(waitIndex: number, path: string, on: "head" | "window" | "own"): void {
		const pipeline =
			on === "head" ? this.#headPipeline() : on === "window" ? this.#windowPipeline() : this.#open();
		const ask: Ask = { waitIndex, pipeline, etcdIndex: 0 };
		this.#underWay.add(ask);
		pipeline.get(path, {
			began: (head) => this.#handler.registered(ask, head),
			received: (byteCount) => {
				ask.isBeingAnswered = true;
				this.receivedBytes += byteCount;
			},
			ended: (head, text) => {
				if (this.#isOver(ask)) this.#handler.answered(ask, head, text);
			},
			failed: (error) => {
				if (pipeline.destroyed) {
					if (this.#underWay.delete(ask)) this.#handler.dropped(ask);
				} else if (this.#isOver(ask)) this.#handler.failed(ask, error);
			},
		});
	}

	/** This one is enough: gives up the connections of those that the member registered at a lower index. */
	dropBefore(ask: Ask): void {
		for (const { etcdIndex, pipeline } of this.#underWay) {
			if (etcdIndex < ask.etcdIndex && pipeline !== ask.pipeline) pipeline.destroy();
		}
		this.#head = ask.pipeline;
	}

	/** Gives up all connections, and forgets what is on them. */
	dropAll(): void {
		const pipelines = [this.#head, ...this.#windows, ...[...this.#underWay].map(({ pipeline }) => pipeline)];
		this.#head = undefined;
		this.#windows.length = 0;
		this.#underWay.clear();
		for (const pipeline of pipelines) pipeline?.destroy();
	}

	/** True once, when an ask ends by itself; its own connection goes with it. */
	#isOver(ask: Ask): boolean {
		if (!this.#underWay.delete(ask)) return false;
		const { pipeline } = ask;
		if (pipeline !== this.#head && !this.#windows.includes(pipeline)) pipeline.destroy();
		return true;
	}

	#headPipeline(): Pipeline {
		const head = this.#head;
		if (head && !head.destroyed && head.underWay === 0) return head;
		head?.destroy();
		this.#head = this.#open();
		return this.#head;
	}

	#windowPipeline(): Pipeline {
		const at = this.#nextWindow++ % windowCount;
		const known = this.#windows[at];
		if (known !== undefined && !known.destroyed) return known;
		const pipeline = this.#open();
		this.#windows[at] = pipeline;
		return pipeline;
	}
}
