import type { Listing, Source, TailOptions } from "etcd-watch-lab/dist/follow";
import { LabError } from "etcd-watch-lab/dist/http";
import { EventIndexClearedError, type V2Client } from "etcd-watch-lab/dist/v2";
import { asFollowed } from "./consumer";
import { flat } from "./record";

/**
 * A source that trusts a stream, for the proof of the rule "polls are the truth": it lists and heals as it should,
 * and hears by `stream=true`, which goes deaf after one event of the past (T3) and behind a slow reader (T12).
 */
export class StreamSource implements Source {
	constructor(
		readonly keys: V2Client,
		readonly key: string,
		readonly recursive: boolean,
	) {}

	async list(signal: AbortSignal): Promise<Listing> {
		const { recursive } = this;
		const { node, etcdIndex, clusterId } = await this.keys.get(this.key, { recursive, quorum: true, signal });
		return { index: etcdIndex, clusterId, nodes: flat(node) };
	}

	async tail({ afterIndex, signal, take }: TailOptions): Promise<void> {
		for (let at = afterIndex; !signal.aborted; ) {
			try {
				const { recursive } = this;
				const stream = await this.keys.stream(this.key, { recursive, afterIndex: at, signal });
				for await (const event of stream) {
					at = event.node.modifiedIndex;
					await take({ kind: "event", event: asFollowed(event) });
				}
			} catch (error) {
				if (signal.aborted) return;
				if (error instanceof EventIndexClearedError) return await take({ kind: "cleared" });
				if (!(error instanceof LabError)) throw error;
				await take({ kind: "reconnected" });
			}
		}
	}
}
