import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import type { V2Client } from "etcd-watch-lab/v2";
import { type BadAnswerKind, LabError } from "#lib/http";
import type { ConnectOptions } from "#lib/http/request.js";
import { fakeServer, v2At, v2Of, v3At } from "../../support/clients";
import {
	chunk,
	chunked,
	etcdHeaders,
	eventJson,
	type FakeServer,
	head,
	http,
	type Reply,
} from "../../support/fake-server";
import { assertNoSecret } from "../../support/secrets";

const password = "pass-w0rd-never-shown";
const html = "<html><body><h1>502 Bad Gateway</h1></body></html>";
const htmlHeaders = { "content-type": "text/html" };

/** What is done with a client; "second" asks for the second event of a stream whose first is right. */
type Act = "read" | "write" | "watch" | V2Act;
type V2Act = "watcher" | "stream" | "second" | "statistics" | "member" | "version";

function v2Acts(keys: V2Client): Record<Act, () => Promise<unknown>> {
	return {
		read: () => keys.get("/a"),
		write: () => keys.set("/a", "v"),
		watch: async () => (await keys.poll("/a")).answer(),
		watcher: () => keys.watcher("/a").next(),
		stream: async () => (await keys.stream("/a")).next(),
		statistics: () => keys.watcherCount(),
		member: () => keys.memberName(),
		version: () => keys.version(),
		second: async () => {
			const events = await keys.stream("/a");
			assert.equal((await events.next())?.node.modifiedIndex, 8);
			return events.next();
		},
	};
}

type Client = Partial<Record<Act, () => Promise<unknown>>> & { close(): Promise<void> };

const apis: Record<"v2" | "v3", (at: FakeServer, options: Partial<ConnectOptions>) => Client> = {
	v2: (at, options) => {
		const keys = v2At(at, { ...options, user: { name: "root", password } });
		return { ...v2Acts(keys), close: () => keys.close() };
	},
	v3: (at, options) => {
		const v3 = v3At(at, options);
		const watch = async () => await (await v3.watch("/a", { startRevision: 3 })).next();
		return { read: () => v3.range("/a"), write: () => v3.put("/a", "1"), watch, close: () => v3.close() };
	},
};

/** The error's fields, as `assert.rejects` holds them against it. */
type Expected = { readonly name: string; readonly kind?: string } & Readonly<Record<string, unknown>>;

/** What it is, what the server says, what the client makes of it, and of what: of a read unless it is said. */
type Row = readonly [what: string, reply: Reply, expected: Expected, act?: Act];

function bad(kind: BadAnswerKind, status?: number, rest: object = {}): Expected {
	return { name: "BadAnswerError", kind, ...(status === undefined ? {} : { status }), ...rest };
}

function cut(maybeApplied = false, message = /./): Expected {
	return { name: "ConnectionError", maybeApplied, message };
}

function late(maybeApplied = false, message = /./): Expected {
	return { name: "TimeoutError", maybeApplied, message };
}

const says =
	(text: string | Buffer): Reply =>
	(socket) =>
		socket.write(text);
const saysAndEnds =
	(text: string): Reply =>
	(socket) =>
		socket.end(text);
const resetAfter =
	(text: string): Reply =>
	(socket) =>
		socket.write(text, () => socket.resetAndDestroy());
const ok = (text: string, headers?: Parameters<typeof http>[2]) => says(http(200, text, headers));
const json = (value: unknown, status = 200) => says(http(status, JSON.stringify(value)));
const page = (status: number) => says(http(status, html, htmlHeaders));
const redirect = (status: number, to = "/login") => says(http(status, html, { location: to }));
const resets: Reply = (socket) => socket.resetAndDestroy();
const ends: Reply = (socket) => socket.end();
const silent: Reply = () => {};
/** Headers that promise more than comes. */
const promise = head(200, { ...etcdHeaders, "content-length": "500" });
const pagePromise = head(502, { ...htmlHeaders, "content-length": "500" });
const large = chunk("x".repeat(8192));

const wrongShape = bad("wrong shape", 200);
const notJson = bad("not json", 200);
const truncated = bad("truncated", 200);
const badGateway = bad("status", 502);

