import assert from "node:assert/strict";
import type { FollowedEvent } from "etcd-watch-lab/follow";
import { type CheckerName, check } from "../../proofs/chaos/checker";
import type { Acknowledged, RunRecord } from "../../proofs/chaos/record";

/** Two keys at revision 5, one at 6, two that go at 7. */
const writes: readonly [number, "set" | "delete", string, true?][] = [
	[5, "set", "/run/t/a", true],
	[5, "set", "/run/t/b"],
	[6, "set", "/run/t/a"],
	[7, "delete", "/run/t/a", true],
	[7, "delete", "/run/t/b"],
];

function recordOf(told: (events: FollowedEvent[]) => readonly FollowedEvent[]): RunRecord {
	const made = new Map<string, number>();
	const acknowledged: Acknowledged[] = [];
	const events: FollowedEvent[] = [];
	for (const [index, action, key, more] of writes) {
		const before = made.get(key);
		const value = action === "set" ? { value: `v${index}` } : {};
		const prev =
			before === undefined ? {} : { prev: { modifiedIndex: before, value: `v${before}`, dir: false } };
		const shared = { dir: false, ttl: false, refresh: false, createdIndex: 5 };
		acknowledged.push({ epoch: 0, index, action, key, ...value, ...shared, ...prev });
		const node = { key, dir: false, createdIndex: 5, modifiedIndex: index, ...value };
		const gone = { key, dir: false, createdIndex: 5, modifiedIndex: before ?? 0, value: `v${before}` };
		const removed = action === "delete" ? { removed: [gone] } : {};
		const prevNode = before === undefined ? {} : { prevNode: gone };
		const rest = { ...removed, ...prevNode, ...(more ? { more } : {}) };
		events.push({ kind: "event", index, action, key, node, fromHistory: false, ...rest });
		if (action === "set") made.set(key, index);
	}
	const deliveries = told(events).map((change) => ({ change, at: 0 }));
	const start = { index: 4, nodes: [] };
	return {
		...{ kind: "handmade", seed: 0, etcd: "by hand", root: "/run", api: "v3", unknown: [], acknowledged },
		epochs: [{ base: start, final: { index: 7, nodes: [] } }],
		followings: [
			{
				...{ name: "tree", key: "/run/t", recursive: true, startIndex: 4, start, epoch: 0 },
				...{ deliveries, gaps: "allowed", finished: true },
			},
		],
	};
}

function catches(checker: CheckerName, record: RunRecord): void {
	const { findings } = check(record);
	assert.ok(
		findings.some((finding) => finding.checker === checker),
		`${checker} says nothing, of ${JSON.stringify(findings)}`,
	);
}

describe("the chaos checkers on v3", () => {
	it("say nothing of whoever told all events of each revision", () => {
		const { findings, contradictions } = check(recordOf((events) => events));
		assert.deepEqual([...findings, ...contradictions], []);
	});

	for (const [nth, [index, action, key]] of writes.entries()) {
		it(`catch it when ${action} of ${key} at ${index} is left out, though others of its revision came`, () => {
			catches(
				"complete",
				recordOf((events) => events.filter((_, at) => at !== nth)),
			);
		});
	}

	it("catch one of a revision that comes twice", () => {
		catches(
			"unique",
			recordOf(([first, ...rest]) => (first ? [first, first, ...rest] : [])),
		);
	});

	it("catch an event of a key that was not written at that revision", () => {
		const other = (event: FollowedEvent) => ({
			...event,
			key: "/run/t/c",
			node: { ...event.node, key: "/run/t/c" },
		});
		catches(
			"genuine",
			recordOf((events) => events.map((event, at) => (at === 2 ? other(event) : event))),
		);
	});

	it("catch a gap where nothing had been compacted, and say nothing where it had", () => {
		const base = recordOf(([, , , ...rest]) => rest);
		const state = {
			index: 6,
			nodes: ["a", "b"].map((name) => ({
				...{ key: `/run/t/${name}`, value: name === "a" ? "v6" : "v5", dir: false, createdIndex: 5 },
				modifiedIndex: name === "a" ? 6 : 5,
			})),
		};
		const gap = {
			kind: "gap",
			from: 5,
			to: 6,
			why: "cleared",
			added: state.nodes,
			changed: [],
			removed: [],
			state,
		} as const;
		const [tree] = base.followings;
		assert.ok(tree);
		const deliveries = [{ change: gap, at: 0 }, ...tree.deliveries];
		const record = { ...base, followings: [{ ...tree, deliveries }] };
		catches("avoidable", record);
		const compacted = { ...record, compactions: [{ epoch: 0, revision: 6 }] };
		assert.deepEqual(check(compacted).findings, []);
	});

	it("catch what was before where it is left out, unless it was compacted away", () => {
		const without = recordOf((events) => events.map(({ prevNode, ...event }) => event));
		catches("exact", without);
		const compacted = { ...without, compactions: [{ epoch: 0, revision: 7 }] };
		assert.deepEqual(check(compacted).findings, []);
	});

	it("hold whoever was stopped on purpose, and has no position, to what came before that and no more", () => {
		const stopped = (count: number) => {
			const base = recordOf((events) => events.slice(0, count));
			return { ...base, followings: base.followings.map((tree) => ({ ...tree, stoppedAt: 5 })) };
		};
		assert.deepEqual(check(stopped(2)).findings, []);
		catches("complete", stopped(1));
	});

	it("catch a position that stands in the middle of a revision", () => {
		const base = recordOf((events) => events.slice(0, 1));
		const [tree] = base.followings;
		assert.ok(tree);
		const saved = (index: number) => {
			const position = {
				...({ format: "etcd-watch-lab/position", version: 1, key: "/run/t", recursive: true } as const),
				...{ index, clusterId: "", nodes: [] },
			};
			return { ...base, followings: [{ ...tree, position }] };
		};
		assert.deepEqual(check(saved(4)).findings, []);
		catches("complete", saved(5));
	});

	it("hold a position against the last whole revision, however far above it the next one has begun", () => {
		// Nothing at 6 is the follower's, as it were: 7 comes next, and is stopped in its middle.
		const base = recordOf((events) => [...events.slice(0, 2), ...events.slice(3, 4)]);
		const [tree] = base.followings;
		assert.ok(tree);
		const nodes = ["a", "b"].map((name) => ({
			...{ key: `/run/t/${name}`, value: "v5", dir: false, createdIndex: 5, modifiedIndex: 5 },
		}));
		const saved = (index: number) => {
			const position = {
				...({ format: "etcd-watch-lab/position", version: 1, key: "/run/t", recursive: true } as const),
				...{ index, clusterId: "", nodes },
			};
			return { ...base, followings: [{ ...tree, position }] };
		};
		assert.deepEqual(check(saved(5)).findings, []);
		catches("resumable", saved(4));
	});
});
