import { printable, shortened, textTable } from "../timeline/printable";
import {
	compactionWords,
	counted,
	countsInWords,
	ends,
	type Fate,
	fateOf,
	faultWords,
	lifeWords,
	type Reading,
	readingOf,
	refusalWords,
	stretchesInWords,
	timesOf,
	totalWords,
	unitOf,
	watcherWords,
	withoutWords,
	writeWords,
} from "../timeline/reading";
import type { Timeline, WriteRecord } from "../timeline/timeline";
import type { Titles } from "./frame";

/** Above this many writes, neighbours with the same fate share one row. */
const MOST_ROWS = 40;
/** Of the rows that are left then, so many are shown. */
const ROWS_SHOWN = 24;

/** A row of the timeline's table: a write, or a stretch of writes with the same fate everywhere. */
interface TimelineRow {
	/** Which writes of the run it is of, from 1 in the order tried: "3", "2 to 9". */
	readonly numbers: string;
	readonly index: string;
	readonly write: string;
	readonly refused: boolean;
	readonly cells: readonly string[];
}

const ABSENT = {
	listening: "·",
	paused: "· not reading",
	early: "· waiting for a later one",
	later: "· asked from later on",
	away: "· nobody waiting",
} as const;

/** What a watcher's cell says about one write. */
function cellWords(fate: Fate): string {
	switch (fate.kind) {
		case "came": {
			const first = fate.deliveries[0];
			const times = timesOf(fate.deliveries);
			const keys = fate.deliveries.length / times;
			const some = keys < fate.due ? `${keys} of ${fate.due}` : `${keys}`;
			const words = `${first?.action ?? ""}${fate.due > 1 || keys > 1 ? ` of ${some} keys` : ""}${times > 1 ? ` ×${times}` : ""}`;
			return fate.deliveries.every((delivery) => delivery.fromHistory) ? `${words} (from history)` : words;
		}
		case "absent":
			if (fate.isStated) return "· in the gap";
			return ABSENT[fate.state];
		case "unaccepted":
		case "noEvent":
		case "elsewhere":
			return "";
	}
}

/**
 * The rows, of very many the first and the last and between them one that counts the others; and what they can't say:
 * what happened to the watchers, and events that no write of the run raised.
 */
export function timelineRows(timeline: Timeline) {
	const readings = timeline.watchers.map((watcher) => readingOf(timeline, watcher));
	const condense = timeline.writes.length > MOST_ROWS;
	const groups: { writes: WriteRecord[]; cells: string[]; kind: string }[] = [];
	for (const write of condense ? inOrderOfIndex(timeline.writes) : timeline.writes) {
		const cells = readings.map((reading) => cellWords(fateOf(reading, write)));
		const { outcome } = write;
		const kind = [
			write.operation,
			write.by,
			outcome.kind === "accepted" ? outcome.raisesEvent : refusalWords(outcome),
			...cells,
		].join("\n");
		const last = groups.at(-1);
		if (condense && last?.kind === kind) last.writes.push(write);
		else groups.push({ writes: [write], cells, kind });
	}
	const numberOf = new Map(timeline.writes.map((write, at) => [write, at + 1] as const));
	const numbers = (writes: readonly WriteRecord[]) =>
		stretchesInWords(
			writes.map((write) => numberOf.get(write) ?? 0).sort((a, b) => a - b),
			3,
		);
	const rows = groups.map(({ writes, cells }) => ({ numbers: numbers(writes), ...rowOf(writes, cells) }));
	const others = (left: number) => `… and ${left} more rows`;
	return {
		rows: ends(rows, condense ? ROWS_SHOWN : rows.length, (left) => ({ ...NO_ROW, write: others(left) })),
		notes: [
			...(timeline.withoutCounterpart ?? []).map(withoutWords),
			...(timeline.compactions ?? []).map(compactionWords),
			...(timeline.faults ?? []).map(
				(fault) => `the member: ${faultWords(fault)} at ${unitOf(timeline)} ${fault.at}`,
			),
			...(condense
				? readings.map((reading) => `${printable(reading.watcher.name)}: ${cameWords(reading)}`)
				: []),
			...readings.flatMap(notesOf),
		],
	};
}

