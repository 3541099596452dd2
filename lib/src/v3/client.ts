import { checkIndex } from "../http/checks";
import type { ConnectOptions } from "../http/request";
import type { V3Bytes } from "./bytes";
import { type AskOptions, Gateway } from "./gateway";
import { type Fields, parseDelete, parseHeader, parsePut, parseRange, parseTxn } from "./parse";
import {
	type DeleteOptions,
	type PutOptions,
	type RangeOptions,
	type Txn,
	type V3RequestOptions,
	type Wire,
	wireDelete,
	wireGet,
	wireId,
	wirePut,
	wireTxn,
} from "./requests";
import type {
	DeleteAnswer,
	KeyValue,
	LeaseAnswer,
	PutAnswer,
	RangeAnswer,
	TimeToLive,
	TxnAnswer,
	V3Header,
	V3Member,
	V3Status,
} from "./types";
import { openWatch, type V3Watch, type V3WatchOptions, watchBody } from "./watch";
import { openWatches, type V3Watches, type WatchesOptions } from "./watches";

/**
 * etcd's v3 API by its JSON gateway (/v3/…, the same from 3.4 to 3.7), one request a call. Keys and values are text
 * or bytes; revisions, versions and counts are numbers, and an answer with one that a number can't hold exactly is a
 * BadAnswerError; ids of clusters, members and leases are bigints. A user gets a token with the first request and a
 * new one when the server no longer takes it; v3's users are not v2's, and where they are not switched on, none is
 * asked for.
 *
 * Requests go to one endpoint; to the next one from then on when no answer came from it, or an UnavailableError (it has
 * no leader, or is a learner). A read is sent again there; a write only when it was certainly not sent, or a learner
 * refused it.
 *
 * Every method sends nothing when an argument is wrong (ArgumentError), and throws: a V3Error by its text when etcd
 * refuses, ConnectionError or TimeoutError when no answer came (for a write, `maybeApplied` tells whether it may have
 * been carried out), BadAnswerError when the answer is not etcd's, AbortedError after the signal.
 */
export class V3Client {
	readonly #gateway: Gateway;

	/** Of the same settings as v2's `V2Client`. */
	constructor(options: ConnectOptions) {
		this.#gateway = new Gateway(options);
	}

	get endpoints(): readonly string[] {
		return this.#gateway.endpoints;
	}

	/** @internal Whether it asks as a user. */
	get hasUser(): boolean {
		return this.#gateway.hasUser;
	}

	/** The keys of a range, or one key, at one revision: the header's, unless `revision` is given. */
	async range(key: V3Bytes, options: RangeOptions & V3RequestOptions = {}): Promise<RangeAnswer> {
		const answer = await this.#read("/v3/kv/range", wireGet(key, options), options);
		return { header: parseHeader(answer), ...parseRange(answer) };
	}

	/** One key; undefined when it does not exist. */
	async get(
		key: V3Bytes,
		options: Omit<RangeOptions, "prefix" | "fromKey" | "rangeEnd"> & V3RequestOptions = {},
	) {
		const { kvs } = await this.range(key, options);
		return kvs[0] as KeyValue | undefined;
	}

	/** Writes a key, whether or not it is there. */
	async put(key: V3Bytes, value: V3Bytes, options: PutOptions & V3RequestOptions = {}): Promise<PutAnswer> {
		const answer = await this.#gateway.ask("/v3/kv/put", wirePut(key, value, options), options);
		return { header: parseHeader(answer), ...parsePut(answer) };
	}

	/** Deletes a key or all of a range, which is one revision with an event for each. */
	async delete(key: V3Bytes, options: DeleteOptions & V3RequestOptions = {}): Promise<DeleteAnswer> {
		const answer = await this.#gateway.ask("/v3/kv/deleterange", wireDelete(key, options), options);
		return { header: parseHeader(answer), ...parseDelete(answer) };
	}

	/** A transaction: `success` if every comparison holds, else `failure`. No key may be written twice in it. */
	async txn(txn: Txn, options: V3RequestOptions = {}): Promise<TxnAnswer> {
		const answer = await this.#gateway.ask("/v3/kv/txn", wireTxn(txn), options);
		return { header: parseHeader(answer), ...parseTxn(answer) };
	}

