import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { ArgumentError } from "../http/errors";
import { V2Client } from "../v2/client";
import {
	type Etcd,
	etcdsFor,
	flagFor,
	freePorts,
	hasV2,
	oldestFirst,
	type Place,
	peerPlaces,
	whyNoV2,
} from "./etcd";
import { Keeper, onInterrupt, StartError } from "./keeper";
import { ClusterMember, type MemberContext } from "./member";
import { FaultError, type MemberApi, type MemberStatus, memberApiOf } from "./member-api";
import { PartitionProxy, type PeerAddress } from "./partition";

export interface ClusterOptions {
	/** How many members; 3 unless given. */
	readonly size?: 1 | 3 | 5;
	/** The etcd binary, or one for each member; found by `findEtcd` unless given. v2 is on where all have it. */
	readonly binary?: string | readonly string[];
	/** More flags for each member; they win over the lab's own. One that 3.6 renamed is taken as "--experimental-…", too. */
	readonly flags?: readonly string[];
	/** `peers`: what members send to each other goes through this process, which a partition needs. */
	readonly proxied?: { readonly peers?: boolean };
	/** Gives the URL that clients use for a member, from the one at which its etcd listens: the same unless given. */
	readonly clientUrl?: (direct: string) => Promise<string>;
	/** Called, with one line, when a member that served has ended by itself. */
	readonly onEnd?: (how: string) => void;
	/** Runs the members beside what it already runs, and is not closed; one of the cluster's own unless given. */
	readonly keeper?: Keeper;
}

/** What a reader can see of a member and do to it. Every action's fault is a FaultError when it can't be done now. */
export type Member = Pick<
	ClusterMember,
	"name" | "id" | "endpoint" | "direct" | "pid" | "state" | "version" | Page | Action
>;
type Page = "log" | "metrics" | "metric";
type Action = "kill" | "terminate" | "pause" | "resume" | "restart" | "wipe" | "replace";

const settleMs = 30_000;

/**
 * Starts a cluster, with the v2 API on where the version has one; resolves when it is settled.
 * @throws StartError, ArgumentError
 */
export function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
	return Cluster.start(options);
}

interface Started {
	readonly options: ClusterOptions;
	readonly size: number;
	readonly etcds: readonly Etcd[];
	readonly keeper: Keeper;
}

/**
 * An etcd cluster on loopback ports that the lab started, for nobody else, and the faults to try on it. There is
 * no way to point them at a server that the lab did not start. The end of the process, even by kill -9, ends it
 * and removes its data.
 */
export class Cluster {
	readonly members: readonly Member[];
	/** Its members' version, of several the oldest. */
	readonly version: string;
	/** Why there is no v2 API, and how to get one; undefined where there is. */
	readonly noV2: string | undefined;
	/** The v2 keys API of the members themselves, past what `clientUrl` put before them; an etcd 3.6 or later has none. */
	readonly v2: V2Client;
	readonly #members: readonly ClusterMember[];
	readonly #started: Started;
	readonly #api: MemberApi;
	#isolated: ReadonlySet<Member> = new Set();
	readonly #ignoreInterrupts: () => void;
	#closing: Promise<void> | undefined;

	private constructor(started: Started, api: MemberApi, members: readonly ClusterMember[]) {
		this.#started = started;
		this.#api = api;
		this.#members = members;
		this.members = members;
		const versions = oldestFirst(started.etcds);
		[this.version = ""] = versions;
		this.noV2 = whyNoV2(versions.at(-1) ?? "");
		this.v2 = new V2Client({ endpoints: members.map((member) => member.direct) });
		this.#ignoreInterrupts = onInterrupt(() => this.v2.abortAll());
	}

