import type { V2Client } from "etcd-watch-lab/v2";
import type { V3Client } from "etcd-watch-lab/v3";
import { type Assignment, type Consumer, LocalConsumer, type Loop } from "./consumer";
import { etcd3Loop } from "./etcd3";
import { followerLoop } from "./follower";
import { naiveLoop, textbookLoop } from "./loops";
import { naiveV3Loop, textbookV3Loop } from "./loops-v3";
import { nodeEtcdLoop } from "./node-etcd";

/** Sets a consumer to work in this process. `shared`: a client that many followers use together. */
export function startConsumer(
	assignment: Assignment,
	shared?: V2Client | V3Client,
): Consumer & LocalConsumer {
	return new LocalConsumer(assignment, (loop) => loopOf(loop, shared));
}

function loopOf(loop: Loop, shared: V2Client | V3Client | undefined): Promise<void> {
	switch (loop.assignment.kind) {
		case "follow":
			return followerLoop(loop, shared);
		case "naive":
			return loop.assignment.api === "v3" ? naiveV3Loop(loop) : naiveLoop(loop);
		case "textbook":
			return loop.assignment.api === "v3" ? textbookV3Loop(loop) : textbookLoop(loop);
		case "node-etcd":
			return nodeEtcdLoop(loop);
		case "etcd3":
			return etcd3Loop(loop);
	}
}
