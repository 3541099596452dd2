import { spawn } from "node:child_process";
import fs from "node:fs";
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

/** Makes a folder in a temporary one beside it, so that one that is there is whole, whoever else makes it. */
export async function madeOnce(
	folder: string,
	make: (work: string) => Promise<string | undefined>,
): Promise<string | undefined> {
	if (fs.existsSync(folder)) return undefined;
	fs.mkdirSync(path.dirname(folder), { recursive: true });
	const work = fs.mkdtempSync(`${folder}-`);
	try {
		const failed = await make(work);
		if (failed === undefined && !fs.existsSync(folder)) fs.renameSync(work, folder);
		return failed;
	} finally {
		fs.rmSync(work, { recursive: true, force: true });
	}
}
