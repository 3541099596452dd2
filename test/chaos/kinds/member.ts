import { startProxy } from "etcd-watch-lab/dist/server";
import { freePorts } from "etcd-watch-lab/dist/server/ports";
import { V3Client } from "etcd-watch-lab/dist/v3";
import type { Kind } from "../kind";
import type { Run, StartOptions } from "../run";

/** For what a member does in silence: found out in a moment, not in half a minute. */
const alert: StartOptions = { timeoutMs: 400, rollMs: [300, 500], probeMs: 100 };

/** What happens to the member that the consumers are at, or to its cluster; no write is lost. */
export const memberKinds: readonly Kind[] = [
	underTraffic("kill", 1.7, "kill -9 of the member that all are at, and its restart", async (run) => {
		await run.member.kill();
		run.bit(`${run.member.name} was killed`);
		return () => run.member.restart();
	}),
	underTraffic(
		"terminate",
		9,
		"SIGTERM of the member that all are at, and its restart (T19)",
		async (run) => {
			const { pid } = run.member;
			await run.member.terminate();
			run.bit(`process ${pid} ended by SIGTERM`);
			return () => run.member.restart();
		},
	),
	underTraffic("pause", 2, "SIGSTOP of the member that all are at: silence (T14)", async (run) => {
		await run.member.pause();
		run.bit(`${run.member.name} was paused`);
		await moved(run);
		return () => run.member.resume();
	}),
	underTraffic("leader-kill", 2.5, "kill -9 of the leader that all are at", async (run) => {
		const leader = run.member;
		const before = await changes(run);
		await leader.kill();
		await run.cluster.leader();
		run.bit(`the leader was killed; leader changes: ${before} before, ${await changes(run)} after`);
		return () => leader.restart();
	}),
	underTraffic("rolling-restart", 4, "every member is restarted, one after the other", async (run) => {
		for (const member of run.cluster.members) {
			const { pid } = member;
			await member.restart();
			run.bit(`process ${pid} became ${member.pid}`);
		}
		return () => Promise.resolve();
	}),
	underTraffic("kill-all", 3, "kill -9 of all members at once, and their restart (T15)", async (run) => {
		await Promise.all(run.cluster.members.map((member) => member.kill()));
		await Promise.all(run.cluster.members.map((member) => member.restart()));
		run.bit("all members were killed and started again");
		return () => run.cluster.settled();
	}),
	underTraffic(
		"minority",
		2.2,
		"the member that all are at is cut off from the others: its polls stay open, in silence (T14)",
		async (run) => {
			run.cluster.partition([run.member]);
			await moved(run);
			return async () => run.cluster.heal();
		},
		{ proxied: "peers" },
	),
	underTraffic(
		"leader-minority",
		3,
		"the leader that all are at is cut off from the others, who elect another",
		async (run) => {
			run.cluster.partition([run.member]);
			const leader = await run.cluster.leader();
			run.bit(`${run.member.name} led, and was cut off; ${leader.name} leads`);
			await moved(run);
			return async () => run.cluster.heal();
		},
		{ proxied: "peers" },
	),
	{
		name: "lagging",
		group: "member",
		needs: { members: 3, proxied: "peers" },
		seconds: 2.5,
		about: "saved positions are resumed, and followers begun, at a member that lags behind",
		async run(run) {
			await run.beginAt("follower");
			await run.startUsual(alert);
			await run.write({ count: 300 }).done;
			run.cluster.partition([run.member]);
			const writing = run.write({ count: 900 });
			await writing.reached(300);
			await moved(run);
			// Whoever begins now begins at the member that has not heard of all this.
			const names = ["tree", "all", "textbook"];
			const again = await run.restart(names, { ...alert, endpoints: run.endpoints });
			await run.start("new", alert);
			await run.caughtUp(...again.slice(0, 2));
			await writing.done;
			run.cluster.heal();
		},
	},
	{
		name: "replace",
		group: "member",
		needs: { members: 3 },
		seconds: 3.5,
		about: "the member that all are at is replaced by a new one at the same address",
		async run(run) {
			await run.beginAt("follower");
			await run.startUsual(alert);
			const writing = run.write({ perSecond: 500 });
			await writing.reached(200);
			const { id } = run.member;
			await run.member.replace();
			run.bit(`member ${id} became ${run.member.id}`);
			const { length } = writing.acknowledged;
			await writing.reached(length + 200);
			await writing.stop();
		},
	},
	{
		name: "dead-endpoint",
		group: "member",
		needs: {},
		seconds: 2,
		about: "the list of endpoints begins with one where nobody listens and one that swallows everything",
		async run(run) {
			const hole = await startProxy({ target: run.member.direct });
			run.atEnd(() => hole.close());
			hole.inject({ kind: "blackHole", direction: "both" });
			const [port = 1] = await freePorts(1);
			const endpoints = [`http://127.0.0.1:${port}`, hole.endpoint, ...run.endpoints];
			await run.startUsual({ ...alert, endpoints });
			const writing = run.write({ count: 1_200 });
			await writing.reached(500);
			await run.restart(["tree", "all"], { ...alert, endpoints });
			await writing.done;
			if (hole.bitten.blackHole > 0) run.bit(`${hole.bitten.blackHole} bytes were swallowed`);
		},
	},
	{
		name: "snapshot-catch-up",
		group: "member",
		needs: { members: 3, flags: ["--snapshot-count", "100"] },
		seconds: 7,
		// For 30 s after a snapshot the leader drops nothing of its log, and would not need another.
		leavesBroken: true,
		about: "the member that all wait at is paused, and catches up by a snapshot: it skips events (T17)",
		async run(run) {
			await run.beginAt("follower");
			// Whoever would leave it because of its silence would not meet the jump.
			const patient: StartOptions = { timeoutMs: 30_000, gaps: "allowed" };
			await run.startUsual(patient);
			await run.write({ count: 200 }).done;
			await run.caughtUp("tree", "all", "key", "textbook");
			const before = snapshots(run);
			await run.member.pause();
			// At most 512 messages of 16 writes are under way to it: it must not get the one in the middle by those.
			await run.foreign(8_500);
			await run.set(run.places.key, "in the middle");
			await run.foreign(7_000);
			await run.member.resume();
			await run.until("the member has caught up", async () => {
				const [there, here] = await Promise.all([run.index(), indexAt(run)]);
				return here >= there;
			});
			if (snapshots(run) === before) throw new Error("the member was sent no snapshot");
			run.bit("its log tells of a snapshot that it was sent");
			await run.write({ count: 300 }).done;
		},
	},
];

