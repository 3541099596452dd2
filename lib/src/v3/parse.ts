import { type AnswerHead, excerptOf, parseJson } from "../http/answer";
import { BadAnswerError } from "../http/errors";
import type { HttpRequest } from "../http/request";
import { fromBase64 } from "./bytes";
import { grpcCodes, type V3Error, v3Error } from "./errors";
import { KeyValue, type OperationAnswer, type V3Event, type V3Header } from "./types";

const digits = /^\d+$/;

/**
 * One JSON object of the gateway's, read field by field: it leaves out what is zero, empty or false, and carries
 * 64-bit numbers as text. Whatever has another type is a BadAnswerError.
 */
export class Fields {
	/** As it came. */
	readonly json: Readonly<Record<string, unknown>>;
	readonly #bad: (what: string) => BadAnswerError;

	constructor(json: unknown, bad: (what: string) => BadAnswerError) {
		if (!isObject(json)) throw bad("no JSON object where there has to be one");
		this.json = json;
		this.#bad = bad;
	}

	has(name: string): boolean {
		return this.json[name] !== undefined && this.json[name] !== null;
	}

	object(name: string): Fields {
		return new Fields(this.json[name] ?? {}, this.#bad);
	}

	objects(name: string): readonly Fields[] {
		return this.#list(name).map((one) => new Fields(one, this.#bad));
	}

	texts(name: string): readonly string[] {
		return this.#list(name).map((one) => {
			if (typeof one !== "string") throw this.#wrong(name);
			return one;
		});
	}

	text(name: string): string {
		const field = this.json[name] ?? "";
		if (typeof field !== "string") throw this.#wrong(name);
		return field;
	}

	flag(name: string): boolean {
		const field = this.json[name] ?? false;
		if (typeof field !== "boolean") throw this.#wrong(name);
		return field;
	}

	bytes(name: string): Buffer {
		const bytes = fromBase64(this.json[name] ?? undefined);
		if (bytes === undefined) throw this.#wrong(name);
		return bytes;
	}

	manyBytes(name: string): readonly Buffer[] {
		return this.#list(name).map((one) => {
			const bytes = fromBase64(one);
			if (bytes === undefined) throw this.#wrong(name);
			return bytes;
		});
	}

	/** All 64 bits, signed or not. */
	big(name: string): bigint {
		const field = this.json[name] ?? 0;
		if (field === 0) return 0n;
		if (typeof field === "string" && /^-?\d{1,20}$/.test(field)) return BigInt(field);
		// A JSON number that is not safe has lost its last digits by now.
		if (typeof field === "number" && Number.isSafeInteger(field)) return BigInt(field);
		throw this.#wrong(name);
	}

	/** A number that counts up from 0, as revisions do: at a million a second it is exact for 285 years. */
	number(name: string): number {
		const field = this.json[name] ?? 0;
		if (field === 0) return 0;
		// Nearly all of them: 15 digits are exact.
		if (typeof field === "string" && field.length < 16 && digits.test(field)) return Number(field);
		const number = Number(this.big(name));
		if (!Number.isSafeInteger(number))
			throw this.#bad(`${name} is ${number}, beyond what a number counts exactly`);
		return number;
	}

	/** A number that may be below 0. */
	signed(name: string): number {
		return Number(this.big(name));
	}

	#list(name: string): readonly unknown[] {
		const field = this.json[name] ?? [];
		if (!Array.isArray(field)) throw this.#wrong(name);
		return field;
	}

	#wrong(name: string): BadAnswerError {
		return this.#bad(`a ${name} that is none`);
	}
}

/** Answers that are no JSON, by status and beginning, and what they mean. Another one may be anybody's. */
const pages: readonly (readonly [status: number, begins: RegExp, means: string])[] = [
	[
		404,
		/^/,
		"it has no JSON gateway, which v3 is asked by: etcd's grpc-proxy has none, nor has --enable-grpc-gateway=false",
	],
	[
		400,
		/^Client sent an HTTP request to an HTTPS server/,
		"it speaks TLS: its endpoint begins with https://",
	],
	[
		400,
		/^CommonName of client/,
		"where users are switched on and clients need certificates, etcd's gateway takes none with a CommonName: use one without",
	],
];

/**
 * Reads a whole answer.
 * @throws V3Error by its table; BadAnswerError for what is not etcd's
 */
export function parseWhole(request: HttpRequest, answer: AnswerHead, text: string): Fields {
	// etcd's own errors are JSON.
	const page = text.trimStart().startsWith("{")
		? undefined
		: pages.find(([status, begins]) => status === answer.status && begins.test(text));
	if (page !== undefined) throw badAnswer(answer, text)(page[2], "status");
	const json = parseJson(answer, text);
	const error = errorIn(request, answer, json);
	if (error !== undefined) throw error;
	const bad = badAnswer(answer, text);
	if (answer.status >= 300) throw bad("and no etcd error in it", "status");
	return new Fields(json, bad);
}

