import type { Rule } from "etcd-watch-lab/dist/follow";
import { Following } from "etcd-watch-lab/dist/follow/follow";
import { loadChanged, type TextChange } from "../support/changed";

/**
 * Where each rule stands in the compiled follower, and what stands there without it. What stands in follow/v2 and
 * follow/v3 is switched off there, by their \`obeys\`.
 */
const places: Readonly<Partial<Record<Rule, readonly TextChange[]>>> = {
	"each once": [{ file: "follow/state", from: "if (event.index <= this.lastIndex)", to: "if (false)" }],
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
	],
	"no poll for ever": [
		{ file: "follow/source", from: "this.#failures++;\n            this.#nth++;", to: "this.#failures++;" },
	],
	"a removed directory is all its keys": [
		{
			file: "follow/state",
			from: "return queue.put({ ...event, removed });",
			to: "return queue.put({ ...event, removed: removed.filter(({ key }) => key === event.key) });",
		},
	],
	// What a reader does whose buffer is full and who has no word for that.
	"a slow consumer is a gap": [
		{
			file: "follow/queue",
			from: "if (this.#isClosed)\n            return undefined;",
			to: "if (this.#isClosed || this.size >= this.#length)\n            return undefined;",
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

/** The follower's class, with some rules switched off; what v2 and v3 have of them is the option \`without\`'s. */
export function followingWithout(rules: readonly Rule[]): FollowingClass {
	const changes = rules.flatMap((rule) => places[rule] ?? []);
	if (changes.length === 0) return Following;
	const name = [...rules].sort().join();
	const known = loaded.get(name);
	if (known !== undefined) return known;
	const changed = loadChanged<{ readonly Following: FollowingClass }>("follow/follow", changes).Following;
	loaded.set(name, changed);
	return changed;
}
