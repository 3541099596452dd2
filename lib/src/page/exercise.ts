import { escapeUTF8 } from "entities";
import { checkTimeline } from "../timeline/account";
import type { Timeline } from "../timeline/timeline";
import { show } from "./display";
import { comparePrediction, type Prediction } from "./prediction";
import { htmlBlock, showTable } from "./table";

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

/** An exercise of a page: it has an answer, which can be shown once it is solved or given up. */
export interface AnsweredExercise extends Exercise {
	/** Shows the answer if a run that was checked in this kernel has solved it; else says how to give it up. */
	showAnswer(): void;
	/** Gives it up, and shows the answer. */
	giveUp(): void;
}

/** An answer as a reader would write it. */
export interface Answer {
	/** The cell: the attempt, and its prediction. */
	readonly code: string;
	/** Why it is one. */
	readonly because: string;
}

/** In this kernel: those whose answer may be shown. */
const open = new WeakSet<Exercise>();
/** The names of those that have an answer. */
const names = new WeakMap<Exercise, string>();

/** @param name of the exercise in `exercises`, for the words that say how its answer is shown */
export function answered(
	name: string,
	{ task, judge }: Exercise,
	{ code, because }: Answer,
): AnsweredExercise {
	const self: AnsweredExercise = {
		task,
		judge,
		showAnswer() {
			if (open.has(self))
				show({
					"text/html": htmlBlock([
						`<p><strong>${escapeUTF8(`An answer: ${task}`)}</strong></p>`,
						`<pre>${escapeUTF8(code)}</pre>`,
						`<p>${escapeUTF8(because)}</p>`,
					]),
					"text/plain": `An answer: ${task}\n\n${code}\n\n${because}\n`,
				});
			else
				show({
					"text/plain": `Not solved yet: change the attempt and its prediction, and run both cells.\nTo give up, and see an answer: exercises.${name}.giveUp()\n`,
				});
		},
		giveUp() {
			open.add(self);
			self.showAnswer();
		},
	};
	names.set(self, name);
	return self;
}

/**
 * Shows whether a run solves an exercise and why, or in words what is still missing. It is solved by a run that does what
 * the task says, and that was predicted: each write at each watcher that the prediction names.
 * @throws RangeError when the prediction names a watcher or a write that the run doesn't have.
 */
export function checkExercise(exercise: Exercise, timeline: Timeline, prediction: Prediction): void {
	const { solved: isDone, words } = exercise.judge(timeline);
	const { wrong, unknown, summary } = comparePrediction(prediction, timeline);
	const isPredicted = wrong + unknown === 0;
	if (isDone && isPredicted) open.add(exercise);
	const name = names.get(exercise);
	showTable({
		of: [timeline],
		title: exercise.task,
		columns: ["your run", "your prediction", "why"],
		rows: [
			[
				{ text: isDone ? "solved" : "not yet", mark: isDone ? "right" : "wrong" },
				{ text: summary, mark: isPredicted ? "right" : wrong > 0 ? "wrong" : "open" },
				words,
			],
		],
		notes: [
			...(isDone && !isPredicted ? ["Now predict it: say beforehand what this run will show."] : []),
			...(name === undefined
				? []
				: open.has(exercise)
					? [`An answer of the lab's: exercises.${name}.showAnswer()`]
					: [`To give up, and see an answer: exercises.${name}.giveUp()`]),
		],
	});
}