/** What does not depend on the API: each is tried on both. */
const ofBoth: readonly Row[] = [
	["HTML with 200", page(200), bad("not json", 200, { excerpt: /502 Bad/ })],
	["HTML with 403", page(403), bad("not json", 403)],
	["HTML with 502", page(502), bad("status", 502, { excerpt: /502 Bad/ })],
	["HTML with 503", page(503), bad("status", 503)],
	["HTML with 502 to a write", page(502), badGateway, "write"],
	["HTML with 502 to a watch", page(502), badGateway, "watch"],
	["a long page", ok("x".repeat(5000)), bad("not json", 200, { excerpt: /^x{200}$/ })],
	["an empty body", ok(""), notJson],
	["an empty body with 500", says(http(500, "")), bad("status", 500)],
	["a 204", says(head(204)), bad("not json", 204)],
	["JSON that stops short", ok(eventJson(7).slice(0, -5)), truncated],
	["JSON and more", ok(`${eventJson(7)}${eventJson(8)}`), truncated],
	["JSON of null", json(null), wrongShape],
	["JSON of an array", json([]), wrongShape],
	["JSON of text", json("set"), wrongShape],
	[
		"a redirect",
		redirect(302, "http://127.0.0.1:1/"),
		bad("redirect", 302, { message: /name the server itself/ }),
	],
	["a redirect of a write", redirect(301), bad("redirect", 301), "write"],
	["a redirect of a watch", redirect(302), bad("redirect", 302), "watch"],
	["a redirect with JSON in it", json({}, 308), bad("redirect", 308)],
	["a 5xx with JSON that is not etcd's", json({ reason: "overloaded" }, 503), bad("status", 503)],
	["NUL bytes", ok("\u0000".repeat(64)), notJson],
	["NUL bytes inside JSON", ok(eventJson(7).replace('"v"', '"\u0000"')), truncated],
	["a reset before any answer", resets, cut(false, /ECONNRESET|other side closed|UND_ERR_SOCKET/)],
	["a reset before any answer to a write", resets, cut(true), "write"],
	["an end before any answer", ends, cut()],
	["an end before any answer to a write", ends, cut(true), "write"],
	["a reset in the middle of the body", resetAfter(`${promise}{"action"`), cut()],
	["a reset in the middle of a write's answer", resetAfter(`${promise}{"action"`), cut(true), "write"],
	["a reset while a watch waits", resetAfter(head(200, chunked)), cut(), "watch"],
	["an end while a watch waits", saysAndEnds(head(200, chunked)), cut(), "watch"],
	[
		"a body shorter than its content-length",
		saysAndEnds(http(200, eventJson(7), { ...etcdHeaders, "content-length": "500" })),
		cut(),
	],
	[
		"a body longer than its content-length",
		ok(eventJson(7), { ...etcdHeaders, "content-length": "10" }),
		truncated,
	],
	["a content-length that is text", ok("{}", { "content-length": "long" }), cut()],
	[
		"two different content-lengths",
		ok(eventJson(7), { "content-length": "5", "Content-Length": "6" }),
		cut(),
	],
	["a chunk whose size is no number", says(`${head(200, chunked)}zz\r\n{}\r\n0\r\n\r\n`), cut()],
	["bytes that are not HTTP", says("SSH-2.0-OpenSSH_9.2\r\n"), cut()],
	["bytes that are not HTTP to a write", says("\u0015\u0003\u0001\u0000\u0002\u0002\n"), cut(true), "write"],
	["a header without end", flood(`HTTP/1.1 200 OK\r\nx-endless: `), cut(false, /[Hh]eader/)],
	[
		"headers without end",
		flood("HTTP/1.1 200 OK\r\n", "x-again: and again\r\n".repeat(100)),
		cut(false, /[Hh]eader/),
	],
	["no answer at all", silent, late(false, /300 ms/)],
	["no answer at all to a write", silent, late(true), "write"],
	["no answer at all to a watch", silent, late(), "watch"],
	["half of the headers", says("HTTP/1.1 200 OK\r\nx-etcd-"), late()],
	["a body that stops", says(promise), late(false, /no whole body in 300 ms/)],
	["a write's answer that stops", says(promise), late(true), "write"],
	["a drop of body now and then", trickle, late()],
	["an error page to a watch that stops in its middle", says(pagePromise), late(), "watch"],
	[
		"a watch's answer larger than the limit",
		flood(head(200, chunked), large),
		bad("too large", 200),
		"watch",
	],
	[
		"an error page larger than the limit",
		flood(head(502, { ...htmlHeaders, "transfer-encoding": "chunked" }), large),
		bad("too large", 502),
	],
];

