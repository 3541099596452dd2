import assert from "node:assert/strict";
import { once } from "node:events";
import { mock } from "node:test";
import timers from "node:timers/promises";
import {
	type Follower,
	type FollowOptions,
	follow as followerOf,
	type Position,
	type Source,
} from "etcd-watch-lab/follow";
import { V2Client } from "etcd-watch-lab/v2";
import { V3Client } from "etcd-watch-lab/v3";
import { DirectoryKeys, isSameScope, NameKeys } from "#lib/follow/keys.js";
import { settingsOf } from "#lib/follow/options.js";
import { ArgumentError } from "#lib/http";

const v2 = new V2Client({ endpoints: ["http://127.0.0.1:1"] });
const v3 = new V3Client({ endpoints: ["http://127.0.0.1:1"] });
after(() => Promise.all([v2.close(), v3.close()]));

const begun: Follower[] = [];
afterEach(async () => {
	// One that should have been refused would try for ever.
	await Promise.all(begun.splice(0).map((follower) => follower.close()));
});

const follow = ((...given: Parameters<typeof followerOf>) => {
	const follower = followerOf(...given);
	begun.push(follower);
	return follower;
}) as typeof followerOf;

type Scope = ConstructorParameters<typeof NameKeys>[0];

function positionOf(scope: Partial<Position>): Position {
	return {
		...{ format: "etcd-watch-lab/position", version: 1, key: "", recursive: false, index: 7, clusterId: "" },
		...scope,
	};
}

const position = positionOf({ key: "/a" });

/** A source that says nothing. */
function sourceOf(key: string, recursive: boolean, keySpace?: Source["keySpace"]): Source {
	return {
		...{ key, recursive, ...(keySpace ? { keySpace } : {}) },
		list: async () => ({ index: 1, clusterId: "1", nodes: [] }),
		tail: async ({ signal }) => void (await once(signal, "abort")),
	};
}

