import assert from "node:assert/strict";
import { scenario } from "etcd-watch-lab";
import { NoSpaceError, type V3Client } from "etcd-watch-lab/v3";
import type { Target } from "#lib/scenario/api.js";
import { type EtcdKind, v3Kinds } from "../../support/etcds";
import { ownOf, v3At } from "../../support/servers";

/** Sixteen clients put keys below /a/ until the database is full, and the alarm refuses what still comes. */
async function fill(
	v3: V3Client,
): Promise<{ readonly put: readonly string[]; readonly refused: readonly string[] }> {
	const put: string[] = [];
	const refused: string[] = [];
	const client = async (name: number) => {
		for (let nth = 0; refused.length < 64; nth++) {
			const key = `/a/${name}-${nth}`;
			try {
				await v3.put(key, "x".repeat(20_000));
				put.push(key);
			} catch (error) {
				assert.ok(error instanceof NoSpaceError, String(error));
				assert.equal(error.maybeApplied, true);
				refused.push(key);
			}
		}
	};
	await Promise.all(Array.from({ length: 16 }, (_, name) => client(name)));
	return { put, refused };
}

/** Fills a new database; gives how many writes were refused and carried out all the same. */
async function refusedAndDone(kind: EtcdKind): Promise<number> {
	const own = await ownOf(kind, ["--quota-backend-bytes", "1000000"]);
	if (own === undefined) return 1;
	const v3 = v3At(own);
	const watch = await v3.watch("/a/", { prefix: true });
	const { put, refused } = await fill(v3);
	const { kvs } = await v3.range("/a/", { prefix: true, keysOnly: true });
	const there = kvs.map(({ key }) => key);
	const done = refused.filter((key) => there.includes(key));
	assert.deepEqual([...put, ...done].toSorted(), there.toSorted());
	assert.ok(done.length < refused.length, "one was refused and not carried out");
	await assert.rejects(v3.grant(60), NoSpaceError);
	// Reads, deletes and watches go on.
	await v3.delete("/a/", { prefix: true });
	const told: string[] = [];
	for await (const { type, kv } of watch.events()) {
		told.push(`${type} ${kv.key}`);
		if (told.length === 2 * there.length) break;
	}
	const both = ["put", "delete"].flatMap((type) => there.map((key) => `${type} ${key}`));
	assert.deepEqual(told.toSorted(), both.toSorted());
	return done.length;
}

const wanted = [
	...["set /a/1: accepted", "set /a/2: failed"],
	...["key: 1, fence", "tree: 1, fence", "nothing: 0, none"],
	"delete /a/1",
];

/** A run whose database becomes full after its first write: what it notes of the others, and how each silence is known. */
async function runOnFull(kind: EtcdKind): Promise<readonly string[] | undefined> {
	const own = await ownOf(kind, ["--quota-backend-bytes", "1000000"]);
	if (own === undefined) return undefined;
	const v3 = v3At(own);
	const target = { v3, version: kind, newPrefix: () => "/run" } as Partial<Target> as Target;
	let isFull = false;
	const onWritten = async () => {
		if (!isFull) await fill(v3);
		isFull = true;
	};
	const { writes, watchers, fences } = await scenario("on a full database")
		.watch("key", "/a/1")
		.watch("tree", "/a", { recursive: true })
		.watch("nothing", "/b")
		.set("/a/1")
		.set("/a/2")
		.run(target, { api: "v3", onWritten });
	return [
		...writes.map(({ operation, key, outcome }) => `${operation} ${key}: ${outcome.kind}`),
		...watchers.map(({ name, proof, deliveries }) => `${name}: ${deliveries.length}, ${proof}`),
		...fences.map(({ action, key }) => `${action} ${key}`),
	];
}

for (const kind of v3Kinds) {
	describe(`a database that comes to its quota, on etcd ${kind}`, function () {
		this.timeout(120_000);

		it("refuses writes that it carries out, as their errors say, and tells its watches of them", async () => {
			// Only what is under way when the quota is reached: one of a few databases has some.
			for (let tries = 0; tries < 12; tries++) if ((await refusedAndDone(kind)) > 0) return;
			assert.fail("no write was refused and carried out");
		});

		it("takes no last put of a run, which deletes what is there, and knows no more of a key that is not", async () => {
			assert.deepEqual((await runOnFull(kind)) ?? wanted, wanted);
		});
	});
}
