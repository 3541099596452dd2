import assert from "node:assert/strict";
import { follow, mirror, type Note, notOnV3, type Rule, rules } from "etcd-watch-lab/follow";
import { toBytes, V3Client, type V3Watches, type WatchesOptions } from "etcd-watch-lab/v3";
import { told as wordOf } from "../../support/follow/change-reader";
import { Followed, quick } from "../../support/follow/followed";
import { type FaultProxy, startCluster, startProxy } from "../../support/proxy";
import { each, forEachEtcd, ownEtcd, v3At } from "../../support/servers";
import { until } from "../../support/until";

/** A client that notes where its watches begin, and can do something right before each. */
class Noting extends V3Client {
	readonly startRevisions: (number | undefined)[] = [];
	before: () => Promise<unknown> = async () => {};

	override async watches(options: WatchesOptions = {}): Promise<V3Watches> {
		const watches = await super.watches(options);
		const { watch } = watches;
		watches.watch = async (key, options = {}) => {
			this.startRevisions.push(options.startRevision);
			await this.before();
			return await watch.call(watches, key, options);
		};
		return watches;
	}
}

/** Every rule that has a meaning on v3 has tests: the last one of this file says so. */
const tested = new Set<string>();

function rule(name: Rule, tests: () => void): void {
	const suite = describe(`rule "${name}" on v3`, tests);
	if (suite.total() > 0) tested.add(name);
}

