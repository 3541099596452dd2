import assert from "node:assert/strict";
import {
	claims,
	explain,
	loadTimeline,
	predict,
	saveTimeline,
	scenario,
	type Timeline,
} from "etcd-watch-lab";
import { timelineChart } from "etcd-watch-lab/chart";
import {
	comparePrediction,
	differenceTable,
	eventsTable,
	explainTable,
	gapTable,
	lossTable,
	predictionTable,
	timelineTable,
	verdictView,
} from "etcd-watch-lab/page";
import { logChart, treeChart } from "etcd-watch-lab/pages";
import { type Lab, startLab } from "etcd-watch-lab/server";
import type { Notebook } from "#tools/notebooks/file";
import { tellCounts } from "#tools/programs/counted";
import { notCovered } from "../../support/coverage";
import { etcdOf } from "../../support/etcds";
import { Kernel } from "../../support/kernel";
import { shareOf } from "../../support/share";
import { expectedVerdicts } from "./expected";
import { codeCells, pages, sourceOf, textOf, verdictsOf } from "./reading";
import { artifacts, begin } from "./runs";

/** Looked for, and built, by the tests that want it: not whenever this file is loaded. */
const newest = () => etcdOf("3.7");
const mark = /recorded on etcd 3\.5\.1 \(this server, etcd 3\.7\.\d+, has no v2 API\)/;

/** A run of 00, as the page has it. */
const ofPage = scenario("four writes, one watcher")
	.watch("w", "/a", { recursive: true })
	.set("/a/colour", "blue")
	.set("/b/colour", "red")
	.set("/a/colour/shade", "navy")
	.delete("/a/colour");

describe("a page's run on v2, on a server without", function () {
	this.timeout(180_000);
	let etcd: Lab | undefined;
	let seen: Timeline | undefined;
	before(async () => {
		const found = await newest();
		if ("missing" in found) return notCovered(`the pages on ${found.missing}`);
		etcd = await startLab({ binary: found.binary, env: {} });
		seen = await ofPage.run(etcd);
	});
	after(() => etcd?.close());

	it("is a record, and says so in every view of it, saved and loaded too", () => {
		if (seen === undefined) return;
		assert.equal(seen.server, "3.5.1");
		const loaded = loadTimeline(saveTimeline(seen));
		assert.deepEqual(loaded, seen);
		const { svg, spec, text } = timelineChart(loaded, {
			title: "a title of the page's",
			subtitle: "and more",
		});
		const views = {
			svg: svg.replace(/<[^>]+>/g, " "),
			spec: JSON.stringify(spec),
			text,
			table: timelineTable(loaded, { title: "t", subtitle: "s" }).text,
			events: eventsTable(loaded, "w").html,
			gaps: gapTable(loaded, "w").html,
			losses: lossTable([loaded]).html,
			reasons: explainTable(loaded).html,
			differences: differenceTable(loaded, loaded).html,
			prediction: predictionTable(comparePrediction(predict({ w: [1] }), loaded), [loaded]).html,
			verdict: verdictView(claims.childrenAreSeen(loaded), { evidence: false }).text,
			tree: treeChart(loaded).text,
			log: logChart(loaded, [], { title: "t" }).text,
		};
		for (const [name, view] of Object.entries(views)) assert.match(view.replace(/\s+/g, " "), mark, name);
		assert.equal(explain(loaded, "w", 1).reason, "recursive");
	});

	it("is told to who watches it", async () => {
		if (etcd === undefined) return;
		const told: Timeline[] = [];
		const again = await ofPage.run(etcd, { onChange: (timeline) => told.push(timeline()) });
		assert.deepEqual(told, [again]);
	});

	it("is not what a run on v3 gives, which is this server's", async () => {
		if (etcd === undefined) return;
		const live = await ofPage.run(etcd, { api: "v3" });
		assert.deepEqual([live.server, live.recorded], [etcd.version, undefined]);
		assert.doesNotMatch(timelineChart(live).text, /recorded/);
	});

	it("that a reader has changed is none: it says in one line what it needs", async () => {
		if (etcd === undefined) return;
		for (const own of [ofPage.set("/a/mine"), scenario("mine").watch("w", "/a").set("/a")]) {
			await assert.rejects(own.run(etcd), (error: unknown) => {
				assert.ok(error instanceof Error);
				assert.match(error.message, /^"[^"\n]+" needs the v2 API, .*\{ api: "v3" \}.*npm start[^\n]*$/);
				return true;
			});
		}
	});

	it("in a kernel: a cell that asks v2 itself shows its record, a reader's own says what is missing", async () => {
		const found = await newest();
		if ("missing" in found) return;
		const kernel = new Kernel({ ETCD_WATCH_LAB_ETCD: found.binary });
		try {
			assert.equal((await kernel.answer()).done, "start");
			await kernel.run('import { lab, scenario } from "etcd-watch-lab"; const etcd = await lab();');
			const cell = pages()
				.flatMap(({ notebook }) => codeCells(notebook).map(sourceOf))
				.find((source) => source.includes("the handler of this one throws"));
			assert.ok(cell);
			assert.match(await kernel.run(cell), new RegExp(`^${mark.source}:\nthe next event is 2\n$`));
			const own = await kernel.fails('await etcd.v2.set("/mine", "1");');
			assert.match(own, /^line 1: V2DisabledError: etcd 3\.7\.\d+ at \S+ has no v2 API: [^\n]*\n$/);
			const ownRun = await kernel.fails('await scenario("mine").watch("w", "/a").set("/a").run(etcd);');
			assert.match(ownRun, /^line 1: ScenarioError: "mine" needs the v2 API, [^\n]*\n$/);
		} finally {
			await kernel.end();
			kernel.remove();
		}
	});
});

