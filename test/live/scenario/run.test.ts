import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { Socket } from "node:net";
import { claims, type Scenario, scenario, type Timeline } from "etcd-watch-lab";
import { type Lab, SharedServerError, startLab } from "etcd-watch-lab/server";
import { V2Client } from "etcd-watch-lab/v2";
import { AbortedError, BadAnswerError } from "#lib/http";
import type { Target } from "#lib/scenario";
import { etcd35, forEachEtcd } from "../../support/etcd";
import { chunked, etcdHeaders, FakeServer, head, http } from "../../support/fake-server";
import { OwnEtcd } from "../../support/own-etcd";
import { row } from "../../support/scenario/cases";
import { scenarioOf } from "../../support/scenario/script";
import { assertLived, assertSent, assertWrote } from "../../support/scenario/shows";
import { life, sent, watcherOf } from "../../support/timelines";
import { until } from "../../support/until";

/** The post's run. */
const post = scenarioOf(`
	the post's run: watch recursive /a/...; watch plain /a; set /a/b a-b; set /a/b/c a-b-c; set /a/d a-d;
	delete /a/b/c; delete /a/b
`);

forEachEtcd((server) => {
	const run = (steps: Scenario | string) =>
		(typeof steps === "string" ? scenarioOf(steps) : steps).run(server.lab);
	const noWatcherLeft = () =>
		until("no watcher is left at the server", async () => (await server.v2.watcherCount()) === 0);

	describe("Scenario.run", () => {
		it("records the post's run: three writes taken, two refused with 104, three events", async () => {
			const timeline = await run(post);
			assertWrote(
				timeline,
				`
				set /a/b 1, set /a/b/c refused 104 /a/b, set /a/d 2, delete /a/b/c refused 104 /a/b,
				delete /a/b 3
			`,
			);
			assertSent(timeline, { recursive: "1 set /a/b, 2 set /a/d, 3 delete /a/b", plain: "" });
			assert.deepEqual(
				watcherOf(timeline, "recursive").deliveries.map(({ etcdIndex }) => etcdIndex),
				[0, 1, 2],
				"the response index beside each event, one below it",
			);
			assert.deepEqual(
				timeline.watchers.map(({ proof }) => proof),
				["fence", "fence"],
			);
			assert.equal(timeline.lastIndex, 3);
			assert.deepEqual(timeline.fences, [{ action: "delete", index: 4, key: "/" }]);
			assert.equal(timeline.server, server.lab.version);
		});

		it("answers the post's five conclusions: confirmed, untested, confirmed, confirmed, refuted", async () => {
			const seen = await run(post);
			const { verdict, because, evidence } = claims.grandchildrenAreUnseen(seen);
			assert.match(because, /no grandchild was ever written: 2 writes tried it and etcd refused/);
			assert.deepEqual(evidence.map(row), ["set /a/b/c refused 104 /a/b", "delete /a/b/c refused 104 /a/b"]);
			const { childrenAreSeen, plainWatchIsBlindBelow, eventsCarryTheNode, versionsArePerKey } = claims;
			const others = [childrenAreSeen, plainWatchIsBlindBelow, eventsCarryTheNode, versionsArePerKey];
			assert.deepEqual(
				[verdict, ...others.map((claim) => claim(seen).verdict)],
				["untested", "confirmed", "confirmed", "confirmed", "refuted"],
			);
			const deep = await run("deep: watch recursive /a/...; watch plain /a; set /a/b/leaf; set /a/b/c/leaf");
			assert.match(
				claims.grandchildrenAreUnseen(deep).because,
				/2 events came; the first is set \/a\/b\/leaf/,
			);
		});

		it("cuts long values and keeps short ones whole", async () => {
			const [short, long] = ["s".repeat(120), "l".repeat(121)];
			const timeline = await run(
				scenario("values").watch("w", "/", { recursive: true }).set("/s", short).set("/l", long),
			);
			assert.deepEqual(
				watcherOf(timeline, "w").deliveries.map(({ node }) => node.value),
				[short, `${"l".repeat(40)}…`],
			);
		});

		it("writes as whom the scenario names", async () => {
			const { writes, fences } = await run(
				scenario("by").set("/a").by("Ann").set("/a").burst("/b", { count: 2, connections: 1 }),
			);
			assert.deepEqual(
				writes.map(({ by, burst, id }) => [id, by, burst]),
				[
					[1, "writer", undefined],
					[2, "Ann", undefined],
					[3, "Ann", 3],
					[4, "Ann", 3],
				],
			);
			assert.deepEqual(fences, [], "without watchers there is nothing to fence");
		});

		it("makes a burst of exactly so many writes over so many keys, several at once, and the watcher gets all", async () => {
			const timeline = await run("burst: watch w /a/...; 200 × set /a over 7 connections 16 valueBytes 10");
			assert.equal(timeline.writes.length, 200);
			assert.equal(new Set(timeline.writes.map(({ key }) => key)).size, 7);
			const taken = timeline.writes.map(({ outcome }) =>
				outcome.kind === "accepted" ? outcome.index : Number.NaN,
			);
			const all = Array.from({ length: 200 }, (_, at) => at + 1);
			assert.deepEqual(
				[...taken].sort((a, b) => a - b),
				all,
			);
			assert.deepEqual(
				watcherOf(timeline, "w").deliveries.map(({ index, node }) => [index, node.value]),
				all.map((index) => [index, "x".repeat(10)]),
			);
			assert.deepEqual(
				timeline.writes.map(({ id }) => id),
				all,
			);
		});

		it("keeps a burst to its pace", async () => {
			const begin = performance.now();
			const { writes } = await run(scenario("pace").burst("/a", { count: 20, perSecond: 100 }));
			assert.equal(writes.length, 20);
			// The last of 20 is due 190 ms after the first.
			assert.ok(performance.now() - begin >= 185);
		});

		it("has a loop of hand-written polls, which loses what comes between two of them", async () => {
			const timeline = await run(`
				loop: pollLoop loop /a/...; watch "carries on" /a/...; 300 × set /a over 1 connections 8
			`);
			const indexes = (name: string) => watcherOf(timeline, name).deliveries.map(({ index }) => index);
			const loop = indexes("loop");
			assert.equal(indexes("carries on").length, 300);
			assert.ok(loop.length > 1 && loop.length < 300, `${loop.length} events`);
			assert.deepEqual(
				[...loop].sort((a, b) => a - b),
				loop,
			);
			assert.equal(new Set(loop).size, loop.length);
			assert.equal(watcherOf(timeline, "loop").proof, "fence");
			const kinds = watcherOf(timeline, "loop").life.map(({ kind }) => kind);
			assert.deepEqual(
				kinds,
				Array.from(kinds, (_, at) => (at % 2 === 0 ? "asked" : "answered")),
			);
		});

		it("goes on with a watch after a cut where its client would, and with a stream from then on", async () => {
			const timeline = await run(`
				cut: watch watch /a/...; stream stream /a/...; set /a/1; await watch 1; await stream 1; cut watch;
				cut stream; set /a/2; reconnect watch; reconnect stream; set /a/3
			`);
			assert.deepEqual(sent(timeline, "watch"), ["1 set /a/1", "2 set /a/2 (history)", "3 set /a/3"]);
			assert.deepEqual(sent(timeline, "stream"), ["1 set /a/1", "3 set /a/3"]);
			assert.deepEqual(life(timeline, "watch"), ["asked @0", "cut @1", "asked @2 from 2"]);
			assert.deepEqual(life(timeline, "stream"), ["asked @0", "cut @1", "asked @2"]);
		});

		it("sends nothing to a watcher that is closed, and proves no more than that", async () => {
			const timeline = await run(`
				close: watch w /a; stream s /a; poll p /a; set /a 1; await w 1; await s 1; close w; close s;
				close p; set /a 2
			`);
			assert.deepEqual(
				[sent(timeline, "w"), sent(timeline, "s"), sent(timeline, "p")],
				[["1 set /a"], ["1 set /a"], ["1 set /a"]],
			);
			assert.deepEqual(
				timeline.watchers.map(({ proof }) => proof),
				["closed", "closed", "answered"],
			);
			assertLived(timeline, { w: "asked @0, closed @1" });
		});

		it("proves silence on a key that does not exist, on one below a file, and on the root", async () => {
			const timeline = await run(`
				silence: set /f; watch missing /none; watch "below missing" /none/deeper/still;
				watch "below a file" /f/x; watch file /f; watch root /; stream "missing stream" /none/...
			`);
			for (const { name, proof, deliveries } of timeline.watchers) {
				assert.deepEqual([name, proof, deliveries.length], [name, "fence", 0]);
			}
			assert.equal(timeline.lastIndex, 1);
			assert.ok(timeline.fences.every(({ index }) => index > 1));
		});

		it("proves the silence of a hundred watchers at once", async () => {
			let steps = scenario("many");
			for (let at = 0; at < 100; at++)
				steps = steps.watch(`w${at}`, `/a/${at % 10}`, { recursive: at % 2 === 0 });
			const timeline = await run(steps.set("/a/3/x"));
			for (const { proof } of timeline.watchers) assert.equal(proof, "fence");
			assert.equal(timeline.watchers.filter(({ deliveries }) => deliveries.length === 1).length, 0);
			assert.equal(timeline.watchers.length, 100);
		});

		it("gives a paused stream no proof", async () => {
			const timeline = await run(scenario("paused").stream("s", "/a").pause("s").set("/a"));
			assert.deepEqual([watcherOf(timeline, "s").proof, sent(timeline, "s")], ["none", []]);
		});

		it("tells onChange of each record, and the timeline so far is whole each time", async () => {
			const seen: Timeline[] = [];
			const timeline = await scenarioOf("live: watch w /a/...; set /a/1; set /a/2").run(server.lab, {
				onChange: (now) => seen.push(now()),
			});
			assert.ok(seen.length >= 5, `${seen.length} changes`);
			for (const [at, now] of seen.entries()) {
				const before = seen[at - 1];
				assert.ok(before === undefined || now.writes.length >= before.writes.length);
				assert.equal(JSON.parse(JSON.stringify(now)).format, "etcd-watch-lab/timeline");
			}
			assert.deepEqual(seen.at(-1)?.writes, timeline.writes);
		});

		it("ends with an AbortedError when it is aborted in its middle, and leaves no watcher at the server", async () => {
			for (const steps of [
				scenario("in a burst").watch("w", "/a", { recursive: true }).burst("/a", { count: 100_000 }),
				scenarioOf("in a pace: stream s /a/...; 100 × set /a over 1 perSecond 1"),
				scenario("in a wait").watch("w", "/a").set("/a").awaitDelivery("w", 2),
				scenario("in a poll").poll("w", "/b").set("/a").poll("w"),
				scenario("in an expiry").set("/a", "", { ttl: 20 }).watch("w", "/a").awaitExpiry("/a"),
			]) {
				const controller = new AbortController();
				const target: Target = { ...server.lab, mayOverflow() {} };
				const running = steps.run(target, {
					signal: controller.signal,
					onChange: (now) => {
						if (now().writes.some(({ outcome }) => outcome.kind === "accepted")) controller.abort();
					},
				});
				await assert.rejects(running, AbortedError, steps.name);
				await noWatcherLeft();
			}
		});

		it("does not begin when its signal is aborted already", async () => {
			const { etcdIndex } = await server.v2.get("/");
			const signal = AbortSignal.abort();
			await assert.rejects(scenario("x").set("/a").run(server.lab, { signal }), AbortedError);
			assert.equal((await server.v2.get("/")).etcdIndex, etcdIndex);
		});

		it("ends with an AbortedError when the kernel's Interrupt ends its watches", async () => {
			let interrupted = false;
			const running = scenarioOf("x: watch w /a; set /a; await w 2").run(server.lab, {
				onChange: (now) => {
					if (interrupted || now().watchers[0]?.deliveries.length !== 1) return;
					interrupted = true;
					setImmediate(() => server.v2.abortAll());
				},
			});
			await assert.rejects(running, AbortedError);
			await noWatcherLeft();
			await server.v2.set(`${server.lab.newPrefix()}/a`, "the server is still there");
		});

		it("lets go of a caller's signal when it has ended", async () => {
			const controller = new AbortController();
			const timeline = await scenarioOf("x: watch w /a; set /a").run(server.lab, {
				signal: controller.signal,
			});
			assert.equal(getEventListeners(controller.signal, "abort").length, 0);
			assertSent(timeline, { w: "1 set /a" });
		});
	});

	describe("on a server that the lab did not start", () => {
		let guest: Lab;
		before(async () => {
			guest = await startLab({ env: { ETCDCTL_ENDPOINTS: server.lab.endpoints.join(",") } });
		});
		after(() => guest?.close());

		it("a run stays below the lab's prefix, and its fence reaches no stranger", async () => {
			const { v2 } = server;
			const stranger = server.lab.newPrefix();
			await v2.set(`${stranger}/a`, "mine");
			const own = v2.watcher(stranger, { recursive: true });
			const all = v2.watcher("/", { recursive: true });
			await Promise.all([own.registered(), all.registered()]);
			const timeline = await post.run(guest);
			const first = await all.next();
			assert.ok(first.node.key.startsWith(`${guest.root}/`), first.node.key);
			assertSent(timeline, { recursive: "1 set /a/b, 2 set /a/d, 3 delete /a/b" });
			// The fence of this test: the first that the stranger's watcher sees is the stranger's own write.
			await v2.set(`${stranger}/b`, "mine");
			assert.equal((await own.next()).node.key, `${stranger}/b`);
			own.close();
			all.close();
			await assert.rejects(v2.get(`${guest.root}/1`), /100 Key not found/);
		});

		it("a run with more writes than a stranger survives is refused before it writes, with the switch's name", async () => {
			const { etcdIndex } = await server.v2.get("/");
			for (const count of [251, 1001]) {
				await assert.rejects(scenario("flood").burst("/a", { count }).run(guest), (error: unknown) => {
					assert.ok(error instanceof SharedServerError);
					assert.match(error.message, /would push other people's watchers.*unset ETCDCTL_ENDPOINTS/s);
					assert.match(error.message, /ETCD_WATCH_LAB_ALLOW_OVERFLOW=1/);
					assert.match(error.message, new RegExp(`"flood" makes ${count} writes`));
					return true;
				});
			}
			assert.equal((await server.v2.get("/")).etcdIndex, etcdIndex);
		});

		it("a run may overflow when the reader has switched it on", async () => {
			const ETCDCTL_ENDPOINTS = server.lab.endpoints.join(",");
			const allowed = await startLab({ env: { ETCDCTL_ENDPOINTS, ETCD_WATCH_LAB_ALLOW_OVERFLOW: "1" } });
			const timeline = await scenario("flood").burst("/a", { count: 300 }).run(allowed);
			assert.equal(timeline.writes.length, 300);
			await allowed.close();
		});
	});
});

describe("a stream that was dropped by a server with other users", () => {
	it("has no proof: the server's watchers are not the run's alone to count", async () => {
		const own = await OwnEtcd.start(etcd35);
		const guest = await startLab({ env: { ETCDCTL_ENDPOINTS: own.endpoint } });
		try {
			// T3: the fence never comes.
			const timeline = await scenarioOf("T3: set /a; stream s /a after 0; set /a").run(guest, {
				stepTimeoutMs: 1_000,
			});
			assert.deepEqual(
				[sent(timeline, "s"), watcherOf(timeline, "s").proof],
				[["1 set /a (history)"], "none"],
			);
		} finally {
			await guest.close();
			await own.stop();
		}
	});
});

describe("Scenario.run on a server that fails", () => {
	const missing = JSON.stringify({ errorCode: 100, message: "Key not found", cause: "/p", index: 7 });

	const rootRead = JSON.stringify({ action: "get", node: { dir: true } });
	let server: FakeServer | undefined;
	let v2: V2Client | undefined;
	afterEach(async () => {
		await v2?.close();
		await server?.close();
	});

	/** A target whose reads work, on an empty store, and whose writes and watches do as the test says. */
	async function failing(reply: (socket: Socket, kind: "write" | "watch") => unknown): Promise<Target> {
		server = await FakeServer.start((socket, { method, path }) => {
			if (path === "/v2/keys/" && method === "GET") return socket.write(http(200, rootRead));
			if (path.includes("wait=true")) return reply(socket, "watch");
			return method === "GET" ? socket.write(http(404, missing)) : reply(socket, "write");
		});
		v2 = new V2Client({ endpoints: [server.endpoint], timeoutMs: 200 });
		return { v2, version: "3.5.1", owned: false, newPrefix: () => "/p", mayOverflow() {} };
	}

	it("records a write without an answer as failed and maybe carried out, and goes on", async () => {
		const target = await failing((socket) => socket.resetAndDestroy());
		const { writes } = await scenario("x").set("/a").delete("/a").run(target);
		assert.deepEqual(
			writes.map(({ outcome }) => outcome.kind === "failed" && outcome.maybeApplied),
			[true, true],
		);
	});

	it("records a watch that the server cut, whose silence then proves nothing", async () => {
		let watch: Socket | undefined;
		const target = await failing((socket, kind) => {
			if (kind === "watch") {
				watch = socket;
				return socket.write(head(200, chunked));
			}
			watch?.resetAndDestroy();
			const node = { key: "/p/a", value: "", modifiedIndex: 8, createdIndex: 8 };
			return socket.write(http(200, JSON.stringify({ action: "set", node })));
		});
		const timeline = await scenario("x").watch("w", "/a").set("/a").run(target);
		assert.deepEqual([watcherOf(timeline, "w").proof, sent(timeline, "w")], ["none", []]);
		assert.deepEqual(
			watcherOf(timeline, "w").life.map(({ kind }) => kind),
			["asked", "cut"],
		);
	});

	it("ends with what a watch was answered that is not etcd's", async () => {
		const target = await failing((socket) => socket.write(http(200, "<html>", etcdHeaders)));
		const steps = scenario("x").watch("w", "/a").awaitDelivery("w", 1);
		await assert.rejects(steps.run(target), BadAnswerError);
	});
});
