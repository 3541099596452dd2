import type { Lanes } from "./lanes";
import { type Layer, raw, x } from "./layers";
import { COLOUR } from "./palette";
import type { Places } from "./places";

/** The history of a server holds this many events, of the whole store. */
export const WINDOW = 1000;

/** The band of what the history still holds; it moves with the slider, up to the last index of the run. */
export function windowLayers(places: Places, lanes: Lanes, last: number): Layer[] {
	const values = [{ lo: places.lo, hi: places.hi, y: lanes.labelsEnd - 2, y2: lanes.plotHeight }];
	const upTo = last < places.last ? `min(upTo, ${last})` : "upTo";
	const transform = [
		{ calculate: `max(datum.lo, ${upTo} - ${WINDOW} + 0.5)`, as: "from" },
		{ calculate: `min(datum.hi, ${upTo} + ${places.edge})`, as: "to" },
		{ filter: "datum.to > datum.from" },
	];
	const y = { y: raw("y"), y2: { field: "y2" } };
	return [
		{
			data: { values },
			transform,
			mark: { type: "rect", color: COLOUR.window, opacity: 0.22, tooltip: null, aria: false },
			encoding: { x: x("from"), x2: { field: "to" }, ...y },
		},
		{
			data: { values },
			transform: [...transform, { filter: "datum.from > datum.lo" }],
			mark: {
				type: "rule",
				color: "#a89a00",
				strokeWidth: 1,
				strokeDash: [4, 3],
				tooltip: null,
				aria: false,
			},
			encoding: { x: x("from"), ...y },
		},
	];
}

/** The lanes themselves, and the index axis. */
export function laneLayer(lanes: Lanes, places: Places): Layer {
	const all = [...lanes.writers.values(), ...lanes.watchers, ...(lanes.member ? [lanes.member] : [])];
	return {
		data: { values: all.map(({ y }) => ({ lo: places.lo, hi: places.hi, y })) },
		mark: { type: "rule", color: COLOUR.lane, strokeWidth: 1, tooltip: null, aria: false },
		encoding: {
			x: {
				...x("lo"),
				scale: { domain: [places.lo, places.hi], nice: false, zero: false },
				axis: {
					values: [...places.ticks],
					format: "d",
					grid: false,
					orient: "bottom",
					titlePadding: 6,
				},
			},
			x2: { field: "hi" },
			y: raw("y"),
		},
	};
}

/** The lanes' names, left of the plot, and below them what came in all where the lane is too full to count. */
export function nameLayers(lanes: Lanes, totals: ReadonlyMap<number, string>): Layer[] {
	const writers = [...lanes.writers.values()].map((lane) => ({ ...lane, total: "" }));
	const watchers = lanes.watchers.map((lane, at) => ({ ...lane, total: totals.get(at) ?? "" }));
	const member = lanes.member ? [{ ...lanes.member, total: "" }] : [];
	const values = [...writers, ...watchers, ...member].map(({ name, words, total, y }) => {
		const up = total === "" ? 0 : 6;
		const nameY = words === "" ? y : y - 7 - up;
		return { name, words, total, nameY, wordsY: y + 8 - up, totalY: y + 16 };
	});
	const text = (field: string, y: string, fontSize: number, fontWeight: 400 | 600, color: string): Layer => ({
		data: { values },
		mark: { type: "text", align: "right", baseline: "middle", fontSize, fontWeight, color, tooltip: null },
		encoding: { x: { value: -14 }, y: raw(y), text: { field, type: "nominal" } },
	});
	return [
		text("name", "nameY", 12, 600, COLOUR.text),
		text("words", "wordsY", 11, 400, COLOUR.quiet),
		...(totals.size === 0 ? [] : [text("total", "totalY", 11, 400, COLOUR.text)]),
	];
}
