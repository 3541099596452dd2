/**
 * Things of one kind together, the rarest kind first, in each the order that they came in: of a long run what is rare
 * is what one looks for.
 */
export function grouped<T>(all: readonly T[], kindOf: (one: T) => string): T[][] {
	const groups = new Map<string, T[]>();
	for (const one of all) {
		const kind = kindOf(one);
		const group = groups.get(kind);
		if (group) group.push(one);
		else groups.set(kind, [one]);
	}
	return [...groups.values()].sort((one, other) => one.length - other.length);
}

/** A reason without what makes it this write's: its key and all numbers. */
export function reasonIn(words: string, key: string): string {
	return (key === "" ? words : words.replaceAll(key, "…")).replace(/\d+/g, "#");
}

/** "set /a/1", or of several "12 × set, first /a/1". */
export function manyWords(count: number, first: string): string {
	const [operation = "", key = ""] = first.split(/ (.*)/s);
	return count === 1 ? first : `${count} × ${operation}, first ${key}`;
}
