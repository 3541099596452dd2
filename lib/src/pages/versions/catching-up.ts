import { setTimeout as wait } from "node:timers/promises";
import type { V3Client, V3Watch } from "../../v3";
import { confirmed, type Found, refuted, type VersionExperiment, versionsOf } from "./experiment";
import type { Servers } from "./servers";
import { all, fieldIn, fieldsOf, GrpcCall, InVainError, linesOf, messageOf, within } from "./wire";

/** What a watch was told up to the fence, as "put 5" and "delete 6". */
async function toldUpTo(watch: V3Watch, fence: number): Promise<readonly string[]> {
	const told: string[] = [];
	const reading = async () => {
		for await (const { type, kv } of watch.events()) {
			if (kv.modRevision >= fence) return;
			told.push(`${type} ${kv.modRevision}`);
		}
		throw new InVainError("the server ended the watch");
	};
	await within(reading(), 20_000, `the event at ${fence}`).finally(() => watch.close());
	return told;
}

async function put(v3: V3Client, key: string, value = ""): Promise<number> {
	return (await v3.put(key, value)).header.revision;
}

/** Issue 20693. A watch is caught up within 100 ms of its begin, together with all that are behind just then. */
async function besideAStranger(servers: Servers): Promise<Found> {
	const rounds = 10;
	const { endpoint, v3 } = await servers.fresh();
	const first = await put(v3, "a");
	await put(v3, "a");
	await put(v3, "a");
	// Nothing else is written there: every revision is an event of the key.
	const lostIn = async (isBeside: boolean) => {
		const leave = new AbortController();
		const stranger = isBeside ? strangerAt(endpoint, leave.signal) : Promise.resolve("");
		const watch = await v3.watch("a", { startRevision: first });
		await wait(150);
		const fence = await put(v3, "a");
		const told = await toldUpTo(watch, fence);
		leave.abort();
		return { lost: fence - first - told.length, answer: await stranger };
	};
	const { lost: lostAlone } = await lostIn(false);
	if (lostAlone > 0) throw new InVainError("events were lost without a stranger's watch, too");
	for (let round = 0; round < rounds; round++) {
		const { lost, answer } = await lostIn(true);
		if (lost > 0) return confirmed("its past never came, and no error did; without the other watch all came");
		if (round === rounds - 1)
			return refuted(`in ${rounds} rounds all of its past came; the watch at -1 was told "${answer}"`);
	}
	throw new InVainError("no round");
}

/** Somebody's watch at -1, which no client of this lab would open; gives the last that it was told. */
async function strangerAt(endpoint: string, signal: AbortSignal): Promise<string> {
	const key = Buffer.from("somebody's").toString("base64");
	let last = "nothing";
	try {
		const body = { create_request: { key, start_revision: "-1" } };
		for await (const { json } of linesOf(endpoint, "/v3/watch", body, { signal })) {
			const isOver = fieldIn(json, "result", "canceled") === true;
			last = isOver ? "canceled" : fieldIn(json, "result", "created") === true ? "created" : last;
		}
	} catch (error) {
		if (!signal.aborted) throw error;
	}
	return last;
}

/**
 * Issue 17529. The server's queue of 128 messages is full, and full again when it comes to say that the rest is
 * compacted: the reader takes one message now and then. Larger than HTTP/2 lets through at once, each is one place.
 */
async function slowReader(servers: Servers): Promise<Found> {
	const { endpoint, v3 } = await servers.fresh();
	const range = messageOf(Buffer.from("big/"), Buffer.from("big0"));
	const watch = new GrpcCall(endpoint, "etcdserverpb.Watch/Watch", messageOf(range), true);
	try {
		if (all((await watch.next()) ?? [], 3).length === 0) throw new InVainError("the watch was not created");
		const value = Buffer.alloc(100_000, "x");
		const first = (await v3.put("big/0", value)).header.revision;
		let last = first;
		while (last < first + 170) last = (await v3.put("big/n", value)).header.revision;
		await v3.compact(last);
		let told = 0;
		const read = async () => {
			const fields = await watch.next();
			if (fields === undefined) throw new InVainError("the server ended the watch");
			const keys = all(fields, 11).map(keyOf);
			told += keys.length;
			return { isCanceled: all(fields, 4).length > 0, isLater: keys.includes("big/later") };
		};
		for (let nth = 0; nth < 6; nth++) {
			if ((await read()).isCanceled) return refuted(canceledWords);
			await wait(250);
		}
		await v3.put("big/later", "");
		while (true) {
			const { isCanceled, isLater } = await read();
			if (isCanceled) return refuted(canceledWords);
			if (!isLater) continue;
			const isAll = told === last - first + 2;
			if (isAll) return refuted("it was told all events");
			return confirmed("the events stopped in the middle, no error came, and the next put did");
		}
	} finally {
		watch.close();
	}
}

/** The key of an event: in its field 2, the key with its value, field 1. */
function keyOf(event: number | Buffer): string {
	const within = (bytes: number | Buffer | undefined, wanted: number) =>
		typeof bytes === "object" ? all(fieldsOf(bytes), wanted)[0] : undefined;
	return String(within(within(event, 2), 1) ?? "");
}

const canceledWords = "the watch was canceled, and its compact revision told";

/** Issue 18089. */
async function deleteAtTheEdge(servers: Servers): Promise<Found> {
	const { v3 } = await servers.fresh();
	await put(v3, "k", "1");
	const first = (await v3.delete("k")).header.revision;
	await put(v3, "k", "2");
	const fence = await put(v3, "k", "3");
	const all = [`delete ${first}`, `put ${first + 1}`];
	const told = async () => toldUpTo(await v3.watch("k", { startRevision: first }), fence);
	const before = await told();
	if (before.join() !== all.join())
		throw new InVainError(`before the compaction it was told ${before.join()}`);
	await v3.compact(first, { physical: true });
	const after = await told();
	if (after.join() === all.join()) return refuted("it was told the delete, and the put after it");
	return confirmed("it was let in, told the put after the delete, and never the delete");
}

export const catchingUp: readonly VersionExperiment[] = [
	{
		id: "20693",
		name: "a stranger's watch at -1",
		claim:
			"Somebody's watch with start_revision -1 makes a watch that is behind lose its past, as long as nothing has been compacted",
		...versionsOf("20693"),
		kind: "fault",
		advice: "read first, and hold what the watch tells against the read",
		run: besideAStranger,
	},
	{
		id: "17529",
		name: "a slow reader and a compaction",
		claim:
			"A slow reader that a compaction passes by loses what lies between, is told of no error, and goes on live",
		...versionsOf("17529"),
		kind: "fault",
		advice: "take what comes at once into a queue of your own; list anew after a long standstill",
		run: slowReader,
	},
	{
		id: "18089",
		name: "a delete at the compacted revision",
		claim: "A watch from exactly the compacted revision is not told of a delete at that revision",
		...versionsOf("18089"),
		kind: "fault",
		advice: "go on from a revision above the compacted one only; else list",
		run: deleteAtTheEdge,
	},
];
