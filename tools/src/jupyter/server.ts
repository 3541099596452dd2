import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { notebooksDir, root } from "../paths";
import { Problem } from "../problem";
import { descendants, kill, naming, survivors } from "../process-tree";
import { jupyterEnvironment, jupyterLabCommand, makeRuntimeDir } from "../setup/jupyter-environment";

/** How long JupyterLab may take to end its kernels before it is ended by force. */
const STOP_MS = 15_000;
/** A cold start reads some 100 MB from disk; on a slow one that takes a while. */
const READY_MS = 120_000;

export interface ServerOptions {
	/** The address to listen on: 127.0.0.1, but for inside a container. */
	ip: string;
	/** 0: a free one. */
	port: number;
	/** Default: a random one. */
	token?: string | undefined;
}

/** A JupyterLab of this checkout, started by this process. */
export class JupyterServer {
	readonly token: string;
	/** Holds the connection files and the log; goes away with the server. */
	readonly runtimeDir: string;
	/** Settles when the process has ended. */
	readonly ended: Promise<void>;
	private readonly child: ChildProcess;
	private readonly log: string;
	private running = true;

	constructor(options: ServerOptions) {
		if (!fs.existsSync(notebooksDir))
			throw new Problem("the folder notebooks is missing: git checkout notebooks");
		this.token = options.token || randomBytes(24).toString("hex");
		this.runtimeDir = makeRuntimeDir();
		this.log = path.join(this.runtimeDir, "jupyter.log");
		const { command, args } = jupyterLabCommand({ ...options, notebooks: notebooksDir });
		const log = fs.openSync(this.log, "w");
		this.child = spawn(command, args, {
			cwd: root,
			env: { ...jupyterEnvironment(this.runtimeDir), JUPYTER_TOKEN: this.token },
			// Never written to: lab.py ends JupyterLab when it closes, whichever way this process ends.
			stdio: ["pipe", log, log],
			// Its own process group: the terminal's Ctrl-C is ours to pass on, and Jupyter has no question to ask.
			detached: process.platform !== "win32",
			windowsHide: true,
		});
		fs.closeSync(log);
		this.ended = new Promise((resolve) => {
			const end = (error: unknown): void => {
				this.running = false;
				if (error instanceof Error) fs.appendFileSync(this.log, `${error.message}\n`);
				resolve();
			};
			this.child.once("exit", end).once("error", end);
		});
	}

	/** How the process ended: a code, or the signal that ended it; undefined while it runs. */
	get exitCode(): number | string | undefined {
		return this.child.exitCode ?? this.child.signalCode ?? undefined;
	}

	/** The address to open, token included; to be asked for when the server is ready. */
	get url(): string {
		const start = path.join(notebooksDir, "00-start-here.ipynb");
		const page = fs.existsSync(start) ? "/lab/tree/00-start-here.ipynb" : "/lab";
		return `http://127.0.0.1:${boundPort(this.runtimeDir)}${page}?token=${encodeURIComponent(this.token)}`;
	}

	/**
	 * Resolves when the server has bound its port; throws a Problem with the end of its log when it does not get
	 * there. Sends nothing to the port: until then somebody else may have it.
	 */
	async ready(): Promise<void> {
		const deadline = Date.now() + READY_MS;
		while (this.running && Date.now() < deadline) {
			if (boundPort(this.runtimeDir) !== undefined) return;
			await Promise.race([this.ended, new Promise((resolve) => setTimeout(resolve, 50))]);
		}
		throw new Problem(`JupyterLab did not start: ${lastWords(fs.readFileSync(this.log, "utf8"))}`);
	}

	/** Ends JupyterLab and its kernels, and removes the runtime folder. `force` (may come later) cuts it short. */
	async stop(force: AbortSignal): Promise<void> {
		const pid = this.child.pid;
		// Kernels of a JupyterLab that was killed are below nobody.
		const below = [...(pid === undefined ? [] : descendants(pid)), ...naming(this.runtimeDir)];
		if (this.running && pid !== undefined) {
			const cut = AbortSignal.any([force, AbortSignal.timeout(STOP_MS)]);
			// On Windows a signal ends only the process itself: taskkill takes the whole tree.
			if (process.platform === "win32") execFile("taskkill", ["/pid", String(pid), "/T", "/F"]);
			else this.child.kill("SIGTERM");
			await Promise.race([this.ended, aborted(cut)]);
			if (this.running) {
				below.push(...descendants(pid));
				this.child.kill("SIGKILL");
				await this.ended;
			}
		}
		// A kernel's etcd ends a moment after its kernel: it is given that moment.
		for (let tries = 0; tries < 40 && !force.aborted && survivors(below).length > 0; tries++) {
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
		kill(below);
		fs.rmSync(this.runtimeDir, { recursive: true, force: true, maxRetries: 3 });
	}
}

/** The port that JupyterLab has bound, by the file that it writes then (see lab.py); undefined until it is whole. */
function boundPort(runtimeDir: string): number | undefined {
	const name = fs.readdirSync(runtimeDir).find((each) => /^jpserver-\d+\.json$/.test(each));
	if (name === undefined) return undefined;
	try {
		const { port } = JSON.parse(fs.readFileSync(path.join(runtimeDir, name), "utf8"));
		return Number(port);
	} catch {
		return undefined;
	}
}

function aborted(signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (signal.aborted) resolve();
		else signal.addEventListener("abort", () => resolve(), { once: true });
	});
}

/** The line of a log that says why, and the lines before it. */
function lastWords(log: string): string {
	const lines = log.split("\n").filter((line) => line.trim() !== "");
	const why = lines.findLast((line) => /error|exception|refused|in use|denied/i.test(line));
	const tail = lines.slice(-5).map((line) => `  ${line}`);
	return [why ?? "it gave no answer", ...tail].join("\n");
}
