import assert from "node:assert/strict";
import { type FollowOptions, follow, type Note } from "etcd-watch-lab/follow";
import { type RangeOptions, V3Client } from "etcd-watch-lab/v3";
import { BadAnswerError } from "#lib/http";
import { OwnEtcd } from "../../support/own-etcd";
import { etcd35, proxyTo, v3At, withTest } from "../../support/servers";

const quick: FollowOptions = { backoffMs: [5, 50], recursive: true };

/** A client that notes how many keys it asks for at once. */
class Paging extends V3Client {
	readonly limits: number[] = [];
	override async range(key: string | Uint8Array, options: RangeOptions = {}) {
		if (options.limit !== undefined && !options.countOnly) this.limits.push(options.limit);
		return await super.range(key, options);
	}
}

const pagingAt = ({ endpoint }: OwnEtcd) =>
	withTest(new Paging({ endpoints: [endpoint] }), (client) => client.close());

describe("a list of v3", () => {
	let own: OwnEtcd;
	let client: V3Client;
	before(async function () {
		this.timeout(60_000);
		own = await OwnEtcd.start(etcd35, { v2: false });
		client = new V3Client({ endpoints: [own.endpoint] });
		// 52 values of 1.4 MB are 93 MiB of JSON, more than an answer may be (issue 12342).
		const value = "x".repeat(1_400_000);
		for (let nth = 0; nth < 52; nth++) await client.put(`/big/${String(nth).padStart(2, "0")}`, value);
		for (let at = 0; at < 3_000; at += 100) {
			const keys = Array.from({ length: 100 }, (_, nth) => `/small/${at + nth}`);
			await client.txn({ success: keys.map((key) => ({ op: "put", key, value: "" }) as const) });
		}
	});
	after(async () => {
		await client.close();
		await own.stop();
	});

	it("of 52 values of 1.4 MB comes in pages that fit", async function () {
		this.timeout(60_000);
		const paging = pagingAt(own);
		const notes: Note[] = [];
		const follower = follow(paging, "/big", { ...quick, onNote: (note) => notes.push(note) });
		const { nodes } = await follower.ready();
		assert.deepEqual([nodes.length, nodes[51]?.value?.length], [52, 1_400_000]);
		assert.ok(notes.every(({ note }) => note !== "failed"));
		assert.ok(Math.max(...paging.limits.slice(3)) < 52, `${paging.limits}`);
		await follower.close();
	});

	it("of small ones comes in pages that grow", async () => {
		const paging = pagingAt(own);
		const follower = follow(paging, "/small", quick);
		assert.equal((await follower.ready()).nodes.length, 3_000);
		assert.ok(paging.limits.length <= 5, `${paging.limits}`);
		await follower.close();
	});

	it("whose one value is more than an answer may be ends the follower, which says so", async () => {
		const narrow = v3At(own, { maxBodyBytes: 1_000_000 });
		const follower = follow(narrow, "/big", quick);
		await assert.rejects(follower.ready(), { name: "BadAnswerError", kind: "too large" });
		await assert.rejects(follower.next(), BadAnswerError);
		await follower.close();
	});

	it("on a slow link comes in pages that can be read in their time", async function () {
		this.timeout(120_000);
		const proxy = await proxyTo(own);
		proxy.inject({ kind: "throttle", toClient: 6_000_000 });
		const slow = v3At(proxy);
		// A page of four values takes a second; 16 of them, the first that is small enough otherwise, take five.
		const follower = follow(slow, "/big", { ...quick, timeoutMs: 2_000 });
		assert.equal((await follower.ready()).nodes.length, 52);
		await follower.close();
	});
});
