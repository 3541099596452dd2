export type { Claim, Evidence, Verdict } from "./claim";
export { claims } from "./claims";
export { type Exercise, eventsOf, exercises } from "./exercises";
export { type RunOptions, ScenarioError, type Target } from "./run";
export { type BurstOptions, type OpenOptions, type PollOptions, Scenario, scenario } from "./scenario";
export type * from "./steps";
export type * from "./timeline";
export { loadTimeline, saveTimeline, TimelineFormatError } from "./timeline-json";
