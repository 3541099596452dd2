export { historyCapacity } from "./history";
export { type ModelOptions, ModelStore } from "./store";
export type * from "./types";
