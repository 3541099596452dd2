import { loadChanged } from "../../support/changed";
import type { ModelClass } from "./pair";
import type { Mix } from "./program";

/** A model with one rule switched off: the text of a compiled file of the model's, changed in one place. */
export interface Mutant {
	readonly fault: string;
	readonly file: "history" | "hub" | "key" | "keys" | "reach" | "store" | "tree";
	readonly from: string;
	readonly to: string;
	/** The series on which it shows; both unless given. */
	readonly only?: "3.4" | "3.5";
	/** Which programs it takes; the usual ones unless given. */
	readonly mix?: Mix;
}

const expiring: Mix = { expiring: 1000, overflowing: 0 };

export const mutants: readonly Mutant[] = [
	{
		fault: "a live watch sees hidden names",
		file: "reach",
		from: "(0, key_1.isHiddenFrom)(request.key, key)",
		to: "false",
	},
	{
		fault: "a replay does not see hidden names",
		file: "history",
		from: "if (event.refresh)",
		to: 'if (event.refresh || event.node.key.slice(request.key.length).includes("/_"))',
	},
	{
		fault: "only a hidden last name hides an event",
		file: "key",
		from: '.includes("/_")',
		to: '.split("/").at(-1).startsWith("_")',
	},
	{
		fault: "the removal of a directory reaches no watcher below it",
		file: "hub",
		from: "gone.flatMap(",
		to: "gone.slice(-1).flatMap(",
	},
	{
		fault: "a removal is noticed once by a stream on the removed key",
		file: "hub",
		from: "const own = this.#tell(key, event)",
		to: "const own = gone.length > 0 ? [] : this.#tell(key, event)",
	},
	{
		fault: "a watch that is not recursive sees what is below its key",
		file: "reach",
		from: "if (!request.recursive)",
		to: "if (false)",
	},
	{
		fault: "a watcher from a future index takes what comes before it",
		file: "hub",
		from: "event.index < watcher.sinceIndex",
		to: "false",
	},
	{
		fault: "a long poll goes on after its event",
		file: "hub",
		from: "return watcher.stream",
		to: "return true",
	},
	{
		fault: "the history keeps 999 events",
		file: "history",
		from: "exports.historyCapacity = 1000",
		to: "exports.historyCapacity = 999",
	},
	{
		fault: "a replay takes a removed directory for the watched key's parent only with its slash",
		file: "history",
		from: "request.key.startsWith(key)",
		to: 'request.key.startsWith(key + "/")',
	},
	{
		fault: "a replay gives a renewed ttl",
		file: "history",
		from: "if (event.refresh)",
		to: "if (false)",
	},
	{
		fault: "a renewed ttl wakes the watchers",
		file: "reach",
		from: "if (event.refresh)",
		to: "if (false)",
	},
	{
		fault: "the oldest index that is kept is refused",
		file: "history",
		from: "fromIndex < startIndex",
		to: "fromIndex <= startIndex",
	},
	{
		fault: "waitIndex is exclusive",
		file: "history",
		from: "let index = fromIndex;",
		to: "let index = fromIndex + 1;",
	},
	{
		fault: "a stream answered from the history goes on",
		file: "store",
		from: "if (found)\n            return {",
		to: "if (found && request.stream) this.#hub.add({ ...request, id: 0, sinceIndex, startIndex: this.index });\n        if (found)\n            return {",
	},
	{
		fault: "a set keeps the createdIndex",
		file: "keys",
		from: 'value: fields.value ?? "", createdIndex: index,',
		to: 'value: fields.value ?? "", createdIndex: before?.createdIndex ?? index,',
	},
	{
		fault: "an update keeps the ttl",
		file: "keys",
		from: "modifiedIndex: index, ...this.#expiry(ttl)",
		to: "modifiedIndex: index, ...(ttl === undefined ? { expiresAt: before.expiresAt } : this.#expiry(ttl))",
	},
	{
		fault: "implicit parents have the index before",
		file: "keys",
		from: 'const directory = (0, tree_1.directoryAt)(this.#root, parts, index);\n        if ("cause" in directory)\n            return this.#refused(directory);\n        const before',
		to: 'const directory = (0, tree_1.directoryAt)(this.#root, parts, index - 1);\n        if ("cause" in directory)\n            return this.#refused(directory);\n        const before',
	},
	{
		fault: "a missing key is the cause itself, not its first missing part",
		file: "tree",
		from: "return { code: 100, cause: path };",
		to: "return { code: 100, cause: key };",
	},
	{
		fault: "a file in the way is a missing key",
		file: "tree",
		from: "if (!isDirectory(entry))\n            return { code: 104, cause: path };",
		to: "if (!isDirectory(entry))\n            return { code: 100, cause: path };",
	},
	{
		fault: "a directory that is not empty goes",
		file: "keys",
		from: "entry.children.size > 0 && !command.recursive",
		to: "false",
	},
	{
		fault: "a swap looks at the value alone",
		file: "keys",
		from: "const sameIndex = prevIndex === 0 || prevIndex === entry.modifiedIndex;",
		to: "const sameIndex = true;",
	},
	{
		fault: "a name made in order has nineteen digits",
		file: "keys",
		from: "padStart(20",
		to: "padStart(19",
	},
	{
		fault: "children are sorted by UTF-16's units",
		file: "tree",
		from: "compareBytes(one, two))",
		to: "(one < two ? -1 : 1))",
	},
	{
		fault: "hidden children are listed",
		file: "tree",
		from: '!name.startsWith("_")',
		to: "true",
	},
	{
		fault: "a directory's ttl can be changed on 3.5",
		file: "keys",
		from: "if (this.updatesDirectories)",
		to: "if (true)",
		only: "3.5",
	},
	{
		fault: "a directory's ttl can't be changed on 3.4",
		file: "keys",
		from: "if (this.updatesDirectories)",
		to: "if (false)",
		only: "3.4",
	},
	{
		fault: "the last key to be given a ttl expires first",
		file: "store",
		from: ".sort(([, one], [, two]) => one - two)",
		to: ".reverse()",
		mix: expiring,
	},
	{
		fault: "an expiry is a delete",
		file: "keys",
		from: 'entry, "expire")',
		to: 'entry, "delete")',
		mix: expiring,
	},
	{
		fault: "an expired directory leaves what is in it behind",
		file: "keys",
		from: "directory.children.delete(name);",
		to: 'if (action !== "expire" || !("children" in entry)) directory.children.delete(name);',
		mix: expiring,
	},
];

/** Loads the model with the fault in it. */
export function plant({ file, from, to }: Mutant): ModelClass {
	const changes = [{ file: file === "key" ? "v2/key" : `model/${file}`, from, to }];
	return loadChanged<{ readonly ModelStore: ModelClass }>("model/index", changes).ModelStore;
}
