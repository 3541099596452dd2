import { setTimeout as wait } from "node:timers/promises";
import { rounded } from "../measure";
import type { Bench } from "./bench";
import type { Usage } from "./usage";

export interface QuietResult {
	readonly party: string;
	readonly watches: number;
	/** How long it took until the server had all of them. */
	readonly openMs?: number;
	/** What the watches added: the client's sockets, and memory, the client's after a garbage collection. */
	readonly connections?: number;
	readonly clientMiB?: number;
	readonly serverMiB?: number;
	/** Processor time for each second in which nothing happened, in milliseconds. */
	readonly clientCpuMs?: number;
	readonly serverCpuMs?: number;
	/** Why it gave up, if it did. */
	readonly stopped?: string;
}

/** How long the server may take to have all watches. */
const openWithinMs = 180_000;
/** Of how many watches it is shown at the end that they are alive. */
const heard = 100;

/** What many watches cost while nothing happens. One party, in a process and beside a server of its own. */
export async function quiet({ server, parties, sizes }: Bench): Promise<QuietResult> {
	const [party] = parties;
	if (party === undefined) throw new Error("nobody to measure");
	const { api, endpoint } = server;
	const { watches, forMs } = sizes.quiet;
	const key = server.newKey();
	const asked = { party: party.name, watches };
	try {
		const afterIndex = await server.index();
		// A client that has nothing open yet, but is warm.
		await party.ask("heard", { count: 0 });
		const before = await usages();
		const others = await watchersAt(endpoint);
		const begin = performance.now();
		await party.ask("open", { api, endpoint, key, afterIndex, watches });
		while ((await watchersAt(endpoint)) < others + watches) {
			const ms = performance.now() - begin;
			if (ms > openWithinMs) {
				const had = (await watchersAt(endpoint)) - others;
				throw new Error(`the server had ${had} of ${watches} watches after ${rounded(ms)} ms`);
			}
			await wait(20);
		}
		const openMs = rounded(performance.now() - begin);
		await party.ask("heard", { count: 0 });
		// What the opening has left to do is no part of being quiet.
		await wait(forMs / 4);
		const opened = await usages();
		await wait(forMs);
		const after = await usages();
		const count = Math.min(heard, watches);
		const alive = party.ask("heard", { count });
		alive.catch(() => {});
		for (let nth = 0; nth < count; nth++) {
			await server.set(`${key}/${Math.floor((nth * watches) / count)}/key`, String(nth));
		}
		await Promise.race([
			alive,
			wait(30_000, undefined, { ref: false }).then(() => {
				throw new Error(`not ${count} of ${watches} watches had their event after 30 s`);
			}),
		]);
		const grown = (who: "client" | "server", what: keyof Usage, from = before, to = opened) =>
			(to[who]?.[what] ?? Number.NaN) - (from[who]?.[what] ?? Number.NaN);
		return {
			...asked,
			openMs,
			...known("connections", grown("client", "sockets")),
			...known("clientMiB", rounded(grown("client", "rssMiB"), 1)),
			...known("serverMiB", rounded(grown("server", "rssMiB"), 1)),
			...known("clientCpuMs", rounded((grown("client", "cpuMs", opened, after) * 1_000) / forMs, 1)),
			...known("serverCpuMs", rounded((grown("server", "cpuMs", opened, after) * 1_000) / forMs, 1)),
		};
	} catch (error) {
		return { ...asked, stopped: String(error) };
	}

	async function usages() {
		return { client: party?.usage(), server: server.usage() };
	}
}

function known<Name extends string>(name: Name, value: number): { readonly [N in Name]?: number } {
	return Number.isNaN(value) ? {} : ({ [name]: value } as { readonly [N in Name]: number });
}

/** How many watches the server has, by its own count. */
async function watchersAt(endpoint: string): Promise<number> {
	const text = await (await fetch(`${endpoint}/metrics`)).text();
	const count = /^etcd_debugging_mvcc_watcher_total (\S+)/m.exec(text)?.[1];
	if (count === undefined) throw new Error("the server does not say how many watches it has");
	return Number(count);
}
