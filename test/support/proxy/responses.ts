/** A stretch of a server's bytes. */
export interface Piece {
	/** "other" is what frames a chunked body, and everything of a connection that does not speak HTTP/1. */
	readonly kind: "head" | "body" | "other";
	readonly bytes: Buffer;
	/** True for the piece that a response begins with. */
	readonly begins: boolean;
}

type State =
	| { readonly at: "head" | "size" | "trailer"; text: string }
	/** `next` is what follows the last of the bytes. */
	| { readonly at: "body"; left: number; readonly next: "head" | "chunk end" }
	| { readonly at: "chunk end"; left: number }
	| { readonly at: "unknown" };

/** A head longer than this is no HTTP. */
const maxHead = 64 * 1024;

/**
 * Tells heads from bodies in what a server sends on one connection, pipelined or not, chunked, with a length or
 * up to the connection's end. It holds nothing back: every byte given comes out at once, in order, in one piece.
 * Answers to HEAD, which have a length and no body, are beyond it.
 */
export class ResponseScanner {
	#state: State = { at: "head", text: "" };

	scan(bytes: Buffer): Piece[] {
		const pieces: Piece[] = [];
		for (let rest = bytes; rest.length > 0; ) {
			const begins = this.#state.at === "head" && this.#state.text === "";
			const { kind, length } = this.#step(rest);
			pieces.push({ kind, bytes: rest.subarray(0, length), begins: begins && kind === "head" });
			rest = rest.subarray(length);
		}
		return pieces;
	}

	/** Takes at least one byte. */
	#step(rest: Buffer): { kind: Piece["kind"]; length: number } {
		const state = this.#state;
		switch (state.at) {
			case "unknown":
				return { kind: "other", length: rest.length };
			case "body": {
				const length = Math.min(state.left, rest.length);
				state.left -= length;
				if (state.left === 0) {
					this.#state = state.next === "head" ? { at: "head", text: "" } : { at: "chunk end", left: 2 };
				}
				return { kind: "body", length };
			}
			case "chunk end": {
				const length = Math.min(state.left, rest.length);
				state.left -= length;
				if (state.left === 0) this.#state = { at: "size", text: "" };
				return { kind: "other", length };
			}
			case "size":
			case "trailer":
			case "head":
				return this.#line(state, rest);
		}
	}

	/** Up to the end of the head, the chunk's size or the trailer, or all there is of it. */
	#line(state: Extract<State, { text: string }>, rest: Buffer): { kind: "head" | "other"; length: number } {
		const before = state.text.length;
		state.text += rest.toString("latin1");
		const kind = state.at === "head" ? "head" : "other";
		if (state.at === "head" && !isHttp(state.text)) {
			this.#state = { at: "unknown" };
			return { kind: "other", length: rest.length };
		}
		// A trailer without a line is the empty line alone.
		const end =
			state.at === "size"
				? endOf(state.text, "\r\n")
				: state.at === "trailer" && state.text.startsWith("\r\n")
					? 2
					: endOf(state.text, "\r\n\r\n");
		if (end === undefined) return { kind, length: rest.length };
		const text = state.text.slice(0, end);
		if (state.at === "head") this.#state = afterHead(text);
		else if (state.at === "trailer") this.#state = { at: "head", text: "" };
		else {
			const left = Number.parseInt(text, 16);
			this.#state = Number.isNaN(left)
				? { at: "unknown" }
				: left === 0
					? { at: "trailer", text: "" }
					: { at: "body", left, next: "chunk end" };
		}
		return { kind, length: end - before };
	}
}

function endOf(text: string, mark: string): number | undefined {
	const at = text.indexOf(mark);
	return at < 0 ? undefined : at + mark.length;
}

function isHttp(text: string): boolean {
	return text.length <= maxHead && ("HTTP/1.".startsWith(text) || text.startsWith("HTTP/1."));
}

function afterHead(head: string): State {
	const status = Number(head.slice(9, 12));
	if (status < 200 || status === 204 || status === 304) return { at: "head", text: "" };
	if (/^transfer-encoding:.*chunked/im.test(head)) return { at: "size", text: "" };
	const length = /^content-length: *(\d+)/im.exec(head)?.[1];
	const left = length === undefined ? Number.POSITIVE_INFINITY : Number(length);
	return left === 0 ? { at: "head", text: "" } : { at: "body", left, next: "head" };
}
