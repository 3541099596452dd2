import assert from "node:assert/strict";
import path from "node:path";
import vm from "node:vm";
import { tableOf, verdictView } from "#lib/page";
import type { Cell, Notebook, Output } from "#tools/notebooks/file";
import { root } from "#tools/paths";
import { renderPage } from "#tools/site/pages";
import { Anchors } from "#tools/site/render/anchors";
import { highlighted } from "#tools/site/render/highlight";
import { html, jsonForScript, trusted } from "#tools/site/render/html";
import { Links } from "#tools/site/render/links";
import { type Prose, renderMarkdown, textOfHtml } from "#tools/site/render/markdown";
import { textForm } from "#tools/site/render/output-text";
import { renderOutput } from "#tools/site/render/outputs";
import { sanitisedSvg } from "#tools/site/render/sanitise";
import { sectionsOf } from "#tools/site/search-index";
import { fetchingSpecs, withEmbedOptions } from "../../support/hostile-notebook";
import { pages } from "../notebooks/reading";

const file = path.join(root, "notebooks", "00-start-here.ipynb");

function prose(): Prose {
	return { place: { file, page: "00-start-here.html" }, links: new Links(), anchors: new Anchors() };
}

const rendered = (markdown: string): string => renderMarkdown(markdown, prose()).markup;

function shown(output: Output): string {
	return renderOutput(output, prose(), { nextChart: () => "chart", add: () => {} }).markup;
}

const display = (data: Record<string, unknown>): Output => ({ output_type: "display_data", data });
const markdown = (source: string): Cell => ({ cell_type: "markdown", metadata: {}, source });
const notebookOf = (...cells: Cell[]): Notebook => ({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 });

