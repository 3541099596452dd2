/** What TypeScript found in a cell, as tslab hands it on. */
interface Finding {
	readonly start: { readonly offset: number };
	readonly messageText: string;
	readonly code: number;
}

/** What a beginner has to do, where TypeScript says only what does not fit. The first that matches is said. */
const HINTS: readonly (readonly [found: RegExp, hint: string])[] = [
	[
		/'Promise<(.+?)>' is not assignable to (?:parameter of )?type '(?!.*Promise)/,
		"this is still a promise of a $1: write await before it",
	],
	[
		/^Property '(.+?)' does not exist on type 'Promise<(.+?)>'/,
		"this is still a promise of a $2, which has no $1: write await before it",
	],
	[
		/'Scenario' is not assignable to (?:parameter of )?type 'Timeline'/,
		"a scenario has to be run first: await s.run(etcd) gives the timeline, s being the scenario",
	],
	[
		/('after' does not exist in type 'WatchingOptions')/,
		"$1: here it is afterIndex, etcd's waitIndex less one",
	],
	[
		/is not assignable to type '"(write \{ afterIndex: waitIndex - 1 \})"/,
		"$1: here it is afterIndex, etcd's waitIndex less one",
	],
	// The other options that a step has only in the type of the words to say instead.
	[/is not assignable to type '"(a directory goes by [^"]*)"/, "$1"],
	[/('version' does not exist in type 'RunOptions')/, '$1: for the v3 API it is { api: "v3" }'],
	[/Object literal may only specify known properties, (?:and|but) (.*)$/s, "$1"],
	[
		/^Property '(?:remove|del|unset)' does not exist on type 'Scenario'.*$/s,
		'a scenario removes a key by .delete("/a"), and a directory by .rmdir("/a")',
	],
];

const NAME_NOT_FOUND = 2304;

/**
 * The same findings with what to do about them, one for a place where TypeScript goes into detail: the one that has a
 * hint, or names the property. Names that no cell has made yet are said together.
 */
export function withHints<T extends Finding>(findings: readonly T[]): T[] {
	const unknown = findings.filter(({ code }) => code === NAME_NOT_FOUND);
	const hinted = findings.flatMap((finding) => {
		if (finding.code !== NAME_NOT_FOUND) return [{ finding, hint: hintFor(finding.messageText) }];
		return finding === unknown[0] ? [{ finding, hint: missing(unknown) }] : [];
	});
	return hinted.flatMap(({ finding, hint }, nth) => {
		// What follows is of the same word, which is no name then.
		if (nth > 0 && hinted[0]?.hint?.startsWith("`using`")) return [];
		const best = hinted.findIndex(
			(other) => other.hint && other.finding.start.offset === finding.start.offset,
		);
		if (best >= 0 && best !== nth) return [];
		return [{ ...finding, messageText: hint ?? finding.messageText }];
	});
}

function missing(unknown: readonly Finding[]): string {
	const names = new Set(unknown.map(({ messageText }) => /'(.+?)'/.exec(messageText)?.[1]));
	if (names.has("using"))
		return "`using` is too new for a cell, whose TypeScript is 5.0: write try and finally";
	return `no cell that ran has made ${[...names].join(", ")}: run the cells above first, or see how it is spelled`;
}

function hintFor(message: string): string | undefined {
	for (const [pattern, hint] of HINTS) {
		const found = pattern.exec(message);
		if (found) return hint.replace(/\$(\d)/g, (_, number) => found[Number(number)] ?? "");
	}
	return undefined;
}
