import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { type Change, follow, type Position } from "etcd-watch-lab/follow";
import { root as checkout } from "../../support/checkout";
import { forEachEtcd } from "../../support/etcd";
import { FlatSource } from "../../support/follow/flat-source";
import { until } from "../../support/until";

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

	const old = (index: number) => [
		{ ...{ key: "old", dir: false, value: "v", createdIndex: index, modifiedIndex: index } },
	];
	for (const [what, keys, index, nodes, eventsBefore] of [
		[
			"of another store that has outgrown the position is none of this one's, where the queue has room for it",
			50,
			50,
			old(7),
			0,
		],
		[
			"of another store: a key that was there before the position is found out at once, however much has come since",
			1_000,
			5,
			[],
			0,
		],
		[
			"of another store: the list says so in the end, where it is more than the queue has room for",
			1_000,
			0,
			old(0),
			1_000,
		],
		["an event that contradicts what was known is a reset in the midst of it", 1_000, 0, old(0), 500],
	] as const)
		it(what, async () => {
			const source = new FlatSource();
			for (let nth = 0; nth < keys; nth++)
				source.write([nth === eventsBefore && nth > 0 ? "old" : `new${nth}`]);
			const position = positionOf(source, index, nodes);
			const changes: Change[] = [];
			for await (const change of follow(source, "", { recursive: true, queueLength, position }))
				if (changes.push(change) && change.kind === "reset") break;
			assert.equal(changes.length, eventsBefore + 1);
			const reset = changes.at(-1);
			if (eventsBefore === 0) assert.equal(reset?.kind === "reset" && reset.why, "another past");
		});
});

/** Follows in a process of its own, with little heap; reads when it is told to, a little at a time, up to an index. */
const slowReader = `
const { endpoints, root, api, position, queueLength } = JSON.parse(process.argv[1]);
const { V2Client } = require("etcd-watch-lab/v2");
const { V3Client } = require("etcd-watch-lab/v3");
const client = api === "v2" ? new V2Client({ endpoints }) : new V3Client({ endpoints });
const follower = require("etcd-watch-lab/follow").follow(client, root, { recursive: true, queueLength, position });
const said = { event: 0, gap: 0, reset: 0 };
follower.ready().then(() => process.send("ready"));
process.once("message", async (last) => {
	for await (const change of follower) {
		if (++said[change.kind] % 100 === 0) await new Promise(setImmediate);
		if ((change.kind === "event" ? change.index : change.state.index) >= last && !change.more) break;
	}
	await client.close();
	process.send(said);
	process.disconnect();
});
`;

/** The most that a process had in memory at once so far, in MB: its Buffers are not in its heap. */
function peakMb(pid: number | undefined): number {
	return Number(/^VmHWM:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_000;
}

forEachEtcd((server) => {
	const value = "x".repeat(30_000);
	for (const [api, state] of [
		["v3", "from a position"],
		["v3", "while nobody reads"],
		["v2", "while nobody reads"],
	] as const) {
		it(`100 MB of ${api}, ${state}, are followed in a heap of 48 MB, with the process grown by less than they are`, async function () {
			this.timeout(120_000);
			const root = server.lab.newPrefix();
			const { v2, v3, endpoints } = server.lab;
			const first = follow(api === "v2" ? v2 : v3, root, { recursive: true });
			await first.ready();
			const { position } = first;
			await first.close();
			let last = 0;
			const write = async () => {
				for (let nth = 0; nth < 1_600; nth += 16) {
					const all = Array.from({ length: 16 }, (_, key) => [`${root}/${key}`, `${nth}${value}`] as const);
					if (api === "v3") {
						const success = all.map(([key, value]) => ({ op: "put", key, value }) as const);
						last = (await v3.txn({ success })).header.revision;
					} else {
						const indexes = all.map(async ([key, value]) => (await v2.set(key, value)).node.modifiedIndex);
						last = Math.max(...(await Promise.all(indexes)));
					}
				}
			};
			const isPast = state === "from a position";
			if (isPast) await write();
			const settings = { endpoints, root, api, queueLength: 100, ...(isPast ? { position } : {}) };
			const child = spawn(
				process.execPath,
				// The young generation is not what a follower holds: from Node 24 on it may be as large again.
				[
					...["--max-old-space-size=48", "--max-semi-space-size=8"],
					...["-e", slowReader, JSON.stringify(settings)],
				],
				{
					stdio: ["ignore", "inherit", "inherit", "ipc"],
					cwd: checkout,
				},
			);
			const ended = once(child, "exit");
			const message = () =>
				Promise.race([
					once(child, "message"),
					ended.then(([code, signal]) => assert.fail(`it ended with ${code ?? signal}`)),
				]);
			try {
				await message();
				const before = peakMb(child.pid);
				if (!isPast) await write();
				child.send(last);
				const [said] = await message();
				const grown = peakMb(child.pid) - before;
				assert.ok(grown < 100, `it grew by ${grown} MB`);
				assert.equal(said.reset, 0);
				// v2's history is 1,000 events; v3 forgets none.
				assert.deepEqual([said.gap, api === "v3" && said.event], api === "v3" ? [0, 1_600] : [1, false]);
				await ended;
			} finally {
				child.kill("SIGKILL");
			}
		});
	}
});
