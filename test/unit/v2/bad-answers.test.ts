import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { EtcdError, EventIndexClearedError, KeyNotFoundError, RaftError, V2Client } from "etcd-watch-lab/v2";
import { BadAnswerError, type BadAnswerKind, ConnectionError, LabError, TimeoutError } from "#lib/http";
import {
	chunk,
	chunked,
	etcdHeaders,
	eventJson,
	FakeServer,
	head,
	http,
	type Reply,
} from "../../support/fake-server";
import { assertNoSecret } from "../../support/secrets";

const password = "pass-w0rd-never-shown";
const html = "<html><body><h1>502 Bad Gateway</h1></body></html>";
const htmlHeaders = { "content-type": "text/html" };

type Call = (keys: V2Client) => Promise<unknown>;
const read: Call = (keys) => keys.get("/a");
const write: Call = (keys) => keys.set("/a", "v");
const poll: Call = async (keys) => (await keys.poll("/a")).answer();
const watch: Call = (keys) => keys.watcher("/a").next();
const stream: Call = async (keys) => (await keys.stream("/a")).next();
/** The second event of a stream whose first is right. */
const secondOfStream: Call = async (keys) => {
	const events = await keys.stream("/a");
	assert.equal((await events.next())?.node.modifiedIndex, 8);
	return events.next();
};

interface Expected {
	readonly type: new (...args: never[]) => LabError;
	/** For a BadAnswerError. */
	readonly kind?: BadAnswerKind;
	readonly status?: number;
	readonly excerpt?: RegExp;
	/** For a ConnectionError. */
	readonly maybeApplied?: boolean;
	/** For an EtcdError. */
	readonly code?: number;
	readonly message?: RegExp;
}

interface Case {
	readonly what: string;
	readonly reply: Reply;
	readonly call?: Call;
	readonly expected: Expected;
}

function says(text: string | Buffer): Reply {
	return (socket) => socket.write(text);
}

function saysAndEnds(text: string): Reply {
	return (socket) => socket.end(text);
}

function json(value: unknown, status = 200): Reply {
	return says(http(status, JSON.stringify(value)));
}

function bad(kind: BadAnswerKind, status: number, rest: Partial<Expected> = {}): Expected {
	return { type: BadAnswerError, kind, status, ...rest };
}

function cut(maybeApplied = false, message = /./): Expected {
	return { type: ConnectionError, maybeApplied, message };
}

const node = { key: "/a", value: "v", modifiedIndex: 7, createdIndex: 7 };
const shapes: [string, unknown][] = [
	["null", null],
	["an array", []],
	["a number", 5],
	["text", "set"],
	["true", true],
	["an empty object", {}],
	["no action", { node }],
	["an action that etcd doesn't have", { action: "explode", node }],
	["an action that is a number", { action: 1, node }],
	["no node", { action: "set" }],
	["a node of null", { action: "set", node: null }],
	["a node that is an array", { action: "set", node: [node] }],
	["a write's node without a key", { action: "set", node: { ...node, key: undefined } }],
	["a write's node without indexes", { action: "set", node: { key: "/a", value: "v" } }],
	["a key that is a number", { action: "get", node: { ...node, key: 5 } }],
	["a value that is a number", { action: "get", node: { ...node, value: 5 } }],
	["indexes as text", { action: "get", node: { ...node, modifiedIndex: "7" } }],
	["a negative index", { action: "get", node: { ...node, modifiedIndex: -7 } }],
	["a fractional index", { action: "get", node: { ...node, createdIndex: 7.5 } }],
	["an index above 2^53", { action: "get", node: { ...node, createdIndex: 2 ** 53 } }],
	["a ttl as text", { action: "get", node: { ...node, ttl: "5" } }],
	["dir as text", { action: "get", node: { ...node, dir: "true" } }],
	["children that are no array", { action: "get", node: { ...node, dir: true, nodes: {} } }],
	["a child of null", { action: "get", node: { ...node, dir: true, nodes: [null] } }],
	[
		"a child without a key",
		{ action: "get", node: { ...node, dir: true, nodes: [{ ...node, key: undefined }] } },
	],
	[
		"a grandchild that is text",
		{ action: "get", node: { ...node, dir: true, nodes: [{ ...node, nodes: ["x"] }] } },
	],
	["a prevNode that is text", { action: "set", node, prevNode: "before" }],
	["a prevNode with bad indexes", { action: "set", node, prevNode: { ...node, modifiedIndex: null } }],
];

