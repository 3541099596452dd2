import type { ModelOperation } from "etcd-watch-lab/model";
import fc from "fast-check";

/** The operations of a program's write; `prevIndex` is told by what it is, since the index comes with the run. */
export interface WriteStep {
	readonly step: "write";
	readonly operation: ModelOperation;
	readonly key: string;
	readonly value: string;
	readonly ttl: number | undefined;
	readonly recursive: boolean;
	readonly prevValue: string | undefined;
	readonly prevIndex: "the key's" | "another" | undefined;
	/** On the server's root, which no write may touch, in place of the program's own directory. */
	readonly atRoot: boolean;
}

export interface WatchStep {
	readonly step: "watch";
	readonly key: string;
	readonly recursive: boolean;
	readonly stream: boolean;
	/** From which index, counted from the next one or from the oldest that the history keeps; undefined: from now on. */
	readonly from: { readonly base: "next" | "oldest"; readonly offset: number } | undefined;
	/** One long poll on all of the server. */
	readonly atRoot: boolean;
}

/** Writes to a key that no program watches, many at once: the history moves on. */
export interface BurstStep {
	readonly step: "burst";
	readonly count: number;
}

export type ProgramStep =
	| WriteStep
	| WatchStep
	| BurstStep
	| { readonly step: "read"; readonly key: string; readonly recursive: boolean }
	/** Waits until every key whose ttl is a moment has expired. */
	| { readonly step: "awaitExpiry" };

/** Keys are below a directory of the program's own; "/" is that directory. */
export type Program = readonly ProgramStep[];

/** A ttl that no run outlives; shorter ones expire while the program waits. */
export const longTtl = 500;

// Beyond the BMP and above it in UTF-16: the two sort differently by bytes and by code units.
const [beyond, above] = ["\u{1f600}", "\uff21"];
const odd = ["é", "a b", "100%", "a#b", "a?b=c&d", "a+b", "A", "a_b"];

const name = fc.oneof(
	{ weight: 12, arbitrary: fc.constantFrom("a", "b", "ab", "abc") },
	{ weight: 2, arbitrary: fc.constantFrom("_h", "_a", "_") },
	{ weight: 1, arbitrary: fc.constantFrom(beyond, above) },
	{ weight: 1, arbitrary: fc.constantFrom(...odd) },
);

const key = fc
	.oneof(
		{ withCrossShrink: true },
		{ weight: 6, arbitrary: fc.tuple(name) },
		{ weight: 4, arbitrary: fc.tuple(name, name) },
		{ weight: 2, arbitrary: fc.tuple(name, name, name) },
		{ weight: 1, arbitrary: fc.tuple(name, name, name, name) },
	)
	.map((parts) => `/${parts.join("/")}`);

const keyOrTop = fc.oneof({ weight: 15, arbitrary: key }, { weight: 1, arbitrary: fc.constant("/") });

const value = fc.constantFrom("1", "2", "", "two words & 100% = é\u{1f600}\n");

/** Mostly what changes the tree; the rest as often as it takes to see each on every kind of key. */
const operation: fc.Arbitrary<WriteStep["operation"]> = fc.oneof(
	{ weight: 10, arbitrary: fc.constant("set" as const) },
	{ weight: 3, arbitrary: fc.constantFrom("create", "mkdir", "update") },
	{ weight: 4, arbitrary: fc.constantFrom("delete", "rmdir") },
	{ weight: 4, arbitrary: fc.constantFrom("compareAndSwap", "compareAndDelete", "refresh", "refresh") },
	{ weight: 2, arbitrary: fc.constantFrom("createInOrder", "updateDirectory") },
);

/** True in so many of a hundred. */
const inHundred = (weight: number) =>
	fc.oneof({ weight: 100 - weight, arbitrary: fc.constant(false) }, { weight, arbitrary: fc.constant(true) });

function write(ttl: fc.Arbitrary<number | undefined>): fc.Arbitrary<WriteStep> {
	return fc
		.record({
			operation,
			key: keyOrTop,
			value,
			ttl,
			recursive: fc.boolean(),
			prevValue: fc.constantFrom(undefined, "1", "2"),
			prevIndex: fc.constantFrom(undefined, "the key's" as const, "another" as const),
			atRoot: inHundred(1),
		})
		.map(({ atRoot, ...fields }) => ({
			step: "write" as const,
			...fields,
			// The one that the root allows, and it would stay there.
			atRoot: atRoot && fields.operation !== "createInOrder",
		}));
}

