import { printable, shortened } from "../timeline/printable";
import {
	type Fate,
	fateOf,
	type Reading,
	refusalLabel,
	refusalWords,
	timesOf,
	type Unit,
	watcherWords,
	writeWords,
} from "../timeline/reading";
import type { Delivery, NodeRecord, Timeline, WriteRecord } from "../timeline/timeline";
import { becauseWords, whyWords } from "../timeline/why";
import type { Lanes } from "./lanes";
import type { Look } from "./legend";
import { COLOUR, CROSS, removes } from "./palette";
import { PLOT_WIDTH, type Places, rounded } from "./places";

/** One mark of the chart, as Vega-Lite's data. Everything that came from a server is in `say` and `tip`, as text. */
export interface Mark {
	readonly x: number;
	readonly y: number;
	/** The slider's lowest position at which it shows. */
	readonly at: number;
	/** The same for a write and all its deliveries. */
	readonly link: string;
	readonly shape: string;
	readonly fill: string;
	readonly stroke: string;
	readonly strokeWidth: number;
	readonly size: number;
	/** What a screen reader says. */
	readonly say: string;
	/** The tooltip's rows. */
	readonly tip: Readonly<Record<string, string>>;
}

/** A line from a write to its delivery. */
export interface Join {
	readonly x: number;
	readonly y: number;
	readonly y2: number;
	readonly at: number;
	readonly link: string;
}

/** The area of the marks of a lane, so that neighbours don't touch where that can be had. */
export function markSize(xs: Iterable<number>, places: Places): number {
	const all = [...new Set(xs)].sort((a, b) => a - b);
	const perIndex = PLOT_WIDTH / (places.hi - places.lo);
	const indexes = smallestStep(all.filter(Number.isInteger)) * perIndex;
	const across = Math.min(14.5, 0.85 * indexes, 1.1 * smallestStep(all) * perIndex);
	return Math.round(Math.max(3.4, across) ** 2 * 0.8);
}

function smallestStep(sorted: readonly number[]): number {
	let smallest = Number.POSITIVE_INFINITY;
	sorted.forEach((x, at) => {
		if (at > 0) smallest = Math.min(smallest, x - (sorted[at - 1] ?? x));
	});
	return smallest;
}

export function lookOfWrite({ outcome }: WriteRecord, size: number): Look {
	if (outcome.kind !== "accepted") return lookOf(outcome.kind, size);
	if (!outcome.raisesEvent) return lookOf("noEvent", size);
	return lookOf(removes(outcome.action) ? "remove" : "write", size);
}

export function lookOf(
	kind: "write" | "remove" | "refused" | "failed" | "noEvent" | "absent" | "ring",
	size: number,
): Look {
	const thin = size < 60 ? 1 : 2;
	const white = "#ffffff";
	switch (kind) {
		case "write":
			return { shape: "circle", fill: COLOUR.write, stroke: white, strokeWidth: thin / 2, size };
		case "remove":
			return { shape: "square", fill: COLOUR.remove, stroke: white, strokeWidth: thin / 2, size };
		case "refused":
			return {
				shape: CROSS,
				fill: COLOUR.refused,
				stroke: COLOUR.refused,
				strokeWidth: thin,
				size: size * 0.75,
			};
		case "failed":
			return { shape: "triangle-up", fill: white, stroke: COLOUR.refused, strokeWidth: thin, size };
		case "noEvent":
			return { shape: "diamond", fill: white, stroke: COLOUR.noEvent, strokeWidth: thin, size };
		case "absent":
			return {
				shape: "circle",
				fill: white,
				stroke: COLOUR.absent,
				strokeWidth: thin * 0.75,
				size: size * 0.8,
			};
		case "ring":
			return { shape: "circle", fill: white, stroke: COLOUR.history, strokeWidth: thin, size: size * 2.4 };
	}
}

