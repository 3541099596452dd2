import assert from "node:assert/strict";
import { runOnModel, scenario, type Timeline } from "etcd-watch-lab";
import { differenceTable, explainTable } from "#lib/page";
import { treeChart } from "#lib/pages";
import { asV3, severalKeys } from "../../pages/golden/odd";

const hostile = "/a/<img src=x onerror=alert(1)>";
const steps = scenario("hostile").watch("w", "/a").set(hostile, "</script>").set("/b", "x");
let run: Timeline;
before(async () => {
	run = await runOnModel(steps);
});

describe("explainTable", () => {
	it("has a row for each write and a column for each watcher", async () => {
		const { text } = explainTable(
			await runOnModel(scenario("two").watch("w", "/a").set("/a", "1").set("/b", "2")),
		);
		assert.match(text, /1 │ set \/a │ delivered: the write is on the watched key itself/);
		assert.match(text, /2 │ set \/b │ not delivered: \/b is not below \/a/);
	});

	it("keeps a hostile key as text", () => {
		const { html } = explainTable(run);
		assert.ok(html.includes("&lt;img src=x onerror=alert(1)&gt;"));
		assert.ok(!html.includes("<img"));
	});

	it("gives writes of a long run with the same reasons one row, the rarest at the top", async () => {
		const long = await runOnModel(
			scenario("long")
				.watch("w", "/a", { recursive: true })
				.burst("/a", { count: 100 })
				.set("/b")
				.burst("/a", { count: 100 }),
		);
		const rows = explainTable(long)
			.text.split("\n")
			.filter((line) => /^ *\d/.test(line));
		assert.equal(rows.length, 2);
		assert.match(rows[0] ?? "", /^101 +│ set \/b +│ not delivered/);
		assert.match(
			rows[1] ?? "",
			/^1 to 100, 102 to 201 │ 200 × set, first \/a\/0 │ delivered: \/a\/0 is one level below/,
		);
	});

	it("says of one write that no rule accounts for, and shows all others", () => {
		const [watcher] = run.watchers;
		assert.ok(watcher);
		const stray = { ...run, watchers: [{ ...watcher, key: "/b", deliveries: [], proof: "fence" as const }] };
		assert.match(
			explainTable(stray).text,
			/1 │ set \/a\/<img.*not delivered.*\n +2 │ set \/b +│ UNEXPLAINED: /,
		);
	});
});

