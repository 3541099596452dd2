import assert from "node:assert/strict";
import { getEventListeners, getMaxListeners, setMaxListeners } from "node:events";
import {
	EventIndexClearedError,
	type EventStream,
	type Poll,
	V2Client,
	type Watcher,
} from "etcd-watch-lab/v2";
import { AbortedError, BadAnswerError } from "#lib/http";
import { chunk, chunked, etcdHeaders, eventJson, FakeServer, head, http } from "../../support/fake-server";
import { type EtcdUnderTest, fakeServer, forEachEtcd, v2At, v2Of } from "../../support/servers";
import { until } from "../../support/until";
import { writeMany } from "../../support/write-many";

type Calls = [string, (keys: V2Client, signal: AbortSignal) => Promise<unknown>][];

/** Every kind of call, each with a signal. */
const calls: Calls = [
	["get", (keys, signal) => keys.get("/a", { signal })],
	["set", (keys, signal) => keys.set("/a", "", { signal })],
	["create", (keys, signal) => keys.create("/a", "", { signal })],
	["createInOrder", (keys, signal) => keys.createInOrder("/a", "", { signal })],
	["update", (keys, signal) => keys.update("/a", "", { signal })],
	["delete", (keys, signal) => keys.delete("/a", { signal })],
	["mkdir", (keys, signal) => keys.mkdir("/a", { signal })],
	["updateDirectory", (keys, signal) => keys.updateDirectory("/a", { signal })],
	["rmdir", (keys, signal) => keys.rmdir("/a", { signal })],
	["compareAndSwap", (keys, signal) => keys.compareAndSwap("/a", "", { prevIndex: 1 }, { signal })],
	["compareAndDelete", (keys, signal) => keys.compareAndDelete("/a", { prevIndex: 1 }, { signal })],
	["refresh", (keys, signal) => keys.refresh("/a", 5, { signal })],
	["version", (keys, signal) => keys.version({ signal })],
	["watcherCount", (keys, signal) => keys.watcherCount({ signal })],
	["memberName", (keys, signal) => keys.memberName({ signal })],
	["poll", async (keys, signal) => (await keys.poll("/a", { signal })).answer()],
	["watcher.registered", (keys, signal) => keys.watcher("/a", { signal }).registered()],
	["watcher.next", (keys, signal) => keys.watcher("/a", { signal }).next()],
	["stream", async (keys, signal) => (await keys.stream("/a", { signal })).next()],
];

describe("AbortSignal", () => {
	let server: FakeServer;
	/** What the server says to each request: nothing, or headers and no body. */
	let says = "";
	let keys: V2Client;
	before(async () => {
		server = await FakeServer.start((socket) => socket.write(says));
	});
	after(() => server?.close());
	beforeEach(() => {
		keys = new V2Client({ endpoints: [server.endpoint] });
	});
	afterEach(() => keys.close());

	for (const [name, call] of calls) {
		it(`ends ${name} before anything is sent, when it is aborted already`, async () => {
			const was = server.requests.length;
			await assert.rejects(call(keys, AbortSignal.abort()), AbortedError);
			assert.equal(server.requests.length, was);
		});

		// What waits for no body: watcher.registered.
		for (const [what, said] of [
			["an answer", ""],
			...(name === "watcher.registered"
				? []
				: [["the body", head(200, { ...etcdHeaders, "content-length": "500" })]]),
		] as const) {
			it(`ends ${name} while it waits for ${what}, and its connection with it`, async () => {
				says = said ?? "";
				const was = server.requests.length;
				const controller = new AbortController();
				const ended = assert.rejects(call(keys, controller.signal), AbortedError);
				await until("the request is at the server", () => server.requests.length > was);
				controller.abort();
				await ended;
				await server.quiet();
			});
		}
	}

	it("may be shared by any number of calls, and Node does not warn of a leak", async () => {
		says = "";
		const warnings: Error[] = [];
		const take = (warning: Error) => warnings.push(warning);
		process.on("warning", take);
		const controller = new AbortController();
		const ended = Array.from({ length: 30 }, () =>
			assert.rejects(keys.poll("/a", { signal: controller.signal }), AbortedError),
		);
		controller.abort();
		await Promise.all(ended);
		// Warnings are emitted a tick later.
		await new Promise(setImmediate);
		process.off("warning", take);
		assert.deepEqual(warnings, []);
	});

	it("gives its reason: the error's cause is what the signal was aborted with", async () => {
		says = "";
		for (const [name, call] of calls) {
			const reason = new Error("enough");
			const expected = { name: "AbortedError", cause: reason };
			await assert.rejects(call(keys, AbortSignal.abort(reason)), expected, name);
			const controller = new AbortController();
			const ended = assert.rejects(call(keys, controller.signal), expected, name);
			controller.abort(reason);
			await ended;
		}
	});

	it("keeps its owner's own warning of leaks", async () => {
		says = http(200, eventJson(7));
		const { signal } = new AbortController();
		setMaxListeners(3, signal);
		await keys.get("/a", { signal });
		assert.equal(getMaxListeners(signal), 3);
	});

	it("is let go of when a call is over: a hundred calls on one signal leave no listener", async () => {
		says = http(200, eventJson(7));
		const controller = new AbortController();
		const { signal } = controller;
		const listeners = () => getEventListeners(signal, "abort").length;
		for (let count = 0; count < 100; count++) {
			const asked = keys.get("/a", { signal });
			assert.equal(listeners(), 1);
			await asked;
			assert.equal(listeners(), 0);
		}
		await (await keys.poll("/a", { signal })).answer();
		await keys.watcher("/a", { signal }).next();
		assert.equal(listeners(), 0);
		// After its end a call takes no notice of it.
		controller.abort();
		assert.equal((await keys.get("/a")).etcdIndex, 7);
	});
});

