// @ts-check
// What has to work on a bare clone, before anything is installed or compiled: so it is plain JavaScript and
// uses Node's own modules only. It installs the npm packages, compiles, and hands over to tools/src.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

/** @typedef {import("./src/host.js").Host} Host */
/** @typedef {import("./src/host.js").RunOptions} RunOptions */

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const labDir = path.join(root, ".lab");
const logFile = path.join(labDir, "setup.log");

/** Something the reader can mend: shown as its message alone, never as a stack trace. */
class Problem extends Error {
	/** @param {string} message @param {number} [exitCode] */
	constructor(message, exitCode = 1) {
		super(message);
		this.name = "Problem";
		this.exitCode = exitCode;
	}
}

const HELP = {
	start: `npm start                  opens JupyterLab on the start notebook, with an etcd of your own
npm start -- [options]

  --no-browser   only print the address
  --port N       listen on this port (default: a free one)
  --help         this text

The first start installs what is missing (npm packages, .venv), all inside this folder. Ctrl-C ends it.`,
	test: `npm test                   lint, types, formatting, then every test
npm test -- [mocha options], such as: npm test -- --grep "watch"`,
	check: `npm run check              lint, types and formatting, the notebooks' code cells too
npm run check -- --fix     puts right what can be put right by itself`,
	notebooks: `npm run notebooks          runs every notebook in a fresh kernel and rewrites its outputs
npm run notebooks -- NAME  only those named, such as 02-grandchild-writes`,
	build: `npm run build              sets everything up and compiles, starts nothing`,
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
	if (name === "check") Object.assign(options, { fix: { type: "boolean" } });
	try {
		const { values, positionals } = parseArgs({
			args,
			options,
			allowPositionals: name === "notebooks",
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
 * What went wrong, in the words of npm, pip and the operating system, and what to do about it.
 * @type {readonly (readonly [RegExp, string])[]}
 */
const CAUSES = [
	[/ENOSPC|EDQUOT|No space left on device|Disk quota/i, "the disk is full: free about 1 GB"],
	[/EROFS|Read-only file system/i, "the folder is read-only: clone into one that you can write to"],
	[
		/EACCES|EPERM|Permission denied|Operation not permitted/i,
		"no permission to write: check who owns this folder and the package managers' caches",
	],
	[
		/CERT_|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|certificate verify failed/i,
		"a certificate is not trusted: set NODE_EXTRA_CA_CERTS (npm) and PIP_CERT (pip) to your network's CA file",
	],
	[
		/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|EIDLETIMEOUT|ERR_SOCKET_TIMEOUT|NewConnectionError|NameResolution|new connection|timed out|ProxyError|Network is unreachable/i,
		"no network: a first start has to download packages; connect (or set your proxy or mirror)",
	],
	[
		/EJSONPARSE|EUSAGE|EINTEGRITY|in sync/,
		"package-lock.json is damaged or does not belong to package.json: git checkout package.json package-lock.json",
	],
	[/EBADENGINE/, "this version of Node does not suit a package: use Node 20.19, 22 or 24"],
	[
		/No matching distribution|Could not find a version/i,
		"a package has no build for this Python or system: use a Python between 3.10 and 3.13",
	],
];

/** @param {string} output */
function explain(output) {
	return CAUSES.find(([pattern]) => pattern.test(output))?.[1];
}

const lock = path.join(labDir, "setup.lock");
let holdsLock = false;

/** @param {string} line */
function say(line) {
	process.stdout.write(`${line}\n`);
}

/**
 * Runs a command whose output goes to .lab/setup.log, and shows one line that says how far it is.
 * @type {Host["run"]}
 */
const run = async (command, args, options) => {
	const { title, cwd = root, env = process.env, progress } = options;
	const log = fs.createWriteStream(logFile, { flags: "a" });
	// A log that can't be written (a full disk) must not hide the failure that is being logged.
	log.on("error", () => {});
	log.write(`\n$ ${command} ${args.join(" ")}\n`);
	const live = title !== undefined && process.stdout.isTTY;
	if (title !== undefined && !live) say(`${title} …`);
	const begin = Date.now();
	let state = "";
	const show = () => {
		if (live)
			process.stdout.write(`\r\x1b[K${title} … ${Math.round((Date.now() - begin) / 1000)} s ${state}`);
	};
	const ticking = live ? setInterval(show, 1000) : undefined;
	show();

	const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], windowsHide: true });
	// Killed outright, this process leaves the command running: the lock is then the command's.
	if (holdsLock && child.pid !== undefined) fs.appendFileSync(lock, ` ${child.pid}`);
	let output = "";
	for (const stream of [child.stdout, child.stderr]) {
		stream.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
			log.write(text);
			output = (output + text).slice(-200_000);
			if (progress !== undefined) {
				for (const line of text.split("\n")) state = progress(line) ?? state;
				show();
			}
		});
	}
	/** @type {NodeJS.Signals | undefined} */
	let interrupted;
	/** @type {NodeJS.Signals[]} */
	const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
	/** @param {NodeJS.Signals} signal */
	const stop = (signal) => {
		interrupted = signal;
		child.kill("SIGTERM");
	};
	for (const signal of signals) process.on(signal, stop);
	try {
		const code = await new Promise((resolve, reject) => {
			child.on("error", reject).on("close", (status) => resolve(status ?? 1));
		});
		if (interrupted !== undefined) {
			throw new Problem("interrupted; the next start does again what was not finished", 130);
		}
		return { code, output, seconds: (Date.now() - begin) / 1000 };
	} finally {
		for (const signal of signals) process.off(signal, stop);
		clearInterval(ticking);
		if (live) process.stdout.write(`\r\x1b[K${title}: ${Math.round((Date.now() - begin) / 1000)} s\n`);
		log.end();
	}
};

