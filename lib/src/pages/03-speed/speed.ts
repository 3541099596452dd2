import type { Target } from "../../scenario/api";
import { onV2 } from "../../scenario/recorded";
import { scenario } from "../../scenario/scenario";
import { checkWrites } from "../../scenario/server";
import { missedBy } from "../../timeline/ask";
import type { Timeline } from "../../timeline/timeline";

/** What one kind of loop lost at each pace: [writes a second, percent of the events]. */
export interface SpeedSeries {
	readonly name: string;
	readonly points: readonly (readonly [number, number])[];
}

const writeCount = 50;
/** Odd, so that one of them is the median. */
const runCount = 3;
const loops = { forgets: "polls without an index", carries: "polls with an index" };

/**
 * Lets two kinds of loop watch a writer at each pace, fifty writes a run, the median of three runs: polls one after
 * the other, each from now on, and polls that carry their index on. `onPoint` is told of all series so far. How much is lost is this
 * machine's. Errors as `Scenario.run`.
 */
export async function lossBySpeed(
	target: Target,
	paces: readonly number[],
	onPoint: (series: readonly SpeedSeries[]) => void = () => {},
): Promise<readonly SpeedSeries[]> {
	const made = [writeCount, runCount, ...paces];
	let raced: readonly SpeedSeries[] | undefined;
	const series = await onV2(target, { name: "losses by speed", of: made }, async () => {
		raced = await race(target, paces, onPoint);
		return raced;
	});
	if (raced === undefined) onPoint(series);
	return series;
}

async function race(
	target: Target,
	paces: readonly number[],
	onPoint: (series: readonly SpeedSeries[]) => void,
): Promise<readonly SpeedSeries[]> {
	const writes = paces.length * runCount * writeCount;
	checkWrites(target, writes, `racing ${paces.length} paces with ${writes} writes`);
	let series: SpeedSeries[] = Object.values(loops).map((name) => ({ name, points: [] }));
	for (const perSecond of paces) {
		const steps = scenario(`${perSecond} writes a second`)
			.pollLoop("forgets", "/a", { recursive: true })
			.watch("carries", "/a", { recursive: true })
			.burst("/a", { count: writeCount, perSecond });
		const runs: Timeline[] = [];
		while (runs.length < runCount) runs.push(await steps.run(target));
		const lost = Object.keys(loops).map((watcher) =>
			median(runs.map((run) => (100 * missedBy(run, watcher).length) / writeCount)),
		);
		series = series.map(({ name, points }, at) => ({
			name,
			points: [...points, [perSecond, lost[at] ?? 0]],
		}));
		onPoint(series);
	}
	return series;
}

function median(values: readonly number[]): number {
	return [...values].sort((one, two) => one - two)[Math.floor(values.length / 2)] ?? 0;
}
