import assert from "node:assert/strict";
import { timelineChart } from "#lib/chart";
import { eventsTable, eventTable, showTable, table, tableOf, timelineTable } from "#lib/page";
import { htmlBlock, reasonIn, rowsOf, tableBundle } from "#lib/page/table.js";
import type { LifeEvent } from "#lib/timeline";
import { columnsOf, fitted, printable, shortened } from "#lib/timeline/printable.js";
import { assertOnlyMarkup, decoded } from "../../support/page/charts";
import {
	accepted,
	burst,
	crowd,
	delivery,
	HOSTILE,
	hostile,
	linesOf,
	postsRun,
	said,
	timeline,
	twice,
	twoPolls,
	watcher,
} from "../../support/page/fixtures";
import { answered, asked, cut, poll, set, timelineOf } from "../../support/scenario/builders";

/** How many code units are segmented meanwhile: in all, in squares, and at once. */
function segmentedBy(work: () => void): { sum: number; squares: number; most: number } {
	const real = Intl.Segmenter.prototype.segment;
	const found = { sum: 0, squares: 0, most: 0 };
	Intl.Segmenter.prototype.segment = function (text) {
		found.sum += text.length;
		found.squares += text.length ** 2;
		found.most = Math.max(found.most, text.length);
		return real.call(this, text);
	};
	try {
		work();
	} finally {
		Intl.Segmenter.prototype.segment = real;
	}
	return found;
}

const HTML_ELEMENTS = ["div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td"];

describe("the text twin", () => {
	/** Of three writes and a poll with this life. */
	const polled = (life: readonly LifeEvent[], sent: readonly number[] = []) =>
		timelineChart(
			timelineOf({
				writes: [set("/a/1"), set("/a/2"), set("/a/3")],
				watchers: [poll("w", "/a", { recursive: true, life, sent })],
			}),
		);

	it("of the post's run reads so", () => {
		assert.equal(
			timelineChart(postsRun()).text,
			[
				"the post's run",
				"5 writes tried, 3 accepted, 2 refused",
				"",
				"index │ write                                                  │ recursive           │ plain",
				"      │                                                        │ watch /a, recursive │ watch /a",
				"──────┼────────────────────────────────────────────────────────┼─────────────────────┼─────────",
				"    1 │ set /a/b                                               │ set                 │ ·",
				"    – │ set /a/b/c: refused with 104 Not a directory (/a/b)    │                     │",
				"    2 │ set /a/d                                               │ set                 │ ·",
				"    – │ delete /a/b/c: refused with 104 Not a directory (/a/b) │                     │",
				"    3 │ delete /a/b                                            │ delete              │ ·",
				"",
				"· it did not come",
				"",
			].join("\n"),
		);
	});

	it("says where nobody was waiting", () => {
		assert.match(timelineChart(twoPolls()).text, /2 │ set \/a\/2 │ · nobody waiting/);
	});

	it("says where a poll that asked for a later index was waiting for that", () => {
		const { text } = polled([asked(0, 3), answered(3)], [3]);
		assert.match(text, /1 │ set \/a\/1 │ · waiting for a later one/);
		assert.match(text, /3 │ set \/a\/3 │ set/);
	});

	it("says that nobody was waiting once such a poll has been cut", () => {
		const { text } = polled([asked(0, 5), cut(1)]);
		assert.match(text, /1 │ set \/a\/1 │ · waiting for a later one/);
		assert.match(text, /2 │ set \/a\/2 │ · nobody waiting/);
	});

	it("counts an expiry as etcd's own, not as a write that was tried", () => {
		assert.match(timelineChart(crowd()).text, /^5 writes tried, 2 accepted, 3 refused, 1 by etcd itself$/m);
	});

	it("counts what came twice and names what came from the history", () => {
		const { text } = timelineChart(twice());
		assert.match(text, /delete ×2/);
		assert.match(text, /set \(from history\)/);
	});

	it("of a long run gathers neighbours with the same fate into one row", () => {
		const { text } = timelineChart(burst());
		assert.match(text, /2 to 1499 │ 1498 × set, first \/a\/2 +│ · nobody waiting/);
		assert.match(text, /polls: 2 of 3000 events came; got index 1, 1500\nloop: 3000 of 3000 events came$/m);
		assert.ok(text.split("\n").length < 20);
	});

	it("of a long run that has no neighbours alike has the first rows and the last, and says which events came", () => {
		const writes = Array.from({ length: 60 }, (_, at) => accepted(at + 1, "set", "/a", at + 1));
		const odd = writes.filter((_, at) => at % 2 === 0 && at < 40).map((write) => delivery(write, 0));
		const run = timeline("in turn", writes, [watcher("w", "/a", odd)]);
		const { text } = timelineChart(run);
		assert.match(text, /^ +1 │ set \/a/m);
		assert.match(text, /^ +39 │ set \/a +│ set$/m);
		assert.match(text, /^40 to 60 │ 21 × set, first \/a +│ ·$/m);
		assert.match(text, /^ +│ … and 16 more rows/m);
		assert.match(
			text,
			/^w: 20 of 60 events came; got index 1, 3, 5, 7, … 12 more stretches …, 33, 35, 37, 39$/m,
		);
		assert.match(timelineTable(run).text, /40 to 60 +│ +40 to 60 │ 21 × set/);
	});

	it("tells the beginning and the end of a long life", () => {
		const life = Array.from({ length: 30 }, (_, at) => ({ kind: "cut" as const, at }));
		const { text } = timelineChart(timeline("cuts", [], [watcher("w", "/a", [], life)]));
		assert.match(text, /^w: its connection was cut at index 0$/m);
		assert.match(text, /^w: … and 24 more$/m);
		assert.match(text, /^w: its connection was cut at index 29$/m);
	});

	it("of a long run goes by index, whatever the order in which concurrent writes were tried", () => {
		const writes = Array.from({ length: 50 }, (_, at) => accepted(at + 1, "set", "/a", (at ^ 1) + 1));
		const first = writes.find((write) => write.outcome.kind === "accepted" && write.outcome.index === 1);
		assert.ok(first);
		const { text } = timelineChart(timeline("swapped", writes, [watcher("w", "/a", [delivery(first, 0)])]));
		assert.match(text, /1 │ set \/a +│ set\n *2 to 50 │ 49 × set/);
	});
});

