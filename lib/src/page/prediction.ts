import { printable } from "../timeline/printable";
import { type Fate, fateOf, readingOf, stretchesInWords, timesOf, writeWords } from "../timeline/reading";
import type { Timeline, WriteRecord } from "../timeline/timeline";
import { becauseWords } from "../timeline/why";
import { show } from "./display";
import { type Cell, noWatcher, type Table, tableBundle, tableOf } from "./table";

/**
 * Which writes a watcher will see: their numbers, from 1 in the order of the scenario, refused or not; a number
 * given twice means that it will come twice. "all" is every write once, "none" no write.
 */
export type Expected = readonly number[] | "all" | "none";

/** A reader's answer, bound before the run. */
export interface Prediction {
	/** By the watcher's name. */
	readonly expected: Readonly<Record<string, Expected>>;
	/** The same in words: one line, or where that is too long a line for each watcher. */
	readonly text: string;
}

/** One write at one watcher: what was predicted, and what came. */
export interface PredictionRow {
	readonly watcher: string;
	/** The write's number. */
	readonly write: number;
	/** The write in words, such as "set /a/b". */
	readonly what: string;
	/** How many times it was predicted to come, and how many times it came. */
	readonly predicted: number;
	readonly came: number;
	readonly right: boolean;
	/** The rule that decided, in words: see `explain`. */
	readonly because: string;
}

export interface PredictionResult {
	readonly right: number;
	readonly wrong: number;
	readonly rows: readonly PredictionRow[];
	/** Such as `8 of 10 right; wrong: write 2 at "recursive": you expected it, and it did not come: …`. */
	readonly summary: string;
}

/** As many characters as a notebook shows in a line of text before it breaks one, in the middle of a word. */
const LINE = 90;
const FORM = 'a list of write numbers such as [1, 3], or "all", or "none"';

/**
 * Binds your answer before anything runs, and says it back: which writes will each watcher see?
 * @example const mine = predict({ recursive: [1, 3, 5], plain: "none" });
 * @throws TypeError when an answer is neither a list of whole numbers from 1 nor "all" nor "none".
 */
export function predict(answers: Readonly<Record<string, Expected>>): Prediction {
	const prediction = predictionOf(answers);
	show({ "text/plain": `${prediction.text}\n` });
	return prediction;
}

/** `predict`, without showing anything. */
export function predictionOf(answers: Readonly<Record<string, Expected>>): Prediction {
	const given: unknown = answers;
	if (typeof given !== "object" || given === null || Array.isArray(given))
		throw new TypeError(`a prediction names watchers: { recursive: [1, 3], plain: "none" }`);
	const entries = Object.entries(given).map(([name, answer]) => [name, expectedOf(name, answer)] as const);
	if (entries.length === 0)
		throw new TypeError(`a prediction names at least one watcher: { recursive: [1, 3] }`);
	const words = entries.map(([name, expected]) => `"${printable(name)}" ${expectedWords(expected)}`);
	const line = `Your prediction: ${words.join("; ")}.`;
	return Object.freeze({
		expected: Object.freeze(Object.fromEntries(entries)),
		text: line.length <= LINE ? line : ["Your prediction:", ...words.map((word) => `  ${word}`)].join("\n"),
	});
}

function expectedOf(name: string, answer: unknown): Expected {
	const where = `the prediction for "${printable(name)}"`;
	if (answer === "all" || answer === "none") return answer;
	if (!Array.isArray(answer)) throw new TypeError(`${where} is ${FORM}, not ${shown(answer)}`);
	const numbers: number[] = [];
	for (const number of answer as readonly unknown[]) {
		if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 1)
			throw new TypeError(`${where} holds ${shown(number)}: writes are counted 1, 2, 3, …`);
		numbers.push(number);
	}
	return Object.freeze(numbers.sort((a, b) => a - b));
}

function shown(value: unknown): string {
	return typeof value === "string" ? `"${printable(value)}"` : printable(String(value));
}

function expectedWords(expected: Expected): string {
	if (expected === "all") return "will see every write";
	if (expected === "none" || expected.length === 0) return "will see none";
	const written = [...new Set(expected)];
	if (written.length === 1)
		return `will see write ${written[0]}${expected.length === 1 ? "" : ` ${times(expected.length)}`}`;
	const repeated = written.filter((number) => countOf(expected, number, 0) > 1);
	const often = repeated.map((number) => `${number} ${times(countOf(expected, number, 0))}`).join(", ");
	return `will see writes ${stretchesInWords(written)}${often === "" ? "" : ` (${often})`}`;
}

