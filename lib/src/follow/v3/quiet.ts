import type { V3Header } from "../../v3/types";
import type { V3Message } from "../../v3/watch";
import type { Place, SourceSettings, Take } from "../source";
import { isGone } from "./anchor";
import type { Feed } from "./feed";
import type { Watched } from "./incoming";
import type { Member } from "./member";

export interface QuietOptions {
	readonly settings: Pick<SourceSettings, "rollMs" | "probeMs" | "onNote">;
	readonly member: Member;
	readonly feed: Feed;
	readonly watch: Watched;
	readonly place: Place;
	readonly proveThrough: () => number;
	readonly take: Take;
	readonly signal: AbortSignal;
	/** The watch begins where the store is: nothing of its past is to come. */
	readonly isSynced: boolean;
	/** Told each header of the member's. */
	readonly heard: (header: V3Header) => void;
	/** Called before silence counts. @throws where something may have been left out */
	readonly guard: () => Promise<void>;
	/** The same, however often it is called. */
	readonly guardAgain: () => Promise<void>;
}

/** The store's revision, and when it was read, or asked for by a progress since. */
interface Settling {
	readonly revision: number;
	readonly at: number;
	readonly askedAt: number;
}

/** What a read has said, and what it was made for: to show that the member could be heard while that settled. */
interface Reading {
	readonly revision: number;
	readonly of: Settling | undefined;
	/** It is to be noted as one. */
	readonly isRoll: boolean;
}

/**
 * How long a watch that begins in the past may be silent before it has told that. etcd keeps such watches apart
 * ("unsynced") and tells them the past ten times a second, some at a time (syncWatchersLoop in
 * mvcc/watchable_store.go at v3.5.9), or later when it has much to do or to read. `behind`: how many revisions.
 */
function patienceMs(behind: number): number {
	return Math.min(5_000, 1_000 + behind / 2);
}

/** So long a watch is waited for that has something of the past to tell, where the server can forget about it. */
const mostSilentMs = 15_000;

/**
 * How long a watch has to be silent after a read of the store's revision to say that it holds nothing up to that, where
 * a requested progress proves nothing: before 3.4.25 and 3.5.8, and by HTTP.
 */
const settleMs = 100;

/** A requested progress gets no answer while the watch is behind: it is asked for again. */
const askAgainMs = 200;

/** Until no answer counts as silence, where none may come at all (issue 17566). */
const unansweredMs = 1_000;

/**
 * The longest time between two reads by WebSocket, which can't carry the wish to be ended without a leader: so soon a
 * member that has lost it is left.
 */
const mostReadMs = 5_000;

/** What is done while nothing comes: whether the member can be heard, how far the store is, and that nothing is missing. */
export class Quiet {
	readonly #options: QuietOptions;
	#wake: (() => void) | undefined;
	#rollAt: number;
	#readAt: number;
	/** The store's revision at a moment since which nothing has come. */
	#settling: Settling | undefined;
	#isReading = false;
	/** What the last read said, until it has been weighed. */
	#answer: Reading | undefined;
	#failure: { readonly error: unknown } | undefined;
	#isSynced: boolean;
	#heardAt = performance.now();
	/** How many bytes had come by the watch's connection then. */
	#receivedBytes: number;
	/** How often in a row the member had something to tell, and was silent. */
	#doubts = 0;

	constructor(options: QuietOptions) {
		this.#options = options;
		this.#isSynced = options.isSynced;
		this.#receivedBytes = options.watch.receivedBytes;
		this.#rollAt = this.#nextRoll();
		this.#readAt = this.#nextRead();
	}

	/** Ends `wait`. */
	wake(): void {
		this.#wake?.();
	}

