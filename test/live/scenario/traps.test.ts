import assert from "node:assert/strict";
import { claims, explain, type Scenario, scenario } from "etcd-watch-lab";
import { V2Client } from "etcd-watch-lab/v2";
import { ConnectionError } from "#lib/http";
import { pages, sourceOf } from "../../pages/notebooks/reading";
import { forEachEtcd } from "../../support/etcd";
import { OwnEtcd } from "../../support/own-etcd";
import { scenarioOf } from "../../support/scenario/script";
import { assertLived, assertSent } from "../../support/scenario/shows";
import { sent, watcherOf, wrote } from "../../support/timelines";
import { until } from "../../support/until";

/** Each trap of etcd's v2 watch that the notebooks show, on every etcd at hand. */
forEachEtcd((server) => {
	const run = (steps: Scenario | string) =>
		(typeof steps === "string" ? scenarioOf(steps) : steps).run(server.lab);

	/** T13 takes seconds on 3.5, so it goes on beside the others, on an etcd of its own. */
	let terminated: Promise<Terminated>;
	before(() => {
		terminated = terminate(server.binary);
		terminated.catch(() => {});
	});

	afterEach(() => server.empty());

	it("T0: the headers of a watch come when it is registered, before any event, and from then on nothing is missed", async () => {
		const { v2, lab } = server;
		const prefix = lab.newPrefix();
		for (let round = 0; round < 50; round++) {
			const poll = await v2.poll(`${prefix}/a`);
			const { node } = await v2.set(`${prefix}/a`, String(round));
			const answer = await poll.answer();
			assert.ok(answer.kind === "event");
			assert.equal(answer.event.node.modifiedIndex, node.modifiedIndex);
			assert.equal(poll.headers.etcdIndex, node.modifiedIndex - 1);
		}
	});

	it("T0: one watch on the wire is, line by line, what page 03 shows of v2 and of v3", async () => {
		const own = await OwnEtcd.start(server.binary);
		const [v2Shown = "", v3Shown = ""] = shownOnTheWire();
		try {
			const ask = (path: string, init?: RequestInit) => fetch(own.endpoint + path, init);
			await until("the cluster has its version", async () =>
				/"etcdcluster":"3/.test(await (await ask("/version")).text()),
			);
			const watch = await ask("/v2/keys/a/b?wait=true");
			const registered = Number(watch.headers.get("x-etcd-index"));
			await ask("/v2/keys/a/b", { method: "PUT", body: new URLSearchParams({ value: "1" }) });
			const counted = (text: string, index: number) =>
				text.replaceAll(String(index), (found) => {
					return String(Number(found) - registered + 6);
				});
			const headers = ["content-type", "x-etcd-index", "transfer-encoding"].map(
				(name) => `${name}: ${counted(watch.headers.get(name) ?? "", registered)}`,
			);
			const lines = v2Shown.split("\n");
			assert.equal(lines[1], `HTTP/1.1 ${watch.status} OK`);
			assert.deepEqual(
				lines.slice(2, 5).map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase())),
				headers,
			);
			assert.equal(lines[6], counted((await watch.text()).trim(), registered + 1));

			const [, asked = ""] = /-d '(.*)'$/m.exec(v3Shown) ?? [];
			const stream = await ask("/v3/watch", { method: "POST", body: asked });
			await ask("/v3/kv/put", { method: "POST", body: '{"key":"L2E=","value":"MQ=="}' });
			let told = "";
			for await (const bytes of stream.body ?? []) {
				told += Buffer.from(bytes).toString("utf8");
				if (told.includes('"events"')) break;
			}
			const short = told
				.replaceAll(/\{[^{}]*("revision":"\d+"),[^{}]*\}/g, "{…,$1,…}")
				.replaceAll(/"(?:create_revision|version)":"\d+"/g, "…");
			assert.deepEqual(short.trim().split("\n"), v3Shown.split("\n").slice(1));
		} finally {
			await own.stop();
		}
	});

	it("T1: what happens between two long polls is lost when the second asks without a waitIndex", async () => {
		const timeline = await run(`
			T1: poll forgets /a/...; poll "goes on" /a/...; watch "Go's loop" /a/...; set /a/1; set /a/2;
			poll forgets; poll "goes on" after event; set /a/3; poll "goes on" after event
		`);
		assertSent(timeline, {
			forgets: "1 set /a/1, 3 set /a/3",
			"goes on": "1 set /a/1, 2 set /a/2 (history), 3 set /a/3 (history)",
		});
		assert.deepEqual(
			sent(timeline, "Go's loop").map((event) => event.replace(" (history)", "")),
			["1 set /a/1", "2 set /a/2", "3 set /a/3"],
		);
		assert.equal(watcherOf(timeline, "forgets").proof, "answered");
		assert.equal(watcherOf(timeline, "Go's loop").proof, "fence");
	});

	it("T2: the history holds the last 1000 events: with 1000 from the waitIndex on the oldest is served, with 1001 it is 401", async () => {
		const timeline = await run(`
			T2, the edge: 1000 × set /elsewhere; poll "at 1000" /... after 0; await "at 1000" 1;
			set /elsewhere/more; poll "at 1001" /... after 0; poll next /... after 1
		`);
		assert.deepEqual(
			watcherOf(timeline, "at 1000").deliveries.map(({ index, fromHistory }) => [index, fromHistory]),
			[[1, true]],
		);
		assert.deepEqual(
			watcherOf(timeline, "next").deliveries.map(({ index }) => index),
			[2],
		);
		const { proof, deliveries, life: lived } = watcherOf(timeline, "at 1001");
		assert.deepEqual([proof, deliveries.length], ["error", 0]);
		assert.deepEqual(lived, [
			{
				kind: "error",
				at: 1001,
				code: 401,
				message: "The event in requested index is outdated and cleared",
				cause: "the requested history has been cleared [2/1]",
				gap: { from: 1, to: 1 },
			},
		]);
	});

	it("T2: a quiet key's watcher is thrown out by writes to other keys though it lost nothing, and list and watch recovers", async () => {
		const timeline = await run(`
			T2, quiet: poll quiet /q/k; set /q/k 1; 1001 × set /noise; poll quiet after event; recover quiet;
			set /q/k 2
		`);
		assertSent(timeline, { quiet: "1 set /q/k, 1003 set /q/k" });
		assertLived(timeline, {
			quiet: "asked @0, answered @1, error 401 @1002, listed @1002, asked @1002 from 1003, answered @1003",
		});
		const listed = watcherOf(timeline, "quiet").life[3];
		assert.ok(listed?.kind === "listed");
		assert.deepEqual(
			listed.keys.map(({ key, value, modifiedIndex }) => [key, value, modifiedIndex]),
			[["/q/k", "1", 1]],
		);
	});

	it("T2: a poll that waits already outlives any number of other people's writes", async () => {
		const timeline = await run(`
			T2, waiting: poll quiet /quiet; set /quiet 1; poll quiet after event; 1200 × set /noise;
			set /quiet 2
		`);
		assertSent(timeline, { quiet: "1 set /quiet, 1202 set /quiet" });
	});

	it("T3: a stream with a waitIndex in the past gives one event and is silent for ever", async () => {
		const timeline = await run(`
			T3: set /a/1; set /a/2; stream past /a/... after 0; stream now /a/...; set /a/3; set /a/4
		`);
		assertSent(timeline, { past: "1 set /a/1 (history)" });
		assert.equal(watcherOf(timeline, "past").proof, "gone");
		assertSent(timeline, { now: "3 set /a/3, 4 set /a/4" });
		assert.equal(watcherOf(timeline, "now").proof, "fence");
	});

	it("T4: a hidden key is skipped live and replayed from the history; a watch on the hidden directory sees it", async () => {
		const timeline = await run(`
			T4: watch live /a/...; watch inside /a/_h/...; set /a/_h/x; watch replay /a/... after 0; set /a/y
		`);
		assertSent(timeline, { live: "2 set /a/y", inside: "1 set /a/_h/x" });
		assert.equal(sent(timeline, "replay")[0], "1 set /a/_h/x (history)");
		for (const { proof } of timeline.watchers) assert.equal(proof, "fence");
	});

	it("T5: the history takes a deleted directory for an ancestor of every key that begins with its name", async () => {
		const timeline = await run(`
			T5: mkdir /foo; watch live /foobar; rmdir /foo; watch replay /foobar after 0;
			watch "replay of another" /fobar after 0
		`);
		assertSent(timeline, { live: "", replay: "2 delete /foo (history)", "replay of another": "" });
		for (const { proof } of timeline.watchers) assert.equal(proof, "fence");
	});

	it("T6: a stream on exactly the deleted key gets the delete twice, a stream above it once", async () => {
		const timeline = await run(`
			T6: mkdir /a/d; set /a/f; stream directory /a/d; stream file /a/f; stream above /a/...; rmdir /a/d;
			delete /a/f
		`);
		assert.deepEqual(sent(timeline, "directory"), ["3 delete /a/d", "3 delete /a/d"]);
		assert.deepEqual(sent(timeline, "file"), ["4 delete /a/f", "4 delete /a/f"]);
		assert.deepEqual(sent(timeline, "above"), ["3 delete /a/d", "4 delete /a/f"]);
	});

	it("T7: directories that a write makes on its way raise no event", async () => {
		const timeline = await run("T7: watch all /...; watch parent /p/q; watch grandparent /p; set /p/q/r");
		assertSent(timeline, { all: "1 set /p/q/r", parent: "", grandparent: "" });
		for (const { proof } of timeline.watchers) assert.equal(proof, "fence");
	});

	it("T7: an explicit mkdir is an event, and so is the end, for a plain watch on the directory", async () => {
		const timeline = await run(scenario("T7, by name").watch("plain", "/d").mkdir("/d").rmdir("/d"));
		assertSent(timeline, { plain: "1 create /d, 2 delete /d" });
	});

	it("T8: the delete of an ancestor reaches the watchers below, under the ancestor's key", async () => {
		const timeline = await run(`
			T8: set /p/a/x; watch directory /p/a; watch file /p/a/x/...; watch "nothing there" /p/zz;
			rmdir /p/...
		`);
		assertSent(timeline, { directory: "2 delete /p", file: "2 delete /p", "nothing there": "" });
		for (const { proof } of timeline.watchers) assert.equal(proof, "fence");
	});

	it("T8: the expiry of an ancestor does so too", async () => {
		const timeline = await run(
			scenario("T8, expiry").mkdir("/p", { ttl: 1 }).set("/p/a/x").watch("file", "/p/a/x").awaitExpiry("/p"),
		);
		assertSent(timeline, { file: "3 expire /p" });
		assert.equal(watcherOf(timeline, "file").proof, "fence");
		assert.deepEqual(timeline.writes.map(wrote), ["mkdir /p 1", "set /p/a/x 2", "expire /p 3"]);
	});

	it("T9: a refresh takes an index and raises no event, live or from the history", async () => {
		const timeline = await run(`
			T9: set /a/x v ttl 1000; watch live /a/...; refresh /a/x 2000; set /a/z; watch replay /a/... after 1
		`);
		assertSent(timeline, { live: "3 set /a/z", replay: "3 set /a/z (history)" });
		assert.deepEqual(
			timeline.writes.map(
				({ outcome }) => outcome.kind === "accepted" && [outcome.index, outcome.raisesEvent],
			),
			[
				[1, true],
				[2, false],
				[3, true],
			],
		);
	});

	it("a write of the value that is there already takes an index and is an event", async () => {
		const timeline = await run(scenario("the same again").watch("w", "/k").set("/k", "1").set("/k", "1"));
		assertSent(timeline, { w: "1 set /k, 2 set /k" });
	});

	it("T10: X-Etcd-Index of a watch is the index when the watch began, not the event's", async () => {
		const timeline = await run(`
			T10: set /a/0; stream stream /a/...; poll poll /a/... after 3; set /a/1; set /a/2; set /a/3;
			poll replay /a/... after 0
		`);
		const indexes = (name: string) =>
			watcherOf(timeline, name).deliveries.map(({ index, etcdIndex }) => [index, etcdIndex]);
		assert.deepEqual(indexes("stream"), [
			[2, 1],
			[3, 1],
			[4, 1],
		]);
		assert.deepEqual(indexes("poll"), [[4, 1]]);
		assert.deepEqual(indexes("replay"), [[1, 4]]);
	});

	it("T11: a waitIndex in the future waits for that index or a later one", async () => {
		const timeline = await run(`
			T11: poll exactly /a/... after 2; poll later /a/late after 1; set /a/1; set /a/2; set /a/3;
			set /a/late
		`);
		assertSent(timeline, { exactly: "3 set /a/3", later: "4 set /a/late" });
	});

	it("T12: a stream whose reader stops is dropped past the buffers, and neither told nor closed", async () => {
		const timeline = await run(`
			T12: stream slow /a/...; pause slow; 1500 × set /a over 5 valueBytes 20000; resume slow;
			set /a/after
		`);
		const { deliveries, proof, life: lived } = watcherOf(timeline, "slow");
		// 100 in the server's queue, and as much as the sockets hold.
		assert.ok(deliveries.length >= 100 && deliveries.length < 1000, `${deliveries.length} events`);
		assert.deepEqual(
			deliveries.map(({ index }) => index),
			deliveries.map((_, at) => at + 1),
		);
		assert.equal(proof, "gone");
		assert.match(explain(timeline, "slow", 1501).words, /the server's buffer of 100 events was full/);
		assert.equal(claims.slowStreamLosesInSilence(timeline).verdict, "confirmed");
		assert.deepEqual(
			lived.map(({ kind }) => kind),
			["asked", "paused", "resumed"],
		);
	});

	it(`T21: a directory's ttl update ${server.series === "3.4" ? "works" : "is answered with 300 and changes nothing"}`, async () => {
		const timeline = await run("T21: set /d/x; watch above /...; updateDirectory /d ttl 1000; set /d/y");
		if (server.series === "3.4") {
			assert.deepEqual(timeline.writes.map(wrote), ["set /d/x 1", "updateDirectory /d 2", "set /d/y 3"]);
			assertSent(timeline, { above: "2 update /d, 3 set /d/y" });
		} else {
			const refused = "updateDirectory /d refused 300 nodePath /1/d : Not a file ()";
			assert.deepEqual(timeline.writes.map(wrote), ["set /d/x 1", refused, "set /d/y 2"]);
			assertSent(timeline, { above: "2 set /d/y" });
		}
	});

	it(`T13: SIGTERM ends a watch without the end of its body, ${server.series === "3.4" ? "at once" : "after some seconds"}: a ConnectionError`, async function () {
		this.timeout(40_000);
		const { ends, seconds } = await terminated;
		assert.equal(ends.length, 2);
		for (const end of ends) {
			assert.ok(end instanceof ConnectionError, String(end));
			assert.equal(end.maybeApplied, false);
		}
		if (server.series === "3.4") assert.ok(seconds < 4, `${seconds} s`);
		else assert.ok(seconds > 4 && seconds < 29, `${seconds} s`);
	});
});

/** What page 03 shows of a watch on the wire: v2's conversation and v3's. */
function shownOnTheWire(): string[] {
	const page = pages().find(({ name }) => name === "03-missed-events");
	const prose = page?.notebook.cells.map(sourceOf).join("\n\n") ?? "";
	return [...prose.matchAll(/^```text\n([\s\S]*?)\n```/gm)].map(([, block = ""]) => block);
}

interface Terminated {
	/** What a poll and a stream ended with. */
	readonly ends: readonly unknown[];
	readonly seconds: number;
}

/** Ends an etcd with SIGTERM while a poll and a stream wait. */
async function terminate(binary: string): Promise<Terminated> {
	const own = await OwnEtcd.start(binary);
	const keys = new V2Client({ endpoints: [own.endpoint] });
	try {
		const poll = await keys.poll("/a");
		const stream = await keys.stream("/a");
		const begin = performance.now();
		own.process.kill("SIGTERM");
		const ends = await Promise.all(
			[poll.answer(), stream.next()].map((pending) => pending.catch((error: unknown) => error)),
		);
		return { ends, seconds: (performance.now() - begin) / 1000 };
	} finally {
		await keys.close();
		await own.stop();
	}
}
