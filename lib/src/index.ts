export type * from "./scenario/timeline";