export function markOfWrite(
	write: WriteRecord,
	places: Places,
	lanes: Lanes,
	size: number,
	unit: Unit,
): Mark {
	const { outcome } = write;
	return {
		x: rounded(places.ofWrite.get(write.id) ?? 0),
		y: lanes.writers.get(write.by)?.y ?? 0,
		at: outcome.kind === "accepted" ? outcome.index : write.triedAt,
		link: `w${write.id}`,
		...lookOfWrite(write, size),
		say: `write ${write.id}: ${writeWords(write)}, ${
			outcome.kind === "accepted" ? `${unit} ${outcome.index}` : refusalWords(outcome)
		}`,
		tip:
			outcome.kind === "accepted"
				? {
						write: `${write.id}: ${write.operation}`,
						by: printable(write.by),
						...eventTip(outcome.action, outcome.node, outcome.prevNode, unit),
						...(outcome.others === undefined ? {} : { "other keys": String(outcome.others.length) }),
						...(outcome.raisesEvent ? {} : { event: "none: a refresh takes an index and tells nobody" }),
					}
				: {
						write: `${write.id}: ${write.operation}`,
						by: printable(write.by),
						key: shortened(write.key, 80),
						...(write.value === undefined ? {} : { value: shortened(write.value, 80) }),
						[outcome.kind === "refused" && unit === "revision" ? "nothing done" : outcome.kind]:
							outcome.kind === "refused" ? refusalLabel(outcome) : refusalWords(outcome),
						...(outcome.kind === "refused" && outcome.cause !== ""
							? { cause: printable(outcome.cause) }
							: {}),
						[`tried at ${unit}`]: String(write.triedAt),
					},
	};
}

function eventTip(
	action: string,
	node: NodeRecord,
	prevNode: NodeRecord | undefined,
	unit: Unit,
): Record<string, string> {
	const [created, before, modified] =
		unit === "index"
			? ["createdIndex", "prevNode", "modifiedIndex"]
			: ["create_revision", "prev_kv", "mod_revision"];
	return {
		action,
		key: shortened(node.key, 80),
		[unit]: String(node.modifiedIndex),
		...(node.value === undefined ? {} : { value: shortened(node.value, 80) }),
		...(node.dir ? { directory: "yes" } : {}),
		[created]: String(node.createdIndex),
		...(node.version === undefined ? {} : { version: String(node.version) }),
		...(node.ttl === undefined ? {} : { ttl: `${node.ttl} s` }),
		...(prevNode === undefined ? {} : { [`${before}.${modified}`]: String(prevNode.modifiedIndex) }),
		...(prevNode?.value === undefined ? {} : { [`${before}.value`]: shortened(prevNode.value, 80) }),
	};
}

/** A number beside a mark that stands for many. */
export interface Count {
	readonly x: number;
	readonly y: number;
	readonly at: number;
	readonly link: string;
	readonly text: string;
}

/** The least distance at which the marks of one index are told apart. */
const LEAST_APART = 6;

/**
 * The marks of what came at one index to a watcher: one for each time that it came, a ring around what history
 * replayed. They stay within the lane, `half` pixels from its middle; where there is no room for all there is one, with
 * their number beside it.
 */
export function marksOfDeliveries(
	deliveries: readonly Delivery[],
	link: string,
	reading: Reading,
	lane: { readonly y: number; readonly half: number },
	size: number,
	why?: string,
): { readonly marks: Mark[]; readonly counts: Count[] } {
	const count = deliveries.length;
	const wanted = Math.max(LEAST_APART, Math.sqrt(size) + 3);
	const isWide = ((count - 1) / 2) * wanted > lane.half;
	const apart = isWide ? (2 * lane.half) / (count - 1) : wanted;
	const [first] = deliveries;
	if (first !== undefined && apart < LEAST_APART) {
		const words = manyWords(deliveries);
		const mark = markOfDelivery(first, link, reading, lane.y, size, {
			say: `${words.event}, ${reading.unit} ${first.index}${words.times}${words.keys}`,
			came: words.short,
			why,
		});
		const at = { x: first.index, y: rounded(lane.y - 10), at: first.index, link };
		return { marks: mark, counts: [{ ...at, text: words.short }] };
	}
	const small = isWide ? Math.min(size, (apart - 1) ** 2) : size;
	const marks = deliveries.flatMap((delivery, nth) => {
		const ofMany = `${nth + 1} of ${count}`;
		const came = timesOf(deliveries) > 1 ? `${ofMany} times` : `${ofMany} of this revision`;
		const replayed = delivery.fromHistory ? ", replayed from the history" : "";
		return markOfDelivery(delivery, link, reading, rounded(lane.y + (nth - (count - 1) / 2) * apart), small, {
			say: `${delivery.action} ${shortened(delivery.key, 60)}, ${reading.unit} ${delivery.index}${replayed}${
				count > 1 ? `, ${came}` : ""
			}`,
			came: count > 1 ? came : undefined,
			why,
		});
	});
	return { marks, counts: [] };
}

