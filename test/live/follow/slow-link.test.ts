import assert from "node:assert/strict";
import { type V3Client, WebSocketRefusedError } from "etcd-watch-lab/v3";
import { reachOf } from "../../support/follow/change-reader";
import { Followed } from "../../support/follow/followed";
import type { FaultProxy } from "../../support/proxy/proxy";
import { etcd35, ownEtcd, proxyTo, v2At, v3At } from "../../support/servers";
import { until } from "../../support/until";

/** It has to watch by HTTP. */
function withoutWebSocket(client: V3Client): V3Client {
	client.watches = () => Promise.reject(new WebSocketRefusedError("no WebSocket here", 426));
	return client;
}

describe("an event that takes its time on a slow link to etcd 3.5.1", () => {
	const ways = {
		"a poll of v2": v2At,
		"a WebSocket": v3At,
		"an HTTP stream": (at: FaultProxy) => withoutWebSocket(v3At(at)),
	};
	for (const [way, readAt] of Object.entries(ways))
		it(`is no silence: nothing is said of its index before it has come, by ${way}`, async function () {
			this.timeout(60_000);
			const own = await ownEtcd(etcd35);
			const proxy = await proxyTo(own);
			const isV3 = way !== "a poll of v2";
			const [v2, v3] = [v2At(own), v3At(own)];
			const put = async (key: string, value: string) =>
				isV3 ? (await v3.put(key, value)).header.revision : (await v2.set(key, value)).etcdIndex;
			const slow = await Followed.start(readAt(proxy), "/a", { rollMs: [50, 100], timeoutMs: 20_000 });
			await put("/a/first", "");
			await until("it is live", () => slow.changes.length === 1);
			proxy.inject({ kind: "throttle", toClient: 30_000 });
			// What is there no more at its end no list can show.
			const large = await put("/a/large", "x".repeat(40_000));
			if (isV3) await v3.delete("/a/large");
			else await v2.delete("/a/large");
			for (let nth = 0; nth < 300; nth++) await put("/b", "");
			await until(
				"it has come",
				() => {
					const told = slow.notes.find((note) => note.note === "bookmarked" && note.index >= large);
					const isTold = slow.indexes.includes(large);
					assert.ok(isTold || told === undefined, `${large} is not there, and ${JSON.stringify(told)}`);
					return isTold;
				},
				30_000,
			);
			await until("its end has come", () => slow.changes.length === 3, 30_000);
			assert.deepEqual(slow.kinds, ["event", "event", "event"]);
		});
});

describe("a slow link and a compaction on etcd 3.5.1 (issue 17529)", () => {
	it("are told as events or a gap, never as nothing", async function () {
		this.timeout(240_000);
		const own = await ownEtcd(etcd35, { v2: false });
		const proxy = await proxyTo(own);
		const writer = v3At(own);
		const reader = v3At(proxy);
		// Compacted once: what issue 20693 needs is not there.
		await writer.compact((await writer.put("/a/before", "")).header.revision);
		const slow = await Followed.start(reader, "/a", { timeoutMs: 20_000 });
		const first = (await writer.put("/a/first", "")).header.revision;
		await until("it is live", () => slow.changes.length === 1);
		// Nothing of a value's size comes through while it is written, and little when the rest is compacted.
		proxy.inject({ kind: "throttle", toClient: 20_000 });
		const value = "x".repeat(1_000_000);
		let last = 0;
		for (let nth = 0; nth < 260; nth++) last = (await writer.put(`/a/${nth}`, value)).header.revision;
		await writer.compact(last);
		const live = (await writer.put("/a/live", "")).header.revision;
		proxy.inject({ kind: "throttle", toClient: 3_500_000 });
		await until("a little has come", () => slow.changes.length > 4, 60_000);
		proxy.lift("throttle");
		await until(
			"it has caught up",
			() => {
				if (slow.error !== undefined) throw slow.error;
				return reachOf(slow.changes.at(-1)) >= live;
			},
			100_000,
		);
		let through = first - 1;
		for (const change of slow.changes) {
			assert.notEqual(change.kind, "reset");
			const from = change.kind === "gap" ? change.from : change.kind === "event" ? change.index : 0;
			assert.equal(from, through + 1, `something between ${through} and ${from} is missing`);
			through = reachOf(change);
		}
		assert.ok(through >= live);
		// The reader was slow enough: what it had not been sent was compacted.
		assert.ok(slow.kinds.includes("gap"), "nothing was left out");
	});
});
