import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import {
	V3Client,
	type V3Event,
	type V3Watch,
	type V3Watches,
	WebSocketRefusedError,
} from "etcd-watch-lab/v3";
import { WebSocketServer } from "ws";
import { AbortedError, ConnectionError, TimeoutError } from "#lib/http";
import { Certificates } from "../../support/certificates";
import { FakeServer, http } from "../../support/fake-server";
import { fakeServer, forEachEtcd, ownEtcd, proxyTo, tlsFlags, v3At } from "../../support/servers";
import { until } from "../../support/until";

async function take(watch: V3Watch, count: number): Promise<readonly V3Event[]> {
	const events: V3Event[] = [];
	while (events.length < count) {
		const message = await watch.next();
		assert.ok(message, "the watch ended");
		if (message.kind === "events") events.push(...message.events);
	}
	return events;
}

const keysOf = (events: readonly V3Event[]) => events.map(({ kv }) => kv.key);

async function metric(endpoint: string, name: string): Promise<number> {
	const page = await (await fetch(`${endpoint}/metrics`)).text();
	return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(page)?.[1] ?? Number.NaN);
}

forEachEtcd((server) => {
	describe("watches of v3 on one connection", () => {
		let root: string;
		let client: V3Client;
		let watches: V3Watches;
		const v3 = () => server.lab.v3;
		beforeEach(async () => {
			root = server.lab.newPrefix();
			client = new V3Client({ endpoints: server.lab.v3.endpoints });
			watches = await client.watches();
		});
		afterEach(async () => {
			watches.close();
			await client.close();
		});

		it("each is told its own events, in order", async () => {
			const [a, b] = await Promise.all([
				watches.watch(`${root}/a/`, { prefix: true }),
				watches.watch(`${root}/b`),
			]);
			for (const name of ["/a/1", "/b", "/a/2"]) await v3().put(root + name, "");
			assert.deepEqual(keysOf(await take(a, 2)), [`${root}/a/1`, `${root}/a/2`]);
			assert.deepEqual(keysOf(await take(b, 1)), [`${root}/b`]);
		});

		it("one that is closed is canceled at the server, and the others go on", async () => {
			const [a, b] = await Promise.all([watches.watch(`${root}/a`), watches.watch(`${root}/b`)]);
			const count = () => metric(watches.endpoint, "etcd_debugging_mvcc_watcher_total");
			const before = await count();
			a.close();
			await assert.rejects(a.next(), AbortedError);
			await until("the watcher is gone", async () => (await count()) === before - 1);
			await v3().put(`${root}/b`, "");
			assert.equal((await take(b, 1)).length, 1);
		});

		it("a requested progress says how far each has been told, after what came before", async () => {
			const watch = await watches.watch(`${root}/a`);
			await v3().put(`${root}/a`, "");
			const { header } = await v3().put(`${root}/elsewhere`, "");
			assert.equal((await watches.progress()).revision, header.revision);
			assert.equal((await watch.next())?.kind, "events");
			const progress = await watch.next();
			assert.deepEqual([progress?.kind, progress?.header.revision], ["progress", header.revision]);
		});

		it("events of more than 64 kB come through, and a past of many of them in pieces", async () => {
			const value = "x".repeat(1_000_000);
			const live = await watches.watch(`${root}/`, { prefix: true });
			const { header } = await v3().put(`${root}/0`, value);
			assert.equal((await take(live, 1))[0]?.kv.value, value);
			live.close();
			for (const name of ["/1", "/2", "/3", "/4", "/5"]) await v3().put(root + name, value);
			const past = await watches.watch(`${root}/`, { prefix: true, startRevision: header.revision });
			let pieces = 0;
			for (let count = 0; count < 6; ) {
				const message = await past.next();
				assert.ok(message?.kind === "events");
				if (message.fragment) pieces++;
				count += message.events.length;
			}
			assert.ok(pieces > 1, `${pieces} pieces`);
		});

		it("one below what was compacted is canceled alone", async () => {
			const { header } = await v3().put(`${root}/a`, "1");
			await v3().put(`${root}/a`, "2");
			await v3().compact(header.revision + 1);
			const other = await watches.watch(`${root}/b`);
			const watch = await watches.watch(`${root}/a`, { startRevision: header.revision });
			await assert.rejects(watch.next(), {
				name: "CompactedError",
				askedRevision: header.revision,
				compactRevision: header.revision + 1,
			});
			await v3().put(`${root}/b`, "");
			assert.equal((await take(other, 1)).length, 1);
		});

		it("a reader that stops makes the server stop: what is held stays within its bound", async () => {
			const watch = await watches.watch(`${root}/`, { prefix: true });
			const value = "x".repeat(500_000);
			for (let nth = 0; nth < 60; nth++) await v3().put(`${root}/${nth % 7}`, value);
			await until("the connection is full", () => watches.heldBytes > 1024 * 1024);
			assert.ok(watches.heldBytes < 4 * 1024 * 1024, `${watches.heldBytes} bytes`);
			const events = await take(watch, 60);
			assert.equal(events.length, 60);
			assert.equal(watches.heldBytes, 0);
		});

		it("ends with the client's abortAll, its close, its own close, and the signal", async () => {
			const ends: readonly ((of: V3Client, one: V3Watches, signal: AbortController) => unknown)[] = [
				(of) => of.abortAll(),
				(of) => of.close(),
				(_, one) => one.close(),
				(_, __, signal) => signal.abort(),
			];
			for (const end of ends) {
				const controller = new AbortController();
				const own = new V3Client({ endpoints: client.endpoints });
				const one = await own.watches({ signal: controller.signal });
				const watch = await one.watch(`${root}/a`);
				const next = watch.next();
				end(own, one, controller);
				await assert.rejects(next, AbortedError);
				await assert.rejects(one.watch(`${root}/b`), AbortedError);
				await own.close();
			}
		});

		it("a connection that is cut fails each of them", async () => {
			const proxy = await proxyTo(client.endpoints[0] ?? "");
			const own = v3At(proxy);
			const one = await own.watches();
			const all = await Promise.all(["a", "b"].map((name) => one.watch(`${root}/${name}`)));
			const next = all.map((watch) => watch.next());
			proxy.cutAll();
			for (const ended of next) await assert.rejects(ended, ConnectionError);
		});

		it("watches that are dropped in bulk, before or after they are registered, leave nothing on the server", async () => {
			const streams = () => metric(watches.endpoint, "etcd_debugging_mvcc_watch_stream_total");
			const watchers = () => metric(watches.endpoint, "etcd_debugging_mvcc_watcher_total");
			const before = [await streams(), await watchers()];
			for (let round = 0; round < 5; round++) {
				const many = await Promise.all(Array.from({ length: 20 }, () => client.watches()));
				const opening = many.map((one) => one.watch(`${root}/a`).catch(() => {}));
				if (round % 2 === 0) await Promise.all(opening);
				for (const one of many) one.close();
				await Promise.all(opening);
				// By HTTP, too, at any moment of their opening.
				const controller = new AbortController();
				const { signal } = controller;
				const plain = Array.from({ length: 20 }, () => client.watch(`${root}/a`, { signal }).catch(() => {}));
				if (round % 2 === 0) await Promise.all(plain);
				controller.abort();
				await Promise.all(plain);
			}
			await until(
				"all are gone",
				async () => (await streams()) === before[0] && (await watchers()) === before[1],
			);
		});
	});

	describe("watches of v3 by WebSocket over TLS", () => {
		it("use the client's authority, certificate and key", async () => {
			const made = Certificates.make();
			if (made === undefined) return;
			const own = await ownEtcd(server.binary, {
				scheme: "https",
				flags: tlsFlags(made),
			});
			const tls = { ca: made.ca.cert, cert: made.client.cert, key: made.client.key };
			const client = v3At(own, { tls });
			const watches = await client.watches();
			const watch = await watches.watch("/a");
			await client.put("/a", "1");
			assert.equal((await take(watch, 1))[0]?.kv.value, "1");
			const stranger = v3At(own, { tls: { ca: made.ca.cert } });
			const refused = stranger.watches().then((one) => one.watch("/a"));
			await assert.rejects(refused, ConnectionError);
			const unknown = v3At(own, { tls: { ...tls, ca: made.stranger.cert } });
			await assert.rejects(unknown.watches(), ConnectionError);
			await Promise.all([client.close(), stranger.close(), unknown.close()]);
			await own.stop();
			made.remove();
		});
	});
});

