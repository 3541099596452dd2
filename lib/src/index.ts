export * from "./follow";
export * from "./http";
export * from "./notebook";
export * from "./scenario";
export * from "./server";
export * from "./v2";
export * from "./v3";
