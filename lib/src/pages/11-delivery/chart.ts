import { type Chart, chartOf, type Titles } from "../../chart/frame";
import { indexTicks } from "../../chart/layout";
import type { Entry } from "../../chart/placing";
import { lookOf, type Shape, swatchOf } from "../../chart/shape";
import { PLOT_WIDTH } from "../../chart/style";
import { showChart } from "../../page/chart";
import { pixelsOf, printable, shortened, textTable } from "../../timeline/printable";
import type { Told, ToldEvent, ToldMessage } from "./told";

const ROW = 44;
/** Above this, the events of a message are a bar. */
const MOST_EVENTS = 40;
const MOST_MESSAGES = 20;
/** How far the bar of a message reaches past its revisions. */
const HALF = 0.42;

/**
 * Draws what a watch was told: a lane for each message, in it a mark for each event at its revision, and the revision
 * that the message's header says. Pure.
 * @throws RangeError for no message or more than 20
 */
export function toldChart(told: Told, options: Titles = {}): Chart {
	const { messages } = told;
	if (messages.length === 0 || messages.length > MOST_MESSAGES)
		throw new RangeError(`the chart is of 1 to ${MOST_MESSAGES} messages, not of ${messages.length}`);
	const { title = "What each message of the watch brought", subtitle = "" } = options;
	const revisions = messages.flatMap((one) => [one.revision, ...one.events.map(({ revision }) => revision)]);
	const [least, most] = [Math.min(...revisions, 1), Math.max(...revisions)];
	const pad = Math.max(0.6, (most - least) * 0.03);
	const scale = { lo: least - pad, hi: most + pad };
	const perRevision = PLOT_WIDTH / (scale.hi - scale.lo);
	const shapes = messages.flatMap((message, at) => messageShapes(message, at, perRevision));
	const isLong = messages.some(({ events }) => events.length > MOST_EVENTS);
	return chartOf({
		...{ title, subtitle, shapes, left: 132, plotHeight: messages.length * ROW + 4 },
		description: messages.map(messageWords).join(" "),
		text: textOf(told, title, subtitle),
		axis: {
			...{ ...scale, last: most, edge: HALF, title: "revision" },
			ticks: indexTicks(scale.lo, scale.hi).filter((tick) => tick <= most),
		},
		legend: legendOf(messages, isLong),
	});
}

/** Shows `toldChart`. */
export function showTold(told: Told, options: Titles = {}): void {
	showChart(toldChart(told, options));
}

function messageShapes(message: ToldMessage, at: number, perRevision: number): Shape[] {
	const { kind, revision, events, fragment } = message;
	const y = at * ROW + ROW / 2;
	const link = `message ${at + 1}`;
	const what = kind === "progress" ? "progress" : `${events.length} event${events.length === 1 ? "" : "s"}`;
	const shapes: Shape[] = [
		{ style: "laneName", x: -12, y: y - 7, text: link, say: messageWords(message, at) },
		{ style: "laneWords", x: -12, y: y + 8, text: fragment ? `${what}, fragment` : what },
		{ style: "row", x: 0, x2: PLOT_WIDTH, y: y + ROW / 2 },
	];
	const [first, last] = [events[0]?.revision, events.at(-1)?.revision];
	if (first !== undefined && last !== undefined) {
		const isLong = events.length > MOST_EVENTS;
		const words = `${events.length} events, revisions ${first} to ${last}`;
		shapes.push({
			style: fragment ? "compacted" : "track",
			...{ x: first - HALF, x2: last + HALF, y: y - 12, y2: y + 12, link },
			...(isLong ? { say: words } : {}),
		});
		const fitting = [words, what].find((one) => pixelsOf(one, 10.5) < (last - first) * perRevision - 8) ?? "";
		if (isLong) shapes.push({ style: "bandWords", x: (first + last) / 2, y, text: fitting, isMute: true });
		else shapes.push(...events.map((event): Shape => eventMark(event, events, y, link)));
	}
	shapes.push({
		style: "older",
		...{ x: revision, y: events.length === 0 ? y : y + 12, size: 110, link },
		say: `${link}: its header says revision ${revision}`,
		tip: { message: String(at + 1), "header.revision": String(revision) },
	});
	return shapes;
}

/** Those of one revision stand beside each other. */
function eventMark(event: ToldEvent, all: readonly ToldEvent[], y: number, link: string): Shape {
	const { type, key, revision } = event;
	const same = all.filter((one) => one.revision === revision);
	const nth = same.indexOf(event) - (same.length - 1) / 2;
	return {
		style: type === "put" ? "write" : "remove",
		...{ x: revision + nth * Math.min(0.2, 0.7 / same.length), y, size: 110, link },
		say: `${link}: ${type} ${printable(key)}, revision ${revision}`,
		tip: { event: type, key: shortened(key, 60), mod_revision: String(revision) },
	};
}

function legendOf(messages: readonly ToldMessage[], isLong: boolean): Entry[] {
	const types = new Set(messages.flatMap(({ events }) => events.map(({ type }) => type)));
	const boxes = [
		[
			"track",
			"a message, or its last piece",
			messages.some(({ events, fragment }) => events.length > 0 && !fragment),
		],
		["compacted", "a fragment: more of it follows", messages.some(({ fragment }) => fragment)],
	] as const;
	return [
		...(types.has("put") && !isLong ? [{ text: "put", marks: [lookOf("write", 110)] }] : []),
		...(types.has("delete") && !isLong ? [{ text: "delete", marks: [lookOf("remove", 110)] }] : []),
		...boxes.flatMap(([style, text, isThere]) =>
			isThere ? [{ text, box: { ...swatchOf(style), isBar: false } }] : [],
		),
		{ text: "the revision in the message's header", marks: [lookOf("older", 110)] },
	];
}

function messageWords({ kind, revision, events, fragment }: ToldMessage, at: number): string {
	const what = kind === "progress" ? "progress" : eventsWords(events);
	return `Message ${at + 1}: ${what}${fragment ? "; more of it follows" : ""}; its header says ${revision}.`;
}

/** Each revision with its events, or of many how many they are. */
function eventsWords(events: readonly ToldEvent[]): string {
	const [first, last] = [events[0]?.revision, events.at(-1)?.revision];
	if (events.length > MOST_EVENTS) return `${events.length} events, revisions ${first} to ${last}`;
	const revisions = [...new Set(events.map(({ revision }) => revision))];
	return revisions
		.map((revision) => {
			const same = events.filter((event) => event.revision === revision);
			return `${revision}: ${same.map(({ type, key }) => `${type} ${printable(shortened(key, 30))}`).join(", ")}`;
		})
		.join("; ");
}

function textOf({ messages }: Told, title: string, subtitle: string): string {
	const rows = messages.map(({ kind, revision, events, fragment }, at) => [
		String(at + 1),
		kind === "progress" ? "(progress, no events)" : eventsWords(events),
		fragment ? "true" : "",
		String(revision),
	]);
	const columns = ["message", "revision: its events", "fragment", "header.revision"];
	const titles = [title, ...(subtitle === "" ? [] : [subtitle])].map(printable);
	return `${[...titles, "", ...textTable([columns], rows, [])].join("\n")}\n`;
}
