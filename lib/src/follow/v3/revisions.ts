import type { Node } from "../../v2/node";
import { toText } from "../../v3/bytes";
import type { V3Event } from "../../v3/types";
import type { V3Message } from "../../v3/watch";
import type { FollowedEvent, KeySpace } from "../changes";
import type { Place, Take } from "../source";
import { followedBy } from "./range";

type EventMessage = Extract<V3Message, { kind: "events" }>;

/**
 * Hands a watch's events on, all of one revision together and none twice. A message can hold several revisions, and be
 * cut into fragments in the middle of one.
 */
export class Revisions {
	readonly #keySpace: KeySpace;
	readonly #place: Place;
	readonly #take: Take;
	/** Of the last revision of a fragment, whose end has yet to come. */
	#pieces: readonly V3Event[] = [];
	#before: Map<string, Node> | undefined;
	readonly #missing: (revision: number) => Promise<void>;

	/** `missing`: called where an event of that revision does not say what was before it. @throws unless it can't be had */
	constructor(
		keySpace: KeySpace,
		place: Place,
		take: Take,
		missing: (revision: number) => Promise<void> = async () => {},
	) {
		this.#keySpace = keySpace;
		this.#place = place;
		this.#take = take;
		this.#missing = missing;
	}

	/**
	 * A watch begins anew: what its fragments have left is of another one. `before`: all keys of the range as they were
	 * at its position, where its events do not bring what was before them.
	 */
	begin(before?: Map<string, Node>): void {
		this.#pieces = [];
		this.#before = before;
	}

	/** `openedAt`: what is not above it is from the history. Resolves when there is room for more. */
	async hand(message: EventMessage, openedAt: number, isOver: () => boolean = () => false): Promise<void> {
		const events = this.#pieces.length === 0 ? message.events : [...this.#pieces, ...message.events];
		const last = events.at(-1)?.kv.modRevision ?? 0;
		let count = events.length;
		// A revision may go on in the next fragment.
		if (message.fragment) while (count > 0 && events[count - 1]?.kv.modRevision === last) count--;
		this.#pieces = events.slice(count);
		const place = this.#place;
		const bare = this.#before ? undefined : message.events.findLast(isBare);
		if (bare !== undefined && bare.kv.modRevision > place.position) await this.#missing(bare.kv.modRevision);
		let passed = 0;
		for (let from = 0; from < count && !isOver(); ) {
			const revision = events[from]?.kv.modRevision ?? 0;
			let to = from + 1;
			while (to < count && events[to]?.kv.modRevision === revision) to++;
			const told = revision > place.position ? this.#followed(events, from, to, openedAt) : [];
			from = to;
			if (revision <= place.position) continue;
			// Before it is told: who takes it may end the session.
			place.position = revision;
			const [first, ...more] = told;
			passed = first === undefined ? revision : 0;
			if (first === undefined) continue;
			const room =
				more.length === 0
					? this.#take({ kind: "event", event: first })
					: this.#take({ kind: "events", events: [first, ...more] });
			if (room !== undefined) await room;
		}
		if (passed > 0) await this.#take({ kind: "passed", through: passed });
	}

	/** Everything up to there has been told. */
	async passed(through: number): Promise<void> {
		if (through <= this.#place.position) return;
		this.#place.position = through;
		await this.#take({ kind: "passed", through });
	}

	/** Those that are the follower's, of one revision. */
	#followed(events: readonly V3Event[], from: number, to: number, openedAt: number): FollowedEvent[] {
		const before = this.#before;
		const followed: FollowedEvent[] = [];
		// From the last one on, which is the one without more.
		for (let at = to - 1; at >= from; at--) {
			const event = events[at];
			if (event === undefined) continue;
			const key = toText(event.kv.keyBytes);
			if (!this.#keySpace.covers(key)) continue;
			const fromHistory = event.kv.modRevision <= openedAt;
			const one = followedBy(event, key, fromHistory, followed.length > 0, before?.get(key));
			if (before !== undefined && event.type === "put") before.set(key, one.node);
			else before?.delete(key);
			followed.push(one);
		}
		return followed.length < 2 ? followed : followed.reverse();
	}
}

/** Whether something was there before, and the event does not say what. */
function isBare({ type, kv, prevKv }: V3Event): boolean {
	return prevKv === undefined && (type === "delete" || kv.version > 1);
}
