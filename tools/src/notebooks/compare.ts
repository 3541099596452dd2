import { styleText } from "node:util";
import { canonicalText, formsOf, rawText, textLines } from "./canonical-text";
import type { Cell, Notebook, Output } from "./file";
import { clipped, lineDiff, paired } from "./line-diff";
import { CHART, codeCells, PICTURE, sourceOf, TABLE, TEXT, textOf } from "./outputs";
import { type VolatileCell, volatileCells } from "./volatile-cells";

/** One thing in which what is committed is not what a fresh run gives. */
export interface Difference {
	/** Counts code cells from 1, as JupyterLab's [n] does after Run All. */
	readonly cell: number;
	/** The first line of the cell's source. */
	readonly source: string;
	/** Where in the cell, and what of it: "output 2: chart differs". */
	readonly what: string;
	/** "- " as it is committed, "+ " as a fresh run gives it, "  " what stands beside them. */
	readonly lines: readonly string[];
}

/** A finding without its cell. */
type Finding = Pick<Difference, "what" | "lines">;

/**
 * Compares the committed outputs of a notebook with those of a fresh run, all forms of all of them. What may
 * differ is in normalise.ts and volatile-cells.ts, and nowhere else.
 *
 * @param name such as "02-grandchild-writes"
 */
export function compareNotebooks(
	name: string,
	committed: Notebook,
	fresh: Notebook,
	entries: readonly VolatileCell[] = volatileCells,
): Difference[] {
	const pairs = paired(codeCells(committed), codeCells(fresh), (a, b) => sourceOf(a) === sourceOf(b));
	return pairs.flatMap(({ before, after, same }, index) => {
		const source = sourceOf(after ?? before ?? { cell_type: "code", metadata: {}, source: "" });
		const entry = entries.find((each) => each.notebook === name && source.includes(each.source));
		return cellFindings(index + 1, before, after, same, entry).map((finding) => ({
			cell: index + 1,
			source: clipped(source.split("\n")[0] ?? "", 0, 80),
			...finding,
		}));
	});
}

function cellFindings(
	number: number,
	committed: Cell | undefined,
	fresh: Cell | undefined,
	sameSource: boolean,
	entry: VolatileCell | undefined,
): Finding[] {
	if (committed === undefined) return [said("it ran, and is not in the committed notebook")];
	if (fresh === undefined) return [said("it is in the committed notebook, and did not run")];
	const findings: Finding[] = [];
	if (!sameSource) {
		const what = "its source is not the one that ran: it was edited since";
		findings.push({ what, lines: lineDiff(textLines(sourceOf(committed)), textLines(sourceOf(fresh))) });
	}
	const count = committed.execution_count ?? undefined;
	if (count === undefined)
		findings.push(said("it has no number: it has not run since it was edited or cleared"));
	else if (count !== number)
		findings.push(
			said(`its number is [${count}], not [${number}]: the notebook was not run from top to bottom`),
		);
	return [...findings, ...outputFindings(committed.outputs ?? [], fresh.outputs ?? [], entry)];
}

function outputFindings(
	committed: readonly Output[],
	fresh: readonly Output[],
	entry: VolatileCell | undefined,
): Finding[] {
	if (committed.length === 0 && fresh.length > 0)
		return [said(`it is committed with no output, and gives ${fresh.map(described).join("; ")}`)];
	const isSame = (a: Output, b: Output) => kindOf(a) === kindOf(b) && formFindings(a, b, entry).length === 0;
	return paired(committed, fresh, isSame).flatMap(({ before, after }, index) => {
		const findings: Finding[] = [];
		if (before !== undefined && after !== undefined && kindOf(before) === kindOf(after)) {
			if (before.output_type === "error" || before.name === "stderr")
				findings.push(said(`${described(before)}, which no page may show`));
			findings.push(...formFindings(before, after, entry));
		} else {
			if (before !== undefined)
				findings.push(said(`it is committed, and a run does not give it: ${described(before)}`));
			if (after !== undefined)
				findings.push(said(`a run gives it, and it is not committed: ${described(after)}`));
		}
		return findings.map(({ what, lines }) => ({ what: `output ${index + 1}: ${what}`, lines }));
	});
}

