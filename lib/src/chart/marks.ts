import { type Change, groupBy, type WatcherAccount } from "../timeline/account";
import { becauseWords, whyWords } from "../timeline/explain";
import { printable, shortened } from "../timeline/printable";
import {
	inWordsOf,
	refusalLabel,
	refusalWords,
	shownOf,
	timesOf,
	type Unit,
	watcherWords,
	writeWords,
} from "../timeline/reading";
import type { Delivery, NodeRecord, WriteRecord } from "../timeline/timeline";
import { isRemoval } from "../v2/key";
import type { Axis } from "./layers";
import { type Lane, type Layout, pixelsPerIndex, rounded } from "./layout";
import { lookOf, type MarkStyle, type Shape } from "./shape";

/** The area of the marks of a lane, so that neighbours don't touch where that can be had. */
export function markSize(xs: Iterable<number>, axis: Axis): number {
	const all = [...new Set(xs)].sort((a, b) => a - b);
	const perIndex = pixelsPerIndex(axis);
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

/** How a write is drawn, and what the legend calls it. */
function styleOf(
	{ outcome }: WriteRecord,
	unit: Unit,
): { readonly style: MarkStyle; readonly what?: string } {
	if (outcome.kind === "failed") return { style: "failed", what: refusalLabel(outcome) };
	if (outcome.kind === "refused")
		return { style: "refused", what: unit === "revision" ? "nothing done" : "refused" };
	if (!outcome.raisesEvent) return { style: "noEvent" };
	return { style: isRemoval(outcome) ? "remove" : "write", what: outcome.action };
}

export function markOfWrite(write: WriteRecord, x: number, { y }: Lane, size: number, unit: Unit): Shape {
	const { outcome } = write;
	return {
		x: rounded(x),
		y,
		size,
		at: outcome.kind === "accepted" ? outcome.index : write.triedAt,
		link: `w${write.id}`,
		...styleOf(write, unit),
		say: `write ${write.id}: ${writeWords(write, unit)}, ${
			outcome.kind === "accepted" ? `${unit} ${outcome.index}` : refusalWords(outcome)
		}`,
		tip:
			outcome.kind === "accepted"
				? {
						write: `${write.id}: ${inWordsOf(unit, write).operation}`,
						by: printable(write.by),
						...eventTip(outcome.action, outcome.node, outcome.prevNode, unit),
						...(outcome.others === undefined ? {} : { "other keys": String(outcome.others.length) }),
						...(outcome.raisesEvent ? {} : { event: "none: a refresh takes an index and tells nobody" }),
					}
				: {
						write: `${write.id}: ${inWordsOf(unit, write).operation}`,
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

/** The least distance at which the marks of one index are told apart. */
const LEAST_APART = 6;

/** Where so many marks of one index stand in a lane, and how large; undefined where there is no room for all. */
function placesAt(count: number, { y, half }: Lane, size: number) {
	const wanted = Math.max(LEAST_APART, Math.sqrt(size) + 3);
	const isWide = ((count - 1) / 2) * wanted > half;
	const apart = isWide ? (2 * half) / (count - 1) : wanted;
	if (apart < LEAST_APART) return undefined;
	const small = isWide ? Math.min(size, (apart - 1) ** 2) : size;
	return Array.from({ length: count }, (_, nth) => ({
		y: rounded(y + (nth - (count - 1) / 2) * apart),
		size: small,
	}));
}

/** A mark of those that stand at one index. */
type Draw = (place: { readonly y: number; readonly size: number }) => Shape[];

/** Marks that stand at one index, and the one that stands for all of them where there is no room for each. */
type Group = { readonly each: readonly Draw[]; readonly all: Draw };

function column(groups: readonly Group[], lane: Lane, size: number): Shape[] {
	const each = groups.flatMap((group) => group.each);
	const drawn = placesAt(each.length, lane, size) ? each : groups.map(({ all }) => all);
	const places = placesAt(drawn.length, lane, size) ?? [];
	return drawn.flatMap((draw, nth) => draw(places[nth] ?? { y: lane.y, size }));
}

/** The number beside a mark that stands for many. */
function countOf(text: string, x: number, y: number, link: string): Shape {
	return { style: "count", x, y: rounded(y - 10), at: x, link, text, isMute: true };
}

/** What came at one index to a watcher: one mark for each time that it came, a ring around what history replayed. */
function deliveriesAt(
	deliveries: readonly Delivery[],
	link: string,
	account: WatcherAccount,
	why?: string,
): Group {
	const count = deliveries.length;
	const each = deliveries.map((delivery, nth): Draw => {
		const ofMany = `${nth + 1} of ${count}`;
		const many = timesOf(deliveries) > 1 ? `${ofMany} times` : `${ofMany} of this revision`;
		const came = count > 1 ? many : undefined;
		const replayed = delivery.fromHistory ? ", replayed from the history" : "";
		const event = `${delivery.action} ${shortened(delivery.key, 60)}, ${account.unit} ${delivery.index}`;
		const say = `${event}${replayed}${came === undefined ? "" : `, ${came}`}`;
		return ({ y, size }) => markOfDelivery(delivery, link, account, y, size, { say, came, why });
	});
	const all: Draw = (place) => {
		const [first] = deliveries;
		if (first === undefined || count === 1) return each.flatMap((draw) => draw(place));
		const { event, short, times, keys } = manyWords(deliveries);
		const say = `${event}, ${account.unit} ${first.index}${times}${keys}`;
		const words = { say, came: short, why };
		return [
			...markOfDelivery(first, link, account, place.y, place.size, words),
			countOf(short, first.index, place.y, link),
		];
	};
	return { each, all };
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
	account: WatcherAccount,
	y: number,
	size: number,
	words: { readonly say: string; readonly came: string | undefined; readonly why: string | undefined },
): Shape[] {
	const { watcher, unit } = account;
	const mark = {
		style: isRemoval(delivery) ? "remove" : "write",
		what: delivery.action,
		x: delivery.index,
		y,
		size,
		at: delivery.index,
		link,
		say: `${printable(watcher.name)} got ${words.say}`,
		tip: {
			watcher: shortened(watcher.name, 40),
			"asked for": watcherWords(watcher, unit),
			...eventTip(delivery.action, delivery.node, delivery.prevNode, unit),
			...(watcher.kind === "follow"
				? {}
				: { [unit === "index" ? "response index" : "watched since"]: String(delivery.etcdIndex) }),
			...(delivery.fromHistory ? { "replayed from": "the event history" } : {}),
			...(words.why === undefined ? {} : { why: words.why }),
			...(words.came === undefined ? {} : { came: words.came }),
		},
	} as const satisfies Shape;
	if (!delivery.fromHistory) return [mark];
	return [
		{ ...mark, style: "replayed", size: size * 0.75 },
		{ ...mark, look: { ...lookOf(mark.style, size), size: size * 0.6 } },
	];
}

/** The hollow mark where events of a write should have been. `count`: how many keys it stands for, if not for one. */
function markOfAbsence(
	write: WriteRecord,
	what: string,
	index: number,
	{ timeline, watcher, unit }: WatcherAccount,
	count?: number,
): Draw {
	const link = `w${write.id}`;
	return ({ y, size }) => [
		{
			style: "absent",
			x: index,
			y,
			size,
			at: index,
			link,
			say: `${printable(watcher.name)} did not get ${what}, ${unit} ${index}: ${becauseWords(timeline, watcher.name, write.id)}`,
			tip: {
				watcher: shortened(watcher.name, 40),
				"asked for": watcherWords(watcher, unit),
				"not delivered": what,
				[unit]: String(index),
				why: whyWords(timeline, watcher.name, write.id),
			},
		},
		...(count === undefined ? [] : [countOf(`${count} keys`, index, y, link)]),
	];
}

/** Of a v3 write that came in part: what did not. */
function absencesOf(write: WriteRecord, lacking: readonly Change[], account: WatcherAccount): Group[] {
	const [first] = lacking;
	if (!first) return [];
	const { action, index } = first;
	const each = lacking.map(({ key }) =>
		markOfAbsence(write, `${action} ${shortened(key, 60)}`, index, account),
	);
	const count = lacking.length;
	const many = markOfAbsence(write, `${action} of ${count} keys`, index, account, count);
	return [{ each, all: (count === 1 ? each[0] : many) ?? many }];
}

/** The marks of one watcher's lane, and the lines to them from the writes: only the classes that `draw` names. */
export function marksOfWatcher(
	account: WatcherAccount,
	layout: Layout,
	lane: Lane,
	size: number,
	draw: { readonly came: boolean; readonly absent: boolean; readonly lineFrom: number },
): Shape[] {
	const { timeline, writers } = layout;
	const shapes: Shape[] = [];
	for (const write of timeline.writes) {
		const shown = shownOf(account, write);
		if (shown.kind === "absent" && draw.absent) {
			const drawn = markOfAbsence(write, writeWords(write, account.unit), shown.outcome.index, account);
			shapes.push(...drawn({ y: lane.y, size }));
		}
		if (shown.kind !== "came") continue;
		const link = `w${write.id}`;
		const { index } = shown.outcome;
		const absent = absencesOf(write, draw.absent ? shown.lacking : [], account);
		const why = draw.came ? whyWords(timeline, account.watcher.name, write.id) : "";
		const came = draw.came ? [deliveriesAt(shown.deliveries, link, account, why)] : [];
		shapes.push(...column([...came, ...absent], lane, size));
		const y = (writers.get(write.by)?.y ?? 0) + draw.lineFrom;
		if (draw.came) shapes.push({ style: "join", x: index, y, y2: lane.y, at: index, link });
	}
	if (!draw.came) return shapes;
	for (const [index, deliveries] of groupBy(account.foreign, (delivery) => delivery.index))
		shapes.push(...column([deliveriesAt(deliveries, `i${index}`, account)], lane, size));
	return shapes;
}
