import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { root, run } from "./run";

/** How to start a peer, or why it can't be had here and what would bring it. */
export type Peer =
	| { readonly command: string; readonly args: readonly string[] }
	| { readonly missing: string };

/** Where a peer is once it has been made: named after the state of its source, which is a folder of bench/peers. */
export function peerFolder(name: string): string {
	const source = sourceOf(name);
	const hash = createHash("sha256");
	for (const file of fs.readdirSync(source).sort()) hash.update(fs.readFileSync(path.join(source, file)));
	return path.join(root, ".lab", `bench-peers-${name}-${hash.digest("hex").slice(0, 12)}`);
}

function sourceOf(name: string): string {
	return path.join(root, "bench", "peers", name);
}

/**
 * Makes a peer beside the lab, never in it, where it is not yet; gives what failed. `make` gets a temporary folder, so
 * that one that is there is whole, and says what failed.
 */
async function made(
	name: string,
	make: (work: string) => Promise<string | undefined>,
): Promise<string | undefined> {
	const folder = peerFolder(name);
	if (fs.existsSync(folder)) return undefined;
	fs.mkdirSync(path.dirname(folder), { recursive: true });
	const work = fs.mkdtempSync(`${folder}-`);
	try {
		const failed = await make(work);
		if (failed === undefined && !fs.existsSync(folder)) fs.renameSync(work, folder);
		return failed?.trim().slice(-300);
	} finally {
		fs.rmSync(work, { recursive: true, force: true });
	}
}

/** etcd's own clients for v2 and v3, built with Go from the versions in bench/peers/go/go.mod. */
export async function goPeer(): Promise<Peer> {
	const binary = process.platform === "win32" ? "peer.exe" : "peer";
	const failed = await made("go", async (work) => {
		const args = ["build", "-mod=readonly", "-trimpath", "-o", path.join(work, binary), "."];
		const env = { CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off" };
		const { code, output } = await run("go", args, sourceOf("go"), env);
		return code === 0 ? undefined : output;
	});
	if (failed !== undefined)
		return { missing: `the Go clients (they need Go on the PATH; go build: ${failed})` };
	return { command: path.join(peerFolder("go"), binary), args: [] };
}

export type NpmPeer = "node-etcd" | "etcd3";

/**
 * Installs a client of npm's by the lock file in its folder of bench/peers; gives the reason where it can't. No script
 * has to run: node-etcd's deasync brings its native part ready made for common systems and Nodes.
 */
export async function installPeer(name: NpmPeer): Promise<string | undefined> {
	const failed = await made(name, async (work) => {
		fs.cpSync(sourceOf(name), work, { recursive: true });
		const npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"];
		const [command = "", ...args] = process.platform === "win32" ? ["cmd", "/c", ...npm] : npm;
		const { code, output } = await run(command, args, work);
		if (code !== 0) return output;
		const loaded = await run(process.execPath, ["-e", `require(${JSON.stringify(name)})`], work);
		return loaded.code === 0 ? undefined : loaded.output;
	});
	return failed === undefined ? undefined : `${name} (npm ci: ${failed})`;
}

/** A client of npm's, and what speaks for it: bench/clients/NAME.ts. */
export async function npmPeer(name: NpmPeer): Promise<Peer> {
	const missing = await installPeer(name);
	if (missing !== undefined) return { missing };
	const program = path.join(__dirname, "..", "clients", `${name}.js`);
	return { command: process.execPath, args: ["--expose-gc", program, peerFolder(name)] };
}
