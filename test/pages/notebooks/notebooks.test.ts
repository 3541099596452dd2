import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { loadTimeline, type Timeline } from "etcd-watch-lab";
import { compareTimelines } from "etcd-watch-lab/timeline";
import { advice, compareNotebooks, report } from "#tools/notebooks/compare";
import type { Notebook } from "#tools/notebooks/file";
import { nameOf, readRecords, recordsFile, recordsOf } from "#tools/notebooks/records";
import { misfits, volatileCells } from "#tools/notebooks/volatile-cells";
import { root } from "../../support/checkout";
import { shareOf } from "../../support/share";
import { assertClean, assertVerdicts, expectedVerdicts } from "./expected";
import { codeCells, formOf, pages, stringsOf, textOf, verdictsOf } from "./reading";
import { artifacts, begin } from "./runs";

const all = pages();

describe("the notebooks' table of verdicts", () => {
	it("has an entry for every notebook, and for no other", () => {
		assert.deepEqual(
			Object.keys(expectedVerdicts).sort(),
			all.map(({ name }) => name),
		);
	});

	it("notices a verdict that is missing, one that is too many, and one that ends otherwise", () => {
		const shown = (expectedVerdicts["00-start-here"] ?? []).map(([claim, verdict]) => ({
			cell: 1,
			claim,
			verdict,
		}));
		assertVerdicts("00-start-here", shown);
		const [first, second] = shown;
		assert.ok(first && second);
		for (const wrong of [[first], [first, second, second], [second, first]])
			assert.throws(() => assertVerdicts("00-start-here", wrong), assert.AssertionError);
		assert.throws(
			() => assertVerdicts("00-start-here", [first, { ...second, verdict: "refuted" }]),
			assert.AssertionError,
		);
		assert.throws(() => assertVerdicts("99-new", []), /has no entry for 99-new/);
	});
});

describe("the list of volatile cells", () => {
	it("fits one cell with each entry", () => {
		const notebooks = new Map(all.map(({ name, notebook }) => [name, notebook]));
		assert.deepEqual(misfits(notebooks, volatileCells), []);
	});
});

describe("every notebook", function () {
	// A run takes up to 20 s on two processors that have nothing else to do.
	this.timeout(240_000);

	const fresh = new Map<string, Promise<Notebook>>();
	const share = shareOf(all, "0/4");

	before("begins all runs", () => {
		fs.mkdirSync(artifacts("noted"), { recursive: true });
		// In the order of the tests, so that none waits for a run that only comes after all the others'.
		for (const { name, file } of share) {
			fs.writeFileSync(notedBy(name), "");
			const noting = { ETCD_WATCH_LAB_RECORD: notedBy(name) };
			fresh.set(name, begin(file, { outDir: artifacts("etcd-3.5"), env: noting }));
		}
	});

	function notedBy(name: string): string {
		return path.join(artifacts("noted"), name);
	}

	async function executed(name: string): Promise<Notebook> {
		const running = fresh.get(name);
		assert.ok(running, name);
		return await running;
	}

	for (const { name, notebook } of share) {
		describe(name, () => {
			it("runs in a fresh kernel with no error, nothing on stderr, and its verdicts", async () => {
				const result = await executed(name);
				assertClean(result);
				assertVerdicts(name, verdictsOf(result));
			});

			it("is committed with the outputs that it gives", async () => {
				assertVerdicts(name, verdictsOf(notebook));
				const differences = compareNotebooks(name, notebook, await executed(name));
				assert.deepEqual(differences, [], `\n${report(name, differences)}\n${advice([name])}`);
			});

			it("has a record of each run and cell that needs v2, and of no other, as a fresh run gives it", async () => {
				const result = await executed(name);
				const committed = new Map(readRecords(recordsFile(name)).map((line) => [nameOf(line), line]));
				const now = recordsOf(notedBy(name), result);
				assert.deepEqual([...committed.keys()].sort(), now.map(nameOf).sort(), staleRecords(name));
				for (const line of now) {
					const before = committed.get(nameOf(line));
					const [then, since] = [before, line].map((one) => one && "key" in one && timelineIn(one.value));
					if (then === undefined || then === false || !since) continue;
					// Which writes of a burst come first is the server's choice.
					if (since.writes.some(({ burst }) => burst !== undefined)) continue;
					assert.deepEqual(compareTimelines(then, since), [], `${then.name}: ${staleRecords(name)}`);
				}
			});
		});
	}
});

