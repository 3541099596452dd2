export * from "./errors";
export { type Comparison, type GetOptions, Keys, type RequestOptions, type WriteOptions } from "./keys";
export type { Action, Answer, Headers, Node, WatchEvent } from "./node";
export type { ConnectOptions } from "./transport";
export type { EventStream, Poll, PollAnswer, Watcher, WatchOptions } from "./watch";
