/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { Locator, Page } from "playwright-core";

/** How long a notebook may take to run in a browser, on a machine that has other things to do as well. */
const RUN_MS = 120_000;

/** A point in a drawing, in CSS pixels from its upper left corner. */
export interface Point {
	readonly x: number;
	readonly y: number;
}

/** JupyterLab with a notebook open, in the words of who reads it. */
export class NotebookPage {
	constructor(readonly page: Page) {}

	/** Waits until the notebook's title is there and its kernel is ready. */
	async opened(title: string): Promise<void> {
		await this.page.locator(".jp-Notebook h1", { hasText: title }).waitFor();
		await this.idle();
	}

	async idle(): Promise<void> {
		await this.page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').waitFor();
	}

	/** Chooses from the menu bar: menu("Run", "Run All Cells"). */
	async menu(name: string, ...items: readonly string[]): Promise<void> {
		await this.page.locator(".lm-MenuBar-itemLabel", { hasText: exactly(name) }).click();
		for (const item of items) {
			await this.page
				.locator(".lm-Menu-itemLabel", { hasText: exactly(item) })
				.last()
				.click();
		}
	}

	/** Runs all cells by the menu, and waits until each has been run. */
	async runAll(): Promise<void> {
		// The outputs of the file go first: what is seen afterwards comes from this run.
		await this.menu("Edit", "Clear Outputs of All Cells");
		await this.page.waitForFunction(() => document.querySelectorAll(".jp-OutputArea-output").length === 0);
		await this.menu("Run", "Run All Cells");
		await this.page.waitForFunction(
			() => {
				const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")];
				return prompts.length > 0 && prompts.every((prompt) => /^\[\d+\]:$/.test(prompt.textContent ?? ""));
			},
			undefined,
			{ timeout: RUN_MS },
		);
		await this.idle();
	}

	get cells(): Locator {
		return this.page.locator(".jp-Notebook .jp-CodeCell");
	}

	/** A code cell, counted from 1 as [n] is after Run All. */
	cell(number: number): Locator {
		return this.cells.nth(number - 1);
	}

	/** Adds a code cell at the notebook's end and starts it. */
	async runNew(source: string): Promise<Locator> {
		const { keyboard } = this.page;
		await this.page.locator(".jp-Notebook .jp-Cell").last().locator(".jp-InputPrompt").click();
		await keyboard.press("Escape");
		await keyboard.press("b");
		await keyboard.press("Enter");
		await keyboard.insertText(source);
		await keyboard.press("Control+Enter");
		return this.cells.last();
	}

	/**
	 * Waits until a cell has been run that was started right after an error, and starts it again when it was not
	 * taken: for 200 ms after an error tslab answers every cell with "abort".
	 */
	async finishedAfterAnError(cell: Locator): Promise<void> {
		for (let left = 5; ; left--) {
			try {
				return await cell.locator(".jp-InputPrompt", { hasText: /^\[\d+\]:$/ }).waitFor({ timeout: 5_000 });
			} catch (error) {
				if (left === 1) throw error;
				await cell.locator(".cm-content").click();
				await this.page.keyboard.press("Control+Enter");
			}
		}
	}

	/** Waits until a cell has been run. */
	async finished(cell: Locator): Promise<void> {
		await cell.locator(".jp-InputPrompt", { hasText: /^\[\d+\]:$/ }).waitFor({ timeout: RUN_MS });
	}

	/** The outputs that a reader would have to scroll sideways in, by cell. */
	async sidewaysScrolled(): Promise<string[]> {
		const found: string[] = [];
		for (const [index, cell] of (await this.cells.all()).entries()) {
			// JupyterLab draws a chart when it comes into sight.
			await cell.scrollIntoViewIfNeeded();
			for (const chart of await cell.locator(".jp-RenderedVegaLite").all())
				await chart.locator("canvas.marks").waitFor();
			const wide = await cell.evaluate((element) =>
				[...element.querySelectorAll(".jp-OutputArea-output, .jp-OutputArea-output *")]
					.filter((each) => each.scrollWidth > each.clientWidth + 1)
					.filter((each) => ["auto", "scroll"].includes(getComputedStyle(each).overflowX))
					.map((each) => `${each.scrollWidth} px in ${each.clientWidth}`),
			);
			found.push(...wide.map((words) => `cell ${index + 1}: ${words}`));
		}
		return found;
	}
}

/** A chart that JupyterLab drew. */
export class ChartView {
	readonly canvas: Locator;
	readonly slider: Locator;

	constructor(
		private readonly page: Page,
		readonly embed: Locator,
	) {
		this.canvas = embed.locator("canvas.marks");
		this.slider = embed.locator('input[type="range"]');
	}

	/** Where the marks of a colour are: one point in each, from top to bottom. */
	async marks(colour: readonly [red: number, green: number, blue: number]): Promise<Point[]> {
		return await this.canvas.evaluate((element, wanted) => {
			if (!(element instanceof HTMLCanvasElement)) throw new Error("no canvas");
			const { width, height } = element;
			const pixels = element.getContext("2d")?.getImageData(0, 0, width, height).data;
			if (pixels === undefined) throw new Error("the canvas cannot be read");
			const scale = width / element.clientWidth;
			const found: Point[] = [];
			for (let y = 0; y < height; y += 2) {
				for (let x = 0; x < width; x += 2) {
					const at = 4 * (y * width + x);
					if (wanted.some((value, channel) => Math.abs((pixels[at + channel] ?? 0) - value) > 2)) continue;
					const point = { x: x / scale, y: (y + 4) / scale };
					// A mark is about 13 pixels wide: what is nearer than that belongs to the same one.
					if (found.every((each) => Math.hypot(each.x - point.x, each.y - point.y) > 18)) found.push(point);
				}
			}
			return found;
		}, colour);
	}

	/** Points at a place in the drawing and gives the tooltip that comes up. */
	async tooltipAt({ x, y }: Point): Promise<Locator> {
		await this.canvas.hover({ position: { x, y } });
		const tooltip = this.page.locator("#vg-tooltip-element.visible");
		await tooltip.waitFor();
		return tooltip;
	}

	async drawing(): Promise<string> {
		return await this.canvas.evaluate((element) =>
			element instanceof HTMLCanvasElement ? element.toDataURL() : "",
		);
	}

	/** Waits until the drawing is another one than this. */
	async redrawnFrom(before: string): Promise<string> {
		const canvas = await this.canvas.elementHandle();
		await this.page.waitForFunction(
			([element, old]) => element instanceof HTMLCanvasElement && element.toDataURL() !== old,
			[canvas, before] as const,
		);
		return await this.drawing();
	}
}

function exactly(text: string): RegExp {
	return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);
}
