import assert from "node:assert/strict";
import { type Follower, follow } from "etcd-watch-lab/follow";
import { UnauthorizedError, V2DisabledError } from "etcd-watch-lab/v2";
import { http } from "../../support/fake-server";
import { Followed } from "../../support/follow/followed";
import { assertNoSecret } from "../../support/secrets";
import { fakeServer, forEachEtcd, ownEtcd, v2At } from "../../support/servers";
import { until } from "../../support/until";
import { switchV2UsersOn } from "../../support/users";

const password = "f0llower-pass-never-shown";

forEachEtcd((server) => {
	describe("follow", () => {
		let prefix: string;
		beforeEach(() => {
			prefix = server.lab.newPrefix();
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

		for (const [way, leave] of [
			[
				"break",
				async (follower: Follower) => {
					for await (const _ of follower) break;
				},
			],
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
