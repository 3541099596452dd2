import { type Chart, chartOf } from "../chart/frame";
import type { Shape } from "../chart/shape";
import { COLOUR } from "../chart/style";
import { showChart } from "../page/chart";
import { accountOf, groupBy } from "../timeline/account";
import { fitted, printable, shortened } from "../timeline/printable";
import { type Unit, unitOf, writeWords } from "../timeline/reading";
import type { NodeRecord, Timeline } from "../timeline/timeline";

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
	const unit = unitOf(timeline);
	const moments = momentsOf(timeline);
	const height = 22 + 18 * Math.max(1, ...moments.map(({ lines }) => Math.min(lines.length, mostLines)));
	const last = moments.length - 1;
	const shapes = moments.flatMap(({ index, write, lines }): Shape[] => [
		{
			style: "treeWords",
			x: 0,
			y: 8,
			text: fitted(`${unit} ${index}: ${write}`, 612, 12.5),
			colour: COLOUR.quiet,
			only: index,
		},
		...shownOf(lines).map(
			(line, at): Shape => ({
				style: "treeWords",
				x: 12 + 18 * line.depth,
				y: 30 + 18 * at,
				text: fitted(line.words, 600 - 18 * line.depth, 12.5),
				colour: line.now ? COLOUR.write : COLOUR.text,
				only: index,
			}),
		),
	]);
	const what = unit === "index" ? "tree" : "store";
	const title = `The ${what}, ${unit} by ${unit}: ${printable(timeline.name)}`;
	const subtitle = `Made from the writes that were accepted; the write of the ${unit} stands out`;
	const text = textOf(title, moments, unit);
	const slider = { min: 0, max: last, name: `the ${what} at ${unit} ` };
	return chartOf({
		of: [timeline],
		title,
		subtitle,
		description: text,
		text,
		left: 24,
		plotHeight: height,
		below: 12,
		slider,
		shapes,
	});
}

/** Shows the tree at each index of a run, with a slider. To have the chart as data, call `treeChart`. */
export function timeTravel(timeline: Timeline): void {
	showChart(treeChart(timeline));
}

interface Moment {
	readonly index: number;
	/** What happened at this index, in words. */
	readonly write: string;
	readonly lines: readonly TreeLine[];
}

function momentsOf(timeline: Timeline): Moment[] {
	const account = accountOf(timeline);
	const isFlat = timeline.api === "v3";
	const byIndex = groupBy(account.changes, ({ index }) => index);
	const moments: Moment[] = [{ index: 0, write: "nothing has been written", lines: [] }];
	for (let index = 1; index <= timeline.lastIndex; index++) {
		const changes = byIndex.get(index) ?? [];
		const [first] = changes;
		const key = changes.length > 1 ? first?.write.key : first?.key;
		const { operation = "" } = first?.write ?? {};
		const write = first
			? writeWords({ operation, key: key ?? "" }, unitOf(timeline))
			: "another client's write";
		moments.push({ index, write, lines: linesOf(account.contentsAt(index).nodes(), index, isFlat) });
	}
	return moments;
}

/** In v3 a key has no directory to stand in: its line is the whole key. */
function linesOf(nodes: readonly NodeRecord[], index: number, isFlat: boolean): TreeLine[] {
	return nodes.map(({ key, dir, value = "", modifiedIndex }) => {
		const parts = key.split("/");
		const name = shortened(isFlat ? key : (parts.at(-1) ?? ""), 40);
		return {
			key,
			depth: isFlat ? 0 : parts.length - 2,
			words: dir ? `${name}/` : `${name} = ${shortened(value, 40)}   (${modifiedIndex})`,
			now: modifiedIndex === index,
		};
	});
}

/** The lines that are shown; of more keys than that, how many there are besides. */
function shownOf(lines: readonly TreeLine[]): readonly TreeLine[] {
	if (lines.length <= mostLines) return lines;
	const words = `and ${lines.length - mostLines + 1} more keys`;
	return [...lines.slice(0, mostLines - 1), { key: "", depth: 0, words, now: false }];
}

function textOf(title: string, moments: readonly Moment[], unit: Unit): string {
	const shown = moments.map(({ index, write, lines }) => {
		const keys = shownOf(lines).map(({ words, depth }) => `${"  ".repeat(depth + 2)}${words}`);
		return [`  ${unit} ${index}: ${write}`, ...keys].join("\n");
	});
	return `${[title, "", ...shown].join("\n")}\n`;
}
