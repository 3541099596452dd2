import type { Verdict } from "../../claims/claim";
import { show } from "../../page/display";
import { type Cell, type Table, tableBundle, tableOf } from "../../page/table";
import type { Told, ToldEvent, ToldMessage } from "./told";

/** What a reader has just handled: an event, or a message without one. */
export interface Handled {
	readonly message: ToldMessage;
	/** Undefined for a progress. */
	readonly event: ToldEvent | undefined;
	/** The next event of the same message; undefined where it was the last one. */
	readonly next: ToldEvent | undefined;
}

/** The revision that a reader saves then, to go on after it when it starts again; undefined leaves what was saved. */
export type SavingRule = (handled: Handled) => number | undefined;

/** What becomes of a reader that ends once, and goes on after the revision that it had saved. */
export interface Restarts {
	/** After how many steps it can end: each event, and each progress. */
	readonly places: number;
	/** At how many of them it is never told of something. */
	readonly losing: number;
	/** The most events that it is never told of, and the most that it is told twice. */
	readonly mostLost: number;
	readonly mostTwice: number;
}

/**
 * Ends a reader after each step of a recording in turn. It is then told of all events above the revision that it had
 * saved, and of no other. Pure.
 */
export function restartsOf({ messages }: Told, rule: SavingRule): Restarts {
	const steps = messages.flatMap((message): Handled[] =>
		message.events.length === 0
			? [{ message, event: undefined, next: undefined }]
			: message.events.map((event, at) => ({ message, event, next: message.events[at + 1] })),
	);
	// Nothing saved: it begins with the first event again.
	let saved = 0;
	const ends = steps.map((step, at) => {
		saved = rule(step) ?? saved;
		const told = (some: readonly Handled[], is: (revision: number) => boolean) =>
			some.filter(({ event }) => event !== undefined && is(event.revision)).length;
		return {
			lost: told(steps.slice(at + 1), (revision) => revision <= saved),
			twice: told(steps.slice(0, at + 1), (revision) => revision > saved),
		};
	});
	return {
		places: ends.length,
		losing: ends.filter(({ lost }) => lost > 0).length,
		mostLost: Math.max(0, ...ends.map(({ lost }) => lost)),
		mostTwice: Math.max(0, ...ends.map(({ twice }) => twice)),
	};
}

/** What comes of each rule, on each recording. */
export function restartTable(
	recordings: Readonly<Record<string, Told>>,
	rules: Readonly<Record<string, SavingRule>>,
): Table {
	return tableOf({
		title: "A reader ends after any step, and goes on after the revision that it had saved",
		columns: ["what it saves", ...Object.keys(recordings)],
		rows: Object.entries(rules).map(([name, rule]): Cell[] => [
			name,
			...Object.values(recordings).map((one) => cellOf(restartsOf(one, rule))),
		]),
		notes: ["Steps are events handled, and progress taken. Told again: it was handled before the end, too."],
	});
}

/** Shows `restartTable`. */
export function showRestarts(
	recordings: Readonly<Record<string, Told>>,
	rules: Readonly<Record<string, SavingRule>>,
): void {
	show(tableBundle(restartTable(recordings, rules)));
}

/** That a reader which saves by this rule loses nothing, as `showVerdict` takes it: untested where it can't end between two events. */
export function savesSafely(
	statement: string,
	recordings: Readonly<Record<string, Told>>,
	rule: SavingRule,
): Verdict {
	const all = Object.entries(recordings).map(([name, one]) => ({ name, ...restartsOf(one, rule) }));
	const places = all.reduce((sum, one) => sum + one.places, 0);
	const worst = all.find(({ losing }) => losing > 0);
	const common = { claim: statement, evidence: [], api: "v3" } as const;
	if (worst)
		return {
			...{ ...common, verdict: "refuted" },
			because: `"${worst.name}": at ${worst.losing} of ${worst.places} places ${eventsWords(worst.mostLost)} never came`,
		};
	if (places < 2) return { ...common, verdict: "untested", because: "nothing lies between two steps" };
	const twice = Math.max(...all.map(({ mostTwice }) => mostTwice));
	return {
		...{ ...common, verdict: "confirmed" },
		because: `nothing was lost at any of ${places} places; up to ${eventsWords(twice)} came twice`,
	};
}

function cellOf({ places, losing, mostLost, mostTwice }: Restarts): Cell {
	const again = mostTwice === 0 ? "nothing" : `up to ${mostTwice}`;
	if (losing === 0) return { text: `loses nothing; told again: ${again}`, mark: "right" };
	return { text: `loses up to ${mostLost}, at ${losing} of ${places} places`, mark: "wrong" };
}

function eventsWords(count: number): string {
	return `${count} event${count === 1 ? "" : "s"}`;
}
