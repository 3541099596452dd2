import { show } from "../page/display";
import { printable } from "../timeline/printable";
import { countsInWords, runInWords, unitOf } from "../timeline/reading";
import type { Timeline } from "../timeline/timeline";
import { type Chart, chartBundle } from "./chart";
import { framed } from "./frame";
import { legendOf } from "./key";
import { BOTH_AXIS, INDEX_AXIS, type Layer, legendLayers, REVISION_AXIS, raw, withAxis } from "./layers";
import { placeLegend } from "./legend";
import { COLOUR } from "./palette";
import { panelLayers, panelOf, playTo } from "./panel";
import { indexTicks, type Places, placesOf } from "./places";
import { svgOf } from "./render";
import { timelineText } from "./text";

export interface SideBySideOptions {
	/** Default: the first run's name. */
	readonly title?: string;
	/** What to conclude. */
	readonly subtitle?: string;
	/** What each run is called; "v2" and "v3" by its API unless given. */
	readonly names?: readonly [string, string];
}

/** The heading of a panel, and the room between two. */
const HEAD = 26;
const BETWEEN = 14;

/**
 * Draws two runs over one axis, one below the other: the same scenario on v2 and on v3, or any two. Pure, and
 * otherwise as `timelineChart`.
 */
export function sideBySideChart(one: Timeline, other: Timeline, options: SideBySideOptions = {}): Chart {
	const [first, second] = [placesOf(one), placesOf(other)];
	const shared = commonPlaces(first, second);
	const placesIn = ({ ofWrite, end }: Places): Places => ({ ...shared, ofWrite, end });
	const upper = panelOf(one, placesIn(first), HEAD, undefined, first.last);
	const split = upper.lanes.plotHeight + BETWEEN;
	const lower = panelOf(other, placesIn(second), split + HEAD, undefined, second.last);
	const panels = [upper, lower];
	const left = Math.max(upper.lanes.left, lower.lanes.left);
	const bottom = lower.lanes.plotHeight;

	const names = options.names ?? [nameOf(one), nameOf(other)];
	const heads = [one, other].map((run, at) => `${printable(names[at] ?? "")}: ${countsInWords(run)}`);
	const title = options.title ?? one.name;
	const units = new Set([one, other].map(unitOf));
	const axis = units.size > 1 ? BOTH_AXIS : units.has("index") ? INDEX_AXIS : REVISION_AXIS;
	const legend = placeLegend(
		legendOf(
			panels,
			panels.some(({ showWindow }) => showWindow),
		),
		bottom + 58,
	);
	const description = [one, other].map((run, at) => `${names[at]}: ${runInWords(run)}`).join(" ");
	const { spec, frame } = framed({
		title,
		subtitle: options.subtitle ?? "",
		description,
		left,
		plotHeight: bottom,
		below: 58 + legend.height,
		params: [playTo(shared, `play up to ${[...units].join(" or ")} `)],
		layers: withAxis(
			[
				...panelLayers(panels, shared),
				...headLayers(
					[
						{ text: heads[0] ?? "", y: 10 },
						{ text: heads[1] ?? "", y: split + 10 },
					],
					left,
					split - BETWEEN / 2,
				),
				...legendLayers(legend.placed),
			],
			axis,
		),
	});
	const texts = [one, other].map((run, at) =>
		timelineText(run, { title: names[at] ?? "", subtitle: countsInWords(run) }),
	);
	const above = [title, ...(options.subtitle === undefined ? [] : [options.subtitle])].map(printable);
	return {
		spec: spec as unknown as Readonly<Record<string, unknown>>,
		svg: svgOf(spec, frame, printable(title), description),
		text: `${[...above, "", ...texts].join("\n")}`,
	};
}

/** Shows two runs over one axis. To have the chart as data, call `sideBySideChart`. */
export function chartSideBySide(one: Timeline, other: Timeline, options: SideBySideOptions = {}): void {
	show(chartBundle(sideBySideChart(one, other, options)));
}

function nameOf({ api, server }: Timeline): string {
	return /^\d/.test(server) ? `${api} of etcd ${server}` : server;
}

function commonPlaces(one: Places, other: Places): Places {
	const lo = Math.min(one.lo, other.lo);
	const hi = Math.max(one.hi, other.hi);
	return {
		ofWrite: new Map(),
		lo,
		hi,
		last: Math.max(one.last, other.last),
		end: Math.max(one.end, other.end),
		edge: Math.max(one.edge, other.edge),
		ticks: indexTicks(lo, hi),
	};
}

/** The panels' headings, and the line between them. */
function headLayers(
	heads: readonly { readonly text: string; readonly y: number }[],
	left: number,
	line: number,
): Layer[] {
	return [
		{
			data: { values: heads.map((head) => ({ ...head })) },
			mark: {
				type: "text",
				align: "left",
				baseline: "middle",
				fontSize: 12,
				fontWeight: 600,
				color: COLOUR.text,
				tooltip: null,
			},
			encoding: { x: { value: -left + 8 }, y: raw("y"), text: { field: "text", type: "nominal" } },
		} as Layer,
		{
			data: { values: [{ y: line }] },
			mark: { type: "rule", color: "#bdbdbd", strokeWidth: 1, tooltip: null, aria: false },
			encoding: { x: { value: -left + 8 }, x2: { value: 620 }, y: raw("y") },
		} as Layer,
	];
}
