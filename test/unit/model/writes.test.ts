import assert from "node:assert/strict";
import { ModelStore } from "etcd-watch-lab/model";
import { Handmade } from "../../proofs/differential/handmade";

describe("the model's writes", () => {
	it("makes missing parents with the write's own index", () => {
		const model = new Handmade();
		assert.equal(model.write("set", "/a/b/c", { value: "1" }), "set /a/b/c 1");
		assert.deepEqual(model.tree(), ["/a 1", "/a/b 1", "/a/b/c 1"]);
	});

	it("gives a set key a new createdIndex, and an updated or swapped one a new modifiedIndex alone", () => {
		const model = new Handmade();
		model.set("/a", "/a");
		assert.deepEqual(model.tree(), ["/a 2"]);
		model.write("update", "/a", { value: "2" });
		assert.deepEqual(model.tree(), ["/a 2…3"]);
		model.write("compareAndSwap", "/a", { value: "3", expected: { prevValue: "2" } });
		assert.deepEqual(model.tree(), ["/a 2…4"]);
	});

	it("tells the node before, and none where there was none", () => {
		const { store } = new Handmade();
		const first = store.apply({ operation: "set", key: "/a", value: "1" }).outcome;
		const second = store.apply({ operation: "set", key: "/a", value: "2" }).outcome;
		assert.ok(first.kind === "accepted" && second.kind === "accepted");
		assert.equal(first.event.prevNode, undefined);
		assert.equal(second.event.prevNode?.value, "1");
		assert.equal(second.event.prevNode?.modifiedIndex, 1);
	});

	it("tells in its event the action, and the node with its value, or as a directory", () => {
		const at = (index: number) => ({ modifiedIndex: index, createdIndex: index });
		for (const [operation, action, node] of [
			["set", "set", { key: "/b", value: "", dir: false, ...at(2) }],
			["create", "create", { key: "/b", value: "", dir: false, ...at(2) }],
			["mkdir", "create", { key: "/b", dir: true, ...at(2) }],
			["createInOrder", "create", { key: "/b/00000000000000000002", value: "", dir: false, ...at(2) }],
			["update", "update", { key: "/a", value: "", dir: false, createdIndex: 1, modifiedIndex: 2 }],
			[
				"compareAndSwap",
				"compareAndSwap",
				{ key: "/a", value: "", dir: false, createdIndex: 1, modifiedIndex: 2 },
			],
			["compareAndDelete", "compareAndDelete", { key: "/a", dir: false, createdIndex: 1, modifiedIndex: 2 }],
			["delete", "delete", { key: "/a", dir: false, createdIndex: 1, modifiedIndex: 2 }],
		] as const) {
			const { store } = new Handmade();
			store.apply({ operation: "set", key: "/a", value: "1" });
			const { outcome } = store.apply({ operation, key: node.key.slice(0, 2) });
			assert.ok(outcome.kind === "accepted", operation);
			const { prevNode: _, ...event } = outcome.event;
			assert.deepEqual(event, { action, index: 2, node, refresh: false });
		}
	});

	it("refuses with 100 at the first part that is missing", () => {
		const model = new Handmade();
		model.set("/a/b");
		for (const operation of ["update", "delete", "rmdir", "refresh", "compareAndDelete"] as const) {
			assert.equal(model.write(operation, "/a/x/y/z", { ttl: 9 }), "refused 100 /a/x @1", operation);
		}
	});

	it("refuses with 104 at the file that has no children, and takes no index for it", () => {
		const model = new Handmade();
		model.set("/a/b");
		for (const operation of [
			"set",
			"create",
			"mkdir",
			"createInOrder",
			"update",
			"delete",
			"rmdir",
		] as const) {
			assert.equal(model.write(operation, "/a/b/c/d"), "refused 104 /a/b @1", operation);
		}
		assert.deepEqual(model.tree(), ["/a 1", "/a/b 1"]);
	});

	it("refuses with 102 what only a file can take, and with 108 the removal of what is not empty", () => {
		const model = new Handmade();
		model.set("/a/b");
		assert.equal(model.write("set", "/a"), "refused 102 /a @1");
		assert.equal(model.write("update", "/a", { value: "1" }), "refused 102 /a @1");
		assert.equal(model.write("delete", "/a"), "refused 102 /a @1");
		assert.equal(model.write("compareAndSwap", "/a", { expected: { prevIndex: 1 } }), "refused 102 /a @1");
		assert.equal(model.write("rmdir", "/a"), "refused 108 /a @1");
		assert.equal(model.write("rmdir", "/a", { recursive: true }), "delete /a 2");
		assert.deepEqual(model.tree(), []);
	});

	it("counts hidden children when it asks whether a directory is empty", () => {
		const model = new Handmade();
		model.set("/a/_b");
		assert.equal(model.write("rmdir", "/a"), "refused 108 /a @1");
	});

	it("refuses with 105 to create what is there, a directory too", () => {
		const model = new Handmade();
		model.set("/a/b");
		assert.equal(model.write("create", "/a/b"), "refused 105 /a/b @1");
		assert.equal(model.write("create", "/a"), "refused 105 /a @1");
		assert.equal(model.write("mkdir", "/a"), "refused 105 /a @1");
	});

	it("refuses with 107 every write to the root but a compareAndDelete (102) and a createInOrder (done)", () => {
		const model = new Handmade();
		for (const operation of [
			"set",
			"create",
			"update",
			"delete",
			"mkdir",
			"updateDirectory",
			"rmdir",
			"refresh",
		] as const) {
			assert.equal(model.write(operation, "/"), "refused 107 / @0", operation);
		}
		assert.equal(model.write("compareAndSwap", "/", { expected: { prevIndex: 1 } }), "refused 107 / @0");
		assert.equal(model.write("compareAndDelete", "/", { expected: { prevIndex: 1 } }), "refused 102  @0");
		assert.equal(model.write("createInOrder", "/"), "create /00000000000000000001 1");
	});

	it("names what is created in order by the write's index, in twenty digits", () => {
		const model = new Handmade();
		model.set("/x", "/x");
		assert.equal(model.write("createInOrder", "/q"), "create /q/00000000000000000003 3");
		assert.equal(model.write("createInOrder", "/q"), "create /q/00000000000000000004 4");
		model.set("/q/00000000000000000006");
		assert.equal(model.write("createInOrder", "/q"), "refused 105 /q/00000000000000000006 @5");
	});

	it("says in a failed comparison what does not fit, and only that", () => {
		const model = new Handmade();
		model.set("/x", "/a");
		const compare = (expected: { prevValue?: string; prevIndex?: number }) =>
			model.write("compareAndSwap", "/a", { value: "2", expected });
		assert.equal(compare({ prevValue: "9" }), "refused 101 [9 != 1] @2");
		assert.equal(compare({ prevIndex: 9 }), "refused 101 [9 != 2] @2");
		assert.equal(compare({ prevValue: "9", prevIndex: 2 }), "refused 101 [9 != 1] @2");
		assert.equal(compare({ prevValue: "1", prevIndex: 9 }), "refused 101 [9 != 2] @2");
		assert.equal(compare({ prevValue: "9", prevIndex: 9 }), "refused 101 [9 != 1] [9 != 2] @2");
		assert.equal(compare({ prevValue: "1", prevIndex: 2 }), "compareAndSwap /a 3");
	});

	it("renews a ttl with refresh, and keeps the value", () => {
		const { store } = new Handmade();
		store.apply({ operation: "set", key: "/a", value: "1", ttl: 5 }, 0);
		const { outcome } = store.apply({ operation: "refresh", key: "/a", ttl: 60 }, 1_000);
		assert.ok(outcome.kind === "accepted");
		assert.deepEqual(
			[outcome.event.action, outcome.event.node.value, outcome.event.node.ttl, outcome.event.refresh],
			["update", "1", 60, true],
		);
		assert.deepEqual(store.expire(60_999), []);
		assert.equal(store.expire(61_000).length, 1);
	});

	it("changes a directory's ttl on 3.4, without its modifiedIndex; 3.5 answers 300 with no index", () => {
		const older = new Handmade(new ModelStore({ version: "3.4.23" }));
		older.write("mkdir", "/a");
		for (const [operation, index] of [
			["refresh", 2],
			["updateDirectory", 3],
		] as const) {
			const { outcome } = older.store.apply({ operation, key: "/a", ttl: 9 });
			assert.ok(outcome.kind === "accepted", operation);
			const { action, node, refresh } = outcome.event;
			assert.deepEqual([action, refresh], ["update", operation === "refresh"]);
			assert.deepEqual(node, { key: "/a", dir: true, createdIndex: 1, modifiedIndex: index, ttl: 9 });
		}
		assert.deepEqual(older.tree(), ["/a 1"]);
		assert.deepEqual(older.expire(9_000), ["expire /a 4"]);
		const newer = new Handmade(new ModelStore({ version: "3.5.1" }));
		newer.write("mkdir", "/a");
		for (const operation of ["refresh", "updateDirectory"] as const)
			assert.equal(
				newer.write(operation, "/a", { ttl: 9 }),
				"refused 300 nodePath /1/a : Not a file () @0",
				operation,
			);
		assert.equal(newer.store.index, 1);
	});

	it("hides a hidden child from its directory, and shows it to who asks for it", () => {
		const { store } = new Handmade();
		for (const key of ["/a/_h/x", "/a/b"]) store.apply({ operation: "set", key, value: "1" });
		const keysOf = (key: string) => {
			const read = store.get(key, { recursive: true });
			assert.ok(!("kind" in read));
			return read.nodes?.map((node) => node.key);
		};
		assert.deepEqual(keysOf("/a"), ["/a/b"]);
		assert.deepEqual(keysOf("/a/_h"), ["/a/_h/x"]);
	});

	it("reads the children alone, and what is below them when that is asked for, in the order of their bytes", () => {
		const { store } = new Handmade();
		const sorted = ["a", "a\0", "aa", "ab", "b", "\uff5e", "\u{1f600}"];
		for (const nth of [3, 6, 1, 4, 0, 5, 2]) store.apply({ operation: "set", key: `/${sorted[nth]}/x` });
		for (const recursive of [false, true]) {
			const read = store.get("/", { recursive });
			assert.ok(!("kind" in read));
			assert.deepEqual(
				read.nodes?.map(({ key, nodes }) => [key, nodes?.map((node) => node.key)]),
				sorted.map((name) => [`/${name}`, recursive ? [`/${name}/x`] : undefined]),
			);
		}
	});
});
