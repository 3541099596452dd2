import type { Timeline, WatcherRecord, WriteRecord } from "./timeline";

/** A place where two timelines of one scenario say different things. */
export interface Difference {
	/** Such as "write 2" or "recursive, event 3". */
	readonly where: string;
	/** What each of the two says, as text; "nothing" where it says nothing. */
	readonly one: string;
	readonly other: string;
}

/**
 * Compares two runs of one scenario, event by event: every write's outcome by the order of the indexes, every
 * delivery by its order at the watcher, with nodes and response indexes. What depends on the moment is left out:
 * seconds of a ttl left, and whether an event of a loop under a burst came live or out of the history.
 */
export function compareTimelines(one: Timeline, other: Timeline): readonly Difference[] {
	const differences: Difference[] = [];
	const compare = (where: string, left: unknown, right: unknown) => {
		const [a, b] = [words(left), words(right)];
		if (a !== b) differences.push({ where, one: a, other: b });
	};
	const bursts = one.writes.some(({ burst }) => burst !== undefined);
	const [mine, theirs] = [byIndex(one), byIndex(other)];
	for (let at = 0; at < Math.max(mine.length, theirs.length); at++) {
		compare(
			`write ${mine[at]?.id ?? theirs[at]?.id}`,
			writeOf(mine[at], bursts),
			writeOf(theirs[at], bursts),
		);
	}
	const names = new Set([...one.watchers, ...other.watchers].map(({ name }) => name));
	for (const name of names) {
		const left = one.watchers.find((watcher) => watcher.name === name);
		const right = other.watchers.find((watcher) => watcher.name === name);
		const count = Math.max(left?.deliveries.length ?? 0, right?.deliveries.length ?? 0);
		for (let at = 0; at < count; at++) {
			compare(`"${name}", event ${at + 1}`, deliveryOf(left, at, bursts), deliveryOf(right, at, bursts));
		}
		compare(`"${name}", errors`, errorsOf(left), errorsOf(right));
	}
	return differences;
}

/** Accepted writes by their index, the refused ones where they were tried: a burst is tried in no order. */
function byIndex({ writes }: Timeline): WriteRecord[] {
	const place = ({ outcome, triedAt }: WriteRecord) =>
		outcome.kind === "accepted" ? outcome.index : triedAt + 0.5;
	return [...writes].sort((a, b) => place(a) - place(b) || a.id - b.id);
}

function writeOf(write: WriteRecord | undefined, bursts: boolean): unknown {
	if (!write) return undefined;
	const { operation, key, outcome } = write;
	if (outcome.kind !== "accepted") return { operation, key, ...outcome };
	// A key's earlier write in a burst may have been tried later.
	const { node, prevNode, ...rest } = outcome;
	return {
		operation,
		key,
		...rest,
		node: without(node),
		...(bursts ? {} : { prevNode: prevNode && without(prevNode) }),
	};
}

function deliveryOf(watcher: WatcherRecord | undefined, at: number, bursts: boolean): unknown {
	const delivery = watcher?.deliveries[at];
	if (!delivery) return undefined;
	const { index, action, key, node, prevNode, etcdIndex, fromHistory } = delivery;
	const event = { index, action, key, node: without(node), prevNode: prevNode && without(prevNode) };
	return bursts ? event : { ...event, etcdIndex, fromHistory };
}

function errorsOf(watcher: WatcherRecord | undefined): unknown {
	return watcher?.life.filter(({ kind }) => kind === "error");
}

function without<T extends { readonly ttl?: number }>(
	node: T,
): Omit<T, "ttl"> & { readonly expires: boolean } {
	const { ttl, ...rest } = node;
	return { ...rest, expires: ttl !== undefined };
}

/** JSON with its fields in order, so that equal things have equal words. */
function words(value: unknown): string {
	if (value === undefined) return "nothing";
	return JSON.stringify(value, (_, part: unknown) =>
		typeof part === "object" && part !== null && !Array.isArray(part)
			? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
			: part,
	);
}
