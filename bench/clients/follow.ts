import { follow } from "etcd-watch-lab/follow";
import { V2Client } from "etcd-watch-lab/v2";
import { V3Client } from "etcd-watch-lab/v3";
import { oncePerEndpoint, serveWatch } from "./serve";

const clients = {
	v2: oncePerEndpoint((endpoint) => new V2Client({ endpoints: [endpoint] })),
	v3: oncePerEndpoint((endpoint) => new V3Client({ endpoints: [endpoint] })),
};

/** The lab's follower, as anybody would use it: all its rules obeyed, each follower new, its first list included. */
serveWatch(async ({ api, endpoint, key, afterIndex }, take) => {
	let gaps = 0;
	for await (const change of follow(clients[api](endpoint), key, { recursive: true, afterIndex })) {
		if (change.kind !== "event") gaps++;
		else if (take(change.index, change.key)) break;
	}
	return { gaps };
});
