import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type V3Client, V3Error } from "etcd-watch-lab/v3";
import { AbortedError, type BadAnswerKind, TimeoutError } from "#lib/http";
import { fakeServer, v3At, v3Of } from "../../support/clients";
import { chunk, head, http, type Reply } from "../../support/fake-server";

const header = {
	...{ cluster_id: "14841639068965178418", member_id: "10276657743932975437" },
	...{ revision: "7", raft_term: "2" },
};
const streaming = { "content-type": "application/json", "transfer-encoding": "chunked" };
const line = (result: object) => `${JSON.stringify({ result: { header, ...result } })}\n`;
const created = line({ created: true });
const base64 = (text: string) => Buffer.from(text).toString("base64");

function put(key: string, value: string, revision = "8"): object {
	const revisions = { mod_revision: revision, create_revision: revision, version: "1" };
	return { kv: { key: base64(key), value: base64(value), ...revisions } };
}

/** A watch's answer: the chunks as they are, one write each, and then whatever `last` does. */
function streams(chunks: readonly (string | Buffer)[], last?: (socket: Socket) => unknown): Reply {
	return (socket) => {
		socket.write(head(200, streaming));
		for (const one of chunks) {
			const bytes = Buffer.from(one);
			const size = Buffer.from(`${bytes.length.toString(16)}\r\n`);
			socket.write(Buffer.concat([size, bytes, Buffer.from("\r\n")]));
		}
		last?.(socket);
	};
}

function answers(body: unknown, status = 200): Reply {
	return (socket) => socket.write(http(status, typeof body === "string" ? body : JSON.stringify(body), {}));
}

async function second(v3: V3Client) {
	return await (await v3.watch("/a", { startRevision: 3 })).next();
}

const bad = (kind: BadAnswerKind, message = /./) => ({ name: "BadAnswerError", kind, message });

describe("an answer of the gateway that is none", () => {
	const rounded = '{"header":{"member_id":10276657743932975437}}';
	const shapes: [string, unknown, RegExp?][] = [
		["a header that is none", { header: "x" }],
		["kvs that are no array", { header, kvs: {} }, /kvs/],
		["a kv that is none", { header, kvs: [5] }],
		["a key that is no base64", { header, kvs: [{ key: "?" }] }, /key/],
		["a value that is a number", { header, kvs: [{ key: "AA==", value: 5 }] }, /value/],
		["a revision that is no number", { header: { ...header, revision: "x" } }, /revision/],
		["a revision beyond 2^53", { header: { ...header, revision: "9007199254740993" } }, /revision is/],
		["an id that JSON has rounded", rounded, /member_id/],
		["a flag that is text", { header, more: "true" }, /more/],
	];
	for (const [what, body, message] of shapes) {
		it(`is a BadAnswerError: ${what}`, async () => {
			await assert.rejects((await v3Of(answers(body))).v3.range("/a"), bad("wrong shape", message));
		});
	}

	it("keeps all 64 bits of the ids that are right", async () => {
		const { v3 } = await v3Of(answers({ header, leases: [{ ID: "9223372036854775807" }] }));
		assert.deepEqual(await v3.leases(), [9223372036854775807n]);
		const { header: read } = await v3.range("/a");
		assert.deepEqual([read.clusterId, read.memberId], [14841639068965178418n, 10276657743932975437n]);
	});

	for (const [what, text, code, name] of [
		["by its code where the text is new", "etcdserver: on strike", 14, "UnavailableError"],
		["and a plain one where the code is, too", "?", 99, "V3Error"],
	] as const) {
		it(`is a V3Error ${what}`, async () => {
			const { v3 } = await v3Of(answers({ error: text, code, message: text }, 503));
			const error = await v3.range("/a").catch((error: unknown) => error);
			assert.ok(error instanceof V3Error && error.name === name, String(error));
			assert.deepEqual([error.text, error.grpcCode, error.status], [text, code, 503]);
			assert.equal(error.request.path, "/v3/kv/range");
		});
	}

	it("a read goes to the next endpoint, a write whose answer was cut does not: it may have been carried out", async () => {
		const cut = await fakeServer((socket) => socket.destroy());
		const right = await fakeServer(answers({ header }));
		const asked = () => [cut.requests.length, right.requests.length];
		const v3 = v3At([cut, right]);
		await assert.rejects(v3.put("/a", "1"), { name: "ConnectionError", maybeApplied: true });
		assert.deepEqual(asked(), [1, 0]);
		assert.equal((await v3.range("/a")).header.revision, 7);
		assert.deepEqual(asked(), [2, 1]);
	});
});

