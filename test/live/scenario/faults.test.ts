import assert from "node:assert/strict";
import { explain, missedBy, runOnModel, type Scenario, scenario, type Timeline } from "etcd-watch-lab";
import { type Cluster, type Member, startCluster } from "etcd-watch-lab/server";
import { lossTable } from "#lib/page";
import { atMember, endCluster, notTheLeader, ownCluster, readsWhenCutOff } from "#lib/pages";
import { ScenarioError } from "#lib/scenario";
import { compareTimelines, gapsOf, lostInSilence } from "#lib/timeline";
import { forEachEtcd } from "../../support/etcd";
import { assertLived, assertSent } from "../../support/scenario/shows";
import { explainAll, life, sent, watcherOf } from "../../support/timelines";

const below = { recursive: true } as const;
const beside = (name: string) =>
	scenario(name).watch("textbook", "/a", below).follow("follower", "/a", below).set("/a/1", "x");
const killing = scenario("kill")
	.pollLoop("naive", "/a", below)
	.watch("textbook", "/a", below)
	.follow("follower", "/a", below)
	.set("/a/1", "x")
	.fault("kill")
	.set("/a/2", "x")
	.set("/a/3", "x")
	.reconnect("naive")
	.reconnect("textbook")
	.set("/a/4", "x");

function reasons(run: Timeline, watcher: string): string[] {
	return run.writes.map(({ id }) => explain(run, watcher, id).reason);
}

const faults = ({ faults = [] }: Timeline) => faults.map(({ kind, at }) => `${kind} @${at}`);

describe("ownCluster", () => {
	after(() => endCluster());

	it("gives the same three members until they are ended, and new ones after that", async function () {
		this.timeout(60_000);
		const first = await ownCluster();
		assert.equal(await ownCluster(), first);
		assert.equal(first.members.length, 3);
		const other = await notTheLeader(first);
		assert.notEqual(other, await first.leader());
		await endCluster();
		await endCluster();
		assert.deepEqual(
			first.members.map(({ state }) => state),
			["stopped", "stopped", "stopped"],
		);
		const second = await ownCluster();
		assert.notEqual(second, first);
	});
});