describe("the keys of a follower", () => {
	const covered: readonly (readonly [Scope, readonly string[], readonly string[]])[] = [
		[{ key: "foo", recursive: false }, ["foo"], ["foo/a", "fo", "foo1"]],
		[{ key: "foo", recursive: true }, ["foo", "foo/", "foo/a", "foo//b", "foo/_h"], ["foo1", "fo", "foo-"]],
		[{ key: "/a", recursive: true }, ["/a", "/a/b"], ["/ab"]],
		[{ key: "/a/", recursive: true }, ["/a/", "/a/b", "/a//"], ["/a", "/ab"]],
		[{ key: "a//b", recursive: true }, ["a//b", "a//b/c"], ["a/b", "a//bc"]],
		[{ key: "/", recursive: true }, ["/", "/a", "//"], ["a", "0"]],
		[{ key: "", recursive: true }, ["a", "/", "\udcff", "\0"], []],
		[{ key: "", recursive: false, prefix: true }, ["a", "/", "\udcff"], []],
		[{ key: "fo", recursive: false, prefix: true }, ["fo", "foo", "fo/"], ["f", "fp"]],
		[{ key: "b", recursive: false, rangeEnd: "d" }, ["b", "b/x", "c", "czz"], ["a", "d", "d/x"]],
		[{ key: "b", recursive: false, rangeEnd: "\0" }, ["b", "c", "\udcff"], ["a"]],
		[{ key: "", recursive: false, rangeEnd: "b" }, ["a", "\0"], ["b", "c"]],
		// In the order of the bytes: U+FF5E is EF BD 9E, U+1F600 is F0 9F 98 80.
		[{ key: "\uff5e", recursive: false, rangeEnd: "\udcff" }, ["\u{1f600}", "\udcfe"], ["~", "\udcff"]],
		// The first byte of "é" is C3.
		[{ key: "a\udcc3", recursive: false, prefix: true }, ["aé", "a\udcc3", "a\udcc3("], ["ae"]],
		[{ key: "\udcc3", recursive: false, prefix: true }, ["é", "\udcc3"], ["e"]],
		[{ key: "é", recursive: false, prefix: true }, ["é", "éa"], ["\udcc3"]],
		[{ key: "é", recursive: false, rangeEnd: "\udcff" }, ["é", "\udcfe"], ["e"]],
	];
	for (const [scope, inside, outside] of covered) {
		it(`of v3 are those of ${JSON.stringify(scope)}`, () => {
			const keys = new NameKeys(scope);
			assert.deepEqual(
				[...inside, ...outside].filter((key) => keys.covers(key)),
				inside,
			);
			for (const key of inside) assert.equal(keys.checked(key, "the mirror"), key);
			for (const key of outside)
				assert.throws(() => keys.checked(key, "the mirror"), /^ArgumentError: the mirror keeps /);
		});
	}

	it("of v3 are the same by another spelling of their bytes, as pieces of text make it", () => {
		const [as, bytes] = ["é", "\udcc3\udca9"];
		const keys = new NameKeys({ key: bytes, recursive: false, rangeEnd: `${bytes}a` });
		assert.deepEqual(keys.scope, { key: as, recursive: false, rangeEnd: `${as}a` });
		assert.deepEqual([keys.covers(as), keys.checked(bytes, "the mirror")], [true, as]);
	});

	it("of v3 are above none, and go alone, though names may lie below a name", () => {
		const keys = new NameKeys({ key: "a/b", recursive: true });
		assert.deepEqual(
			[keys.isFlat, keys.parentOf(), keys.isAbove(), keys.goesWith("a")],
			[true, undefined, false, "a"],
		);
		const within = ["a/b", "a/b/c", "a/bc", "a"].map((key) => keys.isWithin(key, "a/b"));
		assert.deepEqual(within, [true, true, false, false]);
		assert.throws(() => keys.checked(Number("7") as never, "the mirror"), /a key is a string, not number$/);
	});

	it("of v2 are a directory's, which come and go with what is in them", () => {
		const keys = new DirectoryKeys("/a/b/", true);
		const all = ["/a/b", "/a/b/c", "/a/b/c/d", "/a/bc", "/a", "/"];
		assert.deepEqual(keys.scope, { key: "/a/b", recursive: true });
		assert.equal(keys.isFlat, false);
		assert.deepEqual(
			all.map((key) => [
				keys.covers(key),
				keys.isAbove(key),
				keys.goesWith(key),
				keys.isWithin(key, "/a/b/c"),
			]),
			[
				[true, false, "/a/b", false],
				[true, false, "/a/b/c", true],
				[true, false, "/a/b/c/d", true],
				[false, false, "/a/bc", false],
				[false, true, "/a/b", false],
				[false, true, "/a/b", false],
			],
		);
		assert.deepEqual([keys.parentOf("/a/b/c"), keys.parentOf("/a/b")], ["/a/b", undefined]);
		const alone = new DirectoryKeys("/a/b", false);
		assert.deepEqual([alone.covers("/a/b"), alone.covers("/a/b/c")], [true, false]);
		assert.deepEqual(new DirectoryKeys("/", true).scope.key, "/");
	});

	it("of v2 are checked, and named as events name them", () => {
		const keys = new DirectoryKeys("/a", true);
		assert.equal(keys.checked("/a/b/", "the mirror"), "/a/b");
		const refused: readonly (readonly [string, RegExp])[] = [
			["/b", /^the mirror keeps \/a and all below it, and "\/b" is not one of them: follow that key$/],
			[
				"/a/_b/c",
				/^\/a\/_b\/c is hidden from \/a: .* begins with "_", and a watch above it is not told of it; follow/,
			],
			["a", /begin with/],
		];
		for (const [key, message] of refused)
			assert.throws(() => keys.checked(key, "the mirror"), { name: "ArgumentError", message });
	});

	it("are the same where the same scope says so", () => {
		const scopes: readonly Scope[] = [
			{ key: "a", recursive: false },
			{ key: "a", recursive: true },
			{ key: "b", recursive: false },
			{ key: "a", recursive: false, prefix: true },
			{ key: "a", recursive: false, rangeEnd: "b" },
			{ key: "a", recursive: false, rangeEnd: "c" },
		];
		for (const one of scopes)
			assert.deepEqual(
				scopes.filter((two) => isSameScope(one, two)),
				[one],
			);
		assert.ok(isSameScope({ key: "a", recursive: false }, { key: "a", recursive: false, prefix: false }));
	});
});

