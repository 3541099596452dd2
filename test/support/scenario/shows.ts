import assert from "node:assert/strict";
import type { Timeline } from "etcd-watch-lab";
import { life, sent, wrote } from "../timelines";

/** What watchers were sent, by their names: "1 set /a/1, 2 set /a/2 (history)"; "" for nothing. */
export function assertSent(timeline: Timeline, told: Readonly<Record<string, string>>): void {
	for (const [name, words] of Object.entries(told))
		assert.deepEqual(sent(timeline, name), rowsOf(words), `sent to ${name}`);
}

/** What happened to watchers, by their names: "asked @0, cut @1, asked @2 from 2". */
export function assertLived(timeline: Timeline, lives: Readonly<Record<string, string>>): void {
	for (const [name, words] of Object.entries(lives))
		assert.deepEqual(life(timeline, name), rowsOf(words), `the life of ${name}`);
}

/** How the writes ended: "set /a 1, create /a refused 105 /a". */
export function assertWrote(timeline: Timeline, words: string): void {
	assert.deepEqual(timeline.writes.map(wrote), rowsOf(words));
}

function rowsOf(words: string): string[] {
	return words.trim() === "" ? [] : words.trim().split(/,\s+/);
}
