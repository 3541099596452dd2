import type { Command } from "etcd-watch-lab/model";
import { Random } from "./random";

/** A command; on v3, with other keys that are put at the same revision. */
export type ChaosCommand = Command & { readonly also?: readonly string[] };

/** What a writer's write can be. */
export type WriteKind =
	| "set"
	| "create"
	| "update"
	| "swap"
	| "compareAndDelete"
	| "delete"
	| "mkdir"
	| "rmdir"
	| "inOrder"
	| "ttl"
	| "refresh"
	| "hidden"
	| "foreign"
	| "sibling"
	| "transaction";

export type Mix = Readonly<Partial<Record<WriteKind, number>>>;

/** Everything that etcd can be told, mostly what changes the followed tree. */
export const everything: Mix = {
	...{ set: 40, create: 6, update: 8, swap: 6, compareAndDelete: 3, delete: 6, mkdir: 2, rmdir: 0.5 },
	...{ inOrder: 3, ttl: 1, refresh: 3, hidden: 6, foreign: 10, sibling: 4 },
};

/** Nothing that expires: an expiry takes an index when it likes, and can't tell of which store it was. */
export const lasting: Mix = { ...everything, ttl: 0 };

/** Everything that v3 can be told: no directories, nothing hidden, no ttl that is renewed by a write; transactions. */
export const everythingV3: Mix = {
	...{ set: 40, create: 6, update: 8, swap: 6, compareAndDelete: 3, delete: 6, rmdir: 0.5 },
	...{ ttl: 0.5, foreign: 10, sibling: 4, transaction: 8 },
};

/** Nothing that expires. */
export const lastingV3: Mix = { ...everythingV3, ttl: 0 };

/** The places of a run: what is followed, and what lies beside it. */
export interface Places {
	readonly root: string;
	/** A directory, followed with all below it. */
	readonly tree: string;
	/** A plain key in it, followed by itself. */
	readonly key: string;
	/** A directory that nobody follows but by the root. */
	readonly foreign: string;
	/** Directories whose names are string prefixes of the tree's and of the key's. */
	readonly prefixes: readonly string[];
}

export function placesBelow(root: string): Places {
	const tree = `${root}/tree`;
	return {
		root,
		tree,
		key: `${tree}/key1`,
		foreign: `${root}/foreign`,
		prefixes: [`${root}/tr`, `${tree}/key`],
	};
}

/** Writes without end, the same for the same seed; which of them succeed is up to the store. */
export class Program {
	readonly #random: Random;
	readonly #mix: Mix;
	readonly #places: Places;
	readonly #padding: string;
	#count = 0;
	readonly #values = new Map<string, string>();

	/** `valueBytes`: how long values are at least. */
	constructor(seed: number, mix: Mix, places: Places, valueBytes = 0) {
		this.#random = new Random(seed);
		this.#mix = mix;
		this.#places = places;
		// Two bytes a character beyond ASCII, so that there are characters to be cut in two.
		this.#padding = valueBytes === 0 ? "" : "é".repeat(Math.ceil(valueBytes / 2));
	}

	/** What a key was last seen to hold, so that comparisons succeed where they can. */
	holds(key: string, value: string | undefined): void {
		if (value === undefined) this.#values.delete(key);
		else this.#values.set(key, value);
	}

	next(): ChaosCommand {
		const random = this.#random;
		const nth = ++this.#count;
		const { tree, key, foreign, root, prefixes } = this.#places;
		const value = `v${nth}${this.#padding}`;
		const file = (): string =>
			random.pick([
				...[`${tree}/key${random.below(12)}`, `${tree}/d${random.below(6)}/k${random.below(8)}`],
				...[`${tree}/d${random.below(6)}/e/k${random.below(4)}`, key],
			]);
		switch (random.weighted(this.#mix)) {
			case "set":
				// Some have the value that is there, and nothing but its index tells such a write from the one before it.
				return {
					operation: "set",
					key: file(),
					value: random.below(4) > 0 ? value : `again${this.#padding}`,
				};
			case "create":
				return { operation: "create", key: `${tree}/d${random.below(6)}/new${random.below(60)}`, value };
			case "update":
				return { operation: "update", key: file(), value };
			case "swap":
			case "compareAndDelete": {
				const compared = file();
				const prevValue = this.#values.get(compared) ?? "nothing";
				// Half of them to a key that is often written: most of the others succeed.
				return random.below(3) > 0
					? { operation: "compareAndSwap", key: compared, value, expected: { prevValue } }
					: { operation: "compareAndDelete", key: compared, expected: { prevValue } };
			}
			case "delete":
				return {
					operation: "delete",
					key: random.below(2) ? file() : `${tree}/d${random.below(6)}/new${random.below(60)}`,
				};
			case "mkdir":
				return { operation: "mkdir", key: `${tree}/made${random.below(9)}` };
			case "rmdir":
				return {
					operation: "rmdir",
					key: random.pick([`${tree}/d${random.below(6)}`, `${tree}/made${random.below(9)}`]),
					recursive: true,
				};
			case "inOrder":
				return { operation: "createInOrder", key: `${tree}/d${random.below(6)}/queue`, value };
			case "ttl":
				return { operation: "set", key: `${tree}/ttl${random.below(20)}`, value, ttl: 1 };
			case "refresh":
				return random.below(4) === 0
					? { operation: "set", key: `${tree}/renewed${random.below(3)}`, value, ttl: 500 }
					: { operation: "refresh", key: `${tree}/renewed${random.below(3)}`, ttl: 500 };
			case "hidden":
				return {
					operation: random.below(8) ? "set" : "delete",
					key: random.pick([`${tree}/_hidden/k${random.below(5)}`, `${tree}/d${random.below(6)}/_k`]),
					value,
				};
			case "foreign":
				return { operation: "set", key: `${foreign}/k${random.below(20)}`, value };
			case "transaction": {
				const keys = new Set([file(), file(), file(), `${foreign}/k${random.below(20)}`]);
				const [first = key, ...also] = keys;
				return { operation: "set", key: first, value, also };
			}
			case "sibling": {
				const longer = { operation: "set", key: `${root}/tree-like`, value } as const;
				const prefix = random.pick(prefixes);
				const inside = { operation: "set", key: `${prefix}/k`, value } as const;
				return random.pick([longer, inside, { operation: "rmdir", key: prefix, recursive: true } as const]);
			}
		}
	}
}
