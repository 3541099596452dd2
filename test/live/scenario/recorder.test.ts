import assert from "node:assert/strict";
import { mock } from "node:test";
import {
	claims,
	explain,
	loadTimeline,
	runOnModel,
	type Scenario,
	saveTimeline,
	scenario,
	type Timeline,
} from "etcd-watch-lab";
import { startLab } from "etcd-watch-lab/server";
import { timelineChart } from "#lib/chart";
import { AbortedError } from "#lib/http";
import { counterparts, ScenarioError } from "#lib/scenario";
import type { Fenced, RunContext } from "#lib/scenario/api.js";
import { readToTheEnd, Settling } from "#lib/scenario/waits.js";
import { ExpiryWatch } from "#lib/scenario/watchers/expiry.js";
import type { RunWatcher } from "#lib/scenario/watchers/watcher.js";
import { compareTimelines, type WriteRecord } from "#lib/timeline";
import { etcd35, forEachEtcd } from "../../support/etcd";
import { OwnEtcd } from "../../support/own-etcd";
import { judged } from "../../support/scenario/cases";
import { scenarioOf } from "../../support/scenario/script";
import { explainAll, sent, watcherOf, wrote } from "../../support/timelines";
import { until } from "../../support/until";

/** Every index of the run is a write's, and every event that a watcher was sent is one of them. */
function assertNoHole({ writes, watchers, lastIndex }: Timeline): void {
	const taken = writes.flatMap(({ outcome }) => (outcome.kind === "accepted" ? [outcome.index] : []));
	assert.deepEqual(
		[...taken].sort((one, two) => one - two),
		Array.from({ length: lastIndex }, (_, at) => at + 1),
	);
	for (const { deliveries } of watchers)
		for (const { index } of deliveries) assert.ok(taken.includes(index), `index ${index}`);
}

const twoExpire = scenarioOf(`
	two expire, one is waited for: set /a/f v; watch w /a/...; set /a/x ttl 1; set /a/y ttl 1; expire /a/x;
	await w 4; set /a/f/g; set /a/z
`);