describe("timelineTable", () => {
	it("escapes every key, value and message", () => {
		const { html } = timelineTable(hostile());
		assertOnlyMarkup(html, HTML_ELEMENTS, /^style$/);
		for (const key of HOSTILE.slice(0, 6)) assert.ok(decoded(html).includes(key), key);
	});

	it("is caught by the check of the HTML when it doesn't", () => {
		assert.throws(() => assertOnlyMarkup(decoded(timelineTable(hostile()).html), HTML_ELEMENTS, /^style$/));
	});

	it("marks a refused write with a sign, not with colour alone", () => {
		assert.match(timelineTable(postsRun()).html, /<strong>× set \/a\/b\/c: refused with 104 Not a directory/);
	});

	it("numbers the writes as a prediction does, the refused ones too", () => {
		const rows = timelineTable(postsRun())
			.text.split("\n")
			.filter((line) => /^ *\d+ +│/.test(line))
			.map((line) =>
				line
					.split("│")
					.slice(0, 2)
					.map((cell) => cell.trim()),
			);
		assert.deepEqual(rows, [
			["1", "1"],
			["2", "–"],
			["3", "2"],
			["4", "–"],
			["5", "3"],
		]);
	});
});

describe("a table of a run", () => {
	const record = { ...twice(), recorded: "It is a record." };
	const onV3 = {
		...record,
		api: "v3" as const,
		watchers: record.watchers.map((one) => ({
			...one,
			kind: "follow" as const,
			deliveries: one.deliveries.map((each, nth) => ({
				...each,
				node: { ...each.node, version: nth, ...(nth === 1 ? { createdIndex: 0 } : {}) },
				fromHistory: nth === 0,
			})),
		})),
	};
	const v2Columns = "event │ key │ modifiedIndex │ createdIndex │ prevNode.modifiedIndex │ response index";
	const v3Columns =
		"event │ key │ mod_revision │ create_revision │ version │ prev_kv.mod_revision │ watched since │ from";
	for (const [what, { text }, ...lines] of [
		[
			"all of it, titled by the run and its counts",
			timelineTable(record),
			"a delete that comes twice",
			"3 writes tried, 3 accepted, 0 refused",
			"no. │ index │ write │ stream: stream /a/b │ late: watch /a, recursive",
			"1 │ 1 │ set /a/b │ set │ set (from history)",
			"2 │ 2 │ refresh /a/b: takes an index, raises no event │ │",
			"3 │ 3 │ delete /a/b │ delete ×2 │ delete (from history)",
			"It is a record.",
		],
		[
			"all of it, with another title and what is below the table",
			timelineTable({ ...postsRun(), writes: postsRun().writes.slice(2, 4) }, { title: "T", subtitle: "S" }),
			...["T", "S", "no. │ index │ write │ recursive: watch /a, recursive │ plain: watch /a"],
			"1 │ 2 │ set /a/d │ set │ ·",
			"2 │ – │ × delete /a/b/c: refused with 104 Not a directory (/a/b) │ │",
			"· it did not come",
			"recursive: also got 2 events that no write of this run raised: set /a/b (index 1), delete /a/b (index 3)",
		],
		[
			"the events of a stream",
			eventsTable(record, "stream"),
			...["stream: stream /a/b", v2Columns],
			"set │ /a/b │ 1 │ 1 │ – │ 0",
			...["delete │ /a/b │ 3 │ 3 │ 1 │ 0", "delete │ /a/b │ 3 │ 3 │ 1 │ 0", "It is a record."],
		],
		[
			"events out of the history, with another title",
			eventsTable(record, "late", { title: "T", absolute: false }),
			...["T", `${v2Columns} │ from`],
			...["set │ /a/b │ 1 │ 1 │ – │ 3 │ history", "delete │ /a/b │ 3 │ 3 │ 1 │ 3 │ history"],
			"It is a record.",
		],
		[
			"the events of a v3 follower, in the server's own numbers",
			eventsTable(onV3, "late", { absolute: true }),
			...["late: follow prefix /a/", v3Columns],
			"set │ /a/b │ 479128 │ 479128 │ 0 │ – │ – │ history",
			"delete │ /a/b │ 479130 │ 0 │ 1 │ 479128 │ – │ live",
			"It is a record.",
		],
		["no event", eventsTable(postsRun(), "plain"), ...["plain: watch /a", v2Columns, "It got no event."]],
	] as const)
		it(`has in its lines ${what}`, () => assert.deepEqual(linesOf(text), lines));

	it("is shown as it is made", () => {
		const titles = { title: "T", subtitle: "S" };
		assert.equal(
			said(() => table(record, titles)),
			timelineTable(record, titles).text,
		);
		assert.equal(
			said(() => eventTable(record, "late", titles)),
			eventsTable(record, "late", titles).text,
		);
	});
});

