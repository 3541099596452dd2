import { printable } from "../http/answer";
import { LabError, type RequestInfo } from "../http/errors";

/** The server answers, but not to /v2/keys. */
export class V2DisabledError extends LabError {
	constructor(endpoint: string, version: string) {
		super(
			`etcd ${printable(version)} at ${endpoint} has no v2 API: start etcd 3.5 or older with --enable-v2 ` +
				"(3.6 removed it)",
		);
	}
}

/** The fields of etcd's own error answer. */
export interface EtcdErrorFields {
	readonly code: number;
	/** etcd's text for the code. */
	readonly text: string;
	/** Mostly the key that stands in the way; "" where etcd gives none. */
	readonly etcdCause: string;
	/** The store's index; 0 where etcd gives none. */
	readonly index: number;
	readonly status: number;
	readonly request: RequestInfo;
}

/** An error that etcd itself answered with: one of `errorCodes`, by its subclass. */
export class EtcdError extends LabError implements EtcdErrorFields {
	readonly code: number;
	readonly text: string;
	readonly etcdCause: string;
	readonly index: number;
	readonly status: number;
	readonly request: RequestInfo;
	constructor(fields: EtcdErrorFields) {
		super(
			`${fields.code} ${printable(fields.text)}${fields.etcdCause === "" ? "" : ` (${printable(fields.etcdCause)})`}` +
				` [index ${fields.index}] on ${fields.request.method} ${fields.request.path}`,
		);
		this.code = fields.code;
		this.text = fields.text;
		this.etcdCause = fields.etcdCause;
		this.index = fields.index;
		this.status = fields.status;
		this.request = fields.request;
	}
}

export class KeyNotFoundError extends EtcdError {}
export class CompareFailedError extends EtcdError {}
export class NotAFileError extends EtcdError {}
export class NotADirectoryError extends EtcdError {}
export class KeyExistsError extends EtcdError {}
export class RootReadOnlyError extends EtcdError {}
export class DirectoryNotEmptyError extends EtcdError {}
export class UnauthorizedError extends EtcdError {}
/** 103, 106, 109 and 4xx codes that no etcd since 2.0 answers with on the keys API. */
export class RetiredCodeError extends EtcdError {}
/** 2xx: a parameter that etcd could not read or would not take. */
export class InvalidRequestError extends EtcdError {}
/**
 * 3xx: no leader, no quorum, or the request timed out inside the cluster; a write may still be carried out
 * (`maybeApplied`).
 */
export class RaftError extends EtcdError {}
/** 400: the store was replaced under the watcher. */
export class WatcherClearedError extends EtcdError {}

/**
 * 401: the history no longer holds the index that was asked for. Nothing tells how many of the events in
 * between were on the watched key (v2store/event_history.go, `scan`, at v3.5.9; notebook 04).
 */
export class EventIndexClearedError extends EtcdError {
	/** The waitIndex that was asked for. */
	readonly askedIndex: number;
	/** The oldest index that the history still holds. */
	readonly oldestIndex: number;
	constructor(fields: EtcdErrorFields) {
		super(fields);
		const [, oldest, asked] = /\[(\d+)\/(\d+)\]/.exec(fields.etcdCause) ?? [];
		this.oldestIndex = Number(oldest ?? Number.NaN);
		this.askedIndex = Number(asked ?? Number.NaN);
	}
}

interface ErrorCode {
	readonly text: string;
	readonly error: new (fields: EtcdErrorFields) => EtcdError;
}

/** Every code of etcd's v2error/error.go at v3.5.9, with its text and the class that it becomes here. */
export const errorCodes: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
	[100, { text: "Key not found", error: KeyNotFoundError }],
	[101, { text: "Compare failed", error: CompareFailedError }],
	[102, { text: "Not a file", error: NotAFileError }],
	[103, { text: "Reached the max number of peers in the cluster", error: RetiredCodeError }],
	[104, { text: "Not a directory", error: NotADirectoryError }],
	[105, { text: "Key already exists", error: KeyExistsError }],
	[106, { text: "The prefix of given key is a keyword in etcd", error: RetiredCodeError }],
	[107, { text: "Root is read only", error: RootReadOnlyError }],
	[108, { text: "Directory not empty", error: DirectoryNotEmptyError }],
	[109, { text: "Peer address has existed", error: RetiredCodeError }],
	[110, { text: "The request requires user authentication", error: UnauthorizedError }],
	[200, { text: "Value is Required in POST form", error: InvalidRequestError }],
	[201, { text: "PrevValue is Required in POST form", error: InvalidRequestError }],
	[202, { text: "The given TTL in POST form is not a number", error: InvalidRequestError }],
	[203, { text: "The given index in POST form is not a number", error: InvalidRequestError }],
	[204, { text: "Value or TTL is required in POST form", error: InvalidRequestError }],
	[205, { text: "The given timeout in POST form is not a number", error: InvalidRequestError }],
	[206, { text: "Name is required in POST form", error: InvalidRequestError }],
	[207, { text: "Index or value is required", error: InvalidRequestError }],
	[208, { text: "Index and value cannot both be specified", error: InvalidRequestError }],
	[209, { text: "Invalid field", error: InvalidRequestError }],
	[210, { text: "Invalid POST form", error: InvalidRequestError }],
	[211, { text: "Value provided on refresh", error: InvalidRequestError }],
	[212, { text: "A TTL must be provided on refresh", error: InvalidRequestError }],
	[300, { text: "Raft Internal Error", error: RaftError }],
	[301, { text: "During Leader Election", error: RaftError }],
	[400, { text: "watcher is cleared due to etcd recovery", error: WatcherClearedError }],
	[401, { text: "The event in requested index is outdated and cleared", error: EventIndexClearedError }],
	[402, { text: "Standby Internal Error", error: RetiredCodeError }],
	[403, { text: "Invalid active size", error: RetiredCodeError }],
	[404, { text: "Standby remove delay", error: RetiredCodeError }],
	[500, { text: "Client Internal Error", error: RetiredCodeError }],
]);

/** The typed error for etcd's answer; a code that the table lacks stays an `EtcdError`. */
export function etcdError(fields: EtcdErrorFields): EtcdError {
	const known = errorCodes.get(fields.code)?.error ?? EtcdError;
	return new known(fields);
}
