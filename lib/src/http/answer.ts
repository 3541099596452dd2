import { BadAnswerError } from "./errors";

/** What is known of an answer when its headers have come. */
export interface AnswerHead {
	/** Scheme, host and port of the endpoint that answered. */
	readonly endpoint: string;
	/** The HTTP status. */
	readonly status: number;
	/** By their names in small letters. */
	readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The text of a body, or of a line of it. etcd's answers are UTF-8: bytes that are not would silently come out as
 * other characters.
 * @throws BadAnswerError "not json"
 */
export function decode(answer: AnswerHead, bytes: Uint8Array): string {
	try {
		return utf8.decode(bytes);
	} catch (cause) {
		throw new BadAnswerError("not json", `${answer.endpoint} answered ${answer.status}: not UTF-8`, {
			status: answer.status,
			excerpt: excerptOf(bytes),
			cause,
		});
	}
}

/** The error for a body of more than `maxBodyBytes`, of which `begin` has been read. */
export function tooLarge(
	answer: AnswerHead,
	maxBodyBytes: number,
	begin: Uint8Array | undefined,
): BadAnswerError {
	return new BadAnswerError(
		"too large",
		`${answer.endpoint} answered with more than ${maxBodyBytes} bytes: ask for less at once`,
		{ status: answer.status, excerpt: excerptOf(begin ?? "") },
	);
}

/** The first 200 characters; of bytes, as Latin-1. */
export function excerptOf(body: string | Uint8Array): string {
	const begin = body.slice(0, 200);
	return typeof begin === "string" ? begin : Buffer.from(begin).toString("latin1");
}

/**
 * The JSON of a whole body.
 * @throws BadAnswerError for a redirect, a page that is not JSON, or JSON that stops short
 */
export function parseJson(answer: AnswerHead, text: string): unknown {
	if (answer.status >= 300 && answer.status < 400) {
		throw badAnswer(
			"redirect",
			answer,
			text,
			"a redirect, which is not followed, since credentials would go along: name the server itself as an endpoint",
		);
	}
	try {
		return JSON.parse(text);
	} catch (cause) {
		if (answer.status >= 500) throw badAnswer("status", answer, text, "and no etcd error in it", cause);
		if (/^\s*[{[]/.test(text)) throw badAnswer("truncated", answer, text, "JSON that stops short", cause);
		throw badAnswer(
			"not json",
			answer,
			text,
			"a page that is not JSON: a proxy's, or another server's?",
			cause,
		);
	}
}

/** The error for an answer that is not etcd's; `what` says why, after "ENDPOINT answered STATUS: ". */
export function badAnswer(
	kind: BadAnswerError["kind"],
	answer: AnswerHead,
	text: string,
	what: string,
	cause?: unknown,
): BadAnswerError {
	return new BadAnswerError(kind, `${answer.endpoint} answered ${answer.status}: ${what}`, {
		status: answer.status,
		excerpt: excerptOf(text),
		cause,
	});
}

/** True for what is `{…}` in JSON. */
export function isObject(json: unknown): json is Record<string, unknown> {
	return typeof json === "object" && json !== null && !Array.isArray(json);
}

/**
 * Words of a server's, made fit for a terminal: control characters (escape sequences begin with one), and characters
 * that can't be seen or turn the text around, are spelled as `\u{…}`.
 */
export function printable(text: string): string {
	return text.replace(
		/[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu,
		(character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
	);
}
