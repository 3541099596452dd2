import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { follow, type Note } from "etcd-watch-lab/follow";
import {
	LearnerError,
	PermissionDeniedError,
	V3Client,
	type V3Watch,
	type V3Watches,
	type WatchesOptions,
} from "etcd-watch-lab/v3";
import { openFeed } from "#lib/follow/v3/feed.js";
import type { Member, MemberSettings } from "#lib/follow/v3/member.js";
import { ConnectionError } from "#lib/http";
import { Certificates } from "../../support/certificates";
import { notCovered } from "../../support/coverage";
import { etcdOf, v3Kinds } from "../../support/etcds";
import { http } from "../../support/fake-server";
import { Followed, quick } from "../../support/follow/followed";
import { OwnEtcd } from "../../support/own-etcd";
import {
	type At,
	each,
	etcd35,
	fakeServer,
	forEachEtcd,
	ownEtcd,
	ownOf,
	proxyTo,
	v3At,
	withTest,
} from "../../support/servers";
import { until } from "../../support/until";
import { switchUsersOn } from "../../support/users";

describe("watches over TLS on etcd 3.5.1 (issue 11826)", () => {
	it("are 249; the error of one more says so in a line, and so does a follower that gets no answer", async function () {
		this.timeout(60_000);
		const made = Certificates.make();
		if (made === undefined) return;
		const flags = ["--cert-file", made.server.cert, "--key-file", made.server.key];
		const own = await ownEtcd(etcd35, { v2: false, scheme: "https", flags });
		const tls = { ca: made.ca.cert };
		const client = v3At(own, { tls });
		const follower = await Followed.start(client, "/a", { rollMs: [50, 100], timeoutMs: 500 });
		const { header } = await client.put("/a/1", "");
		await until("it is live", () => follower.changes.length === 1);
		// Many watches on one connection are one for the server.
		const watches = await client.watches();
		await Promise.all(Array.from({ length: 300 }, () => watches.watch("/b")));
		await client.put("/a/2", "");
		watches.close();
		const open: V3Watch[] = [];
		const late = async () => {
			for (;;) open.push(await client.watch("/b", { timeoutMs: 1_000 }));
		};
		await assert.rejects(late(), /249 watches over TLS.*issue 11826/);
		assert.ok(open.length >= 240 && open.length <= 250, `${open.length} were open`);
		await until("it says so", () =>
			follower.notes.some((note) => note.note === "known fault" && note.fault === "11826" && note.isMet),
		);
		for (const watch of open) watch.close();
		const last = (await client.put("/a/3", "")).header.revision;
		await until("it goes on", () => follower.indexes.includes(last));
		assert.deepEqual(follower.indexes, [header.revision, header.revision + 1, header.revision + 2]);
		await client.close();
		await own.stop();
		made.remove();
	});
});

