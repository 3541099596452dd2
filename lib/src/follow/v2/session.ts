import type { AnswerHead } from "../../http/answer";
import { ConnectionError, type LabError } from "../../http/errors";
import type { Pipeline } from "../../http/pipeline";
import type { HttpRequest } from "../../http/transport";
import { transportOf, type V2Client } from "../../v2/client";
import { EventIndexClearedError } from "../../v2/errors";
import { isBelow, isHiddenFrom, isRemoval } from "../../v2/key";
import { parseAnswer, parseEvent, parseHeaders } from "../../v2/parse";
import { watchRequest } from "../../v2/watch";
import type { FollowedEvent, Note, Tail } from "../changes";
import type { Obeys } from "../rules";
import { AskWindow } from "./ask-window";

/** What a session at a member is told. Durations in milliseconds. */
export interface SessionSettings {
	readonly keys: V2Client;
	readonly key: string;
	readonly recursive: boolean;
	readonly rollMs: readonly [number, number];
	readonly probeMs: number;
	readonly timeoutMs: number;
	readonly obeys: Obeys;
	readonly onNote: (note: Note) => void;
	/** The cluster that the last list came from; "" if not known. */
	readonly clusterId: () => string;
	readonly proveThrough: () => number;
}

/** One long poll on its way. */
interface Ask {
	readonly waitIndex: number;
	readonly lane: Pipeline;
	/** When its headers came, and with which X-Etcd-Index. */
	registeredAt?: number;
	etcdIndex: number;
}

type Arrival =
	| { readonly ask: Ask; readonly head: AnswerHead; readonly text: string }
	| { readonly error: LabError };

/** Connections for reading the history. */
const windowLanes = 2;

/** How many indexes may pass by a quiet key before it is asked for anew, of the 1000 that etcd keeps. */
const bookmarkAfter = 250;

/** The least time between two looks at the clock, and between two questions for a member's index. */
const tickMs = 10;

/** What a timer can hold. */
const longestTimerMs = 2 ** 31 - 1;

const soon = Promise.resolve();

/** How long a registered ask has to be silent to say that the history holds nothing for it. */
const settleMs = 100;

/**
 * Everything after an index as one member tells it, by long polls: one while nothing happens, many at once while the
 * history is ahead. It ends with an error when the member fails; whoever reads goes on from `position` elsewhere.
 */
export class V2Session {
	readonly #settings: SessionSettings;
	readonly #endpoint: string;
	readonly #window: AskWindow<FollowedEvent>;
	readonly #path: string;
	readonly #request: HttpRequest;
	readonly #arrivals: Arrival[] = [];
	/** Told, as soon as the reader has room for it. */
	readonly #untold: Tail[] = [];
	/** Pending while the reader has no room. */
	#room: Promise<void> | undefined;
	#take: (tail: Tail) => Promise<void> | undefined = () => undefined;
	/** True while nothing is to be done but to wait: what arrives then is told at once. */
	#isWaiting = false;
	#isOver = false;
	/** What ended it. */
	#failure: { readonly error: unknown } | undefined;
	/** On their way. */
	readonly #asks = new Set<Ask>();
	/** By their turn; the first may be missing. */
	readonly #lanes: (Pipeline | undefined)[] = [];
	#head: Pipeline | undefined;
	#nextLane = 0;
	#wake: (() => void) | undefined;
	/** It will be woken when what has arrived is with its reader. */
	#isAwake = false;
	#isReconnect: boolean;
	#isRegistered = false;
	/** The member's index by what any of its answers said. */
	#memberIndex = 0;
	/** It is behind the position or of another cluster. */
	#suspect = false;
	#clusterId = "";
	#clearedFrom: number | undefined;
	#lookedAt = 0;
	#probeLane: Pipeline | undefined;
	#probeAt: number;
	/** When the newest question for the member's index was sent that it has answered. */
	#livedAt = 0;
	#probeEveryMs: number;
	#rollAt: number;

	constructor(settings: SessionSettings, endpoint: string, afterIndex: number, isReconnect: boolean) {
		this.#settings = settings;
		this.#endpoint = endpoint;
		this.#window = new AskWindow(afterIndex, settings.obeys);
		this.#isReconnect = isReconnect;
		this.#request = watchRequest(settings.key, { recursive: settings.recursive }, false);
		this.#path = `${this.#request.path}&waitIndex=`;
		this.#probeEveryMs = settings.probeMs;
		this.#probeAt = performance.now() + settings.probeMs;
		this.#rollAt = this.#nextRoll();
	}

