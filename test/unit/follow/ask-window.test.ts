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
		assert.deepEqual(
			window.answered(8, 9, 12, 12, () => jumps++),
			[],
		);
		assert.equal(jumps, 1);
		// The history up to 9 held nothing: that much the answer proves.
		assert.equal(window.position, 9);
		assert.equal(window.next(), 10);
		assert.deepEqual(window.answered(10, 12, 11, 11, nothing), [11]);
		assert.equal(window.next(), 12);
		assert.deepEqual(window.answered(12, 12, 12, 12, nothing), [12]);
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
});
