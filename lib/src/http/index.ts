export * from "./errors";
export type { ConnectOptions } from "./request";
