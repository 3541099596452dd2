import assert from "node:assert/strict";
import { type ModelEvent, ModelStore, type WaitingWatcher } from "etcd-watch-lab/model";
import fc from "fast-check";
import { liveReach } from "#lib/model/reach.js";

const key = fc
	.array(fc.constantFrom("a", "b", "ab", "_h"), { minLength: 1, maxLength: 3 })
	.map((parts) => `/${parts.join("/")}`);

const write = fc.record({
	operation: fc.constantFrom("set", "mkdir", "delete", "rmdir", "refresh", "update"),
	key,
	recursive: fc.constant(true),
	ttl: fc.constantFrom(1, 9),
});

describe("liveReach", () => {
	it("says of every event and every waiting stream what the hub does, by the same rule", () => {
		const told = new Set<string>();
		fc.assert(
			fc.property(
				fc.array(fc.tuple(key, fc.boolean()), { minLength: 1, maxLength: 4 }),
				fc.array(write, { minLength: 1, maxLength: 15, size: "max" }),
				(watches, writes) => {
					const store = new ModelStore({ version: "3.4" });
					const watchers = watches.flatMap(([key, recursive]): WaitingWatcher[] => {
						const watched = store.watch({ key, recursive, stream: true });
						return watched.kind === "waiting" ? [watched.watcher] : [];
					});
					const compare = (
						event: ModelEvent,
						existed: ReadonlyMap<WaitingWatcher, boolean>,
						deliveries: readonly { readonly watcher: number; readonly rule: string }[],
					) => {
						for (const watcher of watchers) {
							const rules = deliveries.filter(({ watcher: id }) => id === watcher.id).map(({ rule }) => rule);
							const reach = liveReach(watcher, event, existed.get(watcher) ?? false);
							if ("rule" in reach) assert.equal(rules[0], reach.rule);
							else assert.deepEqual(rules, [], reach.passedOver);
							told.add("rule" in reach ? reach.rule : reach.passedOver);
						}
					};
					const existing = () =>
						new Map(watchers.map((watcher) => [watcher, !("kind" in store.get(watcher.key))] as const));
					for (const command of writes) {
						const existed = existing();
						const { outcome, deliveries } = store.apply({ ...command, value: "" });
						if (outcome.kind === "accepted") compare(outcome.event, existed, deliveries);
					}
					for (let next = store.nextExpiry; next !== undefined; next = store.nextExpiry) {
						const existed = existing();
						const [first, ...more] = store.expire(next);
						// Several at once would need the tree between them.
						if (first && more.length === 0) compare(first.event, existed, first.deliveries);
					}
				},
			),
			{ numRuns: 3_000 },
		);
		const all = ["own key", "recursive", "removed with its directory"];
		const none = ["refresh", "elsewhere", "not recursive", "hidden", "no node there"];
		assert.deepEqual([...told].sort(), [...all, ...none].sort());
	});
});