/** How much of what was due came, and where that is only some of it, which. */
function cameWords(reading: Reading): string {
	const { fates, total } = reading.account;
	const words = totalWords(reading, "event");
	if (total.came === 0 || total.came === total.due) return words;
	const came = fates.flatMap(({ kind, change }) => (kind === "came" ? [change.index] : []));
	return `${words}; got ${reading.unit} ${stretchesInWords(came)}`;
}

/** Writes that were under way at the same time take their indexes in another order than they were tried in. */
function inOrderOfIndex(writes: readonly WriteRecord[]): WriteRecord[] {
	const place = ({ outcome, triedAt }: WriteRecord) =>
		outcome.kind === "accepted" ? outcome.index : triedAt + 0.5;
	return [...writes].sort((a, b) => place(a) - place(b));
}

const NO_ROW: TimelineRow = { numbers: "", index: "", write: "", refused: false, cells: [] };

function rowOf(writes: readonly WriteRecord[], cells: readonly string[]): Omit<TimelineRow, "numbers"> {
	const first = writes[0];
	const last = writes.at(-1);
	if (!first || !last) return { ...NO_ROW, cells };
	const { outcome } = first;
	const end = last.outcome;
	const many =
		writes.length > 1 ? `${writes.length} × ${first.operation}, first ${shortened(first.key, 40)}` : "";
	if (outcome.kind !== "accepted") {
		const what = many === "" ? writeWords(first) : many;
		return { index: "–", write: `${what}: ${refusalWords(outcome)}`, refused: true, cells };
	}
	const quiet = outcome.raisesEvent ? "" : ": takes an index, raises no event";
	const index =
		end.kind === "accepted" && writes.length > 1 ? `${outcome.index} to ${end.index}` : `${outcome.index}`;
	return { index, write: (many === "" ? writeWords(first) : many) + quiet, refused: false, cells };
}

function notesOf(reading: Reading): string[] {
	const name = printable(reading.watcher.name);
	const notes = reading.watcher.life
		.filter((event) => event.kind !== "asked" && event.kind !== "answered")
		.map((event) => `${name}: ${lifeWords(event, reading.unit)}`);
	const shown = [...ends(notes, 6, (left) => `${name}: … and ${left} more`)];
	if (reading.foreign.length > 0)
		shown.push(
			`${name}: also got ${counted(reading.foreign.length, "event")} that no write of this run raised: ${reading.foreign
				.slice(0, 3)
				.map(
					(delivery) =>
						`${delivery.action} ${shortened(delivery.key, 40)} (${reading.unit} ${delivery.index})`,
				)
				.join(", ")}${reading.foreign.length > 3 ? ", …" : ""}`,
		);
	return shown;
}

/** The run as plain text: a table of the writes by the watchers, then what happened to the watchers. */
export function timelineText(timeline: Timeline, options: Titles = {}): string {
	const { rows, notes } = timelineRows(timeline);
	const head = [
		unitOf(timeline),
		"write",
		...timeline.watchers.map((watcher) => shortened(watcher.name, 30)),
	];
	const under = ["", "", ...timeline.watchers.map((watcher) => watcherWords(watcher, 30))];
	const lines = [
		printable(options.title ?? timeline.name),
		printable(options.subtitle ?? countsInWords(timeline)),
	];
	lines.push(
		"",
		...textTable(
			[head, under],
			rows.map((row) => [row.index, row.write, ...row.cells]),
			["right"],
		),
	);
	if (rows.some((row) => row.cells.some((cell) => cell.startsWith("·")))) lines.push("", "· it did not come");
	if (notes.length > 0) lines.push("", ...notes);
	return `${lines.join("\n")}\n`;
}
