import { isBelow, isHiddenFrom } from "../v2/key";
import type { DeliveryRule, ModelEvent, WatchRequest } from "./types";

/** Why a waiting watcher is passed over by an event. */
export type PassedOver =
	/** A renewed ttl wakes nobody. */
	| "refresh"
	/** The event is neither on the watched key, nor below it, nor the removal of what held it. */
	| "elsewhere"
	/** It is below the watched key, and the watch is not recursive. */
	| "not recursive"
	/** A part of its key below the watched one begins with "_". */
	| "hidden"
	/** A directory above was removed, and there was no node at the watched key to be removed with it. */
	| "no node there";

/**
 * What a waiting watcher makes of a live event: the rule by which it is woken, or the reason why not. `existed`:
 * whether there was a node at the watched key just before.
 */
export function liveReach(
	request: WatchRequest,
	event: Pick<ModelEvent, "action" | "node"> & Partial<Pick<ModelEvent, "refresh">>,
	existed: boolean,
): { readonly rule: DeliveryRule } | { readonly passedOver: PassedOver } {
	const { key } = event.node;
	const removal = event.action === "delete" || event.action === "expire";
	if (event.refresh) return { passedOver: "refresh" };
	if (key === request.key) return { rule: "own key" };
	if (isBelow(key, request.key)) {
		if (!request.recursive) return { passedOver: "not recursive" };
		return isHiddenFrom(request.key, key) ? { passedOver: "hidden" } : { rule: "recursive" };
	}
	if (removal && isBelow(request.key, key)) {
		return existed ? { rule: "removed with its directory" } : { passedOver: "no node there" };
	}
	return { passedOver: "elsewhere" };
}
