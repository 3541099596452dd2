import { ConnectionError } from "../../http/errors";
import type { V3Client } from "../../v3/client";
import { CompactedError } from "../../v3/errors";
import type { V3Event, V3Header } from "../../v3/types";
import type { V3Message, V3Watch } from "../../v3/watch";
import type { FollowedEvent, KeySpace } from "../changes";
import type { Place, Session, SourceSettings, Take } from "../source";
import { type FollowedRange, followedBy } from "./range";

/** What a session at a member is told. Durations in milliseconds. */
export interface V3SessionSettings extends Omit<SourceSettings, "backoffMs"> {
	readonly client: V3Client;
	readonly keySpace: KeySpace;
}

type Arrival = { readonly message: V3Message | undefined } | { readonly error: unknown };

/** The store's revision, and when it was read. */
interface Settling {
	readonly revision: number;
	readonly at: number;
}

/** What a read has said, and what it was made for: to show that the member could be heard while that settled. */
interface Reading {
	readonly revision: number;
	readonly of: Settling | undefined;
	readonly isRoll: boolean;
}

/**
 * How long a watch that begins in the past may be silent before it has told that. etcd keeps such watches apart
 * ("unsynced") and tells them the past ten times a second, some at a time (syncWatchersLoop in
 * mvcc/watchable_store.go at v3.5.9), or later when it has much to do.
 */
const patienceMs = 5_000;

/** How long a watch has to be silent after a read of the store's revision to say that it holds nothing up to that. */
const settleMs = 100;

/**
 * Everything after a revision as one member tells it, by one watch. While that is quiet the member is asked by reads
 * that need its leader whether it can be heard, and how far the store is. It ends with an error when the member fails;
 * whoever reads goes on from `place` elsewhere.
 */
export class V3Session implements Session {
	readonly #settings: V3SessionSettings;
	readonly #endpoint: string;
	readonly #range: FollowedRange;
	readonly #place: Place;
	readonly #clusterId: () => string;
	readonly #proveThrough: () => number;
	/** Pieces of a message whose end has yet to come. */
	#pieces: V3Event[] = [];
	#arrival: Arrival | undefined;
	#wake: (() => void) | undefined;
	#rollAt: number;
	/** The store's revision at a moment since which nothing has come. */
	#settling: Settling | undefined;
	#isReading = false;
	/** What the last read said, until it has been weighed. */
	#answer: Reading | undefined;
	#failure: { readonly error: unknown } | undefined;
	#suspect = false;
	/** The watch has been told all of the past, as far as anything has shown. */
	#isSynced = false;
	#heardAt = 0;
	#isRegistered = false;

	constructor(
		settings: V3SessionSettings,
		endpoint: string,
		range: FollowedRange,
		place: Place,
		clusterId: () => string,
		proveThrough: () => number,
	) {
		this.#settings = settings;
		this.#endpoint = endpoint;
		this.#range = range;
		this.#place = place;
		this.#clusterId = clusterId;
		this.#proveThrough = proveThrough;
		this.#rollAt = this.#nextRoll();
	}

	/** True once the member has taken the watch. */
	get isRegistered(): boolean {
		return this.#isRegistered;
	}

	/** @throws what made the member fail; returns after the signal, "cleared" and "behind" */
	async run(take: Take, signal: AbortSignal): Promise<void> {
		const reading = new AbortController();
		const stop = () => {
			reading.abort();
			this.#wake?.();
		};
		signal.addEventListener("abort", stop, { once: true });
		let watch: V3Watch | undefined;
		try {
			watch = await this.#open(reading.signal);
			await this.#read(watch, take, reading.signal);
		} catch (error) {
			if (signal.aborted) return;
			if (!(error instanceof CompactedError)) throw error;
			await this.#cleared(error, take);
		} finally {
			signal.removeEventListener("abort", stop);
			reading.abort();
			watch?.close();
		}
	}

