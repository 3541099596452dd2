import { checkTimeline } from "../timeline/account";
import { compareTimelines, twoScenarios } from "../timeline/compare";
import { explain, whyWords } from "../timeline/explain";
import { printable } from "../timeline/printable";
import {
	manyWords,
	serverWords,
	stretchesInWords,
	unitOf,
	watcherWords,
	writeWords,
} from "../timeline/reading";
import type { Timeline, WriteRecord } from "../timeline/timeline";
import { show } from "./display";
import {
	type Cell,
	MOST_ALONE,
	reasonIn,
	rowsOf,
	showTable,
	type Table,
	tableBundle,
	tableOf,
} from "./table";

/** Shows why a watcher was or wasn't told of a write. Errors as `explain`. To have it as data, call `explain`. */
export function showExplanation(timeline: Timeline, watcher: string, write: number): void {
	const { words, source, notebook } = explain(timeline, watcher, write);
	const written = timeline.writes.find(({ id }) => id === write);
	showTable({
		of: [timeline],
		title: `Write ${write}${written ? `, ${writeWords(written, unitOf(timeline))}` : ""}, at "${printable(watcher)}"`,
		columns: ["why", "in etcd 3.5", "the page that shows it"],
		rows: [[words, source === "" ? "the client's doing" : source, notebook]],
	});
}

/**
 * The reasons for every write at every watcher, as a table. Writes of a long run with the same reasons share a row, the
 * rarest at the top.
 */
export function explainTable(timeline: Timeline): Table {
	checkTimeline(timeline);
	const reasoned = timeline.writes.map((write) => ({
		write,
		reasons: timeline.watchers.map(({ name }) => whyWords(timeline, name, write.id)),
	}));
	const groups = rowsOf(reasoned, ({ write, reasons }) => [
		write.operation,
		write.outcome.kind,
		...reasons.map((words) => reasonIn(words, printable(write.key))),
	]);
	return tableOf({
		of: [timeline],
		title: `Why each watcher was or wasn't told: ${printable(timeline.name)}`,
		columns: [
			unitOf(timeline),
			"write",
			...timeline.watchers.map((one) => `${printable(one.name)}: ${watcherWords(one, unitOf(timeline))}`),
		],
		rows: groups.map((group) => [
			indexes(group.map(({ write }) => write)),
			manyWords(group.length, group[0].write, unitOf(timeline)),
			...group[0].reasons,
		]),
		mostRows: MOST_ALONE,
		notes:
			groups.length < reasoned.length
				? [
						"Writes with the same reasons share a row, which words them for the first; the rarest are at the top.",
					]
				: [],
	});
}

function indexes(writes: readonly WriteRecord[]): string {
	const all = writes.flatMap(({ outcome }) => (outcome.kind === "accepted" ? [outcome.index] : []));
	return all.length === 0 ? "–" : stretchesInWords(all.sort((a, b) => a - b));
}

/**
 * Compares two runs of one scenario and shows, loudly, where they differ. Of many places neighbours that differ in the
 * same way share a row, the rarest at the top. To have it as data: `compareTimelines`.
 */
export function differenceTable(one: Timeline, other: Timeline): Table {
	const differences = compareTimelines(one, other);
	const [left, right] = [serverWords(one), serverWords(other)];
	if (differences.length === 0) {
		const events = one.watchers.reduce((sum, { deliveries }) => sum + deliveries.length, 0);
		return tableOf({
			of: [one, other],
			columns: [`${left} and ${right}`, "writes compared", "events compared"],
			rows: [[{ text: "the same, event by event", mark: "right" }, one.writes.length, events]],
		});
	}
	const isSilent = (words: string) => words === "nothing";
	const groups = rowsOf(differences, ({ where, nth, fields, ...said }) => [
		nth?.of ?? where,
		isSilent(said.one),
		isSilent(said.other),
		fields,
	]);
	const isApart = differences.some(({ notCompared }) => notCompared === twoScenarios);
	const count = `${differences.length} ${differences.length === 1 ? "place" : "places"}`;
	return tableOf({
		of: [one, other],
		title: isApart ? `NOT COMPARABLE: ${twoScenarios}` : `DIFFERENT in ${count}`,
		...(isApart ? { subtitle: "Run the same scenario in both." } : {}),
		columns: ["where", left, right],
		rows: groups.map((group): Cell[] => {
			const [first] = group;
			if (group.length === 1) return [{ text: first.where, mark: "wrong" }, first.one, first.other];
			const numbers = group.flatMap(({ nth }) => nth?.number ?? []).sort((a, b) => a - b);
			const where = `${first.nth?.of}s ${stretchesInWords(numbers)}`;
			const many = (words: string) =>
				isSilent(words) ? words : `${group.length} of them, the first: ${words}`;
			return [{ text: where, mark: "wrong" }, many(first.one), many(first.other)];
		}),
		mostRows: MOST_ALONE,
		notes: differences.flatMap(({ where, notCompared }) =>
			isApart || notCompared === undefined ? [] : [`${where}: ${notCompared}.`],
		),
	});
}

/** Shows why each watcher was or wasn't told of each write. To have it as data, call `explainTable`. */
export function explainMatrix(timeline: Timeline): void {
	show(tableBundle(explainTable(timeline)));
}

/** Shows where two runs of one scenario differ, or that they don't. To have it as data, call `differenceTable`. */
export function showDifferences(one: Timeline, other: Timeline): void {
	show(tableBundle(differenceTable(one, other)));
}
