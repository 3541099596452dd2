export * from "./etcd";
export * from "./notebook";
export * from "./scenario";
export * from "./server";
