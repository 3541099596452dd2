import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import pLimit from "p-limit";
import { interruptible } from "../interrupts";
import { root, shown, venvPython } from "../paths";
import { Problem } from "../problem";
import type { Host } from "../setup/host";
import { jupyterEnvironment, makeRuntimeDir } from "../setup/jupyter-environment";
import { prepareVenv } from "../setup/venv";
import { type Notebook, notebookFiles, writeNotebook } from "./file";
import { asCommitted } from "./questions";
import { recordsFile, recordsOf, writeRecords } from "./records";

/** For how many notebooks there is room: a process of `npm test`, beside others, has its share. */
const room = Number(process.env["ETCD_WATCH_LAB_SLOTS"]) || Math.max(2, os.availableParallelism());

/** Runs notebooks side by side, as many as there are processors (at least two), the others in their turn. */
export const inTurn = pLimit(room);

/** A cell threw, ran for too long, or took its kernel down. */
export class NotebookError extends Error {
	override readonly name = "NotebookError";

	/** @param cell counts code cells from 1, as JupyterLab's [n] does after Run All. */
	constructor(
		readonly file: string,
		readonly cell: number,
		/** What the cell printed to stderr: what was thrown, and where. */
		readonly detail: string,
	) {
		super(`${shown(file)} cell ${cell}: ${detail}`);
	}
}

export interface ExecuteOptions {
	/** Write the executed notebook into this folder too, under its own name. */
	outDir?: string;
	/** Added to the kernel's environment; undefined takes a variable away. */
	env?: Readonly<Record<string, string | undefined>>;
	/** The limit for each cell. Default 120 s. */
	cellTimeoutMs?: number;
	/** Ends the run, and its kernel. */
	signal?: AbortSignal;
}

/** The environment of a run whose outputs are kept: the lab's own etcd, whichever server the reader's variables name. */
export const ownEtcd = {
	ETCDCTL_ENDPOINTS: undefined,
	ETCDCTL_CACERT: undefined,
	ETCDCTL_CERT: undefined,
	ETCDCTL_KEY: undefined,
	ETCDCTL_USER: undefined,
	ETCDCTL_PASSWORD: undefined,
	ETCD_WATCH_LAB_ETCD: undefined,
	ETCD_WATCH_LAB_ALLOW_OVERFLOW: undefined,
};

/**
 * Runs a notebook from top to bottom in a fresh kernel and returns it with its outputs; the file is left as it is.
 *
 * @throws NotebookError when a cell fails
 */
export async function executeNotebook(file: string, options: ExecuteOptions = {}): Promise<Notebook> {
	const runtimeDir = makeRuntimeDir();
	try {
		const seconds = Math.ceil((options.cellTimeoutMs ?? 120_000) / 1000);
		const answer = await python([path.join(root, "tools", "execute.py"), file, String(seconds)], {
			env: { ...jupyterEnvironment(runtimeDir), ...options.env },
			signal: options.signal,
		});
		if ("cell" in answer) throw new NotebookError(file, answer.cell, plain(answer.message));
		if (options.outDir !== undefined) {
			fs.mkdirSync(options.outDir, { recursive: true });
			writeNotebook(path.join(options.outDir, path.basename(file)), answer.notebook);
		}
		return answer.notebook;
	} finally {
		fs.rmSync(runtimeDir, { recursive: true, force: true, maxRetries: 3 });
	}
}

/** The same, with what it gives to the records. Errors as `executeNotebook`. */
export async function executeRecorded(file: string, options: ExecuteOptions = {}) {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), "lab-records-"));
	try {
		const noted = path.join(folder, "noted");
		fs.writeFileSync(noted, "");
		const env = { ...options.env, ETCD_WATCH_LAB_RECORD: noted };
		const notebook = await executeNotebook(file, { ...options, env });
		return { notebook, records: recordsOf(noted, notebook) };
	} finally {
		fs.rmSync(folder, { recursive: true, force: true });
	}
}

type Answer = { notebook: Notebook } | { cell: number; message: string };

function python(
	args: readonly string[],
	options: { env: NodeJS.ProcessEnv; signal: AbortSignal | undefined },
): Promise<Answer> {
	return new Promise((resolve, reject) => {
		const child = spawn(venvPython, args, {
			env: options.env,
			stdio: ["ignore", "pipe", "pipe"],
			windowsHide: true,
		});
		// SIGTERM: nbclient then ends its kernel before it goes.
		const stop = (): void => void child.kill("SIGTERM");
		if (options.signal?.aborted) stop();
		options.signal?.addEventListener("abort", stop, { once: true });
		let out = "";
		let err = "";
		child.stdout.setEncoding("utf8").on("data", (text: string) => {
			out += text;
		});
		child.stderr.setEncoding("utf8").on("data", (text: string) => {
			err = (err + text).slice(-4000);
		});
		child.once("error", reject).once("close", (code) => {
			options.signal?.removeEventListener("abort", stop);
			if (code === 0) resolve(JSON.parse(out));
			else
				reject(
					new Error(
						`the notebook could not be run (Python ended with ${code}): ${err.trim().split("\n").at(-1)}`,
					),
				);
		});
	});
}

/** A traceback without its terminal colours. */
function plain(text: string): string {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: ESC is what a terminal colour begins with
	return text.replace(/\u001b\[[0-9;]*m/g, "").trim();
}

/**
 * `npm run notebooks`: runs all, or those named, and rewrites their outputs in place, and the records that stand in for
 * their v2 cells on a server without v2.
 */
export async function runNotebooks(host: Host, names: readonly string[]): Promise<number> {
	const files = notebookFiles(names);
	await host.exclusive(() => host.compile(["lib"]));
	await prepareVenv(host);
	return await interruptible(async (interrupted) => {
		let failed = 0;
		for (const file of files) {
			const begin = Date.now();
			try {
				const { notebook, records } = await executeRecorded(file, { env: ownEtcd, signal: interrupted });
				writeNotebook(file, asCommitted(notebook));
				writeRecords(recordsFile(file), records);
				host.say(`${shown(file)}  ${((Date.now() - begin) / 1000).toFixed(1)} s`);
			} catch (error) {
				if (interrupted.aborted)
					throw new Problem("interrupted: the notebook that was running is unchanged", 130);
				failed++;
				host.say(error instanceof Error ? error.message : String(error));
			}
		}
		return failed === 0 ? 0 : 1;
	});
}
