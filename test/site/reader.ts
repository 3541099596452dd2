/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Locator, Page } from "playwright-core";
import { root } from "../support/checkout";

const axeSource = fs.readFileSync(path.join(root, "node_modules", "axe-core", "axe.min.js"), "utf8");

/** What axe puts into the page, as far as it is used here. */
interface Axe {
	run(
		context: Document,
		options: object,
	): Promise<{
		violations: { id: string; impact: string | null; nodes: { html: string; failureSummary?: string }[] }[];
	}>;
}

/** The built site in a browser, in the words of who reads it. */
export class SiteReader {
	/** Requests for anything outside the site's folder. */
	readonly outside: string[] = [];

	constructor(
		readonly page: Page,
		private readonly folder: string,
	) {
		const inside = `${pathToFileURL(folder).href}/`;
		page.on("request", (request) => {
			if (!/^(?:data|blob|about):/.test(request.url()) && !request.url().startsWith(inside))
				this.outside.push(request.url());
		});
	}

	async open(name: string): Promise<void> {
		await this.page.goto(pathToFileURL(path.join(this.folder, name)).href);
	}

	get charts(): Locator {
		return this.page.locator("figure.chart");
	}

	/** Scrolls to each chart and waits until it is alive in this theme; gives how many there are. */
	async chartsAlive(theme: "light" | "dark"): Promise<number> {
		const charts = await this.charts.all();
		for (const chart of charts) {
			await chart.scrollIntoViewIfNeeded();
			await this.page.waitForFunction(
				([element, wanted]) =>
					element instanceof HTMLElement &&
					element.dataset["live"] === wanted &&
					element.querySelector(".live svg .mark-text, .live svg .mark-symbol") !== null,
				[await chart.elementHandle(), theme] as const,
			);
		}
		return charts.length;
	}

	/** What is wider than the window, at a width in pixels. */
	async widerThan(width: number): Promise<string[]> {
		await this.page.setViewportSize({ width, height: 740 });
		return await this.page.evaluate(() => {
			const { scrollWidth, clientWidth } = document.documentElement;
			if (scrollWidth <= clientWidth) return [];
			const wide = [...document.querySelectorAll("body *")].filter(
				(each) =>
					each.getBoundingClientRect().right > clientWidth + 1 &&
					each.parentElement?.closest(".scrolls") === null,
			);
			return wide.map(
				(each) => `${each.tagName}.${each.className}: ${each.getBoundingClientRect().right} px`,
			);
		});
	}

	/** What axe finds that is serious or critical; `rules` looks by these alone. */
	async serious(...rules: readonly string[]): Promise<string[]> {
		await this.page.evaluate(axeSource);
		return await this.page.evaluate(async (only) => {
			const { axe } = window as unknown as { axe: Axe };
			// It would read the stylesheets again, which a page from a file may not.
			const options = only.length === 0 ? {} : { runOnly: only };
			const { violations } = await axe.run(document, {
				...options,
				resultTypes: ["violations"],
				preload: false,
			});
			return violations
				.filter(({ impact }) => impact === "serious" || impact === "critical")
				.flatMap(({ id, nodes }) =>
					nodes.map(({ html, failureSummary = "" }) => `${id}: ${html} ${failureSummary}`),
				);
		}, rules);
	}

	/** The colour behind the page's text. */
	async ground(): Promise<string> {
		return await this.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
	}
}
