import assert from "node:assert/strict";
import {
	claims,
	explain,
	loadTimeline,
	missedBy,
	runOnModel,
	type Scenario,
	saveTimeline,
	scenario,
	type Timeline,
} from "etcd-watch-lab";
import { SharedServerError, startLab } from "etcd-watch-lab/server";
import { AbortedError, ArgumentError } from "#lib/http";
import { counterparts, ScenarioError } from "#lib/scenario";
import { gapsOf, lostInSilence, UnknownReasonError } from "#lib/timeline";
import { etcd35, forEachEtcd } from "../../support/etcd";
import { OwnEtcd } from "../../support/own-etcd";
import { scenarioOf } from "../../support/scenario/script";
import { assertLived, assertSent } from "../../support/scenario/shows";
import { life, sent, watcherOf } from "../../support/timelines";

/** How each write ended, as "set /a 1", or with what was not done. */
const ends = ({ writes }: Timeline) =>
	writes.map(({ operation, key, outcome }) => {
		const how =
			outcome.kind === "accepted" ? outcome.index : outcome.kind === "refused" ? outcome.message : "failed";
		return `${operation} ${key}: ${how}`;
	});

/** mod_revision, create_revision and version of the key after each write that was carried out. */
const numbers = ({ writes }: Timeline) =>
	writes.flatMap(({ outcome }) => {
		if (outcome.kind !== "accepted") return [];
		const { modifiedIndex, createdIndex, version } = outcome.node;
		return [[modifiedIndex, createdIndex, version]];
	});

const post = scenarioOf(`
	the post's run: watch recursive /a/...; watch plain /a; set /a/b a-b; set /a/b/c a-b-c; set /a/d a-d;
	delete /a/b/c; delete /a/b
`);

