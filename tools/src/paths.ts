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
