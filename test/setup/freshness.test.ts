import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type Notebook, writeNotebook } from "#tools/notebooks/file";
import { codeCells, editedCells } from "#tools/notebooks/outputs";
import { code, page, stream } from "../pages/notebooks/handmade";
import { root } from "../support/checkout";
import { eachCheckout } from "../support/each-checkout";
import { until } from "../support/until";

/** Edits the second cell, which has no output. */
function edit(notebook: Notebook): Notebook {
	const second = codeCells(notebook)[1];
	assert.ok(second);
	second.source = "const quiet = 2;";
	return notebook;
}

/** Its first cell says something else. */
function said(notebook: Notebook, text: string): Notebook {
	const [first] = codeCells(notebook);
	assert.ok(first);
	first.outputs = [stream(text)];
	return notebook;
}

describe("npm run notebooks -- --check", () => {
	const checkout = eachCheckout();
	beforeEach(() => {
		volatile("");
		kernel();
	});

	/** The checkout's list of volatile cells, in place of the real one. */
	function volatile(entries: string): void {
		const text = fs.readFileSync(path.join(root, "tools", "src", "notebooks", "volatile-cells.ts"), "utf8");
		checkout.write(
			"tools/src/notebooks/volatile-cells.ts",
			text.replace(/= \[\n[\s\S]*?\n\];/, `= [${entries}];`),
		);
	}

	/** A Python that runs no notebook, but answers with the one in fresh/, or else that its second cell threw. */
	function kernel(before = ""): void {
		checkout.python({
			jupyterlab: `${before}
				const fresh = path.join("fresh", path.basename(args[1]));
				console.log(fs.existsSync(fresh)
					? JSON.stringify({ notebook: JSON.parse(fs.readFileSync(fresh, "utf8")) })
					: JSON.stringify({ cell: 2, message: "RangeError: out of reach" }));`,
		});
	}

	/** A notebook as it is committed, and what a fresh run of it gives. */
	function given(name: string, fresh: Notebook | undefined, committed = page()): string {
		const file = path.join(checkout.dir, "notebooks", `${name}.ipynb`);
		writeNotebook(file, committed);
		if (fresh !== undefined) checkout.write(`fresh/${name}.ipynb`, JSON.stringify(fresh));
		return file;
	}

	function saying(text: string): Notebook {
		return said(page(), text);
	}

	it("ends well when every notebook is what a fresh run gives, and changes no file", async () => {
		const file = given("01-try", page());
		given("02-other", saying("etcd 3.5.35, by the lab\n"));
		const before = fs.readFileSync(file, "utf8");
		const { code: exit, stdout, stderr } = await checkout.run("notebooks", "--check");
		assert.equal(exit, 0, stdout + stderr);
		assert.match(stdout, /^notebooks\/01-try\.ipynb {2}\d+\.\d s {2}as committed$/m);
		assert.match(stdout, /\nwhat is committed is what a fresh run gives, in all 2 notebooks \(\d+ s\)\n$/);
		assert.equal(fs.readFileSync(file, "utf8"), before);
	});

	it("fails when one is not, says where and what to do, and changes no file", async () => {
		const file = given("01-try", saying("etcd 3.5.1, by nobody\n"));
		given("02-other", page());
		const before = fs.readFileSync(file, "utf8");
		const { code: exit, stdout } = await checkout.run("notebooks", "--check");
		assert.equal(exit, 1);
		const told = `notebooks/01-try.ipynb cell 1: import { lab } from "etcd-watch-lab";
  output 1: text differs
    - etcd 3.5.1, by the lab
    + etcd 3.5.1, by nobody

- is what is committed, + what a fresh run gives. If the fresh run is right, write it, look at it, commit it:
  npm run notebooks 01-try`;
		assert.ok(stdout.includes(told), stdout);
		assert.match(stdout, /\nwhat is committed is not what a fresh run gives, in 1 of 2 \(\d+ s\)\n$/);
		assert.equal(fs.readFileSync(file, "utf8"), before);
		assert.match(checkout.read(".artifacts/notebooks/fresh/01-try.ipynb"), /by nobody/);
	});

	it("fails when a cell does, and says which, and tells of the other notebooks all the same", async () => {
		given("01-try", undefined);
		given("02-other", saying("etcd 3.5.1, by nobody\n"));
		const { code: exit, stdout } = await checkout.run("notebooks", "--check");
		assert.equal(exit, 1);
		assert.match(stdout, /notebooks\/01-try\.ipynb cell 2: RangeError: out of reach/);
		assert.match(stdout, /by nobody[\s\S]*\n {2}npm run notebooks 02-other\n[\s\S]*in 2 of 2/);
	});

	it("tells of a cell that was edited and not run again, which alone is no failure", async () => {
		given("01-try", edit(page()), edit(page()));
		writeNotebook(path.join(checkout.dir, "last.ipynb"), page());
		// As `git show HEAD:./01-try.ipynb` in notebooks/ would answer.
		checkout.command("git", 'process.stdout.write(fs.readFileSync("../last.ipynb"))');
		const { code: exit, stdout } = await checkout.run("notebooks", "--check");
		assert.equal(exit, 0, stdout);
		assert.match(stdout, /as committed\n {2}cell 2 was edited since the last commit, .*: const quiet = 2;\n/);
	});

	it("runs only the notebooks that are named", async () => {
		given("01-try", saying("etcd 3.5.1, by nobody\n"));
		given("02-other", page());
		const { code: exit, stdout } = await checkout.run("notebooks", "--check", "02-other.ipynb");
		assert.equal(exit, 0, stdout);
		assert.doesNotMatch(stdout, /01-try/);
		assert.match(stdout, /in the notebook \(/);
	});

	it("runs two notebooks at a time", async () => {
		given("01-try", page());
		given("02-other", page());
		// Each waits for the other to begin: one after the other, neither would ever end.
		kernel(`fs.writeFileSync(path.basename(args[1]) + ".begun", "");
			while (!["01-try", "02-other"].every((name) => fs.existsSync(name + ".ipynb.begun")));`);
		// npm test, which may run this, takes one at a time for itself.
		const both = { ETCD_WATCH_LAB_SLOTS: "2" };
		const { code: exit, stdout } = await checkout.runWith(both, "notebooks", "--check");
		assert.equal(exit, 0, stdout);
	});

	it("refuses a name, an option and an entry that fit nothing, before anything runs", async () => {
		given("01-try", page());
		const name = await checkout.run("notebooks", "--check", "07-none");
		assert.deepEqual([name.code, name.stderr], [1, 'no notebook "07-none"; there are: 01-try\n']);
		const option = await checkout.run("notebooks", "--chek");
		assert.equal(option.code, 1);
		assert.match(option.stderr, /^Unknown option '--chek'.*try --help\n$/);
		volatile('{ notebook: "01-try", source: "slownessOf(", why: "planted" }');
		const entry = await checkout.run("notebooks", "--check");
		assert.equal(entry.code, 1);
		assert.match(
			entry.stderr,
			/^tools\/src\/notebooks\/volatile-cells\.ts: the entry of 01-try .* fits no cell.*\n$/,
		);
		assert.equal(checkout.calls("jupyterlab"), 0);
	});

	it("does not rewrite the notebooks when npm has kept --check for itself", async () => {
		given("01-try", saying("etcd 3.5.1, by nobody\n"));
		const { code: exit, stderr } = await checkout.runWith({ npm_config_check: "true" }, "notebooks");
		assert.deepEqual([exit, stderr], [1, 'options come after "--": npm run notebooks -- --check\n']);
		assert.equal(checkout.calls("npm"), 0);
	});

	it("ends at Ctrl-C, and says that nothing was changed", async () => {
		given("01-try", page());
		kernel('fs.writeFileSync("begun", ""); console.log("{"); return hang();');
		const running = checkout.spawn("notebooks", "--check");
		await until("it has begun", () => checkout.has("begun"), 60_000);
		running.child.kill("SIGINT");
		const { code: exit, stderr } = await running.ended;
		assert.deepEqual([exit, stderr], [130, "interrupted: no notebook was changed\n"]);
	});
});

describe("editedCells", () => {
	let dir: string;
	let file: string;

	beforeEach(() => {
		dir = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-watch-lab-edited-"));
		file = path.join(dir, "01-try.ipynb");
	});
	afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

	/** Writes the page, and gives it as it is read. */
	function written(change: (notebook: Notebook) => unknown = () => {}): Notebook {
		const notebook = page();
		change(notebook);
		writeNotebook(file, notebook);
		return JSON.parse(fs.readFileSync(file, "utf8"));
	}

	function commit(): void {
		written();
		const git = (...args: string[]) =>
			execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", ...args], { cwd: dir });
		git("init", "-q");
		git("add", ".");
		git("commit", "-q", "-m", "test: a page");
	}

	it("names the cells that were edited and not run again, and a new one is none of them", async () => {
		commit();
		assert.deepEqual(await editedCells(file, written()), []);
		assert.deepEqual(await editedCells(file, written(edit)), [2]);
		const longer = written((notebook) => {
			edit(notebook);
			notebook.cells.push({ ...code("const more = 1;"), id: "more" });
		});
		assert.deepEqual(await editedCells(file, longer), [2]);
	});

	it("names none once the notebook was run again", async () => {
		commit();
		const run = written((notebook) => said(edit(notebook), "etcd 3.5.35, by the lab\n"));
		assert.deepEqual(await editedCells(file, run), []);
	});

	it("names none where there is no commit of the notebook", async () => {
		assert.deepEqual(await editedCells(file, written(edit)), []);
	});
});
