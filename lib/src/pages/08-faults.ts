import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { FollowOptions } from "../follow";
import { LabError } from "../http";
import type { Faults, Target } from "../scenario/api";
import { onV2 } from "../scenario/recorded";
import { type Cluster, type Member, startCluster } from "../server";
import type { FaultKind, FaultRecord } from "../timeline/timeline";
import { V2Client } from "../v2";
import { V3Client } from "../v3";

export interface AtMemberOptions {
	/** The watchers know of this member and no other, as behind an address that always leads to the same one. */
	readonly only?: boolean;
}

/** How long a member that was put right may take to catch up. */
const catchUpMs = 15_000;
/** A follower out in the world takes 5 s for a member that does not answer, and 20 to 40 s for one that is cut off. */
const impatience: FollowOptions = { timeoutMs: 500, rollMs: [300, 600] };

/**
 * A cluster to run scenarios with faults on: the watchers are at this member and turn to the next one only when it
 * fails, the writers at the others, and `fault` breaks this member. Best one that does not lead, so that nobody
 * else has to wait for an election. Only a cluster that the lab started can be broken.
 */
export function atMember(cluster: Cluster, member: Member, options: AtMemberOptions = {}): Target {
	const others = cluster.members.filter((one) => one !== member);
	// Nobody could write while it is down.
	const beside = (others.length > 0 ? others : [member]).map(({ direct }) => direct);
	const watched = options.only ? [member] : [member, ...others];
	const root = `/etcd-watch-lab-${randomBytes(6).toString("hex")}`;
	let prefixes = 0;
	const endpoints = watched.map(({ endpoint }) => endpoint);
	return {
		...writersOf(cluster, beside),
		version: cluster.version,
		noV2: cluster.noV2,
		// Its count of watchers would be one member's.
		owned: false,
		newPrefix: () => `${root}/${++prefixes}`,
		mayOverflow() {},
		// A client remembers which endpoint it has turned to: the next run begins at this member again.
		newWatchers: () => new V2Client({ endpoints }),
		newV3Watchers: () => new V3Client({ endpoints }),
		followOptions: impatience,
		faults: new MemberFaults(cluster, member),
	};
}

interface Writers {
	readonly v2: V2Client;
	readonly v3: V3Client;
}

const writers = new WeakMap<Cluster, Map<string, Writers>>();

/** The same for the same members of a cluster, with which they go: their connections end when the servers do. */
function writersOf(cluster: Cluster, endpoints: readonly string[]): Writers {
	const known = writers.get(cluster) ?? new Map<string, Writers>();
	writers.set(cluster, known);
	const name = endpoints.join(" ");
	const both = known.get(name) ?? { v2: new V2Client({ endpoints }), v3: new V3Client({ endpoints }) };
	known.set(name, both);
	return both;
}

class MemberFaults implements Faults {
	readonly #cluster: Cluster;
	readonly #member: Member;
	#snapshots = 0;
	#isCutOff = false;

	constructor(cluster: Cluster, member: Member) {
		this.#cluster = cluster;
		this.#member = member;
	}

	async make(fault: FaultKind): Promise<readonly FaultRecord["kind"][]> {
		const member = this.#member;
		switch (fault) {
			case "kill":
				await member.kill();
				return [];
			case "pause":
				this.#snapshots = await this.#received();
				await member.pause();
				return [];
			case "cutOff":
				this.#snapshots = await this.#received();
				this.#cluster.partition([member]);
				this.#isCutOff = true;
				await this.#hasNoLeader();
				return [];
			case "restart":
				await member.restart();
				this.#snapshots = 0;
				return await this.#caughtUp();
			case "resume":
				await member.resume();
				return await this.#caughtUp();
			case "heal":
				this.#cluster.heal();
				this.#isCutOff = false;
				return await this.#caughtUp();
			case "wipe":
				await this.#cluster.wipe();
				return [];
		}
	}

