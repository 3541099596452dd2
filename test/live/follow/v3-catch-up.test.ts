import assert from "node:assert/strict";
import { type Change, type FollowOptions, follow, type Note, type Position } from "etcd-watch-lab/follow";
import {
	type SharedWatchOptions,
	type TxnOperation,
	V3Client,
	type V3Watches,
	type WatchesOptions,
} from "etcd-watch-lab/v3";
import type { KeySpace } from "#lib/follow/changes.js";
import type { Place } from "#lib/follow/source.js";
import { CatchUp, type CatchUpOptions } from "#lib/follow/v3/catch-up.js";
import { Revisions } from "#lib/follow/v3/revisions.js";
import { BadAnswerError, ConnectionError } from "#lib/http";
import { notCovered } from "../../support/coverage";
import { etcdOf, v3Kinds } from "../../support/etcds";
import { OwnEtcd } from "../../support/own-etcd";
import { startProxy } from "../../support/proxy";
import { until } from "../../support/until";
import { type Revision, writeHistory } from "../../support/write-many";

/** A client that counts the watches that it opened, and how many at most were open at once. */
class Counting extends V3Client {
	opened = 0;
	inFragments = 0;
	#open = 0;
	mostAtOnce = 0;
	readonly connections: V3Watches[] = [];
	mostHeldBytes = 0;

	override async watches(options: WatchesOptions = {}): Promise<V3Watches> {
		const watches = await super.watches(options);
		this.connections.push(watches);
		const { watch } = watches;
		watches.watch = async (key, options = {}) => {
			this.opened++;
			if (options.fragment !== false) this.inFragments++;
			this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#open);
			const one = await watch.call(watches, key, options);
			const { next } = one;
			one.next = async () => {
				const heldBytes = this.connections.reduce((sum, each) => sum + each.heldBytes, 0);
				this.mostHeldBytes = Math.max(this.mostHeldBytes, heldBytes);
				const message = await next.call(one);
				if ((options as { once?: boolean }).once && message?.kind === "events" && !message.fragment)
					this.#open--;
				return message;
			};
			return one;
		};
		return watches;
	}
}

/** As "revision action key value, value before". */
function word(change: Change): string {
	if (change.kind !== "event") return change.kind;
	const { index, action, key, node, prevNode, more } = change;
	return `${index} ${action} ${key} ${node.value ?? ""}, ${prevNode?.value ?? ""}${more ? " +" : ""}`;
}

/** Reads so many changes of a follower, and closes it. */
async function read(
	client: V3Client,
	key: string,
	count: number,
	options: FollowOptions,
): Promise<{ readonly words: string[]; readonly notes: Note[]; readonly position: Position }> {
	const notes: Note[] = [];
	const follower = follow(client, key, {
		...{ recursive: true, backoffMs: [5, 50], probeMs: 20, onNote: (note: Note) => notes.push(note) },
		...options,
	});
	const words: string[] = [];
	while (words.length < count) {
		const { value, done } = await follower.next();
		assert.ok(!done);
		words.push(word(value));
	}
	const { position } = follower;
	await follower.close();
	return { words, notes, position };
}

