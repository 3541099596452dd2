import path from "node:path";
import { root } from "../paths";
import type { Host } from "../setup/host";
import { prepareVenv } from "../setup/venv";
import { handOver } from "./run-program";

/** `npm run versions`: gets each etcd as the tests do, so the engine is theirs (test/versions). */
export async function versions(host: Host, options: Readonly<Record<string, unknown>>): Promise<number> {
	await prepareVenv(host);
	await host.exclusive(() => host.compile(["lib", "test"]));
	const args = Object.entries(options).map(([name, value]) => `--${name}=${String(value)}`);
	return await handOver([path.join(root, "test", "dist", "versions", "main.js"), ...args]);
}
