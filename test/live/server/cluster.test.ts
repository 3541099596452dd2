import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import { get } from "node:http";
import os from "node:os";
import path from "node:path";
import { FaultError, findEtcd } from "etcd-watch-lab/server";
import { RaftError, V2Client } from "etcd-watch-lab/v2";
import { ArgumentError, ConnectionError } from "#lib/http";
import { Keeper } from "#lib/server/keeper.js";
import { notCovered } from "../../support/coverage";
import { etcdOf, kinds } from "../../support/etcds";
import { LabProcess } from "../../support/lab-process";
import { keepsPagesOut } from "../../support/other-origin";
import { type Cluster, type Member, startCluster, startProxy } from "../../support/proxy";
import { writeMany } from "../../support/write-many";

/** What a test asks one member. */
class Asked {
	readonly #keys: V2Client[] = [];

	of(member: Member): V2Client {
		const keys = new V2Client({ endpoints: [member.endpoint] });
		this.#keys.push(keys);
		return keys;
	}

	async close(): Promise<void> {
		await Promise.all(this.#keys.splice(0).map((keys) => keys.close()));
	}
}

async function identity(member: Member): Promise<{ clusterId: string | null; index: number }> {
	const answer = await fetch(`${member.direct}/v2/keys/`);
	await answer.body?.cancel();
	const { headers } = answer;
	return { clusterId: headers.get("x-etcd-cluster-id"), index: Number(headers.get("x-etcd-index")) };
}

/** The wheel's 3.5.1 can corrupt its data when it is killed under load, so that it is no ground for these. */
for (const kind of kinds.filter((each) => each !== "3.5.1")) {
	describe(`a cluster of three (etcd ${kind})`, function () {
		this.timeout(60_000);
		const asked = new Asked();
		let cluster: Cluster;
		let leader: Member;
		let follower: Member;
		let other: Member;
		before(async function () {
			// The newest is built once, from its module.
			this.timeout(300_000);
			const etcd = await etcdOf(kind);
			if ("missing" in etcd) notCovered(etcd.missing);
			cluster = await startCluster({
				binary: "missing" in etcd ? findEtcd({}) : etcd.binary,
				flags: ["--snapshot-count", "100", "--election-timeout", "250", "--heartbeat-interval", "25"],
				proxied: { clients: true, peers: true },
			});
		});
		after(() => cluster?.close());
		beforeEach(async () => {
			await cluster.settled();
			leader = await cluster.leader();
			[follower, other] = cluster.members.filter((member) => member !== leader) as [Member, Member];
		});
		afterEach(() => asked.close());

		it("starts settled, and names what it is", async () => {
			assert.equal(cluster.members.length, 3);
			assert.equal(new Set(cluster.members.map(({ pid }) => pid)).size, 3);
			assert.equal(new Set(cluster.members.map(({ id }) => id)).size, 3);
			for (const member of cluster.members) {
				assert.equal(member.state, "running");
				assert.notEqual(member.endpoint, member.direct, "the proxy's, and etcd's own");
				assert.equal(await asked.of(member).memberName(), member.name);
				assert.equal(member.proxy?.connections, 1);
			}
			assert.deepEqual(
				cluster.endpoints,
				cluster.members.map(({ endpoint }) => endpoint),
			);
		});

		it("elects another leader when one is killed, whose watches end; restarted it has the data", async () => {
			const { v2 } = cluster;
			await v2.set("/killed", "before");
			const poll = await asked.of(leader).poll("/killed");
			const elsewhere = (await asked.of(follower).poll("/killed")).answer();
			const { pid } = leader;
			const [answer] = await Promise.allSettled([poll.answer(), leader.kill()]);
			assert.ok(answer.status === "rejected" && answer.reason instanceof ConnectionError);
			assert.match(answer.reason.message, /ECONNRESET|UND_ERR_SOCKET/);
			assert.deepEqual([leader.state, leader.pid], ["stopped", undefined]);
			assert.throws(() => process.kill(pid ?? 0, 0), /ESRCH/);
			const next = await cluster.leader();
			assert.notEqual(next, leader);
			await asked.of(next).set("/killed", "meanwhile");
			const told = await elsewhere;
			assert.equal(told.kind === "event" && told.event.node.value, "meanwhile", "a watch at another member");
			await leader.restart();
			assert.notEqual(leader.pid, pid);
			assert.equal((await asked.of(leader).get("/killed", { quorum: true })).node.value, "meanwhile");
		});

		it("ends a member in order by SIGTERM, but not a paused one, and a paused one by kill -9", async () => {
			const logged = follower.log().length;
			await follower.terminate();
			assert.equal(follower.state, "stopped");
			assert.match(follower.log().slice(logged), /received signal; shutting down/i);
			await other.pause();
			await assert.rejects(other.terminate(), FaultError);
			await other.kill();
			assert.equal(other.state, "stopped");
			// Neither serves without the other: with one of three there is no quorum.
			await Promise.all([follower.restart(), other.restart()]);
		});

		it("replaces a member, which comes back under another id with the data of the others", async () => {
			await cluster.v2.set("/replaced", "1");
			const { id, endpoint } = follower;
			await follower.wipe();
			assert.notEqual(follower.id, id);
			assert.equal(follower.endpoint, endpoint);
			assert.equal((await asked.of(follower).get("/replaced", { quorum: true })).node.value, "1");
			assert.match(follower.log(), /"initial-cluster-state":"existing"/);
		});

		it("gives the pages in the reader's browser nothing, through its proxy neither, restarted and replaced too", async () => {
			const doors = [...cluster.members.map(({ direct }) => direct), follower.endpoint];
			await Promise.all(doors.map(keepsPagesOut));
			await follower.restart();
			await other.replace();
			await Promise.all(doors.map(keepsPagesOut));
			const proxy = await startProxy({ target: follower.direct });
			await keepsPagesOut(proxy.endpoint);
			await proxy.close();
		});
	});
}

describe("the faults of a cluster", function () {
	this.timeout(60_000);
	const asked = new Asked();
	const clusters: Cluster[] = [];
	const start = async (options: Parameters<typeof startCluster>[0]) => {
		const etcd = await etcdOf("3.4");
		const binary = "missing" in etcd ? findEtcd({}) : etcd.binary;
		const cluster = await startCluster({ binary, ...options });
		clusters.push(cluster);
		return cluster;
	};
	const only = ({ members }: Cluster) => {
		const [member] = members;
		assert.ok(member);
		return member;
	};
	afterEach(async () => {
		await asked.close();
		await Promise.all(clusters.splice(0).map((cluster) => cluster.close()));
	});

	for (const size of [1, 3] as const) {
		it(`wiped, a cluster of ${size} has the same cluster id, a lower index and nothing in it`, async () => {
			const cluster = await start({ size });
			const member = only(cluster);
			await writeMany(cluster.v2, "/before", 50);
			const before = await identity(member);
			await (size === 1 ? member : cluster).wipe();
			const after = await identity(member);
			assert.equal(after.clusterId, before.clusterId);
			assert.ok(after.index < before.index, `${after.index} < ${before.index}`);
			await assert.rejects(asked.of(member).get("/before", { quorum: true }), /100/);
			await cluster.settled();
		});
	}

	// A leader that can't reach every member yet takes the oldest version for the cluster's, and writes the right one
	// some 4 s later: an index that is nobody's (`monitorVersions` in etcdserver/server.go at v3.5.1).
	it("a member that comes late, the cluster is there when etcd has made the last write of its own", async () => {
		const folder = fs.mkdtempSync(path.join(os.tmpdir(), "late-etcd-"));
		try {
			const binary = path.join(folder, "etcd");
			const late = 'case "$ETCD_NAME" in *-3) sleep 2 ;; esac';
			fs.writeFileSync(binary, `#!/bin/sh\n${late}\nexec "${findEtcd({})}" "$@"\n`, { mode: 0o700 });
			const cluster = await start({ size: 3, binary });
			const versions = cluster.members.map(async ({ direct }) => (await fetch(`${direct}/version`)).json());
			for (const told of await Promise.all(versions))
				assert.deepEqual(told, { etcdserver: cluster.version, etcdcluster: "3.5.0" });
		} finally {
			fs.rmSync(folder, { recursive: true, force: true });
		}
	});

	it("two of five paused, the others serve", async () => {
		const cluster = await start({ size: 5 });
		const leader = await cluster.leader();
		const paused = cluster.members.filter((member) => member !== leader).slice(0, 2);
		await Promise.all(paused.map((member) => member.pause()));
		await asked.of(leader).set("/a", "1");
		await cluster.settled();
	});

	it("cut off from the others, a member refuses a quorum read with 300 after its 5 s and two elections, and hears no stranger", async () => {
		const keeper = await Keeper.start();
		const cluster = await start({
			...{ size: 3, keeper },
			flags: ["--election-timeout", "100", "--heartbeat-interval", "10"],
			proxied: { peers: true },
		});
		const member = only(cluster);
		const { members } = (await (await fetch(`${member.direct}/v2/members`)).json()) as {
			members: { peerURLs: [string] }[];
		};
		/** What becomes of a request at each member's door for members by one who does not say who it is. */
		const strangers = () =>
			members.map(async ({ peerURLs: [url] }) => {
				const socketPath = path.join(keeper.folder, url.replace("unix://", ""));
				const asked = get(url.startsWith("unix:") ? { socketPath, path: "/version" } : `${url}/version`);
				return await once(asked, "response").then(
					([{ statusCode }]) => statusCode,
					({ code }) => code,
				);
			});
		assert.deepEqual(await Promise.all(strangers()), [200, 200, 200]);
		cluster.partition([member]);
		const unknown = strangers();
		await assert.rejects(asked.of(member).get("/", { quorum: true }), (error: unknown) => {
			assert.ok(error instanceof RaftError);
			assert.equal(error.code, 300);
			return true;
		});
		cluster.heal();
		assert.deepEqual(await Promise.all(unknown), ["ECONNRESET", "ECONNRESET", "ECONNRESET"]);
		await cluster.close();
		await keeper.close();
	});

	it("are refused where they can't be, and nothing is done", async () => {
		const cluster = await start({ size: 1 });
		const stranger = await start({ size: 1, proxied: { peers: true } });
		const member = only(cluster);
		assert.throws(() => cluster.partition([member]), /proxied: \{ peers: true \}/);
		assert.throws(() => stranger.partition([member]), FaultError);
		await assert.rejects(member.replace(), FaultError);
		assert.equal(member.state, "running");
		await member.kill();
		await member.kill();
		for (const refused of [member.pause(), member.resume(), member.metrics()]) {
			await assert.rejects(refused, FaultError);
		}
		await assert.rejects(startCluster({ size: 2 as 1 }), ArgumentError);
	});

	it("closed in the middle of a restart, nothing of it runs", async () => {
		const keeper = await Keeper.start();
		const cluster = await start({ size: 1, keeper });
		const [restart] = await Promise.allSettled([only(cluster).restart(), cluster.close()]);
		assert.equal(restart.status, "rejected");
		assert.equal(only(cluster).state, "stopped");
		await keeper.close();
	});

	it("leave nothing behind on a keeper that others use", async () => {
		const keeper = await Keeper.start();
		const cluster = await start({ size: 1, keeper });
		const { pid } = only(cluster);
		await Promise.all([cluster.close(), cluster.close()]);
		assert.throws(() => process.kill(pid ?? 0, 0), /ESRCH/);
		assert.deepEqual(
			fs.readdirSync(keeper.folder).filter((name) => !name.endsWith(".log")),
			[],
		);
		await keeper.run("still-there", process.execPath, ["--version"]);
		await keeper.close();
		assert.ok(!fs.existsSync(keeper.folder));
	});

	it("end with the process that owns them, a paused member too, even by kill -9", async () => {
		const cluster = `const { startCluster } = require(${JSON.stringify(path.resolve(require.resolve("etcd-watch-lab/server")))});
			const cluster = await startCluster({ size: 1, proxied: { peers: true } });
			await cluster.members[0].pause(); say("paused");`;
		const owner = new LabProcess(`${cluster} setInterval(() => {}, 1000);`);
		const idle = new LabProcess(cluster);
		try {
			await Promise.all([owner.says(/"paused"/), idle.says(/"paused"/)]);
			assert.equal(owner.living.length, 2, "a keeper and an etcd");
			owner.running.child.kill("SIGKILL");
			await owner.running.ended;
			await owner.leavesNothing();
			assert.equal((await idle.running.ended).code, 0, "nobody closed it, and it keeps no process alive");
			await idle.leavesNothing();
		} finally {
			owner.remove();
			idle.remove();
		}
	});
});
