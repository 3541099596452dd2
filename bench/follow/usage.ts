import fs from "node:fs";

/** What a process has used up, as /proc says it. */
export interface Usage {
	/** Processor time, in the steps of 10 ms that Linux counts in. */
	readonly cpuMs: number;
	readonly rssMiB: number;
	readonly sockets: number;
}

/** Undefined where there is no /proc: everywhere but on Linux. */
export function usageOf(pid: number): Usage | undefined {
	const folder = `/proc/${pid}`;
	if (!fs.existsSync(folder)) return undefined;
	// The name, which comes before and in brackets, may hold anything.
	const fields = fs.readFileSync(`${folder}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
	const rss = /^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`${folder}/status`, "utf8"))?.[1];
	const sockets = fs.readdirSync(`${folder}/fd`).filter((fd) => {
		try {
			return fs.readlinkSync(`${folder}/fd/${fd}`).startsWith("socket:");
		} catch {
			// Closed since it was listed.
			return false;
		}
	});
	return {
		// User and system time: the 14th and 15th field of proc(5), of which the first two are cut off here.
		cpuMs: (Number(fields[11]) + Number(fields[12])) * 10,
		rssMiB: Number(rss) / 1024,
		sockets: sockets.length,
	};
}
