import assert from "node:assert/strict";
import { type Change, type Follower, follow } from "etcd-watch-lab/follow";
import { UnauthorizedError, V2DisabledError } from "etcd-watch-lab/v2";
import { RemoteConsumer } from "../../proofs/chaos/remote";
import { http } from "../../support/fake-server";
import { Followed } from "../../support/follow/followed";
import { assertNoSecret } from "../../support/secrets";
import { fakeServer, forEachEtcd, ownEtcd, v2At } from "../../support/servers";
import { until } from "../../support/until";
import { switchV2UsersOn } from "../../support/users";
import { writeMany } from "../../support/write-many";

const password = "f0llower-pass-never-shown";

/** Reads so many changes, and leaves. */
async function read(follower: Follower, count: number): Promise<readonly Change[]> {
	const changes: Change[] = [];
	for await (const change of follower) {
		changes.push(change);
		if (changes.length === count) break;
	}
	return changes;
}

const indexesOf = (changes: readonly Change[]) =>
	changes.map((change) => (change.kind === "event" ? change.index : -1));

forEachEtcd((server) => {
	describe("follow", () => {
		let prefix: string;
		const start = (options: Parameters<typeof Followed.start>[2] = {}) =>
			Followed.start(server.lab.endpoints, prefix, options);
		beforeEach(() => {
			prefix = server.lab.newPrefix();
		});

		it("hands on each kind of event with its action, node and prevNode", async () => {
			const { v2 } = server;
			const followed = await start();
			const [a, d] = [`${prefix}/a`, `${prefix}/d`];
			await v2.set(a, "1");
			await v2.update(a, "2");
			await v2.compareAndSwap(a, "3", { prevValue: "2" });
			await v2.create(`${d}/e`, "1");
			await v2.compareAndDelete(a, { prevValue: "3" });
			await v2.mkdir(`${d}/f`);
			await v2.rmdir(d, { recursive: true });
			await followed.has(7);
			assert.deepEqual(
				followed.changes.map(
					(change) => change.kind === "event" && [change.action, change.node.value, change.prevNode?.value],
				),
				[
					["set", "1", undefined],
					["update", "2", "1"],
					["compareAndSwap", "3", "2"],
					["create", "1", undefined],
					["compareAndDelete", undefined, "3"],
					["create", undefined, undefined],
					["delete", undefined, undefined],
				],
			);
			const last = followed.changes.at(-1);
			assert.deepEqual(last?.kind === "event" && last.removed?.map(({ key }) => key), [
				d,
				`${d}/e`,
				`${d}/f`,
			]);
		});

		it("loses and repeats nothing under sixteen writers, with other keys' writes in between", async () => {
			const followed = await start();
			const indexes: number[] = [];
			let next = 0;
			const writer = async () => {
				while (next < 1_500) {
					const nth = next++;
					const key = nth % 3 === 0 ? `${prefix}x/noise` : `${prefix}/d${nth % 7}/k${nth % 50}`;
					const { node } = await server.v2.set(key, "x");
					if (nth % 3 !== 0) indexes.push(node.modifiedIndex);
				}
			};
			await Promise.all(Array.from({ length: 16 }, writer));
			await followed.has(1_000);
			assert.deepEqual(
				followed.indexes,
				indexes.sort((one, two) => one - two),
			);
		});

		it("begins after any index that the history still holds, and catches up by many asks at once", async () => {
			const first = (await server.v2.set(`${prefix}/k`, "x")).node.modifiedIndex;
			const last = await writeMany(server.v2, prefix, 600);
			const changes = await read(follow(server.v2, prefix, { recursive: true, afterIndex: first - 1 }), 601);
			assert.deepEqual(
				indexesOf(changes),
				Array.from({ length: 601 }, (_, nth) => first + nth),
			);
			assert.equal(indexesOf(changes).at(-1), last);
			await until("the server has no watcher", async () => (await server.v2.watcherCount()) === 0);
		});

		it("watches a single key, and none below it, when it is not recursive", async () => {
			await server.v2.set(`${prefix}/d/k`, "1");
			const followed = await Followed.start(server.lab.endpoints, `${prefix}/d`, { recursive: false });
			await server.v2.set(`${prefix}/d/k`, "2");
			await server.v2.rmdir(prefix, { recursive: true });
			await followed.has(1);
			assert.deepEqual(
				followed.changes.map((change) => change.kind === "event" && [change.action, change.key]),
				[["delete", prefix]],
			);
		});

		it("is told of a directory's expiry with every key that went", async () => {
			await server.v2.mkdir(`${prefix}/d`, { ttl: 1 });
			await server.v2.set(`${prefix}/d/k`, "1");
			const followed = await start();
			await followed.has(1);
			const [change] = followed.changes;
			assert.deepEqual(change?.kind === "event" && [change.action, change.removed?.map(({ key }) => key)], [
				"expire",
				[`${prefix}/d`, `${prefix}/d/k`],
			]);
		});

		it("goes on in another process from a position that went through JSON, with nothing lost or repeated", async () => {
			const followed = await start();
			await server.v2.set(`${prefix}/a`, "1");
			await followed.has(1);
			const [a = 0] = followed.indexes;
			// It has asked for the next one: this one is consumed.
			await until("the position is at the event", () => followed.follower.position.index >= a);
			const { position } = followed.follower;
			await followed.close();
			const b = (await server.v2.set(`${prefix}/b`, "2")).node.modifiedIndex;
			const c = (await server.v2.set(`${prefix}/c`, "3")).node.modifiedIndex;
			const other = new RemoteConsumer({
				...{ name: "other", kind: "follow", api: "v2", endpoints: server.lab.endpoints, key: prefix },
				...{ recursive: true, epoch: 0, gaps: "none", position, queueLength: 1, paceMs: 50 },
			});
			try {
				assert.ok(await other.reached(c, 10_000), `it is at ${other.lastIndex}: ${other.error}`);
				const d = (await server.v2.set(`${prefix}/a`, "4")).node.modifiedIndex;
				assert.ok(await other.reached(d, 10_000), `it is at ${other.lastIndex}: ${other.error}`);
				const { deliveries, queue } = other.following("finished");
				assert.deepEqual(
					[...followed.indexes, ...indexesOf(deliveries.map(({ change }) => change))],
					[a, b, c, d],
				);
				assert.equal(queue?.most, 1, "what the other process held is told to this one (T24)");
				assert.notEqual(other.pid, process.pid);
			} finally {
				await other.stop();
			}
		});

		for (const [way, leave] of [
			["break", async (follower: Follower) => void (await read(follower, 1))],
			["close()", (follower: Follower) => follower.close()],
			["Symbol.asyncDispose", async (follower: Follower) => await follower[Symbol.asyncDispose]()],
		] as const) {
			it(`closes every connection at ${way}`, async () => {
				const follower = follow(v2At(server.lab.endpoints), prefix, { recursive: true });
				await follower.ready();
				await until("it is registered", async () => (await server.v2.watcherCount()) === 1);
				await server.v2.set(`${prefix}/a`, "1");
				await leave(follower);
				await until("the server has no watcher", async () => (await server.v2.watcherCount()) === 0);
				assert.deepEqual(await follower.next(), { done: true, value: undefined });
			});
		}

		it("works for a user with a password, and refuses a wrong one with 110", async () => {
			const own = await ownEtcd(server.binary);
			await switchV2UsersOn(own, password);
			const root = v2At(own, { user: { name: "root", password } });
			const follower = follow(root, "/a", { recursive: true });
			await follower.ready();
			const next = follower.next();
			await root.set("/a/b", "1");
			assert.equal((await next).value?.kind, "event");
			assertNoSecret(follower, password);
			await follower.close();
			const nobody = v2At(own, { user: { name: "root", password: "wr0ng" } });
			const refused = follow(nobody, "/a");
			await assert.rejects(refused.ready(), UnauthorizedError);
			await assert.rejects(refused.next(), UnauthorizedError);
		});
	});
});

describe("follow refuses", () => {
	it("a server without the v2 API, and says which version it is", async () => {
		const server = await fakeServer((socket, { path }) =>
			socket.write(
				path === "/version"
					? http(200, '{"etcdserver":"3.6.0","etcdcluster":"3.6.0"}', { "content-type": "application/json" })
					: http(404, "404 page not found\n", { "content-type": "text/plain" }),
			),
		);
		const client = v2At(server);
		const follower = follow(client, "/a");
		await assert.rejects(follower.ready(), V2DisabledError);
		await assert.rejects(follower.next(), /etcd 3\.6\.0 .* has no v2 API/);
	});
});
