import path from "node:path";
import { root } from "./paths";
import { handOver } from "./programs/run-program";
import type { Host } from "./setup/host";
import { prepareVenv } from "./setup/venv";

/** `npm run differential`: the engine is the tests' own (test/model/differential), with more time. */
export async function differential(host: Host, options: Readonly<Record<string, unknown>>): Promise<number> {
	await prepareVenv(host);
	await host.exclusive(() => host.compile(["lib", "test"]));
	const args = Object.entries(options).map(([name, value]) => `--${name}=${String(value)}`);
	return await handOver([path.join(root, "test", "dist", "model", "differential", "main.js"), ...args]);
}