const nested = '{"key":"/a","dir":true,"createdIndex":1,"modifiedIndex":1,"nodes":[';

const cases: Case[] = [
	...shapes.map(([what, value]) => ({
		what: `JSON of the wrong shape, ${what}`,
		reply: json(value),
		expected: bad("wrong shape", 200),
	})),
	{
		what: "HTML with 200",
		reply: says(http(200, html, htmlHeaders)),
		expected: bad("not json", 200, { excerpt: /502 Bad/ }),
	},
	{ what: "HTML with 403", reply: says(http(403, html, htmlHeaders)), expected: bad("not json", 403) },
	{ what: "HTML with 404", reply: says(http(404, html, htmlHeaders)), expected: bad("not json", 404) },
	{
		what: "HTML with 502",
		reply: says(http(502, html, htmlHeaders)),
		expected: bad("status", 502, { excerpt: /502 Bad/ }),
	},
	{ what: "HTML with 503", reply: says(http(503, html, htmlHeaders)), expected: bad("status", 503) },
	{
		what: "HTML with 502 to a write",
		reply: says(http(502, html, htmlHeaders)),
		call: write,
		expected: bad("status", 502),
	},
	{
		what: "HTML with 502 to a watch",
		reply: says(http(502, html, htmlHeaders)),
		call: watch,
		expected: bad("status", 502),
	},
	{
		what: "HTML with 200 to a watch",
		reply: says(http(200, html, htmlHeaders)),
		call: poll,
		expected: bad("wrong shape", 200, { message: /X-Etcd-Index/ }),
	},
	{
		what: "HTML with etcd's headers to a poll",
		reply: says(http(200, html)),
		call: poll,
		expected: bad("not json", 200),
	},
	{
		what: "a long page",
		reply: says(http(200, "x".repeat(5000))),
		expected: bad("not json", 200, { excerpt: /^x{200}$/ }),
	},
	{ what: "an empty body", reply: says(http(200, "")), expected: bad("not json", 200) },
	{ what: "an empty body with 500", reply: says(http(500, "")), expected: bad("status", 500) },
	{ what: "an empty body with 404", reply: says(http(404, "")), expected: bad("not json", 404) },
	{ what: "a 204", reply: says(head(204)), expected: bad("not json", 204) },
	{
		what: "truncated JSON with a right length",
		reply: says(http(200, eventJson(7).slice(0, -5))),
		expected: bad("truncated", 200),
	},
	{
		what: "JSON and more",
		reply: says(http(200, `${eventJson(7)}${eventJson(8)}`)),
		expected: bad("truncated", 200),
	},
	{
		what: "JSON that is nested too deeply",
		reply: says(http(200, `{"action":"get","node":${nested.repeat(50_000)}${"]}".repeat(50_000)}}`)),
		expected: bad("wrong shape", 200),
	},
	{
		what: "no X-Etcd-Index",
		reply: says(http(200, eventJson(7), {})),
		expected: bad("wrong shape", 200, { message: /X-Etcd-Index/ }),
	},
	{
		what: "an X-Etcd-Index that is text",
		reply: says(http(200, eventJson(7), { ...etcdHeaders, "x-etcd-index": "seven" })),
		expected: bad("wrong shape", 200, { message: /X-Etcd-Index/ }),
	},
	{
		what: "an empty X-Etcd-Index",
		reply: says(http(200, eventJson(7), { ...etcdHeaders, "x-etcd-index": "" })),
		expected: bad("wrong shape", 200, { message: /X-Etcd-Index/ }),
	},
	{
		what: "a negative X-Etcd-Index",
		reply: says(http(200, eventJson(7), { ...etcdHeaders, "x-etcd-index": "-7" })),
		expected: bad("wrong shape", 200),
	},
	{
		what: "two X-Etcd-Index headers",
		reply: says(http(200, eventJson(7)).replace("x-etcd-index: 7", "x-etcd-index: 7\r\nx-etcd-index: 8")),
		expected: bad("wrong shape", 200),
	},
	{
		what: "a redirect",
		reply: says(http(302, "", { location: "http://127.0.0.1:1/" })),
		expected: bad("redirect", 302, { message: /name the server itself/ }),
	},
	{
		what: "a redirect to itself, as a loop begins",
		reply: (socket, request) => socket.write(http(307, "", { location: request.path })),
		expected: bad("redirect", 307),
	},
	{
		what: "a redirect of a write",
		reply: says(http(301, html, { location: "/login" })),
		call: write,
		expected: bad("redirect", 301),
	},
	{
		what: "a redirect of a watch",
		reply: says(http(302, html, { location: "/login" })),
		call: stream,
		expected: bad("redirect", 302),
	},
	{
		what: "a redirect with etcd-like JSON in it",
		reply: json({ action: "get", node }, 308),
		expected: bad("redirect", 308),
	},
	{
		what: "a 5xx with etcd's error",
		reply: json({ errorCode: 300, message: "Raft Internal Error", cause: "timed out", index: 0 }, 500),
		expected: { type: RaftError, code: 300, status: 500 },
	},
	{
		what: "a 503 with etcd's error to a watch",
		reply: json({ errorCode: 301, message: "During Leader Election", cause: "", index: 3 }, 503),
		call: poll,
		expected: { type: RaftError, code: 301, status: 503 },
	},
	{
		what: "a 5xx with JSON that is not etcd's",
		reply: json({ error: "overloaded" }, 503),
		expected: bad("status", 503),
	},
	{
		what: "a 404 with JSON that is not etcd's",
		reply: json({ message: "no such route" }, 404),
		expected: bad("status", 404),
	},
	{
		what: "an error code that nobody knows",
		reply: json({ errorCode: 777, message: "New", cause: "c", index: 9 }, 400),
		expected: { type: EtcdError, code: 777, status: 400 },
	},
	{
		what: "an error code as text",
		reply: json({ errorCode: "100", message: "Key not found", cause: "/a", index: 9 }, 404),
		expected: bad("status", 404),
	},
	{
		what: "an error code as text, with 200",
		reply: json({ errorCode: "100", message: "Key not found" }),
		expected: bad("wrong shape", 200),
	},
	{
		what: "an etcd error with fields of other types",
		reply: json({ errorCode: 100, message: null, index: "9" }, 404),
		expected: { type: KeyNotFoundError, code: 100, status: 404 },
	},
	{
		what: "an etcd error with 200",
		reply: json({ errorCode: 100, message: "Key not found", cause: "/a", index: 9 }),
		expected: { type: KeyNotFoundError, code: 100, status: 200 },
	},
	{
		what: "a 401 whose cause has no indexes",
		reply: json({ errorCode: 401, message: "cleared", cause: "", index: 9 }, 400),
		call: poll,
		expected: { type: EventIndexClearedError, code: 401 },
	},
	{
		what: "a body that says it is gzip and is",
		reply: says(
			Buffer.concat([
				Buffer.from(
					head(200, {
						...etcdHeaders,
						"content-encoding": "gzip",
						"content-length": String(gzipSync(eventJson(7)).length),
					}),
				),
				gzipSync(eventJson(7)),
			]),
		),
		expected: bad("not json", 200),
	},
	{ what: "NUL bytes", reply: says(http(200, "\u0000".repeat(64))), expected: bad("not json", 200) },
	{
		what: "NUL bytes inside JSON",
		reply: says(http(200, eventJson(7).replace('"v"', '"\u0000"'))),
		expected: bad("truncated", 200),
	},
	{
		what: "invalid UTF-8 inside JSON",
		reply: says(
			Buffer.from(
				http(200, eventJson(7).replace('"v"', '"\u00ff"'), {
					...etcdHeaders,
					"content-length": String(eventJson(7).length),
				}),
				"latin1",
			),
		),
		expected: bad("not json", 200),
	},
	{
		what: "invalid UTF-8 in an event of a stream",
		reply: says(
			Buffer.from(
				`${head(200, chunked)}${chunk("x".repeat(eventJson(8).length + 1)).replace(/x+/, `${eventJson(8).replace('"v"', '"\u00ff"')}\n`)}`,
				"latin1",
			),
		),
		call: stream,
		expected: bad("not json", 200),
	},
	{
		what: "a reset before any answer",
		reply: (socket) => socket.resetAndDestroy(),
		expected: cut(false, /ECONNRESET|other side closed|UND_ERR_SOCKET/),
	},
	{
		what: "a reset before any answer to a write",
		reply: (socket) => socket.resetAndDestroy(),
		call: write,
		expected: cut(true),
	},
	{ what: "an end before any answer", reply: (socket) => socket.end(), expected: cut() },
	{
		what: "an end before any answer to a write",
		reply: (socket) => socket.end(),
		call: write,
		expected: cut(true),
	},
	{
		what: "a reset in the middle of the body",
		reply: resetAfter(`${head(200, { ...etcdHeaders, "content-length": "500" })}{"action"`),
		expected: cut(),
	},
	{
		what: "a reset in the middle of a write's answer",
		reply: resetAfter(`${head(200, { ...etcdHeaders, "content-length": "500" })}{"action"`),
		call: write,
		expected: cut(true),
	},
	{ what: "a reset while a poll waits", reply: resetAfter(head(200, chunked)), call: poll, expected: cut() },
	{ what: "an end while a poll waits", reply: saysAndEnds(head(200, chunked)), call: poll, expected: cut() },
	{
		what: "an end while the watcher waits",
		reply: saysAndEnds(head(200, chunked)),
		call: watch,
		expected: cut(),
	},
	{
		what: "a reset while a stream waits",
		reply: resetAfter(head(200, chunked)),
		call: stream,
		expected: cut(),
	},
	{
		what: "a body shorter than its content-length",
		reply: saysAndEnds(http(200, eventJson(7), { ...etcdHeaders, "content-length": "500" })),
		expected: cut(),
	},
	{
		what: "a body longer than its content-length",
		reply: says(http(200, eventJson(7), { ...etcdHeaders, "content-length": "10" })),
		expected: bad("truncated", 200),
	},
	{
		what: "a content-length that is text",
		reply: says(http(200, eventJson(7), { "content-length": "long" })),
		expected: cut(),
	},
	{
		what: "two different content-lengths",
		reply: says(http(200, eventJson(7), { "content-length": "5", "Content-Length": "6" })),
		expected: cut(),
	},
	{
		what: "a chunk whose size is no number",
		reply: says(`${head(200, chunked)}zz\r\n{}\r\n0\r\n\r\n`),
		expected: cut(),
	},
	{ what: "bytes that are not HTTP", reply: says("SSH-2.0-OpenSSH_9.2\r\n"), expected: cut() },
	{
		what: "bytes that are not HTTP to a write",
		reply: says("\u0015\u0003\u0001\u0000\u0002\u0002\n"),
		call: write,
		expected: cut(true),
	},
	{
		what: "a header without end",
		reply: flood(`HTTP/1.1 200 OK\r\nx-endless: `),
		expected: cut(false, /[Hh]eader/),
	},
	{
		what: "headers without end",
		reply: flood("HTTP/1.1 200 OK\r\n", "x-again: and again\r\n".repeat(100)),
		expected: cut(false, /[Hh]eader/),
	},
	{
		what: "no answer at all",
		reply: () => {},
		expected: { type: TimeoutError, maybeApplied: false, message: /300 ms/ },
	},
	{
		what: "no answer at all to a write",
		reply: () => {},
		call: write,
		expected: { type: TimeoutError, maybeApplied: true },
	},
	{
		what: "no answer at all to a watch",
		reply: () => {},
		call: poll,
		expected: { type: TimeoutError, maybeApplied: false },
	},
	{
		what: "half of the headers",
		reply: says("HTTP/1.1 200 OK\r\nx-etcd-"),
		expected: { type: TimeoutError, maybeApplied: false },
	},
	{
		what: "a body that stops",
		reply: says(head(200, { ...etcdHeaders, "content-length": "500" })),
		expected: { type: TimeoutError, maybeApplied: false, message: /no whole body in 300 ms/ },
	},
	{
		what: "a write's answer that stops",
		reply: says(head(200, { ...etcdHeaders, "content-length": "500" })),
		call: write,
		expected: { type: TimeoutError, maybeApplied: true },
	},
	{
		what: "a drop of body now and then",
		reply: trickle,
		expected: { type: TimeoutError, maybeApplied: false },
	},
	{
		what: "an error page to a watch that stops in its middle",
		reply: says(head(502, { ...htmlHeaders, "content-length": "500" })),
		call: poll,
		expected: { type: TimeoutError, maybeApplied: false },
	},
	{
		what: "a poll's answer larger than the limit",
		reply: flood(head(200, chunked), chunk("x".repeat(8192))),
		call: poll,
		expected: bad("too large", 200),
	},
	{
		what: "an error page larger than the limit",
		reply: flood(head(502, { ...htmlHeaders, "transfer-encoding": "chunked" }), chunk("x".repeat(8192))),
		expected: bad("too large", 502),
	},
	{
		what: "a line of a stream larger than the limit",
		reply: flood(`${head(200, chunked)}${chunk(`${eventJson(8)}\n`)}`, chunk("x".repeat(8192))),
		call: secondOfStream,
		expected: bad("too large", 200),
	},
	{
		what: "a stream that ends inside an event",
		reply: saysAndEnds(
			`${head(200, chunked)}${chunk(`${eventJson(8)}\n${eventJson(9).slice(0, 30)}`)}0\r\n\r\n`,
		),
		call: secondOfStream,
		expected: cut(false, /inside an event/),
	},
	{
		what: "a stream that is cut inside an event",
		reply: saysAndEnds(`${head(200, chunked)}${chunk(`${eventJson(8)}\n${eventJson(9).slice(0, 30)}`)}`),
		call: secondOfStream,
		expected: cut(),
	},
	{
		what: "a line of a stream that is not JSON",
		reply: says(`${head(200, chunked)}${chunk(`${eventJson(8)}\nhello\n`)}`),
		call: secondOfStream,
		expected: bad("not json", 200),
	},
	{
		what: "a read in a stream",
		reply: says(`${head(200, chunked)}${chunk(`${eventJson(8, "get")}\n`)}`),
		call: stream,
		expected: bad("wrong shape", 200, { message: /with a read/ }),
	},
	{
		what: "an etcd error in a stream",
		reply: says(
			`${head(200, chunked)}${chunk(`${eventJson(8)}\n{"errorCode":400,"message":"watcher is cleared due to etcd recovery","cause":"","index":9}\n`)}`,
		),
		call: secondOfStream,
		expected: { type: EtcdError, code: 400 },
	},
	{
		what: "a read as a poll's answer",
		reply: says(http(200, eventJson(8, "get"))),
		call: poll,
		expected: bad("wrong shape", 200, { message: /with a read/ }),
	},
	{
		what: "statistics that are not etcd's",
		reply: json({ watchers: null }),
		call: (keys) => keys.watcherCount(),
		expected: bad("wrong shape", 200),
	},
	{
		what: "statistics with 500",
		reply: json({ watchers: 0 }, 500),
		call: (keys) => keys.watcherCount(),
		expected: bad("status", 500),
	},
	{
		what: "a member without a name",
		reply: json([]),
		call: (keys) => keys.memberName(),
		expected: bad("wrong shape", 200),
	},
	{
		what: "a version that is not etcd's",
		reply: json({ version: "3.5" }),
		call: (keys) => keys.version(),
		expected: bad("wrong shape", 200),
	},
	{
		what: "a page as the version",
		reply: says(http(200, html)),
		call: (keys) => keys.version(),
		expected: bad("not json", 200),
	},
];