describe("eventsTable", () => {
	it("shows the post's own numbers when asked for absolute indexes", () => {
		const { text } = eventsTable(postsRun(), "recursive", { absolute: true });
		const rows = text
			.split("\n")
			.filter((line) => /^(set|delete) /.test(line))
			.map((line) => line.split("│").map((cell) => cell.trim()));
		assert.deepEqual(rows, [
			["set", "/a/b", "479128", "479128", "479126", "479127"],
			["set", "/a/d", "479129", "479129", "479127", "479128"],
			["delete", "/a/b", "479130", "479128", "479128", "479129"],
		]);
	});

	it("shows the first and the last of many events, and counts the rest", () => {
		const { html, text } = eventsTable(burst(1000), "loop");
		assert.equal(text.split("\n").filter((line) => line.startsWith("set ")).length, 200);
		assert.match(text, /\n… and 800 more rows *│/);
		assert.match(text, /\nset +│ \/a\/\d+ +│ +1000 │/);
		assert.ok(html.length < 100_000, `${html.length}`);
	});

	it("names the run's watchers when asked for one that it doesn't have", () => {
		assert.throws(() => eventsTable(postsRun(), "nobody"), {
			name: "RangeError",
			message: 'the run has no watcher "nobody"; it has "recursive", "plain"',
		});
	});
});

describe("tableOf", () => {
	it("leaves a sentence of a cell whole, with what can be copied from it", () => {
		const sentence = `${"a".repeat(150)} is one level below ${"b".repeat(150)}`;
		const { html } = tableOf({ columns: ["why", "what"], rows: [[sentence, "set /a/b"]] });
		assert.ok(html.includes(sentence));
		assert.ok(html.includes("set /a/b"));
		assert.doesNotMatch(html, /\u00a0/);
	});

	it("fills short rows and aligns columns of numbers to the right", () => {
		const { text, html } = tableOf({ columns: ["name", "count"], rows: [["a", 1], ["bb", 22], ["c"]] });
		assert.equal(text, "name │ count\n─────┼──────\na    │     1\nbb   │    22\nc    │\n");
		assert.match(html, /<td style="text-align: right">22<\/td>/);
	});
});

