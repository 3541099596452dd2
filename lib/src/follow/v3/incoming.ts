import { AbortedError, ConnectionError } from "../../http/errors";
import { CompactedError } from "../../v3/errors";
import type { V3Event, V3Header } from "../../v3/types";
import type { V3Message, V3Watch } from "../../v3/watch";

/** What is read of a watch here. */
export type Watched = Pick<V3Watch, "header" | "endpoint" | "receivedBytes" | "next" | "close">;

type Arrived = { readonly message: V3Message | undefined } | { readonly error: unknown };

/** What comes by a watch, one message ahead of what is done with it. */
export class Incoming {
	readonly watch: Watched;
	#arrived: Arrived | undefined;
	#isAsked = false;
	#wake: () => void = () => {};

	constructor(watch: Watched) {
		this.watch = watch;
		this.#ask();
	}

	/** Whether there is something to take. */
	get has(): boolean {
		return this.#arrived !== undefined;
	}

	/** Called whenever there is. */
	set onArrival(wake: () => void) {
		this.#wake = wake;
	}

	/** The message that has come; undefined if none has. @throws what the watch ended with */
	take(): V3Message | undefined {
		const message = this.#message();
		if (message === undefined) return undefined;
		this.#arrived = undefined;
		this.#ask();
		return message;
	}

	/** The message that could be taken, which stays. Throws as `take`. */
	peek(): V3Message | undefined {
		return this.#message();
	}

	/** Waits for a message; undefined when nothing, not even a part of one, comes for so long. Throws as `take`. */
	async next(ms: number): Promise<V3Message | undefined> {
		await arrival([this], ms);
		return this.take();
	}

	#ask(): void {
		const arrived = (arrival: Arrived) => {
			this.#isAsked = false;
			this.#arrived = arrival;
			this.#wake();
		};
		if (this.#isAsked) return;
		this.#isAsked = true;
		this.watch.next().then(
			(message) => arrived({ message }),
			(error: unknown) => arrived({ error }),
		);
	}

	#message(): V3Message | undefined {
		const arrived = this.#arrived;
		if (arrived === undefined) return undefined;
		if ("error" in arrived) throw arrived.error;
		if (arrived.message !== undefined) return arrived.message;
		throw new ConnectionError(`${this.watch.endpoint} ended the watch`, { maybeApplied: false });
	}
}

/** Resolves when there is something to take of one of them, or nothing has come for so long: on a slow link a message takes longer. */
export async function arrival(of: readonly Incoming[], ms: number): Promise<void> {
	for (let before: number | undefined; ; ) {
		const received = receivedBy(of.map(({ watch }) => watch));
		if (received === before || of.some(({ has }) => has)) return;
		before = received;
		let timer: NodeJS.Timeout | undefined;
		await new Promise<void>((resolve) => {
			for (const incoming of of) incoming.onArrival = resolve;
			timer = setTimeout(resolve, ms);
		});
		clearTimeout(timer);
		for (const incoming of of) incoming.onArrival = () => {};
	}
}

/** How many bytes have come by them. */
function receivedBy(watches: readonly Watched[]): number {
	return watches.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
}

/** How long the other watches have to be silent, where no progress can be asked for. */
const settleMs = 100;
/** How often it is asked for again: it is not answered while a watch is behind. */
const askAgainMs = 200;

/** One of the watches, with what it told and nobody has been given yet. */
interface Part {
	readonly incoming: Incoming;
	events: V3Event[];
	/** All up to here has come by it. */
	through: number;
}

/**
 * Several watches as one: their events in the order of the revisions, all of one revision in one message. An event waits
 * until every other watch has come as far: by an event of its own, by a progress, which is asked for, or, where that
 * proves nothing, by 100 ms of silence. What is later than that has been overtaken: CompactedError, and so a gap.
 */
export class JoinedWatch implements Watched {
	readonly endpoint: string;
	/** Of the watch that was registered last. */
	readonly header: V3Header;
	readonly #parts: readonly Part[];
	readonly #requestProgress: (() => void) | undefined;
	#handed = 0;
	#latest: V3Header;
	#isClosed = false;
	#wake: () => void = () => {};

