import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { notebookFiles } from "../notebooks/file";
import { notebooksDir, shown, venvPython } from "../paths";
import { Problem } from "../problem";
import type { Host } from "../setup/host";
import { prepareVenv } from "../setup/venv";
import { chosenPort } from "./port";
import { JupyterServer } from "./server";

export interface StartOptions {
	port?: string;
	browser?: boolean;
}

/**
 * In the terminal Ctrl-C reaches this process twice, once from the terminal and once passed on by npm. Only a
 * signal that comes later than this is a second Ctrl-C.
 */
const SAME_SIGNAL_MS = 700;

/** The container's own door: compose publishes it on the host's 127.0.0.1 alone. */
const inContainer = process.env["ETCD_WATCH_LAB_IN_CONTAINER"] === "1";

/** Opens JupyterLab and keeps it until the reader ends it. */
export async function start(host: Host, options: StartOptions): Promise<number> {
	const port = options.port === undefined ? 0 : await chosenPort(options.port);
	const token = chosenToken();
	requireWritable();
	await host.exclusive(() => host.compile(["lib"]));
	await prepareVenv(host);
	host.say("[3/3] JupyterLab …");
	const force = new AbortController();
	const stopping = interruption(host, force);
	const server = new JupyterServer({
		ip: inContainer ? "0.0.0.0" : "127.0.0.1",
		port,
		token,
	});
	try {
		await Promise.race([server.ready(), stopping]);
		if (!stopping.happened) {
			host.say(`\n  ${server.url}\n\nCtrl-C ends JupyterLab, its kernels and their etcd.`);
			if (options.browser !== false && process.env["npm_config_browser"] !== "false") openBrowser(server);
			await Promise.race([server.ended, stopping]);
			if (!stopping.happened) {
				if (server.exitCode !== 0)
					throw new Problem(`JupyterLab was ended from outside (${server.exitCode})`);
				host.say("JupyterLab was shut down from its menu");
			}
		}
	} finally {
		await server.stop(force.signal);
		stopping.forget();
	}
	return 0;
}

/** The reader's own token; undefined for a random one. JupyterLab lets everybody try tokens as fast as they can. */
function chosenToken(): string | undefined {
	const token = process.env["ETCD_WATCH_LAB_TOKEN"] || undefined;
	if (token === undefined || token.length >= 20) return token;
	throw new Problem("ETCD_WATCH_LAB_TOKEN has fewer than 20 characters: leave it out for a random one");
}

/** What a reader changes has to last: in a container the mounted notebooks can belong to another user. */
function requireWritable(): void {
	if (!fs.existsSync(notebooksDir))
		throw new Problem("the folder notebooks is missing: git checkout notebooks");
	for (const file of [notebooksDir, ...notebookFiles()]) {
		try {
			fs.accessSync(file, fs.constants.W_OK);
		} catch {
			const { uid, gid } = fs.statSync(file);
			const what = `${shown(file)} belongs to user ${uid}, and edits by user ${process.getuid?.()} could not be saved`;
			throw new Problem(
				inContainer && uid !== 0
					? `${what}: ETCD_WATCH_LAB_UID=${uid} ETCD_WATCH_LAB_GID=${gid} docker compose up`
					: `${what}: sudo chown -R ${process.getuid?.()} notebooks`,
			);
		}
	}
}

interface Interruption extends Promise<void> {
	happened: boolean;
	forget(): void;
}

/** Settles at the first Ctrl-C (or SIGTERM, or the terminal being closed); a second one aborts `force`. */
function interruption(host: Host, force: AbortController): Interruption {
	const signals: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
	let first = 0;
	let onSignal: () => void = () => {};
	const promise = new Promise<void>((resolve) => {
		onSignal = () => {
			if (first === 0) {
				first = Date.now();
				state.happened = true;
				host.say("\nending JupyterLab and its kernels … (Ctrl-C again: at once)");
				resolve();
			} else if (Date.now() - first > SAME_SIGNAL_MS) {
				force.abort();
			}
		};
	});
	for (const signal of signals) process.on(signal, onSignal);
	const state: Interruption = Object.assign(promise, {
		happened: false,
		forget: () => {
			for (const signal of signals) process.off(signal, onSignal);
		},
	});
	return state;
}

/**
 * Opens the reader's browser by Python's webbrowser module, which knows every system's way. It is handed a file
 * that leads on to the address: on a machine with other users, a command line with the token could be read.
 */
function openBrowser(server: JupyterServer): void {
	const { DISPLAY, WAYLAND_DISPLAY, BROWSER } = process.env;
	if (process.platform === "linux" && !DISPLAY && !WAYLAND_DISPLAY && !BROWSER) return;
	const page = path.join(server.runtimeDir, "open.html");
	const target = JSON.stringify(server.url);
	fs.writeFileSync(page, `<!doctype html><script>location.replace(${target})</script>\n`, { mode: 0o600 });
	const child = spawn(venvPython, ["-m", "webbrowser", "-t", `file://${page}`], {
		stdio: "ignore",
		detached: true,
		windowsHide: true,
	});
	// The address has been printed: a browser that does not open is no reason to fail.
	child.on("error", () => {});
	child.unref();
}