describe("differenceTable", () => {
	it("says that two runs are the same, and how much was compared", async () => {
		const { text } = differenceTable(run, await runOnModel(steps));
		assert.match(text, /the same, event by event/);
	});

	it("is loud about a difference", async () => {
		const other = await runOnModel(scenario("hostile").watch("w", "/a").set(hostile, "1").set("/b", "x"));
		const { text } = differenceTable(run, other);
		assert.match(text, /^DIFFERENT in 1 place/);
		assert.match(text, /write 1.*node\.value/);
	});

	it("gives many places that differ alike one row, the rarest at the top", async () => {
		const steps = scenario("many").watch("w", "/a", { recursive: true }).burst("/a", { count: 100 });
		const all = await runOnModel(steps);
		const [watcher] = all.watchers;
		const [first, ...others] = all.writes;
		assert.ok(watcher && first);
		const lossy = { ...watcher, deliveries: watcher.deliveries.slice(0, 20) };
		const seen = { ...all, server: "3.5.1", writes: [{ ...first, by: "Ann" }, ...others], watchers: [lossy] };
		const { text } = differenceTable(seen, all);
		const rows = text.split("\n").filter((line) => line.startsWith("✗"));
		assert.equal(rows.length, 2);
		assert.match(rows[0] ?? "", /^✗ write 1 +│ by: Ann/);
		assert.match(rows[1] ?? "", /^✗ "w", events 21 to 100 +│ nothing +│ 80 of them, the first: index: 21/);
	});

	it("goes by the fields that differ, whatever is in a value", async () => {
		const start = scenario("many").watch("w", "/z");
		const run = await runOnModel(
			Array.from({ length: 50 }, (_, n) => n).reduce(
				(steps, n) => steps.set(`/a/${n}`, `1, f${n}: x`),
				start,
			),
		);
		const writes = run.writes.map((write) => ({
			...write,
			outcome:
				write.outcome.kind === "accepted"
					? { ...write.outcome, node: { ...write.outcome.node, value: "2" } }
					: write.outcome,
		}));
		const rows = differenceTable(run, { ...run, writes })
			.text.split("\n")
			.filter((line) => line.startsWith("✗"));
		assert.equal(rows.length, 1);
		assert.match(rows[0] ?? "", /^✗ writes 1 to 50 │ 50 of them, the first: node.value: 1, f0: x/);
	});

	it("says why the model can't be held against one that a burst outran", async () => {
		const steps = scenario("many").watch("w", "/a", { recursive: true }).burst("/a", { count: 100 });
		const all = await runOnModel(steps);
		const [watcher] = all.watchers;
		assert.ok(watcher);
		const error = { kind: "error", at: 20, code: 401, message: "cleared", cause: "" } as const;
		const outrun = {
			...watcher,
			deliveries: watcher.deliveries.slice(0, 20),
			life: [...watcher.life, { ...error, gap: { from: 21, to: 30 } }],
		};
		const { text } = differenceTable({ ...all, server: "3.5.1", watchers: [outrun] }, all);
		assert.match(text, /^✗ "w", events 21 to 100 +│ ended with a 401 after 20 +│ 80 more/m);
		assert.match(text, /^"w", events 21 to 100: the model's loop is never outrun/m);
	});

	it("says that two scenarios can't be compared, and where they part", async () => {
		const one = await runOnModel(scenario("one").watch("w", "/a").set("/a", "1"));
		const other = await runOnModel(scenario("one").watch("w", "/a").set("/z", "1"));
		const { text } = differenceTable(one, other);
		assert.match(text, /^NOT COMPARABLE: these are runs of two scenarios\nRun the same scenario in both\./);
		assert.match(text, /^✗ the scenario, write 1 +│ set \/a +│ set \/z/m);
	});
});

describe("treeChart", () => {
	it("of a v3 run takes away every key of a revision, and nothing below another (N15)", async () => {
		const momentsOf = (run: Timeline) =>
			treeChart(run)
				.text.split(/^ {2}(?:index|revision) \d+: /m)
				.slice(1);
		const { [4]: gone } = momentsOf(severalKeys(3));
		assert.equal(gone, "delete range /a/\n");
		const flat = asV3(await runOnModel(scenario("x").set("/b").set("/c").delete("/b")));
		const below = JSON.parse(JSON.stringify(flat).replaceAll('"/c"', '"/b/x"'));
		assert.match(momentsOf(below)[2] ?? "", /^\w+ \/b\/x\n +\/b = .*\n +\/b\/x = /);
		assert.match(momentsOf(below)[3] ?? "", /^delete \/b\n +\/b\/x = /);
	});

	it("is empty after a wipe, and says how many keys it does not show (N15)", async () => {
		const run = await runOnModel(scenario("x").set("/a").set("/b").set("/c"));
		const { text } = treeChart({ ...run, faults: [{ kind: "wipe", at: 2 }] });
		assert.match(text, /index 2: set \/b\n +a = .*\n +b = /);
		assert.match(text, /index 3: set \/c\n +c = [^\n]*\n$/);
		let many = scenario("many");
		for (let at = 0; at < 40; at++) many = many.set(`/k/${at}`);
		assert.match(treeChart(await runOnModel(many)).text, /and 18 more keys\n$/);
	});

	it("has the tree of each index, the implicit directories too, and marks what was written then", async () => {
		const { text } = treeChart(
			await runOnModel(
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

	it("gives the same bytes for the same run, and escapes hostile keys", async () => {
		const { svg } = treeChart(run);
		assert.equal(svg, treeChart(await runOnModel(steps)).svg);
		assert.ok(!svg.includes("<img"));
	});

	it("refuses a run that is too long to travel over", async () => {
		const long = await runOnModel(scenario("long").burst("/a", { count: 121 }));
		assert.throws(() => treeChart(long), /too long to travel over: at most 120/);
	});
});
