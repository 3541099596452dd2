import assert from "node:assert/strict";
import { V2Client } from "etcd-watch-lab/v2";
import { ArgumentError, type ConnectOptions } from "#lib/http";
import { eventJson, FakeServer, http } from "../../support/fake-server";
import { assertNoSecret } from "../../support/secrets";

/** What the types forbid, as JavaScript can still pass it. */
function wrong(value: unknown): never {
	return value as never;
}

const badKeys: [string, unknown][] = [
	["empty", ""],
	["without a slash at its beginning", "a/b"],
	["a slash too many at its beginning", "//a"],
	["two slashes", "//"],
	["an empty part inside", "/a//b"],
	["two slashes at its end", "/a//"],
	["the part .", "/a/./b"],
	["the part . at its end", "/a/."],
	["the part ..", "/a/../b"],
	["nothing but ..", "/.."],
	["a high surrogate alone", "/a\ud83d"],
	["a low surrogate alone", "/\ude42b"],
	["the two surrogates swapped", "/\ude42\ud83d"],
	["a number", 5],
	["null", null],
	["undefined", undefined],
	["an object", {}],
];

const badCalls: [string, RegExp, (v2: V2Client) => Promise<unknown>][] = [
	["a value that is a number", /value is a string, not 5/, (v2) => v2.set("/a", wrong(5))],
	["a value that is missing", /value is a string, not undefined/, (v2) => v2.create("/a", wrong(undefined))],
	["a value with half a character", /surrogate/, (v2) => v2.update("/a", "x\ud800")],
	["an in-order value with half a character", /surrogate/, (v2) => v2.createInOrder("/a", "\udc00")],
	["a negative ttl", /ttl.*not -1/, (v2) => v2.set("/a", "", { ttl: -1 })],
	["a fractional ttl", /ttl.*not 1\.5/, (v2) => v2.create("/a", "", { ttl: 1.5 })],
	["a ttl of NaN", /ttl.*not NaN/, (v2) => v2.update("/a", "", { ttl: Number.NaN })],
	["an endless ttl", /ttl.*not Infinity/, (v2) => v2.mkdir("/a", { ttl: Number.POSITIVE_INFINITY })],
	["a ttl as text", /ttl.*not string/, (v2) => v2.createInOrder("/a", "", { ttl: wrong("5") })],
	["a ttl of null", /ttl.*not null/, (v2) => v2.updateDirectory("/a", { ttl: wrong(null) })],
	[
		"a ttl that etcd would drop in silence",
		/at most 7000000000/,
		(v2) => v2.set("/a", "", { ttl: 7_000_000_001 }),
	],
	["a ttl above 2^53", /ttl/, (v2) => v2.set("/a", "", { ttl: 2 ** 53 })],
	["a refresh without a ttl", /ttl.*not undefined/, (v2) => v2.refresh("/a", wrong(undefined))],
	["a refresh with a negative ttl", /ttl.*not -5/, (v2) => v2.refresh("/a", -5)],
	["a compare with nothing", /prevValue or prevIndex/, (v2) => v2.compareAndSwap("/a", "", {})],
	["a delete compared with nothing", /prevValue or prevIndex/, (v2) => v2.compareAndDelete("/a", {})],
	["an empty prevValue", /prevValue is empty/, (v2) => v2.compareAndSwap("/a", "", { prevValue: "" })],
	[
		"a prevValue with half a character",
		/surrogate/,
		(v2) => v2.compareAndDelete("/a", { prevValue: "\ud800" }),
	],
	["a prevIndex of 0", /prevIndex.*from 1, not 0/, (v2) => v2.compareAndSwap("/a", "", { prevIndex: 0 })],
	["a negative prevIndex", /prevIndex.*not -3/, (v2) => v2.compareAndDelete("/a", { prevIndex: -3 })],
	["a fractional prevIndex", /prevIndex.*not 0\.5/, (v2) => v2.compareAndSwap("/a", "", { prevIndex: 0.5 })],
	[
		"a prevIndex as text",
		/prevIndex.*not string/,
		(v2) => v2.compareAndDelete("/a", { prevIndex: wrong("7") }),
	],
	["a negative afterIndex of a poll", /afterIndex.*not -1/, (v2) => v2.poll("/a", { afterIndex: -1 })],
	["a fractional afterIndex of a poll", /afterIndex.*not 2\.5/, (v2) => v2.poll("/a", { afterIndex: 2.5 })],
	["an afterIndex of NaN", /afterIndex.*not NaN/, (v2) => v2.stream("/a", { afterIndex: Number.NaN })],
	["an afterIndex above 2^53", /afterIndex/, (v2) => v2.stream("/a", { afterIndex: 2 ** 53 })],
	[
		"an afterIndex as text",
		/afterIndex.*not string/,
		async (v2) => v2.watcher("/a", { afterIndex: wrong("1") }),
	],
	["a negative afterIndex of a watcher", /afterIndex/, async (v2) => v2.watcher("/a", { afterIndex: -1 })],
	["a timeout of 0", /timeoutMs.*not 0/, (v2) => v2.get("/a", { timeoutMs: 0 })],
	["a negative timeout", /timeoutMs.*not -1/, (v2) => v2.set("/a", "", { timeoutMs: -1 })],
	["a timeout of NaN", /timeoutMs.*not NaN/, (v2) => v2.delete("/a", { timeoutMs: Number.NaN })],
	[
		"an endless timeout",
		/timeoutMs.*not Infinity/,
		(v2) => v2.get("/a", { timeoutMs: Number.POSITIVE_INFINITY }),
	],
	[
		"a timeout that a timer can't hold",
		/timeoutMs.*2147483647/,
		(v2) => v2.get("/a", { timeoutMs: 2 ** 31 }),
	],
];

