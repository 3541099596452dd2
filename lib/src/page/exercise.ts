import { checkTimeline } from "../timeline/account";
import type { Timeline } from "../timeline/timeline";
import { showTable } from "./table";

/** A task that is solved by a scenario, and judged by what the server made of it. */
export interface Exercise {
	readonly task: string;
	/** What the run shows: solved and why, or what is still missing. */
	judge(timeline: Timeline): { readonly solved: boolean; readonly words: string };
}

/**
 * What one candidate of a run comes to, such as one watcher with one write. `near`: how many of the exercise's conditions
 * it met before the one that it missed; Infinity when it met all.
 */
export interface Attempt {
	readonly near: number;
	readonly words: string;
}

export function solved(words: string): Attempt {
	return { near: Number.POSITIVE_INFINITY, words };
}

export function miss(near: number, words: string): Attempt {
	return { near, words };
}

/**
 * An exercise is solved by any of a run's candidates. If none does, the one that came nearest is told what is missing.
 * @param candidates at least one: a run with nothing to judge gives a `miss` that says so
 * @param only the API that the exercise is about, and what a run on the other one is told
 */
export function exercise(
	task: string,
	candidates: (timeline: Timeline) => Iterable<Attempt>,
	only?: { readonly api: Timeline["api"]; readonly otherwise: string },
): Exercise {
	return {
		task,
		judge(timeline) {
			checkTimeline(timeline);
			if (only && only.api !== timeline.api)
				return { solved: false, words: `this was a run on ${timeline.api}. ${only.otherwise}` };
			let best = miss(-1, "");
			for (const one of candidates(timeline)) {
				if (one.near > best.near) best = one;
				if (best.near === Number.POSITIVE_INFINITY) return { solved: true, words: best.words };
			}
			return { solved: false, words: best.words };
		},
	};
}

/** Shows whether a run solves an exercise and why, or in words what is still missing. */
export function checkExercise(exercise: Exercise, timeline: Timeline): void {
	const { solved: isSolved, words } = exercise.judge(timeline);
	showTable({
		of: [timeline],
		title: exercise.task,
		columns: ["your run", "why"],
		rows: [[{ text: isSolved ? "solved" : "not yet", mark: isSolved ? "right" : "wrong" }, words]],
	});
}
