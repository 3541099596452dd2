import type { Timeline } from "../../timeline/timeline";
import {
	type Answer,
	EtcdError,
	EventIndexClearedError,
	KeyNotFoundError,
	type Node,
	type V2Client,
} from "../../v2";
import type { Api, PollListener, Source, SourceOptions, WatchRefusal, Written } from "../api";
import type { Recorder } from "../record";
import type { OpenStep, Operation, WriteStep } from "../steps";
import type { Target } from "../target";
import type { Watched } from "../watched";
import { fence } from "./fence";
import { pollSource, streamSource, watchSource } from "./sources";

/** The v2 keys API, as a run uses it. */
export class V2Api implements Api {
	readonly name = "v2";
	/** One that began in the past, or stopped reading, is not (notebook 03). */
	readonly streamsAreSure = false;
	readonly watchers: V2Client;
	readonly #target: Target;
	readonly #v2: V2Client;

	constructor(target: Target) {
		this.#target = target;
		this.#v2 = target.v2;
		this.watchers = target.newWatchers?.() ?? target.v2;
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
			const answer = await send(this.#v2, step, signal);
			return { outcome: recorder.accepted(step.operation, answer), index: answer.node.modifiedIndex };
		} catch (error) {
			if (!(error instanceof EtcdError)) throw error;
			const outcome = recorder.refused(error, step.expected?.prevIndex);
			return error.index > 0 ? { outcome, index: error.index } : { outcome };
		}
	}

	watch(kind: OpenStep["step"], key: string, options: SourceOptions, heard: PollListener): Promise<Source> {
		if (kind === "watch") return watchSource(this.watchers, key, options, heard);
		if (kind === "stream") return streamSource(this.watchers, key, options, heard);
		return pollSource(this.watchers, key, options, heard, kind === "pollLoop");
	}

	async list(key: string, recursive: boolean, signal: AbortSignal) {
		try {
			const answer = await this.#v2.get(key, { recursive, quorum: true, sorted: true, signal });
			return { index: answer.etcdIndex, nodes: files(answer.node) };
		} catch (error) {
			if (!(error instanceof KeyNotFoundError)) throw error;
			return { index: error.index, nodes: [] };
		}
	}

	refusal(error: unknown): WatchRefusal | undefined {
		if (!(error instanceof EtcdError)) return undefined;
		const { code, text, index } = error;
		const gap =
			error instanceof EventIndexClearedError
				? { gap: { from: error.askedIndex, to: error.oldestIndex - 1 } }
				: {};
		return { code, message: text, index, v2: error, ...gap };
	}

	fence(recorder: Recorder, open: readonly Watched[], signal: AbortSignal): Promise<Timeline["fences"]> {
		return fence(this.#target, recorder, open, signal);
	}

	/** The fence has removed what it could, and the lab removes the rest at its end. */
	async clear(): Promise<void> {}

	async close(): Promise<void> {
		if (this.watchers !== this.#v2) await this.watchers.close();
	}
}

/** The files below a node, in the order of their keys. */
function files(node: Node): Node[] {
	return node.dir ? (node.nodes ?? []).flatMap(files) : [node];
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
