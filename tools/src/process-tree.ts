import { execFileSync } from "node:child_process";
import fs from "node:fs";

/** A process, told apart from a later one of the same number by when it was started. */
export interface ProcessId {
	pid: number;
	started: string;
}

interface Row extends ProcessId {
	parent: number;
}

/**
 * All processes below `pid`: a kernel is its own session, so that no process group holds JupyterLab and its
 * kernels together. To be asked while `pid` lives: afterwards its children belong to somebody else.
 */
export function descendants(pid: number): ProcessId[] {
	const rows = processTable();
	const found: ProcessId[] = [];
	const seek = (parent: number): void => {
		for (const row of rows.filter((each) => each.parent === parent)) {
			found.push({ pid: row.pid, started: row.started });
			seek(row.pid);
		}
	};
	seek(pid);
	return found;
}

/**
 * This user's processes that have the folder in their arguments, as a kernel has its start's runtime folder, and all
 * below them: found, too, when their JupyterLab was killed and they belong to nobody. Not on Windows.
 */
export function naming(folder: string): ProcessId[] {
	const isNamed = (command: string): boolean => command.includes(`${folder}/`);
	const named = processTable().filter(({ pid }) => pid !== process.pid && isNamed(ownCommand(pid)));
	return named.flatMap(({ pid, started }) => [{ pid, started }, ...descendants(pid)]);
}

/** "": it is another user's, or has ended. */
function ownCommand(pid: number): string {
	try {
		if (process.platform === "linux") {
			const isOwn = fs.statSync(`/proc/${pid}`).uid === process.getuid?.();
			return isOwn ? fs.readFileSync(`/proc/${pid}/cmdline`, "utf8") : "";
		}
		const [uid = "", ...command] = execFileSync("ps", ["-ww", "-o", "uid=,command=", "-p", String(pid)], {
			encoding: "utf8",
		})
			.trim()
			.split(/\s+/);
		return Number(uid) === process.getuid?.() ? command.join(" ") : "";
	} catch {
		return "";
	}
}

/** Those of the processes that still run. */
export function survivors(processes: readonly ProcessId[]): ProcessId[] {
	const rows = processTable();
	return processes.filter(({ pid, started }) =>
		rows.some((row) => row.pid === pid && row.started === started),
	);
}

/** Ends processes at once; one that has ended by itself is no error. */
export function kill(processes: readonly ProcessId[]): void {
	for (const { pid } of survivors(processes)) {
		try {
			process.kill(pid, "SIGKILL");
		} catch (error) {
			if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
		}
	}
}

function processTable(): Row[] {
	if (process.platform === "linux") return linuxTable();
	// Windows ends a tree by itself: taskkill /T, see server.ts.
	if (process.platform === "win32") return [];
	const text = execFileSync("ps", ["-A", "-o", "pid=,ppid=,lstart="], { encoding: "utf8" });
	return text.split("\n").flatMap((line) => {
		const [, pid, parent, started] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
		return started === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), started }];
	});
}

/** From /proc, since a container's Linux may come without `ps`. A zombie counts as ended. */
function linuxTable(): Row[] {
	return fs.readdirSync("/proc").flatMap((name) => {
		if (!/^\d+$/.test(name)) return [];
		try {
			// "pid (command) state ppid …": the command may hold spaces and brackets, so count from its end.
			const stat = fs.readFileSync(`/proc/${name}/stat`, "utf8");
			const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
			const [state, parent] = fields;
			const started = fields[19];
			if (state === "Z" || parent === undefined || started === undefined) return [];
			return [{ pid: Number(name), parent: Number(parent), started }];
		} catch {
			// It ended while the table was read.
			return [];
		}
	});
}
