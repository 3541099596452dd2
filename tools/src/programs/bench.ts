import fs from "node:fs";
import path from "node:path";
import { root } from "../paths";
import { Problem } from "../problem";
import type { Host } from "../setup/host";
import { prepareVenv } from "../setup/venv";
import { handOver } from "./run-program";

/** Not benches but what they have in common. */
const helpers = new Set(["measure"]);

/** `npm run bench -- NAME [PART…] [--OPTION…]`: bench/NAME.ts, which writes its results beside itself. */
export async function bench(
	host: Host,
	options: Readonly<Record<string, unknown>>,
	names: readonly string[],
): Promise<number> {
	const there = fs
		.readdirSync(path.join(root, "bench"))
		.flatMap((file) => /^(.*)\.ts$/.exec(file)?.[1] ?? [])
		.filter((name) => !helpers.has(name));
	const [name, ...rest] = names;
	if (name === undefined || !there.includes(name)) {
		throw new Problem(`name one bench: ${there.map((known) => `npm run bench -- ${known}`).join(", ")}`);
	}
	const [option] = Object.keys(options);
	if (option !== undefined && name !== "follow") throw new Problem(`--${option} goes with follow alone`);
	await prepareVenv(host);
	await host.exclusive(() => host.compile(["lib", "bench"]));
	const given = Object.entries(options).map(([option, value]) =>
		value === true ? `--${option}` : `--${option}=${String(value)}`,
	);
	return await handOver([path.join(root, "bench", "dist", `${name}.js`), ...rest, ...given]);
}
