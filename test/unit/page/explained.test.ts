import assert from "node:assert/strict";
import { runOnModel, scenario, type Timeline } from "etcd-watch-lab";
import { differenceTable, explainMatrix, explainTable, showDifferences, showExplanation } from "#lib/page";
import { treeChart } from "#lib/pages";
import { asV3, severalKeys } from "../../pages/golden/odd";
import { accepted, linesOf, postsRun, said, timeline, twice, watcher } from "../../support/page/fixtures";

const hostile = "/a/<img src=x onerror=alert(1)>";
const steps = scenario("hostile").watch("w", "/a").set(hostile, "</script>").set("/b", "x");
let run: Timeline;
before(async () => {
	run = await runOnModel(steps);
});

const record = { recorded: "It is a record." };

describe("showExplanation", () => {
	const columns = "why │ in etcd 3.5 │ the page that shows it";
	it("says why, where in etcd, and which page shows it", () => {
		const shown = (timeline: Timeline, name: string, write: number) =>
			linesOf(said(() => showExplanation({ ...timeline, ...record }, name, write)));
		assert.deepEqual(shown(postsRun(), "plain", 2), [
			...['Write 2, set /a/b/c, at "plain"', columns],
			"not delivered: the write failed with 104 Not a directory (/a/b), so there was no event │ v2store/store.go │ 02-grandchild-writes",
			"It is a record.",
		]);
	});
});

describe("explainTable", () => {
	it("has a row for each write and a column for each watcher", async () => {
		const { text } = explainTable(
			await runOnModel(scenario("two").watch("w", "/a").set("/a", "1").set("/b", "2")),
		);
		assert.match(text, /1 │ set \/a │ delivered: the write is on the watched key itself/);
		assert.match(text, /2 │ set \/b │ not delivered: \/b is not below \/a/);
	});

	it("is this of a few writes, as it is shown", () => {
		const few = { ...postsRun(), ...record };
		const writes = [...few.writes.slice(0, 2), accepted(7, "set", "/z", 9)];
		const refused = "not delivered: the write failed with 104 Not a directory (/a/b), so there was no event";
		const lines = linesOf(explainTable({ ...few, writes, lastIndex: 9 }).text);
		assert.deepEqual(lines, [
			"Why each watcher was or wasn't told: the post's run",
			"index │ write │ recursive: watch /a, recursive │ plain: watch /a",
			"1 │ set /a/b │ delivered: /a/b is one level below /a, and the watch is recursive │ not delivered: the watcher is not recursive, and /a/b is one level below /a",
			`– │ set /a/b/c │ ${refused} │ ${refused}`,
			"9 │ set /z │ not delivered: /z is not below /a │ not delivered: /z is not below /a",
			"It is a record.",
		]);
		assert.equal(
			said(() => explainMatrix(few)),
			explainTable(few).text,
		);
	});

	it("of a long run goes by operation, outcome and reason, and by index where writes were under way together", () => {
		const many = Array.from({ length: 41 }, (_, at) => accepted(at + 1, "set", "/a/k", (at ^ 1) + 1));
		const [first, second] = many;
		assert.ok(first && second);
		const failed = { kind: "failed", message: "timed out", maybeApplied: true } as const;
		const writes = [
			...many,
			{ ...first, id: 42, operation: "create", outcome: { ...first.outcome, index: 50 } },
			{ ...first, id: 43, outcome: failed },
			{ ...first, id: 44, outcome: failed },
		];
		const lines = linesOf(explainTable(timeline("t", writes, [watcher("w", "/b", [])])).text);
		assert.deepEqual(
			lines.slice(2).map((line) => line.replace(/ │ [^│]*$/, "")),
			[
				"50 │ create /a/k",
				"– │ 2 × set, first /a/k",
				"1 to 40, 42 │ 41 × set, first /a/k",
				"Writes with the same reasons share a row, which words them for the first; the rarest are at the top.",
			],
		);
	});

	it("has 40 rows of a long run at most", () => {
		const writes = Array.from({ length: 44 }, (_, at) =>
			accepted(at + 1, "set", "/a", at + 1, { operation: `o${at}` }),
		);
		const lines = linesOf(explainTable(timeline("t", writes, [])).text);
		assert.deepEqual(
			[lines.length, lines[21], lines[22], lines[23]],
			[2 + 41, "20 │ o19 /a", "… and 4 more rows │", "25 │ o24 /a"],
		);
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
		const same = { ...twice(), ...record };
		assert.deepEqual(linesOf(differenceTable(same, { ...twice(), server: "the model of 3.5" }).text), [
			"etcd 3.5.1 and the model of 3.5 │ writes compared │ events compared",
			"✓ the same, event by event │ 3 │ 5",
			"It is a record.",
		]);
		assert.equal(
			said(() => showDifferences(same, twice())),
			differenceTable(same, twice()).text,
		);
	});

	it("is loud about a difference", async () => {
		const other = await runOnModel(scenario("hostile").watch("w", "/a").set(hostile, "1").set("/b", "x"));
		const { text } = differenceTable(run, other);
		assert.deepEqual(linesOf(text), [
			...["DIFFERENT in 1 place", "where │ the model of 3.5 │ the model of 3.5"],
			"✗ write 1 │ node.value: </script> │ node.value: 1",
		]);
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

	it("gives places a row of their own that differ in their kind, their fields, or by which says nothing", () => {
		const many = (value: string) =>
			Array.from({ length: 42 }, (_, at) => accepted(at + 1, "set", "/a", (at ^ 1) + 1, { value }));
		const [one, other] = [timeline("t", many("1"), []), timeline("t", many("2"), [])];
		const writes = other.writes.map((write, at) => ({ ...write, ...(at === 3 ? { by: "Ann" } : {}) }));
		const shown = linesOf(differenceTable(one, { ...other, writes: writes.slice(0, 41) }).text);
		assert.deepEqual(
			shown.map((line) => line.slice(0, 40)),
			[
				...["DIFFERENT in 42 places", "where │ etcd 3.5.1 │ etcd 3.5.1"],
				"✗ write 4 │ by: writer, node.value: 1 │ ",
				"✗ write 42 │ index: 41, node.modifiedInd",
				"✗ write 41 │ by: writer, operation: set,",
				"✗ writes 1 to 3, 5 to 40 │ 39 of them, t",
			],
		);
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
		const { text } = differenceTable(one, { ...other, ...record, server: "3.5.1" });
		assert.deepEqual(linesOf(text), [
			...["NOT COMPARABLE: these are runs of two scenarios", "Run the same scenario in both."],
			"where │ the model of 3.5 │ etcd 3.5.1",
			"✗ the scenario, write 1 │ set /a │ set /z",
			"It is a record.",
		]);
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
