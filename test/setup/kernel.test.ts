import assert from "node:assert/strict";
import { Kernel } from "../support/kernel";

/** No frame of a stack, and no compiled code. */
function isOneLine(text: string): string {
	const line = text.trimEnd();
	assert.doesNotMatch(line, /\n|evalmachine|errors_1/, text);
	return line;
}

describe("what a cell of a real kernel says", function () {
	this.timeout(60_000);
	let kernel: Kernel;
	before(async () => {
		kernel = new Kernel();
		assert.equal((await kernel.answer()).done, "start");
		await kernel.run(`import { chart, checkPrediction, lab, predict, runOnModel, scenario } from "etcd-watch-lab";
import { V2Client } from "etcd-watch-lab/v2";
const mine = await lab();
const seen = await runOnModel(scenario("t").watch("w", "/a").set("/a", "1"));`);
	});
	after(() => kernel.remove());

	for (const [what, code, said] of [
		[
			"a step that can't be, in a chain over lines",
			'const a: number = 1;\n\nconst s = scenario("x")\n\t.watch("w", "/a")\n\t.watch("w", "/a");',
			/^line 5: ArgumentError: there is a watcher "w" already/,
		],
		[
			"a step in a cell that awaits",
			'interface Long {\n\treadonly name: string;\n}\nconst long: Long = { name: "x" };\nawait Promise.resolve();\nawait runOnModel(scenario(long.name).set("a"));',
			/^line 6: ArgumentError: step 1, set a: the key "a" has to begin with "\/"[^\n]*$/,
		],
		[
			"a watcher that the run does not have",
			"const more = [1];\ncheckPrediction(predict({ W: more }), seen);",
			/^Your prediction: .*\nline 2: RangeError: the run has no watcher "W"; it has "w"$/,
		],
		[
			"a prediction of nobody",
			"\npredict({});",
			/^line 2: TypeError: a prediction names at least one watcher/,
		],
		[
			"an error of the reader's own, after an await",
			'await Promise.resolve();\n// why\nthrow new Error("mine");',
			/^line 3: Error: mine\n {4}at line 3$/,
		],
		[
			"a slip that Node finds",
			"const nothing: any = undefined;\nnothing.x;",
			/^line 2: TypeError: Cannot read.*\n {4}at line 2$/,
		],
		["a value that is no error", 'throw "a word";', /^thrown: 'a word'$/],
	] as const) {
		it(`names the line and the fault of ${what}`, async () => {
			const text = (await kernel.fails(code)).trimEnd();
			assert.match(text, said);
			assert.doesNotMatch(text, /evalmachine|errors_1|node:internal|node_modules/);
		});
	}

	it("is one line for a request of an etcd that fails", async () => {
		await kernel.run('await mine.v2.set("/there", "1");');
		const text = await kernel.fails(
			'const key = "/there";\nawait mine.v2\n\t.compareAndSwap(key, "2", { prevValue: "3" });',
		);
		assert.match(isOneLine(text), /^line [23]: \w+Error: 101 Compare failed/);
	});

	it("names the line that waits, where an error comes from outside the cell's own calls", async () => {
		const text = await kernel.fails(
			'const w = mine.v2.watcher("/there");\nsetTimeout(() => w.close(), 50);\n\nawait w.next();',
		);
		assert.match(isOneLine(text), /^line 4: AbortedError: ended by its caller/);
	});

	it("keeps the kernel's and Node's frames out of an error's cause, too", async () => {
		const text = await kernel.fails('\nthrow new Error("outer", { cause: new TypeError("inner") });');
		assert.match(
			text,
			/^line 2: Error: outer\n {4}at line 2 \{\n {2}\[cause\]: TypeError: inner\n {6}at line 2\n\}$/m,
		);
	});

	it("is one line for a client that was closed, and says what to do", async () => {
		await kernel.run("const shut = new V2Client({ endpoints: mine.endpoints });\nawait shut.close();");
		const text = await kernel.fails('await shut.set("/there", "1");');
		assert.match(isOneLine(text), /^line 1: AbortedError: this client was closed: .*lab\(\)/);
	});

	it("names the cell, too, where the line is in another one", async () => {
		await kernel.run('function late() {\n\treturn runOnModel(\n\t\tscenario("late").set("late"));\n}');
		const text = await kernel.fails("await late();");
		assert.match(isOneLine(text), /^line 2 of cell \[\d+\]: ArgumentError: step 1, set late: the key/);
	});

	it("names the line of a promise that nobody awaited", async () => {
		const text = await kernel.run(
			'const soon = Promise.resolve().then(() => {\n\trunOnModel(scenario("x").set("x"));\n});\nawait new Promise((done) => setTimeout(done, 50));',
		);
		assert.match(text, /^line 2: ArgumentError: .*\n.*nothing awaited/);
	});

	for (const [what, code, said] of [
		[
			"a forgotten await",
			"const etcd = lab();\nchart(Promise.resolve(seen));",
			/^2:\d+ - this is still a promise of a Timeline: write await before it$/,
		],
		[
			"a forgotten await of lab()",
			"lab().about;",
			/^1:\d+ - this is still a promise of a Lab, .* write await before it$/,
		],
		[
			"a forgotten run",
			'chart(scenario("x").set("/a"));',
			/^1:\d+ - a scenario has to be run first: await s\.run\(etcd\)/,
		],
		["a cell before the first", "seem;\nchart(sawn);", /^1:1 - .*seem, sawn: run the cells above first/],
		["a prediction of a number", "predict({ w: 1 });", /type '.*readonly number\[\]/],
		[
			"etcd's waitIndex",
			'scenario("x").watch("w", "/a", { waitIndex: 3 });',
			/afterIndex, etcd's waitIndex less one$/,
		],
		[
			"a delete of all below",
			'scenario("x").delete("/a", { recursive: true });',
			/^1:\d+ - a directory goes by \.rmdir\(key, \{ recursive: true \}\)$/,
		],
		[
			"a slip in an option",
			'scenario("x").watch("w", "/a", { Recursive: true });',
			/^1:34 - 'Recursive' .*'recursive'\?$/,
		],
	] as const) {
		it(`says what to do about ${what}`, async () => {
			const text = isOneLine(await kernel.fails(code));
			assert.match(text, said);
			assert.doesNotMatch(text, /Expected'|missing the following properties/);
		});
	}

	it("takes what this Node has beyond TypeScript 5.0's ES2022", async () => {
		const text = await kernel.run(
			`const numbers: readonly number[] = [3, 1, 2];
console.log(numbers.toSorted(), numbers.toReversed(), numbers.with(0, 9), numbers.findLast((n) => n > 1));
console.log(new Uint8Array([2, 1]).toSorted()[0], "x".isWellFormed());`,
		);
		assert.match(text, /^\[ 1, 2, 3 \] \[ 2, 1, 3 \] \[ 9, 1, 2 \] 2\n1 true\n$/);
	});

	it("takes Object.groupBy where this Node has it", async () => {
		const code = 'Object.groupBy([1, 2, 3], (n) => (n > 1 ? "big" : "small"));';
		if ("groupBy" in Object) assert.match(await kernel.run(code), /big: \[ 2, 3 \]/);
		else assert.match(await kernel.fails(code), /'groupBy' does not exist/);
	});
});

describe("a kernel with ETCD_WATCH_LAB_DEBUG", function () {
	this.timeout(60_000);
	let kernel: Kernel;
	before(async () => {
		kernel = new Kernel({ ETCD_WATCH_LAB_DEBUG: "1" });
		assert.equal((await kernel.answer()).done, "start");
	});
	after(() => kernel.remove());

	it("shows the whole error", async () => {
		const text = await kernel.fails(
			'import { runOnModel, scenario } from "etcd-watch-lab";\nawait runOnModel(scenario("x").set("a"));',
		);
		assert.match(text, /ArgumentError: step 1, set a: the key.*\n\s+at .*lib\/dist/s);
	});
});
