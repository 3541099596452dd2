import { type Reading, readingOf } from "../timeline/reading";
import type { Timeline, WriteRecord } from "../timeline/timeline";
import { laneLayer, nameLayers, WINDOW, windowLayers } from "./backdrop";
import { type Drawing, drawingOf } from "./drawing";
import { drawingLayers } from "./drawinglayers";
import { type Lanes, lanesOf } from "./lanes";
import { type Layer, labelLayers } from "./layers";
import type { Places } from "./places";

/** A run's lanes with all that is in them, at their place in a chart of one run or more. */
export interface Panel {
	readonly timeline: Timeline;
	readonly places: Places;
	readonly lanes: Lanes;
	readonly readings: readonly Reading[];
	readonly drawing: Drawing;
	readonly showWindow: boolean;
	readonly last: number;
}

/**
 * `places`: where it stands on its own axis or on the one that it shares. `top`: the pixel at which it begins. `window`: whether v2's is drawn; by the run's length unless given. `last`: the run's own last index.
 */
export function panelOf(
	timeline: Timeline,
	places: Places,
	top = 0,
	window?: boolean,
	last = places.last,
): Panel {
	const lanes = lanesOf(timeline, places, top);
	const readings = timeline.watchers.map((watcher) => readingOf(timeline, watcher));
	const isLong = last - Math.ceil(places.lo) >= WINDOW;
	return {
		timeline,
		places,
		lanes,
		readings,
		drawing: drawingOf(timeline, readings, places, lanes),
		last,
		showWindow: timeline.api === "v2" && (window ?? isLong),
	};
}

/** Panels, one below the other, over one axis; `places`: what they share. */
export function panelLayers(panels: readonly Panel[], places: Places): Layer[] {
	return [
		...panels.flatMap((panel) => (panel.showWindow ? windowLayers(places, panel.lanes, panel.last) : [])),
		...panels.map(({ lanes }) => laneLayer(lanes, places)),
		...panels.flatMap(({ lanes, drawing }) => nameLayers(lanes, drawing.totals)),
		...drawingLayers(together(panels.map(({ drawing }) => drawing)), places),
		...panels.flatMap(({ timeline, lanes }) =>
			labelLayers(
				lanes.labels,
				lanes.wanted,
				timeline.writes.map((write) => aboutLabel(write, lanes)),
				lanes.labelsEnd,
				places,
			),
		),
	];
}

/** The slider. */
export function playTo({ lo, last }: Places, name: string): object {
	const min = Math.min(0, Math.floor(lo));
	return { name: "upTo", value: last, bind: { input: "range", min, max: last, step: 1, name } };
}

/** One drawing of several, so that what is pointed at in one of them stands out in all. */
function together(drawings: readonly Drawing[]): Drawing {
	return {
		bars: drawings.flatMap(({ bars }) => bars),
		gaps: drawings.flatMap(({ gaps }) => gaps),
		forgotten: drawings.flatMap(({ forgotten }) => forgotten),
		notes: drawings.flatMap(({ notes }) => notes),
		faults: drawings.flatMap(({ faults }) => faults),
		bands: drawings.flatMap(({ bands }) => bands),
		joins: drawings.flatMap(({ joins }) => joins),
		marks: drawings.flatMap(({ marks }) => marks),
		counts: drawings.flatMap(({ counts }) => counts),
		totals: new Map(drawings.flatMap(({ totals }) => [...totals])),
	};
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
