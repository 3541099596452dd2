import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { check } from "./check";
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
	const code = await mocha(specs(args), { ...process.env, ETCD_WATCH_LAB_NOT_COVERED: notCovered });
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

/** Runs mocha to its end. A signal is passed on: its tests' servers are mocha's to end. */
function mocha(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
	const bin = path.join(root, "node_modules", "mocha", "bin", "mocha.js");
	return new Promise((resolve, reject) => {
		const child = spawn(process.execPath, [bin, ...args], { cwd: root, env, stdio: "inherit" });
		const signals: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
		const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
		for (const signal of signals) process.on(signal, pass);
		child.once("error", reject).once("close", (code) => {
			for (const signal of signals) process.off(signal, pass);
			resolve(code ?? 1);
		});
	});
}
