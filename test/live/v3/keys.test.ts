import assert from "node:assert/strict";
import { CompactedError, FutureRevisionError } from "etcd-watch-lab/v3";
import { ArgumentError } from "#lib/http";
import { each, forEachEtcd } from "../../support/servers";

forEachEtcd((server) => {
	let root: string;
	const v3 = () => server.lab.v3;
	beforeEach(() => {
		root = server.lab.newPrefix();
	});

	describe("the v3 keys", () => {
		it("put, and a get gives what was put, with its revisions and its version", async () => {
			const first = await v3().put(`${root}/a`, "1");
			const second = await v3().put(`${root}/a`, "é€😀");
			const kv = await v3().get(`${root}/a`);
			assert.deepEqual([kv?.key, kv?.value, kv?.version], [`${root}/a`, "é€😀", 2]);
			const revisions = [first.header.revision, second.header.revision];
			assert.deepEqual([kv?.createRevision, kv?.modRevision], revisions);
			assert.equal(second.header.revision, first.header.revision + 1);
		});

		it("get gives undefined for a key that does not exist", async () => {
			assert.equal(await v3().get(`${root}/nothing`), undefined);
		});

		it("put with prevKv gives the key before; a first put gives none", async () => {
			assert.equal((await v3().put(`${root}/a`, "1", { prevKv: true })).prevKv, undefined);
			assert.equal((await v3().put(`${root}/a`, "2", { prevKv: true })).prevKv?.value, "1");
		});

		it("take keys and values of any bytes, the empty value included", async () => {
			const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
			const key = Buffer.concat([Buffer.from(`${root}/`), bytes]);
			await v3().put(key, bytes);
			const read = await v3().get(key);
			assert.deepEqual([read?.keyBytes, read?.valueBytes], [key, bytes]);
			await v3().put(key, "");
			assert.equal((await v3().get(key))?.value, "");
		});

		it("range over a prefix gives its keys in order, and no others: not even those next to it", async () => {
			for (const name of ["/b", "/a", "0", "/", "/a/x", ""]) await v3().put(`${root}${name}`, name);
			const { kvs, count, more } = await v3().range(`${root}/`, { prefix: true });
			assert.deepEqual(each(kvs, "value"), ["/", "/a", "/a/x", "/b"]);
			assert.deepEqual([count, more], [4, false]);
		});

		it("range over a prefix that ends in 0xff, whose end is not the next byte", async () => {
			const prefix = Buffer.concat([Buffer.from(root), Buffer.of(0xff)]);
			await v3().put(Buffer.concat([prefix, Buffer.of(0xff)]), "in");
			await v3().put(Buffer.concat([Buffer.from(root), Buffer.of(0xfe)]), "below");
			const last = root.charCodeAt(root.length - 1);
			await v3().put(`${root.slice(0, -1)}${String.fromCharCode(last + 1)}`, "above");
			const { kvs } = await v3().range(prefix, { prefix: true });
			assert.deepEqual(each(kvs, "value"), ["in"]);
		});

		it('range over the prefix "" is the whole store, the key of one 0 byte included', async () => {
			await v3().put(Buffer.of(0), "first");
			await v3().put(`${root}/a`, "later");
			const { kvs, count } = await v3().range("", { prefix: true });
			assert.equal(kvs[0]?.value, "first");
			assert.ok(kvs.some((kv) => kv.keyBytes.equals(Buffer.from(`${root}/a`))));
			assert.equal(kvs.length, count);
			assert.equal((await v3().delete(Buffer.of(0))).deletedCount, 1);
		});

		it("range from a key up to another, which is left out", async () => {
			for (const name of ["a", "b", "c"]) await v3().put(`${root}/${name}`, name);
			const { kvs } = await v3().range(`${root}/a`, { rangeEnd: `${root}/c` });
			assert.deepEqual(each(kvs, "value"), ["a", "b"]);
		});

		it("range with a limit says that there are more, and how many in all", async () => {
			for (const name of ["a", "b", "c"]) await v3().put(`${root}/${name}`, name);
			const { kvs, more, count } = await v3().range(`${root}/`, { prefix: true, limit: 2 });
			assert.deepEqual([kvs.length, more, count], [2, true, 3]);
		});

		it("range can count only, and give keys only", async () => {
			await v3().put(`${root}/a`, "value");
			const counted = await v3().range(`${root}/`, { prefix: true, countOnly: true });
			assert.deepEqual([counted.count, counted.kvs], [1, []]);
			const named = await v3().range(`${root}/`, { prefix: true, keysOnly: true });
			assert.deepEqual([named.kvs[0]?.key, named.kvs[0]?.value], [`${root}/a`, ""]);
		});

		it("range sorts by what it is asked to", async () => {
			for (const [at, name] of ["a", "b", "c"].entries()) await v3().put(`${root}/${name}`, "231"[at] ?? "");
			await v3().put(`${root}/a`, "2");
			for (const [by, order, expected] of [
				["value", undefined, "cab"],
				["value", "descending", "bac"],
				["modRevision", undefined, "bca"],
				["createRevision", undefined, "abc"],
				["version", "descending", "abc"],
				["key", "descending", "cba"],
			] as const) {
				const sort = order ? { by, order } : { by };
				const { kvs } = await v3().range(`${root}/`, { prefix: true, sort });
				assert.equal(kvs.map(({ key }) => key.at(-1)).join(""), expected, `${by} ${order}`);
			}
		});

		it("range at a past revision gives what was then; the header has the revision of now", async () => {
			const then = (await v3().put(`${root}/a`, "old")).header.revision;
			const now = (await v3().put(`${root}/a`, "new")).header.revision;
			const { kvs, header } = await v3().range(`${root}/a`, { revision: then });
			assert.deepEqual([kvs[0]?.value, header.revision], ["old", now]);
		});

		it("range at a future revision throws a FutureRevisionError that says which was asked for", async () => {
			const { header } = await v3().put(`${root}/a`, "1");
			await assert.rejects(v3().range(`${root}/a`, { revision: header.revision + 100 }), {
				name: "FutureRevisionError",
				askedRevision: header.revision + 100,
				grpcCode: 11,
				status: 400,
			});
		});

		it("a serializable range is the member's own, and gives the same on one member", async () => {
			await v3().put(`${root}/a`, "1");
			assert.equal((await v3().get(`${root}/a`, { serializable: true }))?.value, "1");
		});

		it("delete of a prefix takes one revision, and gives what was there", async () => {
			for (const name of ["a", "b"]) await v3().put(`${root}/${name}`, name);
			const before = (await v3().range(root)).header.revision;
			const deleted = await v3().delete(`${root}/`, { prefix: true, prevKv: true });
			assert.deepEqual(
				[deleted.deletedCount, deleted.prevKvs.map(({ value }) => value), deleted.header.revision],
				[2, ["a", "b"], before + 1],
			);
		});

		it("delete of nothing takes no revision", async () => {
			const { header } = await v3().put(`${root}/a`, "1");
			const deleted = await v3().delete(`${root}/nothing`);
			assert.deepEqual([deleted.deletedCount, deleted.header.revision], [0, header.revision]);
		});

		it("a transaction whose comparisons hold does all of `success`, at one revision", async () => {
			const { header } = await v3().put(`${root}/a`, "1");
			const { revision } = header;
			const done = await v3().txn({
				compare: [
					{ key: `${root}/a`, version: 1 },
					{ key: `${root}/a`, modRevision: revision },
					{ key: `${root}/a`, createRevision: revision + 1, is: "<" },
					{ key: `${root}/a`, value: "0", is: ">" },
					{ key: `${root}/a`, lease: 0n },
					{ key: `${root}/new`, version: 0 },
				],
				success: [
					{ op: "put", key: `${root}/new`, value: "2" },
					{ op: "range", key: `${root}/`, prefix: true },
					{ op: "delete", key: `${root}/a`, prevKv: true },
				],
				failure: [{ op: "put", key: `${root}/failed`, value: "" }],
			});
			assert.deepEqual([done.succeeded, done.header.revision], [true, revision + 1]);
			const [put, range, deleted] = done.answers;
			assert.equal(put?.kind, "put");
			assert.ok(range?.kind === "range");
			assert.deepEqual(each(range.kvs, "key"), [`${root}/a`, `${root}/new`]);
			assert.deepEqual(each(range.kvs, "modRevision"), [revision, revision + 1]);
			assert.ok(deleted?.kind === "delete");
			assert.equal(deleted.prevKvs[0]?.value, "1");
			assert.equal(await v3().get(`${root}/failed`), undefined);
		});

		it("a transaction one of whose comparisons fails does `failure` instead, nested ones too", async () => {
			await v3().put(`${root}/a`, "1");
			const done = await v3().txn({
				compare: [
					{ key: `${root}/a`, version: 1 },
					{ key: `${root}/a`, value: "1", is: "!=" },
				],
				success: [{ op: "delete", key: `${root}/a` }],
				failure: [
					{ op: "txn", success: [{ op: "put", key: `${root}/a`, value: "2", prevKv: true }] },
					{ op: "range", key: `${root}/a`, countOnly: true },
				],
			});
			assert.equal(done.succeeded, false);
			const [nested, counted] = done.answers;
			assert.ok(nested?.kind === "txn" && nested.succeeded);
			assert.ok(nested.answers[0]?.kind === "put");
			assert.equal(nested.answers[0].prevKv?.value, "1");
			assert.ok(counted?.kind === "range");
			assert.equal(counted.count, 1);
		});

		it("a transaction that writes a key twice is an InvalidArgumentError", async () => {
			const put = { op: "put", key: `${root}/a`, value: "1" } as const;
			await assert.rejects(v3().txn({ success: [put, put] }), {
				name: "InvalidArgumentError",
				text: "etcdserver: duplicate key given in txn request",
			});
		});

		it("a comparison of nothing, or of two things, is refused before anything is sent", async () => {
			const { header } = await v3().put(`${root}/a`, "1");
			for (const compare of [{ key: "/a" }, { key: "/a", version: 1, modRevision: 1 }]) {
				const put = { op: "put", key: `${root}/a`, value: "2" } as const;
				await assert.rejects(v3().txn({ compare: [compare], success: [put] }), ArgumentError);
			}
			assert.equal((await v3().range(root)).header.revision, header.revision);
		});

		it("compact forgets: a range below it is a CompactedError, that says which revision was asked for", async () => {
			const { header: old } = await v3().put(`${root}/a`, "old");
			const { header: now } = await v3().put(`${root}/a`, "new");
			await v3().compact(now.revision, { physical: true });
			await assert.rejects(v3().range(`${root}/a`, { revision: old.revision }), {
				name: "CompactedError",
				askedRevision: old.revision,
				compactRevision: undefined,
			});
			assert.equal((await v3().get(`${root}/a`, { revision: now.revision }))?.value, "new");
		});

		it("compact for a second time is a CompactedError, of the future a FutureRevisionError", async () => {
			const { header } = await v3().put(`${root}/a`, "1");
			await v3().compact(header.revision);
			await assert.rejects(v3().compact(header.revision), CompactedError);
			await assert.rejects(v3().compact(header.revision + 9), FutureRevisionError);
		});

		it("status, version and members tell of the server; ids keep all their 64 bits", async () => {
			const status = await v3().status();
			assert.equal(status.version, server.lab.version);
			assert.equal(await v3().version(), server.lab.version);
			assert.equal(status.leader, status.header.memberId);
			const members = await v3().members();
			assert.deepEqual(
				members.map(({ id, clientUrls }) => [id, clientUrls]),
				[[status.header.memberId, server.lab.endpoints]],
			);
			// v2 says the same number in hexadecimal.
			const { clusterId } = await server.v2.get("/");
			assert.equal(status.header.clusterId.toString(16), clusterId);
		});

		it("revisions, limits and ids that are none are refused before anything is sent", async () => {
			const refused = [
				() => v3().range("/a", { revision: 0 }),
				() => v3().range("/a", { revision: 1.5 }),
				() => v3().range("/a", { limit: -1 }),
				() => v3().compact(2 ** 53),
				() => v3().put("/a", "", { lease: -1n }),
				() => v3().put("/a", "", { lease: 2n ** 63n }),
				() => v3().put("/a", "", { lease: 5 as never }),
				() => v3().grant(0),
				() => v3().watch("/a", { startRevision: 0 }),
			];
			for (const call of refused) await assert.rejects(call(), ArgumentError);
		});

		it("the v2 keys and the v3 keys do not see each other", async () => {
			await v3().put(`${root}/a`, "v3");
			await assert.rejects(server.v2.get(`${root}/a`), /100 Key not found/);
			await server.v2.set(`${root}/b`, "v2");
			assert.equal(await v3().get(`${root}/b`), undefined);
		});

		it("the rest of the API can be called in the gateway's own words", async () => {
			const answer = (await v3().call("/v3/maintenance/hash", {})) as { hash?: number };
			assert.equal(typeof answer.hash, "number");
		});
	});

	describe("the v3 leases", () => {
		it("grant gives an id of 64 bits, and a key put with it says so", async () => {
			const id = 2n ** 63n - 7n;
			const { ttl, id: granted } = await v3().grant(60, { id });
			assert.deepEqual([granted, ttl], [id, 60]);
			await v3().put(`${root}/a`, "1", { lease: id });
			assert.equal((await v3().get(`${root}/a`))?.lease, id);
			const left = await v3().timeToLive(id, { keys: true });
			assert.deepEqual([left.grantedTtl, left.keys.map(String)], [60, [`${root}/a`]]);
			assert.ok((await v3().leases()).includes(id));
			await v3().revoke(id);
			assert.equal(await v3().get(`${root}/a`), undefined);
		});

		it("grant of an id that is there is a LeaseExistsError", async () => {
			const { id } = await v3().grant(60);
			await assert.rejects(v3().grant(60, { id }), { name: "LeaseExistsError" });
			await v3().revoke(id);
		});

		it("keepAlive renews the lease; of one that is gone it says a ttl of 0, timeToLive -1", async () => {
			const { id } = await v3().grant(60);
			assert.equal((await v3().keepAlive(id)).ttl, 60);
			await v3().revoke(id);
			assert.equal((await v3().keepAlive(id)).ttl, 0);
			assert.equal((await v3().timeToLive(id)).ttl, -1);
		});

		it("revoke of a lease that is not there, and a put with it, are LeaseNotFoundErrors", async () => {
			await assert.rejects(v3().revoke(12345n), { name: "LeaseNotFoundError" });
			await assert.rejects(v3().put(`${root}/a`, "1", { lease: 12345n }), { name: "LeaseNotFoundError" });
		});

		it("the keys of a lease go at one revision, when it ends", async () => {
			const watch = await v3().watch(`${root}/`, { prefix: true });
			const { id } = await v3().grant(60);
			for (const name of ["a", "b"]) await v3().put(`${root}/${name}`, "1", { lease: id });
			const { revision } = await v3().revoke(id);
			const gone: [string, number][] = [];
			for await (const { type, kv } of watch.events()) {
				if (type === "put") continue;
				gone.push([kv.key, kv.modRevision]);
				if (gone.length === 2) break;
			}
			assert.deepEqual(
				gone,
				["a", "b"].map((name) => [`${root}/${name}`, revision]),
			);
		});
	});
});
