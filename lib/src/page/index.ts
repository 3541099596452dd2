export { chart, chartSideBySide } from "./chart";
export { type Bundle, inNotebook, type ShowOptions, show } from "./display";
export { type AnsweredExercise, checkExercise, type Exercise } from "./exercise";
export { differenceTable, explainMatrix, explainTable, showDifferences, showExplanation } from "./explained";
export {
	checkPrediction,
	comparePrediction,
	type Expected,
	type Prediction,
	type PredictionResult,
	type PredictionRow,
	predict,
	predictionOf,
	predictionTable,
} from "./prediction";
export {
	type EventTableOptions,
	eventsTable,
	eventTable,
	gapTable,
	lossTable,
	showGaps,
	showLosses,
	table,
	timelineTable,
} from "./run-tables";
export { type Cell, showTable, type Table, type TableInput, tableOf } from "./table";
export { showVerdict, type VerdictOptions, verdictView } from "./verdict";