for (const kind of v3Kinds) {
	describe(`a v3 follower that is far behind on etcd ${kind}`, () => {
		let own: OwnEtcd | undefined;
		let client: Counting;
		/** What was written below /a from revision 2 on, and below /sparse, which has every hundredth write. */
		const dense: string[] = [];
		const sparse: string[] = [];
		let middle: Position;
		let last = 0;

		before(async function () {
			this.timeout(180_000);
			const found = await etcdOf(kind);
			if ("missing" in found) {
				notCovered(found.missing);
				return;
			}
			own = await OwnEtcd.start(found.binary, { v2: false });
			client = new Counting({ endpoints: [own.endpoint] });
			const values = new Map<string, string>();
			let revision = 1;
			const put = (key: string, more = "") => {
				const value = `${revision}`;
				const list = key.startsWith("/a") ? dense : sparse;
				list.push(`${revision} set ${key} ${value}, ${values.get(key) ?? ""}${more}`);
				values.set(key, value);
				return { op: "put", key, value } as const;
			};
			const history: Revision[] = Array.from({ length: 5_500 }, (_, nth) => {
				revision++;
				// A revision of many events, here and there.
				if (nth % 700 === 699)
					return Array.from({ length: 40 }, (_, part) => put(`/a/txn/${part}`, part < 39 ? " +" : ""));
				if (nth % 100 === 50) return [put("/sparse/k")];
				const key = `/a/${(nth % 11 === 10 ? nth - 1 : nth) % 97}`;
				const before = values.get(key);
				if (nth % 11 !== 10 || before === undefined) return [put(key)];
				dense.push(`${revision} delete ${key} , ${before}`);
				values.delete(key);
				return [{ op: "delete", key }];
			});
			await writeHistory(own.endpoint, history.slice(0, 1_001));
			const follower = follow(client, "/a", { recursive: true });
			await follower.ready();
			middle = follower.position;
			await follower.close();
			await writeHistory(own.endpoint, history.slice(1_001));
			last = revision;
		});

		after(async () => {
			await client?.close();
			await own?.stop();
		});

		it("is told all of it in order, each with what was before it, by watches side by side", async () => {
			if (own === undefined) return;
			const counting = new Counting({ endpoints: [own.endpoint] });
			const { words } = await read(counting, "/a", dense.length, { afterIndex: 1 });
			assert.deepEqual(words, dense);
			assert.ok(counting.mostAtOnce >= 4, `${counting.mostAtOnce} at once`);
			await counting.close();
		});

		it("is told all of it by one connection, too, where it can have no more of them", async () => {
			if (own === undefined) return;
			const few = new Counting({ endpoints: [own.endpoint] });
			const { watches } = few;
			let asked = 0;
			few.watches = async (options) => {
				// The first is the session's own; then one of two.
				if (++asked === 1 || asked % 2 === 0) return await watches.call(few, options);
				throw new ConnectionError("too many connections", { maybeApplied: false });
			};
			const { words, notes } = await read(few, "/a", dense.length, { afterIndex: 1 });
			assert.deepEqual(words, dense);
			assert.ok(few.mostAtOnce >= 4, `${few.mostAtOnce} at once`);
			assert.ok(!notes.some(({ note }) => note === "failed"));
			await few.close();
		});

		it("from a position in the middle, too, whether or not the state before it is read", async () => {
			if (own === undefined) return;
			const rest = dense.filter((line) => Number(line.split(" ")[0]) > middle.index);
			const { words } = await read(client, "/a", rest.length, { position: middle });
			assert.deepEqual(words, rest);
			const all = await read(client, "/a", rest.length, { afterIndex: middle.index });
			assert.deepEqual(all.words, rest);
		});

		it("is told the few that are its own among many others' without a watch for each thousand of those", async () => {
			if (own === undefined) return;
			const counting = new Counting({ endpoints: [own.endpoint] });
			const { words } = await read(counting, "/sparse", sparse.length, { afterIndex: 1 });
			assert.deepEqual(words, sparse);
			assert.ok(counting.opened <= 10, `${counting.opened} watches`);
			await counting.close();
		});

		it("is told nothing where nothing is its own, and goes on live", async () => {
			if (own === undefined) return;
			const notes: Note[] = [];
			const onNote = (note: Note) => notes.push(note);
			const follower = follow(client, "/nothing", { recursive: true, afterIndex: 1, onNote });
			await follower.ready();
			const next = follower.next();
			await until("it is connected", () => notes.some(({ note }) => note === "connected"));
			const { header } = await client.put("/nothing/a", "1");
			last = header.revision;
			const { value } = await next;
			assert.equal(value?.kind === "event" && value.index, header.revision);
			await follower.close();
		});

		it("loses and repeats nothing where the connection is cut again and again in the middle", async function () {
			if (own === undefined) return;
			this.timeout(60_000);
			const proxy = await startProxy({ target: own.endpoint });
			const cut = new V3Client({ endpoints: [proxy.endpoint] });
			let count = 0;
			const timer = setInterval(() => {
				if (count++ < 12) proxy.cutAll();
			}, 60);
			const { words, notes } = await read(cut, "/a", dense.length, { afterIndex: 1 });
			clearInterval(timer);
			assert.deepEqual(words, dense);
			assert.ok(
				notes.some(({ note }) => note === "failed"),
				"no cut was in the middle",
			);
			await cut.close();
			await proxy.close();
		});

		it("is held up by a consumer that stops, and holds no more than its bound", async () => {
			if (own === undefined) return;
			const counting = new Counting({ endpoints: [own.endpoint] });
			const notes: Note[] = [];
			const follower = follow(counting, "/a", {
				...{ recursive: true, afterIndex: 1, queueLength: 10, onNote: (note: Note) => notes.push(note) },
			});
			await follower.next();
			await until("the queue is full", () => notes.some(({ note }) => note === "full"));
			const words: string[] = [];
			while (words.length < dense.length - 1) words.push(word((await follower.next()).value as Change));
			assert.deepEqual(words, dense.slice(1));
			await follower.close();
			await counting.close();
		});

		it("is told a gap, and nothing in silence, where it is compacted in the middle", async function () {
			if (own === undefined) return;
			this.timeout(60_000);
			const follower = follow(client, "/a", { recursive: true, afterIndex: 1, queueLength: 10 });
			const words: string[] = [];
			let isCompacted = false;
			for await (const change of follower) {
				words.push(word(change));
				if (words.length === 100 && !isCompacted) {
					isCompacted = true;
					await client.compact(last);
				}
				if (change.kind === "gap") {
					const told = words.slice(0, -1);
					assert.deepEqual(told, dense.slice(0, told.length));
					const next = Number((dense[told.length] ?? "").split(" ")[0]);
					assert.ok(change.from <= next && change.to >= last, `${change.from}-${change.to}, ${next}`);
					break;
				}
				if (words.length === dense.length) break;
			}
			await follower.close();
		});
	});
}

