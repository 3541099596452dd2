import type { AnswerHead } from "../../http/answer";
import { ConnectionError } from "../../http/errors";
import type { HttpRequest } from "../../http/request";
import { EventIndexClearedError } from "../../v2/errors";
import { isBelow, isHiddenFrom, isRemoval } from "../../v2/key";
import { parseEvent, parseHeaders } from "../../v2/parse";
import type { FollowedEvent } from "../changes";
import type { Ask } from "./asks";

/** What an ask was answered with. */
export type Told =
	| { readonly kind: "event"; readonly event: FollowedEvent }
	/** The history no longer holds the index that was asked for; the store is at `index`. */
	| { readonly kind: "cleared"; readonly index: number }
	/** Nothing: a proxy gave the poll up after its time. */
	| { readonly kind: "empty" };

/** An empty answer that comes sooner after its headers is not a long poll's. Milliseconds. */
const soonestEmptyMs = 1_000;

/**
 * Reads the answer to an ask; `request` is that of any.
 * @throws EtcdError, BadAnswerError; ConnectionError for an empty answer that came at once: a proxy that gives nothing
 * else must not be asked as fast as it gives it
 */
export function readAnswer(request: HttpRequest, ask: Ask, head: AnswerHead, text: string): Told {
	const { registeredAt, etcdIndex } = ask;
	if (head.status === 200 && text.trim() === "") {
		if (performance.now() - (registeredAt ?? 0) >= soonestEmptyMs) return { kind: "empty" };
		throw new ConnectionError(`an empty answer from ${head.endpoint}`, { maybeApplied: false });
	}
	// Without an X-Etcd-Index it was not etcd that answered.
	if (head.status === 200 && registeredAt === undefined) parseHeaders(head, text);
	try {
		const told = parseEvent(request, head, text);
		const { modifiedIndex: index, key } = told.node;
		const event: FollowedEvent = { kind: "event", index, key, ...told, fromHistory: index <= etcdIndex };
		return { kind: "event", event };
	} catch (error) {
		if (error instanceof EventIndexClearedError) return { kind: "cleared", index: error.index };
		throw error;
	}
}

/** Rule "what only the replay shows is dropped": whether a live watch on the key would have been told of the event. */
export function isToldLive(event: FollowedEvent, key: string, recursive: boolean): boolean {
	if (event.key === key) return true;
	if (isBelow(event.key, key)) return recursive && !isHiddenFrom(key, event.key);
	return isRemoval(event) && isBelow(key, event.key);
}
