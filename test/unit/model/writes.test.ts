import assert from "node:assert/strict";
import { ModelStore } from "etcd-watch-lab/model";
import { Handmade } from "../../proofs/differential/handmade";
import { programs } from "./programs";

describe("the model's writes", () => {
	programs(`
	makes missing parents with the write's own index
		set /a/b/c => set /a/b/c 1
		tree => /a 1, /a/b 1, /a/b/c 1
	gives a set key a new createdIndex, and an updated or swapped one a new modifiedIndex alone
		set /a; set /a
		tree => /a 2
		update /a value 2
		tree => /a 2…3
		compareAndSwap /a value 3 prevValue 2
		tree => /a 2…4
	refuses with 100 at the first part that is missing
		set /a/b
		update /a/x/y/z; delete /a/x/y/z; rmdir /a/x/y/z; compareAndDelete /a/x/y/z => refused 100 /a/x @1
		refresh /a/x/y/z ttl 9 => refused 100 /a/x @1
	refuses with 104 at the file that has no children, and takes no index for it
		set /a/b
		set /a/b/c/d; create /a/b/c/d; mkdir /a/b/c/d; createInOrder /a/b/c/d => refused 104 /a/b @1
		update /a/b/c/d; delete /a/b/c/d; rmdir /a/b/c/d => refused 104 /a/b @1
		tree => /a 1, /a/b 1
	refuses with 102 what only a file can take, and with 108 the removal of what is not empty
		set /a/b
		set /a; update /a value 1; delete /a; compareAndSwap /a prevIndex 1 => refused 102 /a @1
		rmdir /a => refused 108 /a @1
		rmdir /a/... => delete /a 2
		tree =>
	counts hidden children when it asks whether a directory is empty
		set /a/_b
		rmdir /a => refused 108 /a @1
	refuses with 105 to create what is there, a directory too
		set /a/b
		create /a/b => refused 105 /a/b @1
		create /a; mkdir /a => refused 105 /a @1
	refuses with 107 every write to the root but a compareAndDelete (102) and a createInOrder (done)
		set /; create /; update /; delete /; mkdir /; updateDirectory /; rmdir /; refresh / => refused 107 / @0
		compareAndSwap / prevIndex 1 => refused 107 / @0
		compareAndDelete / prevIndex 1 => refused 102  @0
		createInOrder / => create /00000000000000000001 1
	names what is created in order by the write's index, in twenty digits
		set /x; set /x
		createInOrder /q => create /q/00000000000000000003 3
		createInOrder /q => create /q/00000000000000000004 4
		set /q/00000000000000000006
		createInOrder /q => refused 105 /q/00000000000000000006 @5
	says in a failed comparison what does not fit, and only that
		set /x; set /a
		compareAndSwap /a value 2 prevValue 9 => refused 101 [9 != 1] @2
		compareAndSwap /a value 2 prevIndex 9 => refused 101 [9 != 2] @2
		compareAndSwap /a value 2 prevValue 9 prevIndex 2 => refused 101 [9 != 1] @2
		compareAndSwap /a value 2 prevValue 1 prevIndex 9 => refused 101 [9 != 2] @2
		compareAndSwap /a value 2 prevValue 9 prevIndex 9 => refused 101 [9 != 1] [9 != 2] @2
		compareAndSwap /a value 2 prevValue 1 prevIndex 2 => compareAndSwap /a 3
	`);

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
