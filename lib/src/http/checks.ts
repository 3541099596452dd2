import { ArgumentError } from "./errors";

/**
 * The path of a key under /v2/keys, each part percent-encoded.
 * @throws ArgumentError for what etcd would read as another key: no leading slash, an empty, "." or ".." part
 * (etcd's mux redirects to the cleaned path), or a surrogate without its partner (it has no UTF-8 form).
 */
export function keyPath(key: string): string {
	if (typeof key !== "string")
		throw new ArgumentError(`a key is a string such as "/a/b", not ${kindOf(key)}`);
	if (key === "") throw new ArgumentError('the key is empty: the root is "/", a key looks like "/a/b"');
	if (!key.startsWith("/")) throw new ArgumentError(`the key ${quoted(key)} has to begin with "/"`);
	wellFormed("key", key);
	if (key === "/") return "/v2/keys/";
	const parts = key.replace(/\/$/, "").split("/").slice(1);
	for (const part of parts) {
		if (part === "" || part === "." || part === "..") {
			throw new ArgumentError(
				`the key ${quoted(key)} has the part ${quoted(part)}: etcd would clean it to another key; write that one`,
			);
		}
	}
	return `/v2/keys/${parts.map(encodeURIComponent).join("/")}`;
}

/** @throws ArgumentError unless it is a string that has a UTF-8 form. */
export function checkValue(value: string): string {
	if (typeof value !== "string") throw new ArgumentError(`a value is a string, not ${kindOf(value)}`);
	return wellFormed("value", value);
}

/** @throws ArgumentError unless it is a whole number from `least` to 2^53 − 1. */
export function checkIndex(name: string, index: number, least = 0): number {
	if (typeof index !== "number" || !Number.isSafeInteger(index) || index < least) {
		throw new ArgumentError(`${name} is a whole number from ${least}, not ${kindOf(index)}`);
	}
	return index;
}

/** @throws ArgumentError unless there is a value that isn't empty, or an index from 1, or both. */
export function checkComparison({ prevValue, prevIndex }: { prevValue?: string; prevIndex?: number }): void {
	if (prevValue === undefined && prevIndex === undefined) {
		throw new ArgumentError("a compare needs prevValue or prevIndex, or both");
	}
	if (prevValue === "") {
		throw new ArgumentError("prevValue is empty, which etcd can't compare with: use prevIndex");
	}
	if (prevValue !== undefined) checkValue(prevValue);
	if (prevIndex !== undefined) checkIndex("prevIndex", prevIndex, 1);
}

/**
 * Seconds: a key's expiry travels as nanoseconds since 1970, which end in the year 2262. etcd takes a longer ttl
 * without a word and keeps the key for ever (`Expiration` in v2http/client.go at v3.5.9).
 */
const longestTtl = 7_000_000_000;

/** @throws ArgumentError unless it is a whole number of seconds from 0 to 7 × 10^9. */
export function checkTtl(ttl: number): number {
	checkIndex("a ttl", ttl);
	if (ttl > longestTtl)
		throw new ArgumentError(`a ttl of ${ttl} s is more than etcd can count; at most ${longestTtl}`);
	return ttl;
}

/** What a timer can hold; a longer one would go off at once. */
const longestMs = 2 ** 31 - 1;

/** @throws ArgumentError unless it is a positive number of milliseconds, up to 24.8 days. */
export function checkDurationMs(name: string, durationMs: number): number {
	if (typeof durationMs !== "number" || !(durationMs > 0 && durationMs <= longestMs)) {
		throw new ArgumentError(
			`${name} is a positive number of milliseconds up to ${longestMs}, not ${kindOf(durationMs)}`,
		);
	}
	return durationMs;
}

function wellFormed(what: string, text: string): string {
	// encodeURIComponent throws on a surrogate without its partner, which is the check and needs no newer Node.
	try {
		encodeURIComponent(text);
	} catch (cause) {
		throw new ArgumentError(
			`the ${what} ${quoted(text)} has an unpaired surrogate, which UTF-8 can't carry`,
			{
				cause,
			},
		);
	}
	return text;
}

function quoted(text: string): string {
	return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

function kindOf(value: unknown): string {
	return typeof value === "number" || typeof value === "boolean" || value == null
		? String(value)
		: typeof value;
}
