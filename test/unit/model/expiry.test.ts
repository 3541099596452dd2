import assert from "node:assert/strict";
import { Handmade } from "../../proofs/differential/handmade";
import { programs } from "./programs";

describe("expiry in the model", () => {
	programs(`
	goes by the time, not by the order of the writes
		set /late ttl 9; set /early ttl 1
		expire 10000 => expire /early 3, expire /late 4
	is off when an update, a swap or a set gives no ttl again
		set /updated ttl 1; set /swapped ttl 1; set /set ttl 1
		update /updated value 2; compareAndSwap /swapped value 2 prevValue 1; set /set
		next => undefined
		expire 10000 =>
	reaches a watcher below the directory, with the directory's key
		mkdir /a ttl 2; set /a/b; watch file /a/b; watch missing /a/c
		expire 2000 => expire /a 3
		file heard => 3 expire /a
		missing heard =>
	`);

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