describe("V2Client.abortAll and close", () => {
	let server: FakeServer;
	let says = "";
	before(async () => {
		server = await FakeServer.start((socket) => socket.write(says));
	});
	after(() => server?.close());

	/** Each of the calls, once all are at the server, and how many requests have come by then. */
	const underWay = async (keys: V2Client) => {
		says = "";
		const { signal } = new AbortController();
		const count = server.requests.length + calls.length;
		const ended = calls.map(([name, call]) => assert.rejects(call(keys, signal), AbortedError, name));
		await until("all are at the server", () => server.requests.length === count);
		return { ended, count, signal };
	};

	it("abortAll ends every call under way with an AbortedError, and new ones are taken", async () => {
		const keys = v2At(server);
		const { ended } = await underWay(keys);
		keys.abortAll();
		await Promise.all(ended);
		says = http(200, eventJson(7));
		assert.equal((await keys.get("/a")).etcdIndex, 7);
		await keys.close();
		await server.quiet();
	});

	it("close ends every call under way and every connection, and refuses later calls", async () => {
		const keys = v2At(server);
		const { ended, count, signal } = await underWay(keys);
		await keys.close();
		await Promise.all(ended);
		await server.quiet();
		for (const [name, call] of calls) await assert.rejects(call(keys, signal), AbortedError, name);
		assert.equal(server.requests.length, count);
	});

	it("close ends connections that are kept alive between calls", async () => {
		says = http(200, eventJson(7));
		const keys = v2At(server);
		await Promise.all(Array.from({ length: 5 }, () => keys.get("/a")));
		assert.ok(server.openCount > 0);
		await keys.close();
		await server.quiet();
	});
});

