import { CompactedError } from "../../v3/errors";
import type { Place } from "../source";
import { batchRevisions } from "./catch-up";
import type { Feed } from "./feed";
import { Incoming } from "./incoming";
import type { FaultId } from "./known-faults";
import type { Member } from "./member";
import type { Revisions } from "./revisions";

/** How long a watch of the past is waited for, each time that it is asked. */
const patienceMs = [300, 700, 1_500, 2_500] as const;

/** And for each millisecond that a slow server needs for a large batch. */
const bytesPerMs = 5_000;

/** And for the rest of a batch that has begun. */
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
	for (let nth = 0; ; ) {
		const { position } = place;
		revisions.begin();
		// A watch that is canceled before it has told its past tells it in one piece, however large: it is not opened.
		const isSilent = isOne && (await canBeSilenced(member, position, signal));
		let anchor = isSilent ? await anchorOf(member, position, signal) : undefined;
		let incoming = new Incoming(await feed.watch(anchor ?? position + 1));
		if (anchor === undefined) {
			const { revision } = incoming.watch.header;
			if (!isOne || revision <= position || !(await canBeSilenced(member, position, signal))) return incoming;
			anchor = isSilent ? undefined : await anchorOf(member, position, signal);
			if (anchor === undefined) {
				const newest = await member.newestUpTo(revision, signal);
				// There is nothing to be told, as far as can be known.
				if (newest === undefined || newest <= position) return incoming;
			} else {
				incoming.watch.close();
				incoming = new Incoming(await feed.watch(anchor));
			}
		}
		const revisionsAhead = Math.min(batchRevisions, incoming.watch.header.revision - position);
		const ms = (patienceMs[nth] ?? 0) + (revisionsAhead * member.bytesPerRevision) / bytesPerMs;
		const is = await told(incoming, anchor, Math.min(ms, restMs), revisions, () => guard(position));
		if (is === "whole") return incoming;
		incoming.watch.close();
		if (is === "part") nth = 0;
		else if (++nth === patienceMs.length) throw isGone(member, "20693", position);
	}
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

/** Asked once the watch is open: it began in the past only where the store is ahead by now. */
async function canBeSilenced(member: Member, position: number, signal: AbortSignal): Promise<boolean> {
	if (!member.has("20693")) return false;
	const { revision } = await member.read(signal);
	return revision > position && !(await member.hasForgotten(1, signal));
}

async function anchorOf(member: Member, position: number, signal: AbortSignal): Promise<number | undefined> {
	const newest = position < 1 ? undefined : await member.newestUpTo(position, signal);
	return newest === undefined || position - newest > farthest ? undefined : newest;
}

/** Reads one batch. "whole": all up to now; "part": all of a batch, which ends before; "silent": nothing that counts. */
async function told(
	incoming: Incoming,
	anchor: number | undefined,
	ms: number,
	revisions: Revisions,
	guard: () => Promise<void>,
): Promise<"whole" | "part" | "silent"> {
	const { revision } = incoming.watch.header;
	let count = 0;
	let last = 0;
	for (let isFirst = true; ; ) {
		const message = await incoming.peek(isFirst ? ms : restMs);
		if (message === undefined) return "silent";
		if (message.kind === "progress") {
			incoming.take();
			continue;
		}
		// What is told as it happens, after a silence, is no proof of what came before.
		const first = message.events[0]?.kv.modRevision ?? 0;
		if (isFirst && (anchor === undefined ? first > revision : first !== anchor)) return "silent";
		incoming.take();
		if (isFirst) await guard();
		isFirst = false;
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
