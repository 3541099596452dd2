/** What serves one page alone, by its number. */

export { type Live, live, type View } from "../page/live";
export { type CurveAxis, type CurveInput, type CurveSeries, curveChart } from "./03-speed/curves";
export { lossBySpeed, type SpeedSeries } from "./03-speed/speed";
export {
	clearedOf,
	type HistoryMoment,
	listedBy,
	slideHistory,
	slidingWindow,
	type WindowEvent,
	type WindowInput,
	type WindowMoment,
	windowChart,
} from "./04-window";
export {
	type Apply,
	byOwnKey,
	byRules,
	compareTrees,
	type KeyCompared,
	type LogTree,
	rebuild,
	runWithReads,
	type TreeAt,
} from "./05-log";
export { carriedTable, logChart, showCarried, showLog } from "./05-log-chart";
export { timeTravel, treeChart } from "./05-tree";
export {
	type Counts,
	counterpartTable,
	type KeyNumbers,
	keyNumbers,
	type NumberName,
	type NumbersAfter,
	numberNames,
	showCounterparts,
	whatTheyCount,
} from "./06-numbers";
export {
	numbersChart,
	numbersTable,
	showNumbers,
	showNumbersTable,
} from "./06-numbers-chart";
export * from "./07-guide";
export {
	type AtMemberOptions,
	atMember,
	type CutOffReads,
	endCluster,
	notTheLeader,
	ownCluster,
	readsWhenCutOff,
	withServer,
} from "./08-faults";
export { chaosChart, chaosTable, showChaos, showChaosTable } from "./08-record";
export {
	type ChaosConsumer,
	type ChaosCount,
	ChaosFormatError,
	type ChaosKind,
	type ChaosResults,
	loadChaosResults,
	recordedChaos,
} from "./08-record-results";
export {
	cancelReason,
	type Handled,
	putMany,
	type Restarts,
	restartsOf,
	restartTable,
	type SavingRule,
	savesSafely,
	showRestarts,
	showTold,
	type Told,
	type ToldEvent,
	type ToldMessage,
	type ToldOptions,
	type ToldProgress,
	told,
	toldChart,
	toldWithProgress,
	type Write,
} from "./11-delivery";
export { exercises } from "./exercises";
export {
	columnOf,
	columnTable,
	type Found,
	freeFrom,
	freeOfAll,
	isIn,
	loadVersions,
	OwnServers,
	recordedVersions,
	savedVersions,
	showColumn,
	showUpgrades,
	showVersions,
	showVersionsTable,
	tryYours,
	upgradeChart,
	type VersionColumn,
	type VersionExperiment,
	VersionsFormatError,
	type VersionsRecord,
	versionExperiments,
	versionsChart,
	versionsFile,
	versionsTable,
} from "./versions";
