import assert from "node:assert/strict";
import { historyCapacity, ModelStore } from "etcd-watch-lab/model";
import { Handmade } from "../../proofs/differential/handmade";

describe("live watchers in the model", () => {
	it("see their own key; what is below it only when they are recursive, at any depth", () => {
		const model = new Handmade();
		model.watch("plain", "/a", { stream: true });
		model.watch("recursive", "/a", { stream: true, recursive: true });
		model.set("/a/b", "/a/x/c", "/ab");
		model.write("rmdir", "/a", { recursive: true });
		model.set("/a");
		assert.deepEqual(model.heard("plain"), ["4 delete /a", "4 delete /a", "5 set /a"]);
		assert.deepEqual(model.heard("recursive"), [
			"1 set /a/b",
			"2 set /a/x/c",
			"4 delete /a",
			"4 delete /a",
			"5 set /a",
		]);
	});

	it("are gone after their one event, streams are not", () => {
		const model = new Handmade();
		model.watch("poll", "/a");
		model.watch("stream", "/a", { stream: true });
		assert.equal(model.store.watcherCount, 2);
		model.set("/a", "/a");
		assert.deepEqual(model.heard("poll"), ["1 set /a"]);
		assert.deepEqual(model.heard("stream"), ["1 set /a", "2 set /a"]);
		assert.equal(model.store.watcherCount, 1);
	});

	it("do not hear of implicit parents", () => {
		const model = new Handmade();
		model.watch("parent", "/a", { stream: true });
		model.watch("all", "/", { stream: true, recursive: true });
		model.set("/a/b/c");
		assert.deepEqual(model.heard("parent"), []);
		assert.deepEqual(model.heard("all"), ["1 set /a/b/c"]);
	});

	it("are not told of hidden names below them, and are of hidden names above them", () => {
		const model = new Handmade();
		model.watch("above", "/a", { stream: true, recursive: true });
		model.watch("inside", "/a/_h", { stream: true, recursive: true });
		model.watch("on the key", "/a/_h/x", { stream: true });
		model.set("/a/_h/x", "/a/_h/_y", "/a/b_c");
		assert.deepEqual(model.heard("above"), ["3 set /a/b_c"]);
		assert.deepEqual(model.heard("inside"), ["1 set /a/_h/x"]);
		assert.deepEqual(model.heard("on the key"), ["1 set /a/_h/x"]);
	});

	it("are told of a removed ancestor where their node was there, hidden or not, and not where it was missing", () => {
		const model = new Handmade();
		model.set("/a/b/_h", "/a/f");
		model.watch("directory", "/a/b");
		model.watch("hidden", "/a/b/_h");
		model.watch("file", "/a/f");
		model.watch("missing", "/a/b/missing");
		model.watch("sibling", "/ab", { recursive: true });
		model.write("rmdir", "/a", { recursive: true });
		for (const name of ["directory", "hidden", "file"])
			assert.deepEqual(model.heard(name), ["3 delete /a"], name);
		for (const name of ["missing", "sibling"]) assert.deepEqual(model.heard(name), [], name);
	});

	it("get the removal of exactly their key twice as streams, once as polls", () => {
		for (const remove of ["delete", "compareAndDelete", "expire"] as const) {
			const model = new Handmade();
			model.write("set", "/a", { value: "1", ttl: 1 });
			model.watch("stream", "/a", { stream: true });
			model.watch("poll", "/a");
			model.watch("above", "/", { stream: true, recursive: true });
			if (remove === "expire") model.expire(1_000);
			else model.write(remove, "/a", { expected: { prevIndex: 1 } });
			assert.deepEqual(model.heard("stream"), [`2 ${remove} /a`, `2 ${remove} /a`]);
			assert.deepEqual(model.heard("poll"), [`2 ${remove} /a`]);
			assert.deepEqual(model.heard("above"), [`2 ${remove} /a`]);
		}
	});

	it("are told by their numbers, which count from 1, and by which rule; nothing where nobody is reached", () => {
		const { store } = new Handmade();
		assert.deepEqual(store.apply({ operation: "set", key: "/a/b" }).deliveries, []);
		for (const key of ["/a", "/a/b", "/c"]) store.watch({ key, recursive: true, stream: true });
		assert.deepEqual(
			store
				.apply({ operation: "delete", key: "/a/b" })
				.deliveries.map(({ watcher, rule }) => [watcher, rule]),
			[
				[2, "own key"],
				[1, "recursive"],
				[2, "second notice of the removal"],
			],
		);
		assert.deepEqual(store.apply({ operation: "delete", key: "/a/b" }).deliveries, []);
	});

	it("are not woken by a renewed ttl, which takes an index", () => {
		const model = new Handmade();
		model.write("set", "/a", { ttl: 9 });
		model.watch("all", "/", { stream: true, recursive: true });
		assert.equal(model.write("refresh", "/a", { ttl: 9 }), "update /a 2");
		model.set("/a");
		assert.deepEqual(model.heard("all"), ["3 set /a"]);
	});

	it("hear of nothing that was refused", () => {
		const model = new Handmade();
		model.set("/a/b");
		model.watch("all", "/", { stream: true, recursive: true });
		model.write("set", "/a/b/c");
		model.write("delete", "/a/b/c");
		assert.deepEqual(model.heard("all"), []);
	});

	it("wait for an index in the future, and take nothing before it", () => {
		const model = new Handmade();
		model.watch("later", "/a", { waitIndex: 3, stream: true });
		model.set("/a", "/a", "/a");
		assert.deepEqual(model.heard("later"), ["3 set /a"]);
	});

	it("are told nothing after unwatch", () => {
		const model = new Handmade();
		const watcher = model.watch("gone", "/a", { stream: true });
		model.watch("another", "/a");
		model.store.unwatch(watcher);
		model.set("/a");
		assert.deepEqual(model.heard("gone"), []);
		assert.deepEqual(model.heard("another"), ["1 set /a"]);
		assert.equal(model.store.watcherCount, 0);
	});
});

