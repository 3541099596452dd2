import { fateOf, type Reading, totalWords, type Unit, unitOf } from "../timeline/reading";
import type { Timeline, WriteRecord } from "../timeline/timeline";
import { type Band, bandsOf, type Counted } from "./bands";
import { type FaultMark, faultsOf } from "./faultmarks";
import type { Lanes } from "./lanes";
import { type Bar, barsOf, forgottenOf, type Gap, gapsOf, type Note, notesOf } from "./lifelines";
import { type Count, type Join, type Mark, markOfWrite, markSize, marksOfWatcher } from "./marks";
import { COLOUR, removes } from "./palette";
import type { Places } from "./places";

/** A lane with more marks than this is drawn as bands. */
const MOST_MARKS = 220;
/** In a lane of bands, a class with at most this many marks is drawn mark by mark, over the bands. */
const FEW_MARKS = 40;

/** Everything that a run's chart draws, as data. */
export interface Drawing {
	readonly bars: Bar[];
	readonly gaps: Gap[];
	/** What v3 was told to forget. */
	readonly forgotten: Gap[];
	readonly notes: Note[];
	/** What was done to the servers, and for how long they were broken. */
	readonly faults: FaultMark[];
	readonly bands: Band[];
	readonly joins: Join[];
	readonly marks: Mark[];
	readonly counts: Count[];
	/** For a lane that is drawn as bands, by its place among the watchers: how much of what it should have got came. */
	readonly totals: Map<number, string>;
}

/** Draws each lane mark by mark, or as bands when it has too many. */
export function drawingOf(
	timeline: Timeline,
	readings: readonly Reading[],
	places: Places,
	lanes: Lanes,
): Drawing {
	const all: Drawing = {
		bars: [],
		gaps: [],
		forgotten: forgottenOf(timeline, places, lanes),
		notes: [],
		faults: [],
		bands: [],
		joins: [],
		marks: [],
		counts: [],
		totals: new Map(),
	};
	const unit = unitOf(timeline);
	let bandedWriters = false;
	for (const [by, lane] of lanes.writers) {
		const writes = timeline.writes.filter((write) => write.by === by);
		if (writes.length > MOST_MARKS) {
			bandedWriters = true;
			writerBands(writes, places, lane.y, all, unit);
		} else {
			const size = markSize(
				writes.map((write) => places.ofWrite.get(write.id) ?? 0),
				places,
			);
			all.marks.push(...writes.map((write) => markOfWrite(write, places, lanes, size, unit)));
		}
	}
	readings.forEach((reading, at) => {
		const y = lanes.watchers[at]?.y ?? 0;
		all.gaps.push(...gapsOf(reading, places, y, lanes.half));
		all.notes.push(...notesOf(reading, places, y, lanes.half));
		const lane = watcherBands(timeline, reading, places, y, all);
		if (lane.total !== "") all.totals.set(at, lane.total);
		all.bars.push(...barsOf(reading, places, lane.banded ? y + 14 : y));
		const size = lane.banded ? 34 : markSize(lane.indexes, places);
		const { marks, joins, counts } = marksOfWatcher(timeline, reading, lanes, y, size, {
			...lane,
			bandedWriters,
		});
		all.marks.push(...marks);
		all.joins.push(...joins);
		all.counts.push(...counts);
	});
	if (lanes.member) all.faults.push(...faultsOf(timeline, places, lanes));
	return all;
}

function writerBands(
	writes: readonly WriteRecord[],
	places: Places,
	y: number,
	all: Drawing,
	unit: Unit,
): void {
	const accepted: Counted[] = [];
	const refused: Counted[] = [];
	for (const write of writes) {
		const { outcome } = write;
		if (outcome.kind === "accepted")
			accepted.push({ index: outcome.index, full: !removes(outcome.action), colour: COLOUR.write });
		else
			refused.push({
				index: places.ofWrite.get(write.id) ?? write.triedAt,
				full: true,
				colour: COLOUR.refused,
			});
	}
	all.bands.push(
		...bandsOf(accepted, places, y, {
			full: "written",
			rest: "deleted",
			restFill: COLOUR.remove,
			restStroke: COLOUR.remove,
			mixedFill: COLOUR.remove,
			height: 16,
			unit,
		}),
		...bandsOf(refused, places, y - 15, {
			full: "refused or without an answer",
			rest: "",
			restFill: "#ffffff",
			restStroke: "#ffffff",
			mixedFill: "#ffffff",
			height: 6,
			isBetween: true,
			unit,
		}),
	);
}

/** Draws a lane with too many marks as bands, and says which of its classes are still few enough for marks. */
function watcherBands(timeline: Timeline, reading: Reading, places: Places, y: number, all: Drawing) {
	const events: Counted[] = [];
	let came = 0;
	let absent = 0;
	for (const write of timeline.writes) {
		const fate = fateOf(reading, write);
		if (fate.kind === "came") {
			came += fate.deliveries.length;
			const replayed = fate.deliveries.every((delivery) => delivery.fromHistory);
			events.push({
				index: fate.outcome.index,
				full: true,
				colour: replayed ? COLOUR.history : COLOUR.write,
			});
		} else if (fate.kind === "absent") {
			absent++;
			events.push({ index: fate.outcome.index, full: false, colour: COLOUR.write });
		}
	}
	for (const delivery of reading.foreign) {
		came++;
		events.push({
			index: delivery.index,
			full: true,
			colour: delivery.fromHistory ? COLOUR.history : COLOUR.write,
		});
	}
	const indexes = events.map((event) => event.index);
	if (came + absent <= MOST_MARKS) return { banded: false, came: true, absent: true, indexes, total: "" };
	all.bands.push(
		...bandsOf(events, places, y, {
			full: "delivered",
			rest: "not delivered",
			restFill: "#ffffff",
			restStroke: COLOUR.absent,
			mixedFill: COLOUR.mixed,
			height: 16,
			unit: reading.unit,
		}),
	);
	const few = { came: came <= FEW_MARKS, absent: absent <= FEW_MARKS };
	return { banded: true, ...few, indexes, total: totalWords(reading) };
}
