export type { BurstOptions, OpenOptions, PollOptions } from "./checks";
export { type Counterpart, counterparts } from "./counterparts";
export { type ModelRunOptions, runOnModel } from "./model/run";
export { type RunOptions, ScenarioError } from "./run";
export { Scenario, scenario } from "./scenario";
export type * from "./steps";
export type { Faults, Target } from "./target";
