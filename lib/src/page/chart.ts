import { type ChartOptions, type SideBySideOptions, sideBySideChart, timelineChart } from "../chart/chart";
import type { Chart } from "../chart/frame";
import type { Timeline } from "../timeline/timeline";
import { show } from "./display";

/**
 * Shows a run as a chart under the cell, with a slider that plays it and tooltips with the full events; as SVG
 * where that can't be drawn, as text elsewhere. To have the chart as data, call `timelineChart`.
 */
export function chart(timeline: Timeline, options: ChartOptions = {}): void {
	showChart(timelineChart(timeline, options));
}

/** Shows two runs over one axis. To have the chart as data, call `sideBySideChart`. */
export function chartSideBySide(one: Timeline, other: Timeline, options: SideBySideOptions = {}): void {
	showChart(sideBySideChart(one, other, options));
}

/** Shows any chart under the cell. */
export function showChart(drawn: Chart): void {
	show(chartBundle(drawn));
}

/** The chart in the forms that a notebook chooses from. */
export function chartBundle({ spec, svg, text }: Chart) {
	return { "application/vnd.vegalite.v5+json": spec, "image/svg+xml": svg, "text/plain": text } as const;
}
