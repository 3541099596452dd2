import { within } from "../http/signals";
import { historyRule } from "../model/history";
import { acceptedChanges, accountOf, eventOf, isTold } from "../timeline/account";
import type { Timeline, WriteRecord } from "../timeline/timeline";
import { isBelow, isRemoval } from "../v2/key";
import { type Fenced, type RunContext, type RunOptions, ScenarioError } from "./api";
import type { DeliveryStep } from "./steps";
import type { RunWatcher } from "./watchers/watcher";

/** How long a step may wait for what has been done already, if at all. */
export const promptMs = 3_000;
/** A wait that takes longer is told of; where nobody asked for that, only a longer one. */
const sayMs = 1_000;
const longMs = 4_000;

let tell: (what: string) => void = () => {};

/** Who is told of long waits by runs without an `onWait`: a notebook's page. */
export function tellOfWaits(teller: (what: string) => void): void {
	tell = teller;
}

/** How the steps of a run wait, and how one that waits in vain ends. */
export class Patience {
	/** `throwFatal`: throws what has ended a watcher meanwhile and no timeline can hold. */
	constructor(
		private readonly run: RunContext & { timeline(): Timeline },
		private readonly options: RunOptions,
		private readonly throwFatal: () => void,
	) {}

	/** `why`: what is to be said of one that came not. @throws ScenarioError when it does not come in time */
	async inTime<T>(
		pending: Promise<T>,
		step: number,
		what: string,
		unlessGivenMs: number,
		why?: () => string,
	): Promise<T> {
		const { stepTimeoutMs = unlessGivenMs, onWait } = this.options;
		const ms = this.run.api.isInstant ? 0 : stepTimeoutMs;
		const words = `step ${step} waits for ${what}, at most ${ms / 1000} s`;
		const says = setTimeout(() => (onWait ?? tell)(words), onWait ? sayMs : longMs);
		const came = await within(pending, ms, this.run.signal).finally(() => clearTimeout(says));
		this.throwFatal();
		if (came !== undefined) return came.value;
		const reason = why === undefined ? "" : `: ${why()}`;
		throw this.error(`step ${step} waited ${ms} ms for ${what}, which did not come${reason}`);
	}

	/** So many events of a watcher in all. Under a burst more are on their way for as long as they keep coming. */
	async events(watcher: RunWatcher, { watcher: name, count }: DeliveryStep, step: number): Promise<void> {
		const why = () => `it was sent ${watcher.deliveryCount}${watcher.isOver ? ", and is over" : ""}`;
		const what = `event ${count} of "${name}"`;
		for (let before = -1; watcher.deliveryCount > before && watcher.deliveryCount < count; ) {
			before = watcher.deliveryCount;
			await this.inTime(watcher.delivered(before + 1), step, what, promptMs, why);
		}
		if (watcher.deliveryCount < count)
			throw this.error(`step ${step} waits for ${what}, which does not come: ${why()}`);
	}

	error(message: string): ScenarioError {
		return new ScenarioError(message, { timeline: this.run.timeline() });
	}
}

/** How long a watcher may take to be sent what is due to it before the next step goes on without it. */
const settleMs = 2_000;

/**
 * Waits, after a write or an open, until whoever it has to reach has been sent it and asks again, so that two runs of a
 * scenario give the same timeline. One that was waited for in vain is not waited for again, until it hears something.
 */
export class Settling {
	readonly #ms: number;
	readonly #signal: AbortSignal;
	/** How many events each had that was waited for in vain. */
	readonly #silent = new WeakMap<RunWatcher, number>();

	/** `isInstant`: what does not come at once never comes. */
	constructor(isInstant: boolean, signal: AbortSignal) {
		this.#ms = isInstant ? 0 : settleMs;
		this.#signal = signal;
	}

