import { execFileSync } from "node:child_process";
import {
	appendFileSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

/** A process, told from a later one of the same number by when it was started. */
export interface ProcessId {
	readonly pid: number;
	/** As the system tells it; "" where it does not (Windows). */
	readonly started: string;
	/** Linux: in which container the number counts. */
	readonly namespace: string;
}

/** undefined: there is no such process. */
export function identify(pid: number): ProcessId | undefined {
	const started = startOf(pid);
	return started === undefined ? undefined : { pid, started, namespace: ownNamespace() };
}

/** Whether that very process still runs; undefined for one of another container, of which nothing is known. */
export function isAlive({ pid, started, namespace }: ProcessId): boolean | undefined {
	return namespace === ownNamespace() ? startOf(pid) === started : undefined;
}

/** Ends that very process at once, and no other that has its number by now. Not on Windows. */
export function killExactly(id: ProcessId): void {
	if (id.started === "" || !isAlive(id)) return;
	try {
		process.kill(id.pid, "SIGKILL");
	} catch {
		// It has just ended, or is somebody else's.
	}
}

function startOf(pid: number): string | undefined {
	try {
		if (process.platform === "linux") {
			// "pid (command) state …": the command may hold spaces and brackets. The 22nd field, in ticks since the boot.
			const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
			const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
			// A zombie has ended.
			return fields[0] === "Z" ? undefined : fields[19];
		}
		process.kill(pid, 0);
		if (process.platform === "win32") return "";
		return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
	} catch {
		return undefined;
	}
}

function ownNamespace(): string {
	try {
		return process.platform === "linux" ? readlinkSync("/proc/self/ns/pid") : "";
	} catch {
		return "";
	}
}

/** Of a container that this one can't look into, what is older than this is taken for left behind. */
const strangersMs = 7 * 24 * 3_600_000;

function isLeft(owner: ProcessId, file: string): boolean {
	return !(isAlive(owner) ?? Date.now() - statSync(file).mtimeMs < strangersMs);
}

/** A keeper's folder is called so, its process's number, and something random. */
export const folderPrefix = "etcd-watch-lab-";

/** Notes a process in the keeper's folder, itself first and then its servers: for a later start, if it is killed. */
export function noteProcess(folder: string, pid: number): void {
	const id = identify(pid);
	if (id !== undefined)
		appendFileSync(join(folder, "keeper.log"), `${JSON.stringify(id)}\n`, { mode: 0o600 });
}

/** Removes a keeper's folder with all in it; what can't be removed now is the next start's to sweep. */
export function removeFolder(folder: string): void {
	try {
		rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
	} catch {
		// A file of it is still open, on Windows.
	}
}

/** Ends the servers of this user's keepers that were killed, and removes their folders. */
export function sweepFolders(parent = tmpdir()): void {
	for (const name of readdirSync(parent)) {
		if (!/^etcd-watch-lab-\d+-/.test(name)) continue;
		const folder = join(parent, name);
		try {
			const { uid } = lstatSync(folder);
			if (process.getuid !== undefined && uid !== process.getuid()) continue;
			const file = join(folder, "keeper.log");
			const [keeper, ...servers] = readFileSync(file, "utf8")
				.trim()
				.split("\n")
				.map((line): ProcessId => JSON.parse(line));
			if (keeper === undefined || !isLeft(keeper, file)) continue;
			for (const server of servers) killExactly(server);
			removeFolder(folder);
		} catch {
			// Another start sweeps it just now, or it is no keeper's.
		}
	}
}

/** A directory that a lab makes on a server that it did not start. */
interface RootRecord {
	readonly root: string;
	readonly endpoints: readonly string[];
	readonly owner: ProcessId;
}

/** Where the user's programs keep what they have to know next time. */
function stateFolder(env: NodeJS.ProcessEnv = process.env): string {
	const named = env["XDG_STATE_HOME"] || (process.platform === "win32" ? env["LOCALAPPDATA"] : undefined);
	return join(named || join(homedir(), ".local", "state"), "etcd-watch-lab");
}

function rootFile(root: string): string {
	return join(stateFolder(), `${root.replaceAll("/", "")}.json`);
}

/** Notes a root, for a later start if nobody is left to remove it. Where that can't be written, nothing is noted. */
export function noteRoot(record: RootRecord): void {
	try {
		mkdirSync(stateFolder(), { recursive: true, mode: 0o700 });
		writeFileSync(rootFile(record.root), JSON.stringify(record), { mode: 0o600 });
	} catch {
		// A home that is read-only, or none.
	}
}

/** It has been removed. */
export function forgetRoot(root: string): void {
	try {
		rmSync(rootFile(root), { force: true });
	} catch {
		// It was never written.
	}
}

/** The roots that labs which are gone have left on a server with one of these endpoints. */
export function rootsLeftAt(endpoints: readonly string[]): readonly string[] {
	try {
		return readdirSync(stateFolder()).flatMap((name) => {
			try {
				const file = join(stateFolder(), name);
				const { root, endpoints: at, owner } = JSON.parse(readFileSync(file, "utf8")) as RootRecord;
				// Whatever stands in the file, nothing else may be removed by it.
				const isRoot = /^\/etcd-watch-lab-[0-9a-f]{12}$/.test(root) && rootFile(root) === file;
				return isRoot && isLeft(owner, file) && at.some((one) => endpoints.includes(one)) ? [root] : [];
			} catch {
				return [];
			}
		});
	} catch {
		return [];
	}
}