forEachEtcd((server) => {
	const run = (steps: Scenario | string) =>
		(typeof steps === "string" ? scenarioOf(steps) : steps).run(server.lab, { api: "v3" });
	/** Other tests share the server, and leave theirs. */
	const keyCount = async () => {
		const { count } = await server.lab.v3.range(`${server.lab.root}/`, { prefix: true, countOnly: true });
		return count;
	};

	describe("Scenario.run with the v3 API", () => {
		it("carries out all five writes of the post's run, and the recursive watch sees the grandchild", async () => {
			const timeline = await run(post);
			assert.equal(timeline.api, "v3");
			assert.deepEqual(ends(timeline), [
				"set /a/b: 1",
				"set /a/b/c: 2",
				"set /a/d: 3",
				"delete /a/b/c: 4",
				"delete /a/b: 5",
			]);
			assertSent(timeline, {
				recursive: "1 put /a/b, 2 put /a/b/c, 3 put /a/d, 4 delete /a/b/c, 5 delete /a/b",
				plain: "",
			});
			assert.deepEqual(
				timeline.watchers.map(({ proof }) => proof),
				["fence", "fence"],
				"the silence of the plain one is proved",
			);
			assert.equal(timeline.lastIndex, 5);
			assert.deepEqual(timeline.fences, [{ action: "put", index: 6, key: "/a" }]);
			assert.equal("withoutCounterpart" in timeline, false);
			assert.equal(claims.grandchildrenAreUnseen(timeline).verdict, "refuted");
		});

		it("leaves nothing behind, neither keys nor leases", async () => {
			const before = (await server.lab.v3.leases()).length;
			const keysBefore = await keyCount();
			await run(scenario("leaves").set("/a/b").set("/c", "x", { ttl: 600 }).set("/a-b"));
			assert.equal(await keyCount(), keysBefore);
			assert.equal((await server.lab.v3.leases()).length, before);
		});

		it("records revision, create_revision and version of a key as the server has them", async () => {
			const timeline = await run(`
				numbers: watch w /k; set /k 1; set /other; set /k 2; update /k 3; swap /k 3 4; delete /k;
				create /k 5
			`);
			assert.deepEqual(numbers(timeline), [
				[1, 1, 1],
				[2, 2, 1],
				[3, 1, 2],
				[4, 1, 3],
				[5, 1, 4],
				[6, 0, 0],
				[7, 7, 1],
			]);
			const { deliveries } = watcherOf(timeline, "w");
			assert.deepEqual(
				deliveries.map(({ node }) => [node.modifiedIndex, node.createdIndex, node.version]),
				numbers(timeline).filter((_, at) => at !== 1),
				"the events say the same",
			);
			assert.deepEqual(
				deliveries.map(({ prevNode }) => prevNode?.version),
				[undefined, 1, 2, 3, 4, undefined],
			);
			assert.equal(claims.setMakesTheKeyAnew(timeline).verdict, "refuted", "a put keeps create_revision");
		});

		it("says of what v2 refuses that nothing was done, and takes no revision for it", async () => {
			const timeline = await run(
				scenarioOf("nothing done: set /f is; create /f x; update /none x; delete /none")
					.compareAndSwap("/f", "x", { prevIndex: 7 })
					.compareAndSwap("/f", "x", { prevValue: "was" })
					.compareAndSwap("/f", "x", { prevValue: "is", prevIndex: 9 })
					.compareAndDelete("/f", { prevValue: "was" })
					.rmdir("/none", { recursive: true })
					.set("/f/x", "below a key that has a value"),
			);
			assert.deepEqual(ends(timeline), [
				"set /f: 1",
				"create /f: not created: it is there",
				"update /none: not updated: it is not there",
				"delete /none: nothing to delete",
				"compareAndSwap /f: the mod_revision is another",
				"compareAndSwap /f: the value is another",
				"compareAndSwap /f: value or mod_revision is another",
				"compareAndDelete /f: the value is another",
				"rmdir /none: nothing to delete",
				"set /f/x: 2",
			]);
			assert.equal(claims.refusedWriteTakesNoIndex(timeline).verdict, "confirmed");
		});

		it("deletes what v2 calls a directory at one revision, with an event for each key, and no neighbour", async () => {
			const timeline = await run(`
				a tree: watch all /...; watch w /a/...; set /a; set /a/1; set /a-b; set /a/b/2; rmdir /a/...;
				set /a-b "still here"
			`);
			assert.deepEqual(sent(timeline, "w").slice(3), ["5 delete /a", "5 delete /a/1", "5 delete /a/b/2"]);
			assert.deepEqual(sent(timeline, "all").slice(4), [...sent(timeline, "w").slice(3), "6 put /a-b"]);
			assert.deepEqual(missedBy(timeline, "w"), []);
			const removal = timeline.writes[4]?.outcome;
			assert.ok(removal?.kind === "accepted");
			assert.deepEqual(
				[removal, ...(removal.others ?? [])].map(({ node, prevNode }) => [node.key, prevNode?.modifiedIndex]),
				[
					["/a", 1],
					["/a/1", 2],
					["/a/b/2", 4],
				],
			);
			assert.match(explain(timeline, "w", 5).words, /3 events of one revision/);
			assert.deepEqual(watcherOf(timeline, "w").deliveries.at(-1)?.index, 5, "/a-b is none of its business");
		});

		it("makes of a ttl a lease, whose end is a delete like any other", async () => {
			const timeline = await run("expiry: watch w /a/...; set /a/k x ttl 1; expire /a/k");
			assertSent(timeline, { w: "1 put /a/k, 2 delete /a/k" });
			assert.deepEqual(ends(timeline), ["set /a/k: 1", "expire /a/k: 2"]);
			assert.equal(timeline.writes[1]?.by, "etcd");
		});

		it("makes of a poll a watch that is closed after its first revision, and forgets what comes between", async () => {
			const timeline = await run(`
				polls: poll forgets /a/...; poll "goes on" /a/...; set /a/1; set /a/2; poll forgets;
				poll "goes on" after event; rmdir /a/...; poll "goes on" after event
			`);
			assertSent(timeline, {
				forgets: "1 put /a/1, 3 delete /a/1, 3 delete /a/2",
				"goes on": "1 put /a/1, 2 put /a/2 (history), 3 delete /a/1 (history), 3 delete /a/2 (history)",
			});
			assertLived(timeline, { forgets: "asked @0, answered @1, asked @2, answered @3" });
			assert.equal(claims.pollsLoseWhatFallsBetween(timeline).verdict, "confirmed");
			assert.deepEqual(missedBy(timeline, "forgets"), [2]);
			assert.match(explain(timeline, "forgets", 2).words, /no watch was open/);
		});

		it("lets a loop of polls ask anew after each event, from then on", async () => {
			const steps = "loop: pollLoop l /a/...; set /a/1; set /a/2; set /b; set /a/3";
			let timeline = await run(steps);
			// etcd tells of a write before that has ended: who asks in between asks from before it, and is told again (on
			// 3.4.23 three of 1,500 times).
			const asks = () => life(timeline, "l").filter((one) => one.startsWith("asked"));
			while (new Set(asks()).size < asks().length) timeline = await run(steps);
			assertSent(timeline, { l: "1 put /a/1, 2 put /a/2, 4 put /a/3" });
			assert.deepEqual(life(timeline, "l").slice(0, 5), [
				"asked @0",
				"answered @1",
				"asked @1",
				"answered @2",
				"asked @2",
			]);
		});

		it("carries a watch's revision on from its registration, where v2's loop carries none before its first event", async () => {
			const cut = scenarioOf(`
				cut before the first event: watch w /a/...; stream s /a/...; cut w; cut s; set /a/1; reconnect w;
				reconnect s; set /a/2
			`);
			const v3 = await run(cut);
			assertSent(v3, { w: "1 put /a/1 (history), 2 put /a/2", s: "2 put /a/2" });
			assert.deepEqual(sent(await cut.run(server.lab), "w"), ["2 set /a/2"]);
		});

		for (const [title, steps, told, claim] of [
			[
				"T3 is not so in v3: a stream from the past gets all of it, and lives on",
				"T3: set /a 1; set /a 2; stream s /a after 0; set /a 3",
				{ s: "1 put /a (history), 2 put /a (history), 3 put /a" },
				"streamWithPastIndexGoesDead",
			],
			[
				"T6 is not so in v3: a stream on the deleted key hears of it once",
				"T6: set /k; stream s /k; delete /k",
				{ s: "2 delete /k" },
				"deletedKeysStreamHearsTwice",
			],
			[
				"T2 is not so in v3: a quiet key's watch is served after any number of other writes",
				"T2: poll quiet /q/k; set /q/k 1; 1200 × set /noise; poll quiet after event; set /q/k 2",
				{ quiet: "1 put /q/k, 1202 put /q/k" },
				"quietKeyIsThrownOut",
			],
		] as const)
			it(title, async () => {
				const timeline = await run(steps);
				assertSent(timeline, told);
				assert.equal(claims[claim](timeline).verdict, "refuted");
				// It looks at watches and polls.
				if ("s" in told) assert.equal(claims.afterIndexLosesNothing(timeline).verdict, "untested");
			});

		it("T5 is not so in v3: a watch on /foobar is not told of /foo", async () => {
			const timeline = await run("T5: set /foo/x; rmdir /foo/...; watch w /foobar after 0");
			assertSent(timeline, { w: "" });
			assert.equal(watcherOf(timeline, "w").proof, "fence");
			assert.match(explain(timeline, "w", 2).words, /\/foo\/x is not in it/);
		});

		it("T4 is not so in v3: no key is hidden, and the run says that v2's rule has no counterpart", async () => {
			const timeline = await run(
				scenario("T4").watch("w", "/a", { recursive: true }).set("/a/_hidden/k").set("/a/k"),
			);
			assertSent(timeline, { w: "1 put /a/_hidden/k, 2 put /a/k" });
			assert.deepEqual(
				timeline.withoutCounterpart?.map(({ step, what }) => [step, what]),
				[[2, "/a/_hidden/k is hidden"]],
			);
		});

		it("T12 is not so in v3: a watch that is not read for long gets everything afterwards", async () => {
			const timeline = await run(`
				T12: stream s /a/...; set /a/first; pause s; 400 × set /a connections 16 valueBytes 20000;
				resume s; await s 401; set /a/last
			`);
			assert.equal(watcherOf(timeline, "s").deliveries.length, 402);
			assert.deepEqual(missedBy(timeline, "s"), []);
		});

		it("ends with AbortedError after the signal, with its watches closed and its keys gone", async () => {
			const keysBefore = await keyCount();
			const stop = new AbortController();
			const endless = scenarioOf("endless: watch w /a/...; set /a/1; await w 9");
			const running = endless.run(server.lab, {
				api: "v3",
				signal: stop.signal,
				onChange: (timeline) => {
					if (watcherOf(timeline(), "w").deliveries.length > 0) stop.abort();
				},
			});
			await assert.rejects(running, AbortedError);
			assert.equal(await keyCount(), keysBefore);
		});
	});

	describe("follow, on v3", () => {
		it("tells every event of a revision, comes back with its position, and states what was compacted as a gap", async () => {
			const timeline = await run(`
				followed: follow f /a/...; set /a/1; set /a/2; rmdir /a/...; cut f; set /a/3; reconnect f;
				set /a/4; cut f; set /a/5; set /b; compact; reconnect f; set /a/6
			`);
			assertSent(timeline, {
				f: "1 put /a/1, 2 put /a/2, 3 delete /a/1, 3 delete /a/2, 4 put /a/3, 5 put /a/4, 8 put /a/6",
			});
			const [gap, ...more] = gapsOf(timeline, "f");
			assert.ok(gap && more.length === 0);
			assert.deepEqual([gap.from, gap.to, gap.added.map(({ key }) => key)], [6, 7, ["/a/5"]]);
			assert.equal(watcherOf(timeline, "f").proof, "fence");
			assert.deepEqual(lostInSilence(timeline, "f"), []);
			assert.match(explain(timeline, "f", 6).words, /lies in the gap/);
		});
	});

	describe("progress notify", () => {
		const quiet = scenario("quiet")
			.watch("untold", "/quiet")
			.watch("told", "/quiet", { progressNotify: true })
			.set("/quiet")
			.burst("/noise", { count: 20, keyCount: 5 })
			.awaitProgress("told")
			.cut("untold")
			.cut("told")
			.compact()
			.reconnect("untold")
			.reconnect("told")
			.set("/quiet", "again");

		it("keeps a quiet key's watch from being thrown out by a compaction", async () => {
			const flags = ["--experimental-watch-progress-notify-interval", "200ms"];
			const talkative = await startLab({ own: true, binary: server.binary, flags });
			try {
				const timeline = await quiet.run(talkative, { api: "v3" });
				assertSent(timeline, { told: "1 put /quiet, 22 put /quiet" });
				assertLived(timeline, { told: "asked @0, bookmarked @21, cut @21, asked @21 from 22" });
				assertSent(timeline, { untold: "1 put /quiet" });
				assert.deepEqual(life(timeline, "untold").slice(1), ["cut @21", "asked @21 from 2", "error 11 @21"]);
				assert.deepEqual(loadTimeline(saveTimeline(timeline)), timeline);
			} finally {
				await talkative.close();
			}
		});

		it("that does not come in time is an error that names it: every 10 minutes, unless the server was told otherwise", async () => {
			await assert.rejects(quiet.run(server.lab, { api: "v3", stepTimeoutMs: 300 }), {
				name: "ScenarioError",
				message: /^step 5 waited 300 ms for the message that says how far the store is/,
			});
		});

		it("is not there in v2, which the run there says", async () => {
			const timeline = await quiet.run(server.lab);
			assert.deepEqual(
				timeline.withoutCounterpart?.map(({ what }) => what),
				["told is told of progress", "awaitProgress told", "compact"],
			);
			assert.deepEqual((await runOnModel(quiet)).withoutCounterpart, timeline.withoutCounterpart);
		});

		it("is not waited for at a watcher that does not ask for it", () => {
			assert.throws(() => scenario("x").watch("w", "/a").awaitProgress("w"), ArgumentError);
		});
	});

	describe("compact", () => {
		it("takes a delete at its own revision away, which a watch from there is not told of (issue 18089)", async () => {
			const timeline = await run(`
				the compaction ends at a delete: set /a/k 1; delete /a/k; compact; set /a/k 2;
				watch late /a/... after 1
			`);
			assertSent(timeline, { late: "3 put /a/k (history)" });
			const { reason, words } = explain(timeline, "late", 2);
			assert.equal(reason, "delete compacted away");
			assert.match(words, /^not delivered: .*exactly the revision.*3\.4\.34.*3\.5\.16.*issue 18089/);
			assert.equal(claims.afterIndexLosesNothing(timeline).verdict, "refuted");
			const [late] = timeline.watchers;
			assert.ok(late);
			const asked = { kind: "asked", at: 1, waitIndex: 2 } as const;
			for (const other of [
				{ server: "3.5.16" },
				{ server: "3.4.34" },
				{ server: "3.6.16" },
				{ compactions: [] },
				{ compactions: [{ at: 2, index: 1 }] },
				{ watchers: [{ ...late, life: [asked, ...late.life.filter(({ kind }) => kind !== "asked")] }] },
			])
				assert.throws(() => explain({ ...timeline, ...other }, "late", 2), UnknownReasonError);
		});

		it("refuses a watch from before it with the gap, serves one from its revision on, and recover goes on", async () => {
			const timeline = await run(`
				compacted: watch open /a/...; set /a/1 x; set /a/1 y; set /a/2; set /b; compact 3;
				watch late /a/... after 1; watch "in time" /a/... after 2; recover late; set /a/3
			`);
			assert.deepEqual(timeline.compactions, [{ at: 4, index: 3 }]);
			assertLived(timeline, { late: "asked @4 from 2, error 11 @4, listed @4, asked @4 from 5" });
			const refusal = watcherOf(timeline, "late").life[1];
			assert.ok(refusal?.kind === "error");
			assert.deepEqual(refusal.gap, { from: 2, to: 2 });
			assert.equal(refusal.message, "mvcc: required revision has been compacted");
			const listed = watcherOf(timeline, "late").life[2];
			assert.ok(listed?.kind === "listed");
			assert.deepEqual(
				listed.keys.map(({ key, value, modifiedIndex }) => [key, value, modifiedIndex]),
				[
					["/a/1", "y", 2],
					["/a/2", "", 3],
				],
			);
			assertSent(timeline, { late: "5 put /a/3", "in time": "3 put /a/2 (history), 5 put /a/3" });
			assert.deepEqual(sent(timeline, "open").at(-1), "5 put /a/3", "who waits already is not refused");
			assert.equal(claims.listAndWatchLosesNothing(timeline).verdict, "confirmed");
			assert.equal(claims.afterIndexLosesNothing(timeline).verdict, "refuted");
			assert.match(explain(timeline, "late", 2).words, /compacted before the watch asked/);
		});

		it("throws a quiet key's watch out, though nothing of its own was lost", async () => {
			const timeline = await run(`
				quiet: poll quiet /quiet; set /quiet; set /noise 1; set /noise 2; compact; poll quiet after event
			`);
			assert.equal(claims.quietKeyIsThrownOut(timeline).verdict, "confirmed");
		});

		it("of a revision that has not been yet is an error of the scenario", async () => {
			await assert.rejects(run(scenario("future").set("/a").compact(2)), {
				name: "ScenarioError",
				message: "step 2: there is no index 2 yet, the last is 1",
			});
		});

		it("is refused once more where nothing was written since, with the run up to there", async () => {
			const twice = scenario("twice").set("/a").compact();
			for (const steps of [twice.compact(), twice.set("/a").compact(1)])
				await assert.rejects(run(steps), (error: unknown) => {
					assert.ok(error instanceof ScenarioError);
					assert.match(error.message, /^step \d: what is older than 1 is compacted already/);
					assert.deepEqual(error.timeline?.compactions, [{ at: 1, index: 1 }]);
					return true;
				});
		});
	});

	describe("what has no counterpart in v3", () => {
		it("is left out of the run, and named with its reason", async () => {
			const steps = scenarioOf(`
				some: watch w /a/...; mkdir /a; set /a/1; createInOrder /a x; refresh /a/1 5; rmdir /a;
				updateDirectory /a ttl 5
			`);
			const timeline = await run(steps);
			assert.deepEqual(loadTimeline(saveTimeline(timeline)), timeline);
			assert.deepEqual(ends(timeline), ["set /a/1: 1"]);
			assertSent(timeline, { w: "1 put /a/1" });
			assert.deepEqual(
				timeline.withoutCounterpart?.map(({ step, what }) => `${step} ${what}`),
				["2 mkdir /a", "4 createInOrder /a", "5 refresh /a/1", "6 rmdir /a", "7 updateDirectory /a"],
			);
			assert.ok(timeline.withoutCounterpart?.every(({ why }) => why.length > 10));
		});

		it("is told before a run by counterparts(), step by step", () => {
			const all = counterparts(
				scenarioOf("told: watch w /a/... after 3; poll p /k; create /k x ttl 5")
					.compareAndSwap("/k", "y", { prevValue: "x", prevIndex: 4 })
					.mkdir("/d")
					.set("/d/_h"),
			);
			assert.deepEqual(
				all.map(({ step, v2, v3 }) => [step, v2, v3]),
				[
					[1, "watch w on /a, recursive", 'watch "/a" and the prefix "/a/", start_revision 4'],
					[2, "poll p on /k", 'watch "/k", closed after its first event'],
					[3, "create /k", 'txn: if create_revision = 0, put "/k", with a lease of 5 s'],
					[4, "compareAndSwap /k", 'txn: if value = "x" and mod_revision = 4, put "/k"'],
					[5, "mkdir /d", undefined],
					[6, "set /d/_h", 'put "/d/_h"'],
				],
			);
			assert.match(all[4]?.note ?? "", /no directories/);
			assert.match(all[5]?.note ?? "", /no hidden keys/);
			assert.equal(all[0]?.note, "");
		});

		it("is an error when nothing else is in the scenario, and nothing is run", async () => {
			const steps = scenario("directories").watch("w", "/a").mkdir("/a").refresh("/a", 5);
			await assert.rejects(run(steps), (error: Error) => {
				assert.ok(error instanceof ScenarioError);
				assert.match(error.message, /nothing that "directories" does has a counterpart in v3/);
				assert.match(error.message, /step 2, mkdir \/a: v3 has no directories/);
				assert.match(error.message, /step 3, refresh \/a: a lease is kept alive/);
				return true;
			});
		});

		it("leaves claims about it untested, with the reason", async () => {
			const timeline = await run(`
				claims: watch w /a/b/...; watch x /a/b; set /a/b 1; set /a/b 2; rmdir /a/...
			`);
			const untested = Object.entries(claims)
				.map(([name, claim]) => [name, claim(timeline)] as const)
				.filter(([, { because }]) => because.startsWith("of v3 it says nothing: "))
				.map(([name, { verdict }]) => `${name} ${verdict}`);
			assert.deepEqual(untested.sort(), [
				"ancestorsDeleteIsSeenBelow untested",
				"fileNeedsNoRecursive untested",
				"goLoopLosesNothingMore untested",
				"historyHoldsAThousandEvents untested",
				"implicitParentsRaiseNoEvent untested",
				"responseIndexIsSafeToGoOnFrom untested",
				"responseIndexIsWhereTheWatchBegan untested",
				"versionsArePerKey untested",
			]);
			assert.equal(claims.grandchildrenAreUnseen(timeline).api, "v3");
		});
	});
});

