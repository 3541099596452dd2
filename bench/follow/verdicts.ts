import type { Api } from "../clients/protocol";
import { rounded } from "../measure";
import type { CatchUpResult } from "./catch-up";
import type { LatencyResult } from "./latency";
import type { LiveResult } from "./live";
import type { QuietResult } from "./quiet";

/** The parties by the names that the results have. */
export const names = {
	follow: "follow()",
	limit: "a bare socket",
	loop: "one waitIndex at a time",
	stream: "a bare watch stream",
	go: "Go client",
	nodeEtcd: "node-etcd 7",
	etcd3: "etcd3 1.1",
} as const;

/** What was measured; a part that was not asked for is absent. */
export interface Measured {
	readonly catchUp?: readonly CatchUpResult[];
	readonly latency?: readonly LatencyResult[];
	readonly live?: readonly LiveResult[];
	readonly quiet?: readonly QuietResult[];
}

/** A target, and what was measured against it. */
export interface Verdict {
	readonly what: string;
	/** Absent where somebody gave up or is missing: a target counts as not met then. */
	readonly measured?: number;
	/** Absent where the number only stands beside the others. */
	readonly wanted?: string;
	readonly met: boolean;
}

/** Holds the targets against what was measured. */
export function verdictsOf(results: Readonly<Partial<Record<Api, Measured>>>): readonly Verdict[] {
	return [
		...v2CatchUp(results.v2?.catchUp),
		...v3CatchUp(results.v3?.catchUp),
		...latencies(results.v2?.latency),
		...lives("v2", results.v2?.live),
		...lives("v3", results.v3?.live),
	];
}

function v2CatchUp(rows: readonly CatchUpResult[] = []): readonly Verdict[] {
	if (rows.length === 0) return [];
	return [
		atLeast(5, `v2, catching up, times as fast as ${names.go}`, timesAsFast(rows, names.go)),
		atLeast(15, `v2, catching up, times as fast as ${names.nodeEtcd}`, timesAsFast(rows, names.nodeEtcd)),
		atLeast(0.9, `v2, catching up, times as fast as ${names.limit}`, timesAsFast(rows, names.limit)),
	];
}

/** From so many events on, one watch takes several of the server's rounds. */
const many = 20_000;

function v3CatchUp(rows: readonly CatchUpResult[] = []): readonly Verdict[] {
	return rows
		.filter(({ party }) => party === names.follow)
		.flatMap(({ events, valueBytes }) => {
			const ofSize = rows.filter((row) => row.events === events && row.valueBytes === valueBytes);
			const size = `${events} events${valueBytes === undefined ? "" : ` of ${valueBytes} bytes`}`;
			const what = `v3, catching up over ${size}, times as fast as ${names.go}`;
			// "No slower", but for what the server's rounds of 100 ms leave to chance.
			return [atLeast(events >= many ? 10 : 0.95, what, timesAsFast(ofSize, names.go))];
		});
}

function timesAsFast(rows: readonly CatchUpResult[], name: string): number | undefined {
	return quotient(of(rows, names.follow)?.eventsPerSecond, of(rows, name)?.eventsPerSecond);
}

function latencies(rows: readonly LatencyResult[] = []): readonly Verdict[] {
	if (rows.length === 0) return [];
	const calm = rows.filter(({ pace }) => pace === "calm");
	const busy = rows.filter(({ pace }) => pace === "busy");
	return (["p50", "p99"] as const).flatMap((share) => {
		const what = (pace: string) => `v2, µs from acknowledged to heard, ${pace} writers, ${share}`;
		const limit = of(calm, names.limit)?.[share];
		// An event may be there before its acknowledgement, and the number below 0: no ratio then.
		const most = limit === undefined ? undefined : limit + 0.15 * Math.abs(limit);
		return [
			atMost(most, what("calm"), of(calm, names.follow)?.[share], `1.15 times ${names.limit}'s`),
			beside(`${what("calm")}, of ${names.go}`, of(calm, names.go)?.[share]),
			atMost(of(busy, names.go)?.[share], what("busy"), of(busy, names.follow)?.[share], `${names.go}'s`),
		];
	});
}

function lives(api: Api, rows: readonly LiveResult[] = []): readonly Verdict[] {
	if (rows.length === 0) return [];
	const ours = of(rows, names.follow);
	const wrong = ours === undefined || ours.stopped !== undefined ? undefined : ours.lost + ours.disordered;
	return [
		atMost(0, `${api}, lost or out of order of ${ours?.writes} writes`, wrong),
		atMost(500, `${api}, events behind, at worst`, ours?.worstLag),
	];
}

function of<R extends { readonly party: string }>(rows: readonly R[], name: string): R | undefined {
	return rows.find(({ party }) => party === name);
}

function quotient(ours: number | undefined, theirs: number | undefined): number | undefined {
	return ours === undefined || theirs === undefined ? undefined : ours / theirs;
}

function atLeast(wanted: number, what: string, measured: number | undefined): Verdict {
	return verdict(what, measured, `at least ${wanted}`, measured !== undefined && measured >= wanted);
}

/** `wanted` is undefined where the peer that it is taken from is missing; `whose` says which that is. */
function atMost(
	wanted: number | undefined,
	what: string,
	measured: number | undefined,
	whose?: string,
): Verdict {
	const limit = wanted === undefined ? "not measured" : String(rounded(wanted, 2));
	const met = wanted !== undefined && measured !== undefined && measured <= wanted;
	return verdict(what, measured, `at most ${whose === undefined ? limit : `${whose}, ${limit}`}`, met);
}

function beside(what: string, measured: number | undefined): Verdict {
	return verdict(what, measured, undefined, true);
}

function verdict(
	what: string,
	measured: number | undefined,
	wanted: string | undefined,
	met: boolean,
): Verdict {
	return {
		what,
		...(measured === undefined ? {} : { measured: rounded(measured, 2) }),
		...(wanted === undefined ? {} : { wanted }),
		met,
	};
}

/** One line for the reader. */
export function sentence({ what, measured, wanted, met }: Verdict): string {
	const number = measured === undefined ? "not measured" : String(measured);
	if (wanted === undefined) return `beside: ${what}: ${number}`;
	return `${met ? "met" : "NOT MET"}: ${what}: ${number} (wanted: ${wanted})`;
}
