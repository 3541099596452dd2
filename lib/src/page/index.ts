export { counterpartTable, showCounterparts } from "./counterparts";
export { type CurveAxis, type CurveInput, type CurveSeries, curve, curveChart } from "./curves";
export { type Bundle, inNotebook, type ShowOptions, show } from "./display";
export { checkExercise } from "./exercise";
export { differenceTable, explainMatrix, explainTable, showDifferences, showExplanation } from "./explained";
export { gapTable, lossTable, showGaps, showLosses } from "./gaps";
export { type Live, live, type View } from "./live";
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
	type Cell,
	type EventTableOptions,
	eventsTable,
	eventTable,
	showTable,
	type Table,
	type TableInput,
	table,
	tableOf,
	timelineTable,
} from "./table";
export { evidenceWords, showVerdict, type VerdictOptions, verdictView } from "./verdict";
