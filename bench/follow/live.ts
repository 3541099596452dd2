import { quantile, rounded } from "../measure";
import { type Bench, whileWatching } from "./bench";
import { faults, lags } from "./lag";
import type { Party } from "./party";

const connections = 16;
const bins = 100;

export interface LiveResult {
	readonly party: string;
	readonly writes: number;
	readonly writesPerSecond: number;
	readonly lost: number;
	readonly disordered: number;
	/** How often the history was cleared under it. */
	readonly gaps: number;
	/** Why it gave up, if it did. One that failed altogether has lost everything. */
	readonly stopped?: string;
	/** Acknowledged events that it had not got yet: at worst, and at 99 of 100 moments. */
	readonly worstLag: number;
	readonly p99Lag: number;
	/** [seconds since the first write, the worst lag around then]. */
	readonly curve: readonly (readonly [number, number])[];
}

/** A writer at full speed over 16 connections, with one party after the other behind it. */
export async function live(bench: Bench): Promise<readonly LiveResult[]> {
	const results: LiveResult[] = [];
	for (const party of bench.parties) {
		results.push(
			await behindWriter(bench, party).catch((error: unknown): LiveResult => {
				const writes = bench.sizes.liveWrites;
				const all = { lost: writes, worstLag: writes, p99Lag: writes };
				return {
					...{ party: party.name, writes, writesPerSecond: 0, ...all, disordered: 0, gaps: 0 },
					...{ stopped: String(error), curve: [] },
				};
			}),
		);
	}
	return results;
}

async function behindWriter(bench: Bench, party: Party): Promise<LiveResult> {
	const count = bench.sizes.liveWrites;
	const { written, seen, afterIndex } = await whileWatching(bench, party, { count, connections });
	const behind = lags(written, seen, afterIndex);
	const events = behind.map((lag) => lag.events);
	const begin = behind[0]?.ns ?? 0;
	const span = ((behind.at(-1)?.ns ?? 0) - begin) / bins;
	const worst = new Map<number, number>();
	for (const lag of behind) {
		const bin = Math.min(bins - 1, Math.floor((lag.ns - begin) / span));
		worst.set(bin, Math.max(worst.get(bin) ?? 0, lag.events));
	}
	return {
		party: party.name,
		writes: count,
		writesPerSecond: Math.round((count * 1_000) / written.ms),
		...faults(written, seen),
		gaps: seen.gaps,
		...(seen.stopped === undefined ? {} : { stopped: seen.stopped }),
		worstLag: events.reduce((a, b) => Math.max(a, b), 0),
		p99Lag: quantile(events, 0.99),
		curve: [...worst].map(([bin, lag]) => [rounded(((bin + 0.5) * span) / 1e9, 2), lag]),
	};
}
