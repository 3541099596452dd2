import type { Host } from "./host";
import { start } from "./start";
import { prepareVenv } from "./venv";

/** What setup.mjs hands over to, once everything is installed and compiled. Returns the exit code. */
export async function main(
	host: Host,
	command: string,
	options: Readonly<Record<string, unknown>>,
	rest: readonly string[],
): Promise<number> {
	switch (command) {
		case "start":
			return await start(host, options);
		case "build":
			await prepareVenv(host);
			await host.exclusive(() => host.compile(["lib"]));
			return 0;
		default:
			throw new Error(`unknown command ${command} ${rest.length}`);
	}
}