describe("watches side by side", () => {
	it("are each preceded by a question whether something was left out, asked when their events are here", async () => {
		const place = { position: 1 } as Place;
		type Told = SharedWatchOptions & { readonly onEvents?: () => void };
		/** A thousand puts, told when all before has been handed on. */
		const watch = async (_: unknown, { startRevision = 0, onEvents }: Told) => {
			const events = Array.from({ length: 1_000 }, (_, nth) => ({
				type: "put",
				kv: { keyBytes: Buffer.from("/a"), valueBytes: Buffer.of(), modRevision: startRevision + nth },
			}));
			const header = { revision: 2_001 };
			const messages = [{ kind: "events", fragment: false, header, events }];
			const next = async () => {
				await until("what was before is told", () => place.position === startRevision - 1);
				onEvents?.();
				return messages.shift();
			};
			return { header, next, close() {} };
		};
		const guarded: number[] = [];
		const keySpace = { covers: () => true } as unknown as KeySpace;
		await new CatchUp({
			settings: {
				client: { watches: async () => ({ watch, close() {} }) },
				ranges: [{ first: Buffer.from("/a"), end: undefined }],
			} as unknown as CatchUpOptions["settings"],
			member: {
				bytesPerRevision: 100,
				stateAt: async () => new Map(),
			} as unknown as CatchUpOptions["member"],
			...{ place, revisions: new Revisions(keySpace, place, async () => {}) },
			...{ signal: new AbortController().signal, guard: async (position) => void guarded.push(position) },
		}).run(2_001);
		assert.deepEqual([guarded, place.position], [[1, 1_001], 2_001]);
	});
});

