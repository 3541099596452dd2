import { pixelsOf, shortened } from "../timeline/printable";
import { refusalLabel, watcherWords, writeWords } from "../timeline/reading";
import type { Timeline, WriteRecord } from "../timeline/timeline";
import { faultRoom } from "./faultmarks";
import { LABEL, type LabelPlan, placeLabels, type WantedLabel } from "./labels";
import { PLOT_WIDTH, type Places } from "./places";

/** One line of the chart: a writer's or a watcher's. Pixels from the plot's top. */
export interface Lane {
	readonly y: number;
	readonly name: string;
	readonly words: string;
}

export interface Lanes {
	readonly writers: ReadonlyMap<string, Lane>;
	/** In the order of the timeline's watchers. */
	readonly watchers: readonly Lane[];
	/** The lowest one: the member that was broken; undefined where nothing was. */
	readonly member: Lane | undefined;
	readonly labels: LabelPlan;
	readonly wanted: readonly WantedLabel[];
	/** The lowest point of the labels' lowest row. */
	readonly labelsEnd: number;
	readonly left: number;
	readonly plotHeight: number;
	/** Half the height that a lane may use. */
	readonly half: number;
}

/** Above this many writes no write is labelled. */
const MOST_LABELS = 60;

/** `top`: where they begin, in pixels. */
export function lanesOf(timeline: Timeline, places: Places, top = 0): Lanes {
	const by = [...new Set(timeline.writes.map((write) => write.by))];
	if (by.length === 0) by.push("writer");
	const isBroken = (timeline.faults ?? []).length > 0;
	const count = by.length + timeline.watchers.length + (isBroken ? 1 : 0);
	const spacing = count <= 4 ? 64 : count <= 7 ? 52 : 40;

	const names = [
		...by.map((name) => ({ name: shortened(name, 26), words: "" })),
		...timeline.watchers.map((watcher) => ({
			name: shortened(watcher.name, 26),
			words: watcherWords(watcher, 16),
		})),
		...(isBroken ? [{ name: "the member", words: "that they are at" }] : []),
	];
	const widest = Math.max(
		...names.map(({ name, words }) => Math.max(pixelsOf(name, 12, true), pixelsOf(words, 11))),
	);
	const left = Math.round(Math.min(220, Math.max(90, widest + 26)));

	const labelled = timeline.writes.length > MOST_LABELS ? [] : timeline.writes;
	const { plan: labels, labels: wanted } = placeLabels(
		labelled.map((write) => labelOf(write, places, false)),
		labelled.map((write) => labelOf(write, places, true)),
		-left + 8,
		PLOT_WIDTH + 24,
	);
	const labelsEnd = top + labels.height + 4;
	const lanes = names.map((lane, at) => ({ ...lane, y: labelsEnd + 18 + at * spacing }));
	const writers = new Map(by.map((name, at) => [name, lanes[at] ?? { y: 0, name, words: "" }]));
	return {
		writers,
		watchers: lanes.slice(by.length, by.length + timeline.watchers.length),
		member: isBroken ? lanes.at(-1) : undefined,
		labels,
		wanted,
		labelsEnd,
		left,
		plotHeight: labelsEnd + 18 + (count - 1) * spacing + 30 + faultRoom(timeline, places),
		half: spacing * 0.42,
	};
}

function labelOf(write: WriteRecord, places: Places, short: boolean): WantedLabel {
	const { outcome } = write;
	const room = (short ? LABEL.short : LABEL.longest) - write.operation.length;
	return {
		x: ((places.ofWrite.get(write.id) ?? 0) - places.lo) * (PLOT_WIDTH / (places.hi - places.lo)),
		top: writeWords(write, Math.max(8, room)),
		bottom: outcome.kind === "accepted" ? `+${outcome.index}` : shortened(refusalLabel(outcome, short), 28),
		weight: outcome.kind !== "accepted" ? 2 : outcome.action === "set" ? 0 : 1,
	};
}
