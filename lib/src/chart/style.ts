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
	compacted: "#d9d9d9",
	listening: "#cfe3f1",
	deaf: "#6a9fc4",
	paused: "#9a9a9a",
	broken: "#6b6b6b",
	window: "#F0E442",
	windowEdge: "#a89a00",
	join: "#808080",
	lane: "#e4e4e4",
	thread: "#b5b5b5",
	white: "#ffffff",
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

export const PLOT_WIDTH = 600;

export const FONT = "system-ui, sans-serif";

/** The history of a v2 server holds this many events, of the whole store. */
export const WINDOW = 1000;

/** A saltire, in the unit square that Vega scales to a mark's size. */
const CROSS = "M-0.8,-0.8L0.8,0.8M0.8,-0.8L-0.8,0.8";

/** A shape, its colours, and how thick its line is and how large its area beside others'. */
interface Look {
	readonly shape: string;
	readonly fill: string;
	readonly stroke: string;
	readonly thick: number;
	readonly area: number;
}

/** How one kind of shape is drawn, and how the legend names it. */
export interface Style {
	readonly draw: "mark" | "box" | "line" | "text";
	/** Styles of one group are drawn together, in the order of the shapes; the others in the order of this table. */
	readonly group?: "bands" | "boxes" | "marks" | "keyMarks" | "keyBoxes" | "keyDashed";
	/** Its x is in pixels from the plot's left edge, and not a place on the axis. */
	readonly inPixels?: true;
	/** How bright it is while something else is pointed at, and while nothing is (1 unless given). */
	readonly dim?: number | undefined;
	readonly bright?: number;
	/** Its right end moves with the slider, to this far behind the slider's index; "edge": as far as a bar may. */
	readonly grows?: "edge" | number | undefined;
	/** Its left end moves, too: it is as long as v2's history. */
	readonly trails?: true;
	/** A white rim keeps it legible over lines. */
	readonly halo?: true;
	readonly look?: Look;
	/** What Vega-Lite's mark has besides, in its own words, which are SVG's. */
	readonly props?: object;
	readonly key?: Key | undefined;
}

export interface Key {
	/** What it says. Styles that mean the same share an entry, in which a mark goes before a box. */
	readonly means: string;
	/** It says the words that the shapes bring instead, such as their actions. */
	readonly isOwn?: true;
	/** Of a mark, its size; of a box, whether it is low as a bar. */
	readonly size?: number;
	readonly isBar?: true;
	/** A mark that is drawn over it. */
	readonly inner?: { readonly style: "write"; readonly size: number };
	/** Colours of its own: those of a thing that can be seen through, on white. */
	readonly fill?: string;
	readonly stroke?: string;
}

const white = COLOUR.white;
const mark = <K extends Key | undefined>(
	shape: string,
	fill: string,
	stroke: string,
	thick: number,
	area: number,
	key: K,
) => ({ draw: "mark", group: "marks", dim: 0.15, look: { shape, fill, stroke, thick, area }, key }) as const;
const band = <K extends Key | undefined>(fill: string, stroke: string, key: K) =>
	({
		draw: "box",
		group: "bands",
		grows: 0.5,
		look: { shape: "square", fill, stroke, thick: 1, area: 1 },
		props: { strokeWidth: 0.6 },
		key,
	}) as const;
const stretch = (fill: string, stroke: string, means: string) =>
	({
		draw: "box",
		group: "boxes",
		grows: 0.44,
		dim: 0.25,
		look: { shape: "square", fill, stroke, thick: 1, area: 1 },
		props: { strokeWidth: 1.2, cornerRadius: 3 },
		key: { means },
	}) as const;
const text = (fontSize: number, color: string, more: object = {}) =>
	({ draw: "text", props: { fontSize, color, ...more } }) as const;
const pixelText = (fontSize: number, color: string, more: object = {}) =>
	({ ...text(fontSize, color, more), inPixels: true }) as const;
const line = (color: string, strokeWidth: number, more: object = {}) =>
	({ draw: "line", props: { color, strokeWidth, ...more } }) as const;

const BOLD = { fontWeight: 600 };
const LEFT = { align: "left" };
const RIGHT = { align: "right" };
const CENTER = { align: "center" };

