import assert from "node:assert/strict";
import type { Timeline } from "etcd-watch-lab";
import type { Claim, Evidence, Verdict } from "#lib/claims";
import { runOnModel } from "#lib/scenario";
import { otherwise } from "./otherwise";
import { scenarioOf } from "./script";

/** One run of the model and what a claim has to say of it. */
export interface ClaimCase {
	/** A sentence that could be false: "is confirmed by …". */
	readonly it: string;
	readonly verdict: Verdict["verdict"];
	readonly because: RegExp;
	/** As `scenarioOf` reads it, and after "but" what `otherwise` makes of it. */
	readonly run: string;
	readonly evidence: readonly string[];
}

/**
 * The cases of some claims, from a table. A claim's name stands at its left; one tab in a verdict and what its reason
 * matches, two in what of the run is said, three in the run: its steps, "but" what is otherwise, "=>" the evidence. There
 * "3 × set /a @7" stands for set /a/0 @7, set /a/1 @8, set /a/2 @9, as a burst makes them.
 */
export function casesOf(table: string): Record<string, ClaimCase[]> {
	const cases: Record<string, ClaimCase[]> = {};
	let of: ClaimCase[] = [];
	let verdict: ClaimCase["verdict"] = "untested";
	let because = /./;
	for (const line of table.split("\n").filter((one) => one.trim() !== "")) {
		const words = line.trim();
		const last = of.at(-1);
		const depth = line.length - line.trimStart().length;
		if (depth === 0) of = cases[words] = [];
		else if (depth === 1) {
			const [, which, why = ""] = /^(confirmed|refuted|untested): (.*)$/.exec(words) ?? [];
			assert.ok(which, `no verdict: ${words}`);
			[verdict, because] = [which as ClaimCase["verdict"], new RegExp(why)];
		} else if (depth === 2) {
			const begin = verdict === "untested" ? "stays" : "is";
			of.push({ it: `${begin} ${verdict} ${words}`, verdict, because, run: "", evidence: [] });
		} else if (last) {
			const [run = "", evidence = ""] = `${last.run} ${words}`.trim().split(/ ?=> /);
			of[of.length - 1] = { ...last, run, evidence: [...last.evidence, ...rowsOf(evidence)] };
		}
	}
	return cases;
}

function rowsOf(evidence: string): string[] {
	if (evidence === "") return [];
	return evidence
		.replace(/,$/, "")
		.split(", ")
		.flatMap((one) => {
			const [, count, what, first] = /^(\d+) × (.*) @(\d+)$/.exec(one) ?? [];
			if (count === undefined) return [one];
			return Array.from({ length: Number(count) }, (_, at) => `${what}/${at % 10} @${Number(first) + at}`);
		});
}

const runs = new Map<string, Promise<Timeline>>();

/** The run of a case; made once, and frozen: what would change it throws. */
export function runOf({ run }: ClaimCase): Promise<Timeline> {
	const made = runs.get(run) ?? runIn(run).then(frozen);
	runs.set(run, made);
	return made;
}

function frozen<T extends object>(whole: T): T {
	for (const part of Object.values(whole))
		if (typeof part === "object" && part !== null && !Object.isFrozen(part)) frozen(part);
	return Object.freeze(whole);
}

/** A run of the model, in words: as `scenarioOf` reads it, without a name, and after "but" what `otherwise` makes of it. */
export async function runIn(run: string): Promise<Timeline> {
	const [steps = "", edits] = run.split(/\s*\bbut /);
	const timeline = await runOnModel(scenarioOf(`a case: ${steps}`));
	return edits === undefined ? timeline : otherwise(timeline, edits);
}

/** An evidence row in words: "set /a/b @1", "w < set /a/b @1", "w: asked @0". */
export function row(evidence: Evidence): string {
	if (evidence.kind === "write") {
		const { operation, key, outcome } = evidence.write;
		if (outcome.kind === "accepted") return `${operation} ${key} @${outcome.index}`;
		return outcome.kind === "refused"
			? `${operation} ${key} refused ${outcome.code} ${outcome.cause}`
			: `${operation} ${key} unanswered`;
	}
	if (evidence.kind === "delivery") {
		const { action, key, index, fromHistory } = evidence.delivery;
		return `${evidence.watcher} < ${action} ${key} @${index}${fromHistory ? " replayed" : ""}`;
	}
	const { event } = evidence;
	const from = event.kind === "asked" && event.waitIndex !== undefined ? ` from ${event.waitIndex}` : "";
	return `${evidence.watcher}: ${event.kind} @${event.at}${from}`;
}

/** The verdict of a claim, whose evidence has to be rows of the timeline itself. */
export function judged(claim: Claim, timeline: Timeline): Verdict {
	const verdict = claim(timeline);
	for (const evidence of verdict.evidence) {
		const watcher =
			evidence.kind === "write" ? undefined : timeline.watchers.find(({ name }) => name === evidence.watcher);
		const isRow =
			evidence.kind === "write"
				? timeline.writes.includes(evidence.write)
				: evidence.kind === "delivery"
					? watcher?.deliveries.includes(evidence.delivery)
					: evidence.kind === "life" && watcher?.life.includes(evidence.event);
		assert.ok(isRow, `not a row of the timeline: ${row(evidence)}`);
	}
	return verdict;
}
