import { ArgumentError, LabError } from "../http/errors";

/** A key or a value: text, which goes out as UTF-8 (see `toText` for what is none), or bytes of any kind. */
export type V3Bytes = string | Uint8Array;

/** Bytes that were asked for as text, and are none: read them as bytes, or by `toText`. */
export class NotTextError extends LabError {}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Bytes of any kind as a string, from which `toBytes` gets them back: a byte 0xNN that is no part of valid UTF-8
 * becomes U+DCNN, half of a surrogate pair, which text never has alone (Python's surrogateescape, PEP 383).
 */
export function toText(bytes: Uint8Array): string {
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const text = buffer.toString("utf8");
	// What is not valid has become U+FFFD, and so has only what is not valid or is U+FFFD itself.
	return text.includes("\ufffd") ? escaped(buffer) : text;
}

/**
 * The bytes of a string that `toText` gave, or of any text.
 * @throws ArgumentError for half of a surrogate pair that stands for no byte
 */
export function toBytes(text: string): Buffer {
	return bytesOf("text", text);
}

/** As `toBytes`; bytes are taken as they are. @throws ArgumentError for what is neither text nor bytes, too */
export function bytesOf(what: string, given: V3Bytes): Buffer {
	if (given instanceof Uint8Array) return Buffer.from(given.buffer, given.byteOffset, given.byteLength);
	if (typeof given !== "string") {
		throw new ArgumentError(
			`a ${what} is text or bytes (Uint8Array), not ${given === null ? "null" : typeof given}`,
		);
	}
	const bytes = Buffer.from(given, "utf8");
	// Half of a surrogate pair has become U+FFFD, in silence.
	if (!bytes.includes("\ufffd") || bytes.toString("utf8") === given) return bytes;
	return unescaped(what, given);
}

/** @throws NotTextError when the bytes are not UTF-8: text made of them would be another key or value, in silence. */
export function textOf(what: string, bytes: Uint8Array): string {
	try {
		return utf8.decode(bytes);
	} catch (cause) {
		const hex = Buffer.from(bytes.subarray(0, 20)).toString("hex");
		throw new NotTextError(`the ${what} 0x${hex}… is no UTF-8 text: read its bytes`, { cause });
	}
}

/** How the gateway carries bytes. */
export function base64(what: string, given: V3Bytes): string {
	return bytesOf(what, given).toString("base64");
}

/** The bytes of a field that the gateway leaves out when it is empty; undefined for what is no base64. */
export function fromBase64(field: unknown): Buffer | undefined {
	if (field === undefined) return Buffer.alloc(0);
	if (typeof field !== "string" || field.length % 4 !== 0) return undefined;
	const bytes = Buffer.from(field, "base64");
	// Node skips what it does not know: as many bytes have to have come as so many letters hold.
	const padding = field.endsWith("==") ? 2 : field.endsWith("=") ? 1 : 0;
	return bytes.length === (field.length / 4) * 3 - padding ? bytes : undefined;
}

function escaped(bytes: Buffer): string {
	const units = Buffer.alloc(2 * bytes.length);
	let size = 0;
	const put = (unit: number) => {
		size = units.writeUInt16LE(unit, size);
	};
	for (let at = 0; at < bytes.length; ) {
		const length = validLength(bytes, at);
		const first = bytes[at++] ?? 0;
		if (length < 2) {
			put(length === 1 ? first : 0xdc00 + first);
			continue;
		}
		let point = first & (0xff >> (length + 1));
		for (let nth = 1; nth < length; nth++) point = (point << 6) | ((bytes[at++] ?? 0) & 0x3f);
		if (point > 0xffff) put(0xd7c0 + (point >> 10));
		put(point > 0xffff ? 0xdc00 + (point & 0x3ff) : point);
	}
	return units.toString("utf16le", 0, size);
}

function unescaped(what: string, text: string): Buffer {
	const bytes = Buffer.alloc(text.length * 3);
	let count = 0;
	for (let from = 0; from < text.length; ) {
		const point = text.codePointAt(from) ?? 0;
		from += point > 0xffff ? 2 : 1;
		if (point >= 0xdc80 && point <= 0xdcff) bytes[count++] = point & 0xff;
		else if (point >= 0xd800 && point <= 0xdfff) {
			throw new ArgumentError(`the ${what} has an unpaired surrogate, which UTF-8 can't carry: give bytes`);
		} else if (point < 0x80) bytes[count++] = point;
		else count += bytes.write(String.fromCodePoint(point), count);
	}
	return bytes.subarray(0, count);
}

/** How many bytes the character has that begins there; 0 where none does (RFC 3629, section 4). */
function validLength(bytes: Buffer, at: number): number {
	const first = bytes[at] ?? 0xff;
	if (first < 0x80) return 1;
	const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
	for (let nth = 1; nth < length; nth++) {
		const next = bytes[at + nth] ?? 0;
		// No character has two spellings, none is a surrogate, none is above U+10FFFF.
		const least = nth > 1 ? 0x80 : first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
		const most = nth > 1 ? 0xbf : first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
		if (next < least || next > most) return 0;
	}
	return length;
}
