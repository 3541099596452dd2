// @ts-check
// What has to work on a bare clone, before anything is installed or compiled: so it is plain JavaScript and
// uses Node's own modules only. It installs the npm packages, compiles, and hands over to tools/src.
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import {
	codeOf,
	exclusive,
	explain,
	forTerminal,
	labDir,
	logFile,
	Problem,
	readIfThere,
	root,
	run,
	say,
} from "./command.mjs";

/** @typedef {import("./src/setup/host.js").Host} Host */

const HELP = {
	start: `npm start                  opens JupyterLab on the start notebook, with an etcd of your own
npm start -- [options]

  --no-browser   only print the address
  --port N       listen on this port (default: a free one)
  --help         this text

The first start installs what is missing (npm packages, .venv), all inside this folder. Ctrl-C ends it.
ETCD_WATCH_LAB_ETCD=etcd, the name or the path of a binary, has the lab start that etcd instead of its 3.5.
With etcdctl's own variables (ETCDCTL_ENDPOINTS and so on) the lab uses your server.`,
	test: `npm test                   lint, types, formatting, then the tests, as many side by side as keep the processors busy
npm test -- unit           the tests that start nothing: no server, no kernel, no browser
npm test -- -g "T8:"       the tests of that name, with any other of mocha's options, in one process
npm test -- test/unit/follow/rules.test.ts
                           a file, as it is written

ETCD_WATCH_LAB_JOBS=N      so many side by side
What each process printed is in .artifacts/tests, all results are in .artifacts/mocha.json.`,
	check: `npm run check              lint, types and formatting, the notebooks' code cells too
npm run check -- --fix     puts right what can be put right by itself`,
	notebooks: `npm run notebooks          runs every notebook in a fresh kernel and rewrites its outputs
npm run notebooks -- NAME  only those named, such as 02-grandchild-writes
npm run notebooks -- --check [NAME…]
                           runs them, changes no file, and fails where a fresh run is not what is committed:
                           which cell, which output, what differs, and what to do about it`,
	site: `npm run site               renders all notebooks, as they are committed, to pages in site/: no server, no network
npm run site -- --out DIR  into another folder`,
	build: `npm run build              sets everything up and compiles, starts nothing`,
	differential: `npm run differential -- --runs N --seed S
                           runs N random programs (default: 1000) on live etcds and on the model, and compares

  --etcd KIND    3.4, 3.5.1 or newest (the last 3.5, built with Go); default: all that are here
  --servers N    so many etcds side by side (default: 6)
  --path P       with --etcd and --seed: one program again, as a difference names it`,
	chaos: `npm run chaos -- --runs N --seed S
                           runs N faults (default: 100) on live etcds under full traffic, and checks what the
                           follower was told against what was written; prints its seed and writes what it came to
                           to .artifacts/chaos.json

  --members N      1 or 3 members (default: 3), where a fault does not need as many as it needs
  --kind NAME      only this kind of fault, or this group, several with commas: window, tree, member, store, client, proxy, report
  --etcd KIND      3.4, 3.5.1, newest (the last 3.5), 3.6, 3.7, all of them, or the path of an etcd; several with
                   commas (default: 3.4,3.5.1,newest). Go builds newest, 3.6 and 3.7; the last two have v3 alone
  --api API        v2 (default), v3 or v2,v3: the same faults on v3, as far as they have a counterpart there
  --pause          the consumers stand still for a second in the middle of each fault, as a collection of garbage does
  --consumer WHO   follow (default), naive, textbook, node-etcd (v2) or etcd3 (v3): the same faults for somebody
                   else; all: each of them after the other, and lib/recorded/chaos.json or chaos-v3.json
  --without-fault  the same runs and no fault in them, which has to be noticed
  --without RULE   the follower without one of its rules, to see what it is for

Each API on each etcd is a process with its share of the runs, two at a time.`,
	versions: `npm run versions           tries on each version of etcd what its watch does in some and not in others, and
                           writes lib/recorded/versions.json for notebook 10; fails where a server does not
                           do what the table of releases says

  --etcd KIND      only these, with commas: 3.4, 3.5.1, 3.5.12, newest (the last 3.5), 3.6, 3.7; the other columns
                   stay as they are. Go builds all but the first two`,
	proofs: `npm run proofs             makes what is missing of the long proofs, some hours, and writes what it came to to
                           test/proofs/record.json and test/README.md. A proof that was made with the code as it is
                           is not made again; after Ctrl-C the same command goes on after the parts that have ended
npm run proofs -- --list   what there is, and what was made of it

  --only NAME    only this one, several with commas
  --again        makes anew what was made, too
  --seed S       other random runs (default: 1)
  --quick        a small part of each, another with each commit: what CI runs; writes .artifacts/proofs.json only
  --commit HASH  with --quick: the part of this commit (default: the last)
  --table        writes the table in test/README.md by the record, and makes nothing

ETCD_WATCH_LAB_JOBS=N      so many parts side by side
What each part printed is in .lab/proofs. Fails where a part does, or counts nothing.`,
	bench: `npm run bench -- model     how fast the model is, beside a live etcd
npm run bench -- follow    the follower beside etcd's Go clients, node-etcd, etcd3 and a bare connection;
                           fails where a target is not met
npm run bench -- follow [v2] [v3] [PART…]
                           one API or part alone: catch-up, latency, live, quiet; writes nothing

  --etcd PATH    another etcd than the lab's; writes nothing
  --small        a minute of everything, to see that it works; writes and judges nothing

npm run bench -- soak [MINUTES]    one follower behind a writer at full speed (default: 20), its memory
                           results and charts go to bench/results/`,
};

