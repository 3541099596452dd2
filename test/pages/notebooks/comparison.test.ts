import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { compareNotebooks, report } from "#tools/notebooks/compare";
import type { Cell, Notebook, Output } from "#tools/notebooks/file";
import { normalised, rules } from "#tools/notebooks/normalise";
import { CHART, codeCells, PICTURE, TABLE, TEXT } from "#tools/notebooks/outputs";
import { misfits, type VolatileCell } from "#tools/notebooks/volatile-cells";
import {
	ABOUT,
	code,
	DRAWN,
	JUDGED,
	page,
	QUIET,
	SPEED,
	shown,
	speed,
	speedChart,
	stream,
	verdict,
} from "./handmade";

type Edit = (notebook: Notebook) => void;
interface Change {
	/** What is done to the fresh run, to what is committed, and to both. */
	readonly fresh?: Edit;
	readonly committed?: Edit;
	readonly both?: Edit;
}

/** What a reader is told when a fresh run, or what is committed, is changed so. */
function toldWhen({ fresh, committed, both }: Change, entries: readonly VolatileCell[] = [speed]): string {
	const [before, now] = [page(), page()];
	for (const edit of [committed, both]) edit?.(before);
	for (const edit of [fresh, both]) edit?.(now);
	const differences = compareNotebooks(speed.notebook, before, now, entries);
	return report("notebooks/99-made-by-hand.ipynb", differences);
}

/** A sentence, and what is told of some changes: all of it, or what it matches. */
type Told = readonly [title: string, ...told: (readonly [change: Change, told: string | RegExp])[]];

function areTold(all: readonly Told[]): void {
	for (const [title, ...changes] of all)
		it(title, () => {
			for (const [change, told] of changes) {
				if (typeof told === "string") assert.equal(toldWhen(change), told);
				else assert.match(toldWhen(change), told);
			}
		});
}

function cell(notebook: Notebook, number: number): Cell {
	const found = codeCells(notebook)[number - 1];
	assert.ok(found);
	return found;
}

function output(notebook: Notebook, number: number, at = 1): Output {
	const found = cell(notebook, number).outputs?.[at - 1];
	assert.ok(found);
	return found;
}

/** Replaces a part of one form of an output; throws when it is not there. */
function replace(to: Output, mime: string, from: string, by: string): void {
	const was = JSON.stringify(to.data?.[mime]);
	const is = was.replaceAll(from, by);
	assert.notEqual(is, was, `${from} is in ${was}`);
	to.data = { ...to.data, [mime]: JSON.parse(is) };
}

const replaced =
	(number: number, at: number, mime: string, from: string, by: string): Edit =>
	(notebook) =>
		replace(output(notebook, number, at), mime, from, by);
const both =
	(...edits: readonly Edit[]): Edit =>
	(notebook) => {
		for (const edit of edits) edit(notebook);
	};
/** Its cell has something otherwise; or its outputs, made of those that it has. */
const having =
	(number: number, other: Partial<Cell>): Edit =>
	(notebook) =>
		void Object.assign(cell(notebook, number), other);
const giving =
	(number: number, of: (outputs: Output[]) => Output[]): Edit =>
	(notebook) => {
		const { outputs = [] } = cell(notebook, number);
		cell(notebook, number).outputs = of([...outputs]);
	};
/** The output of the first cell. */
const saying = (text: string): Edit => giving(ABOUT, () => [stream(text)]);

/** The speeds of the volatile cell, as another machine would have them. */
function faster(notebook: Notebook): void {
	const [drawn, judged, listed] = [1, 2, 3].map((at) => output(notebook, SPEED, at));
	assert.ok(drawn && judged && listed);
	Object.assign(drawn, speedChart([9, 10.5]));
	for (const mime of [TABLE, TEXT]) {
		replace(judged, mime, "lost 12 of 340", "lost 9 of 10,500");
		replace(listed, mime, "340", "10,500");
	}
	replace(listed, TEXT, "─────┼", "───────┼");
	replace(listed, TEXT, "pace │", "  pace │");
}

