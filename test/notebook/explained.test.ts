import assert from "node:assert/strict";
import { differenceTable, explainTable, runOnModel, scenario, treeChart } from "etcd-watch-lab";

const hostile = "/a/<img src=x onerror=alert(1)>";
const steps = scenario("hostile").watch("w", "/a").set(hostile, "</script>").set("/b", "x");
const run = runOnModel(steps);

describe("explainTable", () => {
	it("has a row for each write and a column for each watcher", () => {
		const { text } = explainTable(runOnModel(scenario("two").watch("w", "/a").set("/a", "1").set("/b", "2")));
		assert.match(text, /1 │ set \/a │ delivered: the write is on the watched key itself/);
		assert.match(text, /2 │ set \/b │ not delivered: \/b is not below \/a/);
	});

	it("keeps a hostile key as text", () => {
		const { html } = explainTable(run);
		assert.ok(html.includes("&lt;img src=x onerror=alert(1)&gt;"));
		assert.ok(!html.includes("<img"));
	});

	it("cuts a long run, and says how much it left out", () => {
		const long = runOnModel(scenario("long").watch("w", "/a").burst("/a", { count: 100 }));
		assert.match(explainTable(long).text, /and 60 more writes/);
	});
});

describe("differenceTable", () => {
	it("says that two runs are the same, and how much was compared", () => {
		const { text } = differenceTable(run, runOnModel(steps));
		assert.match(text, /the same, event by event/);
	});

	it("is loud about a difference", () => {
		const other = runOnModel(scenario("hostile").watch("w", "/a").set(hostile, "1").set("/b", "x"));
		const { text } = differenceTable(run, other);
		assert.match(text, /^DIFFERENT in 1 place/);
		assert.match(text, /write 1.*node\.value/);
	});
});

describe("treeChart", () => {
	it("has the tree of each index, the implicit directories too, and marks what was written then", () => {
		const { text } = treeChart(
			runOnModel(
				scenario("tree").set("/a/b", "1").set("/c", "2").rmdir("/a", { recursive: true }).mkdir("/d"),
			),
		);
		assert.equal(
			text.slice(text.indexOf("  index 0")),
			[
				"  index 0: nothing has been written",
				"  index 1: set /a/b",
				"    a/",
				"      b = 1   (1)",
				"  index 2: set /c",
				"    a/",
				"      b = 1   (1)",
				"    c = 2   (2)",
				"  index 3: rmdir /a",
				"    c = 2   (2)",
				"  index 4: mkdir /d",
				"    c = 2   (2)",
				"    d/",
				"",
			].join("\n"),
		);
	});

	it("gives the same bytes for the same run, and escapes hostile keys", () => {
		const { svg } = treeChart(run);
		assert.equal(svg, treeChart(runOnModel(steps)).svg);
		assert.ok(!svg.includes("<img"));
	});

	it("refuses a run that is too long to travel over", () => {
		const long = runOnModel(scenario("long").burst("/a", { count: 121 }));
		assert.throws(() => treeChart(long), /too long to travel over: at most 120/);
	});
});