	/** Resolves when there is something to do. */
	async wait(has: () => boolean): Promise<void> {
		if (has() || (this.#failure ?? this.#answer) !== undefined) return;
		let timer: NodeJS.Timeout | undefined;
		await new Promise<void>((resolve) => {
			this.#wake = resolve;
			timer = setTimeout(resolve, Math.max(1, this.#due() - performance.now()));
		});
		clearTimeout(timer);
		this.#wake = undefined;
	}

	/** Something has come. `openedAt`: the store's revision when the watch began. */
	arrived(message: V3Message, openedAt: number): void {
		this.#settling = undefined;
		this.#rollAt = this.#nextRoll();
		this.#readAt = this.#nextRead();
		this.#heardAt = performance.now();
		this.#doubts = 0;
		const latest = message.kind === "events" ? message.events.at(-1)?.kv.modRevision : undefined;
		this.#isSynced ||= latest === undefined || latest > openedAt;
	}

	/** What is due. @throws what a read ended with */
	async look(hasArrived: boolean): Promise<void> {
		if (this.#failure) throw this.#failure.error;
		const answer = this.#answer;
		this.#answer = undefined;
		this.#hear();
		// What has come since says more.
		if (hasArrived) return;
		if (answer !== undefined) await this.#weigh(answer);
		this.#read();
	}

	/** A part of a message is no silence, however long the rest takes on a slow link: that begins anew. */
	#hear(): void {
		const { receivedBytes } = this.#options.watch;
		if (receivedBytes === this.#receivedBytes) return;
		this.#receivedBytes = receivedBytes;
		const now = performance.now();
		this.#heardAt = now;
		if (this.#settling) this.#settling = { ...this.#settling, at: now, askedAt: now };
	}

	get #provesProgress(): boolean {
		const { feed, member } = this.#options;
		return feed.isWebSocket && member.provesProgress;
	}

	#due(): number {
		const settling = this.#settling;
		const waitMs = this.#provesProgress ? askAgainMs : settleMs;
		const settledAt = settling === undefined ? Number.POSITIVE_INFINITY : settling.askedAt + waitMs;
		return Math.min(
			this.#rollAt,
			this.#readAt,
			settledAt,
			performance.now() + this.#options.settings.probeMs,
		);
	}

	/** Reads the store's revision, where it is time or somebody waits for it. */
	#read(): void {
		const now = performance.now();
		const { member, place, proveThrough, heard, signal } = this.#options;
		const settling = this.#settling;
		const isSettled = settling !== undefined && this.#isSettled(settling, now);
		const isRoll = now >= this.#rollAt;
		const isWanted = settling === undefined && proveThrough() > place.position;
		const isDue = isRoll || now >= this.#readAt;
		if (isRoll) this.#rollAt = this.#nextRoll();
		if (isDue) this.#readAt = this.#nextRead();
		if (this.#isReading || !(isSettled || isDue || isWanted)) return;
		this.#isReading = true;
		member.read(signal).then(
			(header) => {
				heard(header);
				this.#isReading = false;
				this.#answer = { revision: header.revision, of: isSettled ? settling : undefined, isRoll };
				this.wake();
			},
			(error: unknown) => {
				this.#failure ??= { error };
				this.wake();
			},
		);
	}

	/** Whether silence has been long enough to count; asks again for the progress that is better than that. */
	#isSettled(settling: Settling, now: number): boolean {
		const { feed, member } = this.#options;
		if (!this.#provesProgress) return now - settling.at >= settleMs;
		if (now - settling.askedAt < askAgainMs) return false;
		if (member.has("17566") && now - settling.at >= unansweredMs) return true;
		feed.requestProgress();
		this.#settling = { ...settling, askedAt: now };
		return false;
	}

	async #weigh({ revision, of, isRoll }: Reading): Promise<void> {
		const { settings, member, place, feed } = this.#options;
		const { position, quietThrough } = place;
		if (isRoll) settings.onNote({ note: "rolled", endpoint: member.endpoint, afterIndex: position });
		if (of !== undefined && of === this.#settling) {
			this.#settling = undefined;
			await this.#quiet(of.revision);
		} else if (this.#settling === undefined && revision > Math.max(position, quietThrough)) {
			const now = performance.now();
			this.#settling = { revision, at: now, askedAt: now };
			if (this.#provesProgress) feed.requestProgress();
		}
	}

	/** Rule "bookmark a quiet key", by silence. */
	async #quiet(through: number): Promise<void> {
		const { place, take, guard } = this.#options;
		if (through <= place.position) return;
		const isDoubtful = !this.#isSynced && (await this.#isDoubtful(through));
		if (!isDoubtful) await guard();
		if (!isDoubtful) place.quietThrough = through;
		await take({ kind: "quiet", through, isDoubtful });
	}

	/** Whether a watch of the past may only be slow. @throws where what it has to tell is gone */
	async #isDoubtful(through: number): Promise<boolean> {
		const { place, member, guardAgain, signal } = this.#options;
		const { position } = place;
		const silentMs = performance.now() - this.#heardAt;
		if (silentMs < patienceMs(through - position) * 2 ** this.#doubts) return true;
		if (!(await member.hasChanged(position, through, signal))) return false;
		this.#doubts++;
		await guardAgain();
		const isLong = silentMs >= mostSilentMs && member.has("20693");
		if (isLong && !(await member.hasForgotten(1, signal))) throw isGone(member, "20693", position);
		return true;
	}

	#nextRoll(): number {
		const [least, most] = this.#options.settings.rollMs;
		return performance.now() + least + Math.random() * (most - least);
	}

	#nextRead(): number {
		const { feed } = this.#options;
		return feed.isWebSocket
			? performance.now() + mostReadMs * (0.8 + Math.random() / 5)
			: Number.POSITIVE_INFINITY;
	}
}
