/**
 * Runs as a process of its own, in its own process group: it starts servers for the lab, and when the lab goes
 * (closed, interrupted, kill -9), its end of the channel closes and the keeper ends the servers, removes their folder and
 * has removed what the lab made on a server of the reader's. It also ends when the Jupyter that runs its kernel is gone,
 * and then ends the kernel, too: nobody can reach it any more. When the keeper itself is killed, Linux ends its servers
 * (where there is `setpriv`), and the next start of a lab sweeps what is left (leftovers.ts).
 *
 * Why a second process: spawned plainly, etcd would die of the kernel's Interrupt, which goes to the whole
 * process group; spawned detached, it would outlive a killed kernel.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { accessSync, closeSync, constants, mkdtempSync, openSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { V3Client } from "../v3/client";
import { leaseSeconds, type Root } from "./guest";
import {
	folderPrefix,
	identify,
	isAlive,
	killExactly,
	noteProcess,
	type ProcessId,
	removeFolder,
	sweepFolders,
} from "./leftovers";

/** What a server can be sent: to end it at once or in order, to pause it, to let it go on. */
export type ServerSignal = "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT";

/** What the lab asks of its keeper. */
export type Order =
	| {
			readonly order: "start";
			readonly id: string;
			readonly command: string;
			readonly args: readonly string[];
			/** Added to the few variables that servers get. */
			readonly env: Readonly<Record<string, string>>;
	  }
	/** To one server that this keeper started, and to no other process; its folder stays until the end. */
	| { readonly order: "signal"; readonly id: string; readonly signal: ServerSignal }
	/** Renews the root's leases, and removes the root when the lab ends. Takes the place of an earlier one. */
	| { readonly order: "remove at the end"; readonly root: Root }
	/** The lab has removed it itself. */
	| { readonly order: "removed"; readonly root: string }
	/** The lab is closed. */
	| { readonly order: "end" };

/** What the keeper tells, `ready` first. */
export type Report =
	| { readonly report: "ready"; readonly folder: string }
	| { readonly report: "started"; readonly id: string; readonly pid: number }
	| {
			readonly report: "exited";
			readonly id: string;
			readonly code: number | null;
			readonly signal: string | null;
	  }
	| { readonly report: "failed"; readonly id: string; readonly message: string };

/** How often it looks whether the kernel's Jupyter still runs. */
const lookMs = 1_000;

const folder = mkdtempSync(join(tmpdir(), `${folderPrefix}${process.pid}-`));
const servers = new Map<string, ChildProcess>();
const roots = new Map<string, Root>();
let ending = false;

