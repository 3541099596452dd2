import { check } from "./check";
import { start } from "./jupyter/start";
import { checkNotebooks } from "./notebooks/check";
import { runNotebooks } from "./notebooks/run";
import { bench } from "./programs/bench";
import { engine } from "./programs/engine";
import type { Host } from "./setup/host";
import { noProxyForLoopback } from "./setup/jupyter-environment";
import { prepareVenv } from "./setup/venv";
import { test } from "./test";

/** What setup.mjs hands over to, once the packages are there. Returns the exit code. */
export async function main(
	host: Host,
	command: string,
	options: Readonly<Record<string, unknown>>,
	rest: readonly string[],
): Promise<number> {
	Object.assign(process.env, noProxyForLoopback(process.env));
	switch (command) {
		case "start":
			return await start(host, options);
		case "test":
			return await test(host, rest);
		case "check":
			return await check(host, options);
		case "notebooks":
			return options["check"] === true ? await checkNotebooks(host, rest) : await runNotebooks(host, rest);
		case "differential":
		case "chaos":
		case "versions":
		case "proofs":
			return await engine(host, command, options);
		case "bench":
			return await bench(host, options, rest);
		case "site":
			// Its libraries are loaded for this command alone.
			return (await import("./site/command.js")).site(host, options);
		case "build":
			await prepareVenv(host);
			await host.exclusive(() => host.compile(["lib"]));
			return 0;
		default:
			throw new Error(`setup.mjs lets through a command that main.ts does not know: ${command}`);
	}
}
