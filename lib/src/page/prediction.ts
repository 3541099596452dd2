import { accountOf, checkTimeline } from "../timeline/account";
import { becauseWords } from "../timeline/explain";
import { printable } from "../timeline/printable";
import { inWordsOf, type MaybeRecorded, manyWords, stretchesInWords, unitOf } from "../timeline/reading";
import type { Timeline } from "../timeline/timeline";
import { show } from "./display";
import { type Cell, MOST_ALONE, reasonIn, rowsOf, type Table, tableBundle, tableOf } from "./table";

/**
 * Which writes a watcher will see: their numbers, from 1 in the order of the scenario, refused or not; a number
 * given twice means that it will come twice. "all" is every write once, "none" no write, "2 to 300" each of these once.
 */
export type Expected = readonly number[] | "all" | "none" | `${number} to ${number}`;

/** An answer with the numbers of "2 to 300" written out. */
type Bound = readonly number[] | "all" | "none";

/** A reader's answer, bound before the run. */
export interface Prediction {
	/** By the watcher's name; "2 to 300" as the numbers. */
	readonly expected: Readonly<Record<string, Bound>>;
	/** The same in words: one line, or where that is too long a line for each watcher. */
	readonly text: string;
}

/** One write at one watcher: what was predicted, and what came. */
export interface PredictionRow {
	readonly watcher: string;
	/** The write's number. */
	readonly write: number;
	/** What the write was: "set" of "/a/b". */
	readonly operation: string;
	readonly key: string;
	/** How many times it was predicted to come, and how many times it came. */
	readonly predicted: number;
	readonly came: number;
	/** False where nobody knows whether it came, or would have come: then the guess is neither right nor wrong. */
	readonly isKnown: boolean;
	/** True when it came as often as predicted. */
	readonly right: boolean;
	/** The rule that decided, in words: see `explain`. */
	readonly because: string;
}

export interface PredictionResult {
	readonly right: number;
	readonly wrong: number;
	/** Rows that are neither. */
	readonly unknown: number;
	readonly rows: readonly PredictionRow[];
	/** Such as `8 of 10 right, 1 not known.`; which, and why, is in the rows. */
	readonly summary: string;
}

/** As many characters as a notebook shows in a line of text before it breaks one, in the middle of a word. */
const LINE = 90;
const FORM = 'a list of write numbers such as [1, 3], or "2 to 300", or "all", or "none"';
/** In "2 to 300": more writes than a run can have would only fill the memory. */
const MOST_WRITES = 100_000;

/**
 * Binds your answer before anything runs, and says it back: which writes will each watcher see?
 * @example const mine = predict({ recursive: [1, 3, 5], plain: "none" });
 * @throws TypeError when an answer is neither a list of whole numbers from 1 nor "all" nor "none".
 */
export function predict(
	// Spelled out, since TypeScript's messages name the type.
	answers: Readonly<Record<string, readonly number[] | "all" | "none" | `${number} to ${number}`>>,
): Prediction {
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

function expectedOf(name: string, answer: unknown): Bound {
	const where = `the prediction for "${printable(name)}"`;
	if (answer === "all" || answer === "none") return answer;
	const [, from, to] = (typeof answer === "string" && /^(\d+) to (\d+)$/.exec(answer)) || [];
	if (from !== undefined && to !== undefined)
		return Object.freeze(numbersIn(where, Number(from), Number(to)));
	if (!Array.isArray(answer)) throw new TypeError(`${where} is ${FORM}, not ${shown(answer)}`);
	const numbers: number[] = [];
	for (const number of answer as readonly unknown[]) {
		if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 1)
			throw new TypeError(`${where} holds ${shown(number)}: writes are counted 1, 2, 3, …`);
		numbers.push(number);
	}
	return Object.freeze(numbers.sort((a, b) => a - b));
}

