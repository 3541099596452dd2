import assert from "node:assert/strict";
import { runOnModel, scenario, type Timeline } from "etcd-watch-lab";
import {
	checkPrediction,
	comparePrediction,
	type Expected,
	predict,
	predictionOf,
	predictionTable,
} from "#lib/page";
import type { Delivery, WriteRecord } from "#lib/timeline";
import { accepted, delivery, linesOf, postsRun, said, twice, twoPolls } from "../../support/page/fixtures";

describe("predictionOf", () => {
	it("says the prediction back in words", () => {
		assert.equal(
			predictionOf({ recursive: [5, 1, 2], plain: "none" }).text,
			'Your prediction: "recursive" will see writes 1, 2, 5; "plain" will see none.',
		);
		assert.equal(
			predictionOf({ all: "all", twice: [3, 3] }).text,
			'Your prediction: "all" will see every write; "twice" will see write 3 twice.',
		);
	});

	for (const [expected, words] of [
		["all", "every write"],
		["none", "none"],
		[[], "none"],
		[[3], "write 3"],
		[[3, 3, 3], "write 3 3 times"],
		[[1, 2, 4], "writes 1, 2, 4"],
		[[3, 2, 1, 3, 2, 3], "writes 1 to 3 (2 twice, 3 3 times)"],
		["2 to 2", "write 2"],
		["9 to 12", "writes 9 to 12"],
		["99999 to 100000", "writes 99999, 100000"],
	] as const)
		it(`says ${JSON.stringify(expected)} back as: ${words}`, () => {
			assert.equal(predictionOf({ w: expected }).text, `Your prediction: "w" will see ${words}.`);
			assert.equal(
				said(() => predict({ w: expected })),
				`Your prediction: "w" will see ${words}.\n`,
			);
		});

	it("has a line of 90 characters at most", () => {
		const name = "n".repeat(90 - 'Your prediction: "" will see none.'.length);
		assert.equal(predictionOf({ [name]: [] }).text, `Your prediction: "${name}" will see none.`);
		assert.equal(predictionOf({ [`${name}n`]: [] }).text, `Your prediction:\n  "${name}n" will see none`);
	});

	it("takes a line for each watcher where one line would be broken within a word", () => {
		assert.equal(
			predictionOf({ naive: [1, 2, 3, 4], textbook: "all", follower: [1, 2, 3, 4] }).text,
			[
				"Your prediction:",
				'  "naive" will see writes 1 to 4',
				'  "textbook" will see every write',
				'  "follower" will see writes 1 to 4',
			].join("\n"),
		);
	});

	it("can't be changed afterwards, not even through the list that was given", () => {
		const answer = [1, 2];
		const prediction = predictionOf({ w: answer });
		answer.push(3);
		assert.deepEqual(prediction.expected, { w: [1, 2] });
		assert.throws(() => Object.assign(prediction.expected, { w: [] }), TypeError);
	});

	it("takes a stretch of writes", () => {
		const prediction = predictionOf({ w: "2 to 4" });
		assert.deepEqual(prediction.expected, { w: [2, 3, 4] });
		assert.match(prediction.text, /will see writes 2 to 4/);
	});

	const form = 'a list of write numbers such as [1, 3], or "2 to 300", or "all", or "none"';
	const watchers = 'a prediction names watchers: { recursive: [1, 3], plain: "none" }';
	const counted = (from: number, to: number) =>
		`the prediction for "w" is "${from} to ${to}": writes are counted 1, 2, 3, … up to 100000, the lower number first`;
	const holds = (what: string) => `the prediction for "w" holds ${what}: writes are counted 1, 2, 3, …`;
	const malformed: readonly (readonly [string, unknown, string])[] = [
		["nothing", undefined, watchers],
		["null", null, watchers],
		["a word for all watchers", "all", watchers],
		["a list", [1, 2], watchers],
		["no watcher", {}, "a prediction names at least one watcher: { recursive: [1, 3] }"],
		["a bare number", { w: 1 }, `the prediction for "w" is ${form}, not 1`],
		["another word", { w: "some\u0000" }, `the prediction for "w" is ${form}, not "some␀"`],
		["words before a stretch", { w: "from 1 to 2" }, `the prediction for "w" is ${form}, not "from 1 to 2"`],
		["words behind a stretch", { w: "1 to 2 or 3" }, `the prediction for "w" is ${form}, not "1 to 2 or 3"`],
		["a stretch that goes down", { w: "4 to 3" }, counted(4, 3)],
		["a stretch from 0", { w: "0 to 2" }, counted(0, 2)],
		["a stretch without an end", { w: "1 to 100001" }, counted(1, 100001)],
		["write 0", { w: [0] }, holds("0")],
		["a fraction", { w: [1.5] }, holds("1.5")],
		["NaN", { w: [Number.NaN] }, holds("NaN")],
		["a word in the list", { w: ["1"] }, holds('"1"')],
	];
	for (const [what, answer, message] of malformed)
		it(`refuses ${what}`, () => {
			assert.throws(() => predictionOf(answer as Readonly<Record<string, Expected>>), {
				name: "TypeError",
				message,
			});
		});
});

