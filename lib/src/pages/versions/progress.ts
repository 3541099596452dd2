import { setTimeout as wait } from "node:timers/promises";
import { TimeoutError, V3Client, type V3Watch, type V3Watches } from "../../v3";
import { confirmed, type Found, refuted, type VersionExperiment, versionsOf } from "./experiment";
import type { Servers } from "./servers";
import { InVainError, within } from "./wire";

/** Issue 15220. The question follows the watch on the same connection, before the server's next round of 100 ms. */
async function overtaken(servers: Servers): Promise<Found> {
	const { v3 } = await servers.shared();
	const key = `${servers.newPrefix()}/k`;
	const first = (await v3.put(key, "")).header.revision;
	const last = (await v3.put(key, "")).header.revision;
	for (let round = 0; round < 5; round++) {
		const watches = await v3.watches();
		try {
			const opening = watches.watch(key, { startRevision: first });
			const asked = watches.progress(3_000).catch((error: unknown) => {
				if (!(error instanceof TimeoutError)) throw error;
			});
			const watch = await opening;
			const message = await within(watch.next(), 5_000, "an event or a progress");
			if (message?.kind === "progress" && message.header.revision >= last) {
				const after = await within(watch.next(), 5_000, "the events after the progress");
				if (after?.kind === "events")
					return confirmed("first the progress came, and then the events up to it");
			}
			watches.close();
			await asked.catch(() => {});
		} finally {
			watches.close();
		}
	}
	return refuted("in 5 rounds the events came first");
}

/**
 * Issue 17566. A request that comes while the watch is behind may go unanswered; a later one may not. The key is quiet, so
 * that no event brings the answer along.
 */
async function unanswered(servers: Servers): Promise<Found> {
	const { v3 } = await servers.shared();
	const prefix = servers.newPrefix();
	const first = (await v3.put(`${prefix}/quiet`, "")).header.revision + 1;
	await v3.put(`${prefix}/other`, "");
	for (let round = 0; round < 5; round++) {
		const watches = await v3.watches();
		try {
			const opening = watches.watch(`${prefix}/quiet`, { startRevision: first });
			// The first one follows the watch at once, so that it falls into the time in which that is behind.
			let isAnswered = await answeredWithin(watches, 300);
			await opening;
			for (let nth = 0; nth < 6 && !isAnswered; nth++) isAnswered = await answeredWithin(watches, 300);
			if (!isAnswered)
				return confirmed("of 7 requests within 2 s none was answered, with nothing left to tell");
		} finally {
			watches.close();
		}
	}
	return refuted("in 5 rounds it was answered, at once or when it was requested again");
}

async function answeredWithin(watches: V3Watches, ms: number): Promise<boolean> {
	try {
		await watches.progress(ms);
		return true;
	} catch (error) {
		if (error instanceof TimeoutError) return false;
		throw error;
	}
}

/** The values that a watch is told, up to this one. The watch stays open. */
async function toldUpTo(watch: V3Watch, value: string): Promise<readonly string[]> {
	const told: string[] = [];
	const reading = async () => {
		while (!told.includes(value)) {
			const message = await watch.next();
			if (message === undefined) throw new InVainError("the server ended the watch");
			if (message.kind === "events") told.push(...message.events.map(({ kv }) => kv.value));
		}
	};
	await within(reading(), 20_000, `the value "${value}"`);
	return told;
}

/** More than a leader keeps of its log for members that lag (5,000 entries), so that it sends a snapshot. */
const manyWrites = 5_600;

/** Issue 15271, by the one partition that a test can make in a few seconds: a member is sent the whole store. */
async function toldAgain(servers: Servers): Promise<Found> {
	const cluster = await servers.cluster(["--snapshot-count", "100"]);
	const leader = await cluster.leader();
	const member = cluster.members.find((one) => one !== leader);
	if (member === undefined) throw new InVainError("the cluster has no follower");
	const there = new V3Client({ endpoints: [member.direct] });
	const here = new V3Client({ endpoints: [leader.direct] });
	try {
		const watch = await there.watch("k");
		await here.put("k", "1");
		await toldUpTo(watch, "1");
		const received = () => member.metric("etcd_network_snapshot_receive_success");
		const before = await received();
		cluster.partition([member]);
		await here.put("k", "2");
		await writeMany(here, manyWrites);
		cluster.heal();
		const deadline = performance.now() + 20_000;
		while ((await received()) === before) {
			if (performance.now() > deadline) throw new InVainError("the member caught up without a snapshot");
			await wait(20);
		}
		await here.put("k", "3");
		const told = await toldUpTo(watch, "3");
		watch.close();
		if (told.includes("1")) return confirmed("it was told again what it had been told before it was cut off");
		if (!told.includes("2")) throw new InVainError(`it was told ${told.join()} only`);
		return refuted("it was told what it had missed, and nothing twice");
	} finally {
		await Promise.all([there.close(), here.close()]);
		await cluster.close();
	}
}

async function writeMany(v3: V3Client, count: number): Promise<void> {
	let left = count;
	const writer = async (nth: number) => {
		while (left-- > 0) await v3.put(`noise${nth}`, "");
	};
	await Promise.all(Array.from({ length: 32 }, (_, nth) => writer(nth)));
}

export const progressAndSnapshots: readonly VersionExperiment[] = [
	{
		id: "15220",
		name: "a progress before its events",
		claim: "A requested progress overtakes the events that it vouches for",
		...versionsOf("15220"),
		kind: "fault",
		advice: "save no revision from a requested progress; that of progress_notify is safe",
		run: overtaken,
	},
	{
		id: "17566",
		name: "a progress that never comes",
		claim: "Once a progress was requested while a watch is behind, none is answered until an event comes",
		...versionsOf("17566"),
		kind: "fault",
		advice: "wait for no progress without a time limit; open the watch anew, or read",
		run: unanswered,
	},
	{
		id: "15271",
		name: "old events once more",
		claim: "After a partition a watch is told again what it had been told before",
		...versionsOf("15271"),
		kind: "fault",
		advice: "drop what is not above the last revision that you have seen",
		run: toldAgain,
	},
];
