import type { Note } from "etcd-watch-lab/follow";
import { V2Client } from "etcd-watch-lab/v2";
import { V3Client } from "etcd-watch-lab/v3";
import { followingWithout } from "../../support/follow/without-rules";
import { type Loop, withKeys } from "./consumer";

/** The library's follower, as a consumer would use it. `shared`: a client that many use, and that stays open. */
export async function followerLoop(loop: Loop, shared?: V2Client | V3Client): Promise<void> {
	if (shared !== undefined) return await run(loop, shared);
	const { api, endpoints, access } = loop.assignment;
	if (api === "v3") {
		const client = new V3Client({ endpoints, ...access });
		try {
			return await run(loop, client);
		} finally {
			await client.close();
		}
	}
	await withKeys(new V2Client({ endpoints, ...access }), (keys) => run(loop, keys));
}

async function run(loop: Loop, client: V2Client | V3Client): Promise<void> {
	const {
		key,
		recursive,
		afterIndex,
		position,
		queueLength,
		rollMs,
		backoffMs,
		probeMs,
		timeoutMs,
		without,
	} = loop.assignment;
	const options = {
		recursive,
		signal: loop.signal,
		onNote: (note: Note) => loop.notes(note),
		...(afterIndex === undefined ? {} : { afterIndex }),
		...(position === undefined ? {} : { position }),
		...(queueLength === undefined ? {} : { queueLength }),
		...(rollMs === undefined ? {} : { rollMs }),
		...(backoffMs === undefined ? {} : { backoffMs }),
		...(probeMs === undefined ? {} : { probeMs }),
		...(timeoutMs === undefined ? {} : { timeoutMs }),
	};
	const follower = new (followingWithout(without ?? []))(client, key, options);
	try {
		const state = await follower.ready();
		// A bare index comes without a state; the list that it is ready with may lie ahead of it.
		if (afterIndex === undefined) loop.begins(state.index, state);
		else loop.begins(afterIndex);
		for await (const change of follower) await loop.take(change);
	} finally {
		await follower.close();
		// As it goes through a file, to another process.
		loop.stands(JSON.parse(JSON.stringify(follower.position)));
	}
}
