export * from "./etcd";
export * from "./follow";
export * from "./notebook";
export * from "./scenario";
export * from "./server";
