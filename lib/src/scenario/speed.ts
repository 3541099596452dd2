import { missedBy } from "./ask";
import { checkWrites } from "./polite";
import { scenario } from "./scenario";
import type { Target } from "./target";

/** What one kind of loop lost at each pace: [writes a second, percent of the events]. */
export interface SpeedSeries {
	readonly name: string;
	readonly points: readonly (readonly [number, number])[];
}

const writeCount = 50;
const loops = { forgets: "polls without an index", carries: "polls with an index" };

/**
 * Lets two kinds of loop watch a writer at each pace, fifty writes a run: polls one after the other, each from now
 * on, and polls that carry their index on. `onPoint` is told of all series so far. How much is lost is this
 * machine's. Errors as `Scenario.run`.
 */
export async function lossBySpeed(
	target: Target,
	paces: readonly number[],
	onPoint: (series: readonly SpeedSeries[]) => void = () => {},
): Promise<readonly SpeedSeries[]> {
	checkWrites(target, paces.length * writeCount, `${paces.length} races of ${writeCount} writes`);
	let series: SpeedSeries[] = Object.values(loops).map((name) => ({ name, points: [] }));
	for (const perSecond of paces) {
		const seen = await scenario(`${perSecond} writes a second`)
			.pollLoop("forgets", "/a", { recursive: true })
			.watch("carries", "/a", { recursive: true })
			.burst("/a", { count: writeCount, perSecond })
			.run(target);
		const lost = Object.keys(loops).map((watcher) => (100 * missedBy(seen, watcher).length) / writeCount);
		series = series.map(({ name, points }, at) => ({
			name,
			points: [...points, [perSecond, lost[at] ?? 0]],
		}));
		onPoint(series);
	}
	return series;
}
