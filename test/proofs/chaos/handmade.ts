import type { Change, FollowedEvent } from "etcd-watch-lab/follow";
import { type Command, type ModelEvent, type ModelNode, ModelStore } from "etcd-watch-lab/model";
import type { Node } from "etcd-watch-lab/v2";
import { keysThatDiffer, visible } from "./compare";
import { Random } from "./random";
import type { Acknowledged, Following, RunRecord } from "./record";
import { isRemoval, Tree } from "./tree";
import { reach, Truth } from "./truth";

/** The directory that a handmade run happens in, and the one below it that is followed. */
export const root = "/run";
export const followed = "/run/t";

/** A few hundred writes of every operation, by the model, with the same keys again and again. */
export function handmade(count = 600, from = 5_000): RunRecord {
	const store = new ModelStore({ index: from });
	const acknowledged: Acknowledged[] = [];
	let now = 0;
	const apply = (command: Command) => {
		now += 60;
		for (const { event } of store.expire(now)) expired.push(event);
		const { outcome } = store.apply(command, now);
		if (outcome.kind === "accepted") acknowledged.push(acknowledgedBy(command, outcome.event));
	};
	const expired: ModelEvent[] = [];
	const base = { index: store.index, nodes: [] };
	const random = new Random(7);
	const operations = { set: 8, create: 2, update: 2, delete: 2, compareAndSwap: 1, refresh: 1 };
	for (let at = 0; at < count; at++) {
		const operation = random.weighted(operations);
		const key = random.pick([
			`${followed}/k${random.below(6)}`,
			`${followed}/d${random.below(3)}/k${random.below(5)}`,
			`${followed}x`,
			`${followed}/_h/${random.below(4)}`,
		]);
		const fields = {
			...(operation === "refresh" ? { ttl: 100 } : random.below(6) === 0 ? { ttl: 1 } : {}),
			...(operation === "compareAndSwap" ? { expected: { prevValue: currentValue(store, key) } } : {}),
			...(operation === "refresh" || operation === "delete" ? {} : { value: `v${at}` }),
		};
		apply({ operation, key, ...fields });
		if (at % 50 === 49) apply({ operation: "rmdir", key: `${followed}/d${at % 3}`, recursive: true });
		if (at % 170 === 150) apply({ operation: "rmdir", key: followed, recursive: true });
	}
	const node = store.get(root, { recursive: true, now });
	if ("kind" in node) throw new Error("the run's directory is there");
	const record: RunRecord = {
		kind: "handmade",
		seed: 0,
		etcd: "a model",
		root,
		epochs: [{ base, final: { index: store.index, nodes: flatModel(node) } }],
		acknowledged,
		unknown: [],
		followings: [],
	};
	// Whoever followed the root saw the expiries; nobody else's word is there for them.
	const following = { name: "all", key: root, recursive: true } as const;
	const seen = expired.map((event) => ({ change: eventOf(event), at: 0 }));
	const witness = { ...record, followings: [{ ...following, ...begun(record), deliveries: seen }] };
	const truth = new Truth(witness, 0);
	const all = [
		perfect(truth, "tree", followed, true),
		perfect(truth, "key", `${followed}/k1`, false),
		perfect(truth, "all", root, true),
	];
	return { ...record, followings: all };
}

/** The same run in which a follower of the tree was too late for the events of an index range. */
export function withGap(record: RunRecord, from: number, to: number): RunRecord {
	return replaceFollowing(record, "tree", (following) => {
		const truth = new Truth(record, 0);
		const told = new Tree(following.key, following.start?.nodes);
		for (const { change } of following.deliveries) {
			if (change.kind === "event" && change.index < from)
				told.apply({ ...change, dir: change.node.dir, value: change.node.value });
		}
		const nodes = nodesOf(visible(truth.treeAt(to).leaves(), following.key, true).values());
		const differ = keysThatDiffer(truth, told, nodes);
		const now = new Map(nodes.map((node) => [node.key, node]));
		const pick = (keys: ReadonlySet<string>) => [...keys].flatMap((key) => now.get(key) ?? []);
		const gap: Change = {
			kind: "gap",
			from,
			to,
			why: "cleared",
			state: { index: to, nodes },
			added: pick(differ.added),
			changed: pick(differ.changed).map((now) => {
				const [before] = nodesOf([told.get(now.key)].flatMap((leaf) => leaf ?? []));
				return { ...(before === undefined ? {} : { before }), now };
			}),
			removed: [...differ.removed].map((key) => ({ key, dir: false, createdIndex: 1, modifiedIndex: 1 })),
		};
		const before = following.deliveries.filter(
			({ change }) => change.kind === "event" && change.index < from,
		);
		const after = following.deliveries.filter(({ change }) => change.kind === "event" && change.index > to);
		return { ...following, deliveries: [...before, { change: gap, at: 0 }, ...after] };
	});
}

