import type { CheckerName } from "./checker";
import type { RunResult } from "./session";

/** The runs of a session, added up. */
export interface Totals {
	runs: number;
	verified: number;
	writes: number;
	gaps: number;
	resets: number;
	/** By what the checkers said of the consumers under test. */
	readonly findings: Record<CheckerName, number>;
	/** Runs that were the runner's own failure. */
	failures: number;
	/** Of those beside them that are there to lose. */
	readonly losses: Record<string, number>;
	readonly kinds: Map<string, KindTotals>;
}

/** The runs of one kind. `losses`: of those beside the consumers under test; `silent`: of these themselves. */
export interface KindTotals {
	runs: number;
	verified: number;
	bad: number;
	ms: number;
	losses: number;
	silent: number;
	gaps: number;
	resets: number;
}

function noKindTotals(): KindTotals {
	return { runs: 0, verified: 0, bad: 0, ms: 0, losses: 0, silent: 0, gaps: 0, resets: 0 };
}

export function noTotals(): Totals {
	const findings = {
		...{ ordered: 0, unique: 0, complete: 0, genuine: 0, gapsStated: 0 },
		...{ avoidable: 0, alive: 0, bounded: 0, finalState: 0, removedKeys: 0, resumable: 0 },
	};
	return {
		runs: 0,
		verified: 0,
		writes: 0,
		gaps: 0,
		resets: 0,
		findings,
		failures: 0,
		losses: {},
		kinds: new Map(),
	};
}

export function add(totals: Totals, result: RunResult): void {
	totals.runs++;
	totals.verified += result.verified;
	totals.writes += result.writes;
	totals.gaps += result.gaps;
	totals.resets += result.resets;
	if (result.failure !== undefined) totals.failures++;
	for (const { checker } of result.findings) totals.findings[checker]++;
	const kind = totals.kinds.get(result.kind) ?? noKindTotals();
	for (const [name, count] of Object.entries(result.losses)) {
		const [loop = name] = name.split(",");
		totals.losses[loop] = (totals.losses[loop] ?? 0) + count;
		kind.losses += count;
	}
	kind.runs++;
	kind.verified += result.verified;
	kind.ms += result.ms;
	kind.gaps += result.gaps;
	kind.resets += result.resets;
	kind.silent += result.findings.filter(({ checker }) => checker === "complete").length;
	if (isBad(result)) kind.bad++;
	totals.kinds.set(result.kind, kind);
}

export function isBad({ findings, failure }: RunResult): boolean {
	return findings.length > 0 || failure !== undefined;
}

/** One line for a run: what was done, what was told, and how it is known that the fault bit. */
export function line(result: RunResult): string {
	const { kind, seed, etcd, ms, writes, verified, gaps, resets, findings, bites, failure } = result;
	const first = findings[0];
	const verdict =
		failure !== undefined
			? `NO RUN: ${failure.split("\n")[0]}`
			: first === undefined
				? "ok"
				: `WRONG: ${findings.length} findings, first ${first.checker} of ${first.consumer}: ${first.what}`;
	const counts = `${writes} writes, ${verified} events, ${gaps} gaps${resets > 0 ? `, ${resets} resets` : ""}`;
	return `${kind} ${seed} on ${etcd}, ${(ms / 1000).toFixed(1)} s: ${counts}; ${verdict} (${bites.slice(0, 3).join("; ")})`;
}

/** What the session comes to. */
export function summary(totals: Totals, seconds: number): string {
	const { findings, kinds, losses } = totals;
	const names = [...kinds.keys()].sort();
	const width = Math.max(...names.map(({ length }) => length), 4);
	const rows = names.map((name) => {
		const { runs, verified, bad, ms, losses: lost } = kinds.get(name) ?? noKindTotals();
		const perRun = (ms / runs / 1000).toFixed(1);
		return `  ${name.padEnd(width)} ${cell(runs)} runs ${cell(verified)} events ${cell(lost)} lost by the loops ${perRun} s each${bad > 0 ? `, ${bad} BAD` : ""}`;
	});
	const others = Object.entries(losses).map(([name, count]) => `${name} ${count}`);
	return [
		...rows,
		`${totals.runs} runs in ${seconds.toFixed(0)} s, ${totals.writes} writes, ${totals.verified} verified events`,
		`  ${findings.complete} silent losses, ${findings.unique} repeats, ${findings.ordered} out of order, ${findings.genuine} that never were`,
		`  ${totals.gaps} gaps, of which ${findings.avoidable} avoidable and ${findings.gapsStated} misstated; ${totals.resets} resets`,
		`  ${findings.finalState} wrong states, ${findings.removedKeys} removals misnamed, ${findings.resumable} positions wrong, ${findings.bounded} queues too long, ${findings.alive} silent when they should not be`,
		`  ${totals.failures} runs that were none`,
		...(others.length > 0 ? [`lost in silence by those beside it: ${others.join(", ")}`] : []),
	].join("\n");
}

function cell(count: number): string {
	return String(count).padStart(8);
}
