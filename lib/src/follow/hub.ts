import { checkIndex } from "../etcd/arguments";
import type { Keys } from "../etcd/keys";
import type { Node } from "../etcd/node";
import type { V3Client } from "../etcd3/client";
import { LocalHub } from "./hub-local";
import type { HubWatch } from "./hub-watch";
import type { MirrorChange, MirrorOptions } from "./mirror";
import { TreeMirror } from "./mirror-tree";
import type { Source, State } from "./types";

export interface HubOptions extends Omit<MirrorOptions, "onChange" | "queueLength"> {
	/** How many changes of the root are kept for watches that begin in the past or are slow; 4,000 unless given. */
	readonly historyLength?: number;
	/** How many changes are queued for each watch; 100 unless given. One that is slower reads the history. */
	readonly queueLength?: number;
}

export interface HubWatchOptions {
	/** Also what happens below the key. False unless given. */
	readonly recursive?: boolean;
	/** Begin after this index instead of now. */
	readonly afterIndex?: number;
	readonly signal?: AbortSignal;
}

/** Any number of local watches over one upstream follower of a root. */
export interface Hub {
	readonly root: string;
	/** The store's index at which the hub's tree is true. It goes back only at a reset. */
	readonly index: number;
	/** How many local watches wait for what comes. */
	readonly watchCount: number;
	/**
	 * A key as `Keys.get` would show it at `index`, from memory; see `Mirror.get`.
	 * @throws ArgumentError for a key that is hidden or not below the root
	 */
	get(key: string, options?: { readonly recursive?: boolean }): Node | undefined;
	/** Resolves when the hub has reached the index, with the root's state; see `Mirror.at`. */
	at(index: number, options?: { readonly signal?: AbortSignal }): Promise<State>;
	/**
	 * What happens to a key, by the rules of a live watch: its own events, with `recursive` those below it but for
	 * hidden names, and the removal of a directory above while there is something at the key (T8). Each change at most
	 * once, in the order of the indexes. The events are shared by all watches: a removal's `removed` names what went
	 * below the hub's root, not below the watched key alone.
	 *
	 * It begins now, or after an index: one that is ahead is waited for; one older than the history is a gap at once,
	 * with the state from memory. A watch that is slow reads on from the history; when that has passed it by, it gets
	 * a gap ("slow consumer"), and nobody else does. A gap or a reset upstream reaches every watch, cut down to its
	 * key. Whoever does not read costs nothing but what was queued.
	 * @throws ArgumentError for a key that is hidden or not below the root, or an index that is none
	 */
	watch(key: string, options?: HubWatchOptions): HubWatch;
	/** Resolves when the hub has been closed; rejects with what ended it otherwise, as every watch does. */
	readonly ended: Promise<void>;
	/** Ends all watches and the follower; resolves when every connection is closed. */
	close(): Promise<void>;
}

/**
 * Starts a hub over a root and all below it: resolves when the first list has come. An event costs what the watches
 * that it wakes cost, however many others there are. Memory: a mirror of the root, the history, and about
 * two kilobytes for each watch with its reader.
 * @throws as `mirror`
 */
export async function startHub(
	client: Keys | V3Client | Source,
	root: string,
	options: HubOptions = {},
): Promise<Hub> {
	const { historyLength = 4_000, queueLength = 100, ...rest } = options;
	checkIndex("historyLength", historyLength, 1);
	checkIndex("queueLength", queueLength, 1);
	let hub: LocalHub | undefined;
	const onChange = (change: MirrorChange) => hub?.changed(change);
	const mirror = await TreeMirror.start(client, root, { ...rest, onChange }, (started) => {
		hub = new LocalHub(started, historyLength, queueLength);
	});
	return hub ?? new LocalHub(mirror, historyLength, queueLength);
}
