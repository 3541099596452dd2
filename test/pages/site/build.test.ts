import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import MiniSearch from "minisearch";
import { notebookFiles } from "#tools/notebooks/file";
import { buildSite } from "#tools/site/build";
import { type Page, renderPage } from "#tools/site/pages";
import { DARK_GROUND } from "#tools/site/render/dark";
import { Links } from "#tools/site/render/links";
import { indexOptions, searchScript, sectionsOf } from "#tools/site/search-index";
import { root } from "../../support/checkout";
import { eachCheckout } from "../../support/each-checkout";
import { onPath } from "../../support/found";
import * as hostile from "../../support/hostile-notebook";

/** The files of a folder, by their path in it. */
function filesOf(folder: string): string[] {
	return fs
		.readdirSync(folder, { recursive: true, encoding: "utf8" })
		.filter((name) => fs.statSync(path.join(folder, name)).isFile())
		.map((name) => name.split(path.sep).join("/"));
}

/** What a page names that is not in the site: "page: address". */
function danglingIn(files: ReadonlyMap<string, string>): string[] {
	const dangling: string[] = [];
	for (const [page, markup] of files) {
		if (!page.endsWith(".html")) continue;
		for (const [, address = ""] of markup.matchAll(/ (?:href|src)="([^"]*)"/g)) {
			if (/^(?:https?|mailto):/.test(address)) continue;
			const [to = "", fragment] = plain(address).split(/#(.*)/);
			const target = to === "" ? page : path.posix.join(path.posix.dirname(page), decodeURIComponent(to));
			const there = files.get(target);
			const id = decodeURIComponent(fragment ?? "");
			if (there === undefined || (id !== "" && !idsOf(there).has(id))) dangling.push(`${page}: ${address}`);
		}
	}
	return dangling;
}

function idsOf(markup: string): Set<string> {
	return new Set([...markup.matchAll(/ id="([^"]*)"/g)].map(([, id = ""]) => plain(id)));
}

/** An attribute's value without its character references. */
function plain(text: string): string {
	return text
		.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code))
		.replaceAll("&quot;", '"')
		.replaceAll("&amp;", "&");
}

