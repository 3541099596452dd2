import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { rules } from "etcd-watch-lab/follow";
import { root } from "#tools/paths";
import { codeCells, linksOf, pages, sourceOf } from "./reading";

/** An entry of the field guide: from its heading to the next one. */
interface Entry {
	readonly heading: string;
	readonly text: string;
	readonly codeCount: number;
}

const parts = ["Why", "What to do", "In v3", "Met in"];

/**
 * Every behaviour that the lab knows of, by what its entry has to say of it: the rows T0 to T22, the conclusions of
 * the post, and what was found since (the findings in test/README.md, test/model/differences.test.ts, the follower's rules).
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

describe("the field guide", () => {
	const page = pages().find(({ name }) => name === "07-field-guide");
	assert.ok(page);
	const { notebook } = page;
	const prose = notebook.cells.filter(({ cell_type }) => cell_type === "markdown").map(sourceOf);
	const headings = prose.flatMap((text) => [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => title));

	/** As JupyterLab, nbconvert and code hosts make it, of a heading without punctuation. */
	const anchorOf = (heading: string) => heading.replaceAll(" ", "-");

	const entries: Entry[] = [];
	for (const cell of notebook.cells) {
		const source = sourceOf(cell);
		const last = entries.at(-1);
		const [, heading] = /^### (.+)$/m.exec(source) ?? [];
		if (cell.cell_type === "markdown" && heading !== undefined)
			entries.push({ heading, text: source, codeCount: 0 });
		else if (last && /^## /m.test(source)) entries.push({ heading: "", text: "", codeCount: 0 });
		else if (last && cell.cell_type === "code")
			entries[entries.length - 1] = { ...last, codeCount: last.codeCount + 1 };
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

	it("gives every entry the same shape: a symptom, a cell, why, what to do, v3, and who met it", () => {
		assert.ok(guide.length >= 25, `${guide.length} entries`);
		for (const { heading, text, codeCount } of guide) {
			const said = [...text.matchAll(/^- \*\*([^*]+):\*\* \S/gm)].map(([, part]) => part);
			assert.deepEqual(said, parts, heading);
			// A cluster that is sent a snapshot is 08's: it takes longer than all that is here.
			const isShownElsewhere = heading === ruleEntries["verify a jump"];
			assert.equal(codeCount > 0, !isShownElsewhere, heading);
			if (isShownElsewhere) assert.match(text, /\]\(08-faults\.ipynb#[\w-]+\)/);
		}
	});

	it("names headings that are the same anchor everywhere: letters, digits and single spaces", () => {
		for (const { heading } of guide) assert.match(heading, /^[A-Za-z0-9]+(?: [A-Za-z0-9]+)*$/);
		assert.equal(new Set(headings).size, headings.length);
	});

	it("has a table of contents that lists every entry, under its group, and leads nowhere in vain", () => {
		const contents = prose.find((text) => text.startsWith("## By symptom"));
		assert.ok(contents);
		const lines = [...contents.matchAll(/^- \[([^\]]+)\]\(#([^)]+)\)$/gm)];
		const targets = new Set(lines.map(([, , anchor]) => anchor));
		for (const { heading } of guide) assert.ok(targets.has(anchorOf(heading)), heading);
		const groups = [...contents.matchAll(/^\*\*(.+)\*\*$/gm)].map(([, group = ""]) => group);
		assert.equal(groups.length, 6);
		for (const group of groups) assert.ok(headings.includes(group), group);
	});

	it("has no link to a heading that isn't there, in this page or in another", () => {
		const anchors = new Map(
			pages().map((each) => [
				each.name,
				each.notebook.cells
					.filter(({ cell_type }) => cell_type === "markdown")
					.flatMap((cell) => [...sourceOf(cell).matchAll(/^#+ (.+)$/gm)])
					.map(([, title = ""]) => anchorOf(title)),
			]),
		);
		const links = linksOf(notebook).filter((link) => link.includes("#") && !link.startsWith("https://"));
		assert.ok(links.length > guide.length);
		for (const link of links) {
			const [file = "", anchor = ""] = link.split("#");
			const name = file === "" ? page.name : file.replace(/\.ipynb$/, "");
			assert.ok(anchors.get(name)?.includes(anchor), link);
		}
	});

	it("names only entries that there are, in what the exercise answers", () => {
		const source = readFileSync(join(root, "lib", "src", "pages", "exercises", "reach.ts"), "utf8");
		const named = [...source.matchAll(/the entry "([^"]+)"/g)].map(([, heading = ""]) => heading);
		assert.ok(named.length >= 5);
		for (const heading of named) assert.ok(entryOf(heading), heading);
	});

	it("keeps each entry short: at most 15 lines of code and 170 words", () => {
		for (const { heading, text } of guide) {
			const words = text.replace(/\]\([^)]*\)/g, "]").split(/\s+/).length;
			assert.ok(words <= 170, `${heading}: ${words}`);
		}
		assert.ok(codeCells(notebook).length > guide.length);
	});
});
