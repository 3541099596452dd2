import { spawn } from "node:child_process";
import path from "node:path";

/** The checkout: this file runs as bench/dist/peers/run.js. */
export const root = path.resolve(__dirname, "..", "..", "..");

/** Runs a command to its end. */
export function run(
	command: string,
	args: readonly string[],
	cwd: string,
	env: Readonly<NodeJS.ProcessEnv> = {},
): Promise<{ code: number; output: string }> {
	return new Promise((resolve) => {
		const child = spawn(command, args, {
			cwd,
			env: { ...process.env, ...env },
			stdio: ["ignore", "pipe", "pipe"],
		});
		let output = "";
		const hear = (text: string) => {
			output += text;
		};
		child.stdout.setEncoding("utf8").on("data", hear);
		child.stderr.setEncoding("utf8").on("data", hear);
		child.once("error", (error) => resolve({ code: 1, output: error.message }));
		child.once("close", (code) => resolve({ code: code ?? 1, output }));
	});
}
