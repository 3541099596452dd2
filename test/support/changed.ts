import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

/** One place of a compiled file of the library, and what stands there instead. */
export interface TextChange {
	/** Under lib/dist, without its ".js". */
	readonly file: string;
	readonly from: string;
	readonly to: string;
}

const dist = path.dirname(require.resolve("#lib/index.js"));

/**
 * Loads a file of the compiled library once more, with some files changed. It shares every module outside of its folder
 * with everybody else, but for those that are changed: an error's class is the same one.
 */
export function loadChanged<T>(entry: string, changes: readonly TextChange[]): T {
	const texts = new Map<string, string>();
	for (const { file, from, to } of changes) {
		const name = path.join(dist, `${file}.js`);
		const text = texts.get(name) ?? fs.readFileSync(name, "utf8");
		assert.equal(text.split(from).length, 2, `the place is not there once in ${file}: ${from}`);
		texts.set(
			name,
			text.replace(from, () => to),
		);
	}
	const isFresh = (name: string) =>
		name.startsWith(path.dirname(path.join(dist, entry)) + path.sep) || texts.has(name);
	const kept = new Map(Object.entries(require.cache).filter(([name]) => isFresh(name)));
	const load = require.extensions[".js"];
	assert.ok(load);
	for (const name of kept.keys()) delete require.cache[name];
	require.extensions[".js"] = (module, name) => {
		const text = texts.get(name);
		if (text === undefined) load(module, name);
		else (module as NodeModule & { _compile(text: string, name: string): void })._compile(text, name);
	};
	try {
		return require(path.join(dist, entry));
	} finally {
		require.extensions[".js"] = load;
		for (const name of Object.keys(require.cache)) if (isFresh(name)) delete require.cache[name];
		for (const [name, module] of kept) require.cache[name] = module;
	}
}
