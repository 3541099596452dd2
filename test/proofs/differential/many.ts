import { type Counts, Lane, noCounts } from "./run";
import type { Features } from "./run-program";

export interface Search {
	/** The binary of each server; the same one again for several servers. */
	readonly binaries: readonly string[];
	/** The first server's; the others count on from it. */
	readonly seed: number;
	/** How many programs, all servers' together. */
	readonly runs: number;
	readonly path?: string;
	readonly timeLimitMs?: number;
	/** Called after each program. */
	readonly ran?: (counts: Counts) => void;
	/** Called at the first difference, before it is shrunk. */
	readonly found?: () => void;
	/** Called when the servers run and their histories are full. */
	readonly ready?: () => void;
}

export interface Searched {
	readonly counts: Counts;
	/** How many programs each version of etcd has run. */
	readonly byVersion: ReadonlyMap<string, number>;
	/** The first difference, shrunk. */
	readonly difference: string | undefined;
	readonly seconds: number;
}

/** Runs programs on several servers side by side, each with its own model, and stops at the first difference. */
export async function search(options: Search): Promise<Searched> {
	const { binaries, seed, runs, path, timeLimitMs, ran, found, ready } = options;
	const starting = await Promise.allSettled(binaries.map((binary) => Lane.start(binary)));
	const lanes = starting.flatMap((lane) => (lane.status === "fulfilled" ? [lane.value] : []));
	try {
		for (const lane of starting) if (lane.status === "rejected") throw lane.reason;
		ready?.();
		const begin = performance.now();
		const counts = noCounts();
		const byVersion = new Map<string, number>();
		let difference: string | undefined;
		const count = (version: string, features: Features) => {
			counts.programs++;
			for (const name of Object.keys(features) as (keyof Features)[]) if (features[name]) counts[name]++;
			byVersion.set(version, (byVersion.get(version) ?? 0) + 1);
			ran?.(counts);
		};
		await Promise.all(
			lanes.map(async (lane, nth) => {
				const shrunk = await lane.search({
					seed: seed + nth,
					runs: Math.floor(runs / lanes.length) + (nth < runs % lanes.length ? 1 : 0),
					...(path === undefined ? {} : { path }),
					...(timeLimitMs === undefined ? {} : { timeLimitMs }),
					isOver: () => difference !== undefined,
					found(text) {
						if (difference === undefined) found?.();
						difference ??= text;
					},
					ran: (features) => count(lane.version, features),
				});
				difference = shrunk ?? difference;
			}),
		);
		return { counts, byVersion, difference, seconds: (performance.now() - begin) / 1000 };
	} finally {
		await Promise.all(lanes.map((lane) => lane.close()));
	}
}

/** Of a thousand programs at least so many have to show it: a third of what they do (3,182 programs, 28 November 2026). */
const least: Readonly<Record<keyof Features, number>> = {
	expiry: 8,
	overflow: 2,
	replay: 70,
	cleared: 40,
	stream: 180,
	hidden: 150,
	siblings: 160,
};

/** What the programs, some hundreds of them, have shown too seldom to have compared it. */
export function tooFew({ programs, ...counts }: Counts): string[] {
	return (Object.keys(least) as (keyof Features)[])
		.filter((name) => counts[name] * 1_000 < least[name] * programs)
		.map((name) => `${name}: ${counts[name]} of ${programs}`);
}

/** The counts and the rate, a line each. */
export function summary({ counts, byVersion, seconds }: Searched): string {
	const { programs } = counts;
	const versions = [...byVersion].map(([version, count]) => `${count} on etcd ${version}`).join(", ");
	return [
		`${programs} programs (${versions}) in ${seconds.toFixed(0)} s: ${(programs / seconds).toFixed(0)} a second`,
		`  ${counts.expiry} with an expiry`,
		`  ${counts.overflow} that overflow the history`,
		`  ${counts.replay} with a replay, ${counts.cleared} with a 401`,
		`  ${counts.stream} with a stream`,
		`  ${counts.hidden} with a hidden name`,
		`  ${counts.siblings} with siblings that are prefixes of each other`,
	].join("\n");
}
