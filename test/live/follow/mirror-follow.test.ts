import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { follow, mirror } from "etcd-watch-lab/follow";
import { RaftError } from "etcd-watch-lab/v2";
import { Following } from "#lib/follow/follow.js";
import { forEachEtcd } from "../../support/etcd";
import { told } from "../../support/follow/change-reader";
import { ModelUpstream } from "../../support/follow/model-upstream";

describe("what a mirror needs of follow()", () => {
	it("gives each of several next() calls at once a change of its own, and loses none from its position", async () => {
		const upstream = new ModelUpstream();
		const follower = follow(upstream.source("/r"), "/r", { recursive: true });
		await follower.ready();
		const results = Promise.all([follower.next(), follower.next(), follower.next()]);
		await setImmediate();
		for (const key of ["/r/a", "/r/b", "/r/c"]) upstream.set(key);
		const changes = (await results).map(({ value }) => value && told(value));
		assert.deepEqual(changes, ["set /r/a 1", "set /r/b 2", "set /r/c 3"]);
		const keys = follower.position.nodes?.map(({ key }) => key);
		assert.deepEqual([follower.position.index, keys], [2, ["/r", "/r/a", "/r/b"]]);
		await follower.close();
	});

	it("tells its bookmarks between the changes, where they are asked for", async () => {
		const upstream = new ModelUpstream();
		const follower = new Following(upstream.source("/r"), "/r", { recursive: true });
		await follower.ready();
		for (const key of ["/r/a", "/x", "/r/b", "/x"]) upstream.set(key);
		const heard: string[] = [];
		for (let count = 0; count < 4; count++) {
			const { value } = await follower.nextQueued();
			if (value) heard.push(value.kind === "bookmark" ? `bookmark ${value.index}` : told(value));
		}
		assert.deepEqual(heard, ["set /r/a 1", "bookmark 2", "set /r/b 3", "bookmark 4"]);
		assert.equal(follower.position.index, 4);
		await follower.close();
	});
});

forEachEtcd((server) => {
	it("follows a key that is written with a slash at its end", async () => {
		const key = server.lab.newPrefix();
		const follower = follow(server.v2, `${key}/`, { recursive: true });
		await follower.ready();
		const { node } = await server.v2.set(`${key}/a`, "1");
		const { value } = await follower.next();
		assert.equal(value && told(value), `set ${key}/a ${node.modifiedIndex}`);
		assert.equal(follower.position.key, key);
		await follower.close();
	});

	it("keeps a directory's modifiedIndex when its ttl is changed, as etcd does (T21)", async () => {
		const key = server.lab.newPrefix();
		await server.v2.mkdir(key);
		const tree = await mirror(server.v2, key);
		const is = await server.v2.updateDirectory(key, { ttl: 300 }).catch((error: unknown) => error);
		const refusal = is instanceof RaftError ? [is.code, is.status, is.index] : "none";
		assert.deepEqual(refusal, server.series === "3.4" ? "none" : [300, 500, 0]);
		const { node, etcdIndex } = await server.v2.get(key);
		await tree.at(etcdIndex);
		assert.equal(tree.get(key)?.modifiedIndex, node.modifiedIndex);
		assert.equal(tree.get(key)?.expiration, node.expiration);
		await tree.close();
	});
});