function numbersIn(where: string, from: number, to: number): number[] {
	if (from < 1 || to < from || to > MOST_WRITES)
		throw new TypeError(
			`${where} is "${from} to ${to}": writes are counted 1, 2, 3, … up to ${MOST_WRITES}, the lower number first`,
		);
	return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

function shown(value: unknown): string {
	return typeof value === "string" ? `"${printable(value)}"` : printable(String(value));
}

function expectedWords(expected: Bound): string {
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

function countOf(expected: Bound, write: number, mostWrites: number): number {
	if (expected === "all") return write <= mostWrites ? 1 : 0;
	if (expected === "none") return 0;
	return expected.filter((number) => number === write).length;
}

/**
 * Compares a prediction with what came, write by write at each watcher that was predicted. Pure.
 * @throws RangeError when the prediction names a watcher or a write that the run doesn't have.
 */
export function comparePrediction(prediction: Prediction, timeline: Timeline): PredictionResult {
	checkTimeline(timeline);
	const rows = Object.entries(prediction.expected).flatMap(([name, expected]) => {
		const account = accountOf(timeline).watcher(name);
		const most = timeline.writes.length;
		const beyond = expected === "all" || expected === "none" ? undefined : expected.find((n) => n > most);
		if (beyond !== undefined)
			throw new RangeError(
				`the prediction for "${printable(name)}" names write ${beyond}; the run has ${most}`,
			);
		return timeline.writes.map((write, at): PredictionRow => {
			const predicted = countOf(expected, at + 1, most);
			const { kind, times: came } = account.fateOf(write);
			const isKnown = came > 0 || kind !== "notKnown";
			const right = isKnown && came === predicted;
			const because = becauseWords(timeline, name, write.id);
			return {
				watcher: name,
				write: at + 1,
				...inWordsOf(unitOf(timeline), write),
				predicted,
				came,
				isKnown,
				right,
				because,
			};
		});
	});
	const wrong = rows.filter((row) => row.isKnown && !row.right).length;
	const unknown = rows.filter(({ isKnown }) => !isKnown).length;
	const right = rows.length - wrong - unknown;
	const open = unknown === 0 ? "" : `, ${unknown} not known`;
	const summary = right === rows.length ? `All ${right} right.` : `${right} of ${rows.length} right${open}.`;
	return { right, wrong, unknown, rows, summary };
}

/** Rows that differ in nothing but their write, by its key and number. */
function kindOf({ watcher, operation, key, predicted, came, isKnown, because }: PredictionRow): unknown {
	return [watcher, operation, predicted, came, isKnown, reasonIn(because, printable(key))];
}

/**
 * The comparison as a table. Of a long run writes with the same end share a row, and what was wrong comes first, the
 * rarest at the top. `of`: the run, which may be a record.
 */
export function predictionTable(result: PredictionResult, of: readonly MaybeRecorded[] = []): Table {
	const rankOf = ([{ right, isKnown }]: (typeof groups)[number]) => (right ? 2 : isKnown ? 0 : 1);
	const groups = rowsOf(result.rows, kindOf);
	if (result.rows.length > MOST_ALONE) groups.sort((one, other) => rankOf(one) - rankOf(other));
	const seen = (count: number) => (count === 0 ? "no" : count === 1 ? "yes" : times(count));
	const rows = groups.slice(0, MOST_ALONE).map((group): Cell[] => {
		const [first] = group;
		const { isKnown, right } = first;
		return [
			first.watcher,
			stretchesInWords(group.map(({ write }) => write)),
			manyWords(group.length, first, "index"),
			seen(first.predicted),
			isKnown ? seen(first.came) : "not known",
			right
				? { text: "right", mark: "right" }
				: isKnown
					? { text: "wrong", mark: "wrong" }
					: { text: "neither", mark: "open" },
			first.because,
		];
	});
	return tableOf({
		of,
		title: "Your prediction, and what came",
		columns: ["watcher", "write", "what", "predicted", "came", "right?", "why"],
		rows,
		notes: [
			...(groups.length > rows.length ? [`… and ${groups.length - rows.length} more rows`] : []),
			result.summary,
		],
	});
}

/**
 * Shows a prediction beside what came, row by row, and how many were right. To have the comparison as data, call
 * `comparePrediction`.
 */
export function checkPrediction(prediction: Prediction, timeline: Timeline): void {
	show(tableBundle(predictionTable(comparePrediction(prediction, timeline), [timeline])));
}
