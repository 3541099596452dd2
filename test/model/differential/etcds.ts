import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { findEtcd } from "etcd-watch-lab/server";
import { root } from "../../support/checkout";
import { etcd34, onPath } from "../../support/found";

/** The etcds with the v2 API, which 3.6 removed: Debian's 3.4, the wheel's 3.5.1, and the last 3.5, built with Go. */
export const kinds = ["3.4", "3.5.1", "newest"] as const;

/** Those that v3 can be tried on; 3.6 and 3.7 are built with Go, too. */
export const v3Kinds = [...kinds, "3.6", "3.7"] as const;

/** All that `npm run versions` tries: 3.5.12 has two faults of the watch that none of the others has, or that 3.5.1 has too. */
export const versionKinds = ["3.4", "3.5.1", "3.5.12", "newest", "3.6", "3.7"] as const;
export type EtcdKind = (typeof versionKinds)[number];

export type Found = { readonly binary: string } | { readonly missing: string };

/** What is built, with the sum of its module, by which Go refuses another one. "newest" is the last with v2. */
const built = {
	newest: { version: "3.5.35", sum: "h1:FbHzp+5uIf1hu9KDmM4G/i/SjzDpxAABlWF8v8ZMn88=" },
	"3.5.12": { version: "3.5.12", sum: "h1:EtMjsbfyfkwZuA2JlKOiBfuGkFCekv5H178qjXypbG8=" },
	"3.6": { version: "3.6.16", sum: "h1:sLkpvz3RFtiNd/yPrZBKz5kT+XO1ZJkhmuUJeqc7OmA=" },
	"3.7": { version: "3.7.3", sum: "h1:KcTZ/aEZrOiQe0/kdr7iYYcvyfbEoOwDOacHkz8xwZc=" },
} as const;

const found = new Map<string, Promise<Found>>();

/**
 * A binary of that kind, or why there is none here and what would bring one. Looked for once in a process: a build
 * that failed is not tried again.
 */
export function etcdOf(kind: EtcdKind): Promise<Found> {
	const known = found.get(kind) ?? find(kind);
	found.set(kind, known);
	return known;
}

async function find(kind: EtcdKind): Promise<Found> {
	if (kind === "3.4") {
		const binary = etcd34();
		return binary === undefined ? { missing: "etcd 3.4 (Debian: etcd-server)" } : { binary };
	}
	if (kind === "3.5.1") {
		const binary = findEtcd({});
		const version = versionOf(binary);
		return version === kind ? { binary } : { missing: `etcd ${kind} (.venv has ${version})` };
	}
	return await build(built[kind]);
}

/** The version that a file says it is; undefined for what is no etcd. */
export function versionOf(file: string): string | undefined {
	const { stdout } = spawnSync(file, ["--version"], { encoding: "utf8", timeout: 10_000 });
	return /etcd Version: (\S+)/.exec(stdout ?? "")?.[1];
}

/** Builds it once, from the module that etcd's own main is in; half a minute, and a minute of downloads at first. */
async function build({ version, sum }: { readonly version: string; readonly sum: string }): Promise<Found> {
	const folder = path.join(root, ".lab", `etcd-${version}`);
	const binary = path.join(folder, process.platform === "win32" ? "etcd.exe" : "etcd");
	if (versionOf(binary) === version) return { binary };
	// Those of v3Kinds were tried before the tests (support/build-etcds.ts).
	const wasTried = v3Kinds.some((kind) => kind in built && Reflect.get(built, kind).version === version);
	if (wasTried && process.env["ETCD_WATCH_LAB_NO_BUILD"] === "1")
		return {
			missing: `etcd ${version} (it could not be built before the tests: .artifacts/tests/*/build.log)`,
		};
	const go = onPath("go");
	if (go === undefined) return { missing: `etcd ${version} (built with Go, which is not on the PATH)` };
	fs.mkdirSync(folder, { recursive: true });
	const work = fs.mkdtempSync(path.join(folder, "build-"));
	try {
		const module = "go.etcd.io/etcd/server/v3";
		fs.writeFileSync(path.join(work, "go.mod"), `module built\n\ngo 1.19\n\nrequire ${module} v${version}\n`);
		// Go refuses a module with another sum; those that it needs are added, by what Go's checksum database says.
		fs.writeFileSync(path.join(work, "go.sum"), `${module} v${version} ${sum}\n`);
		const main = `import (\n\t"os"\n\n\t"${module}/etcdmain"\n)\n\nfunc main() { etcdmain.Main(os.Args) }\n`;
		fs.writeFileSync(path.join(work, "main.go"), `package main\n\n${main}`);
		const { code, output } = await run(go, ["build", "-mod=mod", "-o", "built", "."], work);
		const file = path.join(work, "built");
		if (code !== 0) return { missing: `etcd ${version} (go build failed: ${output.trim().slice(-300)})` };
		if (versionOf(file) !== version) return { missing: `etcd ${version} (Go built ${versionOf(file)})` };
		// Two may build at once: the last one in place is as good as the first.
		fs.renameSync(file, binary);
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
			// The reader's own workspace and flags are not for this.
			env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off" },
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
