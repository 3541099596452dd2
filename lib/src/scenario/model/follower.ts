import type { FollowedEvent, FollowOptions, Gap, Position, State } from "../../follow";
import { DirectoryKeys } from "../../follow/keys";
import type { Queued } from "../../follow/queue";
import { KnownState } from "../../follow/state";
import { EventIndexClearedError } from "../../v2/errors";
import { isHiddenFrom } from "../../v2/key";
import type { Action, Node } from "../../v2/node";
import { type FollowSource, nobody } from "../api";
import type { ApiEvent } from "../record";
import { ModelSource, type Waiting } from "./source";

/** The lab's follower at the model, which has no connection to lose: it lists, asks, and tells of a cleared history. */
export class ModelFollower implements FollowSource {
	#gap: Gap | undefined;
	/** It has told how far it is. */
	#isLevel = false;
	readonly #keys: DirectoryKeys;
	readonly #source: ModelSource;

	/** `files`: what is at its key and below it now. */
	constructor(
		private readonly at: Waiting,
		private readonly key: string,
		private readonly options: FollowOptions,
		private readonly files: () => readonly Node[],
	) {
		const { position, afterIndex = at.store.index, recursive = false } = options;
		this.#keys = new DirectoryKeys(key, recursive);
		this.#source = this.#open(position?.index ?? afterIndex);
	}

	/** Nothing is ever on its way, so that it knows of all up to now. */
	get position(): Position {
		return {
			...{ format: "etcd-watch-lab/position", version: 1, clusterId: "" },
			...{ key: this.key, recursive: this.options.recursive === true },
			...{ index: this.at.store.index, nodes: this.files() },
		};
	}

	async ready(): Promise<State> {
		return { index: this.at.store.index, nodes: this.files() };
	}

	async nextQueued(): Promise<IteratorResult<Queued, undefined>> {
		for (;;) {
			const gap = this.#gap;
			this.#gap = undefined;
			if (gap !== undefined) return { done: false, value: gap };
			if (!this.#source.hasMore && !this.#isLevel) {
				this.#isLevel = true;
				return { done: false, value: { kind: "bookmark", index: this.at.store.index } };
			}
			const event = await this.#source.next();
			if (event === undefined) return { done: true, value: undefined };
			if (this.#isFollowed(event)) return { done: false, value: followed(event) };
		}
	}

	async close(): Promise<void> {
		this.#source.close();
	}

	#open(afterIndex: number): ModelSource {
		const { recursive = false, position } = this.options;
		try {
			return new ModelSource(this.at, "watch", this.key, { recursive, afterIndex }, nobody);
		} catch (error) {
			if (!(error instanceof EventIndexClearedError)) throw error;
			const known = new KnownState(this.#keys);
			known.begin(afterIndex, position?.nodes);
			const { index } = this.at.store;
			this.#gap = known.gap({ index, nodes: this.files(), clusterId: "" }, "cleared");
			return this.#open(index);
		}
	}

	/** What only the history's scan shows is not handed on: hidden keys, and a neighbour whose name the key begins with. */
	#isFollowed({ node: { key } }: ApiEvent): boolean {
		return this.#keys.isAbove(key) || (this.#keys.covers(key) && !isHiddenFrom(this.key, key));
	}
}

function followed({ action, node, prevNode, fromHistory }: ApiEvent): FollowedEvent {
	const before = prevNode ? { prevNode } : {};
	// The model has v2's actions alone.
	return {
		...{ kind: "event", index: node.modifiedIndex, action: action as Action, key: node.key, node },
		...before,
		fromHistory,
	};
}
