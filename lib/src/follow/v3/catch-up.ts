import type { Node } from "../../v2/node";
import type { V3Watch } from "../../v3/watch";
import type { V3Watches } from "../../v3/watches";
import type { Place } from "../source";
import { watchOptions } from "./feed";
import { Incoming } from "./incoming";
import type { Member, MemberSettings } from "./member";
import type { Revisions } from "./revisions";

/**
 * As many revisions as a watch of the past is told at once, every 100 ms: watchBatchMaxRevs in mvcc/watcher_group.go
 * and syncWatchersLoop in mvcc/watchable_store.go, from 3.4 to 3.8.0-alpha.
 */
export const batchRevisions = 1_000;

/** How many bytes of what is ahead may be held, and so how many watches there are side by side. */
const maxHeldBytes = 32 * 1024 * 1024;
const mostAtOnce = 128;

/** How many connections carry them: the gateway makes the JSON of one after the other, by one processor. */
const connections = 2;

/** What an event has in a message beside its key and values. */
const wordsBytes = 180;

/** A watch that is told one batch. */
interface Chunk {
	readonly start: number;
	/** The one after it begins here. */
	readonly end: number;
	readonly on: V3Watches;
	readonly watch: Promise<V3Watch>;
	/** Its events are here, and were there when the server was last asked whether it has forgotten some. */
	state: "asked" | "here" | "guarded";
}

export interface CatchUpOptions {
	readonly settings: MemberSettings;
	readonly member: Member;
	readonly place: Place;
	readonly revisions: Revisions;
	readonly signal: AbortSignal;
	/** Called before anything of a watch is handed on that begins after a revision. @throws where some of it is gone */
	readonly guard: (position: number) => Promise<void>;
}

/**
 * Reads what lies far behind by many watches side by side, each from where the one before it is expected to end: the
 * server tells a watch only 1,000 revisions every 100 ms, but does so for all that are behind in one round. Each is
 * canceled after its one batch; they are handed on in order. What is ahead is held by bytes: fewer at once for large
 * values, and the farthest is given up (to be asked for again) when they are larger than they seemed.
 */
export class CatchUp {
	readonly #options: CatchUpOptions;
	readonly #chunks: Chunk[] = [];
	#connections: readonly V3Watches[] = [];
	#before: Map<string, Node> | undefined;
	/** The next one begins here. */
	#next: number;
	/** How many revisions of the store lie between the beginnings of two. */
	#width = batchRevisions;
	#atOnce: number;
	/** How many have been asked for, by each connection in turn. */
	#asked = 0;

	constructor(options: CatchUpOptions) {
		this.#options = options;
		this.#next = options.place.position + 1;
		// A value and the one before it, in base64.
		this.#atOnce = fitting(options.member.bytesPerRevision * 3 + wordsBytes);
	}

