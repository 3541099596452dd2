import assert from "node:assert/strict";
import { follow, type Listing, type Note } from "etcd-watch-lab/follow";
import { V2Client } from "etcd-watch-lab/v2";
import { V3Client } from "etcd-watch-lab/v3";
import { DirectoryKeys, NameKeys } from "#lib/follow/keys.js";
import { ClientSource, type Session, type SessionOptions } from "#lib/follow/source.js";
import { Turns } from "#lib/follow/v3/turns.js";
import { AbortedError, ConnectionError } from "#lib/http";
import { OwnEtcd } from "../../support/own-etcd";
import { each, etcd35, fakeServer, forEachEtcd, ownEtcd, v3At } from "../../support/servers";
import { until } from "../../support/until";

const failure = () => new ConnectionError("made to fail", { maybeApplied: false });

/** A source whose endpoints do as the test says. */
class FakeSource extends ClientSource {
	readonly notes: Note[];
	listAt = async (_endpoint: string, _signal: AbortSignal): Promise<Listing> => {
		throw failure();
	};
	run: Session["run"] = async () => {
		throw failure();
	};

	constructor(urls: readonly string[], backoffMs: readonly [number, number] = [1, 2]) {
		const notes: Note[] = [];
		super(urls, new DirectoryKeys("/a", true), {
			...{ rollMs: [1_000, 2_000], probeMs: 50, timeoutMs: 1_000, backoffMs },
			onNote: (note) => notes.push(note),
		});
		this.notes = notes;
	}

	protected session(_: SessionOptions): Session {
		return { isRegistered: false, run: (take, signal) => this.run(take, signal) };
	}

	protected isFatal(error: unknown): boolean {
		return error instanceof AbortedError;
	}

	get failed(): readonly string[] {
		return this.notes.flatMap((note) => (note.note === "failed" ? [note.endpoint] : []));
	}
}

const tailOf = (source: ClientSource, signal: AbortSignal) =>
	source.tail({ afterIndex: 1, signal, take: () => undefined, proveThrough: () => 0 });

describe("a source over the endpoints of a client", () => {
	it("resolves its tail when the signal aborts while it waits to try again", async () => {
		const source = new FakeSource(["http://one"], [60_000, 60_000]);
		const controller = new AbortController();
		const tail = tailOf(source, controller.signal);
		await until("it has failed", () => source.failed.length > 0);
		controller.abort();
		await tail;
	});

	it("ends its list with AbortedError when the signal aborts while it waits to try again", async () => {
		const source = new FakeSource(["http://one"], [60_000, 60_000]);
		const controller = new AbortController();
		const list = source.list(controller.signal);
		await until("it has failed", () => source.failed.length > 0);
		controller.abort();
		await assert.rejects(list, AbortedError);
	});

	it("asks nobody when the signal is aborted already", async () => {
		const source = new FakeSource(["http://one"]);
		let asked = 0;
		source.listAt = async () => {
			asked++;
			throw failure();
		};
		source.run = async () => {
			asked++;
		};
		await assert.rejects(source.list(AbortSignal.abort()), AbortedError);
		await tailOf(source, AbortSignal.abort());
		assert.equal(asked, 0);
	});

	it("turns to the next endpoint once, when list and tail fail at the same one", async () => {
		const source = new FakeSource(["http://dead", "http://alive"]);
		const controller = new AbortController();
		const asked: string[] = [];
		let fail: () => void = () => {};
		const both = new Promise<void>((resolve) => {
			fail = resolve;
		});
		source.listAt = async (endpoint) => {
			asked.push(endpoint);
			if (endpoint === "http://alive") return { index: 1, clusterId: "1", nodes: [] };
			await both;
			throw failure();
		};
		source.run = async () => {
			await both;
			if (source.failed.length === 2) controller.abort();
			throw failure();
		};
		const list = source.list(controller.signal);
		const tail = tailOf(source, controller.signal);
		fail();
		await list;
		await tail;
		assert.deepEqual(asked, ["http://dead", "http://alive"]);
	});

	it("waits before it lists anew, whatever the failure was", async () => {
		const source = new FakeSource(["http://one"], [20, 20]);
		let listed = 0;
		source.listAt = async () => {
			if (++listed === 20) return { index: 1, clusterId: "1", nodes: [] };
			throw failure();
		};
		const begin = performance.now();
		await source.list(new AbortController().signal);
		// Twenty random waits of up to 20 ms, 190 ms on average.
		assert.ok(performance.now() - begin > 40, `19 waits took ${performance.now() - begin} ms`);
	});
});

describe("a follower whose signal is aborted already", () => {
	for (const [api, clientOf] of [
		["v2", (endpoint: string) => new V2Client({ endpoints: [endpoint] })],
		["v3", (endpoint: string) => new V3Client({ endpoints: [endpoint] })],
	] as const) {
		it(`sends nothing by ${api}`, async () => {
			let requests = 0;
			const server = await fakeServer(() => requests++);
			const client = clientOf(server.endpoint);
			const follower = follow(client, "/a", { signal: AbortSignal.abort() });
			assert.deepEqual(await follower.next(), { done: true, value: undefined });
			await follower.close();
			await assert.rejects(follower.ready(), AbortedError);
			assert.equal(requests, 0);
			await client.close();
		});
	}
});

