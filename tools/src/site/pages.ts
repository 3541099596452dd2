import path from "node:path";
import { joined, type Notebook, notebookFiles, readNotebook } from "../notebooks/file";
import { questionsOf } from "../notebooks/questions";
import { shown } from "../paths";
import { Problem } from "../problem";
import { Anchors, type Heading } from "./render/anchors";
import { type Html, html } from "./render/html";
import { isItself, type Links, pageOfNotebook } from "./render/links";
import { codeBlock, type Prose, renderMarkdown } from "./render/markdown";
import { renderOutput } from "./render/outputs";
import { allAnswers, asked } from "./reveal";

/** A notebook as a page of the site. */
export interface Page {
	/** Such as "02-grandchild-writes.html". */
	readonly page: string;
	/** The number that its name begins with, such as "02"; "" if it begins with none. */
	readonly number: string;
	/** Its H1. */
	readonly title: string;
	/** The first paragraph below the title. */
	readonly opening: Html;
	readonly headings: readonly Heading[];
	readonly body: Html;
	/** The pictures of its charts, by their path in the site. */
	readonly files: ReadonlyMap<string, string>;
	readonly hasCharts: boolean;
	/** The path of the notebook, from the checkout. */
	readonly source: string;
	readonly notebook: Notebook;
}

/** Reads and renders all notebooks, in reading order. @throws Problem for one that can't be read */
export function renderPages(links: Links): Page[] {
	const files = notebookFiles();
	if (files.length === 0) throw new Problem("the folder notebooks has no notebook: git checkout notebooks");
	for (const file of files) {
		// It becomes the page's address, and a part of other files' names.
		if (!/^[0-9a-z-]+\.ipynb$/.test(path.basename(file)))
			throw new Problem(
				`${shown(file)} can't be a page: rename it with small letters, digits and hyphens alone`,
			);
		if (!isItself(file)) throw new Problem(`${shown(file)} is a symbolic link, which may lead anywhere`);
	}
	return files.map((file) => renderPage(file, readNotebook(file), links));
}

/** Renders one notebook. Nothing is run: the outputs are those in the file. */
export function renderPage(file: string, notebook: Notebook, links: Links): Page {
	const page = pageOfNotebook(file);
	const prose: Prose = { place: { file, page }, links, anchors: new Anchors() };
	const files = new Map<string, string>();
	let charts = 0;
	const collector = {
		nextChart: () => `${path.basename(file, ".ipynb")}-${++charts}`,
		add: (more: ReadonlyMap<string, string>) => {
			for (const [name, content] of more) files.set(name, content);
		},
	};
	const cells = notebook.cells.map((cell, at) => {
		try {
			const source = joined(cell.source);
			if (cell.cell_type === "markdown") {
				return html`<section class="prose">${renderMarkdown(source, prose)}</section>\n`;
			}
			if (cell.cell_type === "raw") return html`<pre class="text scrolls">${source}</pre>\n`;
			const outputs = (cell.outputs ?? []).map((output) => renderOutput(output, prose, collector));
			const shown = outputs.filter(({ markup }) => markup !== "");
			return html`<div class="cell">
${source.trim() === "" ? "" : codeBlock(source, "typescript")}
${shown.length === 0 ? "" : html`<div class="outputs">${shown}</div>`}
</div>\n`;
		} catch (error) {
			if (error instanceof Problem) throw error;
			throw new Problem(`${shown(file)} cell ${at + 1} can't be rendered: ${String(error)}`);
		}
	});
	const questions = questionsOf(notebook);
	const body = cells.map((cell, at) => {
		const question = questions.find((one) => one.asked < at && at < one.end);
		if (question === undefined) return cell;
		// The first cell of an answer holds all of it.
		return at === question.asked + 1 ? asked(question, notebook, cells.slice(at, question.end)) : html``;
	});
	const { headings } = prose.anchors;
	const title = headings.find(({ level }) => level === 1)?.text;
	if (title === undefined) throw new Problem(`${shown(file)} has no title: its first cell begins with "# "`);
	return {
		page,
		number: /^\d+/.exec(page)?.[0] ?? "",
		title,
		opening: openingOf(notebook, prose),
		headings,
		body: html`${questions.length > 0 && allAnswers}${body}`,
		files,
		hasCharts: charts > 0,
		source: shown(file),
		notebook,
	};
}

function openingOf(notebook: Notebook, { place, links }: Prose): Html {
	const first = notebook.cells.find((cell) => cell.cell_type === "markdown");
	const paragraphs = joined(first?.source).split(/\n\s*\n/);
	const opening = paragraphs.find((paragraph) => !/^\s*(?:#|$)/.test(paragraph)) ?? "";
	// On the home page, which lies beside this one.
	return renderMarkdown(opening, { place, links, anchors: new Anchors() });
}
