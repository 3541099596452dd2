import { pixelsOf } from "../timeline/printable";
import { faultWords } from "../timeline/reading";
import type { FaultRecord, Timeline } from "../timeline/timeline";
import { placeWords } from "./labels";
import type { Lanes } from "./lanes";
import { type Layer, raw, reached, say, tip, x } from "./layers";
import { AFTER } from "./lifelines";
import { COLOUR } from "./palette";
import { PLOT_WIDTH, type Places, rounded } from "./places";

/** A moment at which something was done to the servers: a line through all lanes, a word in the lowest one. */
export interface FaultMark {
	readonly x: number;
	/** Where the broken stretch that begins here ends; equal to `x` where none does. */
	readonly x2: number;
	readonly top: number;
	readonly y: number;
	readonly labelX: number;
	readonly labelY: number;
	readonly at: number;
	readonly text: string;
	readonly say: string;
	readonly tip: Readonly<Record<string, string>>;
}

const breaks: ReadonlySet<FaultRecord["kind"]> = new Set(["kill", "pause", "cutOff"]);
const mends: ReadonlySet<FaultRecord["kind"]> = new Set(["restart", "resume", "heal", "wipe"]);
const ROW = 13;
const MOST_ROWS = 6;

/** Where the words for what was done at each index begin, and in which row below the lane each stands. */
export function faultWordsOf(timeline: Timeline, places: Places) {
	const { faults = [] } = timeline;
	const perIndex = PLOT_WIDTH / (places.hi - places.lo);
	const words = [...new Set(faults.map(({ at }) => at))].map((at) => {
		const here = faults.filter((fault) => fault.at === at);
		const text = here.map(faultWords).join(", ");
		const width = pixelsOf(text, 10.5);
		const from = Math.max(0, Math.min((placeOf(at, places) - places.lo) * perIndex, PLOT_WIDTH + 20 - width));
		return { at, here, text, from, width, weight: here.some(({ kind }) => kind !== "snapshot") ? 1 : 0 };
	});
	const rows = placeWords(words, MOST_ROWS, 8);
	return words.map((word, nth) => ({ ...word, row: rows[nth] ?? -1 }));
}

const placeOf = (at: number, places: Places) => rounded(Math.min(places.hi, Math.max(places.lo, at + AFTER)));

/** How much room the words take below the lane, above what two rows take. */
export function faultRoom(timeline: Timeline, places: Places): number {
	return ROW * Math.max(0, ...faultWordsOf(timeline, places).map(({ row }) => row - 1));
}

/**
 * Faults at the same index share a line and a label; labels that would touch stand in rows. Where six don't do, a label
 * is left out, and its line stays.
 */
export function faultsOf(timeline: Timeline, places: Places, lanes: Lanes): FaultMark[] {
	const { faults = [] } = timeline;
	const perIndex = PLOT_WIDTH / (places.hi - places.lo);
	const y = lanes.member?.y ?? 0;
	return faultWordsOf(timeline, places).map(({ at, here, text, from, row }) => {
		// One that was put right at the same index is not broken after it.
		const last = here.filter(({ kind }) => breaks.has(kind) || mends.has(kind)).at(-1);
		const isBroken = last !== undefined && breaks.has(last.kind);
		const end = faults.find((fault) => fault.at > at && mends.has(fault.kind));
		return {
			x: placeOf(at, places),
			x2: isBroken ? (end ? placeOf(end.at, places) : places.end) : placeOf(at, places),
			top: lanes.labelsEnd,
			y,
			labelX: rounded(places.lo + from / perIndex),
			labelY: rounded(y + ROW * (row + 1)),
			at,
			text: row < 0 ? "" : text,
			say: `the member: ${text}, at index ${at}`,
			tip: { "the member that they are at": text, index: String(at) },
		};
	});
}

export function faultLayers(faults: readonly FaultMark[], places: Places): Layer[] {
	if (faults.length === 0) return [];
	const values = faults.map((fault) => ({ ...fault }));
	return [
		{
			data: { values: values.filter((fault) => fault.x2 > fault.x) },
			transform: [
				reached,
				{
					calculate: `upTo >= ${places.last} ? datum.x2 : min(datum.x2, upTo + ${places.edge})`,
					as: "xEnd",
				},
				{ calculate: "datum.y - 5", as: "yTop" },
				{ calculate: "datum.y + 5", as: "yLow" },
				{ filter: "datum.xEnd > datum.x" },
			],
			mark: { type: "rect", fill: COLOUR.broken, aria: false, tooltip: tip },
			encoding: { x: x(), x2: { field: "xEnd" }, y: raw("yTop"), y2: { field: "yLow" } },
		} as Layer,
		{
			data: { values },
			transform: [reached],
			mark: {
				type: "rule",
				color: COLOUR.refusedText,
				strokeWidth: 1,
				strokeDash: [2, 3],
				tooltip: null,
				aria: false,
			},
			encoding: { x: x(), y: raw("top"), y2: { field: "y" } },
		} as Layer,
		{
			data: { values },
			transform: [reached],
			mark: {
				type: "text",
				align: "left",
				baseline: "middle",
				fontSize: 10.5,
				color: COLOUR.refusedText,
				tooltip: tip,
			},
			encoding: {
				x: x("labelX"),
				y: raw("labelY"),
				text: { field: "text", type: "nominal" },
				description: say,
			},
		} as Layer,
	];
}
