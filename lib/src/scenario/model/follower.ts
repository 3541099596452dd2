import type { FollowedEvent, FollowOptions, Gap, Position, State } from "../../follow";
import type { Queued } from "../../follow/queue";
import type { ModelNode } from "../../model";
import { isBelow, isHiddenFrom } from "../../v2/key";
import type { Action, Node } from "../../v2/node";
import type { FollowSource } from "../api";
import type { ApiEvent } from "../record";
import { ModelRefusal, ModelSource, type Waiting } from "./source";

/** The lab's follower at the model, which has no connection to lose: it lists, asks, and tells of a cleared history. */
export class ModelFollower implements FollowSource {
	#gap: Gap | undefined;
	/** It has told how far it is. */
	#isLevel = false;
	readonly #source: ModelSource;

	/** `files`: what is at its key and below it now. */
	constructor(
		private readonly at: Waiting,
		private readonly key: string,
		private readonly options: FollowOptions,
		private readonly files: () => readonly ModelNode[],
	) {
		const { position, afterIndex = at.store.index } = options;
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
		const nobody = { asked() {}, answered() {} };
		const { recursive = false, position } = this.options;
		try {
			return new ModelSource(this.at, "watch", this.key, { recursive, afterIndex }, nobody);
		} catch (error) {
			if (!(error instanceof ModelRefusal)) throw error;
			this.#gap = gapOf(afterIndex + 1, this.at.store.index, position?.nodes ?? [], this.files());
			return this.#open(this.at.store.index);
		}
	}

	/** What only the history's scan shows is not handed on: hidden keys, and a neighbour whose name the key begins with. */
	#isFollowed({ node: { key } }: ApiEvent): boolean {
		return isBelow(key, this.key) ? !isHiddenFrom(this.key, key) : key === this.key || isBelow(this.key, key);
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

/** What differs between what was known and what is there. */
function gapOf(from: number, to: number, known: readonly Node[], now: readonly Node[]): Gap {
	const before = new Map(known.map((node) => [node.key, node]));
	const keys = new Set(now.map(({ key }) => key));
	const isChanged = ({ key, modifiedIndex }: Node) =>
		(before.get(key)?.modifiedIndex ?? modifiedIndex) !== modifiedIndex;
	return {
		...{ kind: "gap", from, to, why: "cleared" },
		added: now.filter(({ key }) => !before.has(key)),
		changed: now.filter(isChanged).map((node) => ({ now: node })),
		removed: known.filter(({ key }) => !keys.has(key)),
		state: { index: to, nodes: now },
	};
}
