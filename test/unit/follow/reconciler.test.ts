import assert from "node:assert/strict";
import { getMaxListeners, once } from "node:events";
import { setImmediate, setTimeout } from "node:timers/promises";
import {
	type Change,
	type FollowedEvent,
	follow,
	type Listing,
	type Source,
	type TailOptions,
} from "etcd-watch-lab/follow";
import { NameKeys } from "#lib/follow/keys.js";
import { told } from "../../support/follow/change-reader";
import { FlatSource } from "../../support/follow/flat-source";

const keySpace = new NameKeys({ key: "", recursive: true });
const options = { recursive: true } as const;

/** A source of which a test says what it lists, one answer after the other, and what it tells. */
function sourceOf(lists: readonly (Listing | Promise<Listing>)[], tail: Source["tail"]): Source {
	let count = 0;
	return {
		...{ key: "", recursive: true, keySpace, tail },
		list: async () => {
			const next = lists[Math.min(count++, lists.length - 1)];
			if (next === undefined) throw new Error("nothing is to be listed");
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

async function tellOne(options: TailOptions, ...keys: readonly string[]): Promise<void> {
	const [first, ...rest] = eventsOf(options.afterIndex + 10, ...keys);
	if (first !== undefined) await options.take({ kind: "events", events: [first, ...rest] });
}

const quietly: Source["tail"] = async ({ signal }) => {
	if (!signal.aborted) await once(signal, "abort");
};

async function read(source: Source, count: number, more: Parameters<typeof follow>[2] = {}) {
	const changes: Change[] = [];
	for await (const change of follow(source, "", { ...options, ...more })) {
		if (changes.push(change) === count) break;
	}
	return changes;
}

describe("a reconciler", () => {
	it("tells a gap after a bare index, though the history was cleared before any list had come", async () => {
		const later = new Promise<Listing>(() => {});
		let tails = 0;
		const source = sourceOf([later, listingOf(9, { a: 3 })], async (tail) => {
			if (tails++ > 0) return await quietly(tail);
			await tail.take({ kind: "cleared" });
		});
		const [change] = await read(source, 1, { afterIndex: 1 });
		assert.equal(change && told(change), "gap 2-9 cleared: a");
	});

	it("tells no gap where a cleared history leaves nothing out: the list stands where the last event does", async () => {
		const lists = [listingOf(5, { a: 3 })];
		const tails: number[] = [];
		const source = sourceOf(lists, async (tail) => {
			tails.push(tail.afterIndex);
			if (tails.length === 1) return void (await tail.take({ kind: "cleared" }));
			const [event] = eventsOf(7, "b");
			if (event !== undefined) await tail.take({ kind: "event", event });
			await quietly(tail);
		});
		const [change] = await read(source, 1);
		assert.equal(change && told(change), "set b 7");
		assert.deepEqual(tails, [5, 5]);
	});

	it("ends where it was closed while a list was on its way that the tail is to be read after", async () => {
		let answer = (_: Listing) => {};
		const second = new Promise<Listing>((resolve) => {
			answer = resolve;
		});
		let isTold = () => {};
		const first = new Promise<void>((resolve) => {
			isTold = resolve;
		}).then(() => listingOf(5));
		const source = sourceOf([first, second], async (tail) => {
			// More than is remembered for a list of the past to be brought forward by.
			for (let index = 10; index < 2_500 && tail.afterIndex < 10; index++) {
				const [event] = eventsOf(index, "a");
				if (event !== undefined) await tail.take({ kind: "event", event });
			}
			isTold();
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

	it("takes no list in the midst of a revision that is being put", async () => {
		let arrive: (listing: Listing) => void = () => {};
		const list = new Promise<Listing>((resolve) => {
			arrive = resolve;
		});
		let tell: () => void = () => {};
		const isTelling = new Promise<void>((resolve) => {
			tell = resolve;
		});
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
		let arrive: () => void = () => {};
		source.listGate = new Promise<void>((resolve) => {
			arrive = resolve;
		});
		const follower = follow(source, "", { ...options, afterIndex: 0, queueLength: 10 });
		for (let nth = 0; nth < 1_100; nth++) await follower.next();
		source.write(["k0"]);
		arrive();
		const next = (await follower.next()).value;
		assert.equal(next && told(next), "set k0 1101");
		const after = follower.next();
		while (follower.position.nodes === undefined) await setImmediate();
		assert.equal(follower.position.nodes.length, 7);
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
		const [change] = await read(source, 1);
		assert.equal(change && told(change), "gap 6-12 cleared: late");
	});

	for (const [what, at, expected] of [
		["tells an event that silence had passed over after the reconnection that shows it", 5, "set late 8"],
		["tells a reset where nothing comes that explains what the list shows", 9, "reset 5 another past: late"],
	] as const) {
		it(what, async () => {
			const late = listingOf(9, { late: 8 });
			const source = sourceOf([listingOf(5), listingOf(9), late], async (tail) => {
				if (tail.afterIndex === at) {
					const [event] = eventsOf(8, "late");
					if (event) await tail.take({ kind: "event", event });
				}
				await tail.take({ kind: "quiet", through: 9 });
				await setImmediate();
				await tail.take({ kind: "reconnected" });
				if (!tail.signal.aborted) await tail.take({ kind: "quiet", through: 9 });
				await quietly(tail);
			});
			const tailOf = source.tail;
			let tails = 0;
			const [change] = await read(
				{ ...source, tail: (tail) => tailOf(tails++ === 0 ? { ...tail, afterIndex: 0 } : tail) },
				1,
			);
			assert.equal(change && told(change), expected);
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
				const [change] = await read(sourceOf(lists, tail), 1);
				assert.equal(change && told(change), expected);
			});
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
			const [once] = await read(sourceOf([listingOf(5), behind, listingOf(5)], tellsReconnected), 1);
			assert.equal(once && told(once), "set next 15");
			const [twice] = await read(sourceOf([listingOf(5), behind, behind], tellsReconnected), 1);
			assert.equal(twice?.kind, "reset");
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
				while (!hasThrown) await setImmediate();
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
