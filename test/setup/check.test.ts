import assert from "node:assert/strict";
import { code } from "../pages/notebooks/handmade";
import { eachCheckout } from "../support/each-checkout";
import { markdown, notebook as notebookOf } from "../support/hostile-notebook";

describe("npm run check", () => {
	const checkout = eachCheckout();

	function notebook(...cells: (string | string[])[]): void {
		const prose = { ...markdown("# Prose is no code: const x"), id: "prose" };
		const all = cells.map((source, at) => ({ ...code(""), id: `c${at}`, source }));
		checkout.write("notebooks/01-try.ipynb", notebookOf([prose, ...all]));
	}

	it("passes cells that use each other's names, await at the top level, and import the library", async () => {
		notebook('import { one } from "etcd-watch-lab";', "const two = await Promise.resolve(one + 1);", [
			"two.toFixed();\n",
			"const unused = 1;",
		]);
		const { code: exit, stdout, stderr } = await checkout.run("check");
		assert.equal(exit, 0, stdout + stderr);
		assert.match(stdout, /fine, in 1 notebooks/);
	});

	it("finds lint, format and type errors in a cell, and says in which notebook, cell and line", async () => {
		notebook(
			'import { one } from "etcd-watch-lab";',
			["const good = one;\n", "\n", "const wrong: string = good;"],
			["// first\n", "const loose: any = good;"],
			"const  spaced = good ;",
			"good.missing();",
		);
		const { code: exit, stdout } = await checkout.run("check");
		assert.equal(exit, 1);
		for (const expected of [
			"notebooks/01-try.ipynb cell 2 line 3: error TS2322: Type 'number' is not assignable to type 'string'.",
			"notebooks/01-try.ipynb cell 5 line 1: error TS2339",
			"notebooks/01-try.ipynb cell 3 line 2 lint/suspicious/noExplicitAny",
			"notebooks/01-try.ipynb cell 4 format",
		]) {
			assert.ok(stdout.includes(expected), `${expected} in: ${stdout}`);
		}
		assert.doesNotMatch(stdout, /\.lab/, "no path of a laid-out file");
	});

	it("formats the cells in place with --fix, and touches nothing else of the notebook", async () => {
		notebook("const  spaced = 'x' ;", "spaced;");
		const { code: exit, stdout } = await checkout.run("check", "--fix");
		assert.equal(exit, 0, stdout);
		assert.match(stdout, /formatted notebooks\/01-try\.ipynb/);
		const { cells } = JSON.parse(checkout.read("notebooks/01-try.ipynb"));
		assert.deepEqual(
			cells.map((cell: { id: string; source: string[] }) => [cell.id, cell.source]),
			[
				["prose", ["# Prose is no code: const x"]],
				["c0", ['const spaced = "x";']],
				["c1", ["spaced;"]],
			],
		);
		const again = await checkout.run("check", "--fix");
		assert.doesNotMatch(again.stdout, /formatted/);
	});

	it("finds a page that would show its answers first, and folds it with --fix", async () => {
		notebook('const guess = "none";', "guess;");
		const page = JSON.parse(checkout.read("notebooks/01-try.ipynb"));
		page.cells[2].outputs = [{ output_type: "stream", name: "stdout", text: "it came" }];
		checkout.write("notebooks/01-try.ipynb", JSON.stringify(page));
		const found = await checkout.run("check");
		assert.equal(found.code, 1);
		assert.match(
			found.stdout,
			/notebooks\/01-try\.ipynb: JupyterLab would show an answer before its prediction/,
		);
		const fixed = await checkout.run("check", "--fix");
		assert.equal(fixed.code, 0, fixed.stdout);
		assert.match(fixed.stdout, /folded notebooks\/01-try\.ipynb/);
		const { cells } = JSON.parse(checkout.read("notebooks/01-try.ipynb"));
		assert.deepEqual(cells[2].metadata, { jupyter: { outputs_hidden: true } });
	});

	it("finds lint, format and type errors in the sources", async () => {
		notebook("const fine = 1;");
		checkout.write("lib/src/index.ts", "export const one: string = 1;\n");
		checkout.write("lib/src/loose.ts", "export  const loose: any = 1;\n");
		const { code: exit, stdout } = await checkout.run("check");
		assert.equal(exit, 1);
		assert.match(stdout, /lib\/src\/index\.ts\(1,14\): error TS2322/);
		assert.match(stdout, /lib\/src\/loose\.ts:1:\d+ lint\/suspicious\/noExplicitAny/);
		assert.match(stdout, /lib\/src\/loose\.ts format/);
	});

	it("finds a circle of imports, one that goes up a room, a long file and a full room", async () => {
		notebook("const fine = 1;");
		const src = "lib/src";
		checkout.write(`${src}/chart/one.ts`, 'import type { Two } from "./two";\n\nexport type One = Two[];\n');
		checkout.write(`${src}/chart/two.ts`, 'import type { One } from "./one";\n\nexport type Two = One[];\n');
		checkout.write(`${src}/page/index.ts`, "export const page = 1;\n");
		for (const room of ["timeline/account", "chart"]) {
			const up = room.replace(/[^/]+/g, "..");
			checkout.write(`${src}/${room}/up.ts`, `export { page } from "${up}/page";\n`);
		}
		checkout.write(`${src}/pages/down.ts`, 'export { page } from "../page";\n');
		const lines = Array.from({ length: 301 }, (_, at) => `export const one${at} = ${at};\n`);
		checkout.write(`${src}/page/long.ts`, lines.join(""));
		checkout.write("tools/src/site/long.ts", lines.join(""));
		for (const room of [`${src}/http`, "tools/src/rooms"])
			for (let at = 1; at <= 13; at++) checkout.write(`${room}/part${at}.ts`, "export {};\n");
		const { code: exit, stdout } = await checkout.run("check");
		assert.equal(exit, 1);
		for (const expected of [
			"lib/src/chart/one.ts:1:26 lint/suspicious/noImportCycles",
			"lib/src/chart/two.ts:1:26 lint/suspicious/noImportCycles",
			"lib/src/timeline/account/up.ts:1:22 lint/style/noRestrictedImports",
			"lib/src/chart/up.ts:1:22 lint/style/noRestrictedImports",
			"lib/src/page/long.ts:1:1 lint/style/noExcessiveLinesPerFile",
			"lib/src/http has 13 files, at most 12",
			"tools/src/site/long.ts:1:1 lint/style/noExcessiveLinesPerFile",
			"tools/src/rooms has 13 files, at most 12",
		]) {
			assert.ok(stdout.includes(expected), `${expected} in: ${stdout}`);
		}
		assert.doesNotMatch(stdout, /lib\/src\/pages\/down\.ts/);
	});

	it("says in one line that a notebook is none", async () => {
		checkout.write("notebooks/01-try.ipynb", "<<<<<<< HEAD\n");
		const { code: exit, stderr } = await checkout.run("check");
		assert.equal(exit, 1);
		assert.match(stderr, /^notebooks\/01-try\.ipynb is not JSON: .*\n$/);
	});
});