const watchedKey = fc.oneof(
	{ weight: 2, arbitrary: key },
	{ weight: 3, arbitrary: name.map((name) => `/${name}`) },
	{ weight: 1, arbitrary: fc.constant("/") },
);

const watch: fc.Arbitrary<WatchStep> = fc
	.record({
		key: watchedKey,
		recursive: inHundred(60),
		stream: inHundred(30),
		from: fc.oneof(
			{ withCrossShrink: true },
			{ weight: 8, arbitrary: fc.constant(undefined) },
			{
				weight: 7,
				arbitrary: fc.record({
					base: fc.constant("next" as const),
					offset: fc.integer({ min: -8, max: 3 }),
				}),
			},
			{
				weight: 2,
				arbitrary: fc.record({
					base: fc.constant("oldest" as const),
					offset: fc.integer({ min: -2, max: 2 }),
				}),
			},
		),
		atRoot: inHundred(2),
	})
	.map((fields) => ({ step: "watch" as const, ...fields }));

const read = fc
	.record({ key: keyOrTop, recursive: fc.boolean() })
	.map((fields) => ({ step: "read" as const, ...fields }));

const burst = fc.integer({ min: 997, max: 1010 }).map((count) => ({ step: "burst" as const, count }));
const awaitExpiry = fc.constant({ step: "awaitExpiry" as const });

const longOrNone = fc.oneof(
	{ weight: 6, arbitrary: fc.constant(undefined) },
	{ weight: 1, arbitrary: fc.constant(longTtl) },
);
const momentOrNone = fc.oneof(
	{ weight: 3, arbitrary: fc.constant(undefined) },
	{ weight: 4, arbitrary: fc.constantFrom(1, 1, 1, 0) },
	{ weight: 1, arbitrary: fc.constant(longTtl) },
);

/** Two writes to one key, and a watch from before them on that key, below it, or on a sibling with a longer name. */
const aimed: fc.Arbitrary<Program> = fc
	.tuple(
		write(longOrNone),
		write(longOrNone),
		watch,
		fc.constantFrom("", "b", "/b"),
		fc.integer({ min: -2, max: 0 }),
	)
	.map(([first, second, watch, suffix, offset]) => [
		{ ...first, operation: second.operation === "rmdir" ? "mkdir" : "set" },
		{ ...second, key: first.key, recursive: true },
		{ ...watch, key: first.key === "/" ? "/" : first.key + suffix, from: { base: "next", offset } },
	]);

/** Steps that mostly come alone. */
function mixed(writes: fc.Arbitrary<WriteStep>): fc.Arbitrary<Program> {
	return fc.oneof(
		{ weight: 26, arbitrary: fc.tuple(writes) },
		{ weight: 11, arbitrary: fc.tuple(watch) },
		{ weight: 2, arbitrary: fc.tuple(read) },
		{ weight: 1, arbitrary: aimed },
	);
}

const usual = mixed(write(longOrNone));
const fleeting = mixed(write(momentOrNone));

/** Of a thousand programs, so many wait for expiries or overflow the history: they take long, the others are plain. */
export interface Mix {
	readonly expiring: number;
	readonly overflowing: number;
}

export const usualMix: Mix = { expiring: 40, overflowing: 10 };

/** Without a size fast-check keeps its arrays shorter than we ask for. */
const steps = (parts: fc.Arbitrary<Program>, minLength: number, maxLength: number) =>
	fc.array(parts, { minLength, maxLength, size: "max" }).map((programs) => programs.flat());

export function programs({ expiring, overflowing }: Mix = usualMix): fc.Arbitrary<Program> {
	return fc.oneof(
		{ weight: 1000 - expiring - overflowing, arbitrary: steps(usual, 1, 20) },
		{
			weight: expiring,
			arbitrary: fc
				.tuple(steps(fleeting, 1, 16), awaitExpiry, steps(usual, 0, 6))
				.map(([before, wait, after]): Program => [...before, wait, ...after]),
		},
		{
			weight: overflowing,
			arbitrary: fc
				.tuple(steps(usual, 0, 8), burst, steps(usual, 0, 8))
				.map(([before, many, after]): Program => [...before, many, ...after]),
		},
	);
}
