import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type KnownFault, knownFaults, notOnV3, rules } from "etcd-watch-lab/follow";
import { recordedVersions } from "etcd-watch-lab/pages";
import { errorCodes, RetiredCodeError } from "etcd-watch-lab/v2";
import { v3Errors } from "etcd-watch-lab/v3";
import { root } from "#tools/paths";
import { bound, codeCells, pages, proseOf, sourceOf, textOf } from "./reading";

/** An entry of the field guide: from its heading to the next one. */
interface Entry {
	readonly heading: string;
	readonly text: string;
	readonly codeCount: number;
	/** The sources of its cells. */
	readonly code: string;
	/** What its cells show, as it is committed. */
	readonly shown: string;
	/** The heading above it. */
	readonly group: string;
}

const onV3 = "On v3";
const parts = ["Why", "What to do", "In v3", "Met in"];
const partsOnV3 = ["Why", "What to do", "Versions", "Met in"];

/**
 * What the cells of v3's entries show on etcd 3.5.1, for which they are committed; null: it takes too long, or more than
 * a page has, and a test or another page is named that shows it.
 */
const shownOnV3: Readonly<Record<string, readonly RegExp[] | null>> = {
	"410 Gone and required revision has been compacted": [
		/from revision 2 +│ etcdserver: mvcc: required revision has been compacted/,
		/from revision 4 +│ events 4/,
		/at revision 99 +│ etcdserver: mvcc: required revision is a future revision/,
	],
	"The watch is open and a put never came": [/waiting for a later one[\s\S]*confirmed[\s\S]*confirmed/],
	"A delete is missing after a compaction": [/a watch from 3 on is told: events 4$/m],
	"Minus 1 as a start revision": [/told of: live$/m],
	"A slow reader and a compaction": null,
	"Events of one transaction came apart": [/events 2, 3, 4$/m, /events 9, 9, 9 … \| events 9$/m],
	"The bookmark was ahead of its events": [/progress 6 \| events 2, 3, 4, 5, 6$/m],
	"The same value again raises an event": [/another value: not written/, /told: 1, 1, 2$/m],
	"It expired though I renewed it": [/before +│ the lease is renewed/, /told: delete/, /no such lease/],
	"The lease ended late after an election": [/is over: true$/m, /left again: true$/m],
	"The watch goes on though the permission was taken": [
		/open +│ written after it/,
		/a read +│ etcdserver: permission denied/,
	],
	"Who may read one key is told of all": [/a read of all.*permission denied/, /told of \/somebody\/else/],
	"The expired token reads as permission denied": [
		/a read +│ taken +│ etcdserver: invalid auth token/,
		/a watch +│ taken +│ etcdserver: permission denied/,
	],
	"Everything hangs at 250 watches": null,
	"The list is too large": [/request is too large/, /14 MB in one answer/, /4 of 10, more: true/],
	"Behind a grpc proxy": null,
	"A defragmentation stops the member": null,
};

/**
 * Every behaviour that the lab knows of, by what its entry has to say of it: the rows T0 to T22, the conclusions of
 * the post, and what was found since (the findings in test/README.md, test/proofs/differential/differences.test.ts, the follower's rules).
 */
const behaviours: Readonly<Record<string, RegExp>> = {
	...Object.fromEntries(
		Array.from({ length: 23 }, (_, n) => [`T${n}`, new RegExp(`\\*\\([^)]*\\bT${n}\\b`)]),
	),
	"conclusions 1 and 3": /conclusions 1 and 3 of the post/,
	"conclusion 2": /conclusion 2 of the post/,
	"a set makes the key anew": /`set` makes the key anew/,
	"an update without a ttl takes it away": /none given means none/,
	"waitIndex=0 is none": /`waitIndex` of 0 is read as none/,
	"compareAndDelete of the root": /102 and no cause/,
	"children in the order of their bytes": /by their bytes/,
	"a fresh server is served from index 1": /fresh server/,
};

/** Rules of the follower, and the entry that shows what forces each. */
const ruleEntries: Readonly<Record<keyof typeof rules, string>> = {
	"list first": "The first write after I opened the watch is missing",
	"go on after the event": "Events came twice and others not at all",
	"each once": "The same delete came twice",
	"a cleared history is a gap": "After a 401 my client went on and events are missing",
	"polls are the truth": "One event from the past and then nothing",
	"verify a jump": "One event is missing and there was no error at all",
	"an index that goes back is a reset": "After a wipe the watch waits for ever",
	"no poll for ever": "A quiet watch ends after five minutes",
	"bookmark a quiet key": "A quiet key gets a 401",
	"a removed directory is all its keys": "A whole directory went and I got one event",
	"what only the replay shows is dropped": "Keys with an underscore come and go",
	"a slow consumer is a gap": "My consumer could not keep up",
	"an exception consumes nothing": "My handler failed and its event is gone",
};

