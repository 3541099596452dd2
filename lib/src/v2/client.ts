import { badAnswer, isObject, parseJson, printable } from "../http/answer";

import { BadAnswerError } from "../http/errors";
import type { ConnectOptions, HttpRequest } from "../http/request";
import { Transport } from "../http/transport";
import { V2DisabledError } from "./errors";
import { checkComparison, checkTtl, checkValue, keyPath } from "./key";
import type { Answer } from "./node";
import { parseAnswer } from "./parse";
import {
	type EventStream,
	type Poll,
	poll,
	pollLiterally,
	stream,
	Watcher,
	type WatchOptions,
} from "./watch";

export interface RequestOptions {
	readonly signal?: AbortSignal;
	/** Overrides the client's own. */
	readonly timeoutMs?: number;
}

export interface GetOptions extends RequestOptions {
	/** The whole tree below a directory, not its children alone. */
	readonly recursive?: boolean;
	/** Children in the order of their names. */
	readonly sorted?: boolean;
	/** Goes through raft: sees every write acknowledged before it. A plain read is the member's own, maybe old. */
	readonly quorum?: boolean;
}

export interface WriteOptions extends RequestOptions {
	/** Whole seconds after which the key expires. Left out: never. */
	readonly ttl?: number;
}

/** At least one of the two: what the key has to be for the write to happen. */
export interface Comparison {
	/** Not empty: etcd can't compare with an empty value (error 201). */
	readonly prevValue?: string;
	/** The key's modifiedIndex, from 1. */
	readonly prevIndex?: number;
}

type Fields = Record<string, string | number | boolean | undefined>;

/** @internal What a client asks by; for the follower, which asks much of one member. */
export let transportOf: (client: V2Client) => Transport;

/**
 * etcd's v2 keys API, one request a call. Every method takes a key that begins with "/", sends nothing when an
 * argument is wrong (ArgumentError), and throws: an EtcdError by code when etcd refuses, ConnectionError or
 * TimeoutError when no answer came (for a write, `maybeApplied` tells whether it may have been carried out),
 * BadAnswerError when the answer is not etcd's, AbortedError after the signal.
 */
export class V2Client {
	readonly #transport: Transport;

	static {
		transportOf = (client) => client.#transport;
	}

	constructor(options: ConnectOptions) {
		this.#transport = new Transport(options);
	}

	get endpoints(): readonly string[] {
		return this.#transport.endpoints;
	}

	/** Reads a key, or a directory with its children. */
	get(key: string, options: GetOptions = {}): Promise<Answer> {
		const { recursive, sorted, quorum } = options;
		return this.#send("GET", key, { recursive, sorted, quorum }, undefined, options);
	}

	/** Writes a file, made anew if it was there: it gets a new createdIndex. Parents are made as needed. */
	async set(key: string, value: string, options: WriteOptions = {}): Promise<Answer> {
		return this.#put(key, { value: checkValue(value), ttl: ttlOf(options) }, options);
	}

	/** As `set`, but only if the key does not exist (else 105). */
	async create(key: string, value: string, options: WriteOptions = {}): Promise<Answer> {
		return this.#put(key, { value: checkValue(value), prevExist: false, ttl: ttlOf(options) }, options);
	}

	/** Makes a file in the directory whose name is the index of this write, so that names sort by age. */
	async createInOrder(directory: string, value: string, options: WriteOptions = {}): Promise<Answer> {
		const form = { value: checkValue(value), ttl: ttlOf(options) };
		return this.#send("POST", directory, {}, form, options);
	}

	/** Writes a file that exists (else 100); it keeps its createdIndex, and loses a ttl that isn't given again. */
	async update(key: string, value: string, options: WriteOptions = {}): Promise<Answer> {
		return this.#put(key, { value: checkValue(value), prevExist: true, ttl: ttlOf(options) }, options);
	}

	/** Deletes a file (a directory: 102). */
	delete(key: string, options: RequestOptions = {}): Promise<Answer> {
		return this.#send("DELETE", key, {}, undefined, options);
	}

	/** Makes a directory (105 if the key exists). */
	async mkdir(key: string, options: WriteOptions = {}): Promise<Answer> {
		return this.#put(key, { dir: true, prevExist: false, ttl: ttlOf(options) }, options);
	}

	/** Gives an existing directory a new ttl, or none. etcd 3.4 does it; 3.5 answers 300 and changes nothing. */
	async updateDirectory(key: string, options: WriteOptions = {}): Promise<Answer> {
		return this.#put(key, { dir: true, prevExist: true, ttl: ttlOf(options) }, options);
	}

	/** Deletes an empty directory (else 108), or with `recursive` all of it: one event for the whole tree. */
	rmdir(key: string, options: RequestOptions & { readonly recursive?: boolean } = {}): Promise<Answer> {
		return this.#send("DELETE", key, { dir: true, recursive: options.recursive }, undefined, options);
	}