describe("a committed output", () => {
	for (const { name, notebook } of all) {
		describe(name, () => {
			const outputs = codeCells(notebook).flatMap((cell, index) =>
				(cell.outputs ?? []).map((output) => ({ cell: index + 1, output })),
			);

			it("has text in every case, and a picture beside every chart, for readers without a kernel", () => {
				for (const { cell, output } of outputs) {
					assert.notEqual(textOf(output).trim(), "", `cell ${cell}`);
					if (formOf(output, "application/vnd.vegalite.v5+json") === undefined) continue;
					assert.match(formOf(output, "image/svg+xml") ?? "", /^<svg [\s\S]*<\/svg>\s*$/, `cell ${cell}`);
				}
			});

			it("names no folder, no address and no credentials of the machine that it was made on", () => {
				const telling = tellingOf(root, os.homedir(), os.tmpdir(), ...ownHost());
				for (const { cell, output } of outputs) {
					for (const text of stringsOf([output.data, output.text]))
						assert.doesNotMatch(text, telling, `cell ${cell}`);
				}
			});

			it("has nothing in the file's metadata that differs from machine to machine", () => {
				assert.deepEqual(Object.keys(notebook.metadata).sort(), ["kernelspec", "language_info"]);
				// Which cells are folded is the page's own: structure.test holds it.
				for (const { id, metadata } of notebook.cells)
					assert.match(JSON.stringify(metadata), /^\{("jupyter":\{"(outputs|source)_hidden":true\})?\}$/, id);
			});
		});
	}

	it("would be caught naming them", () => {
		const telling = tellingOf("/checkout/lab", "/home/me", "/tmp", "my-laptop");
		for (const text of [
			"at http://127.0.0.1:2379, keys",
			"localhost",
			"connect ECONNREFUSED 10.0.0.7:40123",
			"/checkout/lab/lib/dist/index.js:3",
			"at C:\\Users\\me\\lab",
			"keys below /etcd-watch-lab-5f2c00aa11bb",
			"/var/folders/x",
			"authorization: Basic cm9vdDpzZWNyZXQ=",
			"?token=0123",
			"my-laptop",
		])
			assert.match(text, telling, text);
		for (const text of ["set /a/b", "delete /team", "index 1002: [3/2]", "10.0.0.1", "translate(0,54)"])
			assert.doesNotMatch(text, telling, text);
	});
});

function staleRecords(name: string): string {
	const file = `notebooks/recorded/${name}.ndjson.gz`;
	return `the records of the page are not what it gives: rm ${file}; npm run notebooks ${name}`;
}

/** The timeline that a record is, or has in it. */
function timelineIn(value: unknown): Timeline | undefined {
	if (typeof value !== "object" || value === null) return undefined;
	const found = "seen" in value ? value.seen : "format" in value ? value : undefined;
	return found === undefined ? undefined : loadTimeline(JSON.stringify(found));
}

/** The machine's name, unless it is a word that prose may hold. */
function ownHost(): string[] {
	return /[^a-z]/.test(os.hostname()) ? [os.hostname()] : [];
}

/** What must not be in an output: folders, hosts, ports, roots of keys, credentials. */
function tellingOf(...own: readonly string[]): RegExp {
	const folders = own.filter((each) => each.length > 1).map((each) => `${escaped(each)}\\b`);
	return new RegExp(
		[
			...folders,
			"/(?:home|root|Users|tmp|var|usr|opt|private)/",
			"[A-Z]:\\\\",
			"localhost|127\\.0\\.0\\.1|::1\\b",
			"[\\w\\]]:\\d{4,5}\\b",
			"/etcd-watch-lab-[0-9a-f]{6}",
			"authorization|\\bBasic [A-Za-z0-9+/]{8}|\\btoken=|ETCDCTL_(?:USER|PASSWORD)=",
		].join("|"),
		"i",
	);
}

function escaped(text: string): string {
	return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
