import { gapsOf } from "../scenario/ask";
import type { NodeRecord, Timeline } from "../scenario/timeline";
import { show } from "./display";
import { printable, shortened } from "./printable";
import { type Table, tableBundle, tableOf } from "./table";

/**
 * The gaps that a follower was told of: from where to where, why, what differs, and the state to go on from.
 * @throws RangeError when the run has no watcher of this name
 */
export function gapTable(timeline: Timeline, watcher: string): Table {
	const gaps = gapsOf(timeline, watcher);
	return tableOf({
		title: `What "${printable(watcher)}" was told of the events that it could not have`,
		columns: ["gap", "why", "added", "changed", "removed", "the state to go on from"],
		rows: gaps.map((gap) => [
			`${gap.from} to ${gap.to}`,
			gap.why,
			keys(gap.added),
			keys(gap.changed),
			gap.removed === undefined ? "not known" : keys(gap.removed),
			state(gap.keys),
		]),
		notes: gaps.length === 0 ? ["It was told of no gap."] : [],
	});
}

/** Shows `gapTable`. */
export function showGaps(timeline: Timeline, watcher: string): void {
	show(tableBundle(gapTable(timeline, watcher)));
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
