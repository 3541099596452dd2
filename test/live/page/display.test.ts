import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { inNotebook } from "#lib/page";

const lib = path.dirname(require.resolve("etcd-watch-lab"));

function run(code: string): string {
	return execFileSync(process.execPath, ["-e", code], { cwd: lib, encoding: "utf8" });
}

describe("show", () => {
	it("knows that a test is no notebook", () => {
		assert.equal(inNotebook(), false);
	});

	it("prints the text twin to stdout where no kernel runs", () => {
		const printed = run(
			`require(${JSON.stringify(path.join(lib, "page"))}).show({ "text/plain": "as text", "text/html": "<p>" })`,
		);
		assert.equal(printed, "as text\n");
	});

	it("sends the whole bundle through the kernel's own tslab, found anew at each call", () => {
		const printed = run(`
			const jupyter = require("tslab/dist/jupyter");
			const { show, tableOf } = require(${JSON.stringify(path.join(lib, "page"))});
			const { live } = require(${JSON.stringify(path.join(lib, "pages"))});
			const to = (name) => (data, update) => process.stdout.write(JSON.stringify([name, data, update]) + "\\n");
			jupyter.lastWriteDisplayData = to("first");
			show({ "text/plain": "a", "text/html": "<p>" });
			jupyter.lastWriteDisplayData = to("second");
			show({ "text/plain": "b" }, { displayId: "x", update: true });
			const output = live(tableOf({ columns: ["c"], rows: [] }));
			output.update(tableOf({ columns: ["d"], rows: [] }));
			output.finish();
		`);
		const [a, b, c, d] = printed
			.trim()
			.split("\n")
			.map((line): [string, { data: object; metadata: object; transient: Record<string, string> }, boolean] =>
				JSON.parse(line),
			);
		assert.deepEqual(a, [
			"first",
			{ data: { "text/plain": "a", "text/html": "<p>" }, metadata: {}, transient: {} },
			false,
		]);
		assert.deepEqual(b, [
			"second",
			{ data: { "text/plain": "b" }, metadata: {}, transient: { display_id: "x" } },
			true,
		]);
		assert.deepEqual([c?.[2], d?.[2]], [false, true]);
		assert.equal(c?.[1].transient["display_id"], d?.[1].transient["display_id"]);
	});

	it("loads without tslab, and prints no warning", () => {
		const printed = execFileSync(
			process.execPath,
			[
				"-e",
				`require(${JSON.stringify(lib)}); process.stdout.write(String(Object.keys(require.cache).some((file) => file.includes("tslab"))))`,
			],
			{
				encoding: "utf8",
				stdio: ["ignore", "pipe", "pipe"],
				env: { ...process.env, NODE_OPTIONS: "--throw-deprecation" },
			},
		);
		assert.equal(printed, "false");
	});
});

describe("the declarations that a notebook's cell reads", () => {
	it("never lead to vega's, vega-lite's or zod's types, which tslab's TypeScript can't read", () => {
		const seen = new Set<string>();
		const visit = (file: string): void => {
			if (seen.has(file)) return;
			seen.add(file);
			const source = fs.readFileSync(file, "utf8");
			for (const [, from = ""] of source.matchAll(/(?:from|import\()\s*"([^"]+)"/g)) {
				assert.doesNotMatch(from, /^(vega|zod)/, `${path.basename(file)} imports ${from}`);
				if (!from.startsWith(".")) continue;
				const target = path.join(path.dirname(file), from);
				visit(fs.existsSync(`${target}.d.ts`) ? `${target}.d.ts` : path.join(target, "index.d.ts"));
			}
		};
		visit(path.join(lib, "index.d.ts"));
		assert.ok(seen.size > 5);
	});
});
