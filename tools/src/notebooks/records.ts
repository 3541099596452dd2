import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { notebooksDir } from "../paths";
import type { Notebook, Output } from "./file";
import { codeCells, sourceOf } from "./outputs";

/**
 * What a page gave on the lab's own etcd, for a server without v2 and one that is not the lab's to hurt: a line each, of
 * an experiment or of a cell.
 */
type RecordLine =
	/** Written by lib/src/scenario/recorded.ts, which reads it, too. */
	| { readonly key: string; readonly name: string; readonly etcd: string; readonly value: unknown }
	/** A cell that asks the v2 API itself, by its source. */
	| { readonly cell: string; readonly etcd: string; readonly outputs: readonly Output[] };

/** Where the records are, a file for each page. */
export const recordsDir = path.join(notebooksDir, "recorded");

export function recordsFile(notebook: string): string {
	return path.join(recordsDir, `${path.basename(notebook, ".ipynb")}.ndjson.gz`);
}

/** The lines of a file of records; none where there is no such file. */
export function readRecords(file: string): readonly RecordLine[] {
	if (!fs.existsSync(file)) return [];
	return parsed(gunzipSync(fs.readFileSync(file)).toString("utf8"));
}

/** What a run of the page has noted, by ETCD_WATCH_LAB_RECORD, and its cells that ask v2 themselves. */
export function recordsOf(noted: string, notebook: Notebook): readonly RecordLine[] {
	const values = parsed(fs.readFileSync(noted, "utf8"));
	const [{ etcd } = { etcd: "" }] = values;
	const cells = codeCells(notebook).flatMap((cell): RecordLine[] => {
		const source = sourceOf(cell);
		return asksV2(source) ? [{ cell: hashOf(source), etcd, outputs: cell.outputs ?? [] }] : [];
	});
	const all = new Map([...values, ...cells].map((line) => [nameOf(line), line]));
	return [...all.values()];
}

/**
 * Writes a page's file of records. What is there already is kept, so that a run changes nothing by its races: to have
 * it made anew, remove the file.
 */
export function writeRecords(file: string, fresh: readonly RecordLine[]): void {
	const before = new Map(readRecords(file).map((line) => [nameOf(line), line]));
	const lines = fresh.map((line) => JSON.stringify(before.get(nameOf(line)) ?? line));
	fs.mkdirSync(path.dirname(file), { recursive: true });
	fs.writeFileSync(file, gzipSync(`${lines.join("\n")}\n`, { level: 9 }));
}

/** What a cell of that source gave, of any page; undefined where none was recorded. */
export function recordedCell(
	source: string,
): { readonly etcd: string; readonly outputs: readonly Output[] } | undefined {
	const hash = hashOf(source);
	const files = fs.existsSync(recordsDir) ? fs.readdirSync(recordsDir) : [];
	for (const name of files) {
		for (const line of readRecords(path.join(recordsDir, name)))
			if ("cell" in line && line.cell === hash) return line;
	}
	return undefined;
}

/** Which experiment or cell a record is of. */
export function nameOf(line: RecordLine): string {
	return "key" in line ? line.key : line.cell;
}

function asksV2(source: string): boolean {
	return /\.v2\b/.test(source);
}

function hashOf(source: string): string {
	return createHash("sha256").update(source.trim()).digest("hex").slice(0, 16);
}

function parsed(text: string): RecordLine[] {
	return text
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line));
}
