import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { FollowedEvent, KeyChange, Listing } from "etcd-watch-lab/follow";
import type { Node } from "etcd-watch-lab/v2";
import { DirectoryKeys, NameKeys } from "#lib/follow/keys.js";
import { ChangeQueue, type Queued } from "#lib/follow/queue.js";
import { Checkpoint, KnownState, Pace } from "#lib/follow/state.js";
import { FollowedTree, flattened } from "#lib/follow/tree.js";

const directories = new DirectoryKeys("/a", true);
const names = new NameKeys({ key: "", recursive: true });

function fileOf(key: string, createdIndex: number, modifiedIndex = createdIndex, value = "v"): Node {
	return { key, dir: false, value, createdIndex, modifiedIndex };
}

function dirOf(key: string, createdIndex: number, modifiedIndex = createdIndex): Node {
	return { key, dir: true, createdIndex, modifiedIndex };
}

function eventOf(
	action: FollowedEvent["action"],
	node: Node,
	more: Partial<FollowedEvent> = {},
): FollowedEvent {
	const { key, modifiedIndex: index } = node;
	return { kind: "event", index, action, key, node, fromHistory: false, ...more };
}

function listOf(index: number, nodes: readonly Node[] = [], clusterId = "1"): Listing {
	return { index, nodes, clusterId };
}

/** "+/a" for what was made, "~" written, "-" removed. */
const words = (changes: readonly KeyChange[]) =>
	changes.map(({ key, before, now }) => `${before ? (now ? "~" : "-") : "+"}${key}`);

describe("a queue of changes", () => {
	const event = (index: number): Queued => eventOf("set", fileOf("k", index));
	const bookmark = (index: number, ...nodes: readonly Node[]): Queued => ({
		...{ kind: "bookmark", index },
		...(nodes.length > 0 ? { nodes } : {}),
	});
	const told: (string | number)[] = [];
	const queueOf = (length: number) =>
		new ChangeQueue(
			length,
			() => told.push("arrived"),
			(queued) => told.push(queued),
		);
	beforeEach(() => {
		told.length = 0;
	});

	it("gives what was put in its order, with room for so many", () => {
		const queue = queueOf(3);
		assert.deepEqual([queue.size, queue.room, queue.take(), queue.wasFull()], [0, 3, undefined, false]);
		assert.equal(queue.put(event(1)), undefined);
		assert.equal(queue.put(event(2)), undefined);
		assert.deepEqual([queue.size, queue.room, queue.wasFull()], [2, 1, false]);
		assert.deepEqual(queue.take(), event(1));
		assert.deepEqual([queue.size, queue.room], [1, 2]);
		assert.deepEqual([queue.take(), queue.take()], [event(2), undefined]);
		assert.deepEqual(told, ["arrived", "arrived"]);
	});

	it("gives 3,000 in their order, whatever it has cut off meanwhile", () => {
		const queue = queueOf(5_000);
		for (let index = 0; index < 3_000; index++) void queue.put(event(index));
		for (let index = 0; index < 3_000; index++) assert.deepEqual(queue.take(), event(index));
		assert.equal(queue.size, 0);
	});

	const node = fileOf("k", 1);
	const merged: readonly (readonly [string, readonly Queued[], readonly Queued[]])[] = [
		["the last of two", [bookmark(1), bookmark(2)], [bookmark(2)]],
		["the last of two after a change", [event(1), bookmark(2), bookmark(3)], [event(1), bookmark(3)]],
		["the state of the last", [bookmark(1), bookmark(2, node)], [bookmark(2, node)]],
		["the newer state", [bookmark(1, dirOf("/a", 1)), bookmark(2, node)], [bookmark(2, node)]],
		["both beside a change", [bookmark(1), event(2), bookmark(3)], [bookmark(1), event(2), bookmark(3)]],
	];
	for (const [what, put, expected] of merged) {
		it(`keeps of bookmarks ${what}`, () => {
			const queue = queueOf(10);
			for (const item of put) void queue.put(item);
			assert.deepEqual(
				expected.map(() => queue.take()),
				expected,
			);
			assert.equal(queue.size, 0);
		});
	}

	it("keeps a state with the index of the bookmark after it", () => {
		const queue = queueOf(10);
		void queue.put(bookmark(1, node));
		void queue.put(bookmark(2));
		assert.deepEqual(queue.take(), bookmark(2, node));
	});

	it("lets all wait who fill it, until half of it is free", async () => {
		const queue = queueOf(4);
		for (let index = 1; index < 4; index++) assert.equal(queue.put(event(index)), undefined);
		let isFree = 0;
		const waiting = [queue.put(event(4)), queue.put(event(5))].map((room) => room?.then(() => isFree++));
		assert.ok(waiting[0] !== undefined && waiting[1] !== undefined);
		assert.deepEqual(
			told.filter((one) => one !== "arrived"),
			[4, 5],
		);
		assert.deepEqual([queue.wasFull(), queue.wasFull()], [true, false]);
		for (const size of [4, 3]) {
			queue.take();
			await setImmediate();
			assert.deepEqual([queue.size, isFree], [size, 0]);
		}
		queue.take();
		await setImmediate();
		assert.deepEqual([queue.size, isFree], [2, 2]);
	});

	it("lets nobody wait when it is closed, and takes nothing more", async () => {
		const queue = queueOf(1);
		const waiting = queue.put(event(1));
		queue.close();
		assert.equal(await Promise.race([waiting, setImmediate("it waits")]), undefined);
		assert.equal(queue.put(event(2)), undefined);
		assert.deepEqual([queue.size, queue.take(), told], [0, undefined, ["arrived", 1]]);
		const closing: ChangeQueue = new ChangeQueue(
			1,
			() => {},
			() => closing.close(),
		);
		assert.equal(closing.put(event(1)), undefined);
	});
});

