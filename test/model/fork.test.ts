import assert from "node:assert/strict";
import { type Command, type ModelOperation, ModelStore, type WaitingWatcher } from "etcd-watch-lab/model";
import fc from "fast-check";
import type { ModelClass } from "./differential/pair";
import { type Mutant, plant } from "./mutants";

/** What can be done to a store without a server. */
type Act =
	| { readonly act: "write"; readonly command: Command }
	| { readonly act: "watch"; readonly key: string; readonly recursive: boolean; readonly stream: boolean }
	| { readonly act: "unwatch" }
	| { readonly act: "expire"; readonly after: number };

const keys = ["/a", "/a/b", "/a/b/c", "/ab", "/_h", "/a/_h", "/a/_h/x"];
const operations: readonly ModelOperation[] = [
	"set",
	"create",
	"createInOrder",
	"update",
	"delete",
	"mkdir",
	"updateDirectory",
	"rmdir",
	"compareAndSwap",
	"compareAndDelete",
	"refresh",
];

const act: fc.Arbitrary<Act> = fc.oneof(
	{
		weight: 8,
		arbitrary: fc
			.record({
				operation: fc.constantFrom(...operations),
				key: fc.constantFrom(...keys),
				value: fc.constantFrom("", "1", "2"),
				ttl: fc.constantFrom(undefined, 1, 3),
				recursive: fc.boolean(),
			})
			.map(({ ttl, ...rest }) => ({
				act: "write" as const,
				command: { ...rest, expected: { prevValue: "1" }, ...(ttl === undefined ? {} : { ttl }) },
			})),
	},
	{
		weight: 3,
		arbitrary: fc.record({
			act: fc.constant("watch" as const),
			key: fc.constantFrom("/", ...keys),
			recursive: fc.boolean(),
			stream: fc.boolean(),
		}),
	},
	{ weight: 1, arbitrary: fc.constant({ act: "unwatch" as const }) },
	{
		weight: 1,
		arbitrary: fc.record({ act: fc.constant("expire" as const), after: fc.constantFrom(500, 1_000, 2_000) }),
	},
);
const acts = fc.array(act, { maxLength: 30, size: "max" });

/** A store with its clock and its last watcher; each act gives what can be seen of it, as text. */
class Observed {
	#now = 0;
	#last: WaitingWatcher | undefined;

	constructor(readonly store: ModelStore) {}

	fork(): Observed {
		const fork = new Observed(this.store.fork());
		fork.#now = this.#now;
		fork.#last = this.#last;
		return fork;
	}

	/** What came of it, and then all that can be read of the store. */
	all(acts: readonly Act[]): string {
		const results = acts.map((act) => JSON.stringify(this.#do(act)));
		return [...results, ...this.state()].join("\n");
	}

	state(): string[] {
		const { store } = this;
		const now = this.#now;
		return [
			`${store.index} ${store.oldestKept} ${store.watcherCount} ${store.nextExpiry}`,
			...["/", ...keys].map((key) => JSON.stringify(store.get(key, { recursive: true, now }))),
			// What the history answers; such a watch leaves nothing behind, unless it has to wait.
			...keys.map((key) => {
				const watched = store.watch({ key, recursive: true, stream: false, waitIndex: store.oldestKept });
				if (watched.kind === "waiting") store.unwatch(watched.watcher);
				return watched.kind === "answered" ? JSON.stringify(watched) : watched.kind;
			}),
		];
	}

	#do(act: Act): unknown {
		switch (act.act) {
			case "write":
				return this.store.apply(act.command, this.#now);
			case "watch": {
				const watched = this.store.watch(act);
				if (watched.kind === "waiting") this.#last = watched.watcher;
				return watched;
			}
			case "unwatch":
				if (this.#last) this.store.unwatch(this.#last);
				return undefined;
			case "expire":
				this.#now += act.after;
				return this.store.expire(this.#now);
		}
	}
}

/** Throws when a fork and its original are not each what it would be without the other. */
function goTheirOwnWays(Model: ModelClass, numRuns: number): void {
	const begun = (past: readonly Act[]) => {
		const observed = new Observed(new Model({ version: "3.4.23", index: 0 }));
		observed.all(past);
		return observed;
	};
	fc.assert(
		fc.property(acts, acts, acts, (past, one, other) => {
			const original = begun(past);
			const fork = original.fork();
			// In turns, so that each changes what the other may share.
			const half = Math.ceil(one.length / 2);
			const ofOriginal = [original.all(one.slice(0, half))];
			const ofFork = [fork.all(other)];
			ofOriginal.push(original.all(one.slice(half)));
			ofFork.push(fork.all([]));

			const likeOriginal = begun(past);
			assert.deepEqual(ofOriginal, [likeOriginal.all(one.slice(0, half)), likeOriginal.all(one.slice(half))]);
			const likeFork = begun(past);
			assert.deepEqual(ofFork, [likeFork.all(other), likeFork.all([])]);
		}),
		{ numRuns },
	);
}

const faults: readonly Mutant[] = [
	{
		fault: "the watchers are shared",
		file: "hub",
		from: "return new WatcherHub(new Map(copies));",
		to: "return new WatcherHub(this.#byKey);",
	},
	{ fault: "the history is shared", file: "history", from: "if (this.#shared)", to: "if (false)" },
	{
		fault: "the original goes on changing the tree in place",
		file: "tree",
		from: "this.#owner = {};\n        return new Tree",
		to: "return new Tree",
	},
	{
		fault: "the expiries are shared",
		file: "store",
		from: "this.#expiries = new Map(parts?.expiries);",
		to: "this.#expiries = parts?.expiries ?? new Map();",
	},
];

describe("a fork of the model", () => {
	it("and its original go their own ways: each is what it would be without the other", () => {
		goTheirOwnWays(ModelStore, 1_000);
	});

	for (const fault of faults) {
		it(`that is none is noticed: ${fault.fault}`, () => {
			const Model = plant(fault);
			assert.throws(() => goTheirOwnWays(Model, 300), /Property failed/);
		});
	}

	it("keeps the whole past: forks taken after every write read as the store did then", () => {
		fc.assert(
			fc.property(acts, (acts) => {
				const original = new Observed(new ModelStore({ version: "3.4.23" }));
				const moments = acts.map((act) => {
					original.all([act]);
					return { fork: original.fork(), read: original.fork().state() };
				});
				for (const { fork, read } of moments) assert.deepEqual(fork.state(), read);
			}),
			{ numRuns: 300 },
		);
	});

	it("of a full history keeps it: 1500 events later the fork still replays what the original has forgotten", () => {
		const store = new ModelStore();
		const write = (store: ModelStore, count: number) => {
			for (let nth = 0; nth < count; nth++) store.apply({ operation: "set", key: "/a", value: String(nth) });
		};
		write(store, 1_200);
		const fork = store.fork();
		write(store, 1_500);
		const ask = { key: "/a", recursive: false, stream: false, waitIndex: 201 };
		const kept = fork.watch(ask);
		assert.ok(kept.kind === "answered" && kept.event.index === 201);
		assert.equal(store.watch(ask).kind, "refused");
	});
});
