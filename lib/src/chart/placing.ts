import { fitted, pixelsOf } from "../timeline/printable";
import {
	type BoxStyle,
	lookOf,
	type MarkLook,
	type MarkStyle,
	type Shape,
	type StyleName,
	swatchOf,
} from "./shape";
import { STYLES, type Style } from "./style";

/** A label that wants to stand above `x`, all numbers in pixels of the plot. */
export interface WantedLabel {
	readonly x: number;
	readonly top: string;
	readonly bottom: string;
	/** The higher, the sooner it gets a place when there isn't one for all. */
	readonly weight: number;
}

export interface LabelPlan {
	/** `rows`: horizontal, in up to three rows; `slanted`: one line each. */
	readonly kind: "rows" | "slanted";
	/** For each wanted label its row (0 is the lowest) or -1 when it was left out. */
	readonly rows: readonly number[];
	/** For each wanted label the middle of its text: beside its mark where the plot's edge is near. */
	readonly middles: readonly number[];
	/** How high the labels stand together. */
	readonly height: number;
	/** The labels themselves, in the form that was chosen. */
	readonly labels: readonly WantedLabel[];
}

export const LABEL = { top: 12, bottom: 10.5, rowHeight: 32, slant: 40, longest: 26, short: 18 } as const;
const BETWEEN = 9;
const BETWEEN_SLANTED = 22;

/**
 * Places labels so that none overlaps another: in rows, else in rows of their short forms, else the short forms
 * slanted, and of those only some when there is no room for all.
 */
export function placeLabels(
	wanted: readonly WantedLabel[],
	short: readonly WantedLabel[],
	left: number,
	right: number,
): LabelPlan {
	return inRows(wanted, left, right, 2) ?? inRows(short, left, right, 3) ?? slanted(short);
}

function inRows(
	wanted: readonly WantedLabel[],
	left: number,
	right: number,
	most: number,
): LabelPlan | undefined {
	const taken: number[] = Array.from({ length: most }, () => Number.NEGATIVE_INFINITY);
	const rows: number[] = [];
	const middles: number[] = [];
	for (const label of wanted) {
		const width = Math.max(pixelsOf(label.top, LABEL.top, true), pixelsOf(label.bottom, LABEL.bottom));
		const middle = Math.min(Math.max(label.x, left + width / 2), right - width / 2);
		const row = taken.findIndex(
			(end, at) =>
				middle - width / 2 >= end + BETWEEN &&
				// the line down to its mark must not cross the labels below
				taken.slice(0, at).every((below) => label.x >= below + 4),
		);
		if (row < 0) return undefined;
		taken[row] = middle + width / 2;
		for (let below = 0; below < row; below++)
			taken[below] = Math.max(taken[below] ?? Number.NEGATIVE_INFINITY, label.x + 4 - BETWEEN);
		rows.push(row);
		middles.push(middle);
	}
	const height = (Math.max(-1, ...rows) + 1) * LABEL.rowHeight;
	return { kind: "rows", rows, middles, height, labels: wanted };
}

function slanted(wanted: readonly WantedLabel[]): LabelPlan {
	const rows = wanted.map(() => -1);
	const placed: number[] = [];
	const byWeight = wanted.map((label, at) => ({ label, at })).sort((a, b) => b.label.weight - a.label.weight);
	for (const { label, at } of byWeight) {
		if (placed.some((x) => Math.abs(x - label.x) < BETWEEN_SLANTED)) continue;
		placed.push(label.x);
		rows[at] = 0;
	}
	const longest = Math.max(...wanted.map((label, at) => (rows[at] === 0 ? slantedWidth(label) : 0)));
	const height = longest * Math.sin(SLANT) + 12;
	return { kind: "slanted", rows, middles: wanted.map((label) => label.x), height, labels: wanted };
}

const SLANT = (LABEL.slant * Math.PI) / 180;
const slantedWidth = (label: WantedLabel) => pixelsOf(slantedText(label), 11);

/** How far left of the plot slanted labels reach. */
export function leanOf({ kind, labels, rows }: LabelPlan): number {
	const lean = (label: WantedLabel) => slantedWidth(label) * Math.cos(SLANT) - label.x;
	return kind === "slanted" ? Math.max(...labels.map((label, at) => (rows[at] === 0 ? lean(label) : 0))) : 0;
}

/** A word that wants to begin at `from`, in pixels; the higher its weight, the sooner it gets a place. */
interface WantedWord {
	readonly from: number;
	readonly width: number;
	readonly weight: number;
}

/**
 * Gives each word the first row, of at most `most`, in which it comes no nearer than `gap` pixels to another; -1 where
 * there is none. Of two with one weight the first gets its place first.
 */
