import type { Span, WatcherAccount } from "../timeline/account";
import { pixelsOf, shortened } from "../timeline/printable";
import {
	compactionWords,
	differenceWords,
	gapWords,
	lifeWords,
	rangeWords,
	unitOf,
} from "../timeline/reading";
import type { FaultRecord, LifeEvent } from "../timeline/timeline";
import { AFTER, FAULT_ROW, type Lane, type Layout, pixelsPerIndex, rounded } from "./layout";
import { placeWords } from "./placing";
import type { Shape } from "./shape";
import { PLOT_WIDTH, STYLES } from "./style";

/** A watcher's life in its lane: when it was listening or not reading, its gaps, and words for what happened to it. */
export function lifeOf(account: WatcherAccount, layout: Layout, lane: Lane, isBanded: boolean): Shape[] {
	return [
		...gapsOf(account, layout, lane),
		...barsOf(account, layout, isBanded ? lane.y + 14 : lane.y),
		...notesOf(account, layout, lane),
	];
}

/** A bar for each stretch of its life; stretches that lie too near to be told apart are one, which says how many. */
function barsOf(account: WatcherAccount, { places, axis }: Layout, y: number): Shape[] {
	const { watcher, unit } = account;
	const perIndex = pixelsPerIndex(axis);
	const bars: (Pick<Span, "after" | "until"> & { style: BarStyle; x: number; x2: number; count: number })[] =
		[];
	for (const { after, until, kind: style, answered } of account.spans) {
		const start = after + AFTER;
		const end = until === undefined ? places.end : until + (answered ? 0 : AFTER);
		const x = rounded(Math.max(axis.lo, start));
		const x2 = rounded(Math.min(axis.hi, Math.max(end, start + 0.15, start + 1.5 / perIndex)));
		if (x2 <= x) continue;
		const last = bars.at(-1);
		if (last && last.style === style && (x - last.x2) * perIndex < 1) {
			Object.assign(last, { x2, until, count: last.count + 1 });
		} else bars.push({ style, x, x2, after, ...(until === undefined ? {} : { until }), count: 1 });
	}
	return bars.map(({ style, x, x2, after, until, count }): Shape => {
		const end = until === undefined ? "to the end" : `up to ${unit} ${until}`;
		const words = `${count > 1 ? `${count} times, ` : ""}after ${unit} ${after}, ${end}`;
		const tip = { watcher: shortened(watcher.name, 40), [BAR_WORDS[style]]: words };
		const say = `${shortened(watcher.name, 40)}: ${BAR_WORDS[style]} ${words}`;
		return { style, x, x2, y: y - 4.5, y2: y + 4.5, at: after, tip, say };
	});
}

const BAR_WORDS = { listening: "listening", paused: "not reading", deaf: STYLES.deaf.key.means } as const;
type BarStyle = keyof typeof BAR_WORDS;

/** With more gaps than this, those that lie on each other are one, which says how many. */
const MOST_GAPS = 40;

/** Events that are gone, as a 401, a compaction or a follower says. */
function gapsOf({ watcher, unit }: WatcherAccount, { axis }: Layout, { y, half }: Lane): Shape[] {
	const gaps = watcher.life.flatMap((event) => {
		const gap = event.kind === "gap" ? event : event.kind === "error" ? event.gap : undefined;
		return gap ? [{ event, from: gap.from, to: gap.to, count: 1 }] : [];
	});
	const boxes: typeof gaps = [];
	for (const gap of gaps) {
		const last = boxes.at(-1);
		if (gaps.length > MOST_GAPS && last && (gap.from - last.to - 1) * pixelsPerIndex(axis) < 1)
			Object.assign(last, { to: Math.max(last.to, gap.to), count: last.count + 1 });
		else boxes.push(gap);
	}
	return boxes.flatMap(({ event, from, to, count }): Shape[] => {
		const x = Math.min(axis.hi, Math.max(axis.lo, from - 0.5));
		const x2 = Math.min(axis.hi, Math.max(axis.lo, to + 0.5));
		if (x2 <= x) return [];
		const say = `${count > 1 ? `${count} times, the first: ` : ""}${lifeWords(event, unit)}`;
		const tip = { watcher: shortened(watcher.name, 40), gap: rangeWords(from, to), [event.kind]: say };
		return [{ style: "gap", x, x2, y: y - half, y2: y + half, at: event.at, tip, say }];
	});
}

/** What a note weighs: what was lost before what was cut, and that before what was put right. */
const weightOf = ({ kind }: LifeEvent) =>
	["error", "gap", "reset"].includes(kind) ? 2 : ["listed", "bookmarked"].includes(kind) ? 0 : 1;