describe("a watcher, a poll and a stream", () => {
	let server: FakeServer;
	let keys: V2Client;
	let says: (count: number) => string;
	before(async () => {
		server = await FakeServer.start((socket, _, count) => socket.write(says(count)));
	});
	after(() => server?.close());
	beforeEach(() => {
		server.requests.length = 0;
		keys = new V2Client({ endpoints: [server.endpoint], timeoutMs: 60_000 });
	});
	afterEach(async () => {
		await keys.close();
		await server.quiet();
	});

	it("a watcher gives each of several calls at once an event of its own, in their order, over empty answers", async () => {
		says = (count) => http(200, count % 2 === 0 ? "" : eventJson(6 + count));
		const watcher = keys.watcher("/a");
		const events = await Promise.all(Array.from({ length: 5 }, () => watcher.next()));
		assert.deepEqual(
			events.map(({ node }) => node.modifiedIndex),
			[7, 9, 11, 13, 15],
		);
		watcher.close();
	});

	it("a watcher's close ends a poll that is not registered yet, and every call that waits, at once", async () => {
		says = () => "";
		const watcher = keys.watcher("/a");
		const ended = [watcher.registered(), watcher.next(), watcher.next()];
		await server.received(1);
		watcher.close();
		for (const one of ended) await assert.rejects(one, AbortedError);
		await server.quiet();
	});

	it("a watcher waits longer and longer between empty answers, from the third on, and close ends the wait", async () => {
		says = () => http(200, "");
		const watcher = keys.watcher("/a");
		const ended = assert.rejects(watcher.next(), AbortedError);
		await server.received(6);
		// 50, 100 and 200 ms lie before the fourth, fifth and sixth: the seventh is 400 ms away.
		const begin = performance.now();
		watcher.close();
		await ended;
		assert.ok(performance.now() - begin < 300);
		assert.equal(server.requests.length, 6);
	});

	it("abortAll ends a watcher's wait between two empty answers", async () => {
		says = () => http(200, "");
		const ended = assert.rejects(keys.watcher("/a").next(), AbortedError);
		await server.received(5);
		keys.abortAll();
		await ended;
	});

	for (const [what, open] of [
		["a watcher", async () => keys.watcher("/a")],
		["a stream", () => keys.stream("/a")],
	] as const) {
		it(`${what} can be left from outside while its loop waits for an event`, async () => {
			says = () => head(200, chunked);
			const iterator = (await open())[Symbol.asyncIterator]();
			const pending = iterator.next();
			await server.received(1);
			assert.deepEqual(await iterator.return?.(), { done: true, value: undefined });
			assert.deepEqual(await pending, { done: true, value: undefined });
			assert.deepEqual(await iterator.next(), { done: true, value: undefined });
			await server.quiet();
		});
	}

	for (const [what, line, error] of [
		["that is no event", "nonsense", /JSON/],
		["that is an error", '{"errorCode":400,"message":"cleared","index":7}', /^400 cleared/],
	] as const) {
		it(`a stream ends its connection at a line ${what}, and says so again and again`, async () => {
			says = () => `${head(200, chunked)}${chunk(`${eventJson(8)}\n${line}\n${eventJson(9)}\n`)}`;
			const events = await keys.stream("/a");
			assert.equal((await events.next())?.node.modifiedIndex, 8);
			for (let time = 0; time < 2; time++) await assert.rejects(events.next(), { message: error });
			await server.quiet();
		});
	}

	it("a stream is not over by the book when it was cut or closed, however often one asks", async () => {
		says = () => head(200, chunked);
		const events = await keys.stream("/a");
		events.close();
		for (let time = 0; time < 3; time++) await assert.rejects(events.next(), AbortedError);
	});

	it("a stream's unfinished last line is UTF-8 or a BadAnswerError", async () => {
		const { keys: there } = await v2Of((socket) => {
			socket.write(`${head(200, chunked)}2\r\n`);
			socket.end(Buffer.from([0xc3, 0x28, 13, 10, 48, 13, 10, 13, 10]));
		});
		await assert.rejects((await there.stream("/a")).next(), BadAnswerError);
	});
});

describe("timeouts", () => {
	it("a call's own timeoutMs wins over the client's", async () => {
		const server = await fakeServer(() => {});
		const keys = v2At(server, { timeoutMs: 100_000 });
		await assert.rejects(keys.get("/a", { timeoutMs: 50 }), {
			name: "TimeoutError",
			message: /no answer in 50 ms: GET \/v2\/keys\/a at http:\/\/127/,
		});
		await server.quiet();
	});

	it("do not end a watch that is registered, however quiet it is", async () => {
		let answer = () => {};
		const server = await fakeServer((socket) => {
			socket.write(head(200, chunked));
			answer = () => socket.write(`${chunk(eventJson(8))}0\r\n\r\n`);
		});
		const keys = v2At(server, { timeoutMs: 30 });
		const poll = await keys.poll("/a");
		const begin = performance.now();
		await until("ten times the timeout has passed", () => performance.now() - begin > 300);
		answer();
		assert.equal((await poll.answer()).kind, "event");
	});
});

