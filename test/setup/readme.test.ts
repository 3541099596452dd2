import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { joined, readNotebook } from "#tools/notebooks/file";
import { root } from "#tools/paths";
import { filesNaming, testFiles } from "#tools/testfiles";
import { formOf, pages } from "../pages/notebooks/reading";

const read = (file: string): string => readFileSync(join(root, file), "utf8");

/** What a reader reads beside the pages. */
const texts = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "test/README.md", "bench/README.md"];

/** All tests in some folders of test/, none of which is run. */
function testsOf(
	folders: readonly string[],
): readonly { readonly fullTitle: string; readonly file: string }[] {
	const files = testFiles().filter((file) =>
		folders.some((folder) => file.startsWith(`test/dist/${folder}/`)),
	);
	const mocha = join(root, "node_modules/mocha/bin/mocha.js");
	const { stdout } = spawnSync(process.execPath, [mocha, "--dry-run", "--reporter", "json", ...files], {
		cwd: root,
		encoding: "utf8",
		env: { ...process.env, ETCD_WATCH_LAB_COVER_ALL: "1" },
		maxBuffer: 64 * 1024 * 1024,
	});
	const report = JSON.parse(stdout.slice(stdout.indexOf("{"))) as { tests: ReturnType<typeof testsOf> };
	return report.tests;
}

describe("README", () => {
	const readme = read("README.md");

	it("links only to what is there", () => {
		for (const file of texts) {
			const links = [...read(file).matchAll(/\]\(([^)#]+)\)/g)].map(([, link = ""]) => link);
			for (const link of links.filter((one) => !one.startsWith("https://")))
				assert.ok(existsSync(join(root, dirname(file), link)), `${file}: ${link}`);
		}
	});

	it("shows the picture that notebook 02 draws", () => {
		const { cells } = readNotebook(join(root, "notebooks/02-grandchild-writes.ipynb"));
		const outputs = cells.flatMap((cell) => cell.outputs ?? []);
		const svg = outputs.map((output) => formOf(output, "image/svg+xml")).find((form) => form !== undefined);
		assert.equal(read("notebooks/pictures/the-posts-run.svg").trimEnd(), svg?.trimEnd());
	});

	it("has a SECURITY.md that names only tests that are there", () => {
		const named = [...read("SECURITY.md").matchAll(/`(test\/[^`]+)`/g)].map(([, file = ""]) => file);
		assert.ok(named.length > 4);
		for (const file of named) assert.ok(existsSync(join(root, file)), file);
	});

	it("lists every notebook", () => {
		for (const { name, notebook } of pages()) {
			const row = readme
				.split("\n")
				.find((line) => line.startsWith(`| [${name.slice(0, 2)}](notebooks/${name}.ipynb)`));
			assert.ok(row, name);
			const [title = ""] = joined(notebook.cells[0]?.source).split("\n");
			assert.ok(row.includes(`| ${title.replace(/^# /, "")} |`), title);
		}
	});

	it("names a test for every finding, which the command in its row runs", function () {
		this.timeout(180_000);
		const named = texts.flatMap((file) =>
			[...read(file).matchAll(/npm test -- -g "([^"]+)"/g)].map(([, name = ""]) => name),
		);
		assert.ok(named.length >= 16, `${named.length} names`);
		const tests = testsOf([
			"unit/follow",
			"unit/scenario",
			"live/scenario",
			"live/follow",
			"live/v3",
			"proofs/chaos",
		]);
		for (const name of named) {
			const meant = tests.filter(({ fullTitle }) => new RegExp(name).test(fullTitle));
			assert.ok(meant.length > 0, name);
			for (const { file } of meant) assert.ok(filesNaming(name).includes(relative(root, file)), name);
		}
		// A test is found by its printed name: some of all.
		for (const { fullTitle, file } of tests.filter((_, at) => at % 40 === 0))
			assert.ok(filesNaming(fullTitle).includes(relative(root, file)), fullTitle);
	});

	it("names only commands that package.json has, as CONTRIBUTING.md and the workflow do", () => {
		const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
		for (const [, script = ""] of [...texts, ".github/workflows/test.yml"]
			.map(read)
			.join("\n")
			.matchAll(/npm run ([a-z]+)/g)) {
			assert.ok(script in scripts, script);
		}
	});
});
