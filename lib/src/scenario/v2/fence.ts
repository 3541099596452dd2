import type { Timeline } from "../../timeline/timeline";
import { type Answer, EtcdError } from "../../v2";
import type { Fenced, Target } from "../api";
import type { Recorder } from "../record";
import { readToTheEnd } from "../waits";

type Fence = Timeline["fences"][number];

/** How often in a row the server has to say so before a stream counts as dropped and read to its end. */
const goneChecks = 10;

/**
 * Makes writes that every watcher still open must see, and waits until each has: what it had not been sent
 * before that was never on its way. The delete of the run's directory reaches a watcher on any key that exists
 * (`Delete` in v2store/store.go calls `notifyWatchers` for every node removed); for a key that does not exist,
 * its own directory is made. Fences reach no watcher that the server has dropped: then the server's count of
 * watchers shows that.
 */
export async function fence(
	target: Target,
	recorder: Recorder,
	all: readonly Fenced[],
	signal: AbortSignal,
): Promise<Fence[]> {
	if (all.length === 0) return [];
	const index = recorder.index((await target.v2.get("/", { signal })).etcdIndex);
	// Who waits for a later index than the fence's is not told of it.
	const open = all.filter(({ askedFrom }) => askedFrom <= index + 1);
	if (open.length === 0) return [];
	const missing = await missingKeys(target, recorder, open, signal);
	const { v2 } = target;
	const fences: Fence[] = [];
	const write = async (answer: Promise<Answer>) => {
		const { action, node } = await answer;
		if (action !== "get")
			fences.push({ action, index: recorder.index(node.modifiedIndex), key: recorder.key(node.key) });
	};
	for (const watching of all) watching.expectFence(index + 1);
	if (await exists(target, recorder.prefix, signal)) {
		await write(v2.rmdir(recorder.prefix, { recursive: true, signal }));
	}
	for (const key of missing) await write(v2.mkdir(recorder.absoluteKey(key), { signal }));
	await settled(target, open, signal);
	return fences;
}

/** The watched keys that do not exist, the shallow ones first, so that each can be made. */
async function missingKeys(
	target: Target,
	recorder: Recorder,
	open: readonly Fenced[],
	signal: AbortSignal,
): Promise<string[]> {
	const keys = [...new Set(open.map((watching) => watching.key))];
	const there = await Promise.all(keys.map((key) => exists(target, recorder.absoluteKey(key), signal)));
	const depth = (key: string) => key.split("/").length;
	return keys.filter((_, at) => !there[at]).sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1));
}

async function exists({ v2 }: Target, key: string, signal: AbortSignal): Promise<boolean> {
	try {
		await v2.get(key, { signal });
		return true;
	} catch (error) {
		// 100, or 104 where a parent is a file.
		if (error instanceof EtcdError) return false;
		throw error;
	}
}

/** Waits as `readToTheEnd`, and ends what the server has dropped. */
async function settled(target: Target, open: readonly Fenced[], signal: AbortSignal): Promise<void> {
	let checks = 0;
	await readToTheEnd(open, signal, async (isQuiet) => {
		// Watchers that saw the fence have closed, so whatever the server still counts is one of the waiting.
		const gone = target.owned && (await target.v2.watcherCount({ signal })) === 0 && isQuiet;
		checks = gone ? checks + 1 : 0;
		if (checks < goneChecks) return false;
		for (const watching of open) if (!watching.isOver) watching.isGone();
		return true;
	});
}
