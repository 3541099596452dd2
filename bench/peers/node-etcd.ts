import fs from "node:fs";
import path from "node:path";
import type { Found } from "./found";
import { madeOnce, root, run } from "./run";

const version = "7.0.0";

/**
 * Installs node-etcd beside the lab, never into it: it was last released in 2018, on `request`. Its deasync brings
 * its native part ready made for common systems and Nodes, so that no script has to run; the bench uses no call of it.
 */
export async function nodeEtcdPeer(): Promise<Found> {
	const folder = path.join(root, ".lab", `bench-peers-node-etcd-${version}`);
	const windows = process.platform === "win32";
	const failed = await madeOnce(folder, async (work) => {
		fs.writeFileSync(path.join(work, "package.json"), '{ "private": true }\n');
		const args = [
			"install",
			"--ignore-scripts",
			"--no-audit",
			"--no-fund",
			"--no-package-lock",
			`node-etcd@${version}`,
		];
		const npm = windows ? (["cmd", ["/c", "npm", ...args]] as const) : (["npm", args] as const);
		const { code, output } = await run(npm[0], npm[1], work);
		if (code !== 0) return output.trim().slice(-300);
		const loaded = await run(process.execPath, ["-e", 'require("node-etcd")'], work);
		return loaded.code === 0 ? undefined : loaded.output.trim().slice(-300);
	});
	if (failed !== undefined) return { missing: `node-etcd ${version} (${failed})` };
	return { command: process.execPath, args: [path.join(__dirname, "..", "parties", "node-etcd.js"), folder] };
}
