export * from "./etcd";
export * from "./etcd3";
export * from "./follow";
export * from "./notebook";
export * from "./scenario";
export * from "./server";
