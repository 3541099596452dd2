import assert from "node:assert/strict";
import {
	CompactedError,
	NoLeaderError,
	UnavailableError,
	V3Client,
	V3Error,
	type V3Watch,
	WatchCanceledError,
} from "etcd-watch-lab/v3";
import { AbortedError, BadAnswerError, ConnectionError, TimeoutError } from "#lib/http";
import { chunk, FakeServer, head, http, type Reply } from "../../support/fake-server";

const header = {
	cluster_id: "14841639068965178418",
	member_id: "10276657743932975437",
	revision: "7",
	raft_term: "2",
};
const streaming = { "content-type": "application/json", "transfer-encoding": "chunked" };

function line(result: object): string {
	return `${JSON.stringify({ result: { header, ...result } })}\n`;
}

const created = line({ created: true });

function put(key: string, value: string, revision = "8"): object {
	return {
		kv: {
			key: base64(key),
			value: base64(value),
			mod_revision: revision,
			create_revision: revision,
			version: "1",
		},
	};
}

function base64(text: string): string {
	return Buffer.from(text).toString("base64");
}

/** A watch's answer: the chunks as they are, one write each, and then whatever `last` does. */
function streams(
	chunks: readonly (string | Buffer)[],
	last?: (socket: Parameters<Reply>[0]) => unknown,
): Reply {
	return (socket) => {
		socket.write(head(200, streaming));
		for (const one of chunks) {
			const bytes = Buffer.from(one);
			socket.write(
				Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]),
			);
		}
		last?.(socket);
	};
}

function answers(body: unknown, status = 200): Reply {
	return (socket) => socket.write(http(status, typeof body === "string" ? body : JSON.stringify(body), {}));
}

/** What a client gets of a server that says that. */
async function at<T>(
	reply: Reply,
	act: (v3: V3Client, server: FakeServer) => Promise<T>,
	timeoutMs = 5_000,
): Promise<T> {
	const server = await FakeServer.start(reply);
	const v3 = new V3Client({ endpoints: [server.endpoint], timeoutMs });
	try {
		return await act(v3, server);
	} finally {
		await v3.close();
		await server.close();
	}
}

async function second(v3: V3Client): Promise<unknown> {
	const watch = await v3.watch("/a", { startRevision: 3 });
	return await watch.next();
}

function isBad(kind: string, message: RegExp = /./) {
	return (error: unknown) => {
		assert.ok(error instanceof BadAnswerError, `not a BadAnswerError: ${error}`);
		assert.equal(error.kind, kind);
		assert.match(error.message, message);
		return true;
	};
}

describe("an answer of the gateway that is none", () => {
	const shapes: [string, unknown, string, RegExp?][] = [
		["null", null, "wrong shape"],
		["an array", [], "wrong shape"],
		["text", '"text"', "wrong shape"],
		["HTML", "<html></html>", "not json"],
		["nothing", "", "not json"],
		["JSON that stops short", '{"header":{', "truncated"],
		["a header that is none", { header: "x" }, "wrong shape"],
		["kvs that are no array", { header, kvs: {} }, "wrong shape", /kvs/],
		["a kv that is none", { header, kvs: [5] }, "wrong shape"],
		["a key that is no base64", { header, kvs: [{ key: "?" }] }, "wrong shape", /key/],
		["a value that is a number", { header, kvs: [{ key: "AA==", value: 5 }] }, "wrong shape", /value/],
		["a revision that is no number", { header: { ...header, revision: "x" } }, "wrong shape", /revision/],
		[
			"a revision beyond 2^53",
			{ header: { ...header, revision: "9007199254740993" } },
			"wrong shape",
			/revision is/,
		],
		[
			"an id that JSON has rounded",
			`{"header":{"member_id":10276657743932975437}}`,
			"wrong shape",
			/member_id/,
		],
		["a flag that is text", { header, more: "true" }, "wrong shape", /more/],
	];
	for (const [what, body, kind, message] of shapes) {
		it(`is a BadAnswerError: ${what}`, () =>
			at(answers(body), (v3) => assert.rejects(v3.range("/a"), isBad(kind, message))));
	}

	it("is a BadAnswerError: a redirect, which is not followed", () =>
		at(answers("", 307), (v3) => assert.rejects(v3.range("/a"), isBad("redirect"))));

	it("is a BadAnswerError: a proxy's 502", () =>
		at(answers("<html>", 502), (v3) => assert.rejects(v3.put("/a", "1"), isBad("status"))));

	it("keeps all 64 bits of the ids that are right", () =>
		at(answers({ header, leases: [{ ID: "9223372036854775807" }] }), async (v3) => {
			assert.deepEqual(await v3.leases(), [9223372036854775807n]);
			const { header: read } = await v3.range("/a");
			assert.deepEqual([read.clusterId, read.memberId], [14841639068965178418n, 10276657743932975437n]);
		}));

	it("is a V3Error by its code where the text is new, and a plain one where the code is, too", () =>
		at(answers({ error: "etcdserver: on strike", code: 14, message: "etcdserver: on strike" }, 503), (v3) =>
			assert.rejects(v3.range("/a"), (error: unknown) => {
				assert.ok(error instanceof UnavailableError);
				assert.deepEqual(
					[error.text, error.status, error.request.path],
					["etcdserver: on strike", 503, "/v3/kv/range"],
				);
				return true;
			}),
		));

	it("is a plain V3Error for a code that nobody knows", () =>
		at(answers({ error: "?", code: 99, message: "?" }, 500), (v3) =>
			assert.rejects(v3.range("/a"), (error: unknown) => error instanceof V3Error && error.grpcCode === 99),
		));

	it("a read goes to the next endpoint, a write whose answer was cut does not: it may have been carried out", async () => {
		let cutCount = 0;
		const cut = await FakeServer.start((socket) => {
			cutCount++;
			socket.destroy();
		});
		const right = await FakeServer.start(answers({ header }));
		const v3 = new V3Client({ endpoints: [cut.endpoint, right.endpoint] });
		await assert.rejects(v3.put("/a", "1"), (error: unknown) => {
			assert.ok(error instanceof ConnectionError);
			assert.equal(error.maybeApplied, true);
			return true;
		});
		assert.deepEqual([cutCount, right.requests.length], [1, 0]);
		assert.equal((await v3.range("/a")).header.revision, 7);
		assert.deepEqual([cutCount, right.requests.length], [2, 1]);
		await v3.close();
		await Promise.all([cut.close(), right.close()]);
	});
});

