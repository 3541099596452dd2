import path from "node:path";
import { root } from "./paths";
import { handOver } from "./programs/run-program";
import type { Host } from "./setup/host";
import { prepareVenv } from "./setup/venv";

/** `npm run chaos`: the engine is the tests' own (test/chaos), with more time. */
export async function chaos(host: Host, options: Readonly<Record<string, unknown>>): Promise<number> {
	await prepareVenv(host);
	await host.exclusive(() => host.compile(["lib", "test"]));
	const args = Object.entries(options)
		.filter(([, value]) => value !== false)
		.map(([name, value]) => (value === true ? `--${name}` : `--${name}=${String(value)}`));
	return await handOver([path.join(root, "test", "dist", "chaos", "main.js"), ...args]);
}
