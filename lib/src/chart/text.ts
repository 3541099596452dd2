import { accountOf, type WatcherAccount } from "../timeline/account";
import { printable, shortened, textTable } from "../timeline/printable";
import {
	compactionWords,
	counted,
	countsInWords,
	ends,
	faultWords,
	inOrder,
	lifeWords,
	manyWords,
	refusalWords,
	type Shown,
	shownOf,
	stretchesInWords,
	timesOf,
	totalWords,
	type Unit,
	unitOf,
	watcherWords,
	withoutWords,
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
	/** True where a cell tells of an event that did not come. */
	readonly isAbsent: boolean;
	readonly cells: readonly string[];
}

const ABSENT = {
	asking: "·",
	paused: "· not reading",
	early: "· waiting for a later one",
	later: "· asked from later on",
	away: "· nobody waiting",
} as const;

/** What a watcher's cell says about one write. */
function cellWords(shown: Shown, unit: Unit): string {
	switch (shown.kind) {
		case "came": {
			const first = shown.deliveries[0];
			const times = timesOf(shown.deliveries);
			const keys = shown.deliveries.length / times;
			const some = keys < shown.due ? `${keys} of ${shown.due}` : `${keys}`;
			const words = `${first?.action ?? ""}${shown.due > 1 || keys > 1 ? ` of ${some} keys` : ""}${times > 1 ? ` ×${times}` : ""}`;
			return shown.deliveries.every((delivery) => delivery.fromHistory) ? `${words} (from history)` : words;
		}
		case "absent":
			if (shown.isStated) return "· in the gap";
			return shown.state === "away" && unit === "revision" ? "· no watch open" : ABSENT[shown.state];
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
	const { watchers } = accountOf(timeline);
	const condense = timeline.writes.length > MOST_ROWS;
	const groups: { writes: WriteRecord[]; isAbsent: boolean; cells: string[]; kind: string }[] = [];
	for (const write of condense ? inOrder(timeline) : timeline.writes) {
		const shown = watchers.map((account) => shownOf(account, write));
		const cells = shown.map((one) => cellWords(one, unitOf(timeline)));
		const { outcome } = write;
		const kind = [
			write.operation,
			write.by,
			outcome.kind === "accepted" ? outcome.raisesEvent : refusalWords(outcome),
			...cells,
		].join("\n");
		const last = groups.at(-1);
		if (condense && last?.kind === kind) last.writes.push(write);
		else groups.push({ writes: [write], isAbsent: shown.some(({ kind }) => kind === "absent"), cells, kind });
	}
	const numberOf = new Map(timeline.writes.map((write, at) => [write, at + 1] as const));
	const numbers = (writes: readonly WriteRecord[]) =>
		stretchesInWords(
			writes.map((write) => numberOf.get(write) ?? 0).sort((a, b) => a - b),
			3,
		);
	const all = groups.map(
		({ writes, ...row }): TimelineRow => ({
			numbers: numbers(writes),
			...row,
			...rowOf(writes, unitOf(timeline)),
		}),
	);
	const others = (left: number) => ({ ...NO_ROW, write: `… and ${left} more rows` });
	const rows = ends(all, condense ? ROWS_SHOWN : all.length, others);
	return {
		rows,
		/** What a dot in a cell means, where there is one. */
		legend: rows.some(({ isAbsent }) => isAbsent) ? ["· it did not come"] : [],
		notes: [
			...(timeline.withoutCounterpart ?? []).map(withoutWords),
			...(timeline.compactions ?? []).map(compactionWords),
			...(timeline.faults ?? []).map(
				(fault) => `the member: ${faultWords(fault)} at ${unitOf(timeline)} ${fault.at}`,
			),
			...(condense
				? watchers.map((account) => `${printable(account.watcher.name)}: ${cameWords(account)}`)
				: []),
			...watchers.flatMap(notesOf),
		],
	};
}

/** How much of what was due came, and where that is only some of it, which. */
function cameWords(account: WatcherAccount): string {
	const { fates, total } = account;
	const words = totalWords(account, "event");
	if (total.came === 0 || total.came === total.due) return words;
	const came = fates.flatMap(({ kind, change }) => (kind === "came" ? [change.index] : []));
	return `${words}; got ${account.unit} ${stretchesInWords(came)}`;
}

const NO_ROW: TimelineRow = {
	numbers: "",
	index: "",
	write: "",
	refused: false,
	isAbsent: false,
	cells: [],
};

function rowOf(writes: readonly WriteRecord[], unit: Unit): Pick<TimelineRow, "index" | "write" | "refused"> {
	const [first, last] = [writes[0], writes.at(-1)];
	if (!first || !last) return NO_ROW;
	const { outcome } = first;
	const what = manyWords(writes.length, first, unit, 40);
	if (outcome.kind !== "accepted")
		return { index: "–", write: `${what}: ${refusalWords(outcome)}`, refused: true };
	const quiet = outcome.raisesEvent ? "" : ": takes an index, raises no event";
	const to = last !== first && last.outcome.kind === "accepted" ? ` to ${last.outcome.index}` : "";
	return { index: `${outcome.index}${to}`, write: `${what}${quiet}`, refused: false };
}

function notesOf(account: WatcherAccount): string[] {
	const name = printable(account.watcher.name);
	const notes = account.watcher.life
		.filter((event) => event.kind !== "asked" && event.kind !== "answered")
		.map((event) => `${name}: ${lifeWords(event, account.unit)}`);
	const shown = [...ends(notes, 6, (left) => `${name}: … and ${left} more`)];
	if (account.foreign.length > 0)
		shown.push(
			`${name}: also got ${counted(account.foreign.length, "event")} that no write of this run raised: ${account.foreign
				.slice(0, 3)
				.map(
					(delivery) =>
						`${delivery.action} ${shortened(delivery.key, 40)} (${account.unit} ${delivery.index})`,
				)
				.join(", ")}${account.foreign.length > 3 ? ", …" : ""}`,
		);
	return shown;
}

/** The run as plain text: a table of the writes by the watchers, then what happened to the watchers. */
export function timelineText(timeline: Timeline, options: Titles = {}): string {
	const { rows, legend, notes } = timelineRows(timeline);
	const head = [
		unitOf(timeline),
		"write",
		...timeline.watchers.map((watcher) => shortened(watcher.name, 30)),
	];
	const under = ["", "", ...timeline.watchers.map((watcher) => watcherWords(watcher, unitOf(timeline), 30))];
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
	for (const some of [legend, notes]) if (some.length > 0) lines.push("", ...some);
	return `${lines.join("\n")}\n`;
}
