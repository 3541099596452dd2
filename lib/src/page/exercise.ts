import type { Exercise } from "../pages/exercises";
import type { Timeline } from "../timeline/timeline";
import { showTable } from "./table";

/** Shows whether a run solves an exercise, or in words what is still missing. */
export function checkExercise(exercise: Exercise, timeline: Timeline): void {
	const { solved, words } = exercise.judge(timeline);
	showTable({
		title: exercise.task,
		columns: ["your run", "why"],
		rows: [[{ text: solved ? "solved" : "not yet", mark: solved ? "right" : "wrong" }, words]],
	});
}
