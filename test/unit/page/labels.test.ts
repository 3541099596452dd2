import assert from "node:assert/strict";
import fc from "fast-check";
import { indexTicks } from "#lib/chart/layout.js";
import { LABEL, placeLabels } from "#lib/chart/placing.js";
import { PLOT_WIDTH } from "#lib/chart/style.js";
import { pixelsOf } from "#lib/timeline/printable.js";

function wanted(xs: readonly number[], top = "set /a/key") {
	return xs.map((x) => ({ x, top, bottom: "104 Not a directory", weight: 0 }));
}
const every = (step: number, count: number) => Array.from({ length: count }, (_, at) => 20 + at * step);

describe("placeLabels", () => {
	for (const [step, count, kind, least] of [
		[200, 4, "rows", 4],
		[110, 6, "rows", 6],
		[70, 9, "rows", 9],
		[30, 21, "slanted", 21],
		// One each 20 px.
		[8, 60, "slanted", 20],
	] as const)
		it(`lets no two of ${count} labels ${step} px apart overlap`, () => {
			const plan = placeLabels(wanted(every(step, count)), wanted(every(step, count), "set /k"), -100, 680);
			assert.equal(plan.kind, kind);
			const placed = plan.labels.flatMap((label, at) => {
				const row = plan.rows[at] ?? -1;
				const half = Math.max(pixelsOf(label.top, LABEL.top, true), pixelsOf(label.bottom, LABEL.bottom)) / 2;
				const middle = plan.middles[at] ?? label.x;
				return row < 0 ? [] : [{ x: label.x, row, from: middle - half, to: middle + half }];
			});
			assert.ok(placed.length >= least, `${placed.length} of ${count} are placed`);
			for (const [at, a] of placed.entries())
				for (const b of placed.slice(at + 1))
					if (kind === "slanted") assert.ok(Math.abs(a.x - b.x) >= 20);
					else if (a.row === b.row) assert.ok(a.to <= b.from || b.to <= a.from, JSON.stringify([a, b]));
					else {
						const [above, below] = a.row > b.row ? [a, b] : [b, a];
						assert.ok(above.x < below.from || above.x > below.to, "a line crosses a label");
					}
		});

	it("keeps all labels inside the room that there is", () => {
		const plan = placeLabels(wanted([5, 650]), wanted([5, 650]), -20, 670);
		const half = pixelsOf("104 Not a directory", LABEL.bottom) / 2;
		assert.ok((plan.middles[0] ?? 0) - half >= -20 && (plan.middles[1] ?? 0) + half <= 670);
	});

	it("leaves out ordinary labels before those of refused writes", () => {
		const labels = every(8, 50).map((x, at) => ({
			x,
			top: "set /a/key",
			bottom: "105",
			weight: at % 10 === 5 ? 2 : 0,
		}));
		const plan = placeLabels(labels, labels, 0, 680);
		assert.ok(plan.rows.includes(-1), "there is no room for all");
		for (const [at, label] of labels.entries()) if (label.weight === 2) assert.equal(plan.rows[at], 0);
	});
});

describe("the indexes that an axis names", () => {
	it("are at most 12, in the range, evenly apart, and no more than there is room for, whatever the range", () => {
		fc.assert(
			fc.property(fc.nat(10 ** 15), fc.nat({ max: 10 ** 9 }), (lo, length) => {
				const hi = lo + length + 1;
				const ticks = indexTicks(lo - 0.4, hi + 0.4);
				const [first = 0, second = first + 1] = ticks;
				assert.ok(ticks.length >= 1 && ticks.length <= 12, `${ticks.length} ticks`);
				assert.ok(first >= lo && (ticks.at(-1) ?? 0) <= hi);
				assert.deepEqual(
					ticks,
					ticks.map((_, nth) => first + nth * (second - first)),
				);
				const pixels = ticks.reduce((sum, tick) => sum + pixelsOf(String(tick), 11), 0);
				assert.ok(pixels <= PLOT_WIDTH + pixelsOf(String(hi), 11), `${pixels} pixels of ${PLOT_WIDTH}`);
			}),
		);
	});
});
