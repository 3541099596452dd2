import assert from "node:assert/strict";
import {
	ChaosFormatError,
	type ChaosResults,
	chaosChart,
	chaosTable,
	loadChaosResults,
	recordedChaos,
} from "#lib/pages";

const count = (silentLosses: number, events = 1000, gaps = 0, resets = 0) => ({
	runs: 10,
	events,
	silentLosses,
	gaps,
	resets,
});

const results: ChaosResults = {
	command: "npm run chaos -- --seed 1",
	etcd: "3.4.23",
	members: 3,
	runs: 40,
	events: 1_234_567,
	kinds: [
		{
			name: "snapshot catch-up",
			group: "cluster",
			consumers: {
				naive: count(400),
				textbook: count(1),
				"node-etcd": count(1000),
				follow: count(0, 1000, 3),
			},
		},
		{
			name: "a cut <b>",
			group: "connection",
			consumers: { naive: count(999), textbook: count(0), follow: count(0) },
		},
		{ name: "a wipe", group: "cluster", consumers: { naive: count(5), follow: count(0, 1000, 0, 12) } },
	],
};
const saved = (change: object = {}) =>
	JSON.stringify({ format: "etcd-watch-lab/chaos", version: 1, ...results, ...change });
const words = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = ""]) => text);

describe("loadChaosResults", () => {
	it("reads what it knows, and leaves out what it does not", () => {
		const { format, version, ...rest } = { format: "", version: 0, ...loadChaosResults(saved({ seed: 7 })) };
		assert.deepEqual([format, version, rest], ["etcd-watch-lab/chaos", 1, results]);
	});

	it("says where a text is none", () => {
		for (const [text, place] of [
			["{", /not JSON/],
			[saved({ version: 2 }), /version/],
			[saved({ kinds: [] }), /kinds/],
			[
				saved({ kinds: [{ ...results.kinds[0], consumers: { naive: count(-1) } }] }),
				/kinds\.0\.consumers\.naive/,
			],
		] as const)
			assert.throws(
				() => loadChaosResults(text),
				(error: unknown) => error instanceof ChaosFormatError && place.test(error.message),
			);
	});
});

describe("chaosChart", () => {
	const chart = chaosChart(results);

	it("has a row for each kind, by group, and a column for each consumer", () => {
		const shown = words(chart.svg);
		for (const text of [
			"naive loop",
			"textbook&#39;s loop",
			"node-etcd",
			"the follower",
			"snapshot catch-up",
		])
			assert.ok(
				shown.some((each) => each === text || each === text.replace("&#39;", "'")),
				text,
			);
		assert.ok(shown.indexOf("cluster") >= 0 && shown.indexOf("connection") >= 0);
		assert.match(chart.text, /cluster +│ snapshot catch-up .*\ncluster +│ a wipe .*\nconnection +│ a cut/);
	});

	it("draws a bar as long as the share that was lost, and one for a single event too", () => {
		const bars = [...chart.svg.matchAll(/<path[^>]*d="M[\d.-]+,[\d.-]+h([\d.]+)v12[^>]*fill="#D55E00"/g)];
		const widths = bars.map(([, width]) => Number(width)).sort((a, b) => a - b);
		assert.equal(widths.length, 5);
		const [least = 0, , , , most = 0] = widths;
		assert.ok(least === 2 && widths.some((width) => Math.abs(width - 0.4 * most) < 0.2), String(widths));
	});

	it("says what was lost of how many, and never that all was lost when one event came", () => {
		assert.match(chart.text, /400 \(40 %\) +│ 1 \(<1 %\) +│ 1,000 \(100 %\) +│ 0, told 3×/);
		assert.match(chart.text, /999 \(99 %\) +│ 0 +│ – +│ 0$/m);
		assert.match(chart.text, /a wipe +│ 5 \(<1 %\) +│ – +│ – +│ 0, told 12×/);
		assert.match(chart.svg, /the follower: 0 events lost in silence, in 0 of 3 kinds/);
	});

	it("shows names as text, and gives the same bytes for the same results", () => {
		assert.ok(!chart.svg.includes("<b>"));
		assert.equal(chaosChart(results).svg, chart.svg);
		assert.equal(chaosChart(results, { title: "x & y" }).text.split("\n")[0], "x & y");
	});
});

describe("recordedChaos", () => {
	for (const [api, other] of [
		["v2", "node-etcd"],
		["v3", "etcd3"],
	] as const) {
		it(`comes with the lab, for ${api}: made by a command that it names, with ${other} among the consumers`, () => {
			const recorded = recordedChaos(api);
			assert.match(recorded.command, /^npm run chaos -- .*--consumer all/);
			assert.equal(recorded.command.includes("--api v3"), api === "v3");
			const { text } = chaosTable(recorded);
			const names = [
				...text.matchAll(/^(naive loop|textbook's loop|node-etcd|microsoft\/etcd3|the follower) /gm),
			];
			const them = other === "etcd3" ? "microsoft/etcd3" : other;
			assert.deepEqual(
				names.map(([, name]) => name),
				["naive loop", "textbook's loop", them, "the follower"],
			);
			const lost = (consumer: "naive" | "follow") =>
				recorded.kinds.reduce((sum, { consumers }) => sum + (consumers[consumer]?.silentLosses ?? 0), 0);
			assert.equal(lost("follow"), 0);
			for (const { name, consumers } of recorded.kinds) {
				for (const { silentLosses, events } of Object.values(consumers))
					assert.ok(silentLosses <= events, name);
			}
			assert.ok(lost("naive") > 1_000);
		});
	}
});

describe("the text of chaosChart", () => {
	it("has a label of words or none, never an empty one", () => {
		assert.doesNotMatch(chaosChart(recordedChaos()).svg, /aria-label=""/);
	});
});

describe("chaosTable", () => {
	it("adds up the kinds of each consumer, and counts those with a loss", () => {
		const { text } = chaosTable(results);
		assert.match(text, /naive loop +│ +30 │ +3,000 │ ✗ 1,404 +│ 3 of 3 +│ +0 │ +0\n/);
		assert.match(text, /node-etcd +│ +10 │ +1,000 │ ✗ 1,000 +│ 1 of 1/);
		assert.match(text, /the follower +│ +30 │ +3,000 │ ✓ 0 +│ 0 of 3 +│ +3 │ +12\n/);
		assert.match(text, /90 runs of 3 kinds of faults, 9,000 events told or lost, 3 members of etcd 3.4.23/);
	});
});
