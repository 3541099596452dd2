import { createRequire } from "node:module";
import { oncePerEndpoint, serveWatch } from "./serve";

/** As much of microsoft/etcd3 as the bench uses; its types are not installed with the lab. */
interface Etcd3 {
	watch(): Etcd3WatchBuilder;
}

interface Etcd3WatchBuilder {
	prefix(prefix: string): this;
	startRevision(revision: string): this;
	create(): Promise<Etcd3Watcher>;
}

interface Etcd3Watcher {
	on(event: "put", listener: (kv: { readonly key: Buffer; readonly mod_revision: string }) => void): this;
	on(event: "error", listener: (error: unknown) => void): this;
	cancel(): Promise<void>;
}

/** The first argument is the folder that etcd3 was installed in. */
const [, , folder = "."] = process.argv;
const { Etcd3 } = createRequire(`${folder}/`)("etcd3") as {
	readonly Etcd3: new (options: object) => Etcd3;
};
const clientOf = oncePerEndpoint(
	(endpoint) =>
		new Etcd3({
			hosts: endpoint,
			// gRPC's own limit in Node is 4 MiB, which one answer to a watch from the past may pass.
			grpcOptions: { "grpc.max_receive_message_length": -1 },
		}),
);

serveWatch(async ({ endpoint, key, afterIndex }, take) => {
	const builder = clientOf(endpoint).watch().prefix(`${key}/`);
	const watcher = await builder.startRevision(String(afterIndex + 1)).create();
	await new Promise<void>((resolve, reject) => {
		let isOver = false;
		watcher.on("put", ({ key, mod_revision }) => {
			// After the last one more may be on their way.
			if (isOver) return;
			isOver = take(Number(mod_revision), key.toString());
			if (isOver) resolve();
		});
		watcher.on("error", reject);
	});
	await watcher.cancel();
	return { gaps: 0 };
});
