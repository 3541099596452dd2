import { createHash } from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { root } from "#tools/paths";
import type { Proof } from "./list";

/** A file's place by its compiled one: lib/dist/x.js is lib/src/x.ts, test/dist/x.js is test/x.ts. */
const rooms = [
	{ dist: "lib/dist", source: "lib/src" },
	{ dist: "tools/dist", source: "tools/src" },
	{ dist: "test/dist", source: "test" },
	{ dist: "bench/dist", source: "bench" },
] as const;

const slashed = (file: string) => file.split(path.sep).join("/");

/** As compiled, from the checkout; undefined for what is no source of it. */
function compiledOf(source: string): string | undefined {
	const room = rooms.find((one) => source.startsWith(`${one.source}/`));
	return room && `${room.dist}${source.slice(room.source.length).replace(/\.ts$/, ".js")}`;
}

function sourceOf(compiled: string): string | undefined {
	const room = rooms.find((one) => compiled.startsWith(`${one.dist}/`));
	return room && `${room.source}${compiled.slice(room.dist.length).replace(/\.js$/, ".ts")}`;
}

/** What a compiled file loads, or starts as a process that lies beside it. */
const loads = /\b(?:require|import)\("([^"]+)"\)|\b__dirname, "([^"/]+\.js)"\)/g;

/**
 * The sources of a program, as paths from the checkout: the entries, what they load, and so on, packages left out. By
 * what is compiled, in which an import of types alone is none.
 *
 * @throws Error when an entry is not compiled
 */
export function sourcesOf(entries: readonly string[]): readonly string[] {
	const found = new Set<string>();
	const waiting = [...entries];
	for (let source = waiting.pop(); source !== undefined; source = waiting.pop()) {
		if (found.has(source)) continue;
		found.add(source);
		waiting.push(...loadedBy(source));
	}
	return [...found].sort();
}

const known = new Map<string, readonly string[]>();

/** What a source loads itself. Known from its first time on: many proofs share most of theirs. */
function loadedBy(source: string): readonly string[] {
	const before = known.get(source);
	if (before !== undefined) return before;
	const all: string[] = [];
	const compiled = compiledOf(source);
	const file = compiled && path.join(root, compiled);
	if (file === undefined || !fs.existsSync(file)) throw new Error(`${source} is not compiled: npm run build`);
	const { resolve } = createRequire(file);
	for (const [, name, beside] of fs.readFileSync(file, "utf8").matchAll(loads)) {
		const loaded =
			beside === undefined ? resolved(resolve, name ?? "") : path.join(path.dirname(file), beside);
		const own = loaded && sourceOf(slashed(path.relative(root, loaded)));
		if (own && fs.existsSync(path.join(root, own))) all.push(own);
	}
	known.set(source, all);
	return all;
}

function resolved(resolve: (name: string) => string, name: string): string | undefined {
	if (!/^(?:\.|#|etcd-watch-lab(?:\/|$))/.test(name)) return undefined;
	try {
		return resolve(name);
	} catch {
		// In a text that only looks like it.
		return undefined;
	}
}

/** Of the names and contents of files, folders with all that is in them; the same in every checkout of these contents. */
export function hashOf(names: readonly string[], base: string = root): string {
	const hash = createHash("sha256");
	for (const name of [...new Set(names.flatMap((one) => filesIn(one, base)))].sort()) {
		// Git may have changed the line ends of a text; what is no text has none.
		const content = fs.readFileSync(path.join(base, name));
		const isText = !content.includes(0);
		hash.update(name).update("\0");
		hash.update(isText ? content.toString("utf8").replaceAll("\r\n", "\n") : content).update("\0");
	}
	return hash.digest("hex");
}

function filesIn(name: string, base: string): readonly string[] {
	if (!fs.statSync(path.join(base, name)).isDirectory()) return [name];
	return fs
		.readdirSync(path.join(base, name), { withFileTypes: true })
		.filter((one) => !/^(?:\.ipynb_checkpoints|__pycache__)$/.test(one.name))
		.flatMap((one) => filesIn(`${name}/${one.name}`, base));
}

/** The hash of all that a proof is made by: its sources, what it reads, and what its parts are. */
export function codeOf(proof: Pick<Proof, "entries" | "reads" | "parts">): string {
	const files = hashOf([...sourcesOf(proof.entries), ...(proof.reads ?? [])]);
	return createHash("sha256")
		.update(files)
		.update(JSON.stringify(proof.parts(1)))
		.digest("hex");
}