export function placeWords(words: readonly WantedWord[], most: number, gap: number): number[] {
	const taken = Array.from({ length: most }, (): WantedWord[] => []);
	const rows = words.map(() => -1);
	const byWeight = words.map((word, at) => ({ word, at })).sort((a, b) => b.word.weight - a.word.weight);
	for (const { word, at } of byWeight) {
		const row = taken.findIndex((others) =>
			others.every(
				({ from, width }) => word.from >= from + width + gap || from >= word.from + word.width + gap,
			),
		);
		rows[at] = row;
		taken[row]?.push(word);
	}
	return rows;
}

/** The one line of a slanted label. */
export function slantedText(label: { readonly top: string; readonly bottom: string }): string {
	return `${label.top}  ${label.bottom}`;
}

/** Breaks a text into lines of at most this many pixels, at spaces; a word that is longer is cut. */
export function wrapped(text: string, fontSize: number, pixels: number, bold: boolean): string[] {
	const lines: string[] = [];
	let line = "";
	for (const whole of text.split(" ")) {
		const word = fitted(whole, pixels, fontSize, bold);
		const longer = line === "" ? word : `${line} ${word}`;
		if (line !== "" && pixelsOf(longer, fontSize, bold) > pixels) {
			lines.push(line);
			line = word;
		} else line = longer;
	}
	return [...lines, line];
}

const KEY_ROW = 20;
const KEY_WIDTH = 18;
const BETWEEN_KEYS = 20;

/** One entry: marks on each other, or a box, and what it means. */
export interface Entry {
	readonly text: string;
	readonly marks?: readonly MarkLook[];
	readonly box?: {
		readonly fill: string;
		readonly stroke: string;
		readonly isBar: boolean;
		readonly isDashed: boolean;
	};
}

/** Entries in rows from `top` on, between `left` and `right`, and how high they are together. */
export function legendShapes(
	entries: readonly Entry[],
	top: number,
	{ left = 0, right }: { readonly left?: number | undefined; readonly right: number },
): { shapes: Shape[]; height: number } {
	const shapes: Shape[] = [];
	let from = left;
	let row = 0;
	for (const { text, marks = [], box } of entries) {
		const width = KEY_WIDTH + pixelsOf(text, 11.5) + BETWEEN_KEYS;
		if (from > left && from + width - BETWEEN_KEYS > right) {
			from = left;
			row++;
		}
		const [x, y] = [from + 7, top + row * KEY_ROW];
		const half = box?.isBar ? 3.5 : 6;
		shapes.push(
			...marks.map((look): Shape => ({ style: "keyMark", x, y, size: look.size, look })),
			...(box
				? [
						{
							style: box.isDashed ? "keyDashed" : "keyBox",
							x: x - 8,
							x2: x + 8,
							y: y - half,
							y2: y + half,
							look: { fill: box.fill, stroke: box.stroke },
						} as const,
					]
				: []),
			{ style: "legendWords", x: x + 13, y, text },
		);
		from += width;
	}
	return { shapes, height: entries.length === 0 ? 0 : (row + 1) * KEY_ROW };
}

/** What comes first, a mark before the band of the same meaning; the rest follows in the order of the table of styles. */
const WRITES = [
	"kept",
	"write",
	"writeBand",
	"remove",
	"removeBand",
	"refused",
	"refusedBand",
	"failed",
] as const;
const QUIET = [
	"noEvent",
	"noEventBand",
	"absent",
	"absentBand",
	"mixedBand",
	"replayed",
	"replayedBand",
] as const;
const LIVES = ["listening", "deaf", "paused", "gap", "compacted", "broken", "window"] as const;
const ORDER = new Set<StyleName>([...WRITES, ...QUIET, ...LIVES, ...(Object.keys(STYLES) as StyleName[])]);

/** What the shapes mean, each meaning once. */
export function entriesOf(shapes: readonly Shape[]): Entry[] {
	const entries = new Map<string, Entry>();
	/** What is drawn means, with the words that it brings. */
	const drawn = new Map<string, Set<string>>();
	const styles = new Set<StyleName>();
	for (const { style, what } of shapes) {
		styles.add(style);
		const { key }: Style = STYLES[style];
		if (key === undefined) continue;
		const words = drawn.get(key.means) ?? new Set();
		drawn.set(key.means, what === undefined ? words : words.add(what));
	}
	for (const name of ORDER) {
		const { key }: Style = STYLES[name];
		const words = key && drawn.get(key.means);
		if (!words || !styles.has(name) || entries.has(key.means)) continue;
		const text = key.isOwn ? [...words].join(words.has("nothing done") ? ", or in v3 " : ", ") : key.means;
		const inner = key.inner ? [lookOf(key.inner.style, key.inner.size)] : [];
		if (isMark(name)) entries.set(key.means, { text, marks: [lookOf(name, key.size ?? 80), ...inner] });
		else entries.set(key.means, { text, box: { ...swatchOf(name as BoxStyle), isBar: key.isBar ?? false } });
	}
	return [...entries.values()];
}

function isMark(name: StyleName): name is MarkStyle {
	return STYLES[name].draw === "mark";
}
