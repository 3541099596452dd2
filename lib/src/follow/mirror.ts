import type { Node } from "../v2/node";
import type { Bookmark, Change, FollowOptions, State } from "./changes";
import type { KeyChange } from "./mirror-keys";
import { TreeMirror } from "./mirror-tree";
import type { Followable } from "./options";

export { ResetError } from "./mirror-tree";

/** What moves a mirror on: a change, or the word that its index has moved without one. */
export type MirrorChange = Change | Bookmark;

export interface MirrorOptions extends Omit<FollowOptions, "recursive" | "afterIndex" | "position"> {
	/**
	 * Called after each change, when the mirror shows it, with what became of each key: all that was under a removed
	 * directory, and the directories that a write made on its way. A bookmark has keys only where a list has told
	 * what raises no event. What it throws ends the mirror, and `at` and `ended` reject with it.
	 */
	readonly onChange?: (change: MirrorChange, keys: readonly KeyChange[]) => void;
}

/** The tree below a root in memory, kept in step by events alone. */
export interface Mirror {
	readonly root: string;
	/** The store's index at which the mirror is true. It goes back only at a reset. */
	readonly index: number;
	/**
	 * A key as `V2Client.get` would show it at `index`: a directory with its children, with `recursive` all below it.
	 * Undefined where there is none. @throws ArgumentError for a key that is hidden or not in the mirror
	 */
	get(key: string, options?: { readonly recursive?: boolean }): Node | undefined;
	/** The root, or the key given, with all below it as a flat list in the order of the keys. */
	nodes(key?: string): readonly Node[];
	/**
	 * Resolves when the mirror has reached the index, with the state at exactly that index; at the mirror's own index
	 * where that is further on already, or where a gap leaps over the one asked for (`State.index` tells). It works
	 * on a quiet root too, in less than a second: whose own write had this index reads it from here on.
	 * @throws AbortedError after the signal or the end of the mirror, ResetError when the store is another one
	 */
	at(index: number, options?: { readonly signal?: AbortSignal }): Promise<State>;
	/** Resolves when the mirror has been closed; rejects with what ended it otherwise. */
	readonly ended: Promise<void>;
	/** Ends it; resolves when every connection is closed. What was read can still be read. */
	close(): Promise<void>;
}

/**
 * Mirrors a root and all below it: resolves when the first list has come. At any index it is what a quorum read at
 * that index shows, but for what raises no event: a renewed ttl (T9: the key's `ttl`, `expiration` and
 * `modifiedIndex` stay as they were), and a directory made for hidden keys alone, which the next list tells. A `ttl`
 * is the one that was told, and does not count down.
 *
 * Memory: the tree, three maps of it (this one's and its follower's). One upstream follower.
 * @throws as `follow` and its `ready`
 */
export async function mirror(client: Followable, root: string, options: MirrorOptions = {}): Promise<Mirror> {
	return await TreeMirror.start(client, root, options);
}
