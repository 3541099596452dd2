import fs from "node:fs";
import path from "node:path";
import { check } from "./check";
import { handOver } from "./handover";
import type { Host } from "./host";
import { artifactsDir, root } from "./paths";
import { prepareVenv } from "./venv";

/** `npm test`: the set-up that is missing, the checks, then mocha; `args` go to mocha. */
export async function test(host: Host, args: readonly string[]): Promise<number> {
	// A result of an earlier run must not be taken for this one's.
	fs.rmSync(path.join(artifactsDir, "mocha.json"), { force: true });
	await prepareVenv(host);
	const checked = await check(host, {});
	if (checked !== 0) return checked;

	fs.mkdirSync(artifactsDir, { recursive: true });
	const notCovered = path.join(artifactsDir, "not-covered.txt");
	fs.writeFileSync(notCovered, "");
	const bin = path.join(root, "node_modules", "mocha", "bin", "mocha.js");
	const env = { ...process.env, ETCD_WATCH_LAB_NOT_COVERED: notCovered };
	const code = await handOver([bin, ...specs(args)], env);
	const missing = new Set(
		fs
			.readFileSync(notCovered, "utf8")
			.split("\n")
			.filter((line) => line !== ""),
	);
	for (const line of missing) host.say(`not covered: ${line}`);
	if (missing.size > 0 && process.env["ETCD_WATCH_LAB_COVER_ALL"] === "1") {
		host.say("ETCD_WATCH_LAB_COVER_ALL=1: what is not covered is a failure");
		return 1;
	}
	return code;
}

/** Mocha's arguments: a test can be named as it is written, test/x.test.ts; without a name, all run. */
function specs(args: readonly string[]): string[] {
	const compiled = args.map((arg) =>
		arg.replace(/^(?:\.\/)?test\/(?!dist\/)(.*\.test)\.ts$/, "test/dist/$1.js"),
	);
	const named = compiled.some((arg) => arg.endsWith(".test.js"));
	// Not in .mocharc.json: mocha would run these beside the named ones.
	return named ? compiled : [...compiled, "test/dist/**/*.test.js"];
}
