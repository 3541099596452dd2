import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import type { Cell, Notebook } from "./file";
import { codeCells, sourceOf } from "./outputs";

/**
 * The code cells, by number, that were edited since the last commit in a notebook no output of which has changed
 * since: it was not run again. A notebook does not keep the source that its outputs come from; git does.
 * None where there is no git or no commit of the notebook.
 */
export async function editedCells(file: string, notebook: Notebook): Promise<number[]> {
	const last = await lastCommitted(file);
	if (last === undefined) return [];
	const sources = new Map(codeCells(last).map((cell) => [cell.id, sourceOf(cell)]));
	const outputs = new Map(codeCells(last).map((cell) => [cell.id, outputsOf(cell)]));
	const cells = codeCells(notebook);
	if (cells.some((cell) => outputs.has(cell.id) && outputs.get(cell.id) !== outputsOf(cell))) return [];
	return cells.flatMap((cell, index) =>
		sources.has(cell.id) && sources.get(cell.id) !== sourceOf(cell) ? [index + 1] : [],
	);
}

function outputsOf(cell: Cell): string {
	return JSON.stringify([cell.execution_count, cell.outputs]);
}

async function lastCommitted(file: string): Promise<Notebook | undefined> {
	const args = ["show", `HEAD:./${path.basename(file)}`];
	const options = { cwd: path.dirname(file), maxBuffer: 2 ** 28, windowsHide: true };
	try {
		return JSON.parse((await promisify(execFile)("git", args, options)).stdout);
	} catch {
		return undefined;
	}
}
