import { missedBy } from "./ask";
import type { Target } from "./run";
import { scenario } from "./scenario";

/** What two loops lost of the same writes. */
export interface SpeedPoint {
	/** The writer's pace. */
	readonly perSecond: number;
	/** In percent of the events: by polls one after the other, each from now on … */
	readonly lostWithoutIndex: number;
	/** … and by polls that carry their index on. */
	readonly lostWithIndex: number;
}

const writeCount = 50;

/**
 * Lets both kinds of loop watch a writer at each pace, fifty writes a run. `onPoint` is told of all points so far.
 * The losses are this machine's. Errors as `Scenario.run`.
 */
export async function lossBySpeed(
	target: Target,
	paces: readonly number[],
	onPoint: (points: readonly SpeedPoint[]) => void = () => {},
): Promise<readonly SpeedPoint[]> {
	const points: SpeedPoint[] = [];
	for (const perSecond of paces) {
		const seen = await scenario(`${perSecond} writes a second`)
			.pollLoop("forgets", "/a", { recursive: true })
			.watch("carries", "/a", { recursive: true })
			.burst("/a", { count: writeCount, perSecond })
			.run(target);
		const percent = (watcher: string) => (100 * missedBy(seen, watcher).length) / writeCount;
		points.push({ perSecond, lostWithoutIndex: percent("forgets"), lostWithIndex: percent("carries") });
		onPoint([...points]);
	}
	return points;
}