describe("npm run site", () => {
	let parent: string;
	let out: string;
	let files: Map<string, string>;
	let made: readonly Page[];

	before("builds it", () => {
		parent = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-watch-lab-site-"));
		out = path.join(parent, "site");
		made = buildSite(out);
		files = new Map(filesOf(out).map((name) => [name, fs.readFileSync(path.join(out, name), "utf8")]));
	});
	after(() => fs.rmSync(parent, { recursive: true, force: true }));

	it("makes a page of every notebook that there is, and one that lists them", () => {
		const names = notebookFiles().map((file) => `${path.basename(file, ".ipynb")}.html`);
		const index = files.get("index.html") ?? "";
		assert.ok(names.length > 0);
		for (const name of names) {
			assert.ok(files.has(name), name);
			assert.ok(index.includes(`<h3><a href="${name}">`), `${name} on the first page`);
		}
	});

	it("leads nowhere in vain: every address is a file of the site, every fragment an id in it", () => {
		assert.deepEqual(danglingIn(files), []);
	});

	it("has ids of its own that no heading has", () => {
		for (const [page, markup] of files) {
			if (!page.endsWith(".html")) continue;
			const [, inArticle = ""] = /<article[^>]*>([\s\S]*)<\/article>/.exec(markup) ?? [];
			const around = markup.replace(inArticle, "");
			for (const id of idsOf(around)) assert.match(id, /^site-/, page);
			const own = [...idsOf(inArticle)].filter((id) => id.startsWith("site-"));
			assert.deepEqual(own, page === "index.html" ? ["site-all-pages"] : [], page);
		}
	});

	it("would see a link into nothing", () => {
		const broken = new Map([
			["a.html", '<a href="b.html#c"></a><a href="d.html"></a>'],
			["b.html", '<i id="e"></i>'],
		]);
		assert.deepEqual(danglingIn(broken), ["a.html: b.html#c", "a.html: d.html"]);
	});

	it("loads scripts, styles and pictures from its own folder alone", () => {
		for (const [name, markup] of files) {
			if (!name.endsWith(".html")) continue;
			assert.doesNotMatch(markup, /<(?:script|link|img)[^>]*(?:src|href)="(?:[a-z]+:)?\/\//, name);
		}
		assert.doesNotMatch(files.get("assets/site.css") ?? "", /url\(|@import/);
	});

	it("puts charts on the same dark ground as its stylesheet", () => {
		assert.ok(files.get("assets/site.css")?.includes(`--card: light-dark(#ffffff, ${DARK_GROUND})`));
	});

	it("brings the Vega that draws the committed pictures", () => {
		const { dependencies } = JSON.parse(fs.readFileSync(path.join(root, "lib", "package.json"), "utf8"));
		const { devDependencies } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
		for (const name of ["vega", "vega-lite"]) assert.equal(devDependencies[name], dependencies[name], name);
		assert.ok(files.get("assets/vega.min.js")?.includes(`"${dependencies["vega"]}"`));
	});

	it("touches no folder that holds something else", () => {
		const other = path.join(parent, "other");
		fs.mkdirSync(other);
		fs.writeFileSync(path.join(other, "thesis.txt"), "years of work");
		const message = /other holds something that is no site/;
		assert.throws(() => buildSite(other), { name: "Problem", message });
		assert.deepEqual(fs.readdirSync(other), ["thesis.txt"]);
		assert.throws(() => buildSite(path.join(other, "thesis.txt")), /is a file: name a folder with --out/);
	});

	describe("its search index", () => {
		it("has a section for every heading of every page, with the address of the heading", () => {
			const expected = made.flatMap(({ page, headings }) =>
				headings.map(({ level, id }) => (level === 1 ? page : `${page}#${encodeURIComponent(id)}`)),
			);
			assert.deepEqual(
				sectionsOf(made).map(({ href }) => href),
				expected,
			);
		});

		it("holds all prose and code, and no markup", () => {
			const sections = sectionsOf(made);
			assert.ok(sections.every(({ text }) => !/<\/?(?:p|strong|code|div)>/.test(text)));
			const start = sections.filter(({ href }) => href.startsWith("00-start-here.html"));
			const text = start.map((section) => section.text).join("\n");
			for (const words of ["A watch is a promise: tell me when this key changes", "await lab()"])
				assert.ok(text.includes(words), words);
			assert.match(text, /104 Not a directory/);
		});

		it("takes no heading from a block of code", () => {
			const source = hostile.markdown("# Title\n\n```sh\n# a comment\n```\n\n## Part");
			const notebook = JSON.parse(hostile.notebook([source]));
			const page = renderPage(notebookFiles()[0] ?? "", notebook, new Links());
			assert.deepEqual(
				sectionsOf([page]).map(({ heading, text }) => [heading, text]),
				[
					["Title", "# a comment"],
					["Part", ""],
				],
			);
		});

		it("is read back by the library as it was written", () => {
			const script = searchScript(made);
			const json = /^self\.searchIndex = (.*);\n$/s.exec(script)?.[1] ?? "";
			const { options, index } = JSON.parse(json);
			assert.deepEqual(options, indexOptions);
			const [best] = MiniSearch.loadJS(index, options).search("grandchildren", {
				boost: { heading: 4, page: 2 },
			});
			assert.match(best?.["href"], /^0[0-9]-.*\.html/);
		});
	});
});

describe("npm run site, as a command", function () {
	this.timeout(60_000);

	const checkout = eachCheckout();

	/** Why the checkout's site can't be built, in a process that does no more than that. */
	function saidByBuild(): string {
		const modules = path.join(checkout.dir, "node_modules");
		if (!fs.existsSync(modules)) fs.symlinkSync(path.join(root, "node_modules"), modules);
		const code = `try { require("./tools/dist/site/build").buildSite("site"); }
			catch (error) { console.error(error.name === "Problem" ? error.message : error); process.exitCode = 1; }`;
		const { status, stderr } = spawnSync(process.execPath, ["-e", code], {
			cwd: checkout.dir,
			env: { ...process.env, PATH: path.join(checkout.dir, "fake-bin") },
			encoding: "utf8",
			timeout: 60_000,
		});
		assert.equal(status, 1, stderr);
		return stderr;
	}

	const notebook = (source: string): string => hostile.notebook([hostile.markdown(source)]);
	const mine = (source: string) => checkout.write("notebooks/my-own.ipynb", notebook(source));

	it("builds where --out says, of whatever notebooks there are, and prints the address", async () => {
		mine("# Mine\n\n## A part");
		const { code, stdout, stderr } = await checkout.run("site", "--out", "made here");
		assert.equal(code, 0, stderr);
		assert.match(stdout, /^1 pages?: file:\/\/\/.*\/made%20here\/index\.html$/m);
		assert.match(checkout.read("made here/my-own.html"), /<h1 id="Mine">Mine/);
	});

	it("replaces the site that was there, with what is left of an older one", async () => {
		mine("# Mine");
		assert.equal((await checkout.run("site", "--out", "made/site")).code, 0);
		checkout.write("made/site/99-gone.html", "");
		assert.equal((await checkout.run("site", "--out", "made/site")).code, 0);
		assert.ok(checkout.has("made/site/my-own.html") && !checkout.has("made/site/99-gone.html"));
		assert.deepEqual(fs.readdirSync(path.join(checkout.dir, "made")), ["site"], "and nothing beside it");
	});

	it("says in one line which notebook can't be read, and leaves no half of a site", async () => {
		checkout.write("notebooks/00-fine.ipynb", notebook("# Fine"));
		checkout.write("notebooks/01-torn.ipynb", '{ "cells": [');
		const { code, stderr } = await checkout.run("site");
		assert.equal(code, 1);
		assert.match(stderr, /^notebooks\/01-torn\.ipynb is not JSON: .*\n$/);
		assert.ok(!checkout.has("site"));
	});

	const secret = "the-secret-of-this-machine";
	function refuses(to: string, why: RegExp): void {
		mine(`# Mine\n\n![x](${to})\n[x](${to})`);
		const said = saidByBuild();
		assert.equal(said.split("\n").length, 2, said);
		assert.ok(said.startsWith(`notebooks/my-own.ipynb links to ${to}, and `), said);
		assert.match(said, why);
		assert.ok(!checkout.has("site"));
	}
	const git = (...args: string[]) => execFileSync("git", args, { cwd: checkout.dir, stdio: "pipe" });

	it("takes of the disk only what git knows", async () => {
		git("init", "-q");
		checkout.command(
			"git",
			`require("node:child_process").spawnSync(${JSON.stringify(onPath("git"))}, args, { stdio: "inherit" })`,
		);
		const unknown = [".npmrc", ".lab/setup.log", "lib/untracked.txt"];
		const known = ["lib/tracked.txt", ".github/shown.yml"];
		for (const file of [...unknown, ...known]) checkout.write(file, secret);
		git("add", ...known);
		for (const file of [...unknown, ".git/config", "lib/../.git/HEAD"])
			refuses(`../${file}`, /git does not know that file: git add it first\n$/);
		for (const file of known) {
			const to = `../${file}`;
			mine(`# Mine\n\n[x](${to}) [y](other.ipynb)`);
			checkout.write("notebooks/other.ipynb", notebook("# Other, that git does not know"));
			assert.deepEqual(await checkout.run("site").then(({ code, stderr }) => [code, stderr]), [0, ""]);
			assert.match(checkout.read(`site/files/${file}.html`), new RegExp(secret));
		}
	});

	it("is not built where git can't tell what it knows", async () => {
		git("init", "-q");
		checkout.command("git", 'console.error("fatal: detected dubious ownership"); process.exitCode = 128;');
		mine("# Mine\n\n[x](../package.json)");
		const { code, stderr } = await checkout.run("site");
		assert.equal(code, 1);
		assert.match(
			stderr,
			/^git can't say which files are the repository's: fatal: detected dubious ownership\n/,
		);
	});

	it("takes nothing hidden where there is no git", async () => {
		for (const file of [".npmrc", ".lab/setup.log", "lib/.env", "lib/shown.txt"])
			checkout.write(file, secret);
		for (const to of ["../.npmrc", "../.lab/setup.log", "../lib/.env"])
			refuses(to, /a hidden file is not shown\n$/);
		mine("# Mine\n\n[x](../lib/shown.txt)");
		assert.equal((await checkout.run("site")).code, 0);
	});

	it("follows no symbolic link, be it the file, a folder on the way, a notebook or the README", async () => {
		const outside = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-watch-lab-outside-"));
		try {
			for (const name of ["id_rsa", "shot.png"]) fs.writeFileSync(path.join(outside, name), secret);
			fs.writeFileSync(path.join(outside, "private.ipynb"), notebook(`# ${secret}`));
			const link = (name: string, to: string) =>
				fs.symlinkSync(path.join(outside, to), path.join(checkout.dir, name));
			link("notebooks/shot.png", "shot.png");
			link("lib/key.txt", "id_rsa");
			link("lib/folder", "");
			link("README.md", "id_rsa");
			git("init", "-q");
			git("add", "notebooks/shot.png", "lib/key.txt", "lib/folder", "README.md");
			for (const to of ["shot.png", "../lib/key.txt", "../lib/folder/id_rsa", "../lib/folder/shot.png"])
				refuses(to, /a symbolic link on the way to it may lead anywhere: link to the file itself\n$/);
			mine("# Mine");
			assert.equal((await checkout.run("site")).code, 0);
			assert.doesNotMatch(checkout.read("site/index.html"), new RegExp(secret));
			link("notebooks/private.ipynb", "private.ipynb");
			fs.rmSync(path.join(checkout.dir, "site"), { recursive: true });
			assert.equal(saidByBuild(), "notebooks/private.ipynb is a symbolic link, which may lead anywhere\n");
		} finally {
			fs.rmSync(outside, { recursive: true });
		}
	});

	it("copies no file that could run on the site: an SVG without its scripts, a page as its text", async () => {
		const links = ["x.svg", "X.SVG", "x.htm", "x.xhtml", "x.xml", "x.cjs"];
		mine(`# Mine\n\n${links.map((name) => `[x](../lib/${name})`).join("\n")}`);
		for (const name of links)
			checkout.write(`lib/${name}`, "<svg><script>run()</script><g onload='run()'/></svg>");
		const { code, stderr } = await checkout.run("site");
		assert.equal(code, 0, stderr);
		for (const name of ["x.svg", "x-dark.svg", "X.SVG"])
			assert.equal(checkout.read(`site/files/lib/${name}`), "<svg><g></g></svg>\n");
		for (const name of links.slice(2)) {
			assert.ok(!checkout.has(`site/files/lib/${name}`), name);
			assert.match(checkout.read(`site/files/lib/${name}.html`), /&#60;script&#62;run\(\)/);
		}
		checkout.write("lib/x.bin", "a\0b");
		mine("# Mine\n\n[x](../lib/x.bin)");
		const binary = await checkout.run("site");
		assert.equal(binary.code, 1);
		assert.match(binary.stderr, /^lib\/x\.bin, which a page links to, is neither a text nor a picture\n$/);
	});

	it("makes no page of a notebook whose name would be more than a name where it stands", () => {
		for (const name of ["javascript:alert(1)", "a b", 'a"b', "Untitled", "a&b", "ä", ".hidden"]) {
			checkout.write(`notebooks/${name}.ipynb`, notebook("# Mine"));
			const why = `notebooks/${name}.ipynb can't be a page: rename it with small letters, digits and hyphens alone\n`;
			assert.equal(saidByBuild(), why);
			fs.rmSync(path.join(checkout.dir, "notebooks", `${name}.ipynb`));
		}
	});

	it("answers --help, and a typing error", async () => {
		assert.match((await checkout.run("site", "--help")).stdout, /^npm run site .*\n.*--out DIR/);
		assert.match((await checkout.run("site", "--otu", "x")).stderr, /'--otu'/);
	});
});