/** Many deliveries of one index in words: the same event again, the events of a v3 revision, or both. */
function manyWords(deliveries: readonly Delivery[]) {
	const times = timesOf(deliveries);
	const keys = [...new Set(deliveries.map(({ key }) => key))];
	const [first = ""] = keys;
	const many = keys.length > 1 ? `${keys.length} keys` : "";
	const replayed = deliveries.every(({ fromHistory }) => fromHistory) ? ", replayed from the history" : "";
	const some = keys.slice(0, 8).map((key) => shortened(key, 40));
	return {
		short: [many, times > 1 ? `×${times}` : ""].filter(Boolean).join(" "),
		event: `${deliveries[0]?.action} ${many === "" ? shortened(first, 60) : `of ${many}`}`,
		times: `${replayed}${times > 1 ? `, ${times} times` : ""}`,
		keys: many === "" ? "" : `: ${some.join(", ")}${keys.length > 8 ? ", …" : ""}`,
	};
}

function markOfDelivery(
	delivery: Delivery,
	link: string,
	reading: Reading,
	y: number,
	size: number,
	words: { readonly say: string; readonly came: string | undefined; readonly why: string | undefined },
): Mark[] {
	const { watcher, unit } = reading;
	const mark: Mark = {
		x: delivery.index,
		y,
		at: delivery.index,
		link,
		...lookOf(removes(delivery.action) ? "remove" : "write", size),
		say: `${printable(watcher.name)} got ${words.say}`,
		tip: {
			watcher: shortened(watcher.name, 40),
			"asked for": watcherWords(watcher),
			...eventTip(delivery.action, delivery.node, delivery.prevNode, unit),
			...(watcher.kind === "follow"
				? {}
				: { [unit === "index" ? "response index" : "watched since"]: String(delivery.etcdIndex) }),
			...(delivery.fromHistory ? { "replayed from": "the event history" } : {}),
			...(words.why === undefined ? {} : { why: words.why }),
			...(words.came === undefined ? {} : { came: words.came }),
		},
	};
	if (!delivery.fromHistory) return [mark];
	return [
		{ ...mark, ...lookOf("ring", size * 0.75) },
		{ ...mark, size: size * 0.6 },
	];
}

function byIndex(deliveries: readonly Delivery[]): Map<number, Delivery[]> {
	const groups = new Map<number, Delivery[]>();
	for (const delivery of deliveries) {
		const group = groups.get(delivery.index);
		if (group) group.push(delivery);
		else groups.set(delivery.index, [delivery]);
	}
	return groups;
}

/** The hollow mark where an event should have been. */
export function markOfAbsence(
	timeline: Timeline,
	write: WriteRecord,
	fate: Extract<Fate, { kind: "absent" }>,
	reading: Reading,
	y: number,
	size: number,
): Mark {
	const why = whyWords(timeline, reading.watcher.name, write.id);
	return {
		x: fate.outcome.index,
		y,
		at: fate.outcome.index,
		link: `w${write.id}`,
		...lookOf("absent", size),
		say: `${printable(reading.watcher.name)} did not get ${writeWords(write)}, ${reading.unit} ${fate.outcome.index}: ${becauseWords(timeline, reading.watcher.name, write.id)}`,
		tip: {
			watcher: shortened(reading.watcher.name, 40),
			"asked for": watcherWords(reading.watcher),
			"not delivered": writeWords(write),
			[reading.unit]: String(fate.outcome.index),
			why,
		},
	};
}

/** The marks and lines of one watcher's lane, or only those classes that `draw` names. */
export function marksOfWatcher(
	timeline: Timeline,
	reading: Reading,
	lanes: Lanes,
	y: number,
	size: number,
	draw: { readonly came: boolean; readonly absent: boolean; readonly bandedWriters: boolean },
): { marks: Mark[]; joins: Join[]; counts: Count[] } {
	const marks: Mark[] = [];
	const counts: Count[] = [];
	const add = (drawn: ReturnType<typeof marksOfDeliveries>) => {
		marks.push(...drawn.marks);
		counts.push(...drawn.counts);
	};
	const lane = { y, half: lanes.half };
	const joins: Join[] = [];
	for (const write of timeline.writes) {
		const fate = fateOf(reading, write);
		if (fate.kind === "absent" && draw.absent)
			marks.push(markOfAbsence(timeline, write, fate, reading, y, size));
		if (fate.kind !== "came" || !draw.came) continue;
		const link = `w${write.id}`;
		const why = whyWords(timeline, reading.watcher.name, write.id);
		add(marksOfDeliveries(fate.deliveries, link, reading, lane, size, why));
		const from = lanes.writers.get(write.by)?.y ?? 0;
		joins.push({
			x: fate.outcome.index,
			y: from + (draw.bandedWriters ? 8 : 0),
			y2: y,
			at: fate.outcome.index,
			link,
		});
	}
	if (draw.came)
		for (const [index, deliveries] of byIndex(reading.foreign))
			add(marksOfDeliveries(deliveries, `i${index}`, reading, lane, size));
	return { marks, joins, counts };
}
