import { median, quantile, rounded } from "../measure";
import { type Bench, whileWatching } from "./bench";
import type { Party } from "./party";
import type { Pace } from "./sizes";

/** Of a round: what comes while the party settles. */
const skipped = 50;

export interface LatencyResult {
	readonly party: string;
	readonly pace: Pace["pace"];
	readonly writesPerSecond: number;
	/** What never came, of all rounds: it is in no other number. */
	readonly lost: number;
	/** Microseconds from the acknowledgement in the writer's hands to the event in the party's. Below 0: before it. */
	readonly p50: number;
	readonly p99: number;
	readonly rounds: readonly { readonly p50: number; readonly p99: number }[];
}

/** From a write's acknowledgement to its event. The parties take turns. */
export async function latency(bench: Bench): Promise<readonly LatencyResult[]> {
	await clocks(bench);
	const results: LatencyResult[] = [];
	for (const pace of bench.sizes.latency.paces) results.push(...(await atPace(bench, pace)));
	await clocks(bench);
	return results;
}

async function atPace(bench: Bench, pace: Pace): Promise<readonly LatencyResult[]> {
	const found = new Map(bench.parties.map((party) => [party, [] as Round[]]));
	for (let round = -1; round < bench.sizes.latency.rounds; round++) {
		for (const [party, each] of found) {
			const measured = await oneRound(bench, party, pace);
			if (round >= 0) each.push(measured);
		}
	}
	return [...found].map(([{ name }, each]) => ({
		party: name,
		pace: pace.pace,
		writesPerSecond: Math.round(median(each.map(({ writesPerSecond }) => writesPerSecond))),
		lost: each.reduce((sum, { lost }) => sum + lost, 0),
		p50: median(each.map(({ p50 }) => p50)),
		p99: median(each.map(({ p99 }) => p99)),
		rounds: each.map(({ p50, p99 }) => ({ p50, p99 })),
	}));
}

async function clocks({ parties, writer }: Bench): Promise<void> {
	for (const party of [writer, ...parties]) await party.checkClock();
}

interface Round {
	readonly lost: number;
	readonly p50: number;
	readonly p99: number;
	readonly writesPerSecond: number;
}

async function oneRound(bench: Bench, party: Party, { count, connections, everyMs }: Pace): Promise<Round> {
	const { written, seen } = await whileWatching(bench, party, { count, connections, everyMs });
	const arrived = new Map(seen.indexes.map((index, nth) => [index, seen.ns[nth]]));
	const took = written.indexes.slice(skipped).flatMap((index, nth) => {
		const at = arrived.get(index);
		const acknowledged = written.ns[nth + skipped];
		return at === undefined || acknowledged === undefined ? [] : [(at - acknowledged) / 1_000];
	});
	return {
		lost: count - skipped - took.length,
		p50: rounded(quantile(took, 0.5), 1),
		p99: rounded(quantile(took, 0.99), 1),
		writesPerSecond: (count * 1_000) / written.ms,
	};
}
