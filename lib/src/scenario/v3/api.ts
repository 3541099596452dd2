import type { FollowOptions } from "../../follow";
import { Following } from "../../follow/follow";
import { LabError } from "../../http";
import { SharedServerError } from "../../server/lab";
import type { Timeline } from "../../timeline/timeline";
import { CompactedError, NoSpaceError, PermissionDeniedError, type V3Client, V3Error } from "../../v3";
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
import type { ApiNode, Recorder } from "../record";
import type { OpenStep, WriteStep } from "../steps";
import { readToTheEnd } from "../waits";
import { belowName, isIn, seenNode, treeOf } from "./node";
import { V3Source } from "./source";
import { outcomeOf, txnOf } from "./writing";

/**
 * The v3 API, as a run uses it. What v2 calls a directory is here the keys that begin with its name and a slash; "below
 * a key" is the key and those.
 */
export class V3Api implements Api {
	readonly name = "v3";
	readonly streamsAreSure = true;
	readonly isInstant = false;
	readonly server: string;
	readonly #v3: V3Client;
	readonly #watchers: V3Client;
	readonly #leases: bigint[] = [];

	constructor(v3: V3Client, { version, newV3Watchers }: Pick<Target, "version" | "newV3Watchers">) {
		this.#v3 = v3;
		this.server = version;
		this.#watchers = newV3Watchers?.() ?? v3;
	}

	get endpointCount(): number {
		return this.#watchers.endpoints.length;
	}

	async now(key: string, signal: AbortSignal | undefined): Promise<number> {
		const { header } = await this.#v3.range(key, { countOnly: true, ...(signal ? { signal } : {}) });
		return header.revision;
	}

	async write(step: WriteStep, recorder: Recorder, signal: AbortSignal): Promise<Written> {
		try {
			const lease = step.ttl === undefined ? undefined : await this.#lease(step.ttl, signal);
			const answer = await this.#v3.txn(txnOf(step, lease), { signal });
			const outcome = outcomeOf(step, answer, recorder);
			return { outcome, index: answer.header.revision };
		} catch (error) {
			if (!(error instanceof V3Error)) throw error;
			if (error.maybeApplied) return recorder.failed(error);
			return { outcome: { kind: "refused", code: error.grpcCode, message: shortText(error), cause: "" } };
		}
	}

	watch(
		kind: OpenStep["step"],
		key: string,
		{ atWriters, ...options }: SourceOptions,
		listener: WatchListener,
	): Promise<Source> {
		return V3Source.open(atWriters ? this.#v3 : this.#watchers, kind, key, options, listener);
	}

	follow(key: string, options: FollowOptions): FollowSource {
		return new Following(this.#watchers, key, options);
	}

	async list(key: string, recursive: boolean, signal: AbortSignal) {
		const { header, kvs } = await this.#v3.range(key, { ...treeOf(key, recursive), signal });
		const nodes: ApiNode[] = kvs.map((kv) => seenNode(kv)).filter(isIn(key, recursive));
		return { index: header.revision, nodes };
	}

	refusal(error: unknown, asked: number | undefined): WatchRefusal | undefined {
		if (!(error instanceof V3Error)) return undefined;
		const { compactRevision } = error instanceof CompactedError ? error : {};
		const gap =
			compactRevision === undefined || asked === undefined
				? {}
				: { gap: { from: asked, to: compactRevision - 1 } };
		return { code: error.grpcCode, message: shortText(error), cause: "", ...gap };
	}

	/** @throws SharedServerError for a user that may not */
	async compact(index: number, signal: AbortSignal): Promise<void> {
		// What comes after finds the keys gone, and not on their way: only then is 18089 met each time.
		try {
			await this.#v3.compact(index, { physical: true, signal });
		} catch (error) {
			if (!(error instanceof PermissionDeniedError)) throw error;
			throw new SharedServerError(
				`this user may not compact (${error.text}): only root may. Name root in ETCDCTL_USER, or unset ETCDCTL_ENDPOINTS for a server of the lab's own`,
				{ cause: error },
			);
		}
	}

	/**
	 * A put to each watched key: no rule of v3 hides one from its watcher. A full database takes deletes alone; where
	 * there is nothing to delete, a silence stays unproven.
	 */
	async fence(recorder: Recorder, all: readonly Fenced[], signal: AbortSignal): Promise<Timeline["fences"]> {
		if (all.length === 0) return [];
		const index = recorder.index(await this.now(recorder.prefix, signal));
		// Who waits for a later revision than the fence's is not told of it.
		const open = all.filter(({ askedFrom }) => askedFrom <= index + 1);
		for (const watching of all) watching.expectFence(index + 1);
		const fences: Timeline["fences"][number][] = [];
		for (const key of new Set(open.map((watching) => watching.key))) {
			const written = await this.#fenceAt(recorder.absoluteKey(key), signal);
			if (written) fences.push({ action: written.action, index: recorder.index(written.revision), key });
		}
		await readToTheEnd(open, signal);
		return fences;
	}

	async #fenceAt(key: string, signal: AbortSignal) {
		try {
			const { header } = await this.#v3.put(key, "fence", { signal });
			return { action: "put" as const, revision: header.revision };
		} catch (error) {
			if (!(error instanceof NoSpaceError)) throw error;
		}
		// Two deletes: a full 3.5.1 refuses a transaction, whatever is in it.
		for (const [from, prefix] of [
			[key, false],
			[belowName(key), true],
		] as const) {
			const { header, deletedCount } = await this.#v3.delete(from, { prefix, signal });
			if (deletedCount > 0) return { action: "delete" as const, revision: header.revision };
		}
		return undefined;
	}

	async clear(prefix: string): Promise<void> {
		try {
			for (const id of this.#leases.splice(0)) await this.#v3.revoke(id).catch(isGone);
			await this.#v3.delete(prefix);
			for (const end of ["/", ":"]) await this.#v3.delete(prefix + end, { prefix: true });
		} catch (error) {
			// A server that is gone keeps what it has; what is the lab's own is removed when the lab ends.
			if (!(error instanceof LabError)) throw error;
		}
	}

	async close(): Promise<void> {
		if (this.#watchers !== this.#v3) await this.#watchers.close();
	}

	async reached(revision: number, signal: AbortSignal): Promise<void> {
		if (this.#watchers === this.#v3) return;
		const read = () => this.#watchers.range("/", { countOnly: true, serializable: true, signal });
		while ((await read()).header.revision < revision) {}
	}

	async #lease(ttl: number, signal: AbortSignal): Promise<bigint> {
		const { id } = await this.#v3.grant(ttl, { signal });
		this.#leases.push(id);
		return id;
	}
}

function shortText({ text }: V3Error): string {
	return text.replace(/^etcdserver: /, "");
}

/** A lease that has ended by itself. */
function isGone(error: unknown): void {
	if (!(error instanceof V3Error)) throw error;
}
