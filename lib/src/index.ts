export type * from "./scenario/timeline";
export * from "./etcd";
export * from "./notebook";