/** What the model and a server have to say alike. */
const alike: readonly Scenario[] = [
	twoExpire,
	scenarioOf("a directory alone is followed: set /a/b; follow f /a; set /a/b; rmdir /a/..."),
	scenario("a hidden key expires").set("/_h", "", { ttl: 1 }).set("/v", "", { ttl: 2 }).awaitExpiry("/v"),
	scenarioOf(`
		expires with its directory: mkdir /d ttl 1; set /d/x ttl 20; watch w /d/x; expire /d/x; set /d/x again
	`),
	scenario("a ttl of 0").watch("w", "/a").set("/a", "1", { ttl: 0 }).awaitExpiry("/a"),
	scenarioOf("a ttl that is given again: set /a 1 ttl 20; set /a 2 ttl 1; expire /a"),
	scenarioOf("made in order, with a ttl: createInOrder /q 1 ttl 1; set /b ttl 2; expire /b"),
	scenarioOf("carries its afterIndex over a cut: watch w /a/... after 0; cut w; set /a/1; reconnect w"),
	scenarioOf(`
		recovers, and carries that over a cut: set /a/0; 1001 × set /b over 1 connections 32;
		watch w /a/... after 0; recover w; cut w; set /a/1; reconnect w
	`),
	scenarioOf("closed right after a write: stream s /a/...; poll p /a/...; set /a/1; close s; close p"),
	scenario("told twice").set("/a").stream("s", "/a").delete("/a").close("s"),
	scenarioOf(`
		a key that looks made in order: watch w /q/00000000000000000007; set /q/00000000000000000007;
		createInOrder /q x
	`),
	scenarioOf(`
		waits for a later index: watch w /a/... after 50; stream s /a/... after 50; poll p /a/... after 50;
		set /a/1; set /a/2
	`),
	scenarioOf("a follower and a hidden key: set /a/x; set /a/_h; follow f /a/... after 0; set /a/y"),
	scenarioOf(`
		a follower that asks for what is gone, and never knew the state: set /a/1; set /a/2;
		1001 × set /b over 1 connections 32; set /a/2 again; follow f /a/... after 2; set /a/3
	`),
	scenarioOf("pauses: stream s /a; pause s; set /a 1; resume s; await s 1; set /a 2"),
	scenarioOf("goes on: poll p /a; set /a 1; poll p after response; poll p after event"),
	scenarioOf(`
		the post's five writes: watch recursive /a/...; watch plain /a; set /a/b a-b; set /a/b/c a-b-c;
		set /a/d a-d; delete /a/b/c; delete /a/b; set /elsewhere
	`),
	scenarioOf(`
		every depth: watch recursive /a/...; watch plain /a; set /a/b/leaf; set /a/b/c/leaf; set /a/b/c/d/leaf;
		set /a/b/c/d/e/leaf; mkdir /a/own; watch own /a/own; rmdir /a/own; rmdir /a/...
	`),
	scenarioOf(`
		hidden keys and siblings, live and replayed: watch live /a/...; watch p /a; set /a/_h/x; set /a/_d; set /ab/c;
		set /foobar; mkdir /foo; watch f /foobar; rmdir /foo; watch replay /a/... after 0; watch f2 /foobar after 0;
		set /a/y; delete /a/_d
	`),
	scenarioOf(`
		from above: set /p/a/x; watch plain /p/a; watch missing /p/zz/y/...; rmdir /p/...; watch late /p/a/x after 1
	`),
	scenarioOf("a stream on the removed key: mkdir /a; stream s /a; rmdir /a"),
	scenarioOf(
		"a stream from the past: set /a/1; stream s /a/... after 0; stream t /b/... after 0; set /a/2; set /b/1; set /b/2",
	),
	scenarioOf("refresh: set /a/x v ttl 60; watch w /a/...; refresh /a/x 60"),
	scenarioOf("two polls: poll w /a/...; set /a/1; set /a/2; poll w; set /a/3; set /a/4"),
	scenarioOf("a loop of polls without an index: pollLoop w /a/...; set /a/1; set /a/2; delete /a/1"),
	scenarioOf(`
		the wrong index: poll w /a/...; set /b/1; set /a/1; set /a/2; poll w after response;
		poll w after response; set /a/3; poll late /a/... after 0; poll late after response; set /a/4
	`),
	scenarioOf(`
		a file watched both ways: watch r /f/...; watch p /f; stream s /f; set /f; set /f 1; update /f 2;
		swap /f 2 3; delete /f
	`),
	scenarioOf("the past asked for: set /a/1; set /a/2; watch r /a/... after 0; watch late /a/...; set /a/3"),
	scenarioOf(`
		cut and closed: set /a/0; watch "from later" /a/... after 1; watch w /a/...; watch gone /a/...; cut gone;
		cut w; set /a/1; reconnect w; close w; set /a/2
	`),
	scenarioOf(`
		the quiet key, and a tree with hidden and deeper keys: poll quiet /q/k; set /q/k 1; set /t/_h/x; set /t/d/x;
		1001 × set /t over 1 connections 32; poll quiet after event; recover quiet; watch tree /t/... after 0;
		watch plain /t after 0; recover tree; recover plain; set /q/k 2; set /t/k 2; set /q/k 3
	`),
	scenarioOf("an expiry: mkdir /d ttl 1; set /d/x; watch w /d/x; expire /d"),
	scenarioOf("a pause too short: stream s /a/...; pause s; set /a/1; set /a/2; resume s; set /a/3"),
	scenarioOf("one by one: watch w /a/...; stream s /a/...; 40 × set /a over 7 connections 1; set /a/end x"),
	scenarioOf(`
		operations: watch w /...; create /a 1; create /a 2; update /missing x; update /a 2; swap /a 2 3
	`)
		.compareAndSwap("/a", "4", { prevValue: "2", prevIndex: 1 })
		.compareAndDelete("/a", { prevIndex: 99 })
		.compareAndDelete("/a", { prevValue: "3" })
		.createInOrder("/queue", "job")
		.mkdir("/dir", { ttl: 100 })
		.updateDirectory("/dir", { ttl: 50 })
		.delete("/dir")
		.rmdir("/queue")
		.set("/queue", "x")
		.refresh("/dir", 10)
		.rmdir("/queue", { recursive: true }),
	scenarioOf(`
		refused: set /f is; create /f x; update /none x; delete /none/deep; mkdir /d; delete /d; set /d x;
		set /d/x; rmdir /d
	`)
		.compareAndSwap("/f", "x", { prevIndex: 7 })
		.compareAndSwap("/f", "x", { prevValue: "was", prevIndex: 9 })
		.compareAndDelete("/f", { prevValue: "was" })
		.compareAndSwap("/f", "x", { prevValue: "[7 != 1]" })
		.refresh("/none", 5)
		.set("/f/x")
		.compareAndSwap("/f", "2", { prevIndex: 1 })
		.compareAndDelete("/f", { prevIndex: 4 }),
];

