import type { Rule } from "etcd-watch-lab/follow";
import { Following } from "#lib/follow/follow.js";
import { loadChanged, type TextChange } from "../changed";

/** "polls are the truth" is an argument: the library has nothing that could be switched to a stream. */
export type Switched = Exclude<Rule, "polls are the truth">;

/** Where each rule stands in the compiled follower, and what stands there without it. */
export const places: Readonly<Record<Switched, readonly TextChange[]>> = {
	// What a reader does who lists, and then watches from now on.
	"list first": [
		{
			file: "follow/v2/session",
			from: "this.#asks.send(waitIndex, ",
			to: "this.#asks.send(waitIndex, !this.isRegistered ? this.#request.path : ",
		},
		{
			file: "follow/v3/session",
			from: 'if (place.isReconnect)\n            await take({ kind: "reconnected" });',
			to:
				'if (place.isReconnect)\n            await take({ kind: "reconnected" });\n' +
				"        else place.position = Math.max(place.position, member.header.revision);",
		},
	],
	"go on after the event": [
		{
			file: "follow/v2/ask-window",
			from: "through: eventIndex,",
			to: "through: Math.max(eventIndex, etcdIndex),",
		},
		{
			file: "follow/v3/session",
			from: "await revisions.hand(message, openedAt, () => signal.aborted);",
			to: "await revisions.hand(message, openedAt, () => signal.aborted); place.position = message.header.revision;",
		},
	],
	"each once": [
		{ file: "follow/state", from: "if (event.index <= this.lastIndex)", to: "if (false)" },
		{
			file: "follow/v2/ask-window",
			from: ">> 1);\n            return [];",
			to: ">> 1);\n            return [event];",
		},
		{
			file: "follow/v2/ask-window",
			from: ">> 1);\n                continue;",
			to: ">> 1);\n                if (next.found) events.push(next.found.event);\n                continue;",
		},
	],
	// On from where the store is, or from the oldest that there is, as if nothing had been lost.
	"a cleared history is a gap": [
		{
			file: "follow/v2/session",
			from: "this.#clearedFrom = Math.min(waitIndex, this.#clearedFrom ?? waitIndex);",
			to: "this.#window.position = Math.max(this.#window.position, told.index);",
		},
		{ file: "follow/v3/session", from: "place.quietThrough >= compactRevision - 1", to: "true" },
		// Nor is any doubted that a compaction on a server with a fault may have taken away.
		{ file: "follow/v3/session", from: "if (fault === undefined ||", to: "if (true ||" },
	],
	"verify a jump": [
		{ file: "follow/v2/ask-window", from: "if (eventIndex > etcdIndex + 1)", to: "if (false)" },
	],
	"an index that goes back is a reset": [
		{
			file: "follow/reconciler",
			from: 'case "reconnected":\n                return await this.#compareWith(await this.#list());',
			to: 'case "reconnected":\n                return false;',
		},
		{
			file: "follow/state",
			from: "return this.isTreeKnown && event.index > this.lastIndex && this.tree.isContradictedBy(event);",
			to: "return false;",
		},
		{ file: "follow/v2/probe", from: "this.#isSuspect = true;", to: "return;" },
		{
			file: "follow/v3/session",
			from: "if (header.revision < this.#options.place.position || isOther)",
			to: "if (false)",
		},
	],
	"no poll for ever": [
		{ file: "follow/source", from: "this.#failures++;\n            this.#nth++;", to: "this.#failures++;" },
		{
			file: "follow/v2/session",
			from: "now >= this.#probe.dueAt || this.#silence.needsProbe(now)",
			to: "false",
		},
		{
			file: "follow/v2/session",
			from: 'await this.#probe.ask("true", this.#window.position);',
			to: "return;",
		},
		// Nobody knows whether the member lives: its silence counts all the same.
		{ file: "follow/v2/silence", from: "return (ask.registeredAt ?? 0) + settleMs / 2;", to: "return 0;" },
		{
			file: "follow/v3/quiet",
			from: "if (this.#isReading || !(isSettled || isDue || isWanted))",
			to: "if (true)",
		},
	],
	"bookmark a quiet key": [
		{ file: "follow/v2/silence", from: "let newest = position;", to: "return undefined;" },
		{ file: "follow/v3/quiet", from: "if (through <= place.position)", to: "if (true)" },
		{ file: "follow/v3/session", from: "else if (message !== undefined) {", to: "else if (false) {" },
	],
	"a removed directory is all its keys": [
		{
			file: "follow/state",
			from: "return queue.put({ ...event, removed });",
			to: "return queue.put({ ...event, removed: removed.filter(({ key }) => key === event.key) });",
		},
	],
	"what only the replay shows is dropped": [
		{ file: "follow/v2/session", from: "(0, answers_1.isToldLive)(event, key, recursive)", to: "true" },
	],
	// What a reader does whose buffer is full and who has no word for that.
	"a slow consumer is a gap": [
		{
			file: "follow/queue",
			from: "if (this.#isClosed)\n            return undefined;\n        const last",
			to: "if (this.#isClosed || this.size >= this.#length)\n            return undefined;\n        const last",
		},
		{
			file: "follow/queue",
			from: "if (this.size < this.#length)\n            return undefined;",
			to: "return undefined;",
		},
	],
	"an exception consumes nothing": [
		{
			file: "follow/follow",
			from: 'if (queued.kind !== "bookmark") {\n                asked',
			to: 'if (queued.kind !== "bookmark") {\n                this.#consumed();\n                asked',
		},
	],
};

type FollowingClass = typeof Following;
const loaded = new Map<string, FollowingClass>();

/** The follower's class, with some rules switched off. @throws Error for the rule that can't be */
export function followingWithout(rules: readonly Rule[]): FollowingClass {
	const changes = rules.flatMap((rule) => {
		if (rule === "polls are the truth") throw new Error(`"${rule}" is an argument: it can't be switched off`);
		return places[rule];
	});
	if (changes.length === 0) return Following;
	const name = [...rules].sort().join();
	const known = loaded.get(name);
	if (known !== undefined) return known;
	const changed = loadChanged<{ readonly Following: FollowingClass }>("follow/follow", changes).Following;
	loaded.set(name, changed);
	return changed;
}
