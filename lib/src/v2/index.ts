export * from "../http";
export { type Comparison, type GetOptions, type RequestOptions, V2Client, type WriteOptions } from "./client";
export * from "./errors";
export { isBelow, isRemoval, parentOf } from "./key";
export type { Action, Answer, Headers, Node, WatchEvent } from "./node";
export type { EventStream, Poll, PollAnswer, Watcher, WatchOptions } from "./watch";
