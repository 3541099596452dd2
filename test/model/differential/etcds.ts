import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { findEtcd } from "etcd-watch-lab/dist/server";
import { root } from "../../support/checkout";
import { etcd34, onPath } from "../../support/found";

export const kinds = ["3.4", "3.5", "newest"] as const;
export type EtcdKind = (typeof kinds)[number];

/** The last 3.5 there is: 3.6 removed the v2 API. Its Go module has no binary to download. */
const newestVersion = "3.5.35";

/** A binary of that kind, or why there is none here and what would bring one. */
export async function etcdOf(
	kind: EtcdKind,
): Promise<{ readonly binary: string } | { readonly missing: string }> {
	switch (kind) {
		case "3.4": {
			const binary = etcd34();
			return binary === undefined ? { missing: "etcd 3.4 (Debian: etcd-server)" } : { binary };
		}
		case "3.5":
			return { binary: findEtcd({}) };
		case "newest":
			return await buildNewest();
	}
}

/** Builds it once, from the module that etcd's own main is in; half a minute, and a minute of downloads at first. */
async function buildNewest(): Promise<{ readonly binary: string } | { readonly missing: string }> {
	const folder = path.join(root, ".lab", `etcd-${newestVersion}`);
	const binary = path.join(folder, process.platform === "win32" ? "etcd.exe" : "etcd");
	if (fs.existsSync(binary)) return { binary };
	const go = onPath("go");
	if (go === undefined) return { missing: `etcd ${newestVersion} (built with Go, which is not on the PATH)` };
	fs.mkdirSync(folder, { recursive: true });
	const work = fs.mkdtempSync(path.join(folder, "build-"));
	try {
		const module = `module newest\n\ngo 1.19\n\nrequire go.etcd.io/etcd/server/v3 v${newestVersion}\n`;
		fs.writeFileSync(path.join(work, "go.mod"), module);
		const main =
			'import (\n\t"os"\n\n\t"go.etcd.io/etcd/server/v3/etcdmain"\n)\n\nfunc main() { etcdmain.Main(os.Args) }\n';
		fs.writeFileSync(path.join(work, "main.go"), `package main\n\n${main}`);
		const { code, output } = await run(go, ["build", "-mod=mod", "-o", "built", "."], work);
		if (code !== 0)
			return { missing: `etcd ${newestVersion} (go build failed: ${output.trim().slice(-300)})` };
		// Two may build at once: the last one in place is as good as the first.
		fs.renameSync(path.join(work, "built"), binary);
		return { binary };
	} finally {
		fs.rmSync(work, { recursive: true, force: true });
	}
}

function run(
	command: string,
	args: readonly string[],
	cwd: string,
): Promise<{ code: number; output: string }> {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, {
			cwd,
			env: { ...process.env, CGO_ENABLED: "0" },
		});
		let output = "";
		const hear = (text: string) => {
			output += text;
		};
		child.stdout.setEncoding("utf8").on("data", hear);
		child.stderr.setEncoding("utf8").on("data", hear);
		child.once("error", reject).once("close", (code) => resolve({ code: code ?? 1, output }));
	});
}
