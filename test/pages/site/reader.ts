/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { once } from "node:events";
import fs from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Locator, Page } from "playwright-core";
import { root } from "../../support/checkout";

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

/** The address of a folder's files. */
export function fileBase(folder: string): string {
	return `${pathToFileURL(folder).href}/`;
}

/** Serves a folder on loopback, as any server of static files would. */
export async function served(folder: string): Promise<{ base: string; close(): void }> {
	const types: Readonly<Record<string, string>> = {
		...{ ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" },
	};
	const server = createServer((request, response) => {
		const name = decodeURIComponent(new URL(request.url ?? "", "http://x").pathname);
		fs.readFile(path.join(folder, name), (error, content) => {
			response.statusCode = error === null ? 200 : 404;
			response.setHeader("content-type", types[path.extname(name)] ?? "application/octet-stream");
			response.end(error === null ? content : "");
		});
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	const close = () => {
		server.close();
		server.closeAllConnections();
	};
	return { base: `http://127.0.0.1:${port}/`, close };
}

/** The built site in a browser, in the words of who reads it. */
export class SiteReader {
	/** Requests for anything outside the site's folder. */
	readonly outside: string[] = [];

	/** @param base the address of the site: of its folder, or of a server */
	constructor(
		readonly page: Page,
		private readonly base: string,
	) {
		page.on("request", (request) => {
			if (!/^(?:data|blob|about):/.test(request.url()) && !request.url().startsWith(base))
				this.outside.push(request.url());
		});
	}

	/** Opens a page with what is folded away in it. */
	async open(name: string): Promise<void> {
		await this.openFolded(name);
		await this.page.evaluate(() => {
			for (const answer of document.querySelectorAll("details.reveal")) answer.setAttribute("open", "");
		});
	}

	/** Opens a page as a reader does. */
	async openFolded(name: string): Promise<void> {
		await this.page.goto(new URL(name, this.base).href);
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
