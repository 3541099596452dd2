/** Things that came, by index, and when: acknowledgements in the writer's hands, or events in a follower's. */
export interface Arrivals {
	readonly indexes: readonly number[];
	readonly ns: readonly number[];
}

/** How far a follower was behind at one moment: acknowledged indexes above the last one it had. */
export interface Lag {
	readonly ns: number;
	readonly events: number;
}

/** The lag at each acknowledgement and each event, in the order of time. Both lists are in that order already. */
export function lags(written: Arrivals, seen: Arrivals, afterIndex: number): readonly Lag[] {
	const found: Lag[] = [];
	let acknowledged = afterIndex;
	let had = afterIndex;
	let write = 0;
	let event = 0;
	while (write < written.ns.length || event < seen.ns.length) {
		const writeNs = written.ns[write] ?? Number.POSITIVE_INFINITY;
		const eventNs = seen.ns[event] ?? Number.POSITIVE_INFINITY;
		const ns = Math.min(writeNs, eventNs);
		if (eventNs <= writeNs) had = Math.max(had, seen.indexes[event++] ?? 0);
		else acknowledged = Math.max(acknowledged, written.indexes[write++] ?? 0);
		found.push({ ns, events: Math.max(0, acknowledged - had) });
	}
	return found;
}

/** What was written and never came, and what came twice or not in order. */
export function faults(
	written: Arrivals,
	seen: Arrivals,
): { readonly lost: number; readonly disordered: number } {
	const had = new Set(seen.indexes);
	const lost = written.indexes.filter((index) => !had.has(index)).length;
	const disordered = seen.indexes.filter((index, nth) => index <= (seen.indexes[nth - 1] ?? 0)).length;
	return { lost, disordered };
}