describe("a run on v3", () => {
	it("of a server that others use compacts nothing there, and removes its keys", async () => {
		const own = await OwnEtcd.start(etcd35);
		const guest = await startLab({ env: { ETCDCTL_ENDPOINTS: own.endpoint } });
		try {
			const compacting = scenario("compacting").set("/a").compact();
			await assert.rejects(compacting.run(guest, { api: "v3" }), (error: Error) => {
				assert.ok(error instanceof SharedServerError);
				assert.match(error.message, /"compacting" compacts the store/);
				return true;
			});
			const ofPage = scenarioOf(`
				the compaction ends at a delete: set /a/k 1; delete /a/k; compact; set /a/k 2;
				watch late /a/... after 1
			`);
			const record = await ofPage.run(guest, { api: "v3" });
			assert.equal(
				record.recorded,
				`recorded on etcd 3.5.1 (not run on this server, etcd ${guest.version}, which the lab did not start)`,
			);
			await scenario("polite").watch("w", "/a").set("/a").run(guest, { api: "v3" });
			const { count } = await guest.v3.range("", { prefix: true, countOnly: true });
			assert.equal(count, 0);
		} finally {
			await guest.close();
			await own.stop();
		}
	});

	it("needs a v3 API at hand, and one of the two names", async () => {
		const target = {
			version: "3.5.1",
			owned: true,
			newPrefix: () => "/p",
			mayOverflow() {},
			v2: undefined as never,
		};
		await assert.rejects(post.run(target, { api: "v3" }), ScenarioError);
		await assert.rejects(post.run(target, { api: "v4" as "v3" }), ArgumentError);
	});
});