function times(count: number): string {
	return count === 1 ? "once" : count === 2 ? "twice" : `${count} times`;
}

function countOf(expected: Expected, write: number, mostWrites: number): number {
	if (expected === "all") return write <= mostWrites ? 1 : 0;
	if (expected === "none") return 0;
	return expected.filter((number) => number === write).length;
}

/**
 * Compares a prediction with what came, write by write at each watcher that was predicted. Pure.
 * @throws RangeError when the prediction names a watcher or a write that the run doesn't have.
 */
export function comparePrediction(prediction: Prediction, timeline: Timeline): PredictionResult {
	const rows = Object.entries(prediction.expected).flatMap(([name, expected]) => {
		const watcher = timeline.watchers.find((one) => one.name === name);
		if (!watcher) throw new RangeError(noWatcher(timeline, name));
		const most = timeline.writes.length;
		const beyond = expected === "all" || expected === "none" ? undefined : expected.find((n) => n > most);
		if (beyond !== undefined)
			throw new RangeError(
				`the prediction for "${printable(name)}" names write ${beyond}; the run has ${most}`,
			);
		const reading = readingOf(timeline, watcher);
		return timeline.writes.map((write, at) => {
			const predicted = countOf(expected, at + 1, most);
			return rowOf(
				name,
				at + 1,
				write,
				predicted,
				fateOf(reading, write),
				becauseWords(timeline, name, write.id),
			);
		});
	});
	const wrong = rows.filter((row) => !row.right);
	return {
		right: rows.length - wrong.length,
		wrong: wrong.length,
		rows,
		summary: summaryOf(rows.length, wrong),
	};
}

function rowOf(
	watcher: string,
	number: number,
	write: WriteRecord,
	predicted: number,
	fate: Fate,
	because: string,
): PredictionRow {
	const came = fate.kind === "came" ? timesOf(fate.deliveries) : 0;
	return {
		watcher,
		write: number,
		what: writeWords(write),
		predicted,
		came,
		right: predicted === came,
		because,
	};
}

function wrongWords(row: PredictionRow): string {
	const because = row.because === "" ? "" : `: ${row.because}`;
	const where = `write ${row.write} at "${printable(row.watcher)}"`;
	if (row.came === 0) return `${where}: you expected it, and it did not come${because}`;
	if (row.predicted === 0)
		return `${where}: you did not expect it, and it came${row.came > 1 ? ` ${times(row.came)}` : ""}${because}`;
	return `${where}: you expected it ${times(row.predicted)}, and it came ${times(row.came)}${because}`;
}

function summaryOf(total: number, wrong: readonly PredictionRow[]): string {
	if (wrong.length === 0) return `All ${total} right.`;
	const named = wrong.slice(0, 3).map(wrongWords);
	if (wrong.length > 3) named.push(`and ${wrong.length - 3} more`);
	return `${total - wrong.length} of ${total} right; wrong: ${named.join("; ")}.`;
}

const MOST_ROWS = 40;

/** The comparison as a table; of many rows, those that were wrong come first and the rest is counted. */
export function predictionTable(result: PredictionResult): Table {
	const ordered =
		result.rows.length <= MOST_ROWS
			? result.rows
			: [...result.rows.filter((row) => !row.right), ...result.rows.filter((row) => row.right)];
	const kept = ordered.slice(0, MOST_ROWS);
	const seen = (count: number) => (count === 0 ? "no" : count === 1 ? "yes" : times(count));
	return tableOf({
		title: "Your prediction, and what came",
		columns: ["watcher", "write", "what", "predicted", "came", "right?", "why"],
		rows: kept.map((row): Cell[] => [
			row.watcher,
			row.write,
			row.what,
			seen(row.predicted),
			seen(row.came),
			row.right ? { text: "right", mark: "right" } : { text: "wrong", mark: "wrong" },
			row.because,
		]),
		notes: [
			...(ordered.length > kept.length ? [`… and ${ordered.length - kept.length} more rows`] : []),
			result.summary,
		],
	});
}

/**
 * Shows a prediction beside what came, row by row, and how many were right. To have the comparison as data, call
 * `comparePrediction`.
 */
export function checkPrediction(prediction: Prediction, timeline: Timeline): void {
	show(tableBundle(predictionTable(comparePrediction(prediction, timeline))));
}
