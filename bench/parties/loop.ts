import { EventIndexClearedError, V2Client } from "etcd-watch-lab/dist/v2";
import { now, serve } from "./serve";

let client: V2Client | undefined;

function keysAt(endpoint: string): V2Client {
	client ??= new V2Client({ endpoints: [endpoint] });
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
});
