import { checkDurationMs } from "../http/checks";
import { V2Client } from "../v2/client";
import { V3Client } from "../v3/client";
import type { Source } from "./changes";
import type { FollowOptions } from "./follow";
import { obeysAllBut } from "./rules";
import { V2Source } from "./v2/source";
import { V3Source } from "./v3/source";

/** What a follower is given: a client of either API, or a source. */
export function sourceOf(client: V2Client | V3Client | Source, key: string, options: FollowOptions): Source {
	if (!(client instanceof V2Client) && !(client instanceof V3Client)) return client;
	const {
		recursive = false,
		rollMs = [20_000, 40_000],
		backoffMs = [50, 5_000],
		onNote = () => {},
	} = options;
	for (const one of rollMs) checkDurationMs("rollMs", one);
	for (const one of backoffMs) checkDurationMs("backoffMs", one);
	const settings = {
		...{ key, recursive, rollMs, backoffMs, onNote },
		probeMs: checkDurationMs("probeMs", options.probeMs ?? 150),
		timeoutMs: checkDurationMs("timeoutMs", options.timeoutMs ?? 5_000),
		obeys: obeysAllBut(options.without),
	};
	return client instanceof V2Client
		? new V2Source({ ...settings, keys: client })
		: new V3Source({ ...settings, client });
}

/** Whether the keys of what a follower is given are just names. */
export function isFlat(client: V2Client | V3Client | Source): boolean {
	return client instanceof V3Client || ("isFlat" in client && client.isFlat === true);
}