	/**
	 * Forgets what was before a revision: from then on reads and watches below it fail with a CompactedError.
	 * `physical`: answers only when the space is free.
	 * @throws CompactedError when it has been done already, FutureRevisionError
	 */
	async compact(
		revision: number,
		options: V3RequestOptions & { readonly physical?: boolean } = {},
	): Promise<V3Header> {
		const wire = {
			revision: String(checkIndex("revision", revision, 1)),
			...(options.physical ? { physical: true } : {}),
		};
		return parseHeader(await this.#gateway.ask("/v3/kv/compaction", wire, { ...options, revision }));
	}

	/** A lease of so many seconds, which the server may lengthen; of that id if one is given (LeaseExistsError). */
	async grant(ttl: number, options: V3RequestOptions & { readonly id?: bigint } = {}): Promise<LeaseAnswer> {
		const id = options.id === undefined ? {} : { ID: wireId("lease", options.id) };
		const wire = { TTL: String(checkIndex("a ttl", ttl, 1)), ...id };
		return lease(await this.#gateway.ask("/v3/lease/grant", wire, options));
	}

	/** Ends a lease and deletes its keys, at one revision. @throws LeaseNotFoundError */
	async revoke(id: bigint, options: V3RequestOptions = {}): Promise<V3Header> {
		return parseHeader(await this.#gateway.ask("/v3/lease/revoke", { ID: wireId("lease", id) }, options));
	}

	/** Renews a lease, once; its ttl is 0 when there is none of that id (any more). */
	async keepAlive(id: bigint, options: V3RequestOptions = {}): Promise<LeaseAnswer> {
		// A stream of answers to a stream of requests; by the gateway, one of each.
		return lease(
			await this.#read("/v3/lease/keepalive", { ID: wireId("lease", id) }, { ...options, isStream: true }),
		);
	}

	/** How long a lease has to live; its ttl is -1 when there is none of that id (any more). */
	async timeToLive(
		id: bigint,
		options: V3RequestOptions & { readonly keys?: boolean } = {},
	): Promise<TimeToLive> {
		const wire = { ID: wireId("lease", id), ...(options.keys ? { keys: true } : {}) };
		const answer = await this.#read("/v3/lease/timetolive", wire, options);
		return { ...lease(answer), grantedTtl: answer.number("grantedTTL"), keys: answer.manyBytes("keys") };
	}

	/** The ids of all leases. */
	async leases(options: V3RequestOptions = {}): Promise<readonly bigint[]> {
		const answer = await this.#read("/v3/lease/leases", {}, options);
		return answer.objects("leases").map((one) => one.big("ID"));
	}

	/**
	 * Opens a watch on a key or a range; resolves when it is registered, at the revision of its header. Each has a
	 * connection of its own (HTTP), and what it is refused with is thrown here. See `V3Watch`, and `watches` for many.
	 */
	async watch(key: V3Bytes, options: V3WatchOptions = {}): Promise<V3Watch> {
		const body = watchBody(key, options);
		return await this.#gateway.with(options, (transport, token) =>
			openWatch(transport, body, options, token),
		);
	}

	/**
	 * Opens one connection (WebSocket) that carries any number of watches; see `V3Watches`.
	 * @throws WebSocketRefusedError where a proxy in between takes none, or the server takes no token by it
	 */
	async watches(options: WatchesOptions = {}): Promise<V3Watches> {
		return await this.#gateway.with(options, (transport, token, refused) =>
			openWatches(transport, options, token, refused),
		);
	}

	/** What the member says of itself. */
	async status(options: V3RequestOptions = {}): Promise<V3Status> {
		const answer = await this.#read("/v3/maintenance/status", {}, options);
		return {
			header: parseHeader(answer),
			version: answer.text("version"),
			leader: answer.big("leader"),
			dbSizeBytes: answer.number("dbSize"),
			raftIndex: answer.number("raftIndex"),
			raftAppliedIndex: answer.number("raftAppliedIndex"),
			raftTerm: answer.number("raftTerm"),
			errors: answer.texts("errors"),
		};
	}

	/** The server's version, such as "3.5.1". */
	async version(options: V3RequestOptions = {}): Promise<string> {
		return (await this.status(options)).version;
	}

	/** The members of the cluster. */
	async members(options: V3RequestOptions = {}): Promise<readonly V3Member[]> {
		const answer = await this.#read("/v3/cluster/member/list", {}, options);
		return answer.objects("members").map((member) => ({
			id: member.big("ID"),
			name: member.text("name"),
			peerUrls: member.texts("peerURLs"),
			clientUrls: member.texts("clientURLs"),
		}));
	}

	/** A token for a user. The client gets its own by itself. @throws AuthenticationFailedError, AuthNotEnabledError */
	async authenticate(name: string, password: string, options: V3RequestOptions = {}): Promise<string> {
		return await this.#gateway.authenticate(name, password, options);
	}

	/**
	 * Any other request of the API, in the gateway's own words and JSON, such as ("/v3/auth/user/add", {…}): as a
	 * write, with the user's token. Gives the answer's JSON as it came.
	 */
	async call(path: string, body: Wire, options: V3RequestOptions = {}): Promise<unknown> {
		return (await this.#gateway.ask(path, body, options)).json;
	}

	/** Ends every request under way, watches too, with an AbortedError. New ones are taken. */
	abortAll(): void {
		this.#gateway.abortAll();
	}

	/** Ends everything under way and every connection; the client is over. */
	close(): Promise<void> {
		return this.#gateway.close();
	}

	#read(path: string, body: Wire, options: AskOptions): Promise<Fields> {
		return this.#gateway.ask(path, body, { ...options, isRead: true });
	}
}

function lease(answer: Fields): LeaseAnswer {
	return { header: parseHeader(answer), id: answer.big("ID"), ttl: answer.number("TTL") };
}
