import { createRequire } from "node:module";
import { V3Client } from "etcd-watch-lab/v3";
import { installPeer, peerFolder } from "#bench/peers/peer";
import type { Loop } from "./consumer";
import { asFollowedV3 } from "./loops-v3";
import { isWithin } from "./record";

const folder = peerFolder("etcd3");

/** Installs microsoft/etcd3 where it is not yet; gives the reason where it can't. */
export function installEtcd3(): Promise<string | undefined> {
	return installPeer("etcd3");
}

interface Etcd3KeyValue {
	readonly key: Buffer;
	readonly value: Buffer;
	readonly create_revision: string;
	readonly mod_revision: string;
}

interface Etcd3Watcher {
	on(event: "put" | "delete", listener: (kv: Etcd3KeyValue) => void): this;
	on(event: "error" | "disconnected" | "connected", listener: () => void): this;
	cancel(): Promise<void>;
}

interface Etcd3WatchBuilder {
	key(key: string): this;
	prefix(prefix: string): this;
	startRevision(revision: string): this;
	create(): Promise<Etcd3Watcher>;
}

/** As much of microsoft/etcd3 as is used here; its types are not installed with the lab. */
type Etcd3 = new (options: {
	readonly hosts: readonly string[];
}) => {
	watch(): Etcd3WatchBuilder;
	close(): void;
};

/** microsoft/etcd3's own watcher, begun as its users do: after a read, at its revision + 1. */
export async function etcd3Loop(loop: Loop): Promise<void> {
	const { endpoints, key, recursive, afterIndex: given, position } = loop.assignment;
	const { Etcd3 } = createRequire(`${folder}/`)("etcd3") as { readonly Etcd3: Etcd3 };
	const v3 = new V3Client({ endpoints, timeoutMs: 5_000 });
	const afterIndex = given ?? position?.index ?? (await v3.range(key)).header.revision;
	await v3.close();
	const client = new Etcd3({ hosts: endpoints });
	const builder = client.watch().startRevision(String(afterIndex + 1));
	const watcher = await (recursive ? builder.prefix(`${key}/`) : builder.key(key)).create();
	const taken: Promise<void>[] = [];
	const told = (type: "put" | "delete") => (kv: Etcd3KeyValue) => {
		const name = kv.key.toString();
		if (name !== key && !(recursive && isWithin(name, key))) return;
		const numbers = { createRevision: Number(kv.create_revision), modRevision: Number(kv.mod_revision) };
		taken.push(loop.take(asFollowedV3(type, { key: name, value: kv.value.toString(), ...numbers })));
	};
	watcher.on("put", told("put")).on("delete", told("delete"));
	// It tells its user, and goes on by itself.
	for (const event of ["error", "disconnected", "connected"] as const) watcher.on(event, () => {});
	loop.begins(afterIndex);
	await new Promise<void>((resolve) =>
		loop.signal.addEventListener("abort", () => resolve(), { once: true }),
	);
	client.close();
	await Promise.all(taken);
}