const head = (number: number, source: string) => `notebooks/99-made-by-hand.ipynb cell ${number}: ${source}`;

const err = (text: string) => (outputs: Output[]) => [...outputs, stream(text, "stderr")];
const warned = giving(QUIET, err("a warning\n"));
const failure = { output_type: "error", ename: "RangeError", evalue: "out of reach" } as const;
const thrown = giving(QUIET, () => [failure]);
const repainted = replaced(DRAWN, 1, PICTURE, "<text>w", "<text>x");
const withoutFirst = replaced(DRAWN, 1, CHART, '{"lane":"w","tip":{"event":"set /a"},"x":1},', "");
const table = (rows: string): Edit => giving(DRAWN, ([chart]) => [chart as Output, shown({ [TEXT]: rows })]);
const split: Edit = (notebook) => {
	for (const each of codeCells(notebook).flatMap(({ outputs }) => outputs ?? [])) {
		if (typeof each.text === "string") each.text = each.text.split(/(?<=\n)/);
		for (const [mime, form] of Object.entries(each.data ?? {}))
			if (typeof form === "string") each.data = { ...each.data, [mime]: form.split(/(?<=\n)/) };
	}
};
const moreForms: Edit = (notebook) => {
	const judged = output(notebook, JUDGED);
	judged.data = { ...judged.data, "application/json": {}, [PICTURE]: "<svg/>" };
};
const withoutQuiet: Edit = (notebook) => {
	notebook.cells = notebook.cells.filter((each) => each !== cell(notebook, QUIET));
	codeCells(notebook).forEach((each, index) => {
		each.execution_count = index + 1;
	});
};

