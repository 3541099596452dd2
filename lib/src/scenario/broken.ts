import type { Timeline, WatcherRecord } from "./timeline";

/** How what was done to the servers accounts for a silence. */
export type Broken =
	/** It asks for what comes from `waitIndex` of a store that was wiped: the new one is below that. */
	| { readonly kind: "ahead"; readonly waitIndex: number }
	/** Its member was sent the whole store, with this index in it. */
	| { readonly kind: "snapshot" }
	/** The member that it waits on may tell it yet; `how` it is kept from it, in words. */
	| { readonly kind: "silent"; readonly how: string };

/** Why a watcher that was asking for an index was not told, where it was the servers' doing. */
export function brokenFor(timeline: Timeline, watcher: WatcherRecord, index: number): Broken | undefined {
	const { faults = [] } = timeline;
	const wiped = faults.findLast(({ kind, at }) => kind === "wipe" && at < index);
	const asked = watcher.life.findLast(({ kind }) => kind === "asked");
	if (wiped && asked?.kind === "asked" && asked.at >= wiped.at && asked.waitIndex !== undefined)
		return { kind: "ahead", waitIndex: asked.waitIndex };
	const began = faults.findLast(({ kind, at }) => (kind === "pause" || kind === "cutOff") && at < index);
	if (!began) return undefined;
	if (faults.some(({ kind, at }) => kind === "snapshot" && at >= index)) return { kind: "snapshot" };
	const over = faults.find(({ kind, at }) => (kind === "resume" || kind === "heal") && at >= index);
	if (over || watcher.proof !== "none") return undefined;
	return { kind: "silent", how: began.kind === "pause" ? "stands still" : "is cut off from its leader" };
}
