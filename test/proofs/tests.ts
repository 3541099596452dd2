import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { root } from "#tools/paths";
import { tellCounts } from "#tools/programs/counted";
import { handOver } from "#tools/programs/run-program";
import { readResults } from "#tools/sidebyside";
import { isOnServers, nameOf, testFiles, titlesOn } from "#tools/testfiles";
import { runMain } from "../support/arguments";
import { type EtcdKind, etcdOf, versionKinds, versionOf } from "../support/etcds";

/**
 * The tests of some files and folders, all or those on one etcd: node test/dist/proofs/tests.js live/follow live/http
 * --etcd=3.4
 */
async function main(): Promise<number> {
	const { values, positionals } = parseArgs({
		options: { etcd: { type: "string" } },
		allowPositionals: true,
	});
	const etcd = values.etcd === undefined ? undefined : await etcdNamed(values.etcd);
	const files = testFiles().filter((file) => {
		const name = nameOf(file);
		const isNamed = positionals.some((one) => `${name}/`.startsWith(`${one}/`));
		return isNamed && (etcd === undefined || isOnServers(name));
	});
	if (files.length === 0) throw new Error(`there is no test in ${positionals.join(", ")}`);
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), "lab-tests-"));
	try {
		const lines = path.join(folder, "results");
		const mocha = path.join(root, "node_modules", "mocha", "bin", "mocha.js");
		const options = etcd === undefined ? [] : ["--grep", titlesOn([etcd.kind])];
		const code = await handOver([mocha, ...options, ...files], {
			...process.env,
			ETCD_WATCH_LAB_RESULTS: lines,
		});
		const passed = readResults(lines).results.filter(({ state }) => state === "passed").length;
		tellCounts(etcd === undefined ? [] : [etcd.version], { tests: passed });
		return code;
	} finally {
		fs.rmSync(folder, { recursive: true, force: true });
	}
}

async function etcdNamed(name: string): Promise<{ readonly kind: EtcdKind; readonly version: string }> {
	const kind = versionKinds.find((one) => one === name);
	if (kind === undefined) throw new Error(`--etcd is one of ${versionKinds.join(", ")}, not "${name}"`);
	const found = await etcdOf(kind);
	if ("missing" in found) throw new Error(`there is no ${found.missing}`);
	return { kind, version: versionOf(found.binary) ?? kind };
}

runMain(main);
