import type { Timeline } from "../scenario/timeline";
import { WINDOW } from "./backdrop";
import type { Drawing } from "./drawing";
import { type LegendItem, legendMark, swatch } from "./legend";
import { lookOf } from "./marks";
import { COLOUR, removes } from "./palette";
import { fateOf, type Reading } from "./reading";

/** The legend's entries: only what this run's chart has in it. */
export function legendOf(
	timeline: Timeline,
	readings: readonly Reading[],
	drawing: Drawing,
	showWindow: boolean,
): LegendItem[] {
	const size = 130;
	const actions = new Set<string>();
	const removals = new Set<string>();
	let refused = false;
	let failed = false;
	let noEvent = false;
	for (const { outcome } of timeline.writes) {
		if (outcome.kind === "refused") refused = true;
		else if (outcome.kind === "failed") failed = true;
		else if (!outcome.raisesEvent) noEvent = true;
		else (removes(outcome.action) ? removals : actions).add(outcome.action);
	}
	let replayed = false;
	for (const { watcher } of readings)
		for (const delivery of watcher.deliveries) {
			replayed ||= delivery.fromHistory;
			(removes(delivery.action) ? removals : actions).add(delivery.action);
		}
	const absent = readings.some((reading) =>
		timeline.writes.some((write) => fateOf(reading, write).kind === "absent"),
	);
	return [
		...(actions.size > 0 ? [legendMark([...actions].join(", "), lookOf("write", size))] : []),
		...(removals.size > 0 ? [legendMark([...removals].join(", "), lookOf("remove", size))] : []),
		...(refused ? [legendMark("refused", lookOf("refused", size))] : []),
		...(failed ? [legendMark("no answer", lookOf("failed", size))] : []),
		...(noEvent ? [legendMark("takes an index, raises no event", lookOf("noEvent", size))] : []),
		...(absent ? [legendMark("not delivered", lookOf("absent", size))] : []),
		...(drawing.bands.some((band) => band.fill === COLOUR.mixed)
			? [swatch("in part: filled to the share that came", COLOUR.mixed)]
			: []),
		...(replayed
			? [legendMark("replayed from the history", { ...lookOf("ring", 90), inner: lookOf("write", 55) })]
			: []),
		...(drawing.bars.some((bar) => !bar.paused)
			? [swatch("listening", COLOUR.listening, COLOUR.listening, "bar")]
			: []),
		...(drawing.bars.some((bar) => bar.paused)
			? [swatch("not reading", "#ffffff", COLOUR.paused, "bar")]
			: []),
		...(drawing.gaps.length > 0 ? [swatch("gap: events that are gone", "#fadfcc", COLOUR.refused)] : []),
		...(drawing.faults.some(({ x, x2 }) => x2 > x)
			? [swatch("the member is broken", COLOUR.broken, COLOUR.broken, "bar")]
			: []),
		...(showWindow ? [swatch(`the last ${WINDOW} events`, "#faf6c0", "#a89a00")] : []),
	];
}
