import { pixelsOf, shortened } from "../timeline/printable";
import { compactionWords, differenceWords, gapWords, lifeWords, type Reading } from "../timeline/reading";
import type { LifeEvent, Timeline } from "../timeline/timeline";
import { placeWords, type WantedWord } from "./labels";
import type { Lanes } from "./lanes";
import { PLOT_WIDTH, type Places, rounded } from "./places";

/** A bar in a watcher's lane: it was listening, or its reader was paused. */
export interface Bar {
	readonly x: number;
	readonly x2: number;
	readonly y: number;
	readonly y2: number;
	readonly at: number;
	readonly paused: boolean;
	readonly tip: Readonly<Record<string, string>>;
}

/** Events that are gone, as a 401 or a compaction says. */
export interface Gap {
	readonly x: number;
	readonly x2: number;
	readonly y: number;
	readonly y2: number;
	readonly at: number;
	readonly tip: Readonly<Record<string, string>>;
	readonly say: string;
}

/** A word beside a watcher's bar: what happened to it there. */
export interface Note {
	/** Where the text begins, and where the tick is that shows the moment. */
	readonly x: number;
	readonly tickX: number;
	readonly y: number;
	readonly tickY: number;
	readonly tickY2: number;
	readonly at: number;
	readonly text: string;
	readonly tip: Readonly<Record<string, string>>;
	readonly say: string;
}

/** Something that happens after an index, but before the next one, is drawn this far behind it. */
export const AFTER = 0.25;

export function barsOf(reading: Reading, places: Places, y: number): Bar[] {
	const perIndex = PLOT_WIDTH / (places.hi - places.lo);
	const bars: Bar[] = [];
	for (const span of reading.spans) {
		const start = span.after + AFTER;
		const until = span.until === undefined ? places.end : span.until + (span.answered ? 0 : AFTER);
		const x = rounded(Math.max(places.lo, start));
		const x2 = rounded(Math.min(places.hi, Math.max(until, start + 0.15, start + 1.5 / perIndex)));
		if (x2 <= x) continue;
		const paused = span.kind === "paused";
		const last = bars.at(-1);
		if (last && last.paused === paused && (x - last.x2) * perIndex < 1) {
			bars[bars.length - 1] = { ...last, x2 };
			continue;
		}
		const tip = {
			watcher: shortened(reading.watcher.name, 40),
			[paused ? "not reading" : "listening"]:
				span.until === undefined
					? `after ${reading.unit} ${span.after}, to the end`
					: `after ${reading.unit} ${span.after}, up to ${reading.unit} ${span.until}`,
		};
		bars.push({ x, x2, y: y - 4.5, y2: y + 4.5, at: span.after, paused, tip });
	}
	return bars;
}

export function gapsOf(reading: Reading, places: Places, y: number, half: number): Gap[] {
	const gaps: Gap[] = [];
	for (const event of reading.watcher.life) {
		const stated = event.kind === "gap" ? event : event.kind === "error" ? event.gap : undefined;
		if (stated === undefined) continue;
		const { from, to } = stated;
		const x = Math.min(places.hi, Math.max(places.lo, from - 0.5));
		const x2 = Math.min(places.hi, Math.max(places.lo, to + 0.5));
		if (x2 <= x) continue;
		const tip = {
			watcher: shortened(reading.watcher.name, 40),
			gap: `${from} to ${to}`,
			[event.kind]: lifeWords(event, reading.unit),
		};
		gaps.push({ x, x2, y: y - half, y2: y + half, at: event.at, tip, say: lifeWords(event, reading.unit) });
	}
	return gaps;
}

/** From each compaction on, what lies before it: a band through all lanes. */
export function forgottenOf(timeline: Timeline, places: Places, lanes: Lanes): Gap[] {
	return (timeline.compactions ?? []).flatMap((compaction) => {
		const x2 = Math.min(places.hi, compaction.index - 0.5);
		if (x2 <= places.lo) return [];
		const say = compactionWords(compaction);
		const tip = { compacted: say };
		const [y, y2] = [lanes.labelsEnd + 5, lanes.plotHeight - 6];
		return [{ x: rounded(places.lo), x2, y, y2, at: compaction.at, tip, say }];
	});
}

/** What a note weighs: what was lost before what was cut, and that before what was put right. */
const WEIGHT: Readonly<Record<LifeEvent["kind"], number>> = {
	error: 2,
	gap: 2,
	reset: 2,
	cut: 1,
	closed: 1,
	paused: 1,
	resumed: 1,
	listed: 0,
	bookmarked: 0,
	asked: 0,
	answered: 0,
};

/** Notes stand above the bar; one that would touch another that weighs as much or more is left out. */
export function notesOf(reading: Reading, places: Places, y: number, half: number): Note[] {
	const perIndex = PLOT_WIDTH / (places.hi - places.lo);
	const notes: Note[] = [];
	const wantedWords: WantedWord[] = [];
	for (const event of reading.watcher.life) {
		const atEnd = event.at >= places.last;
		let text: string;
		switch (event.kind) {
			case "error":
				text = event.gap
					? `${reading.unit === "index" ? event.code : "compacted"}: ${gapWords(event.gap)}`
					: `${event.code} ${shortened(event.message, 24)}`;
				break;
			case "cut":
				text = "cut";
				break;
			case "listed":
				text = "listed";
				break;
			case "gap":
				text = `gap ${event.from} to ${event.to}: ${shortened(differenceWords(event), 34)}`;
				break;
			case "reset":
				text = "reset: another store";
				break;
			case "bookmarked":
				text = "bookmark";
				break;
			case "paused":
				text = "stops reading";
				break;
			case "resumed":
				text = "reads on";
				break;
			case "closed":
				if (atEnd) continue;
				text = "closed";
				break;
			default:
				continue;
		}
		const width = pixelsOf(text, 10);
		const wanted = (event.at + AFTER - places.lo) * perIndex;
		const px = Math.max(0, Math.min(wanted - 3, PLOT_WIDTH + 20 - width));
		wantedWords.push({ from: px, width, weight: WEIGHT[event.kind] });
		const tip = {
			watcher: shortened(reading.watcher.name, 40),
			"what happened": lifeWords(event, reading.unit),
		};
		notes.push({
			x: rounded(places.lo + px / perIndex),
			tickX: rounded(places.lo + Math.max(0, Math.min(wanted, PLOT_WIDTH)) / perIndex),
			y: rounded(y - half + 3),
			tickY: rounded(y - half + 9),
			tickY2: y + 5,
			at: event.at,
			text,
			tip,
			say: `${shortened(reading.watcher.name, 40)}: ${lifeWords(event, reading.unit)}`,
		});
	}
	const rows = placeWords(wantedWords, 1, 6);
	return notes.filter((_, at) => rows[at] === 0);
}
