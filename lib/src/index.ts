import { inNotebook, show } from "./page/display";
import { tellOfRecords } from "./scenario/recorded";
import { tellOfWaits } from "./scenario/waits";

/**
 * What every page uses. What serves one page alone is in etcd-watch-lab/pages; the charts, tables and records as data in
 * /chart, /page and /timeline; the clients, the follower, the servers and the model in /v2, /v3, /follow, /server, /model.
 */
export { claims } from "./claims";
export {
	chart,
	chartSideBySide,
	checkExercise,
	checkPrediction,
	eventTable,
	explainMatrix,
	predict,
	showDifferences,
	showExplanation,
	showGaps,
	showLosses,
	showTable,
	showVerdict,
	table,
} from "./page";
export { exercises } from "./pages";
export { runOnModel, type Scenario, scenario } from "./scenario";
export { lab } from "./server";
export { eventsOf, explain, loadTimeline, missedBy, saveTimeline, type Timeline } from "./timeline";

tellOfWaits((what) => {
	if (inNotebook()) show({ "text/plain": `… ${what}` });
});
tellOfRecords((what) => show({ "text/plain": what }));