describe("comparePrediction", () => {
	it("finds a prediction right when each watcher got just what was predicted", () => {
		const result = comparePrediction(predictionOf({ recursive: [1, 3, 5], plain: "none" }), postsRun());
		assert.deepEqual([result.right, result.wrong, result.summary], [10, 0, "All 10 right."]);
	});

	it("says which row was wrong, and why it did not come", () => {
		const result = comparePrediction(predictionOf({ recursive: [1, 2, 3], plain: [] }), postsRun());
		assert.equal(result.summary, "8 of 10 right.");
		assert.deepEqual(result.rows[1], {
			watcher: "recursive",
			write: 2,
			operation: "set",
			key: "/a/b/c",
			predicted: 1,
			came: 0,
			isKnown: true,
			right: false,
			because: "the write failed with 104 Not a directory (/a/b), so there was no event",
		});
	});

	it('takes "all" to mean the refused writes too', () => {
		assert.equal(comparePrediction(predictionOf({ recursive: "all" }), postsRun()).wrong, 2);
	});

	it("counts an event that came twice as wrong when it was expected once", () => {
		const once = comparePrediction(predictionOf({ stream: [1, 3] }), twice());
		const both = comparePrediction(predictionOf({ stream: [1, 3, 3] }), twice());
		assert.deepEqual([once.wrong, both.wrong], [1, 0]);
		assert.match(predictionTable(once).text, /│ yes +│ twice +│ ✗ wrong/);
	});

	it("says that nobody was waiting between two polls", () => {
		const { rows } = comparePrediction(predictionOf({ w: "all" }), twoPolls());
		assert.match(rows[1]?.because ?? "", /it fell between two polls/);
	});

	it("looks each write of a long run up once, not by all that come before it", async () => {
		const count = 1000;
		const run = await runOnModel(scenario("long").watch("w", "/a").burst("/b", { count }));
		let reads = 0;
		const writes = run.writes.map(({ id, ...write }) => ({
			...write,
			get id() {
				reads++;
				return id;
			},
		}));
		assert.equal(comparePrediction(predictionOf({ w: "none" }), { ...run, writes }).right, count);
		assert.ok(reads < 50 * count, `${reads} looks at ${count} writes`);
	});

	it("takes the last write that there is", () => {
		assert.equal(
			comparePrediction(predictionOf({ recursive: [1, 3, 5] }), postsRun()).summary,
			"All 5 right.",
		);
	});

	it("refuses a watcher or a write that the run doesn't have", () => {
		assert.throws(() => comparePrediction(predictionOf({ nobody: "all" }), postsRun()), {
			name: "RangeError",
			message: /no watcher "nobody"; it has "recursive", "plain"/,
		});
		assert.throws(() => comparePrediction(predictionOf({ plain: [6] }), postsRun()), {
			name: "RangeError",
			message: 'the prediction for "plain" names write 6; the run has 5',
		});
	});
});

