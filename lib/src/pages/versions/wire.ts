import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { request } from "undici";
import { LabError } from "../../http";

/** An experiment that can't be made here; the message says why. */
export class UntriedError extends LabError {}

/** What an experiment waited for did not come. */
export class InVainError extends LabError {}

/** What the promise gives, or an error that names what was waited for. It is left to end by itself. @throws InVainError */
export async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new InVainError(`waited ${ms} ms in vain for ${what}`)), ms);
	});
	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}

/** What the gateway answered, before a client reads it. */
export interface RawLine {
	/** The HTTP status. */
	readonly status: number;
	/** One line of the body; undefined where it is no JSON. */
	readonly json: unknown;
}

const answerMs = 5_000;
/** On a machine that is busy with other things, too. */
const openMs = 20_000;

/**
 * Asks the gateway for what the clients refuse to send; gives the lines of the answer as they come. Leaving the loop
 * ends the connection, and so does the signal.
 */
export async function* linesOf(
	endpoint: string,
	path: string,
	body: unknown,
	options: { readonly token?: string; readonly signal?: AbortSignal } = {},
): AsyncGenerator<RawLine> {
	const { token, signal = AbortSignal.timeout(answerMs) } = options;
	checkPlain(endpoint);
	const { statusCode: status, body: answer } = await request(`${endpoint}${path}`, {
		method: "POST",
		body: JSON.stringify(body),
		signal,
		...(token === undefined ? {} : { headers: { authorization: token } }),
	});
	let text = "";
	answer.setEncoding("utf8");
	for await (const piece of answer) {
		const lines = `${text}${piece}`.split("\n");
		text = lines.pop() ?? "";
		for (const line of lines) yield { status, json: parsed(line) };
	}
	if (text !== "") yield { status, json: parsed(text) };
}

/** The first line of `linesOf`. @throws InVainError when there is none */
export async function postRaw(endpoint: string, path: string, body: unknown): Promise<RawLine> {
	for await (const line of linesOf(endpoint, path, body)) return line;
	throw new InVainError(`${path} answered nothing`);
}

/** A field of some JSON, through several levels; undefined where there is none. */
export function fieldIn(json: unknown, ...path: readonly string[]): unknown {
	let at = json;
	for (const name of path) {
		if (typeof at !== "object" || at === null) return undefined;
		at = new Map<string, unknown>(Object.entries(at)).get(name);
	}
	return at;
}

