import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { AbortedError, ArgumentError } from "etcd-watch-lab/dist/etcd";
import { type Hub, type HubOptions, startHub } from "etcd-watch-lab/dist/follow";
import { heardBy, Reader, told } from "./hub-reader";
import { type ModelSource, ModelUpstream } from "./hub-upstream";

describe("startHub over the model", () => {
	let upstream: ModelUpstream;
	let source: ModelSource;
	let hub: Hub;

	const start = async (options: HubOptions = {}) => {
		upstream = new ModelUpstream();
		upstream.set("/r/a", "0");
		upstream.set("/r/b/c", "0");
		source = upstream.source("/r");
		hub = await startHub(source, "/r", options);
	};
	/** Until the hub has all that the store has. */
	const reached = () => hub.at(upstream.store.index);
	afterEach(() => hub.close());

	it("refuses a hidden key, a key elsewhere, and what is no index", async () => {
		await start();
		assert.throws(() => hub.watch("/r/b/_h/x"), { name: "ArgumentError", message: /hidden from \/r/ });
		assert.throws(() => hub.watch("/rr"), { name: "ArgumentError", message: /the hub keeps \/r/ });
		assert.throws(() => hub.get("/r/_h"), ArgumentError);
		assert.throws(() => hub.watch("/r", { afterIndex: -1 }), ArgumentError);
		assert.throws(() => hub.watch("r"), ArgumentError);
		await assert.rejects(startHub(source, "/r", { historyLength: 0 }), ArgumentError);
	});

	it("serves what is hidden from elsewhere, but not from its root", async () => {
		await start();
		upstream.set("/_r/a");
		const hidden = await startHub(upstream.source("/_r"), "/_r");
		const watch = hidden.watch("/_r/a");
		upstream.set("/_r/a");
		await hidden.at(upstream.store.index);
		assert.deepEqual(await heardBy(watch), ["set /_r/a 4"]);
		await hidden.close();
	});

	it("takes a key with a slash at its end for the key", async () => {
		await start();
		const watch = hub.watch("/r/b/", { recursive: true });
		upstream.set("/r/b/d");
		await reached();
		assert.deepEqual(await heardBy(watch), ["set /r/b/d 3"]);
		assert.equal(hub.get("/r/a/")?.value, "0");
	});

	it("reads keys from memory, as a read of etcd shows them, without a request", async () => {
		await start();
		upstream.set("/r/b/d/e");
		await reached();
		const listCount = source.listCount;
		for (const recursive of [false, true]) {
			for (const key of ["/r", "/r/b", "/r/b/c", "/r/b/d"]) {
				assert.deepEqual(hub.get(key, { recursive }), withoutEmpty(upstream.store.get(key, { recursive })));
			}
		}
		assert.equal(hub.get("/r/nothing"), undefined);
		assert.equal(hub.index, 3);
		assert.equal(source.listCount, listCount);
	});

	it("moves its index on for writes elsewhere", async () => {
		await start();
		upstream.set("/x");
		upstream.set("/r/_h");
		assert.equal((await reached()).index, 4);
		assert.equal(hub.index, 4);
	});

	it("gives a watch the history after its own index, and what comes then", async () => {
		await start();
		for (const key of ["/r/a", "/r/b/c", "/r/a"]) upstream.set(key);
		await reached();
		const reader = new Reader(hub.watch("/r/a", { afterIndex: 3 }));
		assert.deepEqual((await reader.read()).map(told), ["set /r/a 5"]);
		upstream.set("/r/a");
		await reached();
		assert.deepEqual((await reader.read()).map(told), ["set /r/a 5", "set /r/a 6"]);
	});

	it("lets a watch wait for an index that is ahead", async () => {
		await start();
		const reader = new Reader(hub.watch("/r", { recursive: true, afterIndex: 4 }));
		await reader.read();
		for (let count = 0; count < 4; count++) upstream.set("/r/a");
		await reached();
		assert.deepEqual((await reader.read()).map(told), ["set /r/a 5", "set /r/a 6"]);
	});

	it("says that an older index is a gap, with the state from memory", async () => {
		await start({ historyLength: 2 });
		for (const key of ["/r/b/d", "/r/b/c", "/r/a", "/r/b/c"]) upstream.set(key);
		await reached();
		const listCount = source.listCount;
		const [gap] = await new Reader(hub.watch("/r/b", { recursive: true, afterIndex: 2 })).read();
		assert.ok(gap?.kind === "gap");
		assert.equal(told(gap), "gap 3-6 cleared: /r/b /r/b/c /r/b/d");
		assert.deepEqual(
			gap.added.map(({ key }) => key),
			["/r/b/c", "/r/b/d"],
		);
		assert.equal(gap.removed, undefined);
		assert.equal(source.listCount, listCount);
		assert.deepEqual(await heardBy(hub.watch("/r/a", { afterIndex: 4 })), ["set /r/a 5"]);
		// Not recursive: of a directory nothing but itself.
		assert.deepEqual(await heardBy(hub.watch("/r/b", { afterIndex: 1 })), ["gap 2-6 cleared: /r/b"]);
	});

	it("hands an upstream gap to every watch, cut down to its key, and keeps it in the history", async () => {
		await start();
		const all = new Reader(hub.watch("/r", { recursive: true }));
		const one = new Reader(hub.watch("/r/a"));
		const ahead = new Reader(hub.watch("/r/a", { afterIndex: 4 }));
		const beyond = new Reader(hub.watch("/r/a", { afterIndex: 9 }));
		const readers = [all, one, ahead, beyond];
		for (const reader of readers) await reader.read();
		upstream.set("/r/a", "1");
		await reached();
		source.hold();
		upstream.set("/r/a", "2");
		upstream.set("/r/n", "2");
		upstream.write("delete", "/r/b/c");
		source.letGo({ isLost: true });
		await reached();
		for (const reader of readers) await reader.read();
		assert.deepEqual(all.heard.map(told), ["set /r/a 3", "gap 4-6 cleared: /r /r/a /r/b /r/n"]);
		assert.deepEqual(one.heard.map(told), ["set /r/a 3", "gap 4-6 cleared: /r/a"]);
		assert.deepEqual(ahead.heard.map(told), ["gap 5-6 cleared: /r/a"]);
		assert.deepEqual(beyond.heard, []);
		const [, gap] = one.heard;
		assert.ok(gap?.kind === "gap");
		assert.deepEqual([gap.added, gap.removed], [[], []]);
		assert.deepEqual(
			gap.changed.map(({ before, now }) => [before?.value, now.value]),
			[["1", "2"]],
		);
		// For who comes later it is where it was.
		assert.deepEqual(await heardBy(hub.watch("/r/a", { afterIndex: 2 })), one.heard.map(told));
		assert.deepEqual(await heardBy(hub.watch("/r/n", { afterIndex: 5 })), ["gap 6-6 cleared: /r/n"]);
	});

	it("hands a reset to every watch, to one that reads the past too, and forgets the old store", async () => {
		await start({ queueLength: 1 });
		const live = new Reader(hub.watch("/r", { recursive: true }));
		const ahead = new Reader(hub.watch("/r/a", { afterIndex: 100 }));
		const slow = new Reader(hub.watch("/r/a"));
		const unread = hub.watch("/r/a");
		for (const reader of [live, ahead, slow]) await reader.read();
		for (let count = 0; count < 3; count++) {
			upstream.set("/r/a");
			await reached();
			await live.read();
		}
		upstream.wipe();
		upstream.set("/r/n");
		const has = new Reader(hub.watch("/r", { recursive: true }));
		while (hub.index !== 1) await setImmediate();
		for (const reader of [live, ahead, slow]) await reader.read();
		const reset = "reset 5 index went back: /r /r/n";
		assert.deepEqual(live.heard.map(told), ["set /r/a 3", "set /r/a 4", "set /r/a 5", reset]);
		assert.deepEqual(ahead.heard.map(told), ["reset 5 index went back: "]);
		assert.deepEqual(slow.heard.map(told), ["set /r/a 3", "set /r/a 4", "reset 4 index went back: "]);
		assert.deepEqual(await heardBy(unread), ["reset 2 index went back: "]);
		assert.deepEqual((await has.read()).map(told), [reset]);
		// An index of the old store would wait for ever, in silence (T18).
		assert.deepEqual(await heardBy(hub.watch("/r", { afterIndex: 5 })), ["reset 5 index went back: /r"]);
		upstream.set("/r/a");
		await reached();
		for (const reader of [live, ahead, slow]) {
			await reader.read();
			assert.equal(reader.heard.map(told).at(-1), "set /r/a 2");
		}
	});

	it("gives a slow watch a gap of its own, and lets the others be", async () => {
		await start({ historyLength: 20, queueLength: 5 });
		const [quick, slow] = [new Reader(hub.watch("/r/a")), new Reader(hub.watch("/r/a"))];
		await slow.read();
		for (let count = 0; count < 40; count++) {
			upstream.set("/r/a", String(count));
			await reached();
			await quick.read();
		}
		assert.equal(hub.watchCount, 1, "who does not read is not queued for any more");
		assert.deepEqual(
			quick.heard.map(told),
			Array.from({ length: 40 }, (_, at) => `set /r/a ${at + 3}`),
		);
		await slow.read();
		assert.deepEqual(slow.heard.map(told), [
			// The first had been asked for already.
			...["set /r/a 3", "set /r/a 4", "set /r/a 5", "set /r/a 6", "set /r/a 7", "set /r/a 8"],
			"gap 9-42 slow consumer: /r/a",
		]);
		assert.equal(hub.watchCount, 2);
		upstream.set("/r/a");
		await reached();
		await slow.read();
		assert.equal(slow.heard.map(told).at(-1), "set /r/a 43");
	});

	it("gives a slow watch no gap while the history has what it missed", async () => {
		await start({ historyLength: 100, queueLength: 3 });
		const slow = new Reader(hub.watch("/r/a"));
		await slow.read();
		for (let count = 0; count < 90; count++) upstream.set("/r/a");
		await reached();
		await slow.read();
		assert.deepEqual(
			slow.heard.map(told),
			Array.from({ length: 90 }, (_, at) => `set /r/a ${at + 3}`),
		);
	});

	it("counts a change as consumed when the next one is asked for, and goes on from `index` elsewhere", async () => {
		await start();
		const watch = hub.watch("/r/a");
		const reader = new Reader(watch);
		upstream.set("/r/a");
		upstream.set("/r/b/c");
		upstream.set("/r/a");
		await reached();
		await watch.next();
		assert.equal(watch.index, 2);
		assert.deepEqual(await heardBy(hub.watch("/r/a", { afterIndex: watch.index })), [
			"set /r/a 3",
			"set /r/a 5",
		]);
		await watch.next();
		assert.equal(watch.index, 3);
		await reader.read();
		upstream.set("/r/b/c");
		await reached();
		assert.equal(watch.index, 6, "what is not for it is consumed at once");
	});

	it("answers each of several next() calls at once with a change of its own", async () => {
		await start();
		const watch = hub.watch("/r/a");
		const results = Promise.all([watch.next(), watch.next(), watch.next()]);
		for (let count = 0; count < 3; count++) upstream.set("/r/a");
		const changes = (await results).map(({ value }) => value && told(value));
		assert.deepEqual(changes, ["set /r/a 3", "set /r/a 4", "set /r/a 5"]);
	});

	it("lets go of a watch at break, at its signal, and of all at close", async () => {
		await start();
		upstream.set("/r/a");
		await reached();
		for await (const change of hub.watch("/r/a", { afterIndex: 2 })) {
			assert.equal(told(change), "set /r/a 3");
			assert.equal(hub.watchCount, 1);
			break;
		}
		assert.equal(hub.watchCount, 0);
		const controller = new AbortController();
		const reader = new Reader(hub.watch("/r/a", { signal: controller.signal }));
		await reader.read();
		controller.abort();
		await reader.read();
		assert.deepEqual([reader.isDone, reader.error, hub.watchCount], [true, undefined, 0]);
		const early = new Reader(hub.watch("/r/a", { signal: controller.signal }));
		await early.read();
		assert.ok(early.isDone);
		const last = new Reader(hub.watch("/r/a"));
		await last.read();
		await hub.close();
		await last.read();
		assert.deepEqual([last.isDone, last.error, hub.watchCount, source.tailCount], [true, undefined, 0, 0]);
		await hub.ended;
		await assert.rejects(hub.at(99), AbortedError);
	});

	it("ends with its signal", async () => {
		const controller = new AbortController();
		await start({ signal: controller.signal });
		const reader = new Reader(hub.watch("/r/a"));
		await reader.read();
		controller.abort();
		await hub.ended;
		await reader.read();
		assert.ok(reader.isDone);
		assert.equal(source.tailCount, 0);
	});

	it("ends every watch with what ended its follower, after what was queued", async () => {
		await start();
		const idle = new Reader(hub.watch("/r/b"));
		const full = new Reader(hub.watch("/r/a"));
		await idle.read();
		await full.read();
		upstream.set("/r/a");
		upstream.set("/r/a");
		await reached();
		source.fail(new RangeError("no retry heals it"));
		await assert.rejects(hub.ended, RangeError);
		await idle.read();
		assert.ok(idle.error instanceof RangeError);
		await full.read();
		assert.deepEqual(full.heard.map(told), ["set /r/a 3", "set /r/a 4"]);
		assert.ok(full.error instanceof RangeError);
	});

	it("costs an event what the watches that it wakes cost, however many others there are", async () => {
		await start({ historyLength: 10 });
		const watched = async (count: number) => {
			for (let at = hub.watchCount; at < count; at++) {
				const reader = new Reader(hub.watch(`/r/many/${at}/x`, { recursive: true }));
				void reader.read(1);
			}
			while (hub.watchCount < count) await setImmediate();
		};
		const burst = async () => {
			for (let count = 0; count < 1_000; count++) upstream.set("/r/a");
			const begin = process.cpuUsage();
			await reached();
			const { user, system } = process.cpuUsage(begin);
			return user + system;
		};
		const best = async () => Math.min(await burst(), await burst(), await burst());
		await burst();
		const alone = await best();
		await watched(10_000);
		const beside = await best();
		assert.ok(beside < alone * 3, `${alone} µs alone, ${beside} µs beside 10,000 others`);
	}).timeout(10_000);
});

/** As etcd sends it: an empty directory has no list of children. */
function withoutEmpty(read: object): unknown {
	return JSON.parse(
		JSON.stringify(read, (_, value) => (Array.isArray(value) && value.length === 0 ? undefined : value)),
	);
}
