import { setTimeout as wait } from "node:timers/promises";
import type { Lab } from "etcd-watch-lab/dist/server";
import type { WatchAnswer, WriteAnswer } from "../parties/protocol";
import type { Party } from "./party";

/** What every part of the bench has: a server of its own, who is measured, and who writes. */
export interface Bench {
	readonly lab: Lab;
	readonly endpoint: string;
	readonly parties: readonly Party[];
	readonly writer: Party;
}

/** The store's index now. */
export async function indexNow({ lab }: Bench): Promise<number> {
	return (await lab.v2.get("/")).etcdIndex;
}

export interface WatchedWrites {
	readonly written: WriteAnswer;
	readonly seen: WatchAnswer;
	/** Below this and the first index written lies nothing else of the key. */
	readonly afterIndex: number;
}

/** One party watches a new key while the writer writes below it, and until a last write behind all the others. */
export async function whileWatching(
	bench: Bench,
	party: Party,
	writes: { readonly count: number; readonly connections: number; readonly everyMs?: number },
): Promise<WatchedWrites> {
	const { endpoint, lab, writer } = bench;
	const key = lab.newPrefix();
	const lastKey = `${key}/last`;
	await lab.v2.mkdir(key);
	const afterIndex = await indexNow(bench);
	let ended = false;
	const watching = party.ask({ mode: "watch", endpoint, key, afterIndex, lastKey }).finally(() => {
		ended = true;
	});
	watching.catch(() => {});
	// Long enough for every party to wait; who doesn't yet finds the first writes in the history.
	await wait(300);
	const written = await writer.ask({ mode: "write", endpoint, key, keyCount: 50, ...writes });
	// Once more and again, for a party that jumps over what it loses: it may jump over the last write, too.
	for (let tries = 0; !ended; tries++) {
		if (tries >= 60) throw new Error(`${party.name} never saw the last write`);
		await lab.v2.set(lastKey, String(tries));
		await Promise.race([watching, wait(500)]);
	}
	return { written, seen: await watching, afterIndex };
}
