import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import path from "node:path";
import { KeyNotFoundError, V2Client } from "etcd-watch-lab/v2";
import { ArgumentError, ConnectionError, TimeoutError } from "#lib/http";
import { freePorts } from "#lib/server/etcd.js";
import { V3Client } from "#lib/v3/client.js";
import { root } from "../../support/checkout";
import { forEachEtcd } from "../../support/etcd";
import { eventJson, FakeServer, http, type Reply } from "../../support/fake-server";

const answers: Reply = (socket) => socket.write(http(200, eventJson(7)));
const silent: Reply = () => {};
const resets: Reply = (socket) => socket.resetAndDestroy();

/** An endpoint that nobody listens on. */
async function nobody(): Promise<string> {
	return `http://127.0.0.1:${(await freePorts(1))[0]}`;
}

describe("several endpoints", () => {
	const open: FakeServer[] = [];
	const clients: V2Client[] = [];
	const start = async (reply: Reply) => {
		const server = await FakeServer.start(reply);
		open.push(server);
		return server;
	};
	const client = (...endpoints: string[]) => {
		const keys = new V2Client({ endpoints, timeoutMs: 200 });
		clients.push(keys);
		return keys;
	};
	afterEach(async () => {
		await Promise.all(clients.splice(0).map((keys) => keys.close()));
		await Promise.all(open.splice(0).map((server) => server.close()));
	});

	it("are asked in their order: the second is left alone while the first answers", async () => {
		const [first, second] = [await start(answers), await start(answers)];
		const keys = client(first.endpoint, second.endpoint);
		await keys.get("/a");
		await keys.set("/a", "1");
		assert.deepEqual([first.requests.length, second.connectionCount], [2, 0]);
	});

	for (const [what, call] of [
		["a read", (keys: V2Client) => keys.get("/a")],
		["a write, which was certainly not sent", (keys: V2Client) => keys.set("/a", "1")],
		["a poll", (keys: V2Client) => keys.poll("/a")],
		["a stream", (keys: V2Client) => keys.stream("/a")],
	] as const) {
		it(`fail over when nobody listens on the first: ${what}`, async () => {
			const second = await start(answers);
			const keys = client(await nobody(), second.endpoint);
			await call(keys);
			assert.equal(second.requests.length, 1);
		});
	}

	for (const [what, reply] of [
		["answers nothing in the time allowed", silent],
		["cuts the connection", resets],
	] as const) {
		it(`fail over for a read when the first ${what}`, async () => {
			const [first, second] = [await start(reply), await start(answers)];
			const keys = client(first.endpoint, second.endpoint);
			assert.equal((await keys.get("/a")).etcdIndex, 7);
			assert.deepEqual([first.requests.length, second.requests.length], [1, 1]);
		});

		it(`are not asked to repeat a write that may have been carried out: the first ${what}`, async () => {
			const [first, second] = [await start(reply), await start(answers)];
			const keys = client(first.endpoint, second.endpoint);
			for (const write of [
				() => keys.set("/a", "1"),
				() => keys.createInOrder("/a", "1"),
				() => keys.delete("/a"),
				() => keys.compareAndSwap("/a", "1", { prevIndex: 7 }),
			]) {
				const [was, other] = [first.requests.length, second.requests.length];
				await assert.rejects(write(), (error: unknown) => {
					assert.ok(error instanceof ConnectionError);
					assert.equal(error.maybeApplied, true);
					assert.equal(error instanceof TimeoutError, reply === silent);
					return true;
				});
				assert.deepEqual([first.requests.length, second.requests.length], [was + 1, other]);
			}
			assert.equal(second.connectionCount, 0);
		});
	}

	it("fail over for a read when the first is a black hole, where not even a connection is made", async () => {
		// A listener that accepts nothing and whose queue is full: the kernel drops every further handshake.
		const script =
			"import socket,sys;s=socket.create_server(('127.0.0.1',0),backlog=0);print(s.getsockname()[1],flush=True);sys.stdin.read()";
		const hole = spawn(path.join(root, ".venv", "bin", "python"), ["-c", script]);
		const [line] = (await once(hole.stdout, "data")) as [Buffer];
		const port = Number(line);
		const inQueue = connect(port, "127.0.0.1");
		await once(inQueue, "connect");
		const second = await start(answers);
		const keys = client(`http://127.0.0.1:${port}`, second.endpoint);
		await assert.rejects(
			new V2Client({ endpoints: [`http://127.0.0.1:${port}`], timeoutMs: 100 }).get("/a"),
			TimeoutError,
		);
		await keys.get("/a");
		assert.equal(second.requests.length, 1);
		// A write has certainly not been sent there: it goes on, too.
		await client(`http://127.0.0.1:${port}`, second.endpoint).set("/a", "1");
		assert.equal(second.requests.length, 2);
		inQueue.destroy();
		const gone = once(hole, "exit");
		hole.stdin.end();
		await gone;
	});

	it("stay with the one that answered: a first that is down costs one try, not one each", async () => {
		const second = await start(answers);
		let tries = 0;
		const first = await start((socket) => {
			tries++;
			socket.resetAndDestroy();
		});
		const keys = client(first.endpoint, second.endpoint);
		for (let count = 0; count < 5; count++) await keys.get("/a");
		assert.deepEqual([tries, second.requests.length], [1, 5]);
	});

	it("come back to the first when the second goes", async () => {
		let up = false;
		const first = await start((socket, request, count) => (up ? answers : resets)(socket, request, count));
		const second = await start((socket, request, count) => (up ? resets : answers)(socket, request, count));
		const keys = client(first.endpoint, second.endpoint);
		await keys.get("/a");
		up = true;
		await keys.get("/a");
		assert.deepEqual([first.requests.length, second.requests.length], [2, 2]);
	});

	it("give up after each was tried once, with the last one's reason", async () => {
		const last = await nobody();
		const keys = client(await nobody(), await nobody(), last);
		await assert.rejects(keys.get("/a"), (error: unknown) => {
			assert.ok(error instanceof ConnectionError);
			assert.match(error.message, /ECONNREFUSED/);
			assert.ok(error.message.includes(last));
			assert.equal(error.maybeApplied, false);
			return true;
		});
		await assert.rejects(keys.set("/a", "1"), (error: unknown) => {
			assert.ok(error instanceof ConnectionError);
			assert.equal(error.maybeApplied, false, "nobody was there to carry it out");
			return true;
		});
	});

	const noLeader = JSON.stringify({
		errorCode: 300,
		message: "Raft Internal Error",
		cause: "no leader",
		index: 0,
	});
	for (const [what, answer] of [
		["a member without a leader", http(500, noLeader)],
		["a proxy without a server", http(503, "no healthy upstream", { "content-type": "text/plain" })],
	] as const) {
		it(`fail over for a read or a watch when the first is ${what}, and stay with the second`, async () => {
			const [first, second] = [await start((socket) => socket.write(answer)), await start(answers)];
			for (const call of [
				(keys: V2Client) => keys.get("/a", { quorum: true }),
				(keys: V2Client) => keys.poll("/a"),
				(keys: V2Client) => keys.stream("/a"),
			]) {
				const keys = client(first.endpoint, second.endpoint);
				const [was, other] = [first.requests.length, second.requests.length];
				await call(keys);
				await call(keys);
				assert.deepEqual([first.requests.length, second.requests.length], [was + 1, other + 2]);
			}
		});

		it(`are not asked to repeat a write at ${what}, which may have been carried out`, async () => {
			const [first, second] = [await start((socket) => socket.write(answer)), await start(answers)];
			await assert.rejects(client(first.endpoint, second.endpoint).set("/a", "1"), { maybeApplied: true });
			assert.equal(second.requests.length, 0);
		});
	}

	it("are each tried once when all answer 503, and the last one's answer is told", async () => {
		const servers = [
			await start((socket) => socket.write(http(503, "first"))),
			await start((socket) => socket.write(http(503, "last"))),
		];
		await assert.rejects(client(...servers.map(({ endpoint }) => endpoint)).get("/a"), {
			status: 503,
			excerpt: "last",
		});
		assert.deepEqual(
			servers.map(({ requests }) => requests.length),
			[1, 1],
		);
	});

	it("are the only ones that are asked: another one in a request is an ArgumentError, and gets no password", async () => {
		const stranger = await start(answers);
		const v3 = new V3Client({ endpoints: ["http://127.0.0.1:1"] });
		await assert.rejects(v3.get("a", { endpoint: stranger.endpoint }), ArgumentError);
		assert.equal(stranger.connectionCount, 0);
		await v3.close();
	});

	it("leave an etcd error as it is: it is an answer, and the same everywhere", async () => {
		const refusal = JSON.stringify({ errorCode: 100, message: "Key not found", cause: "/a", index: 7 });
		const [first, second] = [await start((socket) => socket.write(http(404, refusal))), await start(answers)];
		await assert.rejects(client(first.endpoint, second.endpoint).get("/a"), KeyNotFoundError);
		assert.equal(second.connectionCount, 0);
	});
});

forEachEtcd((server) => {
	it("a read, a write and a watch work when the first endpoint is down", async () => {
		const keys = new V2Client({ endpoints: [await nobody(), ...server.lab.endpoints] });
		const key = `${server.lab.newPrefix()}/a`;
		const poll = await keys.poll(key);
		await keys.set(key, "1");
		const answer = await poll.answer();
		assert.ok(answer.kind === "event" && answer.event.node.value === "1");
		assert.equal((await keys.get(key, { quorum: true })).node.value, "1");
		await keys.close();
	});
});
