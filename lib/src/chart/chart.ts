import { show } from "../page/display";
import type { Timeline } from "../timeline/timeline";
import { svgOf } from "./render";
import { timelineSpec } from "./spec";
import { timelineText } from "./text";

/** A chart as plain data: what a notebook is sent. */
export interface Chart {
	/** A Vega-Lite 5 specification, with its data in it. */
	readonly spec: Readonly<Record<string, unknown>>;
	/** The same as a picture, for where no JavaScript runs. */
	readonly svg: string;
	/** The same in words. */
	readonly text: string;
}

export interface ChartOptions {
	/** Default: the scenario's name. */
	readonly title?: string;
	/** What to conclude. Default: the counts, such as "5 writes tried, 3 accepted, 2 refused". */
	readonly subtitle?: string;
	/** Draws the window of the last 1000 events as a band. Default: only when the run is longer than that. */
	readonly window?: boolean;
}

/**
 * Draws a run by index: the writers' lanes, below them one for each watcher. Pure: nothing is shown, and the same
 * timeline gives the same bytes. A lane with more than about 200 marks is drawn as bands.
 */
export function timelineChart(timeline: Timeline, options: ChartOptions = {}): Chart {
	const { spec, frame, title, description } = timelineSpec(timeline, options);
	return {
		spec: spec as unknown as Readonly<Record<string, unknown>>,
		svg: svgOf(spec, frame, title, description),
		text: timelineText(timeline, options),
	};
}

/**
 * Shows a run as a chart under the cell, with a slider that plays it and tooltips with the full events; as SVG
 * where that can't be drawn, as text elsewhere. To have the chart as data, call `timelineChart`.
 */
export function chart(timeline: Timeline, options: ChartOptions = {}): void {
	show(chartBundle(timelineChart(timeline, options)));
}

/** The chart in the forms that a notebook chooses from. */
export function chartBundle({ spec, svg, text }: Chart) {
	return { "application/vnd.vegalite.v5+json": spec, "image/svg+xml": svg, "text/plain": text } as const;
}
