import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { findEtcd } from "etcd-watch-lab/server";
import { run } from "#bench/peers/run";
import { root } from "./checkout";
import { etcd34, onPath } from "./found";

/** The etcds with the v2 API, which 3.6 removed: Debian's 3.4, the wheel's 3.5.1, and the last 3.5, built with Go. */
export const kinds = ["3.4", "3.5.1", "newest"] as const;

/** Those that v3 can be tried on; 3.6 and 3.7 are built with Go, too. */
export const v3Kinds = [...kinds, "3.6", "3.7"] as const;

/** All that `npm run versions` tries: 3.5.12 has two faults of the watch that none of the others has, or that 3.5.1 has too. */
export const versionKinds = ["3.4", "3.5.1", "3.5.12", "newest", "3.6", "3.7"] as const;
export type EtcdKind = (typeof versionKinds)[number];

export type Found = { readonly binary: string } | { readonly missing: string };

/** What is built, from test/etcds/VERSION/go.mod with the sums of all its modules. "newest" is the last with v2. */
export const built = { newest: "3.5.35", "3.5.12": "3.5.12", "3.6": "3.6.16", "3.7": "3.7.3" } as const;

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
	return await once(built[kind]);
}

/** The version that a file says it is; undefined for what is no etcd. */
export function versionOf(file: string): string | undefined {
	const { stdout } = spawnSync(file, ["--version"], { encoding: "utf8", timeout: 10_000 });
	return /etcd Version: (\S+)/.exec(stdout ?? "")?.[1];
}

/** Builds it unless it is there; half a minute, and a minute of downloads at first. */
async function once(version: string): Promise<Found> {
	const folder = path.join(root, ".lab", `etcd-${version}`);
	const binary = path.join(folder, process.platform === "win32" ? "etcd.exe" : "etcd");
	if (versionOf(binary) === version) return { binary };
	// Those of v3Kinds were tried before the tests (support/build-etcds.ts).
	const wasTried = v3Kinds.some((kind) => kind in built && Reflect.get(built, kind) === version);
	if (wasTried && process.env["ETCD_WATCH_LAB_NO_BUILD"] === "1")
		return {
			missing: `etcd ${version} (it could not be built before the tests: .artifacts/tests/*/build.log)`,
		};
	fs.mkdirSync(folder, { recursive: true });
	return await buildEtcd(version, binary);
}

/** The reader's own workspace and flags are not for this. */
const ownFlags = { CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off" };

/**
 * Builds that version into a file. Go takes no module but those whose sums are committed, whichever mirror the reader's
 * environment names. What is in the way is given, not thrown.
 */
export async function buildEtcd(version: string, binary: string, env = process.env): Promise<Found> {
	const go = onPath("go");
	if (go === undefined) return { missing: `etcd ${version} (built with Go, which is not on the PATH)` };
	const work = fs.mkdtempSync(path.join(path.dirname(binary), "build-"));
	try {
		const source = path.join(root, "test", "etcds");
		fs.cpSync(path.join(source, version), work, { recursive: true });
		fs.copyFileSync(path.join(source, "main.go"), path.join(work, "main.go"));
		const args = ["build", "-mod=readonly", "-trimpath", "-o", "built", "."];
		const { code, output } = await run(go, args, work, { ...env, ...ownFlags });
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
