import { median, rounded } from "../measure";
import { type Bench, indexNow } from "./bench";

const count = 990;
const warmUps = 5;
const rounds = 11;

export interface CatchUpResult {
	readonly party: string;
	readonly eventsPerSecond: number;
	readonly medianMs: number;
	readonly roundsMs: readonly number[];
}

/** How fast 990 past events are read. The parties take turns, so that whatever the machine does hits all alike. */
export async function catchUp(bench: Bench): Promise<readonly CatchUpResult[]> {
	const { endpoint, lab, parties, writer } = bench;
	const key = lab.newPrefix();
	await writer.ask({ mode: "write", endpoint, key, keyCount: 50, count, connections: 8 });
	const lastIndex = await indexNow(bench);
	const times = new Map(parties.map((party) => [party, [] as number[]]));
	for (let round = -warmUps; round < rounds; round++) {
		for (const [party, ms] of times) {
			const answer = await party.ask({
				mode: "catch-up",
				endpoint,
				key,
				afterIndex: lastIndex - count,
				count,
			});
			if (answer.events !== count || answer.lastIndex !== lastIndex) {
				throw new Error(
					`${party.name} read ${answer.events} events up to ${answer.lastIndex}, not ${count} up to ${lastIndex}`,
				);
			}
			if (round >= 0) ms.push(answer.ms);
		}
	}
	return [...times].map(([{ name }, ms]) => ({
		party: name,
		eventsPerSecond: Math.round((count * 1_000) / median(ms)),
		medianMs: rounded(median(ms), 2),
		roundsMs: ms.map((each) => rounded(each, 2)),
	}));
}
