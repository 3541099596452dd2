import * as events from "./events";
import * as loss from "./loss";
import * as reach from "./reach";

/** What the pages end with: `checkExercise(exercises.unseenWrite, run)` judges a run by what the server made of it. */
export const exercises = { ...reach, ...loss, ...events };
