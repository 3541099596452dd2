import assert from "node:assert/strict";
import { getMaxListeners, once } from "node:events";
import { setImmediate, setTimeout } from "node:timers/promises";
import {
	type FollowedEvent,
	follow,
	type Listing,
	type Position,
	type Source,
	type Tail,
	type TailOptions,
} from "etcd-watch-lab/follow";
import { NameKeys } from "#lib/follow/keys.js";
import { told } from "../../support/follow/change-reader";
import { FlatSource } from "../../support/follow/flat-source";
import { until } from "../../support/until";

const keySpace = new NameKeys({ key: "", recursive: true });
const options = { recursive: true } as const;

/** A source of which a test says what it lists, one answer after the other, and what it tells. */
function sourceOf(lists: readonly (Listing | Promise<Listing> | Error)[], tail: Source["tail"]): Source {
	let count = 0;
	return {
		...{ key: "", recursive: true, keySpace, tail },
		list: async () => {
			const next = lists[Math.min(count++, lists.length - 1)] ?? new Error("nothing is to be listed");
			if (next instanceof Error) throw next;
			return await next;
		},
	};
}

function listingOf(index: number, values: Readonly<Record<string, number>> = {}, clusterId = "1"): Listing {
	const nodes = Object.entries(values).map(([key, at]) => nodeOf(key, at));
	return { index, clusterId, nodes };
}

function nodeOf(key: string, index: number) {
	return { key, dir: false, value: "v", createdIndex: index, modifiedIndex: index };
}

/** Events of one revision that make keys. */
function eventsOf(index: number, ...keys: readonly string[]) {
	return keys.map((key, nth) => ({
		...({ kind: "event", index, action: "set", key, node: nodeOf(key, index), fromHistory: false } as const),
		...(nth < keys.length - 1 ? { more: true as const } : {}),
	}));
}

function made(index: number, ...keys: readonly string[]): Tail {
	const [event, ...more] = eventsOf(index, ...keys);
	if (event === undefined) throw new Error("an event is of a key");
	return more.length === 0 ? { kind: "event", event } : { kind: "events", events: [event, ...more] };
}

/** A promise, and what fulfils it. */
function promised<T = void>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
	let resolve: (value: T) => void = () => {};
	const promise = new Promise<T>((fulfil) => {
		resolve = fulfil;
	});
	return { promise, resolve };
}

async function tellOne(options: TailOptions, ...keys: readonly string[]): Promise<void> {
	const [first, ...rest] = eventsOf(options.afterIndex + 10, ...keys);
	if (first !== undefined) await options.take({ kind: "events", events: [first, ...rest] });
}

const quietly: Source["tail"] = async ({ signal }) => {
	if (!signal.aborted) await once(signal, "abort");
};

async function read(source: Source, count: number, more: Parameters<typeof follow>[2] = {}) {
	const words: string[] = [];
	for await (const change of follow(source, "", { ...options, ...more })) {
		if (words.push(told(change)) === count) break;
	}
	return words;
}

