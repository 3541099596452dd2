import { compareTimelines } from "../timeline/compare";
import { explain, explainAll } from "../timeline/explain";
import { printable } from "../timeline/printable";
import { unitOf, watcherWords, writeWords } from "../timeline/reading";
import type { Timeline } from "../timeline/timeline";
import { show } from "./display";
import { type Cell, showTable, type Table, tableBundle, tableOf } from "./table";

/** The most writes that a matrix shows; of a longer run the first ones. */
const mostRows = 40;

/** Shows why a watcher was or wasn't told of a write. Errors as `explain`. To have it as data, call `explain`. */
export function showExplanation(timeline: Timeline, watcher: string, write: number): void {
	const { words, source, notebook } = explain(timeline, watcher, write);
	const written = timeline.writes.find(({ id }) => id === write);
	showTable({
		title: `Write ${write}${written ? `, ${writeWords(written)}` : ""}, at "${printable(watcher)}"`,
		columns: ["why", "in etcd 3.5", "the page that shows it"],
		rows: [[words, source === "" ? "the client's doing" : source, notebook]],
	});
}

/** The reasons for every write at every watcher, as a table. @throws UnknownReasonError */
export function explainTable(timeline: Timeline): Table {
	const reasons = explainAll(timeline);
	const rows = timeline.writes
		.slice(0, mostRows)
		.map((write, at): Cell[] => [
			write.outcome.kind === "accepted" ? write.outcome.index : "–",
			writeWords(write),
			...(reasons[at] ?? []).map(({ words }) => words),
		]);
	const left = timeline.writes.length - rows.length;
	return tableOf({
		title: `Why each watcher was or wasn't told: ${printable(timeline.name)}`,
		columns: [
			unitOf(timeline),
			"write",
			...timeline.watchers.map((one) => `${printable(one.name)}: ${watcherWords(one)}`),
		],
		rows,
		...(left > 0 ? { notes: [`and ${left} more writes`] } : {}),
	});
}

/** Compares two runs of one scenario and shows, loudly, where they differ. To have it as data: `compareTimelines`. */
export function differenceTable(one: Timeline, other: Timeline): Table {
	const differences = compareTimelines(one, other);
	const [left, right] = [one, other].map(({ server }) => (/^\d/.test(server) ? `etcd ${server}` : server));
	if (differences.length === 0) {
		const events = one.watchers.reduce((sum, { deliveries }) => sum + deliveries.length, 0);
		return tableOf({
			columns: [`${left} and ${right}`, "writes compared", "events compared"],
			rows: [[{ text: "the same, event by event", mark: "right" }, one.writes.length, events]],
		});
	}
	return tableOf({
		title: `DIFFERENT in ${differences.length} ${differences.length === 1 ? "place" : "places"}`,
		columns: ["where", left ?? "one", right ?? "the other"],
		rows: differences
			.slice(0, mostRows)
			.map((difference) => [{ text: difference.where, mark: "wrong" }, difference.one, difference.other]),
	});
}

/** Shows `explainTable`. */
export function explainMatrix(timeline: Timeline): void {
	show(tableBundle(explainTable(timeline)));
}

/** Shows `differenceTable`. */
export function showDifferences(one: Timeline, other: Timeline): void {
	show(tableBundle(differenceTable(one, other)));
}
