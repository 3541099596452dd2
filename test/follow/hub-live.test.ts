import assert from "node:assert/strict";
import { Keys } from "etcd-watch-lab/dist/etcd";
import { type Change, follow, type Hub, type HubWatch, startHub } from "etcd-watch-lab/dist/follow";
import fc from "fast-check";
import { forEachEtcd } from "../support/etcd";
import { until } from "../support/until";
import { writeMany } from "../support/write-many";
import { told } from "./hub-reader";

/** Reads to the end, whatever it is. */
function reading(changes: AsyncIterable<Change>): Change[] {
	const heard: Change[] = [];
	void (async () => {
		for await (const change of changes) heard.push(change);
	})();
	return heard;
}

const options = { probeMs: 20 } as const;
const names = fc.constantFrom("a", "a/b", "a/b/c", "ab", "_h", "d");
const programs = fc.record({
	watches: fc.array(fc.record({ name: fc.constantFrom("a", "a/b", "ab", "d"), recursive: fc.boolean() }), {
		minLength: 3,
		maxLength: 5,
	}),
	writes: fc.array(
		fc.record({
			write: fc.constantFrom("set", "set", "set", "delete", "rmdir", "update", "mkdir"),
			name: names,
		}),
		{ minLength: 15, maxLength: 30 },
	),
});

forEachEtcd((server) => {
	describe("a hub over a live etcd", () => {
		let hub: Hub;
		let root: string;
		beforeEach(async () => {
			root = server.lab.newPrefix();
			await server.v2.set(`${root}/first`, "1");
			hub = await startHub(server.v2, root, options);
		});
		afterEach(() => hub.close());

		it("tells its watches what followers of the same keys are told", async () => {
			let total = 0;
			await fc.assert(
				fc.asyncProperty(programs, async ({ watches, writes }) => {
					const top = server.lab.newPrefix();
					await server.v2.set(`${top}/a/b/c`, "0");
					const local = await startHub(server.v2, top, options);
					const pairs = watches.map(({ name, recursive }) => {
						const key = `${top}/${name}`;
						const watch = local.watch(key, { recursive });
						const follower = follow(server.v2, key, { ...options, recursive });
						return { watch, heard: reading(watch), follower, followed: reading(follower) };
					});
					await Promise.all(pairs.map(({ follower }) => follower.ready()));
					for (const { write, name } of writes) {
						await carryOut(server.v2, write, `${top}/${name}`).catch(() => undefined);
					}
					const fences = await fence(server.v2, top);
					for (const { watch, heard, followed } of pairs) {
						const end = fences.get(watch.key) ?? 0;
						const isThere = (changes: readonly Change[]) =>
							changes.some((change) => change.kind === "event" && change.index === end);
						await until(`both hear of ${end}`, () => isThere(heard) && isThere(followed));
						// A follower that is not recursive does not know of a directory that was made for the keys in it.
						const isComparable = (change: Change) =>
							change.kind === "event" && change.index <= end && (watch.recursive || change.key === watch.key);
						assert.deepEqual(heard.filter(isComparable).map(told), followed.filter(isComparable).map(told));
						total += heard.length;
					}
					await Promise.all([local.close(), ...pairs.map(({ follower }) => follower.close())]);
				}),
				{ numRuns: 8 },
			);
			assert.ok(total > 20, `${total} events`);
		}).timeout(15_000);

		it("serves 10,000 watches by one upstream follower", async () => {
			const others = await server.v2.watcherCount();
			const wanted = 10_000;
			const watches: HubWatch[] = [];
			let heard = 0;
			const count = async (watch: HubWatch) => {
				for await (const change of watch) if (change.kind === "event") heard++;
			};
			for (let at = 0; at < wanted; at++) {
				const watch = hub.watch(`${root}/k/${at % 100}`, { recursive: at % 2 === 0 });
				watches.push(watch);
				void count(watch);
			}
			for (let at = 0; at < 10; at++) await server.v2.set(`${root}/k/${at}/x`, "1");
			const { node } = await server.v2.rmdir(`${root}/k`, { recursive: true });
			await hub.at(node.modifiedIndex);
			// Of 100 watches on each of ten keys, those on the even ones are recursive; the removal reaches all of them.
			await until("all are told", () => heard === 5 * 100 + 10 * 100);
			assert.equal(hub.watchCount, wanted);
			const upstream = (await server.v2.watcherCount()) - others;
			assert.ok(upstream <= 1, `${upstream} more watchers at the server`);
			await Promise.all(watches.map((watch) => watch.return()));
			assert.equal(hub.watchCount, 0);
		}).timeout(10_000);

		it("starts a watch in the past and asks the server for nothing", async () => {
			const first = hub.index;
			// Not faster than the hub: it is its own history that is looked at.
			for (let count = 0; count < 4; count++) await hub.at(await writeMany(server.v2, root, 300));
			const changes = reading(hub.watch(root, { recursive: true, afterIndex: first }));
			await until("the whole past is read", () => changes.length >= 1_200);
			assert.ok(
				changes.every(({ kind }) => kind === "event"),
				"further back than etcd's own 1000, and no gap",
			);
			const indexes = changes.map((change) => (change.kind === "event" ? change.index : 0));
			assert.deepEqual(
				indexes,
				[...new Set(indexes)].sort((one, two) => one - two),
			);
		});

		it("closes its connections with a client of its own still open", async () => {
			await hub.close();
			await until("the server has no watcher", async () => (await server.v2.watcherCount()) === 0);
			const keys = new Keys({ endpoints: server.v2.endpoints });
			const own = await startHub(keys, root);
			await until("the hub watches", async () => (await server.v2.watcherCount()) === 1);
			await own.close();
			await until("the server has let go of it", async () => (await server.v2.watcherCount()) === 0);
			await keys.close();
		});
	});
});

/** Writes each watched key itself once more; returns the indexes. */
async function fence(v2: Keys, top: string): Promise<ReadonlyMap<string, number>> {
	await v2.rmdir(top, { recursive: true });
	const fences = new Map<string, number>();
	for (const name of ["a", "ab", "d", "a/b"]) {
		// The directory that "a/b" is in takes the place of the file.
		if (name === "a/b") await v2.delete(`${top}/a`);
		fences.set(`${top}/${name}`, (await v2.set(`${top}/${name}`, "fence")).node.modifiedIndex);
	}
	return fences;
}

async function carryOut(v2: Keys, write: string, key: string): Promise<number> {
	switch (write) {
		case "delete":
			return (await v2.delete(key)).node.modifiedIndex;
		case "rmdir":
			return (await v2.rmdir(key, { recursive: true })).node.modifiedIndex;
		case "update":
			return (await v2.update(key, "2")).node.modifiedIndex;
		case "mkdir":
			return (await v2.mkdir(key)).node.modifiedIndex;
		default:
			return (await v2.set(key, "1")).node.modifiedIndex;
	}
}
