import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { type Cell, joined, type Notebook, type Output, sorted } from "./file";

export const CHART = "application/vnd.vegalite.v5+json";
export const PICTURE = "image/svg+xml";
export const TABLE = "text/html";
export const TEXT = "text/plain";

export function codeCells(notebook: Notebook): Cell[] {
	return notebook.cells.filter((cell) => cell.cell_type === "code");
}

export function sourceOf(cell: Cell): string {
	return joined(cell.source);
}

/** One form of an output, such as its text/plain, as text; undefined if it has no such form. */
export function formOf(output: Output, mime: string): string | undefined {
	const form = output.data?.[mime];
	if (form === undefined) return undefined;
	if (typeof form === "string") return form;
	return Array.isArray(form) ? form.join("") : JSON.stringify(sorted(form));
}

/** What an output says where nothing but text can be shown. */
export function textOf(output: Output): string {
	if (output.output_type === "error") return `${output.ename}: ${output.evalue}`;
	return output.output_type === "stream" ? joined(output.text) : (formOf(output, TEXT) ?? "");
}

export interface ShownVerdict {
	/** Counts code cells from 1, as JupyterLab's [n] does after Run All. */
	readonly cell: number;
	readonly claim: string;
	readonly verdict: "confirmed" | "refuted" | "untested";
}

/** What showVerdict showed, in order. */
export function verdictsOf(notebook: Notebook): ShownVerdict[] {
	return codeCells(notebook).flatMap((cell, index) =>
		(cell.outputs ?? []).flatMap((output) => {
			const [, verdict, claim] =
				/^[✓✗?] (confirmed|refuted|untested): (.+)$/m.exec(textOf(output).split("\n")[0] ?? "") ?? [];
			if (claim === undefined) return [];
			if (verdict !== "confirmed" && verdict !== "refuted" && verdict !== "untested") return [];
			return [{ cell: index + 1, claim, verdict }];
		}),
	);
}

/**
 * The code cells, by number, that were edited since the last commit in a notebook no output of which has changed
 * since: it was not run again. A notebook does not keep the source that its outputs come from; git does.
 * None where there is no git or no commit of the notebook.
 */
export async function editedCells(file: string, notebook: Notebook): Promise<number[]> {
	const last = await lastCommitted(file);
	if (last === undefined) return [];
	const sources = new Map(codeCells(last).map((cell) => [cell.id, sourceOf(cell)]));
	const outputs = new Map(codeCells(last).map((cell) => [cell.id, runOf(cell)]));
	const cells = codeCells(notebook);
	if (cells.some((cell) => outputs.has(cell.id) && outputs.get(cell.id) !== runOf(cell))) return [];
	return cells.flatMap((cell, index) =>
		sources.has(cell.id) && sources.get(cell.id) !== sourceOf(cell) ? [index + 1] : [],
	);
}

function runOf(cell: Cell): string {
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
