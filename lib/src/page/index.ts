export { chart, chartSideBySide } from "./chart";
export { type CurveAxis, type CurveInput, type CurveSeries, curve, curveChart } from "./curves";
export { type Bundle, inNotebook, type ShowOptions, show } from "./display";
export { checkExercise, type Exercise } from "./exercise";
export { differenceTable, explainMatrix, explainTable, showDifferences, showExplanation } from "./explained";
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
