export * from "./errors";
export type { ConnectOptions } from "./transport";
