import { Keeper } from "etcd-watch-lab/dist/server/keeper";
import { type Cluster, startCluster } from "../support/proxy";
import { until } from "../support/until";
import type { Needs } from "./kind";

/** A cluster, and where its members keep their data. */
export interface Servers {
	readonly cluster: Cluster;
	/** Each member's data is in a folder of its name in here. */
	readonly folder: string;
	readonly keeper: Keeper;
	readonly binary: string;
}

/** How many clusters wait for the next run that needs one like it: each costs some processor time. */
const keptCount = 2;

/** The clusters of a session, used again as long as the faults leave them whole. */
export class ServerPool {
	readonly #binary: string;
	readonly #members: 1 | 3;
	readonly #keeper: Keeper;
	/** The one that was used last is the last. */
	readonly #kept = new Map<string, Servers>();

	private constructor(binary: string, members: 1 | 3, keeper: Keeper) {
		this.#binary = binary;
		this.#members = members;
		this.#keeper = keeper;
	}

	static async open(binary: string, members: 1 | 3): Promise<ServerPool> {
		return new ServerPool(binary, members, await Keeper.start());
	}

	/** Two kinds of the same shape can have the same servers, one after the other. */
	shape(needs: Needs): string {
		const { members = this.#members, proxied = "", flags = [] } = needs;
		return [members, proxied, ...flags].join(" ");
	}

	async take(needs: Needs): Promise<Servers> {
		const shape = this.shape(needs);
		const kept = this.#kept.get(shape);
		this.#kept.delete(shape);
		if (kept !== undefined) {
			await kept.cluster.settled();
			return kept;
		}
		const { members: size = this.#members, proxied, flags = [] } = needs;
		const cluster = await startCluster({
			size,
			binary: this.#binary,
			keeper: this.#keeper,
			flags,
			...(proxied === undefined ? {} : { proxied: { [proxied]: true } }),
		});
		await knowsItsVersion(cluster);
		return { cluster, folder: this.#keeper.folder, keeper: this.#keeper, binary: this.#binary };
	}

	/** Takes the servers back, for the next run that needs such. */
	async giveBack(needs: Needs, servers: Servers): Promise<void> {
		this.#kept.set(this.shape(needs), servers);
		for (const [shape, { cluster }] of this.#kept) {
			if (this.#kept.size <= keptCount) break;
			this.#kept.delete(shape);
			await cluster.close();
		}
	}

	async close(): Promise<void> {
		for (const { cluster } of this.#kept.values()) await cluster.close();
		this.#kept.clear();
		await this.#keeper.close();
	}
}

/** A new cluster writes its members' names and its version, some time after its start; nothing more after that. */
async function knowsItsVersion({ members, version }: Cluster): Promise<void> {
	const series = version.split(".").slice(0, 2).join(".");
	for (const { direct } of members) {
		await until("the cluster has its version", async () => {
			const json: unknown = await (await fetch(`${direct}/version`)).json();
			const decided: unknown = typeof json === "object" && json !== null && Reflect.get(json, "etcdcluster");
			return typeof decided === "string" && decided.startsWith(`${series}.`);
		});
	}
}
