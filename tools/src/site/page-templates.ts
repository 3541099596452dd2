import fs from "node:fs";
import path from "node:path";
import { Problem } from "../problem";
import { layout, numbered, SITE } from "./layout";
import type { Page } from "./pages";
import { Anchors } from "./render/anchors";
import { type Html, html } from "./render/html";
import { inRepository, isItself, isText, type Links, pageOfFile, relative } from "./render/links";
import { codeBlock, renderMarkdown } from "./render/markdown";

/** A notebook's page, with what leads on from it. */
export function notebookPage(page: Page, pages: readonly Page[]): string {
	const at = pages.indexOf(page);
	const source = html`<p class="source">This is <code>${page.source}</code>, with the outputs that are committed. To run it and change it: <code>npm start</code>.</p>`;
	const body = html`<article>
${page.body}
</article>
<footer>
${turn(pages[at - 1], pages[at + 1])}
${source}
</footer>`;
	return layout({
		path: page.page,
		title: page.title,
		body,
		pages,
		current: page,
		hasCharts: page.hasCharts,
	});
}

function turn(before: Page | undefined, after: Page | undefined): Html {
	const to = (page: Page | undefined, rel: string, word: string) =>
		page === undefined
			? html`<span></span>`
			: html`<a class="${rel}" rel="${rel}" href="${page.page}"><small>${word}</small>${numbered(page)}</a>`;
	return html`<nav class="turn" aria-label="Previous and next page">
${to(before, "prev", "← Previous")}
${to(after, "next", "Next →")}
</nav>`;
}

/** The first page: how the README opens, and all pages with what each is about. */
export function homePage(pages: readonly Page[], links: Links): string {
	const place = { file: inRepository("README.md"), page: "index.html" };
	const readme =
		fs.existsSync(place.file) && isItself(place.file) ? fs.readFileSync(place.file, "utf8") : `# ${SITE}\n`;
	const [opening = ""] = readme.split(/^## /m, 1);
	const cards = pages.map(
		(page) => html`<li class="card">
<h3><a href="${page.page}">${numbered(page)}</a></h3>
${page.opening}
${sections(page)}
</li>\n`,
	);
	const body = html`<article class="home">
<section class="prose">${renderMarkdown(opening, { place, links, anchors: new Anchors() })}</section>
<section aria-labelledby="site-all-pages">
<h2 id="site-all-pages">All pages</h2>
<ol class="cards">
${cards}</ol>
</section>
</article>`;
	return layout({ path: place.page, title: SITE, body, pages });
}

function sections(page: Page): Html {
	const own = page.headings.filter(({ level }) => level === 2);
	if (own.length === 0) return html``;
	return html`<ul class="sections">
${own.map(({ id, text }) => html`<li><a href="${page.page}#${encodeURIComponent(id)}">${text}</a></li>\n`)}</ul>`;
}

/** A text of the repository that a page links to, as a page of its own. */
export function filePage(name: string, pages: readonly Page[], links: Links): string {
	const place = { file: inRepository(name), page: pageOfFile(name) };
	const text = fs.readFileSync(place.file, "utf8");
	if (text.includes("\0"))
		throw new Problem(`${name}, which a page links to, is neither a text nor a picture`);
	const language = path.posix.extname(name).slice(1);
	const anchors = new Anchors();
	const content =
		language === "md"
			? html`<section class="prose">${renderMarkdown(text, { place, links, anchors })}</section>`
			: html`<h1>${name}</h1>\n${codeBlock(text, language)}`;
	const body = html`<article>
<p class="source">A file of the repository: <code>${name}</code></p>
${content}
</article>
<footer><p><a href="${relative(place.page, "index.html")}">All pages</a></p></footer>`;
	return layout({ path: place.page, title: name, body, pages });
}

/** Whether a file of the repository gets a page; all others are copied. */
export const hasPage = isText;
