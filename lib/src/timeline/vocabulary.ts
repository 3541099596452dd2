import { shortened } from "./printable";
import type { Timeline, WatcherRecord, WriteRecord } from "./timeline";

/*
 * A run is recorded in the words of the scenario, which are v2's. Here they become those of the API that it was run on;
 * charts, tables, claims and explanations take them from here. Which API it was is told by what it calls its numbers.
 */

/** What the numbers of a timeline are called: v2's index, v3's revision. */
export type Unit = "index" | "revision";

export function unitOf({ api }: Pick<Timeline, "api">): Unit {
	return api === "v3" ? "revision" : "index";
}

/** What was asked for, and of which key. */
type Asked = Pick<WriteRecord, "operation" | "key">;

/**
 * What the scenario's operations are in v3; those that are not here have no counterpart there. A condition makes a
 * transaction; `rmdir` with `recursive` is one delete of the key and of all names below it.
 */
const v3Operations: Readonly<Record<string, string>> = {
	set: "put",
	create: "txn put",
	update: "txn put",
	compareAndSwap: "txn put",
	compareAndDelete: "txn delete",
	rmdir: "delete range",
	expire: "lease end",
};

/** A write in the words of its API: `{ operation: "set", key: "/a/b" }`, in v3 `{ operation: "put", key: "/a/b" }`. */
export function inWordsOf(unit: Unit, { operation, key }: Asked): Asked {
	if (unit === "index") return { operation, key };
	return {
		operation: v3Operations[operation] ?? operation,
		key: operation === "rmdir" ? prefixOf(key) : key,
	};
}

/** "set /a/b"; in v3 "put /a/b". */
export function writeWords(write: Asked, unit: Unit, maxKey = 60): string {
	const { operation, key } = inWordsOf(unit, write);
	return `${operation} ${shortened(key, maxKey)}`;
}

/** "set /a/1", or of several "12 × set, first /a/1". */
export function manyWords(count: number, write: Asked, unit: Unit, maxKey = 60): string {
	if (count === 1) return writeWords(write, unit);
	const { operation, key } = inWordsOf(unit, write);
	return `${count} × ${operation}, first ${shortened(key, maxKey)}`;
}

/** "watch /a, recursive"; in v3 "watch prefix /a/", which is said of the key itself, too. */
export function watcherWords(watcher: WatcherRecord, unit: Unit, maxKey = 60): string {
	const { kind, key, recursive } = watcher;
	if (unit === "index") return `${kind} ${shortened(key, maxKey)}${recursive ? ", recursive" : ""}`;
	const verb = kind === "follow" ? "follow" : "watch";
	const range = recursive ? `prefix ${shortened(prefixOf(key), maxKey)}` : shortened(key, maxKey);
	return `${verb} ${range}${kind === "poll" ? ", one event" : ""}`;
}

/** What the names below a key begin with. */
function prefixOf(key: string): string {
	return key.endsWith("/") ? key : `${key}/`;
}
