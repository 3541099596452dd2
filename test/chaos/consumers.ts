import type { Keys } from "etcd-watch-lab/dist/etcd";
import { type Assignment, type Consumer, LocalConsumer, type Loop } from "./consumer";
import { followerLoop } from "./follower";
import { naiveLoop, textbookLoop } from "./loops";
import { nodeEtcdLoop } from "./node-etcd";

/** Sets a consumer to work in this process. `shared`: a client that many followers use together. */
export function startConsumer(assignment: Assignment, shared?: Keys): Consumer & LocalConsumer {
	return new LocalConsumer(assignment, (loop) => loopOf(loop, shared));
}

function loopOf(loop: Loop, shared: Keys | undefined): Promise<void> {
	switch (loop.assignment.kind) {
		case "follow":
			return followerLoop(loop, shared);
		case "naive":
			return naiveLoop(loop);
		case "textbook":
			return textbookLoop(loop);
		case "node-etcd":
			return nodeEtcdLoop(loop);
	}
}