describe("tableOf, in its details", () => {
	const signs = (["right", "wrong", "refused", "open"] as const).map((mark) => ({ text: "so it is", mark }));
	const input = { title: "<T>", columns: ["a <col>", "n"], rows: signs.map((sign, nth) => [sign, nth]) };

	it("is this HTML, and this text", () => {
		const { html, text } = tableOf({ ...input, subtitle: "<S>", notes: ["<N>"] });
		const [left, right] = ['style="text-align: left; white-space: nowrap"', 'style="text-align: right"'];
		const lines = [
			...['<div style="padding-top: 8px">', "<p><strong>&lt;T&gt;</strong></p>", "<p>&lt;S&gt;</p>"],
			`<table><thead><tr><th ${left}>a &lt;col&gt;</th><th ${right}>n</th></tr></thead><tbody>`,
			`<tr><td ${left}>✓ so it is</td><td ${right}>0</td></tr>`,
			`<tr><td ${left}><strong>✗ so it is</strong></td><td ${right}>1</td></tr>`,
			`<tr><td ${left}><strong>× so it is</strong></td><td ${right}>2</td></tr>`,
			`<tr><td ${left}><strong>? so it is</strong></td><td ${right}>3</td></tr>`,
			...["</tbody></table>", "<p>&lt;N&gt;</p>", "</div>"],
		];
		assert.equal(html, lines.join("\n"));
		assert.equal(
			text,
			"<T>\n<S>\n\na <col>    │ n\n───────────┼──\n✓ so it is │ 0\n✗ so it is │ 1\n× so it is │ 2\n? so it is │ 3\n\n<N>\n",
		);
		assert.deepEqual(tableBundle({ html, text }), { "text/html": html, "text/plain": text });
		assert.equal(htmlBlock(["x"], "name"), '<div class="name" style="padding-top: 8px">\nx\n</div>');
		assert.equal(
			said(() => showTable(input)),
			tableOf(input).text,
		);
	});

	it("has a line between what is above and below it and the table, and none where nothing is", () => {
		const table = ["a", "─", "x"];
		for (const [more, before, after] of [
			[{}, [], []],
			[{ title: "T" }, ["T", ""], []],
			[{ subtitle: "S" }, ["S", ""], []],
			[{ notes: ["N"] }, [], ["", "N"]],
			[{ of: [{ recorded: "R" }] }, [], ["", "R"]],
		] as const)
			assert.deepEqual(tableOf({ columns: ["a"], rows: [["x"]], ...more }).text.split("\n"), [
				...[...before, ...table, ...after, ""],
			]);
	});

	const numerals = [7, "7", "70", "+1", "-2", "1,234.5", "2 to 3", "20 to 300", "–", ""];
	const words = ["", "x1", "1x", "a", "--", "1 to", "1 to x", "x to 1", "1 to 2 to 3", "no"];
	it(`aligns to the right what is all numbers: ${numerals}, and nothing else: ${words}`, () => {
		const aligned = (...cells: readonly (string | number)[]) =>
			/<td style="text-align: (\w+)/.exec(
				tableOf({ columns: ["c"], rows: cells.map((one) => [one]) }).html,
			)?.[1];
		for (const cell of numerals) assert.equal(aligned(cell), "right", String(cell));
		for (const cell of words.slice(1)) assert.equal(aligned(cell), "left", cell);
		assert.equal(aligned(...numerals), "right");
		assert.equal(aligned(1, "x", 2), "left");
		assert.match(tableOf({ columns: ["c"], rows: [] }).html, /<th style="text-align: left">c/);
	});

	it("breaks no line of a column whose cells have up to 24 characters, its name apart", () => {
		const [short, long] = ["s".repeat(22), "l".repeat(23)].map((word) => `${word} x`);
		const wholes = (column = "", ...cells: readonly string[]) =>
			[...tableOf({ columns: [column], rows: cells.map((one) => [one]) }).html.matchAll(/<t[dh] [^>]*/g)].map(
				([tag]) => tag.includes("nowrap"),
			);
		assert.deepEqual(wholes(short, short ?? ""), [true, true]);
		assert.deepEqual(wholes(long, short ?? ""), [false, true]);
		assert.deepEqual(wholes(short, short ?? "", long ?? ""), [true, false, false]);
		assert.deepEqual(wholes("word", "word"), [false, false]);
	});

	it("gives each of up to 40 things a row, and of more those of one kind, the rarest at the top", () => {
		const all = Array.from({ length: 41 }, (_, nth) => nth);
		const isRare = (nth: number) => [nth === 7 || nth === 3];
		assert.deepEqual(
			rowsOf(all.slice(1), isRare),
			all.slice(1).map((nth) => [nth]),
		);
		assert.deepEqual(rowsOf(all, isRare), [[3, 7], all.filter((nth) => nth !== 3 && nth !== 7)]);
		assert.equal(reasonIn("/a/12 is at 12, as /a/12 was at 9", "/a/12"), "… is at #, as … was at #");
		assert.equal(reasonIn("at 12", ""), "at #");
	});
});

