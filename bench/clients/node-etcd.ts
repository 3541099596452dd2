import { createRequire } from "node:module";
import { oncePerEndpoint, serveWatch } from "./serve";

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
const clientOf = oncePerEndpoint((endpoint) => new Etcd(endpoint));

serveWatch(({ endpoint, key, afterIndex }, take) => {
	let gaps = 0;
	return new Promise((resolve, reject) => {
		const watcher = clientOf(endpoint).watcher(key, afterIndex + 1, { recursive: true });
		watcher.on("change", ({ node }) => {
			if (!take(node.modifiedIndex, node.key)) return;
			watcher.stop();
			resolve({ gaps });
		});
		// What it loses here it does not tell its user: it goes on at the current index.
		watcher.on("resync", () => gaps++);
		watcher.on("error", reject);
	});
});