	/** Up to a revision, or until the server tells nothing. @throws what ended the connection; CompactedError */
	async run(through: number): Promise<void> {
		const { member, place, signal } = this.#options;
		// Half of what the server has to read and to send.
		this.#before = await member.stateAt(place.position, signal);
		if (this.#before !== undefined) this.#atOnce = fitting(member.bytesPerRevision * 1.5 + wordsBytes);
		try {
			this.#connections = await this.#connect();
			while (place.position < through && !signal.aborted) {
				this.#ask(through);
				const [chunk] = this.#chunks;
				if (chunk === undefined) return;
				// The ones before were told so much that this one has nothing more.
				const isPassed = chunk.end <= place.position + 1;
				if (!isPassed && !(await this.#read(chunk, through))) return;
				this.#chunks.shift();
				if (isPassed) close(chunk);
			}
		} finally {
			for (const watches of this.#connections) watches.close();
		}
	}

	/** As many connections as can be had. @throws why there is none */
	async #connect(): Promise<readonly V3Watches[]> {
		const { client, endpoint, timeoutMs } = this.#options.settings;
		const open = async (): Promise<V3Watches> => {
			const watches = await client.watches({
				...{ endpoint, timeoutMs, signal: this.#options.signal },
				maxHeldBytes: maxHeldBytes / connections,
				onFull: () => this.#giveUpFarthest(watches),
			});
			return watches;
		};
		const asked = await Promise.allSettled(Array.from({ length: connections }, open));
		const opened = asked.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
		const refused = asked.find((one) => one.status === "rejected");
		if (opened.length === 0) throw refused?.reason;
		return opened;
	}

	#ask(through: number): void {
		const { place } = this.#options;
		const [first] = this.#chunks;
		if (first === undefined) this.#next = place.position + 1;
		// What was told has ended before this one begins.
		else if (first.start > place.position + 1)
			this.#chunks.unshift(this.#open(place.position + 1, first.start));
		while (this.#chunks.length < this.#atOnce && this.#next <= through) {
			this.#chunks.push(this.#open(this.#next, this.#next + this.#width));
			this.#next += this.#width;
		}
	}

	#open(start: number, end: number): Chunk {
		const { settings, member } = this.#options;
		const [range] = settings.ranges;
		const options = {
			...watchOptions(settings, range, start, member.inFragments),
			prevKv: this.#before === undefined,
			once: true,
			onEvents: () => {
				if (chunk.state === "asked") chunk.state = "here";
			},
		};
		const on = this.#connections[this.#asked++ % this.#connections.length] as V3Watches;
		const watch = on.watch(range.first, options);
		// Whoever comes to it is told.
		watch.catch(() => {});
		const chunk: Chunk = { start, end, on, watch, state: "asked" };
		return chunk;
	}

	/** One question for all that are here: they are further on, and came before it. */
	async #guard(chunk: Chunk): Promise<void> {
		if (chunk.state === "guarded") return;
		const here = this.#chunks.filter(({ state }) => state === "here");
		await this.#options.guard(Math.max(chunk.start - 1, this.#options.place.position));
		for (const one of here) one.state = "guarded";
	}

	/** Hands one batch on. False when none comes. */
	async #read(chunk: Chunk, through: number): Promise<boolean> {
		const { place, revisions, signal } = this.#options;
		const { start, watch } = chunk;
		const incoming = new Incoming(await watch);
		revisions.begin(this.#before);
		let count = 0;
		let last = 0;
		let bytes = 0;
		for (let isFirst = true; ; isFirst = false) {
			const message = await incoming.next(isFirst ? patienceMs(through - place.position) : restMs);
			if (message === undefined) return false;
			if (message.kind === "progress") continue;
			if (isFirst) await this.#guard(chunk);
			for (const { kv, prevKv } of message.events) {
				if (kv.modRevision !== last) count++;
				last = kv.modRevision;
				bytes += 4 * (kv.keyBytes.length + kv.valueBytes.length + (prevKv?.valueBytes.length ?? 0));
			}
			await revisions.hand(message, message.header.revision, () => signal.aborted);
			if (signal.aborted) return false;
			if (message.fragment) continue;
			// Fewer than that: all there were when the header was made.
			if (count < batchRevisions) await revisions.passed(message.header.revision);
			else this.#width = Math.max(batchRevisions, Math.floor((last - start + 1) * 0.95));
			this.#atOnce = fitting(bytes / 3 / Math.max(1, count) + wordsBytes);
			return true;
		}
	}

	/** The farthest that a full connection has to carry; those beyond are given up with it. */
	#giveUpFarthest(full: V3Watches): void {
		while (this.#chunks.length > 1) {
			const last = this.#chunks.pop() as Chunk;
			this.#next = last.start;
			this.#atOnce = Math.max(1, this.#chunks.length);
			close(last);
			if (last.on === full) return;
		}
	}
}

/** For the rest of a batch that has begun. */
const restMs = 30_000;

/** How long the server may take for its next round: it reads all that lies between the oldest watch and now. */
function patienceMs(behind: number): number {
	return Math.min(10_000, 1_000 + behind / 50);
}

function fitting(bytesPerRevision: number): number {
	const many = Math.floor(maxHeldBytes / (batchRevisions * bytesPerRevision));
	return Math.max(1, Math.min(mostAtOnce, many));
}

function close({ watch }: Chunk): void {
	watch.then(
		(one) => one.close(),
		() => {},
	);
}