describe("compareNotebooks", () => {
	it("tells of an escape sequence in an output, and passes none on", () => {
		const difference = { cell: 1, source: "a\u001b[8m", what: "text\u001b[2J", lines: ["- \u001b[8ma"] };
		assert.equal(report("p", [difference]), "p cell 1: a␛[8m\n  text␛[2J\n    - ␛[8ma");
	});

	areTold([
		["finds nothing in a run that gives what is committed", [{}, ""]],
		["takes a text for the same, whether it is one string or its lines", [{ committed: split }, ""]],
		[
			"shows the lines of a text that differ, with those beside them",
			[
				{
					fresh: both(
						replaced(DRAWN, 2, TEXT, "2 │ set /b", "3 │ set /b"),
						replaced(DRAWN, 2, TABLE, "<td>2</td>", "<td>3</td>"),
					),
				},
				`${head(DRAWN, "chart(seen);")}
  output 2: text differs
          1 │ set /a
    -     2 │ set /b
    +     3 │ set /b
  output 2: table differs, too`,
			],
		],
		[
			"shows the rows of a table whose text is the same",
			[
				{ fresh: replaced(DRAWN, 2, TABLE, "<td>2</td><td>set /b</td>", "<td>3</td><td>set &amp;b</td>") },
				/output 2: table differs\n.*<td>set \/a<.*\n {4}- <tr><td>2<.*set \/b<.*\n {4}\+ <tr><td>3<.*set &amp;b</,
			],
		],
		[
			"does not take a column that one value made wider for a change of every row",
			[
				{
					fresh: table(
						"index │ write      │ by\n──────┼────────────┼───\n    1 │ set /a     │ w\n    2 │ delete /ab │ w\n",
					),
					committed: table(
						"index │ write  │ by\n──────┼────────┼───\n    1 │ set /a │ w\n    2 │ set /b │ w\n",
					),
				},
				`${head(DRAWN, "chart(seen);")}
  output 2: text differs
          1 │ set /a     │ w
    -     2 │ set /b │ w
    +     2 │ delete /ab │ w`,
			],
		],
		[
			"shows a difference that the eye does not see: a space, a tag",
			[{ fresh: replaced(DRAWN, 2, TEXT, "set /b", "set /b ") }, /- ␣␣␣␣2␣│␣set␣\/b\n.*\+ ␣␣␣␣2␣│␣set␣\/b␣$/],
			[
				{ fresh: replaced(DRAWN, 2, TABLE, "<td>2</td>", "<td><b>2</b></td>") },
				/- <tr><td>2<\/td>.*\n.*\+ <tr><td><b>2<\/b><\/td>/,
			],
		],
		[
			"names the rows of a chart's data that differ",
			[
				{ fresh: both(replaced(DRAWN, 1, CHART, "set /b", "delete /b"), repainted) },
				`${head(DRAWN, "chart(seen);")}
  output 1: chart differs
      layer[1].data.values, row 1: {"lane":"w","tip":{"event":"set /a"},"x":1}
    - layer[1].data.values, row 2: {"lane":"w","tip":{"event":"set /b"},"x":2}
    + layer[1].data.values, row 2: {"lane":"w","tip":{"event":"delete /b"},"x":2}
      layer[1].encoding.x.field: "x"
  output 1: picture differs, too`,
			],
		],
		[
			"names a row that is missing from a chart's data, and one that is new, and none beside it",
			[
				{ fresh: withoutFirst },
				/chart differs\n.*\n {4}- layer\[1\]\.data\.values, row 1: .*set \/a.*\n {6}\S.*row 1: .*set \/b.*$/,
			],
			[{ committed: withoutFirst }, /chart differs\n.*\n {4}\+ layer\[1\].*row 1: .*set \/a.*\n {6}.*$/],
		],
		[
			"says when nothing but the picture differs",
			[{ fresh: repainted }, /output 1: picture differs \(image\/svg\+xml\), and nothing else does$/],
		],
		[
			"tells of an output that is missing, without taking those after it for changed",
			[
				{ fresh: giving(DRAWN, (outputs) => outputs.slice(1)) },
				`${head(DRAWN, "chart(seen);")}
  output 1: it is committed, and a run does not give it: chart “What came”`,
			],
		],
		[
			"tells of an output that is new, and of a cell that is committed with none",
			[
				{ fresh: giving(DRAWN, (outputs) => [...outputs, stream("done\n")]) },
				/output 3: a run gives it, and it is not committed: stdout “done”$/,
			],
			[
				{ committed: giving(DRAWN, () => []) },
				/cell 3: .*\n {2}it is committed with no output, and gives chart “What came”; table “index │ write”$/,
			],
			[{ fresh: giving(DRAWN, () => []) }, /^.*\n.*\n.*$/],
		],
		[
			"tells of a form of an output that is new, and of one that is missing",
			[
				{ fresh: moreForms },
				/output 1: a run gives a picture \(image\/svg\+xml\), too, which is not committed/,
			],
			[{ fresh: moreForms }, /output 1: a run gives application\/json, too/],
			[{ committed: moreForms }, /it is committed with application\/json, and a run gives none/],
		],
		[
			"tells of an error and of what went to stderr, in a run, in what is committed, and in both",
			[{ fresh: warned }, /committed with no output, and gives stderr “a warning”$/],
			[{ committed: warned }, /a run does not give it: stderr “a warning”$/],
			[{ both: warned }, /output 1: .*stderr “a warning”.*no page may show/],
			[{ committed: thrown }, /a run does not give it: error “RangeError: out of reach”$/],
			[{ both: thrown }, /error “RangeError: out of reach”/],
		],
		[
			"tells of another kind of output as one that went and one that came",
			[
				{ fresh: giving(ABOUT, () => [shown({ [TEXT]: "etcd 3.5.1, by the lab\n" })]) },
				/does not give it: stdout “etcd.*\n.*it is not committed: text “etcd/,
			],
		],
		[
			"tells of a cell that was not run, or not in its turn",
			[
				{ committed: having(QUIET, { execution_count: 7 }) },
				/cell 2: .*\n.*its number is \[7\], not \[2\]: .*top to bottom/,
			],
			[
				{ committed: having(QUIET, { execution_count: null }) },
				/cell 2: const quiet = 1;\n.*it has no number: it has not run/,
			],
		],
		[
			"tells of a cell that was edited since it ran, though it gives the same",
			[
				{ fresh: having(QUIET, { source: "const quiet = 2;" }) },
				`${head(QUIET, "const quiet = 2;")}
  its source is not the one that ran: it was edited since
    - const quiet = 1;
    + const quiet = 2;`,
			],
		],
		[
			"tells of a cell that is missing and of one that is new, without taking those after it for changed",
			[
				{ fresh: withoutQuiet },
				`${head(QUIET, "const quiet = 1;")}\n  it is in the committed notebook, and did not run`,
			],
			[{ committed: withoutQuiet }, /cell 2: const quiet = 1;\n {2}it ran, and is not in the committed/],
		],
	]);

	it("shows of a long line the part that differs, and of many lines the first", () => {
		const long = (end: string) => saying(`${"so long a line ".repeat(40)}${end}\n`);
		const oneLine = toldWhen({ committed: long("one"), fresh: long("two") });
		assert.match(oneLine, /- ….* one\n.*\+ ….* two$/);
		for (const line of oneLine.split("\n")) assert.ok(line.length < 170, line);
		const many = (word: string) => saying(Array.from({ length: 40 }, (_, at) => `${word} ${at}`).join("\n"));
		const lines = toldWhen({ committed: many("was"), fresh: many("is") }).split("\n");
		assert.equal(lines.length, 2 + 24 + 1);
		assert.match(lines.at(-1) ?? "", /… and 28 more$/);
	});

	it("names what else a chart has different, by its path: title, description, encoding, mark, layers", () => {
		const data = "layer[0].data.values, row 1:";
		const changes: readonly (readonly [from: string, by: string, was: string | undefined, is: string])[] = [
			['"What came"}]', '"What went"}]', `${data} {"text":"What came"}`, `${data} {"text":"What went"}`],
			['n":"What', 'n":"All that', 'description: "What came"', 'description: "All that came"'],
			[
				"quantitative",
				"ordinal",
				'layer[1].encoding.x.type: "quantitative"',
				'layer[1].encoding.x.type: "ordinal"',
			],
			['"filled":true', '"filled":false', "layer[1].mark.filled: true", "layer[1].mark.filled: false"],
			['"layer":[', '"layer":[{"mark":"rule"},', "layer: a list of 2", "layer: a list of 3"],
			['"layer":[', '"height":90,"layer":[', undefined, "height: 90"],
			['"layer":[', '"params":[],"layer":[', undefined, "params: []"],
			['"layer":[', '"config":{},"layer":[', undefined, "config: {}"],
		];
		for (const [from, by, was, is] of changes) {
			const said = toldWhen({ fresh: replaced(DRAWN, 1, CHART, from, by) }).split("\n");
			const [minus, plus] = ["-", "+"].map((sign) => said.find((line) => line.startsWith(`    ${sign} `)));
			assert.deepEqual([minus, plus], [was && `    - ${was}`, `    + ${is}`]);
		}
	});
});

