import { setImmediate } from "node:timers/promises";
import { type Hub, type HubWatch, startHub } from "etcd-watch-lab/dist/follow";
import type { ModelOperation } from "etcd-watch-lab/dist/model";
import fc from "fast-check";
import type { Asked, Happened } from "./hub-checker";
import { Reader } from "./hub-reader";
import { ModelUpstream } from "./hub-upstream";

export type Step =
	| {
			readonly step: "write";
			readonly operation: ModelOperation;
			readonly key: string;
			readonly ttl: number | undefined;
	  }
	| {
			readonly step: "watch";
			readonly key: string;
			readonly recursive: boolean;
			/** Counted from the newest index; undefined: now. */
			readonly from: number | undefined;
			readonly isLazy: boolean;
	  }
	| { readonly step: "close" | "read"; readonly which: number }
	| { readonly step: "lose"; readonly writes: number }
	| { readonly step: "pass" };

const root = "/p/r";
const keys = ["/p/r/a", "/p/r/a/b", "/p/r/a/b/c", "/p/r/ab", "/p/r/b", "/p/r/a/d"];
const hidden = ["/p/r/_h", "/p/r/a/_h/x", "/p/r/_h/_i"];
const others = ["/p/r", "/p", "/p/rr", "/x"];

const key = fc.oneof(
	{ weight: 8, arbitrary: fc.constantFrom(...keys) },
	{ weight: 2, arbitrary: fc.constantFrom(...hidden) },
	{ weight: 2, arbitrary: fc.constantFrom(...others) },
);

const write: fc.Arbitrary<Step> = fc.record({
	step: fc.constant("write" as const),
	operation: fc.oneof(
		{ weight: 8, arbitrary: fc.constant("set" as const) },
		{ weight: 4, arbitrary: fc.constantFrom("delete", "rmdir") },
		{
			weight: 2,
			arbitrary: fc.constantFrom("create", "mkdir", "update", "compareAndSwap", "compareAndDelete"),
		},
	),
	key,
	ttl: fc.option(fc.constant(1), { freq: 8, nil: undefined }),
});

const watch: fc.Arbitrary<Step> = fc.record({
	step: fc.constant("watch" as const),
	key: fc.constantFrom(root, ...keys),
	recursive: fc.boolean(),
	from: fc.option(fc.integer({ min: -12, max: 4 }), { freq: 2, nil: undefined }),
	isLazy: fc.boolean(),
});

const which = fc.nat(8);
export const programs: fc.Arbitrary<readonly Step[]> = fc.array(
	fc.oneof(
		{ weight: 40, arbitrary: write },
		{ weight: 5, arbitrary: watch },
		{ weight: 1, arbitrary: fc.record({ step: fc.constant("close" as const), which }) },
		{ weight: 5, arbitrary: fc.record({ step: fc.constant("read" as const), which }) },
		{
			weight: 1,
			arbitrary: fc.record({ step: fc.constant("lose" as const), writes: fc.integer({ min: 1, max: 3 }) }),
		},
		{ weight: 1, arbitrary: fc.constant({ step: "pass" as const }) },
	),
	{ minLength: 20, maxLength: 100 },
);

interface Running {
	readonly asked: Asked;
	readonly watch: HubWatch;
	readonly reader: Reader;
	readonly isLazy: boolean;
	until: number;
}

/** One watch of a run, with all that it was told. */
export interface Watched {
	readonly asked: Asked;
	readonly heard: Reader["heard"];
}

/** Short enough that programs get behind them. */
export const lengths = { historyLength: 8, queueLength: 2 };

/** A program on a hub over the model. */
export class ProgramRun {
	readonly upstream = new ModelUpstream();
	readonly #source = this.upstream.source(root);
	readonly #lists: { readonly index: number; readonly keys: readonly string[] }[] = [];
	readonly #lost: { readonly from: number; readonly to: number }[] = [];
	readonly #running: Running[] = [];

	/** Runs it; `withWatch` is told of each watch that begins. */
	async run(
		program: readonly Step[],
		withWatch: (
			step: Step & { readonly step: "watch" },
			upstream: ModelUpstream,
		) => Promise<void> = async () => {},
	): Promise<{ readonly watched: readonly Watched[]; readonly happened: Happened }> {
		const { upstream } = this;
		for (const begun of ["/x", "/p/r/a/b", "/p/r/_h", "/p/r/b"]) upstream.set(begun, "0");
		const hub = await startHub(this.#source, root, lengths);
		try {
			this.#list();
			for (const step of program) {
				if (step.step === "watch") await withWatch(step, upstream);
				await this.#carryOut(hub, step);
				await hub.at(upstream.store.index);
				for (const { reader, isLazy } of this.#running) if (!isLazy) await reader.read();
			}
			for (const { reader } of this.#running) await reader.read();
		} finally {
			await hub.close();
		}
		const watched = this.#running.map(({ asked, reader, until }) => ({
			asked: { ...asked, until },
			heard: reader.heard,
		}));
		const happened: Happened = {
			events: upstream.events,
			lists: this.#lists,
			lost: this.#lost,
			historyLength: lengths.historyLength,
			root,
			nodesAt: (index, at, recursive) => upstream.nodesAt(index, at, recursive),
		};
		return { watched, happened };
	}

	async #carryOut(hub: Hub, step: Step): Promise<void> {
		switch (step.step) {
			case "write":
				this.#write(step.operation, step.key, step.ttl);
				break;
			case "pass":
				this.upstream.pass(1_500);
				break;
			case "lose": {
				const from = this.upstream.store.index + 1;
				this.#source.hold();
				for (let count = 0; count < step.writes; count++) this.upstream.set(`/p/r/a/lost${count}`, "lost");
				this.#source.letGo({ isLost: true });
				const to = this.upstream.store.index;
				if (to < from) break;
				this.#lost.push({ from, to });
				this.#list();
				break;
			}
			case "watch":
				await this.#watch(hub, step);
				break;
			case "close": {
				const running = this.#running[step.which];
				if (running === undefined || running.until < Number.POSITIVE_INFINITY) break;
				await running.reader.read();
				running.until = this.upstream.store.index;
				await running.watch.return();
				break;
			}
			case "read":
				await this.#running[step.which]?.reader.read(3);
		}
	}

	async #watch(hub: Hub, { key, recursive, from, isLazy }: Step & { readonly step: "watch" }): Promise<void> {
		const { index } = this.upstream.store;
		const after = from === undefined ? undefined : Math.max(0, index + from);
		const local = hub.watch(key, { recursive, ...(after === undefined ? {} : { afterIndex: after }) });
		const asked = { key, recursive, after: local.index, until: Number.POSITIVE_INFINITY };
		const reader = new Reader(local);
		this.#running.push({ asked, watch: local, reader, isLazy, until: asked.until });
		// The first next() is what it begins with; an eager one does not wait for the end of the step.
		if (!isLazy) await setImmediate();
	}

	#write(operation: ModelOperation, at: string, ttl: number | undefined): void {
		const isRmdir = operation === "rmdir";
		this.upstream.write(operation, at, {
			value: String(this.upstream.store.index % 3),
			...(isRmdir ? { recursive: true } : {}),
			...(ttl === undefined || isRmdir ? {} : { ttl }),
			...(operation.startsWith("compareAnd") ? { expected: { prevValue: "1" } } : {}),
		});
	}

	#list(): void {
		const { index } = this.upstream.store;
		this.#lists.push({ index, keys: this.upstream.nodesAt(index, root).map(({ key }) => key) });
	}
}
