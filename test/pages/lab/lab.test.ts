import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { notebookFiles, readNotebook } from "#tools/notebooks/file";
import { descendants, survivors } from "#tools/process-tree";
import { Running, root } from "../../support/checkout";
import { notCovered } from "../../support/coverage";
import { chromium } from "../../support/found";
import { until } from "../../support/until";
import { Browser } from "./browser";
import { ChartView, NotebookPage } from "./notebook-page";

const executable = chromium();
const grandchild = path.join(root, "notebooks", "02-grandchild-writes.ipynb");
const codeCellCount = readNotebook(grandchild).cells.filter((cell) => cell.cell_type === "code").length;

/** The colour of what was written, and of what a watcher was sent. */
const BLUE = [0x00, 0x72, 0xb2] as const;

describe("the lab in JupyterLab", function () {
	this.timeout(120_000);

	let lab: Running;
	let url: URL;
	let jupyter: string;
	let filesBefore: string;
	let browser: Browser | undefined;

	/** A hash of each file's name and bytes: a copy without git can tell, too. */
	function hashOfNotebooks(): string {
		const hash = createHash("sha256");
		for (const file of notebookFiles()) hash.update(`${path.basename(file)}\0`).update(fs.readFileSync(file));
		return hash.digest("hex");
	}

	before("starts as the reader starts it", async () => {
		if (executable === undefined) notCovered("the lab in a browser (Debian: chromium)");
		filesBefore = hashOfNotebooks();
		jupyter = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-watch-lab-jupyter-"));
		// A notebook with a chart counts as changed as soon as it is opened, since JupyterLab adds a PNG to the output:
		// two minutes later it would be saved, and a slow machine's test would have changed the reader's file.
		const settings = path.join(jupyter, "settings", "@jupyterlab", "docmanager-extension");
		fs.mkdirSync(settings, { recursive: true });
		fs.writeFileSync(path.join(settings, "plugin.jupyterlab-settings"), JSON.stringify({ autosave: false }));
		// A group of its own, as a terminal gives it: Ctrl-C goes to all of the group.
		lab = new Running(
			spawn("npm", ["start", "--silent", "--", "--no-browser"], {
				cwd: root,
				detached: true,
				// Not the reader's own settings and layout: it opens as it does the first time.
				env: { ...process.env, ETCD_WATCH_LAB_JUPYTER: jupyter },
				stdio: ["ignore", "pipe", "pipe"],
			}),
		);
		url = new URL((await lab.says(/http:\S+/))[0]);
		if (executable !== undefined) browser = await Browser.open(executable, url.origin);
	});

	after("ends what it started", async () => {
		await browser?.close();
		if (lab.child.exitCode === null && lab.child.signalCode === null) process.kill(-lab.pid, "SIGINT");
		await lab.ended;
		fs.rmSync(jupyter, { recursive: true, force: true, maxRetries: 5 });
	});

	it("serves the start page to who has the token", async () => {
		assert.equal(url.pathname, "/lab/tree/00-start-here.ipynb");
		assert.equal((await fetch(url)).status, 200);
	});

	if (executable !== undefined) inBrowser();

	function inBrowser(): void {
		function reading(): { browser: Browser; notebook: NotebookPage } {
			assert.ok(browser, "the browser is open from `before` on");
			return { browser, notebook: new NotebookPage(browser.page) };
		}

		async function assertNothingInTheWay(): Promise<void> {
			const { browser } = reading();
			assert.deepEqual(await browser.page.locator(".jp-Dialog, .Toastify__toast").allInnerTexts(), []);
			assert.deepEqual(browser.dialogs, []);
		}

		function chartOf(cell: number): ChartView {
			const { browser, notebook } = reading();
			return new ChartView(browser.page, notebook.cell(cell).locator(".vega-embed"));
		}

		it("opens on the start notebook, and nothing pops up", async () => {
			const { browser, notebook } = reading();
			await browser.page.goto(url.href);
			await notebook.opened("What does etcd's watch really tell you?");
			await assertNothingInTheWay();
			await browser.screenshot("00-start");
		});

		it("shows no answer before its cell is run, and each as soon as it is", async () => {
			const { browser, notebook } = reading();
			const { keyboard } = browser.page;
			// JupyterLab draws what comes into sight: all of the first question is.
			await notebook.cell(3).scrollIntoViewIfNeeded();
			await browser.page.locator(".jp-Notebook h2", { hasText: "Conclude" }).scrollIntoViewIfNeeded();
			await browser.screenshot("00-folded");
			const surprise = browser.page.locator(".jp-Notebook strong:visible", { hasText: "Surprise:" });
			assert.equal(await browser.page.locator(".jp-Notebook .jp-OutputArea-output:visible").count(), 0);
			assert.equal(await surprise.count(), 0);
			const folded = browser.page.locator(".jp-OutputPlaceholder, .jp-MarkdownCell .jp-InputPlaceholder");
			assert.ok((await folded.count()) > 4);
			// Neither is the first line of what is folded, which JupyterLab would show.
			assert.equal(await folded.locator(".jp-PlaceholderText:visible").count(), 0);
			await notebook.cell(1).locator(".cm-content").click();
			// As a reader goes on, up to the cell after the first check.
			for (let cell = 0; cell < 13; cell++) await keyboard.press("Shift+Enter");
			await notebook.finished(notebook.cell(5));
			await notebook.cell(4).locator("canvas.marks").waitFor();
			await notebook.cell(5).locator("table").first().waitFor();
			await surprise.waitFor();
			await browser.screenshot("00-unfolded", surprise);
		});

		it("runs it and draws its charts, and the page's policy refuses none of it", async () => {
			const { browser, notebook } = reading();
			await notebook.runAll();
			const charts = notebook.cells.locator(".jp-RenderedVegaLite");
			assert.ok((await charts.count()) > 0);
			for (const chart of await charts.all()) {
				await chart.scrollIntoViewIfNeeded();
				await chart.locator("canvas.marks").waitFor();
			}
			assert.deepEqual(browser.errors, []);
		});

		it("runs 02 by the menu, to its end", async () => {
			const { browser, notebook } = reading();
			const address = new URL(`/lab/tree/${path.basename(grandchild)}`, url);
			address.search = `${url.search}&reset`;
			await browser.page.goto(address.href);
			await notebook.opened("Does a recursive watch miss its grandchildren?");
			await notebook.runAll();
			assert.equal(await notebook.cells.count(), codeCellCount);
			assert.deepEqual(
				await browser.page.locator('.jp-OutputArea-output[data-mime-type*="stderr"]').allInnerTexts(),
				[],
			);
			for (const verdict of ["? untested", "✗ refuted"])
				await notebook.cells.getByText(verdict, { exact: true }).first().waitFor({ state: "attached" });
			await assertNothingInTheWay();
			await browser.screenshot("02-top", browser.page.locator(".jp-Notebook h1"));
		});

		it("draws the chart, with its marks", async () => {
			const { browser } = reading();
			const chart = chartOf(4);
			await chart.canvas.scrollIntoViewIfNeeded();
			const marks = await chart.marks(BLUE);
			// Two sets at the writer and at the watcher, and the legend's own.
			assert.equal(marks.length, 5, JSON.stringify(marks));
			await browser.screenshot("02-chart", chart.canvas);
		});

		it("tells of a mark that is pointed at", async () => {
			const { browser } = reading();
			const chart = chartOf(4);
			const [first] = await chart.marks(BLUE);
			assert.ok(first);
			const tooltip = await chart.tooltipAt(first);
			assert.match(await tooltip.innerText(), /\/a\/b\b/);
			await browser.screenshot("02-tooltip");
			await browser.page.mouse.move(5, 5);
		});

		it("plays the run with its slider, by the keyboard and by the mouse", async () => {
			const { browser } = reading();
			const chart = chartOf(4);
			assert.equal(await chart.slider.inputValue(), "3");
			const whole = await chart.drawing();
			await chart.slider.focus();
			// In JupyterLab the arrows would fold a section up: the lab leaves them to the slider.
			await browser.page.keyboard.press("ArrowLeft");
			await browser.page.keyboard.press("ArrowLeft");
			assert.equal(await chart.slider.inputValue(), "1");
			const first = await chart.redrawnFrom(whole);
			await browser.screenshot("02-slider");
			const box = await chart.slider.boundingBox();
			assert.ok(box);
			await browser.page.mouse.click(box.x + box.width - 3, box.y + box.height / 2);
			await chart.redrawnFrom(first);
			assert.equal(await chart.slider.inputValue(), "3");
		});

		it("has no output that must be scrolled sideways, in the window of a small laptop", async () => {
			const { notebook } = reading();
			assert.deepEqual(await notebook.sidewaysScrolled(), []);
		});

		it("shows a hostile key as text in a chart, its tooltip, a table and a verdict", async () => {
			const { browser, notebook } = reading();
			const key = "<img src=x onerror=alert(1)>";
			const cell = await notebook.runNew(`
const hostile = await scenario("${key}")
  .watch("${key}", "/a", { recursive: true })
  .set("/a/${key}", "${key}")
  .run(etcd);
chart(hostile);
table(hostile);
eventTable(hostile, "${key}");
showVerdict(claims.childrenAreSeen(hostile));`);
			await notebook.finished(cell);
			const chart = new ChartView(browser.page, cell.locator(".vega-embed"));
			await chart.canvas.waitFor();
			await cell.locator(".jp-OutputArea-output").last().scrollIntoViewIfNeeded();
			assert.ok((await cell.locator("table").allInnerTexts()).every((text) => text.includes(key)));
			assert.equal(await cell.locator("table").count(), 2);
			const [mark] = await chart.marks(BLUE);
			assert.ok(mark);
			const tooltip = await chart.tooltipAt(mark);
			assert.ok((await tooltip.innerText()).includes(key));
			assert.equal(await tooltip.locator("img").count(), 0);
			assert.equal(await browser.page.locator(".jp-OutputArea img, img[src='x']").count(), 0);
			await assertNothingInTheWay();
			await browser.screenshot("02-hostile");
			await browser.page.mouse.move(5, 5);
		});

		it("stops a cell that waits in a watcher by Interrupt, and runs the next one", async () => {
			const { browser, notebook } = reading();
			const waiting = await notebook.runNew(`
console.log("waiting");
await etcd.v2.watcher(etcd.newPrefix()).next();`);
			await waiting.getByText("waiting", { exact: true }).last().waitFor();
			await waiting.locator(".jp-InputPrompt", { hasText: "[*]:" }).waitFor();
			await notebook.menu("Kernel", "Interrupt Kernel");
			await notebook.finished(waiting);
			await waiting
				.locator(".jp-OutputArea")
				.getByText(/abort|interrupt/i)
				.first()
				.waitFor();
			const next = await notebook.runNew(`
const later = await etcd.v2.set(etcd.newPrefix(), "still here");
console.log(later.action, later.node.value);`);
			await notebook.finishedAfterAnError(next);
			assert.match(await next.locator(".jp-OutputArea").innerText(), /set still here/);
			await browser.screenshot("02-end", next.locator(".jp-OutputArea-output"));
		});

		it("can be read in the dark theme", async () => {
			const { browser, notebook } = reading();
			await notebook.menu("Settings", "Theme", "JupyterLab Dark");
			await browser.page.locator('body[data-jp-theme-light="false"]').waitFor({ state: "attached" });
			await browser.screenshot("02-dark", chartOf(4).canvas);
		});

		it("has no error in the browser's console, asks nobody else, and saves nothing unasked", async () => {
			const { browser } = reading();
			assert.deepEqual(browser.errors, []);
			assert.deepEqual(browser.strangers, []);
			assert.deepEqual(browser.saves, []);
			await assertNothingInTheWay();
		});
	}

	it("leaves no process at Ctrl-C, and its port is free", async () => {
		const processes = descendants(lab.pid);
		// npm, the starter and JupyterLab; with a notebook open its kernel, the lab's keeper and etcd as well.
		const least = executable === undefined ? 2 : 5;
		assert.ok(processes.length >= least, `${processes.length} processes`);
		process.kill(-lab.pid, "SIGINT");
		const { stdout } = await lab.ended;
		assert.match(stdout, /ending JupyterLab and its kernels/);
		await until("no process of the lab is left", () => survivors(processes).length === 0);
		await assert.rejects(once(net.connect(Number(url.port), "127.0.0.1"), "connect"), /ECONNREFUSED/);
	});

	it("leaves the notebooks as they were", () => {
		assert.equal(hashOfNotebooks(), filesBefore);
	});
});
