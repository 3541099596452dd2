import { pixelsOf } from "../timeline/printable";
import type { Timeline } from "../timeline/timeline";

/** Where on the index axis everything stands, and how far the axis goes. */
export interface Places {
	/** The x of each write, by its id: its index, or for a refused one a place between two indexes. */
	readonly ofWrite: ReadonlyMap<number, number>;
	readonly lo: number;
	readonly hi: number;
	/** The last index of the run: where the slider ends. */
	readonly last: number;
	/** The x up to which a watcher that was open at the end is drawn. */
	readonly end: number;
	/** How far past an index a bar goes that ends after it. */
	readonly edge: number;
	readonly ticks: readonly number[];
}

export const PLOT_WIDTH = 600;

/** A refused write stands after the index at which it was tried; several at the same place are spread evenly. */
export function placesOf(timeline: Timeline): Places {
	const ofWrite = new Map<number, number>();
	const refused = new Map<number, number[]>();
	let first = 1;
	let last = Math.max(1, timeline.lastIndex);
	for (const { id, triedAt, outcome } of timeline.writes) {
		if (outcome.kind === "accepted") {
			ofWrite.set(id, outcome.index);
			first = Math.min(first, outcome.index);
			last = Math.max(last, outcome.index);
			continue;
		}
		const same = refused.get(triedAt);
		if (same) same.push(id);
		else refused.set(triedAt, [id]);
		last = Math.max(last, triedAt);
	}
	let lowest = first;
	let highest = last;
	for (const [triedAt, ids] of refused) {
		ids.forEach((id, at) => {
			const x = triedAt + (at + 1) / (ids.length + 1);
			ofWrite.set(id, x);
			lowest = Math.min(lowest, x);
			highest = Math.max(highest, x);
		});
	}
	for (const watcher of timeline.watchers)
		for (const { index } of watcher.deliveries) {
			lowest = Math.min(lowest, index);
			highest = Math.max(highest, index);
			last = Math.max(last, index);
		}
	const pad = Math.max(0.35, (highest - lowest) * 0.02);
	const edge = Math.min(pad, 0.5);
	const lo = lowest - pad;
	const hi = highest + pad;
	return { ofWrite, lo, hi, last, end: highest + edge, edge, ticks: indexTicks(lo, hi) };
}

/** The indexes that an axis names: at most 12, and no more than there is room for. */
export function indexTicks(lo: number, hi: number): number[] {
	const widest = pixelsOf(String(Math.ceil(Math.max(Math.abs(lo), Math.abs(hi)))), 11);
	return integerTicks(lo, hi, Math.min(12, Math.floor(PLOT_WIDTH / (widest + 4))));
}

/** Integers at a round distance, at most `max` of them. */
export function integerTicks(lo: number, hi: number, max: number): number[] {
	let step = 1;
	for (let power = 1; (hi - lo) / step > max; power *= 10)
		for (const round of [1, 2, 5]) {
			step = round * power;
			if ((hi - lo) / step <= max) break;
		}
	const ticks: number[] = [];
	for (let tick = Math.ceil(lo / step) * step; tick <= hi; tick += step) ticks.push(tick === 0 ? 0 : tick);
	return ticks;
}

/** A number that reads the same on every machine. */
export function rounded(value: number): number {
	const cut = Math.round(value * 1e4) / 1e4;
	return cut === 0 ? 0 : cut;
}
