import { freePorts, isPaused } from "#lib/server/etcd.js";
import { startProxy } from "../../../support/proxy";
import { type Bite, bite, type Kind } from "../kind";
import { indexAt, type Run, type StartOptions } from "../run";

/** For what a member does in silence: found out in a moment, not in half a minute. */
const alert: StartOptions = { timeoutMs: 400, rollMs: [300, 500], probeMs: 100 };

/** What happens to the member that the consumers are at, or to its cluster; no write is lost. */
export const memberKinds: readonly Kind[] = [
	underTraffic({
		...{ name: "kill", seconds: 1.7, etcd: "newest" },
		about: "kill -9 of the member that all are at, and its restart",
		shows: otherProcesses,
		async fault(run) {
			await run.member.kill();
			return () => run.member.restart();
		},
	}),
	underTraffic({
		...{ name: "terminate", seconds: 9, etcd: "newest" },
		about: "SIGTERM of the member that all are at, and its restart (T19)",
		shows: otherProcesses,
		async fault(run) {
			await run.member.terminate();
			return () => run.member.restart();
		},
	}),
	underTraffic({
		...{ name: "pause", seconds: 2, etcd: "3.4" },
		about: "SIGSTOP of the member that all are at: silence (T14)",
		shows: standsStill,
		async fault(run) {
			await run.member.pause();
			await moved(run);
			return () => run.member.resume();
		},
	}),
	underTraffic({
		...{ name: "leader-kill", seconds: 2.5, etcd: "newest" },
		about: "kill -9 of the leader that all are at",
		shows: leaderChanges,
		async fault(run) {
			await run.member.kill();
			await run.cluster.leader();
			return () => run.member.restart();
		},
	}),
	underTraffic({
		...{ name: "rolling-restart", seconds: 4, etcd: "3.4" },
		about: "every member is restarted, one after the other",
		shows: otherProcesses,
		async fault(run) {
			for (const member of run.cluster.members) await member.restart();
			return () => Promise.resolve();
		},
	}),
	underTraffic({
		...{ name: "kill-all", seconds: 3, etcd: "newest" },
		about: "kill -9 of all members at once, and their restart (T15)",
		shows: otherProcesses,
		async fault(run) {
			await Promise.all(run.cluster.members.map((member) => member.kill()));
			await Promise.all(run.cluster.members.map((member) => member.restart()));
			return () => run.cluster.settled();
		},
	}),
	underTraffic({
		...{ name: "minority", seconds: 2.2, etcd: "3.5.1" },
		about: "the member that all are at is cut off from the others: its polls stay open, in silence (T14)",
		shows: isBehind,
		needs: { proxied: "peers" },
		async fault(run) {
			run.cluster.partition([run.member]);
			await moved(run);
			return async () => run.cluster.heal();
		},
	}),
	underTraffic({
		...{ name: "leader-minority", seconds: 3, etcd: "3.4" },
		about: "the leader that all are at is cut off from the others, who elect another",
		shows: isBehind,
		needs: { proxied: "peers" },
		async fault(run) {
			run.cluster.partition([run.member]);
			await run.cluster.leader();
			await moved(run);
			return async () => run.cluster.heal();
		},
	}),
	{
		name: "lagging",
		group: "member",
		needs: { members: 3, proxied: "peers" },
		seconds: 2.5,
		etcd: "3.4",
		about: "saved positions are resumed, and followers begun, at a member that lags behind",
		async run(run) {
			await run.beginAt("follower");
			await run.startUsual(alert);
			await run.write({ count: 300 }).done;
			await run.fault(() => run.cluster.partition([run.member]));
			const writing = run.write({ count: 900 });
			await writing.reached(300);
			await moved(run);
			const lag = await (await isBehind(run)).during();
			// Whoever begins now begins at the member that has not heard of all this.
			const names = ["tree", "all", "textbook"];
			const again = await run.restart(names, { ...alert, endpoints: run.endpoints });
			await run.start("new", alert);
			await run.caughtUp(...again.slice(0, 2));
			await writing.done;
			run.cluster.heal();
			return [lag];
		},
	},
	{
		name: "replace",
		group: "member",
		needs: { members: 3 },
		seconds: 3.5,
		etcd: "newest",
		about: "the member that all are at is replaced by a new one at the same address",
		async run(run) {
			await run.beginAt("follower");
			await run.startUsual(alert);
			const writing = run.write({ perSecond: 500 });
			await writing.reached(200);
			const { id } = run.member;
			await run.fault(() => run.member.replace());
			const { length } = writing.acknowledged;
			await writing.reached(length + 200);
			await writing.stop();
			return [bite(Number(run.member.id !== id), "member with another id")];
		},
	},
	{
		name: "dead-endpoint",
		group: "member",
		needs: {},
		seconds: 2,
		etcd: "3.5.1",
		about: "the list of endpoints begins with one where nobody listens and one that swallows everything",
		async run(run) {
			const hole = await startProxy({ target: run.member.direct });
			run.atEnd(() => hole.close());
			hole.inject({ kind: "blackHole", direction: "both" });
			const [port = 1] = await freePorts(1);
			const dead = await run.fault(() => [`http://127.0.0.1:${port}`, hole.endpoint]);
			const endpoints = [...(dead ?? []), ...run.endpoints];
			await run.startUsual({ ...alert, endpoints });
			const writing = run.write({ count: 1_200 });
			await writing.reached(500);
			await run.restart(["tree", "all"], { ...alert, endpoints });
			await writing.done;
			return [bite(hole.bitten.blackHole, "bytes swallowed by the second endpoint")];
		},
	},
	{
		name: "snapshot-catch-up",
		group: "member",
		needs: { members: 3, flags: ["--snapshot-count", "100"] },
		seconds: 7,
		etcd: "newest",
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
			await run.fault(async () => {
				await run.member.pause();
				// At most 512 messages of 16 writes are under way to it: it must not get the one in the middle by those.
				await run.foreign(8_500);
				await run.set(run.places.key, "in the middle");
				await run.foreign(7_000);
				await run.member.resume();
			});
			await run.until("the member has caught up", async () => {
				const [there, here] = await Promise.all([run.index(), indexAt(run.api, run.member.direct)]);
				return here >= there;
			});
			const sent = snapshots(run) - before;
			await run.write({ count: 300 }).done;
			return [bite(sent, "lines of its log tell of a snapshot that it was sent")];
		},
	},
];