const node = { key: "/a", value: "v", modifiedIndex: 7, createdIndex: 7 };
const nested = '{"key":"/a","dir":true,"createdIndex":1,"modifiedIndex":1,"nodes":[';
const dirWith = (...nodes: unknown[]) => ({ action: "get", node: { ...node, dir: true, nodes } });
const shapes: readonly (readonly [string, unknown])[] = [
	["a number", 5],
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
	["a child of null", dirWith(null)],
	["a child without a key", dirWith({ ...node, key: undefined })],
	["a grandchild that is text", dirWith({ ...node, nodes: ["x"] })],
	["a prevNode that is text", { action: "set", node, prevNode: "before" }],
	["a prevNode with bad indexes", { action: "set", node, prevNode: { ...node, modifiedIndex: null } }],
	["statistics, not an answer", { watchers: 0 }],
];

const raft = { errorCode: 300, message: "Raft Internal Error", cause: "timed out", index: 0 };
const election = { errorCode: 301, message: "During Leader Election", cause: "", index: 3 };
const v3Says = (text: string) => ({ code: 14, error: `etcdserver: ${text}`, message: `etcdserver: ${text}` });
const missing = { errorCode: 100, message: "Key not found", cause: "/a", index: 9 };
const etcdIndex = (index: string) => ok(eventJson(7), { ...etcdHeaders, "x-etcd-index": index });
const noIndex = bad("wrong shape", 200, { message: /X-Etcd-Index/ });
const aRead = bad("wrong shape", 200, { message: /with a read/ });
/** A stream whose first event is right. */
const streamed = (...more: string[]) => `${head(200, chunked)}${chunk([eventJson(8), ...more].join("\n"))}`;
const cleared = '{"errorCode":400,"message":"watcher is cleared due to etcd recovery","cause":"","index":9}';
const gzip = gzipSync(eventJson(7));
const gzipHeaders = { ...etcdHeaders, "content-encoding": "gzip", "content-length": String(gzip.length) };
/** One byte in place of the value, that is not UTF-8; "v" is as long. */
const noUtf8 = (text: string) => text.replace('"v"', '"\u00ff"');

