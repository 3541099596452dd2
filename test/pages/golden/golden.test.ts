import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { claims, exercises, explain, missedBy, type Timeline } from "etcd-watch-lab";
import { sideBySideChart, timelineChart } from "#lib/chart";
import {
	comparePrediction,
	eventsTable,
	explainTable,
	gapTable,
	lossTable,
	predictionOf,
	predictionTable,
	timelineTable,
	verdictView,
} from "#lib/page";
import { carriedTable, chaosChart, chaosTable, recordedChaos, treeChart } from "#lib/pages";
import { lostInSilence } from "#lib/timeline";
import { accountOf } from "#lib/timeline/account/index.js";
import { reasons } from "#lib/timeline/account/reasons.js";
import { root } from "#tools/paths";
import { oddRuns } from "./odd";

const folder = path.join(root, "test", "pages", "golden");
const list = path.join(folder, "hashes.txt");

/** What the pages ran when `timelines.json.br` was saved, by page and number. */
function pageRuns(): Readonly<Record<string, Timeline>> {
	return JSON.parse(brotliDecompressSync(fs.readFileSync(path.join(folder, "timelines.json.br"))).toString());
}

/** What is made of a timeline, by name; an error is its message. Of what the pages ran, one chart each: they take long. */
function outputsOf(run: Timeline, isOdd: boolean): Record<string, () => unknown> {
	const { watchers } = run;
	const each = (show: (name: string) => unknown) => () => watchers.map(({ name }) => shown(() => show(name)));
	const answers = (answer: "all" | "none") =>
		predictionOf(Object.fromEntries(watchers.map(({ name }) => [name, answer])));
	const chart = timelineChart(run);
	const drawn = {
		spec: () => chart.spec,
		svg: () => chart.svg,
		text: () => chart.text,
		"timeline table": () => timelineTable(run),
		"gap tables": each((name) => gapTable(run, name)),
		"loss table": () => lossTable([run]),
	};
	if (run.writes.length > 6000) return drawn;
	const ofAny = {
		...drawn,
		missed: each((name) => [missedBy(run, name), lostInSilence(run, name)]),
		verdicts: () => Object.values(claims).map((claim) => verdictView(claim(run))),
		exercises: () => Object.values(exercises).map((exercise) => exercise.judge(run)),
	};
	const charts = {
		"side by side": () => sideBySideChart(run, { ...run, watchers: watchers.slice(0, 1) }).spec,
		tree: () => (({ svg, text }) => [svg, text])(treeChart(run)),
	};
	// Of a long one no page shows more, and it takes long.
	if (run.writes.length > 500) return ofAny;
	return {
		...ofAny,
		...(isOdd ? charts : {}),
		"event tables": each((name) => eventsTable(run, name)),
		"fields carried": each((name) => carriedTable(run, name)),
		"prediction: all": () => predictionTable(comparePrediction(answers("all"), run)),
		"prediction: none": () => predictionTable(comparePrediction(answers("none"), run)),
		"explanation table": () => explainTable(run),
		explanations: each((name) => run.writes.map(({ id }) => shown(() => explain(run, name, id)))),
	};
}

function shown(make: () => unknown): unknown {
	try {
		return make();
	} catch (error) {
		return `throws ${error instanceof Error ? error.message : String(error)}`;
	}
}

function hashOf(made: unknown): string {
	const text = typeof made === "string" ? made : (JSON.stringify(made) ?? "undefined");
	return createHash("sha256").update(text).digest("hex").slice(0, 10);
}

/**
 * Everything that is made of a timeline, as one hash each: a change of the code that means to change nothing moves
 * none of them. Where one moves and should, `ETCD_WATCH_LAB_GOLDEN=update` writes the list anew, and the commit says
 * which moved and why. `ETCD_WATCH_LAB_GOLDEN=folder:PATH` writes the outputs themselves into a folder, to be compared.
 */
describe("what is made of a timeline", function () {
	this.timeout(120_000);
	const wish = process.env["ETCD_WATCH_LAB_GOLDEN"] ?? "";
	const kept = new Map(
		(fs.existsSync(list) ? fs.readFileSync(list, "utf8") : "")
			.split("\n")
			.filter((line) => line !== "")
			.map((line) => [line.slice(11), line.slice(0, 10)] as const),
	);
	const now = new Map<string, string>();

	const compare = (name: string, outputs: Record<string, () => unknown>) => {
		const moved: string[] = [];
		for (const [output, make] of Object.entries(outputs)) {
			const made = shown(make);
			const hash = hashOf(made);
			const key = `${name} | ${output}`;
			now.set(key, hash);
			if (wish.startsWith("folder:")) write(wish.slice("folder:".length), key, made);
			if (kept.get(key) !== hash) moved.push(output);
		}
		if (wish === "") assert.deepEqual(moved, [], `moved, of "${name}": ${moved.join(", ")}`);
	};

	const odd = oddRuns();
	for (const [name, found] of [...Object.entries(pageRuns()), ...Object.entries(odd)])
		it(`is what it was: ${name}`, async () => {
			const run = typeof found === "function" ? await found() : found;
			compare(name, outputsOf(run, name in odd));
		});

	it("gives every reason that there is", async () => {
		const runs = await Promise.all([...Object.values(pageRuns()), ...Object.values(odd).map((run) => run())]);
		const given = new Set(runs.flatMap((run) => [...reasonsIn(run)]));
		// `explain` throws for it.
		given.add("unexplained");
		assert.deepEqual(
			reasons.filter((reason) => !given.has(reason)),
			[],
		);
	});

	// It moves when the record is made anew, too.
	for (const api of ["v2", "v3"] as const)
		it(`is what it was: the record of chaos, ${api}`, () => {
			const results = recordedChaos(api);
			const { spec, svg, text } = chaosChart(results);
			compare(`the record of chaos, ${api}`, {
				spec: () => spec,
				svg: () => svg,
				text: () => text,
				table: () => chaosTable(results),
			});
		});

	after(() => {
		if (wish !== "update") return;
		// A run of some by mocha's -g leaves the others as they are.
		const lines = [...new Map([...kept, ...now])].map(([key, hash]) => `${hash} ${key}\n`);
		fs.writeFileSync(list, lines.join(""));
	});
});

/** By which rules a run's writes came or not, of one that is not long. */
function reasonsIn(run: Timeline): ReadonlySet<string> {
	if (run.writes.length > 500) return new Set();
	const all = accountOf(run).watchers.flatMap((watcher) => run.writes.map((write) => watcher.fateOf(write)));
	return new Set(all.flatMap(({ reason, fates }) => [reason, ...fates.map((fate) => fate.reason)]));
}

function write(to: string, key: string, made: unknown): void {
	fs.mkdirSync(to, { recursive: true });
	const text = typeof made === "string" ? made : JSON.stringify(made, undefined, 1);
	fs.writeFileSync(
		path.join(to, `${key.replaceAll(/[^\w. |-]/g, "_").replaceAll(" | ", "__")}.txt`),
		text ?? "",
	);
}
