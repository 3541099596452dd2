import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "#tools/paths";
import { tellCounts } from "#tools/programs/counted";
import { handOver } from "#tools/programs/run-program";
import { readResults } from "#tools/sidebyside";
import { isOnServers, nameOf, testFiles, titlesOn } from "#tools/testfiles";
import { etcdOf, versionKinds, versionOf } from "../support/etcds";

/** The tests of some folders on one etcd: node test/dist/proofs/servers.js 3.4 live/follow live/http */
async function main([etcd = "", ...folders]: readonly string[]): Promise<void> {
	const kind = versionKinds.find((one) => one === etcd);
	if (kind === undefined)
		throw new Error(`the first word is one of ${versionKinds.join(", ")}, not "${etcd}"`);
	const found = await etcdOf(kind);
	if ("missing" in found) throw new Error(`there is no ${found.missing}`);
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), "lab-servers-"));
	try {
		const lines = path.join(folder, "results");
		const files = testFiles().filter((file) => {
			const name = nameOf(file);
			return isOnServers(name) && folders.some((folder) => name.startsWith(`${folder}/`));
		});
		const mocha = path.join(root, "node_modules", "mocha", "bin", "mocha.js");
		process.exitCode = await handOver([mocha, "--grep", titlesOn([kind]), ...files], {
			...process.env,
			ETCD_WATCH_LAB_RESULTS: lines,
		});
		const passed = readResults(lines).results.filter(({ state }) => state === "passed").length;
		tellCounts([versionOf(found.binary) ?? kind], { tests: passed });
	} finally {
		fs.rmSync(folder, { recursive: true, force: true });
	}
}

main(process.argv.slice(2)).catch((error: unknown) => {
	console.error(error instanceof Error ? error.message : error);
	process.exitCode = 1;
});
