import type { AnswerHead } from "../../http/answer";
import { longestMs } from "../../http/checks";
import type { LabError } from "../../http/errors";
import type { HttpRequest } from "../../http/request";
import { onAbort } from "../../http/signals";
import type { Transport } from "../../http/transport";
import { watchRequest } from "../../v2/watch";
import type { FollowedEvent } from "../changes";
import type { Session, SessionOptions, SourceSettings, Take } from "../source";
import { isToldLive, readAnswer } from "./answers";
import { AskWindow } from "./ask-window";
import { type Ask, Asks } from "./asks";
import { Outbox } from "./outbox";
import { Probe } from "./probe";
import { Silence } from "./silence";

/** What a session is made with. */
export interface V2SessionOptions extends SessionOptions, SourceSettings {
	readonly transport: Transport;
	readonly key: string;
	readonly recursive: boolean;
}

type Answered = { readonly ask: Ask; readonly head: AnswerHead; readonly text: string };
type Arrival = Answered | { readonly error: LabError };

/** The least time between two looks at the clock. Milliseconds. */
const tickMs = 10;

/**
 * Everything after an index as one member tells it, by long polls: one while nothing happens, many at once while the
 * history is ahead. It ends with an error when the member fails; whoever reads goes on from the place elsewhere.
 */
export class V2Session implements Session {
	readonly #options: V2SessionOptions;
	readonly #request: HttpRequest;
	readonly #window: AskWindow<FollowedEvent>;
	readonly #asks: Asks;
	readonly #probe: Probe;
	readonly #silence: Silence;
	#outbox = new Outbox(() => undefined);
	readonly #arrivals: Arrival[] = [];
	/** True while nothing is to be done but to wait: what arrives then is told at once. */
	#isWaiting = false;
	/** The loop will go on when what has arrived is with its reader. */
	#isAwake = false;
	#wake: () => void = () => {};
	#isOver = false;
	/** What ended it. */
	#failure: { readonly error: unknown } | undefined;
	isRegistered = false;
	/** The lowest index that was asked for and is gone. */
	#clearedFrom: number | undefined;
	#lookedAt = 0;
	#rollAt = 0;
	/** How many bytes of answers had come when the next roll was set. */
	#receivedBytes = 0;