describe("a reconciler", () => {
	it("tells a gap after a bare index, though the history was cleared before any list had come", async () => {
		const late = promised<Listing>();
		let tails = 0;
		const source = sourceOf([late.promise, listingOf(9, { a: 3 }, "2")], async (tail) => {
			if (tails++ > 0) return await quietly(tail);
			await tail.take({ kind: "cleared" });
		});
		const follower = follow(source, "", { ...options, afterIndex: 1 });
		const { value } = await follower.next();
		assert.equal(value && told(value), "gap 2-9 cleared: a");
		const next = follower.next();
		// What comes of another cluster by then is none of the position's.
		late.resolve(listingOf(5));
		await follower.ready();
		assert.deepEqual([follower.position.index, follower.position.clusterId], [9, "2"]);
		await follower.close();
		await next;
	});

	it("tells no gap where a cleared history leaves nothing out: the list stands where the last event does", async () => {
		const lists = [listingOf(5, { a: 3 })];
		const tails: number[] = [];
		const source = sourceOf(lists, async (tail) => {
			tails.push(tail.afterIndex);
			if (tails.length === 1) return void (await tail.take({ kind: "cleared" }));
			await tail.take(made(7, "b"));
			await quietly(tail);
		});
		assert.deepEqual(await read(source, 1), ["set b 7"]);
		assert.deepEqual(tails, [5, 5]);
	});

	it("ends where it was closed while a list was on its way that the tail is to be read after", async () => {
		const { promise: second, resolve: answer } = promised<Listing>();
		const { promise: first, resolve: isTold } = promised<Listing>();
		const source = sourceOf([first, second], async (tail) => {
			// More than is remembered for a list of the past to be brought forward by.
			for (let index = 10; index < 2_500 && tail.afterIndex < 10; index++) {
				await tail.take(made(index, "a"));
			}
			isTold(listingOf(5));
			await quietly(tail);
		});
		const follower = follow(source, "", { ...options, afterIndex: 1, queueLength: 10_000 });
		await follower.ready();
		await setImmediate();
		const closed = follower.close();
		answer(listingOf(2_500));
		const late = setTimeout(1_000, "it has not ended", { ref: false });
		assert.equal(await Promise.race([closed, late]), undefined);
	});

	it("ends when the first list after a bare index fails for good, and the tail says nothing", async () => {
		const fails = setImmediate().then((): Listing => {
			throw new RangeError("for good");
		});
		const follower = follow(sourceOf([fails], quietly), "", { ...options, afterIndex: 1 });
		await assert.rejects(follower.ready(), RangeError);
		await assert.rejects(follower.next(), RangeError);
		await follower.close();
	});

	it("ends where the list of a reconnection fails for good", async () => {
		const source = sourceOf([listingOf(5), new RangeError("for good")], async (tail) => {
			await tail.take({ kind: "reconnected" });
			await quietly(tail);
		});
		await assert.rejects(read(source, 1), RangeError);
	});

	it("takes no first list where a gap, or the list of a reconnection, has told more since", async () => {
		for (const kind of ["cleared", "reconnected"] as const) {
			const { promise: first, resolve: arrive } = promised<Listing>();
			const source = sourceOf([first, listingOf(9, { a: 6 })], async (tail) => {
				if (tail.afterIndex === 5) await tail.take({ kind });
				arrive(listingOf(7, { old: 3 }));
				await setImmediate();
				for (const one of [passed(9), made(10, "b")]) if (!tail.signal.aborted) await tail.take(one);
				await quietly(tail);
			});
			const follower = follow(source, "", { ...options, afterIndex: 5 });
			for await (const change of follower) if (told(change) === "set b 10") break;
			const { clusterId, index, nodes } = follower.position;
			assert.deepEqual([clusterId, index, nodes?.map(({ key }) => key)], ["1", 9, ["a"]]);
		}
	});

	it("lists no more when the state that the tail had passed by is told", async () => {
		const { promise: first, resolve: arrive } = promised<Listing>();
		const lists = [first, listingOf(1_010, { a: 1_010 }), listingOf(1_010, {}, "2")];
		let tails = 0;
		const source = sourceOf(lists, async (tail) => {
			for (let index = 6; tails === 0 && index <= 1_010; index++) await tail.take(made(index, "a"));
			arrive(listingOf(5));
			if (++tails === 3) await tail.take(made(1_011, "b"));
			if (tails !== 2) await quietly(tail);
		});
		const changes = await read(source, 1_006, { afterIndex: 5, queueLength: 2_000 });
		assert.deepEqual([changes.at(-1), tails], ["set b 1011", 3]);
	});

	it("takes no list in the midst of a revision that is being put", async () => {
		const { promise: list, resolve: arrive } = promised<Listing>();
		const { promise: isTelling, resolve: tell } = promised();
		const source = sourceOf([list], async (tail) => {
			await tellOne(tail, "x", "y", "z");
			await isTelling;
			await tellOne({ ...tail, afterIndex: 11 }, "later");
			await quietly(tail);
		});
		const follower = follow(source, "", { ...options, afterIndex: 1, queueLength: 1 });
		const first = await follower.next();
		assert.equal(first.value && told(first.value), "set x 11 +");
		// It was read when the store was at 7, and comes while the queue has no room for the rest of 11.
		arrive(listingOf(7, { old: 3 }));
		await follower.ready();
		await setImmediate();
		for (const words of ["set y 11 +", "set z 11"]) {
			const { value } = await follower.next();
			assert.equal(value && told(value), words);
		}
		tell();
		const { value } = await follower.next();
		assert.equal(value && told(value), "set later 21");
		const { index, nodes = [] } = follower.position;
		assert.deepEqual([index, nodes.map(({ key }) => key)], [11, ["old", "x", "y", "z"]]);
		await follower.close();
	});

	it("knows the state after a bare index, though more came before the list than it holds", async () => {
		const source = new FlatSource();
		for (let nth = 0; nth < 1_100; nth++) source.write([`k${nth % 7}`]);
		const { promise: listGate, resolve: arrive } = promised();
		source.listGate = listGate;
		const follower = follow(source, "", { ...options, afterIndex: 0, queueLength: 10 });
		for (let nth = 0; nth < 1_100; nth++) await follower.next();
		source.write(["k0"]);
		arrive();
		const next = (await follower.next()).value;
		assert.equal(next && told(next), "set k0 1101");
		const after = follower.next();
		await until("the state is known", () => follower.position.nodes !== undefined);
		assert.equal(follower.position.nodes?.length, 7);
		await follower.close();
		await after;
	});

	it("tells a gap that begins after the last event, where silence had passed over one that is gone now", async () => {
		let tails = 0;
		// The quiet list shows nothing of it yet: it is read before the event, and told after the silence.
		const source = sourceOf([listingOf(5), listingOf(9), listingOf(12, { late: 8 })], async (tail) => {
			if (tails++ > 0) return await quietly(tail);
			await tail.take({ kind: "quiet", through: 9 });
			await setImmediate();
			await tail.take({ kind: "cleared" });
		});
		assert.deepEqual(await read(source, 1), ["gap 6-12 cleared: late"]);
	});

	for (const [what, at, expected] of [
		["tells an event that silence had passed over after the reconnection that shows it", 5, "set late 8"],
		["tells a reset where nothing comes that explains what the list shows", 9, "reset 5 another past: late"],
	] as const) {
		it(what, async () => {
			const late = listingOf(9, { late: 8 });
			const source = sourceOf([listingOf(5), listingOf(9), late], async (tail) => {
				if (tail.afterIndex === at) {
					await tail.take(made(8, "late"));
				}
				await tail.take({ kind: "quiet", through: 9 });
				await setImmediate();
				await tail.take({ kind: "reconnected" });
				if (!tail.signal.aborted) await tail.take({ kind: "quiet", through: 9 });
				await quietly(tail);
			});
			const tailOf = source.tail;
			let tails = 0;
			assert.deepEqual(
				await read(
					{ ...source, tail: (tail) => tailOf(tails++ === 0 ? { ...tail, afterIndex: 0 } : tail) },
					1,
				),
				[expected],
			);
		});
	}

	describe("passes over no write that gives a v3 key the value that it has", () => {
		const again = { index: 9, clusterId: "1", nodes: [{ ...nodeOf("k", 3), modifiedIndex: 8 }] };
		const before = nodeOf("k", 3);
		const asked: number[] = [];
		const event: FollowedEvent = {
			...({ kind: "event", index: 8, action: "set", key: "k", fromHistory: true } as const),
			...{ node: { ...before, modifiedIndex: 8 }, prevNode: before },
		};
		const tellsIt = async (tail: TailOptions) => {
			if (tail.afterIndex < 8 && !tail.signal.aborted) await tail.take({ kind: "event", event });
			if (!tail.signal.aborted) await tail.take({ kind: "passed", through: 9 });
			await quietly(tail);
		};
		const cases: readonly (readonly [string, readonly Listing[], Source["tail"], string])[] = [
			[
				"by a silence that is in doubt, after a reconnection",
				[listingOf(5, { k: 3 }), again],
				async (tail) => {
					await tail.take({ kind: "reconnected" });
					await tail.take({ kind: "quiet", through: 9, isDoubtful: true });
					await tellsIt(tail);
				},
				"set k 8",
			],
			[
				"by a silence that a list is held against",
				[listingOf(5, { k: 3 }), again],
				async (tail) => {
					// It is told only to who reads anew, as the list has it.
					if (asked.push(tail.afterIndex) > 1) return await tellsIt(tail);
					await tail.take({ kind: "quiet", through: 9 });
					await quietly(tail);
				},
				"set k 8",
			],
			[
				"by a gap after a silence that had passed over it",
				[listingOf(5, { k: 3 }), listingOf(9, { k: 3 }), { ...again, index: 12 }],
				async (tail) => {
					await tail.take({ kind: "quiet", through: 9 });
					await setImmediate();
					await tail.take({ kind: "cleared" });
					await quietly(tail);
				},
				"gap 6-12 cleared: k",
			],
			[
				"by a list of another past",
				[listingOf(8, { k: 3 }), again],
				async (tail) => {
					await tail.take({ kind: "reconnected" });
					await quietly(tail);
				},
				"reset 8 another past: k",
			],
		];
		for (const [what, lists, tail, expected] of cases) {
			it(what, async () => {
				assert.deepEqual(await read(sourceOf(lists, tail), 1), [expected]);
			});
		}
	});

	const gone: Tail = {
		kind: "event",
		event: {
			...{ kind: "event", index: 8, action: "delete", key: "k", fromHistory: false },
			...{ node: nodeOf("k", 8), prevNode: nodeOf("k", 3) },
		},
	};
	const positionAt5: Position = {
		...{ format: "etcd-watch-lab/position", version: 1, key: "", recursive: true },
		...{ index: 5, clusterId: "1", nodes: [nodeOf("a", 3)] },
	};
	const { nodes: _, ...bareAt5 } = positionAt5;
	const reconnected: Tail = { kind: "reconnected" };
	const passed = (through: number): Tail => ({ kind: "passed", through });
	const quiet = (through: number, isDoubtful = false): Tail => ({ kind: "quiet", through, isDoubtful });
	const beginsAt5 = listingOf(5, { k: 3 });

	/** "9 a@3 b@7" is what is listed at 9; "of 2" behind it: of that cluster. */
	const listed = (words: string): Listing | Error => {
		if (words === "fails") return new Error(words);
		const [all = "", cluster] = words.split(" of ");
		const [index, ...keys] = all.split(" ");
		const values = Object.fromEntries(
			keys.map((key) => key.split("@")).map(([key, at]) => [key, Number(at)]),
		);
		return listingOf(Number(index), values, cluster);
	};
	const tailOf = (words: string): Tail => {
		const [kind = "", at, ...keys] = words.split(" ");
		if (kind === "made") return made(Number(at), ...keys);
		if (kind === "quiet") return quiet(Number(at), keys.includes("doubtful"));
		if (kind === "passed") return passed(Number(at));
		return kind === "gone" ? gone : ({ kind } as Tail);
	};
	const begun: Readonly<Record<string, Parameters<typeof read>[2]>> = {
		"": {},
		...{ "from a position": { position: positionAt5 }, "from a bare position": { position: bareAt5 } },
		...{ "from an index": { afterIndex: 5 }, "with little room": { queueLength: 1 } },
		"from a position, with room for two": { position: positionAt5, queueLength: 2 },
	};
	/** What is listed, and how it begins; what each tail tells, one after the other; what comes of it, and where each began. */
	const stories = `
	holds events until the list is reached, and reads on after the last of them
		9 a@3 b@7 c@9; from a position
		made 7 b | made 9 c
		set b 7, set c 9; 5 7
	hands on what it holds when the list is passed
		9 a@3 b@7; from a position
		made 7 b, made 10 c
		set b 7, set c 10; 5
	hands on what it holds when all is known up to the list
		9 a@3 b@7; from a position
		passed 6, made 7 b, passed 8, passed 9, made 10 c
		set b 7, set c 10; 5
	hands on what it has no room to hold
		9 a@3 b@7 c@7 d@8; from a position, with room for two
		made 7 b c, made 8 d, passed 9
		set b 7 +, set c 7, set d 8; 5
	tells a gap after what it held, where the history is cleared
		9 a@3 b@7, 12 a@3 b@7 c@11; from a position
		made 7 b, cleared
		set b 7, gap 8-12 cleared: a b c; 5
	tells that a consumer was slow
		5 k@3, 9 k@3 a@6; with little room
		made 6 a, cleared
		set a 6, gap 7-9 slow consumer: k a; 5
	tells a reset where a cleared history leaves a key that was there before
		5 k@3, 9 k@3 old@2
		cleared
		reset 5 another past: k old; 5
	tells the state of a bare index in a gap, though nothing has happened since
		4, 5 k@3; from an index
		cleared
		gap 6-5 cleared: k; 5
	tells a reset where one event of several does not fit
		5 k@3, 9 k@8 x@8
		made 8 x k | made 10 b
		reset 5 another past: k x, set b 10; 5 9
	tells a reset where an event does not fit
		5 k@3, 9 k@8
		made 8 k
		reset 5 another past: k; 5
	tells a reset where the store is another one than its position's
		9 a@3 of 2; from a position
		nothing
		reset 5 another cluster: a; 9
	goes on from a position that knows no state
		9 a@3; from a bare position
		made 10 c
		set c 10; 5
	reads anew after a member that is behind
		5 k@3, 6 k@3 a@6
		behind | made 6 a
		set a 6; 5 5
	tells a reset where a member is behind, and so is a list
		5 k@3, 4 k@3
		behind | made 6 a
		reset 5 index went back: k, set a 6; 5 4
	reads anew where a list has lost a key in the silence
		5 k@3, 9
		quiet 9 | gone
		delete k 8; 5 5
	reads anew where a quiet list is of another cluster
		5 k@3, 9 k@3 of 2
		quiet 9 | reconnected | made 10 a
		reset 5 another cluster: k, set a 10; 5 5 9
	reads anew where a quiet list is behind
		5 k@3, 4 k@3
		quiet 9 | reconnected
		reset 5 index went back: k; 5 5
	takes no silence that is in doubt, without a list
		5 k@3, 9 k@3 b@8
		quiet 9 doubtful, made 8 b
		set b 8; 5
	reads anew where a quiet list fails
		5 k@3, fails
		quiet 9 | made 6 a
		set a 6; 5 5
	reads on after a list of another past
		5 k@3, 9 k@3 old@2
		reconnected | made 10 a
		reset 5 another past: k old, set a 10; 5 9
	reads on after a cleared history of another cluster
		5 k@3, 9 k@3 of 2
		cleared | made 10 a
		reset 5 another cluster: k, set a 10; 5 9
	reads on after what it has no room to hold and does not fit
		9 a@7, 9 a@8 b@7 c@8; from a position, with room for two
		made 7 b, made 8 a c | made 10 d
		set b 7, reset 7 another past: a b c, set d 10; 5 9
	knows the state of a list that a bare index has reached
		9 a@6, 12 a@10; from an index
		made 6 a, passed 9, made 10 a
		set a 6, reset 9 another past: a; 5
	asks for no second list where the first one fits
		5 k@3, 5 k@3, 9 k@3 b@8
		reconnected, made 10 a
		set a 10; 5
	lists no more than once at a reconnection
		5 k@3, 5 k@3, 9 k@3 b@8
		reconnected, made 6 a, cleared
		set a 6, gap 7-9 cleared: k b; 5
	`;
	for (const story of stories.split(/^\t(?=\w)/m).slice(1)) {
		const [what = "", list = "", tail = "", end = ""] = story.trim().split(/\n\t+/);
		const [lists = "", how = ""] = list.split("; ");
		const tells = tail.split(" | ").map((one) => (one === "nothing" ? [] : one.split(", ").map(tailOf)));
		const [expected = "", begins] = end.split("; ");
		it(what, async () => {
			const asked: number[] = [];
			const source = sourceOf(lists.split(", ").map(listed), async (tail) => {
				asked.push(tail.afterIndex);
				const mine = tells[asked.length - 1] ?? [];
				for (const one of mine) {
					await tail.take(one);
					// What is listed in the background has come.
					await setImmediate();
				}
				// The first ends by itself where another follows, and so does one whose history is cleared.
				const isLast = asked.length >= tells.length;
				if (tail.signal.aborted || (!isLast && mine.every(({ kind }) => kind === "event"))) return;
				await quietly(tail);
			});
			const more = begun[how] ?? assert.fail(how);
			const follower = follow(source, "", { ...options, ...more });
			assert.ok((await follower.ready()).nodes.every(({ key }) => key !== undefined));
			await setImmediate();
			const changes: string[] = [];
			while (changes.length < expected.split(", ").length) {
				const { value } = await follower.next();
				changes.push(value === undefined ? "the end" : told(value));
			}
			assert.deepEqual([changes.join(", "), asked.join(" ")], [expected, begins]);
			await follower.close();
		});
	}

	it("puts an event at once where nothing is held against a list, or the list is ahead and its events flow", async () => {
		const rooms: Record<string, boolean> = {};
		const proved: number[] = [];
		const isAtOnce = async (what: string, room: Promise<void> | undefined) => {
			rooms[what] = room === undefined;
			await room;
		};
		const known = sourceOf([beginsAt5, beginsAt5, listingOf(9, { k: 3, a: 6, b: 7, c: 8 })], async (tail) => {
			await isAtOnce("known", tail.take(made(6, "a")));
			await tail.take(reconnected);
			await isAtOnce("reached", tail.take(made(7, "b")));
			await tail.take(reconnected);
			proved.push(tail.proveThrough());
			await isAtOnce("held", tail.take(made(8, "c")));
			await tail.take(passed(9));
			proved.push(tail.proveThrough());
			await isAtOnce("passed", tail.take(made(10, "d")));
			await quietly(tail);
		});
		await read(known, 4);
		const bare = sourceOf([listingOf(9, { a: 6, b: 9 })], async (tail) => {
			await setImmediate();
			await isAtOnce("below the list", tail.take(made(6, "a")));
			await isAtOnce("where the list is", tail.take(made(9, "b")));
			await isAtOnce("after the list", tail.take(made(10, "c")));
			await quietly(tail);
		});
		await read(bare, 3, { afterIndex: 1 });
		assert.deepEqual(rooms, {
			...{ known: true, reached: false, held: false, passed: true },
			...{ "below the list": true, "where the list is": false, "after the list": true },
		});
		assert.deepEqual(proved, [9, 0]);
	});

	for (const [index, isKnown] of [
		[6, false],
		[5, true],
		[4, false],
	] as const) {
		it(`after 5 ${isKnown ? "knows" : "does not know"} the state that a list at ${index} tells`, async () => {
			const follower = follow(sourceOf([listingOf(index, { a: 3 })], quietly), "", {
				...options,
				afterIndex: 5,
			});
			await follower.ready();
			await setImmediate();
			const next = follower.next();
			assert.equal(follower.position.nodes !== undefined, isKnown);
			await follower.close();
			await next;
		});
	}

	const { now } = performance;
	afterEach(() => {
		performance.now = now;
	});

	it("bookmarks the newest index that silence reaches to, when the list has come, and soon after without", async () => {
		const { promise: later, resolve: arrive } = promised<Listing>();
		const { promise: hasCome, resolve: goOn } = promised();
		let ms = 0;
		performance.now = () => ms;
		const notes: unknown[] = [];
		let tails = 0;
		const source = sourceOf([beginsAt5, later, listingOf(14)], async (tail) => {
			tails++;
			await tail.take(passed(5));
			await tail.take(quiet(9));
			await tail.take(quiet(12));
			await hasCome;
			await tail.take(quiet(14));
			await quietly(tail);
		});
		const follower = follow(source, "", { ...options, onNote: (note) => notes.push(note) });
		await follower.ready();
		const next = follower.next();
		await setImmediate();
		assert.deepEqual([notes, follower.position.index], [[], 5]);
		ms = 1;
		arrive(listingOf(12, { k: 3 }));
		for (const index of [12, 14]) {
			await setImmediate();
			const [note] = notes.splice(0);
			assert.deepEqual([note, follower.position.index, tails], [{ note: "bookmarked", index }, index, 1]);
			goOn();
		}
		await follower.close();
		await next;
	});

	it("bookmarks what a list bears out at once, though the silence is in doubt", async () => {
		const source = sourceOf([beginsAt5, listingOf(9, { k: 3 })], async (tail) => {
			await tail.take(reconnected);
			await tail.take(quiet(9, true));
			await quietly(tail);
		});
		const follower = follow(source, "", options);
		await follower.ready();
		const next = follower.next();
		await setImmediate();
		assert.equal(follower.position.index, 9);
		await follower.close();
		await next;
	});

	it("reads on where a list comes late: an event or a list of its own has said more", async () => {
		for (const tell of [made(9, "b"), reconnected]) {
			const { promise: later, resolve: arrive } = promised<Listing>();
			let tails = 0;
			const source = sourceOf([beginsAt5, later, listingOf(20, { k: 3, b: 9 })], async (tail) => {
				tails++;
				await tail.take(quiet(9));
				await tail.take(tell);
				arrive(listingOf(9));
				await setImmediate();
				await quietly(tail);
			});
			const follower = follow(source, "", options);
			await follower.ready();
			await setImmediate();
			await setImmediate();
			assert.equal(tails, 1);
			await follower.close();
		}
	});

	for (const [what, behind] of [
		["is behind", listingOf(2)],
		["is of another cluster", listingOf(5, {}, "2")],
	] as const) {
		it(`makes no reset of one list that ${what}, and one of two`, async () => {
			const tellsReconnected = async (tail: TailOptions) => {
				await tail.take({ kind: "reconnected" });
				await tellOne(tail, "next");
				await quietly(tail);
			};
			const toldWith = (last: Listing) => read(sourceOf([listingOf(5), behind, last], tellsReconnected), 1);
			assert.deepEqual(await toldWith(listingOf(5)), ["set next 15"]);
			assert.match((await toldWith(behind)).join(), /^reset/);
		});
	}

	for (const [note, tail] of [
		["bookmarked", { kind: "quiet", through: 5 }],
		["full", { kind: "events", events: eventsOf(3, "a", "b") }],
	] as const) {
		it(`ends with what onNote throws at "${note}", and nothing is rejected beside`, async () => {
			const unhandled: unknown[] = [];
			const listen = (error: unknown) => unhandled.push(error);
			process.on("unhandledRejection", listen);
			try {
				const source = sourceOf([listingOf(1), listingOf(5)], async (reading) => {
					await reading.take(tail as Parameters<typeof reading.take>[0]);
					await quietly(reading);
				});
				let hasThrown = false;
				const onNote = (one: { readonly note: string }) => {
					hasThrown ||= one.note === note;
					if (one.note === note) throw new RangeError("the note's own");
				};
				const follower = follow(source, "", { ...options, queueLength: 1, onNote });
				await follower.ready();
				await until("onNote has thrown", () => hasThrown);
				await assert.rejects(async () => {
					for await (const _ of follower);
				}, RangeError);
				await follower.close();
				await setImmediate();
				assert.deepEqual(unhandled, []);
			} finally {
				process.off("unhandledRejection", listen);
			}
		});
	}

	it("leaves its caller's signal the limit of listeners that it has, however many share it", async () => {
		const warnings: string[] = [];
		const listen = ({ name }: Error) => warnings.push(name);
		process.on("warning", listen);
		const controller = new AbortController();
		const before = getMaxListeners(controller.signal);
		const followers = Array.from({ length: 30 }, () =>
			follow(new FlatSource(), "", { ...options, signal: controller.signal }),
		);
		await Promise.all(followers.map((follower) => follower.ready()));
		await followers[0]?.close();
		controller.abort();
		for (const follower of followers) {
			assert.deepEqual(await follower.next(), { done: true, value: undefined });
			await follower.close();
		}
		await setImmediate();
		process.off("warning", listen);
		assert.deepEqual([getMaxListeners(controller.signal), warnings], [before, []]);
	});
});
