import type { Delivery } from "../timeline/timeline";

/** Okabe and Ito's colours, which colour-blind readers can tell apart; each goes with a shape of its own. */
export const COLOUR = {
	write: "#0072B2",
	remove: "#E69F00",
	refused: "#D55E00",
	history: "#009E73",
	noEvent: "#CC79A7",
	absent: "#8a8a8a",
	/** What did not come, where it is mixed with what came. */
	mixed: "#e6e6e6",
	/** What v3 was told to forget. */
	forgotten: "#d9d9d9",
	listening: "#cfe3f1",
	paused: "#9a9a9a",
	broken: "#6b6b6b",
	window: "#F0E442",
	join: "#808080",
	lane: "#e4e4e4",
	text: "#1a1a1a",
	quiet: "#595959",
	refusedText: "#a63f00",
} as const;

/** For curves: as many lines as a reader can follow, each with a shape and a dash of its own. */
export const SERIES = [
	{ colour: "#0072B2", shape: "circle", dash: [1, 0] },
	{ colour: "#D55E00", shape: "square", dash: [6, 3] },
	{ colour: "#009E73", shape: "triangle-up", dash: [2, 2] },
	{ colour: "#CC79A7", shape: "diamond", dash: [8, 3, 2, 3] },
	{ colour: "#E69F00", shape: "triangle-down", dash: [4, 2] },
	{ colour: "#56B4E9", shape: "cross", dash: [1, 3] },
] as const;

export const FONT = "system-ui, sans-serif";

/** A saltire, in the unit square that Vega scales to a mark's size. */
export const CROSS = "M-0.8,-0.8L0.8,0.8M0.8,-0.8L-0.8,0.8";

/** True for the actions that leave nothing at the key: drawn as squares. */
export function removes(action: Delivery["action"]): boolean {
	return action === "delete" || action === "expire" || action === "compareAndDelete";
}
