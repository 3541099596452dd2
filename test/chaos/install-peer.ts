import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

/** Installs a package of npm's into a folder of its own, where it is not yet; gives the reason where it can't. */
export async function installPeer(
	name: string,
	version: string,
	folder: string,
): Promise<string | undefined> {
	if (fs.existsSync(folder)) return undefined;
	fs.mkdirSync(path.dirname(folder), { recursive: true });
	const work = fs.mkdtempSync(`${folder}-`);
	try {
		fs.writeFileSync(path.join(work, "package.json"), '{ "private": true }\n');
		const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
		const windows = process.platform === "win32";
		const args = [...(windows ? ["/c", "npm"] : []), "install", ...flags, `${name}@${version}`];
		const child = spawn(windows ? "cmd" : "npm", args, { cwd: work, stdio: ["ignore", "ignore", "pipe"] });
		let said = "";
		child.stderr.setEncoding("utf8").on("data", (text: string) => {
			said += text;
		});
		const code = await new Promise((resolve) => {
			child.once("error", () => resolve(1)).once("close", resolve);
		});
		if (code !== 0) return `${name} ${version} (npm: ${said.trim().slice(-200)})`;
		if (!fs.existsSync(folder)) fs.renameSync(work, folder);
		return undefined;
	} finally {
		fs.rmSync(work, { recursive: true, force: true });
	}
}