forEachEtcd((server) => {
	describe("a cluster that fails", function () {
		this.timeout(120_000);
		let cluster: Cluster;
		let member: Member;
		const run = (steps: Scenario) => steps.run(atMember(cluster, member));

		before("a cluster of three", async () => {
			const flags = ["--snapshot-count", "100"];
			cluster = await startCluster({ binary: server.binary, flags, proxied: { peers: true } });
		});
		after(() => cluster?.close());
		beforeEach(async () => {
			member = await notTheLeader(cluster);
		});
		afterEach("everything is put right at a run's end", () => assert.equal(member.state, "running"));

		if (server.series === "3.5") {
			it("kills the member that the watchers are at: the loops are cut, the follower is not", async () => {
				const killed = await run(killing);
				assert.deepEqual(faults(killed), ["kill @1"]);
				assertSent(killed, { naive: "1 set /a/1, 4 set /a/4" });
				assert.deepEqual(lostInSilence(killed, "naive"), [2, 3]);
				assertSent(killed, {
					textbook: "1 set /a/1, 2 set /a/2 (history), 3 set /a/3 (history), 4 set /a/4",
					follower: "1 set /a/1, 2 set /a/2, 3 set /a/3, 4 set /a/4",
				});
				assertLived(killed, { follower: "listed @0, asked @0 from 1" });
				assert.deepEqual(reasons(killed, "follower"), Array(4).fill("followed"));
			});

			it("T14: reads old data on the side without a leader, where a quorum read has no answer", async () => {
				assert.deepEqual(await readsWhenCutOff(cluster, member, { quorumMs: 200 }), {
					cutOff: { plain: "old", quorum: undefined, hasLeader: false },
					others: { plain: "new", quorum: "new", hasLeader: true },
				});
				await cluster.settled();
			});

			it("leaves a loop on a paused member waiting in silence, and the follower turns elsewhere", async () => {
				const paused = await run(beside("pause").fault("pause").set("/a/2", "x"));
				assertSent(paused, { textbook: "1 set /a/1" });
				assert.equal(watcherOf(paused, "textbook").proof, "none");
				assert.deepEqual(reasons(paused, "textbook"), ["recursive", "member silent"]);
				assert.deepEqual(missedBy(paused, "follower"), []);
				assert.equal(watcherOf(paused, "follower").proof, "fence");
			});

			it("lets a loop on a member that was cut off catch up when it is healed (T14)", async () => {
				const healed = await run(
					beside("cut off").fault("cutOff").set("/a/2", "x").fault("heal").set("/a/3", "x"),
				);
				assert.deepEqual(faults(healed), ["cutOff @1", "heal @2"]);
				for (const name of ["textbook", "follower"]) assert.deepEqual(missedBy(healed, name), [], name);
			});
		}

		it("T17: a loop that carries its index on loses an event when its member is sent the whole store", async () => {
			// At most 512 messages of at most 4 writes are under way to the member, and the leader keeps some 5,000
			// writes for it: the one in the middle comes by neither.
			const flood = { count: 2200, keyCount: 10, connections: 4 };
			const more = { ...flood, count: 5300 };
			const steps = scenario("snapshot")
				.watch("textbook", "/a", below)
				.follow("follower", "/a", below)
				.set("/a/k", "1")
				.fault("pause")
				.burst("/noise", flood)
				.set("/a/k", "2")
				.burst("/noise", more)
				.fault("resume")
				.set("/a/k", "3");
			const skipped = await steps.run(atMember(cluster, member, { only: true }));
			assert.deepEqual(faults(skipped), ["pause @1", "resume @7502", "snapshot @7502"]);
			assertSent(skipped, { textbook: "1 set /a/k, 7503 set /a/k" });
			assert.equal(watcherOf(skipped, "textbook").proof, "fence", "no error, and it went on");
			assert.deepEqual(lostInSilence(skipped, "textbook"), [2202]);
			assert.equal(explain(skipped, "textbook", 2202).reason, "member sent the whole store");
			assert.deepEqual(lostInSilence(skipped, "follower"), []);
			const [gap] = gapsOf(skipped, "follower");
			assert.deepEqual([gap?.from, gap?.to, gap?.changed.map(({ key }) => key)], [2, 7502, ["/a/k"]]);
			assert.deepEqual(
				gap?.keys.map(({ value }) => value),
				["2"],
			);
			assert.equal(explain(skipped, "follower", 2202).reason, "in a stated gap");
		});

		it("T18: after a wipe such a loop waits for an index that is not there yet, and the follower is reset", async () => {
			const wiped = await run(
				beside("wipe").set("/a/2", "x").fault("wipe").reconnect("textbook").set("/a/3", "x"),
			);
			assertSent(wiped, { textbook: "1 set /a/1, 2 set /a/2" });
			assert.deepEqual(life(wiped, "textbook").slice(-2), ["cut @2", "asked @2 from 3"]);
			assert.deepEqual(reasons(wiped, "textbook").slice(2), ["ahead of the store"]);
			assertSent(wiped, { follower: "1 set /a/1, 2 set /a/2, 3 set /a/3" });
			const reset = watcherOf(wiped, "follower").life.find(({ kind }) => kind === "reset");
			assert.deepEqual(reset?.kind === "reset" && [reset.at, reset.lastIndex, reset.keys], [2, 2, []]);
		});

		describe("watched by v3", () => {
			const run = (steps: Scenario, only = false) =>
				steps.run(atMember(cluster, member, { only }), { api: "v3" });

			it("costs the loop that goes on from now what came in between, and no other, when it is killed", async () => {
				const killed = await run(killing);
				assert.deepEqual(faults(killed), ["kill @1"]);
				assertSent(killed, { naive: "1 put /a/1, 4 put /a/4" });
				assert.deepEqual(lostInSilence(killed, "naive"), [2, 3]);
				assertSent(killed, {
					textbook: "1 put /a/1, 2 put /a/2 (history), 3 put /a/3 (history), 4 put /a/4",
					follower: "1 put /a/1, 2 put /a/2, 3 put /a/3, 4 put /a/4",
				});
			});

			for (const [breaks, mends] of [
				["pause", "resume"],
				["cutOff", "heal"],
			] as const) {
				it(`says nothing at a member that is in ${breaks}, and catches up after ${mends}`, async () => {
					const steps = beside(breaks).fault(breaks).set("/a/2", "x");
					const silent = await run(steps);
					assertSent(silent, { textbook: "1 put /a/1" });
					assert.deepEqual(reasons(silent, "textbook"), ["recursive", "member silent"]);
					assert.match(lossTable([silent]).text, /✗ 1 so far/);
					assert.deepEqual(missedBy(silent, "follower"), []);
					const mended = await run(steps.fault(mends).set("/a/3", "x"));
					for (const name of ["textbook", "follower"]) assert.deepEqual(missedBy(mended, name), [], name);
				});
			}

			it("loses nothing when its member is sent the whole store, and before 3.5.8 is told again what it knew", async () => {
				// Nothing is under way to a member that is cut off, so that what is beyond the leader's some 5,000 entries is enough.
				const flood = { count: 2700, keyCount: 10, connections: 8 };
				const told = await run(
					beside("snapshot")
						.fault("cutOff")
						.burst("/noise", flood)
						.set("/a/2", "x")
						.burst("/noise", flood)
						.fault("heal")
						.set("/a/3", "x"),
					true,
				);
				assert.deepEqual(faults(told), ["cutOff @1", "heal @5402", "snapshot @5402"]);
				const puts = ["1 put /a/1", "2702 put /a/2", "5403 put /a/3"];
				assert.deepEqual(sent(told, "textbook"), ["1 put /a/1", ...puts]);
				assert.equal(explain(told, "textbook", 1).reason, "told again");
				assert.deepEqual(sent(told, "follower"), puts, "each once");
				assert.deepEqual(gapsOf(told, "follower"), []);
			});

			it("waits in silence for a revision of the store that was wiped, and the follower is reset", async () => {
				const wiped = await run(
					beside("wipe").set("/a/2", "x").fault("wipe").reconnect("textbook").set("/a/3", "x"),
				);
				assertSent(wiped, { textbook: "1 put /a/1, 2 put /a/2" });
				assert.deepEqual(reasons(wiped, "textbook").slice(2), ["ahead of the store"]);
				assertSent(wiped, { follower: "1 put /a/1, 2 put /a/2, 3 put /a/3" });
				assert.ok(life(wiped, "follower").includes("reset @2"));
			});
		});
	});

	describe("a follower in a scenario", () => {
		const gap = scenario("gap")
			.watch("loop", "/a", below)
			.follow("follower", "/a", below)
			.set("/a/k", "1")
			.set("/a/gone", "1")
			.cut("loop")
			.cut("follower")
			.set("/a/k", "2")
			.delete("/a/gone")
			.set("/a/new", "1")
			.burst("/noise", { count: 1001, keyCount: 10 })
			.reconnect("loop")
			.reconnect("follower")
			.set("/a/k", "3");

		it("says what it could not be told of, and goes on", async () => {
			const seen = await gap.run(server.lab);
			assertSent(seen, { follower: "1 set /a/k, 2 set /a/gone, 1007 set /a/k" });
			assertLived(seen, { follower: "listed @0, asked @0 from 1, cut @2, asked @1006 from 3, gap @1006" });
			const [stated] = gapsOf(seen, "follower");
			const keys = (nodes: readonly { readonly key: string }[] = []) => nodes.map(({ key }) => key);
			assert.deepEqual([stated?.added, stated?.changed, stated?.removed, stated?.keys].map(keys), [
				["/a/new"],
				["/a/k"],
				["/a/gone"],
				["/a/k", "/a/new"],
			]);
			assert.deepEqual(missedBy(seen, "follower"), [3, 4, 5]);
			assert.deepEqual(lostInSilence(seen, "follower"), []);
			assert.deepEqual(lostInSilence(seen, "loop"), [1007]);
			assert.equal(explainAll(seen).length, seen.writes.length);
		});

		it("is told the same by the model, which has no servers that could fail", async () => {
			const seen = await gap.run(server.lab);
			const modelled = await runOnModel(gap, { like: seen });
			assert.deepEqual(compareTimelines(seen, modelled), []);
			const other = modelled.watchers.map((one) => ({
				...one,
				life: one.life.filter(({ kind }) => kind !== "gap"),
			}));
			assert.equal(compareTimelines(seen, { ...modelled, watchers: other }).length, 1);
			await assert.rejects(runOnModel(gap.fault("kill")), RangeError);
		});

		it("refuses faults: they are for clusters that the lab started", async () => {
			const broken = scenario("broken").set("/a", "x").fault("kill");
			await assert.rejects(broken.run(server.lab), (error: unknown) => {
				assert.ok(error instanceof ScenarioError);
				assert.match(error.message, /run it on atMember\(cluster, member\)/);
				return true;
			});
		});
	});
});