// The last resort: whatever fails here, no server is left. (An unhandled rejection comes here, too.)
process.on("uncaughtException", () => {
	if (ending) process.exit(1);
	void end();
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void end());

function tell(report: Report): void {
	// Where nobody listens any more, the channel's end is heard of, too.
	process.send?.(report, () => {});
}

/** A command by which Linux ends a process with this one, even if that is killed; none where there is no such. */
const tie = ((): readonly string[] => {
	if (process.platform !== "linux") return [];
	const args = ["--pdeathsig", "KILL", "--"];
	try {
		execFileSync("setpriv", [...args, "setpriv", "--version"], { stdio: "ignore" });
		return ["setpriv", ...args];
	} catch {
		return [];
	}
})();

function start({ id, command, args, env }: Extract<Order, { order: "start" }>): void {
	if (ending) return;
	try {
		// Else it would be `setpriv` that starts, and then finds nothing to run.
		if (tie.length > 0) accessSync(command, constants.X_OK);
		const [first = command, ...others] = [...tie, command, ...args];
		const log = openSync(join(folder, `${id}.log`), "a");
		const server = spawn(first, others, {
			cwd: folder,
			env: { ...forServers(process.env), ...env },
			stdio: ["ignore", log, log],
		});
		closeSync(log);
		servers.set(id, server);
		server.on("error", (error) => {
			servers.delete(id);
			tell({ report: "failed", id, message: error.message });
		});
		server.on("spawn", () => {
			if (server.pid === undefined) return;
			note(server.pid);
			tell({ report: "started", id, pid: server.pid });
		});
		server.on("exit", (code, signal) => {
			servers.delete(id);
			tell({ report: "exited", id, code, signal });
		});
	} catch (error) {
		tell({ report: "failed", id, message: error instanceof Error ? error.message : String(error) });
	}
}

/** A server needs no secret of the reader's, and etcd reads ETCD_NAME and its like as if they were flags. */
function forServers(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
	return Object.fromEntries(
		Object.entries(env).filter(([name]) =>
			/^(PATH|HOME|TMPDIR|TEMP|TMP|TZ|LANG|LC_\w+|GO\w+|SystemRoot)$/i.test(name),
		),
	);
}

/** Notes who runs, for the start that finds this folder if this process is killed. */
function note(pid: number): void {
	try {
		noteProcess(folder, pid);
	} catch {
		// The disk is full.
	}
}

function exited(server: ChildProcess): Promise<void> {
	return new Promise((resolve) => {
		if (server.exitCode !== null || server.signalCode !== null) resolve();
		else server.once("exit", () => resolve());
	});
}

/** `kernel`: it is to go, too. */
async function end(kernel?: ProcessId): Promise<void> {
	if (ending) return;
	ending = true;
	const removed = removeRoots();
	const gone = [...servers.values()].map((server) => {
		// Ends a paused one, too.
		server.kill("SIGKILL");
		return exited(server);
	});
	await Promise.all(gone);
	removeFolder(folder);
	if (kernel) killExactly(kernel);
	await removed;
	process.exit(0);
}

/** Hands the roots to a process of their own; resolves when that has ended, or has those that the lab has tried. */
function removeRoots(): Promise<void> {
	return new Promise((resolve) => {
		if (roots.size === 0) return resolve();
		try {
			const remover = spawn(process.execPath, [join(__dirname, "removal-process.js")], {
				detached: true,
				stdio: ["pipe", "ignore", "ignore"],
				windowsHide: true,
			});
			remover.once("exit", () => resolve()).once("error", () => resolve());
			const due = [...roots.values()];
			remover.stdin.on("error", () => {});
			remover.stdin.end(JSON.stringify(due), () => {
				if (due.every(({ isTried }) => isTried)) resolve();
			});
		} catch {
			// They stay noted for the next start.
			resolve();
		}
	});
}

async function renew({ server, leases }: Root): Promise<void> {
	const v3 = new V3Client(server);
	// For one that could not be renewed, the lab gets another when it writes again.
	for (const lease of leases) await v3.keepAlive(BigInt(lease)).catch(() => {});
	await v3.close();
}

const renewals = new Map<string, NodeJS.Timeout>();

/** Renews the root's leases from now on, instead of those that it had. */
function keep(root: Root): void {
	forget(root.root);
	roots.set(root.root, root);
	if (root.leases.length === 0) return;
	const renewMs = root.renewMs ?? (leaseSeconds * 1_000) / 4;
	renewals.set(
		root.root,
		setInterval(() => void renew(root), renewMs),
	);
}

function forget(root: string): void {
	clearInterval(renewals.get(root));
	roots.delete(root);
}

/** Ends all when the process that runs the kernel, whose number Jupyter gives to each, is gone. */
function endWithJupyter(): void {
	const jupyter = identify(Number(process.env["JPY_PARENT_PID"]));
	const kernel = identify(Number(process.argv[2]));
	if (jupyter === undefined || kernel === undefined) return;
	setInterval(() => {
		if (isAlive(jupyter) === false) void end(kernel);
	}, lookMs);
}

function carryOut(order: Order): void {
	switch (order.order) {
		case "start":
			start(order);
			return;
		case "signal":
			servers.get(order.id)?.kill(order.signal);
			return;
		case "remove at the end":
			keep(order.root);
			return;
		case "removed":
			forget(order.root);
			return;
		case "end":
			void end();
	}
}

process.on("message", (order: Order) => {
	try {
		carryOut(order);
	} catch {
		// A signal that this system does not know.
	}
});
process.on("disconnect", () => void end());

note(process.pid);
tell({ report: "ready", folder });
endWithJupyter();
setImmediate(() => {
	try {
		sweepFolders();
	} catch {
		// A temporary folder that can't be read.
	}
});
