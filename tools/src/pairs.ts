import { diffArrays } from "diff";

/** What is in one place of two lists: in both (the same, or changed), or in one of them only. */
export interface Pair<T> {
	readonly before?: T;
	readonly after?: T;
	readonly same: boolean;
}

/** The common part of two lists that differ in more places than this is not looked for: it would take too long. */
const MOST_CHANGES = 1000;

/**
 * Two lists side by side: by position, where that leaves no more changed than the longest common part of them
 * does. Otherwise by that part, and between two places that are the same, what was is paired with what is, in
 * order, as changed; what is left over is in one list only.
 */
export function paired<T>(
	before: readonly T[],
	after: readonly T[],
	same: (before: T, after: T) => boolean,
): Pair<T>[] {
	const byPosition = zipped(before, after, same);
	const common = byCommonPart(before, after, same);
	return common === undefined || changes(byPosition) <= changes(common) ? byPosition : common;
}

function changes<T>(pairs: readonly Pair<T>[]): number {
	return pairs.filter((pair) => !pair.same).length;
}

function byCommonPart<T>(
	before: readonly T[],
	after: readonly T[],
	same: (before: T, after: T) => boolean,
): Pair<T>[] | undefined {
	const parts = diffArrays([...before], [...after], { comparator: same, maxEditLength: MOST_CHANGES });
	if (parts === undefined) return undefined;
	const pairs: Pair<T>[] = [];
	let [from, to] = [0, 0];
	let [gone, come] = [0, 0];
	const flush = (): void => {
		pairs.push(...zipped(before.slice(from, from + gone), after.slice(to, to + come), () => false));
		[from, to, gone, come] = [from + gone, to + come, 0, 0];
	};
	for (const { added, removed, count } of parts) {
		if (removed) gone += count;
		else if (added) come += count;
		else {
			flush();
			pairs.push(...zipped(before.slice(from, from + count), after.slice(to, to + count), () => true));
			[from, to] = [from + count, to + count];
		}
	}
	flush();
	return pairs;
}

function zipped<T>(before: readonly T[], after: readonly T[], same: (a: T, b: T) => boolean): Pair<T>[] {
	return Array.from({ length: Math.max(before.length, after.length) }, (_, at) => {
		const [a, b] = [before[at], after[at]];
		if (a === undefined) return b === undefined ? { same: true } : { after: b, same: false };
		return b === undefined ? { before: a, same: false } : { before: a, after: b, same: same(a, b) };
	});
}
