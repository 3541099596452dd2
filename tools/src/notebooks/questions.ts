import { type Cell, joined, type Notebook } from "./file";

/** A question that a page asks before it runs the answer. Cells are counted from 0, those of text too. */
export interface Question {
	/** The cell that holds the reader's prediction. */
	readonly asked: number;
	/** The first code cell after it, which runs the answer. */
	readonly run: number;
	/** The cell that shows it beside what came. */
	readonly checked: number;
	/** The first cell after those that say what came. */
	readonly end: number;
}

/**
 * The questions of a page, in order. The answer to one goes from the cell after the prediction to the first heading after
 * the check; a section below that which does no more than look at the same run belongs to it, too.
 */
export function questionsOf({ cells }: Notebook): Question[] {
	const asked = (name: string, before: number) =>
		cells.findLastIndex(
			(cell, at) => at < before && codeOf(cell).match(new RegExp(`^const ${name}\\b`, "m")) !== null,
		);
	const questions = cells.flatMap((cell, checked): Question[] => {
		const source = codeOf(cell);
		const [, called, run] = /\bcheckPrediction\(\s*(\w+),\s*(\w+)/.exec(source) ?? [];
		// A prediction of something else than events is compared by a table of the page's own.
		const name = called ?? (/\btitle: "Your prediction/.test(source) ? boundBet(source) : undefined);
		const at = name === undefined ? -1 : asked(name, checked);
		if (at < 0) return [];
		const first = cells.findIndex((each, index) => index > at && each.cell_type === "code");
		return [{ asked: at, run: first, checked, end: endOfAnswer(cells, checked, run) }];
	});
	return questions.map((one, at) => ({
		...one,
		end: Math.min(one.end, questions[at + 1]?.asked ?? one.end),
	}));
}

function boundBet(source: string): string | undefined {
	return /\b(?:guess|bet|mine)\b/.exec(source)?.[0];
}

function codeOf(cell: Cell): string {
	return cell.cell_type === "code" ? joined(cell.source) : "";
}

function isHeading(cell: Cell | undefined): boolean {
	return cell?.cell_type === "markdown" && /^#{1,6} /.test(joined(cell.source));
}

function endOfAnswer(cells: readonly Cell[], checked: number, run: string | undefined): number {
	const next = (from: number) => {
		const at = cells.findIndex((cell, index) => index >= from && isHeading(cell));
		return at < 0 ? cells.length : at;
	};
	let end = next(checked + 1);
	if (run === undefined) return end;
	for (;;) {
		const after = next(end + 1);
		const code = cells.slice(end, after).map(codeOf).join("\n");
		const looksAtTheRun = new RegExp(`\\b${run}\\b`).test(code);
		if (end >= cells.length || !looksAtTheRun || /^(?:const|let|function)\b|\bawait\b/m.test(code))
			return end;
		end = after;
	}
}

/** A page as it is committed: in sections, and folded. */
export function asCommitted(notebook: Notebook): Notebook {
	return folded(inSections(notebook));
}

/** A page with each heading at the beginning of its cell: what comes before it is another section's. */
function inSections(notebook: Notebook): Notebook {
	const taken = new Set(notebook.cells.map(({ id }) => id));
	const cells = notebook.cells.flatMap((cell) => {
		if (cell.cell_type !== "markdown") return [cell];
		const [first = "", ...rest] = sectionsOf(joined(cell.source));
		let number = 2;
		return [
			{ ...cell, source: first },
			...rest.map((source) => {
				while (taken.has(`${cell.id}-${number}`)) number++;
				const id = `${cell.id}-${number}`;
				taken.add(id);
				return { ...cell, id, source };
			}),
		];
	});
	return { ...notebook, cells };
}

/** A text cut before each heading but one that it begins with. */
function sectionsOf(text: string): string[] {
	const sections: string[][] = [[]];
	let fenced = false;
	for (const line of text.split("\n")) {
		if (/^\s*(?:```|~~~)/.test(line)) fenced = !fenced;
		const last = sections.at(-1) ?? [];
		// A heading right below another one, or below its blank line, is of the same section.
		const isBelowText = last.some((each) => each.trim() !== "" && !/^#{1,6} /.test(each));
		if (!fenced && /^#{1,6} /.test(line) && isBelowText) sections.push([line]);
		else last.push(line);
	}
	return sections.map((section) => section.join("\n").trimEnd());
}

/**
 * A page whose outputs, and whose texts that say what came of a prediction, JupyterLab shows when their cells are run, and
 * so not before the reader has predicted. Code hosts do not look at these marks and show all.
 */
function folded(notebook: Notebook): Notebook {
	const answers = questionsOf(notebook);
	const isAnswer = (at: number) => answers.some(({ run, end }) => run < at && at < end);
	const cells = notebook.cells.map((cell, at) => {
		const { jupyter, collapsed: _, ...metadata } = cell.metadata;
		const others = Object.entries(jupyter ?? {}).filter(
			([name]) => !/^(?:outputs|source)_hidden$/.test(name),
		);
		const marks = {
			...Object.fromEntries(others),
			...(cell.outputs !== undefined && cell.outputs.length > 0 ? { outputs_hidden: true } : {}),
			...(cell.cell_type === "markdown" && isAnswer(at) && !isHeading(cell) ? { source_hidden: true } : {}),
		};
		return {
			...cell,
			metadata: Object.keys(marks).length === 0 ? metadata : { ...metadata, jupyter: marks },
		};
	});
	return { ...notebook, cells };
}
