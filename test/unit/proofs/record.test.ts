import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "#tools/paths";
import { isOnServers, nameOf, ofProofs, otherServers, testFiles } from "#tools/testfiles";
import { kindsOn } from "../../proofs/chaos/kinds";
import { codeOf, hashOf, sourcesOf } from "../../proofs/code";
import { dealt, type Part, proofs } from "../../proofs/list";
import { drawOf } from "../../proofs/make";
import { groupNames } from "../../proofs/mutation/report";
import { type Made, ofOtherCode, parseRecord, readRecord } from "../../proofs/record";
import { tableOf, withTable, wordsOf } from "../../proofs/table";

const names = proofs.map(({ name }) => name);
const recordFile = path.join(root, "test", "proofs", "record.json");

const made: Made = {
	...{ state: "made", parts: { ended: 2, of: 2 }, code: "a".repeat(64), seed: 1, date: "2026-11-28" },
	...{ seconds: 600, node: "22.1.0", etcd: ["3.4.23", "3.5.1"], counts: { runs: 1200, events: 30 } },
};

describe("the record of the long proofs", () => {
	it("has every proof, and nothing malformed; which are of other code is said", () => {
		const codes = new Map(proofs.map((proof) => [proof.name, codeOf(proof)]));
		for (const line of ofOtherCode(readRecord(recordFile, names), codes)) console.log(`      ${line}`);
	});

	it("is what test/README.md says", () => {
		const text = fs.readFileSync(path.join(root, "test", "README.md"), "utf8");
		const record = readRecord(recordFile, names);
		const table = tableOf(proofs, record);
		assert.equal(text, withTable(text, table), "npm run proofs -- --table writes it");
		// It would be caught with another number in it.
		const soak = record.get("soak");
		const other = text.replace(soak === undefined ? "" : wordsOf(soak), "7 events");
		assert.notEqual(other, withTable(other, table));
	});

	it("has every proof that a text names", () => {
		for (const file of [
			"README.md",
			"CONTRIBUTING.md",
			"test/README.md",
			"bench/README.md",
			"lib/README.md",
		]) {
			const text = fs.readFileSync(path.join(root, file), "utf8");
			for (const [, name = ""] of text.matchAll(/npm run proofs -- --only ([a-z]\S*?)[`\s]/g))
				assert.ok(names.includes(name), `${file}: ${name}`);
		}
	});

	const written = (entry: unknown) =>
		JSON.stringify({ format: "etcd-watch-lab/proofs", version: 1, proofs: { one: entry } });

	it("is refused where it is malformed, and where a proof is missing or too much, in a line each", () => {
		assert.deepEqual([...parseRecord(written(made), ["one"])], [["one", made]]);
		const yet = { state: "not yet made", earlier: "Once by hand." } as const;
		assert.deepEqual(parseRecord(written(yet), ["one"]).get("one"), yet);
		for (const [text, names, message] of [
			["{", ["one"], /^the record of proofs is no JSON: /],
			["[]", ["one"], /has to be of the format etcd-watch-lab\/proofs, version 1$/],
			[written(made), ["one", "two"], /^two is missing from the record of proofs$/],
			[written(made), [], /^there is no proof one, which the record has$/],
			[written(7), ["one"], /^one: it is no object$/],
			[written({ ...made, state: "fine" }), ["one"], /^one: its state is made, in part, failed/],
			[
				written({ ...made, parts: { ended: 1, of: 2 } }),
				["one"],
				/^one: it is made, and not all of its parts$/,
			],
			[written({ ...made, state: "failed" }), ["one"], /^one: failed names the parts that failed$/],
			[written({ ...made, failed: ["a"] }), ["one"], /^one: failed names/],
			[written({ ...made, code: "abc" }), ["one"], /^one: code is a sha256$/],
			[written({ ...made, seed: "1" }), ["one"], /^one: seed is a number$/],
			[written({ ...made, date: "today" }), ["one"], /^one: date is YYYY-MM-DD$/],
			[written({ ...made, seconds: null }), ["one"], /^one: seconds is a number$/],
			[written({ ...made, node: undefined }), ["one"], /^one: node is a version$/],
			[written({ ...made, etcd: "3.4" }), ["one"], /^one: etcd is a list of versions$/],
			[written({ ...made, counts: { runs: -1 } }), ["one"], /^one: counts are numbers$/],
			[written({ ...made, counts: { runs: 0 } }), ["one"], /^one: nothing was counted$/],
			[written({ ...made, more: 1 }), ["one"], /^one: what is "more"\?$/],
			[written({ state: "not yet made", seconds: 3 }), ["one"], /^one: it is not yet made, and has seconds$/],
		] as const)
			assert.throws(() => parseRecord(text, names), { message }, text);
	});

	it("tells of each proof that is of other code, whatever came of it", () => {
		const record = new Map([
			["same", made],
			["other", { ...made, code: "b".repeat(64) }],
			["none", { state: "not yet made" }],
		] as const);
		const codes = new Map([...record.keys()].map((name) => [name, made.code]));
		assert.deepEqual(ofOtherCode(record, codes), [
			"other was made on 2026-11-28 with other code",
			"none is not yet made",
		]);
	});

	it("is worded with its versions, counts, date, seed and time", () => {
		assert.equal(
			wordsOf({ ...made, earlier: "Before: more." }),
			"1,200 runs, 30 events on etcd 3.4.23 and 3.5.1 (28 November 2026, seed 1, Node 22.1.0, 10 minutes of its parts together). Before: more.",
		);
		assert.match(
			wordsOf({ ...made, state: "failed", failed: ["a", "b"] }),
			/^\*\*failed\*\* \(a, b\): 1,200 runs/,
		);
		assert.match(wordsOf({ ...made, state: "in part", parts: { ended: 1, of: 2 } }), /^in part \(1 of 2\): /);
		assert.equal(wordsOf({ state: "not yet made" }), "not yet made.");
		assert.throws(() => withTable("# no place", "| a |"), /has no place for the proofs/);
	});
});

describe("the hash of a proof's code", () => {
	let folder: string;
	beforeEach(() => {
		folder = fs.mkdtempSync(path.join(os.tmpdir(), "proofs-code-"));
	});
	afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

	/** A checkout with these files. */
	function checkout(name: string, files: Readonly<Record<string, string>>): string {
		for (const [file, text] of Object.entries(files)) {
			const target = path.join(folder, name, file);
			fs.mkdirSync(path.dirname(target), { recursive: true });
			fs.writeFileSync(target, text);
		}
		return path.join(folder, name);
	}

	it("is of names and contents alone: the same in another checkout, whatever the order and the line ends", () => {
		const one = checkout("one", { "lib/a.ts": "1\n", "lib/b/c.ts": "2\n" });
		const two = checkout("two", { "lib/b/c.ts": "2\r\n", "lib/a.ts": "1\n" });
		assert.equal(hashOf(["lib/a.ts", "lib/b/c.ts"], one), hashOf(["lib"], two));
	});

	it("is another with another content, name or file", () => {
		const hashes = [
			{ "lib/a.ts": "1", "lib/b.ts": "2" },
			{ "lib/a.ts": "1", "lib/b.ts": "3" },
			{ "lib/a.ts": "1", "lib/c.ts": "2" },
			{ "lib/a.ts": "12", "lib/b.ts": "" },
			{ "lib/a.ts": "1", "lib/b.ts": "2", "lib/c.ts": "" },
		].map((files, nth) => hashOf(["lib"], checkout(String(nth), files)));
		assert.equal(new Set(hashes).size, hashes.length);
	});

	it("is of all that the proof loads: the library's, the tests' and the processes that it starts", () => {
		const sources = sourcesOf(["test/proofs/chaos/main.ts"]);
		for (const file of [
			"test/proofs/chaos/main.ts",
			"test/proofs/chaos/kinds/v3.ts",
			"test/proofs/chaos/consumer-process.ts",
			"test/support/etcds.ts",
			"lib/src/follow/v3/session.ts",
			"lib/src/server/keeper-process.ts",
		])
			assert.ok(sources.includes(file), file);
		for (const file of ["lib/src/chart/index.ts", "test/support/scenario/agreement.ts"])
			assert.ok(!sources.includes(file), file);
		for (const file of sources) assert.ok(fs.existsSync(path.join(root, file)), file);
		assert.throws(() => sourcesOf(["test/none.ts"]), /^Error: test\/none\.ts is not compiled/);
	});

	it("is another with another part", () => {
		const [proof] = proofs;
		assert.ok(proof);
		const [first, ...rest] = proof.parts(1);
		assert.ok(first);
		const more = [{ ...first, args: [...first.args, "--pause"] }, ...rest];
		assert.notEqual(codeOf({ ...proof, parts: () => more }), codeOf(proof));
	});
});

describe("the list of the long proofs", () => {
	it("has parts that are there, each by a name of its own that a file can have", () => {
		assert.equal(new Set(names).size, names.length);
		// CI's own checkout is a first start, and mutation-model draws for the groups that come after it.
		const without = ["first-start", ...groupNames.slice(1).map((group) => `mutation-${group}`)];
		for (const { name, parts, quick } of proofs) {
			assert.ok(parts(1).length > 0, name);
			assert.equal(quick(12_345).length === 0, without.includes(name), name);
			for (const some of [parts(1), quick(12_345)]) {
				const ids = some.map(({ id }) => id);
				assert.equal(new Set(ids).size, ids.length, name);
				for (const { id, args } of some) {
					assert.match(id, /^[\w.-]+$/);
					for (const file of args.filter((arg) => arg.endsWith(".js")))
						assert.ok(fs.existsSync(path.join(root, file)), file);
				}
			}
		}
	});

	it("runs whole, and a share of it with each commit, what `npm test` leaves out", () => {
		for (const name of ofProofs) {
			const runs = ({ args }: Part) => args.includes(`test/dist/${name}.test.js`) || args.includes(name);
			const proof = proofs.find(({ parts }) => parts(1).some(runs));
			const drawn = Array.from({ length: 60 }, (_, draw) => proof?.quick(draw) ?? []);
			assert.ok(drawn.flat().some(runs), name);
		}
		const whole = proofs.find(({ name }) => name === "servers")?.parts(1) ?? [];
		for (const etcd of otherServers)
			assert.ok(
				whole.some(({ args }) => args.includes(`--etcd=${etcd}`)),
				etcd,
			);
		const on34 = whole.flatMap(({ args }) => (args.includes("--etcd=3.4") ? args : []));
		for (const name of testFiles().map(nameOf).filter(isOnServers))
			assert.ok(on34.includes(path.posix.dirname(name)), name);
	});

	it("has parts that tell what they counted: of one that does not, nothing is a proof", () => {
		const programs = proofs.flatMap(({ parts, quick }) =>
			[...parts(1), ...quick(1)].flatMap(({ args }) => args.filter((arg) => arg.includes("/dist/"))),
		);
		assert.ok(programs.length > 0);
		for (const file of new Set(programs))
			assert.match(fs.readFileSync(path.join(root, file), "utf8"), /\btellCounts\)?\(/, file);
	});

	it("takes other random runs with another seed, and the same with the same", () => {
		for (const name of ["chaos-v2", "differential", "account"]) {
			const proof = proofs.find((one) => one.name === name);
			assert.ok(proof);
			assert.deepEqual(proof.parts(1), proof.parts(1));
			assert.notDeepEqual(proof.parts(1), proof.parts(2));
			assert.notDeepEqual(proof.quick(drawOf("0000001")), proof.quick(drawOf("0000002")));
		}
	});

	it("draws each kind of fault once for two commits in a row, and on every server of every API in the end", () => {
		const apis = ["v2", "v3"] as const;
		const all = apis.map((api) =>
			kindsOn(api)
				.kinds.map(({ name }) => name)
				.filter((name) => name !== "slow-reader-compaction"),
		);
		const each = [...new Set(all.flat())].sort();
		const met = new Set<string>();
		for (let draw = 0; draw < 60; draw++) {
			const both = [draw, draw + 1].flatMap((one) =>
				apis.flatMap((api) =>
					[...dealt(api, one)].flatMap(([etcd, kinds]) => kinds.map(({ name }) => ({ api, etcd, name }))),
				),
			);
			assert.deepEqual(both.map(({ name }) => name).sort(), each);
			for (const { api, etcd, name } of both) met.add(`${api} ${etcd} ${name}`);
		}
		assert.equal(met.size, (all[0]?.length ?? 0) * 3 + (all[1]?.length ?? 0) * 5);
	});

	it("draws all controls, shares and servers in the end", () => {
		const met = new Map<string, Set<string>>();
		for (let draw = 0; draw < 60; draw++)
			for (const { name, quick } of proofs)
				for (const { args, env } of quick(draw)) {
					const all = met.get(name) ?? new Set();
					met.set(name, all);
					if (name.startsWith("controls-")) {
						const [, kinds = ""] = /--kind=(\S*)/.exec(args.join(" ")) ?? [];
						const [etcd = ""] = /--etcd=\S*/.exec(args.join(" ")) ?? [];
						for (const kind of [...kinds.split(","), etcd]) all.add(kind);
					} else all.add(env?.["ETCD_WATCH_LAB_SHARE"] ?? args.join(" "));
				}
		for (const api of ["v2", "v3"] as const)
			assert.equal(
				met.get(`controls-${api}`)?.size,
				kindsOn(api).kinds.filter(({ name }) => name !== "slow-reader-compaction").length +
					(api === "v2" ? 3 : 5),
			);
		for (const [name, shares] of [
			["rules-off", 6],
			["mutants", 3],
			["servers", 6],
			["long-tests", 11],
			["pages-twice", 12],
			["pages-without-v2", 12],
			["pages-secured", 12],
			["pages-shared", 12],
		] as const)
			assert.equal(met.get(name)?.size, shares, name);
	});

	it("draws by a commit, and by nothing else", () => {
		assert.equal(drawOf("00000ff"), 255);
		assert.equal(drawOf(`00000ff${"9".repeat(33)}`), 255);
		for (const text of ["", "main", "abcdef", "0x12345678"])
			assert.throws(() => drawOf(text), /is no commit: 7 hex digits or more$/);
	});
});