describe("the site's templates", () => {
	it("escape every value that is not markup already, in text and in attributes", () => {
		const hostile = `"><script>alert('1')</script>&`;
		const page = html`<p title="${hostile}">${hostile}${[hostile, trusted("<b>kept</b>")]}${undefined}</p>`
			.markup;
		assert.doesNotMatch(page, /<script|"><|'|&(?!#\d+;)/);
		assert.match(page, /<b>kept<\/b><\/p>$/);
	});

	it("let no string of a chart end the script element that holds it", () => {
		const value = { key: "</script><script>alert(1)</script><!--" };
		const script = jsonForScript(value).markup;
		assert.doesNotMatch(script, /</);
		assert.deepEqual(JSON.parse(script), value);
	});

	it("mark TypeScript's words, and escape the code in a known and in an unknown language", () => {
		const code = 'const key = "<img src=x>";';
		assert.match(highlighted(code, "ts").markup, /<span class="hljs-keyword">const<\/span>/);
		for (const language of ["ts", "cobol"]) {
			assert.doesNotMatch(highlighted(code, language).markup, /<img/);
			assert.match(highlighted(code, language).markup, /img src=x/);
		}
	});
});

describe("the site's markdown", () => {
	it("gives headings the ids that JupyterLab gives them, and a number to the second of two", () => {
		const context = prose();
		const markup = renderMarkdown("## What, `you` & me?\n\n## Twice\n\n### Twice", context).markup;
		assert.deepEqual(context.anchors.headings, [
			{ level: 2, text: "What, you & me?", id: "What,-you-&-me?" },
			{ level: 2, text: "Twice", id: "Twice" },
			{ level: 3, text: "Twice", id: "Twice-2" },
		]);
		assert.match(markup, /<h2 id="What,-you-&amp;-me\?">/);
		assert.match(markup, /<a class="anchor" href="#What%2C-you-%26-me%3F"/);
	});

	it("drops what could run or load, and keeps the words", () => {
		const markup = rendered(
			[
				"<script>alert(1)</script>",
				'<p onclick="alert(2)" style="position: fixed">kept</p>',
				"[a](javascript:alert(3)) and <iframe src='https://example.com'></iframe>",
				"![far](https://example.com/x.png) <img src='https://example.com/y.png'>",
			].join("\n\n"),
		);
		assert.doesNotMatch(markup, /script|alert|onclick|position|iframe|<img[^>]*https/);
		assert.match(markup, /<p>kept<\/p>/);
		assert.match(markup, /<a href="https:\/\/example\.com\/x\.png">far<\/a>/);
	});

	it("lets nothing be taken for a part of the site: ids of its own, classes of none", () => {
		const context = prose();
		const markup = renderMarkdown(
			[
				"## site-search",
				'<b id="site-search">x</b> <p id="site-content" class="bar skip language-sh search">y</p>',
				'<p id="mine" class="search">z</p> <SPAN ID="site-contents">w</SPAN>',
			].join("\n\n"),
			context,
		).markup;
		assert.deepEqual(
			[...markup.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id),
			["-site-search", "mine"],
		);
		assert.deepEqual(
			[...markup.matchAll(/ class="([^"]*)"/g)].map(([, name]) => name),
			["anchor", "language-sh"],
		);
		assert.match(markup, /<a class="anchor" href="#-site-search"/);
		const output = shown(
			display({ "text/html": '<b id="site-search" class="only-dark hljs-x language-ts">x</b>' }),
		);
		assert.match(output, /<b class="language-ts">x<\/b>/);
	});

	it("puts a table and a block of code into a box that scrolls", () => {
		const table = rendered("| a |\n|---|\n| 1 |");
		assert.match(table, /<div class="table scrolls"><table>[\s\S]*<\/table><\/div>/);
		const code = rendered("```ts\nconst a = 1;\n```");
		assert.match(code, /<pre class="code scrolls"><code><span class="hljs-keyword">/);
	});

	it("leads from notebook to notebook by their pages, to the same heading", () => {
		for (const [to, address] of [
			["03-missed-events.ipynb#The-hypothesis", "03-missed-events.html#The-hypothesis"],
			["#A-hypothesis", "#A-hypothesis"],
			["https://github.com/etcd-io/etcd/issues/2039", "https://github.com/"],
		])
			assert.ok(rendered(`[x](${to})`).includes(`<a href="${address}`), to);
	});
});

describe("the site, of what is long and made to take the square of its length", () => {
	/** Each takes more than a minute where it does, and milliseconds where it does not. */
	const MOST_MS = 10_000;
	const many = (text: string) => text.repeat(600_000);
	const ended = (work: () => unknown): unknown =>
		vm.runInNewContext("work()", { work }, { timeout: MOST_MS });

	it("reads tags that do not end", () => {
		assert.equal(String(ended(() => textOfHtml(`a${many("<")}`))).length, 600_001);
		assert.equal(textOfHtml("<b>a</b> 1 < 2 <i>b</i>"), "a 1 < 2 b");
	});

	it("reads a heading of spaces", () => {
		const page = (source: string) => {
			const notebook = notebookOf(markdown(source));
			const told = { page: "00-one.html", number: "00", title: "One", source: "notebooks/00-one.ipynb" };
			const shown = { opening: html``, headings: [], body: html``, files: new Map(), hasCharts: false };
			return sectionsOf([{ ...told, ...shown, notebook }]).map(({ heading }) => heading);
		};
		for (const [source, heading] of [
			[`# ${many(" ")}a`, "a"],
			[`# a${many("#")}b ##`, `a${many("#")}b`],
		] as const)
			assert.deepEqual(
				ended(() => page(source)),
				[heading],
			);
		assert.deepEqual(page("##  Of two  words ## \n\n# \n\n#none\n"), ["Of two words", ""]);
	});

	it("shows an output of line ends", () => {
		const text = `${many("\n")}a\n\n`;
		const markup = String(ended(() => shown({ output_type: "stream", name: "stdout", text })));
		assert.ok(markup.endsWith("\na</pre>"));
	});
});

describe("the site's links", () => {
	const notebook = { file, page: "00-start-here.html" };

	it("give a text of the repository a page, and copy a picture", () => {
		const links = new Links();
		assert.equal(links.resolve("../CONTRIBUTING.md#add", notebook), "files/CONTRIBUTING.md.html#add");
		assert.equal(links.resolve("../lib/src/index.ts", notebook), "files/lib/src/index.ts.html");
		const picture = "pictures/the-posts-run.svg";
		assert.equal(links.resolve(picture, notebook), `files/notebooks/${picture}`);
		assert.deepEqual(links.takeWanted(), ["CONTRIBUTING.md", "lib/src/index.ts", `notebooks/${picture}`]);
		assert.deepEqual(links.takeWanted(), [], "each is asked for once");
	});

	it("find the way back from a page further down", () => {
		const page = { file: path.join(root, "lib", "src", "x.md"), page: "files/lib/src/x.md.html" };
		const to = new Links().resolve("../../notebooks/01-recursive.ipynb", page);
		assert.equal(to, "../../../01-recursive.html");
	});

	it("lead nowhere for a folder, and complain of what is not there or outside", () => {
		assert.equal(new Links().resolve("../lib/src", notebook), undefined);
		for (const nowhere of ["99-none.ipynb", "../../etc/passwd"]) {
			assert.throws(() => new Links().resolve(nowhere, notebook), {
				name: "Problem",
				message: `notebooks/00-start-here.ipynb links to ${nowhere}, and there is no such file`,
			});
		}
	});
});

describe("the site's outputs", () => {
	it("show the richest form that there is", () => {
		const data = {
			"text/plain": ["plain\n"],
			"text/html": ["<table><tbody><tr><td>", "table</td></tr></tbody></table>"],
			"image/svg+xml": '<svg viewBox="0 0 7 5" aria-label="A &amp; B"><desc>c</desc></svg>',
		};
		assert.match(shown(display(data)), /^<div class="rendered"><div class="table scrolls"><table>/);
		const chart = shown(display({ ...data, "application/vnd.vegalite.v5+json": { mark: "bar" } }));
		assert.match(
			chart,
			/<script type="application\/json">\{"light":\{"mark":"bar"\},"dark":\{"mark":"bar"\}\}/,
		);
		assert.match(
			chart,
			/<img class="only-light" src="charts\/chart\.svg" alt="A &#38; B\. c"[^>]* width="7" height="5">/,
		);
		assert.match(chart, /<pre class="scrolls">plain<\/pre>/);
		assert.match(shown(display({ "text/plain": "a < b" })), /<pre class="text scrolls">a &#60; b<\/pre>/);
	});

	it("let no output run or load anything", () => {
		const hostile =
			'<img src=x onerror=alert(1)><script>alert(2)</script><td style="background: url(https://a.b)">';
		assert.doesNotMatch(shown(display({ "text/html": hostile })), /onerror|script|url\(/);
		for (const output of [
			display({ "text/plain": hostile }),
			{ output_type: "stream", name: "stdout", text: hostile } as const,
			{ output_type: "error", ename: "E", evalue: hostile, traceback: [hostile] } as const,
		]) {
			assert.doesNotMatch(shown({ ...output } as Output), /<(?:img|script|td)/);
		}
	});

	it("leave it to the page how a chart is drawn, and refuse one that would load something", () => {
		const chart = (spec: unknown) => shown(display({ "application/vnd.vegalite.v5+json": spec }));
		for (const [name, spec] of Object.entries(fetchingSpecs("https://a.b"))) {
			if (name.startsWith("embed-")) assert.doesNotMatch(chart(spec), /usermeta|a\.b/, name);
			else assert.throws(() => chart(spec), /a chart names url .*: it has to hold what it shows/, name);
		}
		const script = withEmbedOptions({
			sourceHeader: "<script>alert(1)</script>",
			editorUrl: "javascript:alert(1)",
		});
		assert.doesNotMatch(chart(script), /alert|usermeta/);
		for (const spec of [
			{ layer: [{ mark: "point", encoding: { href: { value: "https://a.b" } } }] },
			{ data: { values: [{ tip: { image: "https://a.b" } }] } },
			{ data: { url: { signal: "'https://a.b'" } } },
		]) {
			assert.throws(() => chart(spec), /a chart names (?:href|image|url) /);
		}
		assert.throws(() => chart("https://a.b/spec.json"), /a chart is no object/);
		assert.match(chart({ mark: { type: "image", url: "data:image/png;base64,AA==" } }), /data:image/);
	});

	it("let no picture run or load anything when it is opened by itself", () => {
		let files: ReadonlyMap<string, string> = new Map();
		const add = (more: ReadonlyMap<string, string>) => {
			files = new Map([...files, ...more]);
		};
		const parts = [
			"<script>run()</script><script href='https://a.b/x.js'/><x:script xmlns:x='http://www.w3.org/2000/svg'>run()</x:script>",
			"<foreignObject><iframe xmlns='http://www.w3.org/1999/xhtml' src='https://a.b'/></foreignObject>",
			"<g onload='run()' onclick='run()' ONLOAD='run()'><path d='M0 0' fill='#ff0000'/></g>",
			"<a href='javascript:run()'><text aria-label='url(&quot;x&quot;)'>kept</text></a>",
			"<image href='https://a.b/i.png'/><use href='https://a.b/x.svg#y'/><use xlink:href='#own'/>",
			"<style>@import 'https://a.b/x.css'</style><g style='fill:url(https://a.b/s)'/>",
			"<rect fill='url(https://a.b/f)' mask='u\\72l(https://a.b/m)' cursor='image-set(\"https://a.b/c\" 1x)'/>",
			"<animate attributeName='href' to='javascript:run()'/><set attributeName='onclick' to='run()'/>",
			"<rect clip-path='url(#own)' transform='translate(1,2)'/>",
			"<![CDATA[<script>run()</script>]]>",
		];
		const head =
			'<?xml-stylesheet href="https://a.b/x.xsl"?><!DOCTYPE svg [<!ENTITY e "<script>run()</script>">]>';
		const svg = `${head}<svg viewBox="0 0 1 1" onload="run()">${parts.join("")}&e;</svg>`;
		const hostile = display({ "image/svg+xml": svg });
		renderOutput(hostile, prose(), { nextChart: () => "chart", add });
		const made = files.get("charts/chart.svg") ?? "";
		assert.equal(files.size, 2, "the dark one, too");
		for (const each of files.values()) {
			assert.doesNotMatch(each, /<(?![/]?(?:svg|g|path|text|use|rect)\b)|<!|<\?|\son|javascript|a\.b|72l/i);
		}
		assert.match(
			made,
			/<path d="M0 0" fill="#ff0000"><\/path><\/g><text aria-label="[^"]*x[^"]*">kept<\/text>/,
		);
		assert.match(made, /<use xlink:href="#own">/);
		assert.match(made, /clip-path="url\(#own\)" transform="translate\(1,2\)"/);
	});

	it("keep every committed picture as it is, tag by tag", () => {
		const start = /<\w+[^>]*>/g;
		let count = 0;
		for (const { notebook } of pages())
			for (const { data } of notebook.cells.flatMap((cell) => cell.outputs ?? [])) {
				const svg = textForm(data ?? {}, "image/svg+xml");
				if (svg === undefined) continue;
				count++;
				const tags = (text: string) =>
					[...text.matchAll(start)].map(([tag]) =>
						tag.replace(/ d=""|\s*\/(?=>$)/g, "").replaceAll("&apos;", "'"),
					);
				assert.deepEqual(tags(sanitisedSvg(svg)), tags(svg));
			}
		assert.ok(count > 0);
	});

	it("show an error without a terminal's colours", () => {
		const traceback = ["\u001b[31mE: x\u001b[0m"];
		const error: Output = { output_type: "error", ename: "E", evalue: "x", traceback };
		assert.equal(shown(error), '<pre class="text scrolls error">E: x</pre>');
	});

	it("leave a verdict its class, from the lab's own markup, and nothing else a class of the site", () => {
		for (const verdict of ["confirmed", "refuted", "untested"] as const) {
			const { html } = verdictView({ claim: "a", verdict, because: "b", evidence: [] });
			assert.match(shown(display({ "text/html": html })), new RegExp(`<div class="verdict ${verdict}">`));
		}
		assert.doesNotMatch(shown(display({ "text/html": '<div class="page-head">x</div>' })), /page-head/);
	});
});

describe("a page of the site", () => {
	const page = (...sources: string[]) => notebookOf(...sources.map(markdown));

	it("has the notebook's title, number, opening and headings", () => {
		const made = renderPage(file, page("# Is it so?\n\nThe opening.\n\nMore.", "## Yes"), new Links());
		assert.deepEqual([made.number, made.title, made.page], ["00", "Is it so?", "00-start-here.html"]);
		assert.equal(made.opening.markup.trim(), "<p>The opening.</p>");
		assert.deepEqual(
			made.headings.map(({ text }) => text),
			["Is it so?", "Yes"],
		);
	});

	it("says which notebook has no title, and which links into nothing", () => {
		assert.throws(
			() => renderPage(file, page("## Only this"), new Links()),
			/notebooks\/00-start-here\.ipynb has no title/,
		);
		assert.throws(() => renderPage(file, page("# a\n\n[b](c.ipynb)"), new Links()), /links to c\.ipynb/);
	});
});

describe("a question on the site", () => {
	const cell = (source: string, markup?: string) => ({
		cell_type: "code" as const,
		metadata: {},
		source,
		outputs: markup === undefined ? [] : [display({ "text/html": markup })],
	});
	const page = (table: string | undefined) =>
		renderPage(
			file,
			notebookOf(
				markdown("# Why?"),
				cell('const guess = predict({ "<b>": [1], w: "none" });'),
				cell("const seen = await x.run(etcd);\ncheckPrediction(guess, seen);", table),
				...[markdown("**Surprise.**"), markdown("## Next")],
			),
			new Links(),
		).body.markup;
	const events = (name: string) =>
		tableOf({
			title: "Your prediction, and what came",
			columns: ["watcher", "write", "what", "predicted", "came", "right?", "why"],
			rows: [
				[name, 2, "set /a/2", "no", "yes", { text: "wrong", mark: "wrong" }, "live"],
				[name, 1, "set /a/1", "yes", "no", { text: "wrong", mark: "wrong" }, "late"],
				["w", 1, "set /a/1", "no", "not known", { text: "neither", mark: "open" }, ""],
			],
		}).html;

	it("is a field for each write at each watcher, in the writes' order, and what came is folded", () => {
		const markup = page(events("<b>"));
		const labels = [...markup.matchAll(/data-came="([^"]*)" aria-label="([^"]*)"/g)].map(([, ...two]) => two);
		assert.deepEqual(labels, [
			["no", "&#60;b&#62;: write 1, set /a/1"],
			["not known", "w: write 1, set /a/1"],
			["yes", "&#60;b&#62;: write 2, set /a/2"],
		]);
		assert.match(markup, /<form class="predict" hidden>/);
		const [before = "", answer = "", after = ""] = markup.split(/<details class="reveal">|<\/details>/);
		assert.match(before, /predict\(|hljs/);
		assert.match(answer, /Surprise/);
		assert.match(after, /Next/);
		assert.doesNotMatch(markup, /<b>/);
	});

	it("is a choice where something else than events is predicted", () => {
		const { html } = tableOf({
			title: "Your prediction, and what came",
			columns: ["in etcd", "predicted", "came"],
			rows: [["17529", { text: "refuted", mark: "wrong" }, "confirmed"]],
		});
		assert.match(
			page(html),
			/<select data-came="confirmed" aria-label="in etcd 17529"><option value="">choose<\/option><option>confirmed<\/option><option>refuted<\/option>/,
		);
	});

	it("has no form where there is no such table, and its answer is folded all the same", () => {
		for (const table of [undefined, "<p>nothing</p>", "<strong>Your prediction<table><tr><td>"]) {
			assert.doesNotMatch(page(table), /<form/);
			assert.match(page(table), /<details class="reveal">/);
		}
	});
});
