import { pixelsOf } from "../timeline/printable";
import type { Unit } from "../timeline/reading";
import { COLOUR } from "./palette";
import { PLOT_WIDTH, type Places, rounded } from "./places";

/** A stretch of a lane that stands for many marks. */
export interface Band {
	readonly x: number;
	readonly x2: number;
	readonly y: number;
	readonly y2: number;
	readonly at: number;
	readonly fill: string;
	readonly stroke: string;
	readonly say: string;
	readonly tip: Readonly<Record<string, string>>;
	/** Written into the band, or "" where it would not fit. */
	readonly label: string;
	readonly labelColour: string;
}

/** One event of a lane, in one of two classes: `full` is drawn as colour, the rest as what is missing from it. */
export interface Counted {
	readonly index: number;
	readonly full: boolean;
	readonly colour: string;
}

/** How the two classes are called and drawn. */
export interface BandLook {
	readonly full: string;
	readonly rest: string;
	readonly restFill: string;
	readonly restStroke: string;
	/** The rest where it is mixed with the full. */
	readonly mixedFill: string;
	readonly height: number;
	/** They lie between two indexes, as refused writes do, and not at one. */
	readonly isBetween?: true;
	readonly unit: Unit;
}

const BIN_PIXELS = 4;
const MOST_EXACT = 200;

interface Stretch {
	from: number;
	to: number;
	bin: number;
	full: number;
	rest: number;
	/** 0 to 10; 0 and 10 only when nothing of the other class is there. */
	tenths: number;
	colour: string;
}

/**
 * Draws any number of events as at most a few hundred stretches. Where the two classes seldom take turns, each
 * stretch is exact; else a stretch stands for what falls on four pixels, and is filled to its share.
 */
export function bandsOf(events: readonly Counted[], places: Places, y: number, look: BandLook): Band[] {
	const perIndex = PLOT_WIDTH / (places.hi - places.lo);
	const sorted = [...events].sort((a, b) => a.index - b.index);
	const exact = exactStretches(sorted, perIndex);
	const stretches = exact.length <= MOST_EXACT ? exact : mixedStretches(sorted, places.lo, perIndex);
	return stretches.flatMap((stretch) => drawn(stretch, places, y, look));
}

function exactStretches(events: readonly Counted[], perIndex: number): Stretch[] {
	const stretches: Stretch[] = [];
	for (const { index, full, colour } of events) {
		let last = stretches.at(-1);
		const apart = last ? index - last.to : 0;
		const other = !last || last.tenths !== (full ? 10 : 0) || (full && last.colour !== colour);
		if (!last || other || (apart > 1 && apart * perIndex > 1)) {
			last = { from: index, to: index, bin: 0, full: 0, rest: 0, tenths: full ? 10 : 0, colour };
			stretches.push(last);
		}
		last.to = index;
		if (full) last.full++;
		else last.rest++;
	}
	return stretches;
}

function mixedStretches(events: readonly Counted[], lo: number, perIndex: number): Stretch[] {
	const bins: Stretch[] = [];
	for (const { index, full, colour } of events) {
		const bin = Math.floor(((index - lo) * perIndex) / BIN_PIXELS);
		let last = bins.at(-1);
		if (last?.bin !== bin) {
			last = { from: index, to: index, bin, full: 0, rest: 0, tenths: 0, colour };
			bins.push(last);
		}
		last.to = index;
		if (full) {
			last.full++;
			last.colour = colour;
		} else last.rest++;
	}
	const stretches: Stretch[] = [];
	for (const bin of bins) {
		const share = bin.full / (bin.full + bin.rest);
		bin.tenths = share === 0 ? 0 : share === 1 ? 10 : Math.min(9, Math.max(1, Math.round(share * 10)));
		const last = stretches.at(-1);
		if (last && last.tenths === bin.tenths && last.colour === bin.colour && bin.bin - last.bin <= 3) {
			last.to = bin.to;
			last.bin = bin.bin;
			last.full += bin.full;
			last.rest += bin.rest;
		} else stretches.push({ ...bin });
	}
	return stretches;
}

function drawn(stretch: Stretch, places: Places, y: number, look: BandLook): Band[] {
	const { from, to, full, rest, tenths } = stretch;
	const top = y - look.height / 2;
	const split = rounded(top + look.height * (1 - tenths / 10));
	const [first, last] = [Math.floor(from), Math.floor(to)];
	const indexes = first === last ? `${first}` : `${first} to ${last}`;
	const tip = {
		[look.unit]: indexes,
		...(full > 0 ? { [look.full]: String(full) } : {}),
		...(rest > 0 ? { [look.rest]: String(rest) } : {}),
	};
	const words = [full > 0 ? `${full} ${look.full}` : "", rest > 0 ? `${rest} ${look.rest}` : ""].filter(
		Boolean,
	);
	const say = `${look.unit} ${indexes}: ${words.join(", ")}`;
	const perIndex = PLOT_WIDTH / (places.hi - places.lo);
	const reach = look.isBetween ? 1.5 / perIndex : 0.5;
	const x = Math.max(places.lo, from - reach);
	const x2 = Math.min(places.hi, to + reach);
	const room = (x2 - x) * perIndex - 8;
	const label =
		[`${words.join(", ")} (${look.unit} ${indexes})`, words.join(", ")].find(
			(text) => (tenths === 0 || tenths === 10) && pixelsOf(text, 10.5) <= room && look.height >= 14,
		) ?? "";
	const where = { x, x2, at: first, say, tip };
	const bands: Band[] = [];
	if (tenths < 10)
		bands.push({
			...where,
			y: top,
			y2: split,
			fill: tenths === 0 ? look.restFill : look.mixedFill,
			stroke: tenths === 0 ? look.restStroke : look.mixedFill,
			label: tenths === 0 ? label : "",
			labelColour: COLOUR.text,
		});
	if (tenths > 0)
		bands.push({
			...where,
			y: split,
			y2: top + look.height,
			fill: stretch.colour,
			stroke: stretch.colour,
			label: tenths === 10 ? label : "",
			labelColour: "#ffffff",
		});
	return bands;
}