forEachEtcd((server) => {
	describe("the rules of a follower", () => {
		let root: string;
		let client: Noting;
		let proxy: FaultProxy;
		let behind: Noting;
		const v3 = () => server.lab.v3;
		const put = async (name: string, value = "v") =>
			(await v3().put(`${root}${name}`, value)).header.revision;
		before("a proxy", async () => {
			proxy = await startProxy({ target: server.lab.endpoints[0] ?? "" });
		});
		after(() => proxy?.close());
		beforeEach(() => {
			root = server.lab.newPrefix();
			client = new Noting({ endpoints: server.lab.endpoints });
			behind = new Noting({ endpoints: [proxy.endpoint] });
		});
		afterEach(async () => {
			proxy.heal();
			await Promise.all([client.close(), behind.close()]);
		});

		rule("list first", () => {
			it("lists at a revision and watches from the next, so that nothing between the two is missed", async () => {
				await put("/old");
				let isBetween = true;
				client.before = async () => {
					if (isBetween) await put("/between");
					isBetween = false;
				};
				const told = await Followed.start(client, root);
				const { index, nodes } = await told.follower.ready();
				await told.has(1);
				assert.deepEqual(each(nodes, "key"), [`${root}/old`]);
				assert.equal(client.startRevisions[0], index + 1);
				assert.deepEqual(told.changes.map(wordOf), [`set ${root}/between ${index + 1}`]);
			});
		});

		rule("go on after the event", () => {
			it("opens the next watch from the event's revision + 1, whatever the message's header said", async () => {
				// Once something is compacted no silence has to be doubted (issue 20693).
				await v3().compact(await put("/old"));
				const index = await put("/a");
				await v3().put("/elsewhere", "1");
				const told = await Followed.start(behind, root, { afterIndex: index - 1 });
				await told.has(1);
				proxy.cutAll();
				await until("another watch", () => behind.startRevisions.length > 1);
				assert.deepEqual(behind.startRevisions.slice(0, 2), [index, index + 1]);
			});
		});

		rule("each once", () => {
			it("tells all events of one revision, in their order, and marks all but the last", async () => {
				await put("/gone");
				const told = await Followed.start(client, root);
				const { header } = await v3().txn({
					success: [
						{ op: "put", key: `${root}/b`, value: "" },
						{ op: "put", key: `${root}-not`, value: "" },
						{ op: "put", key: `${root}/a`, value: "" },
						{ op: "delete", key: `${root}/gone` },
					],
				});
				await told.has(3);
				const { revision } = header;
				assert.deepEqual(told.changes.map(wordOf), [
					`set ${root}/b ${revision} +`,
					`set ${root}/a ${revision} +`,
					`delete ${root}/gone ${revision}`,
				]);
			});
		});

		rule("a cleared history is a gap", () => {
			it("says from where to where, what changed, and the state to go on from", async () => {
				await put("/stays");
				await put("/changes");
				const last = await put("/goes");
				const told = await Followed.start(client, root);
				const { position } = told.follower;
				await told.follower.close();
				await put("/changes", "2");
				await put("/comes");
				await v3().delete(`${root}/goes`);
				const now = await put("/comes", "2");
				await v3().compact(now);
				const again = await Followed.start(client, root, { position });
				await again.has(1);
				const [gap] = again.changes;
				assert.ok(gap?.kind === "gap");
				assert.deepEqual([gap.from, gap.to, gap.why], [last + 1, now, "cleared"]);
				const names = (nodes: readonly { key: string }[] = []) =>
					nodes.map(({ key }) => key.slice(root.length));
				assert.deepEqual([names(gap.added), names(gap.removed)], [["/comes"], ["/goes"]]);
				assert.deepEqual(
					gap.changed.map(({ before, now }) => [before?.value, now.value]),
					[["v", "2"]],
				);
				assert.deepEqual(names(gap.state.nodes), ["/changes", "/comes", "/stays"]);
				const next = await put("/next");
				await again.has(2);
				assert.equal(again.changes.map(wordOf)[1], `set ${root}/next ${next}`);
			});
		});

		rule("an index that goes back is a reset", () => {
			const saved = async () => {
				await put("/a");
				const told = await Followed.start(client, root);
				const { position } = told.follower;
				await told.follower.close();
				return position;
			};
			const why = async (position: Awaited<ReturnType<typeof saved>>) => {
				const again = await Followed.start(client, root, { position });
				await again.has(1);
				const [reset] = again.changes;
				assert.ok(reset?.kind === "reset", `a ${reset?.kind}`);
				assert.deepEqual(each(reset.state.nodes, "value"), ["v"]);
				return reset.why;
			};

			it("where the store is behind the position", async () => {
				const position = await saved();
				assert.equal(await why({ ...position, index: position.index + 1_000 }), "index went back");
			});

			it("where the cluster is another one", async () => {
				assert.equal(await why({ ...(await saved()), clusterId: "abc" }), "another cluster");
			});

			it("where the store has outgrown the position, and its keys come from another past", async () => {
				const position = await saved();
				const nodes = position.nodes?.map((node) => ({ ...node, createdIndex: 1, modifiedIndex: 1 })) ?? [];
				assert.equal(await why({ ...position, nodes }), "another past");
			});
		});

		rule("bookmark a quiet key", () => {
			it("takes etcd's own progress for one, where it is told of it", async () => {
				const own = await ownEtcd(server.binary, {
					flags: ["--experimental-watch-progress-notify-interval", "100ms"],
				});
				const other = v3At(own);
				const told = await Followed.start(other, "/a");
				const { header } = await other.put("/elsewhere", "1");
				await until("a bookmark", () => told.follower.position.index >= header.revision);
				// No poll was rolled, and nothing was asked: it came by itself.
				assert.equal(told.noted("rolled").length, 0);
			});
		});

		rule("a slow consumer is a gap", () => {
			it("holds no more than the queue, and tells all in the end, since etcd keeps it", async () => {
				const notes: Note[] = [];
				const onNote = (note: Note) => notes.push(note);
				const follower = follow(client, root, { ...quick, recursive: true, queueLength: 5, onNote });
				await follower.ready();
				const indexes: number[] = [];
				for (let nth = 0; nth < 60; nth++) indexes.push(await put("/a", `${nth}`));
				const full = () => notes.flatMap((note) => (note.note === "full" ? [note.queued] : []));
				await until("the queue is full", () => full().length > 0);
				for (const index of indexes) {
					const { value } = await follower.next();
					assert.equal(value?.kind === "event" && value.index, index);
				}
				assert.deepEqual([...new Set(full())], [5]);
				await follower.close();
			});
		});

		rule("an exception consumes nothing", () => {
			it("leaves it before the whole revision when it is in the middle of one, and that comes again whole", async () => {
				const follower = follow(client, root, { ...quick, recursive: true });
				const { index } = await follower.ready();
				const names = ["/1", "/2", "/3"];
				const success = names.map((name) => ({ op: "put", key: root + name, value: "" }) as const);
				const { header } = await v3().txn({ success });
				let count = 0;
				for await (const _ of follower) if (++count === 2) break;
				const { position } = follower;
				assert.deepEqual([position.index, position.nodes], [index, []]);
				const again = await Followed.start(client, root, { position });
				await again.has(3);
				assert.deepEqual(
					again.changes.map(wordOf),
					names.map((name, nth) => `set ${root}${name} ${header.revision}${nth < 2 ? " +" : ""}`),
				);
			});
		});

		describe("a follower of v3's flat keys", () => {
			it("is told of a key and of those whose names begin with it and a slash, and of nothing between", async () => {
				const told = await Followed.start(client, root);
				for (const name of ["-b", ".b", "0", ""]) await put(name);
				await put("/_hidden/x");
				await put("//odd/");
				await v3().delete(root);
				await told.has(4);
				assert.deepEqual(
					told.changes.map(wordOf).map((word) => word.replace(/ \d+$/, "").replace(root, "")),
					["set ", "set /_hidden/x", "set //odd/", "delete "],
				);
			});

			it("without recursive is told of the key alone", async () => {
				const told = await Followed.start(client, `${root}/a`, { recursive: false });
				await put("/a/b");
				const first = await put("/a");
				await put("/a/b");
				const last = await put("/a");
				await told.has(2);
				assert.deepEqual(told.changes.map(wordOf), [`set ${root}/a ${first}`, `set ${root}/a ${last}`]);
			});

			it("is given large transactions whole, though etcd sends them in pieces", async () => {
				const told = await Followed.start(client, root);
				const value = "x".repeat(300_000);
				const { position } = told.follower;
				await told.follower.close();
				for (const name of ["/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8"]) await put(name, value);
				const { header } = await v3().delete(`${root}/`, { prefix: true });
				const again = await Followed.start(client, root, { position });
				await again.has(16);
				assert.equal(
					again.changes.filter(
						(one) => one.kind === "event" && one.action === "delete" && one.index === header.revision,
					).length,
					8,
				);
				const last = again.changes.at(-1);
				assert.equal(last?.kind === "event" && last.prevNode?.value, value);
			});

			it("is told keys and values that are no text as text from which their bytes come back", async () => {
				const key = Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0xff, 0x2f, 0)]);
				const value = Buffer.of(0xc3, 0x28, 0, 0xe2, 0x82);
				await v3().put(key, value);
				const told = await Followed.start(client, root);
				const [node] = (await told.follower.ready()).nodes;
				assert.deepEqual([toBytes(node?.key ?? ""), toBytes(node?.value ?? "")], [key, value]);
				await v3().put(key, "text");
				await v3().delete(key);
				await told.has(2);
				const [put, gone] = told.changes;
				assert.ok(put?.kind === "event" && gone?.kind === "event");
				assert.deepEqual(toBytes(put.key), key);
				assert.deepEqual([toBytes(put.prevNode?.value ?? ""), put.node.value], [value, "text"]);
				assert.deepEqual([toBytes(gone.key), gone.removed?.map(({ value }) => value)], [key, ["text"]]);
			});
		});

		describe("a mirror of v3", () => {
			it("the mirror of a prefix without a slash holds decoded objects of all that begin with it", async () => {
				const name = root.slice(1);
				const put = (rest: string, value: string) => v3().put(name + rest, value);
				await put("a", "1");
				const one = await mirror(client, name, { prefix: true, decode: ({ value }) => Number(value) });
				await put("/b", "2");
				const { header } = await put("a", "3");
				await one.at(header.revision);
				assert.deepEqual([one.list(), one.get(`${name}a`)], [[2, 3], 3]);
				assert.throws(() => one.get("elsewhere"), /all keys that begin with/);
				await one.close();
			});

			it("the mirror of a quiet root comes to a revision of others', and waits for no poll to be rolled", async () => {
				const notes: Note[] = [];
				const one = await mirror(client, root, { onNote: (note) => notes.push(note) });
				const { header } = await v3().put("/elsewhere", "1");
				assert.equal((await one.at(header.revision)).index, header.revision);
				assert.ok(notes.every(({ note }) => note !== "rolled"));
				await one.close();
			});
		});
	});

	rule("no poll for ever", () => {
		it("leaves a member that has lost its leader, whose watch would stay open in silence", async function () {
			this.timeout(60_000);
			const cluster = await startCluster({ size: 3, binary: server.binary, proxied: { peers: true } });
			const leader = await cluster.leader();
			const member = cluster.members.find((one) => one !== leader);
			assert.ok(member);
			const others = cluster.members.filter((one) => one !== member).map(({ endpoint }) => endpoint);
			const client = v3At([member, ...others]);
			const elsewhere = new V3Client({ endpoints: others });
			await until("v3 is served", () =>
				client.put("/a/before", "1", { timeoutMs: 1_000 }).then(
					() => true,
					() => false,
				),
			);
			const silent = await client.watch("/a/", { prefix: true, endpoint: member.endpoint });
			const ended = await client.watch("/a/", {
				prefix: true,
				endpoint: member.endpoint,
				requireLeader: true,
			});
			const told = await Followed.start(client, "/a", { rollMs: [200, 300], timeoutMs: 500 });
			cluster.partition([member]);
			await until("a write of the others", () =>
				elsewhere.put("/a/b", "1", { timeoutMs: 1_000 }).then(
					() => true,
					() => false,
				),
			);
			await told.has(1);
			assert.equal(told.changes[0]?.kind === "event" && told.changes[0].key, "/a/b");
			assert.ok(told.noted("failed").length > 0);
			// The gateway hands Grpc-Metadata-Hasleader on: such a watch is ended by the member itself.
			await assert.rejects(ended.next(), { name: "NoLeaderError" });
			cluster.heal();
			// The other one is told only now.
			const message = await silent.next();
			assert.ok(message?.kind === "events");
			silent.close();
			await told.follower.close();
			await Promise.all([client.close(), elsewhere.close(), cluster.close()]);
		});
	});
});

describe("the thirteen rules on v3", () => {
	it("each has its tests there, or a reason why it means nothing", () => {
		assert.deepEqual([...tested, ...Object.keys(notOnV3)].sort(), Object.keys(rules).sort());
	});
});
