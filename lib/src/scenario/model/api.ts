import type { FollowOptions } from "../../follow";
import { within } from "../../http/signals";
import type { ModelDelivery } from "../../model";
import { ModelStore } from "../../model/store";
import type { Timeline } from "../../timeline/timeline";
import type { Node } from "../../v2/node";
import type { Api, Fenced, FollowSource, SourceOptions, WatchListener, WatchRefusal, Written } from "../api";
import { filesOf, type Recorder } from "../record";
import type { OpenStep, WriteStep } from "../steps";
import { ModelFollower } from "./follower";
import { errorOf, ModelSource, type Waiting } from "./source";

/** The model of etcd's v2 store, as a run uses it: no server, no clock, and nothing ever on its way. */
export class ModelApi implements Api {
	readonly name = "v2";
	readonly streamsAreSure = false;
	readonly isInstant = true;
	readonly endpointCount = 1;
	readonly server: string;
	readonly #at: Waiting;
	readonly #store: ModelStore;
	/** Milliseconds since the start: they pass only where a step waits for an expiry. */
	#now = 0;

	constructor(version: string) {
		this.server = `the model of ${version}`;
		this.#store = new ModelStore({ version });
		this.#at = { store: this.#store, sources: new Map() };
	}

	async reached(): Promise<void> {}

	async now(): Promise<number> {
		return this.#store.index;
	}

	async write(step: WriteStep, recorder: Recorder): Promise<Written> {
		const { outcome, deliveries } = this.#store.apply(step, this.#now);
		this.#handOut(deliveries);
		if (outcome.kind === "refused") return recorder.refused(errorOf(outcome), step.expected);
		return recorder.accepted(step.operation, outcome.event);
	}

	async watch(
		kind: OpenStep["step"],
		key: string,
		options: SourceOptions,
		listener: WatchListener,
	): Promise<ModelSource> {
		return new ModelSource(this.#at, kind, key, options, listener);
	}

	follow(key: string, options: FollowOptions): FollowSource {
		const recursive = options.recursive === true;
		// Of a directory alone none of its keys is followed, though a read of it shows them.
		const files = () => this.#files(key, recursive).filter((file) => recursive || file.key === key);
		return new ModelFollower(this.#at, key, options, files);
	}

	async list(key: string, recursive: boolean): Promise<{ index: number; nodes: readonly Node[] }> {
		return { index: this.#store.index, nodes: this.#files(key, recursive) };
	}

	refusal(error: unknown, _: number | undefined, recorder: Recorder): WatchRefusal | undefined {
		return recorder.refusal(error);
	}

	passUntilExpiry(key: string): void {
		const expiresAt = this.#store.expiryOf(key);
		if (expiresAt === undefined) return;
		this.#now = Math.max(this.#now, expiresAt);
		for (const { deliveries } of this.#store.expire(this.#now)) this.#handOut(deliveries);
	}

	/** An event that is in no store, to whoever is registered: who is not is sent none. */
	async fence(recorder: Recorder, open: readonly Fenced[], signal: AbortSignal): Promise<Timeline["fences"]> {
		const index = this.#store.index + 1;
		for (const watching of open) watching.expectFence(recorder.index(index));
		for (const source of [...this.#at.sources.values()]) source.fence(index);
		await within(Promise.all(open.map(({ reading }) => reading)), 0, signal);
		for (const watching of open)
			if (!watching.isOver && watching.askedFrom <= recorder.index(index)) watching.isGone();
		return [];
	}

	async clear(): Promise<void> {}

	async close(): Promise<void> {}

	/** The files at and below a key, in the order of their keys. */
	#files(key: string, recursive: boolean): readonly Node[] {
		const found = this.#store.get(key, { recursive, now: this.#now });
		return "kind" in found ? [] : filesOf(found);
	}

	/** Hands out what a change set off, and lets the loops ask again. */
	#handOut(deliveries: readonly ModelDelivery[]): void {
		const again = new Set<ModelSource>();
		for (const { watcher, event } of deliveries) {
			const source = this.#at.sources.get(watcher);
			source?.take(event);
			if (source !== undefined) again.add(source);
		}
		for (const source of again) source.askAgain();
	}
}
