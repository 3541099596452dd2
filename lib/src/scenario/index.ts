export { type Faults, type RunOptions, ScenarioError, type Target } from "./api";
export type { BurstOptions, OpenOptions, PollOptions } from "./checks";
export { type ModelRunOptions, runOnModel } from "./model/run";
export { Scenario, scenario } from "./scenario";
export type * from "./steps";
export { type Counterpart, counterparts } from "./v3/counterparts";
