import { ArgumentError, LabError } from "../http/errors";

/** A key or a value: text, which goes out as UTF-8, or bytes of any kind. */
export type V3Bytes = string | Uint8Array;

/** Bytes that were asked for as text, and are none: they have to be read as bytes. */
export class NotTextError extends LabError {}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @throws ArgumentError for what is neither text nor bytes, or text with an unpaired surrogate (it has no UTF-8). */
export function bytesOf(what: string, given: V3Bytes): Buffer {
	if (given instanceof Uint8Array) return Buffer.from(given.buffer, given.byteOffset, given.byteLength);
	if (typeof given !== "string") {
		throw new ArgumentError(
			`a ${what} is text or bytes (Uint8Array), not ${given === null ? "null" : typeof given}`,
		);
	}
	const bytes = Buffer.from(given, "utf8");
	// An unpaired surrogate has become U+FFFD, in silence.
	if (bytes.includes("\ufffd") && bytes.toString("utf8") !== given) {
		throw new ArgumentError(`the ${what} has an unpaired surrogate, which UTF-8 can't carry: give bytes`);
	}
	return bytes;
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