/** All that a chart can be made of, from the back to the front; the legend has the same order. */
export const STYLES = {
	title: pixelText(15, COLOUR.text, { ...LEFT, ...BOLD }),
	subtitle: pixelText(12, COLOUR.quiet, LEFT),
	window: {
		draw: "box",
		trails: true,
		props: { fill: COLOUR.window, stroke: null, opacity: 0.22 },
		key: { means: `the last ${WINDOW} events`, fill: "#faf6c0", stroke: COLOUR.windowEdge },
	},
	windowEdge: { ...line(COLOUR.windowEdge, 1, { strokeDash: [4, 3] }), trails: true },
	lane: line(COLOUR.lane, 1),
	row: { ...line(COLOUR.lane, 0.7), inPixels: true },
	laneName: pixelText(12, COLOUR.text, { ...RIGHT, ...BOLD }),
	laneWords: pixelText(11, COLOUR.quiet, RIGHT),
	laneTotal: pixelText(11, COLOUR.text, RIGHT),

	broken: {
		draw: "box",
		grows: "edge",
		props: { fill: COLOUR.broken },
		key: { means: "the member is broken", isBar: true },
	},
	fault: line(COLOUR.refusedText, 1, { strokeDash: [2, 3] }),
	faultWords: text(10.5, COLOUR.refusedText, LEFT),
	compacted: {
		draw: "box",
		props: { fill: COLOUR.compacted, fillOpacity: 0.5, stroke: COLOUR.absent, strokeDash: [2, 3] },
		key: { means: "compacted: forgotten" },
	},
	gap: {
		draw: "box",
		props: {
			fill: COLOUR.refused,
			fillOpacity: 0.16,
			stroke: COLOUR.refused,
			strokeDash: [3, 3],
			strokeOpacity: 0.7,
		},
		key: { means: "gap: events that are gone", fill: "#fadfcc" },
	},
	listening: {
		draw: "box",
		grows: "edge",
		props: { fill: COLOUR.listening, stroke: null },
		key: { means: "listening", isBar: true },
	},
	paused: {
		draw: "box",
		grows: "edge",
		props: { fill: white, stroke: COLOUR.paused, strokeDash: [3, 2] },
		key: { means: "not reading", isBar: true },
	},
	deaf: {
		draw: "box",
		grows: "edge",
		props: { fill: COLOUR.white, stroke: COLOUR.deaf, strokeWidth: 1.5, strokeDash: [6, 3] },
		key: { means: "open, but nobody at the other side", isBar: true },
	},
	kept: {
		draw: "box",
		props: { fill: "#faf1a0", stroke: COLOUR.windowEdge, strokeWidth: 1 },
		key: { means: "kept: can still be asked for" },
	},
	keptWords: text(10.5, COLOUR.text, CENTER),
	keptNote: text(10.5, COLOUR.text, { ...LEFT, dx: 9 }),

	everyAttempt: stretch("#f1f1f1", COLOUR.absent, "counts every attempt, refused or not"),
	storesWrites: stretch("#cfe3f1", COLOUR.write, "counts the writes to the whole store"),
	keysWrites: stretch("#fbe6c0", "#b07300", "counts the writes to this key"),
	notKnown: stretch(white, COLOUR.absent, "not known from these writes"),
	value: { ...text(12, COLOUR.text, { ...LEFT, ...BOLD }), dim: 0.25 },

	track: { draw: "box", props: { fill: COLOUR.mixed } },
	share: { draw: "box", props: { fill: COLOUR.refused } },
	affected: {
		draw: "box",
		props: { fill: "#fadfcc", stroke: COLOUR.refused, strokeWidth: 0.7 },
		key: { means: "the releases that have it", isBar: true },
	},

	writeBand: band(COLOUR.write, COLOUR.write, { means: "write", isOwn: true }),
	removeBand: band(COLOUR.remove, COLOUR.remove, { means: "remove", isOwn: true }),
	refusedBand: band(COLOUR.refused, COLOUR.refused, { means: "refused", isOwn: true }),
	noEventBand: band(COLOUR.noEvent, COLOUR.noEvent, { means: "takes an index, raises no event" }),
	absentBand: band(white, COLOUR.absent, { means: "not delivered" }),
	mixedBand: band(COLOUR.mixed, COLOUR.mixed, { means: "in part: filled to the share that came" }),
	replayedBand: band(COLOUR.history, COLOUR.history, { means: "replayed from the history" }),
	bandWords: text(10.5, COLOUR.text, CENTER),

	noteTick: line(COLOUR.refusedText, 1),
	event: line(COLOUR.join, 1, { strokeDash: [3, 3] }),
	join: { ...line(COLOUR.join, 1.4), dim: 0.1 },
	thinJoin: { ...line(COLOUR.join, 0.5), dim: 0.1, bright: 0.6 },

	write: mark("circle", COLOUR.write, white, 0.5, 1, { means: "write", isOwn: true, size: 130 }),
	remove: mark("square", COLOUR.remove, white, 0.5, 1, { means: "remove", isOwn: true, size: 130 }),
	refused: mark(CROSS, COLOUR.refused, COLOUR.refused, 1, 0.75, { means: "refused", isOwn: true, size: 130 }),
	failed: mark("triangle-up", white, COLOUR.refused, 1, 1, { means: "no answer", isOwn: true, size: 130 }),
	noEvent: mark("diamond", white, COLOUR.noEvent, 1, 1, {
		means: "takes an index, raises no event",
		size: 130,
	}),
	absent: mark("circle", white, COLOUR.absent, 0.75, 0.8, { means: "not delivered", size: 130 }),
	replayed: mark("circle", white, COLOUR.history, 1, 2.4, {
		means: "replayed from the history",
		size: 90,
		inner: { style: "write", size: 55 },
	}),
	asRead: mark("circle", COLOUR.write, COLOUR.write, 0.5, 1, { means: "as a read shows it", size: 90 }),
	lacking: mark("circle", white, COLOUR.refused, 1.25, 1, { means: "the log lacks it", size: 130 }),
	leftOver: mark(CROSS, "transparent", COLOUR.refused, 1.25, 1, { means: "no read shows it", size: 170 }),
	older: mark("diamond", COLOUR.noEvent, COLOUR.noEvent, 0.5, 1, { means: "an older state", size: 160 }),
	faultThere: mark("square", COLOUR.refused, white, 0.5, 1, {
		means: "confirmed: it has the fault",
		size: 110,
	}),
	changeThere: mark("circle", COLOUR.write, white, 0.5, 1, { means: "confirmed: it does so", size: 110 }),
	notThere: mark("circle", white, COLOUR.history, 1, 1, { means: "refuted: it does not", size: 110 }),
	notTried: mark("diamond", white, COLOUR.absent, 0.75, 0.8, { means: "untested", size: 110 }),
	nothingLost: mark("circle", white, COLOUR.history, 2, 1, undefined),
	count: { ...text(11, COLOUR.text, { ...LEFT, ...BOLD, dx: 8 }), dim: 0.15, halo: true },
	note: { ...text(10, COLOUR.refusedText, LEFT), halo: true },

	labelThread: { ...line(COLOUR.thread, 0.8), dim: 0.2 },
	labelTop: { ...text(12, COLOUR.text, { ...CENTER, ...BOLD }), dim: 0.2 },
	labelBottom: { ...text(10.5, COLOUR.quiet, CENTER), dim: 0.2 },
	labelSlanted: { ...text(11, COLOUR.quiet, { ...RIGHT, angle: 40, dx: -3 }), dim: 0.2 },
	head: pixelText(12, COLOUR.text, { ...LEFT, ...BOLD }),
	columnHead: pixelText(12, COLOUR.text, { ...CENTER, ...BOLD }),
	panelEdge: { ...line("#bdbdbd", 1), inPixels: true },
	rowName: pixelText(11.5, COLOUR.text, RIGHT),
	keyName: pixelText(12, COLOUR.text, RIGHT),
	groupName: pixelText(11.5, COLOUR.quiet, { ...LEFT, ...BOLD }),
	smallName: pixelText(10.5, COLOUR.quiet, RIGHT),
	columnWords: pixelText(10.5, COLOUR.quiet, CENTER),
	number: pixelText(10.5, COLOUR.text, LEFT),
	treeWords: pixelText(12.5, COLOUR.text, LEFT),
	writeName: { ...text(11.5, COLOUR.text, { ...CENTER, ...BOLD }), dim: 0.25 },
	writeNote: { ...text(10.5, COLOUR.refusedText, CENTER), dim: 0.25 },
	eventFromLeft: text(11.5, COLOUR.text, { ...LEFT, ...BOLD, dx: -6 }),
	eventToRight: text(11.5, COLOUR.text, { ...RIGHT, ...BOLD, dx: 6 }),
	keyMark: {
		...mark("circle", white, white, 1, 1, undefined),
		group: "keyMarks",
		inPixels: true,
		dim: undefined,
	},
	keyBox: {
		...band(white, white, undefined),
		group: "keyBoxes",
		grows: undefined,
		inPixels: true,
		props: { strokeWidth: 1 },
	},
	keyDashed: {
		...band(white, white, undefined),
		group: "keyDashed",
		grows: undefined,
		inPixels: true,
		props: { strokeWidth: 1, strokeDash: [3, 2] },
	},
	legendWords: pixelText(11.5, COLOUR.text, LEFT),
} as const satisfies Readonly<Record<string, Style>>;
