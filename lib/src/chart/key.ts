import { fateOf, type Reading } from "../timeline/reading";
import type { Timeline } from "../timeline/timeline";
import { WINDOW } from "./backdrop";
import type { Drawing } from "./drawing";
import { type LegendItem, legendMark, swatch } from "./legend";
import { lookOf } from "./marks";
import { COLOUR, removes } from "./palette";

/** What a legend is made for: a run, as it is drawn. */
export interface Drawn {
	readonly timeline: Timeline;
	readonly readings: readonly Reading[];
	readonly drawing: Drawing;
}

/** The legend's entries: only what is in the chart of these runs. */
export function legendOf(drawn: readonly Drawn[], showWindow: boolean): LegendItem[] {
	const size = 130;
	const actions = new Set<string>();
	const removals = new Set<string>();
	const kinds = new Set<"refused" | "nothing" | "failed" | "noEvent" | "replayed" | "absent">();
	for (const { timeline, readings } of drawn) {
		for (const { outcome } of timeline.writes) {
			if (outcome.kind === "refused") kinds.add(timeline.api === "v3" ? "nothing" : "refused");
			else if (outcome.kind === "failed") kinds.add("failed");
			else if (!outcome.raisesEvent) kinds.add("noEvent");
			else (removes(outcome.action) ? removals : actions).add(outcome.action);
		}
		for (const { watcher } of readings)
			for (const delivery of watcher.deliveries) {
				if (delivery.fromHistory) kinds.add("replayed");
				(removes(delivery.action) ? removals : actions).add(delivery.action);
			}
		if (readings.some((reading) => timeline.writes.some((write) => fateOf(reading, write).kind === "absent")))
			kinds.add("absent");
	}
	const some = (fits: (drawing: Drawing) => boolean) => drawn.some(({ drawing }) => fits(drawing));
	return [
		...(actions.size > 0 ? [legendMark([...actions].join(", "), lookOf("write", size))] : []),
		...(removals.size > 0 ? [legendMark([...removals].join(", "), lookOf("remove", size))] : []),
		...(kinds.has("refused")
			? [
					legendMark(
						kinds.has("nothing") ? "refused, or in v3 nothing done" : "refused",
						lookOf("refused", size),
					),
				]
			: kinds.has("nothing")
				? [legendMark("nothing done", lookOf("refused", size))]
				: []),
		...(kinds.has("failed") ? [legendMark("no answer", lookOf("failed", size))] : []),
		...(kinds.has("noEvent") ? [legendMark("takes an index, raises no event", lookOf("noEvent", size))] : []),
		...(kinds.has("absent") ? [legendMark("not delivered", lookOf("absent", size))] : []),
		...(some(({ bands }) => bands.some((band) => band.fill === COLOUR.mixed))
			? [swatch("in part: filled to the share that came", COLOUR.mixed)]
			: []),
		...(kinds.has("replayed")
			? [legendMark("replayed from the history", { ...lookOf("ring", 90), inner: lookOf("write", 55) })]
			: []),
		...(some(({ bars }) => bars.some((bar) => !bar.paused))
			? [swatch("listening", COLOUR.listening, COLOUR.listening, "bar")]
			: []),
		...(some(({ bars }) => bars.some((bar) => bar.paused))
			? [swatch("not reading", "#ffffff", COLOUR.paused, "bar")]
			: []),
		...(some(({ gaps }) => gaps.length > 0)
			? [swatch("gap: events that are gone", "#fadfcc", COLOUR.refused)]
			: []),
		...(some(({ forgotten }) => forgotten.length > 0)
			? [swatch("compacted: forgotten", COLOUR.forgotten, COLOUR.absent)]
			: []),
		...(some(({ faults }) => faults.some(({ x, x2 }) => x2 > x))
			? [swatch("the member is broken", COLOUR.broken, COLOUR.broken, "bar")]
			: []),
		...(showWindow ? [swatch(`the last ${WINDOW} events`, "#faf6c0", "#a89a00")] : []),
	];
}
