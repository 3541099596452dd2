import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { root } from "../paths";
import { descendants, kill, type ProcessId, survivors } from "../process-tree";

export interface ProgramOptions {
	/** The file that its output goes into. */
	readonly log: string;
	/** Added to this process's environment. */
	readonly env?: Readonly<NodeJS.ProcessEnv>;
	/** What ends a process that hangs, and what it started. */
	readonly limitMs: number;
	/** When it is aborted, the process is ended, with all that it started. */
	readonly signal?: AbortSignal | undefined;
}

/** Runs a program of Node's to its end; says how it ended: "exit code 0", "signal SIGKILL", "an interruption" … */
export async function runProgram(args: readonly string[], options: ProgramOptions): Promise<string> {
	// Into a file: what it leaves running would keep a pipe open.
	const out = fs.openSync(options.log, "w");
	const child = spawn(process.execPath, args, {
		cwd: root,
		env: { ...process.env, ...options.env },
		stdio: ["ignore", out, out],
	});
	fs.closeSync(out);
	const exited = once(child, "exit");
	const limit = new AbortController();
	const { limitMs, signal } = options;
	const over = wait(limitMs, "over" as const, { signal: limit.signal }).catch(() => undefined);
	const aborted = new Promise<"interrupted">((resolve) => {
		const tell = (): void => resolve("interrupted");
		if (signal?.aborted) tell();
		else signal?.addEventListener("abort", tell, { signal: limit.signal });
	});
	try {
		const first = await Promise.race([exited, over, aborted]);
		if (first === "over") {
			await end(child, exited);
			return `nothing: it was ended after ${limitMs / 1000} s`;
		}
		if (first === "interrupted") {
			await end(child, exited);
			return "an interruption";
		}
		const [code, by] = await exited;
		return by === null ? `exit code ${code}` : `signal ${by}`;
	} catch (error) {
		return error instanceof Error ? error.message : String(error);
	} finally {
		limit.abort();
	}
}

/** How long what it started may take to notice that it has gone: a keeper removes its etcd's folder. */
const graceMs = 5_000;

async function end(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
	const family = child.pid === undefined ? [] : descendants(child.pid);
	child.kill("SIGTERM");
	const isGone = await Promise.race([exited, wait(graceMs, false, { ref: false })]);
	if (isGone === false) child.kill("SIGKILL");
	await exited;
	await haveEnded(family);
	kill(family);
	// It takes a moment until a killed process is gone.
	await haveEnded(family);
}

async function haveEnded(family: readonly ProcessId[]): Promise<void> {
	const begin = performance.now();
	while (survivors(family).length > 0 && performance.now() - begin < graceMs) await wait(50);
}