describe("what is normalised", () => {
	const alike: Readonly<Record<string, readonly [string, string, string]>> = {
		"etcd's patch version": ["etcd 3.5.1, here", "etcd 3.5.35, here", "etcd 3.6.1, here"],
		"the port of a server on loopback": [
			"at http://127.0.0.1:40123",
			"at http://127.0.0.1:9",
			"at http://10.0.0.1:9",
		],
		"the prefix below which a lab keeps its keys": [
			"/etcd-watch-lab-0a1b/k",
			"/etcd-watch-lab-99/k",
			"/etcd-watch-lab-9/l",
		],
		"the seed of a random run": ["--seed 17 --runs 3", "--seed 4 --runs 3", "--seed 4 --runs 4"],
		"the first key of a burst of noise": [
			"9 × set, first /noise/3",
			"9 × set, first /noise/0",
			"8 × set, first /noise/0",
		],
	};

	it("has an example for each of its rules, and a reason", () => {
		assert.deepEqual(
			Object.keys(alike),
			rules.map(({ what }) => what),
		);
		for (const { why } of rules) assert.notEqual(why, "");
	});

	for (const [what, [one, other, another]] of Object.entries(alike)) {
		it(`is ${what}, and nothing beside it`, () => {
			assert.equal(toldWhen({ committed: saying(one), fresh: saying(other) }), "");
			assert.match(toldWhen({ committed: saying(one), fresh: saying(another) }), /output 1: text differs/);
			assert.equal(normalised(one), normalised(other));
		});
	}

	it("is so in charts and pictures, too", () => {
		const version = (text: string) =>
			both(...[CHART, PICTURE].map((mime) => replaced(DRAWN, 1, mime, "What came", `etcd ${text}`)));
		assert.equal(toldWhen({ committed: version("3.5.1"), fresh: version("3.4.23") }), "");
		assert.match(toldWhen({ committed: version("3.5.1"), fresh: version("2.3.8") }), /description/);
	});

	it("is no port of another host, nor one without its scheme", () => {
		for (const host of ["localhost", "127.0.0.1", "http://[::1]", "https://127.0.0.1"]) {
			const at = (port: number) => saying(`${host}:${port}`);
			assert.match(toldWhen({ committed: at(2379), fresh: at(2380) }), /\+ .*:2380$/, host);
		}
	});
});

