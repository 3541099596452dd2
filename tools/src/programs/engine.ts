import path from "node:path";
import { root } from "../paths";
import type { Host } from "../setup/host";
import { prepareVenv } from "../setup/venv";
import { handOver } from "./run-program";

/** The commands whose work is done by a program of the tests' own, and where it is. */
const programs = {
	differential: "proofs/differential/main.js",
	chaos: "proofs/chaos/main.js",
	versions: "proofs/versions/main.js",
	proofs: "proofs/main.js",
} as const;

export type EngineName = keyof typeof programs;

/** Sets up, compiles, and runs such a program in this terminal with the options as they were given. */
export async function engine(
	host: Host,
	name: EngineName,
	options: Readonly<Record<string, unknown>>,
): Promise<number> {
	await prepareVenv(host);
	await host.exclusive(() => host.compile(["lib", "test"]));
	const args = Object.entries(options)
		.filter(([, value]) => value !== false)
		.map(([option, value]) => (value === true ? `--${option}` : `--${option}=${String(value)}`));
	return await handOver([path.join(root, "test", "dist", programs[name]), ...args]);
}
