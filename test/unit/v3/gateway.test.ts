import assert from "node:assert/strict";
import type { Socket } from "node:net";
import {
	LearnerError,
	NoLeaderError,
	PermissionDeniedError,
	UnavailableError,
	V3Client,
} from "etcd-watch-lab/v3";
import { AbortedError, ArgumentError, TimeoutError } from "#lib/http";
import { FakeServer, http, type Received } from "../../support/fake-server";

const servers: FakeServer[] = [];
const clients: V3Client[] = [];
afterEach("gateways that are none", async () => {
	await Promise.all(clients.splice(0).map((client) => client.close()));
	await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serves(reply: (socket: Socket, request: Received) => unknown): Promise<FakeServer> {
	const server = await FakeServer.start(reply);
	servers.push(server);
	return server;
}

function clientOf(endpoints: readonly FakeServer[], user?: { name: string; password: string }): V3Client {
	const client = new V3Client({
		endpoints: endpoints.map(({ endpoint }) => endpoint),
		...(user === undefined ? {} : { user }),
	});
	clients.push(client);
	return client;
}

const header = { cluster_id: "1", member_id: "2", revision: "7", raft_term: "2" };
const json = { "content-type": "application/json" };
const ok = (socket: Socket) => socket.write(http(200, JSON.stringify({ header }), json));
const fails = (text: string, code: number) => (socket: Socket) =>
	socket.write(http(503, JSON.stringify({ error: text, code, message: text }), json));

describe("a request that has to wait for a token", () => {
	// Nothing is ever answered to /v3/auth/authenticate.
	const hanging = async () => clientOf([await serves(() => {})], { name: "u", password: "p" });

	it("ends in its time, whatever the server does with the token's", async () => {
		const client = await hanging();
		const begin = performance.now();
		await assert.rejects(client.get("/a", { timeoutMs: 100 }), TimeoutError);
		await assert.rejects(client.watch("/a", { timeoutMs: 100 }), TimeoutError);
		await assert.rejects(client.watches({ timeoutMs: 100 }), TimeoutError);
		assert.ok(performance.now() - begin < 3_000);
	});

	it("ends with its signal", async () => {
		const client = await hanging();
		const controller = new AbortController();
		const { signal } = controller;
		const asked = [
			client.get("/a", { signal }),
			client.watch("/a", { signal }),
			client.put("/a", "", { signal }),
		];
		setImmediate(() => controller.abort());
		for (const one of asked) await assert.rejects(one, AbortedError);
	});
});

describe("a request whose token is refused", () => {
	for (const [text, code, asked] of [
		["etcdserver: invalid auth token", 16, 2],
		["etcdserver: revision of auth store is old", 3, 2],
		["etcdserver: user name is empty", 3, 2],
		["etcdserver: permission denied", 7, 1],
	] as const) {
		it(`with "${text}" ${asked === 2 ? "is made once more, with a new one" : "is not made again"}`, async () => {
			let tokens = 0;
			const server = await serves((socket, { path, headers }) => {
				if (path === "/v3/auth/authenticate")
					return socket.write(http(200, JSON.stringify({ header, token: `t.${++tokens}` }), json));
				return /^authorization: t\.2$/im.test(headers) ? ok(socket) : fails(text, code)(socket);
			});
			const client = clientOf([server], { name: "u", password: "p" });
			if (asked === 2) await client.get("/a");
			else await assert.rejects(client.get("/a"), PermissionDeniedError);
			assert.equal(tokens, asked);
		});
	}
});

describe("a request to one of the client's endpoints", () => {
	it("is refused for an endpoint that is none of them, before any token goes there", async () => {
		const own = await serves(ok);
		const foreign = await serves(ok);
		const client = clientOf([own], { name: "u", password: "p" });
		const { endpoint } = foreign;
		await assert.rejects(client.get("/a", { endpoint }), ArgumentError);
		await assert.rejects(client.watch("/a", { endpoint }), ArgumentError);
		await assert.rejects(client.watches({ endpoint }), ArgumentError);
		await assert.rejects(client.call("/v3/kv/range", {}, { endpoint }), ArgumentError);
		await assert.rejects(client.authenticate("u", "p", { endpoint }), ArgumentError);
		assert.deepEqual([own.requests.length, foreign.requests.length], [0, 0]);
	});
});

describe("a member that can't serve", () => {
	const noLeader = fails("etcdserver: no leader", 14);
	const learner = fails("etcdserver: rpc not supported for learner", 14);

	it("is left for the next one: a read is sent again there, and what comes later goes there at once", async () => {
		const [bad, good] = [await serves(noLeader), await serves(ok)];
		const client = clientOf([bad, good]);
		await client.range("/a");
		await client.put("/a", "");
		assert.deepEqual([bad.requests.length, good.requests.length], [1, 2]);
	});

	it("fails a write, which says that it may have been carried out; the next one goes on", async () => {
		const [bad, good] = [await serves(noLeader), await serves(ok)];
		const client = clientOf([bad, good]);
		await assert.rejects(client.put("/a", ""), (error: unknown) => {
			assert.ok(error instanceof NoLeaderError);
			assert.equal(error.maybeApplied, true);
			return true;
		});
		await client.put("/a", "");
		assert.deepEqual([bad.requests.length, good.requests.length], [1, 1]);
	});

	it("fails a read where all are like that, each asked once, and says that nothing was applied", async () => {
		const all = [await serves(noLeader), await serves(learner)];
		const client = clientOf(all);
		await assert.rejects(client.range("/a"), (error: unknown) => {
			assert.ok(error instanceof LearnerError && error instanceof UnavailableError);
			assert.equal(error.maybeApplied, false);
			return true;
		});
		assert.deepEqual(
			all.map(({ requests }) => requests.length),
			[1, 1],
		);
	});

	it("is not left where it alone was asked for", async () => {
		const [bad, good] = [await serves(noLeader), await serves(ok)];
		const client = clientOf([bad, good]);
		await assert.rejects(client.range("/a", { endpoint: bad.endpoint }), NoLeaderError);
		assert.equal(good.requests.length, 0);
	});
});

describe("an endpoint without the JSON gateway, as etcd's grpc-proxy is", () => {
	it("is told from an etcd by its 404, in words", async () => {
		const proxy = await serves((socket) => socket.write(http(404, "404 page not found", {})));
		const client = clientOf([proxy]);
		await assert.rejects(client.get("/a"), /no JSON gateway.*grpc-proxy/);
		await assert.rejects(client.watch("/a"), /no JSON gateway/);
	});
});