/** The index at which each write was tried; of a burst's, and of an expiry, that is a matter of the moment. */
const tried = ({ writes }: Timeline) =>
	writes.filter(({ burst, by }) => burst === undefined && by !== "etcd").map(({ triedAt }) => triedAt);

/** The proof of a watcher that waits for a later index is none on both. */
function proofs({ watchers }: Timeline): string[] {
	return watchers.map(({ proof }) => proof);
}

forEachEtcd((server) => {
	describe("a run on v2 and on the model", () => {
		for (const steps of alike) {
			it(`says the same, with no index that nobody took: ${steps.name}`, async function () {
				// The fence would wait for ten seconds.
				this.timeout(steps.name === "waits for a later index" ? 9_000 : 60_000);
				const { version } = server.lab;
				const [real, modelled] = await Promise.all([steps.run(server.lab), runOnModel(steps, { version })]);
				assert.deepEqual(compareTimelines(real, modelled), []);
				assert.deepEqual(proofs(real), proofs(modelled));
				assert.deepEqual(tried(real), tried(modelled));
				assertNoHole(real);
				assertNoHole(modelled);
				assert.ok(explainAll(real));
				assert.deepEqual(loadTimeline(saveTimeline(real)), real);
				for (const [name, claim] of Object.entries(claims))
					assert.equal(judged(claim, real).verdict, claim(modelled).verdict, name);
			});
		}

		it("has no reason for a watcher or a write that it lacks", async () => {
			const run = await runOnModel(scenario("x").watch("w", "/a").set("/a"));
			assert.throws(() => explain(run, "nobody", 1), /the run has no watcher "nobody"/);
			assert.throws(() => explain(run, "w", 99), /there is no write 99/);
		});

		it("records an expiry at its place among the writes", async () => {
			const { writes } = await twoExpire.run(server.lab);
			assert.deepEqual(writes.map(wrote), [
				...["set /a/f 1", "set /a/x 2", "set /a/y 3", "expire /a/x 4", "expire /a/y 5"],
				...["set /a/f/g refused 104 /a/f", "set /a/z 6"],
			]);
			assert.deepEqual(
				writes.filter(({ by }) => by === "etcd").map(({ operation }) => operation),
				["expire", "expire"],
			);
		});

		it("gives a stream or a poll that is closed right after a write what it is to be sent, each time", async () => {
			for (let time = 0; time < 10; time++) {
				const seen = await scenarioOf(`
					closed: stream s /a/...; poll p /a/...; set /a/1; close s; close p
				`).run(server.lab);
				assert.deepEqual([sent(seen, "s"), sent(seen, "p")], [["1 set /a/1"], ["1 set /a/1"]]);
			}
		});
	});

	describe("a step that waits for what does not come", () => {
		const failed = async (steps: Scenario, message: RegExp, api: "v2" | "v3" = "v2"): Promise<Timeline> => {
			const error: unknown = await steps.run(server.lab, { api }).catch((reason: unknown) => reason);
			assert.ok(error instanceof ScenarioError, String(error));
			assert.match(error.message, message);
			assert.ok(error.timeline);
			await until("no watcher is left at the server", async () => (await server.v2.watcherCount()) === 0);
			return error.timeline;
		};

		it("ends with what was recorded up to there, which can be drawn", async function () {
			this.timeout(60_000);
			const steps = scenario("too few").watch("w", "/a").set("/a", "1").awaitDelivery("w", 2).set("/a", "2");
			const message = /step 3 waited 3000 ms for event 2 of "w", which did not come: it was sent 1/;
			for (const api of ["v2", "v3"] as const) {
				const seen = await failed(steps, message, api);
				assert.equal(seen.writes.length, 1);
				assert.equal(watcherOf(seen, "w").deliveries.length, 1);
				assert.match(timelineChart(seen).text, /too few/);
			}
		});

		it("ends at once where it is known that it can't come", async () => {
			const ttl = { ttl: 20 };
			for (const [steps, message] of [
				[
					scenario("x").mkdir("/a").set("/a", "", ttl).awaitExpiry("/a"),
					/the set was refused: 102 Not a file/,
				],
				[
					scenario("x").set("/a", "1", ttl).compareAndSwap("/a", "2", { prevValue: "1" }).awaitExpiry("/a"),
					/the compareAndSwap at index 2 took its ttl away/,
				],
				[
					scenario("x").set("/a", "1", ttl).compareAndDelete("/a", { prevValue: "1" }).awaitExpiry("/a"),
					/it was removed at index 2/,
				],
				[scenario("x").poll("w", "/a").set("/a").awaitDelivery("w", 2), /it was sent 1, and is over/],
				[scenario("x").watch("w", "/a").close("w").awaitDelivery("w", 1), /it was sent 0, and is over/],
			] as const)
				await failed(steps, message);
		});

		it("says what a recovery and a next poll wait for in vain", async function () {
			this.timeout(60_000);
			const recover = scenario("x").watch("w", "/a").burst("/b", { count: 1001 }).recover("w");
			await failed(recover, /step 3 waited 3000 ms .*it was not refused: it waits for an event/);
			await failed(
				scenario("x").poll("w", "/a").poll("w"),
				/step 2 waited 3000 ms .*no event that is for it/,
			);
		});

		it("is refused before anything is written where a ttl is longer than the wait", async () => {
			const { etcdIndex } = await server.v2.get("/");
			const steps = scenario("x").set("/a", "", { ttl: 60 }).awaitExpiry("/a");
			await assert.rejects(
				steps.run(server.lab),
				/after 60 s, and a step waits at most 30 s.*stepTimeoutMs: 70000/,
			);
			assert.equal((await server.v2.get("/")).etcdIndex, etcdIndex);
			assert.equal((await runOnModel(steps)).lastIndex, 2, "on the model no time passes");
		});

		it("is told of when it has waited for a second", async () => {
			const told: string[] = [];
			const steps = scenario("x").set("/a", "", { ttl: 2 }).awaitExpiry("/a");
			await steps.run(server.lab, { onWait: (what) => told.push(what) });
			assert.deepEqual(told, ["step 2 waits for the expiry of /a, at most 30 s"]);
		});
	});

	describe("a run on v3", () => {
		it("records every expiry, also one that no step waits for, and no delete of its own as one", async function () {
			this.timeout(60_000);
			const steps = scenarioOf(`
				leases: watch w /...; set /k ttl 2; set /x ttl 2; set /gone ttl 2; delete /gone; expire /x;
				await w 6; set /y; set /k
			`);
			const seen = await steps.run(server.lab, { api: "v3" });
			assertNoHole(seen);
			assert.deepEqual(
				seen.writes
					.filter(({ by }) => by === "etcd")
					.map(({ key }) => key)
					.sort(),
				["/k", "/x"],
			);
			assert.ok(explainAll(seen));
		});

		it("has no counterpart for the expiry of a directory, and says so before and in the run", async () => {
			const steps = scenario("x").mkdir("/p", { ttl: 1 }).set("/p/file").awaitExpiry("/p");
			assert.equal(counterparts(steps)[2]?.v3, undefined);
			const seen = await steps.run(server.lab, { api: "v3" });
			assert.deepEqual(
				seen.withoutCounterpart?.map(({ what }) => what),
				["mkdir /p", "awaitExpiry /p"],
			);
		});

		it("does not wait for an index beyond its end", async function () {
			this.timeout(9_000);
			const seen = await scenarioOf("later: watch w /a/... after 50; poll p /a/... after 50; set /a/1").run(
				server.lab,
				{ api: "v3" },
			);
			assert.deepEqual(proofs(seen), ["none", "none"]);
		});
	});
});

