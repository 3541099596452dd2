import assert from "node:assert/strict";
import { Handmade } from "../../proofs/differential/handmade";

describe("expiry in the model", () => {
	it("comes at its time, not before, each expiry with an index of its own", () => {
		const model = new Handmade();
		model.write("set", "/a", { ttl: 2 }, 0);
		model.write("set", "/b", { ttl: 2 }, 500);
		assert.equal(model.store.nextExpiry, 2_000);
		assert.deepEqual(
			["/b", "/none"].map((key) => model.store.expiryOf(key)),
			[2_500, undefined],
		);
		assert.deepEqual(model.expire(1_999), []);
		assert.deepEqual(model.expire(2_500), ["expire /a 3", "expire /b 4"]);
		assert.equal(model.store.nextExpiry, undefined);
	});

	it("goes by the time, not by the order of the writes", () => {
		const model = new Handmade();
		model.write("set", "/late", { ttl: 9 }, 0);
		model.write("set", "/early", { ttl: 1 }, 0);
		assert.deepEqual(model.expire(10_000), ["expire /early 3", "expire /late 4"]);
	});

	it("is off when an update, a swap or a set gives no ttl again", () => {
		const model = new Handmade();
		for (const key of ["/updated", "/swapped", "/set"]) model.write("set", key, { value: "1", ttl: 1 });
		model.write("update", "/updated", { value: "2" });
		model.write("compareAndSwap", "/swapped", { value: "2", expected: { prevValue: "1" } });
		model.write("set", "/set");
		assert.equal(model.store.nextExpiry, undefined);
		assert.deepEqual(model.expire(10_000), []);
	});

	it("of a directory is one event, takes all below it, and their own expiries with them", () => {
		const model = new Handmade();
		model.write("mkdir", "/a", { ttl: 2 });
		model.write("set", "/a/b/c", { ttl: 5 });
		model.write("set", "/a/d", { ttl: 2 });
		model.write("set", "/e", { ttl: 6 });
		assert.deepEqual(model.store.due(10_000), ["/a", "/e"]);
		assert.deepEqual(model.expire(10_000), ["expire /a 5", "expire /e 6"]);
		assert.deepEqual(model.tree(), []);
	});

	it("reaches a watcher below the directory, with the directory's key", () => {
		const model = new Handmade();
		model.write("mkdir", "/a", { ttl: 2 });
		model.set("/a/b");
		model.watch("on the file", "/a/b");
		model.watch("on what is missing", "/a/c");
		model.expire(2_000);
		assert.deepEqual(model.heard("on the file"), ["3 expire /a"]);
		assert.deepEqual(model.heard("on what is missing"), []);
	});

	it("rounds the seconds left up, and leaves 0 out", () => {
		const { store } = new Handmade();
		store.apply({ operation: "set", key: "/a", value: "1", ttl: 2 }, 0);
		const left = (now: number) => {
			const read = store.get("/a", { now });
			assert.ok(!("kind" in read));
			return read.ttl;
		};
		assert.deepEqual([left(0), left(1), left(1_000), left(1_001), left(2_000)], [2, 2, 1, 1, undefined]);
	});
});
