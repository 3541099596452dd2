import { type CheckerName, checkerNames } from "./checker";
import { noBite } from "./kind";
import type { RunResult } from "./session";

/** The runs of a cell, added up; plain data. */
export interface Totals {
	runs: number;
	seconds: number;
	verified: number;
	writes: number;
	gaps: number;
	resets: number;
	/** By what the checkers said of the consumers under test. */
	readonly findings: Record<CheckerName, number>;
	/** Runs that were the runner's own failure. */
	failures: number;
	/** Runs whose fault did not bite: done again with another seed, and not counted. */
	unbitten: number;
	/** Of those beside them that are there to lose. */
	readonly losses: Record<string, number>;
	readonly kinds: Record<string, KindTotals>;
	/** The versions of the servers. */
	etcd: string[];
	/** What was wrong, and how it can be had again. */
	readonly bad: {
		readonly kind: string;
		readonly seed: number;
		readonly what: string;
		readonly again: string;
	}[];
	/** What a known fault of the server accounts for, by its name. */
	readonly known: Record<string, number>;
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
	const findings = Object.fromEntries(checkerNames.map((name) => [name, 0])) as Totals["findings"];
	return {
		...{ runs: 0, seconds: 0, verified: 0, writes: 0, gaps: 0, resets: 0, failures: 0, unbitten: 0 },
		...{ findings, losses: {}, kinds: {}, etcd: [], bad: [], known: {} },
	};
}

/** `again`: the command that does this run once more. */
export function add(totals: Totals, result: RunResult, again: string): void {
	totals.runs++;
	totals.verified += result.verified;
	totals.writes += result.writes;
	totals.gaps += result.gaps;
	totals.resets += result.resets;
	totals.unbitten += result.unbitten;
	if (!totals.etcd.includes(result.etcd)) totals.etcd.push(result.etcd);
	if (result.failure !== undefined) totals.failures++;
	for (const { checker } of result.findings) totals.findings[checker]++;
	const kind = totals.kinds[result.kind] ?? noKindTotals();
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
	if (isBad(result)) {
		kind.bad++;
		totals.bad.push({ kind: result.kind, seed: result.seed, what: verdict(result), again });
	}
	if (result.known !== undefined) totals.known[result.known] = (totals.known[result.known] ?? 0) + 1;
	totals.kinds[result.kind] = kind;
}

const counts = ["runs", "seconds", "verified", "writes", "gaps", "resets", "failures", "unbitten"] as const;

/** Those of several cells together; their seconds are added, too. */
export function sumOf(all: readonly Totals[]): Totals {
	const sum = noTotals();
	for (const one of all) {
		for (const name of counts) sum[name] += one[name];
		plus(sum.findings, one.findings);
		plus(sum.losses, one.losses);
		plus(sum.known, one.known);
		sum.bad.push(...one.bad);
		sum.etcd = [...new Set([...sum.etcd, ...one.etcd])].sort();
		for (const [name, kind] of Object.entries(one.kinds)) {
			const before = sum.kinds[name] ?? noKindTotals();
			plus(before, kind);
			sum.kinds[name] = before;
		}
	}
	return sum;
}

function plus<Name extends string>(sum: Record<Name, number>, one: Readonly<Record<Name, number>>): void {
	for (const name of Object.keys(one) as Name[]) sum[name] = (sum[name] ?? 0) + one[name];
}

/** Of a run whose fault was left out: it has to be noticed, and is wrong where it is not. */
export function noticed(result: RunResult): RunResult {
	const { failure, ...rest } = result;
	if (failure?.startsWith(noBite)) return { ...rest, failure: undefined };
	return { ...rest, failure: `without its fault: ${failure ?? "nothing was noticed"}` };
}

export function isBad({ findings, failure, known }: RunResult): boolean {
	return known === undefined && (findings.length > 0 || failure !== undefined);
}

function verdict({ findings, failure, known }: RunResult): string {
	const [first] = findings;
	if (known !== undefined) return `KNOWN, ${known}: ${findings.length} findings`;
	if (failure !== undefined) return `NO RUN: ${failure.split("\n")[0]}`;
	if (first === undefined) return "ok";
	return `WRONG: ${findings.length} findings, first ${first.checker} of ${first.consumer}: ${first.what}`;
}

/** One line for a run: what was done, what was told, and how it is known that the fault bit. */
export function line(result: RunResult): string {
	const { kind, seed, api, etcd, ms, writes, verified, gaps, resets, bites } = result;
	const counts = `${writes} writes, ${verified} events, ${gaps} gaps${resets > 0 ? `, ${resets} resets` : ""}`;
	const shown = bites.length > 0 ? ` (${bites.join("; ")})` : "";
	return `${kind} ${seed} on ${etcd} ${api}, ${(ms / 1000).toFixed(1)} s: ${counts}; ${verdict(result)}${shown}`;
}

/** What they come to. */
export function summary(totals: Totals): string {
	const { findings, kinds, losses, known, runs, seconds } = totals;
	const names = Object.keys(kinds).sort();
	const width = Math.max(...names.map(({ length }) => length), 4);
	const rows = names.map((name) => {
		const { runs, verified, bad, ms, losses: lost } = kinds[name] ?? noKindTotals();
		const perRun = (ms / runs / 1000).toFixed(1);
		return `  ${name.padEnd(width)} ${cell(runs)} runs ${cell(verified)} events ${cell(lost)} lost by the loops ${perRun} s each${bad > 0 ? `, ${bad} BAD` : ""}`;
	});
	const others = Object.entries(losses).map(([name, count]) => `${name} ${count}`);
	const accounted = Object.entries(known).map(([name, count]) => `${count} by ${name}`);
	return [
		...rows,
		`${runs} runs in ${seconds.toFixed(0)} s (${((runs * 60) / seconds).toFixed(1)} a minute), ${totals.writes} writes, ${totals.verified} verified events`,
		`  ${findings.complete} silent losses, ${findings.unique} repeats, ${findings.ordered} out of order, ${findings.genuine} that never were`,
		`  ${totals.gaps} gaps, of which ${findings.avoidable} avoidable and ${findings.gapsStated} misstated; ${totals.resets} resets`,
		`  ${findings.finalState} wrong states, ${findings.removedKeys} removals misnamed, ${findings.resumable} positions wrong, ${findings.bounded} queues too long, ${findings.alive} silent when they should not be`,
		`  ${totals.failures} runs that were none; ${totals.unbitten} more whose fault did not bite, done again with another seed`,
		...(accounted.length > 0
			? [`accounted for by a known fault of the server: ${accounted.join(", ")}`]
			: []),
		...(others.length > 0 ? [`lost in silence by those beside it: ${others.join(", ")}`] : []),
	].join("\n");
}

function cell(count: number): string {
	return String(count).padStart(8);
}