	constructor(options: V2SessionOptions) {
		this.#options = options;
		const { transport, endpoint, timeoutMs, key, recursive, place } = options;
		this.#request = watchRequest(key, { recursive }, false);
		this.#window = new AskWindow(place.position);
		const open = () => transport.pipeline(endpoint, timeoutMs);
		this.#probe = new Probe({
			...options,
			open,
			onNews: () => this.#wake(),
			onFailed: (error) => this.#arrived({ error }),
		});
		this.#asks = new Asks(open, {
			registered: (ask, head) => this.#registered(ask, head),
			answered: (ask, head, text) => this.#arrived({ ask, head, text }),
			failed: (_, error) => this.#arrived({ error }),
			dropped: ({ waitIndex }) => this.#window.dropped(waitIndex),
		});
		this.#silence = new Silence(this.#asks, this.#probe, () => ({
			position: this.#window.position,
			width: this.#window.width,
			isCleared: this.#clearedFrom !== undefined,
			isHolding: this.#window.isHolding,
			proveThrough: options.proveThrough(),
		}));
	}

	async run(take: Take, signal: AbortSignal): Promise<void> {
		const stop = () => {
			this.#isOver = true;
			this.#outbox.close();
			// Whatever is waited for ends with its connection.
			this.#asks.dropAll();
			this.#probe.close();
			this.#wake();
		};
		this.#outbox = new Outbox(take);
		this.#rollAt = this.#nextRoll();
		const unlisten = onAbort(signal, stop);
		try {
			if (signal.aborted) return;
			this.#ask();
			while (!(await this.#step()));
		} catch (error) {
			if (!signal.aborted) throw this.#options.transport.withoutSecrets(error);
		} finally {
			unlisten();
			stop();
			this.#options.place.position = this.#window.position;
		}
	}

	/** Waits until there is something to do, and does it. True at the end. */
	async #step(): Promise<boolean> {
		await this.#somethingToDo();
		if (this.#isOver) return true;
		if (this.#options.place.isReconnect && this.isRegistered) {
			this.#options.place.isReconnect = false;
			this.#outbox.tell({ kind: "reconnected" });
		}
		this.#takeArrivals();
		if (this.#failure === undefined) {
			this.#look(performance.now());
			this.#ask();
		}
		// The position has moved on past these: they have to be out before anything can throw.
		await this.#outbox.emptied();
		if (this.#isOver) return true;
		if (this.#failure !== undefined) throw this.#failure.error;
		const isBehind = this.#probe.isSuspect && (await this.#probe.isAnother(this.#window.position));
		if (isBehind || this.#isCleared()) {
			this.#outbox.tell({ kind: isBehind ? "behind" : "cleared" });
			await this.#outbox.emptied();
			return true;
		}
		if (performance.now() >= this.#rollAt) await this.#roll();
		this.#ask();
		return this.#isOver;
	}

	async #somethingToDo(): Promise<void> {
		if (this.#arrivals.length > 0 || this.#failure !== undefined || this.#isOver) return;
		const { isReconnect } = this.#options.place;
		if (this.#probe.isSuspect || (isReconnect && this.isRegistered)) return;
		const probeAt = this.isRegistered ? this.#probe.dueAt : Number.POSITIVE_INFINITY;
		const waitMs = Math.min(this.#rollAt, probeAt, this.#silence.dueAt) - performance.now();
		let timer: NodeJS.Timeout | undefined;
		await new Promise<void>((resolve) => {
			this.#wake = resolve;
			this.#isWaiting = !isReconnect && this.#outbox.hasRoom;
			timer = setTimeout(resolve, Math.min(longestMs, Math.max(1, waitMs)));
		});
		this.#isWaiting = false;
		clearTimeout(timer);
		this.#wake = () => {};
	}

	#ask(): void {
		if (this.#clearedFrom !== undefined) return;
		for (let next = this.#window.next(); next !== undefined; next = this.#window.next()) {
			this.#send(next, next === this.#window.position + 1 ? "head" : "window");
		}
	}

	#send(waitIndex: number, on: "head" | "window" | "own"): void {
		this.#asks.send(waitIndex, `${this.#request.path}&waitIndex=${waitIndex}`, on);
	}

	/** All asks are made anew. */
	#restart(): void {
		this.#asks.dropAll();
		this.#window.dropAll();
	}

	#registered(ask: Ask, head: AnswerHead): void {
		const etcdIndex = Number(head.headers["x-etcd-index"]);
		if (head.status !== 200 || !Number.isSafeInteger(etcdIndex)) return;
		ask.registeredAt = performance.now();
		ask.etcdIndex = etcdIndex;
		if (!this.isRegistered) {
			this.isRegistered = true;
			this.#wake();
		}
		this.#probe.heard(head, ask.waitIndex - 1);
	}

	#arrived(arrival: Arrival): void {
		this.#arrivals.push(arrival);
		if (!this.#isWaiting || "error" in arrival) {
			this.#wake();
			return;
		}
		// With the consumer first; what is to be asked next comes right after.
		this.#takeArrivals();
		if (this.#isAwake) return;
		this.#isAwake = true;
		queueMicrotask(() => {
			this.#isAwake = false;
			this.#wake();
		});
	}

	#takeArrivals(): void {
		for (let arrival = this.#arrivals.shift(); arrival !== undefined; arrival = this.#arrivals.shift()) {
			if (this.#failure !== undefined) continue;
			try {
				if ("error" in arrival) throw arrival.error;
				this.#answered(arrival);
			} catch (error) {
				this.#failure = { error };
			}
		}
	}

	#answered({ ask, head, text }: Answered): void {
		const { waitIndex, etcdIndex } = ask;
		const { onNote } = this.#options;
		const told = readAnswer(this.#request, ask, head, text);
		if (told.kind === "event") {
			const { index } = told.event;
			const jumped = () => onNote({ note: "jump", askedIndex: waitIndex, eventIndex: index });
			this.#tell(this.#window.answered(waitIndex, etcdIndex, index, told.event, jumped));
			return;
		}
		this.#window.dropped(waitIndex);
		if (told.kind === "empty") return;
		this.#clearedFrom = Math.min(waitIndex, this.#clearedFrom ?? waitIndex);
	}

	#tell(events: readonly FollowedEvent[]): void {
		const { key, recursive } = this.#options;
		for (const event of events) {
			const isForUs = isToldLive(event, key, recursive);
			this.#outbox.tell(isForUs ? { kind: "event", event } : { kind: "passed", through: event.index });
		}
		if (events.length > 0) this.#rollAt = this.#nextRoll();
	}

	/**
	 * What was asked for before the history passed it by may still be on its way, or wait with nothing to come: then
	 * it proves what it can, and the rest is cleared.
	 */
	#isCleared(): boolean {
		const from = this.#clearedFrom;
		if (from === undefined) return false;
		const { position } = this.#window;
		if (position >= from) {
			this.#clearedFrom = undefined;
			return false;
		}
		return position === from - 1 || !this.#window.hasAskBelow(from);
	}

	#look(now: number): void {
		if (now - this.#lookedAt < tickMs) return;
		this.#lookedAt = now;
		for (const ask of this.#silence.settled(now)) {
			this.#prove(ask);
			if (this.#window.width === 1 && ask.pipeline.underWay <= 1) continue;
			// The history is read to its end: one ask that waits is enough, on a connection where nothing waits behind it.
			this.#restart();
			break;
		}
		const from = this.#silence.askAgainFrom;
		if (from !== undefined) {
			this.#window.sent(from);
			this.#send(from, "own");
		}
		if (!this.isRegistered) return;
		if (now >= this.#probe.dueAt || this.#silence.needsProbe(now)) this.#probe.send(this.#window.position);
	}

	/** The history holds nothing from where this ask was sent up to where it was registered. */
	#prove(ask: Ask): void {
		const { moved, events } = this.#window.proved(ask.waitIndex, ask.etcdIndex);
		if (!moved) return;
		this.#outbox.tell({ kind: "quiet", through: ask.etcdIndex });
		this.#tell(events);
		this.#asks.dropBefore(ask);
	}

	/** Rule "no poll for ever": after a quorum read, which a member cut off from its leader can't answer. */
	async #roll(): Promise<void> {
		const isBeingAnswered = this.#asks.receivedBytes > this.#receivedBytes;
		this.#rollAt = this.#nextRoll();
		await this.#probe.ask("true", this.#window.position);
		// It was not quiet after all.
		if (this.#arrivals.length > 0 || isBeingAnswered) return;
		const { endpoint, onNote } = this.#options;
		onNote({ note: "rolled", endpoint, afterIndex: this.#window.position });
		this.#restart();
	}

	#nextRoll(): number {
		this.#receivedBytes = this.#asks.receivedBytes;
		const [least, most] = this.#options.rollMs;
		return performance.now() + least + Math.random() * (most - least);
	}
}
