import { pixelsOf } from "../timeline/printable";

/** A label that wants to stand above `x`, all numbers in pixels of the plot. */
export interface WantedLabel {
	readonly x: number;
	readonly top: string;
	readonly bottom: string;
	/** The higher, the sooner it gets a place when there isn't one for all. */
	readonly weight: number;
}

export interface LabelPlan {
	/** `rows`: horizontal, in up to three rows; `slanted`: one line each; `none`: there is no room. */
	readonly kind: "rows" | "slanted" | "none";
	/** For each wanted label its row (0 is the lowest) or -1 when it was left out. */
	readonly rows: readonly number[];
	/** For each wanted label the middle of its text: beside its mark where the plot's edge is near. */
	readonly middles: readonly number[];
	/** How high the labels stand together. */
	readonly height: number;
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
): { readonly plan: LabelPlan; readonly labels: readonly WantedLabel[] } {
	const rows = inRows(wanted, left, right, 2);
	if (rows) return { plan: rows, labels: wanted };
	return { plan: inRows(short, left, right, 3) ?? slanted(short), labels: short };
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
	return { kind: "rows", rows, middles, height: (Math.max(-1, ...rows) + 1) * LABEL.rowHeight };
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
	if (placed.length === 0) return { kind: "none", rows, middles: [], height: 0 };
	const longest = Math.max(
		...wanted.map((label, at) => (rows[at] === 0 ? pixelsOf(slantedText(label), 11, false) : 0)),
	);
	const height = longest * Math.sin((LABEL.slant * Math.PI) / 180) + 12;
	return { kind: "slanted", rows, middles: wanted.map((label) => label.x), height };
}

/** A word that wants to begin at `from`, in pixels; the higher its weight, the sooner it gets a place. */
export interface WantedWord {
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
