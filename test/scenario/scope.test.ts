import assert from "node:assert/strict";
import {
	accepted,
	depthBelow,
	existed,
	isHidden,
	isVisible,
	listened,
	listenings,
} from "#lib/timeline/scope.js";
import {
	answered,
	asked,
	cleared,
	closed,
	cut,
	expire,
	listed,
	mkdir,
	paused,
	poll,
	refresh,
	refused,
	remove,
	replayed,
	resumed,
	rmdir,
	set,
	stream,
	timelineOf,
	unanswered,
	update,
	type WatcherSketch,
	type WriteSketch,
	watch,
} from "./builders";

/** The record of one watcher in front of these writes. */
function recordOf(sketch: WatcherSketch, writes: readonly WriteSketch[] = []) {
	const [record] = timelineOf({ writes, watchers: [sketch] }).watchers;
	assert.ok(record);
	return record;
}

describe("accepted", () => {
	it("gives the accepted writes alone, in the order of their indexes", () => {
		const timeline = timelineOf({
			writes: [
				set("/b", "v", { index: 7 }),
				refused("set", "/b/c", "/b"),
				set("/a", "v", { index: 3 }),
				unanswered("set", "/d"),
			],
		});
		assert.deepEqual(
			accepted(timeline).map(({ key, index, write }) => ({ key, index, id: write.id })),
			[
				{ key: "/a", index: 3, id: 3 },
				{ key: "/b", index: 7, id: 1 },
			],
		);
	});

	it("names the key that was made, not the directory that it was asked for", () => {
		const timeline = timelineOf({
			writes: [
				{ operation: "createInOrder", action: "create", key: "/q", node: { key: "/q/00000000000000000001" } },
			],
		});
		assert.deepEqual(
			accepted(timeline).map(({ key }) => key),
			["/q/00000000000000000001"],
		);
	});
});

describe("depthBelow", () => {
	const table: [key: string, ancestor: string, depth: number | undefined][] = [
		["/a", "/a", 0],
		["/a/b", "/a", 1],
		["/a/b/c", "/a", 2],
		["/a/b/c/d/e", "/a/b", 3],
		["/ab", "/a", undefined],
		["/ab/c", "/a", undefined],
		["/a", "/ab", undefined],
		["/a", "/a/b", undefined],
		["/b", "/a", undefined],
		["/", "/", 0],
		["/a", "/", 1],
		["/a/b", "/", 2],
		["/", "/a", undefined],
		["/a/a/a", "/a/a", 1],
		["/a/_h/x", "/a", 2],
		["/A/b", "/a", undefined],
	];
	for (const [key, ancestor, depth] of table) {
		it(`says ${depth ?? "nothing"} of ${key} below ${ancestor}`, () => {
			assert.equal(depthBelow(key, ancestor), depth);
		});
	}
});

describe("isHidden", () => {
	const table: [key: string, watched: string, hidden: boolean][] = [
		["/a/_b", "/a", true],
		["/a/_b/c", "/a", true],
		["/a/b/_c", "/a", true],
		["/a/b/c", "/a", false],
		["/a/b_", "/a", false],
		["/a/b_c/d_", "/a", false],
		["/_a", "/_a", false],
		["/_a/b", "/_a", false],
		["/_a/_b", "/_a", true],
		["/a/_b", "/a/_b", false],
		["/a/_b/c", "/a/_b", false],
		["/_a", "/", true],
		["/b/_a", "/", true],
		["/a", "/", false],
		["/ab/_c", "/a", false],
		["/a_b/c", "/a", false],
		["/a", "/a/_b", false],
	];
	for (const [key, watched, hidden] of table) {
		it(`says that ${key} is ${hidden ? "" : "not "}hidden from a watch on ${watched}`, () => {
			assert.equal(isHidden(key, watched), hidden);
		});
	}
});

describe("existed", () => {
	const table: [what: string, writes: WriteSketch[], key: string, before: number, there: boolean][] = [
		["a key that was set before", [set("/a")], "/a", 2, true],
		["a key at the index of its own making", [set("/a")], "/a", 1, false],
		["a directory made in passing", [set("/a/b/c")], "/a/b", 2, true],
		["the root once anything was written", [set("/a")], "/", 2, true],
		["the root before that", [set("/a")], "/", 1, false],
		["a key that nobody wrote", [set("/a")], "/b", 2, false],
		["a key below a file", [set("/a")], "/a/b", 2, false],
		["a deleted key", [set("/a"), remove("/a")], "/a", 3, false],
		["a deleted key at the index of its delete", [set("/a"), remove("/a")], "/a", 2, true],
		["a key in a deleted directory", [set("/a/b"), rmdir("/a")], "/a/b", 3, false],
		["a key in an expired directory", [mkdir("/a"), set("/a/b"), expire("/a")], "/a/b", 4, false],
		["a directory whose last child was deleted", [set("/a/b"), remove("/a/b")], "/a", 3, true],
		["a key made anew", [set("/a"), remove("/a"), set("/a")], "/a", 4, true],
		["a sibling of a deleted one whose name begins alike", [set("/ab"), remove("/a")], "/ab", 3, true],
		["a key whose write was refused", [refused("set", "/a", "/")], "/a", 9, false],
		["a key whose write got no answer", [unanswered("set", "/a")], "/a", 9, false],
	];
	for (const [what, writes, key, before, there] of table) {
		it(`says ${there ? "yes" : "no"} for ${what}`, () => {
			assert.equal(existed(timelineOf({ writes }), key, before), there);
		});
	}
});

