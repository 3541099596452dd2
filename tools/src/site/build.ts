import fs from "node:fs";
import path from "node:path";
import { root } from "../paths";
import { Problem } from "../problem";
import { ICON } from "./layout";
import { filePage, hasPage, homePage, notebookPage } from "./page-templates";
import { type Page, renderPages } from "./pages";
import { darkSvg } from "./render/dark";
import { inRepository, Links, pageOfFile } from "./render/links";
import { darkName } from "./render/markdown";
import { sanitisedSvg } from "./render/sanitise";
import { searchScript } from "./search-index";

/** Tells a folder that a site was built into from one that holds something else. */
const MARKER = ".etcd-watch-lab-site";

/** The libraries that the pages load, copied from the packages that npm has installed. */
const libraries = {
	"vega.min.js": "vega/build/vega.min.js",
	"vega-lite.min.js": "vega-lite/build/vega-lite.min.js",
	"vega-embed.min.js": "vega-embed/build/vega-embed.min.js",
	"minisearch.js": "minisearch/dist/umd/index.js",
};
/** The site's own scripts, compiled from browser/ in this folder. */
const scripts = ["theme.js", "charts.js", "search.js", "reading.js", "reveal.js"];

/**
 * Builds the site of all notebooks into a folder, in place of the site that was there. Nothing is run and nothing
 * is fetched.
 *
 * @returns its pages, in reading order
 * @throws Problem when a notebook can't be read, or the folder holds something else
 */
export function buildSite(out: string): Page[] {
	requireOurs(out);
	const links = new Links();
	const pages = renderPages(links);
	const files = new Map<string, string>([["index.html", homePage(pages, links)]]);
	for (const page of pages) {
		files.set(page.page, notebookPage(page, pages));
		for (const [name, content] of page.files) files.set(name, content);
	}
	const copies: string[] = [];
	for (let wanted = links.takeWanted(); wanted.length > 0; wanted = links.takeWanted()) {
		for (const name of wanted) {
			if (hasPage(name)) files.set(pageOfFile(name), filePage(name, pages, links));
			else if (!/\.svg$/i.test(name)) copies.push(name);
			else {
				const svg = sanitisedSvg(fs.readFileSync(inRepository(name), "utf8"));
				files.set(pageOfFile(name), svg);
				if (name.endsWith(".svg")) files.set(darkName(pageOfFile(name)), darkSvg(svg));
			}
		}
	}
	files.set("assets/search-index.js", searchScript(pages));
	files.set("assets/icon.svg", ICON);
	files.set(MARKER, "Built by npm run site: the next build replaces this folder.\n");

	// Beside the folder, and renamed into place: a build that is interrupted leaves the old site.
	const fresh = `${out}.${process.pid}.tmp`;
	fs.rmSync(fresh, { recursive: true, force: true });
	try {
		for (const [name, content] of files) write(fresh, name, content);
		for (const name of copies) copy(inRepository(name), fresh, pageOfFile(name));
		copyAssets(fresh);
		fs.rmSync(out, { recursive: true, force: true, maxRetries: 3 });
		fs.renameSync(fresh, out);
	} finally {
		fs.rmSync(fresh, { recursive: true, force: true, maxRetries: 3 });
	}
	return pages;
}

/** Throws a Problem when the folder is there and holds anything but a site of ours. */
function requireOurs(out: string): void {
	if (!fs.existsSync(out)) return;
	if (!fs.statSync(out).isDirectory()) throw new Problem(`${out} is a file: name a folder with --out`);
	if (fs.readdirSync(out).length > 0 && !fs.existsSync(path.join(out, MARKER))) {
		throw new Problem(`${out} holds something that is no site of this lab: name another folder with --out`);
	}
}

function copyAssets(out: string): void {
	for (const [name, from] of Object.entries(libraries)) {
		copy(path.join(root, "node_modules", ...from.split("/")), out, `assets/${name}`);
	}
	for (const name of scripts) copy(path.join(__dirname, "browser", name), out, `assets/${name}`);
	copy(path.join(root, "tools", "src", "site", "browser", "site.css"), out, "assets/site.css");
}

function write(out: string, name: string, content: string): void {
	const file = path.join(out, ...name.split("/"));
	fs.mkdirSync(path.dirname(file), { recursive: true });
	fs.writeFileSync(file, content.endsWith("\n") ? content : `${content}\n`);
}

function copy(from: string, out: string, name: string): void {
	const file = path.join(out, ...name.split("/"));
	fs.mkdirSync(path.dirname(file), { recursive: true });
	fs.copyFileSync(from, file);
}
