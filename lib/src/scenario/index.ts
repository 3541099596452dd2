export { type RunOptions, ScenarioError, type Target } from "./run";
export { type BurstOptions, type OpenOptions, type PollOptions, Scenario, scenario } from "./scenario";
export type * from "./steps";
export type * from "./timeline";