/** How two outputs of one kind differ, form by form. */
function formFindings(before: Output, after: Output, entry: VolatileCell | undefined): Finding[] {
	const [had, has] = [formsOf(before), formsOf(after)];
	const findings: Finding[] = [];
	for (const mime of had.filter((each) => !has.includes(each)))
		findings.push(said(`it is committed with ${named(mime, before)}, and a run gives none`));
	for (const mime of has.filter((each) => !had.includes(each)))
		findings.push(said(`a run gives ${named(mime, after)}, too, which is not committed`));
	for (const mime of had.filter((each) => has.includes(each))) {
		if (rawText(before, mime) === rawText(after, mime)) continue;
		const [was, is] = [canonicalText(before, mime, entry), canonicalText(after, mime, entry)];
		if (was.length === is.length && was.every(({ compared }, at) => compared === is[at]?.compared)) continue;
		const word = wordFor(mime, before);
		// What tells the same as a form before it is not told twice.
		const isTwin = mime === TABLE || mime === PICTURE;
		if (isTwin && findings.length > 0) findings.push(said(`${word} differs, too`));
		else if (mime === PICTURE) findings.push(said(`${word} differs (${mime}), and nothing else does`));
		else findings.push({ what: `${word} differs`, lines: lineDiff(was, is) });
	}
	return findings;
}

function wordFor(mime: string, { data }: Output): string {
	if (mime === TABLE) return JSON.stringify(data?.[mime]).includes("<table") ? "table" : "HTML";
	return { [TEXT]: "text", [CHART]: "chart", [PICTURE]: "picture" }[mime] ?? mime;
}

function named(mime: string, output: Output): string {
	const word = wordFor(mime, output);
	return word === mime ? mime : `a ${word} (${mime})`;
}

/** Two outputs of different kinds are not the same one, changed. */
function kindOf(output: Output): string {
	return `${output.output_type} ${output.name ?? ""}`;
}

/** An output in a few words: its richest form, and how its text begins. */
function described(output: Output): string {
	const richest = formsOf(output).findLast((mime) => mime !== PICTURE) ?? TEXT;
	const what = output.output_type === "error" ? "error" : (output.name ?? wordFor(richest, output));
	return `${what} “${clipped(textOf(output).trim().split("\n")[0] ?? "", 0, 70)}”`;
}

function said(what: string): Finding {
	return { what, lines: [] };
}

/**
 * Differences as a person reads them: by notebook and cell, what was as "-" and what is as "+".
 *
 * @param page the notebook as it is named to the reader
 * @param colours for a terminal
 */
export function report(page: string, differences: readonly Difference[], colours = false): string {
	// What an output holds has no colours of its own here: they could hide what is beside them.
	const paint = (style: "bold" | "red" | "green" | "dim" | undefined, output: string): string => {
		const text = output.replaceAll("\u001b", "␛");
		return colours && style !== undefined ? styleText(style, text, { validateStream: false }) : text;
	};
	const lines: string[] = [];
	differences.forEach(({ cell, source, what, lines: detail }, at) => {
		if (cell !== differences[at - 1]?.cell) lines.push(paint("bold", `${page} cell ${cell}: ${source}`));
		lines.push(`  ${paint(undefined, what)}`);
		for (const line of detail) {
			const style = line.startsWith("- ") ? "red" : line.startsWith("+ ") ? "green" : "dim";
			lines.push(`    ${paint(style, line)}`);
		}
	});
	return lines.join("\n");
}

/** What to do about differences in these notebooks. */
export function advice(names: readonly string[]): string {
	return [
		"- is what is committed, + what a fresh run gives. If the fresh run is right, write it, look at it, commit it:",
		`  npm run notebooks ${names.join(" ")}`,
		"Numbers that no run can promise are listed, with the reason, in tools/src/notebooks/volatile-cells.ts.",
	].join("\n");
}
