import { createRequire } from "node:module";
import { V2Client, type WatchEvent } from "etcd-watch-lab/v2";
import { installPeer, peerFolder } from "#bench/peers/peer";
import { asFollowed, type Loop } from "./consumer";

const folder = peerFolder("node-etcd");

/** Installs node-etcd where it is not yet; gives the reason where it can't. */
export function installNodeEtcd(): Promise<string | undefined> {
	return installPeer("node-etcd");
}

/** As much of node-etcd 7 as is used here; it brings no types. */
interface NodeEtcdWatcher {
	on(event: "change", listener: (event: Pick<WatchEvent, "action" | "node">) => void): void;
	on(event: "error" | "reconnect" | "resync", listener: () => void): void;
	stop(): void;
}

type NodeEtcd = new (
	hosts: readonly string[],
) => {
	watcher(key: string, index: number, options: { readonly recursive: boolean }): NodeEtcdWatcher;
};

/** node-etcd's own watcher, begun as its users do: after a read, at its index + 1. */
export async function nodeEtcdLoop(loop: Loop): Promise<void> {
	const { endpoints, key, recursive, afterIndex: given, position } = loop.assignment;
	const Etcd = createRequire(`${folder}/`)("node-etcd") as NodeEtcd;
	const keys = new V2Client({ endpoints });
	const afterIndex = given ?? position?.index ?? (await keys.get("/", { quorum: true })).etcdIndex;
	await keys.close();
	loop.begins(afterIndex);
	const watcher = new Etcd(endpoints).watcher(key, afterIndex + 1, { recursive });
	const taken: Promise<void>[] = [];
	watcher.on("change", ({ action, node }) => {
		const { value, dir = false, modifiedIndex, createdIndex } = node;
		const whole = {
			key: node.key,
			...(value === undefined ? {} : { value }),
			dir,
			modifiedIndex,
			createdIndex,
		};
		taken.push(loop.take(asFollowed({ action, node: whole, fromHistory: false })));
	});
	// It tells its user, and goes on by itself.
	for (const event of ["error", "reconnect", "resync"] as const) watcher.on(event as "error", () => {});
	await new Promise<void>((resolve) =>
		loop.signal.addEventListener("abort", () => resolve(), { once: true }),
	);
	watcher.stop();
	await Promise.all(taken);
}
