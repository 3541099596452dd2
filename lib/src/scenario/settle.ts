import { setTimeout as wait } from "node:timers/promises";
import { historyRule } from "../model";
import { eventOf } from "../timeline/fate";
import { accepted, changesOf, isVisible } from "../timeline/scope";
import type { Timeline, WriteRecord } from "../timeline/timeline";
import type { Watched } from "./watched";

/** How long a loop may take to be woken by a write before the next step goes on without it. */
const settleMs = 2_000;

/**
 * The loops that a write must have woken have asked again before the next step, so that two runs of a scenario
 * give the same timeline.
 */
export async function settled(
	soFar: Timeline,
	watchings: readonly Watched[],
	write: WriteRecord,
): Promise<void> {
	const { outcome } = write;
	if (outcome.kind !== "accepted") return;
	const woken = changesOf(write);
	const loops = watchings.filter((watching) => {
		if (!watching.asksAgain) return false;
		const record = watching.record();
		return woken.some((change) => isVisible(soFar, record, change));
	});
	await caughtUp(loops, outcome.index);
}

/**
 * The same for a loop that asked for the past: it has been sent what was there. `patienceMs`: who is sure to come, on
 * however busy a machine, is given more time than a loop that may have been passed over.
 */
export async function replayed(soFar: Timeline, watching: Watched, patienceMs = settleMs): Promise<void> {
	const record = watching.record();
	const { key, recursive, life } = record;
	const asked = life.findLast((event) => event.kind === "asked");
	if (!watching.asksAgain || asked?.kind !== "asked") return;
	// A v3 watch is registered at a revision, and sent all that comes after it.
	const from = asked.waitIndex ?? (soFar.api === "v3" ? asked.at + 1 : undefined);
	if (from === undefined) return;
	const last = accepted(soFar).findLast((write) => {
		if (write.index < from) return false;
		if (soFar.api === "v3") return isVisible(soFar, record, write);
		// What v2's history gives goes by its own rule, hidden names included.
		return historyRule({ key, recursive, stream: false }, eventOf(write.outcome)) !== undefined;
	});
	if (last) await caughtUp([watching], last.index, patienceMs);
}

/** A loop that was not woken, against the rules, is waited for in vain and not for long. */
async function caughtUp(loops: readonly Watched[], index: number, patienceMs = settleMs): Promise<void> {
	if (loops.length === 0) return;
	const inTime = new AbortController();
	const late = wait(patienceMs, undefined, { signal: inTime.signal }).catch(() => {});
	await Promise.race([Promise.all(loops.map((watching) => watching.caughtUp(index))), late]);
	inTime.abort();
}
