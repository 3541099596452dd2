// @ts-check
// How a set-up step is run, and what is said when it fails. Plain JavaScript, as setup.mjs is and why it is.
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** @typedef {import("./src/setup/host.js").Host} Host */

/** The checkout. */
export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
export const labDir = path.join(root, ".lab");
/** What the set-up's commands print. */
export const logFile = path.join(labDir, "setup.log");

/** Something the reader can mend: shown as its message alone, never as a stack trace. */
export class Problem extends Error {
	/** @param {string} message @param {number} [exitCode] */
	constructor(message, exitCode = 1) {
		super(message);
		this.name = "Problem";
		this.exitCode = exitCode;
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
		/Proxy Authentication Required/i,
		"your proxy wants a user and a password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT",
	],
	[
		/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|EIDLETIMEOUT|ERR_SOCKET_TIMEOUT|NewConnectionError|NameResolution|new connection|timed out|ProxyError|Network is unreachable/i,
		"no network: a first start has to download packages; connect (or set your proxy or mirror)",
	],
	[
		/EJSONPARSE|EUSAGE|EINTEGRITY|in sync/,
		"package-lock.json is damaged or does not belong to package.json: git checkout package.json package-lock.json",
	],
	[
		/DO NOT MATCH THE HASHES|--require-hashes/,
		"a package is not the one that is pinned in tools/requirements.txt: ask who runs the index or mirror of your pip",
	],
	[/EBADENGINE/, "this version of Node does not suit a package: use Node 20.19, 22 or 24"],
	[
		/No matching distribution|Could not find a version/i,
		"a package has no build for this Python or system: use a Python between 3.10 and 3.13",
	],
];

/** @param {string} output */
export function explain(output) {
	return CAUSES.find(([pattern]) => pattern.test(output))?.[1];
}

const lock = path.join(labDir, "setup.lock");
let holdsLock = false;

/**
 * A text that may quote a server, a notebook or a file, made fit for a terminal: of what a terminal obeys only colours
 * and line ends come through, all else is spelled.
 * @param {string} text
 */
export function forTerminal(text) {
	return text.replace(
		// biome-ignore lint/suspicious/noControlCharactersInRegex: ESC is what a terminal colour begins with
		/(\x1b\[[0-9;]*m|[\n\t])|[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
		(character, kept) => (kept === undefined ? `\\u{${character.codePointAt(0)?.toString(16)}}` : character),
	);
}

/** @param {string} line */
export function say(line) {
	process.stdout.write(`${forTerminal(line)}\n`);
}

/**
 * Runs a command whose output goes to .lab/setup.log, and shows one line that says how far it is.
 * @type {Host["run"]}
 */
export const run = async (command, args, options) => {
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
export const exclusive = async (work) => {
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
export function codeOf(error) {
	return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** @param {string} file */
export function readIfThere(file) {
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