const endpoints = ["http://127.0.0.1:1"];
const secured = ["https://127.0.0.1:1"];
const badOptions: [string, RegExp, ConnectOptions][] = [
	["no endpoint", /at least one endpoint/, { endpoints: [] }],
	["an endpoint that is no URL", /endpoint is a URL/, { endpoints: ["not a url"] }],
	["an endpoint of another protocol", /http:\/\/ or https:\/\//, { endpoints: ["ftp://127.0.0.1:2379"] }],
	["an endpoint with a path", /path/, { endpoints: ["http://127.0.0.1:2379/etcd"] }],
	["an endpoint with a query", /path/, { endpoints: ["http://127.0.0.1:2379/?x=s3cretpw"] }],
	["an endpoint with a user", /give it as the user/, { endpoints: ["http://root:s3cretpw@127.0.0.1:2379"] }],
	["an endpoint with a user and no scheme to read", /endpoint/, { endpoints: ["http://root:s3cretpw@:::"] }],
	["the second endpoint wrong", /endpoint/, { endpoints: ["http://127.0.0.1:1", "root:s3cretpw@host"] }],
	["a timeout of 0", /timeoutMs/, { endpoints, timeoutMs: 0 }],
	["a timeout that a timer can't hold", /timeoutMs/, { endpoints, timeoutMs: 1e12 }],
	["a body limit of 0", /maxBodyBytes/, { endpoints, maxBodyBytes: 0 }],
	["a body limit of NaN", /maxBodyBytes/, { endpoints, maxBodyBytes: Number.NaN }],
	[
		"a user's name with a colon, which basic auth can't carry",
		/colon/,
		{ endpoints, user: { name: "a:b", password: "s3cretpw" } },
	],
	["a CA file that is not there", /tls\.ca.*ENOENT/, { endpoints: secured, tls: { ca: "/no/ca.pem" } }],
	["a key file that is a folder", /tls\.key.*EISDIR/, { endpoints: secured, tls: { key: "/" } }],
	[
		"a certificate file that is not there",
		/tls\.cert.*ENOENT/,
		{ endpoints: secured, tls: { cert: "/no/c.pem" } },
	],
];

describe("an argument that is wrong", () => {
	let server: FakeServer;
	let keys: V2Client;
	before(async () => {
		server = await FakeServer.start((socket) => socket.write(http(200, eventJson(7))));
		keys = new V2Client({ endpoints: [server.endpoint] });
	});
	after(async () => {
		await keys.close();
		await server.close();
	});

	/** Every call that takes a key. */
	const calls: [string, (key: string) => Promise<unknown>][] = [
		["get", (key) => keys.get(key)],
		["set", (key) => keys.set(key, "")],
		["create", (key) => keys.create(key, "")],
		["createInOrder", (key) => keys.createInOrder(key, "")],
		["update", (key) => keys.update(key, "")],
		["delete", (key) => keys.delete(key)],
		["mkdir", (key) => keys.mkdir(key)],
		["updateDirectory", (key) => keys.updateDirectory(key)],
		["rmdir", (key) => keys.rmdir(key, { recursive: true })],
		["compareAndSwap", (key) => keys.compareAndSwap(key, "", { prevIndex: 1 })],
		["compareAndDelete", (key) => keys.compareAndDelete(key, { prevIndex: 1 })],
		["refresh", (key) => keys.refresh(key, 5)],
		["poll", (key) => keys.poll(key)],
		["watcher", async (key) => keys.watcher(key)],
		["stream", (key) => keys.stream(key)],
	];

	for (const [what, key] of badKeys) {
		it(`is refused by every call before anything is sent: a key that is ${what}`, async () => {
			for (const [name, call] of calls) {
				// As a promise that rejects: a call that throws at once would pass by `.catch`.
				await assert.rejects(call(wrong(key)), ArgumentError, name);
			}
			assert.equal(server.connectionCount, 0);
		});
	}

	for (const [what, pattern, call] of badCalls) {
		it(`is refused before anything is sent: ${what}`, async () => {
			await assert.rejects(call(keys), { name: "ArgumentError", message: pattern });
			assert.equal(server.connectionCount, 0);
		});
	}

	for (const [what, pattern, options] of badOptions) {
		it(`is refused when the client is made: ${what}`, () => {
			const made = () => {
				try {
					return new V2Client(options);
				} catch (error) {
					assertNoSecret(error, "s3cretpw");
					throw error;
				}
			};
			assert.throws(made, { name: "ArgumentError", message: pattern });
		});
	}

	it("is what the server would count: a right argument does reach it", async () => {
		await keys.get("/a");
		assert.equal(server.connectionCount, 1);
		assert.equal(server.requests.length, 1);
	});
});
