import { setTimeout as wait } from "node:timers/promises";
import { V2Client } from "etcd-watch-lab/v2";
import { V3Client } from "etcd-watch-lab/v3";
import type { Api, WatchAnswer, WriteAnswer } from "../clients/protocol";
import { client, Party, type PartyPlan } from "./party";
import type { Sizes } from "./sizes";
import { type Usage, usageOf } from "./usage";

/** An etcd of the bench's own, as a client of one API sees it. */
export interface Server {
	readonly api: Api;
	readonly endpoint: string;
	/** Undefined where the system does not tell. */
	usage(): Usage | undefined;
	/** The store's index now; on v3, its revision. */
	index(): Promise<number>;
	set(key: string, value: string): Promise<void>;
	/** Resolves when the server has just served the watches from the past, which v3 does in rounds (`roundMs`). */
	roundOver(): Promise<void>;
	/** A key that nothing has been written to. */
	newKey(): string;
}

/** How often v3 serves the watches from the past (syncWatchersLoop in mvcc/watchable_store.go at v3.5.1). */
export const roundMs = 100;

/** What every part of the bench has: a server of its own, who is measured, and who writes. */
export interface Bench {
	readonly server: Server;
	readonly parties: readonly Party[];
	readonly writer: Party;
	readonly sizes: Sizes;
}

/** Starts an etcd, a writer and the parties for as long as `work` takes. */
export async function withBench<T>(
	setting: { readonly api: Api; readonly binary: string; readonly sizes: Sizes },
	plans: readonly PartyPlan[],
	work: (bench: Bench) => Promise<T>,
): Promise<T> {
	const { api, binary, sizes } = setting;
	const etcd = Party.start(client("etcd", "etcd"));
	const parties: Party[] = [etcd];
	const start = (plan: PartyPlan): Party => {
		const party = Party.start(plan);
		parties.push(party);
		return party;
	};
	try {
		const { endpoint, pid } = await etcd.ask("start", { binary, v2: api === "v2" });
		const store = api === "v2" ? v2Store(endpoint) : v3Store(endpoint);
		let keys = 0;
		const server = { api, endpoint, usage: () => usageOf(pid), newKey: () => `/bench${++keys}`, ...store };
		const bench = { server, parties: plans.map(start), writer: start(client("writer", "writer")), sizes };
		return await work(bench).finally(store.close);
	} finally {
		await Promise.all(parties.map((party) => party.close()));
	}
}

function v2Store(endpoint: string) {
	const v2 = new V2Client({ endpoints: [endpoint] });
	return {
		index: async () => (await v2.get("/")).etcdIndex,
		set: async (key: string, value: string) => void (await v2.set(key, value)),
		roundOver: async () => {},
		close: () => v2.close(),
	};
}

function v3Store(endpoint: string) {
	const v3 = new V3Client({ endpoints: [endpoint] });
	return {
		index: async () => (await v3.status()).header.revision,
		set: async (key: string, value: string) => void (await v3.put(key, value)),
		async roundOver() {
			const watch = await v3.watch("ready", { startRevision: 1 });
			await watch.next();
			watch.close();
		},
		close: () => v3.close(),
	};
}

export interface WatchedWrites {
	readonly written: WriteAnswer;
	readonly seen: WatchAnswer;
	/** Below this and the first index written lies nothing else of the key. */
	readonly afterIndex: number;
}

/** One party watches a new key while the writer writes below it, and until a last write behind all the others. */
export async function whileWatching(
	{ server, writer }: Bench,
	party: Party,
	writes: { readonly count: number; readonly connections: number; readonly everyMs?: number },
): Promise<WatchedWrites> {
	const { api, endpoint } = server;
	const key = server.newKey();
	const lastKey = `${key}/last`;
	// On v2, a directory: one that isn't there is another case.
	await server.set(`${key}/first`, "");
	const afterIndex = await server.index();
	let ended = false;
	const watching = party.ask("watch", { api, endpoint, key, afterIndex, lastKey }).finally(() => {
		ended = true;
	});
	watching.catch(() => {});
	// Long enough for every party to wait; who doesn't yet finds the first writes in the history.
	await wait(300);
	const written = await writer.ask("write", { api, endpoint, key, keyCount: 50, ...writes });
	// Once more and again, for a party that jumps over what it loses: it may jump over the last write, too.
	for (let tries = 0; !ended; tries++) {
		if (tries >= 60) throw new Error(`${party.name} never saw the last write`);
		await server.set(lastKey, String(tries));
		await Promise.race([watching, wait(500)]);
	}
	return { written, seen: await watching, afterIndex };
}
