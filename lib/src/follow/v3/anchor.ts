import { CompactedError, FutureRevisionError } from "../../v3/errors";
import type { Place } from "../source";
import { batchRevisions } from "./catch-up";
import type { Feed } from "./feed";
import { arrival, Incoming } from "./incoming";
import type { FaultId } from "./known-faults";
import type { Member } from "./member";
import type { Revisions } from "./revisions";

/** How long a watch of the past is waited for, each time that it is asked. */
const patienceMs = [300, 700, 1_500, 2_500] as const;

/**
 * And by the size of the batch: 3.4.23 reads what was before each event by itself, and takes a second on a free
 * processor for 6,400 events of 90 bytes. At most so long; one that is asked again meanwhile takes its time from it.
 */
const bytesPerMs = 300;
const mostBatchMs = 5_000;

/** For the rest of a batch that has begun. */
const restMs = 30_000;

/** How far back the last event that is known of may lie: the server reads all from there on. */
const farthest = 10_000;

/**
 * A watch from right after a position. Where the server can silence one that begins in the past (issue 20693: before
 * its first compaction, while somebody watches from -1) it is asked from the last event of the range that is known of,
 * itself included, until that is told: all that a server tells at once is whole, so that nothing is missing up to the
 * revision that comes with it. Such a silence is over with the neighbour's watch; where it lasts, CompactedError.
 */
export async function anchored({
	isOne,
	member,
	feed,
	place,
	revisions,
	guard,
	signal,
}: WatchedFrom): Promise<Incoming> {
	const asked: Asked[] = [];
	for (let nth = 0; ; ) {
		const { position } = place;
		revisions.begin();
		// A watch that is canceled before it has told its past tells it in one piece, however large: it is not opened.
		const silence = isOne ? await silenceAfter(member, position, signal) : none;
		let { anchor } = silence;
		let incoming = new Incoming(await feed.watch(anchor ?? position + 1));
		if (anchor === undefined) {
			const { revision } = incoming.watch.header;
			const now = isOne && revision > position ? await silenceAfter(member, position, signal) : none;
			if (!now.canBe) return incoming;
			anchor = silence.canBe ? undefined : now.anchor;
			if (anchor === undefined) {
				// There is nothing to be told, as far as can be known.
				if (!(await member.hasChanged(position, revision, signal))) return incoming;
			} else {
				incoming.watch.close();
				incoming = new Incoming(await feed.watch(anchor));
			}
		}
		asked.push({ incoming, anchor });
		const revisionsAhead = Math.min(batchRevisions, incoming.watch.header.revision - position);
		const batchMs = Math.min(mostBatchMs, (revisionsAhead * member.bytesPerRevision) / bytesPerMs);
		// One that is slow is not canceled: the server would tell it all the same, before the next.
		const teller = await firstToTell(asked, (patienceMs[nth] ?? 0) + batchMs);
		if (teller === undefined) {
			if (++nth === patienceMs.length) throw isGone(member, "20693", position);
			continue;
		}
		for (const { incoming } of asked.splice(0)) if (incoming !== teller) incoming.watch.close();
		await guard(position);
		const is = await told(teller, revisions);
		if (is === "whole") return teller;
		teller.watch.close();
		nth = is === "part" ? 0 : nth + 1;
		if (nth === patienceMs.length) throw isGone(member, "20693", position);
	}
}

/** A watch of the past that has told nothing yet, and the event that it was asked from. */
interface Asked {
	readonly incoming: Incoming;
	readonly anchor: number | undefined;
}

/** What a session has to watch with. */
export interface WatchedFrom {
	/** Of one range of keys. */
	readonly isOne: boolean;
	readonly member: Member;
	readonly feed: Feed;
	readonly place: Place;
	readonly revisions: Revisions;
	/** Called before anything is handed on that comes after a position. @throws where some of it is gone */
	readonly guard: (position: number) => Promise<void>;
	readonly signal: AbortSignal;
}

/** What stands for a past that can't be had, though the server does not say so. */
export function isGone(
	member: Member,
	fault: FaultId,
	position: number,
	compactRevision?: number,
): CompactedError {
	const message = `etcd ${member.version} may leave out what came after revision ${position} (issue ${fault})`;
	member.note(fault, message, true);
	const request = { method: "POST", endpoint: member.endpoint, path: "/v3/watch" };
	return new CompactedError({
		...{ grpcCode: 11, text: message, status: 200, request },
		...(compactRevision === undefined ? {} : { compactRevision }),
	});
}

/** Whether a watch from right after a position can be silenced, and the event to ask it from. */
interface Silence {
	readonly canBe: boolean;
	readonly anchor: number | undefined;
}

const none: Silence = { canBe: false, anchor: undefined };

/** Asked once more when the watch is open: it began in the past only where the store is ahead by now. */
async function silenceAfter(member: Member, position: number, signal: AbortSignal): Promise<Silence> {
	if (!member.has("20693")) return none;
	const [{ revision }, isCompacted, newest] = await Promise.all([
		member.read(signal),
		member.hasForgotten(1, signal),
		position < 1 ? undefined : member.newestUpTo(position, signal).catch(unlessGone),
	]);
	if (revision <= position || isCompacted) return none;
	const isNear = newest !== undefined && position - newest <= farthest;
	return { canBe: true, anchor: isNear ? newest : undefined };
}

/** What was there at a position that is compacted, or yet to come, is not known. */
function unlessGone(error: unknown): undefined {
	if (!(error instanceof CompactedError || error instanceof FutureRevisionError)) throw error;
}

/** The one that has begun to tell the past; those that are told what happens now instead are closed, and left out. */
async function firstToTell(asked: Asked[], ms: number): Promise<Incoming | undefined> {
	const until = performance.now() + ms;
	for (;;) {
		for (const one of [...asked]) {
			const { incoming, anchor } = one;
			const message = incoming.peek();
			if (message === undefined) continue;
			if (message.kind === "progress") {
				incoming.take();
				continue;
			}
			const { revision } = incoming.watch.header;
			const first = message.events[0]?.kv.modRevision ?? 0;
			if (anchor === undefined ? first <= revision : first === anchor) return incoming;
			// What is told as it happens, after a silence, is no proof of what came before.
			incoming.watch.close();
			asked.splice(asked.indexOf(one), 1);
		}
		const leftMs = until - performance.now();
		if (asked.length === 0 || leftMs <= 0) return undefined;
		await arrival(
			asked.map(({ incoming }) => incoming),
			leftMs,
		);
	}
}

/** Reads one batch. "whole": all up to now; "part": all of a batch, which ends before; "silent": the rest never came. */
async function told(incoming: Incoming, revisions: Revisions): Promise<"whole" | "part" | "silent"> {
	const { revision } = incoming.watch.header;
	let count = 0;
	let last = 0;
	for (;;) {
		const message = await incoming.next(restMs);
		if (message === undefined) return "silent";
		if (message.kind === "progress") continue;
		for (const { kv } of message.events) {
			if (kv.modRevision !== last) count++;
			last = kv.modRevision;
		}
		await revisions.hand(message, revision);
		if (message.fragment) continue;
		if (count >= batchRevisions) return "part";
		await revisions.passed(message.header.revision);
		return "whole";
	}
}
