import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./support/checkout";

const read = (file: string): string => readFileSync(join(root, file), "utf8");

describe("README", () => {
	const readme = read("README.md");

	it("links only to what is there", () => {
		const links = ["README.md", "CONTRIBUTING.md"].flatMap((file) =>
			[...read(file).matchAll(/\]\(([^)#]+)\)/g)].map(([, link = ""]) => link),
		);
		const local = links.filter((link) => !link.startsWith("https://"));
		assert.ok(local.length > 8);
		assert.deepEqual(
			local.filter((link) => !existsSync(join(root, link))),
			[],
		);
	});

	it("shows the picture that notebook 02 draws", () => {
		const notebook = JSON.parse(read("notebooks/02-grandchild-writes.ipynb")) as {
			cells: { outputs?: { data?: Record<string, string | string[]> }[] }[];
		};
		const [picture] = notebook.cells
			.flatMap(({ outputs = [] }) => outputs)
			.flatMap(({ data }) => (data?.["image/svg+xml"] === undefined ? [] : [data["image/svg+xml"]]));
		assert.ok(picture);
		const svg = Array.isArray(picture) ? picture.join("") : picture;
		assert.equal(read("notebooks/pictures/the-posts-run.svg").trimEnd(), svg.trimEnd());
	});

	it("lists every notebook", () => {
		for (const name of ["00", "01", "02", "03", "04", "05", "06", "07", "08", "09"])
			assert.match(readme, new RegExp(`\\[${name}\\]\\(notebooks/`));
	});

	it("names a test for every finding, which the command in its row runs", () => {
		const named = [...readme.matchAll(/npm test -- -g "([^"]+)"/g)].map(([, name = ""]) => name);
		assert.ok(named.length >= 10);
		const tests = [
			"test/scenario/traps.test.ts",
			"test/scenario/faults.test.ts",
			"test/scenario/claims-live.test.ts",
			"test/scenario/claims.test.ts",
			"test/scenario/v3-run.test.ts",
			"test/scenario/numbers.test.ts",
			"test/follow/rules.test.ts",
			"test/follow/v3-known-faults.test.ts",
			"test/chaos/rules.test.ts",
		]
			.concat(["test/scenario/cases/reach.ts", "test/scenario/cases/loss.ts"])
			.map(read)
			.join("\n");
		assert.deepEqual(
			named.filter((name) => !tests.includes(name)),
			[],
		);
	});

	it("names only commands that package.json has", () => {
		const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
		for (const [, script = ""] of `${readme}\n${read("CONTRIBUTING.md")}`.matchAll(/npm run ([a-z]+)/g)) {
			assert.ok(script in scripts, script);
		}
	});
});