	async #open(signal: AbortSignal): Promise<V3Watch> {
		const { client, obeys, timeoutMs } = this.#settings;
		const { first, end } = this.#range;
		// Without the rule: what a reader does who lists, and then watches from now on.
		const isFromNow = !this.#place.isReconnect && !obeys("list first");
		const watch = await client.watch(first, {
			...(end === undefined ? {} : { rangeEnd: end }),
			...(isFromNow ? {} : { startRevision: this.#place.position + 1 }),
			...{ prevKv: true, fragment: true, progressNotify: true },
			// A member that has lost its leader ends the watch by itself; the reads find out what does not.
			requireLeader: obeys("no poll for ever"),
			...{ endpoint: this.#endpoint, signal, timeoutMs },
		});
		this.#isRegistered = true;
		this.#isSynced = isFromNow || this.#place.position >= watch.header.revision;
		this.#heardAt = performance.now();
		this.#heard(watch.header, this.#place.position);
		return watch;
	}

	async #read(watch: V3Watch, take: Take, signal: AbortSignal): Promise<void> {
		if (this.#place.isReconnect) await take({ kind: "reconnected" });
		this.#place.isReconnect = true;
		this.#next(watch);
		while (!signal.aborted) {
			await this.#somethingToDo();
			if (signal.aborted) return;
			const arrival = this.#arrival;
			if (arrival !== undefined) {
				this.#arrival = undefined;
				if ("error" in arrival) throw arrival.error;
				if (arrival.message === undefined) {
					throw new ConnectionError(`${this.#endpoint} ended the watch`, { maybeApplied: false });
				}
				await this.#take(arrival.message, watch.header.revision, take);
				this.#next(watch);
			}
			if (signal.aborted) return;
			if (this.#failure) throw this.#failure.error;
			if (this.#suspect && (await this.#isBehind(signal))) {
				await take({ kind: "behind" });
				return;
			}
			const read = this.#answer;
			this.#answer = undefined;
			if (read !== undefined && arrival === undefined) await this.#weigh(read, take);
			if (arrival === undefined) this.#look(signal);
		}
	}

	#next(watch: V3Watch): void {
		const arrived = (arrival: Arrival) => {
			this.#arrival = arrival;
			this.#wake?.();
		};
		watch.next().then(
			(message) => arrived({ message }),
			(error: unknown) => arrived({ error }),
		);
	}

	async #somethingToDo(): Promise<void> {
		if (this.#arrival ?? this.#failure ?? this.#answer) return;
		let timer: NodeJS.Timeout | undefined;
		await new Promise<void>((resolve) => {
			this.#wake = resolve;
			timer = setTimeout(resolve, Math.max(1, this.#due() - performance.now()));
		});
		clearTimeout(timer);
		this.#wake = undefined;
	}

	// --- hearing -----------------------------------------------------------------------------------------------

	/** A word of the member's about its revision, which should be `least`, and its cluster. */
	#heard(header: V3Header, least: number): void {
		if (header.revision >= least && !this.#isOtherCluster(header)) return;
		if (this.#settings.obeys("an index that goes back is a reset")) this.#suspect = true;
	}

	#isOtherCluster({ clusterId }: V3Header): boolean {
		const known = this.#clusterId();
		return known !== "" && known !== clusterId.toString(16);
	}

	async #take(message: V3Message, openedAt: number, take: Take): Promise<void> {
		this.#settling = undefined;
		this.#rollAt = this.#nextRoll();
		this.#heardAt = performance.now();
		const { obeys } = this.#settings;
		const latest = message.kind === "events" ? message.events.at(-1)?.kv.modRevision : undefined;
		this.#isSynced ||= latest === undefined || latest > openedAt;
		if (message.kind === "progress") {
			// Its revision is proved: a member sends it only to a watch that has been sent everything (v3rpc/watch.go; what
			// issue 15220 found is of progress that was asked for, which the gateway can't).
			const { revision } = message.header;
			if (revision <= this.#place.position || !obeys("bookmark a quiet key")) return;
			this.#place.position = revision;
			await take({ kind: "passed", through: revision });
			return;
		}
		const events = this.#pieces.concat(message.events);
		// A revision may be cut in two where a message is: what has its last revision waits for the next piece.
		const last = events.at(-1)?.kv.modRevision ?? 0;
		const whole = message.fragment ? events.filter(({ kv }) => kv.modRevision < last) : events;
		this.#pieces = message.fragment ? events.slice(whole.length) : [];
		await this.#hand(whole, openedAt, take);
		if (!obeys("go on after the event")) this.#place.position = message.header.revision;
	}

	/** All events of one revision together, in the order of the revisions. */
	async #hand(events: readonly V3Event[], openedAt: number, take: Take): Promise<void> {
		const { keySpace } = this.#settings;
		let passed = 0;
		for (let from = 0; from < events.length; ) {
			const revision = events[from]?.kv.modRevision ?? 0;
			let to = from;
			while (events[to]?.kv.modRevision === revision) to++;
			const own = events.slice(from, to).filter(({ kv }) => keySpace.covers(nameOf(kv.keyBytes)));
			from = to;
			passed = own.length === 0 ? revision : 0;
			const followed = own.map((event, nth) => followedBy(event, revision <= openedAt, nth < own.length - 1));
			const [only, ...more] = followed;
			// Before it is told: who takes it may end the session.
			this.#place.position = Math.max(this.#place.position, revision);
			if (only === undefined) continue;
			const room =
				more.length === 0
					? take({ kind: "event", event: only })
					: take({ kind: "events", events: followed as [FollowedEvent, ...FollowedEvent[]] });
			if (room !== undefined) await room;
		}
		if (passed > 0) await take({ kind: "passed", through: passed });
	}

	/** Rule "a cleared history is a gap". */
	async #cleared({ compactRevision = 0 }: CompactedError, take: Take): Promise<void> {
		const { obeys } = this.#settings;
		const place = this.#place;
		// Without the rule: on from the oldest that there is, as if nothing had been lost. With it too where silence has
		// spoken for what is gone.
		if (
			compactRevision > 0 &&
			(!obeys("a cleared history is a gap") || place.quietThrough >= compactRevision - 1)
		) {
			place.position = compactRevision - 1;
			return;
		}
		await take({ kind: "cleared" });
	}

	// --- looking at the clock ----------------------------------------------------------------------------------

	#due(): number {
		const now = performance.now();
		const settled = this.#settling === undefined ? Number.POSITIVE_INFINITY : this.#settling.at + settleMs;
		return Math.min(this.#rollAt, settled, now + this.#settings.probeMs);
	}

	/** While nothing comes: whether the member can be heard, and how far the store is. */
	#look(signal: AbortSignal): void {
		const now = performance.now();
		const { obeys } = this.#settings;
		const settling = this.#settling;
		const isSettled = settling !== undefined && now - settling.at >= settleMs;
		const isRoll = now >= this.#rollAt;
		const isWanted = settling === undefined && this.#proveThrough() > this.#place.position;
		if (isRoll) this.#rollAt = this.#nextRoll();
		if (this.#isReading || !(isSettled || isRoll || isWanted) || !obeys("no poll for ever")) return;
		this.#isReading = true;
		this.#revision(signal).then(
			(revision) => {
				this.#isReading = false;
				this.#answer = { revision, of: isSettled ? settling : undefined, isRoll };
				this.#wake?.();
			},
			(error: unknown) => {
				this.#failure ??= { error };
				this.#wake?.();
			},
		);
	}

	/** What a read has said, if nothing has come since, which says more. */
	async #weigh({ revision, of, isRoll }: Reading, take: Take): Promise<void> {
		const { position, quietThrough } = this.#place;
		if (isRoll) this.#settings.onNote({ note: "rolled", endpoint: this.#endpoint, afterIndex: position });
		if (of !== undefined && of === this.#settling) {
			this.#settling = undefined;
			await this.#quiet(of.revision, take);
		} else if (this.#settling === undefined && revision > Math.max(position, quietThrough)) {
			this.#settling = { revision, at: performance.now() };
		}
	}