/** A proxy to a server that lets what a WebSocket is told through only so much later; all else at once. */
async function slowSockets(target: string, ms: number): Promise<string> {
	const { hostname, port } = new URL(target);
	const sockets = new Set<Socket>();
	const server = createServer((client) => {
		const upstream = connect(Number(port), hostname);
		for (const socket of [client, upstream]) {
			sockets.add(socket);
			socket.on("error", () => {});
			socket.on("close", () => {
				client.destroy();
				upstream.destroy();
			});
		}
		let isSocket = false;
		client.on("data", (data) => {
			isSocket ||= /upgrade: websocket/i.test(data.toString("latin1"));
			upstream.write(data);
		});
		upstream.on("data", (data) => {
			// The answer to the upgrade, and short messages, such as that a watch is registered, are not late.
			if (isSocket && data.length > 1_000) setTimeout(() => client.write(data), ms);
			else client.write(data);
		});
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	withTest(server, async () => {
		for (const socket of sockets) socket.destroy();
		server.close();
		await once(server, "close");
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("a v3 server that is slow to tell the past, on etcd 3.5.1", () => {
	for (const isCompacted of [true, false]) {
		it(`is waited for: no reset, and no gap (${isCompacted ? "compacted before" : "never compacted"})`, async function () {
			this.timeout(60_000);
			const own = await ownEtcd(etcd35, { v2: false });
			// Longer than silence is believed, and than the first three asks together are waited for.
			const slow = await slowSockets(own.endpoint, 3_500);
			const writer = v3At(own);
			const reader = v3At(slow);
			const { header } = await writer.put("/a/0", "");
			if (isCompacted) await writer.compact(header.revision);
			const { follower } = await Followed.start(writer, "/a");
			await follower.close();
			const { position } = follower;
			for (let nth = 1; nth <= 20; nth++) await writer.put(`/a/${nth}`, "x".repeat(100));
			const deleted = (await writer.delete("/a/0")).header.revision;
			const told = await Followed.start(reader, "/a", { position, timeoutMs: 2_000 });
			const isOver = () => (told.kinds.at(-1) ?? "event") !== "event" || told.indexes.includes(deleted);
			await until("the past is told", isOver, 30_000);
			const all = Array.from({ length: 21 }, (_, nth) => header.revision + 1 + nth);
			assert.deepEqual(told.indexes, all);
		});
	}
});

describe("a proxy that takes no WebSocket", () => {
	it("is taken for one after two cuts in a row, not where a watch was registered between them", async () => {
		let isCut = false;
		const watch = async () => {
			if (isCut) throw new ConnectionError("cut", { maybeApplied: false });
			return {};
		};
		const settings = {
			client: { hasUser: false, watches: async () => ({ watch }) },
			memory: { noSocket: new Map(), noted: new Set() },
			...{ endpoint: "http://x", onNote() {}, ranges: [{ first: Buffer.of(), end: undefined }] },
		} as unknown as MemberSettings;
		const open = () =>
			openFeed(settings, Promise.resolve({ inFragments: true } as Member), new AbortController().signal);
		for (const [cut, isWebSocket] of [
			[true, true],
			[false, true],
			[true, true],
			[true, false],
		] as const) {
			isCut = cut;
			await (await open()).watch(1).catch(() => {});
			assert.equal((await open()).isWebSocket, isWebSocket);
		}
	});

	it("is passed by an HTTP stream, which a note says once", async () => {
		const own = await ownEtcd(etcd35, { v2: false });
		// Whoever upgrades gets a 426; all else goes to etcd.
		const strict = await fakeServer(async (socket, { method, path, headers, body }) => {
			if (/upgrade: websocket/i.test(headers)) {
				socket.write(http(426, "no"));
				return;
			}
			const answer = await fetch(own.endpoint + path, { method, body });
			socket.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n");
			socket.on("close", () => void answer.body?.cancel().catch(() => {}));
			try {
				for await (const part of answer.body ?? []) {
					socket.write(`${part.length.toString(16)}\r\n`);
					socket.write(part);
					socket.write("\r\n");
				}
				socket.write("0\r\n\r\n");
			} catch {
				socket.destroy();
			}
		});
		const client = v3At(strict);
		const one = await Followed.start(client, "/a");
		const direct = v3At(own);
		const revisions: number[] = [];
		for (let nth = 0; nth < 20; nth++) revisions.push((await direct.put(`/a/${nth}`, "")).header.revision);
		await until("all are told", () => one.changes.length === 20);
		assert.deepEqual(one.indexes, revisions);
		assert.equal(one.noted("no websocket").length, 1);
	});
});

for (const kind of v3Kinds) {
	describe(`a v3 follower as a user of etcd ${kind}`, () => {
		let own: OwnEtcd | undefined;
		let root: V3Client;
		const asRoot = { name: "root", password: "r00t-pass" };
		const asLow = { name: "low", password: "l0w-pass" };
		const call = (path: string, body: Record<string, unknown>) => root.call(`/v3/auth/${path}`, body);
		const base64 = (text: string) => Buffer.from(text).toString("base64");
		const grant = (key: string, end?: string) =>
			call("role/grant", {
				name: "reader",
				perm: { permType: "READ", key: base64(key), ...(end ? { range_end: base64(end) } : {}) },
			});
		beforeEach(async () => {
			own = await ownOf(kind, ["--auth-token-ttl", "2"]);
			if (own === undefined) return;
			root = v3At(own, { user: asRoot });
			await switchUsersOn(root, [asRoot, asLow]);
			await call("role/add", { name: "reader" });
			await call("user/grant", { user: "low", role: "reader" });
		});
		const low = (at: At) => v3At(at, { user: asLow });

		it("who may read the key and what begins with it and a slash follows both, each revision whole", async () => {
			if (own === undefined) return;
			await grant("/a");
			await grant("/a/", "/a0");
			const client = low(own);
			await root.put("/a", "0");
			const one = await Followed.start(client, "/a");
			const { nodes } = await one.follower.ready();
			assert.deepEqual(each(nodes, "key"), ["/a"]);
			const revisions: (number | string)[] = [];
			for (let nth = 0; nth < 10; nth++) {
				const { header } = await root.txn({
					success: [
						{ op: "put", key: "/a/x", value: `${nth}` },
						{ op: "put", key: "/a", value: `${nth}` },
						{ op: "put", key: "/a-not", value: "" },
					],
				});
				await root.put("/a/y", "");
				revisions.push(header.revision, header.revision, header.revision + 1);
			}
			await until("all are told", () => one.changes.length === revisions.length);
			assert.deepEqual(one.indexes, revisions);
			for (const [nth, change] of one.changes.entries()) {
				assert.equal(change.kind === "event" && change.more, nth % 3 === 0 ? true : undefined);
			}
			// From 3.5.32, 3.6.13 and 3.7 on a token is taken by WebSocket.
			const isHttp = one.noted("no websocket").length > 0;
			assert.equal(isHttp, kind === "3.4" || kind === "3.5.1");
		});

		it("is refused at once what was never allowed", async () => {
			if (own === undefined) return;
			const follower = follow(low(own), "/a");
			await assert.rejects(follower.ready(), PermissionDeniedError);
			await follower.close();
		});

		it("goes on after a user that went for a while", async () => {
			if (own === undefined) return;
			await grant("/a", "/a0");
			const proxy = await proxyTo(own);
			const one = await Followed.start(low(proxy), "/a");
			await call("user/delete", { name: "low" });
			proxy.cutAll();
			const { header } = await root.put("/a/x", "");
			await until("it is refused again and again", () => one.noted("failed").length > 3);
			await call("user/add", asLow);
			await call("user/grant", { user: "low", role: "reader" });
			await until("it is told", () => one.changes.length === 1);
			assert.deepEqual([one.indexes, one.error], [[header.revision], undefined]);
		});
	});
}

for (const kind of v3Kinds) {
	describe(`a learner of etcd ${kind}`, () => {
		let own: OwnEtcd | undefined;
		let learner: OwnEtcd | undefined;
		const at = (...members: readonly OwnEtcd[]) => v3At(members);
		before(async () => {
			const found = await etcdOf(kind);
			if ("missing" in found) return notCovered(found.missing);
			own = await OwnEtcd.start(found.binary, { v2: false });
			learner = await OwnEtcd.learnerOf(own, found.binary);
		});
		after(() => Promise.all([learner?.stop(), own?.stop()]));

		it("alone, says why it serves no follower, which ends with that; with a member beside it, the follower goes there", async function () {
			if (own === undefined || learner === undefined) return;
			this.timeout(60_000);
			const failed: string[] = [];
			const onNote = (note: Note) => note.note === "failed" && failed.push(note.message);
			const lonely = follow(at(learner), "/a", { ...quick, patienceMs: 500, onNote });
			await assert.rejects(lonely.ready(), LearnerError);
			assert.ok(failed.some((message) => /learner/.test(message)));
			await lonely.close();
			const one = await Followed.start(at(learner, own), "/a");
			const { header } = await at(own).put("/a/1", "");
			await until("it is told", () => one.changes.length === 1);
			assert.deepEqual(one.indexes, [header.revision]);
		});

		it("named first is left for the member behind it, by reads, writes, watches and a WebSocket; nothing is done twice", async () => {
			if (own === undefined || learner === undefined) return;
			const key = "/b";
			const { header } = await at(learner, own).put(key, "1");
			assert.deepEqual((await at(learner, own).get(key))?.version, 1);
			const watch = await at(learner, own).watch(key, { startRevision: header.revision });
			assert.equal((await watch.next())?.kind, "events");
			watch.close();
			const client = at(learner, own);
			const shared = await client.watches();
			assert.equal(shared.endpoint, learner.endpoint);
			await assert.rejects(shared.watch(key), LearnerError);
			shared.close();
			const again = await client.watches();
			assert.equal(again.endpoint, own.endpoint);
			await again.watch(key);
			again.close();
		});

		it("alone, or named for a request, refuses it, and says that nothing was done", async () => {
			if (own === undefined || learner === undefined) return;
			const { endpoint } = learner;
			const [alone, both] = [at(learner), at(learner, own)];
			for (const put of [() => alone.put("/c", "1"), () => both.put("/c", "1", { endpoint })]) {
				await assert.rejects(put, { name: "LearnerError", maybeApplied: false });
			}
			assert.equal(await at(own).get("/c"), undefined);
		});
	});
}

forEachEtcd((server) => {
	describe("a v3 follower under a defragmentation", () => {
		it("waits it out, and loses and repeats nothing", async function () {
			this.timeout(60_000);
			const own = await ownEtcd(server.binary);
			const client = v3At(own, { timeoutMs: 30_000 });
			const one = await Followed.start(client, "/a", { timeoutMs: 10_000 });
			const revisions: number[] = [];
			let isOver = false;
			const writing = (async () => {
				while (!isOver)
					revisions.push(
						(await client.put(`/a/${revisions.length % 9}`, "x".repeat(50_000))).header.revision,
					);
			})();
			for (let nth = 0; nth < 3; nth++) {
				await until("more is written", () => revisions.length > nth * 50);
				await client.call("/v3/maintenance/defragment", {}, { timeoutMs: 30_000 });
			}
			isOver = true;
			await writing;
			await until("all are told", () => one.changes.length === revisions.length);
			assert.deepEqual(one.indexes, revisions);
		});
	});
});

describe("a v3 server that takes note of prev_kv only after a watch was told something", () => {
	/** Leaves out what was before in the first events of its first watches; of all on the way by HTTP and WebSocket. */
	class Forgetful extends V3Client {
		left = 2;

		override async watches(options: WatchesOptions = {}): Promise<V3Watches> {
			const watches = await super.watches(options);
			const { watch } = watches;
			watches.watch = async (...asked) => {
				const one = await watch.apply(watches, asked);
				const { next } = one;
				one.next = async () => {
					const message = await next.call(one);
					if (message?.kind !== "events" || this.left === 0) return message;
					this.left--;
					return { ...message, events: message.events.map(({ prevKv: _, ...event }) => event) };
				};
				return one;
			};
			return watches;
		}
	}

	for (const kind of ["3.5.1", "newest"] as const) {
		it(`is asked again: every event says what was before it (etcd ${kind})`, async function () {
			this.timeout(60_000);
			const own = await ownOf(kind);
			if (own === undefined) return;
			const client = withTest(new Forgetful({ endpoints: [own.endpoint] }), (one) => one.close());
			const values = ["1", "2", "3", "4"];
			for (const value of values) await client.put("/a/k", value);
			const one = await Followed.start(client, "/a", { afterIndex: 1 });
			await until("all are told", () => one.changes.length === values.length);
			const before = one.changes.map((change) => change.kind === "event" && change.prevNode?.value);
			assert.deepEqual(before, [undefined, "1", "2", "3"]);
			assert.ok(
				one.notes.some((note) => note.note === "failed" && /left out what was before/.test(note.message)),
			);
		});
	}
});
