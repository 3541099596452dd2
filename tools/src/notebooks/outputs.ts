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