	async mend(): Promise<void> {
		if (this.#isCutOff) await this.make("heal");
		if (this.#member.state === "paused") await this.make("resume");
		if (this.#member.state === "stopped") await this.make("restart");
	}

	/** Waits until it stands where the others do; gives "snapshot" when it was sent the whole store on the way. */
	async #caughtUp(): Promise<readonly FaultRecord["kind"][]> {
		await this.#cluster.settled();
		const standing = await Promise.all(
			this.#cluster.members.filter(({ state }) => state === "running").map(appliedBy),
		);
		const deadline = performance.now() + catchUpMs;
		while ((await appliedBy(this.#member)) < Math.max(...standing) && performance.now() < deadline)
			await wait(10);
		return (await this.#received()) > this.#snapshots ? ["snapshot"] : [];
	}

	#received(): Promise<number> {
		return this.#member.metric("etcd_network_snapshot_receive_success");
	}

	/** A follower notices by its election timeout that its leader is gone. */
	async #hasNoLeader(): Promise<void> {
		const deadline = performance.now() + catchUpMs;
		while ((await this.#member.metric("etcd_server_has_leader")) > 0 && performance.now() < deadline)
			await wait(10);
	}
}

/** How far a member has carried out the log that all members share, v2's writes and v3's alike. */
function appliedBy(member: Member): Promise<number> {
	return member.metric("etcd_server_proposals_applied_total");
}

/**
 * Starts a server or a cluster for one use, and ends it however the use ends: well, by an error or by Interrupt.
 * @example const run = await withServer(startCluster({ size: 1 }), (one) => steps.run(atMember(one, one.members[0])));
 */
export async function withServer<S extends { close(): Promise<void> }, R>(
	starting: Promise<S>,
	use: (server: S) => Promise<R>,
): Promise<R> {
	const server = await starting;
	try {
		return await use(server);
	} finally {
		await server.close();
	}
}

let current: { readonly cluster: Promise<Cluster> } | undefined;

/**
 * Three members for the reader to break: started by the first call, the same ones after that, until `endCluster`, so
 * that running a cell again starts nothing twice. Their etcd is the lab's own, also where ETCDCTL_ENDPOINTS names a
 * server: that one is nobody's to break. They take a snapshot every 100 writes, and the links between them can be
 * cut. Errors as `startCluster`.
 */
export async function ownCluster(): Promise<Cluster> {
	current ??= {
		cluster: startCluster({ flags: ["--snapshot-count", "100"], proxied: { peers: true } }),
	};
	const mine = current;
	try {
		return await mine.cluster;
	} catch (error) {
		if (current === mine) current = undefined;
		throw error;
	}
}

/** Ends the cluster of `ownCluster`, if there is one. The end of the process does the same. */
export async function endCluster(): Promise<void> {
	const mine = current;
	current = undefined;
	await (await mine?.cluster)?.close();
}

/** A member that does not lead: the one to break without costing anybody an election. */
export async function notTheLeader(cluster: Cluster): Promise<Member> {
	const leader = await cluster.leader();
	return cluster.members.find((member) => member !== leader) ?? leader;
}

/** What one side of a partition answers. */
export interface CutOffReads {
	/** A plain read: of the member's own data. */
	readonly plain: string | undefined;
	/** A read with quorum=true; undefined: it had no answer in time. */
	readonly quorum: string | undefined;
	/** Whether it knows of a leader. */
	readonly hasLeader: boolean;
}

/**
 * Writes "old", cuts the member (default: one that does not lead) off from the others, writes "new" to them, and reads
 * on both sides; heals at the end. `quorumMs` is how long a quorum read may take.
 */
export async function readsWhenCutOff(
	cluster: Cluster,
	broken?: Member,
	options: { readonly quorumMs?: number } = {},
): Promise<{ readonly cutOff: CutOffReads; readonly others: CutOffReads }> {
	const { quorumMs = 1_000 } = options;
	const reads = { name: "reads on both sides of a partition", of: [] };
	return await onV2(cluster, reads, () => readsOf(cluster, broken, quorumMs));
}

async function readsOf(
	cluster: Cluster,
	broken: Member | undefined,
	quorumMs: number,
): ReturnType<typeof readsWhenCutOff> {
	const member = broken ?? (await notTheLeader(cluster));
	const target = atMember(cluster, member);
	const { v2, faults } = target;
	const key = `${target.newPrefix()}/k`;
	const own = new V2Client({ endpoints: [member.direct] });
	const other = await notTheLeader(cluster).then((one) =>
		one === member ? cluster.members.find((each) => each !== member) : one,
	);
	const side = async (keys: V2Client, at: Member): Promise<CutOffReads> => ({
		plain: (await keys.get(key)).node.value,
		quorum: await keys
			.get(key, { quorum: true, timeoutMs: quorumMs })
			.then(({ node }) => node.value)
			.catch((error: unknown) => {
				if (error instanceof LabError) return undefined;
				throw error;
			}),
		hasLeader: (await at.metric("etcd_server_has_leader")) > 0,
	});
	try {
		await v2.set(key, "old");
		const standing = await appliedBy(other ?? member);
		while ((await appliedBy(member)) < standing) await wait(10);
		await faults?.make("cutOff");
		await v2.set(key, "new");
		return { cutOff: await side(own, member), others: await side(v2, other ?? member) };
	} finally {
		await faults?.mend();
		await own.close();
	}
}
