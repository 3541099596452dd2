import { setTimeout as wait } from "node:timers/promises";
import type { FollowedEvent } from "etcd-watch-lab/follow";
import { CompactedError, V3Client, type V3Event, type V3WatchOptions } from "etcd-watch-lab/v3";
import { LabError } from "#lib/http";
import type { Loop } from "./consumer";
import { isWithin } from "./record";

/** How long the loops wait after a failure before they try again. */
const retryMs = 20;

/** A watch from now on, opened anew from then on whenever it ends: what happens between is nobody's. */
export async function naiveV3Loop(loop: Loop): Promise<void> {
	let begun = false;
	await watching(loop, async (client, key, options) => {
		const watch = await client.watch(key, { ...options, signal: loop.signal });
		if (!begun) loop.begins(watch.header.revision);
		begun = true;
		for await (const event of watch.events()) await handOn(loop, event);
	});
}

/** From the last event's revision + 1; where that has been compacted, from the oldest there is: what lies between is lost. */
export async function textbookV3Loop(loop: Loop): Promise<void> {
	const { afterIndex: given, position } = loop.assignment;
	let afterIndex = given ?? position?.index;
	if (afterIndex !== undefined) loop.begins(afterIndex);
	await watching(loop, async (client, key, options) => {
		const from = afterIndex === undefined ? {} : { startRevision: afterIndex + 1 };
		try {
			const watch = await client.watch(key, { ...options, ...from, signal: loop.signal });
			if (afterIndex === undefined) {
				afterIndex = watch.header.revision;
				loop.begins(afterIndex);
			}
			for await (const message of watch) {
				if (message.kind !== "events") continue;
				for (const event of message.events) await handOn(loop, event);
				afterIndex = message.events.at(-1)?.kv.modRevision ?? afterIndex;
			}
		} catch (error) {
			if (!(error instanceof CompactedError) || error.compactRevision === undefined) throw error;
			afterIndex = error.compactRevision - 1;
		}
	});
}

/** Again and again, whatever a client can meet; our own mistakes end it. */
async function watching(
	loop: Loop,
	once: (client: V3Client, key: string, options: V3WatchOptions) => Promise<void>,
): Promise<void> {
	const { endpoints, access, key, recursive } = loop.assignment;
	const client = new V3Client({ endpoints, ...access, timeoutMs: 2_000 });
	try {
		while (!loop.signal.aborted) {
			try {
				await once(client, recursive ? `${key}/` : key, recursive ? { prefix: true } : {});
			} catch (error) {
				if (loop.signal.aborted) return;
				if (!(error instanceof LabError)) throw error;
				await wait(retryMs);
			}
		}
	} finally {
		await client.close();
	}
}

async function handOn(loop: Loop, event: V3Event): Promise<void> {
	const { key, recursive } = loop.assignment;
	const isOurs = event.kv.key === key || (recursive && isWithin(event.kv.key, key));
	if (isOurs) await loop.take(asFollowedV3(event.type, event.kv));
}

/** An event of a plain v3 watch, as a follower would hand it on. */
export function asFollowedV3(
	type: V3Event["type"],
	kv: Pick<V3Event["kv"], "key" | "value" | "createRevision" | "modRevision">,
): FollowedEvent {
	const { key, modRevision: index, createRevision: createdIndex } = kv;
	const node = { key, dir: false, createdIndex, modifiedIndex: index };
	return {
		kind: "event",
		index,
		action: type === "put" ? "set" : "delete",
		key,
		node: type === "put" ? { ...node, value: kv.value } : node,
		fromHistory: false,
	};
}
