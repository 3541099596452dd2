import { BadAnswerError, ConnectionError } from "../../http/errors";
import { onAbort } from "../../http/signals";
import { CompactedError } from "../../v3/errors";
import type { V3Header } from "../../v3/types";
import type { V3Message } from "../../v3/watch";
import type { KeySpace } from "../changes";
import type { Session, SessionOptions, SourceSettings, Take } from "../source";
import { anchored, isGone, type WatchedFrom } from "./anchor";
import { batchRevisions, CatchUp } from "./catch-up";
import { type Feed, openFeed } from "./feed";
import type { Incoming } from "./incoming";
import type { FaultId } from "./known-faults";
import { Member, type MemberSettings, type Memory } from "./member";
import { Quiet } from "./quiet";
import type { FollowedRanges } from "./range";
import { Revisions } from "./revisions";
import { Turns } from "./turns";

/** What a session at a member is told, beside where it begins. Durations in milliseconds. */
export interface V3SessionSettings extends Omit<SourceSettings, "backoffMs">, Pick<MemberSettings, "client"> {
	readonly keySpace: KeySpace;
	readonly ranges: FollowedRanges;
	readonly memory: Memory;
}

/** So often in a row a message may be too large. */
const mostTooLarge = 4;

/** After so many messages a server with issue 17529 is asked again: it leaves something out only when 128 wait. */
const messagesBetweenChecks = 100;

/**
 * Everything after a revision as one member tells it: what lies far behind by watches side by side (`CatchUp`), then by
 * one watch. While that is quiet the member is asked by reads that need its leader whether it can be heard, and how far
 * the store is (`Quiet`). It ends with an error when the member fails; whoever reads goes on from `place` elsewhere.
 */
export class V3Session implements Session {
	readonly #settings: V3SessionSettings;
	readonly #options: SessionOptions;
	readonly #member: MemberSettings;
	#isRegistered = false;
	#isSuspect = false;

	constructor(settings: V3SessionSettings, options: SessionOptions) {
		this.#settings = settings;
		this.#options = options;
		this.#member = { ...settings, endpoint: options.endpoint };
	}

	/** True once the member has taken the watch. */
	get isRegistered(): boolean {
		return this.#isRegistered;
	}

