import type { AnswerHead } from "../../http/answer";
import type { LabError } from "../../http/errors";
import type { Pipeline } from "../../http/pipeline";
import { EtcdError, UnauthorizedError } from "../../v2/errors";
import { keyPath } from "../../v2/key";
import { parseAnswer } from "../../v2/parse";

/** What a probe is made with. Durations in milliseconds. */
export interface ProbeOptions {
	readonly key: string;
	/** How often the member is asked while its index moves. */
	readonly probeMs: number;
	/** How long its answer may take, headers and body each. */
	readonly timeoutMs: number;
	/** Makes a connection to the member. */
	readonly open: () => Pipeline;
	/** The cluster that the last list came from; "" if not known. */
	readonly clusterId: () => string;
	/** There is news: an answer, or that the member is suspect. */
	readonly onNews: () => void;
	readonly onFailed: (error: LabError) => void;
}

/** How many times `probeMs` lies between two questions, at most, while the index does not move. */
const longestIdle = 2;

/** How many indexes may pass between two questions before they come more often. */
const manyIndexes = 50;

/** The least time between two questions. */
const leastMs = 10;

/**
 * What is known of a member: its index, its cluster, when it last lived; and the question that tells, asked every
 * `probeMs` while its index moves, sooner the faster it does (down to 10 ms), and up to twice as long while it stands
 * still. It is a read of a hidden name below the followed key, which costs etcd little; a user who may read the followed
 * key alone is refused that (error 110), and reads the key itself.
 */
export class Probe {
	readonly #options: ProbeOptions;
	#pipeline: Pipeline | undefined;
	#path: string;
	#isClosed = false;
	#isUnderWay = false;
	#nextAt: number;
	#everyMs: number;
	#index = 0;
	#livedAt = 0;
	#clusterId = "";
	#isSuspect = false;

	constructor(options: ProbeOptions) {
		this.#options = options;
		const { key, probeMs } = options;
		this.#path = keyPath(`${key === "/" ? "" : key}/_etcd-watch-lab-index`);
		this.#everyMs = probeMs;
		this.#nextAt = performance.now() + probeMs;
	}

	/** The member's index, by what any of its answers said. */
	get index(): number {
		return this.#index;
	}

	/** When the newest question was sent that the member has answered (`performance.now()`). */
	get livedAt(): number {
		return this.#livedAt;
	}

	/** When it is to be asked next; Infinity while a question is on its way. */
	get dueAt(): number {
		return this.#isUnderWay ? Number.POSITIVE_INFINITY : this.#nextAt;
	}

	/** It said that it is behind where it should be, or of another cluster: `isAnother` asks for the truth. */
	get isSuspect(): boolean {
		return this.#isSuspect;
	}

	/** A word of the member's about its index, which should be at least `least`, and its cluster. */
	heard(head: AnswerHead, least: number): void {
		const index = Number(head.headers["x-etcd-index"]);
		const { "x-etcd-cluster-id": clusterId } = head.headers;
		if (index > this.#index) this.#index = index;
		if (typeof clusterId === "string") this.#clusterId = clusterId;
		if ((!this.#isOtherCluster() && index >= least) || this.#isSuspect) return;
		this.#isSuspect = true;
		this.#options.onNews();
	}

	/** Asks how far the member is, unless it is being asked. `position`: where it should be. */
	send(position: number): void {
		if (this.#isUnderWay) return;
		this.#isUnderWay = true;
		const now = performance.now();
		const before = this.#index;
		this.ask("false", position)
			.then((index) => {
				this.#livedAt = now;
				this.#everyMs = this.#nextEveryMs(index - before);
				this.#nextAt = performance.now() + this.#everyMs;
				this.#isUnderWay = false;
				this.#options.onNews();
			})
			.catch((error: LabError) => {
				if (!this.#isClosed) this.#options.onFailed(error);
			});
	}

	/**
	 * The member's index, read by quorum or as the member itself has it. `least`: what it should be at least.
	 * @throws LabError when it fails, or its answer takes longer than `timeoutMs`
	 */
	async ask(quorum: "true" | "false", least: number): Promise<number> {
		try {
			return await this.#read(quorum, least);
		} catch (error) {
			const own = keyPath(this.#options.key);
			if (!(error instanceof UnauthorizedError) || this.#path === own) throw error;
			this.#path = own;
			return await this.#read(quorum, least);
		}
	}

	/** By quorum: whether the member's store is behind the position, or of another cluster. One that only lagged is not. */
	async isAnother(position: number): Promise<boolean> {
		const index = await this.ask("true", 0);
		this.#isSuspect = false;
		return index < position || this.#isOtherCluster();
	}

	/** Ends the question under way; nothing is told after that. */
	close(): void {
		this.#isClosed = true;
		this.#pipeline?.destroy();
	}

	#isOtherCluster(): boolean {
		const known = this.#options.clusterId();
		return known !== "" && this.#clusterId !== "" && known !== this.#clusterId;
	}

	#nextEveryMs(passed: number): number {
		const { probeMs } = this.#options;
		if (passed > manyIndexes) return Math.max(leastMs, (this.#everyMs * manyIndexes) / passed);
		return Math.min(passed > 0 ? probeMs : probeMs * longestIdle, this.#everyMs * 2);
	}

	#read(quorum: "true" | "false", least: number): Promise<number> {
		const { timeoutMs, open } = this.#options;
		this.#pipeline ??= open();
		const pipeline = this.#pipeline;
		const path = `${this.#path}?quorum=${quorum}`;
		return new Promise((resolve, reject) => {
			pipeline.get(
				path,
				{
					began() {},
					ended: (head, text) => {
						try {
							parseAnswer({ method: "GET", path }, head, text);
						} catch (error) {
							// Not found, or below a file: it is the index that was asked for.
							if (!(error instanceof EtcdError && (error.code === 100 || error.code === 104)))
								return reject(error);
						}
						this.heard(head, least);
						resolve(Number(head.headers["x-etcd-index"]));
					},
					failed: reject,
				},
				{ bodyMs: timeoutMs },
			);
		});
	}
}
