import { setTimeout as wait } from "node:timers/promises";
import { median, rounded } from "../measure";
import { type Bench, roundMs } from "./bench";
import type { CatchUpSize } from "./sizes";

export interface CatchUpResult {
	readonly party: string;
	readonly events: number;
	readonly valueBytes?: number;
	/** Absent when it gave up. */
	readonly eventsPerSecond?: number;
	readonly medianMs?: number;
	/** The server's processor time for one reading, the mean of all that count; absent where it can't be known. */
	readonly serverCpuMs?: number;
	readonly roundsMs: readonly number[];
	/** Why it gave up, if it did. */
	readonly stopped?: string;
}

/** How fast past events are read. */
export async function catchUp(bench: Bench): Promise<readonly CatchUpResult[]> {
	const results: CatchUpResult[] = [];
	for (const size of bench.sizes.catchUp[bench.server.api]) results.push(...(await ofSize(bench, size)));
	return results;
}

/** What one party has come to so far. */
interface Readings {
	readonly ms: number[];
	cpuMs: number;
	stopped?: string;
}

/** The parties take turns, so that whatever the machine does hits all alike. */
async function ofSize(bench: Bench, size: CatchUpSize): Promise<readonly CatchUpResult[]> {
	const { server, parties, writer } = bench;
	const { events: count, valueBytes, warmUps, rounds } = size;
	const { api, endpoint } = server;
	const key = server.newKey();
	const value = valueBytes === undefined ? {} : { valueBytes };
	await writer.ask("write", { api, endpoint, key, keyCount: 50, count, connections: 8, ...value });
	const lastIndex = await server.index();
	const readings = new Map(parties.map((party) => [party, { ms: [], cpuMs: 0 } as Readings]));
	for (let round = -warmUps; round < rounds; round++) {
		for (const [party, reading] of readings) {
			if (reading.stopped !== undefined) continue;
			// Each round at another moment between two of the server's, the same for all: it costs up to 100 ms.
			await server.roundOver();
			await wait((Math.max(0, round) * roundMs) / rounds);
			const before = server.usage()?.cpuMs ?? Number.NaN;
			try {
				const asked = { api, endpoint, key, afterIndex: lastIndex - count, count };
				const answer = await party.ask("catch-up", asked);
				if (answer.events !== count || answer.lastIndex !== lastIndex) {
					const read = `${answer.events} events up to ${answer.lastIndex}`;
					throw new Error(`${party.name} read ${read}, not ${count} up to ${lastIndex}`);
				}
				if (round < 0) continue;
				reading.ms.push(answer.ms);
				reading.cpuMs += (server.usage()?.cpuMs ?? Number.NaN) - before;
			} catch (error) {
				reading.stopped = String(error);
			}
		}
	}
	return [...readings].map(([{ name }, { ms, cpuMs, stopped }]) => ({
		party: name,
		events: count,
		...value,
		...(stopped === undefined
			? {
					eventsPerSecond: Math.round((count * 1_000) / median(ms)),
					medianMs: rounded(median(ms), 2),
					...(Number.isNaN(cpuMs) ? {} : { serverCpuMs: rounded(cpuMs / ms.length) }),
				}
			: { stopped }),
		roundsMs: ms.map((each) => rounded(each, 2)),
	}));
}