describe("a line of a watch", () => {
	const refused: [string, Reply, (error: unknown) => boolean][] = [
		["that is no JSON", streams([created, "not json\n"]), isBad("not json")],
		["that is JSON cut short", streams([created, '{"result":{"events":[\n']), isBad("truncated")],
		["that has no result", streams([created, '{"other":1}\n']), isBad("wrong shape", /result/)],
		["whose events are none", streams([created, line({ events: 5 })]), isBad("wrong shape")],
		[
			"whose event has a bad key",
			streams([created, line({ events: [{ kv: { key: "!" } }] })]),
			isBad("wrong shape"),
		],
		[
			"whose revision a number can't hold",
			streams([created, line({ events: [put("/a", "1", "9007199254740992")] })]),
			isBad("wrong shape", /_revision is/),
		],
		["that is no UTF-8", streams([created, Buffer.of(0x7b, 0xff, 0x0a)]), isBad("not json")],
	];
	for (const [what, reply, check] of refused) {
		it(`${what} ends the watch and its connection`, () =>
			at(reply, async (v3, server) => {
				await assert.rejects(second(v3), check);
				await server.quiet();
			}));
	}

	it("may be cut anywhere, inside a character of UTF-8 too, and come with others in one chunk", async () => {
		const text = `{"result":{"header":{"revision":"9"},"cancel_reason":"é😀","events":[${JSON.stringify(put("/é", "😀"))}]}}\n`;
		const bytes = Buffer.from(created + text + text);
		for (let size = 1; size < 40; size += 3) {
			const chunks: Buffer[] = [];
			for (let from = 0; from < bytes.length; from += size) chunks.push(bytes.subarray(from, from + size));
			await at(streams(chunks), async (v3) => {
				const watch = await v3.watch("/", { prefix: true });
				for (let nth = 0; nth < 2; nth++) {
					const message = await watch.next();
					assert.ok(message?.kind === "events");
					assert.deepEqual([message.events[0]?.kv.key, message.events[0]?.kv.value], ["/é", "😀"]);
				}
			});
		}
	});

	it("longer than maxBodyBytes is a BadAnswerError", async () => {
		const server = await FakeServer.start(streams([created, "x".repeat(2_000)]));
		const v3 = new V3Client({ endpoints: [server.endpoint], maxBodyBytes: 1_000 });
		await assert.rejects(second(v3), isBad("too large"));
		await v3.close();
		await server.close();
	});
});