describe("follow refuses", () => {
	const refused: readonly (readonly [string, RegExp, () => unknown])[] = [
		["an empty key alone", /^the key is empty, .* prefix: true it is the whole store/, () => follow(v3, "")],
		["a key that is no string", /a key is a string, not number/, () => follow(v3, 7 as unknown as string)],
		["a key that is null", /a key is a string, not null/, () => follow(v3, null as unknown as string)],
		["a stray surrogate", /the key .*unpaired surrogate/, () => follow(v3, "a\ud800")],
		[
			"a surrogate that is no byte",
			/the rangeEnd .*unpaired surrogate/,
			() => follow(v3, "a", { rangeEnd: "b\udc7f" }),
		],
		["two ways at once", /^give one of/, () => follow(v3, "a", { recursive: true, prefix: true })],
		["two ways at once, with a range", /one of/, () => follow(v3, "a", { prefix: true, rangeEnd: "b" })],
		[
			"a range that ends before it begins",
			/^there is nothing from "b" up to "a": .* bytes, or "\\0" for all that come after$/,
			() => follow(v3, "b", { rangeEnd: "a" }),
		],
		["a range that ends where it begins", /nothing from/, () => follow(v3, "b", { rangeEnd: "b" })],
		["a range up to nothing", /nothing from/, () => follow(v3, "b", { rangeEnd: "" })],
		["a range up to nothing from nothing", /nothing from/, () => follow(v3, "", { rangeEnd: "" })],
		[
			"a prefix by v2",
			/^prefix is for v3.* recursive takes what is below/,
			() => follow(v2, "/b", { prefix: true }),
		],
		["a range by v2", /rangeEnd is for v3/, () => follow(v2, "/b", { rangeEnd: "/c" })],
		["a key without a slash by v2", /begin with "\/"/, () => follow(v2, "foo")],
		["an index below 0", /afterIndex is a whole number/, () => follow(v2, "/a", { afterIndex: -1 })],
		[
			"both an index and a position",
			/^give afterIndex or position, not both: a position/,
			() => follow(v2, "/a", { afterIndex: 1, position }),
		],
		[
			"a position that is none",
			/no follower's position: its index is no whole number from 0$/,
			() => follow(v2, "/a", { position: { ...position, index: -1 } }),
		],
		[
			"a queue of nothing",
			/queueLength is a whole number from 1/,
			() => follow(v2, "/a", { queueLength: 0 }),
		],
		[
			"a source of all keys for the empty one",
			/is one of all keys, not of $/,
			() => follow(sourceOf("", true, new NameKeys({ key: "", recursive: true })), ""),
		],
		["a source of another key", /is one of \/a, not of \/b$/, () => follow(sourceOf("/a", false), "/b")],
		[
			"a source of a key alone for a tree",
			/is one of \/a, not of \/a and all below it$/,
			() => follow(sourceOf("/a", false), "/a", { recursive: true }),
		],
	];
	for (const [what, message, call] of refused) {
		it(`${what}, before anything is sent`, () => {
			assert.throws(call, (error) => error instanceof ArgumentError && message.test(error.message));
		});
	}

	for (const option of ["probeMs", "timeoutMs", "patienceMs", "rollMs", "backoffMs"] as const) {
		it(`a ${option} that never comes`, () => {
			const isPair = option === "rollMs" || option === "backoffMs";
			for (const wrong of isPair
				? [
						[0, 1],
						[1, 0],
					]
				: [0]) {
				const call = () => follow(v2, "/a", { [option]: wrong } as FollowOptions);
				assert.throws(call, { name: "ArgumentError", message: new RegExp(`^${option} is a positive`) });
			}
		});
	}

	const scopes: readonly (readonly [Omit<Scope, "recursive"> & { readonly recursive?: boolean }, string])[] =
		[
			[{ key: "a" }, "a"],
			[{ key: "a", recursive: true }, "a and all below it"],
			[{ key: "", recursive: true }, "all keys"],
			[{ key: "", prefix: true }, "all keys"],
			[{ key: "a", prefix: true }, "all keys that begin with a"],
			[{ key: "a", rangeEnd: "b" }, 'the keys from a up to "b"'],
		];
	for (const [{ key, ...scope }, words] of scopes) {
		it(`another one's position to who follows ${words}`, () => {
			const other = positionOf({ key: "other" });
			const message = `the position is one of a follower of other, not of ${words}`;
			assert.throws(() => follow(v3, key, { ...scope, position: other }), { name: "ArgumentError", message });
			const { keySpace } = settingsOf(v3, key, { ...scope, position: positionOf({ key, ...scope }) });
			assert.deepEqual(keySpace.scope, { recursive: false, key, ...scope });
		});
	}

	it("a position of which any field is missing or another kind of thing, and names the field", () => {
		const node = { key: "/a", value: "secret", dir: false, createdIndex: 7, modifiedIndex: 7 };
		const refused = (message: RegExp, read: unknown) => {
			const call = () => Reflect.apply(follow, undefined, [v2, "/a", { position: read }]);
			assert.throws(call, { name: "ArgumentError", message });
		};
		for (const field of Object.keys(position)) {
			for (const wrong of [undefined, null, ["secret"]]) {
				refused(new RegExp(`its ${field} is`), { ...position, [field]: wrong });
			}
		}
		for (const field of ["prefix", "rangeEnd"])
			for (const wrong of [null, 7]) refused(new RegExp(`its ${field} is`), { ...position, [field]: wrong });
		for (const nodes of [null, {}, "secret"]) refused(/its nodes are no array$/, { ...position, nodes });
		for (const field of ["key", "dir", "createdIndex", "modifiedIndex"]) {
			const nodes = [node, { ...node, [field]: undefined }];
			refused(/its nodes\[1\] is no node [^"]*$/, { ...position, nodes });
		}
		for (const none of [null, undefined, 7])
			refused(/its nodes\[0\] is no node/, { ...position, nodes: [none] });
		for (const read of [null, 7, "secret"]) refused(/no follower's position: it is no object$/, read);
		refused(/no follower's position/, []);
	});
});

describe("follow takes", () => {
	it("a source with the keys that it says, or as v2's are", () => {
		const keySpace = new NameKeys({ key: "b/", recursive: true });
		const flat = sourceOf("b/", true, keySpace);
		assert.deepEqual(settingsOf(flat, "b/", { recursive: true }), {
			source: flat,
			keySpace,
			queueLength: 1_000,
		});
		const directory = settingsOf(sourceOf("/a", false), "/a/", { queueLength: 1 });
		assert.deepEqual([directory.keySpace.scope, directory.queueLength], [{ key: "/a", recursive: false }, 1]);
	});

	describe("no times: it then", () => {
		let source: Source;
		let ended: AbortController;
		beforeEach(() => {
			source = settingsOf(v2, "/a", {}).source;
			ended = new AbortController();
		});
		afterEach(() => mock.restoreAll());

		for (const [chance, rollMs] of [
			[0, 20_000],
			[1, 40_000],
		] as const)
			it(`makes a quiet poll anew after ${rollMs} ms, when chance is ${chance}`, async () => {
				mock.method(performance, "now", () => 0);
				mock.method(Math, "random", () => chance);
				const timer = mock.method(globalThis, "setTimeout");
				const { signal } = ended;
				const tail = source.tail({ afterIndex: 0, signal, proveThrough: () => 0, take: async () => {} });
				ended.abort();
				await tail;
				assert.ok(timer.mock.calls.some(({ arguments: [, ms] }) => ms === rollMs));
			});

		it("waits at most 50 ms after a failure, then longer, up to 5 s", async () => {
			const waits: number[] = [];
			mock.method(Math, "random", () => 1);
			mock.method(timers, "setTimeout", async (ms: number) => {
				if (waits.push(ms) === 9) ended.abort();
			});
			Object.assign(source, { listAt: () => Promise.reject(new Error("down")) });
			await assert.rejects(source.list(ended.signal), { name: "AbortedError" });
			assert.deepEqual(waits, [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
		});
	});

	it("a position from index 0, and one with its nodes", () => {
		const nodes = [{ key: "/a", dir: false, createdIndex: 0, modifiedIndex: 0 }];
		for (const one of [
			{ ...position, index: 0 },
			{ ...position, nodes },
		])
			assert.equal(settingsOf(v2, "/a", { position: one }).keySpace.scope.key, "/a");
	});

	it("the position of names and values that are no text, through JSON", async () => {
		const bytes = { key: "a\udcff/\udc80", value: "\udcc3(", dir: false, createdIndex: 1, modifiedIndex: 1 };
		const keySpace = new NameKeys({ key: "a\udcff", recursive: true });
		const source: Source = {
			...sourceOf("a\udcff", true, keySpace),
			list: async () => ({ index: 1, clusterId: "1", nodes: [bytes] }),
		};
		const follower = follow(source, "a\udcff", { recursive: true });
		await follower.ready();
		const { position } = follower;
		await follower.close();
		const read: Position = JSON.parse(JSON.stringify(position));
		assert.deepEqual([read, read.nodes], [position, [bytes]]);
		const again = follow(source, "a\udcff", { recursive: true, position: read });
		assert.deepEqual((await again.ready()).nodes, [bytes]);
		await again.close();
	});
});
