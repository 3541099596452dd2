import type { TopLevelSpec } from "vega-lite";
import { printable } from "../timeline/printable";
import { countsInWords, runInWords, unitOf } from "../timeline/reading";
import type { Timeline } from "../timeline/timeline";
import { framed } from "./frame";
import { legendOf } from "./key";
import { INDEX_AXIS, legendLayers, REVISION_AXIS, withAxis } from "./layers";
import { placeLegend } from "./legend";
import { panelLayers, panelOf, playTo } from "./panel";
import { placesOf } from "./places";
import type { Frame } from "./render";

/** A run as a Vega-Lite spec, with its size and what is said of it. */
export interface TimelineSpec {
	readonly spec: TopLevelSpec;
	readonly frame: Frame;
	readonly title: string;
	readonly description: string;
}

export interface SpecOptions {
	readonly title?: string;
	readonly subtitle?: string;
	readonly window?: boolean;
}

export function timelineSpec(timeline: Timeline, options: SpecOptions): TimelineSpec {
	const places = placesOf(timeline);
	const panel = panelOf(timeline, places, 0, options.window);
	const { lanes } = panel;
	const legend = placeLegend(legendOf([panel], panel.showWindow), lanes.plotHeight + 58);
	const title = options.title ?? timeline.name;
	const description = runInWords(timeline);
	const unit = unitOf(timeline);
	const { spec, frame } = framed({
		title,
		subtitle: options.subtitle ?? countsInWords(timeline),
		description,
		left: lanes.left,
		plotHeight: lanes.plotHeight,
		below: 58 + legend.height,
		params: [playTo(places, `play up to ${unit} `)],
		layers: withAxis(
			[...panelLayers([panel], places), ...legendLayers(legend.placed)],
			unit === "index" ? INDEX_AXIS : REVISION_AXIS,
		),
	});
	return { spec, frame, title: printable(title), description };
}
