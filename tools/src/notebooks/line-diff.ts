import { diffArrays } from "diff";

/** A line of a canonical text. */
export interface Line {
	/** What is compared. */
	readonly compared: string;
	/** What a reader is shown. */
	readonly shown: string;
}

/** What is in one place of two lists: in both (the same, or changed), or in one of them only. */
export interface Pair<T> {
	readonly before: T | undefined;
	readonly after: T | undefined;
	readonly same: boolean;
}

/** Two lists that differ in more places have no common part that is worth the time to look for it. */
const MOST_CHANGES = 1000;
/** The changed lines that are shown of one form of one output. */
const MOST_LINES = 12;
const WIDEST = 150;

/**
 * Two lists side by side, by their longest common part. Between two places that are the same, what was is paired with
 * what is, in order, as changed; what is left over is in one list only.
 */
export function paired<T>(
	before: readonly T[],
	after: readonly T[],
	isSame: (before: T, after: T) => boolean,
): Pair<T>[] {
	const all = [
		{ removed: true, added: false, count: before.length },
		{ removed: false, added: true, count: after.length },
	];
	const options = { comparator: isSame, maxEditLength: MOST_CHANGES };
	const parts = diffArrays([...before], [...after], options) ?? all;
	const pairs: Pair<T>[] = [];
	const [gone, come]: [T[], T[]] = [[], []];
	let [from, to] = [0, 0];
	for (const { added, removed, count } of [...parts, { added: false, removed: false, count: 0 }]) {
		const was = added ? [] : before.slice(from, from + count);
		const is = removed ? [] : after.slice(to, to + count);
		[from, to] = [from + was.length, to + is.length];
		if (removed) gone.push(...was);
		else if (added) come.push(...is);
		else pairs.push(...zipped(gone.splice(0), come.splice(0), false), ...zipped(was, is, true));
	}
	return pairs;
}

function zipped<T>(before: readonly T[], after: readonly T[], same: boolean): Pair<T>[] {
	const length = Math.max(before.length, after.length);
	return Array.from({ length }, (_, at) => ({ before: before[at], after: after[at], same }));
}

/**
 * What differs, a line each: "- " as it was, "+ " as it is, "  " for the line before and the line after. One long
 * value widens its column in every line of a table: that is told only if nothing else differs.
 */
export function lineDiff(before: readonly Line[], after: readonly Line[]): string[] {
	const loosely = paired(before, after, (a, b) => unaligned(a.compared) === unaligned(b.compared));
	if (loosely.some(({ same }) => !same)) return linesOf(loosely, (text) => text);
	const closely = paired(before, after, (a, b) => a.compared === b.compared);
	return linesOf(closely, (text) => text.replaceAll(" ", "␣"));
}

function linesOf(pairs: readonly Pair<Line>[], spelled: (text: string) => string): string[] {
	const lines: string[] = [];
	let [changed, more] = [0, 0];
	pairs.forEach(({ before, after, same }, at) => {
		if (same) {
			const isBeside = pairs[at - 1]?.same === false || pairs[at + 1]?.same === false;
			if (isBeside && changed < MOST_LINES && after?.shown) lines.push(`  ${clipped(after.shown)}`);
		} else if (++changed > MOST_LINES) more++;
		else {
			const [a, b] = [before, after].map((line) => line && spelled(line.shown));
			const from = a === undefined || b === undefined ? 0 : firstDifference(a, b);
			if (a !== undefined) lines.push(`- ${clipped(a, from)}`);
			if (b !== undefined) lines.push(`+ ${clipped(b, from)}`);
		}
	});
	return more === 0 ? lines : [...lines, `  … and ${more} more`];
}

/** A line of a table without its alignment: a longer number makes its column wider. */
export function unaligned(line: string): string {
	return line
		.replace(/─+/g, "─")
		.replace(/[ \u00a0]+/g, " ")
		.trim();
}

/** Where two texts begin to differ. */
function firstDifference(a: string, b: string): number {
	let at = 0;
	while (at < a.length && a[at] === b[at]) at++;
	return at;
}

/** At most `widest` characters of a line, with what comes at `from` among them. */
export function clipped(line: string, from = 0, widest = WIDEST): string {
	if (line.length <= widest) return line;
	const start = from < widest * 0.7 ? 0 : Math.min(from - Math.floor(widest / 4), line.length - widest);
	const end = start + widest;
	return `${start > 0 ? "…" : ""}${line.slice(start, end)}${end < line.length ? "…" : ""}`;
}