/** The same run, whose store was wiped when it was over, and written to again; each following was told so. */
export function withWipe(first: RunRecord = handmade()): RunRecord {
	const second = handmade(200, 10);
	const followings = first.followings.map((following, nth): Following => {
		const told = new Tree(following.key, following.start?.nodes);
		for (const { change } of following.deliveries) {
			if (change.kind === "event") told.apply({ ...change, dir: change.node.dir, value: change.node.value });
		}
		const state = second.epochs[0]?.base ?? { index: 0, nodes: [] };
		const reset: Change = {
			kind: "reset",
			lastIndex: Math.max(
				...following.deliveries.map(({ change }) => (change.kind === "event" ? change.index : 0)),
			),
			why: "index went back",
			state,
			added: [],
			changed: [],
			removed: nodesOf(told.leaves()),
		};
		const after = second.followings[nth]?.deliveries ?? [];
		return { ...following, deliveries: [...following.deliveries, { change: reset, at: 0 }, ...after] };
	});
	const [was] = first.epochs;
	return {
		...first,
		followings,
		epochs: [{ base: was?.base ?? { index: 0, nodes: [] } }, ...second.epochs],
		acknowledged: [...first.acknowledged, ...second.acknowledged.map((write) => ({ ...write, epoch: 1 }))],
	};
}

/** The tree's following, cut in two at a saved position. */
export function withRestart(record: RunRecord, at: number): RunRecord {
	const whole = record.followings.find(({ name }) => name === "tree");
	if (whole === undefined) throw new Error("there is a following of the tree");
	const truth = new Truth(record, 0);
	const nodes = nodesOf(visible(truth.treeAt(at).leaves(), whole.key, true).values());
	const isBefore = ({ change }: { change: Change }) => change.kind === "event" && change.index <= at;
	const position = {
		format: "etcd-watch-lab/position",
		version: 1,
		key: whole.key,
		recursive: true,
		index: at,
		clusterId: "",
		nodes,
	} as const;
	const first: Following = { ...whole, deliveries: whole.deliveries.filter(isBefore), position };
	const second: Following = {
		...whole,
		name: "tree, resumed",
		startIndex: at,
		start: { index: at, nodes },
		resumes: "tree",
		deliveries: whole.deliveries.filter((delivery) => !isBefore(delivery)),
	};
	return {
		...record,
		followings: [first, second, ...record.followings.filter(({ name }) => name !== "tree")],
	};
}

export function replaceFollowing(
	record: RunRecord,
	name: string,
	change: (following: Following) => Following,
): RunRecord {
	const followings = record.followings.map((one) => (one.name === name ? change(one) : one));
	return { ...record, followings };
}

function begun({
	epochs,
}: RunRecord): Pick<Following, "startIndex" | "start" | "epoch" | "gaps" | "finished"> {
	const start = epochs[0]?.base ?? { index: 0, nodes: [] };
	return { startIndex: start.index, start, epoch: 0, gaps: "allowed", finished: true };
}

/** What a follower without fault tells. */
function perfect(truth: Truth, name: string, key: string, recursive: boolean): Following {
	const tree = truth.begin();
	const deliveries: { change: FollowedEvent; at: number }[] = [];
	for (const entry of truth.entries) {
		if (reach({ key, recursive }, entry, tree) === "must") {
			const { index, action = "set", value, dir } = entry;
			const { write } = entry;
			const node = {
				key: entry.key,
				dir,
				createdIndex: write?.createdIndex ?? index,
				modifiedIndex: index,
				...(value === undefined || isRemoval(action) ? {} : { value }),
				...(write?.ttl && !isRemoval(action) ? { ttl: 1, expiration: "2026-01-01T00:00:00Z" } : {}),
			};
			const prevNode = write?.prev && { key: entry.key, createdIndex: 1, ...write.prev };
			const gone = nodesOf(visible(tree.within(entry.key), key, recursive).values());
			const removed = isRemoval(action) ? { removed: gone } : {};
			const change: FollowedEvent = {
				kind: "event",
				index,
				action,
				key: entry.key,
				node,
				...(prevNode === undefined ? {} : { prevNode: prevNode as Node }),
				fromHistory: false,
				...removed,
			};
			deliveries.push({ change, at: 0 });
		}
		tree.apply({ ...entry, action: entry.action ?? "set" });
	}
	return { name, key, recursive, deliveries, ...begun(truth.record) };
}

/** Something to compare with, so that it succeeds where it can. */
function currentValue(store: ModelStore, key: string): string {
	const node = store.get(key);
	return ("kind" in node ? undefined : node.value) ?? "nothing";
}

function acknowledgedBy({ operation, ttl }: Command, event: ModelEvent): Acknowledged {
	const { action, index, node, prevNode, refresh } = event;
	return {
		epoch: 0,
		index,
		action,
		key: node.key,
		...(node.value === undefined ? {} : { value: node.value }),
		dir: node.dir,
		createdIndex: node.createdIndex,
		ttl: ttl !== undefined || operation === "refresh",
		refresh,
		...(prevNode === undefined ? {} : { prev: prevNode }),
	};
}

function eventOf({ action, index, node }: ModelEvent): FollowedEvent {
	const { nodes, ...rest } = node;
	return { kind: "event", index, action, key: node.key, node: rest, fromHistory: false };
}

function flatModel(node: ModelNode): Node[] {
	const { nodes = [], ...self } = node;
	return [self, ...nodes.flatMap(flatModel)];
}

function nodesOf(
	leaves: Iterable<{ key: string; dir: boolean; value: string | undefined; modifiedIndex: number }>,
): Node[] {
	return [...leaves].map(({ key, dir, value, modifiedIndex }) => ({
		key,
		dir,
		...(value === undefined ? {} : { value }),
		createdIndex: modifiedIndex,
		modifiedIndex,
	}));
}
