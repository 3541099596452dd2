import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import path from "node:path";
import { KeyNotFoundError, type V2Client } from "etcd-watch-lab/v2";
import { ArgumentError, TimeoutError } from "#lib/http";
import { freePorts } from "#lib/server/etcd.js";
import { root } from "../../support/checkout";
import { eventJson, http, type Reply } from "../../support/fake-server";
import { type At, fakeServer, v2At, v3At } from "../../support/servers";

const answers: Reply = (socket) => socket.write(http(200, eventJson(7)));
const silent: Reply = () => {};
const resets: Reply = (socket) => socket.resetAndDestroy();

/** An endpoint that nobody listens on. */
async function nobody(): Promise<string> {
	return `http://127.0.0.1:${(await freePorts(1))[0]}`;
}

describe("several endpoints", () => {
	const client = (...at: At[]) => v2At(at, { timeoutMs: 200 });
	/** Two servers, a client of both, and how often each was asked. */
	const both = async (one: Reply, other: Reply = answers) => {
		const [first, second] = [await fakeServer(one), await fakeServer(other)];
		const asked = () => [first.requests.length, second.requests.length];
		return { second, asked, keys: client(first, second) };
	};

	it("are asked in their order: the second is left alone while the first answers", async () => {
		const { keys, asked, second } = await both(answers);
		await keys.get("/a");
		await keys.set("/a", "1");
		assert.deepEqual([asked(), second.connectionCount], [[2, 0], 0]);
	});

	for (const [what, call] of [
		["a read", (keys: V2Client) => keys.get("/a")],
		["a write, which was certainly not sent", (keys: V2Client) => keys.set("/a", "1")],
		["a poll", (keys: V2Client) => keys.poll("/a")],
		["a stream", (keys: V2Client) => keys.stream("/a")],
	] as const) {
		it(`fail over when nobody listens on the first: ${what}`, async () => {
			const second = await fakeServer(answers);
			const keys = client(await nobody(), second);
			await call(keys);
			assert.equal(second.requests.length, 1);
		});
	}

	for (const [what, reply] of [
		["answers nothing in the time allowed", silent],
		["cuts the connection", resets],
	] as const) {
		it(`fail over for a read when the first ${what}`, async () => {
			const { keys, asked } = await both(reply);
			assert.equal((await keys.get("/a")).etcdIndex, 7);
			assert.deepEqual(asked(), [1, 1]);
		});

		it(`are not asked to repeat a write that may have been carried out: the first ${what}`, async () => {
			const { keys, asked, second } = await both(reply);
			const name = reply === silent ? "TimeoutError" : "ConnectionError";
			for (const write of [
				() => keys.set("/a", "1"),
				() => keys.createInOrder("/a", "1"),
				() => keys.delete("/a"),
				() => keys.compareAndSwap("/a", "1", { prevIndex: 7 }),
			]) {
				const [was = 0] = asked();
				await assert.rejects(write(), { name, maybeApplied: true });
				assert.deepEqual(asked(), [was + 1, 0]);
			}
			assert.equal(second.connectionCount, 0);
		});
	}

	it("fail over for a read when the first is a black hole, where not even a connection is made", async () => {
		// A listener that accepts nothing and whose queue is full: the kernel drops every further handshake.
		const script =
			"import socket,sys;s=socket.create_server(('127.0.0.1',0),backlog=0);print(s.getsockname()[1],flush=True);sys.stdin.read()";
		const listener = spawn(path.join(root, ".venv", "bin", "python"), ["-c", script]);
		const [line] = (await once(listener.stdout, "data")) as [Buffer];
		const port = Number(line);
		const hole = `http://127.0.0.1:${port}`;
		const inQueue = connect(port, "127.0.0.1");
		await once(inQueue, "connect");
		const second = await fakeServer(answers);
		const keys = client(hole, second);
		await assert.rejects(v2At(hole, { timeoutMs: 100 }).get("/a"), TimeoutError);
		await keys.get("/a");
		assert.equal(second.requests.length, 1);
		// A write has certainly not been sent there: it goes on, too.
		await client(hole, second).set("/a", "1");
		assert.equal(second.requests.length, 2);
		inQueue.destroy();
		const gone = once(listener, "exit");
		listener.stdin.end();
		await gone;
	});

	it("stay with the one that answered: a first that is down costs one try, not one each", async () => {
		const { keys, asked } = await both(resets);
		for (let count = 0; count < 5; count++) await keys.get("/a");
		assert.deepEqual(asked(), [1, 5]);
	});

	it("come back to the first when the second goes", async () => {
		let up = false;
		const { keys, asked } = await both(
			(...request) => (up ? answers : resets)(...request),
			(...request) => (up ? resets : answers)(...request),
		);
		await keys.get("/a");
		up = true;
		await keys.get("/a");
		assert.deepEqual(asked(), [2, 2]);
	});

	it("give up after each was tried once, with the last one's reason", async () => {
		const last = await nobody();
		const keys = client(await nobody(), await nobody(), last);
		const message = new RegExp(`ECONNREFUSED.*${last}`);
		await assert.rejects(keys.get("/a"), { name: "ConnectionError", maybeApplied: false, message });
		// Nobody was there to carry it out.
		await assert.rejects(keys.set("/a", "1"), { name: "ConnectionError", maybeApplied: false });
	});

	const noLeader = '{"errorCode":300,"message":"Raft Internal Error","cause":"no leader","index":0}';
	for (const [what, answer] of [
		["a member without a leader", http(500, noLeader)],
		["a proxy without a server", http(503, "no healthy upstream", { "content-type": "text/plain" })],
	] as const) {
		it(`fail over for a read or a watch when the first is ${what}, and stay with the second`, async () => {
			for (const call of [
				(keys: V2Client) => keys.get("/a", { quorum: true }),
				(keys: V2Client) => keys.poll("/a"),
				(keys: V2Client) => keys.stream("/a"),
			]) {
				const { keys, asked } = await both((socket) => socket.write(answer));
				await call(keys);
				await call(keys);
				assert.deepEqual(asked(), [1, 2]);
			}
		});

		it(`are not asked to repeat a write at ${what}, which may have been carried out`, async () => {
			const { keys, second } = await both((socket) => socket.write(answer));
			await assert.rejects(keys.set("/a", "1"), { maybeApplied: true });
			assert.equal(second.requests.length, 0);
		});
	}

	it("are each tried once when all answer 503, and the last one's answer is told", async () => {
		const says =
			(text: string): Reply =>
			(socket) =>
				socket.write(http(503, text));
		const { keys, asked } = await both(says("first"), says("last"));
		await assert.rejects(keys.get("/a"), { status: 503, excerpt: "last" });
		assert.deepEqual(asked(), [1, 1]);
	});

	it("are the only ones that are asked: another one in a request is an ArgumentError, and gets no password", async () => {
		const stranger = await fakeServer(answers);
		const v3 = v3At("http://127.0.0.1:1");
		await assert.rejects(v3.get("a", { endpoint: stranger.endpoint }), ArgumentError);
		assert.equal(stranger.connectionCount, 0);
	});

	it("leave an etcd error as it is: it is an answer, and the same everywhere", async () => {
		const refusal = JSON.stringify({ errorCode: 100, message: "Key not found", cause: "/a", index: 7 });
		const { keys, second } = await both((socket) => socket.write(http(404, refusal)));
		await assert.rejects(keys.get("/a"), KeyNotFoundError);
		assert.equal(second.connectionCount, 0);
	});
});