	/** As `startCluster`. */
	static async start(options: ClusterOptions): Promise<Cluster> {
		const { size = 3 } = options;
		if (![1, 3, 5].includes(size)) throw new ArgumentError("a cluster has 1, 3 or 5 members");
		const etcds = await etcdsFor(size, options.binary);
		const keeper = options.keeper ?? (await Keeper.start());
		try {
			// Another process can take a port between its choice and etcd's start.
			for (let attempt = 1; ; attempt++) {
				const cluster = await Cluster.#prepare({ options, size, etcds, keeper });
				try {
					await cluster.#start();
					return cluster;
				} catch (error) {
					await cluster.#end();
					const isPortTaken = error instanceof StartError && error.message.includes("address already in use");
					if (!isPortTaken || attempt === 5) throw error;
				}
			}
		} catch (error) {
			if (options.keeper === undefined) await keeper.close().catch(() => {});
			throw error;
		}
	}

	/** Ports, proxies and members; nothing runs yet. */
	static async #prepare(started: Started): Promise<Cluster> {
		const { size, keeper, etcds, options } = started;
		const token = `lab-${randomBytes(4).toString("hex")}`;
		const hasAllV2 = etcds.every(({ version }) => hasV2(version));
		const api = memberApiOf(hasAllV2);
		const members: ClusterMember[] = [];
		const cluster = new Cluster(started, api, await fill());
		return cluster;

		async function fill(): Promise<ClusterMember[]> {
			for (const [at, port] of (await freePorts(size)).entries()) {
				const direct = `http://127.0.0.1:${port}`;
				const { binary, version } = etcds[at] as Etcd;
				const given = (options.flags ?? []).map((flag) => flagFor(version, flag));
				const flags = hasAllV2 ? ["--enable-v2", ...given] : given;
				const context: MemberContext = {
					...{ keeper, binary, token, api, flags },
					peers: () => members,
					newPeer: () => peerAddress(at),
					ended: (how) => options.onEnd?.(`etcd ${version} ${how}`),
				};
				const endpoint = (await options.clientUrl?.(direct)) ?? direct;
				const name = `${token}-${at + 1}`;
				members.push(new ClusterMember(context, name, version, direct, endpoint, await peerAddress(at)));
			}
			return members;
		}

