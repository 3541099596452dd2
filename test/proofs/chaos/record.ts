import type { Change, Position, State } from "etcd-watch-lab/follow";
import type { ModelOperation } from "etcd-watch-lab/model";
import type { Action, Node } from "etcd-watch-lab/v2";

/** A write that etcd has acknowledged. */
export interface Acknowledged {
	/** Which store took it: 0, and one more each time that the store is wiped or restored. */
	readonly epoch: number;
	readonly index: number;
	readonly action: Action;
	readonly key: string;
	readonly value?: string;
	readonly dir: boolean;
	readonly createdIndex: number;
	/** It was given a ttl: an expiry may follow. */
	readonly ttl: boolean;
	/** A renewed ttl: no event. */
	readonly refresh: boolean;
	/** What the answer says was there before. */
	readonly prev?: {
		readonly modifiedIndex: number;
		readonly value?: string | undefined;
		readonly dir: boolean;
	};
}

/** A write whose answer never came: it may have been carried out, at an index that nobody knows. */
export interface Unknown {
	readonly epoch: number;
	readonly operation: ModelOperation;
	readonly key: string;
	readonly value?: string;
	readonly ttl: boolean;
}

/** One change in the consumer's hands. */
export interface Delivery {
	readonly change: Change;
	/** Milliseconds of the run. */
	readonly at: number;
}

/** What one consumer was told, and what it promised to tell. */
export interface Following {
	readonly name: string;
	readonly key: string;
	readonly recursive: boolean;
	/** It answers for every event after this index. */
	readonly startIndex: number;
	/** The state at that index, where it is known: then the state can be rebuilt from the changes alone. */
	readonly start?: State;
	/** The epoch in which it starts. */
	readonly epoch: number;
	readonly deliveries: readonly Delivery[];
	/** The following whose saved position it goes on from. */
	readonly resumes?: string;
	/** As saved when it ended. */
	readonly position?: Position;
	/** Where it was stopped on purpose without a position to save: what comes after that is for who goes on. */
	readonly stoppedAt?: number;
	/** "none": whatever happened, the history was long enough for it. */
	readonly gaps: "none" | "allowed";
	/** How many changes it may hold for its consumer; how many it held at most and how often it was full, as it told. */
	readonly queue?: { readonly length: number; readonly most: number; readonly full?: number };
	/** Its consumer takes its time for each change. */
	readonly isSlow?: true;
	/** Measured from outside, in bytes: what its process held at most, beyond what it held at first, and may hold. */
	readonly memory?: { readonly grown: number; readonly most: number };
	/** Up to here the past was there on every member when it began: whatever it tells of that is from the history. */
	readonly pastThrough?: number;
	/** What it should have told within a time, and did not. */
	readonly silences?: readonly { readonly index: number; readonly what: string }[];
	/** True when it has seen the last index of the run, or stood by a saved position. */
	readonly finished: boolean;
	/** The error that ended it. */
	readonly error?: string;
}

/** A store from its beginning to its end or its wipe. */
export interface Epoch {
	/** What was there before the first write of the run. */
	readonly base: State;
	/** A quorum read of the run's directory at the end; undefined for a store that was replaced before. */
	readonly final?: State;
}

/** Which of etcd's APIs a run is on. */
export type Api = "v2" | "v3";

/** From then on nothing below the revision could be had any more. */
export interface Compaction {
	readonly epoch: number;
	readonly revision: number;
}

/** All that a run has shown, and all that the checkers look at. */
export interface RunRecord {
	readonly kind: string;
	readonly seed: number;
	readonly etcd: string;
	/** The run's directory: everything it writes is below. */
	readonly root: string;
	readonly epochs: readonly Epoch[];
	readonly acknowledged: readonly Acknowledged[];
	readonly unknown: readonly Unknown[];
	readonly followings: readonly Following[];
	/** v2 unless given. On v3 an index is a revision, which can have several events; keys are just names. */
	readonly api?: Api;
	readonly compactions?: readonly Compaction[];
}

/** What tells an event from all others of its store: on v3 several can have one index. */
export function idOf({ index, key }: { readonly index: number; readonly key: string }): string {
	return `${index} ${key}`;
}

/**
 * Bytes as a string that has them all: a byte that is no part of valid UTF-8 becomes U+DCNN, as Python's
 * surrogateescape has it. Written anew here, not the library's.
 */
export function textOf(bytes: Uint8Array): string {
	const { buffer, byteOffset, length } = bytes;
	const whole = Buffer.from(buffer, byteOffset, length);
	try {
		return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(whole);
	} catch {
		// Character by character: what does not decode by itself is one byte.
		let text = "";
		for (let at = 0; at < length; ) {
			const size = [1, 2, 3, 4].find((one) => at + one <= length && isText(whole.subarray(at, at + one)));
			text += size ? whole.toString("utf8", at, at + size) : String.fromCharCode(0xdc00 + (whole[at] ?? 0));
			at += size ?? 1;
		}
		return text;
	}
}

function isText(bytes: Buffer): boolean {
	return Buffer.from(bytes.toString("utf8"), "utf8").equals(bytes);
}

/** A tree as a quorum read answers it, flat: the directory first, then what is below in the order of the keys. */
export function flat(node: Node): readonly Node[] {
	const { nodes = [], ...self } = node;
	const all = [self as Node, ...nodes.flatMap(flat)];
	return all.sort((one, two) => (one.key < two.key ? -1 : one.key > two.key ? 1 : 0));
}

/** True for the key itself and all below it. */
export function isWithin(key: string, top: string): boolean {
	return key === top || key.startsWith(top === "/" ? "/" : `${top}/`);
}

/** True when a part of the key below `top` begins with "_". */
export function isHiddenBelow(top: string, key: string): boolean {
	return isWithin(key, top) && `/${key.slice(top.length)}`.includes("/_");
}
