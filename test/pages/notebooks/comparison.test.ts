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

/** What a reader is told when a fresh run, or what is committed, is changed so. */
function toldWhen(
	change: { fresh?: (notebook: Notebook) => void; committed?: (notebook: Notebook) => void },
	entries: readonly VolatileCell[] = [speed],
): string {
	const [committed, fresh] = [page(), page()];
	change.committed?.(committed);
	change.fresh?.(fresh);
	return report(
		"notebooks/99-made-by-hand.ipynb",
		compareNotebooks(speed.notebook, committed, fresh, entries),
	);
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

describe("compareNotebooks", () => {
	it("finds nothing in a run that gives what is committed", () => {
		assert.equal(toldWhen({}), "");
	});

	it("tells of an escape sequence in an output, and passes none on", () => {
		const difference = { cell: 1, source: "a\u001b[8m", what: "text\u001b[2J", lines: ["- \u001b[8ma"] };
		assert.equal(report("p", [difference]), "p cell 1: a␛[8m\n  text␛[2J\n    - ␛[8ma");
	});

	it("takes a text for the same, whether it is one string or its lines", () => {
		const split = (notebook: Notebook): void => {
			for (const each of codeCells(notebook).flatMap(({ outputs }) => outputs ?? [])) {
				if (typeof each.text === "string") each.text = each.text.split(/(?<=\n)/);
				for (const [mime, form] of Object.entries(each.data ?? {}))
					if (typeof form === "string") each.data = { ...each.data, [mime]: form.split(/(?<=\n)/) };
			}
		};
		assert.equal(toldWhen({ committed: split }), "");
	});

	it("shows the lines of a text that differ, with those beside them", () => {
		const fresh = (notebook: Notebook): void => {
			replace(output(notebook, DRAWN, 2), TEXT, "2 │ set /b", "3 │ set /b");
			replace(output(notebook, DRAWN, 2), TABLE, "<td>2</td>", "<td>3</td>");
		};
		assert.equal(
			toldWhen({ fresh }),
			[
				head(DRAWN, "chart(seen);"),
				"  output 2: text differs",
				"          1 │ set /a",
				"    -     2 │ set /b",
				"    +     3 │ set /b",
				"  output 2: table differs, too",
			].join("\n"),
		);
	});

	it("shows the rows of a table whose text is the same", () => {
		const fresh = (notebook: Notebook): void =>
			replace(
				output(notebook, DRAWN, 2),
				TABLE,
				"<td>2</td><td>set /b</td>",
				"<td>3</td><td>set &amp;b</td>",
			);
		assert.match(
			toldWhen({ fresh }),
			/output 2: table differs\n.*<td>set \/a<.*\n {4}- <tr><td>2<.*set \/b<.*\n {4}\+ <tr><td>3<.*set &amp;b</,
		);
	});

	it("does not take a column that one value made wider for a change of every row", () => {
		const wide = (notebook: Notebook): void => {
			output(notebook, DRAWN, 2).data = {
				[TEXT]:
					"index │ write      │ by\n──────┼────────────┼───\n    1 │ set /a     │ w\n    2 │ delete /ab │ w\n",
			};
		};
		const narrow = (notebook: Notebook): void => {
			output(notebook, DRAWN, 2).data = {
				[TEXT]: "index │ write  │ by\n──────┼────────┼───\n    1 │ set /a │ w\n    2 │ set /b │ w\n",
			};
		};
		assert.deepEqual(toldWhen({ committed: narrow, fresh: wide }).split("\n").slice(2), [
			"          1 │ set /a     │ w",
			"    -     2 │ set /b │ w",
			"    +     2 │ delete /ab │ w",
		]);
	});

	it("shows a difference that the eye does not see: a space, a tag", () => {
		const space = (notebook: Notebook): void =>
			replace(output(notebook, DRAWN, 2), TEXT, "set /b", "set /b ");
		assert.match(toldWhen({ fresh: space }), /- ␣␣␣␣2␣│␣set␣\/b\n.*\+ ␣␣␣␣2␣│␣set␣\/b␣$/);
		const tag = (notebook: Notebook): void =>
			replace(output(notebook, DRAWN, 2), TABLE, "<td>2</td>", "<td><b>2</b></td>");
		assert.match(toldWhen({ fresh: tag }), /- <tr><td>2<\/td>.*\n.*\+ <tr><td><b>2<\/b><\/td>/);
	});

	it("shows of a long line the part that differs, and of many lines the first", () => {
		const long =
			(end: string) =>
			(notebook: Notebook): void => {
				output(notebook, ABOUT).text = `${"so long a line ".repeat(40)}${end}\n`;
			};
		const oneLine = toldWhen({ committed: long("one"), fresh: long("two") });
		assert.match(oneLine, /- ….* one\n.*\+ ….* two$/);
		for (const line of oneLine.split("\n")) assert.ok(line.length < 170, line);
		const many =
			(word: string) =>
			(notebook: Notebook): void => {
				output(notebook, ABOUT).text = Array.from({ length: 40 }, (_, at) => `${word} ${at}`).join("\n");
			};
		const lines = toldWhen({ committed: many("was"), fresh: many("is") }).split("\n");
		assert.equal(lines.length, 2 + 24 + 1);
		assert.match(lines.at(-1) ?? "", /… and 28 more$/);
	});

	it("names the rows of a chart's data that differ", () => {
		const fresh = (notebook: Notebook): void => {
			replace(output(notebook, DRAWN), CHART, "set /b", "delete /b");
			replace(output(notebook, DRAWN), PICTURE, "<text>w", "<text>x");
		};
		assert.equal(
			toldWhen({ fresh }),
			[
				head(DRAWN, "chart(seen);"),
				"  output 1: chart differs",
				'      layer[1].data.values, row 1: {"lane":"w","tip":{"event":"set /a"},"x":1}',
				'    - layer[1].data.values, row 2: {"lane":"w","tip":{"event":"set /b"},"x":2}',
				'    + layer[1].data.values, row 2: {"lane":"w","tip":{"event":"delete /b"},"x":2}',
				'      layer[1].encoding.x.field: "x"',
				"  output 1: picture differs, too",
			].join("\n"),
		);
	});

	it("names a row that is missing from a chart's data, and one that is new, and none beside it", () => {
		const one = (notebook: Notebook): void =>
			replace(output(notebook, DRAWN), CHART, '{"lane":"w","tip":{"event":"set /a"},"x":1},', "");
		assert.match(
			toldWhen({ fresh: one }),
			/chart differs\n.*\n {4}- layer\[1\]\.data\.values, row 1: .*set \/a.*\n {6}\S.*row 1: .*set \/b.*$/,
		);
		assert.match(
			toldWhen({ committed: one }),
			/chart differs\n.*\n {4}\+ layer\[1\].*row 1: .*set \/a.*\n {6}.*$/,
		);
	});

	it("names what else a chart has different, by its path: title, description, encoding, mark, layers", () => {
		const changes: readonly (readonly [from: string, by: string, was: string | undefined, is: string])[] = [
			[
				'[{"text":"What came"}]',
				'[{"text":"What went"}]',
				'layer[0].data.values, row 1: {"text":"What came"}',
				'layer[0].data.values, row 1: {"text":"What went"}',
			],
			[
				'"description":"What',
				'"description":"All that',
				'description: "What came"',
				'description: "All that came"',
			],
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
			const said = toldWhen({ fresh: (it) => replace(output(it, DRAWN), CHART, from, by) }).split("\n");
			const [minus, plus] = ["-", "+"].map((sign) => said.find((line) => line.startsWith(`    ${sign} `)));
			assert.deepEqual([minus, plus], [was && `    - ${was}`, `    + ${is}`]);
		}
	});

	it("says when nothing but the picture differs", () => {
		const fresh = (notebook: Notebook): void =>
			replace(output(notebook, DRAWN), PICTURE, "<text>w", "<text>x");
		assert.match(
			toldWhen({ fresh }),
			/output 1: picture differs \(image\/svg\+xml\), and nothing else does$/,
		);
	});

	it("tells of an output that is missing, without taking those after it for changed", () => {
		const fresh = (notebook: Notebook): void => void cell(notebook, DRAWN).outputs?.shift();
		assert.equal(
			toldWhen({ fresh }),
			`${head(DRAWN, "chart(seen);")}\n  output 1: it is committed, and a run does not give it: chart “What came”`,
		);
	});

	it("tells of an output that is new, and of a cell that is committed with none", () => {
		const more = (notebook: Notebook): void => void cell(notebook, DRAWN).outputs?.push(stream("done\n"));
		assert.match(
			toldWhen({ fresh: more }),
			/output 3: a run gives it, and it is not committed: stdout “done”$/,
		);
		const none = (notebook: Notebook): void => {
			cell(notebook, DRAWN).outputs = [];
		};
		assert.match(
			toldWhen({ committed: none }),
			/cell 3: .*\n {2}it is committed with no output, and gives chart “What came”; table “index │ write”$/,
		);
		assert.equal(toldWhen({ fresh: none }).split("\n").length, 3);
	});

	it("tells of a form of an output that is new, and of one that is missing", () => {
		const fresh = (notebook: Notebook): void => {
			const { data } = output(notebook, JUDGED);
			output(notebook, JUDGED).data = { ...data, "application/json": {}, [PICTURE]: "<svg/>" };
		};
		const said = toldWhen({ fresh });
		assert.match(said, /output 1: a run gives a picture \(image\/svg\+xml\), too, which is not committed/);
		assert.match(said, /output 1: a run gives application\/json, too/);
		assert.match(
			toldWhen({ committed: fresh }),
			/it is committed with application\/json, and a run gives none/,
		);
	});

	it("tells of an error and of what went to stderr, in a run, in what is committed, and in both", () => {
		const err = (notebook: Notebook): void =>
			void cell(notebook, QUIET).outputs?.push(stream("a warning\n", "stderr"));
		const thrown = (notebook: Notebook): void =>
			void cell(notebook, QUIET).outputs?.push({
				output_type: "error",
				ename: "RangeError",
				evalue: "out of reach",
			});
		assert.match(toldWhen({ fresh: err }), /committed with no output, and gives stderr “a warning”$/);
		assert.match(toldWhen({ committed: err }), /a run does not give it: stderr “a warning”$/);
		assert.match(
			toldWhen({ committed: err, fresh: err }),
			/output 1: .*stderr “a warning”.*no page may show/,
		);
		assert.match(
			toldWhen({ committed: thrown }),
			/a run does not give it: error “RangeError: out of reach”$/,
		);
		assert.match(toldWhen({ committed: thrown, fresh: thrown }), /error “RangeError: out of reach”/);
	});

	it("tells of another kind of output as one that went and one that came", () => {
		const fresh = (notebook: Notebook): void => {
			cell(notebook, ABOUT).outputs = [shown({ [TEXT]: "etcd 3.5.1, by the lab\n" })];
		};
		assert.match(toldWhen({ fresh }), /does not give it: stdout “etcd.*\n.*it is not committed: text “etcd/);
	});

	it("tells of a cell that was not run, or not in its turn", () => {
		const number =
			(count: number | null) =>
			(notebook: Notebook): void => {
				cell(notebook, QUIET).execution_count = count;
			};
		assert.match(
			toldWhen({ committed: number(7) }),
			/cell 2: .*\n.*its number is \[7\], not \[2\]: .*top to bottom/,
		);
		assert.match(
			toldWhen({ committed: number(null) }),
			/cell 2: const quiet = 1;\n.*it has no number: it has not run/,
		);
	});

	it("tells of a cell that was edited since it ran, though it gives the same", () => {
		const fresh = (notebook: Notebook): void => {
			cell(notebook, QUIET).source = "const quiet = 2;";
		};
		assert.equal(
			toldWhen({ fresh }),
			[
				head(QUIET, "const quiet = 2;"),
				"  its source is not the one that ran: it was edited since",
				"    - const quiet = 1;",
				"    + const quiet = 2;",
			].join("\n"),
		);
	});

	it("tells of a cell that is missing and of one that is new, without taking those after it for changed", () => {
		const without = (notebook: Notebook): void => {
			notebook.cells = notebook.cells.filter((each) => each !== cell(notebook, QUIET));
			codeCells(notebook).forEach((each, index) => {
				each.execution_count = index + 1;
			});
		};
		assert.equal(
			toldWhen({ fresh: without }),
			`${head(QUIET, "const quiet = 1;")}\n  it is in the committed notebook, and did not run`,
		);
		assert.match(
			toldWhen({ committed: without }),
			/cell 2: const quiet = 1;\n {2}it ran, and is not in the committed/,
		);
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
			const with_ =
				(text: string) =>
				(notebook: Notebook): void => {
					output(notebook, ABOUT).text = text;
				};
			assert.equal(toldWhen({ committed: with_(one), fresh: with_(other) }), "");
			assert.match(toldWhen({ committed: with_(one), fresh: with_(another) }), /output 1: text differs/);
			assert.equal(normalised(one), normalised(other));
		});
	}

	it("is so in charts and pictures, too", () => {
		const version =
			(text: string) =>
			(notebook: Notebook): void => {
				for (const mime of [CHART, PICTURE])
					replace(output(notebook, DRAWN), mime, "What came", `etcd ${text}`);
			};
		assert.equal(toldWhen({ committed: version("3.5.1"), fresh: version("3.4.23") }), "");
		assert.match(toldWhen({ committed: version("3.5.1"), fresh: version("2.3.8") }), /description/);
	});

	it("is no port of another host, nor one without its scheme", () => {
		const at =
			(text: string) =>
			(notebook: Notebook): void => {
				output(notebook, ABOUT).text = text;
			};
		for (const host of ["localhost", "127.0.0.1", "http://[::1]", "https://127.0.0.1"])
			assert.match(
				toldWhen({ committed: at(`${host}:2379`), fresh: at(`${host}:2380`) }),
				/\+ .*:2380$/,
				host,
			);
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

	it("has to end in the same verdict", () => {
		const fresh = (notebook: Notebook): void => {
			cell(notebook, SPEED).outputs?.splice(1, 1, verdict("✓ confirmed", "lost 0 of 340"));
		};
		assert.match(
			toldWhen({ fresh }),
			/cell 5.*\n {2}output 2: text differs\n {4}- ✗ refuted: Something is so\n {4}\+ ✓ confirmed: Something is so/,
		);
		const html = (notebook: Notebook): void =>
			replace(output(notebook, SPEED, 2), TABLE, "✗ refuted", "✓ confirmed");
		assert.match(toldWhen({ fresh: html }), /output 2: HTML differs\n.*\n {4}- .*✗ refuted/);
	});

	it("has to say the same words", () => {
		const fresh = (notebook: Notebook): void =>
			replace(output(notebook, SPEED), TEXT, "How fast", "How slow");
		assert.match(
			toldWhen({ fresh }),
			/output 1: text differs\n {4}- How fast: 12, 340\n {4}\+ How slow: 12, 340/,
		);
	});

	it("has to have the same columns, as many rows, and its unit", () => {
		const changes: readonly (readonly [mime: string, from: string, by: string])[] = [
			[TABLE, "<th>pace</th>", "<th>speed</th>"],
			[TABLE, "<th>pace</th>", "<th>pace</th><th>n</th>"],
			[TABLE, "<tr><td>340</td></tr>", ""],
			[TEXT, " 340 │ ms\\n", ""],
			[TEXT, " 340 │ ms", " 340 │ s"],
		];
		for (const [mime, from, by] of changes) {
			const said = toldWhen({ fresh: (it) => replace(output(it, SPEED, 3), mime, from, by) });
			assert.match(said, /cell 5.*\n {2}output 3: (?:text|table) differs/, `${from} → ${by}`);
		}
	});

	it("has to have a chart with the same title, marks, encodings and colours, and as many points", () => {
		const changes: readonly (readonly [from: string, by: string, told: RegExp])[] = [
			["How fast", "How slow", /- description: "How fast.*\n.*\+ description: "How slow/],
			['"line"', '"bar"', /- layer\[0\]\.mark: "line"\n.*\+ layer\[0\]\.mark: "bar"/],
			['"field":"y"', '"field":"z"', /\+ layer\[0\]\.encoding\.y\.field: "z"/],
			[
				'"domain":[0,340]',
				'"domain":[0,340,350]',
				/\+ layer\[0\]\.encoding\.y\.scale\.domain: \[0,340,350\]/,
			],
			["#0072B2", "#0173B2", /\+ layer\[0\]\.data\.values, row 2: .*#0173B2/],
			['{"colour":"#0072B2","x":0,"y":12},', "", /- layer\[0\]\.data\.values, row \d: .*#0072B2/],
			['"y":12', '"y":null', /\+ layer\[0\]\.data\.values, row 1: .*"y":null/],
		];
		for (const [from, by, expected] of changes)
			assert.match(toldWhen({ fresh: (it) => replace(output(it, SPEED), CHART, from, by) }), expected);
		const name = (notebook: Notebook): void =>
			replace(output(notebook, SPEED), PICTURE, "How fast", "How slow");
		assert.match(toldWhen({ fresh: name }), /picture differs/);
	});

	it("has to have the same outputs in the same forms, and no stderr", () => {
		const fewer = (notebook: Notebook): void => void cell(notebook, SPEED).outputs?.pop();
		assert.match(
			toldWhen({ fresh: fewer }),
			/output 3: it is committed, and a run does not give it: table “pace/,
		);
		const form = (notebook: Notebook): void => {
			const { [PICTURE]: _, ...rest } = output(notebook, SPEED).data ?? {};
			output(notebook, SPEED).data = rest;
		};
		assert.match(toldWhen({ fresh: form }), /output 1: it is committed with a picture/);
		const err = (notebook: Notebook): void =>
			void cell(notebook, SPEED).outputs?.push(stream("late\n", "stderr"));
		assert.match(toldWhen({ fresh: err }), /stderr “late”/);
	});

	it("may have another number of rows only where its entry says so, with the same columns", () => {
		const third = (notebook: Notebook): void => {
			const listed = output(notebook, SPEED, 3);
			replace(listed, TABLE, "<tr><td>340</td></tr>", "<tr><td>340</td></tr><tr><td>350</td></tr>");
			replace(listed, TEXT, " 340 │ ms", " 340 │ ms\\n 350 │ ms");
			Object.assign(output(notebook, SPEED), speedChart([12, 340, 350]));
			replace(output(notebook, SPEED), TEXT, "340, 350", "340");
			replace(output(notebook, SPEED), CHART, "3 points", "2 points");
		};
		const entries = [{ ...speed, rows: "vary" }] as const;
		assert.match(
			toldWhen({ fresh: third }),
			/\+ layer\[0\]\.data\.values, row 3: [\s\S]*output 3: text differs/,
		);
		assert.equal(toldWhen({ fresh: third }, entries), "");
		const column = (notebook: Notebook): void => {
			third(notebook);
			replace(output(notebook, SPEED), CHART, '"colour"', '"shade"');
			replace(output(notebook, SPEED, 3), TEXT, "pace", "speed");
		};
		const said = toldWhen({ fresh: column }, entries);
		assert.match(said, /- layer\[0\]\.data\.values, columns: colour, x, y\n.*\+ .*, columns: shade, x, y/);
		assert.match(said, /output 3: text differs/);
	});

	it("is no other cell, and none of another notebook", () => {
		const fresh = (notebook: Notebook): void => replace(output(notebook, DRAWN), TEXT, "w: 1", "w: 3");
		assert.match(toldWhen({ fresh }), /cell 3/);
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