/** Takes the measure of what is there before a fault; gives what to measure while it lasts, or when it is over. */
type Shows = (
	run: Run,
) => Promise<
	| { readonly during: () => Promise<Bite>; readonly after?: undefined }
	| { readonly after: () => Promise<Bite>; readonly during?: undefined }
>;

/**
 * The usual consumers at one member, writes at full speed at the others, and a fault in the middle. What the fault
 * returns ends it. A kind whose name begins with "leader" has the consumers at the leader.
 */
function underTraffic({
	fault,
	shows,
	needs = {},
	...kind
}: Pick<Kind, "name" | "seconds" | "etcd" | "about"> & {
	readonly shows: Shows;
	readonly fault: (run: Run) => Promise<() => Promise<unknown>>;
	readonly needs?: Kind["needs"];
}): Kind {
	return {
		...kind,
		group: "member",
		needs: { ...needs, members: 3 },
		async run(run) {
			await run.beginAt(kind.name.startsWith("leader") ? "leader" : "follower");
			await run.startUsual(alert);
			const writing = run.write();
			await writing.reached(400);
			const shown = await shows(run);
			const watched = await watches(run);
			const end = await run.fault(() => fault(run));
			await writing.reached(writing.acknowledged.length + 400);
			const during = await shown.during?.();
			await end?.();
			await writing.reached(writing.acknowledged.length + 400);
			await writing.stop();
			const after = await shown.after?.();
			return [watched, ...[during ?? [], after ?? []].flat()];
		},
	};
}

/** How many watches the member itself says are open there, when the fault comes. */
async function watches(run: Run): Promise<Bite> {
	const metric = run.api === "v3" ? "etcd_debugging_mvcc_watcher_total" : "etcd_debugging_store_watchers";
	let count = 0;
	// Polls are made anew after each event.
	await run.until("watches are open at the member", async () => {
		count = await run.member.metric(metric);
		return count > 0;
	});
	return bite(count, "watches open at the member");
}

/** Members that run as another process than before. */
async function otherProcesses(run: Run) {
	const before = run.cluster.members.map(({ pid }) => pid);
	return {
		after: async () => {
			const other = run.cluster.members.filter(({ pid }, nth) => pid !== before[nth]);
			return bite(other.length, "members run as another process");
		},
	};
}

/** The process of the member, as its state in the system has it. */
async function standsStill(run: Run) {
	return {
		during: async () => {
			const { pid } = run.member;
			return bite(pid !== undefined && (await isPaused(pid)) ? 1 : 0, "process stands still");
		},
	};
}

/** How many leaders a member that stayed has seen come since. */
async function leaderChanges(run: Run) {
	const before = await changes(run);
	return { after: async () => bite((await changes(run)) - before, "leaders came") };
}

/** What the member itself has heard of, against what the cluster has; a healthy one is some dozens behind. */
async function isBehind(run: Run) {
	return {
		during: async () => {
			const lag = (await run.index()) - (await indexAt(run.api, run.member.direct));
			return bite(lag > 200 ? lag : 0, "events that the member has not heard of");
		},
	};
}

/** Waits until the tree's consumer is no longer at the member that fails, which is seen by what it goes on to get. */
async function moved(run: Run): Promise<void> {
	const { index } = await run.set(`${run.places.tree}/moved`, "seen by whoever has left the member");
	await run.toldOf("tree", index);
}

async function changes(run: Run): Promise<number> {
	const [other = run.member] = run.others;
	return await other.metric("etcd_server_leader_changes_seen_total");
}

function snapshots(run: Run): number {
	return (
		run.member.log().match(/applied snapshot|restored snapshot|received and saved database snapshot/g)
			?.length ?? 0
	);
}
