import type { Target } from "./target";

/** A quarter of the event history: as many writes as a stranger's watcher surely survives. */
const politeCount = 250;
/** The time over which they are counted. */
const politeMs = 60_000;

const announced = new WeakMap<Target, { readonly at: number; readonly count: number }[]>();

/**
 * To be called before writes are made: counts them with those of the last minute on that server, since many small
 * runs push the history as far as a large one.
 * @throws SharedServerError when they are too many for a server that has other users
 */
export function announceWrites(target: Target, count: number, what: string): void {
	const now = Date.now();
	const recent = (announced.get(target) ?? []).filter(({ at }) => now - at < politeMs);
	const sum = recent.reduce((total, one) => total + one.count, count);
	if (sum > politeCount) target.mayOverflow(what);
	announced.set(target, [...recent, { at: now, count }]);
}

/** The same for an experiment of several runs, which announce their writes themselves: all of it, or none. */
export function checkWrites(target: Target, count: number, what: string): void {
	if (count > politeCount) target.mayOverflow(what);
}
