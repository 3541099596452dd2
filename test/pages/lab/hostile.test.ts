/// <reference lib="dom" />
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { jupyterEnvironment, jupyterLabCommand } from "#tools/setup/jupyter-environment";
import { notCovered } from "../../support/coverage";
import { FakeServer, http } from "../../support/fake-server";
import { chromium } from "../../support/found";
import {
	chart,
	fetchingCells,
	fetchingMarkup,
	fetchingSpecs,
	markdown,
	notebook,
	withEmbedOptions,
} from "../../support/hostile-notebook";
import { until } from "../../support/until";
import { Browser } from "./browser";
import { NotebookPage } from "./notebook-page";

const executable = chromium();
const token = "a-token-of-this-test-alone";

/** Somebody's notebook and the files beside it, opened in JupyterLab as `npm start` starts it. Nothing is run. */
describe("a hostile notebook in JupyterLab", function () {
	this.timeout(240_000);

	let folder: string;
	let notebooks: string;
	/** The addresses of what stands in the folder as a script, and of notebooks that say of themselves that they are one. */
	const types = ["text/javascript", "application/x-ecmascript", "text/JavaScript1.5; charset=utf-8"];
	const files = ["x.js", "x.mjs"];
	const scripts = [
		...files.map((name) => `/files/${name}`),
		...types.map((_, at) => `/nbconvert/script/script-${at}.ipynb`),
	];
	let elsewhere: FakeServer;
	let lab: ChildProcess;
	let origin: string;
	let browser: Browser | undefined;

	before(async () => {
		if (executable === undefined) notCovered("a hostile notebook in a browser (Debian: chromium)");
		folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), "etcd-watch-lab-hostile-"));
		notebooks = path.join(folder, "notebooks");
		const runtime = path.join(folder, "runtime");
		for (const each of [notebooks, runtime]) fs.mkdirSync(each, { mode: 0o700 });
		for (const name of files) fs.writeFileSync(path.join(notebooks, name), "self.ranOf = 'a file'");
		for (const [at, mimetype] of types.entries())
			fs.writeFileSync(path.join(notebooks, `script-${at}.ipynb`), notebook([], { name: "x", mimetype }));
		elsewhere = await FakeServer.start((socket) => socket.write(http(200, "{}")));
		const { command, args } = jupyterLabCommand({ ip: "127.0.0.1", port: 0, notebooks });
		lab = spawn(command, args, {
			env: {
				...jupyterEnvironment(runtime),
				...{ JUPYTER_TOKEN: token, JUPYTERLAB_SETTINGS_DIR: folder, JUPYTERLAB_WORKSPACES_DIR: folder },
			},
			stdio: ["pipe", "ignore", "ignore"],
		});
		const info = path.join(runtime, `jpserver-${lab.pid}.json`);
		await until(
			"JupyterLab listens",
			() => fs.existsSync(info) && fs.readFileSync(info, "utf8").endsWith("}"),
			60_000,
		);
		origin = `http://127.0.0.1:${JSON.parse(fs.readFileSync(info, "utf8")).port}`;
		if (executable !== undefined) browser = await Browser.open(executable, origin);
	});
	after(async () => {
		await browser?.close();
		lab.stdin?.end();
		if (lab.exitCode === null && lab.signalCode === null) await once(lab, "exit");
		await elsewhere.close();
		fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
	});
	afterEach("reached nobody", () =>
		assert.deepEqual(
			elsewhere.requests.splice(0).map((request) => request.path),
			[],
		),
	);

	it("is served as script under no address, whatever type it names itself", async () => {
		for (const wanted of scripts) {
			const answer = await fetch(`${origin}${wanted}`, { headers: { authorization: `token ${token}` } });
			assert.equal(answer.status, 200, wanted);
			assert.doesNotMatch(answer.headers.get("content-type") ?? "", /script/i, wanted);
			assert.equal(answer.headers.get("x-content-type-options"), "nosniff", wanted);
			await answer.arrayBuffer();
		}
	});

	if (executable !== undefined) inBrowser();

	function inBrowser(): void {
		/** Writes it, opens it, and waits until it is drawn. */
		async function open(cells: readonly object[]): Promise<{ browser: Browser; page: NotebookPage }> {
			assert.ok(browser);
			const name = "hostile.ipynb";
			fs.writeFileSync(path.join(notebooks, name), notebook([markdown("# Hostile"), ...cells]));
			await browser.page.goto(`${origin}/lab/tree/${name}?reset&token=${token}`);
			await browser.page.locator(".jp-Notebook h1", { hasText: "Hostile" }).waitFor();
			return { browser, page: new NotebookPage(browser.page) };
		}

		/** All but what JupyterLab's own sanitiser takes away, and a picture that is an <img> there. */
		const expected = [
			...Object.keys(fetchingSpecs("")),
			...Object.keys(fetchingMarkup("")).filter((name) => name !== "srcset"),
			...["markdown", "markdown-html", "markdown-output"],
		];

		it("fetches nothing when it is opened, and each of its tries was refused by the policy", async () => {
			const { browser, page } = await open(fetchingCells(elsewhere.endpoint));
			const tried = new Set<string>();
			await until(
				"the browser has refused each of them",
				async () => {
					// JupyterLab draws what comes into sight.
					for (const cell of await page.page.locator(".jp-Notebook .jp-Cell").all())
						await cell.scrollIntoViewIfNeeded();
					for (const text of browser.errors)
						for (const [, name = ""] of text.matchAll(/127\.0\.0\.1:\d+\/([a-z-]+)/g)) tried.add(name);
					return expected.every((name) => tried.has(name));
				},
				60_000,
			).catch((error: unknown) =>
				assert.fail(
					`${error}: ${[...tried]} | ${elsewhere.requests.map((request) => request.path)} | ${browser.errors.join("\n")}`,
				),
			);
		});

		it("runs nothing by a chart's View Source", async () => {
			const sourceHeader = "<script>opener.ranOf = 'inline'</script>";
			const { browser, page } = await open([chart(withEmbedOptions({ sourceHeader }))]);
			const [popup] = await Promise.all([
				browser.page.waitForEvent("popup"),
				chooseFromChart(page, "View Source"),
			]);
			await popup.locator("pre").waitFor();
			assert.equal(await browser.page.evaluate("window.ranOf"), undefined);
			await popup.close();
		});

		it("runs nothing by a chart's Open in Vega Editor", async () => {
			const editorUrl = "javascript:opener.ranOf = 'the editor'";
			const { browser, page } = await open([chart(withEmbedOptions({ editorUrl }))]);
			await chooseFromChart(page, "Open in Vega Editor");
			const ranOf = () => browser.page.evaluate("window.ranOf");
			await until("the browser has run it or refused it", async () => {
				return (await ranOf()) !== undefined || browser.errors.some((text) => /javascript url/i.test(text));
			});
			assert.equal(await ranOf(), undefined);
		});

		it("runs no file that lies beside it, nor what it is converted to, where markup would load that", async () => {
			const { browser } = await open([]);
			for (const source of [...scripts, `${elsewhere.endpoint}/x.js`]) {
				const heard = await browser.page.evaluate(async (src) => {
					const script = Object.assign(document.createElement("script"), { src });
					return await new Promise((resolve) => {
						script.onload = () => resolve("it ran");
						script.onerror = () => resolve("it was refused");
						document.head.append(script);
					});
				}, source);
				assert.equal(heard, "it was refused", source);
			}
		});

		async function chooseFromChart({ page }: NotebookPage, action: string): Promise<void> {
			await page.locator(".vega-embed canvas").first().waitFor();
			await page.locator(".vega-embed summary").first().click();
			await page.locator(".vega-actions a", { hasText: action }).first().click();
		}
	}
});