const ofV2: readonly Row[] = [
	...shapes.map(([what, value]): Row => [`JSON of ${what}`, json(value), wrongShape]),
	["HTML with 404", page(404), bad("not json", 404)],
	["HTML with 200 to a poll", page(200), noIndex, "watch"],
	["HTML with 502 to a watcher", page(502), badGateway, "watcher"],
	["HTML with etcd's headers to a poll", ok(html), notJson, "watch"],
	["an empty body with 404", says(http(404, "")), bad("not json", 404)],
	[
		"JSON that is nested too deeply",
		ok(`{"action":"get","node":${nested.repeat(50_000)}${"]}".repeat(50_000)}}`),
		wrongShape,
	],
	["no X-Etcd-Index", ok(eventJson(7), {}), noIndex],
	["an X-Etcd-Index that is text", etcdIndex("seven"), noIndex],
	["an empty X-Etcd-Index", etcdIndex(""), noIndex],
	["a negative X-Etcd-Index", etcdIndex("-7"), wrongShape],
	["two X-Etcd-Index headers", etcdIndex("7\r\nx-etcd-index: 8"), wrongShape],
	[
		"a redirect to itself, as a loop begins",
		(socket, request) => socket.write(http(307, "", { location: request.path })),
		bad("redirect", 307),
	],
	["a redirect of a stream", redirect(302), bad("redirect", 302), "stream"],
	["a 5xx with etcd's error", json(raft, 500), { name: "RaftError", code: 300, status: 500 }],
	[
		"a 503 with etcd's error to a watch",
		json(election, 503),
		{ name: "RaftError", code: 301, status: 503 },
		"watch",
	],
	["a 404 with JSON that is not etcd's", json({ message: "no such route" }, 404), bad("status", 404)],
	[
		"an error code that nobody knows",
		json({ ...missing, errorCode: 777 }, 400),
		{ name: "EtcdError", code: 777, status: 400 },
	],
	["an error code as text", json({ ...missing, errorCode: "100" }, 404), bad("status", 404)],
	["an error code as text, with 200", json({ ...missing, errorCode: "100" }), wrongShape],
	[
		"an etcd error with fields of other types",
		json({ errorCode: 100, message: null, index: "9" }, 404),
		{ name: "KeyNotFoundError", code: 100, status: 404 },
	],
	["an etcd error with 200", json(missing), { name: "KeyNotFoundError", code: 100, status: 200 }],
	[
		"a 401 whose cause has no indexes",
		json({ errorCode: 401, message: "cleared", cause: "", index: 9 }, 400),
		{ name: "EventIndexClearedError", code: 401 },
		"watch",
	],
	[
		"a body that says it is gzip and is",
		says(Buffer.concat([Buffer.from(head(200, gzipHeaders)), gzip])),
		notJson,
	],
	["invalid UTF-8 inside JSON", says(Buffer.from(noUtf8(http(200, eventJson(7))), "latin1")), notJson],
	[
		"invalid UTF-8 in an event of a stream",
		says(Buffer.from(noUtf8(streamed("")), "latin1")),
		notJson,
		"stream",
	],
	["an end while the watcher waits", saysAndEnds(head(200, chunked)), cut(), "watcher"],
	["a reset while a stream waits", resetAfter(head(200, chunked)), cut(), "stream"],
	["a line of a stream larger than the limit", flood(streamed(""), large), bad("too large", 200), "second"],
	[
		"a stream that ends inside an event",
		saysAndEnds(`${streamed(eventJson(9).slice(0, 30))}0\r\n\r\n`),
		cut(false, /inside an event/),
		"second",
	],
	["a stream that is cut inside an event", saysAndEnds(streamed(eventJson(9).slice(0, 30))), cut(), "second"],
	["a line of a stream that is not JSON", says(streamed("hello", "")), notJson, "second"],
	["a read in a stream", says(`${head(200, chunked)}${chunk(`${eventJson(8, "get")}\n`)}`), aRead, "stream"],
	[
		"an etcd error in a stream",
		says(streamed(cleared, "")),
		{ name: "WatcherClearedError", code: 400 },
		"second",
	],
	["a read as a poll's answer", ok(eventJson(8, "get")), aRead, "watch"],
	["statistics that are not etcd's", json({ watchers: null }), wrongShape, "statistics"],
	["statistics with 500", json({ watchers: 0 }, 500), bad("status", 500), "statistics"],
	["a member without a name", json([]), wrongShape, "member"],
	["a version that is not etcd's", json({ version: "3.5" }), wrongShape, "version"],
	["a version with an escape sequence in it", json({ etcdserver: "3.5.1\u001b[2J" }), wrongShape, "version"],
	["a page as the version", ok(html), notJson, "version"],
];

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
		for (const event of ["close", "error"]) socket.once(event, () => resolve(false));
	});
	while (sent < most && !socket.destroyed) {
		const isTaken = socket.write(piece);
		sent += piece.length;
		const drained = () => Promise.race([once(socket, "drain").then(Boolean, () => false), gone]);
		if (!isTaken && !(await drained())) break;
	}
	return sent;
}

function trickle(socket: Socket): void {
	socket.write(head(200, { ...etcdHeaders, "content-length": "100000" }));
	const timer = setInterval(() => socket.write(" "), 20);
	socket.once("close", () => clearInterval(timer));
}

/** The pending one, held against a secret when it fails. */
function withoutSecret(pending: Promise<unknown>): Promise<unknown> {
	return pending.catch((error: unknown) => {
		assertNoSecret(error, password);
		throw error;
	});
}

