import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { type Follower, follow, type Position } from "etcd-watch-lab/dist/follow";
import fc from "fast-check";
import { forEachEtcd } from "../support/etcd";
import { until } from "../support/until";
import { FlatSource } from "./flat-source";

/** @throws when it takes longer than a second */
async function soon<T>(what: string, promise: Promise<T>): Promise<T> {
	const controller = new AbortController();
	const late = wait(1_000, undefined, { signal: controller.signal }).then(() => {
		throw new Error(`${what} has not ended in a second`);
	});
	try {
		return await Promise.race([promise, late]);
	} finally {
		controller.abort();
		late.catch(() => {});
	}
}

const positionAt0: Position = {
	...{ format: "etcd-watch-lab/position", version: 1, key: "", recursive: true, index: 0, clusterId: "1" },
	nodes: [],
};

const ways: Record<string, (follower: Follower, controller: AbortController) => Promise<unknown>> = {
	"close()": (follower) => follower.close(),
	"return()": (follower) => follower.return(),
	break: async (follower) => {
		for await (const _ of follower) break;
	},
	"the signal": async (follower, controller) => {
		controller.abort();
		await follower.close();
	},
};

describe("the end of a follower", () => {
	it("comes whatever the queue's length, the size of the revisions, the moment and the way", async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.integer({ min: 1, max: 20 }),
				fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 }),
				fc.nat(60),
				fc.constantFrom(...Object.keys(ways)),
				fc.constantFrom("now", "afterIndex", "position"),
				async (queueLength, sizes, taken, way, from) => {
					const source = new FlatSource();
					const controller = new AbortController();
					const { signal } = controller;
					const write = () => {
						for (const size of sizes) source.write(Array.from({ length: size }, (_, nth) => `k${nth}`));
						return sizes.reduce((one, two) => one + two);
					};
					const before = from === "now" ? 0 : write();
					const follower = follow(source, "", {
						...{ recursive: true, queueLength, signal },
						...(from === "afterIndex" ? { afterIndex: 0 } : {}),
						...(from === "position" ? { position: positionAt0 } : {}),
					});
					await follower.ready();
					const written = before || write();
					for (let nth = 0; nth < Math.min(taken, written - 1); nth++) {
						await soon(`change ${nth}`, follower.next());
					}
					await soon(way, ways[way]?.(follower, controller) ?? Promise.resolve());
					assert.deepEqual(await soon("next()", follower.next()), { done: true, value: undefined });
				},
			),
			{ numRuns: 300 },
		);
	});
});

forEachEtcd((server) => {
	describe("the end of a follower of v3", () => {
		it("comes in the midst of a transaction that is larger than the queue", async () => {
			const root = server.lab.newPrefix();
			const { v3 } = server.lab;
			const follower = follow(v3, root, { recursive: true, queueLength: 1 });
			await follower.ready();
			const first = follower.next();
			const success = ["1", "2", "3"].map(
				(name) => ({ op: "put", key: `${root}/${name}`, value: "" }) as const,
			);
			await v3.txn({ success });
			await first;
			await soon("close()", follower.close());
		});

		it("comes by break in the midst of 1,200 keys that were deleted at once", async () => {
			const root = server.lab.newPrefix();
			const { v3 } = server.lab;
			for (let at = 0; at < 1_200; at += 100) {
				const keys = Array.from({ length: 100 }, (_, nth) => `${root}/${at + nth}`);
				await v3.txn({ success: keys.map((key) => ({ op: "put", key, value: "" }) as const) });
			}
			let isFull = false;
			const follower = follow(v3, root, {
				recursive: true,
				onNote: ({ note }) => {
					isFull ||= note === "full";
				},
			});
			await follower.ready();
			const first = follower.next();
			await v3.delete(`${root}/`, { prefix: true });
			await first;
			await until("the queue is full", () => isFull);
			await soon("break", ways["break"]?.(follower, new AbortController()) ?? Promise.resolve());
		});
	});
});
