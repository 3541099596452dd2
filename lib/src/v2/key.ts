import { checkIndex, kindOf } from "../http/checks";
import { ArgumentError } from "../http/errors";

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

/** The directory that a key is in. */
export function parentOf(key: string): string {
	const slash = key.lastIndexOf("/");
	return slash === 0 ? "/" : key.slice(0, slash);
}

/** True when the key lies below the ancestor. */
export function isBelow(key: string, ancestor: string): boolean {
	return key !== ancestor && key.startsWith(ancestor === "/" ? "/" : `${ancestor}/`);
}

/** The events that take a key away. */
const removals: ReadonlySet<string> = new Set(["delete", "expire", "compareAndDelete"]);

export function isRemoval(event: { readonly action: string }): boolean {
	return removals.has(event.action);
}

/**
 * True when a part of the key below the watched path begins with "_"; never for what lies above it (`isHidden` in
 * store/watcher_hub.go at v3.4.23).
 */
export function isHiddenFrom(watched: string, key: string): boolean {
	if (watched.length > key.length) return false;
	return `/${key.slice(watched.length)}`.includes("/_");
}

/** @throws ArgumentError unless it is a string that has a UTF-8 form. */
export function checkValue(value: string): string {
	if (typeof value !== "string") throw new ArgumentError(`a value is a string, not ${kindOf(value)}`);
	return wellFormed("value", value);
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