forEachEtcd((server) => {
	describe("a watch that is given up", () => {
		const ways: [string, (server: EtcdUnderTest, key: string) => Promise<void>][] = [
			["poll.close", async ({ v2 }, key) => closeAndAsk(await v2.poll(key))],
			["stream.close", async ({ v2 }, key) => closeAndAsk(await v2.stream(key))],
			["a signal on a poll", ({ v2 }, key) => byAbort((signal) => v2.poll(key, { signal }))],
			["a signal on a stream", ({ v2 }, key) => byAbort((signal) => v2.stream(key, { signal }))],
			["watcher.close", ({ v2 }, key) => closeWatcher(v2.watcher(key))],
			[
				"break in a loop over a watcher",
				async ({ v2 }, key) => {
					const watcher = v2.watcher(key);
					await watcher.registered();
					await v2.set(key, "1");
					for await (const { node } of watcher) {
						assert.equal(node.value, "1");
						// The next poll is under way already when the reader leaves.
						await watcher.registered();
						break;
					}
				},
			],
			[
				"break in a loop over a stream",
				async ({ v2 }, key) => {
					const stream = await v2.stream(key);
					await v2.set(key, "1");
					for await (const { node } of stream) {
						assert.equal(node.value, "1");
						break;
					}
					await assert.rejects(stream.next().then(fail), AbortedError);
				},
			],
			[
				"an exception in a loop over a stream",
				async ({ v2 }, key) => {
					const stream = await v2.stream(key);
					await v2.set(key, "1");
					const reading = async () => {
						for await (const { node } of stream) throw new Error(node.value);
					};
					await assert.rejects(reading(), /^Error: 1$/);
				},
			],
		];
		for (const [what, way] of ways) {
			it(`is gone from the server, and the client goes on: ${what}`, async () => {
				const { v2, lab } = server;
				const key = `${lab.newPrefix()}/a`;
				await until("no watcher is left from before", async () => (await v2.watcherCount()) === 0);
				await way(server, key);
				await until("the watcher is gone", async () => (await v2.watcherCount()) === 0);
				await v2.set(key, "2");
				assert.equal((await v2.get(key)).node.value, "2");
			});
		}
	});

	describe("Watcher", () => {
		it("keeps its index after a 401, so that the same error comes again and nothing is skipped", async () => {
			const { v2, lab } = server;
			const prefix = lab.newPrefix();
			await writeMany(v2, prefix, 1001);
			const watcher = v2.watcher(prefix, { recursive: true, afterIndex: 0 });
			for (let round = 0; round < 2; round++) {
				await assert.rejects(watcher.next(), EventIndexClearedError);
				assert.equal(watcher.afterIndex, 0);
			}
			watcher.close();
		});

		it("carries its index on from its first event, and none before", async () => {
			const { v2, lab } = server;
			const prefix = lab.newPrefix();
			const watcher = v2.watcher(prefix, { recursive: true });
			const { etcdIndex } = await watcher.registered();
			assert.equal(watcher.afterIndex, undefined);
			for (const name of ["a", "b", "c"]) await v2.set(`${prefix}/${name}`, "");
			for (const name of ["a", "b", "c"]) assert.equal((await watcher.next()).node.key, `${prefix}/${name}`);
			assert.equal(watcher.afterIndex, etcdIndex + 3);
			watcher.close();
		});
	});
});

function fail(): never {
	throw new Error("it went on");
}

async function closeAndAsk(open: Poll | EventStream): Promise<void> {
	const pending = "answer" in open ? open.answer() : open.next();
	const ended = assert.rejects(pending, AbortedError);
	open.close();
	open.close();
	await ended;
}

async function closeWatcher(watcher: Watcher): Promise<void> {
	const ended = assert.rejects(watcher.next(), AbortedError);
	await watcher.registered();
	watcher.close();
	await ended;
	await assert.rejects(watcher.next(), AbortedError);
}

async function byAbort(openWith: (signal: AbortSignal) => Promise<Poll | EventStream>): Promise<void> {
	const controller = new AbortController();
	const open = await openWith(controller.signal);
	const ended = assert.rejects("answer" in open ? open.answer() : open.next(), AbortedError);
	controller.abort();
	await ended;
}
