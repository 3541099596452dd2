import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "#tools/paths";
import { groupNames, groupOf, groups, percentOf, sameProgramOf, scoreOf } from "../../proofs/mutation/report";

describe("the score of mutation testing", () => {
	const source = "if (a > 0)\n\treturn b;\nif (c > 0)\n\treturn b;\n";
	const mutant = (line: number, columns: readonly [number, number], replacement: string, status: string) => ({
		...{ mutatorName: "Some", replacement, status },
		location: { start: { line, column: columns[0] }, end: { line, column: columns[1] } },
	});
	const report = (...mutants: ReturnType<typeof mutant>[]) => ({
		files: { "lib/src/x.ts": { source, mutants } },
	});
	const more = (status: string) => mutant(1, [5, 10], "a >= 0", status);
	const other = (status: string) => mutant(4, [9, 10], "0", status);
	const same = { file: "lib/src/x.ts", from: "a > 0", to: "a >= 0", why: "it is never 0" };

	it("is of those that a test can notice: what the compiler refuses counts for nothing", () => {
		for (const [status, mutants, noticed] of [
			["Killed", 2, 2],
			["Timeout", 2, 2],
			["Survived", 2, 1],
			["NoCoverage", 2, 1],
			["CompileError", 1, 1],
			["RuntimeError", 1, 1],
			["Ignored", 1, 1],
		] as const) {
			const score = scoreOf(report(more(status), other("Killed")), []);
			assert.deepEqual([score.mutants, score.noticed, score.same], [mutants, noticed, 0], status);
			assert.equal(score.survived.length, mutants - noticed, status);
			assert.equal(percentOf(score), (100 * noticed) / mutants, status);
		}
		assert.equal(percentOf(scoreOf(report(), [])), 100);
	});

	it("leaves out the listed ones that are the same program, wherever the list cuts the text", () => {
		for (const entry of [same, { ...same, from: "if (a > 0)\n\treturn", to: "if (a >= 0)\n\treturn" }]) {
			const score = scoreOf(report(more("Survived"), other("Killed")), [entry]);
			assert.deepEqual(score, { mutants: 2, noticed: 1, same: 1, survived: [] });
			assert.equal(percentOf(score), 100);
		}
		assert.equal(percentOf(scoreOf(report(more("NoCoverage")), [same])), 100);
	});

	it("tells of each survivor as the list would have it, with the lines that make its place plain", () => {
		const { survived } = scoreOf(report(more("Survived"), other("NoCoverage")), []);
		assert.deepEqual(
			survived.map((one) => one.split("\n\t")),
			[
				[
					"lib/src/x.ts:1 Survived, Some",
					'{"file":"lib/src/x.ts","from":"if (a > 0)","to":"if (a >= 0)","why":""}',
				],
				[
					"lib/src/x.ts:4 NoCoverage, Some",
					'{"file":"lib/src/x.ts","from":"if (c > 0)\\n\\treturn b;","to":"if (c > 0)\\n\\treturn 0;","why":""}',
				],
			],
		);
		// Once with its indent, and twice without.
		const indented = "{\n\ta = [];\n\tif (b) {\n\t\ta = [];\n\t}\n}\n";
		const again = { files: { x: { source: indented, mutants: [mutant(4, [7, 9], "[0]", "Survived")] } } };
		assert.deepEqual(JSON.parse(scoreOf(again, []).survived[0]?.split("\n\t")[1] ?? ""), {
			...{ file: "x", from: "if (b) {\n\t\ta = [];", to: "if (b) {\n\t\ta = [0];", why: "" },
		});
		const list = survived.map((one) => JSON.parse(one.split("\n\t")[1] ?? ""));
		assert.equal(scoreOf(report(more("Survived"), other("NoCoverage")), list).same, 2);
	});

	it("refuses an entry that is no mutant, one that a test notices, and one that fits two places", () => {
		for (const [entry, status, message] of [
			[{ ...same, to: "a < 0" }, "Survived", /wrong:\nlib\/src\/x\.ts: no mutant is "a > 0" as "a < 0"$/],
			[same, "Killed", /wrong:\nlib\/src\/x\.ts: a test notices "a > 0" as "a >= 0"$/],
			[{ ...same, from: "> 0", to: ">= 0" }, "Survived", /^Error: lib\/src\/x\.ts does not have this once/],
			[{ ...same, from: "gone" }, "Survived", /does not have this once: "gone"$/],
		] as const)
			assert.throws(() => scoreOf(report(more(status)), [entry]), message);
		// Of a file that was not changed, this run can't tell.
		assert.equal(scoreOf(report(more("Killed")), [{ ...same, file: "lib/src/y.ts" }]).noticed, 1);
	});

	it("is of sources and tests that are there, and the list of entries whose place is there once, with a reason", () => {
		for (const name of groupNames) {
			for (const one of groups[name].sources) assert.ok(fs.existsSync(path.join(root, "lib/src", one)), one);
			for (const one of groups[name].tests)
				assert.ok(fs.existsSync(path.join(root, "test", `${one}.test.ts`)), one);
		}
		assert.equal(groupOf("lib/src/model/hub.ts"), "model");
		assert.equal(groupOf("lib/src/follow/v2/ask-window.ts"), "follow");
		assert.equal(groupOf("lib/src/follow/follow.ts"), undefined);
		const listed = groupNames.flatMap((group) => sameProgramOf(group).map((one) => ({ group, ...one })));
		for (const { group, file, from, to, why } of listed) {
			assert.equal(groupOf(file), group, file);
			assert.equal(fs.readFileSync(path.join(root, file), "utf8").split(from).length, 2, `${file}: ${from}`);
			assert.notEqual(from, to);
			assert.match(why, /\w{3}/, `${file}: ${from}`);
		}
	});
});

describe("the limit of a test that a mutant stops", () => {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), "limit-"));
	after(() => fs.rmSync(folder, { recursive: true }));

	it("is that nothing is left which could end it: what a timer or a program ends is waited for", () => {
		const spec = path.join(folder, "spec.js");
		const ends = {
			never: "new Promise(() => {})",
			"by a timer": "new Promise((resolve) => setTimeout(resolve, 200))",
			"by a program": 'new Promise((resolve) => require("node:child_process").exec("sleep 0.2", resolve))',
			"never, again": "new Promise(() => {})",
		};
		fs.writeFileSync(
			spec,
			Object.entries(ends)
				.map(([name, end]) => `it(${JSON.stringify(name)}, () => ${end});`)
				.join("\n"),
		);
		const options = ["--no-config", "--no-package", "--reporter=json", "--timeout=0"];
		const limit = path.join(root, "test/dist/proofs/mutation/limit.js");
		const mocha = path.join(root, "node_modules/mocha/bin/mocha.js");
		const { stdout } = spawnSync(process.execPath, [mocha, ...options, `--require=${limit}`, spec], {
			encoding: "utf8",
		});
		const { tests } = JSON.parse(stdout) as { tests: { title: string; err: { message?: string } }[] };
		assert.deepEqual(
			tests.map(({ title, err }) => [title, /^Timeout of 1ms/.test(err.message ?? "")]),
			Object.keys(ends).map((name) => [name, name.startsWith("never")]),
		);
	});
});