describe("a v3 follower behind large values", () => {
	it("holds them within its bound by bytes, though they looked small", async function () {
		this.timeout(180_000);
		const found = await etcdOf("3.5.1");
		assert.ok("binary" in found);
		const own = await OwnEtcd.start(found.binary, { v2: false });
		const client = new Counting({ endpoints: [own.endpoint] });
		const written: string[] = [];
		const large = "x".repeat(200_000);
		// Few bytes a revision on the whole; but here and there a hundred large ones in a row.
		for (let nth = 0; nth < 4_000; nth++) {
			const isLarge = nth % 1_300 >= 1_200;
			const { header } = await client.put(`/a/${nth % 50}`, isLarge ? large : "small");
			written.push(`${header.revision} ${isLarge ? large.length : 5}`);
		}
		const follower = follow(client, "/a", { recursive: true, afterIndex: 1, queueLength: 20 });
		const told: string[] = [];
		while (told.length < written.length) {
			const { value } = await follower.next();
			assert.ok(value?.kind === "event", JSON.stringify(value)?.slice(0, 300));
			told.push(`${value.index} ${value.node.value?.length}`);
			if (told.length % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 50));
		}
		assert.deepEqual(told, written);
		assert.ok(client.mostHeldBytes < 40 * 1024 * 1024, `${client.mostHeldBytes} bytes were held`);
		await follower.close();
		await client.close();
		await own.stop();
	});
});

describe("a v3 follower behind many small events", () => {
	let own: OwnEtcd | undefined;
	let last = 0;
	const written: string[] = [];

	before(async function () {
		this.timeout(60_000);
		const found = await etcdOf("3.5.1");
		assert.ok("binary" in found);
		own = await OwnEtcd.start(found.binary, { v2: false });
		const client = new V3Client({ endpoints: [own.endpoint] });
		const value = "x".repeat(300);
		for (let nth = 0; nth < 110; nth++) {
			const success = Array.from({ length: 128 }, (_, part) => ({
				...{ op: "put", key: `/a/${part}`, value: `${nth} ${value}` },
			})) satisfies TxnOperation[];
			const { header } = await client.txn({ success });
			last = header.revision;
			for (let part = 0; part < 128; part++) written.push(`${last} /a/${part} ${nth}`);
		}
		await client.close();
	});

	after(() => own?.stop());

	async function told(client: V3Client, notes: Note[]): Promise<string[]> {
		const onNote = (note: Note) => notes.push(note);
		const options = { recursive: true, afterIndex: 1, backoffMs: [5, 20], onNote } as const;
		const words: string[] = [];
		for await (const change of follow(client, "/a", options)) {
			assert.ok(change.kind === "event");
			words.push(`${change.index} ${change.key} ${change.node.value?.split(" ")[0]}`);
			if (change.index === last && change.more !== true) break;
		}
		return words;
	}

	it("asks for none of them in fragments, which a server takes a minute to cut", async () => {
		const client = new Counting({ endpoints: [own?.endpoint ?? ""] });
		assert.deepEqual(await told(client, []), written);
		assert.equal(client.inFragments, 0);
		await client.close();
	});

	it("asks again, in fragments, where a message is larger than the client takes", async () => {
		const client = new Counting({ endpoints: [own?.endpoint ?? ""], maxBodyBytes: 4 * 1024 * 1024 });
		const notes: Note[] = [];
		assert.deepEqual(await told(client, notes), written);
		assert.ok(client.inFragments > 0);
		const failed = notes.flatMap((note) => (note.note === "failed" ? [note.message] : []));
		assert.match(failed[0] ?? "", /sent a message of more than 4194304 bytes: asked again/);
		await client.close();
	});

	it("ends with what is wrong where the fragments are larger, too", async () => {
		const client = new V3Client({ endpoints: [own?.endpoint ?? ""], maxBodyBytes: 1024 * 1024 });
		const notes: Note[] = [];
		await assert.rejects(told(client, notes), (error: unknown) => {
			assert.ok(error instanceof BadAnswerError && error.kind === "too large");
			return true;
		});
		assert.equal(notes.filter(({ note }) => note === "failed").length, 4);
		await client.close();
	});
});
