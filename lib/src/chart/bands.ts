import { pixelsOf } from "../timeline/printable";
import type { Unit } from "../timeline/reading";
import type { Axis } from "./layers";
import { pixelsPerIndex, rounded } from "./layout";
import type { Shape } from "./shape";
import { COLOUR } from "./style";

export type BandStyle = (typeof UPWARD)[number];

/** One event of a lane that has too many of them for a mark each. */
export interface Counted {
	readonly index: number;
	readonly style: BandStyle;
	/** What it is counted as: "written", "not delivered". */
	readonly words: string;
	/** What the legend calls it. */
	readonly what?: string;
}

interface BandLook {
	readonly height: number;
	/** They lie between two indexes, as refused writes do, and not at one. */
	readonly isBetween?: true;
	readonly unit: Unit;
}

const BIN_PIXELS = 4;
const MOST_EXACT = 200;

/** What of a stretch is of which style, from the lowest part of a band to the highest. */
const UPWARD = [
	"writeBand",
	"replayedBand",
	"refusedBand",
	"removeBand",
	"noEventBand",
	"absentBand",
] as const;

interface Stretch {
	from: number;
	to: number;
	readonly events: Counted[];
	/** How many tenths of its height each style takes; one that is there takes one at least. */
	tenths: readonly (readonly [BandStyle, number])[];
}

/**
 * Draws any number of events as at most a few hundred stretches. Where the styles seldom take turns, each stretch is
 * exact; else a stretch stands for what falls on four pixels, and is filled to its share.
 */
export function bandsOf(events: readonly Counted[], axis: Axis, y: number, look: BandLook): Shape[] {
	const sorted = [...events].sort((a, b) => a.index - b.index);
	const exact = exactStretches(sorted, pixelsPerIndex(axis));
	const stretches = exact.length <= MOST_EXACT ? exact : mixedStretches(sorted, axis);
	return stretches.flatMap((stretch) => drawn(stretch, axis, y, look));
}

/** Events that follow each other, until one begins another stretch. */
function gathered(events: readonly Counted[], begins: (event: Counted, last: Stretch) => boolean): Stretch[] {
	const stretches: Stretch[] = [];
	for (const event of events) {
		const { index } = event;
		const last = stretches.at(-1);
		if (last && !begins(event, last)) {
			last.to = index;
			last.events.push(event);
		} else stretches.push({ from: index, to: index, events: [event], tenths: [] });
	}
	for (const stretch of stretches) stretch.tenths = sharesOf(stretch.events);
	return stretches;
}

function exactStretches(events: readonly Counted[], perIndex: number): Stretch[] {
	return gathered(events, ({ index, style }, { to, events: [first] }) => {
		const apart = index - to;
		return first?.style !== style || (apart > 1 && apart * perIndex > 1);
	});
}

function mixedStretches(events: readonly Counted[], axis: Axis): Stretch[] {
	const binOf = (index: number) => Math.floor(((index - axis.lo) * pixelsPerIndex(axis)) / BIN_PIXELS);
	const stretches: Stretch[] = [];
	for (const bin of gathered(events, ({ index }, { to }) => binOf(index) !== binOf(to))) {
		const last = stretches.at(-1);
		if (last && String(last.tenths) === String(bin.tenths) && binOf(bin.to) - binOf(last.to) <= 3) {
			last.to = bin.to;
			last.events.push(...bin.events);
		} else stretches.push(bin);
	}
	return stretches;
}

function sharesOf(events: readonly Counted[]): [BandStyle, number][] {
	const counts = UPWARD.map(
		(style) => [style, events.filter((event) => event.style === style).length] as const,
	);
	const there = counts.filter(([, count]) => count > 0);
	let left = 10;
	return there.map(([style, count], at) => {
		const others = there.length - 1 - at;
		const wanted = others === 0 ? left : Math.round((10 * count) / events.length);
		const tenths = Math.min(left - others, Math.max(1, wanted));
		left -= tenths;
		return [style, tenths];
	});
}

function drawn({ from, to, events, tenths }: Stretch, axis: Axis, y: number, look: BandLook): Shape[] {
	const perIndex = pixelsPerIndex(axis);
	const reach = look.isBetween ? 1.5 / perIndex : 0.5;
	const [x, x2] = [Math.max(axis.lo, from - reach), Math.min(axis.hi, to + reach)];
	const [first, last] = [Math.floor(from), Math.floor(to)];
	const indexes = first === last ? `${first}` : `${first} to ${last}`;
	const counts = new Map<string, number>();
	for (const style of UPWARD)
		for (const event of events)
			if (event.style === style) counts.set(event.words, (counts.get(event.words) ?? 0) + 1);
	const words = [...counts].map(([what, count]) => `${count} ${what}`).join(", ");
	const say = `${look.unit} ${indexes}: ${words}`;
	const tip = {
		[look.unit]: indexes,
		...Object.fromEntries([...counts].map(([what, count]) => [what, String(count)])),
	};
	const isMixed = tenths.length > 1;
	const label = [`${words} (${look.unit} ${indexes})`, words].find(
		(text) => !isMixed && pixelsOf(text, 10.5) <= (x2 - x) * perIndex - 8 && look.height >= 14,
	);
	const whats = new Map(events.map(({ style, what }) => [style, what]));
	const top = y - look.height / 2;
	let low = y + look.height / 2;
	let height = 0;
	const boxes = tenths.map(([style, share]): Shape => {
		height += share;
		const high = height === 10 ? top : rounded(top + look.height * (1 - height / 10));
		const what = whats.get(style);
		const box: Shape = {
			style: isMixed && style === "absentBand" ? "mixedBand" : style,
			x,
			x2,
			y: high,
			y2: low,
			at: first,
			say,
			tip,
			...(what === undefined ? {} : { what }),
		};
		low = high;
		return box;
	});
	boxes.reverse();
	if (label === undefined) return boxes;
	// White is legible on no other of the colours.
	const colour = tenths[0]?.[0] === "writeBand" ? COLOUR.white : COLOUR.text;
	return [...boxes, { style: "bandWords", x: (x + x2) / 2, y, text: label, colour, at: to, isMute: true }];
}