describe("what a run waits for after a write", () => {
	it("is who has been sent it before its answer came, until it asks again, and not who asked for later ones", async () => {
		const seen = await runOnModel(scenario("x").watch("w", "/a").set("/a", "1"));
		const [record] = seen.watchers;
		const [write] = seen.writes;
		assert.ok(record && write);
		const waited: string[] = [];
		const watcher = (name: string, askedFrom: number, deliveries = record.deliveries) =>
			({
				...{ kind: "watch", key: "/a", isSure: true, askedFrom, deliveryCount: deliveries.length },
				record: () => ({ ...record, deliveries }),
				caughtUp: async () => void waited.push(name),
			}) as unknown as RunWatcher;
		const all = [watcher("sent", 2), watcher("asking", 1, []), watcher("later", 50, [])];
		await new Settling(false, new AbortController().signal).written(seen, all, write);
		assert.deepEqual(waited, ["sent", "asking"]);
	});

	it("is for both copies where a stream on exactly the key that goes is told twice (T6), in v2", async () => {
		const steps = scenarioOf("twice: stream s /a; stream above /...; set /a; delete /a");
		for (const api of ["v2", "v3"] as const) {
			const run = await runOnModel(steps);
			const seen = api === "v2" ? run : { ...run, api };
			const write = seen.writes.at(-1);
			assert.ok(write);
			const waited: [string, number][] = [];
			const all = ["s", "above"].map((name) => {
				const record = watcherOf(seen, name);
				return {
					...{ kind: record.kind, key: record.key, isSure: true, askedFrom: 1, deliveryCount: 1 },
					record: () => ({ ...record, deliveries: record.deliveries.slice(0, 1) }),
					caughtUp: async (_: number, count: number) => void waited.push([name, count]),
				} as unknown as RunWatcher;
			});
			await new Settling(false, new AbortController().signal).written(seen, all, write);
			assert.deepEqual(Object.fromEntries(waited), { s: api === "v2" ? 2 : 1, above: 1 });
		}
	});
});

