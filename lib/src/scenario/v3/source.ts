import { ConnectionError } from "../../http";
import type { V3Client, V3Watch } from "../../v3";
import type { Source, SourceOptions, WatchListener } from "../api";
import type { ApiEvent } from "../record";
import type { OpenStep } from "../steps";
import { isIn, seenEvent, treeOf } from "./node";

/**
 * A watch of v3, registered. There is only one kind of it, which goes on by itself. A `poll` is one that is closed after
 * its first event (all events of that revision, which come together), a `pollLoop` one such after the other, each from
 * now on. A `watch` carries its revision on from the moment it is registered, as clientv3 does (`serveSubstream` in
 * client/v3/watch.go at v3.5.9); the others carry nothing.
 */
export class V3Source implements Source {
	#asking: Promise<V3Watch> | undefined;
	/** What came together and has not been given. */
	#pending: ApiEvent[] = [];
	#carried: number | undefined;
	#isOver = false;
	#isClosed = false;

	constructor(
		private readonly v3: V3Client,
		private readonly kind: OpenStep["step"],
		private readonly key: string,
		private readonly options: SourceOptions,
		private readonly listener: WatchListener,
	) {}

	/** Resolves when it is registered. */
	static async open(...args: ConstructorParameters<typeof V3Source>): Promise<V3Source> {
		const source = new V3Source(...args);
		await source.registered();
		return source;
	}

	get afterIndex(): number | undefined {
		return this.kind === "watch" ? this.#carried : undefined;
	}

	get hasMore(): boolean {
		return this.#pending.length > 0;
	}

	async registered(): Promise<void> {
		if (!this.#isOver && !this.#isClosed) await this.#watch();
	}

	async next(): Promise<ApiEvent | undefined> {
		for (;;) {
			const event = this.#pending.shift();
			if (event) return event;
			if (this.#isOver) return undefined;
			const watch = await this.#watch();
			const message = await watch.next();
			if (message === undefined) {
				throw new ConnectionError(`${watch.endpoint} ended the watch`, { maybeApplied: false });
			}
			if (message.kind === "progress") {
				this.#carried = Math.max(this.#carried ?? 0, message.header.revision);
				this.listener.progressed?.(message.header.revision);
				continue;
			}
			const { recursive } = this.options;
			const events = message.events
				.map((event) => seenEvent(event, watch.header.revision))
				.filter(({ node }) => isIn(this.key, recursive)(node));
			this.#take(events, watch);
		}
	}

	close(): void {
		this.#isClosed = true;
		this.#asking?.then(
			(watch) => watch.close(),
			() => {},
		);
	}

	#take(events: ApiEvent[], watch: V3Watch): void {
		const [first] = events;
		if (first === undefined) return;
		const last = events.at(-1) ?? first;
		this.#carried = Math.max(this.#carried ?? 0, last.node.modifiedIndex);
		if (this.kind !== "poll" && this.kind !== "pollLoop") {
			this.#pending = events;
			return;
		}
		this.#pending = events.filter(({ node }) => node.modifiedIndex === first.node.modifiedIndex);
		this.listener.answered({ etcdIndex: first.etcdIndex, event: first });
		watch.close();
		this.#asking = undefined;
		this.#isOver = this.kind === "poll";
	}

	/** The watch that is open, or a new one. */
	async #watch(): Promise<V3Watch> {
		if (this.#asking === undefined) {
			this.#asking = this.#ask();
			this.#asking.catch(() => {});
		}
		const watch = await this.#asking;
		// It may have been closed while it was being asked.
		if (this.#isClosed) watch.close();
		return watch;
	}

	async #ask(): Promise<V3Watch> {
		const { recursive, afterIndex, progressNotify = false, signal } = this.options;
		const startRevision = afterIndex === undefined ? undefined : afterIndex + 1;
		const watch = await this.v3.watch(this.key, {
			...treeOf(this.key, recursive),
			...(startRevision === undefined ? {} : { startRevision }),
			prevKv: true,
			progressNotify,
			signal,
		});
		this.#carried = startRevision === undefined ? watch.header.revision : startRevision - 1;
		this.listener.asked({ etcdIndex: watch.header.revision }, startRevision);
		return watch;
	}
}
