import assert from "node:assert/strict";
import type { Node } from "etcd-watch-lab/dist/etcd";
import type { Change, Gap } from "etcd-watch-lab/dist/follow";
import type { ModelEvent, ModelNode } from "etcd-watch-lab/dist/model";

/** A local watch as it was asked for, and when it was closed. */
export interface Asked {
	readonly key: string;
	readonly recursive: boolean;
	readonly after: number;
	readonly until: number;
}

/** What happened, told by the store itself. */
export interface Happened {
	readonly events: readonly ModelEvent[];
	/** The index and the keys that the hub began from, and those of each list after a loss. */
	readonly lists: readonly { readonly index: number; readonly keys: readonly string[] }[];
	/** The ranges that the upstream could not give. */
	readonly lost: readonly { readonly from: number; readonly to: number }[];
	readonly historyLength: number;
	readonly root: string;
	readonly nodesAt: (index: number, key: string, recursive: boolean) => readonly ModelNode[];
}

/** The events that a watch has to be told, by the rules of a live one spelled out anew. */
export function expected({ key, recursive, after, until }: Asked, happened: Happened): ModelEvent[] {
	const told: ModelEvent[] = [];
	const lists = [...happened.lists];
	let there = new Set<string>();
	for (const event of happened.events) {
		const list = lists[0];
		if (list !== undefined && list.index < event.index) {
			there = new Set(list.keys);
			lists.shift();
		}
		const { action } = event;
		const watched = key.split("/");
		const own = event.node.key.split("/");
		const isSamePath = own.slice(0, watched.length).every((part, at) => part === watched[at]);
		const isShown =
			own.length >= watched.length
				? isSamePath &&
					(own.length === watched.length ||
						(recursive && own.slice(watched.length).every((part) => !part.startsWith("_"))))
				: isSamePath && (action === "delete" || action === "expire") && there.has(key);
		if (isShown && !event.refresh && event.index > after && event.index <= until) told.push(event);
		note(there, event, happened.root);
	}
	return told;
}

/** Keeps the set of keys below the root that its events tell of. */
function note(there: Set<string>, { action, node, refresh }: ModelEvent, root: string): void {
	if (refresh) return;
	if (["delete", "expire", "compareAndDelete"].includes(action)) {
		for (const key of there) if (`${key}/`.startsWith(`${node.key}/`)) there.delete(key);
		return;
	}
	if (!`${node.key}/`.startsWith(`${root}/`) || node.key.slice(root.length).includes("/_")) return;
	for (let key = node.key; key.length >= root.length; key = key.slice(0, key.lastIndexOf("/")))
		there.add(key);
}

/** What is wrong with what a watch was told; nothing when every event came once, in order, or was in a gap. */
export function problems(heard: readonly Change[], asked: Asked, happened: Happened): string[] {
	const wrong: string[] = [];
	const due = expected(asked, happened);
	let position = asked.after;
	for (const change of heard) {
		if (change.kind === "event") {
			const next = due.shift();
			if (next === undefined) wrong.push(`${change.action} ${change.key} ${change.index} is one too many`);
			else if (next.index !== change.index) wrong.push(`${change.index} came where ${next.index} was due`);
			else if (next.node.key !== change.key || next.action !== change.action || next.node !== change.node) {
				wrong.push(`${change.index} is another event`);
			}
			if (change.index <= position) wrong.push(`${change.index} is not after ${position}`);
			position = change.index;
		} else if (change.kind === "gap") {
			wrong.push(...wrongGap(change, position, asked, happened));
			while (due[0] !== undefined && due[0].index <= change.to) {
				if (due[0].index < change.from) wrong.push(`${due[0].index} is missing before a gap`);
				due.shift();
			}
			position = change.to;
		} else wrong.push("a reset of a store that was never replaced");
	}
	for (const { index } of due) wrong.push(`${index} is missing`);
	return wrong;
}

function wrongGap(gap: Gap, position: number, asked: Asked, happened: Happened): string[] {
	const wrong: string[] = [];
	const { from, to, state } = gap;
	if (from <= position || to < from) wrong.push(`the gap ${from} to ${to} after ${position}`);
	const wasLost = happened.lost.some((lost) => lost.from <= from && to <= lost.to);
	const wasBefore = from <= (happened.lists[0]?.index ?? 0);
	const isLeap = happened.lost.filter((lost) => lost.to >= from).length > 1;
	const passed = happened.events.filter(({ index }) => index >= from && index <= to).length;
	if (!wasLost && !wasBefore && !isLeap && passed <= happened.historyLength) {
		wrong.push(`the gap ${from} to ${to} (${gap.why}) could have been avoided`);
	}
	if (state.index !== to) wrong.push(`the gap's state is one at ${state.index}, not at ${to}`);
	const due = files(happened.nodesAt(to, asked.key, asked.recursive));
	try {
		assert.deepEqual(files(state.nodes), due);
	} catch {
		wrong.push(`the state at ${to} is another one`);
	}
	return wrong;
}

/** Without the directories: those that are there for hidden keys alone raise no event. */
function files(nodes: readonly (Node | ModelNode)[]): readonly object[] {
	return nodes
		.filter(({ dir }) => !dir)
		.map(({ key, value, createdIndex, modifiedIndex }) => ({
			key,
			value,
			createdIndex,
			modifiedIndex,
		}));
}
