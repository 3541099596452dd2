import type { Titles } from "../chart/frame";
import { timelineRows } from "../chart/text";
import { accountOf, checkTimeline } from "../timeline/account";
import { gapsOf, lostInSilence } from "../timeline/ask";
import { printable, shortened } from "../timeline/printable";
import { countsInWords, rangeWords, unitOf, watcherWords } from "../timeline/reading";
import type { NodeRecord, Timeline, WatcherRecord } from "../timeline/timeline";
import { show } from "./display";
import { type Cell, type Table, tableBundle, tableOf } from "./table";

/**
 * A run as a table: a row for each write, with the number that a prediction gives it, the refused ones marked, and a
 * column for each watcher.
 */
export function timelineTable(timeline: Timeline, options: Titles = {}): Table {
	const { rows, legend, notes } = timelineRows(timeline);
	return tableOf({
		of: [timeline],
		title: options.title ?? timeline.name,
		subtitle: options.subtitle ?? countsInWords(timeline),
		columns: [
			"no.",
			unitOf(timeline),
			"write",
			...timeline.watchers.map((watcher) => `${watcher.name}: ${watcherWords(watcher, unitOf(timeline))}`),
		],
		rows: rows.map((row) => [
			row.numbers,
			row.index,
			row.refused ? { text: row.write, mark: "refused" } : row.write,
			...row.cells,
		]),
		notes: [...legend, ...notes],
	});
}

/** Shows a run as a table: writes by watchers. To have it as data, call `timelineTable`. */
export function table(timeline: Timeline, options: Titles = {}): void {
	show(tableBundle(timelineTable(timeline, options)));
}

export interface EventTableOptions {
	readonly title?: string;
	/** True shows the server's own indexes instead of those counted from the start of the run. */
	readonly absolute?: boolean;
}

/**
 * The events that one watcher got, in the order of arrival, as the post's program printed them: event, key,
 * modifiedIndex, createdIndex, prevNode.modifiedIndex, and the index of the response that carried it.
 * @throws RangeError when the run has no watcher of this name.
 */
export function eventsTable(timeline: Timeline, watcherName: string, options: EventTableOptions = {}): Table {
	const { watcher } = accountOf(timeline).watcher(watcherName);
	const origin = options.absolute ? timeline.origin : 0;
	const isV3 = timeline.api === "v3";
	const replayed = watcher.deliveries.some((delivery) => delivery.fromHistory);
	return tableOf({
		of: [timeline],
		title: options.title ?? `${watcher.name}: ${watcherWords(watcher, unitOf(timeline))}`,
		columns: [
			"event",
			"key",
			...(isV3
				? ["mod_revision", "create_revision", "version", "prev_kv.mod_revision", "watched since"]
				: ["modifiedIndex", "createdIndex", "prevNode.modifiedIndex", "response index"]),
			...(replayed ? ["from"] : []),
		],
		rows: watcher.deliveries.map((delivery) => [
			delivery.action,
			delivery.key,
			delivery.index + origin,
			isV3 && delivery.node.createdIndex === 0 ? 0 : delivery.node.createdIndex + origin,
			...(isV3 ? [delivery.node.version ?? "–"] : []),
			delivery.prevNode === undefined ? "–" : delivery.prevNode.modifiedIndex + origin,
			watcher.kind === "follow" ? "–" : delivery.etcdIndex + origin,
			...(replayed ? [delivery.fromHistory ? "history" : "live"] : []),
		]),
		notes: watcher.deliveries.length === 0 ? ["It got no event."] : [],
	});
}

/** Shows the events that one watcher got. To have them as data, call `eventsTable`. */
export function eventTable(timeline: Timeline, watcherName: string, options: EventTableOptions = {}): void {
	show(tableBundle(eventsTable(timeline, watcherName, options)));
}

/**
 * The gaps that a follower was told of: from where to where, why, what differs, and the state to go on from.
 * @throws RangeError when the run has no watcher of this name
 */
export function gapTable(timeline: Timeline, watcher: string): Table {
	const gaps = gapsOf(timeline, watcher);
	return tableOf({
		of: [timeline],
		title: `What "${printable(watcher)}" was told of the events that it could not have`,
		columns: ["gap", "why", "added", "changed", "removed", "the state to go on from"],
		rows: gaps.map((gap) => [
			rangeWords(gap.from, gap.to),
			gap.why,
			keys(gap.added),
			keys(gap.changed),
			gap.removed === undefined ? "not known" : keys(gap.removed),
			state(gap.keys),
		]),
		notes: gaps.length === 0 ? ["It was told of no gap."] : [],
	});
}

/** Shows the gaps that a follower was told of. To have them as data, call `gapTable`. Errors as there. */
export function showGaps(timeline: Timeline, watcher: string): void {
	show(tableBundle(gapTable(timeline, watcher)));
}

/**
 * Runs side by side: how many events each watcher was not told of, and lie in no gap that it was told of. "so far":
 * it waits on a member that is silent, and may be told yet.
 */
export function lossTable(runs: readonly Timeline[]): Table {
	for (const run of runs) checkTimeline(run);
	const names = [...new Set(runs.flatMap(({ watchers }) => watchers.map(({ name }) => printable(name))))];
	return tableOf({
		of: runs,
		title: "Events that never came, and of which nothing was said",
		columns: ["run", ...names],
		rows: runs.map((run) => [
			printable(run.name),
			...names.map((name) => {
				const watcher = run.watchers.find((one) => printable(one.name) === name);
				return watcher === undefined ? "" : lossCell(run, watcher);
			}),
		]),
	});
}

/** Shows how much each watcher of each run lost in silence. To have it as data, call `lossTable`. */
export function showLosses(runs: readonly Timeline[]): void {
	show(tableBundle(lossTable(runs)));
}

function lossCell(run: Timeline, { name, life }: WatcherRecord): Cell {
	const lost = lostInSilence(run, name);
	const count = (kind: string, word: string) => {
		const times = life.filter((event) => event.kind === kind).length;
		return times === 0 ? [] : [times === 1 ? `1 ${word}` : `${times} ${word}s`];
	};
	const said = [...count("gap", "gap"), ...count("reset", "reset")];
	if (lost.length === 0)
		return {
			text: ["0", ...(said.length > 0 ? [`told of ${said.join(", ")}`] : [])].join(", "),
			mark: "right",
		};
	const waiting = accountOf(run)
		.watcher(name)
		.fates.flatMap(({ reason, change }) => (reason === "member silent" ? [change.index] : []));
	const open = lost.filter((index) => waiting.includes(index)).length;
	const more = open === 0 ? "" : open === lost.length ? " so far" : `, ${open} of them so far`;
	return { text: `${lost.length}${more}`, mark: "wrong" };
}

function keys(nodes: readonly NodeRecord[]): string {
	return nodes.length === 0 ? "–" : listed(nodes.map(({ key }) => shortened(key, 40)));
}

function state(nodes: readonly NodeRecord[]): string {
	return nodes.length === 0
		? "nothing is there"
		: listed(nodes.map(({ key, value = "" }) => `${shortened(key, 40)} = ${shortened(value, 20)}`));
}

function listed(words: readonly string[]): string {
	const more = words.length > 5 ? ` and ${words.length - 5} more` : "";
	return `${words.slice(0, 5).join(", ")}${more}`;
}