describe("a followed tree", () => {
	const [a, b, d, c] = [dirOf("/a", 1), fileOf("/a/b", 2), dirOf("/a/d", 3), fileOf("/a/d/c", 4)];

	it("holds what it covers, in the order of the keys, each by itself", () => {
		const tree = new FollowedTree(directories, [c, { ...a, nodes: [b, d] }, fileOf("/x", 1), d, b]);
		assert.deepEqual(tree.nodes(), [a, b, d, c]);
		assert.deepEqual([tree.get("/a"), tree.get("/x")], [a, undefined]);
		assert.deepEqual([tree.children("/a"), tree.children("/a/b")], [[b, d], []]);
		assert.deepEqual(tree.nodes("/a/d"), [d, c]);
		assert.deepEqual(new FollowedTree(directories, [d, b]).children("/a"), [b, d]);
		assert.deepEqual(tree.fork().nodes(), [a, b, d, c]);
	});

	it("is flat as etcd's answer is not", () => {
		assert.deepEqual(flattened({ ...a, nodes: [{ ...d, nodes: [c] }, b] }), [a, b, d, c]);
	});

	const all = [a, b, d, c];
	const applied: readonly (readonly [string, FollowedEvent, readonly Node[], readonly string[]])[] = [
		["a write", eventOf("set", fileOf("/a/b", 9)), [a, fileOf("/a/b", 9), d, c], ["~/a/b"]],
		[
			"a write that makes its directories",
			eventOf("set", fileOf("/a/e/f/g", 9)),
			[...all, dirOf("/a/e", 9), dirOf("/a/e/f", 9), fileOf("/a/e/f/g", 9)],
			["+/a/e", "+/a/e/f", "+/a/e/f/g"],
		],
		["a new directory", eventOf("create", dirOf("/a/e", 9)), [...all, dirOf("/a/e", 9)], ["+/a/e"]],
		[
			"a directory's new ttl, which leaves its index and what is in it",
			eventOf("update", { ...dirOf("/a/d", 3, 9), ttl: 5 }),
			[a, b, { ...d, ttl: 5 }, c],
			["~/a/d"],
		],
		[
			"a file in a directory's place",
			eventOf("set", fileOf("/a/d", 9)),
			[a, b, fileOf("/a/d", 9)],
			["~/a/d"],
		],
		[
			"a directory in a file's place",
			eventOf("set", dirOf("/a/b", 9)),
			[a, dirOf("/a/b", 9), d, c],
			["~/a/b"],
		],
		["a key's removal", eventOf("delete", fileOf("/a/b", 2, 9)), [a, d, c], ["-/a/b"]],
		["a directory's expiry", eventOf("expire", dirOf("/a/d", 3, 9)), [a, b], ["-/a/d", "-/a/d/c"]],
		["a removal above", eventOf("delete", dirOf("/", 0, 9)), [], ["-/a", "-/a/b", "-/a/d", "-/a/d/c"]],
		["a removal of what is not there", eventOf("delete", fileOf("/a/x/y", 5, 9)), all, []],
		["a write elsewhere", eventOf("set", fileOf("/x", 9)), all, []],
	];
	for (const [what, event, nodes, changes] of applied) {
		it(`carries out ${what}, and tells what became of each key`, () => {
			const tree = new FollowedTree(directories, [c, d, b, a]);
			const told = tree.applied(event);
			assert.deepEqual([tree.nodes(), words(told)], [nodes, changes]);
			for (const { key, ...change } of told) {
				const [before, now] = [all, nodes].map((some) => some.find((one) => one.key === key));
				assert.deepEqual(change, { ...(before ? { before } : {}), ...(now ? { now } : {}) });
			}
			const later = new FollowedTree(directories, all);
			const gone = later.apply(event);
			assert.deepEqual(
				gone.map(({ key }) => `-${key}`),
				changes.filter((one) => one.startsWith("-")),
			);
			assert.deepEqual(later.nodes(), nodes);
			const soon = new FollowedTree(directories, all);
			soon.applySoon(event);
			assert.deepEqual(soon.children("/a"), later.children("/a"));
			assert.deepEqual(soon.nodes(), nodes);
		});
	}

	it("is empty after its directory, and begins anew with the next key", () => {
		const tree = new FollowedTree(directories, all);
		tree.apply(eventOf("delete", dirOf("/a", 1, 8)));
		tree.apply(eventOf("set", fileOf("/a/d/e", 9)));
		assert.deepEqual(tree.nodes(), [dirOf("/a", 9), dirOf("/a/d", 9), fileOf("/a/d/e", 9)]);
		assert.deepEqual(tree.children("/a/d"), [fileOf("/a/d/e", 9)]);
	});

	it("differs from a later state in what was made, written and removed, but for a directory's index", () => {
		const later = [dirOf("/a", 1, 8), fileOf("/a/b", 2, 9), fileOf("/a/e", 5), dirOf("/a/d", 3)];
		const tree = new FollowedTree(directories, all);
		const [, written, made] = later;
		assert.ok(written && made);
		assert.deepEqual(tree.difference(later), {
			...{ added: [made], changed: [{ before: b, now: written }], removed: [c] },
		});
		assert.deepEqual(tree.changesTo(later), [
			{ key: "/a/b", before: b, now: written },
			{ key: "/a/d/c", before: c },
			{ key: "/a/e", now: made },
		]);
		for (const other of [dirOf("/a/b", 2), { ...b, dir: true }, { ...b, value: "w" }, fileOf("/a/b", 1, 2)])
			assert.deepEqual(tree.difference([a, other, d, c]).changed, [{ before: b, now: other }]);
		assert.deepEqual(tree.difference([a, b, dirOf("/a/d", 4, 3), c]).changed.length, 1);
	});

	const key = fileOf("/a/b", 2, 4);
	const base = [dirOf("/a", 2, 5), key];
	const lists: readonly (readonly [string, readonly Node[], boolean])[] = [
		["with all as it is", base, false],
		["with a renewed ttl", [dirOf("/a", 2, 5), fileOf("/a/b", 2, 9)], false],
		["with a directory of an earlier index", [dirOf("/a", 2, 1), key], false],
		["with a directory that is older", [dirOf("/a", 1, 5), key], false],
		["with a directory that is newer", [dirOf("/a", 3, 5), key], true],
		["with another directory", [...base, dirOf("/a/d", 1)], false],
		["with another key", [...base, fileOf("/a/d", 1)], true],
		["with a key that is not followed", [...base, fileOf("/x", 1)], false],
		["with a directory in a key's place", [dirOf("/a", 2, 5), dirOf("/a/b", 2, 4)], true],
		["with a key made before", [dirOf("/a", 2, 5), fileOf("/a/b", 1, 4)], true],
		["with a key made later", [dirOf("/a", 2, 5), fileOf("/a/b", 3, 4)], true],
		["with another value", [dirOf("/a", 2, 5), fileOf("/a/b", 2, 4, "w")], true],
		["with an earlier write", [dirOf("/a", 2, 5), fileOf("/a/b", 2, 3)], true],
		["without a key", [dirOf("/a", 2, 5)], true],
	];
	for (const [what, list, expected] of lists) {
		it(`${expected ? "contradicts" : "can be"} a list of its index ${what}`, () => {
			const tree = new FollowedTree(directories, base);
			assert.equal(tree.contradicts(list), expected);
			assert.equal(tree.lostOne(list), what.startsWith("without"));
		});
	}

	it("of names contradicts a list with a later write of the same value", () => {
		const tree = new FollowedTree(names, [fileOf("k", 2, 4)]);
		assert.deepEqual(
			[tree.contradicts([fileOf("k", 2, 4)]), tree.contradicts([fileOf("k", 2, 5)])],
			[false, true],
		);
	});

	const since = (node: Node, prevNode?: Node) => eventOf("set", node, prevNode ? { prevNode } : {});
	const gone = (prevNode?: Node, createdIndex = 0) =>
		eventOf("delete", fileOf("k", createdIndex, 9), prevNode ? { prevNode } : {});
	const next: readonly (readonly [string, FollowedEvent, boolean, FollowedTree])[] = (
		[
			["a write of what is known", since(fileOf("/a/b", 2, 9), key), false],
			["a write after a renewed ttl", since(fileOf("/a/b", 2, 9), fileOf("/a/b", 2, 5)), false],
			["a write of what was earlier", since(fileOf("/a/b", 2, 9), fileOf("/a/b", 2, 3)), true],
			["a write of another value", since(fileOf("/a/b", 2, 9), fileOf("/a/b", 2, 4, "w")), true],
			["a write of another key's life", since(fileOf("/a/b", 3, 9), fileOf("/a/b", 3, 4)), true],
			["a key made that is there", since(fileOf("/a/b", 9)), true],
			["a write of what is not there", since(fileOf("/a/c", 2, 9), fileOf("/a/c", 2)), true],
			["a new key", since(fileOf("/a/c", 9)), false],
			["a key that is not followed", since(fileOf("/x", 9), fileOf("/x", 2)), false],
			["a directory in a key's place", since(dirOf("/a/b", 9)), false],
			["a key in a directory's place", since(fileOf("/a", 9)), false],
			["a key in the place of a directory before", since(fileOf("/a/c", 9), dirOf("/a/c", 2)), false],
		] as const
	).map(([what, event, expected]) => [what, event, expected, new FollowedTree(directories, base)] as const);
	const known = fileOf("k", 2, 4);
	const nextOfNames: typeof next = (
		[
			["a write of a known name", since(fileOf("k", 2, 9), known), false],
			["a write whose past was compacted", since(fileOf("k", 2, 9)), false],
			["a write after another", since(fileOf("k", 2, 9), fileOf("k", 2, 3)), true],
			["a write of a name's other value", since(fileOf("k", 2, 9), fileOf("k", 2, 4, "w")), true],
			["a name made that is there", since(fileOf("k", 9), known), true],
			["a name made before", since(fileOf("k", 3, 9), known), true],
			["a new name", since(fileOf("l", 9)), false],
			["a write of an unknown name", since(fileOf("l", 2, 9)), true],
			["a known name's removal", gone(known), false],
			["a known name's removal with its own index", gone(known, 9), false],
			["a removal whose past was compacted", gone(), false],
			["a removal after another write", gone(fileOf("k", 2, 3)), true],
			["a removal of an unknown name", { ...gone(), key: "l" }, true],
		] as const
	).map(([what, event, expected]) => [what, event, expected, new FollowedTree(names, [known])] as const);
	for (const [what, event, expected, tree] of [...next, ...nextOfNames]) {
		it(`${expected ? "is contradicted by" : "can go on with"} ${what}`, () => {
			assert.equal(tree.isContradictedBy(event), expected);
		});
	}

	// Of a list that was made later: whether it shows a write up to 5 that was missed, and one that nothing explains.
	const shown: readonly (readonly [string, Node, boolean, boolean])[] = [
		["what it has", key, false, false],
		["a renewed ttl", fileOf("/a/b", 2, 5), false, false],
		["another value", fileOf("/a/b", 2, 5, "w"), true, true],
		["a later value", fileOf("/a/b", 2, 6, "w"), false, false],
		["a key made anew", fileOf("/a/b", 5), true, true],
		["a key made anew, and written", fileOf("/a/b", 5, 6), false, true],
		["a key made later", fileOf("/a/b", 6), false, false],
		["a new key", fileOf("/a/c", 5), true, true],
		["a new key, written since", fileOf("/a/c", 5, 6), false, true],
		["a later key", fileOf("/a/c", 6), false, false],
		["a new directory", dirOf("/a/c", 5), false, false],
	];
	for (const [what, node, isMissed, isLacking] of shown) {
		it(`${isMissed ? "misses" : "does not miss"} ${what}, and ${isLacking ? "lacks" : "does not lack"} it`, () => {
			const tree = new FollowedTree(directories, base);
			assert.deepEqual([tree.missesUpTo(5, [node]), tree.lacksOneOf([node], 5)], [isMissed, isLacking]);
			// One of several is enough.
			assert.equal(tree.missesUpTo(5, [key, node]), isMissed);
			assert.equal(tree.lacksOneOf([key, node], 5), isLacking);
		});
	}

	it("lacks no key that is not followed, and none of names whose write is the one that it knows", () => {
		assert.equal(new FollowedTree(directories, base).lacksOneOf([fileOf("/x", 1)], 5), false);
		const tree = new FollowedTree(names, [known]);
		assert.deepEqual([tree.lacksOneOf([known], 5), tree.lacksOneOf([fileOf("k", 2, 5)], 5)], [false, true]);
	});
});

