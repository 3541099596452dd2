/// <reference lib="dom" />
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { notebookFiles } from "#tools/notebooks/file";
import { buildSite } from "#tools/site/build";
import type { Page } from "#tools/site/pages";
import { FakeCheckout } from "../../support/checkout";
import { notCovered } from "../../support/coverage";
import { FakeServer, http } from "../../support/fake-server";
import { chromium } from "../../support/found";
import * as hostile from "../../support/hostile-notebook";
import { until } from "../../support/until";
import { Browser } from "../lab/browser";
import { fileBase, SiteReader, served } from "./reader";

const executable = chromium();

describe("the site in a browser, from its files", function () {
	this.timeout(180_000);

	let folder: string;
	let pages: readonly Page[];
	let browser: Browser;
	let reader: SiteReader;

	before(async () => {
		folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), "etcd-watch-lab-site-"));
		pages = buildSite(folder);
		if (executable === undefined) return notCovered("the site in a browser (Debian: chromium)");
		browser = await Browser.open(executable, "http://127.0.0.1");
		reader = new SiteReader(browser.page, fileBase(folder));
		await browser.page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
	});
	after(async () => {
		await browser?.close();
		fs.rmSync(folder, { recursive: true, force: true });
	});

	it("is there to be read", () => {
		assert.ok(fs.existsSync(path.join(folder, "index.html")));
	});

	if (executable !== undefined) inBrowser();

	function inBrowser(): void {
		beforeEach(async () => {
			await browser.page.setViewportSize({ width: 1280, height: 800 });
			await browser.page.emulateMedia({ colorScheme: "light" });
		});
		afterEach("had no error, and asked nobody else", () => {
			assert.deepEqual(browser.errors, []);
			assert.deepEqual(browser.strangers, []);
			assert.deepEqual(reader.outside, []);
		});

		const names = notebookFiles().map((file) => `${path.basename(file, ".ipynb")}.html`);
		for (const name of ["index.html", ...names]) {
			it(`${name}: charts alive, nothing wider than a phone, nothing serious for axe, in both themes`, async () => {
				await reader.open(name);
				const expected =
					pages.find(({ page }) => page === name)?.body.markup.match(/<figure class="chart">/g) ?? [];
				assert.equal(await reader.chartsAlive("light"), expected.length);
				assert.deepEqual(await reader.serious(), []);
				await browser.screenshot(`site-${name}-light`);
				await browser.page.emulateMedia({ colorScheme: "dark" });
				await reader.chartsAlive("dark");
				// Only colours differ: the structure has been looked at.
				assert.deepEqual(await reader.serious("color-contrast", "link-in-text-block"), []);
				await browser.screenshot(`site-${name}-dark`);
				assert.deepEqual(await reader.widerThan(360), []);
				await browser.screenshot(`site-${name}-phone`);
			});
		}

		it("would see a page that is wider than a phone, text that is too pale, and a request to elsewhere", async () => {
			await reader.open("index.html");
			await browser.page.evaluate(() => {
				const bad = document.createElement("p");
				bad.className = "bad";
				bad.textContent = "pale";
				bad.style.cssText = "width: 900px; color: #ccc; background: #fff";
				const picture = document.createElement("img");
				picture.src = "http://127.0.0.2/x.png";
				document.querySelector("main")?.append(bad, picture);
			});
			assert.match((await reader.serious()).join(), /color-contrast: <p class="bad"/);
			assert.match((await reader.widerThan(360)).join(), /P\.bad/);
			assert.deepEqual(reader.outside.splice(0), ["http://127.0.0.2/x.png"]);
			assert.deepEqual(browser.strangers.splice(0), ["http://127.0.0.2/x.png"]);
			assert.ok(browser.errors.splice(0).length > 0);
		});

		/** Opens a page with a slider, and moves that to its start: the chart has fewer marks then. */
		async function slid(on: SiteReader) {
			await on.open(pages.find(({ body }) => body.markup.includes('"bind"'))?.page ?? "");
			await on.chartsAlive("light");
			const chart = on.charts.filter({ has: browser.page.locator('input[type="range"]') }).first();
			await chart.scrollIntoViewIfNeeded();
			const slider = chart.locator('input[type="range"]');
			const marks = chart.locator(".live .mark-symbol path");
			const whole = await marks.count();
			await slider.focus();
			await browser.page.keyboard.press("Home");
			await until("the slider has moved", async () => (await marks.count()) < whole);
			return { chart, slider, marks, whole };
		}

		it("redraws a chart when its slider moves, and keeps the slider's place when the colours change", async () => {
			const { chart, slider, marks, whole } = await slid(reader);
			const place = await slider.inputValue();
			await browser.page.emulateMedia({ colorScheme: "dark" });
			await browser.page.waitForFunction(
				(element) => element instanceof HTMLElement && element.dataset["live"] === "dark",
				await chart.elementHandle(),
			);
			assert.equal(await slider.inputValue(), place);
			assert.ok((await marks.count()) < whole);
		});

		describe("a page that asks", () => {
			const answers = () => browser.page.locator("details.reveal");
			const openAnswers = () => browser.page.locator("details.reveal[open]").count();

			it("takes a prediction by the keyboard alone, compares it, and opens what came", async () => {
				await reader.openFolded("01-recursive.html");
				const form = browser.page.locator("form.predict").first();
				const answer = answers().first();
				assert.equal(await openAnswers(), 0);
				assert.equal(await answer.locator("figure.chart").isVisible(), false);
				assert.deepEqual(await reader.serious(), []);
				await form.scrollIntoViewIfNeeded();
				await browser.screenshot("site-predict");
				// Of six writes at two watchers these are the right ones, but for the last.
				for (const write of [2, 3, 4, 5]) {
					await form.getByLabel(`recursive: write ${write},`).focus();
					await browser.page.keyboard.press("Space");
				}
				await browser.page.keyboard.press("Enter");
				await form.getByRole("status").getByText("10 of 12 right.").waitFor();
				assert.equal(await form.locator(".sign.right").count(), 10);
				assert.deepEqual(await form.locator(".sign.wrong").allInnerTexts(), ["✗", "✗"]);
				await answer.locator("figure.chart").first().waitFor();
				assert.equal(await openAnswers(), 1);
				assert.deepEqual(await reader.serious(), []);
				await browser.screenshot("site-predicted");
			});

			it("takes a choice, and counts what was not chosen as neither right nor wrong", async () => {
				await reader.openFolded("04-afterindex-recovery.html");
				const form = browser.page.locator("form.predict", { has: browser.page.locator("select") });
				await form.getByLabel("foreign writes 1001").selectOption("401");
				await form.getByRole("button").click();
				await form.getByRole("status").getByText("1 of 1 right.").waitFor();
				assert.deepEqual(await form.locator(".sign").allInnerTexts(), ["? served", "✓: 401"]);
			});

			it("opens what a link leads into, also one to the heading in the address", async () => {
				await reader.openFolded("01-recursive.html#Conclusions-1-and-3");
				const heading = browser.page.locator("h2", { hasText: "Conclusions 1 and 3" });
				await heading.waitFor();
				assert.equal(await openAnswers(), 1);
				const close = () =>
					answers()
						.first()
						.evaluate((each) => each.removeAttribute("open"));
				await close();
				await browser.page.locator(".contents a", { hasText: "Conclusions 1 and 3" }).click();
				await heading.waitFor();
				await close();
				await browser.page.locator(".contents a", { hasText: "Run" }).click();
				await browser.page.locator("h2", { hasText: "Run" }).waitFor();
			});

			it("shows all answers to who wants to read, on the next page, too, until they are folded again", async () => {
				await reader.openFolded("01-recursive.html");
				const button = () => browser.page.getByRole("button", { name: "Show all answers" });
				await button().click();
				assert.equal(await openAnswers(), await answers().count());
				await reader.openFolded("02-grandchild-writes.html");
				assert.equal(await button().getAttribute("aria-pressed"), "true");
				assert.equal(await openAnswers(), await answers().count());
				await button().click();
				assert.equal(await openAnswers(), 0);
				await reader.openFolded("01-recursive.html");
				assert.equal(await openAnswers(), 0);
			});

			it("can be read without its script, and on paper", async () => {
				await browser.page.route("**/assets/reveal.js", (route) => route.abort());
				await reader.openFolded("01-recursive.html");
				assert.equal(await browser.page.locator("form.predict:visible, .answers:visible").count(), 0);
				const chart = answers().first().locator("figure.chart");
				const heightOf = () => chart.evaluate((each) => each.getBoundingClientRect().height);
				await browser.page.emulateMedia({ media: "print" });
				assert.ok((await heightOf()) > 100);
				assert.equal(await answers().first().locator("summary").first().isVisible(), false);
				await browser.page.emulateMedia({ media: "screen" });
				assert.equal(await chart.isVisible(), false);
				await answers().first().locator("summary").first().click();
				await chart.waitFor();
				await browser.page.unroute("**/assets/reveal.js");
				assert.ok(browser.errors.splice(0).length > 0, "and the console says so");
			});
		});

		it("goes from page to page", async () => {
			await reader.open("index.html");
			await browser.page.locator(".cards h3 a").first().click();
			for (const { title } of pages.slice(1)) {
				await browser.page.locator("a.next").click();
				await browser.page.locator("h1", { hasText: title }).waitFor();
			}
			assert.equal(await browser.page.locator("a.next").count(), 0);
			const heading = browser.page.locator(".contents .headings a").last();
			const id = decodeURIComponent(
				new URL((await heading.getAttribute("href")) ?? "", "file:///x").hash.slice(1),
			);
			await heading.click();
			await browser.page.locator('.contents .headings a[aria-current="location"]').waitFor();
			assert.equal(
				await browser.page.evaluate((wanted) => document.querySelector(":target")?.id === wanted, id),
				true,
			);
		});

		it("finds a word on another page, by the keyboard alone, and goes to its heading", async () => {
			await reader.open("index.html");
			await browser.page.keyboard.press("/");
			await browser.page.keyboard.type("grandchild");
			const results = browser.page.locator("#site-search-results a");
			await results.first().waitFor();
			assert.match(await browser.page.locator("#site-search-state").innerText(), /^\d+ places?/);
			assert.ok((await results.first().locator("mark").count()) > 0);
			assert.deepEqual(await reader.serious(), []);
			await browser.screenshot("site-search");
			const to = (await results.nth(1).getAttribute("href")) ?? "";
			await browser.page.keyboard.press("ArrowDown");
			await browser.page.keyboard.press("ArrowDown");
			await browser.page.keyboard.press("Enter");
			await browser.page.waitForURL((url) => url.href.endsWith(to));
			assert.match(await browser.page.locator("main").innerText(), /grandchild/i);
		});

		it("says that nothing was found, and closes at Escape", async () => {
			await reader.open(pages[0]?.page ?? "");
			await browser.page.locator("[data-opens-search]").click();
			await browser.page.keyboard.type("zzzyzx");
			await browser.page.getByText("Nothing on these pages matches “zzzyzx”").waitFor();
			assert.equal(await browser.page.locator("#site-search-results a").count(), 0);
			await browser.page.keyboard.press("Escape");
			await browser.page.locator("#site-search").waitFor({ state: "hidden" });
		});

		it("is dark when the system is, and when the reader says so; then on the next page, too", async () => {
			await reader.open("index.html");
			const light = await reader.ground();
			await browser.page.locator("[data-switches-theme]").click();
			const dark = await reader.ground();
			assert.notEqual(dark, light);
			await reader.open(pages[0]?.page ?? "");
			assert.equal(await reader.ground(), dark);
			await browser.page.locator("[data-switches-theme]").click();
			assert.equal(await reader.ground(), light);
			await browser.page.emulateMedia({ colorScheme: "dark" });
			await browser.page.locator('html[data-theme="dark"]').waitFor();
			assert.equal(await reader.ground(), dark);
		});

		it("draws its charts, moves their sliders and finds words from a server, too", async () => {
			const { base, close } = await served(folder);
			const there = new SiteReader(browser.page, base);
			await slid(there);
			await browser.page.keyboard.press("Escape");
			await browser.page.locator("[data-opens-search]").click();
			await browser.page.keyboard.type("grandchild");
			await browser.page.locator("#site-search-results a").first().waitFor();
			await browser.page.goto("about:blank");
			close();
			assert.deepEqual(there.outside, []);
			for (const mine of [browser.strangers, reader.outside].map((each) => each.splice(0)))
				assert.ok(
					mine.every((address) => address.startsWith(base)),
					mine.join(),
				);
		});

		it("shows the committed picture where a chart can't be drawn", async () => {
			await browser.page.route("**/vega.min.js", (route) => route.abort());
			await reader.open(pages.find(({ hasCharts }) => hasCharts)?.page ?? "");
			const picture = reader.charts.first().locator("img.only-light");
			await picture.scrollIntoViewIfNeeded();
			await browser.page.waitForFunction(
				(element) => element instanceof HTMLImageElement && element.complete && element.naturalWidth > 100,
				await picture.elementHandle(),
			);
			assert.ok(await picture.isVisible());
			assert.ok(((await picture.getAttribute("alt")) ?? "").length > 20);
			await browser.page.unroute("**/vega.min.js");
			assert.ok(browser.errors.splice(0).length > 0, "and the console says so");
		});
	}
});