describe("predictionTable", () => {
	it("marks right and wrong by sign and word", () => {
		const { text, html } = predictionTable(
			comparePrediction(predictionOf({ recursive: [1, 2] }), postsRun()),
		);
		assert.match(text, /set \/a\/b\/c +│ yes +│ no +│ ✗ wrong/);
		assert.match(text, /set \/a\/b +│ yes +│ yes +│ ✓ right/);
		assert.match(html, /white-space: nowrap"><strong>✗ wrong<\/strong>/);
	});

	it("is this of a few writes, in their order", () => {
		const thrice = twice().watchers.map((one) => ({
			...one,
			deliveries: [...one.deliveries.slice(0, 1), ...one.deliveries],
			proof: "none" as const,
		}));
		const run = { ...twice(), watchers: thrice.slice(0, 1), recorded: "It is a record." };
		const mine = predictionOf({ stream: [1, 2, 2, 2] });
		assert.deepEqual(linesOf(predictionTable(comparePrediction(mine, run), [run]).text), [
			"Your prediction, and what came",
			"watcher │ write │ what │ predicted │ came │ right? │ why",
			'stream │ 1 │ set /a/b │ yes │ twice │ ✗ wrong │ UNEXPLAINED: "stream" on /a/b was sent set /a/b 2 times, and no rule says why',
			"stream │ 2 │ refresh /a/b │ 3 times │ no │ ✗ wrong │ a renewed ttl takes an index and raises no event",
			"stream │ 3 │ delete /a/b │ no │ twice │ ✗ wrong │ delivered twice: a stream on exactly the removed key is woken by the removal of the node, and again by the event on its way down the path",
			...["0 of 3 right.", "It is a record."],
		]);
		assert.equal(
			said(() => checkPrediction(mine, run)),
			predictionTable(comparePrediction(mine, run), [run]).text,
		);
	});

	/** So many writes, of which one came, and what nobody knows of one. */
	const rowsOf = (count: number, summary = "S") => {
		const row = { watcher: "w", operation: "set", key: "/a", predicted: 1, because: "so" };
		const rows = Array.from({ length: count }, (_, nth) => {
			const [came, isKnown] = [nth === 6 ? 0 : 1, nth !== 3];
			return { ...row, write: nth + 1, came, isKnown, right: isKnown && came === 1 };
		});
		return linesOf(predictionTable({ right: 0, wrong: 0, unknown: 0, rows, summary }).text).slice(2);
	};

	it("has a row for each of 40 writes, in their order; of 41 first the wrong, then the unknown, then the right", () => {
		const few = rowsOf(40);
		assert.deepEqual(
			few.slice(0, -1).map((line) => Number(line.split("│")[1])),
			Array.from({ length: 40 }, (_, nth) => nth + 1),
		);
		assert.deepEqual(rowsOf(41), [
			"w │ 7 │ set /a │ yes │ no │ ✗ wrong │ so",
			"w │ 4 │ set /a │ yes │ not known │ ? neither │ so",
			"w │ 1 to 3, 5, 6, 8 to 41 │ 39 × set, first /a │ yes │ yes │ ✓ right │ so",
			"S",
		]);
	});

	it("has 40 rows at most, and counts the others", () => {
		const row = { watcher: "w", key: "/a", predicted: 1, came: 1, isKnown: true, right: true, because: "so" };
		const rows = Array.from({ length: 43 }, (_, nth) => ({ ...row, write: nth + 1, operation: `o${nth}` }));
		const lines = linesOf(predictionTable({ right: 43, wrong: 0, unknown: 0, rows, summary: "S" }).text);
		assert.deepEqual(lines.slice(-3), [
			"w │ 40 │ o39 /a │ yes │ yes │ ✓ right │ so",
			"… and 3 more rows",
			"S",
		]);
		assert.equal(lines.length, 2 + 40 + 2);
	});

	it("gives writes a row of their own that differ in anything but their key and number", () => {
		const row = {
			...{ watcher: "w", write: 1, operation: "set", key: "/a", predicted: 1, came: 1 },
			...{ isKnown: true, right: true, because: "/a took 12" },
		};
		const others = [
			{ watcher: "v" },
			{ operation: "update" },
			...[
				{ predicted: 2, right: false },
				{ came: 2, right: false },
				{ isKnown: false, right: false },
			],
			{ because: "another" },
		];
		const rows = [
			...Array.from({ length: 41 }, () => row),
			{ ...row, key: "/b", because: "/b took 3" },
			...others.map((other) => ({ ...row, ...other })),
		];
		const { text } = predictionTable({ right: 0, wrong: 0, unknown: 0, rows, summary: "S" });
		assert.equal(linesOf(text).length, 2 + 1 + others.length + 1);
	});

	it("gives the writes of a long run with the same end one row, the wrong ones first, the rarest at the top", async () => {
		const run = await runOnModel(
			scenario("long")
				.watch("loop", "/a", { recursive: true })
				.burst("/a", { count: 300 })
				.set("/b")
				.set("/a/late"),
		);
		const { text } = predictionTable(comparePrediction(predictionOf({ loop: "2 to 301" }), run));
		const rows = text.split("\n").filter((line) => line.startsWith("loop"));
		assert.deepEqual(
			rows.map((row) =>
				row
					.split("│")
					.slice(1, 6)
					.map((cell) => cell.trim()),
			),
			[
				["301", "set /b", "yes", "no", "✗ wrong"],
				["1, 302", "2 × set, first /a/0", "no", "yes", "✗ wrong"],
				["2 to 300", "299 × set, first /a/0", "yes", "yes", "✓ right"],
			],
		);
		assert.match(text, /^299 of 302 right\.$/m);
	});

	it("goes by what happened, whatever a key is called: a long one, one from right to left", async () => {
		const above = `/${"long".repeat(20)}`;
		const letters = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];
		const start = scenario("long keys").watch("w", above, { recursive: true });
		const run = await runOnModel(letters.reduce((steps, key) => steps.set(`${above}/${key}`), start));
		const { text } = predictionTable(comparePrediction(predictionOf({ w: "all" }), run));
		assert.equal(text.split("\n").filter((line) => line.startsWith("w ")).length, 1);

		const hebrew = await runOnModel(scenario("right to left").watch("w", "/a").set("/שלום"));
		const [row] = comparePrediction(predictionOf({ w: [1] }), hebrew).rows;
		assert.equal(row?.because, "\u2068/שלום is not below /a\u2069");
	});
});