	/** Writes if the key has the value and the index given (else 101); it keeps its createdIndex. */
	async compareAndSwap(
		key: string,
		value: string,
		expected: Comparison,
		options: WriteOptions = {},
	): Promise<Answer> {
		return this.#put(
			key,
			{ value: checkValue(value), ttl: ttlOf(options), ...comparison(expected) },
			options,
		);
	}

	/** Deletes if the key has the value and the index given (else 101). */
	async compareAndDelete(key: string, expected: Comparison, options: RequestOptions = {}): Promise<Answer> {
		return this.#send("DELETE", key, comparison(expected), undefined, options);
	}

	/** Renews a file's ttl and keeps its value: takes an index, raises no event. */
	async refresh(key: string, ttl: number, options: RequestOptions = {}): Promise<Answer> {
		return this.#put(key, { refresh: true, prevExist: true, ttl: checkTtl(ttl) }, options);
	}

	/** One long poll. What happens before the next one is lost unless `afterIndex` is given. See `poll` in watch.ts. */
	poll(key: string, options: WatchOptions = {}): Promise<Poll> {
		return this.#explained(poll(this.#transport, key, options));
	}

	/** A long poll with this query and no other, such as "wait=true&waitIndex=abc": to see what etcd makes of it. */
	pollLiterally(key: string, query: string): Promise<Poll> {
		return this.#explained(pollLiterally(this.#transport, key, query));
	}

	/** A loop of long polls that carries its index on. Nothing is sent before `next()` or `registered()`. */
	watcher(key: string, options: WatchOptions = {}): Watcher {
		return new Watcher(this.#transport, key, options);
	}

	/** One connection that stays open; events missed while it is down are not sent again. See `EventStream`. */
	stream(key: string, options: WatchOptions = {}): Promise<EventStream> {
		return this.#explained(stream(this.#transport, key, options));
	}

	/** The server's version, such as "3.5.1". */
	version(options: RequestOptions = {}): Promise<string> {
		return this.#field("/version", "etcdserver", isText, options);
	}

	/** How many v2 watchers the member has registered, all clients' together (/v2/stats/store). */
	watcherCount(options: RequestOptions = {}): Promise<number> {
		return this.#field("/v2/stats/store", "watchers", isCount, options);
	}

	/** The name that the member was started with (/v2/stats/self). */
	memberName(options: RequestOptions = {}): Promise<string> {
		return this.#field("/v2/stats/self", "name", isText, options);
	}

	/** Ends every request under way, watches too, with an AbortedError. New ones are taken. */
	abortAll(): void {
		this.#transport.abortAll();
	}

	/** Ends everything under way and every connection; the client is over. */
	close(): Promise<void> {
		return this.#transport.close();
	}

	#put(key: string, fields: Fields, options: RequestOptions): Promise<Answer> {
		// Everything goes into the form: etcd reads query and form alike (r.ParseForm in parseKeyRequest).
		return this.#send("PUT", key, {}, fields, options);
	}

	async #send(
		method: HttpRequest["method"],
		key: string,
		query: Fields,
		form: Fields | undefined,
		options: RequestOptions,
	): Promise<Answer> {
		const search = encode(query).toString();
		const request: HttpRequest = {
			method,
			path: keyPath(key) + (search === "" ? "" : `?${search}`),
			...(form ? { form: encode(form) } : {}),
			signal: options.signal,
			timeoutMs: options.timeoutMs,
		};
		return this.#explained(
			this.#transport.ask(request, (answer, text) => parseAnswer(request, answer, text)),
		);
	}

	/** etcd without the v2 API answers as for any unknown page: say what that means. */
	async #explained<T>(pending: Promise<T>): Promise<T> {
		try {
			return await pending;
		} catch (error) {
			const unknownPage =
				error instanceof BadAnswerError &&
				error.status === 404 &&
				error.excerpt.startsWith("404 page not found");
			if (!unknownPage) throw error;
			const version = await this.version().catch(() => undefined);
			if (version === undefined) throw error;
			throw new V2DisabledError(this.endpoints.join(", "), version);
		}
	}

	/** One field of a page that is not of the keys API. @throws BadAnswerError when it is not there */
	async #field<T>(
		path: string,
		name: string,
		isRight: (json: unknown) => json is T,
		options: RequestOptions,
	): Promise<T> {
		const { signal, timeoutMs } = options;
		return await this.#transport.ask({ method: "GET", path, signal, timeoutMs }, (answer, text) => {
			const json = parseJson(answer, text);
			const field = isObject(json) ? json[name] : undefined;
			if (answer.status === 200 && isRight(field)) return field;
			throw badAnswer(
				answer.status === 200 ? "wrong shape" : "status",
				answer,
				text,
				`not as etcd does to ${path}`,
			);
		});
	}
}

/** Without escape sequences and the like, since it is shown. */
function isText(json: unknown): json is string {
	return typeof json === "string" && printable(json) === json;
}

function isCount(json: unknown): json is number {
	return typeof json === "number" && Number.isSafeInteger(json) && json >= 0;
}

function ttlOf(options: WriteOptions): number | undefined {
	return options.ttl === undefined ? undefined : checkTtl(options.ttl);
}

function comparison(expected: Comparison): Fields {
	checkComparison(expected);
	const { prevValue, prevIndex } = expected;
	return { prevValue, prevIndex };
}

function encode(fields: Fields): URLSearchParams {
	const search = new URLSearchParams();
	for (const [name, value] of Object.entries(fields)) {
		if (value !== undefined && !(value === false && name !== "prevExist")) search.set(name, String(value));
	}
	return search;
}
