import * as server from "etcd-watch-lab/server";
import { type FaultProxy, startProxy } from "./proxy";

export interface Member extends server.Member {
	/** Before its client port; undefined unless the cluster was started with `proxied.clients`. */
	readonly proxy: FaultProxy | undefined;
}

export interface Cluster extends server.Cluster {
	readonly members: readonly Member[];
	leader(): Promise<Member>;
	/** Ends the partition and every fault of every proxy. */
	heal(): void;
}

export interface ClusterOptions extends Omit<server.ClusterOptions, "proxied" | "clientUrl"> {
	/** Which links go through a proxy; none unless given. */
	readonly proxied?: { readonly clients?: boolean; readonly peers?: boolean };
}

/** The lib's `startCluster`, with a `FaultProxy` before each member's client port where `proxied.clients` asks for it. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
	const { proxied: { clients = false, peers = false } = {}, ...others } = options;
	const proxies = new Map<string, FaultProxy>();
	const closeAll = () => Promise.all([...proxies.values()].map((proxy) => proxy.close()));
	let cluster: server.Cluster;
	try {
		cluster = await server.startCluster({
			...others,
			proxied: { peers },
			async clientUrl(target) {
				if (!clients) return target;
				const proxy = await startProxy({ target });
				proxies.set(target, proxy);
				return proxy.endpoint;
			},
		});
	} catch (error) {
		await closeAll();
		throw error;
	}
	for (const member of cluster.members) Object.assign(member, { proxy: proxies.get(member.direct) });
	const { heal, close } = { heal: cluster.heal.bind(cluster), close: cluster.close.bind(cluster) };
	return Object.assign(cluster, {
		heal() {
			heal();
			for (const proxy of proxies.values()) proxy.heal();
		},
		async close() {
			await close();
			await closeAll();
		},
	}) as Cluster;
}
