import { ConnectionError, LabError, type RequestInfo } from "../http/errors";

/** What the gateway says of a refusal. */
export interface V3ErrorFields {
	/** gRPC's code, from 1 to 16 (google.golang.org/grpc/codes). */
	readonly grpcCode: number;
	/** etcd's text, such as "etcdserver: permission denied". */
	readonly text: string;
	readonly status: number;
	readonly request: RequestInfo;
}

/** An error that etcd itself answered with over the v3 API: one of `v3Errors` by its text, else by its code. */
export class V3Error extends LabError implements V3ErrorFields {
	readonly grpcCode: number;
	readonly text: string;
	readonly status: number;
	readonly request: RequestInfo;
	constructor(fields: V3ErrorFields) {
		super(`${fields.text} [${codeName(fields.grpcCode)}] on ${fields.request.path}`);
		this.grpcCode = fields.grpcCode;
		this.text = fields.text;
		this.status = fields.status;
		this.request = fields.request;
	}
}

/** 3: what was asked makes no sense, whatever the store holds. */
export class InvalidArgumentError extends V3Error {}

/**
 * 11: the revision that was asked for has been compacted away: gone for good, as the history before v2's window is.
 * A watch says what is left, a range and a compaction don't.
 */
export class CompactedError extends V3Error {
	/** The revision that was asked for; undefined for a watch that had fallen behind by itself. */
	readonly askedRevision: number | undefined;
	/** The oldest revision that can be read still; undefined where etcd did not say. */
	readonly compactRevision: number | undefined;
	constructor(
		fields: V3ErrorFields & { readonly askedRevision?: number; readonly compactRevision?: number },
	) {
		super(fields);
		this.askedRevision = fields.askedRevision;
		this.compactRevision = fields.compactRevision;
	}
}

/** 11: the revision that was asked for has not been yet; not for a watch, which waits for it. */
export class FutureRevisionError extends V3Error {
	readonly askedRevision: number | undefined;
	constructor(fields: V3ErrorFields & { readonly askedRevision?: number }) {
		super(fields);
		this.askedRevision = fields.askedRevision;
	}
}

export class LeaseNotFoundError extends V3Error {}
export class LeaseExistsError extends V3Error {}
/** A name or a password that is wrong. */
export class AuthenticationFailedError extends V3Error {}
/** 16: the token is not known (any more). The client renews it by itself, once a request. */
export class InvalidTokenError extends V3Error {}
/** Users and roles have changed since the token was given. The client renews it by itself, once a request. */
export class AuthRevisionError extends V3Error {}
/** The request came without a token, and the server wants one. */
export class UserEmptyError extends V3Error {}
/** 7 */
export class PermissionDeniedError extends V3Error {}
export class AuthNotEnabledError extends V3Error {}
/** 8: the store is full (`NoSpaceError`), or the server has too much to do. */
export class ResourceExhaustedError extends V3Error {}
/**
 * 8: the database has come to its quota. Writes that add nothing, reads and watches go on; space is made by a compaction,
 * a defragmentation, and the end of the alarm (`etcdctl alarm disarm`).
 */
export class NoSpaceError extends ResourceExhaustedError {
	/**
	 * For a write: true. Those that bring the database to its quota are carried out, and answered with this all the same
	 * (`quotaApplierV3` in server/etcdserver/apply.go at v3.5.9); those after them are not.
	 */
	override readonly maybeApplied: boolean;
	constructor(fields: V3ErrorFields) {
		super(fields);
		this.maybeApplied = !isRead(fields.request.path);
	}
}
/** 14, 4, 1: no leader, no quorum, a member that starts or ends. The client goes to its next endpoint from then on. */
export class UnavailableError extends V3Error {
	/** For a write: true, since it may still be carried out. A read is never applied. */
	override readonly maybeApplied: boolean;
	constructor(fields: V3ErrorFields) {
		super(fields);
		this.maybeApplied = !isRead(fields.request.path);
	}
}
/** The member knows of no leader. */
export class NoLeaderError extends UnavailableError {}
/**
 * 14, from 3.7 on 9: the member is a learner: it copies the others, and serves neither watches, writes nor linearizable
 * reads. Nothing was done. The client sends it to its next endpoint.
 */
export class LearnerError extends UnavailableError {
	override readonly maybeApplied = false;
}
/** 12: this etcd does not have it. */
export class UnimplementedError extends V3Error {}

/** The server ended a watch, for a reason that no error of the table stands for. */
export class WatchCanceledError extends V3Error {}

/** Something between here and etcd (or an etcd before 3.3) does not take WebSockets. */
export class WebSocketRefusedError extends ConnectionError {
	/** The HTTP status of the answer. */
	readonly status: number;
	constructor(message: string, status: number) {
		super(message, { maybeApplied: false });
		this.status = status;
	}
}

type V3ErrorClass = new (fields: V3ErrorFields) => V3Error;

/** By gRPC's code, for texts that are not in `v3Errors`. */
const byCode: ReadonlyMap<number, V3ErrorClass> = new Map<number, V3ErrorClass>([
	[1, UnavailableError],
	[3, InvalidArgumentError],
	[4, UnavailableError],
	[7, PermissionDeniedError],
	[8, ResourceExhaustedError],
	[12, UnimplementedError],
	[14, UnavailableError],
	[16, InvalidTokenError],
]);

/** etcd's texts that say more than their code (api/v3rpc/rpctypes/error.go at v3.5.9), and what they become here. */
export const v3Errors: ReadonlyMap<string, V3ErrorClass> = new Map<string, V3ErrorClass>([
	["etcdserver: mvcc: required revision has been compacted", CompactedError],
	["etcdserver: mvcc: required revision is a future revision", FutureRevisionError],
	["etcdserver: requested lease not found", LeaseNotFoundError],
	["etcdserver: lease already exists", LeaseExistsError],
	["etcdserver: authentication failed, invalid user ID or password", AuthenticationFailedError],
	["etcdserver: invalid auth token", InvalidTokenError],
	["etcdserver: revision of auth store is old", AuthRevisionError],
	["etcdserver: user name is empty", UserEmptyError],
	["etcdserver: permission denied", PermissionDeniedError],
	["etcdserver: authentication is not enabled", AuthNotEnabledError],
	["etcdserver: mvcc: database space exceeded", NoSpaceError],
	["etcdserver: no leader", NoLeaderError],
	["etcdserver: rpc not supported for learner", LearnerError],
]);

/** Whether a request of that path changes nothing, so that it may be sent again. */
export function isRead(path: string): boolean {
	return /^\/v3\/(watch|kv\/range|auth\/authenticate|maintenance\/status|cluster\/member\/list|lease\/(keepalive|timetolive|leases))$/.test(
		path,
	);
}

/** The typed error for the gateway's answer. */
export function v3Error(fields: V3ErrorFields): V3Error {
	const known = v3Errors.get(fields.text) ?? byCode.get(fields.grpcCode) ?? V3Error;
	return new known(fields);
}

/** gRPC's codes by number. */
export const grpcCodes = [
	"OK",
	"Canceled",
	"Unknown",
	"InvalidArgument",
	"DeadlineExceeded",
	"NotFound",
	"AlreadyExists",
	"PermissionDenied",
	"ResourceExhausted",
	"FailedPrecondition",
	"Aborted",
	"OutOfRange",
	"Unimplemented",
	"Internal",
	"Unavailable",
	"DataLoss",
	"Unauthenticated",
] as const;

function codeName(code: number): string {
	return grpcCodes[code] ?? `code ${code}`;
}
