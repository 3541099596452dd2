export { clearedOf, eventsOf, gapsOf, listedBy, lostInSilence, missedBy } from "./ask";
export type { Claim, Evidence, Verdict } from "./claim";
export { claims } from "./claims";
export { compareTimelines, type Difference } from "./compare";
export { type Counterpart, counterparts } from "./counterparts";
export { type Exercise, exercises } from "./exercises";
export { type Explanation, explain, explainAll, type Reason, UnknownReasonError } from "./explain";
export {
	type AtMemberOptions,
	atMember,
	type CutOffReads,
	endCluster,
	followerOf,
	ownCluster,
	readsWhenCutOff,
} from "./faults";
export { type HistoryMoment, slideHistory } from "./history";
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
} from "./log";
export { type ModelRunOptions, runOnModel } from "./model-run";
export { type RunOptions, ScenarioError } from "./run";
export { type BurstOptions, type OpenOptions, type PollOptions, Scenario, scenario } from "./scenario";
export { lossBySpeed, type SpeedSeries } from "./speed";
export type * from "./steps";
export type { Faults, Target } from "./target";
export type * from "./timeline";
export { loadTimeline, saveTimeline, TimelineFormatError } from "./timeline-json";
