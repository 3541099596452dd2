import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { AbortedError, BadAnswerError, ConnectionError, TimeoutError } from "etcd-watch-lab/dist/http";
import type { Lane } from "etcd-watch-lab/dist/http/lane";
import { V2Client } from "etcd-watch-lab/dist/v2";
import { etcdHeaders, FakeServer, http } from "../support/fake-server";

/** What becomes of one GET: the body, or the error. */
function got(lane: Lane, path = "/v2/keys/a"): Promise<string> {
	return new Promise((resolve, reject) => {
		lane.get(path, { began() {}, ended: (_head, text) => resolve(text), failed: reject });
	});
}

describe("a lane", () => {
	let server: FakeServer;
	let keys: V2Client;
	let says: (socket: Socket, path: string, count: number) => unknown;

	beforeEach(async () => {
		says = (socket, path) => socket.write(http(200, path));
		server = await FakeServer.start((socket, { path }, count) => says(socket, path, count));
		keys = new V2Client({ endpoints: [server.endpoint], maxBodyBytes: 1_000 });
	});
	afterEach(async () => {
		await keys.close();
		await server.close();
	});

	it("answers a hundred requests on one connection, each with its own answer", async () => {
		const lane = keys.lane(server.endpoint);
		const paths = Array.from({ length: 100 }, (_, nth) => `/v2/keys/${nth}`);
		assert.deepEqual(await Promise.all(paths.map((path) => got(lane, path))), paths);
		assert.equal(server.connectionCount, 1);
		assert.equal(lane.underWay, 0);
	});

	it("sends the user's name and password with each request", async () => {
		const known = new V2Client({ endpoints: [server.endpoint], user: { name: "root", password: "secret" } });
		await got(known.lane(server.endpoint));
		assert.match(server.requests[0]?.headers ?? "", /authorization: Basic cm9vdDpzZWNyZXQ=/i);
		await known.close();
	});

	it("tells of the headers before the body, which is how a watch is known to be in place", async () => {
		says = (socket) =>
			socket.write("HTTP/1.1 200 OK\r\nx-etcd-index: 7\r\ntransfer-encoding: chunked\r\n\r\n");
		const lane = keys.lane(server.endpoint);
		const index = await new Promise((resolve, reject) => {
			lane.get("/v2/keys/a", {
				began: ({ headers }) => resolve(headers["x-etcd-index"]),
				ended: () => reject(new Error("there is no body yet")),
				failed: reject,
			});
		});
		assert.equal(index, "7");
		lane.destroy();
	});

	it("makes a new connection when the server has closed the one that was idle", async () => {
		says = (socket, path) => socket.end(http(200, path, { ...etcdHeaders, connection: "close" }));
		const lane = keys.lane(server.endpoint);
		await got(lane);
		await server.quiet();
		assert.equal(await got(lane, "/v2/keys/b"), "/v2/keys/b");
		assert.equal(server.connectionCount, 2);
	});

	it("fails everything on it with ConnectionError when the connection ends inside an answer", async () => {
		says = (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort");
		const lane = keys.lane(server.endpoint);
		const both = [got(lane), got(lane)];
		for (const one of both) await assert.rejects(one, ConnectionError);
	});

	it("fails with ConnectionError at a port where nobody listens", async () => {
		const nobody = new V2Client({ endpoints: ["http://127.0.0.1:1"] });
		await assert.rejects(got(nobody.lane("http://127.0.0.1:1")), /ECONNREFUSED.*GET \/v2\/keys\/a/);
		await nobody.close();
	});

	it("fails with ConnectionError at what is no HTTP, and at an answer that nobody asked for", async () => {
		says = (socket) => socket.write("SSH-2.0-OpenSSH\r\n\r\n");
		await assert.rejects(got(keys.lane(server.endpoint)), /no HTTP\/1\.1 status line/);
		says = (socket, path) => socket.write(http(200, path) + http(200, "more"));
		const lane = keys.lane(server.endpoint);
		await got(lane);
		assert.equal(await got(lane, "/v2/keys/b"), "/v2/keys/b");
	});

	it("fails with TimeoutError when no headers come in time", async () => {
		says = () => {};
		await assert.rejects(got(keys.lane(server.endpoint, 50)), TimeoutError);
	});

	it("fails with BadAnswerError for a body beyond the limit, and for one that is not UTF-8", async () => {
		says = (socket) => socket.write(http(200, "x".repeat(2_000)));
		await assert.rejects(
			got(keys.lane(server.endpoint)),
			(error) => error instanceof BadAnswerError && error.kind === "too large",
		);
		says = (socket) => {
			socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n");
			socket.write(Buffer.from([0xc3, 0x28]));
		};
		await assert.rejects(
			got(keys.lane(server.endpoint)),
			(error) => error instanceof BadAnswerError && error.kind === "not json",
		);
	});

	it("fails with AbortedError when it is destroyed, when its client is closed, and afterwards", async () => {
		says = () => {};
		const lane = keys.lane(server.endpoint);
		const one = got(lane);
		lane.destroy();
		await assert.rejects(one, AbortedError);
		await assert.rejects(got(lane), AbortedError);
		const two = got(keys.lane(server.endpoint));
		await keys.close();
		await assert.rejects(two, AbortedError);
		assert.throws(() => keys.lane(server.endpoint), AbortedError);
	});
});