describe("a connection for watches", () => {
	const answers = async (answer: (socket: import("node:net").Socket) => unknown) => {
		const fake = await FakeServer.start(answer);
		const client = new V3Client({ endpoints: [fake.endpoint], timeoutMs: 300 });
		const error = await client.watches().then(
			() => undefined,
			(error: unknown) => error,
		);
		await fake.quiet();
		await client.close();
		await fake.close();
		return error;
	};

	it("is refused with a WebSocketRefusedError where a proxy takes no WebSocket", async () => {
		for (const status of [200, 400, 404, 426]) {
			const error = await answers((socket) => socket.write(http(status, "no")));
			assert.ok(error instanceof WebSocketRefusedError, `a ${error}`);
			assert.equal(error.status, status);
		}
	});

	it("that nobody answers is a TimeoutError, and one that is cut a ConnectionError", async () => {
		assert.ok((await answers(() => {})) instanceof TimeoutError);
		assert.ok((await answers((socket) => socket.destroy())) instanceof ConnectionError);
	});

	it("tells a progress to the watches that are registered, not to one that is yet to be", async () => {
		const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
		let revision = 0;
		server.on("connection", (socket) => {
			const say = (result: object) =>
				socket.send(JSON.stringify({ result: { header: { revision: String(++revision) }, ...result } }));
			socket.on("message", (bytes) => {
				const { watch_id } = JSON.parse(String(bytes)).create_request;
				if (watch_id === "2") say({ watch_id: "-1" });
				say({ watch_id, created: true });
			});
		});
		await once(server, "listening");
		const { port } = server.address() as AddressInfo;
		const client = new V3Client({ endpoints: [`http://127.0.0.1:${port}`] });
		try {
			const watches = await client.watches();
			const first = await watches.watch("/a");
			assert.equal((await watches.watch("/b")).header.revision, 3);
			const told = await first.next();
			assert.deepEqual([told?.kind, told?.header.revision], ["progress", 2]);
		} finally {
			await client.close();
			server.close();
		}
	});

	it("goes to the next endpoint where nobody is at the first", async () => {
		const fake = await fakeServer(() => {});
		const dead = fake.endpoint;
		await fake.close();
		const own = await fakeServer((socket) => socket.write(http(426, "no")));
		const client = v3At([dead, own]);
		await assert.rejects(client.watches(), WebSocketRefusedError);
		assert.equal(own.requests.length, 1);
	});
});