/**
 * One set-up at a time: a second `npm start` or `npm test` in the same folder waits for the first.
 * @type {Host["exclusive"]}
 */
const exclusive = async (work) => {
	let told = false;
	for (;;) {
		try {
			fs.writeFileSync(lock, String(process.pid), { flag: "wx" });
			break;
		} catch (error) {
			if (codeOf(error) !== "EEXIST") throw error;
		}
		const holder = readIfThere(lock);
		// An empty lock is one that is being written, or was left by a full disk: it gets the time of one wait.
		if (holder !== undefined && (holder === "" ? told : !holder.split(" ").some(isAlive))) {
			fs.rmSync(lock, { force: true });
			continue;
		}
		if (!told)
			say(`waiting for another set-up of this folder (process ${holder}; if that is none: rm ${lock})`);
		told = true;
		await new Promise((resolve) => setTimeout(resolve, 250));
	}
	holdsLock = true;
	try {
		return await work();
	} finally {
		holdsLock = false;
		fs.rmSync(lock, { force: true });
	}
};

/** @param {unknown} error */
function codeOf(error) {
	return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** @param {string} file */
function readIfThere(file) {
	try {
		return fs.readFileSync(file, "utf8");
	} catch (error) {
		if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
		throw error;
	}
}

/** @param {string} pid */
function isAlive(pid) {
	try {
		process.kill(Number(pid), 0);
		return true;
	} catch (error) {
		return codeOf(error) === "EPERM";
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
		const stem = /^(.*?)(?:\.d\.ts|\.js|\.js\.map)$/.exec(entry)?.[1];
		if (stem !== undefined && !fs.existsSync(path.join(source, `${stem}.ts`))) {
			fs.rmSync(path.join(dist, entry), { force: true });
		}
	}
}

/** @param {string[]} argv */
export async function main(argv) {
	try {
		const request = readArguments(argv[0], argv.slice(1));
		if (request.command === "help") return say(request.text ?? "");
		fs.mkdirSync(labDir, { recursive: true });
		fs.writeFileSync(logFile, "");
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
		console.error(oneLine(error));
		if (process.env["ETCD_WATCH_LAB_DEBUG"]) console.error(error);
	}
}

/** @param {unknown} error */
function oneLine(error) {
	if (!(error instanceof Error)) return String(error);
	if (error.name === "Problem") return error.message;
	return `${explain(error.message) ?? "an unexpected error (ETCD_WATCH_LAB_DEBUG=1 shows more)"} (${error.message})`;
}