/** Notes stand above the bar; one that would touch another that weighs as much or more is left out. */
function notesOf({ watcher, unit }: WatcherAccount, { places, axis }: Layout, { y, half }: Lane): Shape[] {
	const perIndex = pixelsPerIndex(axis);
	const notes = watcher.life.flatMap((event) => {
		const text = event.kind === "closed" && event.at >= places.last ? undefined : noteWords(event, unit);
		if (text === undefined) return [];
		const width = pixelsOf(text, 10);
		const wanted = (event.at + AFTER - axis.lo) * perIndex;
		const from = Math.max(0, Math.min(wanted - 3, PLOT_WIDTH + 20 - width));
		return [{ event, text, wanted, from, width, weight: weightOf(event) }];
	});
	const rows = placeWords(notes, 1, 6);
	const name = shortened(watcher.name, 40);
	return notes.flatMap(({ event, text, wanted, from }, at): Shape[] => {
		if (rows[at] !== 0) return [];
		const words = lifeWords(event, unit);
		const tickX = rounded(axis.lo + Math.max(0, Math.min(wanted, PLOT_WIDTH)) / perIndex);
		return [
			{ style: "noteTick", x: tickX, y: rounded(y - half + 9), y2: y + 5, at: event.at },
			{
				style: "note",
				x: rounded(axis.lo + from / perIndex),
				y: rounded(y - half + 3),
				text,
				at: event.at,
				tip: { watcher: name, "what happened": words },
				say: `${name}: ${words}`,
			},
		];
	});
}

/** What happened to a watcher, in as few words as fit beside its bar; undefined for what the bar itself shows. */
function noteWords(event: LifeEvent, unit: WatcherAccount["unit"]): string | undefined {
	switch (event.kind) {
		case "error":
			return event.gap
				? `${unit === "index" ? event.code : "compacted"}: ${gapWords(event.gap)}`
				: `${event.code} ${shortened(event.message, 24)}`;
		case "gap":
			return `gap ${rangeWords(event.from, event.to)}: ${shortened(differenceWords(event), 34)}`;
		case "reset":
			return "reset: another store";
		case "bookmarked":
			return "bookmark";
		case "paused":
			return "stops reading";
		case "resumed":
			return "reads on";
		case "cut":
		case "listed":
		case "closed":
			return event.kind;
		case "asked":
		case "answered":
			return undefined;
	}
}

/** From each compaction on, what lies before it: a band through all lanes. */
export function compactionsOf({ timeline, axis, labelsEnd, bottom }: Layout): Shape[] {
	return (timeline.compactions ?? []).flatMap((compaction): Shape[] => {
		const x2 = Math.min(axis.hi, compaction.index - 0.5);
		if (x2 <= axis.lo) return [];
		const say = compactionWords(compaction);
		const [x, y, y2] = [rounded(axis.lo), labelsEnd + 5, bottom - 6];
		return [{ style: "compacted", x, x2, y, y2, at: compaction.at, tip: { compacted: say }, say }];
	});
}

const breaks: ReadonlySet<FaultRecord["kind"]> = new Set(["kill", "pause", "cutOff"]);
const mends: ReadonlySet<FaultRecord["kind"]> = new Set(["restart", "resume", "heal", "wipe"]);

/** What was done to the servers: a line through all lanes, words below the lowest, a bar while they were broken. */
export function faultsOf({ timeline, places, faults, labelsEnd, member }: Layout): Shape[] {
	const unit = unitOf(timeline);
	const y = member?.y ?? 0;
	return faults.flatMap(({ at, faults: here, x, words, wordsX, row }): Shape[] => {
		// One that was put right at the same index is not broken after it.
		const last = here.filter(({ kind }) => breaks.has(kind) || mends.has(kind)).at(-1);
		const end = (timeline.faults ?? []).find((fault) => fault.at > at && mends.has(fault.kind));
		const x2 = end ? (faults.find((fault) => fault.at === end.at)?.x ?? x) : places.end;
		const tip = { "the member that they are at": words, [unit]: String(at) };
		const say = `the member: ${words}, at ${unit} ${at}`;
		return [
			...(last !== undefined && breaks.has(last.kind) && x2 > x
				? [{ style: "broken", x, x2, y: y - 5, y2: y + 5, at, tip } as const]
				: []),
			{ style: "fault", x, y: labelsEnd, y2: y, at },
			...(row < 0
				? []
				: [
						{
							style: "faultWords",
							x: wordsX,
							y: y + FAULT_ROW * (row + 1),
							text: words,
							at,
							tip,
							say,
						} as const,
					]),
		];
	});
}

/** The band of what v2's history still holds; it moves with the slider, up to the last index of the run. */
export function windowOf({ axis, places, labelsEnd, bottom }: Layout): Shape[] {
	const place = { x: axis.lo, x2: axis.hi, y: labelsEnd - 2, y2: bottom, last: places.last };
	return [
		{ style: "window", ...place },
		{ style: "windowEdge", ...place },
	];
}
