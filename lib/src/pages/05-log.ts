import { flattened } from "../follow/tree";
import { type RunOptions, ScenarioError, type Target } from "../scenario/api";
import type { Recorder } from "../scenario/record";
import { onV2 } from "../scenario/recorded";
import type { Scenario } from "../scenario/scenario";
import { seenNode } from "../scenario/v3/node";
import { accountOf } from "../timeline/account";
import type { Delivery, NodeRecord, Timeline, WatcherRecord } from "../timeline/timeline";
import { KeyNotFoundError } from "../v2";
import { isBelow, isRemoval, parentOf } from "../v2/key";

/** A tree by its keys, as an applier of events keeps it. */
export type LogTree = Map<string, NodeRecord>;

/** Carries out one event on a tree. */
export type Apply = (tree: LogTree, event: Delivery) => void;

/** What was there at one index, in the order of the keys; the run's own root is not among it. */
export interface TreeAt {
	readonly index: number;
	readonly nodes: readonly NodeRecord[];
	/** The watcher from whose events it was rebuilt, where it was: nothing is known of what it does not look at. */
	readonly seenBy?: WatcherRecord;
}

/**
 * Runs a scenario and reads the whole tree after each accepted write and expiry: what is true at each index, to hold a
 * log against. On v2 with a quorum, on v3 at the write's own revision. A burst's writes are not read one by one. Errors
 * as `Scenario.run`.
 */
export async function runWithReads(
	steps: Scenario,
	target: Target,
	options: Omit<RunOptions, "onWritten"> = {},
): Promise<{ readonly seen: Timeline; readonly reads: readonly TreeAt[] }> {
	const run = () => runReading(steps, target, options);
	if (options.api === "v3") return await run();
	return await onV2(target, { name: steps.name, of: ["with reads", steps.steps] }, run);
}

async function runReading(
	steps: Scenario,
	target: Target,
	options: Omit<RunOptions, "onWritten">,
): ReturnType<typeof runWithReads> {
	const reads: TreeAt[] = [];
	const read = options.api === "v3" ? readV3 : readV2;
	const seen = await steps.run(target, {
		...options,
		async onWritten({ outcome }, { recorder, signal }) {
			if (outcome.kind !== "accepted") return;
			const { index } = outcome;
			reads.push({ index, nodes: await read(target, recorder, index, signal) });
		},
	});
	return { seen, reads };
}

type Read = (target: Target, recorder: Recorder, index: number, signal: AbortSignal) => Promise<NodeRecord[]>;

const readV2: Read = async ({ v2 }, recorder, _, signal) => {
	try {
		const { node } = await v2.get(recorder.absoluteKey("/"), { recursive: true, quorum: true, signal });
		return flattened(node)
			.map((one) => recorder.node(one))
			.filter(({ key }) => key !== "/");
	} catch (error) {
		if (error instanceof KeyNotFoundError) return [];
		throw error;
	}
};

const readV3: Read = async ({ v3 }, recorder, index, signal) => {
	if (v3 === undefined) throw new ScenarioError("this server's v3 API is not at hand: run it on a lab");
	const revision = recorder.absoluteIndex(index);
	const { prefix } = recorder;
	const ranges = [`${prefix}/`, `${prefix}:`].map((from) =>
		v3.range(from, { prefix: true, revision, signal }),
	);
	return (await Promise.all(ranges)).flatMap(({ kvs }) => kvs.map((kv) => recorder.node(seenNode(kv))));
};

/** Takes an event by its own key and nothing else: what one writes first, and what goes wrong. */
export const byOwnKey: Apply = (tree, event) => {
	if (isRemoval(event)) tree.delete(event.key);
	else tree.set(event.key, event.node);
};

/** What the event leaves out is added: the directories on the way to its key, and all that goes with a directory. */
export const byRules: Apply = (tree, event) => {
	if (isRemoval(event)) {
		for (const key of [...tree.keys()]) if (isBelow(key, event.key)) tree.delete(key);
	} else {
		const { index: modifiedIndex } = event;
		for (let key = parentOf(event.key); key !== "/" && !tree.has(key); key = parentOf(key))
			tree.set(key, { key, dir: true, modifiedIndex, createdIndex: modifiedIndex });
	}
	byOwnKey(tree, event);
};

/**
 * The tree at each of the indexes, from the events alone that a watcher was sent.
 * @throws RangeError for a name that the run lacks
 */
export function rebuild(
	timeline: Timeline,
	watcher: string,
	apply: Apply,
	indexes: readonly number[],
): readonly TreeAt[] {
	const seenBy = accountOf(timeline).watcher(watcher).watcher;
	return indexes.map((index) => {
		const tree: LogTree = new Map();
		for (const event of seenBy.deliveries) if (event.index <= index) apply(tree, event);
		return { index, seenBy, nodes: [...tree.values()].sort((one, two) => (one.key < two.key ? -1 : 1)) };
	});
}

/**
 * One key at one index. `lacking`: a read shows it and the log has no such key; `left`: the other way round;
 * `other`: both have it, with another value, kind or index.
 */
export interface KeyCompared {
	readonly index: number;
	readonly key: string;
	readonly how: "same" | "lacking" | "left" | "other";
}

/**
 * Compares each read with the tree that was rebuilt for its index, as far as the watcher looks: its key, and with
 * recursive what is below. A ttl, which counts down, is left out.
 */
export function compareTrees(reads: readonly TreeAt[], rebuilt: readonly TreeAt[]): readonly KeyCompared[] {
	const atIndex = new Map(rebuilt.map((tree) => [tree.index, tree]));
	return reads.flatMap(({ index, nodes }) => {
		const tree = atIndex.get(index);
		const read = new Map(nodes.map((node) => [node.key, node]));
		const log = new Map(tree?.nodes.map((node) => [node.key, node]));
		const isSeen = (key: string) => tree?.seenBy === undefined || looksAt(tree.seenBy, key);
		const keys = [...new Set([...read.keys(), ...log.keys()])].filter(isSeen).sort();
		return keys.map((key) => ({
			index,
			key,
			how: howOf(read.get(key), log.get(key)),
		}));
	});
}

function looksAt(watcher: WatcherRecord, key: string): boolean {
	return key === watcher.key || (watcher.recursive && isBelow(key, watcher.key));
}

function howOf(read: NodeRecord | undefined, log: NodeRecord | undefined): KeyCompared["how"] {
	if (log === undefined) return "lacking";
	if (read === undefined) return "left";
	const same =
		read.dir === log.dir &&
		read.value === log.value &&
		read.createdIndex === log.createdIndex &&
		read.modifiedIndex === log.modifiedIndex;
	return same ? "same" : "other";
}