describe("what is known of a store", () => {
	const root = dirOf("/a", 1);
	const b = fileOf("/a/b", 2);
	const stateOf = (index: number, nodes?: readonly Node[], clusterId?: string) => {
		const known = new KnownState(directories);
		known.begin(index, nodes, clusterId);
		return known;
	};
	const put = (known: KnownState, event: FollowedEvent) => {
		const queue = new ChangeQueue(
			10,
			() => {},
			() => {},
		);
		void known.put(event, queue);
		return queue.take();
	};
	const set = (index: number, more: Partial<FollowedEvent> = {}) =>
		eventOf("set", fileOf("/a/b", 2, index), more);

	it("begins with a state, or without", () => {
		const known = stateOf(5, [root, b], "1");
		const { index, lastIndex, clusterId, isTreeKnown } = known;
		assert.deepEqual(
			[index, lastIndex, clusterId, isTreeKnown, known.tree.nodes()],
			[5, 5, "1", true, [root, b]],
		);
		const bare = stateOf(5);
		assert.deepEqual([bare.index, bare.clusterId, bare.isTreeKnown, bare.tree.nodes()], [5, "", false, []]);
		bare.take(listOf(7, [root]));
		assert.deepEqual([bare.index, bare.lastIndex, bare.isTreeKnown], [7, 7, true]);
		assert.deepEqual([bare.clusterId, bare.tree.nodes()], ["1", [root]]);
	});

	it("puts each event once, and moves with the last of an index", () => {
		const known = stateOf(5, [root, b]);
		assert.equal(put(known, set(5)), undefined);
		assert.deepEqual(put(known, set(6, { more: true })), set(6, { more: true }));
		assert.deepEqual([known.index, known.lastIndex], [5, 5]);
		assert.deepEqual(put(known, set(6)), set(6));
		assert.deepEqual([known.index, known.lastIndex], [6, 6]);
		assert.deepEqual(known.tree.get("/a/b"), fileOf("/a/b", 2, 6));
		assert.equal(put(known, set(6)), undefined);
	});

	const scoped = {
		recursive: eventOf("delete", dirOf("/a/b", 1, 9)),
		above: eventOf("delete", dirOf("/", 0, 9)),
	};
	const past = { ...scoped.above, fromHistory: true };
	const alone = new KnownState(new DirectoryKeys("/a", false));
	alone.begin(5, []);
	const removals: readonly (readonly [string, KnownState, FollowedEvent, Queued])[] = [
		["with what went", stateOf(5, [root, b]), scoped.above, { ...scoped.above, removed: [root, b] }],
		["of the past with what went", stateOf(5, [root, b]), past, { ...past, removed: [root, b] }],
		["with nothing that went", stateOf(5, [root]), scoped.recursive, { ...scoped.recursive, removed: [] }],
		["of a state that is not known, without", stateOf(5), scoped.above, scoped.above],
		["above, as it happens", stateOf(5, []), scoped.above, { ...scoped.above, removed: [] }],
		["above, of the past, as none", stateOf(5, []), past, { kind: "bookmark", index: 9 }],
		["above a key alone, of the past", alone, past, { ...past, removed: [] }],
		[
			"of the past, but not above",
			stateOf(5, []),
			{ ...scoped.recursive, fromHistory: true },
			{ ...scoped.recursive, fromHistory: true, removed: [] },
		],
	];
	for (const [what, known, event, expected] of removals) {
		it(`tells a removal ${what}`, () => {
			assert.deepEqual(put(known, event), expected);
			assert.deepEqual([known.index, known.tree.get("/a/b")], [9, undefined]);
		});
	}

	it("takes a list of the past, and what has come since", () => {
		// What the list shows of its own index stays; a ttl that was renewed at 3 raised no event.
		const [renewed, own] = [fileOf("/a/b", 2, 3), { ...fileOf("/a/e", 3), ttl: 4 }];
		const known = stateOf(1);
		put(known, set(2));
		put(known, eventOf("set", { ...own, ttl: 5 }));
		put(known, eventOf("set", fileOf("/a/c", 4)));
		put(known, eventOf("delete", fileOf("/a/d", 1, 5)));
		assert.equal(known.takePast(listOf(3, [root, renewed, own, fileOf("/a/d", 1)])), true);
		assert.deepEqual([known.index, known.clusterId, known.isTreeKnown], [5, "1", true]);
		assert.deepEqual(known.tree.nodes(), [root, renewed, fileOf("/a/c", 4), own]);
	});

	for (const [count, expected] of [
		[1_000, true],
		[1_001, false],
		[1_005, false],
	] as const) {
		it(`takes ${expected ? "a" : "no"} list of the past after ${count} events`, () => {
			const known = stateOf(1);
			for (let index = 2; index < 2 + count; index++) put(known, set(index));
			assert.equal(known.takePast(listOf(2, [root, fileOf("/a/b", 2)])), expected);
			assert.equal(known.isTreeKnown, expected);
		});
	}

	it("is another store than one that is behind, or of another cluster", () => {
		const known = stateOf(5, [], "1");
		assert.equal(known.isOtherThan(listOf(4)), "index went back");
		assert.equal(known.isOtherThan(listOf(5)), undefined);
		assert.equal(known.isOtherThan(listOf(9, [], "2")), "another cluster");
		assert.equal(stateOf(5).isOtherThan(listOf(9, [], "2")), undefined);
	});

	it("is contradicted by news alone, where the state is known", () => {
		const known = stateOf(5, [root, b]);
		assert.deepEqual([known.isContradictedBy(set(6)), known.isContradictedBy(set(5))], [true, false]);
		assert.equal(known.isContradictedBy(set(6, { prevNode: b })), false);
		const gone = eventOf("delete", fileOf("/a/x", 1, 6), { prevNode: fileOf("/a/x", 1) });
		assert.deepEqual([known.isContradictedBy(gone), stateOf(5).isContradictedBy(gone)], [true, false]);
	});

	it("has another past than a list with an older key that it does not know", () => {
		const list = listOf(9, [root, fileOf("/a/c", 5)]);
		const known = stateOf(5, [root]);
		assert.deepEqual([known.hasOtherPast(list), stateOf(5).hasOtherPast(list)], [true, false]);
		assert.deepEqual([stateOf(4, [root]).hasOtherPast(list), known.hasOtherPast(listOf(9))], [false, false]);
	});

	const written = [fileOf("/a/b", 2, 5), fileOf("/a/c", 5), fileOf("/a/d", 5, 6), fileOf("/a/e", 6), root];
	const state = { index: 9, nodes: written };
	it("tells a gap from where it stands to the list", () => {
		const known = stateOf(5, [root, b]);
		assert.deepEqual(known.gap(listOf(9, written), "cleared"), {
			...{ kind: "gap", from: 6, to: 9, why: "cleared", state },
			added: [fileOf("/a/c", 5), fileOf("/a/d", 5, 6), fileOf("/a/e", 6)],
			changed: [{ before: b, now: fileOf("/a/b", 2, 5) }],
			removed: [],
		});
		assert.deepEqual([known.index, known.lastIndex, known.tree.nodes().length], [9, 9, 5]);
	});

	it("tells a gap of a state that is not known by what was written since", () => {
		assert.deepEqual(stateOf(5).gap(listOf(9, written), "slow consumer"), {
			...{ kind: "gap", from: 6, to: 9, why: "slow consumer", state },
			...{ added: [fileOf("/a/e", 6)], changed: [{ now: fileOf("/a/d", 5, 6) }] },
		});
	});

	it("tells a gap from the last event on where silence has passed over a write", () => {
		for (const [nodes, late, from] of [
			[[root], fileOf("/a/c", 7), 6],
			[[root], fileOf("/a/c", 9), 9],
			[undefined, fileOf("/a/c", 7), 9],
		] as const) {
			const known = stateOf(5, nodes);
			known.index = 8;
			assert.equal(known.gap(listOf(9, [root, late]), "cleared").from, from);
		}
	});

	it("tells a reset with the whole of the other store", () => {
		const known = stateOf(5, [root, b], "2");
		assert.deepEqual(known.reset(listOf(3, [root]), "another past"), {
			...{ kind: "reset", lastIndex: 5, why: "another past", added: [], changed: [], removed: [b] },
			state: { index: 3, nodes: [root] },
		});
		assert.deepEqual([known.index, known.clusterId, known.tree.nodes()], [3, "1", [root]]);
		const { added, changed, removed } = stateOf(5).reset(listOf(3, [b]), "another past");
		assert.deepEqual([added, changed, removed], [[b], [], undefined]);
	});
});

