import assert from "node:assert/strict";
import type { V3Client, V3Event, V3Watch } from "etcd-watch-lab/v3";
import { AbortedError } from "#lib/http";
import { type EtcdUnderTest, forEachEtcd } from "../../support/servers";
import { until } from "../../support/until";

/** Reads so many events, and leaves the watch open. */
async function take(watch: V3Watch, count: number): Promise<V3Event[]> {
	const events: V3Event[] = [];
	while (events.length < count) {
		const message = await watch.next();
		if (message === undefined) throw new Error("the stream ended");
		if (message.kind === "events") events.push(...message.events);
	}
	return events;
}

/** As one word an event. */
function told(events: readonly V3Event[], root: string): string[] {
	return events.map(
		({ type, kv }) => `${type} ${kv.key.slice(root.length)}${type === "put" ? `=${kv.value}` : ""}`,
	);
}

/** How many v3 watchers the member has. */
async function watcherCount(endpoint: string): Promise<number> {
	const page = await (await fetch(`${endpoint}/metrics`)).text();
	return Number(/^etcd_debugging_mvcc_watcher_total (\d+)$/m.exec(page)?.[1] ?? Number.NaN);
}

forEachEtcd((server: EtcdUnderTest) => {
	describe("a v3 watch", () => {
		let root: string;
		const open: V3Watch[] = [];
		const v3 = (): V3Client => server.lab.v3;
		const watch = async (...args: Parameters<V3Client["watch"]>) => {
			const one = await v3().watch(...args);
			open.push(one);
			return one;
		};
		beforeEach(() => {
			root = server.lab.newPrefix();
		});
		afterEach(() => {
			for (const one of open.splice(0)) one.close();
		});

		it("is registered when it is given out: what is written from then on is told", async () => {
			const one = await watch(`${root}/a`);
			const { header } = await v3().put(`${root}/a`, "1");
			assert.equal(header.revision, one.header.revision + 1);
			const [event] = await take(one, 1);
			assert.deepEqual([event?.kv.modRevision, event?.kv.value, event?.type], [header.revision, "1", "put"]);
		});

		it("on a prefix is told of all that begins with it, and of nothing else", async () => {
			const one = await watch(`${root}/a`, { prefix: true });
			for (const name of ["/b", "/a", "/ab", "/a/x"]) await v3().put(`${root}${name}`, "1");
			await v3().delete(`${root}/ab`);
			assert.deepEqual(told(await take(one, 4), root), ["put /a=1", "put /ab=1", "put /a/x=1", "delete /ab"]);
		});

		it("from a key on, and up to an end, has those bounds", async () => {
			const from = await watch(`${root}/b`, { fromKey: true });
			const upTo = await watch(`${root}/a`, { rangeEnd: `${root}/b` });
			for (const name of ["a", "b", "c"]) await v3().put(`${root}/${name}`, "1");
			assert.deepEqual(told(await take(from, 2), root), ["put /b=1", "put /c=1"]);
			assert.deepEqual(told(await take(upTo, 1), root), ["put /a=1"]);
		});

		it("with a startRevision in the future waits for that one, and is told nothing before", async () => {
			const { header } = await v3().put(`${root}/a`, "0");
			const one = await watch(`${root}/a`, { startRevision: header.revision + 2 });
			await v3().put(`${root}/a`, "1");
			await v3().put(`${root}/a`, "2");
			assert.deepEqual(told(await take(one, 1), root), ["put /a=2"]);
		});

		it("with prevKv has the key before in each event but a first put's, and without has none", async () => {
			const one = await watch(`${root}/a`, { prevKv: true });
			const without = await watch(`${root}/a`);
			await v3().put(`${root}/a`, "1");
			await v3().put(`${root}/a`, "2");
			await v3().delete(`${root}/a`);
			const events = await take(one, 3);
			assert.deepEqual(
				events.map(({ prevKv }) => prevKv?.value),
				[undefined, "1", "2"],
			);
			assert.ok((await take(without, 3)).every(({ prevKv }) => prevKv === undefined));
		});

		it("with the filter noput is told of deletes alone, with nodelete of puts alone", async () => {
			const deletes = await watch(`${root}/a`, { filters: ["noput"] });
			const puts = await watch(`${root}/a`, { filters: ["nodelete"] });
			await v3().put(`${root}/a`, "1");
			await v3().delete(`${root}/a`);
			await v3().put(`${root}/a`, "2");
			assert.deepEqual(told(await take(deletes, 1), root), ["delete /a"]);
			assert.deepEqual(told(await take(puts, 2), root), ["put /a=1", "put /a=2"]);
		});

		it("gets a write of the same key in a txn's delete and no more: a key has one event a revision", async () => {
			await v3().put(`${root}/a`, "0");
			const one = await watch(`${root}/`, { prefix: true });
			await v3().delete(`${root}/`, { prefix: true });
			await v3().put(`${root}/fence`, "1");
			assert.deepEqual(told(await take(one, 2), root), ["delete /a", "put /fence=1"]);
		});

		it("that begins below what was compacted throws a CompactedError with both revisions, and is closed", async () => {
			const { header: old } = await v3().put(`${root}/a`, "1");
			const { header: now } = await v3().put(`${root}/a`, "2");
			await v3().compact(now.revision);
			const one = await watch(`${root}/a`, { startRevision: old.revision });
			await assert.rejects(one.next(), {
				name: "CompactedError",
				askedRevision: old.revision,
				compactRevision: now.revision,
				message: /compacted.*\/v3\/watch/,
			});
			await assert.rejects(one.next(), AbortedError);
		});

		it("with prevKv has none where the revision before has been compacted away", async () => {
			await v3().put(`${root}/a`, "1");
			const { header } = await v3().put(`${root}/a`, "2");
			await v3().compact(header.revision, { physical: true });
			const one = await watch(`${root}/a`, { startRevision: header.revision, prevKv: true });
			const [event] = await take(one, 1);
			assert.deepEqual([event?.kv.value, event?.prevKv], ["2", undefined]);
		});

		it("gives large values whole", async () => {
			const one = await watch(`${root}/a`);
			const value = `é${"😀".repeat(250_000)}`;
			await v3().put(`${root}/a`, value);
			assert.equal((await take(one, 1))[0]?.kv.value, value);
		});

		it("is left by break, and its watcher is gone from the server", async () => {
			const endpoint = server.lab.endpoints[0] ?? "";
			const one = await watch(`${root}/a`);
			assert.ok((await watcherCount(endpoint)) > 0);
			await v3().put(`${root}/a`, "1");
			for await (const message of one) {
				assert.equal(message.kind, "events");
				break;
			}
			// Those of other tests are closed as well, and may take as long to be dropped.
			await until("the server has dropped its watchers", async () => (await watcherCount(endpoint)) === 0);
			await assert.rejects(one.next(), AbortedError);
		});

		it("is ended by close, while it waits, with an AbortedError", async () => {
			const one = await watch(`${root}/a`);
			const waiting = assert.rejects(one.next(), AbortedError);
			one.close();
			await waiting;
		});

		it("is left by return while somebody waits for the next message or event, who is told that it is over", async () => {
			for (const of of [(one: V3Watch) => one[Symbol.asyncIterator](), (one: V3Watch) => one.events()]) {
				const one = await watch(`${root}/a`);
				const iterator = of(one);
				const waiting = [iterator.next(), iterator.next()];
				await iterator.return?.();
				for (const next of waiting) assert.deepEqual(await next, { done: true, value: undefined });
				await assert.rejects(one.next(), AbortedError);
			}
		});

		it("gives its events one by one, in order, however many a message has", async () => {
			const one = await watch(`${root}/`, { prefix: true });
			const keys = ["1", "2", "3", "4"].map((name) => `${root}/${name}`);
			await v3().txn({ success: keys.slice(0, 3).map((key) => ({ op: "put", key, value: "" }) as const) });
			await v3().put(`${root}/4`, "");
			const events = one.events();
			const told = await Promise.all(keys.map(() => events.next()));
			assert.deepEqual(
				told.map(({ value }) => value?.kv.key),
				keys,
			);
			await events.return?.();
		});

		it("is ended by its signal, while it waits, with an AbortedError", async () => {
			const controller = new AbortController();
			const one = await watch(`${root}/a`, { signal: controller.signal });
			const waiting = assert.rejects(one.next(), AbortedError);
			controller.abort();
			await waiting;
		});
	});
});