describe("replays in the model", () => {
	it("give the first event from that index on, that index included", () => {
		const model = new Handmade();
		model.set("/a", "/b", "/a", "/a");
		assert.equal(model.replay("/a", 1), "1 set /a");
		assert.equal(model.replay("/a", 2), "3 set /a");
		assert.equal(model.replay("/a", 3), "3 set /a");
		assert.equal(model.replay("/b", 3), "waits");
		assert.equal(model.replay("/a", 5), "waits");
	});

	it("show hidden names, which a live watch does not", () => {
		const model = new Handmade();
		model.set("/a/_h/x");
		assert.equal(model.replay("/a", 1, { recursive: true }), "1 set /a/_h/x");
		assert.equal(model.replay("/a", 1), "waits");
	});

	it("show what is below a key when they are recursive, and no name that only begins like it", () => {
		const model = new Handmade();
		model.set("/ab", "/a/b");
		assert.equal(model.replay("/a", 1, { recursive: true }), "2 set /a/b");
		assert.equal(model.replay("/", 1, { recursive: true }), "1 set /ab");
		assert.equal(model.replay("/", 1), "waits");
	});

	it("take the removal of a directory for the watched key's by its text, slash or not; live watchers do not", () => {
		const model = new Handmade();
		model.write("mkdir", "/foo");
		model.set("/foobar");
		model.watch("live", "/foobar");
		model.write("rmdir", "/foo");
		assert.deepEqual(model.heard("live"), []);
		assert.equal(model.replay("/foobar", 3), "3 delete /foo");
		assert.equal(model.replay("/foo/bar", 3), "3 delete /foo");
		assert.equal(model.replay("/fo", 3), "waits");
	});

	it("take a directory's expiry so, and neither the removal of a file nor a directory's new ttl", () => {
		const model = new Handmade(new ModelStore({ version: "3.4" }));
		model.set("/foo");
		model.write("delete", "/foo");
		model.write("mkdir", "/foo");
		model.write("updateDirectory", "/foo", { ttl: 1 });
		assert.equal(model.replay("/foobar", 1), "waits");
		model.expire(1_000);
		assert.equal(model.replay("/foobar", 1), "5 expire /foo");
	});

	it("pass over a renewed ttl", () => {
		const model = new Handmade();
		model.write("set", "/a", { ttl: 9 });
		model.write("refresh", "/a", { ttl: 9 });
		assert.equal(model.replay("/a", 2), "waits");
		model.set("/a");
		assert.equal(model.replay("/a", 2), "3 set /a");
	});

	it("give a stream one event, and nothing ever after", () => {
		const model = new Handmade();
		model.set("/a");
		assert.equal(model.replay("/a", 1, { stream: true }), "1 set /a");
		assert.equal(model.store.watcherCount, 0);
	});

	it(`reach back ${historyCapacity} events, renewed ttls among them, and are refused with 401 one further`, () => {
		const model = new Handmade();
		model.set("/a");
		model.write("refresh", "/a", { ttl: 999 });
		for (let index = 3; index <= historyCapacity; index++) model.set("/b");
		assert.equal(model.replay("/a", 1), "1 set /a");
		model.set("/b");
		assert.equal(model.store.oldestKept, 2);
		assert.equal(model.replay("/a", 1), "401 [2/1]");
		assert.equal(model.replay("/a", 2), "waits");
	});

	it("take the indexes before the model began for events of somebody else's", () => {
		const model = new Handmade(new ModelStore({ index: 700 }));
		model.set("/a");
		assert.equal(model.replay("/a", 1), "701 set /a");
		for (let index = 702; index <= historyCapacity + 1; index++) model.set("/b");
		assert.equal(model.replay("/a", 2), "701 set /a");
		assert.equal(model.replay("/a", 1), "401 [2/1]");
		const later = new Handmade(new ModelStore({ index: 1_700 }));
		assert.equal(later.store.oldestKept, 701);
		assert.equal(later.replay("/a", 701), "waits");
		assert.equal(later.replay("/a", 700), "401 [701/700]");
	});

	it("tell a 401's store index, and an answer's index at which the watch began", () => {
		const model = new Handmade();
		for (let index = 1; index <= historyCapacity + 5; index++) model.set("/b");
		const refused = model.store.watch({ key: "/a", recursive: false, stream: false, waitIndex: 1 });
		assert.ok(refused.kind === "refused");
		assert.equal(refused.index, historyCapacity + 5);
		assert.equal(refused.cause, "the requested history has been cleared [6/1]");
		const answered = model.store.watch({ key: "/b", recursive: false, stream: false, waitIndex: 7 });
		assert.ok(answered.kind === "answered");
		assert.equal(answered.etcdIndex, historyCapacity + 5);
	});
});