describe("the end of a watch", () => {
	it("in the middle of a line is a ConnectionError", () =>
		at(
			streams([created, line({ events: [put("/a", "1")] }).slice(0, 30)], (socket) => socket.end(chunk(""))),
			(v3) => assert.rejects(second(v3), ConnectionError),
		));

	it("without the chunked body's own end is a ConnectionError", () =>
		at(
			streams([created], (socket) => socket.end()),
			(v3) => assert.rejects(second(v3), ConnectionError),
		));

	it("by a reset is a ConnectionError", () =>
		at(
			streams([created], (socket) => socket.resetAndDestroy()),
			(v3) => assert.rejects(second(v3), ConnectionError),
		));

	it("in order is no error and no message", () =>
		at(
			streams([created], (socket) => socket.end("0\r\n\r\n")),
			async (v3) => assert.equal(await second(v3), undefined),
		));

	it("before it is registered is an error of watch() itself", () =>
		at(
			streams([], (socket) => socket.end("0\r\n\r\n")),
			(v3) => assert.rejects(v3.watch("/a"), ConnectionError),
		));

	it("by an error in the stream is that error, which etcd sends without a newline", () =>
		at(
			streams(
				[
					created,
					JSON.stringify({ error: { grpc_code: 14, http_code: 503, message: "etcdserver: no leader" } }),
				],
				(socket) => socket.end("0\r\n\r\n"),
			),
			(v3) => assert.rejects(second(v3), NoLeaderError),
		));

	it("by an error in the stream with a newline is that error, too", () =>
		at(
			streams([
				created,
				`${JSON.stringify({ error: { grpc_code: 14, http_code: 503, message: "etcdserver: no leader" } })}\n`,
			]),
			(v3) => assert.rejects(second(v3), NoLeaderError),
		));

	it("by a cancel with a compact revision is a CompactedError, though etcd leaves the stream open", () =>
		at(streams([created, line({ canceled: true, compact_revision: "5" })]), async (v3, server) => {
			await assert.rejects(second(v3), (error: unknown) => {
				assert.ok(error instanceof CompactedError);
				assert.deepEqual([error.askedRevision, error.compactRevision], [3, 5]);
				return true;
			});
			await server.quiet();
		}));

	it("by a cancel for another reason is a WatchCanceledError with the reason", () =>
		at(
			streams([created, line({ canceled: true, cancel_reason: "etcdserver: tired" })]),
			async (v3, server) => {
				await assert.rejects(second(v3), (error: unknown) => {
					assert.ok(error instanceof WatchCanceledError);
					assert.equal(error.text, "etcdserver: tired");
					return true;
				});
				await server.quiet();
			},
		));

	it("by a cancel without a reason says that there is none", () =>
		at(streams([created, line({ canceled: true })]), (v3) => assert.rejects(second(v3), /gave no reason/)));

	it("that comes with its registration is thrown by watch() itself", () =>
		at(
			streams([
				line({
					created: true,
					canceled: true,
					cancel_reason: "mvcc: watcher range is empty",
					watch_id: "-1",
				}),
			]),
			async (v3, server) => {
				await assert.rejects(v3.watch("/a"), WatchCanceledError);
				await server.quiet();
			},
		));
});

describe("a v3 watch that is being opened", () => {
	const silent: Reply = () => {};
	const headOnly: Reply = (socket) => socket.write(head(200, streaming));
	for (const [what, reply] of [
		["nothing", silent],
		["headers but no line", headOnly],
	] as const) {
		it(`throws a TimeoutError when there is ${what}, and leaves no connection`, () =>
			at(
				reply,
				async (v3, server) => {
					await assert.rejects(v3.watch("/a"), TimeoutError);
					await server.quiet();
				},
				100,
			));

		it(`is ended by its signal while there is ${what}`, () =>
			at(reply, async (v3, server) => {
				const controller = new AbortController();
				const opening = assert.rejects(v3.watch("/a", { signal: controller.signal }), AbortedError);
				await server.received(1);
				controller.abort();
				await opening;
				await server.quiet();
			}));

		it(`is ended by the client's close while there is ${what}`, () =>
			at(reply, async (v3, server) => {
				const opening = assert.rejects(v3.watch("/a"), AbortedError);
				await server.received(1);
				await v3.close();
				await opening;
			}));
	}

	it("once it is registered waits for as long as it takes", () =>
		at(
			streams([created], (socket) =>
				setTimeout(() => socket.write(chunk(line({ events: [put("/a", "1")] }))), 300),
			),
			async (v3) => {
				const message = (await second(v3)) as Awaited<ReturnType<V3Watch["next"]>>;
				assert.equal(message?.kind, "events");
			},
			100,
		));
});