describe("a line of a watch", () => {
	const beyond = put("/a", "1", "9007199254740992");
	const refused: [string, string | Buffer, object][] = [
		["that is no JSON", "not json\n", bad("not json")],
		["that is JSON cut short", '{"result":{"events":[\n', bad("truncated")],
		["that has no result", '{"other":1}\n', bad("wrong shape", /result/)],
		["whose events are none", line({ events: 5 }), bad("wrong shape")],
		["whose event has a bad key", line({ events: [{ kv: { key: "!" } }] }), bad("wrong shape")],
		["whose revision a number can't hold", line({ events: [beyond] }), bad("wrong shape", /_revision is/)],
		["that is no UTF-8", Buffer.of(0x7b, 0xff, 0x0a), bad("not json")],
	];
	for (const [what, said, error] of refused) {
		it(`${what} ends the watch and its connection`, async () => {
			const { server, v3 } = await v3Of(streams([created, said]));
			await assert.rejects(second(v3), error);
			await server.quiet();
		});
	}

	it("may be cut anywhere, inside a character of UTF-8 too, and come with others in one chunk", async () => {
		const event = JSON.stringify(put("/é", "😀"));
		const text = `{"result":{"header":{"revision":"9"},"cancel_reason":"é😀","events":[${event}]}}\n`;
		const bytes = Buffer.from(created + text + text);
		for (let size = 1; size < 40; size += 3) {
			const chunks: Buffer[] = [];
			for (let from = 0; from < bytes.length; from += size) chunks.push(bytes.subarray(from, from + size));
			const { v3 } = await v3Of(streams(chunks));
			const watch = await v3.watch("/", { prefix: true });
			for (let nth = 0; nth < 2; nth++) {
				const message = await watch.next();
				assert.ok(message?.kind === "events");
				assert.deepEqual([message.events[0]?.kv.key, message.events[0]?.kv.value], ["/é", "😀"]);
			}
		}
	});

	it("longer than maxBodyBytes is a BadAnswerError", async () => {
		const { v3 } = await v3Of(streams([created, "x".repeat(2_000)]), { maxBodyBytes: 1_000 });
		await assert.rejects(second(v3), bad("too large"));
	});
});

describe("the end of a watch", () => {
	const noLeader = JSON.stringify({
		error: { grpc_code: 14, http_code: 503, message: "etcdserver: no leader" },
	});
	const properly = (socket: Socket) => socket.end("0\r\n\r\n");
	const connection = { name: "ConnectionError" };
	const compacted = { name: "CompactedError", askedRevision: 3, compactRevision: 5 };
	const tired = { name: "WatchCanceledError", text: "etcdserver: tired" };
	const cutLine = line({ events: [put("/a", "1")] }).slice(0, 30);
	const noReason = { message: /gave no reason/ };
	const empty = {
		created: true,
		canceled: true,
		cancel_reason: "mvcc: watcher range is empty",
		watch_id: "-1",
	};
	/** Where etcd leaves the stream open, it is the client that ends it. */
	const ends: [string, Reply, object, "is left open"?][] = [
		[
			"in the middle of a line is a ConnectionError",
			streams([created, cutLine], (socket) => socket.end(chunk(""))),
			connection,
		],
		[
			"without the chunked body's own end is a ConnectionError",
			streams([created], (socket) => socket.end()),
			connection,
		],
		["by a reset is a ConnectionError", streams([created], (socket) => socket.resetAndDestroy()), connection],
		["before it is registered is an error of watch() itself", streams([], properly), connection],
		[
			"by an error in the stream is that error, which etcd sends without a newline",
			streams([created, noLeader], properly),
			{ name: "NoLeaderError" },
		],
		[
			"by an error in the stream with a newline is that error, too",
			streams([created, `${noLeader}\n`]),
			{ name: "NoLeaderError" },
		],
		[
			"by a cancel with a compact revision is a CompactedError, though etcd leaves the stream open",
			streams([created, line({ canceled: true, compact_revision: "5" })]),
			compacted,
			"is left open",
		],
		[
			"by a cancel for another reason is a WatchCanceledError with the reason",
			streams([created, line({ canceled: true, cancel_reason: "etcdserver: tired" })]),
			tired,
			"is left open",
		],
		[
			"by a cancel without a reason says that there is none",
			streams([created, line({ canceled: true })]),
			noReason,
			"is left open",
		],
		[
			"that comes with its registration is thrown by watch() itself",
			streams([line(empty)]),
			{ name: "WatchCanceledError" },
			"is left open",
		],
	];
	for (const [what, reply, error, isOpen] of ends) {
		it(what, async () => {
			const { server, v3 } = await v3Of(reply);
			const isOwn = what.includes("watch() itself");
			await assert.rejects(isOwn ? v3.watch("/a") : second(v3), error);
			if (isOpen) await server.quiet();
		});
	}

	it("in order is no error and no message", async () => {
		const { v3 } = await v3Of(streams([created], properly));
		assert.equal(await second(v3), undefined);
	});
});

describe("a v3 watch that is being opened", () => {
	for (const [what, reply] of [
		["nothing", () => {}],
		["headers but no line", (socket: Socket) => socket.write(head(200, streaming))],
	] as const) {
		it(`throws a TimeoutError when there is ${what}, and leaves no connection`, async () => {
			const { server, v3 } = await v3Of(reply, { timeoutMs: 100 });
			await assert.rejects(v3.watch("/a"), TimeoutError);
			await server.quiet();
		});

		it(`is ended by its signal while there is ${what}, and by the client's close`, async () => {
			const { server, v3 } = await v3Of(reply);
			const controller = new AbortController();
			const opening = assert.rejects(v3.watch("/a", { signal: controller.signal }), AbortedError);
			await server.received(1);
			controller.abort();
			await opening;
			await server.quiet();
			const another = assert.rejects(v3.watch("/a"), AbortedError);
			await server.received(2);
			await v3.close();
			await another;
		});
	}

	it("once it is registered waits for as long as it takes", async () => {
		const event = chunk(line({ events: [put("/a", "1")] }));
		const late = streams([created], (socket) => setTimeout(() => socket.write(event), 300));
		const { v3 } = await v3Of(late, { timeoutMs: 100 });
		assert.equal((await second(v3))?.kind, "events");
	});
});
