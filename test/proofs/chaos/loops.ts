import { setTimeout as wait } from "node:timers/promises";
import { EventIndexClearedError, V2Client } from "etcd-watch-lab/v2";
import { LabError } from "#lib/http";
import { asFollowed, type Loop, withKeys } from "./consumer";

/** How long the loops wait after a failure before they try again. */
const retryMs = 20;

/** `wait=true`, again and again: what happens between two polls is nobody's. */
export async function naiveLoop(loop: Loop): Promise<void> {
	const { endpoints, key, recursive } = loop.assignment;
	await withKeys(new V2Client({ endpoints, timeoutMs: 2_000 }), async (keys) => {
		for (let begun = false; !loop.signal.aborted; ) {
			try {
				const poll = await keys.poll(key, { recursive, signal: loop.signal });
				if (!begun) loop.begins(poll.headers.etcdIndex);
				begun = true;
				const answer = await poll.answer();
				if (answer.kind === "event") await loop.take(asFollowed(answer.event));
			} catch (error) {
				await retry(loop, error);
			}
		}
	});
}

/** modifiedIndex + 1; a 401 moves it to the current index, as node-etcd does: what lies between is lost. */
export async function textbookLoop(loop: Loop): Promise<void> {
	const { endpoints, key, recursive, afterIndex: given, position } = loop.assignment;
	await withKeys(new V2Client({ endpoints, timeoutMs: 2_000 }), async (keys) => {
		let afterIndex = given ?? position?.index;
		if (afterIndex !== undefined) loop.begins(afterIndex);
		while (!loop.signal.aborted) {
			try {
				const from = afterIndex === undefined ? {} : { afterIndex };
				const poll = await keys.poll(key, { recursive, signal: loop.signal, ...from });
				if (afterIndex === undefined) {
					afterIndex = poll.headers.etcdIndex;
					loop.begins(afterIndex);
				}
				const answer = await poll.answer();
				if (answer.kind !== "event") continue;
				await loop.take(asFollowed(answer.event));
				afterIndex = answer.event.node.modifiedIndex;
			} catch (error) {
				if (error instanceof EventIndexClearedError) afterIndex = error.index;
				else await retry(loop, error);
			}
		}
	});
}

/** Goes on after what a client can meet; our own mistakes end it. */
async function retry(loop: Loop, error: unknown): Promise<void> {
	if (loop.signal.aborted) return;
	if (!(error instanceof LabError)) throw error;
	await wait(retryMs);
}
