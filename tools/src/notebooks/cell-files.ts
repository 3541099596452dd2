import fs from "node:fs";
import path from "node:path";
import { labDir, privateFolder, shown } from "../paths";
import { joined, lines, type Notebook, notebookFiles, readNotebook, writeNotebook } from "./file";

/** A place in a notebook. Cells count code cells from 1, as JupyterLab's [n] does after Run All. */
interface Place {
	notebook: string;
	cell: number;
	line: number;
}

/** Every code cell in a file of its own (for Biome), and every notebook in one module (for tsc). */
export class CellFiles {
	/** For each module's file name: where each of its lines comes from, the first line at 0. */
	private readonly modules = new Map<string, Place[]>();
	private readonly notebooks = new Map<string, Notebook>();

	/** @param folder where the code cells are laid out for Biome and tsc, which don't look into notebooks */
	private constructor(readonly folder: string) {}

	/** Lays out the cells of these notebooks in a folder of this process's own. Default: all of notebooks/. */
	static write(files: readonly string[] = notebookFiles()): CellFiles {
		const cells = new CellFiles(privateFolder(path.join(labDir, "cells")));
		for (const file of files) cells.add(file);
		return cells;
	}

	/** Takes the laid-out cells away again. */
	remove(): void {
		fs.rmSync(this.folder, { recursive: true, force: true });
	}

	get count(): number {
		return this.modules.size;
	}

	private add(file: string): void {
		const notebook = readNotebook(file);
		const folder = path.join(this.folder, path.basename(file, ".ipynb"));
		this.notebooks.set(file, notebook);
		fs.mkdirSync(folder);
		const places: Place[] = [];
		const text: string[] = [];
		codeOf(notebook).forEach((code, index) => {
			const cell = index + 1;
			fs.writeFileSync(path.join(folder, cellName(cell)), `${code}\n`);
			code.split("\n").forEach((line, at) => {
				text.push(line);
				places.push({ notebook: shown(file), cell, line: at + 1 });
			});
		});
		// The export makes it a module even if no cell imports anything.
		fs.writeFileSync(`${folder}.ts`, `${text.join("\n")}\nexport {};\n`);
		this.modules.set(path.basename(`${folder}.ts`), places);
	}

	/** Puts notebook, cell and line in the place of the laid-out files that a tool's output names. */
	translate(output: string): string {
		return output
			.replace(
				/(?:\S*[/\\])?\.lab[/\\]cells[/\\]\d+[/\\]([^/\\\s]+)[/\\]cell-(\d+)\.ts(?::(\d+):(\d+))?/g,
				(_, name, cell, line) =>
					where({ notebook: `notebooks/${name}.ipynb`, cell: Number(cell), line: Number(line) }),
			)
			.replace(/^(?:\S*[/\\])?([^/\\\s]+\.ts)\((\d+),\d+\)/gm, (original, module, line) => {
				const place = this.modules.get(module)?.[Number(line) - 1];
				return place === undefined ? original : where(place);
			});
	}

	/** Carries what a tool changed in the laid-out cells back into the notebooks; returns those that changed. */
	writeBack(): string[] {
		const changed: string[] = [];
		for (const [file, notebook] of this.notebooks) {
			const folder = path.join(this.folder, path.basename(file, ".ipynb"));
			const before = codeOf(notebook);
			const after = before.map((_, index) =>
				fs.readFileSync(path.join(folder, cellName(index + 1)), "utf8").replace(/\n$/, ""),
			);
			if (after.every((code, index) => code === before[index])) continue;
			let next = 0;
			for (const cell of notebook.cells) {
				if (cell.cell_type === "code") cell.source = lines(after[next++] ?? "");
			}
			writeNotebook(file, notebook);
			changed.push(shown(file));
		}
		return changed;
	}
}

function codeOf(notebook: Notebook): string[] {
	return notebook.cells.filter((cell) => cell.cell_type === "code").map((cell) => joined(cell.source));
}

function cellName(cell: number): string {
	return `cell-${String(cell).padStart(2, "0")}.ts`;
}

function where({ notebook, cell, line }: Place): string {
	return `${notebook} cell ${cell}${line > 0 ? ` line ${line}` : ""}`;
}
