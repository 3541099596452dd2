/**
 * Runs as a process of its own, in its own process group: it starts servers for the lab, and when the lab goes,
 * however it goes (closed, interrupted, kill -9), its end of the pipe closes and the keeper ends the servers,
 * removes their folder and the keys that the lab made on a server of the reader's.
 *
 * Why a second process: spawned plainly, etcd would die of the kernel's Interrupt, which goes to the whole
 * process group; spawned detached, it would outlive a killed kernel.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ConnectOptions } from "../http/transport";
import { V2Client } from "../v2/client";
import { V3Client } from "../v3/client";

/** What a server can be sent: to end it at once or in order, to pause it, to let it go on. */
export type ServerSignal = "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT";

/** What the lab asks of its keeper: one JSON object a line. */
export type Order =
	| {
			readonly order: "start";
			readonly id: string;
			readonly command: string;
			readonly args: readonly string[];
	  }
	/** To one server that this keeper started, and to no other process; its folder stays until the end. */
	| { readonly order: "signal"; readonly id: string; readonly signal: ServerSignal }
	/** Removes everything below the prefix when the lab ends. */
	| { readonly order: "remove at the end"; readonly prefix: string; readonly server: ConnectOptions };

/** What the keeper tells: one JSON object a line, `ready` first. */
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

const folder = mkdtempSync(join(tmpdir(), "etcd-watch-lab-"));
const servers = new Map<string, ChildProcess>();
const removals: { prefix: string; server: ConnectOptions }[] = [];

function tell(report: Report): void {
	process.stdout.write(`${JSON.stringify(report)}\n`);
}

function start(order: Extract<Order, { order: "start" }>): void {
	const log = openSync(join(folder, `${order.id}.log`), "a");
	const server = spawn(order.command, order.args, {
		cwd: folder,
		env: withoutEtcdVariables(process.env),
		stdio: ["ignore", log, log],
	});
	closeSync(log);
	servers.set(order.id, server);
	server.on("error", (error) => {
		servers.delete(order.id);
		tell({ report: "failed", id: order.id, message: error.message });
	});
	server.on("spawn", () => {
		if (server.pid !== undefined) tell({ report: "started", id: order.id, pid: server.pid });
	});
	server.on("exit", (code, signal) => {
		servers.delete(order.id);
		tell({ report: "exited", id: order.id, code, signal });
	});
}

/** etcd reads ETCD_NAME and its like as if they were flags. */
function withoutEtcdVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
	return Object.fromEntries(Object.entries(env).filter(([name]) => !/^ETCD(CTL)?_/.test(name)));
}

function exited(server: ChildProcess): Promise<void> {
	return new Promise((resolve) => {
		if (server.exitCode !== null || server.signalCode !== null) resolve();
		else server.once("exit", () => resolve());
	});
}

let ending = false;
async function end(): Promise<void> {
	if (ending) return;
	ending = true;
	const gone = [...servers.values()].map((server) => {
		// Ends a paused one, too.
		server.kill("SIGKILL");
		return exited(server);
	});
	await Promise.all(gone);
	rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
	for (const { prefix, server } of removals) {
		const keys = new V2Client({ ...server, timeoutMs: 5_000 });
		// Nobody is left to tell: a server that is gone keeps its keys.
		await keys.rmdir(prefix, { recursive: true }).catch(() => {});
		await keys.close();
		const v3 = new V3Client({ ...server, timeoutMs: 5_000 });
		await v3.delete(`${prefix}/`, { prefix: true }).catch(() => {});
		await v3.close();
	}
	process.exit(0);
}

process.stdout.on("error", () => void end());
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void end());

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
	const order = JSON.parse(line) as Order;
	if (order.order === "start") start(order);
	else if (order.order === "signal") servers.get(order.id)?.kill(order.signal);
	else removals.push(order);
});
lines.on("close", () => void end());

tell({ report: "ready", folder });