describe("an answer that is not etcd's", () => {
	for (const [api, rows] of [
		["v2", [...ofBoth, ...ofV2]],
		["v3", ofBoth],
	] as const) {
		for (const [what, reply, expected, act = "read"] of rows) {
			const { name, kind } = expected;
			it(`becomes a ${name}${kind === undefined ? "" : ` "${kind}"`} by ${api}: ${what}`, async () => {
				const server = await fakeServer(reply);
				const client = apis[api](server, { timeoutMs: 300, maxBodyBytes: 4 * 1024 * 1024 });
				await assert.rejects(withoutSecret(client[act]?.() ?? assert.fail(act)), expected);
				assert.equal(server.requests.length, 1, "nothing is asked twice");
				if (api === "v2") assert.match(server.requests[0]?.headers ?? "", /authorization: Basic /i);
				await client.close();
				await server.quiet();
			});
		}

		for (const [what, answer] of [
			["a proxy's 502", http(502, html, htmlHeaders)],
			["JSON that stops short", http(200, '{"action":"set"')],
			["a page that is not JSON", http(200, html, htmlHeaders)],
			["a redirect", http(302, "", { location: "/" })],
			["JSON of another shape", http(200, "[]")],
			["no leader", http(500, JSON.stringify(api === "v2" ? raft : v3Says("no leader")))],
			["an election", http(500, JSON.stringify(api === "v2" ? election : v3Says("leader changed")))],
			["a body that is cut", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"],
			["a body that is too large", http(200, "x".repeat(2_000))],
			["a body that is not UTF-8", http(200, "\xc3(")],
		] as const) {
			it(`says of a write that it may have been carried out, and of a read that it was not, by ${api}: ${what}`, async () => {
				const server = await fakeServer((socket) => socket.end(Buffer.from(answer, "latin1")));
				const { read, write } = apis[api](server, { maxBodyBytes: 1_000 });
				await assert.rejects(read?.() ?? assert.fail(), { maybeApplied: false });
				await assert.rejects(write?.() ?? assert.fail(), { maybeApplied: true });
			});
		}
	}

	it("says of a write that was ended while it was on its way that it may have been carried out", async () => {
		const { server, keys } = await v2Of(silent);
		const ended = assert.rejects(keys.set("/a", ""), { name: "AbortedError", maybeApplied: true });
		const reading = assert.rejects(keys.get("/a"), { name: "AbortedError", maybeApplied: false });
		await server.received(2);
		keys.abortAll();
		await ended;
		await reading;
	});

	it("says of a write that etcd refused that it was not carried out", async () => {
		const { keys } = await v2Of(json({ errorCode: 105, message: "Key already exists", index: 7 }, 412));
		await assert.rejects(keys.set("/a", ""), { name: "KeyExistsError", maybeApplied: false });
	});

	const user = { name: "root", password };
	const basic = `Basic ${Buffer.from(`root:${password}`).toString("base64")}`;
	const etcdSays = (text: string) => ({ errorCode: 110, message: text, cause: text, index: 0 });
	const quotes: readonly (readonly [string, (text: string) => string])[] = [
		["a page", (text) => http(400, `<pre>${text}</pre>`, htmlHeaders)],
		["a page that ends inside it", (text) => http(400, `${"x".repeat(190)}${text}`, htmlHeaders)],
		["JSON of another shape", (text) => http(200, JSON.stringify({ authorization: text }))],
		["text before JSON", (text) => http(200, text)],
		["etcd's error", (text) => http(401, JSON.stringify(etcdSays(text)))],
		["what is no HTTP", (text) => `authorization: ${text}\r\n\r\n`],
		["a body that is too large", (text) => http(200, text + "x".repeat(2_000))],
	];
	for (const quoted of [basic, `root:${password}`, `x${password}y`, basic.slice(6)]) {
		for (const [what, answer] of quotes) {
			it(`never quotes the user's password: ${quoted.slice(0, 5)}… in ${what}`, async () => {
				const { keys } = await v2Of(says(answer(quoted)), { user, maxBodyBytes: 1_000, timeoutMs: 1_000 });
				const { read, write, watch, stream } = v2Acts(keys);
				for (const call of [read, write, watch, stream]) {
					await assert.rejects(withoutSecret(call()), LabError);
				}
			});
		}
	}

	it("hides a short password where it stands alone, and leaves words that hold it", async () => {
		const refusal = { errorCode: 110, message: "bad pa ss for root:pa", cause: "/path (pa)", index: 0 };
		const { keys } = await v2Of(json(refusal, 401), { user: { name: "root", password: "pa" } });
		await assert.rejects(keys.get("/a"), /110 bad ‹hidden› ss for ‹hidden› \(\/path \(‹hidden›\)\)/);
	});

	it("does not let a server's words do anything to a terminal", async () => {
		const message = "Key\u001b]52;c;eA==\u0007";
		const { keys } = await v2Of(json({ ...missing, message, cause: "/a\u202e\u001b[2J" }, 404));
		await assert.rejects(keys.get("/a"), {
			name: "KeyNotFoundError",
			message: /^100 Key\\u\{1b\}\]52;c;eA==\\u\{7\} \(\/a\\u\{202e\}\\u\{1b\}\[2J\)/,
			// The fields are as they came.
			etcdCause: "/a\u202e\u001b[2J",
		});
	});

	it("is no error when a poll's 200 is empty, which says no more than that", async () => {
		const { keys } = await v2Of(says(http(200, "")));
		assert.deepEqual(await (await keys.poll("/a")).answer(), { kind: "empty" });
	});

	it("makes a watcher ask again with the same waitIndex after an empty 200", async () => {
		const { server, keys } = await v2Of((socket, _, count) =>
			socket.write(http(200, count === 2 ? "\n" : eventJson(6 + count))),
		);
		const watcher = keys.watcher("/a");
		assert.equal((await watcher.next()).node.modifiedIndex, 7);
		assert.equal((await watcher.next()).node.modifiedIndex, 9);
		const asked = server.requests.map(({ path }) => /waitIndex=(\d+)/.exec(path)?.[1]);
		assert.deepEqual(asked, [undefined, "8", "8"]);
	});

	it("is a stream's end when it ends properly", async () => {
		const { server, keys } = await v2Of(saysAndEnds(`${streamed("")}0\r\n\r\n`));
		const events = await keys.stream("/a");
		assert.equal((await events.next())?.node.modifiedIndex, 8);
		assert.equal(await events.next(), undefined);
		assert.equal(await events.next(), undefined);
		await keys.close();
		await server.quiet();
	});

	it("is read whole though it comes byte by byte, in the middle of a character too", async () => {
		const text = eventJson(8).replace('"v"', '"é日🙂"');
		const { keys } = await v2Of(async (socket) => {
			socket.setNoDelay(true);
			socket.write(head(200, chunked));
			for (const byte of Buffer.from(`${text}\n`)) {
				socket.write(Buffer.concat([Buffer.from("1\r\n"), Buffer.of(byte), Buffer.from("\r\n")]));
				await new Promise(setImmediate);
			}
		});
		const events = await keys.stream("/a");
		assert.equal((await events.next())?.node.value, "é日🙂");
		events.close();
	});

	for (const act of ["read", "watch", "stream"] as const) {
		it(`takes bounded memory when it is a gigabyte long: a ${act}`, async () => {
			const gigabyte = 1024 ** 3;
			const piece = Buffer.from(chunk("x".repeat(64 * 1024)));
			let sent = 0;
			let poured: Promise<void> | undefined;
			// The lab's own limit, which is the one that readers get.
			const { server, keys } = await v2Of(
				(socket) => {
					socket.write(head(200, chunked));
					poured = pour(socket, piece, gigabyte).then((bytes) => {
						sent = bytes;
					});
				},
				{ timeoutMs: 30_000 },
			);
			const before = process.memoryUsage().rss;
			await assert.rejects(v2Acts(keys)[act](), bad("too large", 200, { message: /67108864/ }));
			const grownMiB = (process.memoryUsage().rss - before) / 1024 ** 2;
			// The connection is destroyed before the client is closed.
			await server.quiet();
			await poured;
			assert.ok(grownMiB < 150, `the memory grew by ${grownMiB} MiB`);
			assert.ok(sent > 64 * 1024 ** 2 && sent < 96 * 1024 ** 2, `${sent} bytes could be sent`);
		});
	}
});
