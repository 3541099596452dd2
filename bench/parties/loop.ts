import { EventIndexClearedError, Keys } from "etcd-watch-lab/dist/etcd";
import { FanOut } from "./fan-out";
import { now, serve, usage } from "./serve";

let client: Keys | undefined;
let fanOut: FanOut | undefined;

function keysAt(endpoint: string): Keys {
	// Ten thousand long polls that are all made anew at once take their time.
	client ??= new Keys({ endpoints: [endpoint], timeoutMs: 120_000 });
	return client;
}

/** The textbook loop, by the lab's own client: one long poll at a time, each with the last event's index + 1. */
serve({
	async catchUp({ endpoint, key, afterIndex, count }) {
		const keys = keysAt(endpoint);
		const begin = performance.now();
		let events = 0;
		let lastIndex = afterIndex;
		const watcher = keys.watcher(key, { recursive: true, afterIndex });
		while (events < count) {
			lastIndex = (await watcher.next()).node.modifiedIndex;
			events++;
		}
		return { ms: performance.now() - begin, events, lastIndex };
	},
	async watch({ endpoint, key, afterIndex, lastKey }) {
		const indexes: number[] = [];
		const ns: number[] = [];
		try {
			for await (const { node } of keysAt(endpoint).watcher(key, { recursive: true, afterIndex })) {
				indexes.push(node.modifiedIndex);
				ns.push(now());
				if (node.key === lastKey) break;
			}
		} catch (error) {
			if (!(error instanceof EventIndexClearedError)) throw error;
			return { indexes, ns, gaps: 1, stopped: error.message };
		}
		return { indexes, ns, gaps: 0 };
	},
	async open({ endpoint, key, afterIndex, watchers }) {
		const keys = keysAt(endpoint);
		fanOut = new FanOut(watchers);
		await fanOut.open(async () => {
			const watcher = keys.watcher(key, { recursive: true, afterIndex });
			await watcher.registered();
			return watcher;
		});
		return usage();
	},
	async deliver({ events }) {
		if (!fanOut) throw new Error("nothing is open");
		return { ns: await fanOut.delivered(events), ...usage() };
	},
	async shut() {
		await client?.close();
		client = undefined;
		fanOut = undefined;
	},
});