describe("a list that is to be reached", () => {
	const [one, two] = [fileOf("k", 1), fileOf("k", 1, 2)];
	const first = eventOf("set", two, { prevNode: one });
	const second = eventOf("set", fileOf("l", 3));
	const stateOf = (nodes?: readonly Node[]) => {
		const known = new KnownState(names);
		known.begin(1, nodes);
		return known;
	};

	it("holds events while there is room, until they are released", () => {
		const check = new Checkpoint(listOf(3));
		assert.deepEqual([check.isFlowing, check.heldThrough], [false, undefined]);
		assert.deepEqual([check.hold([first], 3), check.heldThrough], [true, 2]);
		assert.deepEqual(
			[check.hold([second, second, second], 3), check.hold([second, second], 3)],
			[false, true],
		);
		assert.deepEqual([check.hold([first], 3), check.heldThrough], [false, 3]);
		const later = check.with(listOf(9));
		assert.deepEqual([later.listing, later.heldThrough, later.isFlowing], [listOf(9), 3, false]);
		assert.deepEqual([later.hold([first], 3), later.hold([first], 4)], [false, true]);
		assert.deepEqual(check.release(), [[first], [second, second]]);
		assert.deepEqual([check.isFlowing, check.hold([first], 3), check.heldThrough], [true, false, undefined]);
		assert.equal(check.with(listOf(9)).isFlowing, true);
		assert.equal(new Checkpoint(listOf(3), true).hold([first], 3), false);
	});

	it("is held against what the state becomes, which stays as it is", () => {
		const known = stateOf([one]);
		const check = new Checkpoint(listOf(3, [two, fileOf("l", 3)]));
		assert.equal(check.contradicts(known), true);
		check.hold([first], 9);
		check.hold([second], 9);
		assert.deepEqual([check.contradicts(known), check.isBorneOutBy(known)], [false, true]);
		assert.deepEqual(known.tree.nodes(), [one]);
		assert.equal(check.isBorneOutBy(stateOf()), false);
		assert.equal(check.isBorneOutBy(stateOf([one, fileOf("m", 1)])), false);
		// The events end where the list is, and do not begin where the state is.
		assert.equal(check.contradicts(stateOf([fileOf("k", 1, 1, "w")])), true);
	});

	it("is tried once more, from the last event on, where silence has passed over something", () => {
		const known = stateOf([one]);
		const check = new Checkpoint(listOf(3), true);
		assert.equal(check.again(known), undefined);
		known.index = 3;
		const again = check.again(known);
		assert.deepEqual([known.index, again?.listing, again?.isFlowing], [1, listOf(3), true]);
		known.index = 3;
		assert.deepEqual([again?.again(known), again?.with(listOf(4)).again(known)], [undefined, undefined]);
		assert.equal(known.index, 3);
		assert.equal(check.with(listOf(4)).again(known)?.listing.index, 4);
	});
});

describe("a pace", () => {
	const { now } = performance;
	let ms = 0;
	beforeEach(() => {
		performance.now = () => ms;
	});
	afterEach(() => {
		performance.now = now;
	});

	it("spends a tenth of the time at most", async () => {
		const pace = new Pace();
		assert.deepEqual([pace.isDue, pace.isBusy], [true, false]);
		await pace.spend(async () => {
			assert.deepEqual([pace.isDue, pace.isBusy], [false, true]);
			ms += 7;
		});
		assert.equal(pace.isBusy, false);
		const due = [0, 69, 70].map((later) => {
			ms = 7 + later;
			return pace.isDue;
		});
		assert.deepEqual(due, [false, false, true]);
	});
});
