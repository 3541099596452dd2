import assert from "node:assert/strict";
import fc from "fast-check";
import { AskWindow, widest } from "#lib/follow/v2/ask-window.js";

const nothing = () => {};

/** A member that answers asks in any order, and never lies. `matching` is sorted. */
function readAll(last: number, matching: readonly number[], order: (asks: number) => number) {
	const window = new AskWindow<number>(0);
	const got: number[] = [];
	const outstanding: number[] = [];
	let most = 0;
	let requests = 0;
	const ask = () => {
		for (let next = window.next(); next !== undefined; next = window.next()) {
			outstanding.push(next);
			requests++;
		}
		most = Math.max(most, outstanding.length);
	};
	ask();
	for (;;) {
		const answerable = outstanding.filter((asked) => asked <= (matching.at(-1) ?? 0));
		if (answerable.length === 0) break;
		const asked = answerable[order(answerable.length)] ?? 0;
		outstanding.splice(outstanding.indexOf(asked), 1);
		const index = matching.find((one) => one >= asked) ?? 0;
		got.push(...window.answered(asked, last, index, index, nothing));
		ask();
	}
	return { window, got, most, requests };
}

describe("AskWindow", () => {
	it("hands on every event once, in order, in whatever order the answers come", () => {
		fc.assert(
			fc.property(
				fc.uniqueArray(fc.integer({ min: 1, max: 400 }), { maxLength: 200 }),
				fc.infiniteStream(fc.nat({ max: 1_000 })),
				(indexes, choices) => {
					const matching = [...indexes].sort((one, two) => one - two);
					const { got, most } = readAll(400, matching, (count) => (choices.next().value ?? 0) % count);
					assert.deepEqual(got, matching);
					assert.ok(most <= widest + 1, `${most} at once`);
				},
			),
			{ seed: 20, numRuns: 100 },
		);
	});

	it("asks for each of 990 dense events once, and for many at once", () => {
		const matching = Array.from({ length: 990 }, (_, nth) => nth + 1);
		const { got, most, requests } = readAll(990, matching, () => 0);
		assert.deepEqual(got, matching);
		// The last one is the ask for what has not happened yet.
		assert.equal(requests, 991);
		assert.equal(most, widest);
	});

	it("falls back to one ask at a time when the events are sparse", () => {
		const matching = Array.from({ length: 10 }, (_, nth) => (nth + 1) * 100);
		const { got, requests } = readAll(1_000, matching, () => 0);
		assert.deepEqual(got, matching);
		assert.ok(requests <= 30, `${requests} requests for 10 events`);
	});

	it("asks for one index alone while it does not know of any more", () => {
		const window = new AskWindow<number>(7);
		assert.equal(window.next(), 8);
		assert.equal(window.next(), undefined);
	});

	it("does not believe an event that leaves room for others since the wait began, and asks from there", () => {
		const window = new AskWindow<number>(7);
		assert.equal(window.next(), 8);
		let jumps = 0;
		const repeat = () => window.answered(8, 9, 12, 12, () => jumps++);
		assert.deepEqual(repeat(), []);
		assert.equal(jumps, 1);
		// The history up to 9 held nothing: that much the answer proves.
		assert.deepEqual([window.position, window.width], [9, 2]);
		assert.deepEqual([repeat(), jumps, window.width], [[], 2, 2]);
		assert.equal(window.next(), 10);
		assert.deepEqual(window.answered(10, 12, 11, 11, nothing), [11]);
		assert.equal(window.next(), 12);
		assert.deepEqual(window.answered(12, 12, 12, 12, nothing), [12]);
		assert.deepEqual([repeat(), jumps], [[], 2]);
	});

	it("believes an event right after the index at which the wait began: there is no room for another", () => {
		const window = new AskWindow<number>(7);
		window.next();
		assert.deepEqual(window.answered(8, 9, 10, 10, nothing), [10]);
	});

	it("hands on what silence had denied, and asks anew for what followed it", () => {
		const window = new AskWindow<number>(7);
		window.next();
		assert.equal(window.proved(8, 300).moved, true);
		assert.equal(window.position, 300);
		assert.deepEqual(window.answered(8, 300, 120, 120, nothing), [120]);
		assert.equal(window.position, 120);
		assert.equal(window.next(), 121);
	});

	/** All that it asks for now. */
	function asksOf(window: AskWindow<number>): readonly number[] {
		const asks: number[] = [];
		for (let next = window.next(); next !== undefined && asks.length < 600; next = window.next())
			asks.push(next);
		return asks;
	}
	const from = (first: number, count: number) => Array.from({ length: count }, (_, nth) => first + nth);

	it("asks for 16 times as many where events lie close, and for twice where they do not, as far as there are any", () => {
		for (const [event, known, width] of [
			[1, 1_000, 16],
			[1, 2, 1],
			[1, 3, 16],
			[100, 1_000, 2],
		] as const) {
			const window = new AskWindow<number>(0);
			assert.deepEqual(asksOf(window), [1]);
			assert.deepEqual(window.answered(1, known, event, event, nothing), [event]);
			assert.equal(window.width, width);
			assert.deepEqual(asksOf(window), from(event + 1, Math.min(width, known - event)));
		}
	});

	it("fills its width in one go, when a quarter of it is free", () => {
		const window = new AskWindow<number>(0);
		window.next();
		window.answered(1, 1_000, 1, 1, nothing);
		assert.deepEqual(asksOf(window), from(2, 16));
		// What came out of turn is held: it takes its place until then.
		for (const index of [3, 4]) assert.deepEqual(window.answered(index, 1_000, index, index, nothing), []);
		for (const waitIndex of [17, 16, 15]) window.dropped(waitIndex);
		assert.deepEqual(asksOf(window), []);
		window.dropped(14);
		assert.deepEqual(asksOf(window), from(18, 4));
		assert.deepEqual([window.hasAskBelow(2), window.hasAskBelow(3)], [false, true]);
		window.dropped(2);
		assert.deepEqual(asksOf(window), [2]);
		window.dropAll();
		assert.deepEqual([window.width, window.hasAskBelow(1_000), asksOf(window)], [1, false, [2]]);
		assert.deepEqual(window.answered(2, 1_000, 2, 2, nothing), [2]);
	});

	it("halves its width with each repeat, down to one", () => {
		const window = new AskWindow<number>(0);
		asksOf(window);
		window.answered(1, 1_000, 100, 100, nothing);
		assert.deepEqual(asksOf(window), [101, 102]);
		assert.deepEqual(window.answered(101, 1_000, 200, 200, nothing), [200]);
		assert.equal(window.width, 4);
		for (const width of [2, 1, 1]) {
			assert.deepEqual(window.answered(102, 1_000, 200, 200, nothing), []);
			assert.equal(window.width, width);
		}
		// What is held, and known by then, is one, too.
		const held = new AskWindow<number>(0);
		held.answered(3, 3, 3, 3, nothing);
		held.answered(2, 3, 3, 3, nothing);
		assert.deepEqual(held.answered(1, 3, 1, 1, nothing), [1, 3]);
		assert.deepEqual([held.width, held.position], [8, 3]);
		// What begins where the position ends comes first: it is the news.
		const news = new AskWindow<number>(0);
		for (const [asked, index] of [
			[2, 3],
			[3, 3],
			[4, 4],
		] as const)
			news.answered(asked, 4, index, index, nothing);
		assert.deepEqual([news.answered(1, 1_000, 3, 3, nothing), news.width], [[3, 4], 8]);
	});

	it("counts the asks for one index, and waits for the last of them", () => {
		const window = new AskWindow<number>(7);
		assert.equal(window.next(), 8);
		window.sent(8);
		window.dropped(8);
		assert.deepEqual([window.hasAskBelow(9), window.next()], [true, undefined]);
		window.dropped(8);
		assert.deepEqual([window.hasAskBelow(9), window.next()], [false, 8]);
		window.sent(3);
		window.dropped(8);
		// It will tell of 8, too.
		assert.equal(window.next(), undefined);
	});

	for (const [etcdIndex, position, asks] of [
		[7, 7, [8]],
		[8, 8, [9, 10, 11, 12]],
		[9, 9, [10, 11]],
	] as const) {
		it(`asks from ${position + 1} on, after a jump from ${etcdIndex}`, () => {
			const window = new AskWindow<number>(7);
			window.next();
			assert.deepEqual(window.answered(8, etcdIndex, 12, 12, nothing), []);
			assert.deepEqual([window.position, window.known, asksOf(window)], [position, 12, asks]);
			assert.deepEqual(window.answered(position + 1, 12, 11, 11, nothing), [11]);
			assert.deepEqual(asksOf(window), asks.length === 4 ? [] : [12]);
			assert.deepEqual(window.answered(12, 12, 12, 12, nothing), [12]);
			for (const waitIndex of asks) window.dropped(waitIndex);
			assert.deepEqual(asksOf(window), [13]);
		});
	}

	it("asks past what silence has said meanwhile, where an event was not believed", () => {
		const window = new AskWindow<number>(7);
		window.next();
		window.answered(8, 7, 12, 12, nothing);
		assert.deepEqual(window.proved(8, 10), { moved: true, events: [] });
		assert.deepEqual(asksOf(window), [11, 12]);
		window.dropAll();
		assert.deepEqual(window.proved(11, 12), { moved: true, events: [] });
		assert.deepEqual(asksOf(window), [13]);
	});

	for (const steps of [
		[[8], 8, [9], 9, []],
		[[8], 8, 9, []],
		[9, []],
		[[8], "another jump", []],
	] as const) {
		it(`verifies what it did not believe by an ask of its own, up to where silence gets: ${JSON.stringify(steps)}`, () => {
			const window = new AskWindow<number>(7);
			window.next();
			// It waits on, and may be told of a later one as well.
			window.sent(8);
			window.answered(8, 7, 9, 9, nothing);
			for (const step of steps) {
				if (typeof step === "number") assert.equal(window.proved(8, step).moved, true);
				else if (step === "another jump") window.answered(10, 10, 12, 12, nothing);
				else assert.deepEqual(asksOf(window), step);
			}
		});
	}

	it("takes a jump for no proof where its ask was for what had not happened yet", () => {
		const window = new AskWindow<number>(7);
		window.next();
		window.sent(12);
		assert.deepEqual(window.answered(8, 11, 9, 9, nothing), [9]);
		assert.deepEqual(asksOf(window), [10]);
		assert.deepEqual(window.answered(12, 11, 13, 13, nothing), []);
		assert.deepEqual(asksOf(window), [10, 11]);
	});

	for (const [waitIndex, through, position] of [
		[9, 20, 7],
		[8, 7, 7],
		[8, 8, 8],
		[5, 20, 20],
	] as const) {
		it(`is at ${position} when nothing lies from ${waitIndex} to ${through}`, () => {
			const window = new AskWindow<number>(7);
			assert.deepEqual(window.proved(waitIndex, through), { moved: position > 7, events: [] });
			assert.equal(window.position, position);
			assert.deepEqual([window.answered(8, 8, 8, 8, nothing), window.position], [[8], 8]);
		});
	}

	it("keeps of one ask's two answers the event", () => {
		for (const order of [
			[0, 1],
			[1, 0],
		]) {
			const window = new AskWindow<number>(7);
			const answers = [
				() => window.answered(10, 50, 12, 12, nothing),
				() => window.answered(10, 11, 20, 20, nothing),
			];
			for (const nth of order) assert.deepEqual(answers[nth]?.(), []);
			assert.deepEqual(window.proved(8, 9), { moved: true, events: [12] });
		}
	});

	for (const [what, waitIndex, eventIndex, expected] of [
		["where it ends", 8, 300, [300]],
		["in it", 8, 200, [200]],
		["that a later ask tells", 121, 200, [200]],
		["that an ask before the last event tells", 100, 200, []],
		["that an ask for the last event tells", 120, 200, []],
		["that was told", 8, 120, []],
		["that was told, in answer to the next ask", 121, 120, []],
	] as const) {
		it(`hands on ${expected.length === 0 ? "no" : "the"} event that silence had denied, ${what}`, () => {
			const window = new AskWindow<number>(7);
			if (waitIndex > 8 || expected.length === 0) window.answered(8, 120, 120, 120, nothing);
			window.proved(window.position + 1, 300);
			assert.deepEqual(window.answered(waitIndex, 300, eventIndex, eventIndex, nothing), expected);
			assert.equal(window.position, expected[0] ?? 300);
		});
	}
});
