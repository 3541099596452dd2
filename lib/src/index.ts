export type * from "./scenario/timeline";
export * from "./etcd";
