import { type Chart, chartBundle } from "../chart/chart";
import { framed } from "../chart/frame";
import { as, type Layer, legendLayers, raw, reached, say, size, tip } from "../chart/layers";
import { legendMark, placeLegend } from "../chart/legend";
import { COLOUR, CROSS } from "../chart/palette";
import { PLOT_WIDTH } from "../chart/places";
import { svgOf } from "../chart/render";
import { show } from "../page/display";
import { type Table, tableBundle, tableOf } from "../page/table";
import { eventsOf } from "../timeline/ask";
import { fitted, pixelsOf, printable, shortened } from "../timeline/printable";
import { unitOf } from "../timeline/reading";
import { type AcceptedWrite, accepted } from "../timeline/scope";
import type { NodeRecord, Timeline } from "../timeline/timeline";
import type { KeyCompared } from "./05-log";

/** What each event of a watcher had in it, read off the events: the fields of the node and of prevNode. */
export function carriedTable(timeline: Timeline, watcher: string): Table {
	const asked = new Map(accepted(timeline).map(({ index, write }) => [index, write.operation]));
	return tableOf({
		title: `What each event carried: ${printable(timeline.name)}`,
		columns: [
			unitOf(timeline),
			"written by",
			"action",
			"node has",
			"prevNode has",
			unitOf(timeline) === "index" ? "createdIndex" : "create_revision",
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

const LOOK = {
	same: { shape: "circle", fill: COLOUR.write, stroke: COLOUR.write, strokeWidth: 1, size: 90 },
	lacking: { shape: "circle", fill: "#ffffff", stroke: COLOUR.refused, strokeWidth: 2.5, size: 130 },
	left: { shape: CROSS, fill: "transparent", stroke: COLOUR.refused, strokeWidth: 2.5, size: 170 },
	other: { shape: "diamond", fill: COLOUR.noEvent, stroke: COLOUR.noEvent, strokeWidth: 1, size: 160 },
} as const;

const WORDS = {
	same: "as a read shows it",
	lacking: "the log lacks it",
	left: "no read shows it",
	other: "an older state",
} as const;

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
	const ownKey = ({ key, write }: AcceptedWrite) => (unit === "revision" ? write.key : key);
	const writes = accepted(timeline)
		.filter(({ index }, at, all) => all[at - 1]?.index !== index)
		.map((one) => ({ index: one.index, write: one.write, key: ownKey(one) }));
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
	const marks = compared
		.filter(({ index }) => indexes.includes(index))
		.map(({ index, key, how }) => ({
			at: index,
			x: middle(index),
			y: (keys.indexOf(key) + 0.5) * ROW,
			...LOOK[how],
			say: `${printable(key)} at ${unit} ${index}: ${WORDS[how]}`,
			tip: { key: shortened(key, 60), [unit]: String(index), "in the log": WORDS[how] },
		}));
	const text = (values: readonly object[], mark: object) =>
		({
			data: { values },
			mark: { type: "text", fontSize: 12, color: COLOUR.text, baseline: "middle", tooltip: null, ...mark },
			encoding: { x: raw("x"), y: raw("y"), text: { field: "text", type: "nominal" } },
		}) as Layer;
	const heads = writes.flatMap(({ index, key, write }) =>
		[`${index}`, write.operation, key].map((words, line) => ({
			x: middle(index),
			y: height + 14 + 15 * line,
			text: fitted(words, column - 4, 10.5),
		})),
	);
	const used = (Object.keys(LOOK) as KeyCompared["how"][]).filter((how) =>
		compared.some((one) => one.how === how),
	);
	const legend = placeLegend(
		used.map((how) => legendMark(WORDS[how], LOOK[how])),
		height + 74,
	);
	const layers = [
		text(
			keys.map((key, at) => ({ x: -12, y: (at + 0.5) * ROW, text: shortened(key, 30) })),
			{ align: "right" },
		),
		text([{ x: -12, y: height + 14, text: unit }], {
			align: "right",
			fontSize: 10.5,
			color: COLOUR.quiet,
		}),
		text(heads, { align: "center", fontSize: 10.5, color: COLOUR.quiet }),
		{
			data: { values: marks },
			transform: [reached],
			mark: { type: "point", opacity: 1, tooltip: tip },
			encoding: {
				x: raw("x"),
				y: raw("y"),
				shape: as("shape"),
				fill: as("fill"),
				stroke: as("stroke"),
				strokeWidth: size("strokeWidth"),
				size: size("size"),
				description: say,
			},
		} as Layer,
		...legendLayers(legend.placed),
	];
	const last = indexes.at(-1) ?? 0;
	const found = new Map(compared.map(({ index, key, how }) => [`${index} ${key}`, how]));
	const table = tableOf({
		title: options.title,
		subtitle,
		columns: [unit, "write", ...keys],
		rows: writes.map(({ index, key, write }) => [
			index,
			`${write.operation} ${key}`,
			...keys.map((each) => {
				const how = found.get(`${index} ${each}`);
				return how === undefined ? "" : how === "same" ? "✓" : `✗ ${WORDS[how]}`;
			}),
		]),
	}).text;
	const slider = { input: "range", min: 0, max: last, step: 1, name: `up to ${unit} ` };
	const { spec, frame } = framed({
		title: options.title,
		subtitle,
		description: table,
		left,
		plotHeight: height,
		below: 74 + legend.height,
		layers,
		params: [{ name: "upTo", value: last, bind: slider }],
	});
	return {
		spec: spec as unknown as Readonly<Record<string, unknown>>,
		svg: svgOf(spec, frame, options.title, table),
		text: table,
	};
}

/** Shows a log's tree against the reads. To have the chart as data, call `logChart`. */
export function showLog(
	timeline: Timeline,
	compared: readonly KeyCompared[],
	options: { readonly title: string; readonly subtitle?: string },
): void {
	show(chartBundle(logChart(timeline, compared, options)));
}
