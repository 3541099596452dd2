import assert from "node:assert/strict";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type Change, follow, type Position } from "etcd-watch-lab/follow";
import { forEachEtcd } from "../support/etcd";
import { until } from "../support/until";
import { FlatSource } from "./flat-source";

const positionOf = (source: FlatSource, index: number, nodes: Position["nodes"] = []): Position => ({
	...{ format: "etcd-watch-lab/position", version: 1, key: "", recursive: true, clusterId: source.clusterId },
	...{ index, nodes },
});

describe("a backlog", () => {
	const queueLength = 100;
	const eventCount = 30_000;
	for (const [what, perRevision, begin] of [
		["from a position", 1, { position: true }],
		["from a position, of large revisions", 30, { position: true }],
		["after a reconnection", 1, {}],
		["after a bare index", 1, { afterIndex: 0 }],
	] as const) {
		it(`${what}: ${eventCount} events are handed on as they come, and no more held than the queue and one message`, async function () {
			this.timeout(20_000);
			const source = new FlatSource();
			const keys = Array.from({ length: perRevision }, (_, nth) => `k${nth}`);
			const revisions = Math.ceil(eventCount / perRevision);
			const write = () => {
				for (let nth = 0; nth < revisions; nth++) source.write(keys, `${nth}`);
			};
			const isLive = !("position" in begin) && !("afterIndex" in begin);
			if (isLive) source.before = [{ kind: "reconnected" }];
			else write();
			const follower = follow(source, "", {
				...{ recursive: true, queueLength },
				...("position" in begin ? { position: positionOf(source, 0) } : {}),
				...("afterIndex" in begin ? { afterIndex: 0 } : {}),
			});
			await follower.ready();
			if (isLive) write();
			const events = revisions * perRevision;
			let most = 0;
			let count = 0;
			for await (const change of follower) {
				assert.equal(change.kind, "event");
				count++;
				most = Math.max(most, source.toldCount - count);
				if (count === events) break;
			}
			assert.equal(count, events);
			// The queue is full with its last; the source has told one message beyond, which is being put.
			assert.ok(most <= queueLength + perRevision, `${most} were told and not consumed`);
		});
	}

	it("larger than the queue: is waited for while nobody reads", async () => {
		const source = new FlatSource();
		for (let nth = 0; nth < 1_000; nth++) source.write(["k"], `${nth}`);
		const follower = follow(source, "", { recursive: true, queueLength, position: positionOf(source, 0) });
		await until("it is full", () => source.toldCount >= queueLength);
		for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
		assert.ok(source.toldCount <= queueLength + 1, `${source.toldCount} were told`);
		await follower.close();
	});

	it("of another store that has outgrown the position is none of this one's, where the queue has room for it", async () => {
		const source = new FlatSource();
		for (let nth = 0; nth < 50; nth++) source.write([`new${nth}`]);
		const old = [{ key: "old", dir: false, value: "v", createdIndex: 7, modifiedIndex: 7 }];
		const follower = follow(source, "", {
			recursive: true,
			queueLength,
			position: positionOf(source, 50, old),
		});
		const { value } = await follower.next();
		assert.equal(value?.kind === "reset" && value.why, "another past");
		await follower.close();
	});

	it("of another store: a key that was there before the position is found out at once, however much has come since", async () => {
		const source = new FlatSource();
		source.write(["other"]);
		for (let nth = 0; nth < 1_000; nth++) source.write([`new${nth}`]);
		const follower = follow(source, "", { recursive: true, queueLength, position: positionOf(source, 5) });
		const { value } = await follower.next();
		assert.equal(value?.kind === "reset" && value.why, "another past");
		await follower.close();
	});

	it("of another store: the list says so in the end, where it is more than the queue has room for", async () => {
		const source = new FlatSource();
		for (let nth = 0; nth < 1_000; nth++) source.write([`new${nth}`]);
		const old = [{ key: "old", dir: false, value: "v", createdIndex: 0, modifiedIndex: 0 }];
		const follower = follow(source, "", {
			recursive: true,
			queueLength,
			position: positionOf(source, 0, old),
		});
		const changes: Change[] = [];
		for await (const change of follower) {
			changes.push(change);
			if (change.kind === "reset") break;
		}
		assert.deepEqual([changes.length, changes.at(-1)?.kind], [1_001, "reset"]);
	});

	it("an event that contradicts what was known is a reset in the midst of it", async () => {
		const source = new FlatSource();
		for (let nth = 0; nth < 1_000; nth++) source.write([nth === 500 ? "old" : `new${nth}`]);
		const old = [{ key: "old", dir: false, value: "v", createdIndex: 0, modifiedIndex: 0 }];
		const follower = follow(source, "", {
			recursive: true,
			queueLength,
			position: positionOf(source, 0, old),
		});
		const kinds: string[] = [];
		for await (const { kind } of follower) if (kinds.push(kind) && kind === "reset") break;
		assert.equal(kinds.length, 501);
	});
});

/** Reads from a position to an index, slowly; run with little memory. */
const slowReader = `
const { parentPort, workerData } = require("node:worker_threads");
const { follow } = require(workerData.follow);
const { V3Client } = require(workerData.v3);
(async () => {
	const { endpoints, root, position, last } = workerData;
	const client = new V3Client({ endpoints });
	let count = 0;
	for await (const { kind, index, more } of follow(client, root, { recursive: true, queueLength: 100, position })) {
		if (kind !== "event") throw new Error("a " + kind);
		if (++count % 100 === 0) await new Promise(setImmediate);
		if (index === last && !more) break;
	}
	await client.close();
	parentPort.postMessage(count);
})();
`;

forEachEtcd((server) => {
	it("a backlog of 80 MB is read from a position in a heap of 48 MB", async function () {
		this.timeout(60_000);
		const root = server.lab.newPrefix();
		const { v3, endpoints } = server.lab;
		const follower = follow(v3, root, { recursive: true });
		await follower.ready();
		const { position } = follower;
		await follower.close();
		const value = "x".repeat(10_000);
		let last = 0;
		for (let nth = 0; nth < 40; nth++) {
			const success = Array.from(
				{ length: 100 },
				(_, key) => ({ op: "put", key: `${root}/${key}`, value: `${nth}${value}` }) as const,
			);
			last = (await v3.txn({ success })).header.revision;
		}
		const worker = new Worker(slowReader, {
			eval: true,
			workerData: {
				follow: require.resolve("etcd-watch-lab/follow"),
				v3: require.resolve("etcd-watch-lab/v3"),
				...{ endpoints, root, position, last },
			},
			resourceLimits: { maxOldGenerationSizeMb: 48 },
		});
		const [count] = await once(worker, "message");
		assert.equal(count, 4_000);
		await worker.terminate();
	});
});
