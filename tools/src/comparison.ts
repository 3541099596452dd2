import { chartDiff } from "./chartdiff";
import { exact, type Lens, lensFor } from "./lens";
import { clipped, htmlLines, lineDiff, textLines } from "./linediff";
import type { Cell, Notebook, Output } from "./notebook";
import { CHART, codeCells, formOf, PICTURE, sourceOf, TABLE, TEXT, textOf } from "./outputs";
import { paired } from "./pairs";
import { type VolatileCell, volatileCells } from "./volatile";

/** One thing in which what is committed is not what a fresh run gives. */
export interface Difference {
	/** Counts code cells from 1, as JupyterLab's [n] does after Run All. */
	readonly cell: number;
	/** The first line of the cell's source. */
	readonly source: string;
	/** Where in the cell, and what of it: "output 2, chart: data of layer 4 (point): 1 of 3 rows differs". */
	readonly what: string;
	/** "- " as it is committed, "+ " as a fresh run gives it, "  " what stands beside them. */
	readonly lines: readonly string[];
}

/** A finding without its cell. */
type Finding = Pick<Difference, "what" | "lines">;

/**
 * Compares the committed outputs of a notebook with those of a fresh run, all forms of all of them. What may
 * differ is in normalised.ts and volatile.ts, and nowhere else.
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
		const findings = cellFindings(index + 1, before, after, same, lensFor(name, source, entries));
		return findings.map((finding) => ({
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
	lens: Lens,
): Finding[] {
	if (committed === undefined) return [said("it ran, and is not in the committed notebook")];
	if (fresh === undefined) return [said("it is in the committed notebook, and did not run")];
	const findings: Finding[] = [];
	if (!sameSource) {
		const [before, after] = [committed, fresh].map((cell) => textLines(sourceOf(cell), exact));
		findings.push({
			what: "its source is not the one that ran: it was edited since",
			lines: lineDiff(before ?? [], after ?? []),
		});
	}
	const count = committed.execution_count ?? undefined;
	if (count === undefined)
		findings.push(said("it has no number: it has not run since it was edited or cleared"));
	else if (count !== number)
		findings.push(
			said(`its number is [${count}], not [${number}]: the notebook was not run from top to bottom`),
		);
	return [...findings, ...outputFindings(committed.outputs ?? [], fresh.outputs ?? [], lens)];
}

function outputFindings(committed: readonly Output[], fresh: readonly Output[], lens: Lens): Finding[] {
	if (committed.length === 0 && fresh.length > 0)
		return [said(`it is committed with no output, and gives ${fresh.map(described).join("; ")}`)];
	const pairs = paired(
		committed,
		fresh,
		(a, b) => kindOf(a) === kindOf(b) && formFindings(a, b, lens).length === 0,
	);
	return pairs.flatMap(({ before, after }, index) => {
		const findings: Finding[] = [];
		if (before !== undefined && after !== undefined && kindOf(before) === kindOf(after)) {
			if (isBad(before)) findings.push(said(`${described(before)}, which no page may show`));
			findings.push(...formFindings(before, after, lens));
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
function formFindings(before: Output, after: Output, lens: Lens): Finding[] {
	const [had, has] = [formsOf(before), formsOf(after)];
	const findings: Finding[] = [];
	for (const mime of had) {
		if (!has.includes(mime)) findings.push(said(`it is committed with ${named(mime)}, and a run gives none`));
	}
	for (const mime of has) {
		if (!had.includes(mime)) findings.push(said(`a run gives ${named(mime)}, too, which is not committed`));
	}
	for (const mime of had.filter((each) => has.includes(each)))
		findings.push(...formDiff(mime, before, after, lens, findings.length > 0));
	return findings;
}

/** How one form differs. @param also when a form before it does: then what tells the same is not told twice */
function formDiff(mime: string, before: Output, after: Output, lens: Lens, also: boolean): Finding[] {
	const [a, b] =
		mime === TEXT ? [textOf(before), textOf(after)] : [formOf(before, mime), formOf(after, mime)];
	if (a === undefined || b === undefined || a === b) return [];
	if (mime === CHART) {
		const found = chartDiff(before.data?.[mime], after.data?.[mime], lens);
		return found.map(({ what, lines }) => ({ what: `chart, ${what}`, lines }));
	}
	const word = mime === TABLE && !a.includes("<table") ? "HTML" : wordFor(mime);
	if (mime === PICTURE) {
		if (lens.picture(a) === lens.picture(b)) return [];
		return [said(also ? `${word} differs, too` : `${word} differs (${mime}), and nothing else does`)];
	}
	const read = mime === TABLE ? htmlLines : textLines;
	const lines = lineDiff(read(a, lens), read(b, lens));
	if (lines.length === 0) return [];
	return mime === TABLE && also ? [said(`${word} differs, too`)] : [{ what: `${word} differs`, lines }];
}

/** The forms of an output, the text of a stream among them, in the order in which they are told of. */
function formsOf(output: Output): string[] {
	if (output.output_type === "stream") return [TEXT];
	const order = [TEXT, TABLE, CHART, PICTURE];
	const there = Object.keys(output.data ?? {}).sort();
	return [...order.filter((mime) => there.includes(mime)), ...there.filter((mime) => !order.includes(mime))];
}

const WORDS: Readonly<Record<string, string>> = {
	[TEXT]: "text",
	[TABLE]: "table",
	[CHART]: "chart",
	[PICTURE]: "picture",
};

function wordFor(mime: string): string {
	return WORDS[mime] ?? mime;
}

function named(mime: string): string {
	const word = WORDS[mime];
	return word === undefined ? mime : `a ${word} (${mime})`;
}

/** Two outputs of different kinds are not the same one, changed. */
function kindOf(output: Output): string {
	return `${output.output_type} ${output.name ?? ""}`;
}

function isBad(output: Output): boolean {
	return output.output_type === "error" || output.name === "stderr";
}

/** An output in a few words: its richest form, and how its text begins. */
function described(output: Output): string {
	const richest = formsOf(output).findLast((mime) => mime !== PICTURE) ?? TEXT;
	const [what, text] =
		output.output_type === "error"
			? ["error", `${output.ename}: ${output.evalue}`]
			: [output.name ?? wordFor(richest), textOf(output)];
	return `${what} “${clipped(text.trim().split("\n")[0] ?? "", 0, 70)}”`;
}

function said(what: string): Finding {
	return { what, lines: [] };
}
