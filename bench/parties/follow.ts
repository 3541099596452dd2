import { follow } from "etcd-watch-lab/dist/follow";
import { V2Client } from "etcd-watch-lab/dist/v2";
import { now, serve } from "./serve";

let client: V2Client | undefined;

function keysAt(endpoint: string): V2Client {
	client ??= new V2Client({ endpoints: [endpoint] });
	return client;
}

/** The lab's follower, as anybody would use it: all its rules obeyed, each follower new, its first list included. */
serve({
	async catchUp({ endpoint, key, afterIndex, count }) {
		const begin = performance.now();
		let events = 0;
		for await (const change of follow(keysAt(endpoint), key, { recursive: true, afterIndex })) {
			if (change.kind !== "event") throw new Error(`a ${change.kind} instead of an event`);
			if (++events < count) continue;
			const ms = performance.now() - begin;
			// `break` and `return` close the follower first, which is no part of reading.
			return { ms, events, lastIndex: change.index };
		}
		throw new Error("the follower ended");
	},
	async watch({ endpoint, key, afterIndex, lastKey }) {
		const indexes: number[] = [];
		const ns: number[] = [];
		let gaps = 0;
		for await (const change of follow(keysAt(endpoint), key, { recursive: true, afterIndex })) {
			if (change.kind !== "event") {
				gaps++;
				continue;
			}
			indexes.push(change.index);
			ns.push(now());
			if (change.key === lastKey) break;
		}
		return { indexes, ns, gaps };
	},
});