describe("the watch on a key with a ttl", () => {
	it("records an expiry that it reads after the next ttl was given, and waits for the one of that ttl", async () => {
		const ttl = { ttl: 1 };
		const steps = scenario("x").set("/a", "", ttl).awaitExpiry("/a").set("/a", "", ttl).awaitExpiry("/a");
		const { writes } = await runOnModel(steps);
		const outcomes = writes.flatMap(({ outcome }) => (outcome.kind === "accepted" ? [outcome] : []));
		const expiries = outcomes.filter(({ action }) => action === "expire");
		const source = {
			async next() {
				await watch.open(3);
				return expiries.shift();
			},
			close() {},
		};
		const run = {
			api: { name: "v2", watch: async () => source },
			recorder: {
				absoluteIndex: (index: number) => index,
				absoluteKey: (key: string) => key,
				delivery: (event: unknown) => event,
			},
		} as unknown as RunContext;
		const recorded: number[] = [];
		const watch = new ExpiryWatch("/a", run, {
			expired({ index }) {
				recorded.push(index);
				return writes[index - 1] as WriteRecord;
			},
			isRemovedByRun: async () => false,
		});
		await watch.open(1);
		assert.deepEqual(await watch.ending, { kind: "expired", write: writes[3] });
		assert.deepEqual(recorded, [2, 4]);
	});
});

describe("the wait for the fence", () => {
	beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
	afterEach(() => mock.timers.reset());

	/** Looks at it every 20 ms, by the clock of the test, until it has ended; gives how many seconds that took. */
	async function seconds(waiting: Promise<void>, isOver: () => boolean, then: () => void): Promise<number> {
		let ms = 0;
		let hasEnded = false;
		void waiting.then(() => {
			hasEnded = true;
		});
		for (; !hasEnded && ms < 60_000; ms += 20) {
			if (isOver()) then();
			mock.timers.tick(20);
			await new Promise(setImmediate);
		}
		return ms / 1000;
	}

	it("goes on for as long as events come, and ends 10 s after the last one", async () => {
		let deliveryCount = 0;
		let end = () => {};
		const reading = new Promise<void>((resolve) => {
			end = resolve;
		});
		const slow = {
			...{ isOver: false, reading },
			// One comes between two looks, a thousand in all.
			get deliveryCount() {
				return Math.min(++deliveryCount, 1000);
			},
		} as unknown as Fenced;
		const { signal } = new AbortController();
		const read = await seconds(readToTheEnd([slow], signal), () => deliveryCount >= 900, end);
		assert.ok(read > 17 && read < 19, `${read} s`);
		deliveryCount = 0;
		const silent = { ...slow, deliveryCount: 0, reading: new Promise<void>(() => {}) };
		const given = await seconds(readToTheEnd([silent], signal), () => false, end);
		assert.ok(given > 9.9 && given < 10.3, `${given} s`);
	});
});

describe("a run on a server of others", () => {
	it("leaves none of its keys, with a watcher and without, and ends with AbortedError in its fence too", async () => {
		const own = await OwnEtcd.start(etcd35);
		const guest = await startLab({ env: { ETCDCTL_ENDPOINTS: own.endpoint } });
		try {
			await scenario("x").set("/a/1").run(guest);
			await scenario("x").watch("w", "/b").set("/a/1").run(guest);
			const controller = new AbortController();
			const left = async () => (await guest.v2.get(guest.root, { recursive: true })).node.nodes ?? [];
			let isWritten = false;
			// The server has dropped the stream, and does not count its watchers for the run alone: the fence waits.
			const deaf = scenarioOf("x: set /a; stream s /a after 0; set /a").run(guest, {
				signal: controller.signal,
				onChange: (now) => {
					isWritten ||= now().writes.filter(({ outcome }) => outcome.kind === "accepted").length === 2;
				},
			});
			const ended = assert.rejects(deaf, AbortedError);
			await until(
				"the fence is made: it removes the run's keys",
				async () => isWritten && (await left()).length === 0,
			);
			controller.abort();
			await ended;
			assert.deepEqual(await left(), []);
		} finally {
			await guest.close();
			await own.stop();
		}
	});
});