/**
 * Each command's own arguments, read before anything is installed: --help and a typing error answer at once.
 * @param {string | undefined} command @param {string[]} args
 */
function readArguments(command, args) {
	const commands = Object.keys(HELP).join(", ");
	if (command === undefined || command === "--help") {
		return { command: "help", text: Object.values(HELP).join("\n\n") };
	}
	if (!Object.hasOwn(HELP, command)) throw new Problem(`no command "${command}"; there are: ${commands}`);
	const name = /** @type {keyof typeof HELP} */ (command);
	if (args.includes("--help") || args.includes("-h")) return { command: "help", text: HELP[name] };
	if (name === "test") return { command, options: {}, rest: args };
	/** @type {import("node:util").ParseArgsConfig["options"]} */
	const options = {};
	if (name === "start") Object.assign(options, { browser: { type: "boolean" }, port: { type: "string" } });
	if (name === "notebooks") {
		Object.assign(options, { check: { type: "boolean" } });
		// npm keeps a --check without "--" before it for itself: every notebook would be rewritten instead.
		if (process.env["npm_config_check"] !== undefined)
			throw new Problem('options come after "--": npm run notebooks -- --check');
	}
	if (name === "check") Object.assign(options, { fix: { type: "boolean" } });
	if (name === "site") Object.assign(options, { out: { type: "string" } });
	if (name === "bench") Object.assign(options, { etcd: { type: "string" }, small: { type: "boolean" } });
	if (name === "differential") {
		for (const option of ["runs", "seed", "etcd", "servers", "path"]) options[option] = { type: "string" };
	}
	if (name === "proofs") {
		for (const option of ["only", "seed", "commit"]) options[option] = { type: "string" };
		for (const option of ["list", "again", "quick", "table"]) options[option] = { type: "boolean" };
	}
	if (name === "versions") options["etcd"] = { type: "string" };
	if (name === "chaos") {
		for (const option of ["runs", "seed", "members", "kind", "etcd", "consumer", "without", "api"]) {
			options[option] = { type: "string" };
		}
		options["pause"] = { type: "boolean" };
		options["without-fault"] = { type: "boolean" };
	}
	try {
		const { values, positionals } = parseArgs({
			args,
			options,
			allowPositionals: name === "notebooks" || name === "bench",
			allowNegative: true,
		});
		return { command, options: values, rest: positionals };
	} catch (error) {
		// npm keeps `--port 8888` for itself and passes on only "8888", unless "--" comes first.
		const hint = name === "start" ? 'options come after "--": npm start -- --port 8888' : "try --help";
		const why = error instanceof Error ? (error.message.split(". ")[0] ?? "") : String(error);
		throw new Problem(`${why}; ${hint}`);
	}
}

/**
 * Where the home folder can't be written to, or there is none, what npm, pip and Go download goes below .lab; npm names
 * the home's own cache to what it starts.
 */
function keepCachesWritable() {
	let home = "";
	try {
		home = os.homedir();
		fs.accessSync(home, fs.constants.W_OK);
		return;
	} catch {
		for (const name of ["npm_config_cache", "PIP_CACHE_DIR", "GOCACHE", "GOMODCACHE"]) {
			const given = process.env[name];
			if (given === undefined || given.startsWith(`${home}${path.sep}`))
				process.env[name] = path.join(labDir, "caches", name.toLowerCase());
		}
	}
}

/** The npm that goes with this Node, without a shell in between (npm.cmd would need one on Windows). */
function npmCommand() {
	const beside = path.join(path.dirname(process.execPath), "node_modules", "npm", "bin", "npm-cli.js");
	const cli = [process.env["npm_execpath"], beside].find(
		(file) => file !== undefined && path.basename(file) === "npm-cli.js" && fs.existsSync(file),
	);
	return cli === undefined ? { command: "npm", args: [] } : { command: process.execPath, args: [cli] };
}

