import { type Chart, chartBundle } from "../chart/chart";
import { framed } from "../chart/frame";
import { legendLayers } from "../chart/layers";
import { legendMark, placeLegend, swatch } from "../chart/legend";
import { lookOf } from "../chart/marks";
import { svgOf } from "../chart/render";
import { textTable } from "../chart/text";
import { show } from "../page/display";
import { printable, shortened } from "../timeline/printable";
import type { WindowEvent, WindowMoment } from "./04-history";
import { momentWords, placeEventLabels, windowBandLayers, windowEventLayers } from "./04-window-layers";

export interface WindowInput {
	readonly title?: string;
	/** What to conclude. */
	readonly subtitle?: string;
	/** In the order of time, at most 40. */
	readonly moments: readonly WindowMoment[];
	/** Events to follow: kept, then fallen out of the window. */
	readonly events?: readonly WindowEvent[];
}

const ROW = 30;
const MOST_MOMENTS = 40;

/**
 * Draws how the window of kept events slides: a row for each moment, from the oldest to the newest index that the
 * server could still give; a followed event is a dot while it is kept and a cross once it is gone. Pure.
 * @throws RangeError for no moment or more than 40, or a moment whose oldest index is above its newest.
 */
export function windowChart(input: WindowInput): Chart {
	const { moments, events = [] } = input;
	if (moments.length === 0 || moments.length > MOST_MOMENTS)
		throw new RangeError(`a window needs 1 to ${MOST_MOMENTS} moments, not ${moments.length}`);
	for (const { index, oldestKept, newestKept } of moments)
		if (!(oldestKept <= newestKept))
			throw new RangeError(
				`at index ${index} the oldest kept, ${oldestKept}, is above the newest, ${newestKept}`,
			);

	const title = input.title ?? "What the server still remembers";
	const newest = Math.max(
		...moments.map((moment) => moment.newestKept),
		...events.map((event) => event.index),
	);
	const oldest = Math.min(
		...moments.map((moment) => moment.oldestKept),
		...events.map((event) => event.index),
	);
	const pad = Math.max(0.5, (newest - oldest) * 0.02);
	const scale = { lo: oldest - pad, hi: newest + pad };
	const labels = placeEventLabels(events, scale);
	const head = events.length > 0 ? 24 + labels.extra : 8;
	const rows = moments.map((moment, nth) => ({ ...moment, y: head + ROW / 2 + nth * ROW }));
	const plotHeight = head + moments.length * ROW + 6;
	const last = Math.max(...moments.map((moment) => moment.index));
	const first = Math.min(...moments.map((moment) => moment.index));
	const legend = placeLegend(
		[
			swatch("kept: can still be asked for", "#faf1a0", "#a89a00"),
			...(events.length > 0
				? [
						legendMark("the event, kept", lookOf("write", 130)),
						legendMark("the event, gone", lookOf("refused", 130)),
					]
				: []),
		],
		plotHeight + 58,
	);
	const description = rows.map(momentWords).join(" ");
	const { spec, frame } = framed({
		title,
		subtitle: input.subtitle ?? "",
		description,
		left: 132,
		plotHeight,
		below: 58 + legend.height,
		params: [
			{
				name: "upTo",
				value: last,
				bind: { input: "range", min: first, max: last, step: 1, name: "play up to index " },
			},
		],
		layers: [
			...windowBandLayers(rows, scale),
			...windowEventLayers(rows, events, labels, plotHeight),
			...legendLayers(legend.placed),
		],
	});
	return {
		spec: spec as unknown as Readonly<Record<string, unknown>>,
		svg: svgOf(spec, frame, printable(title), description),
		text: textOf(title, input),
	};
}

/** Shows how the window of kept events slides. To have the chart as data, call `windowChart`. */
export function slidingWindow(input: WindowInput): void {
	show(chartBundle(windowChart(input)));
}

function textOf(title: string, input: WindowInput): string {
	const events = input.events ?? [];
	const head = ["index", "kept", ...events.map((event) => shortened(event.label, 40)), "note"];
	const rows = input.moments.map((moment) => [
		String(moment.index),
		`${moment.oldestKept} to ${moment.newestKept}`,
		...events.map((event) =>
			event.index > moment.newestKept ? "" : event.index >= moment.oldestKept ? "kept" : "gone",
		),
		printable(moment.note ?? ""),
	]);
	const lines = [printable(title), ...(input.subtitle === undefined ? [] : [printable(input.subtitle)]), ""];
	return `${[...lines, ...textTable([head], rows, ["right"])].join("\n")}\n`;
}
