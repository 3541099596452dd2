/** Something that two good runs may say differently, and what takes the place of it when they are compared. */
interface Rule {
	readonly what: string;
	/** Why it differs, though nothing is wrong. */
	readonly why: string;
	readonly from: RegExp;
	readonly to: string;
}

/**
 * All that is normalised before a fresh run is compared with what is committed, by `npm run notebooks -- --check`
 * and by the tests alike; the numbers of volatile cells apart, see volatile-cells.ts. A rule takes out as little as it
 * can: the words around it are compared.
 */
export const rules: readonly Rule[] = [
	{
		what: "etcd's patch version",
		why: "the venv has another etcd 3.5 on some systems, and the tests run on Debian's 3.4, too",
		from: /\b3\.[45]\.\d+\b/g,
		to: "3.x.y",
	},
	{
		what: "the port of a server on loopback",
		why: "every server of the lab takes a free one",
		from: /http:\/\/127\.0\.0\.1:\d+/g,
		to: "http://127.0.0.1:port",
	},
	{
		what: "the prefix below which a lab keeps its keys",
		why: "it is random, so that two labs on one server don't meet",
		from: /\/etcd-watch-lab-[0-9a-f]+/g,
		to: "/etcd-watch-lab-root",
	},
	{
		what: "the seed of a random run",
		why: "a run that is given none draws one, and prints it so that it can be repeated",
		from: /(--seed[ =]|\bseed:? )\d+/g,
		to: "$1n",
	},
	{
		what: "the first key of a burst of noise",
		why: "which of a burst's connections is served first is the server's choice",
		from: /, first \/noise\/\d+/g,
		to: ", first /noise/n",
	},
];

/** A text without what may differ between two machines or two runs. */
export function normalised(text: string): string {
	return rules.reduce((rest, { from, to }) => rest.replace(from, to), text);
}