describe("every page on an etcd 3.7, which has no v2", function () {
	this.timeout(300_000);
	const share = shareOf(pages(), "0/6");
	const runs = new Map<string, Promise<Notebook>>();
	before("begins all runs", async () => {
		const found = await newest();
		if ("missing" in found) return notCovered(`the pages on ${found.missing}`);
		const env = { ETCD_WATCH_LAB_ETCD: found.binary };
		for (const { name, file } of share) runs.set(name, begin(file, { outDir: artifacts("etcd-3.7"), env }));
	});

	for (const { name } of share) {
		it(`${name} runs to its end with no error; what is of v2 is a record, and said to be one`, async () => {
			const notebook = await runs.get(name);
			if (notebook === undefined) return;
			const cells = codeCells(notebook);
			const about = (cells[0]?.outputs ?? []).map(textOf).join();
			const [, version] = /^etcd (3\.7\.\d+).*it has no v2 API/.exec(about) ?? [];
			assert.ok(version, about);
			for (const [at, cell] of cells.entries()) {
				const where = `cell ${at + 1}`;
				const outputs = cell.outputs ?? [];
				for (const { output_type, name: stream } of outputs)
					assert.ok(output_type !== "error" && stream !== "stderr", where);
				if (!asksV2(sourceOf(cell))) continue;
				assert.ok(
					outputs.some((output) => mark.test(textOf(output).replace(/\s+/g, " "))),
					where,
				);
			}
			const verdicts = verdictsOf(notebook).map(({ verdict }) => verdict);
			const committed = (expectedVerdicts[name] ?? []).map(([, verdict]) => verdict);
			// Its one verdict is of the fault 18089, which 3.5.1 has and 3.7 has not.
			assert.deepEqual(verdicts, name === "10-versions" ? ["confirmed"] : committed);
			tellCounts([version], { pages: 1 });
		});
	}
});

/** Whether a cell runs something on v2, or asks it. */
function asksV2(source: string): boolean {
	return /\.run\((etcd|here)\)|\.v2\b|runWithReads\(\w+, etcd\)|lossBySpeed\(|slideHistory\(|readsWhenCutOff\(|endOfAPoll\(|answersTo\(/.test(
		source.replace(/^import[\s\S]*?;$/gm, ""),
	);
}
