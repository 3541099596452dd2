import assert from "node:assert/strict";
import path from "node:path";
import { type Cell, joined, type Notebook } from "#tools/notebooks/file";
import { asCommitted, questionsOf } from "#tools/notebooks/questions";
import { longCells } from "./expected";
import { bound, codeCells, pages, proseOf, sourceOf, stringsOf, textOf } from "./reading";

const all = pages();

/** The words of a cell's prose, without its title. */
function wordCount(markdown: string): number {
	return markdown
		.replace(/^# .*$/m, "")
		.replace(/\]\([^)]*\)/g, "]")
		.split(/\s+/)
		.filter((word) => /\w/.test(word)).length;
}

/** The levels of a page's headings, in order; what is in a code block is none. */
function headingLevels(markdown: string): number[] {
	return [...markdown.replace(/^```[\s\S]*?^```/gm, "").matchAll(/^(#{1,6}) /gm)].map(
		([, signs = ""]) => signs.length,
	);
}

/** In pixels: what an output has of a window of 1280 in JupyterLab, with its list of files open. */
const OUTPUT_WIDTH = 840;

/** The charts that a reader has to scroll sideways in, by their width. */
function wideCharts({ outputs = [] }: Cell): number[] {
	return outputs
		.map(({ data }) => Number(/<svg[^>]* width="([\d.]+)"/.exec(String(data?.["image/svg+xml"]))?.[1] ?? 0))
		.filter((width) => width > OUTPUT_WIDTH);
}

/** Names that are bound by more than one cell. */
function boundTwice(sources: readonly string[]): string[] {
	const names = sources.flatMap((source) => [...new Set(bound(source))]);
	return names.filter((name, at) => names.indexOf(name) !== at);
}

/** A page's prose, its code blocks aside. */
const withoutCode = (prose: readonly string[]): string =>
	prose.join("\n\n").replace(/^```[\s\S]*?^```/gm, "");

/** Hypotheses, heads of tables, and conclusions that begin a line, without a word of for which API they are. */
function forNobody(markdown: string): string[] {
	const lines = markdown.split("\n");
	return lines.filter((line, at) => {
		if (line.startsWith("> ")) return !/^> \[(v2|v3|both)\] /.test(line);
		if (/^\|[-|]+\|$/.test(lines[at + 1] ?? "")) return !/\[(v2|v3|both)\]/.test(line);
		return /^\*\*[^*]*\b(confirmed|refuted|untested)\b/i.test(line);
	});
}

/** Things that only who sees colours can find. */
function byColourAlone(markdown: string): string[] {
	const colours = "orange|yellow|gr[ae]y|blue|red|green|black|white|purple";
	const things = "band|bar|box|cross|disc|dot|lane|line|mark|ring|row|square";
	return [...markdown.matchAll(new RegExp(`\\b(?:${colours}) (?:one|${things})(?:e?s)?\\b`, "gi"))].map(
		String,
	);
}

/** Words of 00's list that a page uses before it has led to that list. */
function unexplained(markdown: string): string[] {
	const [before = ""] = markdown.split(/\[[^\]]*\]\(00-start-here\.ipynb#The-words\)/);
	return [...before.matchAll(/\b(?:quorum|(?<!X-)raft|gateway|fence|members?|snapshot|refresh)\b/gi)].map(
		String,
	);
}

/** Predictions that are compared with a run that had begun before they were made. */
function predictedTooLate(sources: readonly string[]): string[] {
	const cellThatBinds = (name: string) => sources.findIndex((source) => bound(source).includes(name));
	return sources.flatMap((source) =>
		[...source.matchAll(/checkPrediction\(\s*(\w+),\s*(\w+)/g)].flatMap(([, prediction = "", run = ""]) => {
			const predicted = cellThatBinds(prediction);
			const ran = cellThatBinds(run);
			return predicted >= 0 && ran >= 0 && predicted < ran ? [] : [`${prediction} of ${run}`];
		}),
	);
}

/** The titles of charts that answer what a page asks before them: of a predicted run, until the prediction is checked. */
function answersGivenAway(sources: readonly string[]): string[] {
	return sources.flatMap((source, checked) =>
		[...source.matchAll(/checkPrediction\(\s*\w+,\s*(\w+)/g)].flatMap(([, run = ""]) => {
			const ran = sources.findIndex((each) => bound(each).includes(run));
			return sources
				.slice(ran, checked + 1)
				.flatMap((each) => [...each.matchAll(/\b(?:sub)?title:\s*"([^"]*)"/g)])
				.flatMap(([, title = ""]) => (title.endsWith("?") ? [] : [title]));
		}),
	);
}

/** Requests that the reader's own server would get for a key that the lab has not made there: one by its full name. */
function outsideThePrefix(sources: readonly string[]): string[] {
	return sources.flatMap(
		(source) =>
			source.match(/\b(?:etcd\.v[23]\.\w+|follow|mirror)\(\s*(?:etcd\.v[23],\s*)?["'`]\/[^)]*/g) ?? [],
	);
}

/** How often a page compares a prediction with what came. */
function checksOf(sources: readonly string[]): number {
	return sources.filter((source) => /\bcheckPrediction\(|\btitle: "Your prediction/.test(source)).length;
}

function isHeading(cell: Cell): boolean {
	return cell.cell_type === "markdown" && sourceOf(cell).startsWith("#");
}

/** The code cells above 15 lines, by number; the setup cell's imports take a line a name. */
function tooLong(sources: readonly string[]): number[] {
	return sources.flatMap((source, index) => {
		const counted = source.replace(/^import \{[^}]*\}/gm, "import {}");
		return counted.split("\n").length > 15 ? [index + 1] : [];
	});
}

/** What pages quote of their charts, so that who sees no colours finds it; in the chart or in its text. */
const quoted: Readonly<Record<string, readonly string[]>> = {
	"03-missed-events": ["nobody waiting", "from history", "open, but nobody at the other side"],
	"04-afterindex-recovery": ["from history", "events 2 to 401 are gone", "[3/2]"],
	"05-events-as-a-log": ["the log lacks it", "no read shows it"],
	"06-indexes-and-revisions": ["the last 1000 events", "compacted: forgotten", "events 2 to 400 are gone"],
	"08-faults": ["nobody waiting", "the member: wiped at index 2", "told 4×"],
};

describe("a notebook's structure", () => {
	it("is that of at least the five that the lab opens with", () => {
		const names = all.map(({ name }) => name);
		for (const number of ["00", "01", "02", "03", "04"])
			assert.ok(
				names.some((name) => name.startsWith(`${number}-`)),
				number,
			);
	});

	for (const { name, notebook } of all) {
		describe(name, () => {
			const code = codeCells(notebook);
			const sources = code.map(sourceOf);
			const prose = proseOf(notebook);

			it("has one title, and headings that go down one level at a time", () => {
				const levels = headingLevels(prose.join("\n\n"));
				assert.equal(levels[0], 1, "the title comes first");
				assert.equal(levels.filter((level) => level === 1).length, 1);
				levels.forEach((level, at) => {
					assert.ok(level <= (levels[at - 1] ?? 0) + 1, `heading ${at + 1} of level ${level}`);
				});
			});

			it("opens with a question and says in at most 120 words what the page is about", () => {
				const [first] = notebook.cells;
				assert.equal(first?.cell_type, "markdown");
				const opening = sourceOf(first);
				assert.match(opening, /^# .*\?$/m);
				assert.ok(wordCount(opening) <= 120, `${wordCount(opening)} words`);
			});

			it("has a setup cell that makes the lab and says on which etcd", () => {
				assert.equal(notebook.cells[1]?.cell_type, "code");
				assert.match(sources[0] ?? "", /from "etcd-watch-lab";[\s\S]*await lab\(\)/);
				assert.match((code[0]?.outputs ?? []).map(textOf).join(""), /^etcd \d+\.\d+\.\d+, /);
			});

			const isListed = (source: string) => longCells.some((part) => source.includes(part));
			for (const [title, wrong] of [
				[
					"has no code cell above 15 lines that is not listed",
					() => tooLong(sources.map((source) => (isListed(source) ? "" : source))),
				],
				[
					"asks the reader's own server for nothing but what the lab has made there (X23)",
					() => outsideThePrefix(sources),
				],
				[
					"says of its hypothesis, its tables and its conclusions whether they are of v2, v3 or both",
					() => forNobody(withoutCode(prose)),
				],
				["names nothing by its colour alone", () => byColourAlone(withoutCode(prose))],
				[
					"has no chart that must be scrolled sideways in the window of a small laptop",
					() => code.flatMap(wideCharts),
				],
				[
					"leads to the list of words before it uses one of them",
					() => (name === "00-start-here" ? [] : unexplained(withoutCode(prose))),
				],
				["binds no name in two cells", () => boundTwice(sources)],
				[
					"gives no answer away before the prediction is checked, in a chart's title (L7)",
					() => answersGivenAway(sources),
				],
			] as const)
				it(title, () => assert.deepEqual(wrong(), []));

			it("quotes of its charts what is in them", () => {
				const shown = [...stringsOf(code.map(({ outputs }) => outputs))].join("\n");
				for (const words of quoted[name] ?? []) {
					assert.ok(prose.join("\n\n").includes(words), `no text has "${words}"`);
					assert.ok(shown.includes(words), `no output has "${words}"`);
				}
			});

			it("asks for a prediction before the run that it is compared with", () => {
				assert.ok(sources.some((source) => /\bpredict\(/.test(source)));
				assert.ok(sources.some((source) => /\bcheckPrediction\(/.test(source)));
				assert.deepEqual(predictedTooLate(sources), []);
			});

			it("asks each question before its answer, below a heading of its own", () => {
				const questions = questionsOf(notebook);
				assert.equal(questions.length, checksOf(sources));
				questions.forEach(({ asked }, at) => {
					const since = notebook.cells.slice(questions[at - 1]?.checked ?? 0, asked);
					assert.ok(since.some(isHeading), `the question in cell ${asked + 1}`);
				});
			});

			it("says nothing of what came in a cell that JupyterLab shows before it is run", () => {
				const better = asCommitted(notebook);
				const marksOf = ({ cells }: Notebook) => cells.map(({ id, metadata }) => [id, metadata]);
				assert.deepEqual(marksOf(notebook), marksOf(better), "npm run check -- --fix");
				for (const { run, checked } of questionsOf(notebook))
					for (const cell of notebook.cells.slice(run, checked))
						if (isHeading(cell) && !sourceOf(cell).startsWith("## Look: how to read"))
							assert.doesNotMatch(sourceOf(cell), /\n/, "a heading has a cell to itself");
			});

			it("marks right and wrong in a table of its own of a prediction (L19)", () => {
				for (const source of sources)
					if (/\btitle: "Your prediction/.test(source)) assert.match(source, /\bmark(?:: | \}|,)/);
			});

			it("has a prediction of its exercise's attempt, which is checked with it (L28)", () => {
				const attempt = sources.find((source) => /^const attempt\b/m.test(source)) ?? "";
				assert.match(attempt, /^const myBet = predict\(/m);
				const check = sources.find((source) => /\bcheckExercise\(/.test(source)) ?? "";
				assert.match(
					check,
					/checkPrediction\(myBet, tried\);[\s\S]*checkExercise\(exercises\.\w+, tried, myBet\)/,
				);
			});

			it("has one exercise, whose start is not its answer", () => {
				const checks = code.filter((cell) => /\bcheckExercise\(/.test(sourceOf(cell)));
				assert.equal(checks.length, 1);
				const said = (checks[0]?.outputs ?? []).map(textOf).join("");
				assert.match(said, /│ why\n[─┼]+\n✗ not yet │ [✓✗?] [^│]+ │ \S/);
				assert.match(said, /^To give up, and see an answer: exercises\.\w+\.giveUp\(\)$/m);
			});

			// That no link is in vain is said of the site (site/build.test), which is made of the same texts.
			it("links to the next page at its end", () => {
				const last = notebook.cells.at(-1);
				assert.equal(last?.cell_type, "markdown");
				const next = all[all.findIndex((each) => each.name === name) + 1] ?? all[0];
				assert.ok(next);
				assert.ok(joined(last?.source).includes(`](${path.basename(next.file)})`), next.name);
			});
		});
	}

	it("would be seen broken: each check has its planted fault", () => {
		const root = ['await refusal(etcd.v2.compareAndDelete("/", { prevIndex: 7 }));', "follow(etcd.v3, `/a`)"];
		assert.equal(outsideThePrefix([...root, "etcd.v2.set(tree + name)", 'own.v2.set("/a")']).length, 2);
		assert.equal(wordCount(`# A title\n\n${"word ".repeat(121)}`), 121);
		assert.deepEqual(headingLevels("# a\n\n```\n# no\n```\n\n### b"), [1, 3]);
		assert.deepEqual(
			forNobody("> No.\n\n> [v2] Yes.\n\n**It is refuted.** So.\n\n[v3] **It is confirmed.**"),
			["> No.", "**It is refuted.** So."],
		);
		assert.deepEqual(forNobody("| a | b |\n|---|---|\n| c | d |\n\n| [v2] a | b |\n|---|---|"), [
			"| a | b |",
		]);
		assert.deepEqual(byColourAlone("The orange band, and a band, which is orange"), ["orange band"]);
		assert.deepEqual(unexplained("A fence. [Words](00-start-here.ipynb#The-words): a member"), ["fence"]);
		const data = { "image/svg+xml": '<svg class="a" width="841" />' };
		const drawing = { output_type: "display_data", data } as const;
		assert.deepEqual(wideCharts({ cell_type: "code", metadata: {}, source: "", outputs: [drawing] }), [841]);
		assert.deepEqual(boundTwice(["const a = 1;", "let b = 2;\nconst a = 3;"]), ["a"]);
		assert.deepEqual(boundTwice(['import { chart, type X } from "y";', "type X = 1;"]), ["X"]);
		assert.deepEqual(boundTwice(["const { a: b, c } = x;", "function c() {}", "const a = 1;"]), ["c"]);
		assert.deepEqual(boundTwice(["const f = () => {\n  const a = 1;\n};", "const a = 2;"]), []);
		const [ran, check] = ["const seen = await x.run(etcd);", "checkPrediction(guess, seen);"];
		assert.deepEqual(predictedTooLate([ran, "const guess = 1;", check]), ["guess of seen"]);
		assert.deepEqual(answersGivenAway([ran, 'chart(seen, { title: "It came" });', check]), ["It came"]);
		assert.deepEqual(tooLong(["a\n".repeat(15), "a", `import {\n${"a,\n".repeat(20)}} from "x";`]), [1]);
	});
});