	/** @throws what made the member fail; returns after the signal, "cleared" and "behind" */
	async run(take: Take, signal: AbortSignal): Promise<void> {
		const reading = new AbortController();
		// Whoever took the note of this session may have ended it.
		const leave = onAbort(signal, () => reading.abort());
		let feed: Feed | undefined;
		try {
			const { client, endpoint, timeoutMs } = this.#member;
			const begin = async () => {
				const meeting = Member.meet(this.#member, reading.signal);
				feed = await openFeed(this.#member, meeting, reading.signal);
				return { member: await meeting, feed };
			};
			const begun = await Turns.at(client, endpoint, timeoutMs).take(begin, reading.signal);
			await this.#follow(begun.member, begun.feed, take, reading.signal);
		} catch (error) {
			if (signal.aborted) return;
			if (!(error instanceof CompactedError)) throw this.#failure(error);
			await this.#cleared(error, take);
		} finally {
			leave();
			reading.abort();
			feed?.close();
		}
	}

	/**
	 * A message that is too large was not asked for in fragments, or is a watch's that the server has told something
	 * before it took note of that (recvLoop in api/v3rpc/watch.go registers the watch first): it is asked for again.
	 */
	#failure(error: unknown): unknown {
		const { memory } = this.#settings;
		if (!(error instanceof BadAnswerError) || error.kind !== "too large") return error;
		const { position: after } = this.#options.place;
		const count = memory.tooLarge.after === after ? memory.tooLarge.count + 1 : 1;
		memory.tooLarge = { count, after };
		if (count > mostTooLarge) return error;
		return new ConnectionError(`${error.message}: asked again`, { maybeApplied: false, cause: error });
	}

	async #follow(member: Member, feed: Feed, take: Take, signal: AbortSignal): Promise<void> {
		const { place } = this.#options;
		const revisions = new Revisions(this.#settings.keySpace, place, take, (revision) =>
			this.#askAgain(member, revision, signal),
		);
		const guard = (position: number) => this.#guard(member, position, signal);
		const isOne = this.#settings.ranges.length === 1;
		const from: WatchedFrom = { isOne, member, feed, place, revisions, guard, signal };
		const canCatchUp = isOne && feed.isWebSocket && knowsBatches(member.version);
		this.#heard(member.header);
		if (place.isReconnect) await take({ kind: "reconnected" });
		place.isReconnect = true;
		for (let revision: number | undefined = member.header.revision; revision !== undefined; ) {
			if (signal.aborted || (await this.#toldBehind(member, take, signal))) return;
			if (canCatchUp && revision - place.position > batchRevisions) {
				const before = place.position;
				await new CatchUp({ settings: this.#member, ...from }).run(revision);
				this.#isRegistered ||= place.position > before;
			}
			if (signal.aborted) return;
			const incoming = await anchored(from);
			this.#isRegistered = true;
			this.#heard(incoming.watch.header);
			revision = await this.#read(incoming, from, take, canCatchUp);
		}
	}

	/** Reads a watch. Gives the store's revision where that is far ahead of it; undefined when it is over. */
	async #read(
		incoming: Incoming,
		{ member, feed, place, revisions, guard, signal }: WatchedFrom,
		take: Take,
		canCatchUp: boolean,
	): Promise<number | undefined> {
		const { watch } = incoming;
		const openedAt = watch.header.revision;
		const isSynced = place.position >= openedAt;
		let isGuarded = isSynced;
		const guardOnce = async () => {
			if (!isGuarded) await guard(place.position);
			isGuarded = true;
		};
		const quiet = new Quiet({
			...{ settings: this.#settings, member, feed, watch, place, take, signal, isSynced },
			proveThrough: this.#options.proveThrough,
			heard: (header) => this.#heard(header),
			guard: guardOnce,
			guardAgain: () => guard(place.position),
		});
		incoming.onArrival = () => quiet.wake();
		const leave = onAbort(signal, () => quiet.wake());
		let messages = 0;
		try {
			for (;;) {
				await quiet.wait(() => incoming.has);
				if (signal.aborted) return undefined;
				const message = incoming.take();
				if (message !== undefined) quiet.arrived(message, openedAt);
				if (message?.kind === "events") {
					await guardOnce();
					if (++messages % messagesBetweenChecks === 0)
						await this.#guard(member, place.position, signal, ["17529"]);
					await revisions.hand(message, openedAt, () => signal.aborted);
					if (canCatchUp && isFarBehind(message, place.position)) return message.header.revision;
				} else if (message !== undefined) {
					// A member sends it only to a watch that has been sent everything up to there.
					await guardOnce();
					await revisions.passed(message.header.revision);
				}
				if (signal.aborted || (await this.#toldBehind(member, take, signal))) return undefined;
				await quiet.look(message !== undefined);
			}
		} finally {
			leave();
			watch.close();
		}
	}

	/**
	 * Where the member has a fault that leaves something out at a compaction: whether what comes after a position is all
	 * there. @throws CompactedError where it may not be
	 */
	async #guard(
		member: Member,
		position: number,
		signal: AbortSignal,
		faults: readonly FaultId[] = ["18089", "19179", "17529"],
	): Promise<void> {
		const fault = faults.find((one) => member.has(one));
		if (fault === undefined || !(await member.hasForgotten(position, signal))) return;
		// Silence has spoken for what is gone: from there on, if all is there.
		const { quietThrough } = this.#options.place;
		const isSpokenFor = quietThrough > position && !(await member.hasForgotten(quietThrough, signal));
		throw isGone(member, fault, position, isSpokenFor ? quietThrough + 1 : undefined);
	}

	/**
	 * A watch was told something before the server took note of `prev_kv`: recvLoop in api/v3rpc/watch.go registers it
	 * first. It is asked for again, unless what was before has been compacted. @throws ConnectionError
	 */
	async #askAgain(member: Member, revision: number, signal: AbortSignal): Promise<void> {
		if (await member.hasForgotten(revision - 1, signal)) return;
		const message = `${member.endpoint} left out what was before revision ${revision}: asked again`;
		throw new ConnectionError(message, { maybeApplied: false });
	}

	/** A word of the member's about its revision, which should not be behind, and its cluster. */
	#heard(header: V3Header): void {
		const known = this.#options.clusterId();
		const isOther = known !== "" && known !== header.clusterId.toString(16);
		if (header.revision < this.#options.place.position || isOther) this.#isSuspect = true;
	}

	/** Whether the member is behind, or of another cluster; that is told then. */
	async #toldBehind(member: Member, take: Take, signal: AbortSignal): Promise<boolean> {
		if (!this.#isSuspect || !(await this.#isBehind(member, signal))) return false;
		await take({ kind: "behind" });
		return true;
	}

	/** Rule "an index that goes back is a reset": a member that only lagged has caught up when it answers this. */
	async #isBehind(member: Member, signal: AbortSignal): Promise<boolean> {
		this.#isSuspect = false;
		this.#heard(await member.read(signal));
		// A linearizable read can be stale there.
		if (this.#isSuspect && member.has("20418")) {
			this.#isSuspect = false;
			this.#heard(await member.read(signal));
		}
		const isBehind = this.#isSuspect;
		this.#isSuspect = false;
		return isBehind;
	}

	/** Rule "a cleared history is a gap". */
	async #cleared({ compactRevision = 0 }: CompactedError, take: Take): Promise<void> {
		const { place } = this.#options;
		// Silence has spoken for what is gone.
		if (compactRevision > 0 && place.quietThrough >= compactRevision - 1) {
			place.position = Math.max(place.position, compactRevision - 1);
			return;
		}
		await take({ kind: "cleared" });
	}
}

/** Whether a batch of the past was full, and much more is to come. */
function isFarBehind(message: V3Message, position: number): boolean {
	if (message.kind !== "events" || message.fragment) return false;
	return message.events.length >= batchRevisions && message.header.revision - position > batchRevisions;
}

/** Whether how much a watch is told at once is known of a version: see `batchRevisions`. */
function knowsBatches(version: string): boolean {
	return /^3\.[4-8]\./.test(version);
}