forEachEtcd((server) => {
	describe("the keys of a follower of v3", () => {
		const ways = [
			["", { recursive: true }],
			["", { prefix: true }],
			["NAME", { prefix: true }],
			["NAME", { recursive: true }],
			["NAME", { rangeEnd: "NAMEz" }],
			["NAME//odd", {}],
		] as const;
		// The whole store is followed: nobody else's keys.
		let own: OwnEtcd;
		let v3: V3Client;
		before("an etcd", async () => {
			own = await OwnEtcd.start(server.binary);
			v3 = new V3Client({ endpoints: [own.endpoint] });
		});
		after(async () => {
			await v3?.close();
			await own?.stop();
		});
		for (const [of, options] of ways) {
			it(`are heard of with ${JSON.stringify([of, options])}, and again from its position`, async () => {
				const name = server.lab.newPrefix().slice(1).replaceAll("/", "-");
				const named = (text: string) => text.replace("NAME", name);
				const scope = "rangeEnd" in options ? { rangeEnd: named(options.rangeEnd) } : options;
				const all = ["", "/x", "//odd", "//odd/y", "1"].map((rest) => name + rest);
				const keys = new NameKeys({ key: named(of), recursive: false, ...scope });
				const covered = all.filter((key) => keys.covers(key));
				assert.ok(covered.length > 0);
				const follower = follow(v3, named(of), scope);
				await follower.ready();
				const { position } = follower;
				for (const key of all) await v3.put(key, "1");
				const told: string[] = [];
				for await (const change of follower) {
					if (change.kind === "event" && change.key.startsWith(name)) told.push(change.key);
					if (told.length === covered.length) break;
				}
				assert.deepEqual(told, covered);
				const again = follow(v3, named(of), { ...scope, position: JSON.parse(JSON.stringify(position)) });
				const change = (await again.next()).value;
				assert.equal(change?.kind === "event" && change.key.startsWith(name), true);
				await again.close();
			});
		}
	});
});

describe("the followers of one client of v3", () => {
	const newTurns = () =>
		Turns.at(new V3Client({ endpoints: ["http://127.0.0.1:1"] }), "http://127.0.0.1:1", 1);
	const { signal } = new AbortController();

	/** Works or reads that the test ends. */
	function heldWork<T>() {
		const begun: { readonly end: (value: T) => void; readonly fail: (error: unknown) => void }[] = [];
		const work = () => new Promise<T>((end, fail) => void begun.push({ end, fail }));
		return { begun, work };
	}

	it("begin 32 at a time, each in its turn, also where one that waited has been closed", async () => {
		const { begun, work } = heldWork<number>();
		const turns = newTurns();
		const closing = new AbortController();
		const all = Array.from({ length: 40 }, (_, nth) =>
			turns.take(work, nth === 35 ? closing.signal : signal),
		);
		assert.equal(begun.length, 32);
		closing.abort();
		await assert.rejects(all[35] ?? Promise.resolve(), AbortedError);
		for (let nth = 0; nth < 39; nth++) {
			begun[nth]?.end(nth);
			await all[nth < 35 ? nth : nth + 1];
		}
		assert.equal(begun.length, 39);
		void turns.take(work, signal);
		assert.equal(begun.length, 40);
	});

	it("learn from one that the endpoint does not answer, and of its other failures nothing", async () => {
		const { begun, work } = heldWork<void>();
		const turns = newTurns();
		const all = Array.from({ length: 40 }, () => turns.take(work, signal));
		begun[0]?.fail(new Error("its own"));
		await assert.rejects(all[0] ?? Promise.resolve(), /its own/);
		await until("the next one has begun", () => begun.length === 33);
		const told = Promise.allSettled(all.slice(33));
		begun[1]?.fail(failure());
		await assert.rejects(all[1] ?? Promise.resolve(), ConnectionError);
		assert.ok(
			(await told).every((one) => one.status === "rejected" && one.reason instanceof ConnectionError),
		);
		assert.equal(begun.length, 33);
		for (const { end } of begun) end();
	});

	it("share a read that begins after each has asked, and end it when all of them have gone", async () => {
		const header = { clusterId: 1n, memberId: 1n, revision: 5, raftTerm: 1 };
		const { begun, work } = heldWork<typeof header>();
		const signals: AbortSignal[] = [];
		const ask = (ends: AbortSignal) => {
			signals.push(ends);
			return work();
		};
		const turns = newTurns();
		const first = turns.read(ask, signal);
		const later = Array.from({ length: 50 }, () => turns.read(ask, signal));
		assert.equal(begun.length, 1);
		begun[0]?.end(header);
		assert.equal(await first, header);
		await until("the second read has begun", () => begun.length === 2);
		begun[1]?.end({ ...header, revision: 6 });
		for (const one of await Promise.all(later)) assert.equal(one.revision, 6);
		const closing = new AbortController();
		const closed = [turns.read(ask, closing.signal), turns.read(ask, closing.signal)];
		closing.abort();
		for (const one of closed) await assert.rejects(one, AbortedError);
		assert.deepEqual(each(signals, "aborted"), [false, false, true]);
		const last = turns.read(ask, signal);
		begun[2]?.fail(new AbortedError("ended"));
		await until("the last read has begun", () => begun.length === 4);
		begun[3]?.end(header);
		assert.equal(await last, header);
	});

	it("ask a server that is silent 32 at a time, go on to the next all together, and end while they wait", async () => {
		const silent = await fakeServer(() => undefined);
		const own = await ownEtcd(etcd35);
		const v3 = v3At([silent, own]);
		const begin = (timeoutMs: number) =>
			Array.from({ length: 100 }, (_, nth) => follow(v3, `many/${nth}`, { timeoutMs, backoffMs: [1, 1] }));
		const closed = begin(60_000);
		await silent.received(32);
		await Promise.all(closed.map((follower) => follower.close()));
		const followers = begin(1_000);
		await Promise.all(followers.map((follower) => follower.ready()));
		assert.equal(silent.requests.length, 64);
		await Promise.all(followers.map((follower) => follower.close()));
	}).timeout(30_000);
});