	/** Everything up to here has been handed on. */
	get position(): number {
		return this.#window.position;
	}

	/** True once the member has taken an ask. */
	get isRegistered(): boolean {
		return this.#isRegistered;
	}

	/** Resolves when the signal aborts and after "cleared" and "behind". @throws LabError when the member fails */
	async run(take: (tail: Tail) => Promise<void> | undefined, signal: AbortSignal): Promise<void> {
		this.#take = take;
		const stop = () => {
			this.#isOver = true;
			// Whatever is waited for ends with its connection.
			this.#dropLanes();
			this.#probeLane?.destroy();
			this.#wake?.();
		};
		signal.addEventListener("abort", stop, { once: true });
		try {
			if (signal.aborted) return;
			this.#ask();
			while (!(await this.#step()));
		} catch (error) {
			if (!signal.aborted) throw error;
		} finally {
			signal.removeEventListener("abort", stop);
			stop();
		}
	}

	/** Waits until there is something to do, and does it. True at the end. */
	async #step(): Promise<boolean> {
		await this.#somethingToDo();
		if (this.#isOver) return true;
		if (this.#isReconnect && this.#isRegistered) {
			this.#isReconnect = false;
			this.#tell({ kind: "reconnected" });
		}
		this.#takeArrivals();
		if (this.#failure === undefined) {
			this.#look(performance.now());
			this.#ask();
		}
		// The position has moved on past these: they have to be out before anything can throw.
		await this.#allTold();
		if (this.#isOver) return true;
		if (this.#failure !== undefined) throw this.#failure.error;
		if (this.#suspect && (await this.#isBehind())) return await this.#ended("behind");
		if (this.#isCleared()) return await this.#ended("cleared");
		if (performance.now() >= this.#rollAt) await this.#roll();
		this.#ask();
		return this.#isOver;
	}

	async #somethingToDo(): Promise<void> {
		if (this.#arrivals.length > 0 || this.#failure !== undefined || this.#isOver) return;
		if (this.#suspect || (this.#isReconnect && this.#isRegistered)) return;
		let timer: NodeJS.Timeout | undefined;
		await new Promise<void>((resolve) => {
			this.#wake = resolve;
			this.#isWaiting = !this.#isReconnect && this.#room === undefined;
			timer = setTimeout(resolve, Math.max(1, this.#due() - performance.now()));
		});
		this.#isWaiting = false;
		clearTimeout(timer);
		this.#wake = undefined;
	}

	// --- telling -----------------------------------------------------------------------------------------------

	#tell(tail: Tail): void {
		if (this.#isOver) return;
		if (this.#room === undefined) this.#room = this.#take(tail);
		else this.#untold.push(tail);
	}

	async #allTold(): Promise<void> {
		while (this.#room !== undefined) {
			await this.#room;
			this.#room = undefined;
			while (this.#room === undefined && this.#untold.length > 0 && !this.#isOver) {
				this.#tell(this.#untold.shift() as Tail);
			}
		}
	}

	async #ended(kind: "behind" | "cleared"): Promise<true> {
		this.#tell({ kind });
		await this.#allTold();
		return true;
	}

	// --- asking ------------------------------------------------------------------------------------------------

	#ask(): void {
		if (this.#clearedFrom !== undefined) return;
		for (let next = this.#window.next(); next !== undefined; next = this.#window.next()) {
			if (next === this.#window.position + 1) this.#send(next, this.#headLane());
			else this.#send(next, this.#windowLane());
		}
	}

	#send(waitIndex: number, lane: Pipeline): void {
		const ask: Ask = { waitIndex, lane, etcdIndex: 0 };
		this.#asks.add(ask);
		// Without the rule: what a reader does who lists, and then watches from now on.
		const isFromNow = !this.#isRegistered && !this.#settings.obeys("list first");
		lane.get(isFromNow ? this.#request.path : this.#path + waitIndex, {
			began: (head) => this.#registered(ask, head),
			ended: (head, text) => this.#arrived(ask, { ask, head, text }),
			failed: (error) => {
				if (!lane.destroyed) this.#arrived(ask, { error });
				else if (this.#asks.delete(ask)) this.#window.dropped(waitIndex);
			},
		});
	}

	#registered(ask: Ask, head: AnswerHead): void {
		const etcdIndex = Number(head.headers["x-etcd-index"]);
		if (head.status !== 200 || !Number.isSafeInteger(etcdIndex)) return;
		ask.registeredAt = performance.now();
		ask.etcdIndex = etcdIndex;
		if (!this.#isRegistered) {
			this.#isRegistered = true;
			this.#wake?.();
		}
		this.#heard(head, etcdIndex, ask.waitIndex - 1);
	}

	/** A word of the member's about its index, which should be `least`, and its cluster. */
	#heard(head: AnswerHead, etcdIndex: number, least: number): void {
		if (etcdIndex > this.#memberIndex) this.#memberIndex = etcdIndex;
		const clusterId = head.headers["x-etcd-cluster-id"];
		if (typeof clusterId === "string") this.#clusterId = clusterId;
		if ((this.#isOtherCluster() || etcdIndex < least) && !this.#suspect) {
			this.#suspect = this.#settings.obeys("an index that goes back is a reset");
			this.#wake?.();
		}
	}

	#isOtherCluster(): boolean {
		const known = this.#settings.clusterId();
		return known !== "" && this.#clusterId !== "" && known !== this.#clusterId;
	}

	#arrived(ask: Ask, arrival: Arrival): void {
		if (!this.#asks.delete(ask)) return;
		if (ask.lane !== this.#head && !this.#lanes.includes(ask.lane)) ask.lane.destroy();
		this.#arrivals.push(arrival);
		if (!this.#isWaiting || "error" in arrival) {
			this.#wake?.();
			return;
		}
		// With the consumer first; what is to be asked next comes right after.
		this.#takeArrivals();
		if (this.#isAwake) return;
		this.#isAwake = true;
		void soon.then(() => {
			this.#isAwake = false;
			this.#wake?.();
		});
	}

	/** The lane for what has to be answered next. It must wait behind nothing. */
	#headLane(): Pipeline {
		const head = this.#head;
		if (head && !head.destroyed && head.underWay === 0) return head;
		head?.destroy();
		this.#head = this.#newLane();
		return this.#head;
	}

	/** The lanes take turns, so that what each has on its wire is in the order of the indexes. */
	#windowLane(): Pipeline {
		const at = this.#nextLane++ % windowLanes;
		let lane = this.#lanes[at];
		if (lane === undefined || lane.destroyed) {
			lane = this.#newLane();
			this.#lanes[at] = lane;
		}
		return lane;
	}

	#newLane(): Pipeline {
		return transportOf(this.#settings.keys).pipeline(this.#endpoint, this.#settings.timeoutMs);
	}

	#dropLanes(): void {
		this.#head?.destroy();
		for (const lane of this.#lanes) lane?.destroy();
		for (const { lane } of this.#asks) lane.destroy();
		this.#head = undefined;
		this.#lanes.length = 0;
		this.#asks.clear();
	}

	// --- hearing -----------------------------------------------------------------------------------------------

	#takeArrivals(): void {
		for (let arrival = this.#arrivals.shift(); arrival !== undefined; arrival = this.#arrivals.shift()) {
			if (this.#failure !== undefined) continue;
			try {
				if ("error" in arrival) throw arrival.error;
				this.#answered(arrival.ask, arrival.head, arrival.text);
			} catch (error) {
				this.#failure = { error };
			}
		}
	}

	#answered(ask: Ask, head: AnswerHead, text: string): void {
		const { waitIndex } = ask;
		if (head.status === 200 && text.trim() === "") {
			this.#window.dropped(waitIndex);
			// A proxy that gives nothing but empty answers must not be asked as fast as it gives them.
			if (performance.now() - (ask.registeredAt ?? 0) < 1_000) {
				throw new ConnectionError(`an empty answer from ${this.#endpoint}`, { maybeApplied: false });
			}
			return;
		}
		// Without an X-Etcd-Index it was not etcd that answered.
		if (head.status === 200 && ask.registeredAt === undefined) parseHeaders(head, text);
		let told: ReturnType<typeof parseEvent>;
		try {
			told = parseEvent(this.#request, head, text);
		} catch (error) {
			if (!(error instanceof EventIndexClearedError)) throw error;
			this.#window.dropped(waitIndex);
			this.#cleared(waitIndex, error);
			return;
		}
		const { etcdIndex } = ask;
		const index = told.node.modifiedIndex;
		const { key } = told.node;
		const followed: FollowedEvent = { kind: "event", index, key, ...told, fromHistory: index <= etcdIndex };
		const jumped = () => this.#settings.onNote({ note: "jump", askedIndex: waitIndex, eventIndex: index });
		this.#hand(this.#window.answered(waitIndex, etcdIndex, index, followed, jumped));
	}

	#hand(events: readonly FollowedEvent[]): void {
		for (const event of events) {
			if (this.#isForUs(event)) this.#tell({ kind: "event", event });
			else this.#tell({ kind: "passed", through: event.index });
		}
		if (events.length > 0) this.#rollAt = this.#nextRoll();
	}

	/** Rule "what only the replay shows is dropped": a live watch would not have been told. */
	#isForUs(event: FollowedEvent): boolean {
		const { key, recursive, obeys } = this.#settings;
		if (event.key === key || !obeys("what only the replay shows is dropped")) return true;
		if (isBelow(event.key, key)) return recursive && !isHiddenFrom(key, event.key);
		return isRemoval(event) && isBelow(key, event.key);
	}

	#cleared(waitIndex: number, error: EventIndexClearedError): void {
		if (!this.#settings.obeys("a cleared history is a gap")) {
			this.#window.position = Math.max(this.#window.position, error.index);
			return;
		}
		this.#clearedFrom = Math.min(waitIndex, this.#clearedFrom ?? waitIndex);
	}

	/**
	 * What was asked for before the history passed it by may still be on its way, or wait with nothing to come: then
	 * it proves what it can, and the rest is cleared.
	 */
	#isCleared(): boolean {
		const from = this.#clearedFrom;
		if (from === undefined) return false;
		if (this.#window.position >= from) {
			this.#clearedFrom = undefined;
			return false;
		}
		return this.#window.position === from - 1 || !this.#window.hasAskBelow(from);
	}

	// --- looking at the clock ----------------------------------------------------------------------------------

	/** When the clock has to be looked at next. */
	#due(): number {
		let due = Math.min(this.#rollAt, this.#probeAt);
		for (const ask of this.#asks) {
			// Half of the time passes before the member is asked whether it lives.
			const age = this.#livedAt < this.#settledFrom(ask) ? settleMs / 2 : settleMs;
			if (this.#canSettle(ask)) due = Math.min(due, (ask.registeredAt ?? 0) + age);
		}
		return Math.min(due, performance.now() + longestTimerMs);
	}

	/** What the member answers from then on shows that it would have sent the ask's answer, and that it would have come. */
	#settledFrom(ask: Ask): number {
		return this.#settings.obeys("no poll for ever") ? (ask.registeredAt ?? 0) + settleMs / 2 : 0;
	}

	/** Whether it would help to know that the history holds nothing for this ask. */
	#canSettle(ask: Ask): boolean {
		const { position, width } = this.#window;
		if (ask.registeredAt === undefined || ask.waitIndex > position + 1) return false;
		const isWanted =
			this.#asks.size > 1 || this.#clearedFrom !== undefined || position < this.#settings.proveThrough();
		const isFar = ask.etcdIndex - position >= bookmarkAfter / 2;
		return width > 1 || ask.lane.underWay > 1 || ((isWanted || isFar) && ask.etcdIndex > position);
	}

	#look(now: number): void {
		if (now - this.#lookedAt < tickMs) return;
		this.#lookedAt = now;
		this.#settle(now);
		this.#bookmark();
		this.#probe(now);
	}

	/**
	 * Silence after the headers: the history, which is answered from at once, holds nothing for this ask. But only if
	 * the member could be heard meanwhile: bytes that something on the way has swallowed are no silence.
	 */
	#settle(now: number): void {
		for (const ask of this.#asks) {
			if (!this.#canSettle(ask) || now - (ask.registeredAt ?? now) < settleMs) continue;
			if (this.#livedAt < this.#settledFrom(ask)) continue;
			if (ask.etcdIndex > this.#window.position) this.#prove(ask);
			// The history is read to its end: one ask that waits is enough, on a lane where nothing waits behind it.
			if (this.#window.width > 1 || ask.lane.underWay > 1) {
				this.#dropLanes();
				this.#window.dropAll();
				return;
			}
		}
	}

	#prove(ask: Ask): void {
		const { moved, events } = this.#window.proved(ask.waitIndex, ask.etcdIndex);
		if (!moved) return;
		this.#tell({ kind: "quiet", through: ask.etcdIndex });
		this.#hand(events);
		for (const older of this.#asks) {
			if (older.etcdIndex < ask.etcdIndex && older.lane !== ask.lane) older.lane.destroy();
		}
		this.#head = ask.lane;
	}

	/** Rule "bookmark a quiet key": asks anew, from where the newest ask was registered, before the history passes on. */
	#bookmark(): void {
		if (!this.#settings.obeys("bookmark a quiet key") || this.#window.width > 1) return;
		if (this.#clearedFrom !== undefined) return;
		let newest = this.#window.position;
		for (const ask of this.#asks) {
			// What has yet to be registered will say how far the member is.
			if (ask.registeredAt === undefined) return;
			newest = Math.max(newest, ask.etcdIndex);
		}
		if (this.#asks.size === 0 || this.#asks.size > 8) return;
		const isDue = this.#memberIndex - newest >= bookmarkAfter;
		const isWanted = newest < this.#settings.proveThrough() && newest < this.#memberIndex;
		if (!isDue && !isWanted) return;
		this.#window.sent(newest + 1);
		this.#send(newest + 1, this.#newLane());
	}

	/** How far the member's index is, more often the faster it moves. */
	#probe(now: number): void {
		const { probeMs, obeys } = this.#settings;
		if (this.#probeAt === Number.POSITIVE_INFINITY || !this.#isRegistered || !obeys("no poll for ever"))
			return;
		const isAwaited = [...this.#asks].some(
			(ask) =>
				this.#canSettle(ask) && this.#livedAt < this.#settledFrom(ask) && this.#settledFrom(ask) <= now,
		);
		if (now < this.#probeAt && !isAwaited) return;
		this.#probeAt = Number.POSITIVE_INFINITY;
		const before = this.#memberIndex;
		this.#index(false, this.#window.position)
			.then((index) => {
				const delta = index - before;
				this.#probeEveryMs =
					delta > 50
						? Math.max(tickMs, (this.#probeEveryMs * 50) / delta)
						: Math.min(probeMs, this.#probeEveryMs * 2);
				this.#livedAt = now;
				this.#probeAt = performance.now() + this.#probeEveryMs;
				this.#wake?.();
			})
			.catch((error: LabError) => {
				if (this.#probeLane?.destroyed) return;
				this.#arrivals.push({ error });
				this.#wake?.();
			});
	}

	/** The member's index, by a read that costs it little: of a hidden name, which need not exist. */
	#index(quorum: boolean, least: number): Promise<number> {
		if (this.#probeLane === undefined || this.#probeLane.destroyed) this.#probeLane = this.#newLane();
		const lane = this.#probeLane;
		const { key } = this.#settings;
		const { path } = watchRequest(`${key === "/" ? "" : key}/_etcd-watch-lab-index`, {}, false);
		const request: HttpRequest = {
			method: "GET",
			path: path.replace("wait=true", quorum ? "quorum=true" : "quorum=false"),
		};
		return new Promise((resolve, reject) => {
			lane.get(request.path, {
				began() {},
				ended: (head, text) => {
					const etcdIndex = Number(head.headers["x-etcd-index"]);
					try {
						parseAnswer(request, head, text);
					} catch (error) {
						// Not found, or below a file: it is the index that was asked for.
						if (![100, 104].includes(Number(Reflect.get(error as object, "code")))) return reject(error);
					}
					this.#heard(head, etcdIndex, least);
					resolve(etcdIndex);
				},
				failed: reject,
			});
		});
	}

	/** Rule "an index that goes back is a reset": asks by quorum; a member that only lagged has caught up then. */
	async #isBehind(): Promise<boolean> {
		const { position } = this.#window;
		const index = await this.#index(true, 0);
		this.#suspect = false;
		return index < position || this.#isOtherCluster();
	}

	/** Rule "no poll for ever": after a quorum read, which a member cut off from its leader can't answer. */
	async #roll(): Promise<void> {
		this.#rollAt = this.#nextRoll();
		if (!this.#settings.obeys("no poll for ever")) return;
		await this.#index(true, this.#window.position);
		// It was not quiet after all.
		if (this.#arrivals.length > 0) return;
		this.#settings.onNote({ note: "rolled", endpoint: this.#endpoint, afterIndex: this.#window.position });
		this.#dropLanes();
		this.#window.dropAll();
	}

	#nextRoll(): number {
		const [least, most] = this.#settings.rollMs;
		return performance.now() + least + Math.random() * (most - least);
	}
}
