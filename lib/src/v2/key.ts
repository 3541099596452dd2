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
