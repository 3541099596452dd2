import { spawn } from "node:child_process";
import { root } from "../paths";

/**
 * Runs a compiled program of the checkout, or `program` in `cwd`, in this terminal, to its end. Signals are passed on: it
 * has servers to end.
 */
export function handOver(
	args: readonly string[],
	env: Readonly<NodeJS.ProcessEnv> = process.env,
	{ program = process.execPath, cwd = root }: { readonly program?: string; readonly cwd?: string } = {},
): Promise<number> {
	return new Promise((resolve, reject) => {
		const child = spawn(program, args, { cwd, env, stdio: "inherit" });
		const signals: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
		const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
		for (const signal of signals) process.on(signal, pass);
		child.once("error", reject).once("close", (code) => {
			for (const signal of signals) process.off(signal, pass);
			resolve(code ?? 1);
		});
	});
}
