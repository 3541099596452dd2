import { type Chart, chartOf } from "../chart/frame";
import type { Shape } from "../chart/shape";
import { PLOT_WIDTH, STYLES } from "../chart/style";
import { showChart } from "../page/chart";
import { show } from "../page/display";
import { type Table, tableBundle, tableOf } from "../page/table";
import { accountOf, type Change } from "../timeline/account";
import { eventsOf } from "../timeline/ask";
import { fitted, pixelsOf, printable, shortened } from "../timeline/printable";
import { inWordsOf, unitOf } from "../timeline/reading";
import type { NodeRecord, Timeline } from "../timeline/timeline";
import type { KeyCompared } from "./05-log";

/** What each event of a watcher had in it, read off the events: the fields of the node and of prevNode. */
export function carriedTable(timeline: Timeline, watcher: string): Table {
	const unit = unitOf(timeline);
	const asked = new Map(
		accountOf(timeline).changes.map(({ index, write }) => [index, inWordsOf(unit, write).operation]),
	);
	return tableOf({
		of: [timeline],
		title: `What each event carried: ${printable(timeline.name)}`,
		columns: [
			unit,
			"written by",
			"action",
			...(unit === "index"
				? ["node has", "prevNode has", "createdIndex"]
				: ["kv has", "prev_kv has", "create_revision"]),
		],
		rows: eventsOf(timeline, watcher).map(({ index, action, node, prevNode }) => [
			index,
			asked.get(index) ?? "another client",
			action,
			fieldsOf(node),
			prevNode === undefined ? "–" : fieldsOf(prevNode),
			createdWords(node, index),
		]),
	});
}

/** Shows what each event carried. To have it as data, call `carriedTable`. @throws RangeError for no such watcher */
export function showCarried(timeline: Timeline, watcher: string): void {
	show(tableBundle(carriedTable(timeline, watcher)));
}

function createdWords({ createdIndex }: NodeRecord, index: number): string {
	// What a v3 delete leaves behind says nothing of it.
	if (createdIndex === 0) return "–";
	return createdIndex === index ? `${index}, new` : `${createdIndex}, kept`;
}

function fieldsOf({ dir, value, ttl }: NodeRecord): string {
	const has = [...(dir ? ["dir"] : []), ...(value === undefined ? [] : ["value"])];
	return [...has, ...(ttl === undefined ? [] : ["ttl"])].join(", ") || "no value";
}

const STYLE = { same: "asRead", lacking: "lacking", left: "leftOver", other: "older" } as const;

const ROW = 24;

/**
 * Draws, for each key at each index, whether the tree that was rebuilt from the log has it as a read has. A slider
 * plays it. At most 20 indexes are drawn legibly. Pure.
 */
export function logChart(
	timeline: Timeline,
	compared: readonly KeyCompared[],
	options: { readonly title: string; readonly subtitle?: string },
): Chart {
	const unit = unitOf(timeline);
	// In v3 one write changes several keys, and its own is the one that was asked for.
	const ownKey = ({ key, write }: Change) => (unit === "revision" ? write.key : key);
	const writes = accountOf(timeline)
		.changes.filter(({ index }, at, all) => all[at - 1]?.index !== index)
		.map((one) => ({
			index: one.index,
			...inWordsOf(unit, { operation: one.write.operation, key: ownKey(one) }),
		}));
	const indexes = writes.map(({ index }) => index);
	const keys = [...new Set(compared.map(({ key }) => key))].sort();
	const column = PLOT_WIDTH / Math.max(1, indexes.length);
	const middle = (index: number) => (indexes.indexOf(index) + 0.5) * column;
	const height = keys.length * ROW;
	const left = 24 + Math.max(pixelsOf(unit, 10.5), ...keys.map((key) => pixelsOf(shortened(key, 30), 12)));
	const wrong = compared.filter(({ how }) => how !== "same").length;
	const subtitle =
		options.subtitle ??
		(wrong === 0
			? `Right at each ${unit}`
			: `${wrong} of ${compared.length} marks are not as a read shows it`);
	const wordsOf = ({ how }: KeyCompared) => STYLES[STYLE[how]].key.means;
	const found = new Map(compared.map((one) => [`${one.index} ${one.key}`, one]));
	const table = tableOf({
		title: options.title,
		subtitle,
		columns: [unit, "write", ...keys],
		rows: writes.map(({ index, key, operation }) => [
			index,
			`${operation} ${key}`,
			...keys.map((each) => {
				const one = found.get(`${index} ${each}`);
				return one === undefined ? "" : one.how === "same" ? "✓" : `✗ ${wordsOf(one)}`;
			}),
		]),
	}).text;
	return chartOf({
		of: [timeline],
		title: options.title,
		subtitle,
		description: table,
		text: table,
		left,
		plotHeight: height,
		below: 74,
		slider: { min: 0, max: indexes.at(-1) ?? 0, name: `up to ${unit} ` },
		shapes: [
			...keys.map(
				(key, at): Shape => ({
					style: "keyName",
					x: -12,
					y: (at + 0.5) * ROW,
					text: shortened(key, 30),
				}),
			),
			{ style: "smallName", x: -12, y: height + 14, text: unit },
			...writes.flatMap(({ index, key, operation }) =>
				[`${index}`, operation, key].map(
					(words, line): Shape => ({
						style: "columnWords",
						x: middle(index),
						y: height + 14 + 15 * line,
						text: fitted(words, column - 4, 10.5),
					}),
				),
			),
			...compared
				.filter(({ index }) => indexes.includes(index))
				.map(
					(one): Shape => ({
						style: STYLE[one.how],
						x: middle(one.index),
						y: (keys.indexOf(one.key) + 0.5) * ROW,
						size: STYLES[STYLE[one.how]].key.size ?? 90,
						at: one.index,
						say: `${printable(one.key)} at ${unit} ${one.index}: ${wordsOf(one)}`,
						tip: { key: shortened(one.key, 60), [unit]: String(one.index), "in the log": wordsOf(one) },
					}),
				),
		],
	});
}

/** Shows a log's tree against the reads. To have the chart as data, call `logChart`. */
export function showLog(
	timeline: Timeline,
	compared: readonly KeyCompared[],
	options: { readonly title: string; readonly subtitle?: string },
): void {
	showChart(logChart(timeline, compared, options));
}
