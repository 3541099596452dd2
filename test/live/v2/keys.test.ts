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
	RaftError,
	RootReadOnlyError,
	type V2Client,
} from "etcd-watch-lab/v2";
import type { HttpRequest } from "#lib/http/request.js";
import { Transport } from "#lib/http/transport.js";
import { parseAnswer } from "#lib/v2/parse.js";
import { type EtcdUnderTest, each, forEachEtcd } from "../../support/servers";
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

function indexes({ node }: Answer): { created: number; modified: number } {
	return { created: node.createdIndex, modified: node.modifiedIndex };
}

forEachEtcd((server) => {
	let prefix = "";
	beforeEach(() => {
		prefix = server.lab.newPrefix();
	});
	const at = (key: string) => prefix + key;

	describe("Headers", () => {
		it("carry the store's index, which grows by one with each write and by none with a read or a refused write", async () => {
			const { v2 } = server;
			const first = await v2.set(at("/a"), "1");
			const read = await v2.get(at("/a"));
			await assert.rejects(v2.create(at("/a"), "2"), KeyExistsError);
			const second = await v2.set(at("/a"), "2");
			assert.equal(first.etcdIndex, first.node.modifiedIndex);
			assert.equal(read.etcdIndex, first.etcdIndex);
			assert.equal(second.etcdIndex, first.etcdIndex + 1);
		});

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

		it("lists a directory's children and not theirs, unless recursive", async () => {
			const { v2 } = server;
			await v2.set(at("/d/x"), "1");
			await v2.set(at("/d/sub/y"), "2");
			const shallow = await v2.get(at("/d"));
			const deep = await v2.get(at("/d"), { recursive: true });
			assert.equal(shallow.node.dir, true);
			assert.equal(shallow.node.value, undefined);
			assert.deepEqual(shallow.node.nodes?.map(({ key }) => key).sort(), [at("/d/sub"), at("/d/x")]);
			assert.equal(childOf(shallow, at("/d/sub"))?.nodes, undefined);
			assert.deepEqual(
				childOf(deep, at("/d/sub"))?.nodes?.map(({ key, value }) => [key, value]),
				[[at("/d/sub/y"), "2"]],
			);
		});

		it("lists children by name when sorted", async () => {
			const names = ["b", "e", "a", "d", "c", "aa", "B"];
			for (const name of names) await server.v2.set(at(`/d/${name}`), "");
			const { node } = await server.v2.get(at("/d"), { sorted: true });
			assert.deepEqual(
				node.nodes?.map(({ key }) => key),
				[...names].sort().map((name) => at(`/d/${name}`)),
			);
		});

		it("takes a raft entry for a quorum read, and none for a plain one", async () => {
			const { v2 } = server;
			await v2.set(at("/a"), "1");
			const { raftIndex } = await v2.get(at("/a"));
			const plain = await v2.get(at("/a"));
			const quorum = await v2.get(at("/a"), { quorum: true });
			// etcd itself adds entries in the background (a sync for expiries), so only the quorum read has to.
			assert.ok(plain.raftIndex >= raftIndex);
			assert.ok(quorum.raftIndex > plain.raftIndex);
			assert.equal(quorum.node.value, "1");
		});

		it("reads the root, which has no key and no indexes of its own", async () => {
			await server.v2.set(at("/a"), "1");
			const { node } = await server.v2.get("/");
			assert.deepEqual([node.key, node.dir, node.createdIndex, node.modifiedIndex], ["/", true, 0, 0]);
			assert.ok(node.nodes?.some(({ key }) => prefix.startsWith(key)));
		});

		it("does not list hidden keys, and reads one that is asked for by name", async () => {
			const { v2 } = server;
			await v2.set(at("/d/seen"), "1");
			await v2.set(at("/d/_hidden"), "2");
			await v2.set(at("/d/_dir/x"), "3");
			const { node } = await v2.get(at("/d"), { recursive: true });
			assert.deepEqual(
				node.nodes?.map(({ key }) => key),
				[at("/d/seen")],
			);
			assert.equal((await v2.get(at("/d/_hidden"))).node.value, "2");
			assert.deepEqual(each((await v2.get(at("/d/_dir"))).node.nodes, "value"), ["3"]);
		});
	});

	describe("V2Client.set", () => {
		it("makes the key anew: a new createdIndex, and the old node beside it", async () => {
			const first = await server.v2.set(at("/a"), "1");
			const second = await server.v2.set(at("/a"), "2");
			assert.equal(first.action, "set");
			assert.equal(first.prevNode, undefined);
			assert.deepEqual(indexes(second), { created: second.etcdIndex, modified: second.etcdIndex });
			assert.deepEqual(second.prevNode, first.node);
		});

		it("makes the parents that are missing, with the write's own index", async () => {
			const written = await server.v2.set(at("/p/q/r"), "1");
			const { node } = await server.v2.get(at("/p"));
			assert.deepEqual([node.dir, node.createdIndex], [true, written.node.createdIndex]);
		});

		it("keeps an empty value apart from none, as far as etcd does", async () => {
			await server.v2.set(at("/a"), "");
			assert.equal((await server.v2.get(at("/a"))).node.value, "");
		});
	});

	describe("V2Client.create", () => {
		it("writes a key that is not there and says so in its action", async () => {
			const written = await server.v2.create(at("/a"), "1");
			assert.equal(written.action, "create");
			assert.deepEqual(indexes(written), { created: written.etcdIndex, modified: written.etcdIndex });
		});
	});

	describe("V2Client.createInOrder", () => {
		it("names each key by its own index in twenty digits, so that they sort by age", async () => {
			const answers: Answer[] = [];
			for (const value of ["1", "2", "3"]) answers.push(await server.v2.createInOrder(at("/q"), value));
			for (const { action, node } of answers) {
				assert.equal(action, "create");
				assert.equal(node.key, at(`/q/${String(node.createdIndex).padStart(20, "0")}`));
			}
			const { node } = await server.v2.get(at("/q"), { sorted: true });
			assert.deepEqual(each(node.nodes, "value"), ["1", "2", "3"]);
		});
	});

	describe("V2Client.update", () => {
		it("keeps the createdIndex, and takes away a ttl that is not given again", async () => {
			const first = await server.v2.set(at("/a"), "1", { ttl: 1000 });
			const second = await server.v2.update(at("/a"), "2");
			assert.equal(second.action, "update");
			assert.deepEqual(indexes(second), { created: first.node.createdIndex, modified: second.etcdIndex });
			assert.equal(first.node.ttl, 1000);
			assert.equal(second.node.ttl, undefined);
			assert.equal(second.node.expiration, undefined);
			assert.equal(second.prevNode?.value, "1");
		});
	});

	describe("V2Client.delete", () => {
		it("deletes a file, whose value only the prevNode still has", async () => {
			const first = await server.v2.set(at("/a"), "1");
			const { action, node, prevNode } = await server.v2.delete(at("/a"));
			assert.equal(action, "delete");
			assert.deepEqual(node, {
				key: at("/a"),
				dir: false,
				createdIndex: first.node.createdIndex,
				modifiedIndex: first.node.modifiedIndex + 1,
			});
			assert.equal(prevNode?.value, "1");
			const index = node.modifiedIndex;
			const missing = { code: 100, status: 404, cause: at("/a"), index };
			await refused(server.v2.get(at("/a")), KeyNotFoundError, missing);
		});
	});

	describe("V2Client.mkdir and rmdir", () => {
		it("make and delete a directory", async () => {
			const made = await server.v2.mkdir(at("/d"));
			const gone = await server.v2.rmdir(at("/d"));
			assert.deepEqual([made.action, made.node.dir, made.node.value], ["create", true, undefined]);
			assert.deepEqual([gone.action, gone.node.dir], ["delete", true]);
		});

		it("delete all of it with recursive, by one write", async () => {
			const { v2 } = server;
			await v2.set(at("/d/x"), "1");
			const last = await v2.set(at("/d/sub/y"), "2");
			const gone = await v2.rmdir(at("/d"), { recursive: true });
			assert.equal(gone.node.modifiedIndex, last.node.modifiedIndex + 1);
			await assert.rejects(v2.get(at("/d/sub/y")), KeyNotFoundError);
		});

		it("rmdir deletes a file too: etcd asks for no more than `dir=true`", async () => {
			await server.v2.set(at("/f"), "1");
			const gone = await server.v2.rmdir(at("/f"));
			assert.deepEqual([gone.action, gone.node.dir], ["delete", false]);
		});
	});

	describe("V2Client.compareAndSwap and compareAndDelete", () => {
		it("write when value and index are as expected, and keep the createdIndex", async () => {
			const { v2 } = server;
			const first = await v2.set(at("/a"), "1");
			const byValue = await v2.compareAndSwap(at("/a"), "2", { prevValue: "1" });
			const byBoth = await v2.compareAndSwap(at("/a"), "3", {
				prevValue: "2",
				prevIndex: byValue.node.modifiedIndex,
			});
			assert.equal(byBoth.action, "compareAndSwap");
			assert.deepEqual(indexes(byBoth), {
				created: first.node.createdIndex,
				modified: first.node.modifiedIndex + 2,
			});
			const gone = await v2.compareAndDelete(at("/a"), { prevIndex: byBoth.node.modifiedIndex });
			assert.deepEqual([gone.action, gone.prevNode?.value], ["compareAndDelete", "3"]);
		});

		it("are refused with what was expected and what was found", async () => {
			const { v2 } = server;
			const { node } = await v2.set(at("/a"), "is");
			const both = { prevValue: "was", prevIndex: 1 };
			const cause = `[was != is] [1 != ${node.modifiedIndex}]`;
			const index = node.modifiedIndex;
			const failed = { code: 101, status: 412, index };
			await refused(v2.compareAndSwap(at("/a"), "x", both), CompareFailedError, { ...failed, cause });
			const byValue = v2.compareAndDelete(at("/a"), { prevValue: "was" });
			await refused(byValue, CompareFailedError, { ...failed, cause: "[was != is]" });
			assert.equal((await v2.get(at("/a"))).node.value, "is");
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

	describe("V2Client.refresh", () => {
		it("renews the ttl, keeps the value and the createdIndex, and takes an index", async () => {
			const { v2 } = server;
			const first = await v2.set(at("/a"), "kept", { ttl: 1000 });
			const renewed = await v2.refresh(at("/a"), 5000);
			assert.deepEqual(
				[renewed.action, renewed.node.ttl, renewed.node.createdIndex, renewed.node.modifiedIndex],
				["update", 5000, first.node.createdIndex, first.node.modifiedIndex + 1],
			);
			assert.equal((await v2.get(at("/a"))).node.value, "kept");
		});
	});

	describe("V2Client.update of a directory", () => {
		it("with an empty value is no 102: etcd takes it for a new ttl, as `updateDirectory` sends it", async () => {
			await server.v2.set(at("/d/x"), "1");
			if (server.series === "3.4") {
				const { action, node } = await server.v2.update(at("/d"), "", { ttl: 1000 });
				assert.deepEqual([action, node.dir, node.ttl], ["update", true, 1000]);
			} else {
				await assert.rejects(server.v2.update(at("/d"), "", { ttl: 1000 }), RaftError);
			}
		});
	});

	describe("V2Client.updateDirectory", () => {
		it(directoryTtlTitle(server), async () => {
			const { v2 } = server;
			await v2.set(at("/d/x"), "1");
			for (const renew of [
				() => v2.updateDirectory(at("/d"), { ttl: 1000 }),
				() => v2.refresh(at("/d"), 1000),
			]) {
				if (server.series === "3.4") {
					const { action, node } = await renew();
					assert.deepEqual([action, node.dir, node.ttl], ["update", true, 1000]);
				} else {
					const cause = `nodePath /1${at("/d")} : Not a file ()`;
					await refused(renew(), RaftError, { code: 300, status: 500, cause, index: 0 });
					assert.equal((await v2.get(at("/d"))).node.ttl, undefined);
				}
			}
			assert.equal((await v2.get(at("/d/x"))).node.value, "1");
		});
	});

	describe("EtcdError", () => {
		// The cause of a miss is the first part that is missing; the root's has no prefix.
		const missing = [KeyNotFoundError, 100, 404, "/none"] as const;
		const notFile = [NotAFileError, 102, 403, "/dir"] as const;
		const notDirectory = [NotADirectoryError, 104, 400, "/file"] as const;
		const isRoot = [RootReadOnlyError, 107, 400, "/"] as const;
		const prevIndex = 1;
		type Kind = readonly [Class, number, number, string];
		const refusals: [string, Kind, (v2: V2Client) => Promise<unknown>][] = [
			["a read of a missing key", missing, (v2) => v2.get(at("/none/x"))],
			["an update of a missing key", missing, (v2) => v2.update(at("/none"), "")],
			["a delete of a missing key", missing, (v2) => v2.delete(at("/none"))],
			[
				"a compareAndSwap of a missing key",
				missing,
				(v2) => v2.compareAndSwap(at("/none"), "", { prevIndex }),
			],
			["a refresh of a missing key", missing, (v2) => v2.refresh(at("/none"), 5)],
			["a set of a directory", notFile, (v2) => v2.set(at("/dir"), "x")],
			["an update of a directory", notFile, (v2) => v2.update(at("/dir"), "x")],
			["a delete of a directory", notFile, (v2) => v2.delete(at("/dir"))],
			["a write below a file", notDirectory, (v2) => v2.set(at("/file/x"), "")],
			["a delete below a file", notDirectory, (v2) => v2.delete(at("/file/x"))],
			[
				"a create of a key that is there",
				[KeyExistsError, 105, 412, "/file"],
				(v2) => v2.create(at("/file"), ""),
			],
			["a mkdir of a key that is there", [KeyExistsError, 105, 412, "/dir"], (v2) => v2.mkdir(at("/dir"))],
			["a set of the root", isRoot, (v2) => v2.set("/", "")],
			["a delete of the root", isRoot, (v2) => v2.rmdir("/", { recursive: true })],
			[
				"an rmdir of a directory with children",
				[DirectoryNotEmptyError, 108, 403, "/dir"],
				(v2) => v2.rmdir(at("/dir")),
			],
		];
		for (const [what, [type, code, status, name], call] of refusals) {
			it(`is a ${type.name} with etcd's code, cause and index for ${what}`, async () => {
				const { v2 } = server;
				await v2.set(at("/file"), "1");
				const { etcdIndex: index } = await v2.set(at("/dir/x"), "1");
				const cause = name === "/" ? name : at(name);
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

function childOf({ node }: Answer, key: string): Answer["node"] | undefined {
	return node.nodes?.find((child) => child.key === key);
}

function directoryTtlTitle({ series }: EtcdUnderTest): string {
	return series === "3.4"
		? "gives a directory a ttl, and so does refresh"
		: "is refused with 300, as refresh is, and changes nothing";
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
