import path from "node:path";
import { type Notebook, notebookFiles, readNotebook } from "#tools/notebooks/file";
import { sourceOf } from "#tools/notebooks/outputs";

export { codeCells, formOf, type ShownVerdict, sourceOf, textOf, verdictsOf } from "#tools/notebooks/outputs";

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

/** All texts in an output's forms, chart specs included. */
export function* stringsOf(value: unknown): Generator<string> {
	if (typeof value === "string") yield value;
	else if (Array.isArray(value)) for (const each of value) yield* stringsOf(each);
	else if (typeof value === "object" && value !== null) {
		for (const each of Object.values(value)) yield* stringsOf(each);
	}
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

/** A notebook's cells of prose. */
export function proseOf({ cells }: Notebook): string[] {
	return cells.filter(({ cell_type }) => cell_type === "markdown").map(sourceOf);
}
