import assert from "node:assert/strict";
import type { Change, Gap, Reset } from "etcd-watch-lab/follow";
import { type Rule, rules } from "etcd-watch-lab/follow";
import { ModelStore } from "etcd-watch-lab/model";
import { each, withTest } from "../../support/clients";
import { Followed } from "../../support/follow/followed";
import { ModelServer } from "../../support/follow/model-server";
import { Slow } from "../../support/follow/slow";
import { until } from "../../support/until";

/** Every rule has tests: the last one of this file says so. */
const tested = new Set<string>();

function rule(name: Rule, tests: () => void): void {
	const suite = describe(`rule "${name}"`, tests);
	if (suite.total() > 0) tested.add(name);
}

function gapOf(change: Change | undefined): Gap {
	assert.ok(change?.kind === "gap", `a ${change?.kind} instead of a gap`);
	return change;
}

function resetOf(change: Change | undefined): Reset {
	assert.ok(change?.kind === "reset", `a ${change?.kind} instead of a reset`);
	return change;
}

describe("the thirteen rules of a follower", () => {
	let server: ModelServer;

	beforeEach("a member", async () => {
		server = await ModelServer.start();
	});

	afterEach("the member", () => server.stop());

	const start = (options: Parameters<typeof Followed.start>[2] = {}) =>
		Followed.start([server.endpoint], "/a", options);
	const noise = (count: number) => {
		for (let nth = 0; nth < count; nth++) server.set("/noise");
	};
	/** A write that who waits is not told of, and so much noise after it; gives its index. */
	const skip = (noise: number) => {
		let skipped = 0;
		server.skip((store) => {
			const { outcome } = store.apply({ operation: "set", key: "/a/skipped", value: "x" });
			skipped = outcome.kind === "accepted" ? outcome.event.index : 0;
			for (let nth = 0; nth < noise; nth++) store.apply({ operation: "set", key: "/noise", value: "x" });
		});
		return skipped;
	};
	const hears = () => until("the poll is in place", () => server.waiting > 0);
	const hearing = async (options?: Parameters<typeof start>[0]) => {
		const followed = await start(options);
		await hears();
		return followed;
	};
	/** A write is told of as its next change, the second one. */
	const goesOn = async (followed: Followed) => {
		await hears();
		const next = server.set("/a/next");
		await followed.has(2);
		assert.equal(followed.indexes[1], next);
	};
	/** Its first change, which is a reset. */
	const resets = async (followed: Followed) => {
		await followed.has(1);
		return resetOf(followed.changes[0]);
	};

	rule("list first", () => {
		it("lists by quorum and recursively, and asks from the list's index + 1", async () => {
			const index = server.set("/a/b", "old");
			const followed = await hearing();
			const { nodes } = await followed.follower.ready();
			assert.deepEqual(server.reads[0], { quorum: true, recursive: true, key: "/a" });
			assert.deepEqual(server.asked, [index + 1]);
			assert.deepEqual(
				[each(nodes, "key"), each(nodes, "value")],
				[
					["/a", "/a/b"],
					[undefined, "old"],
				],
			);
		});

		it("misses nothing that is written between the list and the first poll", async () => {
			server.before = (request) => {
				if (request.url?.includes("wait=true") && server.asked.length === 0) server.set("/a/between");
				return false;
			};
			const followed = await start();
			await followed.has(1);
			assert.equal(followed.changes[0]?.kind === "event" && followed.changes[0].key, "/a/between");
		});
	});

	rule("go on after the event", () => {
		it("asks for the event's modifiedIndex + 1, whatever X-Etcd-Index said", async () => {
			const followed = await hearing();
			const index = server.set("/a/b");
			await followed.has(1);
			await until("the next ask", () => server.asked.length > 1);
			assert.equal(server.asked.at(-1), index + 1);
		});
	});

	rule("each once", () => {
		it("hands on each of 900 past events once, however many asks are answered with it", async () => {
			const first = server.set("/a/0");
			for (let nth = 1; nth < 900; nth++) server.set(nth % 3 === 0 ? `/a/${nth}` : "/elsewhere");
			const followed = await start({ afterIndex: first - 1 });
			await followed.has(300);
			await hears();
			server.set("/a/last");
			await followed.has(301);
			const { indexes } = followed;
			assert.deepEqual(
				[...new Set(indexes)].sort((one, two) => one - two),
				indexes,
			);
			assert.equal(indexes.length, 301);
		});
	});

	rule("a cleared history is a gap", () => {
		it("says from where to where, what changed, and the state to go on from", async () => {
			server.set("/a/stays", "1");
			server.set("/a/changes", "1");
			const last = server.set("/a/goes", "1");
			const followed = await start();
			const { position } = followed.follower;
			await followed.close();
			server.set("/a/changes", "2");
			server.set("/a/comes", "1");
			server.apply({ operation: "delete", key: "/a/goes" });
			noise(1_001);
			const again = await start({ position });
			await again.has(1);
			const gap = gapOf(again.changes[0]);
			assert.deepEqual([gap.from, gap.to, gap.why], [last + 1, server.store.index, "cleared"]);
			assert.deepEqual(each(gap.added, "key"), ["/a/comes"]);
			assert.deepEqual(
				gap.changed.map(({ before, now }) => [now.key, before?.value, now.value]),
				[["/a/changes", "1", "2"]],
			);
			assert.deepEqual(each(gap.removed, "key"), ["/a/goes"]);
			assert.deepEqual(each(gap.state.nodes, "key"), ["/a", "/a/changes", "/a/comes", "/a/stays"]);
			await goesOn(again);
		});
	});

	rule("polls are the truth", () => {
		it("never opens a stream", async () => {
			let streams = 0;
			server.before = (request) => {
				if (request.url?.includes("stream=true")) streams++;
				return false;
			};
			const followed = await start();
			for (let nth = 0; nth < 20; nth++) {
				await hears();
				server.set(`/a/${nth}`);
			}
			await followed.has(20);
			assert.equal(streams, 0);
		});
	});

	rule("verify a jump", () => {
		it("asks again when a member skipped an event for those who waited, and hands that on first (T17)", async () => {
			const followed = await hearing();
			const skipped = skip(0);
			const told = server.set("/a/told");
			await followed.has(2);
			assert.deepEqual(followed.indexes, [skipped, told]);
			assert.ok(followed.noted("jump").length > 0);
		});

		it("makes a gap of it when the history no longer has what was skipped", async () => {
			const followed = await hearing({ probeMs: 60_000 });
			skip(1_001);
			const told = server.set("/a/told");
			await followed.has(1);
			const gap = gapOf(followed.changes[0]);
			assert.equal(gap.to, told);
			assert.deepEqual(each(gap.added, "key"), ["/a", "/a/skipped", "/a/told"]);
		});
	});

	rule("an index that goes back is a reset", () => {
		it("tells of a store that was wiped, with its state, and goes on with it", async () => {
			server.set("/a/old");
			noise(1_001);
			const followed = await hearing();
			const lastIndex = followed.follower.position.index;
			server.store = new ModelStore({ index: 3 });
			server.set("/a/new");
			server.cutAll();
			const reset = await resets(followed);
			assert.equal(reset.why, "index went back");
			assert.ok(reset.lastIndex >= lastIndex);
			assert.deepEqual(
				[reset.added.map(({ key }) => key), reset.removed?.map(({ key }) => key)],
				[["/a/new"], ["/a/old"]],
			);
			await goesOn(followed);
		});

		it("is found out though the new store's index has grown past the old one's", async () => {
			server.set("/a/old");
			const followed = await hearing();
			server.store = new ModelStore({ index: 3 });
			server.set("/a/other");
			noise(100);
			server.cutAll();
			assert.equal((await resets(followed)).why, "another past");
		});

		it("is found out by a key alone, whose new events do not fit what was there before", async () => {
			server.set("/a/b", "old");
			const followed = await Followed.start([server.endpoint], "/a/b", { recursive: false });
			await hears();
			const { position } = followed.follower;
			await followed.close();
			server.store = new ModelStore({ index: 3 });
			for (let nth = 0; nth < 20; nth++) server.set("/a/b", `new ${nth}`);
			const again = await Followed.start([server.endpoint], "/a/b", { recursive: false, position });
			assert.equal((await resets(again)).why, "another past");
		});

		it("is told at once to who asks for what comes after an index that the store has not reached", async () => {
			server.set("/a/b");
			const followed = await start({ afterIndex: 1_000 });
			const reset = await resets(followed);
			assert.deepEqual([reset.why, reset.lastIndex, reset.state.index], ["index went back", 1_000, 4]);
			await goesOn(followed);
		});

		it("is found out by another cluster id", async () => {
			const followed = await hearing();
			server.clusterId = "1111111111111111";
			server.cutAll();
			assert.equal((await resets(followed)).why, "another cluster");
		});

		it("is no reset when the member only lags: a quorum read says so", async () => {
			for (let nth = 0; nth < 10; nth++) server.set("/a/b");
			server.localIndex = 5;
			const followed = await hearing();
			await until("it has asked by quorum", () => server.reads.filter(({ quorum }) => quorum).length > 1);
			server.localIndex = undefined;
			const index = server.set("/a/c");
			await followed.has(1);
			assert.deepEqual(followed.indexes, [index]);
		});
	});

	rule("no poll for ever", () => {
		it("makes a quiet poll anew, with its waitIndex kept, after a quorum read", async () => {
			const index = server.set("/a/b");
			const followed = await start({ rollMs: [30, 60] });
			await until("three rolls", () => followed.noted("rolled").length >= 3);
			assert.deepEqual([...new Set(server.asked)], [index + 1]);
			assert.ok(server.reads.filter(({ quorum }) => quorum).length >= 4);
			assert.deepEqual(followed.changes, []);
		});

		it("takes an empty answer for no event", async () => {
			let empty = 0;
			server.before = (request, response) => {
				if (!request.url?.includes("wait=true") || ++empty > 3) return false;
				response.writeHead(200, { "x-etcd-index": String(server.store.index) }).end();
				return true;
			};
			const followed = await hearing();
			const index = server.set("/a/b");
			await followed.has(1);
			assert.deepEqual(followed.indexes, [index]);
		});

		it("turns to the next endpoint when one is silent, and loses nothing", async () => {
			const other = withTest(await ModelServer.start(), (one) => one.stop());
			other.store = server.store;
			// Takes requests, and never answers.
			server.before = () => true;
			const followed = await Followed.start([server.endpoint, other.endpoint], "/a", { timeoutMs: 200 });
			await until("the other is asked", () => other.waiting > 0);
			const index = other.set("/a/b");
			await followed.has(1);
			assert.deepEqual(followed.indexes, [index]);
		});
	});

	rule("bookmark a quiet key", () => {
		it("survives 5,000 writes elsewhere and a cut without a gap, after a history that was read by many asks", async () => {
			const first = server.set("/a/b");
			for (let nth = 0; nth < 300; nth++) server.set("/a/b");
			// What is asked for beyond the last event waits, one ask behind the other.
			noise(200);
			const followed = await start({ afterIndex: first - 1 });
			await followed.has(301);
			await hears();
			for (let round = 1; round <= 20; round++) {
				noise(250);
				const { index } = server.store;
				await until(`bookmark ${index - 250}`, () => followed.follower.position.index >= index - 250);
			}
			server.cutAll();
			const index = server.set("/a/c");
			await followed.has(302);
			assert.deepEqual([followed.indexes.length, followed.indexes.at(-1)], [302, index]);
		});

		it("does not take silence for proof when the list shows a write that nobody told of", async () => {
			server.set("/a/b");
			const followed = await hearing();
			const skipped = skip(300);
			await followed.has(1);
			assert.deepEqual(followed.indexes, [skipped]);
		});

		for (const [what, isSwallowed] of [
			["the member skipped", false],
			["was swallowed on its way", true],
		] as const)
			it(`asks once for a write that ${what}, though others wrote before its poll was there`, async () => {
				let polls = 0;
				server.before = ({ url = "" }, response) => {
					if (!url.includes("wait=true") || ++polls > 1) return false;
					server.set("/noise");
					if (isSwallowed) response.end = () => response;
					return false;
				};
				const followed = await hearing();
				const { length } = server.asked;
				const indexes = [isSwallowed ? server.set("/a/swallowed") : skip(0)];
				noise(300);
				await followed.has(1);
				assert.deepEqual(followed.indexes, indexes);
				assert.ok(server.asked.length <= length + 2, `${server.asked.length - length} asks`);
			});

		it("reads again at once when the list belies the silence, though nothing else happens any more", async () => {
			server.set("/a/b");
			const followed = await hearing();
			server.isMute = true;
			server.before = ({ url = "" }) => {
				// The list that the silence is held against.
				if (/quorum=true/.test(url) && /recursive=true/.test(url)) server.isMute = false;
				return false;
			};
			const late = server.set("/a/late");
			noise(300);
			await followed.has(1);
			assert.deepEqual(followed.indexes, [late]);
		});
	});

	rule("a removed directory is all its keys", () => {
		it("names every key under it", async () => {
			for (const key of ["/a/d/1", "/a/d/2", "/a/d/e/3", "/a/f"]) server.set(key);
			const followed = await hearing();
			server.apply({ operation: "rmdir", key: "/a/d", recursive: true });
			await followed.has(1);
			const [event] = followed.changes;
			const removed = event?.kind === "event" ? each(event.removed, "key") : [];
			assert.deepEqual(removed, ["/a/d", "/a/d/1", "/a/d/2", "/a/d/e", "/a/d/e/3"]);
		});

		it("names what went with a directory above", async () => {
			server.set("/a/b/c");
			const followed = await Followed.start([server.endpoint], "/a/b");
			await hears();
			server.apply({ operation: "rmdir", key: "/a", recursive: true });
			await followed.has(1);
			const [event] = followed.changes;
			assert.ok(event?.kind === "event");
			assert.deepEqual([event.key, event.removed?.map(({ key }) => key)], ["/a", ["/a/b", "/a/b/c"]]);
		});
	});

	rule("what only the replay shows is dropped", () => {
		it("drops hidden keys and the removal of a sibling whose name is a prefix, as a live watch does", async () => {
			server.set("/a/b");
			server.set("/ab/c");
			const followed = await Followed.start([server.endpoint], "/ab", { probeMs: 60_000 });
			const { position } = followed.follower;
			await followed.close();
			server.set("/ab/_hidden/d");
			server.apply({ operation: "rmdir", key: "/a", recursive: true });
			const index = server.set("/ab/e");
			const again = await Followed.start([server.endpoint], "/ab", { position });
			await again.has(1);
			assert.deepEqual(again.indexes, [index]);
		});
	});

	rule("a slow consumer is a gap", () => {
		it("stops asking when the queue is full, and tells of what has passed meanwhile", async () => {
			const slow = await Slow.start(server, { queueLength: 10, probeMs: 60_000 });
			const first = server.set("/a/0");
			for (let nth = 1; nth < 100; nth++) server.set(`/a/${nth % 50}`);
			await until("the queue is full", () => slow.notes.some(({ note }) => note === "full"));
			const asked = server.asked.length;
			for (let nth = 0; nth < 2_000; nth++) {
				server.set(`/a/${nth % 50}`);
				// Whoever asks for the next event has asked by then.
				if (nth % 100 === 99) await (await fetch(`${server.endpoint}/v2/keys/a`)).text();
			}
			assert.ok(server.asked.length <= asked + 1, "it goes on asking for a consumer that does not read");
			const changes = await slow.readTo(server.store.index);
			await slow.close();
			const gap = gapOf(changes.find(({ kind }) => kind === "gap"));
			assert.equal(gap.why, "slow consumer");
			assert.equal(gap.to, server.store.index);
			const before = changes.filter(({ kind }) => kind === "event").length;
			assert.equal(gap.from, first + before);
		});
	});

	rule("an exception consumes nothing", () => {
		it("gives the same event again to whoever goes on from the position", async () => {
			const followed = await Slow.start(server, {});
			const [one, two] = [server.set("/a/1"), server.set("/a/2")];
			const seen: number[] = [];
			await assert.rejects(async () => {
				for await (const change of followed.follower) {
					if (change.kind === "event") seen.push(change.index);
					if (seen.length === 2) throw new Error("the consumer's own");
				}
			}, /the consumer's own/);
			assert.deepEqual(seen, [one, two]);
			assert.equal(followed.follower.position.index, one);
			await until("every connection is closed", () => server.waiting === 0);
			const { position } = followed.follower;
			await followed.close();
			const again = await start({ position: JSON.parse(JSON.stringify(position)) });
			await again.has(1);
			assert.deepEqual(again.indexes, [two]);
		});
	});

	it("are all tested here, each by its name", () => {
		assert.deepEqual([...tested].sort(), Object.keys(rules).sort());
	});
});
