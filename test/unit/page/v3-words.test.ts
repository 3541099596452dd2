import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { claims, predict, type Timeline } from "etcd-watch-lab";
import { timelineChart } from "#lib/chart";
import {
	comparePrediction,
	eventsTable,
	explainTable,
	predictionTable,
	timelineTable,
	verdictView,
} from "#lib/page";
import { carriedTable, treeChart } from "#lib/pages";
import { manyWords, watcherWords, writeWords } from "#lib/timeline/vocabulary.js";
import { root } from "#tools/paths";
import { watcher } from "../../support/page/fixtures";

const saved = path.join(root, "test", "pages", "golden", "timelines.json.br");
const all: Readonly<Record<string, Timeline>> = JSON.parse(
	brotliDecompressSync(fs.readFileSync(saved)).toString(),
);
const runs = Object.entries(all).filter(([, { api, writes }]) => api === "v3" && writes.length <= 100);

/** v2's words; a step that has no counterpart in v3 is named by its own, and said to have none. */
const ofV2 =
	/\b(set|create|update|compareAndSwap|compareAndDelete|mkdir|rmdir|expire|recursive|poll|polls|stream|waitIndex|afterIndex|createdIndex|modifiedIndex|prevNode|index|indexes|tree)\b/i;

/** The lines of an output that are the lab's own words: without keys, and the reason that a follower gave. */
function wordsIn(text: string, { name }: Timeline): string[] {
	return text
		.split("\n")
		.filter((line) => !line.includes("no counterpart") && !line.includes("of v3 it says nothing"))
		.map((line) => line.replaceAll(name, "").replace(/\/\S+|\([^)]*\)/g, ""));
}

describe("a run on v3 is told in v3's words", () => {
	for (const [name, run] of runs)
		it(`in chart, tables and claims: ${name}`, () => {
			const names = run.watchers.map((one) => one.name);
			const expected = Object.fromEntries(names.map((one) => [one, "all"] as const));
			const chart = timelineChart(run);
			const views = {
				chart: chart.text,
				labels: [...chart.svg.matchAll(/aria-label="([^"]*)"/g)].map(([, label]) => label).join("\n"),
				table: timelineTable(run).text,
				reasons: explainTable(run).text,
				...(names.length === 0
					? {}
					: { prediction: predictionTable(comparePrediction(predict(expected), run)).text }),
				tree: treeChart(run).text,
				...Object.fromEntries(names.map((one) => [`events of ${one}`, eventsTable(run, one).text])),
				...Object.fromEntries(names.map((one) => [`carried to ${one}`, carriedTable(run, one).text])),
				...Object.fromEntries(
					Object.entries(claims)
						.map(([claim, ask]) => [claim, ask(run)] as const)
						.filter(([, { because }]) => !because.startsWith("of v3 it says nothing"))
						.map(([claim, verdict]) => [claim, verdictView(verdict).text]),
				),
			};
			for (const [view, text] of Object.entries(views))
				for (const line of wordsIn(text, run)) {
					const own = names.reduce((rest, one) => rest.replaceAll(one, ""), line);
					assert.doesNotMatch(own, ofV2, `${view}: ${line}`);
				}
		});

	it("and the same run on v2 in v2's", () => {
		const write = { operation: "rmdir", key: "/a" };
		const poll = watcher("w", "/a", [], [], { kind: "poll", recursive: true });
		assert.deepEqual(
			(["index", "revision"] as const).map((unit) => [
				writeWords(write, unit),
				manyWords(3, { operation: "set", key: "/a/1" }, unit),
				watcherWords(poll, unit),
			]),
			[
				["rmdir /a", "3 × set, first /a/1", "poll /a, recursive"],
				["delete range /a/", "3 × put, first /a/1", "watch prefix /a/, one event"],
			],
		);
		assert.equal(watcherWords({ ...poll, key: "/", kind: "follow" }, "revision"), "follow prefix /");
	});
});
