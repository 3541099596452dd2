import { EventIndexClearedError, V2Client } from "etcd-watch-lab/v2";
import { oncePerEndpoint, serveWatch } from "./serve";

const clientOf = oncePerEndpoint((endpoint) => new V2Client({ endpoints: [endpoint] }));

/** The textbook loop, by the lab's own client: one long poll at a time, each with the last event's index + 1. */
serveWatch(async ({ endpoint, key, afterIndex }, take) => {
	try {
		for await (const { node } of clientOf(endpoint).watcher(key, { recursive: true, afterIndex })) {
			if (take(node.modifiedIndex, node.key)) break;
		}
	} catch (error) {
		if (!(error instanceof EventIndexClearedError)) throw error;
		return { gaps: 1, stopped: error.message };
	}
	return { gaps: 0 };
});
