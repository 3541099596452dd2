import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { NoLeaderError, PermissionDeniedError } from "etcd-watch-lab/v3";
import { AbortedError, ArgumentError, TimeoutError } from "#lib/http";
import { fakeServer, v3At } from "../../support/clients";
import { http, type Reply } from "../../support/fake-server";

const user = { name: "u", password: "p" };

const header = { cluster_id: "1", member_id: "2", revision: "7", raft_term: "2" };
const json = { "content-type": "application/json" };
const ok = (socket: Socket) => socket.write(http(200, JSON.stringify({ header }), json));
const fails =
	(text: string, code: number, status = 503) =>
	(socket: Socket) =>
		socket.write(http(status, JSON.stringify({ error: text, code, message: text }), json));

describe("a request that has to wait for a token", () => {
	// Nothing is ever answered to /v3/auth/authenticate.
	const hanging = async () => v3At(await fakeServer(() => {}), { user });

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
			const server = await fakeServer((socket, { path, headers }) => {
				if (path === "/v3/auth/authenticate")
					return socket.write(http(200, JSON.stringify({ header, token: `t.${++tokens}` }), json));
				return /^authorization: t\.2$/im.test(headers) ? ok(socket) : fails(text, code)(socket);
			});
			const client = v3At(server, { user });
			if (asked === 2) await client.get("/a");
			else await assert.rejects(client.get("/a"), PermissionDeniedError);
			assert.equal(tokens, asked);
		});
	}
});

describe("a request to one of the client's endpoints", () => {
	it("is refused for an endpoint that is none of them, before any token goes there", async () => {
		const own = await fakeServer(ok);
		const foreign = await fakeServer(ok);
		const client = v3At(own, { user });
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
	/** Two members, a client of both, and how often each was asked. */
	const both = async (one: Reply, other: Reply = ok) => {
		const all = [await fakeServer(one), await fakeServer(other)] as const;
		return { bad: all[0], client: v3At(all), asked: () => all.map(({ requests }) => requests.length) };
	};
	const learner = fails("etcdserver: rpc not supported for learner", 14);

	for (const [what, reply, name] of [
		["which knows of no leader", noLeader, "NoLeaderError"],
		// etcd 3.4, while it ends.
		["whose gateway ends", fails("grpc: the client connection is closing", 1, 408), "UnavailableError"],
	] as const) {
		it(`${what}, is left for the next one: a read is sent again there, and what comes later goes there at once`, async () => {
			const { client, asked } = await both(reply);
			await client.range("/a");
			await client.put("/a", "");
			assert.deepEqual(asked(), [1, 2]);
		});

		it(`${what}, fails a write, which says that it may have been carried out; the next one goes on`, async () => {
			const { client, asked } = await both(reply);
			await assert.rejects(client.put("/a", ""), { name, maybeApplied: true });
			await client.put("/a", "");
			assert.deepEqual(asked(), [1, 1]);
		});
	}

	it("fails a read where all are like that, each asked once, and says that nothing was applied", async () => {
		const { client, asked } = await both(noLeader, learner);
		await assert.rejects(client.range("/a"), { name: "LearnerError", maybeApplied: false });
		assert.deepEqual(asked(), [1, 1]);
	});

	it("is not left where it alone was asked for", async () => {
		const { bad, client, asked } = await both(noLeader);
		await assert.rejects(client.range("/a", { endpoint: bad.endpoint }), NoLeaderError);
		assert.deepEqual(asked(), [1, 0]);
	});
});

describe("an endpoint without the JSON gateway, as etcd's grpc-proxy is", () => {
	it("is told from an etcd by its 404, in words", async () => {
		const proxy = await fakeServer((socket) => socket.write(http(404, "404 page not found", {})));
		const client = v3At(proxy);
		await assert.rejects(client.get("/a"), /no JSON gateway.*grpc-proxy/);
		await assert.rejects(client.watch("/a"), /no JSON gateway/);
	});
});
