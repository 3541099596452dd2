import assert from "node:assert/strict";
import { type Cell, joined, type Notebook } from "#tools/notebooks/file";
import { asCommitted, questionsOf } from "#tools/notebooks/questions";

const output = { output_type: "stream", name: "stdout", text: "came\n" } as const;

function code(source: string, metadata: Cell["metadata"] = {}): Cell {
	return {
		cell_type: "code",
		id: `c-${source.length}`,
		metadata,
		source,
		execution_count: 1,
		outputs: [output],
	};
}

function prose(source: string, id = `p-${source.length}`): Cell {
	return { cell_type: "markdown", id, metadata: {}, source };
}

function page(...cells: Cell[]): Notebook {
	return { cells, metadata: {}, nbformat: 4, nbformat_minor: 5 };
}

/** For each cell of text whether JupyterLab shows it. */
function shownTexts(notebook: Notebook): [string, boolean][] {
	return notebook.cells
		.filter((cell) => cell.cell_type === "markdown")
		.map((cell) => [joined(cell.source), !JSON.stringify(cell.metadata).includes("source_hidden")]);
}

const experiment = [
	code('const guess = predict({ w: "none" });'),
	prose("It takes a second."),
	code("const seen = await first.run(etcd);"),
	prose("Look at the gap."),
	code("checkPrediction(guess, seen);"),
	prose("**Surprise:** nothing came."),
];

describe("a page's questions", () => {
	it("are asked where a prediction is bound, and answered up to the next heading", () => {
		const cells = [...experiment, prose("## Next"), code("chart(seen);")];
		const { cells: after, ...rest } = page(...cells, code("const more = await second.run(etcd);"));
		assert.deepEqual(questionsOf({ cells: after, ...rest }), [{ asked: 0, run: 2, checked: 4, end: 6 }]);
	});

	it("are answered by a section, too, that only looks at the same run", () => {
		const looking = [prose("## Conclude"), code("showVerdict(claims.x(seen));"), prose("Refuted.")];
		const ends = [
			...["const", "let"].map((word) => code(`${word} again = seen;`)),
			...[code("function again() { return seen; }"), code("await seen.more();"), code("chart(another);")],
		];
		for (const end of ends) {
			const [question] = questionsOf(page(...experiment, ...looking, prose("## Next"), end));
			assert.equal(question?.end, 9, joined(end.source));
		}
		assert.equal(questionsOf(page(...experiment, ...looking))[0]?.end, 9);
	});

	it("can be of something else than events, and end where the next one is asked", () => {
		const cells = [
			code('const guess = { 1000: "served" };'),
			code(
				'const came = "401";\nshowTable({ title: "Your prediction, and what came", rows: [[guess[1000]]] });',
			),
			code('const mine = predict({ w: "all" });'),
			code("const run = await x.run(etcd);\ncheckPrediction(mine, run);"),
		];
		assert.deepEqual(
			questionsOf(page(...cells)).map(({ asked, checked, end }) => [asked, checked, end]),
			[
				[0, 1, 2],
				[2, 3, 4],
			],
		);
	});

	it("are none where nothing is compared, or nothing was predicted", () => {
		assert.deepEqual(questionsOf(page(code("const guess = 1;"), code("checkPrediction(other, run);"))), []);
		assert.deepEqual(questionsOf(page(code('const guess = predict({ w: "all" });'), prose("## Next"))), []);
	});
});

describe("a page as it is committed", () => {
	it("hides each output, and the texts that say what came, until they are run", () => {
		const before = page(prose("# Is it so?"), ...experiment, prose("## Conclude"), prose("Do this."));
		const after = asCommitted(before);
		assert.deepEqual(shownTexts(after), [
			["# Is it so?", true],
			["It takes a second.", true],
			["Look at the gap.", false],
			["**Surprise:** nothing came.", false],
			["## Conclude", true],
			["Do this.", true],
		]);
		for (const cell of after.cells.filter(({ cell_type }) => cell_type === "code"))
			assert.deepEqual(cell.metadata, { jupyter: { outputs_hidden: true } });
	});

	it("is the same when it is made so again, and after a reader has run and saved it", () => {
		const once = asCommitted(page(prose("# Is it so?"), ...experiment));
		assert.deepEqual(asCommitted(once), once);
		const saved = once.cells.map((cell) => ({ ...cell, metadata: cell.outputs ? { collapsed: true } : {} }));
		assert.deepEqual(asCommitted({ ...once, cells: saved }), once);
	});

	it("keeps what else a cell is marked with, and marks no cell without outputs", () => {
		const tagged = code("1", { tags: ["a"], jupyter: { outputs_hidden: false, other: 1 } });
		const empty: Cell = { ...code("2", { jupyter: { outputs_hidden: true } }), outputs: [] };
		assert.deepEqual(
			asCommitted(page(tagged, empty)).cells.map(({ metadata }) => metadata),
			[{ tags: ["a"], jupyter: { other: 1, outputs_hidden: true } }, {}],
		);
	});

	it("has each heading at the beginning of a cell, under an id of its own", () => {
		const text = "Before.\n\n## One\n\n```\n## no heading\n```\n\n## Two\n\n### Right below\n\nText.\n";
		const { cells } = asCommitted(page(prose(text, "a"), prose("Taken.", "a-2")));
		assert.deepEqual(
			cells.map(({ id, source }) => [id, source]),
			[
				["a", "Before."],
				["a-3", "## One\n\n```\n## no heading\n```"],
				["a-4", "## Two\n\n### Right below\n\nText."],
				["a-2", "Taken."],
			],
		);
	});
});
