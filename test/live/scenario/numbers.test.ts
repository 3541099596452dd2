import assert from "node:assert/strict";
import { type Scenario, scenario } from "etcd-watch-lab";
import { type Lab, startLab } from "etcd-watch-lab/server";
import { type KeyNumbers, keyNumbers, type NumberName, whatTheyCount } from "#lib/pages";
import { ScenarioError } from "#lib/scenario";
import { forEachEtcd } from "../../support/etcd";
import { scenarioOf } from "../../support/scenario/script";

const life = scenarioOf("one key: set /k 1; set /k 2; set /other x; update /k 3")
	.compareAndSwap("/k", "4", { prevValue: "3", prevIndex: 4 })
	.compareAndSwap("/k", "5", { prevValue: "wrong" })
	.delete("/k")
	.create("/k", "6");

const column = ({ after }: KeyNumbers, name: NumberName) => after.map(({ numbers }) => numbers[name] ?? "–");

forEachEtcd((server) => {
	// Of its own: one key with a ttl that another test has left makes the raft index go on by itself.
	let lab: Lab;
	before(async () => {
		lab = await startLab({ binary: server.binary, env: {} });
	});
	after(() => lab?.close());

	const numbersOf = (steps: Scenario, api: "v2" | "v3") => keyNumbers(steps, lab, "/k", { api });

	describe("keyNumbers", () => {
		it("reads v2's four: the set makes the key anew, the index is the store's, the raft index every attempt's", async () => {
			const numbers = await numbersOf(life, "v2");
			assert.deepEqual(column(numbers, "X-Raft-Index"), [1, 2, 3, 4, 5, 6, 7, 8]);
			assert.deepEqual(column(numbers, "X-Etcd-Index"), [1, 2, 3, 4, 5, 5, 6, 7]);
			assert.deepEqual(column(numbers, "modifiedIndex"), [1, 2, 2, 4, 5, 5, "–", 7]);
			assert.deepEqual(column(numbers, "createdIndex"), [1, 2, 2, 2, 2, 2, "–", 7]);
			assert.deepEqual(
				numbers.after.map(({ isAccepted, isOwn }) => [isAccepted, isOwn]),
				[
					[true, true],
					[true, true],
					[true, false],
					[true, true],
					[true, true],
					[false, true],
					[true, true],
					[true, true],
				],
			);
		});

		it("reads v3's five: a put keeps create_revision, and version counts the key's own writes", async () => {
			const numbers = await numbersOf(life, "v3");
			assert.deepEqual(column(numbers, "raftIndex"), [1, 2, 3, 4, 5, 6, 7, 8]);
			assert.deepEqual(column(numbers, "revision"), [1, 2, 3, 4, 5, 5, 6, 7]);
			assert.deepEqual(column(numbers, "mod_revision"), [1, 2, 2, 4, 5, 5, "–", 7]);
			assert.deepEqual(column(numbers, "create_revision"), [1, 1, 1, 1, 1, 1, "–", 7]);
			assert.deepEqual(column(numbers, "version"), [1, 2, 2, 3, 4, 4, "–", 1]);
		});

		it("shares one raft log between the APIs, and neither index nor revision", async () => {
			const { v2, v3 } = lab;
			const now = async () => {
				const { raftIndex, etcdIndex } = await v2.get("/");
				return { raftIndex, etcdIndex, status: await v3.status() };
			};
			const key = lab.newPrefix();
			const before = await now();
			await v3.put(key, "1");
			const after = await now();
			assert.equal(after.raftIndex - before.raftIndex, 1, "v2's header tells of v3's put");
			assert.equal(after.status.raftIndex, after.raftIndex);
			assert.equal(after.etcdIndex, before.etcdIndex);
			await v2.get("/", { quorum: true });
			const read = await now();
			assert.equal(read.raftIndex - after.raftIndex, 1, "a v2 quorum read is an entry of the log");
			await v3.range(key);
			assert.equal((await now()).raftIndex, read.raftIndex, "a linearizable v3 read is none");
			assert.equal((await now()).status.header.revision - before.status.header.revision, 1);
			await v3.delete(key);
		});

		it("leaves no v3 key behind, and takes writes alone", async () => {
			// Other tests share the server, and leave theirs.
			const keys = () => lab.v3.range(`${lab.root}/`, { prefix: true, countOnly: true });
			const before = await keys();
			await numbersOf(life, "v3");
			assert.equal((await keys()).count, before.count);
			await assert.rejects(
				numbersOf(scenario("watched").watch("w", "/k").set("/k"), "v2"),
				(error: Error) => {
					assert.ok(error instanceof ScenarioError);
					assert.match(error.message, /"watch w on \/k" is no write/);
					return true;
				},
			);
		});
	});

	describe("whatTheyCount", () => {
		it("tells the store's, the key's and every attempt apart, by what the server said", async () => {
			assert.deepEqual(whatTheyCount(await numbersOf(life, "v2")), {
				"X-Raft-Index": "every attempt",
				"X-Etcd-Index": "the store's writes",
				modifiedIndex: "the store's writes",
				createdIndex: "the store's writes",
			});
			assert.deepEqual(whatTheyCount(await numbersOf(life, "v3")), {
				raftIndex: "every attempt",
				revision: "the store's writes",
				mod_revision: "the store's writes",
				create_revision: "the store's writes",
				version: "the key's writes",
			});
		});

		it("knows nothing from a life with no other key, or with nothing refused", async () => {
			const alone = scenario("alone").set("/k").update("/none").set("/k");
			const smooth = scenario("smooth").set("/k").set("/other").set("/k");
			for (const steps of [alone, smooth])
				assert.deepEqual(
					[...new Set(Object.values(whatTheyCount(await numbersOf(steps, "v3"))))],
					["not known"],
					steps.name,
				);
		});
	});
});
