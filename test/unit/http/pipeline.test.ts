import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { AbortedError, ArgumentError, BadAnswerError, ConnectionError, TimeoutError } from "#lib/http";
import type { Pipeline } from "#lib/http/pipeline.js";
import { Transport } from "#lib/http/transport.js";
import { etcdHeaders, FakeServer, http } from "../../support/fake-server";

/** What becomes of one GET: the body, or the error. */
function got(
	pipeline: Pipeline,
	path = "/v2/keys/a",
	options?: { readonly bodyMs: number },
): Promise<string> {
	return new Promise((resolve, reject) => {
		pipeline.get(path, { began() {}, ended: (_head, text) => resolve(text), failed: reject }, options);
	});
}

describe("a pipeline", () => {
	let server: FakeServer;
	let transport: Transport;
	let says: (socket: Socket, path: string, count: number) => unknown;

	beforeEach(async () => {
		says = (socket, path) => socket.write(http(200, path));
		server = await FakeServer.start((socket, { path }, count) => says(socket, path, count));
		transport = new Transport({ endpoints: [server.endpoint], maxBodyBytes: 1_000 });
	});
	afterEach(async () => {
		await transport.close();
		await server.close();
	});

	it("answers a hundred requests on one connection, each with its own answer", async () => {
		const pipeline = transport.pipeline(server.endpoint);
		const paths = Array.from({ length: 100 }, (_, nth) => `/v2/keys/${nth}`);
		assert.deepEqual(await Promise.all(paths.map((path) => got(pipeline, path))), paths);
		assert.equal(server.connectionCount, 1);
		assert.equal(pipeline.underWay, 0);
	});

	it("sends the user's name and password with each request", async () => {
		const known = new Transport({ endpoints: [server.endpoint], user: { name: "root", password: "secret" } });
		await got(known.pipeline(server.endpoint));
		assert.match(server.requests[0]?.headers ?? "", /authorization: Basic cm9vdDpzZWNyZXQ=/i);
		await known.close();
	});

	it("tells of the headers before the body, which is how a watch is known to be in place", async () => {
		says = (socket) =>
			socket.write("HTTP/1.1 200 OK\r\nx-etcd-index: 7\r\ntransfer-encoding: chunked\r\n\r\n");
		const pipeline = transport.pipeline(server.endpoint);
		const index = await new Promise((resolve, reject) => {
			pipeline.get("/v2/keys/a", {
				began: ({ headers }) => resolve(headers["x-etcd-index"]),
				ended: () => reject(new Error("there is no body yet")),
				failed: reject,
			});
		});
		assert.equal(index, "7");
		pipeline.destroy();
	});

	it("makes a new connection when the server has closed the one that was idle", async () => {
		says = (socket, path) => socket.end(http(200, path, { ...etcdHeaders, connection: "close" }));
		const pipeline = transport.pipeline(server.endpoint);
		await got(pipeline);
		await server.quiet();
		assert.equal(await got(pipeline, "/v2/keys/b"), "/v2/keys/b");
		assert.equal(server.connectionCount, 2);
	});

	it("sends what is asked for in one turn in one piece", async () => {
		let pieces = 0;
		says = (socket, path, count) => {
			if (count === 1) socket.on("data", () => pieces++);
			socket.write(http(200, path));
		};
		const pipeline = transport.pipeline(server.endpoint);
		// On a connection that is new, and on one that has been idle.
		for (const each of ["new", "idle"]) {
			pieces = 0;
			await Promise.all(Array.from({ length: 50 }, (_, nth) => got(pipeline, `/v2/keys/${each}/${nth}`)));
			assert.ok(pieces <= 2, `${each}: 50 requests came in ${pieces} pieces`);
		}
	});

	it("goes on behind a proxy that closes the connection after each answer, with what was asked meanwhile", async () => {
		says = (socket, path) => {
			socket.end(http(200, path, { ...etcdHeaders, connection: "close" }));
			says = (next, asked) => next.end(http(200, asked, { ...etcdHeaders, connection: "close" }));
		};
		const pipeline = transport.pipeline(server.endpoint);
		const first = got(pipeline, "/v2/keys/1").then(async (text) => [text, await got(pipeline, "/v2/keys/2")]);
		assert.deepEqual(await first, ["/v2/keys/1", "/v2/keys/2"]);
		assert.equal(server.connectionCount, 2);
	});

	for (const [what, rest] of [
		["nothing more", ""],
		["a byte at a time", "x"],
	] as const) {
		it(`fails with TimeoutError when the body takes longer than bodyMs: ${what}`, async () => {
			// Called for each of the two requests, which are on one connection.
			says = (socket) => {
				socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n0123456789");
				if (rest === "") return;
				const pouring = setInterval(() => socket.write(rest), 10);
				socket.once("close", () => clearInterval(pouring));
			};
			const pipeline = transport.pipeline(server.endpoint);
			const both = [got(pipeline, "/v2/keys/a", { bodyMs: 100 }), got(pipeline)];
			for (const one of both) await assert.rejects(one, TimeoutError);
			await server.quiet();
		});
	}

	it("knows headers by any name", async () => {
		says = (socket) =>
			socket.write(http(200, "", { constructor: "a", __proto__x: "b", toString: "c", "x-etcd-index": "7" }));
		const pipeline = transport.pipeline(server.endpoint);
		const headers = await new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
			pipeline.get("/", { began: (head) => resolve(head.headers), ended() {}, failed: reject });
		});
		assert.deepEqual([headers["constructor"], headers["tostring"], headers["x-etcd-index"]], ["a", "c", "7"]);
	});

	it("refuses a path that would be a request of its own, and goes on with the others", async () => {
		const pipeline = transport.pipeline(server.endpoint);
		const good = got(pipeline);
		await assert.rejects(got(pipeline, "/a HTTP/1.1\r\n\r\nGET /b"), ArgumentError);
		assert.equal(await good, "/v2/keys/a");
		assert.equal(server.requests.length, 1);
	});

	it("ends what is under way when all requests of its transport are, and takes new ones", async () => {
		says = () => {};
		const pipeline = transport.pipeline(server.endpoint);
		const ended = [got(pipeline), got(pipeline)];
		await server.received(2);
		transport.abortAll();
		for (const one of ended) await assert.rejects(one, AbortedError);
		assert.equal(pipeline.destroyed, false);
		says = (socket, path) => socket.write(http(200, path));
		assert.equal(await got(pipeline), "/v2/keys/a");
	});

	it("may be destroyed by whoever is told something, wherever that is", async () => {
		says = (socket, path) => socket.write(http(200, path) + http(200, path));
		for (const where of ["began", "ended"] as const) {
			const pipeline = transport.pipeline(server.endpoint);
			const told: string[] = [];
			const done = new Promise<void>((resolve) => {
				const handler = {
					began: () => void (where === "began" && pipeline.destroy()),
					ended: () => {
						told.push("ended");
						if (where === "ended") pipeline.destroy();
					},
					failed: (error: Error) => {
						told.push(error.name);
						if (told.length === 2) resolve();
					},
				};
				pipeline.get("/v2/keys/a", handler);
				pipeline.get("/v2/keys/b", handler);
			});
			await done;
			assert.deepEqual(told, [where === "began" ? "AbortedError" : "ended", "AbortedError"]);
			await server.quiet();
		}
	});

	it("fails everything on it with ConnectionError when the connection ends inside an answer", async () => {
		says = (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort");
		const pipeline = transport.pipeline(server.endpoint);
		const both = [got(pipeline), got(pipeline)];
		for (const one of both) await assert.rejects(one, ConnectionError);
	});

	it("fails with ConnectionError at a port where nobody listens", async () => {
		const nobody = new Transport({ endpoints: ["http://127.0.0.1:1"] });
		await assert.rejects(got(nobody.pipeline("http://127.0.0.1:1")), /ECONNREFUSED.*GET \/v2\/keys\/a/);
		await nobody.close();
	});

	it("fails with ConnectionError at what is no HTTP, and at an answer that nobody asked for", async () => {
		says = (socket) => socket.write("SSH-2.0-OpenSSH\r\n\r\n");
		await assert.rejects(got(transport.pipeline(server.endpoint)), /HTTP\/1\.1 protocol/);
		says = (socket, path) => socket.write(http(200, path) + http(200, "more"));
		const pipeline = transport.pipeline(server.endpoint);
		await got(pipeline);
		assert.equal(await got(pipeline, "/v2/keys/b"), "/v2/keys/b");
	});

	it("fails with TimeoutError when no headers come in time", async () => {
		says = () => {};
		await assert.rejects(got(transport.pipeline(server.endpoint, 50)), TimeoutError);
	});

	it("fails with BadAnswerError for a body beyond the limit, and for one that is not UTF-8", async () => {
		says = (socket) => socket.write(http(200, "x".repeat(2_000)));
		await assert.rejects(
			got(transport.pipeline(server.endpoint)),
			(error) => error instanceof BadAnswerError && error.kind === "too large",
		);
		says = (socket) => {
			socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n");
			socket.write(Buffer.from([0xc3, 0x28]));
		};
		await assert.rejects(
			got(transport.pipeline(server.endpoint)),
			(error) => error instanceof BadAnswerError && error.kind === "not json",
		);
	});

	it("fails with AbortedError when it is destroyed, when its client is closed, and afterwards", async () => {
		says = () => {};
		const pipeline = transport.pipeline(server.endpoint);
		const one = got(pipeline);
		pipeline.destroy();
		await assert.rejects(one, AbortedError);
		await assert.rejects(got(pipeline), AbortedError);
		const two = got(transport.pipeline(server.endpoint));
		await transport.close();
		await assert.rejects(two, AbortedError);
		assert.throws(() => transport.pipeline(server.endpoint), AbortedError);
	});
});
