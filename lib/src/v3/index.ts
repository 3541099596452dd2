export * from "../http";
export { NotTextError, toBytes, toText, type V3Bytes } from "./bytes";
export { V3Client } from "./client";
export * from "./errors";
export { prefixEnd, type V3Keys } from "./range";
export type {
	DeleteOptions,
	PutOptions,
	RangeOptions,
	Txn,
	TxnCompare,
	TxnOperation,
	V3RequestOptions,
} from "./requests";
export {
	type DeleteAnswer,
	KeyValue,
	type LeaseAnswer,
	type OperationAnswer,
	type PutAnswer,
	type RangeAnswer,
	type TimeToLive,
	type TxnAnswer,
	type V3Event,
	type V3Header,
	type V3Member,
	type V3Status,
} from "./types";
export type { V3Message, V3Watch, V3WatchOptions } from "./watch";
export type {
	SharedWatchOptions,
	V3Watches,
	WatchesOptions,
} from "./watches";