	/** Rule "bookmark a quiet key": by silence, where etcd's own progress comes every 10 minutes. */
	async #quiet(through: number, take: Take): Promise<void> {
		if (!this.#settings.obeys("bookmark a quiet key")) return;
		if (through <= this.#place.position) return;
		const isDoubtful = !this.#isSynced && performance.now() - this.#heardAt < patienceMs;
		if (!isDoubtful) this.#place.quietThrough = through;
		await take({ kind: "quiet", through, isDoubtful });
	}

	/** The store's revision by a read that needs the member's leader. */
	async #revision(signal: AbortSignal): Promise<number> {
		const { client, timeoutMs } = this.#settings;
		const { first } = this.#range;
		const { header } = await client.range(first, {
			countOnly: true,
			endpoint: this.#endpoint,
			signal,
			timeoutMs,
		});
		this.#heard(header, this.#place.position);
		return header.revision;
	}

	/** Rule "an index that goes back is a reset": a member that only lagged has caught up when it answers this. */
	async #isBehind(signal: AbortSignal): Promise<boolean> {
		this.#suspect = false;
		await this.#revision(signal);
		const isBehind = this.#suspect;
		this.#suspect = false;
		return isBehind;
	}

	#nextRoll(): number {
		const [least, most] = this.#settings.rollMs;
		return performance.now() + least + Math.random() * (most - least);
	}
}

/** For telling keys apart only; those that are no text are told apart too, and refused when they are handed on. */
function nameOf(key: Buffer): string {
	return key.toString("utf8");
}
