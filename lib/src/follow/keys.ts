import { ArgumentError } from "../http/errors";
import { isBelow, isHiddenFrom, keyPath, parentOf } from "../v2/key";
import { bytesOf, toBytes, toText } from "../v3/bytes";
import type { KeySpace, Scope } from "./changes";

/** v2's keys: a tree of directories, which come and go with what is in them; names that begin with "_" are hidden. */
export class DirectoryKeys implements KeySpace {
	readonly scope: Scope;
	readonly isFlat = false;

	/** @throws ArgumentError for a key that is none */
	constructor(key: string, recursive: boolean) {
		this.scope = { key: cleaned(key), recursive };
	}

	covers(key: string): boolean {
		const { scope } = this;
		return key === scope.key || (scope.recursive && isBelow(key, scope.key));
	}

	parentOf(key: string): string | undefined {
		return key === this.scope.key ? undefined : parentOf(key);
	}

	goesWith(removed: string): string {
		return this.isAbove(removed) ? this.scope.key : removed;
	}

	isWithin(key: string, top: string): boolean {
		return key === top || isBelow(key, top);
	}

	isAbove(key: string): boolean {
		return isBelow(this.scope.key, key);
	}

	checked(key: string, what: string): string {
		const clean = cleaned(key);
		if (!this.covers(clean)) throw notCovered(clean, this.scope, what);
		if (!isHiddenFrom(this.scope.key, clean)) return clean;
		throw new ArgumentError(
			`${clean} is hidden from ${this.scope.key}: a part of it begins with "_", and a watch above it is not ` +
				"told of it; follow that key by itself",
		);
	}
}

/** v3's keys: names, of which none is above another; as strings where they are no text, too (`toText`). */
export class NameKeys implements KeySpace {
	readonly scope: Scope;
	readonly isFlat = true;

	/** @throws ArgumentError for a key that is none, and for a range that holds nothing */
	constructor(scope: Scope) {
		const { recursive, prefix = false } = scope;
		const key = nameOf("key", scope.key);
		const rangeEnd = scope.rangeEnd === undefined ? undefined : nameOf("rangeEnd", scope.rangeEnd);
		this.scope = { ...scope, key, ...(rangeEnd === undefined ? {} : { rangeEnd }) };
		if (Number(recursive) + Number(prefix) + Number(rangeEnd !== undefined) > 1) {
			throw new ArgumentError("give one of recursive, prefix and rangeEnd: each says by itself which keys");
		}
		if (key === "" && !recursive && !prefix && rangeEnd === undefined) {
			throw new ArgumentError(
				"the key is empty, and etcd has no such key: with prefix: true it is the whole store",
			);
		}
		if (rangeEnd !== undefined && rangeEnd !== toTheEnd && compareNames(rangeEnd, key) <= 0) {
			throw new ArgumentError(
				`there is nothing from ${JSON.stringify(key)} up to ${JSON.stringify(rangeEnd)}: give a rangeEnd that ` +
					'comes later in the order of the bytes, or "\\0" for all that come after',
			);
		}
	}

	covers(key: string): boolean {
		const { scope } = this;
		if (key === scope.key) return true;
		if (scope.prefix) return beginsWith(key, scope.key);
		if (scope.rangeEnd === undefined) return scope.recursive && beginsWith(key, directoryOf(scope.key));
		return (
			compareNames(key, scope.key) > 0 &&
			(scope.rangeEnd === toTheEnd || compareNames(key, scope.rangeEnd) < 0)
		);
	}

	parentOf(): undefined {
		return undefined;
	}

	goesWith(removed: string): string {
		return removed;
	}

	isWithin(key: string, top: string): boolean {
		return key === top || beginsWith(key, directoryOf(top));
	}

	isAbove(): boolean {
		return false;
	}

	checked(key: string, what: string): string {
		const name = nameOf("key", key);
		if (this.covers(name)) return name;
		throw notCovered(name, this.scope, what);
	}
}

/** As etcd has it: a rangeEnd of a zero byte is the end of the store. */
const toTheEnd = "\0";

/** What the keys "below" a name begin with; of the empty one all keys are. */
export function directoryOf(name: string): string {
	return name === "" || name.endsWith("/") ? name : `${name}/`;
}

/** Says which keys are followed, in words. */
export function wordsFor({ key, recursive, prefix, rangeEnd }: Scope): string {
	if (rangeEnd !== undefined) return `the keys from ${key} up to ${JSON.stringify(rangeEnd)}`;
	if (key === "" && (prefix || recursive)) return "all keys";
	if (prefix) return `all keys that begin with ${key}`;
	return recursive ? `${key} and all below it` : key;
}

/** The same keys, as the same scope says them. */
export function isSameScope(one: Scope, two: Scope): boolean {
	return (
		one.key === two.key &&
		one.recursive === two.recursive &&
		(one.prefix ?? false) === (two.prefix ?? false) &&
		one.rangeEnd === two.rangeEnd
	);
}

function cleaned(key: string): string {
	keyPath(key);
	return key === "/" ? key : key.replace(/\/$/, "");
}

function notCovered(key: string, scope: Scope, what: string): ArgumentError {
	return new ArgumentError(
		`${what} keeps ${wordsFor(scope)}, and ${JSON.stringify(key)} is not one of them: follow that key`,
	);
}

/**
 * As `toText` spells its bytes, which is how etcd's keys come: what pieces of text are joined to may be spelled otherwise.
 * @throws ArgumentError for what is no string, and for half of a surrogate pair that stands for no byte
 */
export function nameOf(what: string, name: string): string {
	if (typeof name !== "string") {
		throw new ArgumentError(`a ${what} is a string, not ${name === null ? "null" : typeof name}`);
	}
	return toText(bytesOf(what, name));
}

function beginsWith(name: string, prefix: string): boolean {
	// Only where a prefix ends in the midst of a character, its bytes are others than those of its text.
	if (!/[\u{dc80}-\u{dcff}]/u.test(prefix)) return name.startsWith(prefix);
	const bytes = toBytes(prefix);
	return toBytes(name).subarray(0, bytes.length).equals(bytes);
}

/** In the order of etcd's keys: by their bytes. */
function compareNames(one: string, two: string): number {
	return Buffer.compare(toBytes(one), toBytes(two));
}
