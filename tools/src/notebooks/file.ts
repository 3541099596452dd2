import fs from "node:fs";
import path from "node:path";
import { notebooksDir, shown } from "../paths";
import { Problem } from "../problem";

/** The part of Jupyter's notebook format (4.5) that the tools use. */
export interface Notebook {
	cells: Cell[];
	metadata: Record<string, unknown>;
	nbformat: number;
	nbformat_minor: number;
}

export interface Cell {
	cell_type: "code" | "markdown" | "raw";
	id?: string;
	metadata: Record<string, unknown>;
	source: string | string[];
	execution_count?: number | null;
	outputs?: Output[];
}

export interface Output {
	output_type: "stream" | "display_data" | "execute_result" | "error";
	name?: string;
	text?: string | string[];
	data?: Record<string, unknown>;
	ename?: string;
	evalue?: string;
	traceback?: string[];
}

/** The format allows a text to be one string or its lines. */
export function joined(text: string | string[] | undefined): string {
	return typeof text === "string" ? text : (text ?? []).join("");
}

/** The files of notebooks/, in reading order; with names, only those (02-grandchild-writes, with or without .ipynb). */
export function notebookFiles(names: readonly string[] = []): string[] {
	const all = fs.existsSync(notebooksDir)
		? fs
				.readdirSync(notebooksDir)
				.filter((name) => name.endsWith(".ipynb"))
				.sort()
		: [];
	const wanted = names.map((name) => path.basename(name, ".ipynb"));
	const unknown = wanted.find((name) => !all.includes(`${name}.ipynb`));
	if (unknown !== undefined) {
		throw new Problem(
			`no notebook "${unknown}"; there are: ${all.map((name) => path.basename(name, ".ipynb")).join(", ")}`,
		);
	}
	return all
		.filter((name) => wanted.length === 0 || wanted.includes(path.basename(name, ".ipynb")))
		.map((name) => path.join(notebooksDir, name));
}

/** Reads a notebook; throws a Problem when it is none. */
export function readNotebook(file: string): Notebook {
	const text = fs.readFileSync(file, "utf8");
	let notebook: Partial<Notebook> | null;
	try {
		notebook = JSON.parse(text);
	} catch (error) {
		// The message quotes the text, line ends and all.
		const why = String(error instanceof Error ? error.message : error).replaceAll("\n", "\\n");
		throw new Problem(`${shown(file)} is not JSON: ${why}`);
	}
	const { cells, metadata, nbformat, nbformat_minor } = notebook ?? {};
	if (!Array.isArray(cells) || metadata === undefined || nbformat !== 4 || nbformat_minor === undefined) {
		throw new Problem(`${shown(file)} is not a notebook of format 4`);
	}
	return { cells, metadata, nbformat, nbformat_minor };
}

/** Writes a notebook as Jupyter does (one space, sorted keys, lines as a list), so that saving it there changes nothing. */
export function writeNotebook(file: string, notebook: Notebook): void {
	const text = `${JSON.stringify(sorted({ ...notebook, cells: notebook.cells.map(inLines) }), null, 1)}\n`;
	// Renamed into place: an interrupted run must not leave half a notebook.
	const temporary = `${file}.${process.pid}.tmp`;
	fs.writeFileSync(temporary, text);
	fs.renameSync(temporary, file);
}

function inLines(cell: Cell): Cell {
	const outputs = cell.outputs?.map((output) => {
		const data = Object.entries(output.data ?? {}).map(([mime, value]) => [
			mime,
			typeof value === "string" && !mime.endsWith("json") ? lines(value) : value,
		]);
		return {
			...output,
			...(output.text === undefined ? {} : { text: lines(joined(output.text)) }),
			...(output.data === undefined ? {} : { data: Object.fromEntries(data) }),
		};
	});
	return { ...cell, source: lines(joined(cell.source)), ...(outputs === undefined ? {} : { outputs }) };
}

/** The lines of a text, each with its line end. */
export function lines(text: string): string[] {
	return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** JSON with its keys in order: a file's are sorted when it is written, a fresh run's are not. */
export function sorted(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(sorted);
	if (!isRecord(value)) return value;
	const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
	return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]));
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
