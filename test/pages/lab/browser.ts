/// <reference lib="dom" />
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { BrowserContext, Locator, Page } from "playwright-core";
import { root } from "../../support/checkout";

const screenshots = path.join(root, ".artifacts", "screenshots");

/** A Chromium with an empty profile that reaches this machine only, and all that went wrong in it. */
export class Browser {
	/** Errors of the console, uncaught exceptions, and requests that were refused. */
	readonly errors: string[] = [];
	/** Messages of alert, confirm and prompt. */
	readonly dialogs: string[] = [];
	/** Requests to anywhere but the lab. */
	readonly strangers: string[] = [];
	/** Attempts to save a notebook: each is stopped before it reaches the disk. */
	readonly saves: string[] = [];

	private constructor(
		private readonly profile: string,
		private readonly context: BrowserContext,
		readonly page: Page,
	) {}

	static async open(executablePath: string, origin: string): Promise<Browser> {
		const profile = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-watch-lab-chromium-"));
		// Here, and not where this module is loaded: it takes half a second, which every test by its name would wait.
		const { chromium } = await import("playwright-core");
		const context = await chromium.launchPersistentContext(profile, {
			executablePath,
			headless: true,
			// A small laptop's window.
			viewport: { width: 1280, height: 800 },
			args: [
				"--no-sandbox",
				"--disable-gpu",
				"--no-first-run",
				"--disable-background-networking",
				"--disable-component-update",
				"--disable-sync",
				"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
			],
		});
		const page = context.pages()[0] ?? (await context.newPage());
		const browser = new Browser(profile, context, page);
		await browser.watch(origin);
		fs.mkdirSync(screenshots, { recursive: true });
		return browser;
	}

	private async watch(origin: string): Promise<void> {
		const { page } = this;
		page.on("console", (message) => {
			if (message.type() === "error") this.errors.push(`${message.text()} (${message.location().url})`);
		});
		page.on("pageerror", (error) => this.errors.push(String(error.stack ?? error)));
		page.on("response", (response) => {
			if (response.status() >= 400) this.errors.push(`${response.status()} ${response.url()}`);
		});
		page.on("dialog", async (dialog) => {
			// On the way to another page: with a chart in it, a notebook counts as changed once it is opened.
			if (dialog.type() === "beforeunload") return await dialog.accept();
			this.dialogs.push(`${dialog.type()}: ${dialog.message()}`);
			await dialog.dismiss();
		});
		page.on("request", (request) => {
			const url = new URL(request.url());
			if (/^(?:http|ws)s?:$/.test(url.protocol) && url.host !== new URL(origin).host)
				this.strangers.push(request.url());
		});
		await page.route("**/api/contents/**", async (route) => {
			if (route.request().method() === "GET") return await route.continue();
			// JupyterLab makes a checkpoint when it opens a notebook for the first time: outside the notebook.
			if (route.request().url().includes("/checkpoints")) return await route.continue();
			this.saves.push(`${route.request().method()} ${route.request().url()}`);
			return await route.abort();
		});
	}

	/** Keeps a picture of the window with this in sight, or as it is. */
	async screenshot(name: string, inSight?: Locator): Promise<void> {
		if (inSight !== undefined) {
			await inSight.evaluate(seen);
		}
		await this.page.screenshot({ path: path.join(screenshots, `${name}.png`) });
	}

	async close(): Promise<void> {
		await this.context.close();
		fs.rmSync(this.profile, { recursive: true, force: true, maxRetries: 3 });
	}
}

/** Scrolls until something is really seen, with nothing over it, and waits until it has been painted. */
async function seen(element: Element): Promise<void> {
	const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
	const isSeen = () => {
		const { left, top, width, height } = element.getBoundingClientRect();
		return element.contains(document.elementFromPoint(left + width / 2, top + height / 2));
	};
	do {
		// Again each time: JupyterLab moves the page while cells above are still being drawn.
		element.scrollIntoView({ block: "center" });
		await frame();
		await frame();
	} while (!isSeen() || document.querySelector("#jupyterlab-splash") !== null);
}