/**
 * The usual consumers at one member, writes at full speed at the others, and a fault in the middle. What the fault
 * returns ends it. A kind whose name begins with "leader" has the consumers at the leader.
 */
function underTraffic(
	name: string,
	seconds: number,
	about: string,
	fault: (run: Run) => Promise<() => Promise<unknown>>,
	needs: Kind["needs"] = {},
): Kind {
	return {
		name,
		group: "member",
		needs: { ...needs, members: 3 },
		seconds,
		about,
		async run(run) {
			await run.beginAt(name.startsWith("leader") ? "leader" : "follower");
			await run.startUsual(alert);
			const writing = run.write();
			await writing.reached(400);
			const end = await fault(run);
			await writing.reached(writing.acknowledged.length + 400);
			await end();
			await writing.reached(writing.acknowledged.length + 400);
			await writing.stop();
		},
	};
}

/** Waits until the tree's consumer is no longer at the member that fails, which is seen by what it goes on to get. */
async function moved(run: Run): Promise<void> {
	const { index } = await run.set(`${run.places.tree}/moved`, "seen by whoever has left the member");
	if (await run.toldOf("tree", index)) run.bit("who was told of this had gone elsewhere");
}

/** How many leaders a member that stayed has seen come. */
async function changes(run: Run): Promise<number> {
	const [other = run.member] = run.others;
	return await other.metric("etcd_server_leader_changes_seen_total");
}

async function indexAt(run: Run): Promise<number> {
	if (run.api === "v3") {
		const client = new V3Client({ endpoints: [run.member.direct] });
		try {
			return (await client.range("/", { serializable: true })).header.revision;
		} finally {
			await client.close();
		}
	}
	const answer = await fetch(`${run.member.direct}/v2/keys/`);
	await answer.arrayBuffer();
	return Number(answer.headers.get("x-etcd-index"));
}

function snapshots(run: Run): number {
	return (
		run.member.log().match(/applied snapshot|restored snapshot|received and saved database snapshot/g)
			?.length ?? 0
	);
}
