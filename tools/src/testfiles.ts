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
	/** About how much of a processor it keeps busy, 0.2 to 1: most of those that take long wait. Default 1. */
	readonly share?: number;
	/** Mocha's options that it runs with in `npm test`. */
	readonly options?: readonly string[];
	/** It wants etcds that are built here first. */
	readonly needsBuilds: boolean;
	/** Nothing else runs beside it, since it holds its times against limits that a busy processor breaks. */
	readonly alone: boolean;
}

/** Seconds, and the share of a processor that it keeps busy. */
type Cost = readonly [seconds: number, share: number];

/**
 * The files that take long, as the two processors of CI take for them: they begin first, each in a process of its own.
 * One that is missing here only begins later than it should; the end of `npm test` names the longest.
 */
export const longFiles: Readonly<Record<string, Cost>> = {
	"pages/notebooks/notebooks": [60, 0.9],
	"live/follow/v3-known-faults": [80, 0.2],
	"live/follow/v3-servers": [75, 0.4],
	"pages/notebooks/exercises": [36, 0.5],
	"pages/lab/lab": [50, 0.7],
	"live/scenario/faults": [45, 0.7],
	"live/scenario/recorder": [40, 0.2],
	"live/follow/v3-catch-up": [36, 0.8],
	"pages/site/build": [30, 0.9],
	"proofs/chaos/smoke-v2": [14, 1],
	"live/versions/experiments": [26, 0.8],
	"live/server/keeper": [24, 0.8],
	"setup/sidebyside": [23, 0.2],
	"pages/golden/golden": [22, 1],
	"live/server/any-etcd": [25, 0.6],
	"live/follow/without-rules": [18, 0.3],
	"live/scenario/run": [17, 0.3],
	"live/server/guest": [17, 0.4],
	"live/follow/v3-lists": [17, 0.4],
	"live/server/cluster": [17, 0.6],
	"live/server/secured": [16, 0.7],
	"proofs/chaos/smoke-v3": [12, 1],
	"proofs/make": [16, 0.5],
	"live/follow/v3-rules": [13, 0.5],
	"live/server/ending": [12, 0.6],
	"live/server/lab": [10, 0.8],
};

/** What holds milliseconds against a limit. */
export const aloneFiles: readonly string[] = ["live/v2/ending", "live/follow/closing"];

/**
 * What `npm run proofs` has whole; to be run by name. `--quick`, which CI runs after `npm test`, has another part of it
 * with each commit.
 */
export const ofProofs: readonly string[] = [
	"live/scenario/agreement",
	"pages/lab/hostile",
	"pages/notebooks/foreign",
	"pages/notebooks/secured",
	"pages/notebooks/twice",
	"pages/notebooks/without-v2",
	"pages/site/browser",
	"proofs/chaos/rules",
	"proofs/differential/mutants",
	"setup/check",
	"setup/freshness",
	"setup/notebooks",
	"setup/package",
	"setup/setup",
	"setup/start",
	"setup/test",
];

/**
 * The other etcds that a test can be on, by what stands in its title: `npm test` has them on the reader's 3.5.1 and on
 * 3.7, and `npm run proofs` ("servers") on these.
 */
export const otherServers = ["3.4", "newest", "3.6"] as const;

/** What mocha's --grep finds the tests on these etcds by. */
export function titlesOn(etcds: readonly string[]): string {
	return `\\betcd (?:${etcds.map((etcd) => etcd.replace(".", "\\.")).join("|")})(?![.\\d])`;
}

/** About how long the others of one process may take: to start one costs a second. */
const batchSeconds = 20;

/** What a file takes that is not among the long ones, and the share of a processor that it keeps busy. */
function usual(name: string): Cost {
	return isUnitName(name) ? [1.2, 1] : [3, 0.6];
}

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
	const together = new Map<string, { files: string[]; cost: Cost }>();
	const deal = (some: readonly string[], [seconds, share]: Cost, alone = false): void => {
		const name = nameOf(some[0] ?? "");
		const needsBuilds = some.some((file) => reached(file).has(etcdBuilds));
		const options = isOnServers(name) ? ["--grep", titlesOn(otherServers), "--invert"] : [];
		dealt.push({ files: some, seconds, share, needsBuilds, alone, options });
	};
	for (const file of files) {
		const name = nameOf(file);
		const cost = longFiles[name];
		if (cost !== undefined || aloneFiles.includes(name)) {
			deal([file], cost ?? usual(name), aloneFiles.includes(name));
			continue;
		}
		// Of one folder of test/: its files want the same options.
		const kind = `${path.posix.dirname(name).split("/")[0]} ${isOnServers(name)}`;
		const [seconds, share] = usual(name);
		const before = together.get(kind) ?? { files: [], cost: [0, share] };
		const more = { files: [...before.files, file], cost: [before.cost[0] + seconds, share] as const };
		together.set(kind, more);
		if (more.cost[0] < batchSeconds) continue;
		deal(more.files, more.cost);
		together.delete(kind);
	}
	for (const { files, cost } of together.values()) deal(files, cost);
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
	return isUnitName(nameOf(file));
}

const isUnitName = (name: string): boolean => name.startsWith("unit/");

/** The findings, and where the versions differ: on each etcd in `npm test`, too. */
const onEachServer: readonly string[] = ["live/scenario/traps", "live/v2/keys"];

/** Whether a test file has a test for each of several etcds, most of which are left to `npm run proofs`. */
export function isOnServers(name: string): boolean {
	if (onEachServer.includes(name)) return false;
	return name.startsWith("live/") || name === "pages/notebooks/exercises";
}

/** Whether a test file is left to `npm run proofs`. */
export function isOfProofs(file: string): boolean {
	return ofProofs.includes(nameOf(file));
}

/**
 * The files that may have the tests of a name (mocha's --grep): those with at least half as many of its pairs of words as
 * the one with most, in what they load of test/, tools/ and bench/. All, when that one has less than half of the pairs, as
 * where a name is made of parts, and for what is shorter than a printed name or more than words.
 */
export function filesNaming(name: string, files: readonly string[] = testFiles()): readonly string[] {
	const words = name.split(/\s+/);
	if (words.length < 6 || /[\\[\]|*+?{}^$]/.test(name)) return files;
	const pairs = words.slice(1).map((word, at) => `${words[at]} ${word}`);
	const counts = new Map(
		files.map((file) => {
			const loaded = [path.join(root, file), ...reached(file)].filter((one) => path.isAbsolute(one));
			return [file, pairs.filter((pair) => loaded.some((one) => textOf(one).includes(pair))).length];
		}),
	);
	const most = Math.max(...counts.values());
	return most < pairs.length / 2 ? files : files.filter((file) => (counts.get(file) ?? 0) >= most / 2);
}

const texts = new Map<string, string>();

function textOf(file: string): string {
	const text = texts.get(file) ?? fs.readFileSync(file, "utf8");
	texts.set(file, text);
	return text;
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
	const names = [...textOf(file).matchAll(/\b(?:require|import)\("([^"]+)"\)/g)].map(([, name = ""]) =>
		resolved(name),
	);
	direct.set(file, names);
	return names;
}
