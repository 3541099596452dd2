import type { TopLevelSpec } from "vega-lite";
import type { Timeline, WriteRecord } from "../scenario/timeline";
import { laneLayer, nameLayers, WINDOW, windowLayers } from "./backdrop";
import { drawingOf } from "./drawing";
import { drawingLayers } from "./drawinglayers";
import { framed } from "./frame";
import { legendOf } from "./key";
import { type Lanes, lanesOf } from "./lanes";
import { labelLayers, legendLayers } from "./layers";
import { placeLegend } from "./legend";
import { placesOf } from "./places";
import { printable } from "./printable";
import { countsInWords, readingOf, runInWords } from "./reading";
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
	const lanes = lanesOf(timeline, places);
	const readings = timeline.watchers.map((watcher) => readingOf(timeline, watcher));
	const drawing = drawingOf(timeline, readings, places, lanes);
	const showWindow = options.window ?? places.last - Math.ceil(places.lo) >= WINDOW;

	const legend = placeLegend(legendOf(timeline, readings, drawing, showWindow), lanes.plotHeight + 58);
	const title = options.title ?? timeline.name;
	const description = runInWords(timeline);
	const { spec, frame } = framed({
		title,
		subtitle: options.subtitle ?? countsInWords(timeline),
		description,
		left: lanes.left,
		plotHeight: lanes.plotHeight,
		below: 58 + legend.height,
		params: [
			{
				name: "upTo",
				value: places.last,
				bind: {
					input: "range",
					min: Math.min(0, Math.floor(places.lo)),
					max: places.last,
					step: 1,
					name: "play up to index ",
				},
			},
		],
		layers: [
			...(showWindow ? windowLayers(places, lanes) : []),
			laneLayer(lanes, places),
			...nameLayers(lanes, drawing.totals),
			...drawingLayers(drawing, places),
			...labelLayers(
				lanes.labels,
				lanes.wanted,
				timeline.writes.map((write) => aboutLabel(write, lanes)),
				lanes.labelsEnd,
				places,
			),
			...legendLayers(legend.placed),
		],
	});
	return { spec, frame, title: printable(title), description };
}

function aboutLabel(write: WriteRecord, lanes: Lanes) {
	const { outcome } = write;
	return {
		at: outcome.kind === "accepted" ? outcome.index : write.triedAt,
		link: `w${write.id}`,
		y: lanes.writers.get(write.by)?.y ?? 0,
		refused: outcome.kind !== "accepted",
	};
}
