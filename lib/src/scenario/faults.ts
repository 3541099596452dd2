import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { KeyNotFoundError, Keys } from "../etcd";
import type { FollowOptions } from "../follow";
import type { Cluster, Member } from "../server";
import type { Faults, Target } from "./target";
import type { FaultKind, FaultRecord } from "./timeline";

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
	const v2 = writerOf(cluster, beside);
	return {
		v2,
		version: cluster.version,
		// Its count of watchers would be one member's.
		owned: false,
		newPrefix: () => `${root}/${++prefixes}`,
		mayOverflow() {},
		// A client remembers which endpoint it has turned to: the next run begins at this member again.
		newWatchers: () => new Keys({ endpoints: watched.map(({ endpoint }) => endpoint) }),
		followOptions: impatience,
		faults: new MemberFaults(cluster, member, v2),
	};
}

const writers = new WeakMap<Cluster, Map<string, Keys>>();

/** One for the same members of a cluster, with which it goes: its connections end when the servers do. */
function writerOf(cluster: Cluster, endpoints: readonly string[]): Keys {
	const known = writers.get(cluster) ?? new Map<string, Keys>();
	writers.set(cluster, known);
	const name = endpoints.join(" ");
	const client = known.get(name) ?? new Keys({ endpoints });
	known.set(name, client);
	return client;
}

class MemberFaults implements Faults {
	readonly #cluster: Cluster;
	readonly #member: Member;
	readonly #v2: Keys;
	#snapshots = 0;
	#isCutOff = false;

	constructor(cluster: Cluster, member: Member, v2: Keys) {
		this.#cluster = cluster;
		this.#member = member;
		this.#v2 = v2;
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
		const own = new Keys({ endpoints: [this.#member.direct] });
		try {
			const target = await indexOf(this.#v2, true);
			const deadline = performance.now() + catchUpMs;
			while ((await indexOf(own, false)) < target && performance.now() < deadline) await wait(10);
		} finally {
			await own.close();
		}
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

/** The store's index as this client's server has it. */
async function indexOf(v2: Keys, quorum: boolean): Promise<number> {
	try {
		return (await v2.get("/", { quorum })).etcdIndex;
	} catch (error) {
		if (error instanceof KeyNotFoundError) return error.index;
		throw error;
	}
}
