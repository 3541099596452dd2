import fs from "node:fs";
import path from "node:path";
import { root } from "#tools/paths";

const namesIn = (room: string, names: string) => names.split(" ").map((name) => `unit/${room}/${name}`);

/** By what they ask: those that are fast, use no socket, and are the same each time. */
const runs = namesIn("scenario", "account asks claims compare fate stated timeline-json words writes");
const read = namesIn("page", "exercise explained faults labels prediction text v3-words");
const drawn = namesIn("page", "chart odd sidebyside");
/** All that is made of the recorded runs, as hashes. */
const golden = "pages/golden/golden";

/** Words of the titles of tests that take long: each mutant that survives would run them all. */
export const slow: readonly string[] = [
	// Of the recorded runs those of the pages, which are larger than those by hand.
	...["is what it was: [01]\\d-", "3,000 writes", "by hand: many", "slow reader", "every reason"],
	...["as much work", "of a long run", "5,000 writes", "asked again", "timeline only", "that nothing proves"],
];

/**
 * What is changed, the tests that have to notice it, of the library's source and of test/, and about how long it takes. What is slow stands last:
 * the first test that notices a mutant is its last.
 */
export const groups = {
	model: {
		sources: ["model"],
		tests: namesIn("model", "expiry watch writes reach"),
		seconds: 40,
	},
	follow: {
		sources: [
			...["changes.ts", "keys.ts", "mirror.ts", "options.ts", "queue.ts", "reconciler.ts", "rules.ts"],
			...["state.ts", "tree.ts", "v2/ask-window.ts"],
		].map((name) => `follow/${name}`),
		tests: namesIn("follow", "options state ask-window reconciler mirror"),
		seconds: 240,
	},
	timeline: { sources: ["timeline"], tests: [...runs, ...read, golden], seconds: 1800 },
	claims: {
		sources: ["claims"],
		tests: [...namesIn("scenario", "claims stated"), ...namesIn("page", "exercise")],
		seconds: 300,
	},
	chart: {
		sources: ["bands.ts", "layout.ts", "placing.ts", "shape.ts"].map((name) => `chart/${name}`),
		tests: [...read, ...drawn, golden],
		seconds: 600,
	},
	page: {
		sources: ["explained.ts", "prediction.ts", "run-tables.ts", "table.ts"].map((name) => `page/${name}`),
		tests: [...read, golden],
		seconds: 600,
	},
} as const satisfies Readonly<
	Record<string, { sources: readonly string[]; tests: readonly string[]; seconds: number }>
>;

export type Group = keyof typeof groups;

export const groupNames = Object.keys(groups) as readonly Group[];

/** The group that a file of the library, a path from the checkout, is in. */
export function groupOf(file: string): Group | undefined {
	return groupNames.find((name) =>
		groups[name].sources.some((source) => `${file}/`.startsWith(`lib/src/${source}/`)),
	);
}

/** A mutant that no test can notice: the program is the same with `to` in place of `from`. */
export interface SameProgram {
	/** From the checkout. */
	readonly file: string;
	/** As it stands in the file, once. */
	readonly from: string;
	readonly to: string;
	readonly why: string;
}

/** The list for the files of a group. */
export function sameProgramOf(group: Group): readonly SameProgram[] {
	return JSON.parse(
		fs.readFileSync(path.join(root, `test/proofs/mutation/same-program/${group}.json`), "utf8"),
	);
}

/** Of the report that Stryker writes (mutation-testing-report-schema, version 2), what is read here. */
export interface StrykerReport {
	readonly files: Readonly<
		Record<string, { readonly source: string; readonly mutants: readonly StrykerMutant[] }>
	>;
}

interface StrykerMutant {
	readonly mutatorName: string;
	/** What stands in the source instead. */
	readonly replacement?: string;
	readonly status: string;
	/** Lines and columns from 1; the end is behind the last character. */
	readonly location: { readonly start: Position; readonly end: Position };
}

interface Position {
	readonly line: number;
	readonly column: number;
}

export interface Score {
	/** Those that a test could notice or not: neither refused by the compiler nor ignored. */
	readonly mutants: number;
	readonly noticed: number;
	/** Not noticed, and of the list. */
	readonly same: number;
	/** The others that were not noticed: each with its place, and as an entry of the list would be. */
	readonly survived: readonly string[];
}

const noticed = ["Killed", "Timeout"];
const unnoticed = ["Survived", "NoCoverage"];

/**
 * What Stryker found, held against the list of mutants that are the same program.
 *
 * @throws Error that names each entry of a file that was changed which is no mutant of it, or one that a test noticed
 */
export function scoreOf(report: StrykerReport, list: readonly SameProgram[]): Score {
	const score = { mutants: 0, noticed: 0, same: 0, survived: [] as string[] };
	const wrong: string[] = [];
	for (const [file, { source, mutants }] of Object.entries(report.files)) {
		const entries = new Map<string, SameProgram & { state?: string }>();
		for (const entry of list) if (entry.file === file) entries.set(changedBy(entry, source), { ...entry });
		for (const mutant of mutants) {
			const isNoticed = noticed.includes(mutant.status);
			if (!isNoticed && !unnoticed.includes(mutant.status)) continue;
			score.mutants++;
			const [begin, end] = rangeOf(source, mutant);
			const { replacement = "" } = mutant;
			const entry = entries.get(source.slice(0, begin) + replacement + source.slice(end));
			if (entry !== undefined) entry.state = mutant.status;
			if (isNoticed) score.noticed++;
			else if (entry !== undefined) score.same++;
			else score.survived.push(told(file, source, mutant));
		}
		for (const { from, to, state } of entries.values())
			if (state === undefined || noticed.includes(state))
				wrong.push(
					`${file}: ${state === undefined ? "no mutant is" : "a test notices"} "${from}" as "${to}"`,
				);
	}
	if (wrong.length > 0)
		throw new Error(`The list of mutants that are the same program is wrong:\n${wrong.join("\n")}`);
	return score;
}

/** Of the mutants that could be noticed, those that were, in percent. Nothing to notice is all of it. */
export function percentOf({ mutants, noticed, same }: Score): number {
	return mutants === same ? 100 : (100 * noticed) / (mutants - same);
}

function changedBy({ file, from, to }: SameProgram, source: string): string {
	if (source.split(from).length !== 2) throw new Error(`${file} does not have this once: "${from}"`);
	return source.replace(from, () => to);
}

function rangeOf(source: string, { location: { start, end } }: StrykerMutant): readonly [number, number] {
	const lines = source.split("\n");
	const at = ({ line, column }: Position) =>
		lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, column - 1);
	return [at(start), at(end)];
}

/** Whole lines, with those before that they need to be there once, without the first one's indent. */
function told(file: string, source: string, mutant: StrykerMutant): string {
	const [begin, end] = rangeOf(source, mutant);
	const next = source.indexOf("\n", end);
	const last = next < 0 ? source.length : next;
	const lineAt = (place: number) => {
		const line = source.lastIndexOf("\n", place - 1) + 1;
		return line + (/^[ \t]*/.exec(source.slice(line))?.[0].length ?? 0);
	};
	let first = lineAt(begin);
	while (first > 0 && source.split(source.slice(first, last)).length > 2)
		first = lineAt(source.lastIndexOf("\n", first));
	const from = source.slice(first, last);
	const to = source.slice(first, begin) + (mutant.replacement ?? "") + source.slice(end, last);
	const { status, mutatorName } = mutant;
	return `${file}:${mutant.location.start.line} ${status}, ${mutatorName}\n\t${JSON.stringify({ file, from, to, why: "" })}`;
}
