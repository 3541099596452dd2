import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import path from "node:path";
import { type Ended, Running, root } from "../../support/checkout";

/** What `npm run differential` starts, in a process of its own. */
async function differential(...args: readonly string[]): Promise<Ended> {
	const main = path.join(root, "test", "dist", "proofs", "differential", "main.js");
	return await new Running(spawn(process.execPath, [main, ...args], { cwd: root })).ended;
}

describe("npm run differential", () => {
	it("prints its seed, the counts of what could stand in for each other, and the rate", async function () {
		this.timeout(60_000);
		const options = ["--runs", "20", "--seed", "7", "--etcd", "3.5.1", "--servers", "2"];
		const { code, stdout, stderr } = await differential(...options);
		assert.equal(code, 0, stdout + stderr);
		assert.match(stdout, /^seed 7, 2 servers$/m);
		assert.match(stdout, /^20 programs \(20 on etcd 3\.5\.\d+\) in \d+ s: \d+ a second$/m);
		for (const what of ["an expiry", "a replay", "a stream", "a hidden name"]) {
			assert.match(stdout, new RegExp(`^ {2}[1-9]\\d* with ${what}`, "m"));
		}
		assert.match(stdout, /^no difference$/m);
	});

	it("refuses what it does not know, before it starts a server", async () => {
		const unknown = await differential("--etcd", "3.6");
		assert.equal(unknown.code, 1);
		assert.equal(unknown.stderr.trim(), '--etcd is one of 3.4, 3.5.1, newest, not "3.6"');
		const wrong = await differential("--runs", "many");
		assert.equal(wrong.code, 1);
		assert.equal(wrong.stderr.trim(), '--runs is a whole number, not "many"');
	});
});