function resetAfter(text: string): Reply {
	return (socket) => socket.write(text, () => socket.resetAndDestroy());
}

/** Sends `more` again and again, as fast as it is taken, until the other side is gone. */
function flood(first: string, more = "x".repeat(8192)): Reply {
	return async (socket) => {
		socket.write(first);
		await pour(socket, Buffer.from(more), Number.POSITIVE_INFINITY);
	};
}

/** How many bytes could be sent. */
async function pour(socket: Socket, piece: Buffer, most: number): Promise<number> {
	let sent = 0;
	const gone = new Promise<boolean>((resolve) => {
		socket.once("close", () => resolve(false));
		socket.once("error", () => resolve(false));
	});
	while (sent < most && !socket.destroyed) {
		const more = socket.write(piece);
		sent += piece.length;
		if (
			!more &&
			!(await Promise.race([
				once(socket, "drain").then(
					() => true,
					() => false,
				),
				gone,
			]))
		)
			break;
	}
	return sent;
}

function trickle(socket: Socket): void {
	socket.write(head(200, { ...etcdHeaders, "content-length": "100000" }));
	const timer = setInterval(() => socket.write(" "), 20);
	socket.once("close", () => clearInterval(timer));
}

function assertExpected(error: unknown, expected: Expected): void {
	assert.ok(error instanceof LabError, `not typed: ${error instanceof Error ? error.stack : error}`);
	assert.ok(error instanceof expected.type, `not ${expected.type.name} but ${error.name}: ${error.message}`);
	const { message = /./, ...fields } = expected;
	assert.match(error.message, message);
	for (const [name, value] of Object.entries(fields)) {
		if (name === "type") continue;
		const actual: unknown = Reflect.get(error, name);
		if (value instanceof RegExp) assert.match(String(actual), value);
		else assert.equal(actual, value, `${name} of ${error.message}`);
	}
	assertNoSecret(error, password);
}

