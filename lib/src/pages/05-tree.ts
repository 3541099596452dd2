import { type Chart, chartBundle } from "../chart/chart";
import { framed } from "../chart/frame";
import { as, type Layer, raw } from "../chart/layers";
import { COLOUR } from "../chart/palette";
import { svgOf } from "../chart/render";
import { show } from "../page/display";
import { printable, shortened } from "../timeline/printable";
import { accepted, depthBelow, removes } from "../timeline/scope";
import type { Timeline } from "../timeline/timeline";

/** One key of the tree at one index. */
interface TreeLine {
	readonly key: string;
	readonly depth: number;
	readonly words: string;
	/** Written or made by the write at this very index. */
	readonly now: boolean;
}

/** The most indexes to travel over, and the most keys to show at one. */
const mostMoments = 120;
const mostLines = 24;

/**
 * Draws the tree as it stood at each index of a run, with a slider to go back in time; the write of that index
 * stands out. Made from the writes that were accepted. Pure.
 * @throws RangeError for a run of more than 120 indexes
 */
export function treeChart(timeline: Timeline): Chart {
	if (timeline.lastIndex > mostMoments) {
		throw new RangeError(
			`a run of ${timeline.lastIndex} indexes is too long to travel over: at most ${mostMoments}`,
		);
	}
	const moments = momentsOf(timeline);
	const height = 22 + 18 * Math.max(1, ...moments.map(({ lines }) => Math.min(lines.length, mostLines)));
	const last = moments.length - 1;
	const rows = moments.flatMap(({ index, write, lines }) => [
		{ index, x: 0, y: 8, text: `index ${index}: ${write}`, colour: COLOUR.quiet },
		...lines.slice(0, mostLines).map((line, at) => ({
			index,
			x: 12 + 18 * line.depth,
			y: 30 + 18 * at,
			text: line.words,
			colour: line.now ? COLOUR.write : COLOUR.text,
		})),
	]);
	const layer = {
		data: { values: rows },
		transform: [{ filter: "datum.index == upTo" }],
		mark: { type: "text", align: "left", baseline: "middle", fontSize: 12.5, tooltip: null },
		encoding: { x: raw("x"), y: raw("y"), text: { field: "text", type: "nominal" }, color: as("colour") },
	} as Layer;
	const title = `The tree, index by index: ${printable(timeline.name)}`;
	const subtitle = "Made from the writes that were accepted; the write of the index stands out";
	const text = textOf(title, moments);
	const { spec, frame } = framed({
		title,
		subtitle,
		description: text,
		left: 24,
		plotHeight: height,
		below: 12,
		layers: [layer],
		params: [
			{
				name: "upTo",
				value: last,
				bind: { input: "range", min: 0, max: last, step: 1, name: "the tree at index " },
			},
		],
	});
	return {
		spec: spec as unknown as Readonly<Record<string, unknown>>,
		svg: svgOf(spec, frame, title, text),
		text,
	};
}

/** Shows the tree at each index of a run, with a slider. To have the chart as data, call `treeChart`. */
export function timeTravel(timeline: Timeline): void {
	show(chartBundle(treeChart(timeline)));
}

interface Moment {
	readonly index: number;
	/** What happened at this index, in words. */
	readonly write: string;
	readonly lines: readonly TreeLine[];
}

function momentsOf(timeline: Timeline): Moment[] {
	const writes = new Map(accepted(timeline).map((write) => [write.index, write]));
	/** A file's value, or undefined for a directory. */
	const tree = new Map<string, { readonly value: string | undefined; readonly modified: number }>();
	const moments: Moment[] = [{ index: 0, write: "nothing has been written", lines: [] }];
	for (let index = 1; index <= timeline.lastIndex; index++) {
		const write = writes.get(index);
		if (!write) {
			moments.push({ index, write: "another client's write", lines: linesOf(tree, index) });
			continue;
		}
		const { node } = write.outcome;
		if (removes(write)) {
			for (const key of [...tree.keys()]) if (depthBelow(key, write.key) !== undefined) tree.delete(key);
		} else {
			for (let slash = write.key.indexOf("/", 1); slash > 0; slash = write.key.indexOf("/", slash + 1)) {
				const parent = write.key.slice(0, slash);
				if (!tree.has(parent)) tree.set(parent, { value: undefined, modified: index });
			}
			tree.set(write.key, { value: node.dir ? undefined : (node.value ?? ""), modified: index });
		}
		const words = `${write.write.operation} ${shortened(write.key, 60)}`;
		moments.push({ index, write: words, lines: linesOf(tree, index) });
	}
	return moments;
}

function linesOf(
	tree: ReadonlyMap<string, { readonly value: string | undefined; readonly modified: number }>,
	index: number,
): TreeLine[] {
	return [...tree]
		.sort(([one], [two]) => (one < two ? -1 : 1))
		.map(([key, { value, modified }]) => {
			const parts = key.split("/");
			const name = shortened(parts.at(-1) ?? "", 40);
			return {
				key,
				depth: parts.length - 2,
				words: value === undefined ? `${name}/` : `${name} = ${shortened(value, 40)}   (${modified})`,
				now: modified === index,
			};
		});
}

function textOf(title: string, moments: readonly Moment[]): string {
	const shown = moments.map(({ index, write, lines }) => {
		const keys = lines.slice(0, mostLines).map(({ words, depth }) => `${"  ".repeat(depth + 2)}${words}`);
		return [`  index ${index}: ${write}`, ...keys].join("\n");
	});
	return `${[title, "", ...shown].join("\n")}\n`;
}