	/** `requestProgress`: where its answer proves what it says. */
	constructor(watches: readonly [Watched, ...Watched[]], requestProgress: (() => void) | undefined) {
		this.endpoint = watches[0].endpoint;
		this.header = watches.reduce((one, two) =>
			one.header.revision < two.header.revision ? two : one,
		).header;
		this.#latest = this.header;
		this.#parts = watches.map((watch) => ({ incoming: new Incoming(watch), events: [], through: 0 }));
		this.#requestProgress = requestProgress;
		for (const { incoming } of this.#parts) incoming.onArrival = () => this.#wake();
	}

	get receivedBytes(): number {
		return receivedBy(this.#parts.map(({ incoming }) => incoming.watch));
	}

	async next(): Promise<V3Message | undefined> {
		try {
			for (;;) {
				if (this.#isClosed) throw new AbortedError("the watch was closed");
				for (const part of this.#parts) this.#take(part);
				const message = this.#joined();
				if (message !== undefined) return message;
				await this.#more();
			}
		} catch (error) {
			this.close();
			throw error;
		}
	}

	close(): void {
		this.#isClosed = true;
		for (const { incoming } of this.#parts) incoming.watch.close();
		this.#wake();
	}

	#take(part: Part): void {
		const message = part.incoming.take();
		if (message === undefined) return;
		if (message.header.revision > this.#latest.revision) this.#latest = message.header;
		if (message.kind === "progress") {
			part.through = Math.max(part.through, message.header.revision);
			return;
		}
		const last = message.events.at(-1)?.kv.modRevision ?? 0;
		const late = message.events.find(({ kv }) => kv.modRevision <= this.#handed);
		if (late !== undefined) throw this.#overtaken(late.kv.modRevision);
		part.events = part.events.concat(message.events);
		// The rest of its last revision may be in the next fragment.
		part.through = Math.max(part.through, message.fragment ? last - 1 : last);
	}

	/** What every watch has come as far as. */
	#joined(): V3Message | undefined {
		const through = Math.min(...this.#parts.map((part) => part.through));
		if (through <= this.#handed) return undefined;
		this.#handed = through;
		const events: V3Event[] = [];
		for (const part of this.#parts) {
			const count = part.events.findIndex(({ kv }) => kv.modRevision > through);
			events.push(...part.events.splice(0, count < 0 ? part.events.length : count));
		}
		const header = { ...this.#latest, revision: through };
		if (events.length === 0) return { kind: "progress", header };
		return {
			kind: "events",
			header,
			events: events.sort((one, two) => one.kv.modRevision - two.kv.modRevision),
			fragment: false,
		};
	}

	/** Waits for more; while something waits for the others, for them to say how far they are, or for their silence. */
	async #more(): Promise<void> {
		const held = Math.max(...this.#parts.map(({ events }) => events.at(-1)?.kv.modRevision ?? 0));
		const isHeld = held > this.#handed;
		if (isHeld) this.#requestProgress?.();
		const has = () => this.#isClosed || this.#parts.some(({ incoming }) => incoming.has);
		const received = this.receivedBytes;
		let timer: NodeJS.Timeout | undefined;
		if (!has()) {
			await new Promise<void>((resolve) => {
				this.#wake = resolve;
				if (isHeld) timer = setTimeout(resolve, this.#requestProgress ? askAgainMs : settleMs);
			});
		}
		clearTimeout(timer);
		this.#wake = () => {};
		if (has() || this.receivedBytes > received || this.#requestProgress !== undefined) return;
		for (const part of this.#parts) part.through = Math.max(part.through, held);
	}

	#overtaken(revision: number): CompactedError {
		const text = `an event of revision ${revision} came after one of ${this.#handed}`;
		const request = { method: "POST", endpoint: this.endpoint, path: "/v3/watch" };
		return new CompactedError({ grpcCode: 11, text, status: 200, request });
	}
}
