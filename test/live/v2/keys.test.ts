import assert from "node:assert/strict";
import {
	type Answer,
	CompareFailedError,
	DirectoryNotEmptyError,
	type EtcdError,
	InvalidRequestError,
	KeyExistsError,
	KeyNotFoundError,
	NotADirectoryError,
	NotAFileError,
	RootReadOnlyError,
	type V2Client,
} from "etcd-watch-lab/v2";
import type { HttpRequest } from "#lib/http/request.js";
import { Transport } from "#lib/http/transport.js";
import { parseAnswer } from "#lib/v2/parse.js";
import { type EtcdUnderTest, forEachEtcd } from "../../support/servers";
import { until } from "../../support/until";
import { writeMany } from "../../support/write-many";

/** A class of error as `assert.rejects` wants it. */
type Class = new (...args: never[]) => EtcdError;

interface Refusal {
	readonly code: number;
	readonly status: number;
	readonly cause: string;
	readonly index: number;
}

/** What etcd refused with: the class and etcd's own fields, the store's index as it must be. */
async function refused(pending: Promise<unknown>, type: Class, fields: Refusal): Promise<void> {
	await assert.rejects(pending, (error: unknown) => {
		assert.ok(error instanceof type, `not ${type.name} but ${error}`);
		assert.equal(error.name, type.name);
		const { code, status, etcdCause: cause, index, request } = error;
		assert.deepEqual({ code, status, cause, index }, fields);
		assert.match(request.path, /^\/v2\/keys\//);
		assert.ok(error.message.includes(String(code)) && error.message.includes(fields.cause));
		return true;
	});
}

forEachEtcd((server) => {
	let prefix = "";
	beforeEach(() => {
		prefix = server.lab.newPrefix();
	});
	const at = (key: string) => prefix + key;

	describe("Headers", () => {
		it("carry the raft index, which grows with a refused write too, the term and the cluster's id", async () => {
			const { v2 } = server;
			const first = await v2.set(at("/a"), "1");
			await assert.rejects(v2.create(at("/a"), "2"), KeyExistsError);
			const second = await v2.set(at("/a"), "2");
			assert.ok(second.raftIndex >= first.raftIndex + 2);
			assert.ok(Number.isSafeInteger(first.raftTerm) && first.raftTerm >= 2);
			assert.equal(second.raftTerm, first.raftTerm);
			assert.match(first.clusterId, /^[0-9a-f]{8,16}$/);
			assert.equal(second.clusterId, first.clusterId);
		});
	});

	describe("V2Client.get", () => {
		it("reads a file's value, indexes and nothing else", async () => {
			const written = await server.v2.set(at("/a"), "value");
			const { action, node, prevNode } = await server.v2.get(at("/a"));
			assert.equal(action, "get");
			assert.deepEqual(node, { key: at("/a"), value: "value", dir: false, ...indexFields(written) });
			assert.equal(prevNode, undefined);
		});

		it("reads the root, which has no key and no indexes of its own", async () => {
			await server.v2.set(at("/a"), "1");
			const { node } = await server.v2.get("/");
			assert.deepEqual([node.key, node.dir, node.createdIndex, node.modifiedIndex], ["/", true, 0, 0]);
			assert.ok(node.nodes?.some(({ key }) => prefix.startsWith(key)));
		});
	});

	describe("ttl", () => {
		it("is counted down in seconds, given as an expiration too, and lets the key expire", async () => {
			const { v2 } = server;
			const long = await v2.set(at("/long"), "1", { ttl: 1000 });
			assert.equal(long.node.ttl, 1000);
			const expiresInMs = Date.parse(long.node.expiration ?? "") - Date.now();
			assert.ok(expiresInMs > 900_000 && expiresInMs <= 1_001_000, `${expiresInMs} ms`);
			const watcher = v2.watcher(at("/"), { recursive: true, afterIndex: long.etcdIndex });
			const short = await v2.set(at("/short"), "gone", { ttl: 1 });
			await v2.mkdir(at("/dir"), { ttl: 1 });
			const zero = await v2.set(at("/zero"), "gone", { ttl: 0 });
			const expired = new Map<string, string | undefined>();
			for (let event = await watcher.next(); expired.size < 3; event = await watcher.next()) {
				if (event.action === "expire") expired.set(event.node.key, event.prevNode?.value);
				if (expired.size === 3) break;
			}
			watcher.close();
			const gone = { [at("/zero")]: "gone", [at("/short")]: "gone", [at("/dir")]: undefined };
			assert.deepEqual(Object.fromEntries(expired), gone);
			assert.ok(short.node.ttl === 1 && zero.node.ttl === undefined);
			await assert.rejects(v2.get(at("/short")), KeyNotFoundError);
			assert.equal((await v2.get(at("/long"))).node.value, "1");
		});

		it("is kept by etcd up to the longest that the lab sends, and never dropped in silence", async () => {
			const { node } = await server.v2.set(at("/a"), "1", { ttl: 7_000_000_000 });
			assert.equal(node.ttl, 7_000_000_000);
		});
	});

	describe("EtcdError", () => {
		const was = { prevValue: "was" };
		// One of each code; which write is refused with which, and the causes, are the model's: the differential test has them.
		const refusals: [string, Class, number, number, string, (v2: V2Client) => Promise<unknown>][] = [
			// The cause of a miss is the first part that is missing; the root's has no prefix.
			["a read of a missing key", KeyNotFoundError, 100, 404, "/none", (v2) => v2.get(at("/none/x"))],
			[
				"a failed comparison",
				CompareFailedError,
				101,
				412,
				"",
				(v2) => v2.compareAndDelete(at("/file"), was),
			],
			["a set of a directory", NotAFileError, 102, 403, "/dir", (v2) => v2.set(at("/dir"), "x")],
			["a write below a file", NotADirectoryError, 104, 400, "/file", (v2) => v2.set(at("/file/x"), "")],
			["a create of what is there", KeyExistsError, 105, 412, "/file", (v2) => v2.create(at("/file"), "")],
			["a set of the root", RootReadOnlyError, 107, 400, "/", (v2) => v2.set("/", "")],
			[
				"an rmdir of what is not empty",
				DirectoryNotEmptyError,
				108,
				403,
				"/dir",
				(v2) => v2.rmdir(at("/dir")),
			],
		];
		for (const [what, type, code, status, name, call] of refusals) {
			it(`is a ${type.name} with etcd's code, cause and index for ${what}`, async () => {
				const { v2 } = server;
				await v2.set(at("/file"), "1");
				const { etcdIndex: index } = await v2.set(at("/dir/x"), "1");
				const cause = name === "/" ? name : name === "" ? "[was != 1]" : at(name);
				await refused(call(v2), type, { code, status, cause, index });
				assert.equal((await v2.get(at("/file"))).etcdIndex, index);
			});
		}

		it("is an EventIndexClearedError with the index asked for and the oldest kept, for an old waitIndex", async () => {
			const { v2 } = server;
			const etcdIndex = await writeMany(v2, at("/noise"), 1001);
			const oldest = etcdIndex - 999;
			await assert.rejects(v2.poll(at("/a"), { afterIndex: 0 }), {
				...{ name: "EventIndexClearedError", code: 401, status: 400, askedIndex: 1, oldestIndex: oldest },
				...{ index: etcdIndex, etcdCause: `the requested history has been cleared [${oldest}/1]` },
			});
		});

		it("is an InvalidRequestError for what only a request by hand can ask (201, 203, 209)", async () => {
			// The lab refuses these itself; what etcd says is read by the same table, from a server in between.
			for (const [path, form, code, cause] of [
				["/a?waitIndex=abc", undefined, 203, 'invalid value for "waitIndex"'],
				["/a?waitIndex=-1", undefined, 203, 'invalid value for "waitIndex"'],
				["/a?wait=maybe", undefined, 209, 'invalid value for "wait"'],
				["/a?recursive=maybe", undefined, 209, 'invalid value for "recursive"'],
				["/a", "value=x&prevValue=", 201, '"prevValue" cannot be empty'],
			] as const) {
				const fields = { code, status: 400, cause, index: 0 };
				await refused(askRaw(server, at(path), form), InvalidRequestError, fields);
			}
		});
	});

	describe("a key", () => {
		const names = [
			"with space",
			"percent%41sign",
			"%2F",
			"hash#tag",
			"question?wait=true",
			"plus+plus",
			"semi;colon",
			"ampersand&dir=true",
			"équipe",
			"日本語",
			"emoji 🙂👩‍👩‍👧",
			"e\u0301 composed and é",
			"back\\slash",
			"quote\"'`",
			"<img src=x onerror=alert(1)>",
			"new\nline",
			"tab\tand\u0001control",
			"NUL\u0000inside",
			"\u007f",
			"colon:at@",
			"...",
			"=",
			"\u202eright to left",
			"x".repeat(3000),
		];
		it("comes back as it was written, whatever characters it has, in answers, lists and events", async () => {
			const { v2 } = server;
			const { etcdIndex } = await v2.mkdir(at("/d"));
			for (const name of names) await v2.set(at(`/d/${name}`), `value of ${name}`);
			for (const name of names) {
				const { node } = await v2.get(at(`/d/${name}`));
				assert.deepEqual([node.key, node.value], [at(`/d/${name}`), `value of ${name}`]);
			}
			const { node } = await v2.get(at("/d"));
			assert.deepEqual(
				node.nodes?.map(({ key }) => key).sort(),
				names.map((name) => at(`/d/${name}`)).sort(),
			);
			const watcher = v2.watcher(at("/d"), { recursive: true, afterIndex: etcdIndex });
			for (const name of names) assert.equal((await watcher.next()).node.key, at(`/d/${name}`));
			watcher.close();
			for (const name of names) await v2.delete(at(`/d/${name}`));
			assert.deepEqual((await v2.get(at("/d"))).node.nodes ?? [], []);
		});

		it("may have 300 parts, and the whole tree is read", async () => {
			const { v2 } = server;
			const deep = at("/p".repeat(300));
			await v2.set(deep, "bottom");
			assert.equal((await v2.get(deep)).node.value, "bottom");
			let { node } = await v2.get(at("/p"), { recursive: true });
			while (node.nodes?.[0]) node = node.nodes[0];
			assert.deepEqual([node.key, node.value], [deep, "bottom"]);
		});

		it("with a slash at its end is the same key without it", async () => {
			await server.v2.set(at("/a/"), "1");
			assert.equal((await server.v2.get(at("/a"))).node.value, "1");
		});
	});

	describe("a value", () => {
		const values = [
			"",
			" ",
			"+",
			"a=b&c=d;e",
			"%41",
			"\u0000",
			"\r\n",
			"日本語🙂",
			'{"action":"set"}',
			"\ufeffBOM",
		];
		it("comes back as it was written, whatever characters it has", async () => {
			for (const value of values) {
				const { node } = await server.v2.set(at("/a"), value);
				assert.equal(node.value, value);
				assert.equal((await server.v2.get(at("/a"))).node.value, value);
			}
		});

		it("may be a megabyte long", async () => {
			const value = "0123456789abcdef".repeat(65_536);
			await server.v2.set(at("/a"), value);
			assert.equal((await server.v2.get(at("/a"))).node.value, value);
		});
	});

	describe("V2Client.version, memberName and watcherCount", () => {
		it("tell the server's version, its name and how many watchers it has", async () => {
			const { v2, lab } = server;
			assert.equal(await v2.version(), lab.version);
			assert.ok(lab.version.startsWith(`${server.series}.`));
			assert.match(await v2.memberName(), /^lab-[0-9a-f]{8}-1$/);
			await until("no watcher is left from before", async () => (await v2.watcherCount()) === 0);
			const poll = await v2.poll(at("/a"));
			assert.equal(await v2.watcherCount(), 1);
			poll.close();
			await until("the watcher is gone", async () => (await v2.watcherCount()) === 0);
		});
	});
});

function indexFields({ node }: Answer): { createdIndex: number; modifiedIndex: number } {
	return { createdIndex: node.createdIndex, modifiedIndex: node.modifiedIndex };
}

/** A request as nobody would send it through `V2Client`, its answer read as `V2Client` reads it. */
async function askRaw({ lab }: EtcdUnderTest, key: string, form?: string): Promise<Answer> {
	const transport = new Transport({ endpoints: lab.endpoints });
	const request: HttpRequest = {
		method: form === undefined ? "GET" : "PUT",
		path: `/v2/keys${key}`,
		...(form === undefined ? {} : { form: new URLSearchParams(form) }),
	};
	try {
		const { answer, text } = await transport.ask(request, (head, body) => ({ answer: head, text: body }));
		return parseAnswer(request, answer, text);
	} finally {
		await transport.close();
	}
}
