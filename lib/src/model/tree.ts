import type { ModelNode } from "./types";

/** A file; never changed, only replaced. */
interface FileEntry {
	readonly value: string;
	readonly createdIndex: number;
	readonly modifiedIndex: number;
	/** Milliseconds of the clock that was passed in. */
	readonly expiresAt?: number;
}

/** A directory; changed in place. */
interface DirectoryEntry {
	readonly children: Map<string, Entry>;
	readonly createdIndex: number;
	modifiedIndex: number;
	expiresAt?: number;
}

export type Entry = FileEntry | DirectoryEntry;

export function isDirectory(entry: Entry): entry is DirectoryEntry {
	return "children" in entry;
}

export function newDirectory(index: number): DirectoryEntry {
	return { children: new Map(), createdIndex: index, modifiedIndex: index };
}

/** The parts of a key: none for the root. */
export function partsOf(key: string): string[] {
	return key === "/" ? [] : key.slice(1).split("/");
}

/** A failed walk: the error code and the path at which it failed. */
export interface WalkFailure {
	readonly code: 100 | 104;
	readonly cause: string;
}

/**
 * Finds an entry. It fails with 100 at the first part that is missing, or with 104 at the file that has no
 * children (`internalGet` in v2store/store.go at v3.5.9).
 */
export function find(root: DirectoryEntry, key: string): Entry | WalkFailure {
	let entry: Entry = root;
	let path = "";
	for (const part of partsOf(key)) {
		if (!isDirectory(entry)) return { code: 104, cause: path };
		const child: Entry | undefined = entry.children.get(part);
		path += `/${part}`;
		if (child === undefined) return { code: 100, cause: path };
		entry = child;
	}
	return entry;
}

export function isFailure(found: Entry | WalkFailure): found is WalkFailure {
	return "cause" in found;
}

/** The directory below the root, made on the way with that index where parts are missing. */
export function directoryAt(
	root: DirectoryEntry,
	parts: readonly string[],
	index: number,
): DirectoryEntry | WalkFailure {
	let directory = root;
	let path = "";
	for (const part of parts) {
		path += `/${part}`;
		const child = directory.children.get(part);
		if (child !== undefined && !isDirectory(child)) return { code: 104, cause: path };
		const next = child ?? newDirectory(index);
		if (child === undefined) directory.children.set(part, next);
		directory = next;
	}
	return directory;
}

/** Whole seconds left, rounded up; etcd leaves it out when it is 0 (`expirationAndTTL` in v2store/node.go). */
export function ttlOf(entry: Entry, now: number): { ttl?: number } {
	if (entry.expiresAt === undefined) return {};
	const left = entry.expiresAt - now;
	const ttl = Math.trunc(left / 1000) + (left % 1000 > 0 ? 1 : 0);
	return ttl === 0 ? {} : { ttl };
}

/** An entry as an answer shows it; with `depth` its children, that many levels down. */
export function shown(key: string, entry: Entry, now: number, depth = 0): ModelNode {
	const { createdIndex, modifiedIndex } = entry;
	if (!isDirectory(entry)) {
		return { key, value: entry.value, dir: false, createdIndex, modifiedIndex, ...ttlOf(entry, now) };
	}
	const node = { key, dir: true, createdIndex, modifiedIndex, ...ttlOf(entry, now) };
	if (depth === 0) return node;
	const above = key === "/" ? "" : key;
	const nodes = [...entry.children]
		.filter(([name]) => !name.startsWith("_"))
		.sort(([one], [two]) => compareBytes(one, two))
		.map(([name, child]) => shown(`${above}/${name}`, child, now, depth - 1));
	return { ...node, nodes };
}

/** The order of two names by their code points, as Go sorts their UTF-8; "<" goes by UTF-16's units. */
function compareBytes(one: string, two: string): number {
	const [ones, twos] = [[...one], [...two]];
	const at = ones.findIndex((letter, nth) => letter !== twos[nth]);
	if (at < 0) return ones.length - twos.length;
	return (ones[at]?.codePointAt(0) ?? -1) - (twos[at]?.codePointAt(0) ?? -1);
}

/** The keys of an entry and of all below it, those below first. */
export function keysOf(key: string, entry: Entry): string[] {
	if (!isDirectory(entry)) return [key];
	return [...[...entry.children].flatMap(([name, child]) => keysOf(`${key}/${name}`, child)), key];
}
