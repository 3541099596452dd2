import { type AnsweredExercise, answered, type Exercise } from "../../page/exercise";
import { answers } from "./answers";
import * as events from "./events";
import * as loss from "./loss";
import * as reach from "./reach";

type Name = keyof typeof answers;

const all: Readonly<Record<Name, Exercise>> = { ...reach, ...loss, ...events };

function withAnswer(name: Name): AnsweredExercise {
	return answered(name, all[name], answers[name]);
}

/**
 * What the pages end with: `checkExercise(exercises.unseenWrite, run, myBet)` judges a run by what the server made of it.
 * `exercises.unseenWrite.showAnswer()` shows an answer when it is solved, `giveUp()` before.
 */
export const exercises = {
	grandchildAddedAndDeleted: withAnswer("grandchildAddedAndDeleted"),
	plainWatchHearsFromAbove: withAnswer("plainWatchHearsFromAbove"),
	shownByTheReplayAlone: withAnswer("shownByTheReplayAlone"),
	unseenWrite: withAnswer("unseenWrite"),
	keptDelete: withAnswer("keptDelete"),
	pollsThatLoseNothing: withAnswer("pollsThatLoseNothing"),
	quietKeySurvives: withAnswer("quietKeySurvives"),
	removalInAGap: withAnswer("removalInAGap"),
	numbersToOrder: withAnswer("numbersToOrder"),
	oneEventForMany: withAnswer("oneEventForMany"),
	sameEventTwice: withAnswer("sameEventTwice"),
	wholeRevision: withAnswer("wholeRevision"),
};