describe("an answer that is not etcd's", () => {
	for (const { what, reply, call = read, expected } of cases) {
		it(`becomes a ${expected.type.name}${expected.kind === undefined ? "" : ` "${expected.kind}"`}: ${what}`, async () => {
			const server = await FakeServer.start(reply);
			const keys = new V2Client({
				endpoints: [server.endpoint],
				user: { name: "root", password },
				timeoutMs: 300,
				maxBodyBytes: 4 * 1024 * 1024,
			});
			try {
				await assert.rejects(call(keys), (error: unknown) => {
					assertExpected(error, expected);
					return true;
				});
				assert.equal(server.requests.length, 1, "nothing is asked twice");
				assert.match(server.requests[0]?.headers ?? "", /authorization: Basic /i);
				await keys.close();
				await server.quiet();
			} finally {
				await keys.close();
				await server.close();
			}
		});
	}

	for (const [what, answer] of [
		["a proxy's 502", http(502, html, htmlHeaders)],
		["JSON that stops short", http(200, '{"action":"set"')],
		["a page that is not JSON", http(200, html, htmlHeaders)],
		["a redirect", http(302, "", { location: "/" })],
		["JSON of another shape", http(200, "{}")],
		[
			"no leader",
			http(500, '{"errorCode":300,"message":"Raft Internal Error","cause":"no leader","index":0}'),
		],
		["an election", http(500, '{"errorCode":301,"message":"During Leader Election","index":0}')],
		["a body that is cut", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"],
		["a body that is too large", http(200, "x".repeat(2_000))],
		["a body that is not UTF-8", http(200, "\xc3(")],
	] as const) {
		it(`says of a write that it may have been carried out, and of a read that it was not: ${what}`, async () => {
			const server = await FakeServer.start((socket) => socket.end(Buffer.from(answer, "latin1")));
			const keys = new V2Client({ endpoints: [server.endpoint], maxBodyBytes: 1_000 });
			for (const [call, maybeApplied] of [
				[read, false],
				[write, true],
			] as const) {
				await assert.rejects(call(keys), (error) => {
					assert.ok(error instanceof LabError, String(error));
					assert.equal(error.maybeApplied, maybeApplied, error.message);
					return true;
				});
			}
			await keys.close();
			await server.close();
		});
	}

	it("says of a write that was ended while it was on its way that it may have been carried out", async () => {
		const server = await FakeServer.start(() => {});
		const keys = new V2Client({ endpoints: [server.endpoint] });
		const ended = assert.rejects(write(keys), { name: "AbortedError", maybeApplied: true });
		const reading = assert.rejects(read(keys), { name: "AbortedError", maybeApplied: false });
		await server.received(2);
		keys.abortAll();
		await ended;
		await reading;
		await keys.close();
		await server.close();
	});

	it("says of a write that etcd refused that it was not carried out", async () => {
		const server = await FakeServer.start(
			json({ errorCode: 105, message: "Key already exists", index: 7 }, 412),
		);
		const keys = new V2Client({ endpoints: [server.endpoint] });
		await assert.rejects(write(keys), { name: "KeyExistsError", maybeApplied: false });
		await keys.close();
		await server.close();
	});

	const user = { name: "root", password };
	const basic = `Basic ${Buffer.from(`root:${password}`).toString("base64")}`;
	for (const quoted of [basic, `root:${password}`, `x${password}y`, basic.slice(6)]) {
		for (const [what, answer] of [
			["a page", (text: string) => http(400, `<pre>${text}</pre>`, htmlHeaders)],
			["a page that ends inside it", (text: string) => http(400, `${"x".repeat(190)}${text}`, htmlHeaders)],
			["JSON of another shape", (text: string) => http(200, JSON.stringify({ authorization: text }))],
			["text before JSON", (text: string) => http(200, text)],
			[
				"etcd's error",
				(text: string) => http(401, JSON.stringify({ errorCode: 110, message: text, cause: text, index: 0 })),
			],
			["what is no HTTP", (text: string) => `authorization: ${text}\r\n\r\n`],
			["a body that is too large", (text: string) => http(200, text + "x".repeat(2_000))],
		] as const) {
			it(`never quotes the user's password: ${quoted.slice(0, 5)}… in ${what}`, async () => {
				const server = await FakeServer.start(says(answer(quoted)));
				const keys = new V2Client({
					endpoints: [server.endpoint],
					user,
					maxBodyBytes: 1_000,
					timeoutMs: 1_000,
				});
				for (const call of [read, write, poll, stream]) {
					await assert.rejects(call(keys), (error) => {
						assert.ok(error instanceof LabError, String(error));
						assertNoSecret(error, password);
						return true;
					});
				}
				await keys.close();
				await server.close();
			});
		}
	}

	it("hides a short password where it stands alone, and leaves words that hold it", async () => {
		const server = await FakeServer.start(
			json({ errorCode: 110, message: "bad pa ss for root:pa", cause: "/path (pa)", index: 0 }, 401),
		);
		const keys = new V2Client({ endpoints: [server.endpoint], user: { name: "root", password: "pa" } });
		await assert.rejects(read(keys), /110 bad ‹hidden› ss for ‹hidden› \(\/path \(‹hidden›\)\)/);
		await keys.close();
		await server.close();
	});

	it("does not let a server's words do anything to a terminal", async () => {
		const server = await FakeServer.start(
			json(
				{ errorCode: 100, message: "Key\u001b]52;c;eA==\u0007", cause: "/a\u202e\u001b[2J", index: 7 },
				404,
			),
		);
		const keys = new V2Client({ endpoints: [server.endpoint] });
		await assert.rejects(read(keys), (error) => {
			assert.ok(error instanceof KeyNotFoundError);
			assert.match(error.message, /^100 Key\\u\{1b\}\]52;c;eA==\\u\{7\} \(\/a\\u\{202e\}\\u\{1b\}\[2J\)/);
			assert.equal(error.etcdCause, "/a\u202e\u001b[2J", "the fields are as they came");
			return true;
		});
		await keys.close();
		await server.close();
	});

	it("is a version with an escape sequence in it", async () => {
		const server = await FakeServer.start(json({ etcdserver: "3.5.1\u001b[2J" }));
		const keys = new V2Client({ endpoints: [server.endpoint] });
		await assert.rejects(keys.version(), BadAnswerError);
		await keys.close();
		await server.close();
	});

	it("is no error when a poll's 200 is empty, which says no more than that", async () => {
		const server = await FakeServer.start(says(http(200, "")));
		const keys = new V2Client({ endpoints: [server.endpoint] });
		assert.deepEqual(await (await keys.poll("/a")).answer(), { kind: "empty" });
		await keys.close();
		await server.close();
	});

	it("makes a watcher ask again with the same waitIndex after an empty 200", async () => {
		const server = await FakeServer.start((socket, _, count) =>
			socket.write(http(200, count === 2 ? "\n" : eventJson(6 + count))),
		);
		const keys = new V2Client({ endpoints: [server.endpoint] });
		const watcher = keys.watcher("/a");
		assert.equal((await watcher.next()).node.modifiedIndex, 7);
		assert.equal((await watcher.next()).node.modifiedIndex, 9);
		assert.deepEqual(
			server.requests.map(({ path }) => /waitIndex=(\d+)/.exec(path)?.[1]),
			[undefined, "8", "8"],
		);
		await keys.close();
		await server.close();
	});

	it("is a stream's end when it ends properly", async () => {
		const server = await FakeServer.start(
			saysAndEnds(`${head(200, chunked)}${chunk(`${eventJson(8)}\n`)}0\r\n\r\n`),
		);
		const keys = new V2Client({ endpoints: [server.endpoint] });
		const events = await keys.stream("/a");
		assert.equal((await events.next())?.node.modifiedIndex, 8);
		assert.equal(await events.next(), undefined);
		assert.equal(await events.next(), undefined);
		await keys.close();
		await server.quiet();
		await server.close();
	});

	it("is read whole though it comes byte by byte, in the middle of a character too", async () => {
		const text = eventJson(8).replace('"v"', '"é日🙂"');
		const server = await FakeServer.start(async (socket) => {
			socket.setNoDelay(true);
			socket.write(head(200, chunked));
			for (const byte of Buffer.from(`${text}\n`)) {
				socket.write(Buffer.concat([Buffer.from("1\r\n"), Buffer.of(byte), Buffer.from("\r\n")]));
				await new Promise(setImmediate);
			}
		});
		const keys = new V2Client({ endpoints: [server.endpoint] });
		const events = await keys.stream("/a");
		assert.equal((await events.next())?.node.value, "é日🙂");
		events.close();
		await keys.close();
		await server.quiet();
		await server.close();
	});

	for (const [name, call] of [
		["read", read],
		["poll", poll],
		["stream", stream],
	] as const) {
		it(`takes bounded memory when it is a gigabyte long: a ${name}`, async () => {
			const gigabyte = 1024 ** 3;
			const piece = Buffer.from(chunk("x".repeat(64 * 1024)));
			let sent = 0;
			let poured: Promise<void> | undefined;
			const server = await FakeServer.start((socket) => {
				socket.write(head(200, chunked));
				poured = pour(socket, piece, gigabyte).then((bytes) => {
					sent = bytes;
				});
			});
			// The lab's own limit, which is the one that readers get.
			const keys = new V2Client({ endpoints: [server.endpoint], timeoutMs: 30_000 });
			const before = process.memoryUsage().rss;
			await assert.rejects(call(keys), (error: unknown) => {
				assertExpected(error, bad("too large", 200, { message: /67108864/ }));
				return true;
			});
			const grownMiB = (process.memoryUsage().rss - before) / 1024 ** 2;
			// The connection is destroyed before the client is closed.
			await server.quiet();
			await poured;
			await keys.close();
			await server.close();
			assert.ok(grownMiB < 150, `the memory grew by ${grownMiB} MiB`);
			assert.ok(sent > 64 * 1024 ** 2 && sent < 96 * 1024 ** 2, `${sent} bytes could be sent`);
		});
	}
});