		async function peerAddress(at: number): Promise<PeerAddress> {
			const [listen, before] = (await peerPlaces(2, keeper.folder)) as [Place, Place];
			if (!options.proxied?.peers) return { listen, url: listen.url, proxy: undefined };
			const isCutOff = (id: string | undefined) => cluster.#isCutOff(members[at], id);
			const proxy = await PartitionProxy.open(before.socket, listen.socket, isCutOff);
			return { listen, url: before.url, proxy };
		}
	}

	/** The members' URLs as clients use them. */
	get endpoints(): readonly string[] {
		return this.members.map((member) => member.endpoint);
	}

	/**
	 * Waits until a majority of all members, on one side of a partition, follows one leader of the newest term.
	 * @throws FaultError after 30 s
	 */
	async leader(): Promise<Member> {
		return await this.#until("a leader", async () => {
			const statuses = await this.#statuses();
			const term = Math.max(...statuses.map(([, status]) => status?.term ?? 0));
			const newest = statuses.filter(([, status]) => status?.term === term);
			for (const [member, status] of newest) {
				const followers = newest.filter(([other, their]) => {
					return their?.leader === status?.id && this.#isolated.has(other) === this.#isolated.has(member);
				});
				const leads =
					status !== undefined && status.leader === status.id && followers.length > this.members.length / 2;
				if (leads) return member;
			}
			return undefined;
		});
	}

	/** Waits until every running member answers a quorum read, and all have one leader. @throws FaultError after 30 s */
	async settled(): Promise<void> {
		await this.#until("every running member to serve under one leader", async () => {
			const statuses = await this.#statuses();
			const [first] = statuses;
			const leader = first?.[1]?.leader;
			const agree = statuses.every(([, status]) => status?.leader === leader);
			if (leader === undefined || !agree || !statuses.some(([, status]) => status?.id === leader))
				return undefined;
			const reads = statuses.map(([member]) => this.#api.answersQuorumRead(member.direct));
			return (await Promise.all(reads)).every((worked) => worked) ? true : undefined;
		});
	}

	/**
	 * Cuts these members off from the others, both ways, as a black hole: nothing is refused, nothing comes. Clients
	 * reach all of them. A second call takes the first one's place. Who sends is told by rafthttp's X-Server-From
	 * header (server/etcdserver/api/rafthttp, util.go and stream.go, at v3.5.9).
	 * @throws FaultError without `proxied.peers`
	 */
	partition(members: readonly Member[]): void {
		if (!this.#started.options.proxied?.peers) {
			throw new FaultError("a partition needs a cluster that was started with proxied: { peers: true }");
		}
		const strangers = members.filter((member) => !this.members.some((own) => own === member));
		if (strangers.length > 0) throw new FaultError("a member of another cluster can't be cut off here");
		this.#isolate(members);
	}

	/** Ends the partition. Paused and stopped members stay so. */
	heal(): void {
		this.#isolate([]);
	}

	/**
	 * Kills every member, removes all data and starts them again with the same flags: the same X-Etcd-Cluster-Id
	 * (unless a member was replaced before) and an empty store (T18 in notebook 07).
	 */
	async wipe(): Promise<void> {
		await Promise.all(this.members.map((member) => member.kill()));
		for (const member of this.#members) member.forget();
		await this.#start();
	}

	/** Ends the members and what stands before them. Safe to call again. */
	close(): Promise<void> {
		this.#closing ??= this.#end().then(async () => {
			if (this.#started.options.keeper === undefined) await this.#started.keeper.close();
		});
		return this.#closing;
	}

	async #start(): Promise<void> {
		for (const member of this.#members) await member.launch();
		await Promise.all(this.#members.map((member) => member.serves()));
		await this.settled();
		await this.#until("the cluster's version", async () => (await this.#hasOwnVersion()) || undefined);
	}

	/**
	 * Whether etcd has made the last write of its own, whose index is nobody's: a leader that could not reach every member
	 * has taken the oldest version for the cluster's, and corrects that within 4 s (`monitorVersions` in
	 * etcdserver/server.go at v3.5.1).
	 */
	async #hasOwnVersion(): Promise<boolean> {
		const own = this.version.replace(/^(\d+\.\d+).*/, "$1.0");
		const told = await Promise.all(this.members.map(({ direct }) => this.#api.clusterVersion(direct)));
		return told.every((version) => version === own);
	}

	/** Everything but the keeper. */
	async #end(): Promise<void> {
		await this.v2.close();
		this.#ignoreInterrupts();
		await Promise.all(this.#members.map((member) => member.close()));
		await this.#api.close();
	}

	#isolate(members: readonly Member[]): void {
		this.#isolated = new Set(members);
		for (const { peer } of this.#members) peer.proxy?.refresh();
	}

	/** Whether what comes from the member of that id (undefined: from whom it comes is not known) is not to arrive. */
	#isCutOff(to: Member | undefined, id: string | undefined): boolean {
		if (this.#isolated.size === 0 || to === undefined) return false;
		const from = this.members.find((member) => member.id === id);
		return from === undefined || this.#isolated.has(from) !== this.#isolated.has(to);
	}

	async #statuses(): Promise<[ClusterMember, MemberStatus | undefined][]> {
		const running = this.#members.filter((member) => member.state === "running");
		return await Promise.all(
			running.map(async (member): Promise<[ClusterMember, MemberStatus | undefined]> => {
				return [member, await this.#api.status(member.direct)];
			}),
		);
	}

	async #until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
		const deadline = performance.now() + settleMs;
		while (true) {
			const found = await look();
			if (found !== undefined) return found;
			if (this.#closing !== undefined) throw new FaultError("the cluster was closed");
			if (performance.now() > deadline) {
				const states = this.members.map((member) => `${member.name} is ${member.state}`);
				throw new FaultError(`waited ${settleMs} ms in vain for ${what}: ${states.join(", ")}`);
			}
			await wait(10);
		}
	}
}
