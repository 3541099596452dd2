import type { FollowOptions } from "../../follow";
import { Following } from "../../follow/follow";
import { LabError } from "../../http/errors";
import type { Timeline } from "../../timeline/timeline";
import { type Answer, EtcdError, KeyNotFoundError, type V2Client } from "../../v2";
import type {
	Api,
	Fenced,
	FollowSource,
	Source,
	SourceOptions,
	Target,
	WatchListener,
	WatchRefusal,
	Written,
} from "../api";
import { filesOf, type Recorder } from "../record";
import type { OpenStep, Operation, WriteStep } from "../steps";
import { fence } from "./fence";
import { pollSource, streamSource, watchSource } from "./sources";

/** How long the removal of what a run has left may take. */
const clearMs = 2_000;

/** The v2 keys API, as a run uses it. */
export class V2Api implements Api {
	readonly name = "v2";
	/** One that began in the past, or stopped reading, is not (notebook 03). */
	readonly streamsAreSure = false;
	readonly isInstant = false;
	readonly #target: Target;
	readonly #v2: V2Client;
	readonly #watchers: V2Client;

	constructor(target: Target) {
		this.#target = target;
		this.#v2 = target.v2;
		this.#watchers = target.newWatchers?.() ?? target.v2;
	}

	get server(): string {
		return this.#target.version;
	}

	get endpointCount(): number {
		return this.#watchers.endpoints.length;
	}

	/** If the key does not exist, the error says the index all the same. */
	async now(key: string, signal: AbortSignal | undefined): Promise<number> {
		try {
			return (await this.#v2.get(key, signal ? { signal } : {})).etcdIndex;
		} catch (error) {
			if (error instanceof KeyNotFoundError) return error.index;
			throw error;
		}
	}

	async write(step: WriteStep, recorder: Recorder, signal: AbortSignal): Promise<Written> {
		try {
			return recorder.accepted(step.operation, await send(this.#v2, step, signal));
		} catch (error) {
			if (!(error instanceof EtcdError)) throw error;
			// 300 is what the store says of a directory as a file, too; in the cluster's own words nothing is certain.
			if (error.maybeApplied && error.etcdCause.startsWith("etcdserver:")) return recorder.failed(error);
			return recorder.refused(error, step.expected);
		}
	}

	watch(
		kind: OpenStep["step"],
		key: string,
		{ atWriters, ...options }: SourceOptions,
		listener: WatchListener,
	): Promise<Source> {
		const v2 = atWriters ? this.#v2 : this.#watchers;
		if (kind === "watch") return watchSource(v2, key, options, listener);
		if (kind === "stream") return streamSource(v2, key, options, listener);
		return pollSource(v2, key, options, listener, kind === "pollLoop");
	}

	follow(key: string, options: FollowOptions): FollowSource {
		return new Following(this.#watchers, key, options);
	}

	async list(key: string, recursive: boolean, signal: AbortSignal) {
		try {
			const answer = await this.#v2.get(key, { recursive, quorum: true, sorted: true, signal });
			return { index: answer.etcdIndex, nodes: filesOf(answer.node) };
		} catch (error) {
			if (!(error instanceof KeyNotFoundError)) throw error;
			return { index: error.index, nodes: [] };
		}
	}

	refusal(error: unknown, _: number | undefined, recorder: Recorder): WatchRefusal | undefined {
		return recorder.refusal(error);
	}

	fence(recorder: Recorder, open: readonly Fenced[], signal: AbortSignal): Promise<Timeline["fences"]> {
		return fence(this.#target, recorder, open, signal);
	}

	/** On a server of others nothing of a run stays; on the lab's own it goes with the server. */
	async clear(prefix: string): Promise<void> {
		if (this.#target.owned) return;
		try {
			await this.#v2.rmdir(prefix, { recursive: true, timeoutMs: clearMs });
		} catch (error) {
			// It is gone, or the server is, and the lab removes the rest at its end.
			if (!(error instanceof LabError)) throw error;
		}
	}

	async close(): Promise<void> {
		if (this.#watchers !== this.#v2) await this.#watchers.close();
	}

	async reached(index: number, signal: AbortSignal): Promise<void> {
		if (this.#watchers === this.#v2) return;
		while ((await this.#watchers.get("/", { signal })).etcdIndex < index) {}
	}
}

/** The keys API's method for a step. */
function send(v2: V2Client, step: WriteStep, signal: AbortSignal): Promise<Answer> {
	const { key, value = "", ttl, recursive, expected = {} } = step;
	const options = { signal, ...(ttl === undefined ? {} : { ttl }) };
	const methods: Record<Operation, () => Promise<Answer>> = {
		set: () => v2.set(key, value, options),
		create: () => v2.create(key, value, options),
		createInOrder: () => v2.createInOrder(key, value, options),
		update: () => v2.update(key, value, options),
		delete: () => v2.delete(key, options),
		mkdir: () => v2.mkdir(key, options),
		updateDirectory: () => v2.updateDirectory(key, options),
		rmdir: () => v2.rmdir(key, { signal, ...(recursive === undefined ? {} : { recursive }) }),
		compareAndSwap: () => v2.compareAndSwap(key, value, expected, options),
		compareAndDelete: () => v2.compareAndDelete(key, expected, options),
		refresh: () => v2.refresh(key, ttl ?? 0, options),
	};
	return methods[step.operation]();
}