/** A site that was built of somebody's notebook, and one whose build let everything through. */
describe("a hostile notebook on the site", function () {
	this.timeout(180_000);
	if (executable === undefined) return;

	let elsewhere: FakeServer;
	let checkout: FakeCheckout;
	let browser: Browser;
	let server: Awaited<ReturnType<typeof served>>;

	before(async () => {
		elsewhere = await FakeServer.start((socket) => socket.write(http(200, "{}")));
		const from = elsewhere.endpoint;
		checkout = new FakeCheckout();
		const drawn = Object.entries(hostile.fetchingSpecs(from)).filter(([name]) => name.startsWith("embed-"));
		const specs = [...drawn.map(([, spec]) => spec), script(from), tooltip(from)];
		const cells = [
			hostile.markdown("# Mine"),
			...specs.map(hostile.chart),
			...hostile.fetchingCells(from).slice(6, -1),
		];
		checkout.write("notebooks/mine.ipynb", hostile.notebook(cells));
		const { code, stderr } = await checkout.run("site");
		assert.equal(code, 0, stderr);
		const figures = [...Object.values(hostile.fetchingSpecs(from)), script(from)].map(
			(spec) =>
				`<figure class="chart"><div class="view"></div><script type="application/json">${JSON.stringify({ light: spec }).replaceAll("<", "\\u003c")}</script></figure>`,
		);
		const markup = [...Object.values(hostile.fetchingMarkup(from)), "<script>self.ranOf = 'inline'</script>"];
		checkout.write(
			"site/let-through.html",
			checkout
				.read("site/mine.html")
				.replace("</article>", `${figures.join("")}${markup.join("")}</article>`),
		);
		server = await served(path.join(checkout.dir, "site"));
		browser = await Browser.open(executable, "http://127.0.0.1");
		await browser.page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
	});
	after(async () => {
		await browser.close();
		server.close();
		await elsewhere.close();
		checkout.remove();
	});
	afterEach("reached nobody, and ran nothing", async () => {
		assert.equal(await browser.page.evaluate("self.ranOf"), undefined);
		assert.deepEqual(
			elsewhere.requests.splice(0).map((request) => request.path),
			[],
		);
		browser.errors.splice(0);
		browser.strangers.splice(0);
	});

	const script = (from: string) =>
		hostile.withEmbedOptions({
			sourceHeader: "<script>opener.ranOf = 1</script>",
			editorUrl: `${from}/editor`,
		});
	/** vega-tooltip shows a picture for a row of that name. */
	const tooltip = (from: string) => ({
		data: { values: [{ a: 1, b: `${from}/tooltip` }] },
		mark: { type: "point", size: 9_000, filled: true },
		encoding: {
			x: { field: "a", type: "quantitative" },
			tooltip: [{ field: "b", title: "image", type: "nominal" }],
		},
	});

	for (const [where, base] of [
		["from its files", () => fileBase(path.join(checkout.dir, "site"))],
		["from a server", () => server.base],
	] as const) {
		it(`has charts with no menu, and loads nothing, ${where}`, async () => {
			const reader = new SiteReader(browser.page, base());
			await reader.open("mine.html");
			assert.equal(await reader.chartsAlive("light"), 4);
			assert.equal(await browser.page.locator(".vega-actions, .vega-embed summary").count(), 0);
			assert.deepEqual(reader.outside, []);
			const withTooltip = reader.charts.nth(3);
			await withTooltip.locator(".live .mark-symbol path").first().hover();
			await browser.page.locator("#vg-tooltip-element img").waitFor();
			await until("the policy has refused it", () =>
				browser.errors.some((text) => text.includes("/tooltip")),
			);
		});

		it(`runs nothing and loads nothing even what a build let through, ${where}`, async () => {
			const reader = new SiteReader(browser.page, base());
			await reader.open("let-through.html");
			const names = [...Object.keys(hostile.fetchingSpecs("")), ...Object.keys(hostile.fetchingMarkup(""))];
			await until("the policy has refused all of it", async () => {
				for (const chart of await reader.charts.all()) await chart.scrollIntoViewIfNeeded();
				return names.every((name) => browser.errors.some((text) => text.includes(`/${name}`)));
			}).catch((error: unknown) => assert.fail(`${error}\n${browser.errors.join("\n")}`));
			const menu = reader.charts.last();
			await menu.locator(".vega-embed summary").click();
			const [popup] = await Promise.all([
				browser.page.waitForEvent("popup"),
				menu.locator(".vega-actions a", { hasText: "View Source" }).click(),
			]);
			await popup.locator("pre").waitFor();
			await popup.close();
		});
	}
});
