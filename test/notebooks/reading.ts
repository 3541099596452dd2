import fs from "node:fs";
import path from "node:path";
import { type Cell, joined, type Notebook, notebookFiles, type Output, readNotebook } from "#tools/notebook";

/** A notebook as it is committed. */
export interface Page {
	/** Such as "02-grandchild-writes". */
	readonly name: string;
	readonly file: string;
	readonly notebook: Notebook;
}

/** All notebooks of the checkout, in reading order. */
export function pages(): Page[] {
	return notebookFiles().map((file) => ({
		name: path.basename(file, ".ipynb"),
		file,
		notebook: readNotebook(file),
	}));
}

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
	return Array.isArray(form) ? form.join("") : JSON.stringify(form, sortedKeys);
}

/** A file's keys are sorted when it is written, a fresh run's are not. */
function sortedKeys(_: string, value: unknown): unknown {
	if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
	return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What an output says where nothing but text can be shown. */
export function textOf(output: Output): string {
	return output.output_type === "stream" ? joined(output.text) : (formOf(output, "text/plain") ?? "");
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

/** All texts in an output's forms, chart specs included. */
export function* stringsOf(value: unknown): Generator<string> {
	if (typeof value === "string") yield value;
	else if (Array.isArray(value)) for (const each of value) yield* stringsOf(each);
	else if (typeof value === "object" && value !== null) {
		for (const each of Object.values(value)) yield* stringsOf(each);
	}
}

/** What may differ between two machines or two runs, taken out: the version, the address and the keys' root. */
export function normalised(text: string): string {
	return (
		text
			.replace(/\b3\.[45]\.\d+\b/g, "3.x.y")
			.replace(/http:\/\/127\.0\.0\.1:\d+/g, "http://127.0.0.1:port")
			.replace(/\/etcd-watch-lab-[0-9a-f]+/g, "/etcd-watch-lab-root")
			// Which of a burst's connections is served first is the server's choice.
			.replace(/, first \/noise\/\d+/g, ", first /noise/n")
	);
}

/** The names that a cell binds for the cells after it. */
export function bound(source: string): string[] {
	const names: string[] = [];
	for (const [, list = ""] of source.matchAll(/^import\s*\{([^}]*)\}/gm)) names.push(...namesIn(list));
	for (const [, name = ""] of source.matchAll(
		/^(?:export\s+)?(?:const|let|var|class|type|interface|enum|(?:async\s+)?function\*?)\s+([\w$]+)/gm,
	))
		names.push(name);
	for (const [, list = ""] of source.matchAll(/^(?:const|let|var)\s*[{[]([^}\]]*)[}\]]\s*=/gm))
		names.push(...namesIn(list));
	return names;
}

function namesIn(list: string): string[] {
	return list
		.split(",")
		.map((each) =>
			each
				.replace(/^\s*type\s+/, "")
				.replace(/^.*(?:\bas\b|:)\s*/s, "")
				.trim(),
		)
		.filter((name) => name !== "");
}

/** The addresses that a notebook's prose links to. */
export function linksOf(notebook: Notebook): string[] {
	return notebook.cells
		.filter((cell) => cell.cell_type === "markdown")
		.flatMap((cell) => [...sourceOf(cell).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = ""]) => to));
}

/** Whether a link inside the checkout leads to something. */
export function resolves(file: string, link: string): boolean {
	return fs.existsSync(path.resolve(path.dirname(file), decodeURIComponent(link.split("#")[0] ?? "")));
}
