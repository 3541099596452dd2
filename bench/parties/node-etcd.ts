import { createRequire } from "node:module";
import { now, serve } from "./serve";

/** As much of node-etcd 7 as the bench uses; it brings no types. */
interface NodeEtcd {
	watcher(key: string, index: number, options: { readonly recursive: boolean }): NodeEtcdWatcher;
}

interface NodeEtcdWatcher {
	on(event: "change", listener: (value: { node: { key: string; modifiedIndex: number } }) => void): void;
	on(event: "resync" | "error" | "reconnect", listener: (error: unknown) => void): void;
	stop(): void;
}

/** The first argument is the folder that node-etcd was installed in. */
const [, , folder = "."] = process.argv;
const Etcd = createRequire(`${folder}/`)("node-etcd") as new (endpoint: string) => NodeEtcd;

let client: NodeEtcd | undefined;

function at(endpoint: string): NodeEtcd {
	client ??= new Etcd(endpoint);
	return client;
}

serve({
	catchUp({ endpoint, key, afterIndex, count }) {
		const begin = performance.now();
		return new Promise((resolve, reject) => {
			let events = 0;
			const watcher = at(endpoint).watcher(key, afterIndex + 1, { recursive: true });
			watcher.on("change", ({ node }) => {
				if (++events !== count) return;
				const ms = performance.now() - begin;
				watcher.stop();
				resolve({ ms, events, lastIndex: node.modifiedIndex });
			});
			watcher.on("resync", () => reject(new Error("the history was cleared")));
			watcher.on("error", reject);
		});
	},
	watch({ endpoint, key, afterIndex, lastKey }) {
		const indexes: number[] = [];
		const ns: number[] = [];
		let gaps = 0;
		return new Promise((resolve, reject) => {
			const watcher = at(endpoint).watcher(key, afterIndex + 1, { recursive: true });
			watcher.on("change", ({ node }) => {
				indexes.push(node.modifiedIndex);
				ns.push(now());
				if (node.key !== lastKey) return;
				watcher.stop();
				resolve({ indexes, ns, gaps });
			});
			// What it loses here it does not tell its user: it goes on at the current index.
			watcher.on("resync", () => gaps++);
			watcher.on("error", reject);
		});
	},
});