/** The sources of all tests, in one text. */
function testSources(): string {
	const folder = join(root, "test");
	return readdirSync(folder, { recursive: true, encoding: "utf8" })
		.filter((file) => /^(live|proofs|support|unit).*\.ts$/.test(file))
		.map((file) => readFileSync(join(folder, file), "utf8"))
		.join("\n");
}

describe("the field guide", () => {
	const page = pages().find(({ name }) => name === "07-field-guide");
	assert.ok(page);
	const { notebook } = page;
	const prose = proseOf(notebook);
	const headings = prose.flatMap((text) => [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => title));

	/** As JupyterLab, nbconvert and code hosts make it, of a heading without punctuation. */
	const anchorOf = (heading: string) => heading.replaceAll(" ", "-");

	const entries: Entry[] = [];
	let group = "";
	for (const cell of notebook.cells) {
		const source = sourceOf(cell);
		const last = entries.at(-1);
		const isProse = cell.cell_type === "markdown";
		if (isProse) group = /^## (.+)$/m.exec(source)?.[1] ?? group;
		const [, heading = ""] = (isProse && /^### (.+)$/m.exec(source)) || [];
		if (heading !== "" || (last && /^## /m.test(source)))
			entries.push({ heading, text: source, codeCount: 0, code: "", shown: "", group });
		else if (last && cell.cell_type === "code")
			entries[entries.length - 1] = {
				...last,
				codeCount: last.codeCount + 1,
				code: `${last.code}\n${source}`,
				shown: [last.shown, ...(cell.outputs ?? []).map(textOf)].join("\n"),
			};
		else if (last) entries[entries.length - 1] = { ...last, text: `${last.text}\n\n${source}` };
	}
	const guide = entries.filter(({ heading }) => heading !== "");
	const entryOf = (heading: string) => guide.find((entry) => entry.heading === heading);

	for (const [name, words] of Object.entries(behaviours)) {
		it(`has an entry for ${name}`, () => {
			assert.ok(guide.some(({ text }) => words.test(text)));
		});
	}

	it("has an entry for what forces each of the follower's thirteen rules", () => {
		assert.deepEqual(Object.keys(ruleEntries).sort(), Object.keys(rules).sort());
		for (const heading of Object.values(ruleEntries)) assert.ok(entryOf(heading), heading);
	});

	it("gives every entry the same shape: a symptom, a cell, why, what to do, v3 or the versions, and who met it", () => {
		assert.ok(guide.length >= 25, `${guide.length} entries`);
		for (const { heading, text, codeCount, group: above } of guide) {
			const said = [...text.matchAll(/^- \*\*([^*]+):\*\* \S/gm)].map(([, part]) => part);
			assert.deepEqual(said, above === onV3 ? partsOnV3 : parts, heading);
			// A cluster that is sent a snapshot is 08's: it takes longer than all that is here.
			const isInAnother = heading === ruleEntries["verify a jump"];
			assert.equal(codeCount > 0, !isInAnother && shownOnV3[heading] !== null, heading);
			if (isInAnother) assert.match(text, /\]\(08-faults\.ipynb#[\w-]+\)/);
		}
	});

	it("shows on each of v3's entries what its words say, or names a test that does", () => {
		const ofV3 = guide.filter((entry) => entry.group === onV3);
		assert.deepEqual(
			ofV3.map(({ heading }) => heading),
			Object.keys(shownOnV3),
		);
		const tests = testSources();
		for (const { heading, text, shown } of ofV3) {
			for (const words of shownOnV3[heading] ?? []) assert.match(shown, words, heading);
			const [, named] = /npm test -- -g "([^"]+)"/.exec(text) ?? [];
			if (shownOnV3[heading] === null) assert.ok(named, heading);
			if (named !== undefined) assert.ok(tests.includes(named), `no test is named: ${named}`);
		}
	});

	it("has in its list every code of v2 that etcd 3 has, and every text of v3 that the lab tells apart", () => {
		const list = prose.find((text) => text.startsWith("## The error codes of both APIs")) ?? "";
		for (const [code, { text, error }] of errorCodes) {
			const isTold = list.includes(`| ${code} | ${text} |`);
			// The list says of some that etcd 3 raises them no more.
			assert.ok(
				isTold || error === RetiredCodeError || [200, 204, 205, 206, 207, 208].includes(code),
				`${code}`,
			);
		}
		for (const text of v3Errors.keys())
			assert.ok(list.includes(`| ${text.replace("etcdserver: ", "")} |`), text);
	});

	it("says of each conclusion, and of what its exercise is about, for which API it is", () => {
		const end = prose.find((text) => text.startsWith("## Conclude")) ?? "";
		for (const [, before] of end.matchAll(/(\S+) \*\*[A-Z]/g))
			assert.match(before ?? "", /^\[?(v2|v3|both)\]$/);
	});

	it("names headings that are the same anchor everywhere: letters, digits and single spaces", () => {
		for (const { heading } of guide) assert.match(heading, /^[A-Za-z0-9]+(?: [A-Za-z0-9]+)*$/);
		assert.equal(new Set(headings).size, headings.length);
	});

	it("has a table of contents that lists every entry, under its group, and leads nowhere in vain", () => {
		const contents = prose.find((text) => text.startsWith("## By symptom"));
		assert.ok(contents);
		const lines = [...contents.matchAll(/^- \[([^\]]+)\]\(#([^)]+)\) \[(v2|v3|both)\]$/gm)];
		assert.equal(lines.length, [...contents.matchAll(/^- /gm)].length, "a line without [v2], [v3] or [both]");
		for (const [, title = "", anchor, api] of lines) {
			if (entryOf(title)?.group === onV3) assert.equal(api, "v3", title);
			else if (anchor === anchorOf(title)) assert.notEqual(api, "v3", title);
		}
		const targets = new Set(lines.map(([, , anchor]) => anchor));
		for (const { heading } of guide) assert.ok(targets.has(anchorOf(heading)), heading);
		const groups = [...contents.matchAll(/^\*\*([^*]+)\*\*$/gm)].map(([, group = ""]) => group);
		assert.equal(groups.length, 7);
		for (const group of groups) assert.ok(headings.includes(group), group);
	});

	it("names only entries that there are, in what the exercise answers", () => {
		const source = readFileSync(join(root, "lib", "src", "pages", "exercises", "reach.ts"), "utf8");
		const named = [...source.matchAll(/the entry "([^"]+)"/g)].map(([, heading = ""]) => heading);
		assert.ok(named.length >= 5);
		for (const heading of named) assert.ok(entryOf(heading), heading);
	});

	it("has entries that run alone, after the first cell: none uses a name that another one binds", () => {
		for (const { heading, code } of guide) {
			const inserted = (text: string) => (text.match(/\$\{[^}]*\}/g) ?? []).join(";");
			const words = code.replace(/"[^"\n]*"|'[^'\n]*'|\/\/.*$/gm, "").replace(/`[^`]*`/g, inserted);
			const parameters = [...words.matchAll(/\(([^()]*)\)\s*=>/g)].flatMap(
				([, list = ""]) => list.match(/\w+/g) ?? [],
			);
			const own = new Set([...bound(code.replace(/^ +/gm, "")), ...parameters]);
			for (const other of guide.filter((each) => each.heading !== heading)) {
				const taken = bound(other.code).filter(
					(name) => !own.has(name) && new RegExp(`(?<![.\\w$])${name}(?![\\w$]|\\s*:)`).test(words),
				);
				assert.deepEqual(taken, [], `${heading} uses what "${other.heading}" binds`);
			}
		}
	});

	it("keeps each entry short: at most 15 lines of code and 170 words", () => {
		for (const { heading, text } of guide) {
			const words = text.replace(/\]\([^)]*\)/g, "]").split(/\s+/).length;
			assert.ok(words <= 170, `${heading}: ${words}`);
		}
		const elsewhere = Object.values(shownOnV3).filter((shown) => shown === null);
		assert.ok(codeCells(notebook).length > guide.length - elsewhere.length);
	});
});

/** Entries of the field guide about known faults, by their anchors. */
const faultEntries: Readonly<Record<string, readonly string[]>> = {
	"A-slow-reader-and-a-compaction": ["17529"],
	"A-delete-is-missing-after-a-compaction": ["18089"],
	"Minus-1-as-a-start-revision": ["20693"],
	"The-bookmark-was-ahead-of-its-events": ["15220", "17566"],
	"Everything-hangs-at-250-watches": ["11826"],
	"Who-may-read-one-key-is-told-of-all": ["GHSA-xg4h-6gfc-h4m8"],
	"The-expired-token-reads-as-permission-denied": ["12385"],
};

/** The paragraphs and the rows of tables that name known faults, with the releases in them that the table does not name. */
function wrongVersions(markdown: string): { readonly named: number; readonly wrong: string[] } {
	const prose = markdown.replace(/^```[\s\S]*?^```/gm, "");
	const parts = prose.split("\n\n").flatMap((part) => (part.startsWith("|") ? part.split("\n") : [part]));
	let named = 0;
	const wrong: string[] = [];
	for (const part of parts) {
		const ids = Object.entries(faultEntries).flatMap(([anchor, of]) =>
			part.includes(`#${anchor}`) ? of : [],
		);
		const faults: KnownFault[] = knownFaults.filter(
			({ id }) => ids.includes(id) || new RegExp(`\\b${id}\\b`).test(part),
		);
		if (faults.length === 0) continue;
		const told = [...part.matchAll(/(?<![v.\d])3\.\d+\.\d+/g)].map(String);
		named += told.length;
		// The first and the last that have it, the next one, and those that the lab has tried.
		const right = new Set(recordedVersions().columns.map(({ etcd }) => etcd));
		for (const { versions } of faults)
			for (const [minor, [first, last]] of Object.entries(versions))
				for (const patch of [first, last, last + 1]) right.add(`${minor}.${patch}`);
		wrong.push(...told.filter((version) => !right.has(version)));
	}
	return { named, wrong };
}

describe("what the pages say of versions", () => {
	it("is what the table of known faults has, wherever one of them is named", () => {
		let named = 0;
		for (const { name, notebook } of pages()) {
			const found = wrongVersions(proseOf(notebook).join("\n\n"));
			assert.deepEqual(found.wrong, [], name);
			named += found.named;
		}
		assert.ok(named >= 60, `${named} releases`);
		assert.deepEqual(wrongVersions("[17529](x) up to 3.5.12, mended in 3.5.14").wrong, ["3.5.14"]);
	});
});

describe("the rules of the follower, in words", () => {
	it("are on page 08, all thirteen, and say which of them v3 has", () => {
		const page = pages().find(({ name }) => name === "08-faults");
		const prose = page?.notebook.cells.map(sourceOf).join("\n\n") ?? "";
		const rows = [...prose.matchAll(/^\| ([a-z ]+) \| \[(v2|both)\] \| .+ \|$/gm)];
		assert.deepEqual(
			rows.map(([, rule, api]) => [rule, api]),
			Object.keys(rules).map((rule) => [rule, rule in notOnV3 ? "v2" : "both"]),
		);
	});
});

describe("the way in", () => {
	const start = pages().find(({ name }) => name === "00-start-here");
	assert.ok(start);
	const prose = proseOf(start.notebook);

	it("asks in the first cell which etcd the reader has, and gives an order of reading to each", () => {
		assert.match(prose[0] ?? "", /\*\*Which etcd do you have\?\*\*.*\(#Which-etcd-do-you-have\)/);
		const [, orders = ""] = /## Which etcd do you have\n([\s\S]*?)\n## /.exec(prose.join("\n\n")) ?? [];
		assert.match(orders, /--enable-v2/);
		const [forV2 = "", forV3 = ""] = orders.split("**With v3, in forty minutes:**");
		assert.match(forV2, /\*\*With v2:\*\*/);
		assert.ok([...forV3.matchAll(/\]\(0\d-[\w-]+\.ipynb#[\w-]+\)/g)].length >= 6);
		const minutes = [...forV3.matchAll(/\((\d+)\)\.(?= |$)/gm)];
		const sum = minutes.reduce((before, [, count]) => before + Number(count), 0);
		assert.equal(sum, 40);
	});

	it("says of its hypothesis, its conclusion and its table for which API they are", () => {
		const all = prose.join("\n\n");
		assert.match(all, /^\| # \| \[v2\] .* \| \[v2\] .* \| .* \| \[v3\] \|$/m);
		assert.match(all, /^\[v2\] \*\*A recursive watch saw/m);
	});

	it("tells at its end the two meanings of follower and of snapshot apart", () => {
		const words = prose.find((text) => text.startsWith("## The words")) ?? "";
		for (const word of ["follower", "snapshot"])
			assert.match(words, new RegExp(`^- \\*\\*${word}\\*\\*: .*[Rr]aft.*(list|follow)`, "m"));
		assert.ok(words.split(/\s+/).length <= 400);
	});
});
