import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { promisify } from "node:util";

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
