import fs from "node:fs";
import path from "node:path";

/** The checkout: this file runs as tools/dist/paths.js. */
export const root = path.resolve(__dirname, "..", "..");

/** All that the lab writes beside the sources, and that can be deleted at any time. */
export const labDir = path.join(root, ".lab");

export const notebooksDir = path.join(root, "notebooks");
export const venvDir = path.join(root, ".venv");
export const artifactsDir = path.join(root, ".artifacts");

const windows = process.platform === "win32";

/** The folder of the venv's commands: python, etcd. */
export const venvBin = path.join(venvDir, windows ? "Scripts" : "bin");
export const venvPython = path.join(venvBin, windows ? "python.exe" : "python");

/** A path as the reader would type it from the checkout. */
export function shown(file: string): string {
	return path.relative(root, file).split(path.sep).join("/");
}

/**
 * Makes a folder of this process's own in `parent`, by its number. Those of processes that have ended are removed first,
 * so that what the last one left can be looked at until the next begins.
 */
export function privateFolder(parent: string): string {
	fs.mkdirSync(parent, { recursive: true });
	for (const name of fs.readdirSync(parent))
		if (!isAlive(Number(name))) fs.rmSync(path.join(parent, name), { recursive: true, force: true });
	const folder = path.join(parent, String(process.pid));
	fs.rmSync(folder, { recursive: true, force: true });
	fs.mkdirSync(folder);
	return folder;
}

/** Whether a process of that number runs, this user's or another's. */
export function isAlive(pid: number): boolean {
	if (!(pid > 0)) return false;
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return error instanceof Error && "code" in error && error.code === "EPERM";
	}
}
