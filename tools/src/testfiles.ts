import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { root } from "./paths";

/** Where the compiled tests are. */
const testsDir = path.join(root, "test", "dist");

/** Test files that one process runs, one after the other. */
export interface Batch {
	/** From the checkout, as compiled. */
	readonly files: readonly string[];
	/** About how long it takes. */
	readonly seconds: number;
	/** It wants etcds that are built here first. */
	readonly needsBuilds: boolean;
	/** Nothing else runs beside it, since it holds its times against limits that a busy processor breaks. */
	readonly alone: boolean;
}

/**
 * Seconds of the files that take long, without anything beside them: they begin first, each in a process of its own. One
 * that is missing here only begins later than it should; the end of `npm test` names the longest.
 */
export const longFiles: Readonly<Record<string, number>> = {
	"pages/notebooks/notebooks": 150,
	"live/follow/v3-known-faults": 145,
	"proofs/chaos/smoke-v2": 80,
	"live/follow/v3-servers": 70,
	"pages/notebooks/secured": 70,
	"live/server/any-etcd": 70,
	"live/scenario/recorder": 60,
	"setup/start": 55,
	"pages/site/browser": 55,
	"live/scenario/faults": 50,
	"pages/notebooks/exercises": 50,
	"setup/setup": 35,
	"pages/lab/lab": 35,
	"proofs/chaos/rules": 30,
	"proofs/chaos/smoke-v3": 30,
	"pages/notebooks/without-v2": 45,
	"proofs/make": 20,
	"live/follow/v3-lists": 30,
	"live/server/guest": 27,
	"live/server/cluster": 26,
	"setup/test": 30,
	"live/follow/v3-catch-up": 25,
	"pages/notebooks/foreign": 25,
	"setup/notebooks": 23,
	"live/follow/without-rules": 22,
	"pages/site/build": 20,
	"pages/lab/hostile": 20,
	"proofs/differential/mutants": 12,
	"pages/notebooks/twice": 15,
	"proofs/differential/differential": 8,
	"live/follow/v3-rules": 19,
	"setup/package": 18,
	"live/server/secured": 17,
	"live/scenario/agreement": 15,
	"pages/golden/golden": 12,
	"live/server/ending": 12,
	"live/server/lab": 11,
	"live/server/keeper": 10,
};

/** What holds milliseconds against a limit. */
export const aloneFiles: readonly string[] = ["live/v2/ending", "live/follow/closing"];

/** About how long the others of one process may take: to start one costs a second. */
const batchSeconds = 20;
/** What a file takes that is not among the long ones. */
const usualSeconds = 3;

/** test/x.test.ts, as it is written, for the file as it is compiled. */
export function compiled(name: string): string {
	return name.replace(/^(?:\.\/)?test\/(?!dist\/)(.*\.test)\.ts$/, "test/dist/$1.js");
}

/** All test files, from the checkout, as compiled. */
export function testFiles(): string[] {
	return fs
		.readdirSync(testsDir, { recursive: true, encoding: "utf8" })
		.filter((name) => name.endsWith(".test.js"))
		.map((name) => ["test", "dist", ...name.split(path.sep)].join("/"))
		.sort();
}

/** Deals the files to processes, those that take longest first. */
export function batches(files: readonly string[]): Batch[] {
	const dealt: Batch[] = [];
	let together: string[] = [];
	const deal = (some: readonly string[], seconds: number, alone = false): void => {
		if (some.length === 0) return;
		const needsBuilds = some.some((file) => reached(file).has(etcdBuilds));
		dealt.push({ files: some, seconds, needsBuilds, alone });
	};
	for (const file of files) {
		const name = nameOf(file);
		const seconds = longFiles[name];
		if (aloneFiles.includes(name)) deal([file], seconds ?? usualSeconds, true);
		else if (seconds !== undefined) deal([file], seconds);
		else together.push(file);
		if (together.length * usualSeconds < batchSeconds) continue;
		deal(together, batchSeconds);
		together = [];
	}
	deal(together, together.length * usualSeconds);
	return dealt.sort((one, two) => two.seconds - one.seconds);
}

/** live/v2/keys for test/dist/live/v2/keys.test.js. */
export function nameOf(file: string): string {
	return file.replace(/^test\/dist\/(.*)\.test\.js$/, "$1");
}

/** The module that finds and builds etcds. */
const etcdBuilds = path.join(testsDir, "support", "etcds.js");

/** Whether a test file is one for `npm test -- unit`: it starts nothing (the reporter refuses what it starts all the same). */
export function isUnit(file: string): boolean {
	return nameOf(file).startsWith("unit/");
}

const known = new Map<string, ReadonlySet<string>>();

/** The files of test/, tools/ and bench/ that a file loads, and theirs, and so on; of other modules the names. */
function reached(file: string): ReadonlySet<string> {
	const start = path.join(root, file);
	const before = known.get(start);
	if (before !== undefined) return before;
	const all = new Set<string>();
	const waiting = [start];
	for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
		for (const name of requiredBy(next)) {
			if (all.has(name)) continue;
			all.add(name);
			if (path.isAbsolute(name)) waiting.push(name);
		}
	}
	known.set(start, all);
	return all;
}

const direct = new Map<string, readonly string[]>();

function requiredBy(file: string): readonly string[] {
	const before = direct.get(file);
	if (before !== undefined) return before;
	const { resolve } = createRequire(file);
	const resolved = (name: string): string => {
		if (!/^(?:\.|#tools\/|#bench\/)/.test(name)) return name;
		try {
			return resolve(name);
		} catch {
			// In a text that only looks like it.
			return name;
		}
	};
	const names = [...fs.readFileSync(file, "utf8").matchAll(/\b(?:require|import)\("([^"]+)"\)/g)].map(
		([, name = ""]) => resolved(name),
	);
	direct.set(file, names);
	return names;
}