describe("what nobody knows", () => {
	const [first] = postsRun().watchers;
	assert.ok(first);
	const open = (write: WriteRecord, deliveries: readonly Delivery[]): Timeline => ({
		...postsRun(),
		writes: [write],
		watchers: [{ ...first, deliveries, proof: "none" }],
	});
	const quiet = open(accepted(1, "set", "/a/x", 1), []);
	const failed: WriteRecord = {
		...accepted(1, "set", "/a/x", 1, { value: "1" }),
		outcome: { kind: "failed", message: "timed out", maybeApplied: true },
	};

	for (const [what, expected] of [
		["none", "none"],
		["the write", [1]],
	] as const)
		it(`is neither right nor wrong: a silence that nothing proves, predicted as ${what}`, () => {
			const result = comparePrediction(predictionOf({ recursive: expected }), quiet);
			assert.deepEqual([result.right, result.wrong, result.unknown], [0, 0, 1]);
			assert.match(result.summary, /^0 of 1 right, 1 not known\.$/);
			assert.match(predictionTable(result).text, /not known │ \? neither/);
		});

	for (const [what, life, rest] of [
		["a member that stands still", [], { faults: [{ kind: "pause", at: 0 }] }],
		["a reader that stands still", [{ kind: "paused", at: 0 }], {}],
	] as const)
		it(`is neither right nor wrong: what waits for ${what}`, () => {
			const [w] = quiet.watchers;
			const kind = life.length > 0 ? ("stream" as const) : ("watch" as const);
			const waiting = {
				...first,
				...w,
				kind,
				deliveries: [],
				life: [{ kind: "asked", at: 0 } as const, ...life],
			};
			const run = { ...quiet, ...rest, watchers: [waiting] };
			for (const expected of ["none", [1]] as const) {
				const { right, wrong, unknown } = comparePrediction(predictionOf({ recursive: expected }), run);
				assert.deepEqual([right, wrong, unknown], [0, 0, 1]);
			}
		});

	it("is known of a write without an answer whose event came: it was carried out", () => {
		const came = delivery(accepted(1, "set", "/a/x", 1, { value: "1" }), 1);
		const result = comparePrediction(predictionOf({ recursive: [1] }), open(failed, [came]));
		assert.deepEqual([result.right, result.wrong, result.unknown], [1, 0, 0]);
		assert.match(result.rows[0]?.because ?? "", /no answer, and was carried out/);
		const other = delivery(accepted(1, "set", "/a/x", 1, { value: "2" }), 1);
		assert.equal(comparePrediction(predictionOf({ recursive: [1] }), open(failed, [other])).unknown, 1);
	});
});