describe("isVisible", () => {
	const plain = false;
	const recursive = true;
	/** The last write of each row is the one asked about. */
	const table: [what: string, writes: WriteSketch[], key: string, recursive: boolean, visible: boolean][] = [
		["a write to the key itself", [set("/a")], "/a", plain, true],
		["a child with recursive", [set("/a/b")], "/a", recursive, true],
		["a child without", [set("/a/b")], "/a", plain, false],
		["a grandchild with recursive", [set("/a/b/c")], "/a", recursive, true],
		["everything at the root with recursive", [set("/a/b/c")], "/", recursive, true],
		["a child of the root without", [set("/a")], "/", plain, false],
		["a hidden child", [set("/a/_b")], "/a", recursive, false],
		["a child of a hidden directory", [set("/a/_b/c")], "/a", recursive, false],
		["a hidden key that is watched itself", [set("/a/_b")], "/a/_b", plain, true],
		["a child of a hidden directory that is watched itself", [set("/a/_b/c")], "/a/_b", recursive, true],
		["a sibling whose name begins alike", [set("/ab")], "/a", recursive, false],
		["a ttl's renewal", [set("/a"), refresh("/a")], "/a", plain, false],
		["an update", [set("/a"), update("/a")], "/a", plain, true],
		["a directory's delete above", [set("/a/b"), rmdir("/a")], "/a/b", plain, true],
		["a directory's expiry above", [set("/a/b"), expire("/a")], "/a/b", plain, true],
		["a directory's delete above a key that was not there", [set("/a/x"), rmdir("/a")], "/a/b", plain, false],
		[
			"a directory's delete above a key that was gone",
			[set("/a/b"), remove("/a/b"), rmdir("/a")],
			"/a/b",
			plain,
			false,
		],
		["a directory's ttl update above", [set("/a/b"), update("/a", "", { dir: true })], "/a/b", plain, false],
		["a directory's delete above a hidden key", [set("/a/_b"), rmdir("/a")], "/a/_b", plain, true],
		[
			"the delete of a name that the key begins with",
			[set("/a"), set("/ab"), remove("/a")],
			"/ab",
			plain,
			false,
		],
		["the watched directory's own delete", [set("/a/b"), rmdir("/a")], "/a", plain, true],
	];
	for (const [what, writes, key, recursive, visible] of table) {
		it(`says ${visible ? "yes" : "no"} for ${what}`, () => {
			const timeline = timelineOf({ writes });
			const last = accepted(timeline).at(-1);
			assert.ok(last);
			assert.equal(isVisible(timeline, recordOf(watch("w", key, { recursive })), last), visible);
		});
	}
});

describe("listenings", () => {
	const four = [set("/a/1"), set("/a/2"), set("/a/3"), set("/a/4")];
	const endless = Number.POSITIVE_INFINITY;
	const table: [what: string, sketch: WatcherSketch, spans: [from: number, to: number][]][] = [
		["from now on to the end", watch("w", "/a", { life: [asked(2)] }), [[3, endless]]],
		["from its index on", watch("w", "/a", { life: [asked(4, 2)] }), [[2, endless]]],
		["never, when it was refused at once", watch("w", "/a", { life: [cleared(4, 1, 2)] }), []],
		["up to a poll's answer", poll("w", "/a", { life: [asked(0), answered(1)], sent: [1] }), [[1, 1]]],
		[
			"up to the one event that a poll got from the history",
			poll("w", "/a", { life: [asked(4, 1), answered(4)], sent: [replayed(1, 4)] }),
			[[1, 1]],
		],
		[
			"in one span for each poll, with nobody between",
			poll("w", "/a", { life: [asked(0), answered(1), asked(2), answered(3)], sent: [1, 3] }),
			[
				[1, 1],
				[3, 3],
			],
		],
		[
			"in a span that knows nothing, for a poll whose answer was thrown away as it was closed",
			poll("w", "/a", { life: [asked(0), answered(1), asked(1), answered(2)], sent: [2] }),
			[
				[1, 0],
				[2, 2],
			],
		],
		[
			"in a span that knows nothing, for a poll that a proxy answered with nothing",
			poll("w", "/a", { life: [asked(0)], proof: "answered" }),
			[[1, 0]],
		],
		[
			"up to the last that came before it was closed",
			watch("w", "/a", { life: [asked(0), closed(3)], sent: [1, 2], proof: "closed" }),
			[[1, 2]],
		],
		[
			"up to the last that came before a cut, and again from its index",
			watch("w", "/a", {
				life: [asked(0), cut(3), asked(4, 3)],
				sent: [1, 2, replayed(3, 4), replayed(4, 4)],
			}),
			[
				[1, 3],
				[3, endless],
			],
		],
		[
			"in a span that knows nothing, when it was cut before anything came",
			stream("w", "/a", { life: [asked(0), cut(2), asked(2)], sent: [3] }),
			[
				[1, 0],
				[3, endless],
			],
		],
		[
			"up to the last that came before an error, and from the list on",
			watch("w", "/a", {
				life: [asked(0), cleared(3, 2, 3), listed(3, []), asked(3, 4)],
				sent: [1, 4],
			}),
			[
				[1, 1],
				[4, endless],
			],
		],
		["through a pause", stream("w", "/a", { life: [asked(0), paused(1), resumed(3)] }), [[1, endless]]],
	];
	for (const [what, sketch, spans] of table) {
		it(`hears ${what}`, () => {
			const record = recordOf(sketch, four);
			assert.deepEqual(
				listenings(record).map(({ from, to }) => [from, to]),
				spans,
			);
			for (let index = 0; index <= 5; index++) {
				const inside = spans.some(([from, to]) => from <= index && index <= to);
				assert.equal(listened(record, index), inside, `index ${index}`);
			}
		});
	}
});