/**
 * `npm ci`, when the lock file has changed since the last one that succeeded. The stamp lies in node_modules,
 * which `npm ci` empties first: an interrupted one leaves no stamp. Node's version is not part of it: the one
 * native package (zeromq) carries its builds for every Node. The folder's path is, on Windows, where the link
 * to the workspace is absolute.
 */
async function installPackages() {
	const lockText = readIfThere(path.join(root, "package-lock.json"));
	try {
		JSON.parse(lockText ?? "");
	} catch {
		throw new Problem("package-lock.json is missing or damaged: git checkout package-lock.json");
	}
	const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`);
	if (process.platform === "win32") hash.update(root);
	const wanted = hash.update(lockText ?? "").digest("hex");
	const stamp = path.join(root, "node_modules", ".lab-stamp");
	if (readIfThere(stamp) === wanted) return;

	const npm = npmCommand();
	const retries = ["--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=4000"];
	const args = [...npm.args, "ci", "--prefer-offline", "--progress=false", ...retries];
	const { code, output } = await run(npm.command, args, {
		title: "[1/3] npm packages (half a minute, once)",
	}).catch((error) => {
		if (codeOf(error) !== "ENOENT") throw error;
		throw new Problem("npm is not on the PATH: it comes with Node (nodejs.org), on Debian: apt install npm");
	});
	if (code !== 0) {
		const cause = explain(output) ?? `npm ci ended with ${code}: the reason is in ${logFile}`;
		throw new Problem(`the npm packages could not be installed: ${cause}; then run the same command again`);
	}
	fs.writeFileSync(stamp, wanted);
}

/**
 * Compiles with TypeScript 7 by its own path: node_modules/.bin/tsc is the fork of 5.0 that tslab brings.
 * It finds out by itself what has changed, in a tenth of a second.
 * @type {Host["compile"]}
 */
const compile = async (projects) => {
	const tsc = path.join(root, "node_modules", "typescript", "bin", "tsc");
	const { code, output } = await run(process.execPath, [tsc, "-b", "--pretty", "false", ...projects], {});
	if (code !== 0) {
		// A finding can quote anything; what did not even get to findings is the system's trouble.
		const cause = output.includes("error TS") ? undefined : explain(output);
		throw new Problem(cause ?? `${output.trim()}\nit does not compile (see above)`);
	}
	for (const project of projects) removeStale(path.join(root, project));
};

/**
 * tsc leaves the output of a source that is gone: a renamed test would go on being run.
 * @param {string} project
 */
function removeStale(project) {
	const dist = path.join(project, "dist");
	const source = fs.existsSync(path.join(project, "src")) ? path.join(project, "src") : project;
	for (const entry of fs.readdirSync(dist, { recursive: true, encoding: "utf8" })) {
		const stem = /^(.*?)(?:\.d\.ts|\.js)(?:\.map)?$/.exec(entry)?.[1];
		if (stem !== undefined && !fs.existsSync(path.join(source, `${stem}.ts`))) {
			fs.rmSync(path.join(dist, entry), { force: true });
		}
	}
}

/** @param {string[]} argv */
export async function main(argv) {
	// A terminal that is closed takes stdout with it; ending JupyterLab must not fail for want of a listener.
	process.stdout.on("error", () => {});
	process.stderr.on("error", () => {});
	try {
		const request = readArguments(argv[0], argv.slice(1));
		if (request.command === "help") return say(request.text ?? "");
		fs.mkdirSync(labDir, { recursive: true });
		fs.writeFileSync(logFile, "");
		keepCachesWritable();
		await exclusive(async () => {
			await installPackages();
			await compile(["tools"]);
		});
		/** @type {Host} */
		const host = { root, logFile, say, run, explain, exclusive, compile };
		/** @type {typeof import("./src/main.js")} */
		const tools = await import(pathToFileURL(path.join(root, "tools", "dist", "main.js")).href);
		process.exitCode = await tools.main(host, request.command, request.options ?? {}, request.rest ?? []);
	} catch (error) {
		process.exitCode = error instanceof Error && "exitCode" in error ? Number(error.exitCode) : 1;
		console.error(forTerminal(oneLine(error)));
		if (process.env["ETCD_WATCH_LAB_DEBUG"]) console.error(error);
	}
}

/** @param {unknown} error */
function oneLine(error) {
	if (!(error instanceof Error)) return String(error);
	if (error.name === "Problem") return error.message;
	return `${explain(error.message) ?? "an unexpected error (ETCD_WATCH_LAB_DEBUG=1 shows more)"} (${error.message})`;
}