	async written(soFar: Timeline, watchers: readonly RunWatcher[], write: WriteRecord): Promise<void> {
		const { outcome } = write;
		if (outcome.kind !== "accepted") return;
		// Only whose key went with another one depends on what else was there.
		const isAbove = isRemoval(outcome) && watchers.some(({ key }) => isBelow(key, outcome.node.key));
		const changes = isAbove
			? accountOf(soFar).changes.filter(({ index }) => index === outcome.index)
			: acceptedChanges(write);
		const due = watchers.filter((watcher) => {
			if (!watcher.isSure) return false;
			const record = watcher.record();
			// One that has been sent it already is still to ask again; one that asked for later ones is not told.
			const isSent = (record.deliveries.at(-1)?.index ?? -1) >= outcome.index;
			if (!isSent && watcher.askedFrom > outcome.index) return false;
			return changes.some((change) => isTold({ timeline: soFar, watcher: record }, change));
		});
		// A stream on exactly the key that goes is told twice.
		const isTwice = ({ kind, key }: RunWatcher) =>
			soFar.api === "v2" && kind === "stream" && isRemoval(outcome) && outcome.node.key === key;
		await Promise.all(due.map((watcher) => this.#caughtUp(watcher, outcome.index, isTwice(watcher) ? 2 : 1)));
	}

	/** The same for one that asked for the past. `faultMs`: after a fault it may take longer. */
	async opened(soFar: Timeline, watcher: RunWatcher, faultMs?: number): Promise<void> {
		const record = watcher.record();
		const { key, recursive, kind, life } = record;
		const asked = life.findLast((event) => event.kind === "asked");
		if (!watcher.isSure || asked?.kind !== "asked") return;
		// A v3 watch is registered at a revision, and sent all that comes after it.
		const from = asked.waitIndex ?? (soFar.api === "v3" ? asked.at + 1 : undefined);
		if (from === undefined) return;
		const last = accountOf(soFar).changes.findLast((change) => {
			if (change.index < from) return false;
			// What v2's history gives goes by its own rule, hidden names included; a follower drops those.
			return soFar.api === "v3" || kind === "follow"
				? isTold({ timeline: soFar, watcher: record }, change)
				: historyRule({ key, recursive, stream: false }, eventOf(change)) !== undefined;
		});
		if (last) await this.#caughtUp(watcher, last.index, 1, faultMs);
	}

	/** Before it is ended or paused: what it is to be sent has come. A loop of polls may have lost it. */
	async level(soFar: Timeline, watcher: RunWatcher): Promise<void> {
		if (!watcher.isSure || watcher.kind === "pollLoop") return;
		const record = watcher.record();
		const from = watcher.askedFrom;
		const last = accountOf(soFar).changes.findLast(
			(change) => change.index >= from && isTold({ timeline: soFar, watcher: record }, change),
		);
		if (last) await this.#caughtUp(watcher, last.index, 1);
	}

	async #caughtUp(watcher: RunWatcher, index: number, count: number, faultMs?: number): Promise<void> {
		if (this.#silent.get(watcher) === watcher.deliveryCount) return;
		const came = await within(watcher.caughtUp(index, count), faultMs ?? this.#ms, this.#signal);
		if (came === undefined) this.#silent.set(watcher, watcher.deliveryCount);
	}
}

const lookMs = 20;
/** How often in a row nothing may have come before a watcher's silence counts as unproven: 10 s, or more under load. */
const mostQuietLooks = 500;

/**
 * Waits until each has read to its end, for as long as events keep coming: so many may be on their way. `look`: told at
 * each look whether nothing has come since the one before; true ends the waiting. @throws AbortedError
 */
export async function readToTheEnd(
	open: readonly Fenced[],
	signal: AbortSignal,
	look: (isQuiet: boolean) => Promise<boolean> = async () => false,
): Promise<void> {
	const all = Promise.all(open.map(({ reading }) => reading));
	const heard = () =>
		open.reduce((sum, { isOver, deliveryCount }) => sum + deliveryCount + Number(isOver), 0);
	let seen = -1;
	for (let quiet = 0; quiet < mostQuietLooks; ) {
		if (await within(all, lookMs, signal)) return;
		const now = heard();
		quiet = now === seen ? quiet + 1 : 0;
		seen = now;
		if (await look(quiet > 0)) return;
	}
}
