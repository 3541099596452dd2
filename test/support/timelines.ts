import assert from "node:assert/strict";
import { explain, type Timeline } from "etcd-watch-lab";
import type { Explanation, WatcherRecord, WriteRecord } from "#lib/timeline";

export function watcherOf(timeline: Timeline, name: string): WatcherRecord {
	const found = timeline.watchers.find((watcher) => watcher.name === name);
	assert.ok(found, `no watcher "${name}"`);
	return found;
}

/** What a watcher was sent, as "3 set /a/b"; "(history)" behind what was replayed. */
export function sent(timeline: Timeline, name: string): string[] {
	return watcherOf(timeline, name).deliveries.map(
		({ index, action, key, fromHistory }) => `${index} ${action} ${key}${fromHistory ? " (history)" : ""}`,
	);
}

/** What happened to a watcher, as "asked @2 from 1", "error 401 @1002". */
export function life(timeline: Timeline, name: string): string[] {
	return watcherOf(timeline, name).life.map((event) => {
		const code = event.kind === "error" ? ` ${event.code}` : "";
		const from = event.kind === "asked" && event.waitIndex !== undefined ? ` from ${event.waitIndex}` : "";
		return `${event.kind}${code} @${event.at}${from}`;
	});
}

/** How a write ended: "set /a/b 1" with its index, "set /a/b/c refused 104 /a/b", "set /x failed". */
export function wrote({ operation, key, outcome }: WriteRecord): string {
	const how =
		outcome.kind === "accepted"
			? String(outcome.index)
			: outcome.kind === "refused"
				? `refused ${outcome.code} ${outcome.cause}`
				: "failed";
	return `${operation} ${key} ${how}`;
}

/** Every write (rows) at every watcher (columns). @throws UnknownReasonError */
export function explainAll(timeline: Timeline): Explanation[][] {
	const { writes, watchers } = timeline;
	return writes.map(({ id }) => watchers.map(({ name }) => explain(timeline, name, id)));
}
