import type { Cell, Notebook, Output } from "#tools/notebooks/file";
import { CHART, PICTURE, TABLE, TEXT } from "#tools/notebooks/outputs";
import type { VolatileCell } from "#tools/notebooks/volatile-cells";

/** The cells of the handmade page, by number. */
export const ABOUT = 1;
export const QUIET = 2;
export const DRAWN = 3;
export const JUDGED = 4;
export const SPEED = 5;

/** The list of volatile cells that goes with it. */
export const speed: VolatileCell = {
	notebook: "99-made-by-hand",
	source: "await speedOf(",
	why: "a speed is the machine's",
};

/** A small notebook of this test, as it is committed: each call gives another one to change. */
export function page(): Notebook {
	const cells: Cell[] = [
		code(
			'import { lab } from "etcd-watch-lab";\nconsole.log(etcd.about);',
			stream("etcd 3.5.1, by the lab\n"),
		),
		code("const quiet = 1;"),
		code("chart(seen);", chart(), table()),
		code("showVerdict(claims.something(seen));", verdict("✓ confirmed")),
		code(
			"await speedOf(etcd);",
			speedChart([12, 340]),
			verdict("✗ refuted", "lost 12 of 340"),
			speedTable([12, 340]),
		),
	];
	cells.forEach((cell, index) => {
		cell.execution_count = index + 1;
		cell.id = `cell-${index + 1}`;
	});
	const prose: Cell = {
		cell_type: "markdown",
		id: "prose",
		metadata: {},
		source: "# Prose\n\nis not compared.",
	};
	return { cells: [prose, ...cells], metadata: {}, nbformat: 4, nbformat_minor: 5 };
}

export function code(source: string, ...outputs: Output[]): Cell {
	return { cell_type: "code", execution_count: null, metadata: {}, outputs, source };
}

export function stream(text: string, name = "stdout"): Output {
	return { output_type: "stream", name, text };
}

export function shown(data: Record<string, unknown>): Output {
	return { output_type: "display_data", data, ...{ metadata: {} } };
}

export function verdict(sign: string, evidence = "write 1, set /a: took index 1"): Output {
	const claim = "Something is so";
	return shown({
		[TABLE]: `<div>\n<p><strong>${sign}</strong>: ${claim}</p>\n<ul><li>${evidence}</li></ul>\n</div>`,
		[TEXT]: `${sign}: ${claim}\n  - ${evidence}\n`,
	});
}

function table(): Output {
	return shown({
		[TABLE]:
			"<table><thead><tr><th>index</th><th>write</th></tr></thead><tbody>\n<tr><td>1</td><td>set /a</td></tr>\n<tr><td>2</td><td>set /b</td></tr>\n</tbody></table>",
		[TEXT]: "index │ write\n──────┼───────\n    1 │ set /a\n    2 │ set /b\n",
	});
}

function speedTable(speeds: readonly number[]): Output {
	return shown({
		[TABLE]: `<table><thead><tr><th>pace</th></tr></thead><tbody>\n${speeds.map((each) => `<tr><td>${each}</td></tr>\n`).join("")}</tbody></table>`,
		[TEXT]: `pace │ unit\n─────┼─────\n${speeds.map((each) => `${String(each).padStart(4)} │ ms\n`).join("")}`,
	});
}

function chart(): Output {
	return shown({
		[CHART]: {
			description: "What came",
			layer: [
				{ data: { values: [{ text: "What came" }] }, mark: "text" },
				{
					data: {
						values: [
							{ lane: "w", tip: { event: "set /a" }, x: 1 },
							{ lane: "w", tip: { event: "set /b" }, x: 2 },
						],
					},
					encoding: { x: { field: "x", type: "quantitative" } },
					mark: { type: "point", filled: true },
				},
			],
		},
		[PICTURE]: '<svg role="graphics-document" aria-label="What came"><text>w</text></svg>',
		[TEXT]: "What came\nw: 1, 2\n",
	});
}

export function speedChart(speeds: readonly number[]): Output {
	return shown({
		[CHART]: {
			description: `How fast. ${speeds.length} points, up to ${speeds.at(-1)}.`,
			layer: [
				{
					data: { values: speeds.map((y, x) => ({ colour: "#0072B2", x, y })) },
					encoding: { y: { field: "y", scale: { domain: [0, speeds.at(-1)] }, type: "quantitative" } },
					mark: "line",
				},
			],
		},
		[PICTURE]: `<svg role="graphics-document" aria-label="How fast"><path d="M${speeds.join(",")}"/></svg>`,
		[TEXT]: `How fast: ${speeds.join(", ")}\n`,
	});
}