describe("a volatile cell", () => {
	it("may have other numbers, in text, table, chart and picture, and nothing else is told of", () => {
		assert.equal(toldWhen({ fresh: faster }), "");
		assert.match(
			toldWhen({ fresh: faster }, []),
			/cell 5: await speedOf\(etcd\);\n {2}output 1: text differs/,
		);
	});

	const confirmed = verdict("✓ confirmed", "lost 0 of 340");
	areTold([
		[
			"has to end in the same verdict",
			[
				{ fresh: giving(SPEED, (outputs) => outputs.with(1, confirmed)) },
				/cell 5.*\n {2}output 2: text differs\n {4}- ✗ refuted: Something is so\n {4}\+ ✓ confirmed: Something is so/,
			],
			[
				{ fresh: replaced(SPEED, 2, TABLE, "✗ refuted", "✓ confirmed") },
				/output 2: HTML differs\n.*\n {4}- .*✗ refuted/,
			],
		],
		[
			"has to say the same words",
			[
				{ fresh: replaced(SPEED, 1, TEXT, "How fast", "How slow") },
				/output 1: text differs\n {4}- How fast: 12, 340\n {4}\+ How slow: 12, 340/,
			],
		],
	]);

	it("has to have the same columns, as many rows, and its unit", () => {
		const changes: readonly (readonly [mime: string, from: string, by: string])[] = [
			[TABLE, "<th>pace</th>", "<th>speed</th>"],
			[TABLE, "<th>pace</th>", "<th>pace</th><th>n</th>"],
			[TABLE, "<tr><td>340</td></tr>", ""],
			[TEXT, " 340 │ ms\\n", ""],
			[TEXT, " 340 │ ms", " 340 │ s"],
		];
		for (const [mime, from, by] of changes) {
			const said = toldWhen({ fresh: replaced(SPEED, 3, mime, from, by) });
			assert.match(said, /cell 5.*\n {2}output 3: (?:text|table) differs/, `${from} → ${by}`);
		}
	});

	it("has to have a chart with the same title, marks, encodings and colours, and as many points", () => {
		const domain = '"domain":[0,340';
		const changes: readonly (readonly [from: string, by: string, told: RegExp, mime?: string])[] = [
			["How fast", "How slow", /- description: "How fast.*\n.*\+ description: "How slow/],
			['"line"', '"bar"', /- layer\[0\]\.mark: "line"\n.*\+ layer\[0\]\.mark: "bar"/],
			['"field":"y"', '"field":"z"', /\+ layer\[0\]\.encoding\.y\.field: "z"/],
			[domain, `${domain},350`, /\+ layer\[0\]\.encoding\.y\.scale\.domain: \[0,340,350\]/],
			["#0072B2", "#0173B2", /\+ layer\[0\]\.data\.values, row 2: .*#0173B2/],
			['{"colour":"#0072B2","x":0,"y":12},', "", /- layer\[0\]\.data\.values, row \d: .*#0072B2/],
			['"y":12', '"y":null', /\+ layer\[0\]\.data\.values, row 1: .*"y":null/],
			["How fast", "How slow", /picture differs/, PICTURE],
		];
		for (const [from, by, expected, mime = CHART] of changes)
			assert.match(toldWhen({ fresh: replaced(SPEED, 1, mime, from, by) }), expected);
	});

	areTold([
		[
			"has to have the same outputs in the same forms, and no stderr",
			[
				{ fresh: giving(SPEED, (outputs) => outputs.slice(0, -1)) },
				/output 3: it is committed, and a run does not give it: table “pace/,
			],
			[
				{ fresh: (notebook) => void delete output(notebook, SPEED).data?.[PICTURE] },
				/output 1: it is committed with a picture/,
			],
			[{ fresh: giving(SPEED, err("late\n")) }, /stderr “late”/],
		],
	]);

	it("may have another number of rows only where its entry says so, with the same columns", () => {
		const third = both(
			replaced(SPEED, 3, TABLE, "<tr><td>340</td></tr>", "<tr><td>340</td></tr><tr><td>350</td></tr>"),
			replaced(SPEED, 3, TEXT, " 340 │ ms", " 340 │ ms\\n 350 │ ms"),
			(notebook) => void Object.assign(output(notebook, SPEED), speedChart([12, 340, 350])),
			replaced(SPEED, 1, TEXT, "340, 350", "340"),
			replaced(SPEED, 1, CHART, "3 points", "2 points"),
		);
		const entries = [{ ...speed, rows: "vary" }] as const;
		assert.match(
			toldWhen({ fresh: third }),
			/\+ layer\[0\]\.data\.values, row 3: [\s\S]*output 3: text differs/,
		);
		assert.equal(toldWhen({ fresh: third }, entries), "");
		const column = both(
			third,
			replaced(SPEED, 1, CHART, '"colour"', '"shade"'),
			replaced(SPEED, 3, TEXT, "pace", "speed"),
		);
		const said = toldWhen({ fresh: column }, entries);
		assert.match(said, /- layer\[0\]\.data\.values, columns: colour, x, y\n.*\+ .*, columns: shade, x, y/);
		assert.match(said, /output 3: text differs/);
	});

	it("is no other cell, and none of another notebook", () => {
		assert.match(toldWhen({ fresh: replaced(DRAWN, 1, TEXT, "w: 1", "w: 3") }), /cell 3/);
		assert.match(toldWhen({ fresh: faster }, [{ ...speed, notebook: "98-another" }]), /cell 5/);
	});
});

describe("misfits", () => {
	const notebooks = new Map([[speed.notebook, page()]]);

	it("finds nothing wrong with an entry that fits one cell", () => {
		assert.deepEqual(misfits(notebooks, [speed]), []);
	});

	it("names an entry that fits no cell, and one of a notebook that is not there", () => {
		const [gone] = misfits(notebooks, [{ ...speed, source: "await slownessOf(" }]);
		assert.match(
			gone ?? "",
			/notebooks\/volatile-cells\.ts: the entry of 99-made-by-hand with "await slownessOf\(" fits no cell/,
		);
		assert.equal(misfits(notebooks, [{ ...speed, notebook: "98-another" }]).length, 1);
	});

	it("names an entry that fits more than one cell, and which", () => {
		const twice = page();
		twice.cells.push(code("await speedOf(other);"));
		const [found] = misfits(new Map([[speed.notebook, twice]]), [speed]);
		assert.match(found ?? "", /fits cells 5 and 6: it has to name a part of the source that only one has/);
	});
});

describe("report", () => {
	it("is coloured for a terminal only", () => {
		const [committed, fresh] = [page(), page()];
		replace(output(fresh, DRAWN, 2), TEXT, "set /b", "set /c");
		const differences = compareNotebooks(speed.notebook, committed, fresh, [speed]);
		const coloured = report("x", differences, true);
		const [red, green, off] = [31, 32, 39].map((code) => `\u001b[${code}m`);
		assert.ok(
			coloured.includes(`    ${red}-     2 │ set /b${off}\n    ${green}+     2 │ set /c${off}`),
			coloured,
		);
		assert.equal(stripVTControlCharacters(coloured), report("x", differences));
	});
});
