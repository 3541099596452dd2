export { historyCapacity, historyRule } from "./history";
export { liveReach, type PassedOver } from "./reach";
export { type ModelOptions, ModelStore } from "./store";
export type * from "./types";
