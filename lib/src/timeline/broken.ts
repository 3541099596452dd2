import { listened } from "./scope";
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
	const waitIndex = aheadFrom(watcher, index);
	if (waitIndex !== undefined) return { kind: "ahead", waitIndex };
	// Who was not listening then has missed it by that.
	if (!listened(watcher, index)) return undefined;
	const began = faults.findLastIndex(({ kind, at }) => (kind === "pause" || kind === "cutOff") && at < index);
	const over = faults.findIndex(({ kind }, nth) => nth > began && (kind === "resume" || kind === "heal"));
	const { [began]: broke, [over]: mended } = faults;
	if (broke === undefined || (mended !== undefined && mended.at < index)) return undefined;
	const sent = faults.find(({ kind }, nth) => kind === "snapshot" && nth > began);
	if (sent !== undefined && sent.at >= index) return { kind: "snapshot" };
	if (mended !== undefined || watcher.proof !== "none") return undefined;
	return { kind: "silent", how: broke.kind === "pause" ? "stands still" : "is cut off from its leader" };
}

/** Where it asks from, if that is an index of a wiped store that the new one has yet to come to. */
function aheadFrom({ life }: WatcherRecord, index: number): number | undefined {
	const asked = life.findLast(({ kind }) => kind === "asked");
	return asked?.kind === "asked" && asked.ofWiped && asked.at < index ? asked.waitIndex : undefined;
}