/** The first or next line of a stream: each is an object with a `result` or an `error`. Errors as `parseWhole`. */
export function parseLine(request: HttpRequest, answer: AnswerHead, line: string): Fields {
	const whole = parseWhole(request, answer, line);
	if (!whole.has("result")) throw badAnswer(answer, line)("a line without a result");
	return whole.object("result");
}

/**
 * Whose a message of a watch is and of what kind, by its first letters, so that it need not be parsed before it is read.
 * `parsed`: for one that says it elsewhere.
 */
export function glance(bytes: Buffer, parsed: () => Fields) {
	const [start = "", ...more] = bytes.toString("latin1", 0, 400).split('"events"');
	const has = (name: string) => new RegExp(`"${name}":\\s?true`).test(start);
	const id = /"watch_id":\s?"(-?\d+)"/.exec(start)?.[1] ?? parsed().signed("watch_id");
	return {
		id: Number(id),
		isCreated: has("created"),
		isEvents: more.length > 0,
		isFragment: has("fragment"),
	};
}

function badAnswer(answer: AnswerHead, text: string) {
	return (what: string, kind: "wrong shape" | "status" = "wrong shape") =>
		new BadAnswerError(kind, `${answer.endpoint} answered ${answer.status}: ${what}`, {
			status: answer.status,
			excerpt: excerptOf(text),
		});
}

/**
 * An error of the gateway's: flat where a request fails (the same text as `error` and `message`), within `error`
 * where a stream does, then with the names grpc_code and http_code.
 */
function errorIn(request: HttpRequest, answer: AnswerHead, json: unknown): V3Error | undefined {
	if (!isObject(json)) return undefined;
	const error = isObject(json.error) ? json.error : json;
	const code = error.code ?? error.grpc_code;
	const text = error.message ?? error.error;
	if (typeof code !== "number" || typeof text !== "string") return undefined;
	return v3Error(fieldsOf(request, answer, code, text));
}

/** What is known of an error that a stream tells in words. */
export function fieldsOf(request: HttpRequest, answer: AnswerHead, grpcCode: number, text: string) {
	const { method, path } = request;
	return { grpcCode, text, status: answer.status, request: { method, endpoint: answer.endpoint, path } };
}

/** A watch's cancel_reason is Go's print of a gRPC error ("rpc error: code = … desc = …"), or plain words. */
export function reasonIn(reason: string): { readonly grpcCode: number; readonly text: string } {
	const [, name, text = reason] = /^rpc error: code = (\w+) desc = (.*)$/s.exec(reason) ?? [];
	const code = (grpcCodes as readonly string[]).indexOf(name ?? "");
	return { grpcCode: code < 0 ? 2 : code, text };
}

export function parseHeader(answer: Fields): V3Header {
	const header = answer.object("header");
	return {
		clusterId: header.big("cluster_id"),
		memberId: header.big("member_id"),
		revision: header.number("revision"),
		raftTerm: header.number("raft_term"),
	};
}

export function parseKeyValue(kv: Fields): KeyValue {
	return new KeyValue({
		keyBytes: kv.bytes("key"),
		valueBytes: kv.bytes("value"),
		createRevision: kv.number("create_revision"),
		modRevision: kv.number("mod_revision"),
		version: kv.number("version"),
		lease: kv.big("lease"),
	});
}

export function parseEvent(event: Fields): V3Event {
	const type = event.text("type");
	return {
		// PUT is the zero of its enum: left out.
		type: type === "DELETE" ? "delete" : "put",
		kv: parseKeyValue(event.object("kv")),
		...(event.has("prev_kv") ? { prevKv: parseKeyValue(event.object("prev_kv")) } : {}),
	};
}

export function parseRange(answer: Fields) {
	return {
		kvs: answer.objects("kvs").map(parseKeyValue),
		more: answer.flag("more"),
		count: answer.number("count"),
	};
}

export function parsePut(answer: Fields): { prevKv?: KeyValue } {
	return answer.has("prev_kv") ? { prevKv: parseKeyValue(answer.object("prev_kv")) } : {};
}

export function parseDelete(answer: Fields) {
	return {
		deletedCount: answer.number("deleted"),
		prevKvs: answer.objects("prev_kvs").map(parseKeyValue),
	};
}

export function parseTxn(answer: Fields): { succeeded: boolean; answers: readonly OperationAnswer[] } {
	return { succeeded: answer.flag("succeeded"), answers: answer.objects("responses").map(parseOperation) };
}

function parseOperation(answer: Fields): OperationAnswer {
	if (answer.has("response_put")) return { kind: "put", ...parsePut(answer.object("response_put")) };
	if (answer.has("response_range")) return { kind: "range", ...parseRange(answer.object("response_range")) };
	if (answer.has("response_txn")) return { kind: "txn", ...parseTxn(answer.object("response_txn")) };
	return { kind: "delete", ...parseDelete(answer.object("response_delete_range")) };
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
	return typeof json === "object" && json !== null && !Array.isArray(json);
}
