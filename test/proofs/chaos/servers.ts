import { constants, openSync, readdirSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { Keeper } from "#lib/server/keeper.js";
import { type Cluster, startCluster } from "../../support/proxy";
import { until } from "../../support/until";
import type { Needs } from "./kind";

/** A cluster, and where its members keep their data. */
export interface Servers {
	readonly cluster: Cluster;
	/** Each member's data is in a folder of its name in here. */
	readonly folder: string;
	readonly keeper: Keeper;
	readonly binary: string;
	/** By the member's name, where they were asked for. */
	readonly logs?: LogPipes;
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
		const { members = this.#members, proxied = "", flags = [], fresh, logPipes } = needs;
		return [members, proxied, ...flags, fresh ? "fresh" : "", logPipes ? "log pipes" : ""].join(" ");
	}

	async take(needs: Needs): Promise<Servers> {
		const shape = this.shape(needs);
		const kept = this.#kept.get(shape);
		this.#kept.delete(shape);
		if (kept !== undefined && !needs.fresh) {
			await kept.cluster.settled();
			return kept;
		}
		const { members: size = this.#members, proxied, flags = [] } = needs;
		const [keeper, binary] = [this.#keeper, this.#binary];
		const logs = needs.logPipes ? new LogPipes(binary, keeper.folder) : undefined;
		const cluster = await startCluster({
			...{ size, keeper, flags, binary: logs?.script ?? binary },
			...(proxied === undefined ? {} : { proxied: { [proxied]: true } }),
		}).finally(() => logs?.started());
		await knowsItsVersion(cluster);
		return { cluster, folder: keeper.folder, keeper, binary, ...(logs === undefined ? {} : { logs }) };
	}

	/** Takes the servers back, for the next run that needs such. */
	async giveBack(needs: Needs, servers: Servers): Promise<void> {
		if (needs.fresh) return await servers.cluster.close();
		this.#kept.set(this.shape(needs), servers);
		for (const [shape, { cluster }] of this.#kept) {
			if (this.#kept.size <= keptCount) break;
			this.#kept.delete(shape);
			await cluster.close();
		}
	}

	/** How many wait to be used again. */
	get keptCount(): number {
		return this.#kept.size;
	}

	async close(): Promise<void> {
		for (const { cluster } of this.#kept.values()) await cluster.close();
		this.#kept.clear();
		await this.#keeper.close();
	}
}

/**
 * Starts each etcd with its log going into a pipe of its own, which is read here: one that is no longer read fills up,
 * and then the member stands still wherever it logs, which at this level it does for each entry that it applies. It
 * goes on answering the other members, and knows its leader, as one whose disk takes no more (etcd issue 22214). With
 * this process the pipes' readers end, and nothing is left standing still.
 */
class LogPipes {
	/** To be run in place of the binary. */
	readonly script: string;
	readonly #folder: string;
	readonly #read = new Map<string, Socket>();
	readonly #looking: NodeJS.Timeout;

	constructor(binary: string, folder: string) {
		this.#folder = folder;
		this.script = join(folder, "etcd-with-log-pipe");
		// A member has its name in the environment, with its other settings; who only asks for the version has none.
		const withPipe =
			'mkfifo "$ETCD_NAME.pipe"; export ETCD_LOG_LEVEL=debug ETCD_LOG_OUTPUTS="$PWD/$ETCD_NAME.pipe"';
		const script = `#!/bin/sh\nif [ -n "$ETCD_NAME" ]; then ${withPipe}; fi\nexec "${binary}" "$@"\n`;
		writeFileSync(this.script, script, { mode: 0o755 });
		// etcd waits until somebody reads.
		this.#looking = setInterval(() => this.#look(), 10);
	}

	/** All members run: no other pipe comes. */
	started(): void {
		clearInterval(this.#looking);
	}

	stop(member: string): void {
		this.#of(member).pause();
	}

	goOn(member: string): void {
		this.#of(member).resume();
	}

	#of(member: string): Socket {
		const socket = this.#read.get(`${member}.pipe`);
		if (socket === undefined) throw new Error(`${member} has no log pipe`);
		return socket;
	}

	#look(): void {
		for (const file of readdirSync(this.#folder)) {
			if (!file.endsWith(".pipe") || this.#read.has(file)) continue;
			const fd = openSync(join(this.#folder, file), constants.O_RDONLY | constants.O_NONBLOCK);
			const socket = new Socket({ fd, readable: true, writable: false });
			socket.on("error", () => {}).on("data", () => {});
			socket.unref();
			this.#read.set(file, socket);
		}
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