/** @throws UntriedError for TLS */
function checkPlain(endpoint: string): void {
	if (endpoint.startsWith("https:")) throw new UntriedError("it is asked for without TLS only");
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

/*
 * What etcd's own clients do, as far as two experiments need it: the gateway has no path for a RangeStream, and between
 * it and a slow reader lie buffers of megabytes, while a reader by HTTP/2 holds up the server after 64 kB.
 */

/** A field of a protobuf message: of a varint its value, of anything with a length its bytes. */
type Field = readonly [number: number, value: number | Buffer];

/** One call: one message is sent, and what comes is read message by message. No TLS, and no user. */
export class GrpcCall {
	readonly #session: ClientHttp2Session;
	readonly #stream: ClientHttp2Stream;
	readonly #pieces: AsyncIterator<Buffer>;
	#rest: Buffer = Buffer.alloc(0);
	#status: unknown;

	/** @param method such as "etcdserverpb.KV/Range" @param isOpen more may be sent: a watch ends where nobody can */
	constructor(endpoint: string, method: string, message: Buffer, isOpen = false) {
		checkPlain(endpoint);
		this.#session = connect(endpoint);
		// It is told by the stream, too.
		this.#session.on("error", () => {});
		this.#stream = this.#session.request(
			{ ":method": "POST", ":path": `/${method}`, te: "trailers", "content-type": "application/grpc" },
			{ endStream: false },
		);
		// Where there is nothing but a status, it comes with the headers.
		for (const name of ["response", "trailers"] as const) {
			this.#stream.on(name, (headers: Readonly<Record<string, unknown>>) => {
				this.#status ??= headers["grpc-status"];
			});
		}
		this.#pieces = this.#stream[Symbol.asyncIterator]();
		const head = Buffer.alloc(5);
		head.writeUInt32BE(message.length, 1);
		this.#stream.write(Buffer.concat([head, message]));
		if (!isOpen) this.#stream.end();
	}

	/** gRPC's status once all is read: 0 for well, 12 for a method that there is not. */
	get status(): number {
		return Number(this.#status);
	}

	/** The fields of the next message; undefined at the end. Nothing is read that is not asked for. */
	async next(): Promise<readonly Field[] | undefined> {
		while (this.#rest.length < 5 || this.#rest.length < 5 + this.#rest.readUInt32BE(1)) {
			const { done, value } = await within(this.#pieces.next(), answerMs, "a message by gRPC");
			if (done) return undefined;
			this.#rest = Buffer.concat([this.#rest, value]);
		}
		const end = 5 + this.#rest.readUInt32BE(1);
		const message = this.#rest.subarray(5, end);
		this.#rest = this.#rest.subarray(end);
		return fieldsOf(message);
	}

	close(): void {
		this.#stream.on("error", () => {});
		this.#session.destroy();
	}
}

/** What the messages have in a field of that number. */
export function all(fields: readonly Field[], wanted: number): readonly (number | Buffer)[] {
	return fields.flatMap(([number, value]) => (number === wanted ? [value] : []));
}

/** A message with the fields 1, 2 … as bytes, such as a RangeRequest's key and range_end. */
export function messageOf(...values: readonly Buffer[]): Buffer {
	return Buffer.concat(
		values.flatMap((value, at) => [Buffer.from([(at + 1) * 8 + 2]), varint(value.length), value]),
	);
}

function varint(value: number): Buffer {
	const bytes: number[] = [];
	let left = value;
	for (; left > 127; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
	return Buffer.from([...bytes, left]);
}

export function fieldsOf(message: Buffer): readonly Field[] {
	const fields: Field[] = [];
	let at = 0;
	const number = () => {
		let value = 0;
		for (let factor = 1; ; factor *= 128) {
			const byte = message[at++];
			if (byte === undefined) throw new InVainError("a message by gRPC is cut short");
			value += (byte % 128) * factor;
			if (byte < 128) return value;
		}
	};
	while (at < message.length) {
		const tag = number();
		const kind = tag % 8;
		if (kind !== 0 && kind !== 2) throw new InVainError(`a field by gRPC is of kind ${kind}`);
		const value = number();
		if (kind === 0) fields.push([Math.floor(tag / 8), value]);
		else {
			fields.push([Math.floor(tag / 8), message.subarray(at, at + value)]);
			at += value;
		}
	}
	return fields;
}

/** How many watches share a connection: far fewer than a server lets in. */
const perConnection = 50;

/**
 * Watches by the gateway over TLS. Some share a connection, by HTTP/2, since each handshake with a certificate of etcd's
 * own making costs both sides ten milliseconds and more.
 */
export class TlsWatches {
	readonly #sessions: ClientHttp2Session[] = [];
	readonly #streams: ClientHttp2Stream[] = [];
	readonly #body: string;

	/** @param ca the certificate, in PEM */
	constructor(
		readonly endpoint: string,
		readonly ca: string,
		key: string,
	) {
		this.#body = JSON.stringify({ create_request: { key: Buffer.from(key).toString("base64") } });
	}

	/** Opens watches until there are so many; each is registered before the next one is opened. @throws InVainError */
	async openUpTo(count: number): Promise<void> {
		while (this.#streams.length < count) {
			const stream = this.#session().request({
				...{ ":method": "POST", ":path": "/v3/watch", "content-type": "application/json" },
			});
			this.#streams.push(stream);
			stream.on("error", () => {});
			const first = once(stream, "data");
			stream.end(this.#body);
			await within(first, openMs, `watch ${this.#streams.length} to be registered`);
		}
	}

	/** Ends some of them; all where no number is given. */
	close(count = this.#streams.length): void {
		for (const stream of this.#streams.splice(0, count)) stream.close(constants.NGHTTP2_CANCEL);
		if (this.#streams.length > 0) return;
		for (const session of this.#sessions.splice(0)) session.destroy();
	}

	#session(): ClientHttp2Session {
		const last = this.#sessions.at(-1);
		if (last !== undefined && this.#streams.length % perConnection !== 0) return last;
		const session = connect(this.endpoint, { ca: this.ca });
		session.on("error", () => {});
		this.#sessions.push(session);
		return session;
	}
}
