export { type Counterpart, counterparts } from "./counterparts";
export { type ModelRunOptions, runOnModel } from "./model/run";
export { type RunOptions, ScenarioError } from "./run";
export { type BurstOptions, type OpenOptions, type PollOptions, Scenario, scenario } from "./scenario";
export type * from "./steps";
export type { Faults, Target } from "./target";
