import { once } from "node:events";
import type { FollowedEvent, Listing, Source, Tail, TailOptions } from "etcd-watch-lab/follow";
import type { Node } from "etcd-watch-lab/v2";
import { NameKeys } from "#lib/follow/keys.js";

/** A store of v3's kind in memory, all of whose revisions are kept, as a source of everything in it. */
export class FlatSource implements Source {
	readonly key = "";
	readonly recursive = true;
	readonly keySpace = new NameKeys({ key: "", recursive: true });
	clusterId = "1";
	listCount = 0;
	/** Events told so far, taken or not. */
	toldCount = 0;
	/** What is told before all else when a tail begins anew. */
	before: readonly Tail[] = [];
	/** Waited for by each list, when it has been read, before it is told. */
	listGate: Promise<unknown> | undefined;
	readonly #revisions: (readonly [FollowedEvent, ...FollowedEvent[]])[] = [];
	#nodes = new Map<string, Node>();
	#grown: () => void = () => {};

	get index(): number {
		return this.#revisions.length;
	}

	/** One revision: each key put, with a value of its own, or deleted where it is there and no value is given. */
	write(keys: readonly string[], value: string | undefined = "v"): number {
		const index = this.#revisions.length + 1;
		const events = keys.map((key, nth): FollowedEvent => {
			const before = this.#nodes.get(key);
			const node: Node = {
				...{ key, dir: false, createdIndex: before?.createdIndex ?? index, modifiedIndex: index },
				...(value === undefined ? {} : { value }),
			};
			if (value === undefined) this.#nodes.delete(key);
			else this.#nodes.set(key, node);
			return {
				...{
					kind: "event",
					index,
					action: value === undefined ? "delete" : "set",
					key,
					node,
					fromHistory: true,
				},
				...(before === undefined ? {} : { prevNode: before }),
				...(nth < keys.length - 1 ? { more: true } : {}),
			};
		});
		this.#revisions.push(events as [FollowedEvent, ...FollowedEvent[]]);
		this.#grown();
		return index;
	}

	async list(): Promise<Listing> {
		this.listCount++;
		const { index, clusterId } = this;
		const listing = { index, clusterId, nodes: [...this.#nodes.values()] };
		await this.listGate;
		return listing;
	}

	async tail({ afterIndex, signal, take }: TailOptions): Promise<void> {
		for (const tail of this.before) await take(tail);
		for (let at = afterIndex; !signal.aborted; ) {
			const events = this.#revisions[at];
			if (events === undefined) {
				const grown = new Promise<void>((resolve) => {
					this.#grown = resolve;
				});
				await Promise.race([grown, once(signal, "abort")]);
				continue;
			}
			at++;
			const [event, ...more] = events;
			this.toldCount += events.length;
			const room = take(more.length === 0 ? { kind: "event", event } : { kind: "events", events });
			if (room !== undefined) await room;
		}
	}
}