describe("whoever makes a table of anything", () => {
	it("can't put a control character or markup of his into it, at any place", () => {
		const hostile = "\u001b]52;c;x\u0007<script>\u202e";
		const { text, html } = tableOf({
			...{ title: hostile, subtitle: hostile, columns: [hostile], notes: [hostile] },
			rows: [[hostile], [{ text: hostile, mark: "wrong" }]],
		});
		for (const shown of [text, html]) {
			assert.doesNotMatch(shown, /[^\P{Cc}\n]|\u202e/u);
			assert.equal(shown.split("52;c;x").length, 7, "each place is shown");
		}
		assert.ok(!html.includes("<script"));
	});
});

describe("printable", () => {
	for (const [given, shown] of [
		["plain /a/b", "plain /a/b"],
		["\u0000\n\u007f", "␀␊␡"],
		["\u0085", "\ufffd"],
		["\ud800x", "\ufffdx"],
		["k8s\udc00\udcff", "k8s\ufffd‹0xFF›"],
		["\udc80\udc9f", "‹0x80›‹0x9F›"],
		["a\u202eb", "a‹U+202E›b"],
		["a\u2069b\u2068", "a‹U+2069›b‹U+2068›"],
		["zero\u200bwidth", "zero‹U+200B›width"],
		["שלום", "\u2068שלום\u2069"],
		["👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦"],
	] as const)
		it(`shows ${JSON.stringify(given)} as ${JSON.stringify(shown)}, and leaves that as it is`, () => {
			assert.equal(printable(given), shown);
			assert.equal(printable(shown), shown);
		});
});

describe("shortened", () => {
	it("keeps both ends of a long key and never cuts an emoji in two", () => {
		assert.equal(shortened("/a/very/long/key/indeed", 11), "/a/ve…ndeed");
		assert.equal(shortened("👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 2), "👩‍👩‍👧‍👦…");
	});

	it("looks at the ends of a key of a megabyte alone: what is in the middle costs nothing", () => {
		// Segmenting all of it takes Node 20 minutes, in which mocha's own limit could not end the test: so count.
		const long = `/begin${"é".repeat(1_000_000)}end`;
		const { sum } = segmentedBy(() => assert.equal(shortened(long, 11), "/begi…ééend"));
		assert.ok(sum < 1_000, `${sum} code units were segmented`);
	});

	it("looks no further than to what can be shown, of wide characters and in a few pixels", () => {
		const ends = segmentedBy(() => shortened("👩‍👩‍👧‍👦".repeat(10_000), 401));
		const few = segmentedBy(() => fitted("k".repeat(1_000), 100, 10));
		assert.ok(ends.sum < 20_000 && few.sum < 20_000, `${ends.sum} and ${few.sum} code units were segmented`);
	});
});

describe("a table of long keys", () => {
	it("looks at no more of a key than it shows, in each of its rows", () => {
		const key = `/${"k".repeat(200_000)}`;
		const writes = Array.from({ length: 20 }, (_, at) =>
			accepted(at + 1, "set", key, at + 1, { value: "x" }),
		);
		const told = writes.map((one) => delivery(one, 0));
		const long = timeline("long", writes, [watcher("w", "/", told)]);
		const { squares, most } = segmentedBy(() => eventsTable(long, "w"));
		assert.ok(most <= 256, `${most} code units at once`);
		assert.ok(squares / 20 < 3_000_000, `${squares / 20} for each row`);
	});

	it("cuts no character in two where a long text is looked at in parts", () => {
		for (let before = 250; before < 260; before++) {
			const text = `${"a".repeat(before)}${"👩‍👩‍👧‍👦🇩🇪".repeat(100)}`;
			assert.equal(columnsOf(text), before + 400);
			const whole = Array.from(new Intl.Segmenter("en").segment(text), ({ segment }) => segment);
			const [max, head] = [before + 101, Math.ceil((before + 100) / 2)];
			const ends = [whole.slice(0, head), whole.slice(head + 1 - max)].map((part) => part.join(""));
			assert.equal(shortened(text, max), ends.join("…"));
		}
	});
});

describe("columnsOf", () => {
	it("counts what a terminal shows: two for CJK and emoji, none for what combines", () => {
		assert.deepEqual(["ab", "漢字", "😀", "e\u0301", "\u2068שלום\u2069"].map(columnsOf), [2, 4, 2, 1, 4]);
	});
});
