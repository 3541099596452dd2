import type { Node } from "../etcd/node";
import { liveReach } from "../model/reach";
import { isBelow } from "./tree";
import type { FollowedEvent, Gap, Reset, State, StateDifference } from "./types";

/** What a local watch is of. */
export interface Watched {
	readonly key: string;
	readonly recursive: boolean;
}

/**
 * Cuts a gap or a reset of the hub's root down to watched keys. Watches on the same key share what they get, so that
 * ten thousand of them do not hold ten thousand trees.
 */
export class Cutter<C extends Gap | Reset> {
	readonly #change: C;
	readonly #cut = new Map<string, C>();

	constructor(change: C) {
		this.#change = change;
	}

	for({ key, recursive }: Watched): C {
		const name = `${recursive ? "all " : ""}${key}`;
		const known = this.#cut.get(name);
		if (known !== undefined) return known;
		const { added, changed, removed, state } = this.#change;
		const of = (nodes: readonly Node[]) => cutNodes(nodes, keyOf, { key, recursive });
		const cut: C = {
			...this.#change,
			added: of(added),
			changed: cutNodes(changed, ({ now }) => now.key, { key, recursive }),
			...(removed === undefined ? {} : { removed: of(removed) }),
			state: { index: state.index, nodes: of(state.nodes) },
		};
		this.#cut.set(name, cut);
		return cut;
	}
}

/** Whether a past event reaches a watch, as it would have when it happened: the model's rules for a live watch. */
export function fits({ key, recursive }: Watched, event: FollowedEvent, isFlat = false): boolean {
	if (isFlat) return event.key === key || (recursive && isBelow(event.key, key));
	const reach = liveReach({ key, recursive, stream: true }, event, true);
	if ("passedOver" in reach) return false;
	// What was there is looked for only where it matters: a big directory names many.
	if (reach.rule !== "removed with its directory") return true;
	return event.removed?.some((node) => node.key === key) ?? false;
}

/** An upstream gap, cut to what is watched, for who is inside it already. */
export function gapAfter(after: number, gap: Gap, cut: Gap): Gap {
	if (after < gap.from) return cut;
	const { to, why } = gap;
	const { state } = cut;
	return { kind: "gap", from: after + 1, to, why, ...writtenSince(state, after), state };
}

/** What is otherwise in a state than after an index, as far as the state itself tells: what went leaves no trace. */
export function writtenSince({ nodes }: State, index: number): StateDifference {
	const written = nodes.filter(({ modifiedIndex }) => modifiedIndex > index);
	return {
		added: written.filter(({ createdIndex }) => createdIndex > index),
		changed: written.filter(({ createdIndex }) => createdIndex <= index).map((now) => ({ now })),
	};
}

/** The key's own and those below it, which are one range in the order of the keys. */
function cutNodes<T>(
	sorted: readonly T[],
	keyOf: (one: T) => string,
	{ key, recursive }: Watched,
): readonly T[] {
	if (recursive && key === "/") return sorted;
	const own = firstFrom(sorted, keyOf, key);
	const found = sorted[own];
	const top = found !== undefined && keyOf(found) === key ? [found] : [];
	if (!recursive) return top;
	// "0" comes right after "/".
	const below = sorted.slice(firstFrom(sorted, keyOf, `${key}/`), firstFrom(sorted, keyOf, `${key}0`));
	return [...top, ...below];
}

/** The place of the first whose key is not before that one. */
function firstFrom<T>(sorted: readonly T[], keyOf: (one: T) => string, key: string): number {
	let [low, high] = [0, sorted.length];
	while (low < high) {
		const middle = (low + high) >>> 1;
		const one = sorted[middle];
		if (one !== undefined && keyOf(one) < key) low = middle + 1;
		else high = middle;
	}
	return low;
}

function keyOf(node: Node): string {
	return node.key;
}
