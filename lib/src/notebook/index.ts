export { chaosChart, chaosTable, showChaos, showChaosTable } from "./chaos";
export {
	type ChaosConsumer,
	type ChaosCount,
	ChaosFormatError,
	type ChaosKind,
	type ChaosResults,
	loadChaosResults,
} from "./chaosresults";
export { type Chart, type ChartOptions, chart, timelineChart } from "./chart";
export { counterpartTable, showCounterparts } from "./counterparts";
export { type CurveAxis, type CurveInput, type CurveSeries, curve, curveChart } from "./curves";
export { type Bundle, inNotebook, type ShowOptions, show } from "./display";
export { checkExercise } from "./exercise";
export { differenceTable, explainMatrix, explainTable, showDifferences, showExplanation } from "./explained";
export { gapTable, lossTable, showGaps, showLosses } from "./gaps";
export { type Live, live, type View } from "./live";
export { carriedTable, logChart, showCarried, showLog } from "./log";
export type { WindowEvent, WindowMoment } from "./moments";
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
export { chartSideBySide, type SideBySideOptions, sideBySideChart } from "./sidebyside";
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
export { timeTravel, treeChart } from "./travel";
export { evidenceWords, showVerdict, verdictView } from "./verdict";
export { slidingWindow, type WindowInput, windowChart } from "./window";
