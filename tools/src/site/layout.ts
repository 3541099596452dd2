import type { Page } from "./pages";
import { type Html, html, trusted } from "./render/html";

/** One page of the site, around its content. */
export interface Layout {
	/** The page's own path in the site: decides how it names the others. */
	readonly path: string;
	readonly title: string;
	readonly body: Html;
	readonly pages: readonly Page[];
	/** The page in the contents that this is, if it is one. */
	readonly current?: Page;
	readonly hasCharts?: boolean;
}

/** The name that the site goes by. */
export const SITE = "etcd-watch-lab";

/**
 * What a page may do, whatever stands in its notebook: run and load the site's own files, and nothing else. Vega
 * writes styles into the page, and its interpreter needs no 'unsafe-eval'.
 */
const POLICY = [
	"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:",
	"base-uri 'none'; form-action 'none'",
].join("; ");

/** The scripts that draw charts, in the order in which they need each other. */
const chartScripts = ["vega.min.js", "vega-lite.min.js", "vega-embed.min.js", "charts.js"];

/** The whole page. Its scripts are classic ones: a browser loads no modules from a file. */
export function layout({ path, title, body, pages, current, hasCharts = false }: Layout): string {
	const top = "../".repeat(path.split("/").length - 1);
	const isHome = path === "index.html";
	const asset = (name: string) => `${top}assets/${name}`;
	const scripts = [...(hasCharts ? chartScripts : []), "search.js", "reading.js", "reveal.js"];
	return html`<!doctype html>
<html lang="en">
<head>
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="${SITE}">
<title>${isHome ? SITE : `${title} · ${SITE}`}</title>
<link rel="icon" href="${asset("icon.svg")}">
<link rel="stylesheet" href="${asset("site.css")}">
<script src="${asset("theme.js")}"></script>
${scripts.map((name) => html`<script src="${asset(name)}" defer></script>\n`)}</head>
<body data-top="${top}">
<a class="skip" href="#site-content">Skip to the content</a>
<header class="bar">
<a class="brand" href="${top}index.html">${LOGO}<span>${SITE}</span></a>
<a class="to-contents" href="#site-contents">Contents</a>
<button type="button" class="search-button" data-opens-search hidden>Search <kbd>/</kbd></button>
<button type="button" class="theme-button" data-switches-theme hidden><span aria-hidden="true">◐</span><span class="label"></span></button>
</header>
<div class="columns">
<main id="site-content" tabindex="-1">
${body}
</main>
${contents(pages, current, top, isHome)}
</div>
${searchDialog()}
</body>
</html>
`.markup;
}

/** All pages, and below the one that is being read its headings. */
function contents(pages: readonly Page[], current: Page | undefined, top: string, isHome: boolean): Html {
	const item = (
		page: Page,
	) => html`<li><a href="${top}${page.page}"${page === current ? html` aria-current="page"` : ""}>${numbered(page)}</a>
${page === current ? headingsOf(page) : ""}</li>\n`;
	return html`<nav id="site-contents" class="contents" aria-label="Contents" tabindex="-1">
<p class="nav-title"><a href="${top}index.html"${isHome ? html` aria-current="page"` : ""}>Contents</a></p>
<ol class="pages">
${pages.map(item)}</ol>
</nav>`;
}

/** A page's number and title, as the contents show them. */
export function numbered({ number, title }: Page): Html {
	return html`${number === "" ? "" : html`<span class="number">${number}</span> `}<span>${title}</span>`;
}

function headingsOf(page: Page): Html {
	const below = page.headings.filter(({ level }) => level === 2 || level === 3);
	if (below.length === 0) return html``;
	return html`<ol class="headings">
${below.map(({ level, id, text }) => html`<li class="level-${level}"><a href="#${encodeURIComponent(id)}">${text}</a></li>\n`)}</ol>`;
}

/** Hidden until it is opened by a script, without which there is no search. */
function searchDialog(): Html {
	return html`<dialog id="site-search" class="search" aria-label="Search all pages">
<form method="dialog" role="search">
<label for="site-search-words">Search all pages</label>
<div class="search-line">
<input id="site-search-words" type="search" autocomplete="off" spellcheck="false" placeholder="waitIndex, 401, hidden keys …">
<button type="submit">Close</button>
</div>
</form>
<p id="site-search-state" class="search-state" role="status"></p>
<ol id="site-search-results" class="search-results"></ol>
<p class="search-keys"><kbd>↓</kbd> <kbd>↑</kbd> choose, <kbd>Enter</kbd> goes there, <kbd>Esc</kbd> closes</p>
</dialog>`;
}

/** A write, and the watcher that was told of it. */
const LOGO = trusted(
	`<svg class="logo" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true"><path d="M3 6h18M3 18h18" stroke="currentColor" stroke-width="1.5" opacity=".45"/><path d="M8 6v12" stroke="currentColor" stroke-width="1.5"/><circle cx="8" cy="6" r="3.2" fill="#0072B2"/><circle cx="8" cy="18" r="3.2" fill="#0072B2"/><path d="m14.4 3.4 5.2 5.2m0-5.2-5.2 5.2" stroke="#D55E00" stroke-width="2"/></svg>`,
);

/** The same as the browser's icon. */
export const ICON = `${LOGO.markup.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ').replaceAll("currentColor", "#808080")}\n`;
