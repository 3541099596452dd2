/** Told of each response as it comes. */
export interface ResponseHandler {
	/** The status line and the headers have come. */
	head(status: number, headers: Readonly<Record<string, string>>): void;
	/** A piece of the body; to be used or copied at once. */
	data(piece: Buffer): unknown;
	end(): unknown;
}

/** The longest head that is read. */
const longestHead = 64 * 1024;

/** What a server sent is not HTTP/1.1. */
export class NotHttpError extends Error {}

type Body =
	| { readonly kind: "none" | "until close" }
	| { readonly kind: "length" | "chunk"; left: number }
	| { readonly kind: "chunk size" | "chunk end" | "trailer" };

/**
 * Takes the bytes of one connection apart into the HTTP/1.1 responses on it, one after the other, wherever the
 * pieces are cut (RFC 9112, sections 4 to 7). Strict: what it does not know is a NotHttpError.
 */
export class ResponseReader {
	#rest: Buffer | undefined;
	/** Undefined between two responses. */
	#body: Body | undefined;
	readonly #handler: ResponseHandler;

	constructor(handler: ResponseHandler) {
		this.#handler = handler;
	}

	/** @throws NotHttpError */
	push(piece: Buffer): void {
		const bytes = this.#rest === undefined ? piece : Buffer.concat([this.#rest, piece]);
		this.#rest = undefined;
		let at = 0;
		while (at < bytes.length || this.#body?.kind === "none") {
			const next =
				this.#body === undefined ? this.#takeHead(bytes, at) : this.#takeBody(this.#body, bytes, at);
			if (next < 0) {
				if (bytes.length - at > longestHead) throw new NotHttpError("a line or a head without an end");
				this.#rest = bytes.subarray(at);
				return;
			}
			at = next;
		}
	}

	/** The connection has ended properly. True when a response ended with it. */
	close(): boolean {
		if (this.#body?.kind !== "until close") return false;
		this.#end();
		return true;
	}

	/** Where the body begins; -1 when more has to come. */
	#takeHead(bytes: Buffer, at: number): number {
		const end = bytes.indexOf("\r\n\r\n", at, "latin1");
		if (end < 0) return -1;
		const lines = bytes.toString("latin1", at, end).split("\r\n");
		const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(lines[0] ?? "")?.[1]);
		if (Number.isNaN(status)) throw new NotHttpError("no HTTP/1.1 status line");
		const headers: Record<string, string> = {};
		for (let nth = 1; nth < lines.length; nth++) {
			const line = lines[nth] ?? "";
			const colon = line.indexOf(":");
			if (colon <= 0) throw new NotHttpError("a header without a colon");
			const name = line.slice(0, colon).toLowerCase();
			const value = line.slice(colon + 1).trim();
			headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
		}
		// 100 Continue and its like come before the answer.
		if (status < 200) return end + 4;
		this.#handler.head(status, headers);
		this.#body = bodyOf(status, headers);
		return end + 4;
	}

	#takeBody(body: Body, bytes: Buffer, at: number): number {
		switch (body.kind) {
			case "none":
				this.#end();
				return at;
			case "until close":
				this.#handler.data(bytes.subarray(at));
				return bytes.length;
			case "length":
			case "chunk": {
				const end = Math.min(bytes.length, at + body.left);
				if (end > at) this.#handler.data(bytes.subarray(at, end));
				body.left -= end - at;
				if (body.left === 0) {
					if (body.kind === "length") this.#end();
					else this.#body = { kind: "chunk end" };
				}
				return end;
			}
			case "chunk end":
				if (bytes.length - at < 2) return -1;
				if (bytes[at] !== 13 || bytes[at + 1] !== 10) throw new NotHttpError("a chunk longer than it said");
				this.#body = { kind: "chunk size" };
				return at + 2;
			case "chunk size": {
				const end = lineEnd(bytes, at);
				if (end < 0) return -1;
				const left = chunkSize(bytes, at, end);
				this.#body = left === 0 ? { kind: "trailer" } : { kind: "chunk", left };
				return end + 2;
			}
			case "trailer": {
				const end = lineEnd(bytes, at);
				if (end < 0) return -1;
				if (end === at) this.#end();
				return end + 2;
			}
		}
	}

	#end(): void {
		this.#body = undefined;
		this.#handler.end();
	}
}

/** Where the next CR LF is; -1 when more has to come. */
function lineEnd(bytes: Buffer, at: number): number {
	const near = Math.min(bytes.length - 1, at + 12);
	for (let nth = at; nth < near; nth++) if (bytes[nth] === 13 && bytes[nth + 1] === 10) return nth;
	return bytes.indexOf("\r\n", at, "latin1");
}

/** By hand: this line stands between what has happened and who waits for it, and a regular expression is cold then. */
function chunkSize(bytes: Buffer, at: number, end: number): number {
	let size = 0;
	let digits = 0;
	for (; at + digits < end; digits++) {
		const byte = bytes[at + digits] ?? 0;
		const letter = byte | 0x20;
		if (byte >= 0x30 && byte <= 0x39) size = size * 16 + byte - 0x30;
		else if (letter >= 0x61 && letter <= 0x66) size = size * 16 + letter - 0x57;
		else break;
	}
	if (digits === 0 || digits > 8) throw new NotHttpError("a chunk without a size");
	if (at + digits < end && !/^[ \t]*(?:;.*)?$/.test(bytes.toString("latin1", at + digits, end))) {
		throw new NotHttpError("a chunk without a size");
	}
	return size;
}

function bodyOf(status: number, headers: Readonly<Record<string, string>>): Body {
	const encoding = headers["transfer-encoding"];
	if (status === 204 || status === 304) return { kind: "none" };
	if (encoding !== undefined) {
		if (encoding.toLowerCase() !== "chunked") throw new NotHttpError(`the transfer encoding ${encoding}`);
		return { kind: "chunk size" };
	}
	const length = headers["content-length"];
	if (length === undefined) return { kind: "until close" };
	if (!/^\d{1,15}$/.test(length)) throw new NotHttpError(`the content length ${length}`);
	return Number(length) === 0 ? { kind: "none" } : { kind: "length", left: Number(length) };
}
