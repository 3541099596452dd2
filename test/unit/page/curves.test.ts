import assert from "node:assert/strict";
import { verdictView } from "#lib/page";
import { type CurveInput, curveChart, windowChart } from "#lib/pages";
import {
	assertOnlyMarkup,
	assertOnlySvg,
	rowsWith,
	spokenBy,
	textsOf,
	viewOf,
} from "../../support/page/charts";
import { burst, postsRun } from "../../support/page/fixtures";

const pointsOf = (...ys: readonly number[]) => ys.map((y, nth) => [10 ** (nth + 1), y] as const);

const lost: CurveInput = {
	title: "How much is lost",
	x: { label: "writes a second", log: true },
	y: { label: "lost, %" },
	series: [
		{
			name: "polls",
			points: pointsOf(0, 11, 68),
		},
		{
			name: "<b>loop</b>",
			points: pointsOf(0, 0, 0),
		},
	],
};

describe("curveChart", () => {
	it("compiles with no warning, as lines and as bars", () => {
		assert.deepEqual(viewOf(curveChart(lost)).warnings, []);
		assert.deepEqual(viewOf(curveChart({ ...lost, kind: "bar", x: { label: "client" } })).warnings, []);
	});

	it("escapes the names that it is given", () => {
		const { svg } = curveChart(lost);
		assertOnlySvg(svg);
		assert.ok(textsOf(svg).includes("<b>loop</b>"));
	});

	it("gives each series a shape of its own, not only a colour", () => {
		const { spec } = curveChart(lost);
		const shapes = [...JSON.stringify(spec["layer"]).matchAll(/"type":"point","shape":"([a-z-]+)"/g)];
		assert.deepEqual([...new Set(shapes.map(([, shape]) => shape))], ["circle", "square"]);
	});

	it("has every value in its text twin", () => {
		assert.match(curveChart(lost).text, /1000 │ +68 │ +0/);
	});

	it("draws bars on a logarithmic axis, none upon another", () => {
		const bars = { ...lost, kind: "bar", x: { label: "client" }, y: { label: "ms", log: true } } as const;
		const series = [{ name: "a", points: [["one", 3] as const, ["two", 50] as const] }];
		assert.deepEqual(viewOf(curveChart({ ...bars, series })).warnings, []);
	});

	for (const [what, words] of [
		["are the same when shortened", [1, 2].map((n) => `${"x".repeat(20)}${n}${"y".repeat(20)}`)],
		["differ by what tells two that are the same apart", ["run (2)", "run"]],
	] as const)
		it(`keeps two bars apart whose words ${what}`, () => {
			const series = [{ name: "a", points: words.map((word, at) => [word, at + 1] as const) }];
			const bars = curveChart({ ...lost, kind: "bar", x: { label: "client" }, series });
			assert.equal(new Set(rowsWith(bars, "nth", "x", "y").map(({ x }) => x)).size, 2);
		});

	it("keeps numbers of twelve digits and long words below bars in the picture, and apart", () => {
		const words = Array.from({ length: 8 }, (_, n) => `client number ${n}, of a kind`);
		const series = [{ name: "a", points: words.map((word) => [word, 123_456_789_012] as const) }];
		const chart = curveChart({ ...lost, kind: "bar", x: { label: "client" }, series });
		const { left } = chart.spec["padding"] as { readonly left: number };
		const [, title] = /translate\((-\d+),130\) rotate\(-90\)/.exec(chart.svg) ?? [];
		assert.ok(left + Number(title) > 8, `the title of the axis at ${title}, ${left} from the edge`);
		const labels = [...chart.svg.matchAll(/translate\(([\d.]+),[\d.]+\) rotate\(330\)[^>]*>(client[^<]*)</g)];
		assert.equal(labels.length, words.length);
		for (const [, x, text = ""] of labels) {
			assert.ok(left + Number(x) - text.length * 5.8 > 0, text);
			assert.match(text, /of a kind( \(\d\))?$/, "cut by Vega");
		}
	});

	const impossible: readonly (readonly [string, Partial<CurveInput>, RegExp])[] = [
		["a value that is not finite", { series: [{ name: "a", points: [[1, Number.NaN]] }] }, /not finite/],
		["0 on a logarithmic axis", { series: [{ name: "a", points: [[0, 1]] }] }, /not above 0/],
		["a word as x of a line", { series: [{ name: "a", points: [["one", 1]] }] }, /a line's x is a number/],
		[
			"seven series",
			{ series: Array.from({ length: 7 }, (_, n) => ({ name: `${n}`, points: [] })) },
			/at most 6/,
		],
	];
	for (const [what, change, message] of impossible)
		it(`refuses ${what}`, () => {
			assert.throws(() => curveChart({ ...lost, ...change }), { name: "RangeError", message });
		});
});

describe("windowChart", () => {
	const sliding = {
		events: [{ index: 1, label: "set /<quiet>" }],
		moments: [
			{ index: 500, oldestKept: 1, newestKept: 500 },
			{ index: 1000, oldestKept: 1, newestKept: 1000, note: "the last moment" },
			{ index: 1001, oldestKept: 2, newestKept: 1001 },
		],
	};

	it("compiles with no warning, and escapes what it is given", () => {
		const chart = windowChart(sliding);
		assert.deepEqual(viewOf(chart).warnings, []);
		assertOnlySvg(chart.svg);
	});

	it("draws a followed event as gone from the moment it falls out of the window", () => {
		const says = rowsWith(windowChart(sliding), "say", "shape").map((row) => String(row["say"]));
		assert.deepEqual(
			says.map((say) => /gone/.test(say)),
			[false, false, true],
		);
	});

	it("plays up to an index with the slider", () => {
		const { view } = viewOf(windowChart(sliding));
		const bands = () => spokenBy(view).filter(({ say }) => say.startsWith("At index")).length;
		const all = bands();
		view.signal("upTo", 999).run();
		assert.deepEqual([all, bands()], [3, 1]);
	});

	it("refuses no moment, and one whose oldest index is above its newest", () => {
		assert.throws(() => windowChart({ moments: [] }), RangeError);
		assert.throws(() => windowChart({ moments: [{ index: 1, oldestKept: 3, newestKept: 2 }] }), RangeError);
	});
});

describe("verdictView", () => {
	const [, refused] = postsRun().writes;
	assert.ok(refused);
	const verdict = {
		claim: "grandchildren are <b>not</b> seen",
		verdict: "untested",
		because: "nothing below /a/b was ever written",
		evidence: [{ kind: "write", write: refused }],
	} as const;
	const { html, text } = verdictView(verdict);

	it("names the verdict by word and sign, and the evidence in words", () => {
		assert.equal(
			text,
			`? untested: grandchildren are <b>not</b> seen
  nothing below /a/b was ever written
  - write 2, set /a/b/c: refused with 104 Not a directory (/a/b)
`,
		);
	});

	it("gives the writes of a burst no number, since they race each other", () => {
		const [write] = burst(2).writes;
		assert.ok(write);
		assert.match(
			verdictView({ ...verdict, evidence: [{ kind: "write", write }] }).text,
			/- write of a burst, set \/a\/1: took index 1\n/,
		);
	});

	it("shows six rows of the evidence, and counts the rest", () => {
		const evidence = burst(10).writes.map((write) => ({ kind: "write", write }) as const);
		const long = verdictView({ ...verdict, evidence }).text;
		assert.equal(long.split("\n").filter((line) => line.startsWith("  - write")).length, 6);
		assert.match(long, / {2}- … and 4 more\n$/);
	});

	it("leaves the evidence out where it is told to", () => {
		const brief = verdictView(verdict, { evidence: false });
		assert.equal(brief.text, text.split("\n").slice(0, 2).join("\n").concat("\n"));
		assert.doesNotMatch(brief.html, /<li>/);
	});

	it("escapes the claim", () => {
		assertOnlyMarkup(html, ["div", "p", "strong", "ul", "li"], /^(style|class)$/);
	});
});
